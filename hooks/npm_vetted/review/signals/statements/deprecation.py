"""A version that its own publisher advises against."""

from __future__ import annotations

from collections.abc import Iterator

from npm_vetted.review.signals.comparison import Reason
from npm_vetted.review.signals.statements import ReleaseStep

CODES = ("deprecated",)


def observe(step: ReleaseStep) -> Iterator[Reason]:
    """The publisher's words, unless they are said of the earlier version too."""
    said = step.release.deprecated
    if said is not None and (step.base is None or step.base.deprecated is None):
        yield Reason("deprecated", f"deprecated: {said}")
