"""A very long line in a file that people could read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.review.signals.comparison import PackageComparison, Reason

CODES = ("obf:line-jump",)


_READABLE: Final = 200
"""Characters of an average line that people read; a minified file may be one short line."""


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """The first file whose longest line jumped."""
    for each in comparison.changed:
        if each.facts.longest < 2_000:
            continue
        before = comparison.before(each.path)
        if before is None or not before.readable or _average(comparison, each.path) > _READABLE:
            continue
        if each.facts.longest >= 8 * max(before.longest, 1):
            text = f"a line of {each.facts.longest:,} characters in a file that had short ones"
            yield Reason("obf:line-jump", text, each.path, 1)
            return


def _average(comparison: PackageComparison, path: str) -> float:
    data = (comparison.old or {}).get(path, b"")
    return len(data) / (data.count(b"\n") + 1)
