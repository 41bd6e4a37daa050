"""``check --online``: the option that asks the real registry about the notes of what is judged."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.commands.test_audit_online import publish_pair
from tests.commands.test_online_evidence import repo, rewrite, stocked
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import Done, run
from tests.support.verdaccio import Verdaccio

__all__ = ["repo", "stocked"]  # fixtures


@pytest.fixture(scope="module")
def pair(verdaccio: Verdaccio) -> tuple[str, str]:
    """A pair of its own: the registry serves all test files, and takes a version once."""
    return publish_pair(verdaccio, "asked")


RANGE = ("--from-ref", "HEAD~", "--to-ref", "HEAD")


def check_online(repo: GitRepo, *words: str, **environment: str) -> Done:
    shutil.rmtree(Path(os.environ["XDG_CACHE_HOME"]), ignore_errors=True)
    return run(repo.path, "check", "--format", "json", "--online", *words, **environment)


def of_notes(done: Done) -> list[tuple[str, str]]:
    """The checks and codes of what the registry had to say."""
    found = ((each["check"], each["code"]) for each in done.findings)
    return [each for each in found if each[0] in ("notes", "undecided")]


def test_a_true_note_passes(repo: GitRepo) -> None:
    offline = run(repo.path, "check", "--format", "json", *RANGE)
    done = check_online(repo, *RANGE)
    assert (done.status, done.findings) == (offline.status, offline.findings)


def test_a_false_note_is_found_only_online(repo: GitRepo) -> None:
    rewrite(repo, "published = 2024-03-25T14:12:02", "published = 2020-01-01T00:00:00")
    assert of_notes(run(repo.path, "check", "--format", "json", *RANGE)) == []
    done = check_online(repo, *RANGE)
    assert (done.status, of_notes(done)) == (1, [("notes", "evidence-differs")])
    assert of_notes(check_online(repo, "--all")) == [("notes", "evidence-differs")]
    assert of_notes(check_online(repo, "notes", *RANGE)) == [("notes", "evidence-differs")]
    assert of_notes(check_online(repo, "unvetted", *RANGE)) == []


def test_with_ci(repo: GitRepo) -> None:
    rewrite(repo, "published = 2024-03-25T14:12:02", "published = 2020-01-01T00:00:00")
    repo.git("remote", "add", "origin", "https://git.example/")
    repo.git("update-ref", "refs/remotes/origin/main", "HEAD~")
    done = check_online(
        repo, "--ci", GITHUB_ACTIONS="", JENKINS_URL="https://ci.example/", CHANGE_TARGET="main"
    )
    assert (done.status, of_notes(done)) == (1, [("notes", "evidence-differs")])


@pytest.mark.parametrize("words", [RANGE, ("--all",)])
def test_a_registry_that_is_silent_is_undecided(repo: GitRepo, words: tuple[str, ...]) -> None:
    npmrc = (repo.path / ".npmrc").read_text()
    url = npmrc.partition("registry=")[2].partition("\n")[0]
    repo.write(".npmrc", npmrc.replace(url, "http://127.0.0.1:9/"))
    repo.add()
    repo.git("commit", "-q", "--amend", "-m", "A registry that is gone")
    done = check_online(repo, *words)
    assert (done.status, {check for check, _ in of_notes(done)}) == (3, {"undecided"})
