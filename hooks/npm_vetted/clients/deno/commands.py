"""Deno's command line, as Deno 2.9 reads it.

Most commands install the packages that deno.lock pins. Scripts only run if ``--allow-scripts`` or
``allowScripts`` permits them. ``deno run npm:…`` and ``deno x`` fetch a package and run it. The module
``options`` knows which options bypass deno.lock or deno.json.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from npm_vetted.clients.deno.config import is_frozen
from npm_vetted.clients.deno.options import SHORT, VALUED, weak_variable, weaknesses
from npm_vetted.clients.deno.specifiers import module_name, plain_target
from npm_vetted.clients.shared.command_line import (
    Line,
    Options,
    take_apart,
    unknown_command,
    variable_setting,
)
from npm_vetted.formats.client_action import ActionKind, ClientAction, ClientRules, Switch
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, Value
from npm_vetted.model import Project

PROGRAMS: Final = ("deno",)
WHOLE_WORDS: Final[tuple[str, ...]] = ()
LOCKING: Final[Mapping[str, tuple[str, ...]]] = {}

_DROP: Final = ("allow-scripts",)
_NPM: Final = "npm:"
_JSR: Final = "jsr:"
_URLS: Final = ("https://", "http://")
_QUIET: Final = frozenset({
    "bump-version", "clean", "completions", "coverage", "fmt", "help", "lint", "list", "lsp", "types",
    "upgrade", "vendor", "why",
})  # fmt: skip
"""The commands that neither install nor run anything."""
_OF_JSR: Final = {"deploy": "@deno/deploy", "sandbox": "@deno/deploy"}
"""Commands that fetch and run the newest version of a jsr package -> that package."""
_SOURCES: Final = {
    "DENO_CERT": "cafile",
    "JSR_URL": "@jsr:registry",
    "JSR_NPM_URL": "@jsr:registry",
}


def _frozen_by(project: Project) -> bool:
    """``"lock": {"frozen": true}`` of deno.json."""
    return is_frozen(project.path, project.read)


RULES: Final = ClientRules(weakens=weak_variable, frozen_by=_frozen_by)


def variable(name: str, text: str) -> Switch:  # noqa: ARG001
    """The effect of a variable on scripts: none (2.9.6 ignores ``npm_config_ignore_scripts``)."""
    return Switch.UNSET


def source_variable(name: str) -> str | None:
    """The source setting of a variable: npm's variables count, because Deno reads .npmrc settings."""
    return _SOURCES.get(name) or variable_setting(name, ("npm_config_",))


def read(words: Sequence[str], environment: Mapping[str, Value]) -> Iterator[ClientAction]:  # noqa: ARG001
    """The actions of a deno command line."""
    outer = take_apart(words[1:], valued=VALUED, short=SHORT, stop=True)
    if not outer.words or outer.has("help", "version"):
        return
    verb, rest = outer.words[0], outer.words[1:]
    if verb.startswith(UNKNOWN_TEXT):
        yield unknown_command("deno")
        return
    if verb in _QUIET:
        return
    stop = (
        verb in _WITH_ARGUMENTS or verb not in _VERBS
    )  # without a verb Deno runs a file or a task
    inner = take_apart(
        rest if verb in _VERBS else outer.words, valued=VALUED, short=SHORT, stop=stop
    )
    options = Options([*outer.options, *inner.options], [verb, *inner.words], inner.rest)
    if inner.has("help"):
        return
    quiet = tuple(word for word in words if not word.startswith("--allow-scripts"))
    line = _line(words, verb, options)
    reader = _READERS.get(verb, _runs)
    acts = list(reader(line))
    if not acts and line.switch is Switch.ON:
        acts = [line.act(ActionKind.INSTALL)]
    found, sources = tuple(weaknesses(words, options)), tuple(_sources(options))
    if not acts and (found or sources):
        acts = [line.act(ActionKind.CONFIG)]
    for at, act in enumerate(acts):
        yield replace(
            act,
            fix=quiet if act.switch is Switch.ON else (),
            sources=(*act.sources, *sources),
            weakens=found if at == 0 else (),
        )


def _line(words: Sequence[str], verb: str, options: Options) -> Line:
    switch, by = switched(options)
    path = options.value("config")
    folder = posixpath.dirname(path) if path is not None else options.value("cwd")
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


def _sources(options: Options) -> Iterator[tuple[str, str]]:
    for name, value in options.options:
        if name == "cert" and value is not None:
            yield "cafile", value
        elif name == "unsafely-ignore-certificate-errors":
            yield "strict-ssl", "false"


def switched(options: Options) -> tuple[Switch, str | None]:
    """The effect of the flags: ``--allow-scripts`` alone runs every script; for named packages, see ``_named``."""
    if None in _allowed(options):
        return Switch.ON, "--allow-scripts"
    unknown = any(name.startswith(UNKNOWN_TEXT) for name, _ in options.options)
    return (Switch.UNKNOWN, None) if unknown else (Switch.UNSET, None)


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
    packages = _packages(line)
    if line.outside:
        modules = [each for each in line.arguments if each.lower().startswith(_URLS)]
        yield from (_module(line, each, always=True) for each in modules[:1])
        if not modules:
            yield line.act(ActionKind.GLOBAL, packages=packages)
    elif not line.options.has("lockfile-only"):
        added = bool(line.arguments) and not line.options.has("entrypoint")
        kind = ActionKind.ADD if added else ActionKind.INSTALL
        yield line.act(kind, packages=packages if added else (), frozen=_frozen(line))


