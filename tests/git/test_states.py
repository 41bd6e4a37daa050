"""Git in its less usual states: every command says what is missing and which command helps."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import Done, adopt, entry, run, write_note, write_project

WORDS: Final = ("--offline", "--criteria", "health", "-m", "It was read: a small library.")
REASON: Final = ("--reason", "It is to be read later.")


@pytest.fixture
def remote(git_repo: GitRepo) -> GitRepo:
    """An adopted repository with two projects in folders; another branch brings b to one of them."""
    for folder in ("near", "far"):
        write_project(git_repo, {"a": entry("a")})
        for name in ("package.json", "package-lock.json"):
            git_repo.write(f"{folder}/{name}", (git_repo.path / name).read_bytes())
        git_repo.write(f"{folder}/.npmrc", "ignore-scripts=true\n")
    write_note(git_repo, "a")
    adopt(git_repo, "[policy]\ncooldown-days = 0\n", exemptions="# ours\n")
    git_repo.git("config", "uploadpack.allowFilter", "true")
    git_repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    return git_repo


def clone(remote: GitRepo, folder: Path, *options: str) -> GitRepo:
    remote.git("clone", "-q", "--no-local", *options, remote.path.as_uri(), str(folder))
    return GitRepo(folder)


EVERY: Final = [
    ("check", "--all"), ("check", "--from-ref", "HEAD~"), (), ("init",), ("audit",),
    ("suggest", "--offline"), ("prune",), ("rebuild", "--print"), ("note", "a", *WORDS),
    ("exempt", "a@1.0.0", *REASON),
]  # fmt: skip


# A clone without contents (git clone --filter=blob:none).


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_a_blobless_clone_is_never_an_empty_answer(
    remote: GitRepo, tmp_path: Path, words: tuple[str, ...]
) -> None:
    remote.write("far/README.md", "Far away.\n")
    remote.commit("Say where")
    here = clone(remote, tmp_path / "clone", "--filter=blob:none", "--no-checkout")
    here.git("read-tree", "HEAD")
    done = run(here.path, *words)
    assert done.status == 3, done.out + done.err
    said = done.out + done.err
    assert "git fetch --refetch --no-filter" in said


def test_the_fetch_that_is_named_helps(remote: GitRepo, tmp_path: Path) -> None:
    here = clone(remote, tmp_path / "clone", "--filter=blob:none", "--no-checkout")
    here.git("read-tree", "HEAD")
    done = run(here.path, "check", "--all", "--format", "json")
    [command] = {
        each["message"].partition("fetch what is missing: ")[2].rstrip(")")
        for each in done.findings
    }
    here.git(*shlex.split(command)[1:])
    assert run(here.path, "check", "--all").status == 0


# A sparse checkout.


@pytest.mark.parametrize("mode", [("--cone",), ("--cone", "--sparse-index"), ("--no-cone",)])
def test_a_sparse_checkout_loses_nothing(
    remote: GitRepo, tmp_path: Path, mode: tuple[str, ...]
) -> None:
    here = clone(remote, tmp_path / "clone")
    here.git("sparse-checkout", "set", *mode, "near")
    assert not (here.path / "far").exists()
    assert run(here.path, "check", "--all").status == 0
    whole = run(remote.path, "--format", "json").json
    mine = run(here.path, "--format", "json").json
    assert (mine["projects"], mine["backlog"]) == (whole["projects"], whole["backlog"])
    assert mine["worktree"]["unvetted"] == mine["unread"] == []
    for folder, name in (("near", "b"), ("near", "c")):
        lock = here.path / folder / "package-lock.json"
        packages = {"a": entry("a"), name: entry(name)}
        write_project(here, packages, asked=["a", name])
        for file in ("package.json", "package-lock.json"):
            (here.path / folder / file).write_bytes((here.path / file).read_bytes())
        assert name in lock.read_text()
        here.git("add", "--sparse", ".")
        words = ("note", name, *WORDS) if name == "b" else ("exempt", f"{name}@1.0.0", *REASON)
        done = run(here.path, *words)
        assert done.status == 0, done.err
    held = here.git("ls-files", ".vetting").splitlines()
    assert ".vetting/notes/b/1.0.0.toml" in held
    text = here.git("show", ":.vetting/exemptions.txt")
    assert text.startswith("# ours\n")
    assert "c@1.0.0" in text
    assert here.git("show", ":.vetting/config.toml") == remote.git("show", ":.vetting/config.toml")
    assert "far/package-lock.json" in here.git("ls-files")
    assert "far" not in here.git("diff", "--cached", "--name-only")


def test_init_in_a_sparse_checkout_adopts_what_it_leaves_out(
    git_repo: GitRepo, tmp_path: Path
) -> None:
    write_project(git_repo, {"a": entry("a")})
    for name in ("package.json", "package-lock.json"):
        git_repo.write(f"far/{name}", (git_repo.path / name).read_bytes())
    git_repo.commit("Two shops")
    here = clone(git_repo, tmp_path / "clone")
    here.git("sparse-checkout", "set", "--cone")
    assert not (here.path / "far").exists()
    done = run(here.path, "init")
    assert done.status == 0, done.err
    assert here.git("show", ":far/.npmrc").startswith("ignore-scripts=true")
    here.git("commit", "-qm", "Adopt npm-vetted")
    assert run(here.path, "check", "--all").status == 0


# What is missing, and what git refuses.


@pytest.mark.parametrize("name", ["origin/topic", "topic", "v1.0.0"])
def test_a_ref_that_is_missing_names_the_fetch(remote: GitRepo, tmp_path: Path, name: str) -> None:
    here = clone(remote, tmp_path / "clone")
    remote.git("branch", "topic")
    remote.git("tag", "v1.0.0")
    done: Done | None = None
    for words in (("check", "--from-ref", name), ("note", "--from-ref", name, *WORDS)):
        done = run(here.path, *words)
        assert done.status == 2
        assert "git fetch origin " in done.err
    command = (done.err if done else "").partition("fetch it first: ")[2].splitlines()[0]
    here.git(*command.split()[1:])
    if name == "origin/topic":
        assert run(here.path, "check", "--from-ref", name).status == 0


def test_an_ancestor_that_a_shallow_clone_lacks_names_the_fetch(
    remote: GitRepo, tmp_path: Path
) -> None:
    remote.git("commit", "-q", "--allow-empty", "-m", "One more")
    here = clone(remote, tmp_path / "shallow", "--depth", "1")
    done = run(here.path, "check", "--from-ref", "HEAD~")
    assert (done.status, "fetch it first: git fetch --unshallow origin\n" in done.err) == (2, True)
    here.git("fetch", "-q", "--unshallow", "origin")
    assert run(here.path, "check", "--from-ref", "HEAD~").status == 0


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_a_repository_of_another_user_names_safe_directory(
    remote: GitRepo, words: tuple[str, ...]
) -> None:
    done = run(remote.path, *words, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert done.status == 2
    assert "git config --global --add safe.directory" in done.out + done.err


def test_a_linked_worktree(remote: GitRepo, tmp_path: Path) -> None:
    """A linked worktree has its own index and shares the rest."""
    remote.git("worktree", "add", "-q", str(tmp_path / "linked"))
    assert run(tmp_path / "linked", "check", "--all").status == 0
    found = run(tmp_path / "linked", "--format", "json").json
    assert (found["adoption"], found["branch"]) == ("old", "linked")
