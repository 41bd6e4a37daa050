"""A real git repository for tests."""

from __future__ import annotations

import subprocess
from pathlib import Path


class GitRepo:
    """A real git repository."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Ada Example")
        self.git("config", "user.email", "ada@example.com")
        self.git("config", "commit.gpgsign", "false")

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
        return self.git("rev-parse", "HEAD")
