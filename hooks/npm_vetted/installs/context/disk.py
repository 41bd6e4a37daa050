"""The virtual file system of a command: a checkout, an image, and files that commands wrote.

A place is a path that starts with ``/``. The repository's own checkout is at ``CHECKOUT``, unless a
layer says otherwise (an image has the files that were copied into it). Later layers hide earlier
ones.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Protocol

from npm_vetted.errors import UndecidedError
from npm_vetted.formats.shell_text import UNKNOWN_TEXT

_COPIES: Final = 120
_LAYERS: Final = 5_000
_STEPS: Final = 500_000

CHECKOUT: Final = "/\x01checkout"
"""The top of the repository where a command runs in a checkout; no real path is called that."""


@dataclass(frozen=True, slots=True)
class Found:
    """The content of a place: a file of the repository, or text that a command wrote there."""

    path: str | None = None
    text: bytes | None = None
    """None where nobody can tell what was written."""


class Layer(Protocol):
    """Something that put files somewhere, or took them away."""

    @property
    def maybe(self) -> bool:
        """Whether it may not have happened (it is in a branch)."""

    def find(self, place: str) -> Found | bool | None:
        """The content that this layer put there; None if it removed it; False if it did neither."""

    def has_folder(self, place: str) -> bool:
        """Whether it made a folder there."""


def under(folder: str, place: str) -> str | None:
    """``place`` relative to ``folder`` ('' for the folder itself); None where it is not below."""
    if place == folder:
        return ""
    prefix = folder if folder.endswith("/") else folder + "/"
    return place[len(prefix) :] if place.startswith(prefix) else None


def resolve(base: str, path: str) -> str:
    """A path as a command that runs in ``base`` means it; a hole where that is not known."""
    if UNKNOWN_TEXT in path.split("/", 1)[0] and not path.startswith("/"):
        return UNKNOWN_TEXT
    joined = posixpath.normpath(posixpath.join(base, path))
    return "/" + joined.lstrip("/") if joined.startswith("/") else joined


class Tracked:
    """The paths of the repository, with their folders; listed on first use."""

    def __init__(self, listing: Callable[[], Iterable[str]]) -> None:
        self._listing = listing

    @cached_property
    def paths(self) -> frozenset[str]:
        """Every file."""
        return frozenset(self._listing())

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds one, the top ('') included."""
        found = {""}
        for path in self.paths:
            folder = path.rpartition("/")[0]
            while folder not in found:
                found.add(folder)
                folder = folder.rpartition("/")[0]
        return frozenset(found)

    @cached_property
    def manifests(self) -> list[str]:
        """Every package.json."""
        return sorted(path for path in self.paths if path.rpartition("/")[2] == "package.json")

    def glob(self, pattern: str) -> list[str]:
        """The files and folders that a shell pattern names, segment by segment."""
        if not any(char in pattern for char in "*?["):
            return [pattern] if pattern in self.paths or pattern in self.folders else []
        wanted = pattern.split("/")
        return sorted(
            path
            for path in self.paths | self.folders
            if path.count("/") == len(wanted) - 1
            and all(
                fnmatch.fnmatchcase(name, part)
                for name, part in zip(path.split("/"), wanted, strict=True)
            )
        )


@dataclass(frozen=True, slots=True)
class Copied:
    """A file or folder of the repository that is at a place; ``ignores`` leaves files out."""

    tracked: Tracked = field(repr=False)
    source: str
    place: str
    ignores: Callable[[str], bool] | None = None
    only_files: bool = False
    maybe: bool = False

    def find(self, place: str) -> Found | bool | None:
        """The repository's file below the place."""
        rest = under(self.place, place)
        if rest is None:
            return False
        path = posixpath.join(self.source, rest) if rest and self.source else rest or self.source
        if path not in self.tracked.paths or (self.ignores and self.ignores(path)):
            return False
        if self.only_files and "/" in rest:
            return False
        return Found(path=path)

    def has_folder(self, place: str) -> bool:
        """Whether the copied folder has one there."""
        rest = under(self.place, place)
        if rest is None:
            return under(place, self.place) is not None
        path = posixpath.join(self.source, rest) if rest and self.source else rest or self.source
        return path in self.tracked.folders


@dataclass(frozen=True, slots=True)
class Written:
    """Text that a command wrote; None: it is not known."""

    place: str
    text: bytes | None
    maybe: bool = False

    def find(self, place: str) -> Found | bool | None:
        """The text, at exactly this place."""
        return Found(text=self.text) if place == self.place else False

    def has_folder(self, place: str) -> bool:
        """Whether the file is below it."""
        return place != self.place and under(place, self.place) is not None


