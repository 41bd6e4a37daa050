"""What the lockfiles of both Yarns share: blocks of text that each hold one entry, whole.

A block is canonical when it matches its format's grammar from its first column to its end: then
nothing before or behind it can change what it means, and two equal blocks are equal entries.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from npm_vetted.clients._ranges import satisfies
from npm_vetted.clients.lockfile import Lockfile
from npm_vetted.documents.base import decode, refuse_lone_surrogates
from npm_vetted.errors import DocumentError
from npm_vetted.manifest import read_manifest
from npm_vetted.model import Artifact, Entry, Kind, Manifest, Read

_HIDDEN: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_CONTROLS: Final = bytes(set(range(32)) - {10, 13}) + b"\x7f"
_CONFLICT: Final = re.compile(r"(?:<{7}|={7}|>{7}|\|{7})(?: |$)", re.MULTILINE)
_STEP: Final = re.compile(r"((?:@[^/@]+/)?[^/@]+)(?:@([^/]+))?(?:/|\Z)")
"""One package of a resolution's key: its name, and its range where one is named."""
_FEW: Final = 16
"""Up to so many names searching the text is quicker than decoding every entry (measured)."""

BUILTIN: Final = "__metadata:"
"""What a yarn.lock of Yarn berry has at the start of a line, and one of classic never."""


def lock_text(path: str, data: bytes) -> str:
    """A lockfile's text with plain line ends.

    Raises DocumentError for merge markers and for characters that one reader takes for a line
    end or a blank and another does not.
    """
    text = refuse_lone_surrogates(path, decode(path, data))
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if "\r" in text or not data.isascii() or len(data.translate(None, _CONTROLS)) != len(data):
        _refuse(path, text, _HIDDEN, "a control character: no lockfile has one")
    if "\n<<<<<<<" in text or "\n>>>>>>>" in text or text.startswith("<<<<<<<"):
        _refuse(path, text, _CONFLICT, "a merge conflict that is not resolved")
    return text


def _refuse(path: str, text: str, expression: re.Pattern[str], message: str) -> None:
    found = expression.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise DocumentError(message, path=path, line=line)


def _name_of(descriptor: str) -> str:
    """The name in ``name@range``."""
    return descriptor[: max(descriptor.find("@", 1), 0)] or descriptor


def beside(path: str, name: str) -> str:
    """``name`` in the folder of ``path``."""
    folder = path.rpartition("/")[0]
    return f"{folder}/{name}" if folder else name


def out_of_range(artifact: Artifact | None, wanted: str) -> bool:
    """Whether a locked version is provably none that a manifest's range asks for."""
    if artifact is None or artifact.version is None or artifact.kind is not Kind.REGISTRY:
        return False
    if wanted.startswith("npm:"):
        wanted = wanted.removeprefix("npm:")
        name, at, inner = wanted[1:].partition("@")
        wanted = inner if at or "/" in name else wanted
    return satisfies(artifact.version, wanted) is False


class YarnLockfile(Lockfile):
    """A yarn.lock: an entry's key is the line that starts it, several descriptors in one."""

    def __init__(self, path: str, text: str, read: Read) -> None:
        self.path = path
        self._text = text
        self._read = read

    @cached_property
    @abstractmethod
    def _starts(self) -> Mapping[str, int]:
        """Where each entry starts in the text, in the file's order."""

    @abstractmethod
    def descriptors(self, key: str) -> Sequence[str]:
        """The ``name@range`` texts of an entry's key."""

    @abstractmethod
    def names(self, key: str) -> set[str]:
        """What others may call an entry when they depend on it."""

    @abstractmethod
    def _decode(self, key: str) -> Entry: ...

    @cached_property
    def _lines(self) -> Mapping[str, int]:
        found: dict[str, int] = {}
        line, last = 1, 0
        for key, start in self._starts.items():
            line += self._text.count("\n", last, start)
            last = start
            found[key] = line
        return found

    def line(self, key: str) -> int:
        """The line that an entry starts on."""
        return self._lines[key]

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

        Raises DocumentError for one that stands in two entries: Yarn would keep the last.
        """
        found: dict[str, str] = {}
        for key in self.blocks:
            for descriptor in self.descriptors(key):
                other = found.setdefault(descriptor, key)
                if other is not key:
                    raise self.fail(f"{descriptor!r} stands in two entries", key)
        return found

    def fail(self, message: str, key: str, offset: int = 0) -> DocumentError:
        """The error to raise about an entry."""
        return DocumentError(message, path=self.path, line=self.line(key) + offset)

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

    def _carried_out(self, name: str, wanted: str) -> bool:
        """Whether an entry stands for what a resolution puts in a name's place."""
        return f"{name}@{wanted}" in self.index

    def unapplied(self) -> Iterator[tuple[str, str]]:
        """The resolutions (key, name) of what is locked that no entry carries out.

        Yarn would resolve these anew at the next install, whatever the lockfile has.
        """
        if not self.resolutions:
            return
        names = {_name_of(descriptor) for descriptor in self.index}
        for key, wanted in self.resolutions.items():
            path = [found.groups() for found in _STEP.finditer(key) if found[1] != "**"]
            if not path or any(name not in names for name, _ in path):
                continue
            name, ranged = path[-1]
            if ranged is not None and f"{name}@{ranged}" not in self.index:
                continue
            if len(path) > 1 and "**" not in key and not self._asks(path[-2][0], name):
                continue
            if not self._carried_out(name, wanted):
                yield key, name

    def _asks(self, parent: str, name: str) -> bool:
        keys = {key for descriptor, key in self.index.items() if _name_of(descriptor) == parent}
        return any(asked.name == name for key in keys for asked in self.entry(key).requires)

    def dependents(self, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Who asks for each of these keys: blocks without the name are not decoded."""
        names = {name for key in keys for name in self.names(key)}
        if len(names) > _FEW:
            return super().dependents(keys)
        found: dict[str, list[str]] = {key: [] for key in keys}
        for key in self._mentioning(names):
            for child in dict.fromkeys(self.children(key)):
                if child in found:
                    found[child].append(key)
        return {key: tuple(parents) for key, parents in found.items()}

    def _mentioning(self, names: Collection[str]) -> list[str]:
        """The keys of the entries whose text holds one of these names, in the file's order."""
        keys = list(self._starts)
        starts = list(self._starts.values())
        places: set[int] = set()
        for name in names:
            at = self._text.find(name)
            while at >= 0:
                place = bisect_right(starts, at) - 1
                places.add(place)
                after = starts[place + 1] if place + 1 < len(starts) else len(self._text)
                at = self._text.find(name, max(after, at + 1))
        return [
            keys[place] for place in sorted(places) if place >= 0 and keys[place] in self.blocks
        ]
