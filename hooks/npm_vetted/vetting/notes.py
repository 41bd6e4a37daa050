"""Vetting notes: the data in the files below ``.vetting/notes/``, and their strict reader.

Routine notes are evidence without a person's words. They have the same file names and format, but
are below ``.vetting/routine/`` and nowhere else, and may say much less (``routine.check_routine``).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.document import Table, hint
from npm_vetted.formats.toml import load_toml
from npm_vetted.model import BundledPackage, Location
from npm_vetted.vetting.pins import Pins
from npm_vetted.vetting.routine import ROUTINE, check_routine

FOLDER: Final = ".vetting/notes/"
GROUPS: Final = ".vetting/notes/_groups/"
FOLDERS: Final = (FOLDER, ROUTINE)
DOCUMENTS: Final = frozenset({"README", "README.md", "README.txt", "CODEOWNERS", ".gitattributes"})
"""Files without effect that may be in .vetting/ and in each of its folders."""
_PLACEHOLDERS: Final = frozenset(
    """
    todo tbd fixme xxx n/a none nil null okay yes fine good lgtm test asdf foo bar wip because why
    reason reviewed vetted approved trusted update upgrade bump looks\xa0good all\xa0good
    """.replace("\n", " ")
    .strip(" ")
    .split(" ")
)


class NoteError(NpmVettedError):
    """A malformed note: the check ``notes`` reports it as a finding."""


class Listed(NamedTuple):
    """An artifact in the list ``brings`` or ``accepts`` of a note."""

    name: str
    version: str
    pinned: Pins
    published: datetime.datetime | None
    scripts: tuple[str, ...]
    since: str | None
    cooldown_waiver: str | None
    not_lookalike_of: tuple[str, ...]
    line: int
    bundles: tuple[BundledPackage, ...] = ()
    shrinkwrap: tuple[BundledPackage, ...] | None = None


class Note(NamedTuple):
    """A person's note on a version. ``package`` is None in a group note.

    ``since`` is the key ``from``: the version from which only the difference was reviewed.
    ``scripts`` is None where it was recorded offline and the manifest was not seen.
    """

    path: str
    package: str | None
    version: str | None
    pinned: Pins
    since: str | None
    criteria: tuple[str, ...]
    vetted_by: str
    vetted_on: datetime.date
    published: datetime.datetime | None
    scripts: tuple[str, ...] | None
    why: str
    cooldown_waiver: str | None
    not_lookalike_of: tuple[str, ...]
    brings: tuple[Listed, ...]
    accepts: tuple[Listed, ...]
    evidence: Mapping[str, object]
    bundles: tuple[BundledPackage, ...] = ()
    shrinkwrap: tuple[BundledPackage, ...] | None = None

    @property
    def routine(self) -> bool:
        """Whether the note is a routine note, by its folder; ``read_note`` has checked its content."""
        return self.path.startswith(ROUTINE)

    @property
    def specifier(self) -> str | None:
        """A manifest's requirement, in a project without a lockfile."""
        return self.pinned.specifier

    @property
    def grants(self) -> frozenset[str]:
        """Its criteria and the criteria that they imply."""
        return frozenset(self.criteria) | (
            {"scripts"} if "source" in self.criteria else frozenset()
        )

    @property
    def label(self) -> str:
        """The name of the note in messages."""
        if self.package is None:
            return self.path.rpartition("/")[2].removesuffix(".toml")
        return f"{self.package}@{self.version or self.specifier or self.pinned.resolved}"


_LIST_KEYS: Final = frozenset(
    {
        "package", "integrity", "resolved", "checksum", "patch", "specifier", "published", "scripts",
        "from", "cooldown-waiver", "not-lookalike-of", "bundles", "shrinkwrap",
    }
)  # fmt: skip
_KEYS: Final = _LIST_KEYS | {
    "version", "criteria", "vetted-by", "vetted-on", "why", "brings", "accepts",
    "evidence",
}  # fmt: skip
_OWN_KEYS: Final = (
    "package", "version", "specifier", "integrity", "resolved", "checksum", "patch", "bundles",
    "shrinkwrap",
)  # fmt: skip
_CARRIED_KEYS: Final = frozenset({"package", "path", "scripts", "integrity"})