@dataclass(frozen=True, slots=True)
class Gone:
    """A file or folder that was removed, or that a foreign repository replaced."""

    place: str
    folder: bool = False
    maybe: bool = False

    def find(self, place: str) -> Found | bool | None:
        """The place is empty."""
        return None if under(self.place, place) is not None else False

    def has_folder(self, place: str) -> bool:
        """Whether it is a new folder."""
        return self.folder and under(place, self.place) is not None


@dataclass(frozen=True, slots=True)
class Taken:
    """Files that were copied from another disk (another stage of an image, another folder)."""

    disk: Disk = field(repr=False)
    source: str
    place: str
    maybe: bool = False

    def find(self, place: str) -> Found | bool | None:
        """The content of the corresponding place of the other disk."""
        rest = under(self.place, place)
        if rest is None:
            return False
        found = self.disk.find(posixpath.join(self.source, rest) if rest else self.source)
        return False if found is None else found

    def has_folder(self, place: str) -> bool:
        """Whether the other disk has a folder there."""
        rest = under(self.place, place)
        if rest is None:
            return under(place, self.place) is not None
        return self.disk.has_folder(posixpath.join(self.source, rest) if rest else self.source)


class Disk:
    """The layers of one place, the latest last. ``copy`` gives one that goes its own way."""

    __slots__ = ("_folders", "_known", "_steps", "depth", "layers")

    def __init__(self, layers: Iterable[Layer] = (), depth: int = 0) -> None:
        self.layers = list(layers)
        self.depth = depth
        self._known: dict[tuple[str, bool], Found | None] = {}
        self._folders: dict[str, bool] = {}
        self._steps = 0

    def copy(self) -> Disk:
        """A disk with the same files, whose changes stay its own."""
        return Disk(self.layers, self.depth)

    def put(self, layer: Layer) -> None:
        """Add the effect of a command or an instruction; raises UndecidedError above the limit."""
        if isinstance(layer, Taken):
            if self in layer.disk.sources():
                raise UndecidedError("files that are copied from themselves, in a circle")
            self.depth = max(self.depth, layer.disk.depth + 1)
        if self.depth > _COPIES or len(self.layers) > _LAYERS:
            raise UndecidedError("too many copies of files to follow")
        self.layers.append(layer)
        self._known.clear()
        self._folders.clear()

    def sources(self) -> set[Disk]:
        """The disks that this one's files come from, itself among them."""
        found = {self}
        queue = [self]
        while queue:
            taken = {each.disk for each in queue.pop().layers if isinstance(each, Taken)}
            queue += taken - found
            found |= taken
        return found

    def find(self, place: str, maybe: bool = True) -> Found | None:
        """The content of a place; without ``maybe``, doubtful layers are ignored.

        Answers are kept: a chain of images that copy from each other twice would double the work
        with each of them.
        """
        key = (place, maybe)
        if key not in self._known:
            self._limit()
            self._known[key] = self._find(place, maybe)
        return self._known[key]

    def _limit(self) -> None:
        """Images that copy from each other twice, each time from elsewhere, double the places."""
        self._steps += len(self.layers)
        if self._steps > _STEPS:
            raise UndecidedError("too many copies of files to follow")

    def _find(self, place: str, maybe: bool) -> Found | None:
        for layer in reversed(self.layers):
            if layer.maybe and not maybe:
                continue
            found = layer.find(place)
            if found is not False:
                return found if isinstance(found, Found) else None
        return None

    def original(self, place: str) -> Found | None:
        """The repository's file at a place before commands wrote it anew; None where none was there."""
        for layer in reversed(self.layers):
            found = layer.find(place)
            if found is None or (isinstance(found, Found) and found.path is not None):
                return found
        return None

    def has_folder(self, place: str) -> bool:
        """Whether a folder is known to be there."""
        if place not in self._folders:
            self._limit()
            self._folders[place] = any(each.has_folder(place) for each in reversed(self.layers))
        return self._folders[place]

    def is_foreign(self, place: str) -> bool:
        """Whether a folder is foreign: another repository was cloned there."""
        return any(
            isinstance(layer, Gone) and layer.folder and layer.place == place
            for layer in self.layers
        )

    @property
    def doubts(self) -> bool:
        """Whether some layer may not be there."""
        return any(layer.maybe for layer in self.layers)
