"""Writes a draft as a note: the text of the file, and its path."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from npm_vetted import SITE
from npm_vetted.model import Artifact, Kind
from npm_vetted.recording.proposals import Draft, Item
from npm_vetted.vetting.note_paths import encode_name, file_stem, package_folder
from npm_vetted.vetting.notes import FOLDER, GROUPS
from npm_vetted.vetting.pins import Pins

if TYPE_CHECKING:
    from npm_vetted.model import BundledPackage, Published


_SCHEMA_LINE: Final = f"#:schema {SITE}schemas/note.schema.json"
"""A comment by which editors complete and check the keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteText:
    """A person's words and choices: the same for every note of one call."""

    why: str
    criteria: tuple[str, ...]
    vetted_by: str
    vetted_on: datetime.date
    cooldown_waiver: str | None = None
    not_lookalike_of: tuple[str, ...] = ()


class SignalEvidence(NamedTuple):
    """The signals of a step: the version of their table, the score, and the reasons."""

    version: int
    score: int
    reasons: tuple[str, ...]

    def table(self) -> dict[str, object]:
        """The keys of a note's ``[evidence]``."""
        return {
            "signals-version": self.version,
            "score": self.score,
            "signals": list(self.reasons),
        }


def note_text(
    draft: Draft,
    words: NoteText,
    seen: Mapping[Artifact, Published],
    signals: SignalEvidence | None = None,
) -> bytes:
    """The text of a note's file, with the keys in the order of docs/formats.md; ``seen``: registry data."""
    import tomlkit

    document = tomlkit.document()
    if draft.own is not None:
        _head(document, draft.own, seen.get(draft.own.artifact))
    document["criteria"] = list(words.criteria)
    document["vetted-by"] = words.vetted_by
    document["vetted-on"] = words.vetted_on
    if draft.own is not None:
        _tail(document, draft.own.artifact, seen.get(draft.own.artifact))
    if words.cooldown_waiver:
        document["cooldown-waiver"] = words.cooldown_waiver
    if words.not_lookalike_of:
        document["not-lookalike-of"] = list(words.not_lookalike_of)
    document["why"] = _paragraph(words.why)
    if draft.accepts:
        document["accepts"] = _list(draft.accepts, seen, accepts=True)
    if draft.brings:
        document["brings"] = _list(draft.brings, seen, accepts=False)
    published = seen.get(draft.own.artifact) if draft.own else None
    evidence = {
        **(published.evidence if published is not None else {}),
        **(signals.table() if signals is not None else {}),
    }
    if evidence:
        document["evidence"] = evidence
    return f"{_SCHEMA_LINE}\n{tomlkit.dumps(document)}".encode()


def routine_text(
    draft: Draft,
    vetted_by: str,
    vetted_on: datetime.date,
    seen: Mapping[Artifact, Published],
    signals: SignalEvidence,
) -> bytes:
    """A routine note's file: evidence without words; every artifact of the draft is in ``seen``."""
    import tomlkit

    assert draft.own is not None
    published = seen[draft.own.artifact]
    document = tomlkit.document()
    _head(document, draft.own, published)
    document["criteria"] = tomlkit.array()
    document["vetted-by"] = vetted_by
    document["vetted-on"] = vetted_on
    document["published"] = published.published
    document["scripts"] = list(published.scripts)
    if published.bundles:
        document["bundles"] = _carried(published.bundles)
    if draft.brings:
        document["brings"] = _list(draft.brings, seen, accepts=True)
    document["evidence"] = {**published.evidence, **signals.table()}
    return f"{_SCHEMA_LINE}\n{tomlkit.dumps(document)}".encode()


def _paragraph(text: str) -> Any:
    """A multi-line string that begins on a line of its own; tomlkit itself leaves that line out."""
    import tomlkit

    escaped = tomlkit.string(f"{text.strip()}\n", multiline=True).as_string()
    return tomlkit.parse(f'why = """\n{escaped.removeprefix(chr(34) * 3)}\n')["why"]


def _head(document: Any, item: Item, published: Published | None) -> None:
    artifact = item.artifact
    document["package"] = artifact.name
    if artifact.version is not None:
        document["version"] = artifact.version
    for key, value in _bytes(artifact, published).items():
        document[key] = value
    if item.since is not None:
        document["from"] = item.since


