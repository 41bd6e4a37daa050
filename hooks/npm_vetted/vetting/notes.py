"""Vetting notes: the files below ``.vetting/notes/``, how they are named and read.

Routine notes are evidence without a person's words. They have the same file names and format, but
are below ``.vetting/routine/`` and nowhere else, and may say much less (``routine.check_routine``).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.document import Table, hint
from npm_vetted.formats.toml import load_toml
from npm_vetted.git.snapshot import Snapshot
from npm_vetted.model import Artifact, BundledPackage, Location
from npm_vetted.vetting.pins import Pins
from npm_vetted.vetting.routine import ROUTINE, check_routine

FOLDER: Final = ".vetting/notes/"
GROUPS: Final = ".vetting/notes/_groups/"
FOLDERS: Final = (FOLDER, ROUTINE)
DOCUMENTS: Final = frozenset({"README", "README.md", "README.txt", "CODEOWNERS", ".gitattributes"})
"""Files without effect that may be in .vetting/ and in each of its folders."""
_SEARCH_LIMIT: Final = 200
_LONGEST_STEM: Final = 100
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)")
_UNSAFE: Final = re.compile(r"[^a-z0-9._-]")
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


def is_note_path(path: str) -> bool:
    """Whether a file is in a folder of notes and has the suffix ``.toml``."""
    return path.startswith(FOLDERS) and path.endswith(".toml")


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


def encode_name(name: str) -> str:
    """A part of a package's name, or a version, as a file name on every file system.

    Any character but ``a-z 0-9 . _ -`` is percent-encoded, so are the first letter of a name that
    Windows reserves (or that is the groups' folder) and a trailing dot. No result is ``.``,
    ``..`` or empty, and two different names never share a result.
    """
    text = _UNSAFE.sub(lambda found: _percent(found.group()), name)
    if _RESERVED.match(text) or text == "_groups":
        text = _percent(text[0]) + text[1:]
    if text.endswith("."):
        text = text[:-1] + "%2e"
    return text or "%"


def _percent(char: str) -> str:
    return "".join(f"%{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))


def package_folder(package: str, folder: str = FOLDER) -> str:
    """The folder of a package's notes, or of its routine notes, with its trailing slash."""
    scope, slash, rest = package.partition("/")
    if slash and scope.startswith("@") and len(scope) > 1 and rest:
        return f"{folder}@{encode_name(scope[1:])}/{encode_name(rest)}/"
    return f"{folder}{encode_name(package)}/"


def file_stem(version: str | None, pinned: Pins) -> str:
    """The name of a note's file without ``.toml``: its version, else its commit or hash."""
    if version is not None:
        return encode_name(version)
    import base64
    import hashlib

    if pinned.specifier is not None:
        stem = encode_name(pinned.specifier)
        short = len(stem) <= _LONGEST_STEM
        return stem if short else hashlib.sha256(pinned.specifier.encode()).hexdigest()[:12]
    commit = re.search(r"#(?:commit=)?([0-9a-f]{12})", pinned.resolved or "")
    if commit:
        return commit.group(1)
    word = (pinned.integrity or "").split(" ")[0].partition("-")[2]
    try:
        digest = base64.b64decode(word, validate=True)
    except ValueError:
        digest = b""
    if not digest:
        digest = hashlib.sha256((pinned.resolved or pinned.checksum or "").encode()).digest()
    return digest.hex()[:12]


def belongs_at(note: Note) -> bool:
    """Whether a note's file is where its package and version say."""
    if note.package is None:
        return note.path.startswith(GROUPS)
    rest = note.path.removeprefix(stem_of(note))
    return rest != note.path and re.fullmatch(r"(?:\.[1-9][0-9]*)?\.toml", rest) is not None


def stem_of(note: Note) -> str:
    """The path where a note belongs, without its number and ``.toml``."""
    folder = ROUTINE if note.routine else FOLDER
    return package_folder(note.package or "", folder) + file_stem(note.version, note.pinned)


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


class NoteStore:
    """The notes of one snapshot; a note's file is opened when a caller needs the note.

    Own notes are found by file name. Lists in other notes are found by one search of git over all notes'
    texts, for all packages that were announced by ``expect``.
    """

    def __init__(self, snapshot: Snapshot, criteria: Collection[str]) -> None:
        self._snapshot = snapshot
        self._criteria = frozenset(criteria)
        self._notes: dict[str, Note | NoteError] = {}
        self._searched: set[str] = set()
        self._awaited: set[str] = set()
        self._indexed: set[str] = set()
        self._listed: dict[tuple[str, str | None], list[Mention]] = {}
        self._naming: dict[str, list[Mention]] | None = None

    @property
    def opened(self) -> int:
        """How many notes were read."""
        return len(self._notes)

    def paths(self) -> Iterator[str]:
        """Every file below the notes' folders."""
        for folder in FOLDERS:
            yield from self._snapshot.below(folder)

    def read(self, path: str) -> Note | NoteError | None:
        """One note, the error where it is malformed, None where there is none."""
        if path not in self._notes:
            data = self._snapshot.read(path)
            if data is None:
                return None
            try:
                self._notes[path] = read_note(path, data, self._criteria)
            except NoteError as error:
                self._notes[path] = error
        return self._notes[path]

    def _good(self, paths: Iterable[str]) -> Iterator[Note]:
        for path in paths:
            note = self.read(path) if path.endswith(".toml") else None
            if isinstance(note, Note) and belongs_at(note):
                yield note

    def of(self, package: str, version: str | None = None) -> list[Note]:
        """The notes of a package, routine notes last; of one version, where one is given."""
        name = "" if version is None else encode_name(version) + "."
        found = []
        for folder in (package_folder(package, each) for each in FOLDERS):
            start = folder + name
            found += sorted(p for p in self._snapshot.files_in(folder) if p.startswith(start))
        return [
            note
            for note in self._good(found)
            if note.package == package and version in (None, note.version)
        ]

    def expect(self, labels: Iterable[str]) -> None:
        """Announce which ``name@version`` a caller needs: the next search finds them all at once."""
        self._awaited.update(labels)

    def search(self, labels: Collection[str]) -> None:
        """Find the notes that list any of some ``name@version`` in one search, and index their entries.

        Git searches the notes' text; for very many names, every note is opened instead.
        """
        if self._searched.issuperset(labels):
            return
        missing = self._awaited.union(labels) - self._searched
        self._awaited.clear()
        paths = (
            self._holding(missing)
            if len(missing) <= _SEARCH_LIMIT
            else {path for path in self.paths() if path.endswith(".toml")}
        )
        self._searched |= missing
        for note in self._good(sorted(paths - self._indexed)):
            for name, version, mention in mentions(note):
                if mention.listed is not None:
                    self._listed.setdefault((name, version), []).append(mention)
        self._indexed |= paths

    def listing(self, name: str, version: str) -> list[Mention]:
        """The notes that bring or accept a version."""
        self.search([f"{name}@{version}"])
        return self._listed.get((name, version), [])

    def naming(self, name: str) -> list[Mention]:
        """The notes that bring or accept any version of a package."""
        if self._naming is None:
            self._naming = {}
            for note in self._good(sorted(self._holding({"brings", "accepts"}))):
                for listed, _, mention in mentions(note):
                    if mention.listed is not None:
                        self._naming.setdefault(listed, []).append(mention)
        return self._naming.get(name, [])

    def _holding(self, words: Collection[str]) -> set[str]:
        """The files with one of some words in them."""
        return {path for folder in FOLDERS for path in self._snapshot.grep(words, folder)}

    def carrying(self, words: Collection[str]) -> list[tuple[str, str | None, Mention]]:
        """The mentions of packages whose tarballs carry others, in notes that hold one of some words."""
        return [
            each
            for note in self._good(sorted(self._holding(words)))
            for each in mentions(note)
            if each[2].bundles or each[2].shrinkwrap
        ]

    def own(self, artifact: Artifact) -> list[Mention]:
        """The own notes of exactly this name and version."""
        return [
            Mention(note, None, accepted=True)
            for note in self.of(artifact.name, artifact.version)
            if (note.version, note.specifier) == (artifact.version, artifact.specifier)
            or (note.version is not None and note.version == artifact.exact_version)
        ]

    def mentioning(self, artifact: Artifact) -> Iterator[Mention]:
        """Every mention of an artifact's name and version in notes; the bytes are not compared.

        Its own notes come first: where one of them covers it, the others are not searched.
        """
        yield from self.own(artifact)
        wanted = artifact.version or artifact.specifier or artifact.resolved
        yield from self.listing(artifact.name, wanted or "-")

    def all(self) -> Iterator[Note | NoteError]:
        """Every note, malformed ones as their errors."""
        for path in sorted(self.paths()):
            if path.endswith(".toml"):
                note = self.read(path)
                if note is not None:
                    yield note
