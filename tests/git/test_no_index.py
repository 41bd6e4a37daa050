"""Two texts compared by git: nothing but the texts takes part, and the time is bounded."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest

from npm_vetted.git.no_index import unified_hunks
from tests.support.git_repo import GitRepo

SECONDS = 30.0


def test_hunks_of_each_path() -> None:
    lines = [f"line {number}" for number in range(40)]
    changed = [*lines[:10], "put", *lines[10:30], *lines[33:]]
    texts = ["\n".join(each).encode() + b"\n" for each in (lines, changed)]
    old = {"changed": texts[0], "gone": b"1\n", "emptied": b"1\n"}
    new = {"changed": texts[1], "come": b"\xff", "emptied": b"", "empty": b""}
    assert unified_hunks(old, new, seconds=SECONDS) == {
        "changed": (
            "@@ -8,6 +8,7 @@ line 6", " line 7", " line 8", " line 9", "+put", " line 10", " line 11",
            " line 12",
            "@@ -28,9 +29,6 @@ line 26", " line 27", " line 28", " line 29", "-line 30", "-line 31",
            "-line 32", " line 33", " line 34", " line 35",
        ),
        "gone": ("@@ -1 +0,0 @@", "-1"),
        "emptied": ("@@ -1 +0,0 @@", "-1"),
        "come": ("@@ -0,0 +1 @@", "+\udcff", "\\ No newline at end of file"),
        "empty": (),
    }  # fmt: skip


@pytest.mark.parametrize(
    "path", ["../../escape", "/etc/passwd", "a\nb", ".gitattributes", "-o", "nul", "a/b", "\udcff"]
)
def test_a_path_is_only_a_label(path: str) -> None:
    assert unified_hunks({path: b"1\n"}, {path: b"2\n"}, seconds=SECONDS) == {
        path: ("@@ -1 +1 @@", "-1", "+2")
    }


def test_a_line_that_looks_like_a_header_is_content() -> None:
    old = b"diff --git old/7 new/7\n--- a\n+++ b\n@@ -1 +1 @@\n"
    (hunks,) = unified_hunks({"a": old}, {}, seconds=SECONDS).values()
    assert hunks[1:] == tuple(f"-{line}" for line in old.decode().splitlines())


def test_no_configuration_and_no_repository_takes_part(
    git_repo: GitRepo, isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver in any of these places would run a program or hide the change of line ends."""
    driver = (
        '[diff "x"]\n\tcommand = touch ran;\n\ttextconv = touch ran;\n[core]\n\tautocrlf = true\n'
    )
    (isolated_home / ".gitconfig").write_text(f"{driver}[diff]\n\texternal = touch\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(isolated_home / ".gitconfig"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "touch")
    monkeypatch.setenv("GIT_DIR", str(git_repo.path / ".git"))
    git_repo.write(".git/config", driver)
    git_repo.write(".gitattributes", "* diff=x text\n")
    monkeypatch.setattr(tempfile, "tempdir", str(git_repo.path))
    monkeypatch.chdir(git_repo.path)
    found = unified_hunks({"a": b"1\n"}, {"a": b"1\r\n"}, seconds=SECONDS)
    assert found == {"a": ("@@ -1 +1 @@", "-1", "+1\r")}
    assert not list(git_repo.path.rglob("ran"))


def test_what_is_not_compared_in_time_is_missing() -> None:
    words = ["\n".join(random.Random(seed).choices("abcdefgh", k=900_000)) for seed in (1, 2)]
    old, new = ({"b": text.encode()} for text in words)
    assert unified_hunks(old, new, seconds=0.2) == {}


def _repeating(count: int, step: int) -> bytes:
    return "\n".join(str(n * step % 110) for n in range(count)).encode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (_repeating(200_000, 1), _repeating(200_000, 7)),
        (b"x\ny\n" * 200_000, b"x\nz\n" * 200_000),
        (b"\n" * 1_000_000, b"\n" * 999_999 + b"x\n"),
        (b"\n".join(b"%d" % n for n in range(150_000)),
         b"\n".join(b"%d" % n for n in range(150_000, 0, -1))),
    ],
    ids=range(4),
)  # fmt: skip
@pytest.mark.slow
def test_hostile_lines_are_compared_in_time(old: bytes, new: bytes) -> None:
    assert unified_hunks({"a": old}, {"a": new}, seconds=SECONDS).keys() == {"a"}
