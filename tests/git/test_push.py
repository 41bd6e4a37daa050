"""Pushes: what the pushed ref's old value or the remote's default branch holds is not judged again."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from npm_vetted.git.push import are_push_lines
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, entry, run, write_note, write_project

CHECK = f"{shlex.quote(sys.executable)} -I -m npm_vetted check"
ZEROS = "0" * 40


@pytest.fixture
def repo(git_repo: GitRepo, tmp_path: Path) -> GitRepo:
    """An adopted project with one exempt package, pushed to a bare remote."""
    write_project(git_repo, {"a": entry("a")})
    adopt(git_repo)
    run(git_repo.path, "exempt", "a@1.0.0", "--reason", "there before")
    git_repo.commit("Adopt")
    git_repo.git("init", "-q", "--bare", "-b", "main", str(tmp_path / "remote.git"))
    git_repo.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    git_repo.git("push", "-q", "-u", "origin", "main")
    return git_repo


def add_package(repo: GitRepo, name: str, *, noted: bool) -> None:
    """Commit a new package, with its note or without one."""
    packages = {"a": entry("a"), name: entry(name)}
    write_project(repo, packages)
    if noted:
        write_note(repo, name)
    repo.commit(f"Add {name}")


def hook(folder: Path, name: str, command: str) -> None:
    """Install a plain hook."""
    file = folder / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\nexec {command}\n")
    file.chmod(0o755)


def push(repo: GitRepo, *words: str) -> subprocess.CompletedProcess[str]:
    return repo.run("push", *words, check=False)


PRE_PUSH = [f'{CHECK} --pre-push "$1"', CHECK]


@pytest.mark.parametrize("command", PRE_PUSH)
def test_a_plain_pre_push_hook_judges_the_pushed_commits(repo: GitRepo, command: str) -> None:
    hook(repo.path / ".git", "pre-push", command)
    repo.git("checkout", "-q", "-b", "feature")
    add_package(repo, "b", noted=False)
    rejected = push(repo, "origin", "feature")
    assert rejected.returncode == 1
    assert "b@1.0.0" in rejected.stdout + rejected.stderr
    trunk = repo.git("rev-parse", "origin/main")[:12]
    [fix] = [each for each in (rejected.stdout + rejected.stderr).splitlines() if "fix: " in each]
    assert fix.endswith(f" --criteria health --from-ref {trunk}")  # what is pushed is HEAD
    words = ["-m", "All of it was read.", "--offline"]
    assert run(repo.path, *shlex.split(fix)[2:], *words).status == 0
    write_note(repo, "b")  # the same note, with the time of publication that the registry tells
    repo.commit("Vet b")
    assert push(repo, "origin", "feature").returncode == 0


@pytest.mark.parametrize("command", [f"{CHECK} --pre-receive", CHECK])
def test_pre_receive_judges_in_a_bare_repository(
    repo: GitRepo, tmp_path: Path, command: str
) -> None:
    hook(tmp_path / "remote.git", "pre-receive", command)
    add_package(repo, "b", noted=False)
    rejected = push(repo, "origin", "main")
    assert rejected.returncode == 1
    assert "b@1.0.0" in rejected.stdout + rejected.stderr
    write_note(repo, "b")
    repo.commit("Vet b")
    assert push(repo, "origin", "main").returncode == 0


def test_a_deleted_branch_brings_nothing(repo: GitRepo) -> None:
    repo.git("push", "-q", "origin", "HEAD:old")
    hook(repo.path / ".git", "pre-push", PRE_PUSH[0])
    assert push(repo, "origin", "--delete", "old").returncode == 0


def test_what_main_brought_is_not_judged_again(repo: GitRepo) -> None:
    repo.git("checkout", "-q", "-b", "feature")
    repo.write("README.md", "x")
    repo.commit("Nothing related to npm")
    repo.git("push", "-q", "origin", "feature")
    repo.git("checkout", "-q", "main")
    add_package(repo, "b", noted=False)
    repo.git("push", "-q", "--no-verify", "origin", "main")
    repo.git("checkout", "-q", "feature")
    repo.git("merge", "-q", "--no-edit", "main")
    hook(repo.path / ".git", "pre-push", PRE_PUSH[0])
    assert push(repo, "origin", "feature").returncode == 0


def test_a_branch_that_was_pushed_past_the_gate_excuses_nothing(repo: GitRepo) -> None:
    repo.git("checkout", "-q", "-b", "first")
    add_package(repo, "b", noted=False)
    repo.git("push", "-q", "origin", "first")
    repo.git("checkout", "-q", "-b", "second")
    hook(repo.path / ".git", "pre-push", PRE_PUSH[0])
    assert push(repo, "origin", "second").returncode == 1


def test_a_push_to_the_default_branch_excludes_only_its_old_value(repo: GitRepo) -> None:
    repo.git("checkout", "-q", "-b", "first")
    add_package(repo, "b", noted=False)
    repo.git("push", "-q", "origin", "first")
    hook(repo.path / ".git", "pre-push", PRE_PUSH[0])
    assert push(repo, "origin", "first:main").returncode == 1


def test_a_named_trunk_counts_too(repo: GitRepo) -> None:
    repo.git("checkout", "-q", "-b", "release")
    add_package(repo, "b", noted=False)
    repo.git("push", "-q", "origin", "release")
    repo.git("checkout", "-q", "-b", "feature")
    hook(repo.path / ".git", "pre-push", f"{PRE_PUSH[0]} --trunk origin/release")
    assert push(repo, "origin", "feature").returncode == 0


def pre_commit_variables(repo: GitRepo, start: str, ref: str) -> dict[str, str]:
    """What pre-commit sets for a push of HEAD."""
    return {
        "PRE_COMMIT": "1",
        "PRE_COMMIT_FROM_REF": start,
        "PRE_COMMIT_TO_REF": repo.git("rev-parse", "HEAD"),
        "PRE_COMMIT_REMOTE_NAME": "origin",
        "PRE_COMMIT_REMOTE_BRANCH": ref,
        "PRE_COMMIT_LOCAL_BRANCH": ref,
    }


def test_pre_commit_s_start_counts_only_as_the_old_value(repo: GitRepo) -> None:
    """For a new branch, pre-commit starts where any other branch of the remote ends."""
    repo.git("checkout", "-q", "-b", "first")
    add_package(repo, "b", noted=False)
    start = repo.git("rev-parse", "HEAD")
    repo.git("push", "-q", "origin", "first")
    repo.write("README.md", "x")
    repo.commit("Nothing related to npm")
    new = pre_commit_variables(repo, start, "refs/heads/second")
    assert run(repo.path, "check", **new).status == 1
    old = pre_commit_variables(repo, start, "refs/heads/first")
    assert run(repo.path, "check", **old).status == 0


@pytest.mark.parametrize(
    ("text", "is_push"),
    [
        (f"refs/heads/a {'1' * 40} refs/heads/a {ZEROS}\n", True),
        (f"{ZEROS} {'1' * 40} refs/heads/a\n", True),
        ("", False),
        ("hello\n", False),
        (f"{ZEROS} {'1' * 40} refs/heads/a\nhello\n", False),
    ],
)
def test_which_lines_are_of_a_push(text: str, is_push: bool) -> None:
    assert are_push_lines(text) is is_push


def test_every_merge_base_of_a_range_counts(repo: GitRepo) -> None:
    """In a criss-cross history a package that one base lacks is judged, though another has it."""
    repo.git("checkout", "-q", "-b", "side")
    add_package(repo, "b", noted=False)
    side = repo.git("rev-parse", "HEAD")
    repo.git("checkout", "-q", "main")
    repo.write("README.md", "main")
    main = repo.commit("Main goes on")
    repo.git("merge", "-q", "--no-ff", "-s", "ours", "--no-edit", side)
    repo.git("checkout", "-q", "-b", "attack", side)
    repo.git("merge", "-q", "--no-ff", "--no-edit", main)
    bases = repo.git("merge-base", "--all", "main", "attack").splitlines()
    assert sorted(bases) == sorted([main, side])
    found = run(repo.path, "check", "--from-ref", "main", "--to-ref", "attack", "--format", "json")
    assert found.json["checked"]["projects"] == 1
