"""Decides whether an artifact is vetted, accepted, exempt or first-party, and if not, what is missing.

The steps, in this order:

1. A bundled artifact is covered if its carrier is covered and a note of the carrier's tarball lists it
   under ``bundles``. Only the tarball proves what is bundled; the lockfile merely claims it.
2. A first-party artifact needs no note.
3. An exemption for exactly these bytes from this source covers it.
4. Each note that mentions the artifact is tried:

   a. Its hashes must be those of the artifact.
   b. It must name the criteria that the policy requires for this use (direct, development) and this step
      (new, major, minor, patch).
   c. If it reviewed only the changes since an earlier version, a chain of notes must lead back to a version
      that is vetted as a whole, or exempt.

5. If no note covers it, but the policy requires nothing for this step, it is accepted.
6. Otherwise it is unvetted. Of the notes that were tried, the gap of the nearest one tells what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from npm_vetted.model import Artifact, BundledPackage, Kind
from npm_vetted.packages.integrity import is_weak
from npm_vetted.packages.urls import is_tarball_of
from npm_vetted.packages.versions import nearest, step
from npm_vetted.vetting.exemptions import Exemption, Exemptions
from npm_vetted.vetting.note_store import NoteStore
from npm_vetted.vetting.notes import Mention
from npm_vetted.vetting.pins import Match, read_pinned
from npm_vetted.vetting.policy import FORMAT, Demands, Policy


class Status(StrEnum):
    """The state of an artifact, as ``audit`` reports it."""

    VETTED = "vetted"
    ACCEPTED = "accepted"
    ROUTINE = "routine"
    EXEMPT = "exempt"
    FIRST_PARTY = "first-party"
    UNVETTED = "unvetted"


class GapReason(StrEnum):
    """Why a note that mentions an artifact does not cover it; the most informative reason first."""

    BYTES = "bytes"
    CRITERIA = "criteria"
    CHAIN = "chain"
    DIRECT = "direct"
    OWN = "own"
    BUNDLED = "bundled"
    NOTE = "note"


class Gap(NamedTuple):
    """A missing piece of evidence: the missing ``criteria``, or ``since``, where the chain breaks."""

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
    """The artifact whose tarball contains this one; None: it is not bundled."""
    carried_at: str = ""
    """The folder of a bundled artifact, relative to the carrier's own folder."""
    program_of: str | None = None
    """The package whose program this artifact is for one platform; the note of that package covers it."""


class Verdict(NamedTuple):
    """The decision on an artifact and its evidence. ``unbound``: no hash could be compared."""

    status: Status
    mention: Mention | None = None
    exemption: Exemption | None = None
    gap: Gap | None = None
    unbound: bool = False

    @property
    def covered(self) -> bool:
        """Whether no evidence is missing."""
        return self.status is not Status.UNVETTED


