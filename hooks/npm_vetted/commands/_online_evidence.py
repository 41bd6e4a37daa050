"""``check --online``: compare the registry facts in a change's notes with the registry.

Offline, the hook believes a note's hash, time of publication and scripts. Here each note that the
change adds or edits is compared with the registry. A fact that differs is a finding; a registry that
does not answer makes the result undecided, never a yes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from npm_vetted.commands._audit_online import (
    Claim,
    Disagreement,
    RegistryAnswers,
    claims_of,
    signal_rows,
)
from npm_vetted.errors import UNDECIDED, UndecidedError
from npm_vetted.formats.terminal_text import printable
from npm_vetted.model import Finding, Location
from npm_vetted.projects.change import Change
from npm_vetted.vetting.notes import Note, is_note_path

_UNDECIDED: Final = "undecided"
_NOT_A_CLAIM: Final = frozenset({"deprecated"})
"""What may change after the note was written, and so says nothing against it."""


class OnlineEvidence(NamedTuple):
    """Facts that the registry does not confirm. ``statuses`` contains 3 if a registry did not answer."""

    findings: tuple[Finding, ...]
    statuses: frozenset[int]


def recomputed_evidence(change: Change) -> OnlineEvidence:
    """Look up each fact that the change's notes claim."""
    claims = [claim for note in touched_notes(change) for claim in claims_of(note)]
    answers = RegistryAnswers(change)
    answers.ask(claims)
    rows = [(claim, row) for claim in claims for row in answers.rows(claim)]
    kept = [(claim, row) for claim, row in rows if row.kind not in _NOT_A_CLAIM]
    kept += [pair for claim in claims for pair in _contents(claim, answers)]
    kept += signal_rows(change, touched_notes(change), answers)
    return OnlineEvidence(
        findings=tuple(_finding(claim, row) for claim, row in kept),
        statuses=frozenset({UNDECIDED for _, row in kept if row.silent}),
    )


def _contents(claim: Claim, answers: RegistryAnswers) -> Iterator[tuple[Claim, Disagreement]]:
    """Whether the tarball carries, and its shrinkwrap pins, what a note says."""
    from npm_vetted.recording.tarball_contents import bundled_in, shrinkwrap_in

    mention = claim.mention
    if not mention.bundles and mention.shrinkwrap is None:
        return
    registry = answers.registry_of(claim)
    label = printable(f"{claim.name}@{claim.version}")
    try:
        release = registry.packument(claim.name).release(claim.version)
        files = registry.package(release, mention.pinned.integrity).files
        found = (set(bundled_in(label, files)), shrinkwrap_in(label, files))
    except UndecidedError as error:
        yield claim, _disagreement(claim, error.message, "contents", silent=True)
        return
    if found[0] != set(mention.bundles):
        yield claim, _disagreement(claim, "the tarball carries other packages", "bundles")
    if mention.shrinkwrap is not None and set(found[1] or ()) != set(mention.shrinkwrap):
        yield claim, _disagreement(claim, "its npm-shrinkwrap.json pins others", "shrinkwrap")


def _disagreement(claim: Claim, words: str, kind: str, *, silent: bool = False) -> Disagreement:
    return Disagreement(
        package=claim.name,
        version=claim.version,
        note=claim.mention.note.path,
        disagrees=words,
        silent=silent,
        kind=kind,
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
