"""A repository that has adopted npm-vetted, and the ways in which a change can reach it."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from npm_vetted import cli
from tests.attacks.lockfiles import NAMES, WRITERS, Package, starting_tree


@dataclass(frozen=True)
class Verdict:
    """What ``npm-vetted check --format json`` answered."""

    status: int
    findings: tuple[Mapping[str, Any], ...]
    text: str

    @property
    def errors(self) -> set[str]:
        return {each["check"] for each in self.findings if each["level"] == "error"}

    @property
    def notices(self) -> set[str]:
        return {each["check"] for each in self.findings if each["level"] == "notice"}

    def about(self, check: str) -> list[Mapping[str, Any]]:
        return [each for each in self.findings if each["check"] == check]

    def named(self, check: str) -> set[str]:
        """The packages that a check rejects."""
        return {each["package"] for each in self.about(check) if each["level"] == "error"}


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    with contextlib.chdir(folder):
        yield


def run_command(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run npm-vetted in this process: the status, and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    with working_in(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.main(arguments)
    return status, out.getvalue(), err.getvalue()


class World:
    """A repository of one client's, that adopted npm-vetted with the default policy."""

    def __init__(self, path: Path, client: str) -> None:
        self.path = path
        self.client = client
        self.tree = starting_tree(client)
        self.staged = False
        """Whether an attack has staged by itself what it wants committed."""

    @property
    def lockfile(self) -> str:
        return NAMES[self.client]

    def git(self, *arguments: str, check: bool = True, given: str | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, input=given, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(f"git {' '.join(arguments)}: {done.stderr}")
        return done.stdout.rstrip("\n")

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def read(self, path: str) -> str:
        return (self.path / path).read_bytes().decode()

    def remove(self, path: str) -> None:
        place = self.path / path
        shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a piece of text that is there once."""
        text = self.read(path)
        assert text.count(old) == 1, f"{path} has {text.count(old)} of {old!r}"
        self.write(path, text.replace(old, new))

    def append(self, path: str, text: str) -> None:
        there = (self.path / path).exists()
        self.write(path, (self.read(path) if there else "") + text)

    def json(self, path: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Change a JSON file in place."""
        data = json.loads(self.read(path))
        change(data)
        self.write(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")

    def write_manifest(self) -> None:
        self.write("package.json", json.dumps(self.tree.manifest, indent=2) + "\n")

    def write_project(self) -> None:
        """Write package.json and the lockfile as the tree says."""
        self.write_manifest()
        self.write(self.lockfile, WRITERS[self.client](self.tree))

    def install(self, *packages: Package, group: str | None = "dependencies") -> None:
        """What the client does for ``install PKG``: the first is required, the others come along."""
        names = {each.name for each in packages}
        self.tree.packages = [each for each in self.tree.packages if each.name not in names]
        self.tree.packages += packages
        first = packages[0]
        if group is not None and first.name not in self.tree.direct:
            asked = dict(self.tree.asked(group))
            asked[first.name] = f"^{first.version}"
            self.tree.manifest[group] = dict(sorted(asked.items()))
        self.drop_unasked(names)
        self.write_project()

    def drop_unasked(self, kept: Collection[str] = ()) -> None:
        """Forget what nothing requires any more, as a client does."""
        while True:
            asked = [each for each in self.tree.packages
                     if each.name in kept or self.tree.specifiers(each.name)]  # fmt: skip
            if len(asked) == len(self.tree.packages):
                return
            self.tree.packages = asked

    def stage(self) -> None:
        if not self.staged:
            self.git("add", "-A")

    def commit(self, message: str = "A commit") -> str:
        """Commit without asking any hook, as ``--no-verify`` does."""
        self.stage()
        self.git("commit", "-q", "--no-verify", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def check(self, *arguments: str) -> Verdict:
        status, out, err = run_command(self.path, "check", "--format", "json", *arguments)
        findings = json.loads(out)["findings"] if out else ()
        return Verdict(status, tuple(findings), out + err)

    def judge_commit(self) -> Verdict:
        """What the pre-commit hook says of what an attack staged."""
        self.stage()
        return self.check()

    def judge_range(self) -> Verdict:
        """What CI says of a branch whose author committed with ``--no-verify``."""
        start = self.git("rev-parse", "HEAD")
        self.commit()
        return self.check("--from-ref", start, "--to-ref", "HEAD")

    def judge_evil_merge(self, attack: Callable[[World], None]) -> Verdict:
        """What the hook says of a merge commit that adds what neither parent has."""
        self.git("checkout", "-q", "-b", "side")
        self.write("docs/side.md", "side\n")
        self.commit("Side")
        self.git("checkout", "-q", "-")
        self.write("docs/main.md", "main\n")
        self.commit("Main")
        self.git("merge", "-q", "--no-ff", "--no-commit", "side")
        attack(self)
        return self.judge_commit()

    def note(self, *arguments: str) -> None:
        """Record a note without a registry; fails the test where the command does."""
        status, out, err = run_command(self.path, "note", "--offline", *arguments)
        assert status == 0, out + err

    def exempt(self, *labels: str, reason: str = "taken in for the test of what follows") -> None:
        status, out, err = run_command(self.path, "exempt", *labels, "--reason", reason)
        assert status == 0, out + err

    def write_note(self, package: Package, **keys: object) -> str:
        """A note written by hand, of a review that was done a month after a publication in 2024."""
        path = f".vetting/notes/{package.name}/{package.version}.toml"
        self.write(path, note_text(package, berry=self.client == "yarn-berry", **keys))
        return path


def note_text(package: Package, *, berry: bool = False, **keys: object) -> str:
    """The text of a note; keys given as None are left out."""
    bound = {"checksum": package.checksum} if berry else {"integrity": package.integrity}
    values: dict[str, object] = {
        "package": package.name,
        "version": package.version,
        **bound,
        "criteria": ["health"],
        "vetted-by": "Ada Example <ada@example.com>",
        "vetted-on": datetime.date(2024, 2, 1),
        "published": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
        "why": "Read the source of this version and who maintains it; nothing to complain about.",
    }
    values |= {key.replace("_", "-"): value for key, value in keys.items()}
    return "".join(
        f"{key} = {_toml(value)}\n" for key, value in values.items() if value is not None
    )


def _toml(value: object) -> str:
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value)


class Worlds:
    """Adopted repositories, one of each client; a test gets a copy of its own."""

    def __init__(self, folder: Path, policy: str = "strict") -> None:
        self._folder = folder
        self._policy = policy
        self._made: dict[str, Path] = {}

    def copy(self, client: str, to: Path) -> World:
        if client not in self._made:
            self._made[client] = self._make(client)
        shutil.copytree(self._made[client], to, symlinks=True)
        world = World(to, client)
        world.tree.manifest = json.loads(world.read("package.json"))
        return world

    def _make(self, client: str) -> Path:
        path = self._folder / client
        path.mkdir()
        world = World(path, client)
        world.git("init", "-q", "-b", "main", "--template=")
        world.git("config", "user.name", "Ada Example")
        world.git("config", "user.email", "ada@example.com")
        world.git("config", "commit.gpgsign", "false")
        world.git("config", "core.autocrlf", "false")
        world.write("README.md", "# shop\n")
        world.write_project()
        world.commit("A project")
        adopt(world, self._policy)
        return path


def adopt(world: World, policy: str = "strict") -> None:
    """What a team does: init, commit, and see that all holds."""
    status, out, err = run_command(world.path, "init", "--policy", policy)
    assert status == 0, out + err
    verdict = world.judge_commit()
    assert (verdict.status, verdict.errors) == (0, set()), verdict.text
    world.commit("Adopt npm-vetted")
    verdict = world.check("--all")
    assert (verdict.status, verdict.errors) == (0, set()), verdict.text


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    """The repositories to attack."""
    return Worlds(tmp_path_factory.mktemp("worlds"))
