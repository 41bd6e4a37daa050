"""The notes of one snapshot: finds the notes that are about a package, and opens only these."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from npm_vetted.git.snapshot import Snapshot
from npm_vetted.model import Artifact
from npm_vetted.vetting.note_paths import belongs_at, encode_name, package_folder
from npm_vetted.vetting.notes import FOLDERS, Mention, Note, NoteError, mentions, read_note

_SEARCH_LIMIT: Final = 200


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
