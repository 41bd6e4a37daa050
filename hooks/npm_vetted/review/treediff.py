"""What changed between two package trees: unified, without noise, in bounded time.

Files that are equal cost nothing, and a file that only moved is one line. Of the others, those that
a person can read are compared by git in one call; all others are folded into a line with their size.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from npm_vetted.git.no_index import unified_hunks

_SECONDS: Final = 20.0
"""How long git may compare one package; the largest honest ones take less than two."""
_TEXT_LIMIT: Final = 2 << 20
_SNIFFED: Final = 8000
_LONG_LINE: Final = 1000
_MINIFIED: Final = re.compile(r"[.-]min\.(?:js|mjs|cjs|css)", re.IGNORECASE)
_SOURCE_MAP: Final = re.compile(r"\.(?:js|mjs|cjs|css|ts|mts|cts)\.map", re.IGNORECASE)


class FileChange(StrEnum):
    """What happened to a file."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RENAMED = "renamed"


class FileKind(StrEnum):
    """What a file is to a reader; all but text are folded into a line with their size."""

    TEXT = "text"
    BINARY = "binary"
    MINIFIED = "minified"
    SOURCE_MAP = "source map"
    LARGE = "large"


_READABLE: Final = frozenset({FileKind.TEXT})
_UNFOLDED: Final = frozenset({FileKind.TEXT, FileKind.MINIFIED, FileKind.SOURCE_MAP})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    """One file that is not the same. ``hunks`` are unified diff lines; none where it is folded."""

    path: str
    change: FileChange
    kind: FileKind
    old_path: str | None = None
    old_size: int = 0
    new_size: int = 0
    added: int = 0
    removed: int = 0
    hunks: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeDiff:
    """All files that are not the same, by path."""

    files: tuple[FileDiff, ...]

    @property
    def added(self) -> int:
        """The lines that came."""
        return sum(each.added for each in self.files)

    @property
    def removed(self) -> int:
        """The lines that went."""
        return sum(each.removed for each in self.files)


def diff_trees(
    old: Mapping[str, bytes],
    new: Mapping[str, bytes],
    *,
    unfold: bool = False,
    seconds: float = _SECONDS,
) -> TreeDiff:
    """Compare two packages' files. ``unfold`` shows minified files and source maps too.

    Files whose lines git has not compared after ``seconds`` are folded as too large.
    """
    renamed = _renames(old, new)
    paths = old.keys() | new.keys()
    same = {path for path in paths if old.get(path) == new.get(path)}
    compared = {
        path: _compare(path, old.get(path), new.get(path))
        for path in paths - same - renamed.keys() - set(renamed.values())
    }
    shown = _UNFOLDED if unfold else _READABLE
    readable = [path for path, each in compared.items() if each.kind in shown]
    hunks = (
        unified_hunks(
            {path: old[path] for path in readable if path in old},
            {path: new[path] for path in readable if path in new},
            seconds=seconds,
        )
        if readable
        else {}
    )
    found = [
        *(_moved(path, before, new[path]) for path, before in renamed.items()),
        *(
            _with_lines(each, hunks.get(path)) if each.kind in shown else each
            for path, each in compared.items()
        ),
    ]
    return TreeDiff(files=tuple(sorted(found, key=lambda each: each.path)))


def _moved(path: str, before: str, data: bytes) -> FileDiff:
    """A file that has another path and the same content."""
    return FileDiff(
        path=path,
        change=FileChange.RENAMED,
        kind=reader_kind_of(path, data),
        old_path=before,
        old_size=len(data),
        new_size=len(data),
    )


def _renames(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> dict[str, str]:
    """New path by old path, of files that moved without a change; each content moves once."""
    places: dict[bytes, list[str]] = {}
    for path in sorted(old.keys() - new.keys(), reverse=True):
        if old[path]:
            places.setdefault(old[path], []).append(path)
    return {
        path: places[new[path]].pop()
        for path in sorted(new.keys() - old.keys())
        if places.get(new[path])
    }


def reader_kind_of(path: str, data: bytes) -> FileKind:
    """Whether a file is for people to read, by its name and its content."""
    if _SOURCE_MAP.search(path[-20:]):
        return FileKind.SOURCE_MAP
    if b"\0" in data[:_SNIFFED]:
        return FileKind.BINARY
    if len(data) > _TEXT_LIMIT:
        return FileKind.LARGE
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return FileKind.BINARY
    if is_minified(path, data):
        return FileKind.MINIFIED
    return FileKind.TEXT


def is_minified(path: str, data: bytes) -> bool:
    """Whether a script or style sheet is one that no person wrote: by its name or its lines.

    By its lines: one longer than 1,000 bytes, and more than 200 on average.
    """
    if _MINIFIED.search(path[-12:]):
        return True
    if not path.lower().endswith((".js", ".mjs", ".cjs", ".css")):
        return False
    lines = data.split(b"\n")
    return len(data) > 200 * len(lines) and max(map(len, lines)) > _LONG_LINE


def _compare(path: str, old: bytes | None, new: bytes | None) -> FileDiff:
    """What happened to a file, without its lines."""
    kinds = [reader_kind_of(path, data) for data in (old, new) if data is not None]
    return FileDiff(
        path=path,
        change=_change(old, new),
        kind=next((each for each in kinds if each is not FileKind.TEXT), FileKind.TEXT),
        old_size=len(old or b""),
        new_size=len(new or b""),
    )


def _change(old: bytes | None, new: bytes | None) -> FileChange:
    if old is None:
        return FileChange.ADDED
    return FileChange.REMOVED if new is None else FileChange.CHANGED


def _with_lines(each: FileDiff, hunks: tuple[str, ...] | None) -> FileDiff:
    """A file with its lines; where git ran out of time, it is too large to show."""
    if hunks is None:
        return replace(each, kind=FileKind.LARGE)
    added, removed = (sum(line.startswith(mark) for line in hunks) for mark in "+-")
    return replace(each, hunks=hunks, added=added, removed=removed)
