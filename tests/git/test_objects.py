"""Folders walked through git's objects are what git itself lists; what git would not write is refused."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npm_vetted.errors import UndecidedError
from npm_vetted.git.comparison import compare
from npm_vetted.git.objects import Folder, Objects
from npm_vetted.git.repository import Repository
from npm_vetted.git.snapshot import EarlierSnapshot, IndexSnapshot, Snapshot, TreeSnapshot
from tests.support.git_repo import GitRepo

_NAMES = st.sampled_from(
    ["a", "b", "a.b", "ü", "-x", "A", "package.json", ".vetting", "a b", "a\nb"]
)
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_TREES = st.dictionaries(_PATHS, st.sampled_from(["", "1", "2"]), max_size=8)


@pytest.fixture(params=["sha1", "sha256"], scope="module")
def empty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> GitRepo:
    path: Path = tmp_path_factory.mktemp(request.param)
    subprocess.run(["git", "init", "-q", f"--object-format={request.param}", str(path)], check=True)
    repo = GitRepo.__new__(GitRepo)
    repo.path = path
    repo.git("config", "user.name", "A")
    repo.git("config", "user.email", "a@example.com")
    return repo


def put(repo: GitRepo, files: dict[str, str]) -> None:
    """Make the index hold these files; a later one takes the place of what is in its way."""
    repo.git("read-tree", "--empty")
    oids = {text: blob(repo, text) for text in set(files.values())}
    lines = "".join(f"100644 {oids[text]}\t{path}\0" for path, text in files.items())
    command = ["git", "update-index", "--add", "--replace", "-z", "--index-info"]
    subprocess.run(command, cwd=repo.path, input=lines.encode(), check=True)


def blob(repo: GitRepo, text: str) -> str:
    """The id of a blob that is made."""
    command = ["git", "hash-object", "-w", "--stdin"]
    done = subprocess.run(
        command, cwd=repo.path, input=text.encode(), capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def listed(repo: GitRepo, *words: str) -> dict[str, str]:
    """What git lists: the id of each path."""
    lines = repo.git(*words).split("\0")[:-1]
    return {path: head.split()[-1 if "blob" in head else 1] for head, path in
            (line.split("\t", 1) for line in lines)}  # fmt: skip


def walked(snapshot: Snapshot, known: dict[str, str]) -> None:
    """Hold every question that a snapshot answers against what git lists."""
    assert sorted(snapshot.everything()) == sorted(snapshot.below("")) == sorted(known)
    folders = {path[: path.rfind("/") + 1] for path in known} | {"", "nowhere/", "a/b/"}
    for folder in folders:
        inside = [path for path in known if path.startswith(folder)]
        assert sorted(snapshot.below(folder)) == sorted(inside)
        beside = [path for path in inside if "/" not in path.removeprefix(folder)]
        assert sorted(snapshot.files_in(folder)) == sorted(beside)
    for path in {
        *known,
        "nothing",
        "a/nothing",
        "a/b/c/d",
        *(each.rstrip("/") for each in folders),
    }:
        entry = snapshot.entry(path)
        assert (entry.oid if entry else None) == known.get(path)
    for name in ("package.json", "a"):
        found = snapshot.named(frozenset({name}))
        assert sorted(found) == sorted(each for each in known if each.split("/")[-1] == name)


@settings(max_examples=10)
@given(_TREES, _TREES)
def test_trees_and_the_index_are_read_as_git_lists_them(
    empty: GitRepo, before: dict[str, str], after: dict[str, str]
) -> None:
    put(empty, before)
    tree = empty.git("write-tree").strip()
    commit = empty.git("commit-tree", "-m", "x", tree).strip()
    empty.git("update-ref", "HEAD", commit)
    put(empty, after)
    repository = Repository.open(str(empty.path))
    with Objects(repository) as objects:
        comparison = compare(repository, objects)
        known = listed(empty, "ls-tree", "-r", "-z", commit)
        walked(TreeSnapshot(commit, objects, repository), known)
        assert isinstance(comparison.after, IndexSnapshot)
        walked(comparison.after, listed(empty, "ls-files", "--stage", "-z"))
        if not comparison.everything:
            assert isinstance(comparison.before, EarlierSnapshot)
            walked(comparison.before, known)


def made(repo: GitRepo, *entries: tuple[str, str]) -> str:
    """A commit of a tree that git itself would not have written."""
    blob = bytes.fromhex(repo.git("hash-object", "-w", "README").strip())
    data = b"".join(f"{mode} {name}\0".encode() + blob for mode, name in entries)
    done = subprocess.run(
        ["git", "hash-object", "-w", "-t", "tree", "--stdin", "--literally"],
        cwd=repo.path, input=data, capture_output=True, check=True,
    )  # fmt: skip
    oid = done.stdout.decode().strip()
    return repo.git("commit-tree", "-m", "x", oid).strip()


@pytest.fixture
def objects(git_repo: GitRepo) -> Iterator[Objects]:
    git_repo.write("README", "words\n")
    git_repo.commit()
    with Objects(Repository.open(str(git_repo.path))) as found:
        yield found


@pytest.mark.parametrize(
    "entries",
    [
        [("100644", "a"), ("100644", "a")],
        [("100644", "a"), ("40000", "a")],
        [("100644", "a/b")],
        [("100644", "")],
        [("x", "a")],
    ],
)
def test_a_folder_that_git_would_not_write_is_undecided(
    git_repo: GitRepo, objects: Objects, entries: list[tuple[str, str]]
) -> None:
    commit = made(git_repo, *entries)
    with pytest.raises(UndecidedError, match="malformed"):
        objects.folder(f"{commit}^{{tree}}")


_ENTRIES = st.tuples(
    st.sampled_from([b"100644", b"40000", b"9", b"777777", b""]), st.binary(max_size=4), st.binary(max_size=22)
)  # fmt: skip


@given(st.lists(_ENTRIES, max_size=3), st.binary(max_size=3))
def test_whatever_bytes_a_folder_is_made_of(
    entries: list[tuple[bytes, bytes, bytes]], rest: bytes
) -> None:
    data = b"".join(mode + b" " + name + b"\0" + oid for mode, name, oid in entries) + rest
    try:
        found = dict(Folder(data, 20, "x").items())
    except UndecidedError:
        return
    for name, entry in found.items():
        assert re.fullmatch("[0-9a-f]{40}", entry.oid)
        assert entry.mode in {"100644", "100755", "120000", "160000", "040000"}
        assert name
        assert "/" not in name
    assert Folder(data, 20, "x").get("\ud800") is None


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("100664", "100644"), ("100744", "100755"), ("120777", "120000"), ("160001", "160000")],
)
def test_modes_are_taken_as_git_takes_them(
    git_repo: GitRepo, objects: Objects, mode: str, expected: str
) -> None:
    commit = made(git_repo, (mode, "a"))
    found = objects.folder(f"{commit}^{{tree}}").get("a")
    assert found is not None
    assert found.mode == expected
    assert git_repo.git("ls-tree", commit).startswith(expected)


def test_an_object_of_another_kind_leaves_the_next_answer_whole(
    git_repo: GitRepo, objects: Objects
) -> None:
    commit = git_repo.git("rev-parse", "HEAD").strip()
    with pytest.raises(UndecidedError, match="git holds a commit in its place"):
        objects.read(commit, "README")
    oid = git_repo.git("rev-parse", "HEAD:README").strip()
    assert objects.read(oid, "README") == b"words\n"


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("exit 1", "git ended with status 1 instead of"),
        ("kill -9 $$", "git ended with status -9 instead of"),
        ("exit 128", "a partial or broken clone"),
        ('read -r name; printf "$name blob 9\\nhalf"', "git ended with status 0 instead of"),
        ('read -r name; printf "$name missing\\n"; read -r x', "a partial or broken clone"),
    ],
)
def test_a_git_that_ends_before_it_delivers_a_file_is_told_with_its_status(
    git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch, program: str, words: str
) -> None:
    """Never is the part of a file that came so far taken for the file."""
    monkeypatch.setattr("npm_vetted.git.objects.hardened", lambda *_: ["bash", "-c", program])
    asking: list[Callable[[Objects], object]] = [
        lambda objects: objects.read("1" * 40, "x"),
        lambda objects: objects.digest("1" * 40, "x", "sha256"),
    ]
    for ask in asking:
        repository = Repository.open(str(git_repo.path))
        with Objects(repository) as objects, pytest.raises(UndecidedError) as raised:
            ask(objects)
        assert raised.value.path == "x"
        assert words in raised.value.message
