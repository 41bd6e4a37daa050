"""The virtual file system of a command: a checkout, an image, and files that commands wrote.

A disk is a list of layers. Each layer puts files at a place (a path that starts with ``/``), or removes
files; a later layer hides earlier ones. In a workflow, the repository's checkout is at ``CHECKOUT``. In an
image, only the files are there that instructions copied.
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
"""The place of the repository's top in a checkout; no real path has this name."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file on a disk: one of the repository, or one that a command wrote."""

    path: str | None = None
    text: bytes | None = None
    """The text that a command wrote; None: it is not known."""


class Layer(Protocol):
    """The files that one command or instruction added to a disk, or removed from it."""

    @property
    def maybe(self) -> bool:
        """Whether the command may not have run, because it is in a branch of the script."""

    def find(self, place: str) -> Found | bool | None:
        """The file that this layer put at a place; None: it removed the file; False: it did neither."""

    def has_folder(self, place: str) -> bool:
        """Whether this layer made a folder at a place."""


def under(folder: str, place: str) -> str | None:
    """``place`` relative to ``folder`` ('' for the folder itself); None: it is not inside."""
    if place == folder:
        return ""
    prefix = folder if folder.endswith("/") else folder + "/"
    return place[len(prefix) :] if place.startswith(prefix) else None


def resolve(base: str, path: str) -> str:
    """The place that a path means to a command that runs in ``base``; UNKNOWN_TEXT if that is not known."""
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
        """Every folder with a file in it or below, with the top ('')."""
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
    """A file or folder of the repository, copied to a place; ``ignores`` tells which files are left out."""

    tracked: Tracked = field(repr=False)
    source: str
    place: str
    ignores: Callable[[str], bool] | None = None
    only_files: bool = False
    maybe: bool = False

    def find(self, place: str) -> Found | bool | None:
        """The repository's file that the copy puts at a place."""
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
        """Whether the copied folder has a folder at a place."""
        rest = under(self.place, place)
        if rest is None:
            return under(place, self.place) is not None
        path = posixpath.join(self.source, rest) if rest and self.source else rest or self.source
        return path in self.tracked.folders


@dataclass(frozen=True, slots=True)
class Written:
    """A file that a command wrote; ``text`` None: its content is not known."""

    place: str
    text: bytes | None
    maybe: bool = False

    def find(self, place: str) -> Found | bool | None:
        """The written file, if it is at exactly this place."""
        return Found(text=self.text) if place == self.place else False

    def has_folder(self, place: str) -> bool:
        """Whether the written file is below a place."""
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
    """Files copied from a disk: from another stage of an image, or from another folder."""

    disk: Disk = field(repr=False)
    source: str
    place: str
    maybe: bool = False

    def find(self, place: str) -> Found | bool | None:
        """The file at the corresponding place of the other disk."""
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
    """The file system that commands see, as layers, the latest last."""

    __slots__ = ("_folders", "_known", "_steps", "depth", "layers")

    def __init__(self, layers: Iterable[Layer] = (), depth: int = 0) -> None:
        self.layers = list(layers)
        self.depth = depth
        self._known: dict[tuple[str, bool], Found | None] = {}
        self._folders: dict[str, bool] = {}
        self._steps = 0

    def copy(self) -> Disk:
        """A disk with the same files; later changes of one do not affect the other."""
        return Disk(self.layers, self.depth)

    def put(self, layer: Layer) -> None:
        """Add a layer; raises UndecidedError above the limit."""
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
        """This disk, and the disks from which files were copied to it."""
        found = {self}
        queue = [self]
        while queue:
            taken = {each.disk for each in queue.pop().layers if isinstance(each, Taken)}
            queue += taken - found
            found |= taken
        return found

    def find(self, place: str, maybe: bool = True) -> Found | None:
        """The file at a place; None: there is none. ``maybe`` False ignores layers that may not exist.

        Results are kept: in a chain of images of which each copies twice from the one before, the work
        would double with each image.
        """
        key = (place, maybe)
        if key not in self._known:
            self._limit()
            self._known[key] = self._find(place, maybe)
        return self._known[key]

    def _limit(self) -> None:
        """Raises UndecidedError after too many searches: images that copy twice from each other double them."""
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
        """The repository's file that was at a place before commands overwrote it; None: there was none."""
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
        """Whether some layer may not exist."""
        return any(layer.maybe for layer in self.layers)
