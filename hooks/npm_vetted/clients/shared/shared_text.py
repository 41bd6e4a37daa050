"""What two versions of a text share: whole chunks between blank lines, found by comparing slices.

A commit changes a few of a lockfile's ten thousand entries; the others need be neither cut out nor
looked at again. That a chunk is shared says only that the same text stands between blank lines in
both: nothing depends on how well this finds what is shared, but time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

_FEW: Final = 8
"""Chunks of which it does not pay to find the ones that are shared."""
_TRIES: Final = 4
"""How many chunks are looked for, before a stretch of text is taken to be new."""
_STEP: Final = 1 << 16


class Run(NamedTuple):
    """Known chunks, from ``first`` to before ``last``, that stand at ``start`` in another text."""

    first: int
    last: int
    start: int
    end: int


def shared_runs(chunks: Sequence[str], text: str, end: int) -> list[Run]:
    """Where chunks of one text stand in another (up to its ``end``), in both's order.

    Chunks are cut at the first two of several line breaks, unless three blanks follow. Each run
    stands between such cuts in the other text as well, or at its edges.
    """
    return _Search(chunks, text).runs(end)


class _Search:
    def __init__(self, chunks: Sequence[str], text: str) -> None:
        self.chunks = chunks
        self.known = "\n\n".join(chunks)
        self.starts = list(accumulate(map((2).__add__, map(len, chunks)), initial=0))
        self.text = text

    def runs(self, end: int) -> list[Run]:
        """Take what the ends share, find a chunk of the middle, and go on beside it."""
        found: list[Run] = []
        left = [(0, len(self.chunks), 0, end)]
        while left:
            first, last, low, high = left.pop()
            head = self._head(first, last, low, high)
            if head > first:
                after = low + self.starts[head] - self.starts[first]
                found.append(Run(first, head, low, after - 2))
                first, low = head, after
            tail = self._tail(first, last, low, high)
            if tail < last:
                start = high + 2 - (self.starts[last] - self.starts[tail])
                found.append(Run(tail, last, start, high))
                last, high = tail, start - 2
            if last - first > _FEW and high - low > 0:
                left += self._beside(first, last, low, high)
        return sorted(found, key=lambda run: run.start)

    def _head(self, first: int, last: int, low: int, high: int) -> int:
        """The chunk before which all stand at the text's low end, too, and are cut there."""
        begin, end = self.starts[first], self.starts[last] - 2
        length = head_within(self.known, begin, end, self.text, low, high)
        if begin + length == end and low + length == high:
            return last
        # A cut is known by the two line breaks and the three characters that follow.
        return max(first, bisect_right(self.starts, begin + length - 3) - 1)

    def _tail(self, first: int, last: int, low: int, high: int) -> int:
        """The chunk from which on all stand at the text's high end, too, and are cut there."""
        if first >= last:
            return last
        begin, end = self.starts[first], self.starts[last] - 2
        length = tail_within(self.known, begin, end, self.text, low, high)
        tail = max(first + 1, bisect_left(self.starts, end - length + 3))
        while tail < last and self.known[self.starts[tail] - 3] == "\n":
            tail += 1
        return min(tail, last)

    def _beside(
        self, first: int, last: int, low: int, high: int
    ) -> list[tuple[int, int, int, int]]:
        """The stretches before and after a chunk of the middle, where one is found."""
        middle = (first + last) // 2
        for place in range(middle, min(middle + _TRIES, last)):
            chunk = self.chunks[place]
            at = self.text.find(f"\n\n{chunk}\n\n", low, high)
            if at > low and self.text[at - 1] != "\n" and not chunk.startswith(("\n", "   ")):
                return [(first, place, low, at), (place, last, at + 2, high)]
        return []


def common_head(one: Sequence[object], other: Sequence[object]) -> int:
    """How many items two sequences begin with alike."""
    return head_within(one, 0, len(one), other, 0, len(other))


def common_tail(one: Sequence[object], other: Sequence[object]) -> int:
    """How many items two sequences end with alike."""
    return tail_within(one, 0, len(one), other, 0, len(other))


def head_within(
    one: Sequence[object], a: int, b: int, other: Sequence[object], c: int, d: int
) -> int:
    """How many items of ``one[a:b]`` and ``other[c:d]`` begin with alike."""
    return _reach(
        min(b - a, d - c),
        lambda low, upper: one[a + low : a + upper] == other[c + low : c + upper],
    )


def tail_within(
    one: Sequence[object], a: int, b: int, other: Sequence[object], c: int, d: int
) -> int:
    """How many items of ``one[a:b]`` and ``other[c:d]`` end with alike."""
    return _reach(
        min(b - a, d - c),
        lambda low, upper: one[b - upper : b - low] == other[d - upper : d - low],
    )


def _reach(limit: int, alike: Callable[[int, int], bool]) -> int:
    """How far it goes on alike, by stretches: long ones first, then ever shorter ones."""
    low, step = 0, _STEP
    while low < limit and step:
        upper = min(low + step, limit)
        if alike(low, upper):
            low = upper
        else:
            step = min(step, upper - low) // 2
    return low
