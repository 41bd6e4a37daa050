"""Searches in the bytes of a script that look only where a word is.

A pattern that may start anywhere is tried at every byte of a file; a word is found a hundred times
faster. So each pattern is tried only at, or near, the words that it cannot do without. And most
words are not in most files: they are looked up in the file's vocabulary, which is a few times
shorter than the file.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from functools import cache, cached_property
from typing import Final

Pattern = re.Pattern[bytes]
Match = re.Match[bytes]
_NAME: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$")


_TO_BLANKS: Final = bytes(each if each in _NAME else 32 for each in range(256))
_CHUNK: Final = 1 << 20
_SHORT: Final = 3


class ScriptText:
    """A script's bytes, with the names in them, each once."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def vocabulary(self) -> bytes:
        """Every run of letters, digits, ``_`` and ``$`` in the bytes, each once.

        A text of such letters is somewhere in the bytes if, and only if, it is in here.
        """
        text, names = self.data.translate(_TO_BLANKS), set[bytes]()
        start, end = 0, len(text)
        while start < end:  # a chunk at a time, for a file may have millions of names
            stop = text.find(b" ", start + _CHUNK)
            stop = end if stop < 0 else stop
            names.update(text[start:stop].split())
            start = stop
        return b" ".join(names)

    def may_have(self, word: bytes) -> bool:
        """Whether a word may be in the bytes; False is certain."""
        return _name_in(word) in self.vocabulary


@cache
def _name_in(word: bytes) -> bytes:
    """The longest run of a name's letters in a word; empty, which is in every text, if it is short."""
    found = max(word.translate(_TO_BLANKS).split(), key=len, default=b"")
    return found if len(found) >= _SHORT else b""


def occurrences(source: ScriptText, word: bytes) -> Iterator[int]:
    """Where some bytes are."""
    data = source.data
    at = data.find(word) if source.may_have(word) else -1
    while at >= 0:
        yield at
        at = data.find(word, at + 1)


def whole_words(source: ScriptText, word: bytes) -> Iterator[int]:
    """Where a word is that is no part of a longer name."""
    data, size = source.data, len(word)
    end = len(data)
    for at in occurrences(source, word):
        after = at + size
        if (not at or data[at - 1] not in _NAME) and (after == end or data[after] not in _NAME):
            yield at


def starting_with(pattern: Pattern, source: ScriptText, *words: bytes) -> Iterator[Match]:
    """The matches that start with one of some words, in order; they may overlap."""
    found = [_starting(pattern, source, word) for word in words if source.may_have(word)]
    return found[0] if len(found) == 1 else heapq.merge(*found, key=re.Match.start)


def _starting(pattern: Pattern, source: ScriptText, word: bytes) -> Iterator[Match]:
    for at in occurrences(source, word):
        match = pattern.match(source.data, at)
        if match is not None:
            yield match


def near(
    pattern: Pattern, source: ScriptText, *words: bytes, before: int, after: int
) -> Iterator[Match]:
    """The matches that have a word in them, in order.

    ``before`` and ``after``: how many bytes of a match are at most on either side of its word.
    """
    data = source.data
    places = heapq.merge(*(occurrences(source, word) for word in words))
    start = end = -1
    for at in places:
        if at - before > end:
            yield from pattern.finditer(data, max(start, 0), max(end, 0))
            start = max(at - before, 0)
        end = at + after
    if end >= 0:
        yield from pattern.finditer(data, max(start, 0), end)
