"""Shared by the settings of both Yarns, and the test that tells their lockfiles apart."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.errors import DocumentError
from npm_vetted.model import Location, Problem, Project

_VARIABLE: Final = re.compile(r"\$\{[^{}]*\}")
_WITHOUT_DEFAULT: Final = re.compile(r"\$\{[^{}:-]+(?::?-)?\}")
_METADATA: Final = re.compile(rb"^[\"'{? ]*__metadata[\"' ]*:", re.MULTILINE)

Fix = tuple[tuple[str, ...], ...]


def is_interpolated(text: str) -> bool:
    """Whether a value contains ``${VAR}`` and so depends on the environment."""
    return _VARIABLE.search(text) is not None


def holds_secret(text: str) -> bool:
    """Whether a token, or the password behind ``user:``, has text besides variables.

    ``${NAME:-text}`` is literal too: the text is what everyone has whose environment lacks NAME.
    """
    rest = _WITHOUT_DEFAULT.sub("", text)
    return any(map(str.isalnum, rest.partition(":")[2] if ":" in rest else rest))


def has_metadata(lockfile: bytes) -> bool:
    """Whether a yarn.lock is berry's: it has ``__metadata``, version 1 never does."""
    return b"__metadata" in lockfile and _METADATA.search(lockfile) is not None


def folders(project: Project) -> Iterator[str]:
    """The folders below the project's in which its commands are run, relative to it.

    A settings file there is nearer than the project's own, and wins. Yarn may be run in members, in
    folders between them and the root, and in every other folder with such a file.
    """
    seen: set[str] = set()
    for member in project.members:
        inner = posixpath.relpath(member, project.path or ".") if project.path else member
        parts = inner.split("/")
        if ".." in parts:
            continue
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            if folder not in seen:
                seen.add(folder)
                yield folder
    for path in project.nearby():
        folder = posixpath.dirname(posixpath.relpath(path, project.path or "."))
        if not folder.startswith("..") and folder not in seen:
            seen.add(folder)
            yield folder


def around(project: Project) -> Iterator[str]:
    """``folders``, and those above the project's: Yarn merges their settings into its own."""
    yield from folders(project)
    seen: set[str] = set()
    for path in project.nearby():
        folder = posixpath.dirname(posixpath.relpath(path, project.path or "."))
        if folder.startswith("..") and folder not in seen:
            seen.add(folder)
            yield folder


def unreadable_settings(error: DocumentError, path: str, fix: Fix = ()) -> Problem:
    """A settings file that cannot be read."""
    return Problem(
        message=error.message, location=Location(path, error.line), fix=fix, code="unreadable",
        key=path,
    )  # fmt: skip