class Vetting:
    """Decides by one policy, one set of exemptions and one state of the notes.

    ``committed`` are the notes before the change; None: there were none. ``was_locked`` says whether a
    lockfile had a package name before the change.
    """

    def __init__(
        self,
        policy: Policy,
        exemptions: Exemptions,
        notes: NoteStore,
        committed: NoteStore | None = None,
        was_locked: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.policy = policy
        self._committed = committed
        self._was_locked = was_locked
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
            return self._bundled(subject)
        if self.policy.owner_of(artifact) is not None:
            return Verdict(status=Status.FIRST_PARTY)
        exemption, bound = self.exemption(artifact)
        if exemption is not None and bound is Match.SAME:
            return Verdict(status=Status.EXEMPT, exemption=exemption)
        noted = self.noted(subject)
        if exemption is None or (noted.mention is not None and noted.covered and not noted.unbound):
            return noted
        return Verdict(status=Status.EXEMPT, exemption=exemption, unbound=True)

    def _bundled(self, subject: VettingRequest) -> Verdict:
        """The verdict on a bundled artifact: a note of the tarball that carries it must list it."""
        carrier = _carrier(subject)
        verdict = self.decide(carrier)
        if not verdict.covered:
            return verdict
        lacking: tuple[str, ...] = ()
        for mention in self._evidence_of(carrier):
            if not any(_is_the_one(each, subject) for each in mention.bundles):
                continue
            lacking = _missing(self._asks(subject).new, mention)
            if lacking and not self.is_new_name(subject):
                lacking = ()
            if not lacking:
                return Verdict(status=Status.ACCEPTED, mention=mention)
        gap = Gap(lack=GapReason.BUNDLED, mention=verdict.mention, criteria=lacking)
        return Verdict(status=Status.UNVETTED, mention=verdict.mention, gap=gap)

    def _evidence_of(self, carrier: VettingRequest) -> Iterator[Mention]:
        """The notes of exactly a carrier's bytes. A routine note only counts with unchanged ``bundles``."""
        if self.policy.format < FORMAT:
            return
        for mention in self.notes.mentioning(carrier.artifact):
            if mention.note.routine and not self.bundles_as_before(
                carrier.artifact.name, mention.since, mention.bundles
            ):
                continue
            same = mention.pinned.compare(carrier.artifact) is Match.SAME
            if same and self._gap(mention, carrier) is None:
                yield mention

    def bundles_as_before(
        self, name: str, since: str | None, bundles: Collection[BundledPackage]
    ) -> bool:
        """Whether a person's note of an earlier version lists exactly the same bundled packages.

        Routine steps in between must have carried them too (docs/policies.md, "Routine notes").
        """
        seen: set[str] = set()
        while since is not None and since not in seen:
            seen.add(since)
            own = [Mention(note, None, accepted=True) for note in self.notes.of(name, since)]
            every = [*own, *self.notes.listing(name, since)]
            alike = [each for each in every if set(each.bundles) == set(bundles)]
            if any(not each.note.routine for each in alike):
                return True
            since = next((each.since for each in alike), None)
        return False

    def shrinkwraps(self, artifact: Artifact) -> Iterator[tuple[BundledPackage, ...]]:
        """The pins of a tarball's npm-shrinkwrap.json, as notes of exactly these bytes record them."""
        request = VettingRequest(artifact=artifact, direct=False, development=False)
        for mention in self._evidence_of(request):
            if mention.shrinkwrap is not None:
                yield mention.shrinkwrap

    def best_evidence(self, subject: VettingRequest) -> Verdict:
        """The verdict that ``audit`` and ``suggest`` count: a note is better evidence than an exemption."""
        verdict = self.decide(subject)
        if verdict.status is not Status.EXEMPT:
            return verdict
        noted = self.noted(subject)
        is_better = noted.status in (Status.VETTED, Status.ACCEPTED) and noted.mention is not None
        is_better = is_better and not noted.unbound
        return noted if is_better else verdict

    def noted(self, subject: VettingRequest) -> Verdict:
        """The verdict by the notes alone, without exemptions."""
        artifact = subject.artifact
        loose: Verdict | None = None
        gaps: list[Gap] = []
        for mention in self.notes.mentioning(artifact):
            if mention.note.routine and self.policy.format < 2:
                continue
            bound = _compare(mention, artifact)
            gap = (
                Gap(lack=GapReason.BYTES, mention=mention)
                if bound is Match.DIFFERENT
                else self._gap(mention, subject)
            )
            if gap is not None:
                gaps.append(gap)
                continue
            verdict = Verdict(
                status=_status(mention), mention=mention, unbound=bound is Match.UNKNOWN
            )
            if not verdict.unbound:
                return verdict
            loose = loose or verdict
        if loose is not None:
            return loose
        order = list(GapReason)
        worst = min(gaps, key=lambda gap: order.index(gap.lack), default=Gap(lack=GapReason.NOTE))
        ignored = not subject.direct and self._asks(subject).transitive == "ignore"
        if (ignored or self.requires_nothing(subject)) and worst.lack is not GapReason.BYTES:
            return Verdict(status=Status.ACCEPTED)
        return Verdict(status=Status.UNVETTED, mention=worst.mention, gap=worst)

    def exemption(self, artifact: Artifact) -> tuple[Exemption | None, Match]:
        """The exemption of exactly these bytes from this source; else one whose hash cannot be compared."""
        unbound = None
        for each in self.exemptions.of(artifact.name, artifact.version or "-"):
            match read_pinned(each.pinned).binds(artifact):
                case Match.SAME:
                    return each, Match.SAME
                case Match.UNKNOWN:
                    unbound = each
                case Match.DIFFERENT if self._follows(each, artifact):
                    return each, Match.SAME
        if artifact.specifier is not None and artifact.exact_version is not None:
            for each in self.exemptions.of(artifact.name, artifact.specifier):
                if read_pinned(each.pinned).resolved is None:
                    return each, Match.SAME
        return unbound, Match.UNKNOWN

    def _follows(self, exemption: Exemption, artifact: Artifact) -> bool:
        """Whether an exempt tarball is the same one at another allowed registry.

        Only with a strong hash of the tarball, and a URL of the same package and version. Never for git,
        folders and bundled entries: their hashes do not cover what is installed.
        """
        pinned = read_pinned(exemption.pinned)
        if pinned.integrity is None or is_weak(pinned.integrity) or artifact.integrity is None:
            return False
        if artifact.bundled or artifact.kind not in (Kind.REGISTRY, Kind.TARBALL):
            return False
        if pinned.resolved is not None and not pinned.resolved.startswith("https://"):
            return False
        if pinned._replace(resolved=None).compare(artifact) is not Match.SAME:
            return False
        url = artifact.resolved
        if url is None or "://" not in url:
            return True
        return (
            self.policy.registries.allows(url)
            and is_tarball_of(url, artifact.name, artifact.version) is True
        )

    def _asks(self, subject: VettingRequest) -> Demands:
        return self.policy.asks(subject.development)

    def demanded(self, subject: VettingRequest, since: str | None) -> tuple[str, ...]:
        """The criteria that a note must name for the step from ``since``, else from a locked version."""
        demands = self._asks(subject)
        return _demanded(demands, subject.artifact.exact_version, since, subject.previous)

    def cooldown_days(self, subject: VettingRequest, since: str | None) -> int:
        """The days between a version's publication and its use, by its step; 0: no cooldown."""
        step_taken = arrival_of(subject.artifact.version, since, subject.previous)
        return self._asks(subject).cooldown_days[step_taken]

    def scripts_reviewed(self, artifact: Artifact) -> bool:
        """Whether a note of exactly these bytes says that the scripts were reviewed.

        An exemption is no review: it admits a package, but not its scripts.
        """
        if self.policy.owner_of(artifact) is not None:
            return True
        request = VettingRequest(artifact=artifact, direct=False, development=False)
        verdict = self.noted(request)
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
        own = mention.listed is None or subject.direct or demands.transitive == "note"
        missing = _missing(self.demanded(subject, since) if own else (), mention)
        if not own or mention.note.routine:
            unsaid = _missing(demands.new, mention)
            missing = unsaid if unsaid and self.is_new_name(subject) else missing
        if missing:
            return Gap(lack=GapReason.CRITERIA, mention=mention, criteria=missing)
        if since is not None and not self.chained(subject.artifact.name, since, demands):
            return Gap(lack=GapReason.CHAIN, mention=mention, since=since)
        return None

    def is_new_name(self, subject: VettingRequest) -> bool:
        """Whether the repository had no version of the package: neither locked nor exempt nor noted.

        A new name needs the criteria of ``new``, even as an indirect dependency: the payloads of event-stream
        and axios came as new packages with an upgrade. A parent's program for one more platform is part of
        the parent: it is enough that the parent's note lists it.
        """
        if subject.program_of is not None and not subject.direct:
            return False
        return not subject.previous and not self._is_known(
            subject.artifact.name, self._asks(subject)
        )

    def _is_known(self, name: str, demands: Demands) -> bool:
        """Whether the repository had any version of a package before the change.

        An older note that lists the name only counts if it names the criteria of ``new``. Otherwise, a note
        that is committed on its own would make any name known.
        """
        if self.exemptions.of(name):
            return True
        if self._committed is not None:
            listing = (each.note for each in self._committed.naming(name))
            for note in (*self._committed.of(name), *listing):
                if not note.routine and note.grants.issuperset(demands.new):
                    return True
        return self._was_locked(name)

    def requires_nothing(self, subject: VettingRequest) -> bool:
        """Whether the policy requires neither criteria nor a cooldown for this step, so no note is needed."""
        demands = self._asks(subject)
        scripts = demands.scripts if subject.artifact.scripts else ()
        return not (self.demanded(subject, None) or scripts or self.cooldown_days(subject, None))

    def chained(self, name: str, version: str, demands: Demands) -> bool:
        """Whether the start version of a review of changes is itself vetted, accepted or exempt.

        The start versions of its notes are followed back, all at once, until one is exempt or was reviewed
        as a whole, or until no further version is reached.
        """
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
            listings = [each for at in reached for each in self.notes.listing(name, at)]
            waiting = {
                each.since
                for each in listings
                if each.since is not None
                or not _missing(demands.new, each)
                or self._is_known(name, demands)
            } - seen
        return False

    def _starts(self, name: str, version: str, demands: Demands) -> set[str | None]:
        """The start versions of a version's own notes; None among them means a review of the whole version."""
        return {
            note.since
            for note in self.notes.of(name, version)
            if not (note.routine and self.policy.format < 2)
            and note.grants.issuperset(_demanded(demands, version, note.since, ()))
        }


def _compare(mention: Mention, artifact: Artifact) -> Match:
    """Compare a note with the lockfile's pins, or with the exact version that a manifest names.

    A manifest without a lockfile pins no bytes: there, a note of a registry's release covers the
    exact version.
    """
    pinned = mention.pinned
    plain = pinned.specifier is None and pinned.resolved is None and pinned.patch is None
    if artifact.specifier is not None and artifact.exact_version is not None and plain:
        return Match.SAME
    return pinned.compare(artifact)


def _missing(wanted: Collection[str], mention: Mention) -> tuple[str, ...]:
    """The criteria among some that a note does not name."""
    return tuple(name for name in wanted if name not in mention.note.grants)


def _status(mention: Mention) -> Status:
    if mention.note.routine:
        return Status.ROUTINE
    return Status.VETTED if mention.listed is None else Status.ACCEPTED


def _demanded(
    demands: Demands, version: str | None, since: str | None, previous: Sequence[str]
) -> tuple[str, ...]:
    arrival = arrival_of(version, since, previous)
    return demands.new if arrival == "new" else demands.upgrade[arrival]


def arrival_of(version: str | None, since: str | None, previous: Sequence[str]) -> str:
    """The step by which a version is added: ``new``, or the semver step from an earlier version.

    The step counts from ``since``, which a note names; else from the nearest version that was locked for
    the same use.
    """
    if since is None:
        if not previous:
            return "new"
        since = nearest(previous, version or "")
    return step(since or "", version or "")


def _carrier(subject: VettingRequest) -> VettingRequest:
    assert subject.carrier is not None
    return VettingRequest(
        artifact=subject.carrier, direct=subject.direct, development=subject.development
    )


def _is_the_one(listed: BundledPackage, subject: VettingRequest) -> bool:
    artifact = subject.artifact
    own = (artifact.name, artifact.version, subject.carried_at)
    return own == (listed.name, listed.version, listed.path)


def noted_scripts(artifact: Artifact, mention: Mention) -> tuple[str, ...]:
    """The lifecycle scripts that a note records for an artifact; for a bundled one, its line in ``bundles``."""
    if artifact.bundled:
        label = artifact.name, artifact.version
        alike = (each for each in mention.bundles if (each.name, each.version) == label)
        return tuple(name for each in alike for name in each.scripts)
    return (mention.listed.scripts if mention.listed else mention.note.scripts) or ()


def has_scripts(artifact: Artifact, mention: Mention | None) -> bool:
    """Whether an artifact has lifecycle scripts, by its lockfile or by what a note recorded."""
    return bool(artifact.scripts or (mention and noted_scripts(artifact, mention)))
