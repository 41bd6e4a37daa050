"""A file of the tests that was there, and now belongs to what the package runs."""

from __future__ import annotations

from collections.abc import Iterator

from npm_vetted.review.signals.comparison import PackageComparison, Reason
from npm_vetted.review.signals.wording import POWERS

CODES = ("file-activated",)


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """The first such file that can do something."""
    for path, facts in comparison.activated:
        able = [mark for mark in POWERS if mark in facts.marks]
        if able:
            can = ", ".join(POWERS[mark] for mark in able[:3])
            line = facts.marks[able[0]].line
            yield Reason(
                "file-activated", f"runs a file of its tests, which can: {can}", path, line
            )
            return
