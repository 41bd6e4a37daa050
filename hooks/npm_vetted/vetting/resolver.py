"""Deciding: is an artifact vetted, accepted, exempt or first-party, and if not, what is missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import NamedTuple

from npm_vetted.model import Artifact
from npm_vetted.packages.versions import newest, step
from npm_vetted.vetting.exemptions import Exemption, Exemptions
from npm_vetted.vetting.notes import Mention, Note, NoteStore
from npm_vetted.vetting.pins import Match, read_pinned
from npm_vetted.vetting.policy import Demands, Policy


class Status(StrEnum):
    """The state of an artifact, as ``audit`` reports it."""

    VETTED = "vetted"
    ACCEPTED = "accepted"
    EXEMPT = "exempt"
    FIRST_PARTY = "first-party"
    UNVETTED = "unvetted"


class GapReason(StrEnum):
    """Why a note that speaks of an artifact does not cover it, the most telling first."""

    BYTES = "bytes"
    CRITERIA = "criteria"
    CHAIN = "chain"
    DIRECT = "direct"
    OWN = "own"
    NOTE = "note"


class Gap(NamedTuple):
    """What is missing. ``criteria`` are the missing ones; ``since`` the broken chain's version."""

    lack: GapReason
    mention: Mention | None = None
    criteria: tuple[str, ...] = ()
    since: str | None = None


class VettingRequest(NamedTuple):
    """An artifact as a project uses it. ``previous`` are the versions that *before* locks."""

    artifact: Artifact
    direct: bool
    development: bool
    previous: tuple[str, ...] = ()
    carrier: Artifact | None = None
    """The artifact whose tarball carries this one, where it is bundled."""


class Verdict(NamedTuple):
    """The answer, with what it rests on. ``unbound``: no hash could be compared."""

    status: Status
    mention: Mention | None = None
    exemption: Exemption | None = None
    gap: Gap | None = None
    unbound: bool = False

    @property
    def covered(self) -> bool:
        """Whether nothing is missing."""
        return self.status is not Status.UNVETTED