def _tail(document: Any, artifact: Artifact, published: Published | None) -> None:
    if published is not None and published.published is not None:
        document["published"] = published.published
    scripts = _scripts(artifact, published)
    if scripts is not None:
        document["scripts"] = list(scripts)
    if published is not None:
        for key, value in carried_keys(published).items():
            document[key] = value


def carried_keys(published: Published) -> dict[str, Any]:
    """The keys ``bundles`` and ``shrinkwrap``, read from the verified tarball."""
    found: dict[str, Any] = {}
    if published.bundles:
        found["bundles"] = _carried(published.bundles)
    if published.shrinkwrap is not None:
        found["shrinkwrap"] = _carried(published.shrinkwrap)
    return found


def _carried(packages: Sequence[BundledPackage]) -> Any:
    import tomlkit

    lines = tomlkit.array().multiline(len(packages) > 1)
    for each in packages:
        table = tomlkit.inline_table()
        table["package"] = f"{each.name}@{each.version}"
        if each.path != f"node_modules/{each.name}":
            table["path"] = each.path
        if each.integrity:
            table["integrity"] = each.integrity
        if each.scripts:
            table["scripts"] = list(each.scripts)
        lines.append(table)
    return lines


def _scripts(artifact: Artifact, published: Published | None) -> Sequence[str] | None:
    """The lifecycle scripts; if only the lockfile is known, whether there are any; None: unknown."""
    if published is not None and (published.scripts or not artifact.scripts):
        return published.scripts
    return ("install",) if artifact.scripts else None


def _bytes(artifact: Artifact, published: Published | None) -> dict[str, str]:
    """The pins of a note: every hash that the lockfile or the registry names, else the source."""
    if artifact.specifier is not None:
        return {"specifier": artifact.specifier}
    found: dict[str, str] = {}
    integrity = artifact.integrity or (published.integrity if published else None)
    if integrity:
        found["integrity"] = integrity
    if artifact.checksum:
        found["checksum"] = artifact.checksum
    # Where the client records no hash of a release, the registry's binds it better than an address.
    unbound = artifact.kind is not Kind.REGISTRY or (artifact.unhashed and not integrity)
    if artifact.resolved and unbound:
        found["resolved"] = artifact.resolved
    if artifact.patch:
        found["patch"] = artifact.patch
    return found


def _list(items: Sequence[Item], seen: Mapping[Artifact, Published], *, accepts: bool) -> Any:
    import tomlkit

    lines = tomlkit.array().multiline(True)
    for item in sorted(items, key=lambda each: each.artifact.label):
        artifact, published = item.artifact, seen.get(item.artifact)
        table = tomlkit.inline_table()
        table["package"] = artifact.label
        for key, value in _bytes(artifact, published).items():
            table[key] = value
        if accepts and item.since is not None:
            table["from"] = item.since
        if published is not None and published.published is not None:
            table["published"] = published.published
        scripts = _scripts(artifact, published)
        if scripts:
            table["scripts"] = list(scripts)
        for key, value in carried_keys(published).items() if published is not None else ():
            table[key] = value
        lines.append(table)
    return lines


def pinned_of_draft(item: Item) -> Pins:
    """The pins of an item's note, from which the name of its file is made."""
    artifact = item.artifact
    return Pins(
        integrity=artifact.integrity,
        checksum=artifact.checksum,
        resolved=artifact.resolved,
        specifier=artifact.specifier,
    )


def note_paths(draft: Draft, day: datetime.date, text: bytes, folder: str = FOLDER) -> list[str]:
    """Where the note may be, the first choice first; ``folder`` is that of all notes."""
    if draft.own is None:
        name = encode_name(draft.accepts[0].artifact.name.rpartition("/")[2])[:40]
        mark = hashlib.sha256(text).hexdigest()[:4]
        return [f"{GROUPS}{day.isoformat()}-{name}-{mark}.toml"]
    artifact = draft.own.artifact
    stem = package_folder(artifact.name, folder) + file_stem(
        artifact.version, pinned_of_draft(draft.own)
    )
    return [f"{stem}.toml", *(f"{stem}.{number}.toml" for number in range(2, 100))]
