"""``note PKG --complete``: adds the registry's facts to notes that were recorded offline.

A note is completed as a whole: its own package, and all that it brings or accepts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from npm_vetted.commands._amend import put_key, write_edit
from npm_vetted.commands._note_dialogue import NoteDialogue, seen_by_registry, split_label
from npm_vetted.commands._toml_edit import Edit
from npm_vetted.errors import RefusedError, UsageError
from npm_vetted.model import Artifact, Kind, Published
from npm_vetted.packages.integrity import same_bytes
from npm_vetted.recording.note_file import carried_keys
from npm_vetted.recording.proposals import Draft, Item
from npm_vetted.vetting.notes import Mention, Note, mentions
from npm_vetted.vetting.resolver import VettingRequest


def complete(desk: NoteDialogue, labels: Sequence[str]) -> None:
    """Complete the notes that cover some packages, groups included."""
    notes = {note.path: note for label in labels for note in _notes_about(desk, label)}
    for note in notes.values():
        lacking = list(_lacking(note))
        if lacking:
            write_edit(desk, [note], _completion(desk, note, lacking), "completed")


def _notes_about(desk: NoteDialogue, label: str) -> list[Note]:
    name, version = split_label(label)
    for change in (desk.change, *desk.others):
        notes = change.vetting.notes
        listing = notes.naming(name) if version is None else notes.listing(name, version)
        found = [*notes.of(name, version), *(each.note for each in listing)]
        if found:
            return found
    raise UsageError(f"there is no note of {label}", fix=f'npm-vetted note "{label}"')


def _lacking(note: Note) -> Iterator[tuple[str, str, Mention]]:
    """The releases of a registry for which a note has no time of publication."""
    for name, version, mention in mentions(note):
        released = version is not None and mention.pinned.resolved is None
        if released and version is not None and mention.published is None:
            yield name, version, mention


def _item(desk: NoteDialogue, name: str, version: str, mention: Mention) -> Item:
    """What a note is about: as a lockfile has it, else by the note's own words."""
    for use in desk.locked(f"{name}@{version}"):
        return Item(subject=use.subject, use=use)
    pinned = mention.pinned
    artifact = Artifact(
        name, version, Kind.REGISTRY, integrity=pinned.integrity, checksum=pinned.checksum
    )
    return Item(subject=VettingRequest(artifact, direct=True, development=False))


def _completion(
    desk: NoteDialogue, note: Note, lacking: Sequence[tuple[str, str, Mention]]
) -> Edit:
    """The registry's facts on a note's versions; raises if the registry publishes other bytes."""
    items = {(name, version): _item(desk, name, version, found) for name, version, found in lacking}
    seen = seen_by_registry(desk, [Draft(own=None, accepts=tuple(items.values()))])
    facts = {label: seen[item.artifact] for label, item in items.items() if item.artifact in seen}
    for name, version, mention in lacking:
        _refuse_other_bytes(note, mention, facts.get((name, version)))
    # What a note of before said of the contents stays: more is said in another note.
    fresh = desk.change.comparison.before.entry(note.path) is None
    own = facts.get((note.package or "", note.version or ""))

    def edit(document: Any) -> None:
        for key in ("brings", "accepts"):
            for table in document.get(key, ()):
                if "published" not in table:
                    _fill_listed(table, facts, fresh=fresh)
        if own is not None:
            _fill_own(document, note, own, fresh=fresh)

    return edit


def _refuse_other_bytes(note: Note, mention: Mention, published: Published | None) -> None:
    vetted = mention.pinned.integrity
    if published is None or not vetted or not published.integrity:
        return
    if same_bytes(vetted, published.integrity) is False:
        raise RefusedError(
            f"the registry publishes other bytes than were vetted: expected {vetted}, "
            f"found {published.integrity}",
            path=note.path,
        )


def _fill_listed(table: Any, facts: Mapping[tuple[str, str], Published], *, fresh: bool) -> None:
    name, version = split_label(str(table["package"]))
    published = facts.get((name, version or ""))
    if published is None:
        return
    if published.published is not None:
        table["published"] = published.published
    if published.scripts and "scripts" not in table:
        table["scripts"] = list(published.scripts)
    for key, value in carried_keys(published).items() if fresh else ():
        if key not in table:
            table[key] = value


def _fill_own(document: Any, note: Note, published: Published, *, fresh: bool) -> None:
    for key, value in carried_keys(published).items() if fresh else ():
        if key not in document:
            put_key(document, key, value)
    if published.published is not None:
        put_key(document, "published", published.published)
    if note.scripts is None:
        put_key(document, "scripts", list(published.scripts))
    if published.evidence and "evidence" not in document:
        document["evidence"] = dict(published.evidence)
