"""Where the entries of a yarn.lock stand; those that two versions share are found once.

A commit changes a few of ten thousand entries. They are taken one by one, each without regard to
what stands before it, or behind the first character of what follows it: so where the same text
stands in another version it is taken there as it was here, and neither matched nor compared again.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import islice
from typing import Final, NamedTuple

from npm_vetted.clients.shared.shared_text import head_within, tail_within

_FEW: Final = 32
"""Pieces of which it does not pay to find the ones that are shared."""
_MANY: Final = 200
"""Runs beyond which matching the rest is quicker than finding what it shares (measured)."""
_TRIES: Final = 4
"""How many pieces are looked for, before a stretch of text is taken to be new."""

Places = dict[str, tuple[int, int]]
"""Where the text of each entry starts and ends, by its key, in the file's order."""


class TwiceError(Exception):
    """A key that two entries have, and where the second stands."""

    def __init__(self, key: str, start: int) -> None:
        super().__init__(key)
        self.key = key
        self.start = start


class Text(NamedTuple):
    """A whole yarn.lock, and where its entries stand."""

    text: str
    places: Places


class Cut(NamedTuple):
    """A text, and the one that was cut before it: which of that one's entries are not shared."""

    own: Text
    kin: Text | None
    apart: Sequence[str]


@cache
def _latest(entry: re.Pattern[str]) -> list[Text]:  # noqa: ARG001
    """The text that was cut last by a grammar: most often another version of the next one."""
    return []


def forget() -> None:
    """Read the next text as if it were the first."""
    _latest.cache_clear()


def cut(text: str, entry: re.Pattern[str], between: Callable[[int], int | None]) -> Cut | None:
    """Find the entries of a text; raises TwiceError for a key that stands twice.

    ``entry`` matches one of them with the line ends behind it: its first group is its text, one of
    the others its key. ``between`` gives the end of a line that is none, or None where the text is
    none of this kind.
    """
    latest = _latest(entry)
    found = None
    if latest:
        found = _cut(text, entry, between, latest[0])
    if found is None:
        found = _cut(text, entry, between, None)
    latest[:] = [found.own] if found else []
    return found


def _cut(
    text: str, entry: re.Pattern[str], between: Callable[[int], int | None], kin: Text | None
) -> Cut | None:
    """None where what is shared does not fit together, or the text is of another kind."""
    places: Places = {}
    apart: list[str] = []
    at: int | None = 0
    if kin is not None:
        cuts = [0, *(start for start, _ in kin.places.values()), len(kin.text)]
        rest, taken = iter(kin.places.items()), 0
        for first, last, start in shared_runs(kin.text, cuts, text):
            at = _scan(text, at or 0, start, entry, between, places)
            if at != start:
                return None
            lower, upper = max(first - 1, 0), max(last - 1, 0)
            apart += (key for key, _ in islice(rest, lower - taken))
            _take(islice(rest, upper - lower), start - cuts[first], places)
            at = start + cuts[last] - cuts[first]
            taken = upper
        apart += (key for key, _ in rest)
    if _scan(text, at or 0, len(text), entry, between, places) is None:
        return None
    return Cut(Text(text, places), kin, apart)


def _scan(
    text: str, at: int, end: int, entry: re.Pattern[str],
    between: Callable[[int], int | None], places: Places,
) -> int | None:  # fmt: skip
    """Take the entries from a place on, up to an end or beyond it; where the last one ends."""
    match = entry.match
    while at < end:
        found = match(text, at)
        if found is None:
            after = between(at)
            if after is None:
                return None
            at = after
            continue
        key = found[2] or next(filter(None, found.groups()[2:]))
        if key in places:
            raise TwiceError(key, at)
        places[key] = found.span(1)
        at = found.end()
    return at


def _take(shared: Iterable[tuple[str, tuple[int, int]]], shift: int, places: Places) -> None:
    """Take entries over from the other text."""
    for key, (start, end) in shared:
        if key in places:
            raise TwiceError(key, start + shift)
        places[key] = (start + shift, end + shift)


class Run(NamedTuple):
    """The pieces from ``first`` to before ``last``, that stand at ``start`` in the other text."""

    first: int
    last: int
    start: int


def shared_runs(known: str, cuts: Sequence[int], text: str) -> list[Run]:
    """Where pieces of a known text stand in another, in its order.

    ``cuts`` are where the pieces start, and where the last one ends. Behind a run that does not end
    both texts stands the same character in both.
    """
    found: list[Run] = []
    left = [(0, len(cuts) - 1, 0, len(text))]
    while left:
        first, last, low, high = left.pop()
        begin, end = cuts[first], cuts[last]
        length = head_within(known, begin, end, text, low, high)
        if low + length == high and begin + length == end:
            found.append(Run(first, last, low))
            continue
        head = max(bisect_left(cuts, begin + length) - 1, first)
        if head > first:
            found.append(Run(first, head, low))
            low += cuts[head] - begin
            first = head
        length = tail_within(known, cuts[first], end, text, low, high)
        tail = min(bisect_left(cuts, end - length), last)
        if tail < last:
            high -= end - cuts[tail]
            found.append(Run(tail, last, high))
            last = tail
        if last - first > _FEW and len(found) < _MANY:
            left += _beside(known, cuts, text, (first, last, low, high))
    return sorted(found, key=lambda run: run.start)


def _beside(
    known: str, cuts: Sequence[int], text: str, region: tuple[int, int, int, int]
) -> list[tuple[int, int, int, int]]:
    """The stretches up to and from a piece of the middle, where one is found."""
    first, last, low, high = region
    middle = (first + last) // 2
    for place in range(middle, min(middle + _TRIES, last)):
        at = text.find(known[cuts[place] : cuts[place + 1]], low, high)
        if at > low:
            return [(first, place, low, at), (place, last, at, high)]
    return []
