"""What changed between two package trees: unified, without noise, in bounded time.

Files that are equal cost nothing. Of the others, lines that are unique on both sides anchor the
comparison (Cohen's patience diff), and between two anchors Myers' greedy algorithm looks for the
shortest edit, giving up beyond a fixed number of edits, and of steps in all: there the old lines
are shown as gone and the new ones as come. Measured: ``difflib`` takes 5 seconds on 8,000 lines
that were made to repeat, and eight times that on twice as many.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

_CONTEXT: Final = 3
_GAP_EDITS: Final = 300
_STEPS: Final = 10_000_000
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


class LineBudget:
    """How many more comparisons of two lines there may be; ten million take some seconds."""

    def __init__(self, steps: int = _STEPS) -> None:
        self.steps = steps


def diff_trees(
    old: Mapping[str, bytes], new: Mapping[str, bytes], *, unfold: bool = False
) -> TreeDiff:
    """Compare two packages' files. ``unfold`` shows minified files and source maps too."""
    budget = LineBudget()
    renamed = _renames(old, new)
    gone = set(renamed.values())
    found = []
    for path in sorted(old.keys() | new.keys()):
        if path in renamed:
            size = len(new[path])
            found.append(
                FileDiff(
                    path=path,
                    change=FileChange.RENAMED,
                    kind=reader_kind_of(path, new[path]),
                    old_path=renamed[path],
                    old_size=size,
                    new_size=size,
                )
            )
        elif path not in gone and old.get(path) != new.get(path):
            found.append(_compare(path, old.get(path), new.get(path), unfold, budget))
    return TreeDiff(files=tuple(found))


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


def _compare(
    path: str, old: bytes | None, new: bytes | None, unfold: bool, budget: LineBudget
) -> FileDiff:
    change = (
        FileChange.ADDED
        if old is None
        else FileChange.REMOVED
        if new is None
        else FileChange.CHANGED
    )
    kinds = [reader_kind_of(path, data) for data in (old, new) if data is not None]
    kind = next((each for each in kinds if each is not FileKind.TEXT), FileKind.TEXT)
    readable = kind is FileKind.TEXT or (
        unfold and kind in (FileKind.MINIFIED, FileKind.SOURCE_MAP)
    )
    hunks: tuple[str, ...] = ()
    added = removed = 0
    if readable:
        before, after = _lines(old), _lines(new)
        edits = edit_script(before, after, budget)
        added = sum(edit.new_end - edit.new_start for edit in edits)
        removed = sum(edit.old_end - edit.old_start for edit in edits)
        hunks = tuple(unified(before, after, edits))
    return FileDiff(
        path=path,
        change=change,
        kind=kind,
        old_size=len(old or b""),
        new_size=len(new or b""),
        added=added,
        removed=removed,
        hunks=hunks,
    )


def _lines(data: bytes | None) -> list[str]:
    """Lines without their ends; one that lacks its end at the end of the file says so."""
    if not data:
        return []
    lines = data.decode("utf-8", errors="surrogateescape").split("\n")
    last = lines.pop()
    return [*lines, last + _NO_END] if last else lines


_NO_END: Final = "\n\\ No newline at end of file"


@dataclass(frozen=True, slots=True)
class LineEdit:
    """Old lines that new ones take the place of; half-open ranges."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def edit_script(
    old: Sequence[str], new: Sequence[str], budget: LineBudget | None = None
) -> list[LineEdit]:
    """The edits that make ``new`` of ``old``, in order; what is between them is the same."""
    budget = budget or LineBudget()
    edits: list[LineEdit] = []
    i = j = 0
    for a, b in [*_anchors(old, new), (len(old), len(new))]:
        edits.extend(_gap(old, new, LineEdit(i, a, j, b), budget))
        i, j = a, b
    return _joined(edits)


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Positions of lines that are unique in both, the longest run that keeps their order."""
    once = {line for line, count in Counter(old).items() if count == 1}
    once &= {line for line, count in Counter(new).items() if count == 1}
    places = {line: index for index, line in enumerate(new) if line in once}
    pairs = [(index, places[line]) for index, line in enumerate(old) if line in once]
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, (_, place) in enumerate(pairs):
        rank = bisect_left(tails, place)
        before.append(ends[rank - 1] if rank else -1)
        tails[rank : rank + 1] = [place]
        ends[rank : rank + 1] = [index]
    chain: list[tuple[int, int]] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]


