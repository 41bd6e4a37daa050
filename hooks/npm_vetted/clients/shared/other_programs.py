"""Programs that install npm packages and have no folder here: vlt, ni, lerna and others.

Their lockfiles and settings are not read, so only their command line is judged: flags that switch
scripts on are reported, a package that is fetched and run must be exact, and every other install is
undecided. Their flags are documented by their projects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from npm_vetted.formats.client_action import (
    UNREAD_SETTINGS,
    ActionKind,
    ClientAction,
    ClientRules,
    Switch,
)
from npm_vetted.formats.shell_text import Value

_RUNNERS: Final = frozenset({"vlx", "nlx", "dx", "aubx"})
"""Programs that fetch a package and run it, as npx does."""
_ANY_ARGUMENTS: Final = frozenset({"ni", "nci", "nup"})
"""Programs that install whatever their arguments are, because they do nothing else."""
_INSTALLS: Final[Mapping[str, frozenset[str]]] = {
    "vlt": frozenset({"install", "i", "add", "ci", "update", "build"}),
    "lerna": frozenset({"bootstrap", "add"}),
    "meteor": frozenset({"npm"}),
    "aube": frozenset({"install", "i", "add", "ci", "update"}),
    "cnpm": frozenset({"install", "i", "add", "ci", "update"}),
    "tnpm": frozenset({"install", "i", "add", "ci", "update"}),
    "na": frozenset({"install", "i", "add", "ci", "update"}),
}
_TOOLS: Final = frozenset({"volta", "mise", "rtx"})
"""Programs that install npm packages for all projects, with an npm of their own."""
_COREPACK: Final = "corepack"
_BY_COREPACK: Final = frozenset({"npm", "npx", "pnpm", "pnpx", "yarn", "yarnpkg"})
_BY_NI: Final[Mapping[str, Mapping[str, str]]] = {
    "ni": {"npm": "npm install", "pnpm": "pnpm install", "yarn-classic": "yarn install",
           "yarn-berry": "yarn install", "bun": "bun install"},
    "add": {"npm": "npm install", "pnpm": "pnpm add", "yarn-classic": "yarn add",
            "yarn-berry": "yarn add", "bun": "bun add"},
    "nci": {"npm": "npm ci", "pnpm": "pnpm install --frozen-lockfile",
            "yarn-classic": "yarn install --frozen-lockfile",
            "yarn-berry": "yarn install --immutable", "bun": "bun install --frozen-lockfile"},
    "nlx": {"npm": "npx", "pnpm": "pnpm dlx", "yarn-classic": "npx", "yarn-berry": "yarn dlx",
            "bun": "bunx"},
}  # fmt: skip
"""The command that each program of @antfu/ni starts, by the NAME of the project's client (ni's commands.ts)."""
PROGRAMS: Final = frozenset({*_RUNNERS, *_ANY_ARGUMENTS, *_INSTALLS, *_TOOLS, _COREPACK})
WHOLE_WORDS: Final = frozenset(
    name
    for name in PROGRAMS - {"mise", "rtx"}
    if "npm" not in name  # mise and rtx say npm:NAME
)
LOCKING: Final[Mapping[str, tuple[str, ...]]] = {}
RULES: Final = ClientRules()
_ON: Final = ("--ignore-scripts=false", "--no-ignore-scripts", "--unsafe-perm")
_OFF: Final = "--ignore-scripts"


def read(words: Sequence[str], environment: Mapping[str, Value]) -> Iterator[ClientAction]:  # noqa: ARG001
    """The actions of a command line; none if it neither installs nor runs anything."""
    program, rest = words[0], list(words[1:])
    bare = [word for word in rest if not word.startswith("-")]
    if program == _COREPACK:
        yield from _corepack(rest, bare)
    elif program in _TOOLS:
        yield from _tool(program, bare)
    elif program in _RUNNERS:
        if bare:
            yield replace(_fetch(program, bare[0]), by_owner=_by_owner(program, rest))
    elif program in _ANY_ARGUMENTS or (bare[0] if bare else "") in _INSTALLS[program]:
        starts = "add" if program == "ni" and bare else program
        yield replace(_install(program, rest), by_owner=_by_owner(starts, rest))


def _by_owner(program: str, rest: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    lines = _BY_NI.get(program, {})
    return tuple((client, (*line.split(), *rest)) for client, line in lines.items())


def _corepack(rest: Sequence[str], bare: Sequence[str]) -> Iterator[ClientAction]:
    """``corepack pnpm install`` runs the client; ``prepare``, ``install -g`` and ``use`` fetch releases.

    corepack runs no install script of a release. Without an argument it fetches the release in the
    project's ``packageManager``.
    """
    verb, *names = bare or ("",)
    client, at, _ = verb.partition("@")
    if client in _BY_COREPACK:
        if at:
            yield _fetch(_COREPACK, verb, always=True)
        words = [word for word in rest if word != "--"]
        yield ClientAction(
            kind=ActionKind.CONFIG, client=_COREPACK, then=(client, *words[words.index(verb) + 1 :])
        )
    elif verb in ("prepare", "install", "use"):
        archives = (".tgz", ".tar")
        for name in names:
            if not name.endswith(archives):
                yield _fetch(_COREPACK, name, always=True)
        if verb == "use" and names:
            then = (names[0].partition("@")[0], "install")
            yield ClientAction(kind=ActionKind.CONFIG, client=_COREPACK, then=then)
    elif verb == "up":
        yield _install(_COREPACK, rest)


def _tool(program: str, bare: Sequence[str]) -> Iterator[ClientAction]:
    """``volta install NAME``, ``mise use npm:NAME``: a global install; the clients have no scripts."""
    if program == "volta":
        from npm_vetted.clients import clients

        own = {"node", *(each.PROGRAM for each in clients().values())}
        names = bare[1:] if bare[:1] == ["install"] else []
        packages = [each for each in names if each.partition("@")[0] not in own]
    else:
        verb = bare[0] if bare else ""
        names = bare[1:] if verb in ("use", "u", "install", "i", "exec", "x") else []
        packages = [each.removeprefix("npm:") for each in names if each.startswith("npm:")]
    if packages:
        yield ClientAction(kind=ActionKind.GLOBAL, client=program, packages=tuple(packages))


def _fetch(program: str, package: str, *, always: bool = False) -> ClientAction:
    return ClientAction(
        kind=ActionKind.RUN, client=program, packages=(package,), switch=Switch.OFF,
        fetches_always=always,
    )  # fmt: skip


def _install(program: str, rest: Sequence[str]) -> ClientAction:
    on = next((word for word in rest if word.startswith(_ON)), None)
    if on is not None:
        return ClientAction(kind=ActionKind.INSTALL, client=program, switch=Switch.ON, by=on)
    if _OFF in rest or f"{_OFF}=true" in rest:
        return ClientAction(kind=ActionKind.INSTALL, client=program, switch=Switch.OFF, by=_OFF)
    return ClientAction(
        kind=ActionKind.INSTALL, client=program, switch=Switch.UNKNOWN, by=UNREAD_SETTINGS
    )


def variable(name: str, text: str) -> Switch:  # noqa: ARG001
    """The effect of an environment variable: none, because no variable of these programs is known."""
    return Switch.UNSET


def source_variable(name: str) -> str | None:  # noqa: ARG001
    """The source setting of an environment variable: none is known for these programs."""
    return None
