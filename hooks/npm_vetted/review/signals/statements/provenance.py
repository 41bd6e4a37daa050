"""Provenance that the earlier version had and this one has not."""

from __future__ import annotations

from collections.abc import Iterator

from npm_vetted.review.signals.comparison import Reason
from npm_vetted.review.signals.statements import ReleaseStep

CODES = ("provenance-lost", "trusted-publisher-changed")


def observe(step: ReleaseStep) -> Iterator[Reason]:
    """Lost provenance; a trusted publisher (a CI workflow) that is another one, or gone."""
    base, release = step.base, step.release
    if base is None:
        return
    if base.provenance and not release.provenance:
        text = f"has no provenance, which {base.version} had"
        yield Reason("provenance-lost", text)
    if base.trusted_publisher is not None and base.trusted_publisher != release.trusted_publisher:
        now = release.trusted_publisher or (
            release.publisher.name if release.publisher else "nobody named"
        )
        text = f"published by {now}, not by the trusted publisher of {base.version}"
        yield Reason("trusted-publisher-changed", text)
