"""pnpm and pnpx, as pnpm 9 to 12 read their command lines (each command's ``commandNames``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from npm_vetted.installs.commands import (
    Act,
    Kind,
    Options,
    Switch,
    boolean_switch,
    inserted,
    opposite,
    take_apart,
)
from npm_vetted.installs.commands.npm import created, runner
from npm_vetted.installs.words import HOLE, Value, names

PROGRAMS: Final = ("pnpm", "pnpx", "pn", "pnx")

_INSTALL: Final = ("install", "i", "install-test", "it")
_CLEAN: Final = ("ci", "clean-install", "ic", "install-clean")
_UPDATE: Final = ("update", "up", "upgrade")
_TIDY: Final = ("remove", "rm", "uninstall", "un", "uni", "prune", "dedupe", "unlink", "dislink")
_RECURSIVE: Final = ("recursive", "multi", "m")
_OTHERS: Final = names(
    "audit bin bugs c cache cat-file cat-index clean completion config deprecate dist-tag docs "
    "doctor env fetch find-hash get help ignored-builds import info init la licenses link list "
    "ll ln login logout ls outdated owner pack patch patch-commit patch-remove ping pkg prefix "
    "publish rebuild restart root rt run run-script runtime sbom search self-update server "
    "setup show stage start stop store t test token unpublish version view whoami why set"
)
_VALUED: Final = names(
    "dir C filter filter-prod registry reporter loglevel store-dir modules-dir virtual-store- "
    "dir lockfile-dir network-concurrency child-concurrency workspace-concurrency node-linker "
    "package allow-build test-pattern changed-files-ignore-pattern prefix workspace cpu os libc "
    "location call"
)
_SHORT: Final = {
    "C": "dir", "F": "filter", "g": "global", "r": "recursive", "w": "workspace-root",
    "D": "save-dev", "P": "save-prod", "O": "save-optional", "E": "save-exact", "f": "force",
    "s": "silent", "h": "help", "v": "version", "L": "latest", "i": "interactive", "c": "shell-mode",
    "prefix": "dir",
}  # fmt: skip
_ON: Final = ("dangerously-allow-all-builds", "config.dangerouslyAllowAllBuilds",
              "config.dangerously-allow-all-builds")  # fmt: skip
_FLAGS: Final = ("ignore-scripts", "config.ignore-scripts", "config.ignoreScripts")
_DROP: Final = (*_FLAGS, *_ON, "no-ignore-scripts", "allow-build")


def variable(name: str, text: str) -> Switch:
    """``npm_config_`` counts until pnpm 10, ``pnpm_config_`` from 11."""
    lowered = name.lower().replace("-", "_")
    for prefix in ("npm_config_", "pnpm_config_"):
        if lowered.startswith(prefix) and text:
            key = lowered.removeprefix(prefix)
            if key == "ignore_scripts":
                return boolean_switch(text)
            if key == "dangerously_allow_all_builds":
                return Switch.ON if text != "false" else Switch.UNSET
    return Switch.UNSET


def read(words: Sequence[str], environment: Mapping[str, Value]) -> Iterator[Act]:  # noqa: ARG001
    """What a pnpm or pnpx command line does."""
    if words[0] in ("pnpx", "pnx"):
        yield from _dlx(words, None, list(words[1:]), Options([], []))
        return
    options = take_apart(words[1:], valued=_VALUED, short=_SHORT, loose=True)
    if options.words[:1] and options.words[0] in _RECURSIVE:
        options.words.pop(0)
    if options.has("help", "version"):
        return
    if not options.words:
        return
    verb = options.words[0]
    if verb.startswith(HOLE):
        yield Act(kind=Kind.INSTALL, client="pnpm", switch=Switch.UNKNOWN, by="its command")
        return
    yield from _verb(verb, options, words)


def _verb(verb: str, options: Options, words: Sequence[str]) -> Iterator[Act]:
    switch, by = switched(options)
    packages = tuple(options.words[1:])
    folder = options.value("dir", "C")
    fix = inserted(words, verb, "--ignore-scripts", _DROP)
    everywhere = options.has("global")
    if verb in ("add", *_INSTALL, *_CLEAN, *_UPDATE, "link", "ln", "deploy"):
        if everywhere:
            yield Act(
                kind=Kind.GLOBAL, client="pnpm", switch=switch, by=by, packages=packages, fix=fix
            )
            return
        if options.has("lockfile-only") or (verb in ("link", "ln") and not packages):
            return
        named = packages if verb in ("add", *_INSTALL, "link", "ln") else ()
        yield Act(
            kind=Kind.ADD if named else Kind.INSTALL,
            client="pnpm",
            switch=switch,
            by=by,
            packages=named,
            folder=folder,
            frozen=_frozen(verb, options),
            fix=fix,
        )
    elif verb in _TIDY and not everywhere:
        yield Act(kind=Kind.TIDY, client="pnpm", switch=switch, by=by, folder=folder, fix=fix)
    elif verb in ("rebuild", "rb"):
        yield Act(
            kind=Kind.REBUILD, client="pnpm", switch=switch, by=by, packages=packages, folder=folder
        )
    elif verb in ("dlx", "create"):
        index = list(words).index(verb)
        before = take_apart(words[1:index], valued=_VALUED, short=_SHORT, loose=True)
        yield from _dlx(words, verb, list(words[index + 1 :]), before)
    elif verb == "exec":
        index = list(words).index(verb)
        rest = [word for word in words[index + 1 :]]
        inner = take_apart(rest, valued=_VALUED, short=_SHORT, stop=True)
        yield Act(
            kind=Kind.CONFIG,
            client="pnpm",
            folder=folder,
            then=tuple([*inner.words, *(inner.rest or [])]),
        )
    elif verb == "approve-builds":
        named = () if options.has("all") else tuple(p for p in packages if not p.startswith("!"))
        yield Act(kind=Kind.ALLOW, client="pnpm", switch=Switch.ON, packages=named)
    elif verb in ("config", "c", "set"):
        arguments = packages[1:] if packages[:1] == ("set",) and verb != "set" else packages
        if verb == "set" or packages[:1] == ("set",):
            yield from _config(arguments, options)
    elif verb not in _OTHERS:
        yield Act(kind=Kind.CONFIG, client="pnpm", folder=folder, then=_script(words, verb))


def _script(words: Sequence[str], verb: str) -> tuple[str, ...]:
    """``pnpm eslint .`` runs a script or a program of that name."""
    return tuple(words[list(words).index(verb) :])


def _frozen(verb: str, options: Options) -> bool | None:
    if verb in (*_CLEAN, "deploy"):
        return True
    for name, value in reversed(options.options):
        if name in ("frozen-lockfile", "prefer-frozen-lockfile"):
            return name == "frozen-lockfile" if value != "false" else False
        if name == "no-frozen-lockfile":
            return value == "false"
    return False if verb in _UPDATE else None


def switched(options: Options) -> tuple[Switch, str | None]:
    """What the flags say."""
    found, by = Switch.UNSET, None
    for name, value in options.options:
        bare = name.removeprefix("no-")
        if bare in _FLAGS:
            found = boolean_switch(value)
            if name.startswith("no-"):
                found = opposite(found)
            by = f"--{name}" + (f"={value}" if value is not None else "")
    for name, value in options.options:
        if found is not Switch.OFF and name in _ON and value != "false":
            return Switch.ON, f"--{name}"
        if found is not Switch.OFF and name == "allow-build":
            return Switch.ON, f"--{name}={value or ''}"
    if found is Switch.UNSET and options.unknown:
        return Switch.UNKNOWN, None
    return found, by


def _dlx(words: Sequence[str], verb: str | None, rest: list[str], before: Options) -> Iterator[Act]:
    inner = take_apart(rest, valued=_VALUED, short=_SHORT, stop=True)
    both = Options([*before.options, *inner.options], [])
    if both.has("help"):
        return
    switch, by = switched(both)
    command = [*inner.words, *(inner.rest or [])]
    packages = both.values("package")
    if not packages and command:
        name = created(command[0]) if verb == "create" else command[0]
        packages = (name,)
        command = runner(name, command[1:])
    if not packages:
        return
    flag = "--config.ignore-scripts=true"
    kept = inserted(words, None, flag, _DROP)
    fix = kept if words[0] in ("pnpm", "pn") else ("pnpm", flag, "dlx", *kept[2:])
    yield Act(
        kind=Kind.RUN,
        client="pnpm",
        switch=switch if not packages[0].startswith(HOLE) else Switch.UNKNOWN,
        by=by,
        packages=packages,
        folder=both.value("dir", "C"),
        then=tuple(command),
        fix=fix,
    )


def _config(arguments: tuple[str, ...], options: Options) -> Iterator[Act]:
    pairs = [word.partition("=") for word in arguments if "=" in word]
    if not pairs and len(arguments) >= 2:
        pairs = [(arguments[0], "=", arguments[1])]
    for key, _, value in pairs:
        own = options.value("location") == "project"
        yield Act(kind=Kind.CONFIG, client="pnpm", setting=(key, value, own))
