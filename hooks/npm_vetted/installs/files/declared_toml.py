"""Commands in TOML files of hosts and tools: one line of the table for each kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, TypeGuard

from npm_vetted.formats.document import Document
from npm_vetted.formats.shell_text import UNKNOWN_TEXT
from npm_vetted.formats.toml import load_toml
from npm_vetted.installs import Context
from npm_vetted.installs.files._declared import (
    DeclaredCommand,
    DeclaredKind,
    DeclaredVariable,
    file_kind_of,
    follow,
    holds_command,
)
from npm_vetted.model import Problem

_MISE: Final = "mise"
KINDS: Final = (
    DeclaredKind("Netlify", ("netlify.toml", "*/netlify.toml"),
        frozenset({"command", "ignore"}), folder="base", beside=True, env=frozenset({"environment"}),
        flags={
            "NPM_FLAGS": "npm install", "YARN_FLAGS": "yarn install", "PNPM_FLAGS": "pnpm install",
            "BUN_FLAGS": "bun install",
        },
    ),
    DeclaredKind("Replit", (".replit", "*/.replit"), frozenset({"onBoot"}), beside=True,
        words=frozenset({"run", "build", "args"}), env=frozenset({"env"}),
    ),
    DeclaredKind("Codex", ("*.codex/environments/*.toml",), frozenset({"script"})),
    DeclaredKind(
        "Fly", ("fly.toml", "fly.*.toml"), frozenset({"release_command"}), elsewhere=True,
        maps=frozenset({"processes"}), env=frozenset({"env"}),
    ),
    DeclaredKind("Lefthook", ("*lefthook.toml", "*lefthook-local.toml"), frozenset({"run"})),
    DeclaredKind(
        _MISE, ("mise.toml", ".mise.toml", ".mise/*.toml", "mise/*.toml", ".config/mise.toml"),
        frozenset({"run", "postinstall", "enter"}), folder="dir", beside=True,
        maps=frozenset({"tasks"}), env=frozenset({"env"}),
    ),
    DeclaredKind("Wrangler", ("wrangler.toml", "*/wrangler.toml"),
        frozenset({"command"}), folder="cwd", beside=True,
    ),
    DeclaredKind("Pixi", ("pixi.toml", "*/pixi.toml"), frozenset({"cmd"}), folder="cwd", beside=True),
    DeclaredKind("Railway", ("railway.toml",), frozenset({"buildCommand", "startCommand"}), beside=True,
    ),
    DeclaredKind("Nixpacks", ("nixpacks.toml",), frozenset({"cmds", "cmd"}), beside=True,
    ),
)  # fmt: skip


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """Whether the table has a kind with this path."""
    return path.lower().endswith((".toml", ".replit")) and file_kind_of(KINDS, path) is not None


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Every command under one of the kind's keys, wherever in the file."""
    kind = file_kind_of(KINDS, path)
    assert kind is not None
    document = load_toml(path, data)
    commands = commands_in(kind, document, document.data, ())
    if kind.name == _MISE:
        commands = chain(commands, _tools(document))
    return follow(kind, path, commands, context)


def _tools(document: Document) -> Iterator[DeclaredCommand]:
    """The npm packages among mise's tools, which it installs for all projects."""
    data = document.data if isinstance(document.data, dict) else {}
    tools = data.get("tools")
    for name, said in tools.items() if isinstance(tools, dict) else ():
        version = said.get("version") if isinstance(said, dict) else said
        if name.startswith("npm:") and isinstance(version, str):
            yield DeclaredCommand(
                ["mise", "use", f"{name}@{version}"], document.line_of("tools", name)
            )


def commands_in(
    kind: DeclaredKind,
    document: Document,
    value: object,
    keys: tuple[str | int, ...],
    variables: tuple[DeclaredVariable, ...] = (),
) -> Iterator[DeclaredCommand]:
    """The commands in a table or list, and in those within it."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from commands_in(kind, document, each, (*keys, index), variables)
    if not isinstance(value, dict):
        return
    variables = (*variables, *_variables(kind, document, value, keys))
    if variables:
        yield DeclaredCommand("", variables[-1].line, variables=variables)
    yield from _by_options(kind, variables)
    named = value.get(kind.folder) if kind.folder else None
    folder = named if isinstance(named, str) else None
    whole = keys == () and "" in kind.maps
    for key, each in value.items():
        here = (*keys, str(key))
        line = document.line_of(*here)
        if whole or holds_command(kind, str(key)):
            for text in each if isinstance(each, list) else [each]:
                if isinstance(text, str):
                    yield DeclaredCommand(text, line, folder, variables=variables)
        elif key in kind.words and (isinstance(each, str) or _is_words(each)):
            yield DeclaredCommand(with_arguments(each, value.get(kind.arguments)), line, folder,
                                  variables=variables)  # fmt: skip
        if key in kind.maps and isinstance(each, dict):
            yield from _of_map(kind, document, each, here, variables)
        yield from commands_in(kind, document, each, here, variables)


def _by_options(
    kind: DeclaredKind, variables: Iterable[DeclaredVariable]
) -> Iterator[DeclaredCommand]:
    """The commands that the host runs with the options in a variable of the file."""
    for variable in variables:
        command = kind.flags.get(variable.name)
        for text in variable.value if command else ():
            yield DeclaredCommand(f"{command} {text}", variable.line, only_options=True)


def _is_words(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _of_map(
    kind: DeclaredKind,
    document: Document,
    table: dict[str, object],
    keys: tuple[str | int, ...],
    variables: tuple[DeclaredVariable, ...],
) -> Iterator[DeclaredCommand]:
    for name, value in table.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and not holds_command(kind, name):
                yield DeclaredCommand(text, document.line_of(*keys, name), variables=variables)


def with_arguments(command: str | list[str], arguments: object) -> str | list[str]:
    """``command`` and the ``args`` beside it as the words of one command; a list already has all words."""
    if isinstance(command, list):
        return command
    if not isinstance(arguments, list):
        return command
    texts = (each.get("value") if isinstance(each, dict) else each for each in arguments)
    return [*command.split(), *(each for each in texts if isinstance(each, str))]


def _variables(
    kind: DeclaredKind, document: Document, table: dict[str, object], keys: tuple[str | int, ...]
) -> Iterator[DeclaredVariable]:
    """The variables under the kind's keys for variables, also in nested tables."""
    for key in sorted(kind.env & table.keys()):
        stack: list[tuple[tuple[str | int, ...], object]] = [((*keys, key), table[key])]
        while stack:
            here, value = stack.pop()
            for name, each in value.items() if isinstance(value, dict) else ():
                if isinstance(each, dict):
                    stack.append(((*here, name), each))
                elif isinstance(each, str | bool | int):
                    text = each if isinstance(each, str) else str(each).lower()
                    text = UNKNOWN_TEXT if "$" in text or "{{" in text else text
                    yield DeclaredVariable(name, (text,), document.line_of(*here, name))
