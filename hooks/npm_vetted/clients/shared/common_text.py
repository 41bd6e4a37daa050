"""Finds the parts that two versions of a lockfile have in common, by comparing their texts.

A commit changes a few of a lockfile's ten thousand entries. The version after the commit is read first.
The reader of the version before reuses the parts that both have. This saves 25 to 35 ms of 250 for each
format (benchmarks/README.md). The steps of ``stretches``:

1. Compare the two texts from the current places, block by block, up to the first difference.
2. Yield the whole pieces up to there as shared.
3. Search both texts ahead for the next equal piece, each time twice as far. The pieces before it
   belong to one text only.
4. Go on behind that piece with step 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import AnyStr, Final, Generic, NamedTuple

_BLOCK: Final = 1 << 16
"""Characters that are compared at a time: so many stay in the processor's cache."""
_AHEAD: Final = 16
"""Pieces of each text that the first search for the next equal piece reads."""


class Stretch(NamedTuple, Generic[AnyStr]):
    """Consecutive pieces: the indexes of the same pieces in the other version, or else the pieces themselves."""

    shared: range
    own: Sequence[AnyStr] = ()


def common_length(text: AnyStr, at: int, other: AnyStr, to: int) -> int:
    """How many characters are equal in two texts, from ``at`` in the one and ``to`` in the other."""
    size, limit = 0, min(len(text) - at, len(other) - to)
    while size < limit:
        step = min(_BLOCK, limit - size)
        if text[at + size : at + size + step] != other[to + size : to + size + step]:
            return size + _equal_start(text, at + size, other, to + size, step)
        size += step
    return size


def _equal_start(text: AnyStr, at: int, other: AnyStr, to: int, unequal: int) -> int:
    """The length of the common start of two blocks of length ``unequal`` that differ somewhere."""
    equal = 0
    while unequal - equal > 1:
        middle = (equal + unequal) // 2
        if text[at + equal : at + middle] == other[to + equal : to + middle]:
            equal = middle
        else:
            unequal = middle
    return equal


def stretches(text: AnyStr, other: AnyStr, cut: AnyStr) -> Iterator[Stretch[AnyStr]]:
    """The pieces of ``text.split(cut)`` in order, as stretches that ``other.split(cut)`` has too or lacks.

    Occurrences of ``cut`` must not overlap. A piece at another place in the order counts as lacking.
    """
    at = to = place = 0
    while True:
        size = common_length(text, at, other, to)
        if at + size == len(text) and to + size == len(other):
            yield Stretch(range(place, place + other.count(cut, to) + 1))
            return
        end = other.rfind(cut, to, to + size)
        if end >= 0:
            count = other.count(cut, to, end) + 1
            yield Stretch(range(place, place + count))
            place += count
            at, to = at + end + len(cut) - to, end + len(cut)
        alike = _next_alike(text, at, other, to, cut)
        if alike.own:
            yield Stretch(range(0), alike.own)
        if alike.at > len(text):
            return
        place += alike.skipped
        yield Stretch(range(place, place + 1))
        place += 1
        at, to = alike.at + alike.size + len(cut), alike.to + alike.size + len(cut)
        if at > len(text):
            return


class _Alike(NamedTuple, Generic[AnyStr]):
    """The next equal piece of two texts: its offset in each (``at``, ``to``) and its size.

    ``own`` are the text's pieces before it, ``skipped`` is the number of the other text's. If there is
    no equal piece, ``at`` is behind the end of the text.
    """

    at: int
    to: int
    size: int
    own: Sequence[AnyStr]
    skipped: int


def _next_alike(text: AnyStr, at: int, other: AnyStr, to: int, cut: AnyStr) -> _Alike[AnyStr]:
    """Find the next equal piece, searching twice as far each time: the cost follows the pieces skipped."""
    ahead = _AHEAD
    while True:
        own, starts = _pieces(text, at, cut, ahead)
        others, places = _pieces(other, to, cut, ahead)
        known = dict(zip(reversed(others), reversed(range(len(others))), strict=True))
        for number, piece in enumerate(own):
            if piece in known:
                found = known[piece]
                return _Alike(starts[number], places[found], len(piece), own[:number], found)
        if len(own) < ahead and len(others) < ahead:
            return _Alike(len(text) + 1, to, 0, own, 0)
        ahead *= 2


def _pieces(text: AnyStr, at: int, cut: AnyStr, most: int) -> tuple[list[AnyStr], list[int]]:
    """The next ``most`` pieces of a text, and the offset of each."""
    pieces: list[AnyStr] = []
    starts: list[int] = []
    while len(pieces) < most and at <= len(text):
        end = text.find(cut, at)
        end = len(text) if end < 0 else end
        pieces.append(text[at:end])
        starts.append(at)
        at = end + len(cut)
    return pieces, starts
