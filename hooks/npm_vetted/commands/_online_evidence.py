"""``check --online``: compare the registry facts in a change's notes with the registry.

Offline, the hook believes a note's hash, time of publication, scripts and bundled packages. Here each
note that the change adds or edits is compared with the registry's description and with the tarball
itself. A fact that differs is a finding; a registry that does not answer makes the result undecided,
never a yes.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from npm_vetted.commands._audit_online import (
    Claim,
    Disagreement,
    RegistryAnswers,
    claims_of,
    signal_rows,
)
from npm_vetted.commands._tarball_evidence import tarball_differences
from npm_vetted.errors import UNDECIDED, UndecidedError
from npm_vetted.model import Finding, Location
from npm_vetted.projects.change import Change
from npm_vetted.vetting.note_paths import is_note_path
from npm_vetted.vetting.notes import Note
from npm_vetted.vetting.policy import FORMAT

_THREADS: Final = 8
_UNDECIDED: Final = "undecided"
_NOT_A_CLAIM: Final = frozenset({"deprecated"})
"""What may change after the note was written, and so says nothing against it."""


class OnlineEvidence(NamedTuple):
    """Facts that the registry does not confirm. ``statuses`` contains 3 if a registry did not answer."""

    findings: tuple[Finding, ...]
    statuses: frozenset[int]


def recomputed_evidence(change: Change) -> OnlineEvidence:
    """Look up each fact that the change's notes claim."""
    notes = list(touched_notes(change))
    answers = RegistryAnswers(change)
    claims = [claim for note in notes for claim in claims_of(note) if answers.knows(claim)]
    answers.ask(claims)
    with ThreadPoolExecutor(_THREADS) as pool:
        rows = list(pool.map(lambda claim: _rows(change, claim, answers), claims))
    kept = [(claim, row) for claim, found in zip(claims, rows, strict=True) for row in found]
    kept += signal_rows(change, notes, answers)
    return OnlineEvidence(
        findings=tuple(_finding(claim, row) for claim, row in kept),
        statuses=frozenset({UNDECIDED for _, row in kept if row.silent}),
    )


def _rows(change: Change, claim: Claim, answers: RegistryAnswers) -> list[Disagreement]:
    """What the registry's description and its tarball say against an entry of a note."""
    rows = [row for row in answers.rows(claim) if row.kind not in _NOT_A_CLAIM]
    if any(not row.kind for row in rows):
        return rows  # without the description there is no tarball
    seen = {row.kind for row in rows}
    rows += [row for row in _of_tarball(change, claim, answers) if row.kind not in seen]
    return rows


def _of_tarball(change: Change, claim: Claim, answers: RegistryAnswers) -> Iterator[Disagreement]:
    """What is computed from the tarball, and differs from an entry of a note.

    Notes of format 1 list no bundled packages. Older ones that ``--all`` judges need not either.
    """
    carries = change.policy.format >= FORMAT and not change.everything
    registry = answers.registry_of(claim)
    try:
        release = registry.packument(claim.name).release(claim.version)
        for kind, words in tarball_differences(registry, release, claim.mention, carries=carries):
            yield _disagreement(claim, words, kind)
    except UndecidedError as error:
        yield _disagreement(claim, error.message, "contents", silent=True)


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
