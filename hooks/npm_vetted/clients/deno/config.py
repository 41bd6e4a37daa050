"""deno.json and deno.jsonc: their imports, workspaces, and keys that affect an install."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from npm_vetted.clients.deno.specifiers import plain_target, read_specifier
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Document
from npm_vetted.formats.json import load_jsonc
from npm_vetted.model import Manifest, Read, Requirement

HARMLESS_UNSTABLE: Final = frozenset({
    "broadcast-channel", "cron", "ffi", "fs", "http", "kv", "net", "otel", "sloppy-imports",
    "temporal", "webgpu", "worker-options",
})  # fmt: skip
"""Unstable features that fetch nothing and do not bypass the lockfile."""
NAMES: Final = ("deno.json", "deno.jsonc")
"""The configuration files; if a folder has both, Deno reads the first (seen with 2.9.6)."""
URLS: Final = ("https://", "http://")
_AGE: Final = re.compile(
    r"[1-9]\d*|P(?=[^P]*[1-9])(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+S)?)?"
)


class Import(NamedTuple):
    """One target of an import map, and its location."""

    name: str
    target: str
    path: str
    line: int


def find_config(folder: str, read: Read) -> tuple[str, bytes] | None:
    """The configuration file that Deno reads in a folder, with its content."""
    for name in NAMES:
        path = posixpath.join(folder, name)
        data = read(path)
        if data is not None:
            return path, data
    return None


def load_config(folder: str, read: Read) -> Document | None:
    """The configuration of a folder; raises DocumentError where it cannot be read."""
    found = find_config(folder, read)
    if found is None:
        return None
    document = load_jsonc(*found)
    document.root()
    return document


def imports(document: Document) -> Iterator[Import]:
    """Every target of ``imports`` and ``scopes``, in the file's order."""
    root = document.root()
    table = root.maybe_table("imports")
    for name in table.data if table else ():
        assert table is not None
        if table.data[name] is not None:
            yield Import(name, plain_target(table.text(name)), document.path, table.line(name))
    scopes = root.maybe_table("scopes")
    for scope in scopes.data if scopes else ():
        assert scopes is not None
        inner = scopes.maybe_table(scope)
        for name in inner.data if inner else ():
            assert inner is not None
            yield Import(name, plain_target(inner.text(name)), document.path, inner.line(name))


def all_imports(document: Document, read: Read) -> Iterator[Import]:
    """The imports of a configuration, or of the import map that it names in the repository.

    ``imports`` in the file itself take the place of the import map (documented by Deno).
    """
    yield from imports(document)
    name = document.root().maybe_text("importMap")
    if name is None or is_remote(name):
        return
    path = posixpath.normpath(posixpath.join(posixpath.dirname(document.path), name))
    data = None if path.startswith("../") else read(path)
    if data is None:
        raise DocumentError(
            f"the import map {name!r} is not in the repository",
            path=document.path,
            line=document.line_of("importMap"),
        )
    yield from imports(load_jsonc(path, data))


def is_cooldown(age: str) -> bool:
    """Whether a value is a cooldown greater than 0: whole minutes, or a plain duration."""
    return _AGE.fullmatch(age) is not None


def is_remote(name: str) -> bool:
    """Whether an import map is not a file: a URL of a server, or a ``data:`` URL."""
    return ":" in plain_target(name)


def requirements_of(found: Iterator[Import]) -> Iterator[Requirement]:
    """The imports of packages and remote modules as requirements; files of the repository are left out."""
    for each in found:
        specifier = read_specifier(each.target)
        if specifier is not None:
            yield Requirement(name=specifier.name, specifier=specifier.text, line=each.line)
        elif each.target.lower().startswith(URLS):
            yield Requirement(name=each.name, specifier=each.target, line=each.line)


def workspace_globs(document: Document) -> tuple[str, ...] | None:
    """The globs in ``workspace`` (a list, or a table with ``members``); None: this is no workspace root."""
    root = document.root()
    if isinstance(root.data.get("workspace"), dict):
        table = root.maybe_table("workspace")
        assert table is not None
        found = table.maybe_texts("members")
    else:
        found = root.maybe_texts("workspace")
    if found is None:
        return None
    return tuple(posixpath.normpath(each) for each in found)


def read_deno_config(path: str, data: bytes) -> Manifest:
    """A deno.json as a manifest; raises DocumentError if it cannot be read."""
    document = load_jsonc(path, data)
    root = document.root()
    return Manifest(
        path=path,
        name=root.maybe_text("name"),
        version=root.maybe_text("version"),
        private=False,
        requires=tuple(requirements_of(imports(document))),
        workspaces=workspace_globs(document),
        scripts={},
        data={},
        line_of=document.line_of,
    )


def is_frozen(folder: str, read: Read) -> bool:
    """Whether a folder's configuration has ``"lock": {"frozen": true}``; one that is broken has not."""
    try:
        document = load_config(folder, read)
    except DocumentError:
        return False
    said = document.root().data.get("lock") if document is not None else None
    return isinstance(said, dict) and said.get("frozen") is True


def tasks(document: Document) -> Iterator[tuple[str, int]]:
    """The shell text of each task and its line; a task may be a table whose ``command`` is the text."""
    data = document.data if isinstance(document.data, dict) else {}
    table = data.get("tasks")
    for name, task in table.items() if isinstance(table, dict) else ():
        text = task.get("command") if isinstance(task, dict) else task
        if isinstance(text, str):
            yield text, document.line_of("tasks", name)


def linked_folders(document: Document | None) -> Iterator[str]:
    """The folders that ``links`` (formerly ``patch``) uses instead of packages."""
    for key in ("links", "patch"):
        value = document.root().data.get(key) if document else None
        yield from (
            each for each in (value if isinstance(value, list) else ()) if isinstance(each, str)
        )