def _frozen(line: Line) -> bool | None:
    names = ("frozen", "frozen-lockfile")
    said = any(name in names for name, _ in line.options.options)
    return line.options.has(*names) if said else None


def _packages(line: Line) -> tuple[str, ...]:
    return tuple(each.removeprefix(_NPM) for each in line.arguments)


def _ci(line: Line) -> Iterator[ClientAction]:
    yield from _named(line)
    yield line.act(ActionKind.INSTALL, frozen=True)


def _update(line: Line) -> Iterator[ClientAction]:
    yield from _named(line)
    if line.verb == "update" or line.options.has("update"):
        yield line.act(ActionKind.INSTALL)


def _tidy(line: Line) -> Iterator[ClientAction]:
    yield line.act(ActionKind.TIDY)


def _approve(line: Line) -> Iterator[ClientAction]:
    named = () if line.options.has("all", "a") else _packages(line)
    yield line.act(ActionKind.ALLOW, packages=named)


def _task(line: Line) -> Iterator[ClientAction]:
    """``deno task --eval TEXT`` runs a text of the shell; a task's own text is in deno.json."""
    if line.options.has("eval"):
        yield replace(line.act(ActionKind.CONFIG), shell=" ".join(line.arguments))


def _create(line: Line) -> Iterator[ClientAction]:
    """``deno create npm:NAME``, ``deno init --npm NAME``: the package ``create-NAME`` or a jsr package."""
    name = line.arguments[0] if line.arguments else ""
    if line.verb == "init" and not line.options.has("npm", "jsr"):
        return
    if name.startswith(_JSR) or line.options.has("jsr"):
        yield _fetches(line, _JSR + name.removeprefix(_JSR))
    elif name:
        from npm_vetted.clients.shared.command_line import created

        yield _fetches(line, created(name.removeprefix(_NPM)))


def _of_jsr(line: Line) -> Iterator[ClientAction]:
    yield _fetches(line, _JSR + _OF_JSR[line.verb])


def _runs(line: Line) -> Iterator[ClientAction]:
    """The actions of a command that runs a package or remote module, with its ``--preload`` modules."""
    yield from _named(line)
    count = 1 if line.verb in _WITH_ARGUMENTS or line.verb not in _VERBS else None
    main = line.options.values("package") or line.arguments[:count]
    early = line.options.values("preload", "require")
    for text in (*(() if line.verb == "eval" else main), *early):
        target = plain_target(text)
        if target.lower().startswith(_URLS):
            locked = line.verb in _LOCKED or line.options.value("lock") is not None
            yield _module(line, target, always=not locked)
        elif target.startswith((_NPM, _JSR)):
            yield _fetches(line, target)
        elif line.verb == "x" and text in main and not text.startswith((".", "/")):
            yield _fetches(line, text)


def _module(line: Line, url: str, *, always: bool) -> ClientAction:
    """The action of running a remote module; ``always``: Deno does not compare it with deno.lock (2.9.6)."""
    found = line.act(ActionKind.RUN, packages=(module_name(url),), switch=line.switch)
    return replace(found, fetches_always=always)


def _fetches(line: Line, package: str) -> ClientAction:
    name = _without_path(package.removeprefix(_NPM).removeprefix(_JSR))
    if package.startswith(_JSR):
        name = _name_of_jsr(name)
    unknown = Switch.UNKNOWN if name.startswith(UNKNOWN_TEXT) else line.switch
    found = line.act(ActionKind.RUN, packages=(name,), switch=unknown)
    is_named = package.startswith((_NPM, _JSR))  # else it may be a program of another package
    return replace(found, names_packages=found.names_packages or is_named)


def _without_path(text: str) -> str:
    """``name@version`` of ``name@version/bin``."""
    parts = text.removeprefix("/").split("/")
    return "/".join(parts[: 2 if text.startswith("@") else 1])


def _name_of_jsr(text: str) -> str:
    """``@scope/name@version`` under the name that the lockfile's reader gives a package of jsr."""
    scope, slash, rest = text.partition("/")
    return f"@jsr/{scope.removeprefix('@')}__{rest}" if slash and rest else text


_WITH_ARGUMENTS: Final = frozenset(
    {"compile", "desktop", "eval", "run", "serve", "task", "watch", "x"}
)
"""Commands whose words from the second one on are arguments of the program, not Deno's."""
_LOCKED: Final = frozenset({"x", "cache", "check", "test", "bench", "info", "doc"})
"""Commands that compare a remote module with deno.lock; ``deno run https://…`` does not."""
_READERS: Final[Mapping[str, Callable[[Line], Iterator[ClientAction]]]] = {
    **dict.fromkeys(("install", "i", "add"), _install),
    "ci": _ci,
    **dict.fromkeys(("update", "outdated"), _update),
    **dict.fromkeys(("remove", "rm", "uninstall"), _tidy),
    "approve-scripts": _approve,
    "task": _task,
    **dict.fromkeys(("create", "init"), _create),
    **dict.fromkeys(_OF_JSR, _of_jsr),
}
_VERBS: Final = frozenset({
    *_WITH_ARGUMENTS, *_LOCKED, *_READERS, "audit", "bundle", "jupyter", "link", "pack", "publish", "repl",
    "transpile", "unlink",
})  # fmt: skip
