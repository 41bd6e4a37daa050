"""A version that somebody published who never published one before."""

from __future__ import annotations

from collections.abc import Iterator

from npm_vetted.review.signals.comparison import Reason
from npm_vetted.review.signals.statements import ReleaseStep

CODES = ("publisher-new",)


def observe(step: ReleaseStep) -> Iterator[Reason]:
    """A publisher without an earlier version; publishing by CI is another module's matter."""
    publisher = step.release.publisher
    if step.base is None or publisher is None or step.release.trusted_publisher is not None:
        return
    before = [past for past in step.packument.history(step.release) if past.publisher]
    if before and all(past.publisher != publisher.name for past in before):
        yield Reason(
            "publisher-new", f"published by {publisher.name}, who never published a version before"
        )
