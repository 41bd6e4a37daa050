"""When versions were published: after a long rest, or several within minutes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from npm_vetted.review.signals.comparison import Reason
from npm_vetted.review.signals.statements import ReleaseStep

CODES = ("dormant", "burst")
_REST: Final = timedelta(days=365)
_MINUTES: Final = timedelta(minutes=10)
_BURST: Final = 3


def observe(step: ReleaseStep) -> Iterator[Reason]:
    """A rest of more than a year before it; three versions within ten minutes around it."""
    published = step.release.published
    if published is None or step.base is None:
        return
    times = [past.published for past in step.packument.history(step.release)]
    last = max(times, default=None)
    if last is not None and published - last > _REST:
        yield Reason("dormant", f"the first version in {(published - last).days} days")
    around = [
        time
        for version in step.packument.versions
        if (time := step.packument.published(version)) is not None
        and abs(time - published) <= _MINUTES
    ]
    if len(around) >= _BURST:
        yield Reason("burst", f"{len(around)} versions within ten minutes")
