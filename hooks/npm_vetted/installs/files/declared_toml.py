"""Commands in TOML files of hosts and tools: one line of the table for each kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.document import Document
from npm_vetted.formats.toml import load_toml
from npm_vetted.installs import Context
from npm_vetted.installs.files._declared import DeclaredCommand, DeclaredKind, file_kind_of, follow
from npm_vetted.model import Problem

KINDS: Final = (
    DeclaredKind("Netlify", ("netlify.toml", "*/netlify.toml"),
        frozenset({"command"}), folder="base", beside=True,
    ),
    DeclaredKind("Fly", ("fly.toml", "fly.*.toml"), frozenset({"release_command"}), elsewhere=True),
    DeclaredKind(
        "mise", ("mise.toml", ".mise.toml", ".mise/*.toml", "mise/*.toml", ".config/mise.toml"),
        frozenset({"run", "postinstall", "enter"}), folder="dir", beside=True,
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
    """By the path alone."""
    return path.lower().endswith(".toml") and file_kind_of(KINDS, path) is not None


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Every command under one of the kind's keys, wherever in the file."""
    kind = file_kind_of(KINDS, path)
    assert kind is not None
    document = load_toml(path, data)
    return follow(kind, path, commands_in(kind, document, document.data, ()), context)


def commands_in(
    kind: DeclaredKind, document: Document, value: object, keys: tuple[str | int, ...]
) -> Iterator[DeclaredCommand]:
    """The commands in a table or list, and in those within it."""
    if isinstance(value, dict):
        folder = value.get(kind.folder) if kind.folder else None
        for key, each in value.items():
            here = (*keys, str(key))
            if key in kind.keys:
                texts = each if isinstance(each, list) else [each]
                for text in texts:
                    if isinstance(text, str):
                        where = folder if isinstance(folder, str) else None
                        yield DeclaredCommand(text, document.line_of(*here), where)
            if isinstance(each, dict | list):
                yield from commands_in(kind, document, each, here)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            if isinstance(each, dict | list):
                yield from commands_in(kind, document, each, (*keys, index))
