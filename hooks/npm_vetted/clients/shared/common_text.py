"""What two versions of a lockfile have in common, found by comparing their texts.

A commit changes a few of a lockfile's ten thousand entries. What both versions hold is cut, proven and
decoded once, for the version after the commit; the reader of the one before takes it from there. This
saves 25 to 35 ms of 250 for each format (benchmarks/README.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import AnyStr, Final, Generic, NamedTuple

_BLOCK: Final = 1 << 16
"""So much is compared at a time: it stays in the processor's cache."""
_AHEAD: Final = 16
"""So many pieces are looked at first for the place where two versions are alike again."""


class Stretch(NamedTuple, Generic[AnyStr]):
    """Pieces in a row: ``shared`` are their places in the other version, or ``own`` the pieces themselves."""

    shared: range
    own: Sequence[AnyStr] = ()


def common_length(text: AnyStr, at: int, other: AnyStr, to: int) -> int:
    """How many characters two texts have in common, from a place in each."""
    size, limit = 0, min(len(text) - at, len(other) - to)
    while size < limit:
        step = min(_BLOCK, limit - size)
        if text[at + size : at + size + step] != other[to + size : to + size + step]:
            return size + _equal_start(text, at + size, other, to + size, step)
        size += step
    return size


def _equal_start(text: AnyStr, at: int, other: AnyStr, to: int, unequal: int) -> int:
    """The length of the start that two texts have in common, of which so much is unequal."""
    equal = 0
    while unequal - equal > 1:
        middle = (equal + unequal) // 2
        if text[at + equal : at + middle] == other[to + equal : to + middle]:
            equal = middle
        else:
            unequal = middle
    return equal


def stretches(text: AnyStr, other: AnyStr, cut: AnyStr) -> Iterator[Stretch[AnyStr]]:
    """The pieces of ``text.split(cut)``, in stretches that ``other.split(cut)`` has as well or has not.

    No occurrence of ``cut`` may overlap another one. A piece that moved counts as the text's own.
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
    """The next piece that two texts share: where it is in each, its size, and what is before it.

    ``own`` are the pieces of the text up to there, ``skipped`` says how many the other has. Where no
    piece is shared, ``at`` is behind the end of the text.
    """

    at: int
    to: int
    size: int
    own: Sequence[AnyStr]
    skipped: int


def _next_alike(text: AnyStr, at: int, other: AnyStr, to: int, cut: AnyStr) -> _Alike[AnyStr]:
    """Find the next shared piece, looking twice as far ahead each time: the work follows what is skipped."""
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
    """The next pieces of a text, and where each starts."""
    pieces: list[AnyStr] = []
    starts: list[int] = []
    while len(pieces) < most and at <= len(text):
        end = text.find(cut, at)
        end = len(text) if end < 0 else end
        pieces.append(text[at:end])
        starts.append(at)
        at = end + len(cut)
    return pieces, starts
