"""Versions that are younger than the cooldown when a commit adds them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from npm_vetted.checks import Explanation, use_finding
from npm_vetted.checks._fixes import ways_out
from npm_vetted.model import Artifact, Finding
from npm_vetted.projects.change import Change
from npm_vetted.projects.introduced import Arrival
from npm_vetted.projects.package_manager import pinned_managers
from npm_vetted.vetting.notes import Mention
from npm_vetted.vetting.resolver import Status, VettingRequest

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


class Waiting(NamedTuple):
    """A package whose cooldown has not ended, by its note; ``until`` is the end.

    ``finding`` has the location, but no message yet.
    """

    artifact: Artifact
    finding: Finding
    mention: Mention
    days: int
    since: datetime.datetime
    source: str

    @property
    def until(self) -> datetime.datetime:
        """The time at which the cooldown ends."""
        return self.since + datetime.timedelta(days=self.days)


def run(change: Change) -> Iterator[Finding]:
    """Judge the age of each added version, by the publication time that its note records."""
    young = list(waiting(change))
    back = ways_out(change, [each.finding for each in young])
    for each in young:
        left, age = each.until - change.today, change.today - each.since
        message = (
            f"{each.source} {_words(age)} ago; the policy requires {each.days} days "
            f"({_words(left)} left)"
        )
        yield each.finding._replace(message=message, fix=_fix(each, back))


def waiting(change: Change) -> Iterator[Waiting]:
    """The added packages that a note covers, that are too young, and that have no waiver."""
    for use in change.uses():
        if use.arrival is Arrival.PROMOTED or use.artifact.specifier is not None:
            continue  # a range has no age
        yield from _waiting(change, use.subject, use_finding(ID, "too-young", use, ""))
    for project, pinned in pinned_managers(change):
        label = pinned.request.artifact.label
        finding = Finding(
            check=ID, message="", location=pinned.location, project=project.after.path or ".",
            package=pinned.request.artifact.name, version=pinned.request.artifact.version,
            code="too-young", key=label, value=pinned.text,
        )  # fmt: skip
        yield from _waiting(change, pinned.request, finding)


def _waiting(change: Change, request: VettingRequest, finding: Finding) -> Iterator[Waiting]:
    if change.policy.needs_no_wait(request.artifact.name, change.today.date()):
        return
    verdict = change.vetting.decide(request)
    if verdict.mention is None or verdict.status not in _BY_A_NOTE:
        return
    days = change.vetting.cooldown_days(request, verdict.mention.since)
    if days == 0 or _waiver(verdict.mention):
        return
    since, source = _counted_from(verdict.mention, change.today)
    if change.today - since < datetime.timedelta(days=days):
        yield Waiting(request.artifact, finding, verdict.mention, days, since, source)


def _waiver(mention: Mention) -> str | None:
    own = mention.listed.cooldown_waiver if mention.listed else None
    return own or mention.note.cooldown_waiver


def _counted_from(mention: Mention, now: datetime.datetime) -> tuple[datetime.datetime, str]:
    """The start of the cooldown: the publication, else the day of the note; and a word for messages."""
    published = mention.listed.published if mention.listed else mention.note.published
    if published is not None and published <= now:
        return published, "published"
    day = datetime.datetime.combine(mention.note.vetted_on, datetime.time(), datetime.UTC)
    return min(day, now), "vetted (no time of publication is recorded)"


def _fix(each: Waiting, back: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """The fixes: complete a note that was recorded offline; leave the version out; write a waiver."""
    mention = each.mention
    # What `note` finds the note by: its own package, or what a group lists.
    label = mention.note.label if mention.note.package else each.artifact.label
    published = mention.listed.published if mention.listed else mention.note.published
    complete = () if published is not None else (("npm-vetted", "note", label, "--complete"),)
    out = back.get(each.finding.project or ".")
    return (
        *complete,
        *((out,) if out and not complete else ()),
        ("npm-vetted", "note", label, "--waive-cooldown", "REASON"),
    )


def _words(time: datetime.timedelta) -> str:
    if time >= datetime.timedelta(days=2):
        return f"{time.days} days"
    hours = max(int(time.total_seconds() // 3600), 1)
    return f"{hours} hour{'s' if hours > 1 else ''}"