def read_note(path: str, data: bytes, criteria: Collection[str] | None = None) -> Note:
    """Decode a note strictly; raises NoteError with file, line and the nearest known key."""
    try:
        return _note(path, load_toml(path, data).root(NoteError), criteria)
    except NoteError:
        raise
    except NpmVettedError as error:
        raise NoteError(error.message, path=error.path, line=error.line) from None


def _note(path: str, table: Table, known: Collection[str] | None) -> Note:
    routine = path.startswith(ROUTINE)
    if routine:
        check_routine(table)
    table.only(_KEYS)
    group = path.startswith(GROUPS)
    package = _package(table, group)
    version = None if group else table.maybe_text("version")
    pinned = _pinned(table)
    if not group:
        _bound(table, pinned)
    criteria = table.maybe_texts("criteria")
    if criteria is None:
        raise table.fail("the key 'criteria' is missing", "criteria")
    for index, name in enumerate(criteria):
        if known is not None and name not in known:
            raise table.fail(f"unknown criterion {name!r}{hint(name, known)}", "criteria", index)
    return Note(
        path=path,
        package=package,
        version=version,
        pinned=pinned,
        since=table.maybe_text("from"),
        criteria=criteria,
        vetted_by=_filled(table, "vetted-by"),
        vetted_on=_date(table, "vetted-on"),
        published=_time(table, "published"),
        scripts=table.maybe_texts("scripts"),
        why="" if routine else _why(table),
        cooldown_waiver=_words(table, "cooldown-waiver"),
        not_lookalike_of=_names(table, "not-lookalike-of"),
        brings=tuple(_listed(each) for each in table.tables("brings")),
        accepts=_accepts(table, group),
        evidence=evidence.data if (evidence := table.maybe_table("evidence")) else {},
        bundles=_carried(table, "bundles"),
        shrinkwrap=_carried(table, "shrinkwrap") if "shrinkwrap" in table.data else None,
    )


def _package(table: Table, group: bool) -> str | None:
    if not group:
        return _filled(table, "package")
    for key in _OWN_KEYS:
        if key in table.data:
            raise table.fail("a group note has no package of its own; list it in 'accepts'", key)
    if not table.data.get("accepts"):
        raise table.fail("a group note without 'accepts' says nothing")
    return None


def _accepts(table: Table, group: bool) -> tuple[Listed, ...]:
    if not group and "accepts" in table.data:
        raise table.fail("only a group note (below notes/_groups/) has 'accepts'", "accepts")
    return tuple(_listed(each) for each in table.tables("accepts"))


def _listed(table: Table) -> Listed:
    table.only(_LIST_KEYS)
    name, version = _labelled(table)
    pinned = _bound(table, _pinned(table))
    return Listed(
        name=name,
        version=version,
        pinned=pinned,
        published=_time(table, "published"),
        scripts=table.maybe_texts("scripts") or (),
        since=table.maybe_text("from"),
        cooldown_waiver=_words(table, "cooldown-waiver"),
        not_lookalike_of=_names(table, "not-lookalike-of"),
        line=table.line("package"),
        bundles=_carried(table, "bundles"),
        shrinkwrap=_carried(table, "shrinkwrap") if "shrinkwrap" in table.data else None,
    )


def _carried(table: Table, key: str) -> tuple[BundledPackage, ...]:
    """Read ``bundles`` (packages in the tarball) or ``shrinkwrap`` (pins of its npm-shrinkwrap.json)."""
    found = []
    for each in table.tables(key):
        each.only(_CARRIED_KEYS)
        name, version = _labelled(each)
        path = each.maybe_text("path") or f"node_modules/{name}"
        scripts = each.maybe_texts("scripts") or ()
        found.append(BundledPackage(name, version, path, scripts, each.maybe_text("integrity")))
    return tuple(found)


def _labelled(table: Table) -> tuple[str, str]:
    """The name and version of a label."""
    label = table.text("package")
    at = label.find("@", 1)  # a git source contains further "@"
    name, version = label[:at], label[at + 1 :]
    if at < 0 or not version:
        raise table.fail("expected 'name@version'", "package")
    return name, version


