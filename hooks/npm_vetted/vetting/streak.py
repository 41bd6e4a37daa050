"""Counts the routine steps that lead to a version since a person's note or an exemption.

After ten routine steps in a row, or 180 days after the first of them, the next step needs a person. The age of
the note or exemption before them does not count: before the first routine step, a person decided everything.
Changes that are spread over many small steps are found by another rule: signals compare a version with the
last one that a person's note or an exemption covers, so a score is that of all routine steps together.
"""

from __future__ import annotations

import datetime
from typing import Final, NamedTuple

from npm_vetted.vetting.resolver import Vetting

MOST_STEPS: Final = 10
"""The most routine steps in a row; after them, a person must write a note."""
LONGEST: Final = datetime.timedelta(days=180)
"""The longest time since the first routine step; after it, a person must write a note."""


class Streak(NamedTuple):
    """Routine steps in a row.

    ``anchor`` is the last version that a person's words or an exemption cover; signals compare with it.
    ``since`` is the day of the first routine note after it; None: there is none.
    """

    anchor: str
    steps: int
    since: datetime.date | None

    def too_long(self, day: datetime.date) -> str | None:
        """The reason why the next step needs a person, for a message; None: it does not."""
        if self.steps >= MOST_STEPS:
            return f"{self.steps} routine steps in a row since {self.anchor}"
        if self.since is not None and day - self.since > LONGEST:
            return f"routine steps since {self.since}, more than {LONGEST.days} days"
        return None


def streak_of(vetting: Vetting, name: str, version: str) -> Streak:
    """Follow routine notes back from a version, to the first version that other evidence covers."""
    at, steps, first = version, 0, None
    seen: set[str] = set()
    while at not in seen and steps <= MOST_STEPS:
        seen.add(at)
        before = _routine_start(vetting, name, at)
        if before is None:
            break
        at, day = before
        first = day if first is None else min(first, day)
        steps += 1
    return Streak(at, steps, first)


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
