"""``audit --online``: every note held against the registry."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from npm_vetted.change import Change
from npm_vetted.commands._desk import registry_for
from npm_vetted.errors import FOUND, UNDECIDED, UndecidedError
from npm_vetted.hashes import same_bytes
from npm_vetted.notes import Mention, Note, mentions
from npm_vetted.sanitize import printable

if TYPE_CHECKING:
    from npm_vetted.registry import Published

Pair = tuple[str, str]


def hold_against_registry(change: Change, arguments: argparse.Namespace) -> int:
    """Print what no longer agrees; 1 where something does not, 3 where a registry is silent."""
    said = [
        (name, version, mention)
        for note in change.vetting.notes.all()
        if isinstance(note, Note)
        for name, version, mention in mentions(note)
        if version is not None
    ]
    projects = list(change.projects_after.all())
    if not projects or not said:
        answers: dict[Pair, Published | UndecidedError] = {}
    else:
        registry = registry_for(projects[0], change)
        answers = dict(registry.versions({(name, version or "") for name, version, _ in said}))
    rows = [
        {"package": name, "version": version, "note": mention.note.path, "disagrees": problem}
        for name, version, mention in said
        for problem in _disagreements(mention, name, version or "", answers)
    ]
    _print(rows, len(said), arguments)
    silent = any(
        isinstance(answer, UndecidedError) and "no version" not in answer.message
        for answer in answers.values()
    )
    return UNDECIDED if silent else FOUND if rows else 0


def _disagreements(
    mention: Mention, name: str, version: str, answers: dict[Pair, Published | UndecidedError]
) -> Iterator[str]:
    answer = answers.get((name, version))
    if answer is None or mention.pinned.resolved:
        return
    if isinstance(answer, UndecidedError):
        yield answer.message
        return
    vetted = mention.pinned.integrity
    if vetted and answer.integrity and same_bytes(vetted, answer.integrity) is False:
        yield f"the registry publishes other bytes: {answer.integrity}"
    noted = mention.listed.published if mention.listed else mention.note.published
    theirs_at = answer.published
    if noted and theirs_at and abs((noted - theirs_at).total_seconds()) >= 1:
        yield f"published at {theirs_at.isoformat()}, noted as {noted.isoformat()}"
    deprecated = answer.evidence.get("deprecated")
    if deprecated and not (mention.listed is None and mention.note.evidence.get("deprecated")):
        yield f"deprecated since: {deprecated}"
    scripts = mention.listed.scripts if mention.listed else mention.note.scripts
    if answer.scripts and not scripts:
        yield f"it has lifecycle scripts that the note does not name: {', '.join(answer.scripts)}"


def _print(rows: Sequence[Mapping[str, str]], count: int, arguments: argparse.Namespace) -> None:
    if arguments.format == "json":
        print(json.dumps({"version": 1, "held": count, "disagreements": rows}, indent=2))
        return
    for row in rows:
        print(printable(f"{row['note']}: {row['package']}@{row['version']}: {row['disagrees']}"))
    print(
        f"npm-vetted: {count} notes and list entries held against the registry: {len(rows)} disagree"
    )
