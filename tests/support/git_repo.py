"""A real git repository for tests."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Final

_SETTINGS: Final = """
[user]
    name = Ada Example
    email = ada@example.com
[commit]
    gpgsign = false
[gc]
    auto = 0
[maintenance]
    auto = false
"""
"""Without the last two, each commit starts ``git maintenance``, which finds nothing to do."""


@cache
def _empty() -> Path:
    """The ``.git`` of an empty repository, which each test copies: git starts once, not four times."""
    folder = Path(tempfile.mkdtemp(prefix="empty-repository-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(["git", "init", "-q", "-b", "main", "--template=", folder], check=True)
    made = folder / ".git"
    (made / "hooks").mkdir()
    (made / "info").mkdir()
    with (made / "config").open("a", encoding="utf-8") as file:
        file.write(_SETTINGS)
    return made


class GitRepo:
    """A real git repository."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        if not (path / ".git").exists():
            shutil.copytree(_empty(), path / ".git")
        elif "Ada Example" not in (path / ".git" / "config").read_text():  # the test's own init
            with (path / ".git" / "config").open("a", encoding="utf-8") as file:
                file.write(_SETTINGS)

    def run(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run git there; with ``check`` a failure fails the test with its output."""
        done = subprocess.run(
            ["git", *args],
            cwd=self.path,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"git {' '.join(args)}: {done.returncode}\n{done.stderr}")
        return done

    def git(self, *args: str) -> str:
        """What git prints, without the newline at its end."""
        return self.run(*args).stdout.rstrip("\n")

    def write(self, path: str, content: str | bytes) -> Path:
        """Write a file, with the folders above it."""
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def add(self, *paths: str) -> None:
        """Stage these paths, or everything."""
        self.git("add", "--", *(paths or (".",)))

    def commit(self, message: str = "A commit", *, add: bool = True) -> str:
        """Commit what is staged (with ``add`` everything); the commit's hash."""
        if add:
            self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self._head()

    def _head(self) -> str:
        """The hash of the commit that is checked out; most are in a file, the others git tells."""
        head = self.path / ".git" / "HEAD"
        name = head.read_text().removeprefix("ref: ").strip() if head.is_file() else ""
        branch = self.path / ".git" / name
        return branch.read_text().strip() if branch.is_file() else self.git("rev-parse", "HEAD")


def made_once(make: Callable[..., None]) -> Callable[..., GitRepo]:
    """What ``make`` does to an empty repository; from the second time on, a copy of what it did.

    ``make`` gets the repository and words; it must depend on nothing else.
    """
    made: dict[tuple[str, ...], Path] = {}

    @wraps(make)
    def fill(repo: GitRepo, *words: str) -> GitRepo:
        if words not in made:
            folder = Path(tempfile.mkdtemp(prefix="made-repository-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            make(GitRepo(folder), *words)
            made[words] = folder
        shutil.copytree(made[words], repo.path, symlinks=True, dirs_exist_ok=True)
        return repo

    return fill
