"""Writes into the repository: complete files, only inside it, staged exactly as written."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from npm_vetted.errors import UndecidedError, UsageError
from npm_vetted.git.process import git_environment, hardened
from npm_vetted.git.repository import Repository, run_git, without_filters

_PATIENCE: Final = 10.0
"""Seconds to wait for another npm-vetted command, or for git's own lock of the index."""


class Store:
    """The files of one repository's working tree."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._own = Path(repository.git_dir, "npm-vetted")

    def read(self, path: str) -> bytes | None:
        """A file of the working tree, or None. A file that a sparse checkout leaves out is read
        from the index.
        """
        place = self._inside(path)
        return place.read_bytes() if place.is_file() else self._left_out(path)

    def _left_out(self, path: str) -> bytes | None:
        """The content of a file that a sparse checkout leaves out; None: it is no such file."""
        top = self._repository.top
        listed = run_git("ls-files", "-t", "--", f":(top,literal){path}", cwd=top)
        if not listed.startswith(b"S "):
            return None
        return run_git("cat-file", "blob", f":{path}", cwd=top)

    def create(self, path: str, data: bytes, *, executable: bool = False) -> bool:
        """Write a new file whole; False where one has been created there meanwhile."""
        place = self._inside(path)
        with self._written(place, data) as temporary:
            if executable:
                temporary.chmod(0o777 & ~_umask())
            try:
                os.link(temporary, place)
            except FileExistsError:
                return False
            except OSError:  # a file system without hard links
                if place.exists():
                    return False
                temporary.replace(place)
        return True

    def replace(self, path: str, data: bytes, expected: bytes | None) -> None:
        """Replace a file's complete content; raises UsageError if it changed since it was read."""
        place = self._inside(path)
        with self._written(place, data) as temporary:
            if self.read(path) != expected:
                raise UsageError("changed while the command ran; run it again", path=path)
            _put_in_place(temporary, place, path)

    def create_first(self, paths: Iterable[str], data: bytes) -> str:
        """Write a new file at the first of these paths that is free; its path.

        A file that says the same already is that file: another npm-vetted command wrote it meanwhile.
        """
        for path in paths:
            if self.create(path, data) or self.read(path) == data:
                return path
        raise UndecidedError("no name is free for another file", path=path)

    def edit(self, path: str, data: bytes, base: bytes | None) -> None:
        """Put an edited text in place of the one it was made from, and stage it; raises as ``put``."""
        self.put(path, data, base)
        self.stage([path])

    def put(self, path: str, data: bytes, base: bytes | None) -> None:
        """Replace a text by its edited version, without staging it.

        Raises UsageError if the file on the disk differs: a person is editing it, or it is not
        staged. Line ends do not count: a checkout may have changed them.
        """
        with self.lock():
            there = self.read(path)
            if _lines(there) != _lines(base):
                raise UsageError(
                    "changed while the command ran, or not staged: nothing is lost, nothing is done",
                    path=path,
                    fix="save it and git add it; then run this again",
                )
            self.replace(path, data, there)

    def remove(self, path: str) -> None:
        """Take a file away."""
        self._inside(path).unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other npm-vetted commands of this repository waiting; a killed one holds nothing."""
        self._own.mkdir(exist_ok=True)
        with (self._own / "lock").open("wb") as file:
            _wait_for(file.fileno())
            for left in self._own.glob(
                "*.tmp"
            ):  # of a killed command: only the owner of the lock writes
                left.unlink(missing_ok=True)
            yield

    def stage(self, paths: Sequence[str]) -> None:
        """Put files into the index as they are, without the filters that attributes may name."""
        nothing = "0" * len(self._repository.empty_tree)
        hashes = self._hashes(paths)
        lines = [
            f"{self._mode(path)} {oid}\t{path}" if oid is not None else f"0 {nothing}\t{path}"
            for path, oid in hashes.items()
        ]
        if lines:
            self._update("".join(f"{line}\0" for line in lines).encode("utf-8", "surrogateescape"))

    def _hashes(self, paths: Sequence[str]) -> dict[str, str | None]:
        """The content of each file as an object of git; None: there is no such file.

        One git process reads many files. A name with a line break, and a file that a sparse
        checkout leaves out, need a process of their own.
        """
        found: dict[str, str | None] = {}
        many = [path for path in paths if "\n" not in path and self._inside(path).is_file()]
        command = ["hash-object", "-w", "--no-filters"]
        if len(many) > 1:
            names = "".join(f"{path}\n" for path in many).encode("utf-8", "surrogateescape")
            oids = self._git([*command, "--stdin-paths"], names).decode().split()
            found |= zip(many, oids, strict=True)
        for path in paths:
            if path not in found:
                data = self.read(path)
                found[path] = None
                if data is not None:
                    found[path] = self._git([*command, "--stdin"], data).decode().strip()
        return found

    def _mode(self, path: str) -> str:
        """The mode of a file in the index: a hook stays executable."""
        place = self._inside(path)
        executable = os.name != "nt" and place.is_file() and place.stat().st_mode & 0o100
        return "100755" if executable else "100644"

    def _update(self, lines: bytes) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self._git(["update-index", "-z", "--add", "--index-info"], lines)
            except UndecidedError as error:
                if "index.lock" not in error.message or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def _git(self, arguments: list[str], given: bytes) -> bytes:
        done = subprocess.run(
            hardened(*arguments), cwd=self._repository.top, input=given,
            env=git_environment(without_filters(self._repository.top)),
            capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            words = " ".join(done.stderr.decode("utf-8", "replace").split())
            raise UndecidedError(f"git {arguments[0]} failed: {words}")
        return done.stdout

    def _inside(self, path: str) -> Path:
        """The place of a path; raises UsageError where a symbolic link would lead out."""
        parts = path.split("/")
        if os.path.isabs(path) or ".." in parts:  # noqa: PTH117
            raise UsageError("leads out of the repository", path=path)
        place = Path(self._repository.top)
        for part in parts:
            place /= part
            if place.is_symlink():
                raise UsageError(
                    "a symbolic link is in the way; it is not followed",
                    path=place.relative_to(self._repository.top).as_posix(),
                )
        return place

    @contextlib.contextmanager
    def _written(self, place: Path, data: bytes) -> Iterator[Path]:
        """The data in a temporary file that reached the disk; outside the tree where possible."""
        place.parent.mkdir(parents=True, exist_ok=True)
        self._own.mkdir(exist_ok=True)
        same = self._own.stat().st_dev == place.parent.stat().st_dev
        handle, name = tempfile.mkstemp(dir=self._own if same else place.parent, suffix=".tmp")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            is_executable = place.is_file() and place.stat().st_mode & 0o100
            temporary.chmod((0o777 if is_executable else 0o666) & ~_umask())
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


def _put_in_place(temporary: Path, place: Path, path: str) -> None:
    """Replace a file, which Windows refuses while an editor or a virus scanner has it open."""
    for wait in (0.05, 0.1, 0.2, None):
        try:
            temporary.replace(place)
        except PermissionError as error:
            if wait is None:
                raise UndecidedError(
                    f"cannot be replaced: {error.strerror}",
                    path=path,
                    fix="close it where it is open, then run this again; nothing is lost",
                ) from None
            time.sleep(wait)
        else:
            return


def _lines(data: bytes | None) -> bytes | None:
    return None if data is None else data.replace(b"\r\n", b"\n")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _wait_for(descriptor: int) -> None:
    """An exclusive lock that the system releases when its process ends, however it ends."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            _try_lock(descriptor)
        except OSError:
            if time.monotonic() > deadline:
                raise UndecidedError("another npm-vetted command is writing here") from None
            time.sleep(0.02)
        else:
            return


def _try_lock(descriptor: int) -> None:
    if os.name == "nt":  # pragma: no cover
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
