"""Bun and bunx, as Bun 1.2 to 1.4 read their command lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from npm_vetted.installs.commands import Act, Kind, Options, Switch, inserted, take_apart
from npm_vetted.installs.commands.npm import created, runner
from npm_vetted.installs.words import HOLE, Value, names

PROGRAMS: Final = ("bun", "bunx")

_VALUED: Final = names(
    "config c ca cafile cache-dir cwd env-file backend registry concurrent-scripts network- "
    "concurrency omit linker minimum-release-age minimum-release-age-excludes cpu os libc "
    "filter F package p preload r shell"
)
_SHORT: Final = {
    "g": "global",
    "d": "dev",
    "E": "exact",
    "f": "force",
    "y": "yarn",
    "h": "help",
    "v": "version",
    "a": "analyze",
}
_DROP: Final = ("trust",)


def variable(name: str, text: str) -> Switch:  # noqa: ARG001
    """No variable counts in every version (``npm_config_ignore_scripts`` only from 1.4)."""
    return Switch.UNSET


def read(words: Sequence[str], environment: Mapping[str, Value]) -> Iterator[Act]:  # noqa: ARG001
    """What a bun or bunx command line does."""
    if words[0] == "bunx":
        yield from _x(words, list(words[1:]))
        return
    options = take_apart(words[1:], valued=_VALUED - {"p"}, short={**_SHORT, "p": "production"})
    if not options.words or options.has("help", "dry-run"):
        return
    verb = options.words[0]
    if verb.startswith(HOLE):
        yield Act(kind=Kind.INSTALL, client="bun", switch=Switch.UNKNOWN, by="its command")
        return
    packages = tuple(options.words[1:])
    switch, by = switched(options)
    folder = options.value("cwd")
    fix = inserted(words, verb, "--ignore-scripts", _DROP)
    match verb:
        case "install" | "i" | "ci" | "add" | "a" | "update" | "link":
            if options.has("global"):
                yield Act(
                    kind=Kind.GLOBAL, client="bun", switch=switch, by=by, packages=packages, fix=fix
                )
            elif not options.has("lockfile-only") and (verb != "link" or packages):
                named = packages if verb not in ("ci", "update") else ()
                frozen = True if verb == "ci" or options.has("frozen-lockfile") else None
                yield Act(kind=Kind.ADD if named else Kind.INSTALL, client="bun", switch=switch, by=by,
                          packages=named, folder=folder, frozen=frozen, fix=fix)  # fmt: skip
        case "remove" | "rm" | "dedupe":
            yield Act(kind=Kind.TIDY, client="bun", switch=switch, by=by, folder=folder, fix=fix)
        case "pm":
            if packages[:1] == ("trust",):
                named = () if options.has("all") else packages[1:]
                yield Act(
                    kind=Kind.ALLOW, client="bun", switch=Switch.ON, packages=named, folder=folder
                )
        case "x":
            yield from _x(words, list(words[list(words).index(verb) + 1 :]))
        case "create" | "c":
            if packages and not packages[0].startswith((".", "/")):
                yield Act(
                    kind=Kind.RUN,
                    client="bun",
                    switch=switch,
                    by=by,
                    packages=(created(packages[0]),),
                    fix=fix,
                )
        case "exec":
            yield Act(kind=Kind.CONFIG, client="bun", shell=" ".join(packages))


def switched(options: Options) -> tuple[Switch, str | None]:
    """What the flags say: ``--trust`` beats a setting that switches scripts off (1.4)."""
    if options.has("ignore-scripts"):
        return Switch.OFF, "--ignore-scripts"
    if options.has("trust"):
        return Switch.ON, "--trust"
    return (Switch.UNKNOWN, None) if options.unknown else (Switch.UNSET, None)


def _x(words: Sequence[str], rest: list[str]) -> Iterator[Act]:
    inner = take_apart(rest, valued=_VALUED, short={"p": "package"}, stop=True)
    if inner.has("help", "no-install"):
        return
    switch, by = switched(Options(inner.options, []))
    command = [*inner.words, *(inner.rest or [])]
    packages = inner.values("package")
    if not packages and command:
        packages, command = (command[0],), runner(command[0], command[1:])
    if packages:
        verb = "x" if words[0] == "bun" else None
        yield Act(kind=Kind.RUN, client="bun", switch=switch, by=by, packages=packages,
                  folder=inner.value("cwd"), then=tuple(command),
                  fix=inserted(words, verb, "--ignore-scripts", _DROP))  # fmt: skip
