"""Writing into the repository: whole files or none, inside it, staged exactly as written."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from conftest import GitRepo
from npm_vetted.errors import UsageError
from npm_vetted.repository import Repository
from npm_vetted.store import Store


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


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/x"])
def test_no_path_leads_out(store: Store, path: str) -> None:
    with pytest.raises(UsageError, match="leads out of the repository"):
        store.create(path, b"")


@pytest.mark.parametrize("path", ["link", "link/x"])
def test_no_link_is_followed(git_repo: GitRepo, store: Store, tmp_path: Path, path: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (git_repo.path / "link").symlink_to(outside)
    with pytest.raises(UsageError, match="a symbolic link stands in the way"):
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
