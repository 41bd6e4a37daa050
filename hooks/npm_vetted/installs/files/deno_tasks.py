"""deno.json: its tasks, which ``deno task`` runs in the file's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.document import Document
from npm_vetted.formats.json import load_jsonc
from npm_vetted.installs import Context
from npm_vetted.installs.files._declared import DeclaredCommand, DeclaredKind, follow
from npm_vetted.model import Problem

_NAMES: Final = ("deno.json", "deno.jsonc")
_KIND: Final = DeclaredKind("Deno tasks", (), frozenset())


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """Whether the file is a deno.json or deno.jsonc outside node_modules."""
    return path.rpartition("/")[2] in _NAMES and "node_modules" not in path.split("/")


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Each task: a command, or a table whose ``command`` is one."""
    return follow(_KIND, path, _commands(path, load_jsonc(path, data)), context)


def _commands(path: str, document: Document) -> Iterator[DeclaredCommand]:
    data = document.data if isinstance(document.data, dict) else {}
    tasks = data.get("tasks")
    folder = path.rpartition("/")[0] or None
    for name, task in tasks.items() if isinstance(tasks, dict) else ():
        text = task.get("command") if isinstance(task, dict) else task
        if isinstance(text, str):
            yield DeclaredCommand(text, document.line_of("tasks", name), folder)
