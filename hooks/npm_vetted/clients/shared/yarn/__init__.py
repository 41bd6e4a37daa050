"""Shared by the lockfiles of both Yarns: blocks of text with exactly one entry each.

A block is canonical if it matches its format's grammar from its first column to its end. Then no
text around it can change its meaning, and two equal blocks are equal entries.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from itertools import pairwise
from typing import Final

from npm_vetted.clients.shared.lockfile import Lockfile, beside
from npm_vetted.clients.shared.yarn.places import LocatedEntries, Places
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import decode, refuse_lone_surrogates
from npm_vetted.model import Artifact, Entry, Kind, Manifest, Read
from npm_vetted.packages.manifest import read_manifest
from npm_vetted.packages.ranges import satisfies

_HIDDEN: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_CONTROLS: Final = bytes(set(range(32)) - {10, 13}) + b"\x7f"
_CONFLICT: Final = re.compile(r"(?:<{7}|={7}|>{7}|\|{7})(?: |$)", re.MULTILINE)
_ASKED: Final = re.compile(r'\n    (?:"([^"\n]+)"|([^":\s]+))')
"""The name in a line that may require a dependency."""
_FEW: Final = 8
"""Up to so many names searching the text for each is quicker than looking at every line (measured)."""
_PAGE: Final = 1 << 12
"""Characters between the places whose line is counted beforehand."""


def lock_text(path: str, data: bytes) -> str:
    """A lockfile's text with plain line ends.

    Raises DocumentError for characters that one reader takes for a line end or a blank and another
    does not.
    """
    text = decode(path, data)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if "\r" in text or not data.isascii() or len(data.translate(None, _CONTROLS)) != len(data):
        _refuse(path, text, _HIDDEN, "a control character: no lockfile has one")
    return refuse_lone_surrogates(path, text)


def refuse_conflict(path: str, text: str) -> None:
    """Raise DocumentError for merge markers; no canonical entry holds one."""
    if "\n<<<<<<<" in text or "\n>>>>>>>" in text or text.startswith("<<<<<<<"):
        _refuse(path, text, _CONFLICT, "a merge conflict that is not resolved")


def _refuse(path: str, text: str, expression: re.Pattern[str], message: str) -> None:
    found = expression.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise DocumentError(message, path=path, line=line)


def out_of_range(artifact: Artifact | None, wanted: str) -> bool:
    """Whether a locked version is provably outside a manifest's range."""
    if artifact is None or artifact.version is None or artifact.kind is not Kind.REGISTRY:
        return False
    if wanted.startswith("npm:"):
        wanted = wanted.removeprefix("npm:")
        name, at, inner = wanted[1:].partition("@")
        wanted = inner if at or "/" in name else wanted
    return satisfies(artifact.version, wanted) is False


def _name_of(descriptor: str) -> str:
    """The name in ``name@range``."""
    return descriptor[: max(descriptor.find("@", 1), 0)] or descriptor


class Blocks(Mapping[str, object]):
    """The text of each entry, cut out on first use: a copy of all would double the memory."""

    def __init__(self, text: str, places: Places) -> None:
        self._text = text
        self._places = places

    def __getitem__(self, key: str) -> str:
        start, end = self._places[key]
        return self._text[start:end]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._places


