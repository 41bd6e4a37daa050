"""Yarn, classic and berry: the same words, another meaning. Which one runs, the project says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from npm_vetted.installs.commands import Act, Kind, Options, Switch, inserted, take_apart
from npm_vetted.installs.commands.npm import created, runner
from npm_vetted.installs.words import HOLE, Value, names

PROGRAMS: Final = ("yarn", "yarnpkg")

_VALUED: Final = names(
    "cwd modules-folder cache-folder registry mutex network-timeout network-concurrency prefix "
    "link-folder global-folder preferred-cache-folder use-yarnrc har proxy https-proxy emoji "
    "mode package tag otp pattern include exclude from jobs since"
)
_SHORT: Final = {"p": "package", "D": "dev", "P": "peer", "O": "optional", "E": "exact", "s": "silent",
                 "h": "help", "v": "version", "W": "ignore-workspace-root-check", "g": "global",
                 "R": "recursive", "A": "all"}  # fmt: skip
_QUIET: Final = names(
    "access audit autoclean bin cache check clean constraints explain generate-lock-entry help "
    "import info init licenses list login logout npm outdated owner pack patch patch-commit "
    "plugin policies publish run search set stage tag team test unlink unplug version versions "
    "view why workspaces-info node start tsc"
)


def variable(name: str, text: str) -> Switch:
    """``YARN_IGNORE_SCRIPTS`` (classic) and ``YARN_ENABLE_SCRIPTS`` (berry), in any case."""
    match name.lower():
        case "yarn_ignore_scripts" if text:
            return Switch.UNKNOWN if HOLE in text else _ignoring(text)
        case "yarn_enable_scripts" if text:
            if HOLE in text:
                return Switch.UNKNOWN
            return Switch.ON if text in ("true", "1") else Switch.OFF
    return Switch.UNSET


def _ignoring(text: str) -> Switch:
    return Switch.ON if text == "false" else Switch.OFF


def read(words: Sequence[str], environment: Mapping[str, Value]) -> Iterator[Act]:  # noqa: ARG001
    """What a yarn command line does; ``client`` is ``yarn``: the project says which."""
    options = take_apart(words[1:], valued=_VALUED, short=_SHORT)
    if options.has("help", "version") and not options.words:
        return
    verb = options.words[0] if options.words else "install"
    if verb.startswith(HOLE):
        yield Act(kind=Kind.INSTALL, client="yarn", switch=Switch.UNKNOWN, by="its command")
        return
    yield from _verb(verb, options, words)


def _verb(verb: str, options: Options, words: Sequence[str]) -> Iterator[Act]:
    arguments = options.words[1:]
    switch, by = switched(options)
    folder = options.value("cwd")
    packages = tuple(arguments)
    flag = "--ignore-scripts"
    fix = inserted(words, verb if verb in words else None, flag, ("mode", "no-ignore-scripts"))
    if verb == "install" and not options.words and len(words) > 1:
        fix = (words[0], "install", *fix[1:])
    match verb:
        case "install":
            yield Act(kind=Kind.INSTALL, client="yarn", switch=switch, by=by, folder=folder,
                      frozen=_frozen(options), fix=fix)  # fmt: skip
        case "add":
            yield Act(kind=Kind.ADD, client="yarn", switch=switch, by=by, folder=folder,
                      packages=packages, fix=fix)  # fmt: skip
        case "up" | "upgrade" | "upgrade-interactive" | "link" | "unplug":
            if verb != "link" or arguments:
                yield Act(kind=Kind.INSTALL, client="yarn", switch=switch, by=by, folder=folder,
                          frozen=False, fix=fix)  # fmt: skip
        case "remove" | "dedupe":
            yield Act(kind=Kind.TIDY, client="yarn", switch=switch, by=by, folder=folder, fix=fix)
        case "rebuild":
            yield Act(
                kind=Kind.REBUILD,
                client="yarn",
                switch=switch,
                by=by,
                packages=packages,
                folder=folder,
            )
        case "global":
            if arguments[:1] in (["add"], ["upgrade"]):
                yield Act(kind=Kind.GLOBAL, client="yarn", switch=switch, by=by,
                          packages=tuple(arguments[1:]), fix=fix)  # fmt: skip
        case "dlx" | "create":
            yield from _dlx(words, verb, folder)
        case "exec":
            rest = tuple(words[list(words).index(verb) + 1 :])
            yield Act(
                kind=Kind.CONFIG,
                client="yarn",
                folder=folder,
                then=rest[1:] if rest[:1] == ("--",) else rest,
            )
        case "workspace":
            inner = list(words[list(words).index(verb) + 2 :])
            if inner:
                yield from read([words[0], *inner], {})
        case "workspaces":
            yield from _workspaces(arguments, words, folder, switch, by, fix)
        case "config":
            if arguments[:1] == ["set"] and len(arguments) >= 3:
                own = not options.has("home", "H")
                yield Act(
                    kind=Kind.CONFIG, client="yarn", setting=(arguments[1], arguments[2], own)
                )
        case _ if verb not in _QUIET:
            yield Act(
                kind=Kind.CONFIG,
                client="yarn",
                folder=folder,
                then=tuple(words[list(words).index(verb) :]),
            )


def _workspaces(
    arguments: list[str],
    words: Sequence[str],
    folder: str | None,
    switch: Switch,
    by: str | None,
    fix: tuple[str, ...],
) -> Iterator[Act]:
    if arguments[:1] == ["focus"]:
        yield Act(kind=Kind.INSTALL, client="yarn", switch=switch, by=by, folder=folder, frozen=False,
                  fix=inserted(words, "focus", "--ignore-scripts", ()) if fix else ())  # fmt: skip
    elif arguments[:1] == ["foreach"]:
        index = list(words).index("foreach") + 1
        inner = take_apart(words[index:], valued=_VALUED, short={}, stop=True)
        if inner.words:
            yield from read([words[0], *inner.words], {})


def _frozen(options: Options) -> bool | None:
    for name, value in reversed(options.options):
        if name in ("frozen-lockfile", "immutable", "pure-lockfile"):
            return value != "false"
        if name in ("no-immutable", "no-lockfile"):
            return False
    return None


def switched(options: Options) -> tuple[Switch, str | None]:
    """What the flags say: ``--ignore-scripts`` for classic, ``--mode=skip-build`` for berry.

    ``by`` tells them apart; the other Yarn does not know the flag.
    """
    found: tuple[Switch, str | None] = (Switch.UNSET, None)
    for name, value in options.options:
        if name == "ignore-scripts":
            found = (Switch.OFF, "--ignore-scripts")
        elif name == "mode" and value in ("skip-build", "update-lockfile"):
            found = (Switch.OFF, "--mode")
    if found[0] is Switch.UNSET and options.unknown:
        return Switch.UNKNOWN, None
    return found


def _dlx(words: Sequence[str], verb: str, folder: str | None) -> Iterator[Act]:
    rest = list(words[list(words).index(verb) + 1 :])
    inner = take_apart(rest, valued=_VALUED, short=_SHORT, stop=True)
    packages = inner.values("package")
    command = [*inner.words, *(inner.rest or [])]
    if not packages and command:
        name = created(command[0]) if verb == "create" else command[0]
        packages, command = (name,), runner(name, command[1:])
    if packages:
        yield Act(kind=Kind.RUN, client="yarn", packages=packages, folder=folder, then=tuple(command),
                  switch=Switch.UNKNOWN if packages[0].startswith(HOLE) else Switch.UNSET,
                  fix=("env", "YARN_ENABLE_SCRIPTS=0", *words))  # fmt: skip
