"""Shared by the formats for people: a report's figures, and the points that need attention."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from npm_vetted.auditing.facts import AuditReport, PackageFacts
from npm_vetted.review.text import counted
from npm_vetted.vetting.policy import BUILT_IN_CRITERIA
from npm_vetted.vetting.resolver import Status

SOON: Final = 30
"""Days before its end in which an exception counts as ending soon."""
_REVIEWED: Final = frozenset({Status.VETTED.value, Status.ACCEPTED.value})
_AGES: Final = (30, 90, 180, 365)
LIMITS: Final = (
    "Git cannot see approvals: where a dependency and its note came in one commit, sample the pull "
    "request that the subject names. Advisories and vulnerabilities are not part of this audit."
)


class PersonFigures(NamedTuple):
    """The figures of one person, as named in ``vetted-by``."""

    name: str
    notes: int
    packages: int
    last: datetime.date


def statuses(report: AuditReport) -> list[tuple[str, int]]:
    """How many packages have each status, in a fixed order; those that nobody has are left out."""
    counts = Counter(each.status for each in report.packages)
    shown = (Status.VETTED, Status.ACCEPTED, Status.EXEMPT, Status.UNVETTED)
    return [
        (each.value, counts[each.value]) for each in Status if counts[each.value] or each in shown
    ]


def is_reviewed(each: PackageFacts) -> bool:
    """Whether a note with a person's words covers it."""
    return each.status in _REVIEWED and each.note is not None


def reviewed_share(report: AuditReport) -> int:
    """The percentage of packages that a person's note covers, rounded down: 100 means all."""
    reviewed = sum(map(is_reviewed, report.packages))
    return 100 * reviewed // len(report.packages) if report.packages else 100


def criteria(report: AuditReport) -> list[tuple[str, int]]:
    """The number of packages that notes with each criterion cover; the last entry: uncovered ones."""
    counts = Counter(name for each in report.packages for name in each.criteria)
    names = [*BUILT_IN_CRITERIA, *sorted(set(counts) - set(BUILT_IN_CRITERIA))]
    nothing = sum(not each.criteria for each in report.packages)
    return [*((name, counts[name]) for name in names), ("nothing", nothing)]


def ages(report: AuditReport) -> list[tuple[str, int]]:
    """How many covered packages were vetted how long before the day of the report."""
    days = [(report.day - each.vetted_on).days for each in report.packages if each.vetted_on]
    edges = [-1_000_000, *_AGES, 10_000_000]
    found = []
    for low, high in pairwise(edges):
        name = f"up to {high} days" if high in _AGES else f"over {low} days"
        found.append((name, sum(low < each <= high for each in days)))
    return found


def people(report: AuditReport) -> list[PersonFigures]:
    """Each person who signed notes, the one with the most packages first."""
    notes: dict[str, list[datetime.date]] = {}
    for note in report.notes:
        notes.setdefault(note.vetted_by, []).append(note.vetted_on)
    packages = Counter(each.vetted_by for each in report.packages if each.vetted_by)
    found = [
        PersonFigures(name, len(days), packages[name], max(days)) for name, days in notes.items()
    ]
    return sorted(found, key=lambda each: (-each.packages, -each.notes, each.name))


def second_person(report: AuditReport) -> tuple[int, int, int, int]:
    """Noted packages: vetted by another person, by the same one, squashed, unknown."""
    noted = [each for each in report.packages if each.vetted_by]
    squashed = sum(each.squashed for each in noted)
    same = sum(each.same_person is True and not each.squashed for each in noted)
    other = sum(each.same_person is False for each in noted)
    return other, same, squashed, len(noted) - squashed - same - other


def signatures(report: AuditReport) -> list[tuple[str, int]]:
    """How many notes a commit with each class of signature brought; the last: not committed."""
    counts = Counter(
        note.brought.authored.signature if note.brought else "not known" for note in report.notes
    )
    words = ["good", "bad", "present, not checked", "none"]
    return [
        (word, counts[word]) for word in [*words, *(["not known"] if counts["not known"] else [])]
    ]


def attention(report: AuditReport) -> Iterator[str]:
    """The points that a person has to look at, the worst first."""
    states = Counter((each.kind, each.state) for each in report.exceptions)
    unvetted = sum(each.status == Status.UNVETTED.value for each in report.packages)
    if unvetted:
        yield f"{counted(unvetted, 'package')} unvetted"
    if report.broken_notes:
        yield f"{counted(len(report.broken_notes), 'note')} malformed"
    bad = dict(signatures(report))["bad"]
    if bad:
        yield f"{counted(bad, 'note')} brought by a commit with a bad signature"
    for kind, state in sorted(states):
        if state in ("expired", "unused"):
            yield f"{counted(states[kind, state], *_NAMES[kind])} {state}"
    soon = [
        each
        for each in report.exceptions
        if each.until and 0 <= (each.until - report.day).days <= SOON
    ]
    if soon:
        yield f"{counted(len(soon), 'exception')} to end within {SOON} days"
    unused = sum(not each.used for each in report.notes)
    if unused:
        yield f"{counted(unused, 'note')} used by nothing"
    replaced = sum(each.also_exempt for each in report.packages)
    if replaced:
        yield f"{counted(replaced, 'exemption')} replaced by a note (npm-vetted prune)"
    if report.exempt_now:
        oldest = ""
        if report.exemptions_since is not None:
            days = (report.date - report.exemptions_since).days
            oldest = f", the oldest for {counted(days, 'day')}"
        yield f"{counted(report.exempt_now, 'exemption')}{oldest}"


_NAMES: Final = {
    "ignore": ("[[ignore]] entry", "[[ignore]] entries"),
    "baseline": ("baseline entry", "baseline entries"),
    "waiver": ("waived cooldown",),
    "cooldown-exempt": ("[[cooldown-exempt]] entry", "[[cooldown-exempt]] entries"),
    "exclude": ("[[exclude]] entry", "[[exclude]] entries"),
}
