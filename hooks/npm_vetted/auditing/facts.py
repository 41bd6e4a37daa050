"""An audit's facts as frozen data: computed from git alone, printed by any format."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from npm_vetted.model import Artifact


class CommitFacts(NamedTuple):
    """One commit. ``author`` is by the revision's own mailmap; ``signature`` is one of four words."""

    id: str
    date: datetime.datetime
    author: str
    signature: str
    subject: str
    merge: bool


class Brought(NamedTuple):
    """How something came into the repository.

    ``authored`` is the commit that wrote it; ``landed`` the one with which it came to the trunk
    (the line of first parents): the same, or the merge of a branch.
    """

    authored: CommitFacts
    landed: CommitFacts

    @property
    def squashed(self) -> bool:
        """Whether git cannot know if several people's commits were made one: it is no merge's part."""
        return self.authored.id == self.landed.id and not self.authored.merge


class ProjectFacts(NamedTuple):
    """A project: its folder (``.``: the top), its client, its first lockfile."""

    path: str
    client: str | None
    lockfile: str | None


class PackageFacts(NamedTuple):
    """One artifact that a lockfile pins, its note or exemption, and who added both.

    ``same_person`` is None where git does not tell. ``squashed``: the dependency and its note came
    in one commit, so that git cannot tell whether two people wrote them.
    """

    project: str
    artifact: Artifact
    purl: str | None
    source: str
    resolved: str | None
    integrity: str | None
    line: int
    direct: bool
    development: bool
    scripts: bool | None
    status: str
    also_exempt: bool
    criteria: tuple[str, ...]
    note: str | None
    vetted_by: str | None
    vetted_on: datetime.date | None
    entered: Brought | None
    same_person: bool | None
    squashed: bool
    requires: tuple[str, ...]
    """The purls of what it depends on, as the lockfile has it."""

    @property
    def label(self) -> str:
        """``name@version``."""
        return self.artifact.label


class NoteFacts(NamedTuple):
    """A note: its words, the artifacts that it covers now, and the commit that added it."""

    path: str
    label: str
    vetted_by: str
    vetted_on: datetime.date
    criteria: tuple[str, ...]
    since: str | None
    waiver: str | None
    why: str
    covers: int
    used: bool
    brought: Brought | None
    changed: CommitFacts | None
    """The last commit that changed it after it was brought."""


class ExceptionFacts(NamedTuple):
    """Something that the policy lets pass: an ignore, a baseline entry, a waiver, an exempt cooldown."""

    kind: str
    check: str
    path: str
    about: str
    reason: str
    until: datetime.date | None
    state: str


class PolicyChange(NamedTuple):
    """A commit of the trunk that changes the policy."""

    commit: CommitFacts
    adopts: bool
    loosens: tuple[str, ...]
    tightens: tuple[str, ...]


class Progress(NamedTuple):
    """How many artifacts were exempt, and how many notes there were, after a commit of the trunk."""

    commit: str
    date: datetime.datetime
    exempt: int
    notes: int


class Moves(NamedTuple):
    """Additions and removals since an earlier commit; packages as ``(project, name@version)``."""

    commit: str | None
    entered: tuple[tuple[str, str], ...]
    left: tuple[tuple[str, str], ...]
    notes_added: int
    notes_removed: int
    exemptions_added: int
    exemptions_removed: int


class AuditReport(NamedTuple):
    """The facts of an audit. ``commit`` is None before the first one.

    ``staged``: the index differs from the commit, and the index is what is audited. ``date`` is
    the commit's, from which ages are counted. If ``complete`` is False, the clone is shallow or
    history was not requested, and facts from history are None or empty.
    """

    tool: str
    commit: str | None
    date: datetime.datetime
    staged: bool
    shallow: bool
    complete: bool
    policy: dict[str, object]
    policy_history: tuple[PolicyChange, ...]
    projects: tuple[ProjectFacts, ...]
    packages: tuple[PackageFacts, ...]
    notes: tuple[NoteFacts, ...]
    broken_notes: tuple[tuple[str, str], ...]
    exempt_now: int
    exemptions_since: datetime.datetime | None
    progress: tuple[Progress, ...]
    exceptions: tuple[ExceptionFacts, ...]
    since: Moves | None
    signers: str | None
    """Where the allowed SSH signers come from; None: git was not told any."""

    @property
    def day(self) -> datetime.date:
        """The day from which ages and ends are counted."""
        return self.date.date()

    @property
    def policy_commit(self) -> str | None:
        """The last commit that changed the policy."""
        return self.policy_history[-1].commit.id if self.policy_history else None
