"""Writing into the repository: whole files or none, inside it, staged exactly as written."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from npm_vetted.errors import UndecidedError, UsageError
from npm_vetted.git.repository import Repository
from npm_vetted.git.writer import Store
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, entry, run, write_project


@pytest.fixture
def store(git_repo: GitRepo) -> Store:
    return Store(Repository.open(str(git_repo.path)))


def test_a_file_is_created_once(git_repo: GitRepo, store: Store) -> None:
    assert store.create("a/b.toml", b"one") is True
    assert store.create("a/b.toml", b"two") is False
    assert store.read("a/b.toml") == b"one"
    assert store.read("a/c.toml") is None
    assert list((git_repo.path / ".git" / "npm-vetted").glob("*.tmp")) == []


def test_what_changed_meanwhile_is_not_overwritten(git_repo: GitRepo, store: Store) -> None:
    git_repo.write("a", "one")
    store.replace("a", b"two", b"one")
    with pytest.raises(UsageError) as raised:
        store.replace("a", b"three", b"one")
    assert (raised.value.path, store.read("a")) == ("a", b"two")


@pytest.mark.parametrize(("refusals", "written"), [(2, True), (9, False)])
def test_a_file_that_another_program_has_open(
    git_repo: GitRepo,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    refusals: int,
    written: bool,
) -> None:
    """As Windows refuses it: for a moment while a scanner reads, or for as long as an editor is open."""
    git_repo.write("a", "one")
    left = [PermissionError(13, "Permission denied")] * refusals
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if left:
            raise left.pop()
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    if written:
        store.replace("a", b"two", b"one")
    else:
        with pytest.raises(UndecidedError, match="cannot be replaced: Permission denied"):
            store.replace("a", b"two", b"one")
    assert store.read("a") == (b"two" if written else b"one")
    assert list((git_repo.path / ".git" / "npm-vetted").glob("*.tmp")) == []


def test_a_note_that_is_there_already_is_not_written_twice(store: Store) -> None:
    paths = ["a/1.toml", "a/1.2.toml", "a/1.3.toml"]
    assert store.create_first(paths, b"one") == "a/1.toml"
    assert store.create_first(paths, b"two") == "a/1.2.toml"
    assert store.create_first(paths, b"one") == "a/1.toml"
    assert store.create_first(paths, b"two") == "a/1.2.toml"
    with pytest.raises(UndecidedError, match="no name is free"):
        store.create_first(paths[:2], b"three")


def test_an_edit_replaces_what_it_was_made_from_and_nothing_else(
    git_repo: GitRepo, store: Store
) -> None:
    git_repo.write("a", "one\r\n")
    store.edit("a", b"two\n", b"one\n")
    assert (store.read("a"), git_repo.git("show", ":a")) == (b"two\n", "two")
    git_repo.write("a", "by hand\n")
    for base in (b"two\n", None):
        with pytest.raises(UsageError, match="changed while the command ran"):
            store.edit("a", b"three\n", base)
    with pytest.raises(UsageError):
        store.edit("gone", b"three\n", b"two\n")
    assert (store.read("a"), store.read("gone")) == (b"by hand\n", None)
    store.edit("new", b"new\n", None)
    assert git_repo.git("diff", "--cached", "--name-only") == "a\nnew"


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/x"])
def test_no_path_leads_out(store: Store, path: str) -> None:
    with pytest.raises(UsageError, match="leads out of the repository"):
        store.create(path, b"")


@pytest.mark.parametrize("path", ["link", "link/x"])
def test_no_link_is_followed(git_repo: GitRepo, store: Store, tmp_path: Path, path: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (git_repo.path / "link").symlink_to(outside)
    with pytest.raises(UsageError, match="a symbolic link is in the way"):
        store.create(path, b"")
    assert list(outside.iterdir()) == []


def test_what_is_staged_is_what_was_written(git_repo: GitRepo, store: Store) -> None:
    git_repo.write(".gitattributes", "*.toml text eol=crlf\n")
    git_repo.git("config", "core.autocrlf", "true")
    store.create("a.toml", b"one\ntwo\r\n")
    store.stage(["a.toml"])
    assert git_repo.run("cat-file", "blob", ":a.toml").stdout == "one\ntwo\n"
    assert git_repo.git("ls-files", "--stage").startswith("100644 ")
    store.remove("a.toml")
    store.stage(["a.toml"])
    assert git_repo.git("ls-files") == ""


def test_one_writes_at_a_time(store: Store) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def other() -> None:
        waiting.set()
        with store.lock():
            order.append("second")

    with store.lock():
        thread = threading.Thread(target=other)
        thread.start()
        waiting.wait()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_two_identical_notes_at_once_are_one(git_repo: GitRepo) -> None:
    write_project(git_repo, {"a": entry("a")})
    adopt(git_repo)
    words = ("note", "a", "--offline", "-m", "Read all of it.", "--criteria", "health")
    repository = git_repo.path
    with Store(Repository.open(str(repository))).lock():  # both come to write before one has
        both = [
            subprocess.Popen(
                [sys.executable, "-m", "npm_vetted", *words],
                cwd=repository,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        time.sleep(1.5)
    said = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert git_repo.git("ls-files", ".vetting/notes") == ".vetting/notes/a/1.0.0.toml"


def test_a_setting_that_is_edited_while_init_runs_is_not_lost(
    git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(git_repo, {"a": entry("a")})
    git_repo.write(".npmrc", "fund=false\n")
    git_repo.commit("Before")
    put = Store.put

    def edited_by_hand_first(store: Store, path: str, *more: Any) -> None:
        git_repo.write(path, "fund=false\nby-hand=true\n")
        put(store, path, *more)

    monkeypatch.setattr(Store, "put", edited_by_hand_first)
    done = run(git_repo.path, "init")
    assert (done.status, ".npmrc:1: changed while the command ran" in done.err) == (1, True)
    assert (git_repo.path / ".npmrc").read_text() == "fund=false\nby-hand=true\n"
