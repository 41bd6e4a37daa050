"""Procfile: the commands of a process manager, one for each line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.document import decode
from npm_vetted.installs import Context
from npm_vetted.installs.files._declared import DeclaredCommand, DeclaredKind, follow
from npm_vetted.model import Problem

_KIND: Final = DeclaredKind("Procfile", (), frozenset())


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """``Procfile``, and ``Procfile.dev``."""
    return path.rpartition("/")[2].partition(".")[0] == "Procfile"


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """``web: npm ci && npm start``."""
    return follow(_KIND, path, _commands(decode(path, data)), context)


def _commands(text: str) -> Iterator[DeclaredCommand]:
    for number, line in enumerate(text.splitlines(), start=1):
        _, colon, command = line.partition(":")
        if colon and not line.lstrip().startswith("#"):
            yield DeclaredCommand(command.strip(), number)
