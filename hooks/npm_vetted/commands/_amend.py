"""Additions to an existing note by a later call: registry facts, a waiver, a lookalike denial."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from npm_vetted.commands._note_dialogue import NoteDialogue, split_label, with_contents
from npm_vetted.commands._toml_edit import Edit, edit_toml
from npm_vetted.errors import RefusedError, UsageError
from npm_vetted.packages.integrity import same_bytes
from npm_vetted.recording.note_file import carried_keys
from npm_vetted.recording.proposals import item_of
from npm_vetted.vetting.notes import Note
from npm_vetted.vetting.policy import FORMAT


def amend(desk: NoteDialogue, labels: Sequence[str], arguments: argparse.Namespace) -> bool:
    """Add a waiver or a denial to the notes that cover some packages; False where none does.

    A person's words, comments and order of keys stay as they are.
    """
    found = [_covering(desk, label) for label in labels]
    if not all(found):
        return False
    covering = [note for notes in found for note in notes]

    def edit(document: Any) -> None:
        if arguments.waive_cooldown:
            _put(document, "cooldown-waiver", arguments.waive_cooldown)
        if arguments.not_lookalike_of:
            known = document.get("not-lookalike-of", [])
            names = [known] if isinstance(known, str) else list(known)
            fresh = [name for name in arguments.not_lookalike_of if name not in names]
            _put(document, "not-lookalike-of", [*names, *fresh])

    _write(desk, covering, edit, "amended")
    return True


def _covering(desk: NoteDialogue, label: str) -> list[Note]:
    """The notes that cover a package's locked artifacts; if none is locked, the notes of its version."""
    uses = desk.locked(label)
    if not uses:
        name, version = split_label(label)
        return desk.change.vetting.notes.of(name, version)
    verdicts = [desk.change.vetting.decide(use.subject) for use in uses]
    return [each.mention.note for each in verdicts if each.covered and each.mention]


def complete(desk: NoteDialogue, labels: Sequence[str]) -> None:
    """Complete the notes of some packages that were recorded offline."""
    for label in labels:
        for note in _offline_notes(desk, label):
            _write(desk, [note], _completion(desk, note), "completed")


def _put(document: Any, key: str, value: object) -> None:
    """Set a key; a new one before `why`, where tables and long words begin."""
    if key in document:
        document[key] = value
        return
    import tomlkit

    text = tomlkit.dumps(document)
    line = tomlkit.dumps({key: value})
    at = text.find("why =")
    fresh = tomlkit.parse(text[:at] + line + text[at:]) if at >= 0 else None
    if fresh is None or key not in fresh:
        document[key] = value
        return
    document.clear()
    document.update(fresh)


def _write(desk: NoteDialogue, notes: Sequence[Note], edit: Edit, done: str) -> None:
    paths = sorted({note.path for note in notes})
    for path in paths:
        edit_toml(desk.store, path, edit)
        desk.written.append(path)
        print(f"npm-vetted: {done} and staged {path}", file=sys.stderr)
    desk.store.stage(paths)


def _offline_notes(desk: NoteDialogue, label: str) -> list[Note]:
    name, version = split_label(label)
    for change in (desk.change, *desk.others):
        found = change.vetting.notes.of(name, version)
        if found:
            return [note for note in found if note.published is None and note.version is not None]
    raise UsageError(f"there is no note of {label}", fix=f'npm-vetted note "{label}"')


def _completion(desk: NoteDialogue, note: Note) -> Edit:
    """The registry's facts on a note's version; raises if the registry publishes other bytes."""
    assert note.package is not None
    uses = desk.locked(note.label)
    project = uses[0].project if uses else desk.project_here()
    published = desk.registry(project).version(note.package, note.version or "")
    vetted = note.pinned.integrity
    if vetted and published.integrity and same_bytes(vetted, published.integrity) is False:
        raise RefusedError(
            f"the registry publishes other bytes than were vetted: expected "
            f"{note.pinned.integrity}, found {published.integrity}",
            path=note.path,
        )

    # What a note of before said of the contents stays: more is said in another note.
    fresh = desk.change.comparison.before.entry(note.path) is None
    if uses and fresh and desk.change.policy.format >= FORMAT:
        published = with_contents(desk, item_of(desk.change, uses[0]), published)

    def edit(document: Any) -> None:
        for key, value in carried_keys(published).items():
            if key not in document:
                _put(document, key, value)
        if published.published is not None:
            _put(document, "published", published.published)
        if note.scripts is None:
            _put(document, "scripts", list(published.scripts))
        if published.evidence and "evidence" not in document:
            document["evidence"] = dict(published.evidence)

    return edit
