"""The recipes for update bots, taken from their page and run: with real git and a real registry."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.commands.test_routine_notes import lock, repo, shelf
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import run
from tests.support.verdaccio import Verdaccio

__all__ = ["repo", "shelf"]  # fixtures

pytestmark = pytest.mark.docs

PAGE: Final = (Path(__file__).parents[2] / "docs" / "bots.md").read_text()
BRANCH: Final = "refs/remotes/origin/renovate/stepper"
NOTE: Final = ".vetting/routine/stepper/1.0.1.toml"


def script(name: str) -> str:
    """A script of the page, by the name in its first line."""
    found = re.search(rf"```bash\n(# \.github/{name} .*?)```", PAGE, re.DOTALL)
    assert found is not None, name
    return found[1]


def sh(folder: Path, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", script(name), "sh", *words], cwd=folder, env={**os.environ, "PATH": path},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture
def trunk(repo: GitRepo, shelf: Verdaccio) -> GitRepo:
    """The trunk, with a branch of the bot that raises a package by a patch step."""
    repo.git("remote", "add", "origin", "https://git.example/")
    repo.git("update-ref", "refs/remotes/origin/main", "main")
    lock(repo, shelf.url, stepper="1.0.1", stepper_dep="1.0.1")
    repo.commit("Update stepper")
    repo.git("update-ref", BRANCH, "HEAD")
    repo.git("reset", "-q", "--hard", "HEAD~")
    return repo


def test_the_two_jobs_bring_the_note_and_the_bots_branch_passes(
    trunk: GitRepo, shelf: Verdaccio, tmp_path: Path
) -> None:
    wanted = ("notes", "unvetted", "cooldown")
    assert run(trunk.path, "check", *wanted, "--from-ref", "main", "--to-ref", BRANCH).status == 1
    notes = tmp_path / "notes"
    done = sh(trunk.path, "read-routine-notes.sh", str(notes))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [each.relative_to(notes).as_posix() for each in notes.rglob("*.toml")] == [NOTE]
    trunk.git("reset", "-q", "--hard")  # the other job has a checkout of its own
    done = sh(trunk.path, "take-routine-notes.sh", str(notes))
    assert done.returncode == 0, done.stderr
    assert trunk.git("diff", "--cached", "--name-only") == NOTE
    trunk.commit("Add routine notes", add=False)
    trunk.git("checkout", "-q", "--detach", BRANCH)
    trunk.git("rebase", "-q", "main")
    rebased = ("--from-ref", "main", "--to-ref", "HEAD")
    assert run(trunk.path, "check", *wanted, "--online", *rebased).status == 0


def test_what_is_not_routine_is_left_to_a_person(
    trunk: GitRepo, shelf: Verdaccio, tmp_path: Path
) -> None:
    lock(trunk, shelf.url, stepper="2.0.0", stepper_dep="1.0.0")
    trunk.commit("Update stepper by a major step")
    trunk.git("update-ref", BRANCH, "HEAD")
    trunk.git("reset", "-q", "--hard", "HEAD~")
    done = sh(trunk.path, "read-routine-notes.sh", str(tmp_path / "notes"))
    assert (done.returncode, "needs a person" in done.stdout) == (0, True), done.stderr
    assert list((tmp_path / "notes").rglob("*.toml")) == []


def test_a_person_vets_ahead_on_the_trunk(trunk: GitRepo) -> None:
    words = ("--criteria", "changelog", "-m", "Read the changelog: a fix of the parser.")
    done = run(trunk.path, "note", "--from-ref", "main", "--to-ref", BRANCH, *words)
    assert done.status == 0, done.err
    trunk.commit("Vet the updates of this week", add=False)
    trunk.git("checkout", "-q", "--detach", BRANCH)
    trunk.git("rebase", "-q", "main")
    checks = ("notes", "unvetted", "cooldown")
    assert run(trunk.path, "check", *checks, "--from-ref", "main").status == 0


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".vetting/notes/a/1.0.0.toml", "a = 1"),
        (".vetting/config.toml", "format = 2"),
        (".vetting/routine/a/1.0.0.txt", "a"),
        (".vetting/routine/$(touch x)/1.0.0.toml", "a"),
        (".vetting/routine/a\nb/1.0.0.toml", "a"),
        (".vetting/routine/a/1.0.0.toml", "a" * 65537),
        (".github/workflows/x.yml", "on: push"),
        (".vetting/routine/stepper/held.toml", "another"),
        ("x.toml", "a"),
    ],
)
def test_the_second_job_refuses_everything_else(
    git_repo: GitRepo, tmp_path: Path, path: str, content: str
) -> None:
    git_repo.write(".vetting/routine/stepper/held.toml", "held")
    git_repo.commit("Before")
    file = tmp_path / "notes" / path
    file.parent.mkdir(parents=True)
    file.write_text(content)
    (tmp_path / "notes/.vetting/routine/b").mkdir(parents=True)
    (tmp_path / "notes/.vetting/routine/b/1.0.0.toml").write_text("b = 1")
    done = sh(git_repo.path, "take-routine-notes.sh", str(tmp_path / "notes"))
    assert (done.returncode, "refused" in done.stderr) == (1, True)
    assert git_repo.git("status", "--porcelain") == ""
    assert not (git_repo.path / "x").exists()


def test_the_second_job_refuses_links(git_repo: GitRepo, tmp_path: Path) -> None:
    git_repo.commit("Before")
    folder = tmp_path / "notes/.vetting/routine/a"
    folder.mkdir(parents=True)
    (folder / "1.0.0.toml").symlink_to("/etc/passwd")
    done = sh(git_repo.path, "take-routine-notes.sh", str(tmp_path / "notes"))
    assert (done.returncode, git_repo.git("status", "--porcelain")) == (1, "")


def test_without_notes_there_is_nothing_to_do(git_repo: GitRepo, tmp_path: Path) -> None:
    git_repo.commit("Before")
    assert sh(git_repo.path, "take-routine-notes.sh", str(tmp_path / "missing")).returncode == 0
