"""``check --online``: what the notes of a change say of a registry is asked again.

Offline, the hook believes a note's hash, time of publication and scripts. Here each note that the
change adds or edits is compared with the registry. A fact that differs is a finding; a registry that
does not answer makes the result undecided, never a yes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from npm_vetted.commands._audit_online import Claim, Disagreement, RegistryAnswers, claims_of
from npm_vetted.errors import UNDECIDED
from npm_vetted.model import Finding, Location
from npm_vetted.projects.change import Change
from npm_vetted.vetting.notes import Note, is_note_path

_UNDECIDED: Final = "undecided"
_NOT_A_CLAIM: Final = frozenset({"deprecated"})
"""What may change after the note was written, and so says nothing against it."""


class OnlineEvidence(NamedTuple):
    """What the registry does not confirm. ``statuses`` holds 3 where a registry did not answer."""

    findings: tuple[Finding, ...]
    statuses: frozenset[int]


def recomputed_evidence(change: Change) -> OnlineEvidence:
    """Ask the registries for each fact that the change's notes claim."""
    claims = [claim for note in touched_notes(change) for claim in claims_of(note)]
    answers = RegistryAnswers(change)
    answers.ask(claims)
    rows = [(claim, row) for claim in claims for row in answers.rows(claim)]
    kept = [(claim, row) for claim, row in rows if row.kind not in _NOT_A_CLAIM]
    return OnlineEvidence(
        findings=tuple(_finding(claim, row) for claim, row in kept),
        statuses=frozenset({UNDECIDED for _, row in kept if row.silent}),
    )


def touched_notes(change: Change) -> Iterator[Note]:
    """The notes that the change adds or edits; with ``--all`` every note."""
    for path, touched in sorted(change.touched.items()):
        if is_note_path(path) and touched.after is not None:
            note = change.vetting.notes.read(path)
            if isinstance(note, Note):
                yield note


def _finding(claim: Claim, row: Disagreement) -> Finding:
    label = f"{claim.name}@{claim.version}"
    location = claim.mention.location
    if row.silent:
        return Finding(
            check=_UNDECIDED,
            message=f"{label}: the note cannot be confirmed: {row.disagrees}",
            location=Location(location.path, location.line),
            package=claim.name,
            version=claim.version,
            code=_UNDECIDED,
            key=label,
            acceptable=False,
        )
    return Finding(
        check="notes",
        message=f"{label}: the note's facts are not those of the registry: {row.disagrees}",
        location=location,
        package=claim.name,
        version=claim.version,
        fix=(("npm-vetted", "inspect", label),),
        code="evidence-differs",
        key=f"{label} {row.kind}",
        value=row.disagrees,
        acceptable=False,
    )
