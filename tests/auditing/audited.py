"""A repository with a history worth an audit: people, branches, merges, a squash, an expired exception."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.commands.test_init import locked, manifest, npm_lock, vetted
from tests.support.git_repo import GitRepo

ADA: Final = "Ada Example <ada@example.com>"
BOB: Final = "Bob Builder <bob@example.com>"
BOT: Final = "bot <bot@example.com>"


@contextmanager
def as_person(author: str, day: str) -> Iterator[None]:
    """Commit as somebody on a day."""
    name, _, email = author.partition(" <")
    values = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", name), ("EMAIL", email.rstrip(">")), ("DATE", f"{day}T12:00:00Z"))
    }  # fmt: skip
    old = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in old.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def sri(label: str) -> str:
    """A hash that is this package's alone."""
    import base64
    import hashlib

    return "sha512-" + base64.b64encode(hashlib.sha512(label.encode()).digest()).decode()


class Shop:
    """A project that locks packages, and the notes on them."""

    def __init__(self, repo: GitRepo) -> None:
        self.repo = repo
        self.locked: dict[str, dict[str, object]] = {}

    def lock(self, *labels: str) -> None:
        """Write the manifest and the lockfile with more packages, all direct."""
        for label in labels:
            name, _, version = label.rpartition("@")
            self.locked[name] = {**locked(name, version), "integrity": sri(label)}
        self.write()

    def unlock(self, name: str) -> None:
        """Write them without a package."""
        del self.locked[name]
        self.write()

    def write(self) -> None:
        """Write the manifest and the lockfile."""
        asked = dict.fromkeys(self.locked, "*")
        self.repo.write("package.json", manifest(dependencies=asked))
        self.repo.write("package-lock.json", npm_lock(asked, self.locked))

    def note(
        self, label: str, *, by: str = ADA, on: str = "2026-01-05", why: str = "", **more: str
    ) -> None:
        """Write a note."""
        name, _, version = label.rpartition("@")
        rows = {
            "package": name, "version": version, "integrity": sri(label), "vetted-by": by,
            "why": why or "Read all of it; it is small.", **more,
        }  # fmt: skip
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in rows.items())
        text += f'criteria = ["health"]\nvetted-on = {on}\npublished = 2020-01-01T00:00:00Z\nscripts = []\n'
        self.repo.write(f".vetting/notes/{name}/{version}.toml", text)


CONFIG: Final = """\
format = 2

[[ignore]]
check = "cooldown"
path = "package-lock.json"
reason = "a reason that has ended"
until = 2026-02-01

[[cooldown-exempt]]
packages = ["@acme/*"]
reason = "published by a sister company"
until = 2026-06-01
"""


def make(repo: GitRepo) -> Shop:
    """The whole history; the newest commit is of 2026-03-10."""
    shop = Shop(repo)
    with as_person(ADA, "2026-01-01"):
        repo.write(".npmrc", "ignore-scripts=true\n")
        shop.lock("old@1.0.0", "gone@1.0.0")
        repo.commit("Start")
    with as_person(ADA, "2026-01-02"):
        lines = [f"{each} {sri(each)} - at adoption\n" for each in ("gone@1.0.0", "old@1.0.0")]
        repo.write(".vetting/exemptions.txt", "".join(lines))
        repo.write(".vetting/config.toml", CONFIG)
        repo.commit("Adopt npm-vetted")
    repo.git("checkout", "-q", "-b", "bump")
    with as_person(BOT, "2026-01-04"):
        shop.lock("second@1.0.0")
        repo.commit("Bump second")
    with as_person(BOB, "2026-01-05"):
        shop.note("second@1.0.0", by=BOB)
        repo.commit("Vet second")
    repo.git("checkout", "-q", "main")
    with as_person(ADA, "2026-01-06"):
        repo.write("src.js", "1\n")
        repo.commit("Work on the trunk")
        repo.git("merge", "-q", "--no-ff", "-m", "Merge the bump (#7)", "bump")
    with as_person(ADA, "2026-02-01"):
        shop.lock("squashed@1.0.0")
        shop.note("squashed@1.0.0", on="2026-02-01")
        repo.commit("Add squashed (#8)")
    with as_person(BOB, "2026-02-02"):
        shop.lock("same@1.0.0")
        repo.commit("Add same")
    with as_person(BOB, "2026-02-03"):
        shop.note("same@1.0.0", by=BOB, on="2026-02-03")
        shop.note("unused@1.0.0", by=BOB, on="2026-02-03")
        repo.commit("Vet same")
    with as_person(ADA, "2026-03-01"):
        shop.unlock("gone")
        repo.write(".vetting/exemptions.txt", f"old@1.0.0 {sri('old@1.0.0')} - at adoption\n")
        shop.note("old@1.0.0", on="2026-03-01")
        repo.commit("Vet old, drop gone")
    with as_person(ADA, "2026-03-10"):
        shop.lock("new@1.0.0")
        repo.commit("Add new without a note")
    return shop


def audit(repo: GitRepo, *arguments: str, status: int = 0) -> dict[str, Any]:
    """The JSON of an audit."""
    done = vetted(repo, "audit", "--format", "json", *arguments)
    assert done.returncode == status, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def clone(repo: GitRepo, place: Path, *options: str) -> GitRepo:
    """A clone of a repository."""
    import subprocess

    subprocess.run(["git", "clone", "-q", *options, repo.path.as_uri(), str(place)], check=True)
    found = GitRepo.__new__(GitRepo)
    found.path = place
    found.git("config", "user.name", "Somebody Else")
    found.git("config", "user.email", "else@example.com")
    return found