class YarnLockfile(Lockfile):
    """A yarn.lock: an entry's key is the line that starts it, several descriptors in one."""

    _places: Places
    taken: Set[str] = frozenset()
    """The keys of the entries that the reader took from the other version, as they are there."""

    def __init__(self, path: str, text: str, read: Read) -> None:
        self.path = path
        self._text = text
        self._read = read
        self._like: Lockfile | None = None

    def _alike(self, like: Lockfile | None) -> LocatedEntries | None:
        """The entries of another version of the file."""
        if not isinstance(like, YarnLockfile) or type(like) is not type(self):
            return None
        self._like = like
        return LocatedEntries(like._text, like._places)

    @abstractmethod
    def _naming(self, names: Collection[str]) -> Iterable[str]:
        """The keys of the entries whose artifact may have one of these names."""

    @abstractmethod
    def _asking(self, names: Collection[str]) -> Iterable[str]:
        """The keys of the entries that may require one of these names, in the file's order."""

    @abstractmethod
    def descriptors(self, key: str) -> Sequence[str]:
        """The ``name@range`` texts of an entry's key."""

    @abstractmethod
    def names(self, key: str) -> set[str]:
        """The names under which dependents may require an entry."""

    @abstractmethod
    def _decode(self, key: str) -> Entry: ...

    @property
    def blocks(self) -> Mapping[str, object]:
        """The text of each entry by its key."""
        return Blocks(self._text, self._places)

    def changed(self, before: Iterable[Lockfile]) -> list[str]:
        """The keys whose block is in none of the ``before`` versions under the same key."""
        found: Iterable[str] = self._places
        for other in before:
            if isinstance(other, YarnLockfile):
                differing = set(self._differing(other))
                found = [key for key in found if key in differing]
        return list(found)

    def _differing(self, other: YarnLockfile) -> Iterable[str]:
        """The keys whose block another version does not have."""
        places, nowhere = other._places, (0, 0)
        same = other.taken if other._like is self else self.taken if self._like is other else ()
        for key, (start, end) in self._places.items():
            if key in same:
                continue
            begin, stop = places.get(key, nowhere)
            if self._text[start:end] != other._text[begin:stop]:
                yield key

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _ in self._places.values()]

    @cached_property
    def _keys(self) -> list[str]:
        return list(self._places)

    @cached_property
    def _pages(self) -> list[int]:
        """How many lines end before each page of the text."""
        found = [0]
        for start, end in pairwise(range(0, len(self._text) + _PAGE, _PAGE)):
            found.append(found[-1] + self._text.count("\n", start, end))
        return found

    def _line_at(self, offset: int) -> int:
        page = offset // _PAGE
        return self._pages[page] + self._text.count("\n", page * _PAGE, offset) + 1

    def line(self, key: str) -> int:
        """The line that an entry starts on."""
        return self._line_at(self._places[key][0])

    @cached_property
    def _decoded(self) -> dict[str, Entry]:
        return {}

    def entry(self, key: str) -> Entry:
        """Decode one entry; raises DocumentError where it is malformed."""
        found = self._decoded.get(key)
        if found is None:
            _ = self.index  # an entry is only as good as its descriptors are unique
            found = self._decoded[key] = self._decode(key)
        return found

    @cached_property
    def index(self) -> Mapping[str, str]:
        """The key of the entry that each descriptor belongs to.

        Raises DocumentError for one that is in two entries: Yarn would keep the last.
        """
        found: dict[str, str] = {}
        for key in self._keys:
            for descriptor in self.descriptors(key):
                other = found.setdefault(descriptor, key)
                if other is not key:
                    raise self.fail(f"{descriptor!r} is in two entries", key)
        return found

    def fail(self, message: str, key: str, offset: int = 0) -> DocumentError:
        """The error to raise about an entry."""
        return DocumentError(message, path=self.path, line=self.line(key) + offset)

    def named(self, names: Collection[str]) -> Iterator[Artifact]:
        """The artifacts of some packages; only entries that may be one of them are decoded."""
        for key in self._naming(names):
            artifact = self.entry(key).artifact
            if artifact is not None and artifact.name in names:
                yield artifact

    def dependents(self, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The dependents of these keys; only entries that may be some are decoded."""
        called = [self.names(key) for key in keys]
        if not all(called):
            return super().dependents(keys)
        found: dict[str, list[str]] = {key: [] for key in keys}
        for key in self._asking(set().union(*called)):
            for child in dict.fromkeys(self.children(key)):
                if child in found:
                    found[child].append(key)
        return {key: tuple(parents) for key, parents in found.items()}

    def unlike(self, usual: re.Pattern[str]) -> Iterable[str]:
        """The keys of the entries whose text does not begin in the usual way."""
        match, text = usual.match, self._text
        return (key for key, (start, _) in self._places.items() if match(text, start) is None)

    def _keys_at(self, offsets: Iterable[int]) -> list[str]:
        """The keys of the entries that are at some places of the text, in the file's order."""
        places = sorted({bisect_right(self._starts, offset) - 1 for offset in offsets})
        return [self._keys[place] for place in places if place >= 0]

    def _finds(self, word: str) -> Iterator[int]:
        """Where a word is in the text."""
        at = self._text.find(word)
        while at >= 0:
            yield at
            at = self._text.find(word, at + len(word))

    def _asked(self, names: Collection[str]) -> Iterator[int]:
        """The positions of lines that may require one of these names."""
        if len(names) <= _FEW:
            for name in names:
                yield from self._finds(f"\n    {name}")
                yield from self._finds(f'\n    "{name}"')
        else:
            for line in _ASKED.finditer(self._text):
                if (line[1] or line[2]) in names:
                    yield line.end()

    @cached_property
    def root_manifest(self) -> Manifest | None:
        """The package.json beside the lockfile: its ``resolutions`` steer what is locked."""
        path = beside(self.path, "package.json")
        data = self._read(path)
        return None if data is None else read_manifest(path, data)

    @property
    def resolutions(self) -> Mapping[str, str]:
        """The root manifest's ``resolutions``, as they are written."""
        manifest = self.root_manifest
        found = manifest.data.get("resolutions") if manifest else None
        if not isinstance(found, dict):
            return {}
        return {key: value for key, value in found.items() if isinstance(value, str)}

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[str]]:
        """The descriptors of each name."""
        found: dict[str, list[str]] = {}
        for descriptor in self.index:
            found.setdefault(_name_of(descriptor), []).append(descriptor)
        return found
