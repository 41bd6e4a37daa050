"""Git's objects, read from one ``git cat-file --batch``: blobs, and trees folder by folder.

A commit needs a few files. Walking to each from the root's tree costs as much in a repository of a
hundred thousand files as in one of ten, while any listing, even git's own, reads all entries.
"""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final, NamedTuple, cast

from npm_vetted.errors import UndecidedError
from npm_vetted.git.process import end_process, git_environment, hardened, path_bytes, path_text
from npm_vetted.git.repository import Repository, TreeEntry

if TYPE_CHECKING:
    from types import TracebackType

SIZE_LIMIT: Final = 32 * 1024 * 1024
"""Bytes. A lockfile of 10,000 packages has 5 million; beyond this nothing is read."""

_HEAD: Final = 64
"""Bytes: enough to tell what a file is."""

FOLDER_MODE: Final = "040000"
_ENTRY: Final = rb"([0-7]{5,6}) ([^\0/]++)\0(.{%d})"
_MISSING: Final = "git does not have this file's content (a partial or broken clone)"
_FETCH: Final = "fetch what is missing: git fetch --refetch --no-filter"
_AGAIN: Final = "run the command again"
_FATAL: Final = 128
"""git's exit status where it cannot go on, as where a partial clone cannot fetch an object."""
_SOON: Final = 5
"""Seconds in which a git process that closed its pipe must have ended."""


class BlobDigest(NamedTuple):
    """The hash of a blob, and how the blob begins."""

    digest: bytes
    head: bytes


class Folder:
    """A tree's entries by name; decoded on first use, since a folder may be large."""

    def __init__(self, data: bytes, width: int, path: str) -> None:
        raw = re.findall(_ENTRY % width, data, re.DOTALL)
        self._raw = {name: (mode, oid) for mode, name, oid in raw}
        read = sum([len(mode) + len(name) for mode, name, _ in raw]) + len(raw) * (width + 2)
        if read != len(data) or len(self._raw) != len(raw):
            raise UndecidedError("git holds a folder that is malformed", path=path, fix="git fsck")

    def get(self, name: str) -> TreeEntry | None:
        """The entry with a name, or None."""
        try:
            found = self._raw.get(path_bytes(name))
        except UnicodeEncodeError:  # half a character: no file is called that
            return None
        return None if found is None else _entry(found)

    def items(self) -> Iterator[tuple[str, TreeEntry]]:
        """Each name with its entry."""
        return ((path_text(name), _entry(found)) for name, found in self._raw.items())


def _entry(raw: tuple[bytes, bytes]) -> TreeEntry:
    return TreeEntry(_canonical(raw[0]), raw[1].hex())


