"""``note --complete``: what the registry says, added to a note that was recorded offline."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from npm_vetted.binding import Bound, Pinned
from npm_vetted.commands._desk import Desk, registry_for, split_label
from npm_vetted.errors import RefusedError, UsageError
from npm_vetted.model import Artifact, Kind
from npm_vetted.notes import Note


def complete(desk: Desk, labels: Sequence[str]) -> int:
    """Complete the notes of some packages; a person's words and comments stay as they are."""
    changed = [
        note.path for label in labels for note in _notes_of(desk, label) if _completed(desk, note)
    ]
    desk.store.stage(changed)
    for path in changed:
        print(f"npm-vetted: completed and staged {path}", file=sys.stderr)
    return 0


def _notes_of(desk: Desk, label: str) -> list[Note]:
    name, version = split_label(label)
    for change in (desk.change, *desk.others):
        found = change.vetting.notes.of(name, version)
        if found:
            return [note for note in found if note.published is None and note.version is not None]
    raise UsageError(f"there is no note of {label}", fix=f'npm-vetted note "{label}"')


def _completed(desk: Desk, note: Note) -> bool:
    import tomlkit

    assert note.package is not None
    project = next(desk.change.projects_after.all(), None)
    if project is None:
        raise UsageError("no project here names a registry to ask")
    published = registry_for(project, desk.change).version(note.package, note.version or "")
    plain = Pinned(integrity=note.pinned.integrity)
    theirs = Artifact(
        name=note.package, version=note.version, kind=Kind.REGISTRY, integrity=published.integrity
    )
    if note.pinned.integrity and plain.compare(theirs) is Bound.DIFFERENT:
        raise RefusedError(
            f"the registry publishes other bytes than {note.path} vetted: expected "
            f"{note.pinned.integrity}, found {published.integrity}",
            path=note.path,
        )
    before = desk.store.read(note.path)
    if before is None:
        raise UsageError("the note is not in the working tree", path=note.path)
    document = tomlkit.parse(before.decode())
    if published.published is not None:
        document["published"] = published.published
    if note.scripts is None:
        document["scripts"] = list(published.scripts)
    if published.evidence and "evidence" not in document:
        document["evidence"] = dict(published.evidence)
    with desk.store.lock():
        desk.store.replace(note.path, tomlkit.dumps(document).encode(), before)
    return True
