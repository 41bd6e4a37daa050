"""A piece of shell text that knows the file's line of each of its parts."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from typing import Final

Marks = tuple[tuple[int, int], ...]
"""Pairs of an offset in a text and the file's line from that offset on, ascending."""

_COMBINATIONS: Final = 16
"""The most combinations of template values that are tried; beyond it, the values count as unknown."""

_LAST: Final = 1 << 60


class Source:
    """A text with the file's line of each character. Between two marks, each newline is one line."""

    __slots__ = ("_newlines", "marks", "text")

    def __init__(self, text: str, marks: Marks = ((0, 1),)) -> None:
        self.text = text
        self.marks = marks
        self._newlines: list[int] | None = None

    def line(self, offset: int) -> int:
        """The line of the file on which a character is."""
        if self._newlines is None:
            self._newlines = [found.start() for found in re.finditer("\n", self.text)]
        start, line = self.marks[max(0, bisect_right(self.marks, (offset, _LAST)) - 1)]
        return line + bisect_left(self._newlines, offset) - bisect_left(self._newlines, start)

    def at(self, start: int, end: int) -> Source:
        """A part of the text, with its lines."""
        first = bisect_right(self.marks, (start, _LAST))
        last = bisect_left(self.marks, (end, 0))
        inner = [(mark - start, line) for mark, line in self.marks[first:last]]
        return Source(self.text[start:end], ((0, self.line(start)), *inner))


def located(text: str, raw_lines: Sequence[str], first: int) -> Source:
    """A source from a text that the file's format folded, quoted or indented.

    ``raw_lines`` are the file's lines with the text; the first one has the number ``first``. Each is searched
    in the text, which gives the marks.
    """
    marks = [(0, first)]
    cursor = 0
    for number, raw in enumerate(raw_lines, start=first):
        line = raw.strip()
        # The quotes around a line may belong to the file's format.
        for words in (line[:40], line.strip("\"'")[:40]):
            place = text.find(words, cursor) if words else -1
            if place >= 0:
                marks.append((place, number))
                cursor = place + len(words)
                break
    return Source(text, tuple(marks))


def joined(parts: Sequence[tuple[str, int]]) -> Source:
    """Pieces of text, each with the line that it is on, as one text."""
    marks = []
    offset = 0
    for text, line in parts:
        marks.append((offset, line))
        offset += len(text)
    return Source("".join(text for text, _ in parts), tuple(marks) or ((0, 1),))


def filled(
    source: Source,
    find: Callable[[str], Iterator[tuple[int, int, str]]],
    resolve: Callable[[str], tuple[str, ...] | None],
) -> Iterator[Source]:
    """The text with its templates replaced, once for each combination of their values.

    ``find`` yields start, end and inside of each template, in order. ``resolve`` returns its
    possible values, or None if they are unknown: then an unset shell variable takes its place.
    """
    found = list(find(source.text))
    if not found:
        yield source
        return
    options = [
        resolve(inside) or (_unknown(index, inside),) for index, (_, _, inside) in enumerate(found)
    ]
    total = 1
    for index, choice in enumerate(options):
        total *= len(choice)
        if total > _COMBINATIONS:
            total //= len(choice)
            options[index] = (_unknown(index, found[index][2]),)
    for choices in product(*options):
        yield _replaced(source, found, choices)


def _unknown(index: int, inside: str) -> str:
    name = f"_{inside}" if inside.isidentifier() and inside.isascii() else ""
    return f"${{__unknown_{index}{name}}}"


def _replaced(
    source: Source, found: Sequence[tuple[int, int, str]], choices: Sequence[str]
) -> Source:
    parts: list[tuple[str, int]] = []
    cursor = 0
    for (start, end, _), choice in zip(found, choices, strict=True):
        parts.extend(_pieces(source, cursor, start))
        parts.append((choice.replace("\n", " "), source.line(start)))
        cursor = end
    parts.extend(_pieces(source, cursor, len(source.text)))
    return joined(parts)


def _pieces(source: Source, start: int, end: int) -> Iterator[tuple[str, int]]:
    cuts = [start, *(mark for mark, _ in source.marks if start < mark < end), end]
    for one, other in pairwise(cuts):
        yield source.text[one:other], source.line(one)


def braced(opening: str, closing: str) -> Callable[[str], Iterator[tuple[int, int, str]]]:
    """A finder of templates between two marks, such as ``${{`` and ``}}``."""

    def find(text: str) -> Iterator[tuple[int, int, str]]:
        start = text.find(opening)
        while start >= 0:
            end = text.find(closing, start + len(opening))
            if end < 0:
                return
            yield start, end + len(closing), text[start + len(opening) : end].strip()
            start = text.find(opening, end + len(closing))

    return find
