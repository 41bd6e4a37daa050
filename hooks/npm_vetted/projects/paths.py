"""Paths of a snapshot: folders as git names them, ``''`` for the top."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator


def folder_of(path: str) -> str:
    """The directory of a path, '' for the top."""
    return path.rpartition("/")[0]


def ancestors(folder: str) -> Iterator[str]:
    """A folder and the folders above it, the nearest first, '' (the top) last."""
    while True:
        yield folder
        if not folder:
            return
        folder = folder_of(folder)


def join(folder: str, name: str) -> str:
    """The path of a name in a folder; the folder '' is the top."""
    return f"{folder}/{name}" if folder else name


def below(folder: str, path: str) -> str | None:
    """``path`` relative to ``folder``; None where it is not below it."""
    if not folder:
        return path
    return path[len(folder) + 1 :] if path.startswith(folder + "/") else None


def relative_to(folder: str, path: str) -> str:
    """The relative path from one folder to another, '' for the same folder; it may contain ``..``."""
    inner = below(folder, path) if path != folder else ""
    return posixpath.relpath(path or ".", folder or ".") if inner is None else inner


def in_node_modules(path: str) -> bool:
    """Whether a path leads through a node_modules directory."""
    return "node_modules" in path.split("/")