class Vetting:
    """Decides by one policy, one set of exemptions and one state of the notes."""

    def __init__(self, policy: Policy, exemptions: Exemptions, notes: NoteStore) -> None:
        self.policy = policy
        self.exemptions = exemptions
        self.notes = notes
        self._verdicts: dict[VettingRequest, Verdict] = {}

    def decide(self, subject: VettingRequest) -> Verdict:
        """The verdict on an artifact."""
        if subject not in self._verdicts:
            self._verdicts[subject] = self._judge(subject)
        return self._verdicts[subject]

    def _judge(self, subject: VettingRequest) -> Verdict:
        artifact = subject.artifact
        if subject.carrier is not None:
            return self._judge(_carrier(subject))
        if self.policy.owner_of(artifact) is not None:
            return Verdict(status=Status.FIRST_PARTY)
        exemption, bound = self.exemption(artifact)
        if exemption is not None and bound is Match.SAME:
            return Verdict(status=Status.EXEMPT, exemption=exemption)
        noted = self.noted(subject)
        if exemption is None or (noted.mention is not None and noted.covered and not noted.unbound):
            return noted
        return Verdict(status=Status.EXEMPT, exemption=exemption, unbound=True)

    def noted(self, subject: VettingRequest) -> Verdict:
        """The verdict by the notes alone, whatever is exempt."""
        artifact = subject.artifact
        loose: Verdict | None = None
        gaps: list[Gap] = []
        for mention in self.notes.mentioning(artifact):
            bound = mention.pinned.compare(artifact)
            gap = (
                Gap(lack=GapReason.BYTES, mention=mention)
                if bound is Match.DIFFERENT
                else self._gap(mention, subject)
            )
            if gap is not None:
                gaps.append(gap)
                continue
            status = Status.VETTED if mention.listed is None else Status.ACCEPTED
            verdict = Verdict(status=status, mention=mention, unbound=bound is Match.UNKNOWN)
            if not verdict.unbound:
                return verdict
            loose = loose or verdict
        if loose is not None:
            return loose
        order = list(GapReason)
        worst = min(gaps, key=lambda gap: order.index(gap.lack), default=Gap(lack=GapReason.NOTE))
        ignored = not subject.direct and self._asks(subject).transitive == "ignore"
        if ignored and worst.lack is not GapReason.BYTES:
            return Verdict(status=Status.ACCEPTED)
        return Verdict(status=Status.UNVETTED, mention=worst.mention, gap=worst)

    def exemption(self, artifact: Artifact) -> tuple[Exemption | None, Match]:
        """The exemption of exactly these bytes from this source, else one by another client's hash."""
        unbound = None
        for each in self.exemptions.of(artifact.name, artifact.version or "-"):
            match read_pinned(each.pinned).binds(artifact):
                case Match.SAME:
                    return each, Match.SAME
                case Match.UNKNOWN:
                    unbound = each
        return unbound, Match.UNKNOWN

    def _asks(self, subject: VettingRequest) -> Demands:
        return self.policy.asks(subject.development)

    def demanded(self, subject: VettingRequest, since: str | None) -> tuple[str, ...]:
        """The criteria that a note must name: of an upgrade from ``since`` or a locked version."""
        demands = self._asks(subject)
        return _demanded(demands, subject.artifact.version, since, subject.previous)

    def scripts_reviewed(self, artifact: Artifact) -> bool:
        """Whether a note of exactly these bytes says that the scripts were reviewed.

        An exemption counts as one here: adoption took over what was allowed before.
        """
        request = VettingRequest(artifact=artifact, direct=False, development=False)
        verdict = self.decide(request)
        if verdict.status in (Status.EXEMPT, Status.FIRST_PARTY):
            return True
        if verdict.mention is None or not verdict.covered:
            return False
        return not self.lacking_scripts(request, verdict.mention.note.grants)

    def lacking_scripts(self, subject: VettingRequest, grants: Collection[str]) -> tuple[str, ...]:
        """The criteria for lifecycle scripts that a note does not name."""
        return tuple(name for name in self._asks(subject).scripts if name not in grants)

    def _gap(self, mention: Mention, subject: VettingRequest) -> Gap | None:
        demands = self._asks(subject)
        if not mention.accepted and subject.direct:
            return Gap(lack=GapReason.DIRECT, mention=mention)
        if not mention.accepted and demands.transitive == "note":
            return Gap(lack=GapReason.OWN, mention=mention)
        since = mention.listed.since if mention.listed else mention.note.since
        if mention.listed is None or subject.direct or demands.transitive == "note":
            wanted = self.demanded(subject, since)
            missing = tuple(name for name in wanted if name not in mention.note.grants)
            if missing:
                return Gap(lack=GapReason.CRITERIA, mention=mention, criteria=missing)
        if since is not None and not self.chained(subject.artifact.name, since, demands):
            return Gap(lack=GapReason.CHAIN, mention=mention, since=since)
        return None

    def chained(self, name: str, version: str, demands: Demands) -> bool:
        """Whether a version that a delta starts from is vetted, accepted or exempt itself."""
        seen: set[str] = set()
        waiting: set[str | None] = {version}
        while waiting:
            reached: set[str] = set()
            while waiting:
                at = waiting.pop()
                if at is None or self.exemptions.of(name, at):
                    return True
                reached.add(at)
                waiting |= self._starts(name, at, demands) - seen - reached
            seen |= reached
            # Git searches the lists once for all versions, and only where notes of their own fail.
            self.notes.search([f"{name}@{at}" for at in reached])
            listings = (each for at in reached for each in self.notes.listing(name, at))
            waiting = {each.listed.since for each in listings if each.listed} - seen
        return False

    def _starts(self, name: str, version: str, demands: Demands) -> set[str | None]:
        """What a version's own notes were reviewed from; None among them: it was reviewed whole."""
        return {
            note.since
            for note in self.notes.of(name, version)
            if note.grants.issuperset(_demanded(demands, version, note.since, ()))
        }


def _demanded(
    demands: Demands, version: str | None, since: str | None, previous: Sequence[str]
) -> tuple[str, ...]:
    if since is None:
        if not previous:
            return demands.new
        since = newest(list(previous))
    return demands.upgrade[step(since or "", version or "")]


def _carrier(subject: VettingRequest) -> VettingRequest:
    assert subject.carrier is not None
    return VettingRequest(
        artifact=subject.carrier, direct=subject.direct, development=subject.development
    )


def scripts_of(artifact: Artifact, mention: Mention | None) -> bool:
    """Whether an artifact has lifecycle scripts, by its lockfile or by what a note recorded."""
    if artifact.scripts:
        return True
    if mention is None:
        return False
    return bool(mention.listed.scripts if mention.listed else mention.note.scripts)


def note_of(verdict: Verdict) -> Note | None:
    """The note a verdict rests on."""
    return verdict.mention.note if verdict.mention else None
