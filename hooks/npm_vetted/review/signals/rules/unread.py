"""A script that could not be read completely."""

from __future__ import annotations

from collections.abc import Iterator

from npm_vetted.review.signals.comparison import PackageComparison, Reason

CODES = ("obf:unread",)


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """The first script that is unread and was not before."""
    for each in comparison.changed:
        if not each.facts.unread:
            continue
        before = comparison.before(each.path)
        if before is None or not before.unread:
            yield Reason("obf:unread", f"could not be read: {each.facts.unread}", each.path, 1)
            return
