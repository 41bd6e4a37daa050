"""Searches in the bytes of a script that look only where a word is.

A pattern that may start anywhere is tried at every byte of a file; a word is found a hundred times
faster. So each pattern is tried only at, or near, the words that it cannot do without.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from typing import Final

Pattern = re.Pattern[bytes]
Match = re.Match[bytes]
_NAME: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$")


def occurrences(data: bytes, word: bytes) -> Iterator[int]:
    """Where some bytes are."""
    at = data.find(word)
    while at >= 0:
        yield at
        at = data.find(word, at + 1)


def whole_words(data: bytes, word: bytes) -> Iterator[int]:
    """Where a word is that is no part of a longer name."""
    size, end = len(word), len(data)
    for at in occurrences(data, word):
        after = at + size
        if (not at or data[at - 1] not in _NAME) and (after == end or data[after] not in _NAME):
            yield at


def starting_with(pattern: Pattern, data: bytes, *words: bytes) -> Iterator[Match]:
    """The matches that start with one of some words, in order; they may overlap."""
    found = [_starting(pattern, data, word) for word in words]
    return found[0] if len(found) == 1 else heapq.merge(*found, key=re.Match.start)


def _starting(pattern: Pattern, data: bytes, word: bytes) -> Iterator[Match]:
    for at in occurrences(data, word):
        match = pattern.match(data, at)
        if match is not None:
            yield match


def near(pattern: Pattern, data: bytes, *words: bytes, before: int, after: int) -> Iterator[Match]:
    """The matches that have a word in them, in order.

    ``before`` and ``after``: how many bytes of a match are at most on either side of its word.
    """
    places = heapq.merge(*(occurrences(data, word) for word in words))
    start = end = -1
    for at in places:
        if at - before > end:
            yield from pattern.finditer(data, max(start, 0), max(end, 0))
            start = max(at - before, 0)
        end = at + after
    if end >= 0:
        yield from pattern.finditer(data, max(start, 0), end)