class Objects:
    """Reads objects by their ids from one git process, started when first needed."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._folders: dict[str, Folder] = {}

    def __enter__(self) -> Objects:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the git process, if one runs; it may have ended by itself."""
        process, self._process = self._process, None
        if process is not None:
            end_process(process)

    def _start(self) -> subprocess.Popen[bytes]:
        """A plain process, as in ``run_git``: the pipe is all that GitPython would give."""
        if self._process is None:
            self._process = subprocess.Popen(
                hardened("cat-file", "--batch"),
                cwd=self.repository.top,
                env=git_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process

    def read(self, oid: str, path: str) -> bytes:
        """A blob's bytes; raises UndecidedError where git does not have it or it is too large."""
        with self._lock:  # the registry client asks from several threads
            return self._read(oid, b"blob", path)

    def commit(self, oid: str) -> bytes:
        """A commit as git holds it: its header, an empty line, its message."""
        with self._lock:
            return self._read(oid, b"commit", oid)

    def digest(self, oid: str, path: str, algorithm: str) -> BlobDigest:
        """A blob's hash, whatever its size: its bytes are read piece by piece.

        Raises UndecidedError where git does not have it.
        """
        import hashlib

        with self._lock:
            stdout, left = self._open(oid, b"blob", path)
            found = hashlib.new(algorithm, usedforsecurity=False)
            head = b""
            while left > 0:
                data = stdout.read(min(left, 1 << 20))
                if not data:
                    raise self._ended(path)
                head = head or data[:_HEAD]
                found.update(data)
                left -= len(data)
            stdout.read(1)
        return BlobDigest(found.digest(), head)

    def folder(self, name: str, path: str = ".") -> Folder:
        """The folder of a tree (by its id, or ``COMMIT^{tree}``) that is at a path.

        Raises UndecidedError for one that git does not have, or would not have written.
        """
        if name not in self._folders:
            with self._lock:
                data = self._read(name, b"tree", path)
            width = 32 if self.repository.object_format == "sha256" else 20
            self._folders[name] = Folder(data, width, path)
        return self._folders[name]

    def _read(self, name: str, kind: bytes, path: str) -> bytes:
        stdout, size = self._open(name, kind, path)
        if size > SIZE_LIMIT:
            self._skip(stdout, size + 1)
            raise UndecidedError(
                f"{size:,} bytes: more than the {SIZE_LIMIT:,} that are read", path=path
            )
        data = stdout.read(size)
        if len(data) != size or not stdout.read(1):
            raise self._ended(path)
        return data

    def _open(self, name: str, kind: bytes, path: str) -> tuple[IO[bytes], int]:
        """Request an object; return the pipe that delivers its bytes and a line end, and its size."""
        process = self._start()
        stdin, stdout = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        try:
            stdin.write(name.encode() + b"\n")
            stdin.flush()
            words = stdout.readline().split()
        except BrokenPipeError:
            words = []
        if not words:
            raise self._ended(path)
        if len(words) != 3:
            raise UndecidedError(_MISSING, path=path, fix=_FETCH)
        size = int(words[2])
        if words[1] != kind:
            self._skip(stdout, size + 1)
            raise UndecidedError(f"git holds a {words[1].decode()} in its place", path=path)
        return stdout, size

    def _ended(self, path: str) -> UndecidedError:
        """The error that git has ended before it delivered an object, by its exit status."""
        status: int | None = None
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                status = self._process.wait(timeout=_SOON)
        self.close()
        if status == _FATAL:
            return UndecidedError(_MISSING, path=path, fix=_FETCH)
        how = "does not answer" if status is None else f"ended with status {status}"
        return UndecidedError(f"git {how} instead of delivering this file", path=path, fix=_AGAIN)

    @staticmethod
    def _skip(stdout: IO[bytes], size: int) -> None:
        while size > 0:
            size -= len(stdout.read(min(size, 1 << 20)) or b"x" * size)


def _canonical(mode: bytes) -> str:
    """Normalize a tree entry's mode to one of five, as git's own ``canon_mode`` does."""
    number = int(mode, 8)
    match number & 0o170000:
        case 0o100000:
            return "100755" if number & 0o100 else "100644"
        case 0o120000:
            return "120000"
        case 0o040000:
            return FOLDER_MODE
    return "160000"


class Tree:
    """The files of a commit's tree; each folder is read on first use."""

    def __init__(self, objects: Objects, name: str) -> None:
        self._objects = objects
        self._name = name

    def entry(self, path: str) -> TreeEntry | None:
        """A file; None: there is none, or a folder."""
        folder, _, name = path.rpartition("/")
        found = self._folder(folder)
        entry = found.get(name) if found is not None else None
        return None if entry is None or entry.mode == FOLDER_MODE else entry

    def _folder(self, path: str) -> Folder | None:
        """A folder's entries; None if there is no such folder."""
        here = self._objects.folder(self._name)
        for at, part in enumerate(parts := path.split("/") if path else []):
            entry = here.get(part)
            if entry is None or entry.mode != FOLDER_MODE:
                return None
            here = self._objects.folder(entry.oid, "/".join(parts[: at + 1]))
        return here

    def _items(self, folder: str) -> Iterable[tuple[str, TreeEntry]]:
        found = self._folder(folder[:-1])
        return () if found is None else found.items()

    def files_in(self, folder: str) -> list[str]:
        """The files that are in a folder itself, which is given with its slash."""
        return [folder + name for name, entry in self._items(folder) if entry.mode != FOLDER_MODE]

    def below(self, folder: str) -> Iterator[str]:
        """The files below a folder, which is given with its slash."""
        waiting = [(folder, self._items(folder))]
        while waiting:
            above, entries = waiting.pop()
            for name, entry in entries:
                path = above + name
                if entry.mode == FOLDER_MODE:
                    waiting.append((f"{path}/", self._objects.folder(entry.oid, path).items()))
                else:
                    yield path
