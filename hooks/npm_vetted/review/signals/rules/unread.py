"""A script that could not be read completely."""

from __future__ import annotations

from collections.abc import Iterator

from npm_vetted.review.signals.comparison import PackageComparison, Reason

CODES = ("obf:unread",)


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """The first script that is unread and was not before; that one is no text is another signal."""
    for each in comparison.changed:
        if not each.facts.unread or "not-text" in each.facts.marks:
            continue
        before = comparison.before(each.path)
        if before is None or not before.unread:
            yield Reason("obf:unread", f"could not be read: {each.facts.unread}", each.path, 1)
            return
