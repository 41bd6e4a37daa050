"""Files of tasks that only one client reads: each task runs in the folder of its file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.client_names import TASK_FILES
from npm_vetted.installs import Context
from npm_vetted.installs.files._declared import DeclaredCommand, DeclaredKind, follow
from npm_vetted.model import Problem

_KIND: Final = DeclaredKind("tasks", (), frozenset())


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """By its name, but for those of installed packages."""
    return path.rpartition("/")[2] in TASK_FILES and "node_modules" not in path.split("/")


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Each task, as its client reads it."""
    folder = path.rpartition("/")[0] or None
    commands = (DeclaredCommand(text, line, folder) for text, line in context.tasks(path, data))
    return follow(_KIND, path, commands, context)
