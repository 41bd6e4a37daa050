"""Counts the routine steps that lead to a version since a person's note or an exemption.

Ten steps in a row, or steps over more than 180 days, and the next one needs a person. The days are
those from the first routine step to the last: while a package does not change, nothing comes in, so
an old exemption, or one old step, is no reason to ask. What is hidden in many small steps is found
by another rule: signals compare with the last version that a person's words or an exemption cover,
so the score of a step is that of all routine steps since then together.
"""

from __future__ import annotations

import datetime
from typing import Final, NamedTuple

from npm_vetted.vetting.resolver import Vetting

MOST_STEPS: Final = 10
"""After so many routine steps in a row a person is asked."""
LONGEST: Final = datetime.timedelta(days=180)
"""After steps over more than this, too."""


class Streak(NamedTuple):
    """Routine steps in a row.

    ``anchor`` is the last version that a person's words or an exemption cover; signals compare with it.
    ``first`` and ``last`` are the days of the routine notes after it; None: there are none.
    """

    anchor: str
    steps: int
    first: datetime.date | None
    last: datetime.date | None

    @property
    def too_long(self) -> str | None:
        """Why the next step needs a person, in words; None: it does not."""
        if self.steps >= MOST_STEPS:
            return f"{self.steps} routine steps in a row since {self.anchor}"
        if self.first is not None and self.last is not None and self.last - self.first > LONGEST:
            return f"routine steps from {self.first} to {self.last}, over more than {LONGEST.days} days"
        return None


def streak_of(vetting: Vetting, name: str, version: str) -> Streak:
    """Follow routine notes back from a version; it ends where anything else covers one."""
    at, days = version, list[datetime.date]()
    seen: set[str] = set()
    while at not in seen and len(days) <= MOST_STEPS:
        seen.add(at)
        before = _routine_start(vetting, name, at)
        if before is None:
            break
        at, day = before
        days.append(day)
    return Streak(at, len(days), min(days, default=None), max(days, default=None))


def _routine_start(vetting: Vetting, name: str, version: str) -> tuple[str, datetime.date] | None:
    """A routine note's start version and its day; None if a person's note covers the version."""
    if vetting.exemptions.of(name, version):
        return None
    own = [(note, note.since) for note in vetting.notes.of(name, version)]
    listings = [(each.note, each.since) for each in vetting.notes.listing(name, version)]
    every = [*own, *listings]
    if not every or any(not note.routine for note, _ in every):
        return None
    note, since = every[0]
    return (since, note.vetted_on) if since is not None else None
