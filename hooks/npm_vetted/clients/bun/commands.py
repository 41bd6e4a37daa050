"""Bun and bunx, as Bun 1.2 to 1.4 read their command lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from npm_vetted.clients.shared.command_line import (
    Line,
    Options,
    created,
    fetched,
    take_apart,
    tidies,
    unknown_command,
    variable_setting,
)
from npm_vetted.formats.client_action import ActionKind, ClientAction, ClientRules, Switch
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, Value, word_set

PROGRAMS: Final = ("bun", "bunx")
WHOLE_WORDS: Final[tuple[str, ...]] = ()
LOCKING: Final[Mapping[str, tuple[str, ...]]] = {
    "bun": ("bun", "--cwd", ".", "add", "--dev", "--exact", "--ignore-scripts")
}

_VALUED: Final = word_set(
    "F backend c ca cache-dir cafile concurrent-scripts config cpu cwd env-file filter libc "
    "linker minimum-release-age minimum-release-age-excludes network-concurrency omit os p "
    "package preload r registry shell"
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

RULES: Final = ClientRules(frozen={"bun": "--frozen-lockfile"}, needs_script=frozenset({"bun"}))
"""``needs_script``: without its install script, the package ``bun`` is an empty program (1.3.0, npm 11)."""


def variable(name: str, text: str) -> Switch:  # noqa: ARG001
    """The effect of a variable on scripts: none that all versions share (1.4 reads npm's, older do not)."""
    return Switch.UNSET


def source_variable(name: str) -> str | None:
    """The source setting of a variable (``BUN_CONFIG_REGISTRY``, npm's variables); None: it sets none."""
    return variable_setting(name, ("npm_config_", "bun_config_"))


def read(words: Sequence[str], environment: Mapping[str, Value]) -> Iterator[ClientAction]:  # noqa: ARG001
    """The actions of a bun or bunx command line."""
    if words[0] == "bunx":
        yield from _x(_line(words, "bunx", Options([], [])), list(words[1:]))
        return
    options = take_apart(words[1:], valued=_VALUED - {"p"}, short={**_SHORT, "p": "production"})
    if not options.words or options.has("help", "dry-run"):
        return
    verb = options.words[0]
    if verb.startswith(UNKNOWN_TEXT):
        yield unknown_command("bun")
        return
    reader = _READERS.get(verb)
    if reader is not None:
        yield from reader(_line(words, verb, options))


def _line(words: Sequence[str], verb: str, options: Options) -> Line:
    switch, by = switched(options)
    return Line(
        client="bun",
        words=words,
        options=options,
        verb=verb,
        switch=switch,
        by=by,
        flag="--ignore-scripts",
        drop=_DROP,
        folder=options.value("cwd"),
        obeys=options.value("config", "c") is None,
        outside=options.has("global"),
    )


def _install(line: Line) -> Iterator[ClientAction]:
    if line.outside:
        yield line.act(ActionKind.GLOBAL, packages=line.arguments)
    elif not line.options.has("lockfile-only"):
        kind = ActionKind.ADD if line.arguments else ActionKind.INSTALL
        frozen = True if line.options.has("frozen-lockfile", "production") else None
        yield line.act(kind, packages=line.arguments, frozen=frozen)


def _ci(line: Line) -> Iterator[ClientAction]:
    yield line.act(ActionKind.INSTALL, frozen=True)


def _update(line: Line) -> Iterator[ClientAction]:
    yield line.act(ActionKind.GLOBAL if line.outside else ActionKind.INSTALL)


def _link(line: Line) -> Iterator[ClientAction]:
    if line.arguments:
        yield from _install(line)


def _pm(line: Line) -> Iterator[ClientAction]:
    if line.arguments[:1] == ("trust",):
        named = () if line.options.has("all") else line.arguments[1:]
        yield line.act(ActionKind.ALLOW, packages=named)


def _create(line: Line) -> Iterator[ClientAction]:
    if line.arguments and not line.arguments[0].startswith((".", "/")):
        yield line.fetches(created(line.arguments[0]), ())


def _starts(line: Line) -> Iterator[ClientAction]:
    yield line.starts()


def _shell(line: Line) -> Iterator[ClientAction]:
    yield ClientAction(kind=ActionKind.CONFIG, client="bun", shell=" ".join(line.arguments))


def _fetch_and_run(line: Line) -> Iterator[ClientAction]:
    yield from _x(line, line.rest)


def switched(options: Options) -> tuple[Switch, str | None]:
    """The effect of the flags: ``--trust`` wins over a setting that switches scripts off (1.4)."""
    if options.has("ignore-scripts"):
        return Switch.OFF, "--ignore-scripts"
    if options.has("trust"):
        return Switch.ON, "--trust"
    return (Switch.UNKNOWN, None) if options.unknown else (Switch.UNSET, None)


def _x(line: Line, rest: list[str]) -> Iterator[ClientAction]:
    inner = take_apart(rest, valued=_VALUED, short={"p": "package"}, stop=True)
    if inner.has("help", "no-install"):
        return
    packages, command = fetched(inner)
    if packages:
        switch, by = switched(Options(inner.options, []))
        if packages[0].startswith(UNKNOWN_TEXT):
            switch = Switch.UNKNOWN
        act = replace(line, by=by, options=inner, folder=inner.value("cwd") or line.folder)
        found = act.act(ActionKind.RUN, packages=packages, switch=switch)
        # Bun may start a local program of the command's name, whatever --package says
        yield replace(found, then=tuple(command), names_packages=False)


_READERS: Final[Mapping[str, Callable[[Line], Iterator[ClientAction]]]] = {
    **dict.fromkeys(("install", "i", "add", "a"), _install),
    "ci": _ci,
    "update": _update,
    "link": _link,
    **dict.fromkeys(("remove", "rm", "dedupe"), tidies),
    "pm": _pm,
    **dict.fromkeys(("create", "c"), _create),
    "init": _starts,
    "exec": _shell,
    "x": _fetch_and_run,
}
