"""Versions that are younger than the cooldown when a commit adds them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Final

from npm_vetted.checks import Explanation, use_finding
from npm_vetted.model import Finding
from npm_vetted.projects.change import Arrival, Change, IntroducedPackage
from npm_vetted.vetting.notes import Mention
from npm_vetted.vetting.resolver import Status

ID: Final = "cooldown"
HOOKS: Final = frozenset({"notes"})
_BY_A_NOTE: Final = (Status.VETTED, Status.ACCEPTED, Status.ROUTINE)
CODES: Final = {"too-young": "A version that is younger than the policy's cooldown."}
EXPLANATION: Final = Explanation(
    what="A version that is younger than the cooldown (7 days by default) when it enters.",
    why=(
        "Most malicious releases are found within hours or days. The chalk and debug releases of "
        "September 2025 were online for two hours, axios 1.14.1 for three. A project that waits a "
        "week never installs them. The clients' own cooldowns do not check what the lockfile "
        "pins: a frozen install of a young version passes in npm, Yarn berry and Bun."
    ),
    before="published = 2026-11-21T09:00:00Z    # yesterday: rejected",
    after=(
        "published = 2026-11-21T09:00:00Z\n"
        'cooldown-waiver = "fixes CVE-2026-1234, which we are exposed to; the diff was read"'
    ),
    satisfy=(
        "Wait, or take the newest version that is old enough: `npm-vetted inspect PKG` names it. The "
        "clients have a cooldown of their own, which keeps young versions out of the lockfile: "
        "`min-release-age` in .npmrc (npm 11), `minimumReleaseAge` in pnpm-workspace.yaml (pnpm 10) "
        "and bunfig.toml (Bun 1.3), `npmMinimalAgeGate` in .yarnrc.yml (Yarn 4.10)."
    ),
    exception='`npm-vetted note PKG --waive-cooldown "the reason why it cannot wait"`.',
)


def run(change: Change) -> Iterator[Finding]:
    """Judge the age of each added version by the publication date in its note."""
    for use in change.uses():
        if use.arrival is Arrival.PROMOTED or use.artifact.specifier is not None:
            continue  # a range has no age
        if change.policy.needs_no_wait(use.artifact.name, change.today.date()):
            continue
        verdict = change.verdict(use)
        if verdict.mention is None or verdict.status not in _BY_A_NOTE:
            continue
        days = change.vetting.cooldown_days(use.subject, verdict.mention.since)
        if days == 0 or _waiver(verdict.mention):
            continue
        since, source = _counted_from(verdict.mention, change.today)
        age = change.today - since
        if age < datetime.timedelta(days=days):
            yield _finding(use, verdict.mention, age, days, source)


def _waiver(mention: Mention) -> str | None:
    own = mention.listed.cooldown_waiver if mention.listed else None
    return own or mention.note.cooldown_waiver


def _counted_from(mention: Mention, now: datetime.datetime) -> tuple[datetime.datetime, str]:
    """From when the age counts: when it was published, else when it was vetted."""
    published = mention.listed.published if mention.listed else mention.note.published
    if published is not None and published <= now:
        return published, "published"
    day = datetime.datetime.combine(mention.note.vetted_on, datetime.time(), datetime.UTC)
    return min(day, now), "vetted (no time of publication is recorded)"


def _finding(
    use: IntroducedPackage, mention: Mention, age: datetime.timedelta, days: int, source: str
) -> Finding:
    left = datetime.timedelta(days=days) - age
    return use_finding(
        ID,
        "too-young",
        use,
        f"{source} {_words(age)} ago; the policy requires {days} days ({_words(left)} left)",
        fix=_fix(use, mention),
    )


def _fix(use: IntroducedPackage, mention: Mention) -> tuple[tuple[str, ...], ...]:
    """Complete a note that was recorded offline; a waiver comes last."""
    label = _named(use, mention)
    published = mention.listed.published if mention.listed else mention.note.published
    complete = () if published is not None else (("npm-vetted", "note", label, "--complete"),)
    return (*complete, ("npm-vetted", "note", label, "--waive-cooldown", "REASON"))


def _named(use: IntroducedPackage, mention: Mention) -> str:
    """The package by which ``note`` finds the note: its own one, or one that a group lists."""
    return mention.note.label if mention.note.package else use.artifact.label


def _words(time: datetime.timedelta) -> str:
    if time >= datetime.timedelta(days=2):
        return f"{time.days} days"
    hours = max(int(time.total_seconds() // 3600), 1)
    return f"{hours} hour{'s' if hours > 1 else ''}"
