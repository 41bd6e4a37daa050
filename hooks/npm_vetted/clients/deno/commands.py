"""Deno's command line, as Deno 2.9 reads them.

A command installs the packages that deno.lock pins; scripts run only if ``--allow-scripts`` or
allowScripts allows them. ``deno run npm:…`` and ``deno x`` fetch a package and run it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from npm_vetted.clients.shared.command_line import (
    Line,
    Options,
    take_apart,
    unknown_command,
    variable_setting,
)
from npm_vetted.formats.client_action import ActionKind, ClientAction, ClientRules, Switch
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, Value, word_set

PROGRAMS: Final = ("deno",)
WHOLE_WORDS: Final[tuple[str, ...]] = ()
LOCKING: Final[Mapping[str, tuple[str, ...]]] = {}

_VALUED: Final = word_set(
    "c cert config conditions env-file import-map location lock min-dep-age n name node-modules-linker "
    "os arch p package preload require root seed v8-flags"
)
_SHORT: Final = {
    "g": "global", "D": "dev", "O": "save-optional", "f": "force", "e": "entrypoint",
    "h": "help", "V": "version", "r": "reload", "A": "allow-all", "y": "yes",
}  # fmt: skip
_DROP: Final = ("allow-scripts",)
_NPM: Final = "npm:"
_JSR: Final = "jsr:"
_NO_PACKAGE: Final = ("https://", "http://", ".", "/")

RULES: Final = ClientRules()


def variable(name: str, text: str) -> Switch:  # noqa: ARG001
    """No variable switches scripts (seen with 2.9.6: ``npm_config_ignore_scripts`` has no meaning)."""
    return Switch.UNSET


def source_variable(name: str) -> str | None:
    """npm's variables, for Deno reads .npmrc settings."""
    return variable_setting(name, ("npm_config_",))


def read(words: Sequence[str], environment: Mapping[str, Value]) -> Iterator[ClientAction]:  # noqa: ARG001
    """The actions of a deno command line."""
    options = take_apart(words[1:], valued=_VALUED, short=_SHORT, stop=True)
    if not options.words or options.has("help", "version"):
        return
    verb = options.words[0]
    if verb.startswith(UNKNOWN_TEXT):
        yield unknown_command("deno")
        return
    rest = options.words[1:]
    if verb in _RUNNERS or verb.startswith((_NPM, _JSR)):
        yield from _fetch(
            [verb, *rest] if verb not in _RUNNERS else rest, words, strict=verb != "x"
        )
        return
    reader = _READERS.get(verb)
    if reader is not None:
        inner = take_apart(rest, valued=_VALUED, short=_SHORT)
        inner.words.insert(0, verb)
        quiet = tuple(word for word in words if not word.startswith("--allow-scripts"))
        for act in reader(_line(words, verb, inner)):
            yield replace(act, fix=quiet if act.switch is Switch.ON else ())


def _line(words: Sequence[str], verb: str, options: Options) -> Line:
    switch, by = switched(options)
    path = options.value("config", "c")
    folder = path.rpartition("/")[0] if path is not None else None
    return Line(
        client="deno",
        words=words,
        options=options,
        verb=verb,
        switch=switch,
        by=by,
        flag="",
        drop=_DROP,
        folder=folder or None,
        obeys=not options.has("no-config"),
        outside=options.has("global"),
    )


def switched(options: Options) -> tuple[Switch, str | None]:
    """``--allow-scripts`` without packages runs every script; with packages see ``_named``."""
    if None in _allowed(options):
        return Switch.ON, "--allow-scripts"
    return (Switch.UNKNOWN, None) if options.unknown else (Switch.UNSET, None)


def _allowed(options: Options) -> list[str | None]:
    return [value or None for name, value in options.options if name == "allow-scripts"]


def _named(line: Line) -> Iterator[ClientAction]:
    """The packages whose scripts ``--allow-scripts=npm:a,npm:b`` allows, in one action."""
    texts = [text for each in _allowed(line.options) for text in (each or "").split(",") if text]
    if texts:
        named = tuple(each.removeprefix(_NPM) for each in texts)
        yield line.act(ActionKind.ALLOW, packages=named, switch=Switch.UNSET)


def _install(line: Line) -> Iterator[ClientAction]:
    yield from _named(line)
    if line.outside:
        yield line.act(ActionKind.GLOBAL, packages=_packages(line))
    elif not line.options.has("lockfile-only"):
        kind = (
            ActionKind.ADD
            if line.arguments and not line.options.has("entrypoint")
            else ActionKind.INSTALL
        )
        packages = _packages(line) if kind is ActionKind.ADD else ()
        yield line.act(kind, packages=packages, frozen=_frozen(line))


def _frozen(line: Line) -> bool | None:
    return True if line.options.has("frozen", "frozen-lockfile") else None


def _packages(line: Line) -> tuple[str, ...]:
    return tuple(each.removeprefix(_NPM) for each in line.arguments)


def _ci(line: Line) -> Iterator[ClientAction]:
    yield from _named(line)
    yield line.act(ActionKind.INSTALL, frozen=True)


def _update(line: Line) -> Iterator[ClientAction]:
    yield from _named(line)
    if line.verb == "update" or line.options.has("update", "u"):
        yield line.act(ActionKind.INSTALL)


def _tidy(line: Line) -> Iterator[ClientAction]:
    yield line.act(ActionKind.TIDY)


def _approve(line: Line) -> Iterator[ClientAction]:
    named = () if line.options.has("all", "a") else _packages(line)
    yield line.act(ActionKind.ALLOW, packages=named)


def _fetch(
    rest: list[str], words: Sequence[str], *, strict: bool = False
) -> Iterator[ClientAction]:
    """A package that is fetched and run; ``strict``: only with a prefix, else it is a file."""
    inner = take_apart(rest, valued=_VALUED, short=_SHORT, stop=True)
    named = inner.values("package", "p") or tuple(inner.words[:1])
    if inner.has("help", "version") or not named or named[0].startswith(_NO_PACKAGE):
        return
    package = named[0]
    if strict and not package.startswith((_NPM, _JSR)):
        return
    switch, by = switched(Options(inner.options, []))
    line = Line(
        client="deno", words=words, options=inner, verb=words[0], switch=switch, by=by,
        flag="", drop=_DROP,
    )  # fmt: skip
    yield from _named(line)
    name = _without_path(package.removeprefix(_NPM).removeprefix(_JSR))
    if package.startswith(_JSR):
        name = _name_of_jsr(name)
    unknown = Switch.UNKNOWN if name.startswith(UNKNOWN_TEXT) else switch
    yield line.act(ActionKind.RUN, packages=(name,), switch=unknown)


def _without_path(text: str) -> str:
    """``name@version`` of ``name@version/bin``."""
    parts = text.removeprefix("/").split("/")
    return "/".join(parts[: 2 if text.startswith("@") else 1])


def _name_of_jsr(text: str) -> str:
    """``@scope/name@version`` under the name that the lockfile's reader gives a package of jsr."""
    scope, slash, rest = text.partition("/")
    return f"@jsr/{scope.removeprefix('@')}__{rest}" if slash and rest else text


_RUNNERS: Final = frozenset({"run", "x", "eval", "serve", "test", "compile"})
_READERS: Final[Mapping[str, Callable[[Line], Iterator[ClientAction]]]] = {
    **dict.fromkeys(("install", "i", "add"), _install),
    "ci": _ci,
    **dict.fromkeys(("update", "outdated"), _update),
    **dict.fromkeys(("remove", "uninstall"), _tidy),
    "approve-scripts": _approve,
}