def _pinned(table: Table) -> Pins:
    return Pins(
        integrity=table.maybe_text("integrity"),
        checksum=table.maybe_text("checksum"),
        resolved=table.maybe_text("resolved"),
        patch=table.maybe_text("patch"),
        specifier=table.maybe_text("specifier"),
    )


def _bound(table: Table, pinned: Pins) -> Pins:
    if pinned.specifier is not None:
        for key in ("version", "integrity", "resolved", "checksum", "patch"):
            if key in table.data:
                raise table.fail(
                    "cannot be combined with 'specifier', which is for what nothing pins", key
                )
    elif not (pinned.integrity or pinned.resolved or pinned.checksum):
        raise table.fail("nothing binds it to bytes: expected 'integrity' (or 'resolved' for git)")
    return pinned


def _filled(table: Table, key: str) -> str:
    text = table.text(key)
    if not text.strip():
        raise table.fail("expected words, found nothing", key)
    return text


def _words(table: Table, key: str) -> str | None:
    return None if key not in table.data else _meant(table, key)


def _why(table: Table) -> str:
    return _meant(table, "why")


def _meant(table: Table, key: str) -> str:
    text = table.text(key)
    if not says_something(text):
        raise table.fail("says nothing: write what was looked at and what was found", key)
    return text


def says_something(text: str) -> bool:
    """Whether words are more than empty or a placeholder (``TODO``, ``ok``, ``...``)."""
    words = "\xa0".join(text.split()).strip("\"'.!?").lower()
    return bool(re.search(r"\w", words)) and words not in _PLACEHOLDERS and len(words) > 2


def _names(table: Table, key: str) -> tuple[str, ...]:
    if isinstance(table.data.get(key), str):
        return (table.text(key),)
    return table.maybe_texts(key) or ()


def _date(table: Table, key: str) -> datetime.date:
    value = table.data.get(key)
    if isinstance(value, datetime.datetime) or not isinstance(value, datetime.date):
        raise table.fail("expected a date such as 2026-11-22", key)
    return value


def _time(table: Table, key: str) -> datetime.datetime | None:
    value = table.data.get(key)
    if value is None:
        return None
    if not isinstance(value, datetime.datetime):
        raise table.fail("expected a time such as 2026-11-22T14:12:02Z", key)
    return value if value.tzinfo else value.replace(tzinfo=datetime.UTC)


class Mention(NamedTuple):
    """A note that covers an artifact: ``listed`` is its entry in a list; None: the note's own package.

    ``accepted``: the note is about the artifact itself (own, or in ``accepts``), not only about a dependent.
    """

    note: Note
    listed: Listed | None
    accepted: bool

    @property
    def pinned(self) -> Pins:
        """The hashes and source of the artifact, as the note records them."""
        return self.listed.pinned if self.listed else self.note.pinned

    @property
    def since(self) -> str | None:
        """The version from which only the difference was reviewed."""
        return self.listed.since if self.listed else self.note.since

    @property
    def bundles(self) -> tuple[BundledPackage, ...]:
        """The packages bundled in the artifact's tarball, as the note lists them."""
        return self.listed.bundles if self.listed else self.note.bundles

    @property
    def shrinkwrap(self) -> tuple[BundledPackage, ...] | None:
        """The pins of the npm-shrinkwrap.json in the tarball; None: the note records no such file."""
        return self.listed.shrinkwrap if self.listed else self.note.shrinkwrap

    @property
    def published(self) -> datetime.datetime | None:
        """The artifact's publication time, as the registry gave it."""
        return self.listed.published if self.listed else self.note.published

    @property
    def location(self) -> Location:
        """The location in the note's file."""
        return Location(self.note.path, self.listed.line if self.listed else 1)


def mentions(note: Note) -> Iterator[tuple[str, str | None, Mention]]:
    """Every (name, version) that a note covers."""
    if note.package is not None:
        yield note.package, note.version, Mention(note, None, accepted=True)
    for listed in note.brings:
        yield listed.name, listed.version, Mention(note, listed, accepted=False)
    for listed in note.accepts:
        yield listed.name, listed.version, Mention(note, listed, accepted=True)
