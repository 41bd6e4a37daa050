"""What git's history says of files and lines, in branches, merges, shallow clones and odd paths."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from npm_vetted.git.history import (
    FileTouched,
    LineTouched,
    Mailmap,
    boundaries,
    landings,
    last_before,
    read_history,
    signature_class,
)
from npm_vetted.git.repository import Repository
from tests.support.git_repo import GitRepo


def history(repo: GitRepo, *paths: str, first_parent: bool = False) -> list[tuple[object, ...]]:
    """Each event: the subject, the path, and what happens to it."""
    found: list[tuple[object, ...]] = []
    opened = Repository.open(str(repo.path))
    for each in read_history(opened, ["HEAD"], paths, first_parent=first_parent):
        if isinstance(each, FileTouched):
            kind = "A" if each.before is None else "D" if each.after is None else "M"
            found.append((each.commit.subject, each.path, kind))
        else:
            assert isinstance(each, LineTouched)
            found.append((each.commit.subject, each.path, "+-"[not each.added], each.line))
    return found


def write(repo: GitRepo, message: str, **files: str) -> str:
    for name, text in files.items():
        repo.write(name, text)
    return repo.commit(message)


def test_files_and_lines_the_oldest_first(git_repo: GitRepo) -> None:
    write(git_repo, "One", a="x\ny\n")
    write(git_repo, "Other", b="b\n")
    write(git_repo, "Two", a="x\nz\n")
    git_repo.git("rm", "-q", "a")
    git_repo.commit("Three")
    assert history(git_repo, "a") == [
        ("One", "a", "A"), ("One", "a", "+", b"x"), ("One", "a", "+", b"y"),
        ("Two", "a", "M"), ("Two", "a", "-", b"y"), ("Two", "a", "+", b"z"),
        ("Three", "a", "D"), ("Three", "a", "-", b"x"), ("Three", "a", "-", b"z"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["++ b/other\n", "-- a/other\n", "@@ -1 +1 @@\n", "diff --git a/x b/x\n", "\0" * 3 + "\n", ":100644\n"],
)  # fmt: skip
def test_a_line_never_passes_for_git_s_own(git_repo: GitRepo, text: str) -> None:
    write(git_repo, "Hostile", a=f"first\n{text}last\n")
    lines = [row[3] for row in history(git_repo, "a") if len(row) == 4]
    assert lines == [b"first", text.encode().rstrip(b"\n"), b"last"]


@pytest.mark.parametrize(
    "path", ["with blank", 'a"b', "tab\tbed", "é", "back\\slash", "line\nbreak"]
)
def test_paths_of_every_kind(git_repo: GitRepo, path: str) -> None:
    git_repo.write(path, "text\n")
    git_repo.commit("Odd")
    assert history(git_repo, ".") == [("Odd", path, "A"), ("Odd", path, "+", b"text")]


def test_attributes_hide_nothing(git_repo: GitRepo) -> None:
    write(git_repo, "One", **{".gitattributes": "a -diff binary\n", "a": "x\n"})
    assert ("One", "a", "+", b"x") in history(git_repo, "a")


def a_merge(repo: GitRepo) -> None:
    """A branch adds ``a``; the trunk goes on; the merge itself adds ``m``."""
    write(repo, "Start", b="b\n")
    repo.git("checkout", "-q", "-b", "branch")
    write(repo, "Branch", a="a\n")
    repo.git("checkout", "-q", "main")
    write(repo, "Trunk", b="c\n")
    repo.git("merge", "-q", "--no-ff", "--no-commit", "branch")
    repo.write("m", "m\n")
    repo.commit("Merge")


def test_a_merge_has_what_neither_parent_has(git_repo: GitRepo) -> None:
    a_merge(git_repo)
    assert history(git_repo, "a", "m") == [
        ("Branch", "a", "A"), ("Branch", "a", "+", b"a"), ("Merge", "m", "A"), ("Merge", "m", "+", b"m"),
    ]  # fmt: skip
    assert {row[:3] for row in history(git_repo, "a", "m", first_parent=True)} == {
        ("Merge", "a", "A"), ("Merge", "a", "+"), ("Merge", "m", "A"), ("Merge", "m", "+"),
    }  # fmt: skip


def test_a_line_that_both_sides_have_is_not_the_merge_s(git_repo: GitRepo) -> None:
    write(git_repo, "Start", a="1\n2\n3\n4\n5\n")
    git_repo.git("checkout", "-q", "-b", "branch")
    write(git_repo, "Branch", a="1\nbranch\n3\n4\n5\n")
    git_repo.git("checkout", "-q", "main")
    write(git_repo, "Trunk", a="1\n2\n3\ntrunk\n5\n")
    git_repo.git("merge", "-q", "--no-commit", "branch")
    git_repo.write("a", "1\nbranch\n3\ntrunk\nevil\n")
    git_repo.commit("Merge")
    added = [(row[0], row[3]) for row in history(git_repo, "a") if row[2] == "+"][5:]
    assert sorted(added, key=str) == [
        ("Branch", b"branch"), ("Merge", b"evil"), ("Trunk", b"trunk"),
    ]  # fmt: skip


def test_where_a_commit_landed(git_repo: GitRepo) -> None:
    a_merge(git_repo)
    ids = dict(line.split(" ", 1) for line in git_repo.git("log", "--format=%H %s").splitlines())
    by_subject = {subject: oid for oid, subject in ids.items()}
    opened = Repository.open(str(git_repo.path))
    found = landings(opened, by_subject["Merge"], set(ids))
    assert {ids[oid]: ids[landed] for oid, landed in found.items()} == {
        "Start": "Start", "Trunk": "Trunk", "Branch": "Merge", "Merge": "Merge",
    }  # fmt: skip


def test_a_branch_of_a_branch_lands_with_the_oldest_merge(git_repo: GitRepo) -> None:
    write(git_repo, "Start", b="b\n")
    git_repo.git("checkout", "-q", "-b", "branch")
    inner = write(git_repo, "Inner", a="a\n")
    git_repo.git("checkout", "-q", "main")
    git_repo.git("merge", "-q", "--no-ff", "-m", "First merge", "branch")
    first = git_repo.git("rev-parse", "HEAD")
    git_repo.git("checkout", "-q", "branch")
    later = write(git_repo, "Later", a="b\n")
    git_repo.git("checkout", "-q", "main")
    git_repo.git("merge", "-q", "--no-ff", "-m", "Second merge", "branch")
    second = git_repo.git("rev-parse", "HEAD")
    found = landings(Repository.open(str(git_repo.path)), second, {inner, later})
    assert found == {inner: first, later: second}


def test_the_cut_of_a_shallow_clone_brings_nothing(git_repo: GitRepo, tmp_path: Path) -> None:
    write(git_repo, "One", a="a\n")
    write(git_repo, "Two", b="b\n")
    write(git_repo, "Three", c="c\n")
    clone = tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "-q", "--depth", "2", git_repo.path.as_uri(), str(clone)], check=True
    )
    shallow = GitRepo.__new__(GitRepo)
    shallow.path = clone
    assert history(shallow, ".") == [("Three", "c", "A"), ("Three", "c", "+", b"c")]
    assert boundaries(Repository.open(str(clone))) == {shallow.git("rev-parse", "HEAD~1")}


def test_the_last_commit_before_a_day(git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime

    ids = []
    for day in (1, 3):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"2026-01-0{day}T12:00:00Z")
        ids.append(write(git_repo, f"Day {day}", a=str(day)))
    opened = Repository.open(str(git_repo.path))
    found = [last_before(opened, ids[1], datetime.date(2026, 1, day)) for day in (1, 2, 3, 4)]
    assert found == [None, ids[0], ids[0], ids[1]]


MAILMAP = """\
# a comment
Proper One <one@example.com>
<two@example.com> <old-two@example.com>
Proper Three <three@example.com> <old-three@example.com>
Proper Four <four@example.com> Old Four <shared@example.com>
Joined <joined@example.com>
<joined@example.com> <elsewhere@example.com>
broken line
"""


@pytest.mark.parametrize(
    "author",
    [
        "x <one@example.com>", "x <ONE@Example.com>", "x <old-two@example.com>", "x <old-three@example.com>",
        "Old Four <shared@example.com>", "Other <shared@example.com>", "x <joined@example.com>",
        "x <elsewhere@example.com>", "x <nobody@example.com>",
    ],
)  # fmt: skip
def test_a_mailmap_reads_as_git_reads_it(git_repo: GitRepo, author: str) -> None:
    git_repo.write(".mailmap", MAILMAP)
    assert Mailmap(MAILMAP.encode()).proper(author) == git_repo.git("check-mailmap", author)


@pytest.mark.parametrize(
    ("header", "verified", "found"),
    [
        (b"tree 1\nauthor x", "N", "none"),
        (b"tree 1\nauthor x\ngpgsig -----BEGIN", "N", "present, not checked"),
        (b"tree 1\ngpgsig-sha256 -----BEGIN", "E", "present, not checked"),
        (b"tree 1\ngpgsig -----BEGIN", "U", "present, not checked"),
        (b"tree 1\ngpgsig -----BEGIN", "G", "good"),
        (b"tree 1\ngpgsig -----BEGIN", "B", "bad"),
        (b"tree 1\ngpgsig -----BEGIN", "R", "bad"),
        (b"tree 1\nmergetag object\n gpgsig x", "N", "none"),
    ],
)
def test_the_class_of_a_signature(header: bytes, verified: str, found: str) -> None:
    assert signature_class(header, verified) == found
