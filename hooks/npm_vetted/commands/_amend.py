"""Additions to an existing note by a later call: a waiver, a lookalike denial."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from npm_vetted.commands._note_dialogue import NoteDialogue, split_label
from npm_vetted.commands._toml_edit import Edit, edit_toml
from npm_vetted.vetting.notes import Note


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
            put_key(document, "cooldown-waiver", arguments.waive_cooldown)
        if arguments.not_lookalike_of:
            known = document.get("not-lookalike-of", [])
            names = [known] if isinstance(known, str) else list(known)
            fresh = [name for name in arguments.not_lookalike_of if name not in names]
            put_key(document, "not-lookalike-of", [*names, *fresh])

    write_edit(desk, covering, edit, "amended")
    return True


def _covering(desk: NoteDialogue, label: str) -> list[Note]:
    """The notes that cover a package's locked artifacts; if none is locked, the notes of its version."""
    uses = desk.locked(label)
    if not uses:
        name, version = split_label(label)
        return desk.change.vetting.notes.of(name, version)
    verdicts = [desk.change.vetting.decide(use.subject) for use in uses]
    return [each.mention.note for each in verdicts if each.covered and each.mention]


def put_key(document: Any, key: str, value: object) -> None:
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


def write_edit(desk: NoteDialogue, notes: Sequence[Note], edit: Edit, done: str) -> None:
    paths = sorted({note.path for note in notes})
    for path in paths:
        edit_toml(desk.store, path, edit)
        desk.written.append(path)
        print(f"npm-vetted: {done} and staged {path}", file=sys.stderr)
    desk.store.stage(paths)