def _gap(
    old: Sequence[str], new: Sequence[str], gap: LineEdit, budget: LineBudget
) -> Iterator[LineEdit]:
    """The edits of one gap: equal lines at its ends, then Myers, then everything."""
    i, a, j, b = gap.old_start, gap.old_end, gap.new_start, gap.new_end
    while i < a and j < b and old[i] == new[j]:
        i, j = i + 1, j + 1
    while i < a and j < b and old[a - 1] == new[b - 1]:
        a, b = a - 1, b - 1
    if i == a or j == b:
        if i < a or j < b:
            yield LineEdit(i, a, j, b)
        return
    path = _shortest(old[i:a], new[j:b], budget)
    if path is None:
        yield LineEdit(i, a, j, b)
        return
    yield from (LineEdit(i + x, i + x + down, j + y, j + y + right) for x, y, down, right in path)


def _shortest(
    old: Sequence[str], new: Sequence[str], budget: LineBudget
) -> list[tuple[int, int, int, int]] | None:
    """Myers' shortest edit script; None where it takes too many edits or the budget is spent.

    Each step is (position in old, position in new, lines taken, lines put).
    """
    reached = {1: 0}
    history: list[dict[int, int]] = []
    for edits in range(min(len(old) + len(new), _GAP_EDITS) + 1):
        history.append(dict(reached))
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and reached[k - 1] < reached[k + 1])
            start = x = reached[k + 1] if down else reached[k - 1] + 1
            while x < len(old) and x - k < len(new) and x >= 0 and old[x] == new[x - k]:
                x += 1
            budget.steps -= 1 + x - start
            reached[k] = x
            if x >= len(old) and x - k >= len(new):
                return _traced(history, len(old), len(new))
        if budget.steps < 0:
            break
    return None


def _traced(history: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int, int, int]]:
    """The steps that led to the end, from what each round had reached."""
    steps: list[tuple[int, int, int, int]] = []
    for edits in range(len(history) - 1, 0, -1):
        reached = history[edits]
        k = x - y
        down = k == -edits or (k != edits and reached[k - 1] < reached[k + 1])
        x = reached[k + 1] if down else reached[k - 1]
        y = x - (k + 1 if down else k - 1)
        steps.append((x, y, 0, 1) if down else (x, y, 1, 0))
    return steps[::-1]


def _joined(edits: Sequence[LineEdit]) -> list[LineEdit]:
    """Edits that touch are one."""
    found: list[LineEdit] = []
    for edit in edits:
        last = found[-1] if found else None
        if last and last.old_end == edit.old_start and last.new_end == edit.new_start:
            found[-1] = LineEdit(last.old_start, edit.old_end, last.new_start, edit.new_end)
        else:
            found.append(edit)
    return found


def unified(old: Sequence[str], new: Sequence[str], edits: Sequence[LineEdit]) -> Iterator[str]:
    """The hunks of a unified diff, three equal lines around each, as ``diff -u`` writes them."""
    groups: list[list[LineEdit]] = []
    for edit in edits:
        if groups and edit.old_start - groups[-1][-1].old_end <= 2 * _CONTEXT:
            groups[-1].append(edit)
        else:
            groups.append([edit])
    for group in groups:
        yield from _hunk(old, new, group)


def _hunk(old: Sequence[str], new: Sequence[str], group: Sequence[LineEdit]) -> Iterator[str]:
    lead = min(_CONTEXT, group[0].old_start)
    start, other = group[0].old_start - lead, group[0].new_start - lead
    end = min(group[-1].old_end + _CONTEXT, len(old))
    stop = group[-1].new_end + end - group[-1].old_end
    yield f"@@ -{_range(start, end)} +{_range(other, stop)} @@"
    at = start
    for edit in group:
        yield from _marked(" ", old[at : edit.old_start])
        yield from _marked("-", old[edit.old_start : edit.old_end])
        yield from _marked("+", new[edit.new_start : edit.new_end])
        at = edit.old_end
    yield from _marked(" ", old[at:end])


def _marked(mark: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield from (mark + line).split("\n")


def _range(start: int, end: int) -> str:
    if end - start == 1:
        return str(start + 1)
    return f"{start + 1 if end > start else start},{end - start}"
