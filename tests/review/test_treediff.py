"""What changed between two package trees: right, readable, and in bounded time."""

from __future__ import annotations

import random
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.review.treediff import FileChange, FileKind, diff_trees, edit_script

LINES = st.lists(st.sampled_from("abcde"), max_size=25)


@given(LINES, LINES)
def test_the_edits_make_the_new_of_the_old(old: list[str], new: list[str]) -> None:
    made: list[str] = []
    at = to = 0
    for edit in edit_script(old, new):
        assert old[at : edit.old_start] == new[to : edit.new_start]
        made += old[at : edit.old_start] + new[edit.new_start : edit.new_end]
        at, to = edit.old_end, edit.new_end
    assert made + old[at:] == new


@given(st.lists(st.sampled_from(["a\n", "b\n", "c", "\r\n", "é\n"]), max_size=20), st.data())
def test_git_applies_it(lines: list[str], data: st.DataObject) -> None:
    old = "".join(lines)
    new = "".join(data.draw(st.permutations(lines))) + data.draw(st.sampled_from(["", "z", "z\n"]))
    trees = [{"f": text.encode()} if text else {} for text in (old, new)]
    found = diff_trees(*trees)
    if old == new:
        assert found.files == ()
    else:
        assert _patched(old.encode(), new.encode(), found.files[0].hunks) == new.encode()


def _patched(old: bytes, new: bytes, hunks: tuple[str, ...]) -> bytes:
    names = ["a/f" if old else "/dev/null", "b/f" if new else "/dev/null"]
    patch = "".join(f"{text}\n" for text in (f"--- {names[0]}", f"+++ {names[1]}", *hunks))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "f")
        if old:
            file.write_bytes(old)
        subprocess.run(
            ["git", "apply", "--whitespace=nowarn", "-"], cwd=folder, input=patch.encode(),
            check=True, capture_output=True,
        )  # fmt: skip
        return file.read_bytes() if file.exists() else b""


def test_what_is_shown_is_what_git_shows(tmp_path: Path) -> None:
    old = [f"line {n}" for n in range(200)]
    new = [*old[:20], "put", *old[20:90], *old[95:150], "changed", *old[151:]]
    for name, lines in (("old", old), ("new", new)):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        ["git", "diff", "--no-index", "old", "new"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    shown = [line.partition(" @@")[0] + " @@" if line.startswith("@@") else line
             for line in done.stdout.splitlines()[4:]]  # fmt: skip
    trees = [{"f": (tmp_path / name).read_bytes()} for name in ("old", "new")]
    (found,) = diff_trees(*trees).files
    assert list(found.hunks) == shown
    assert (found.added, found.removed) == (2, 6)


def test_each_file_by_what_happened_to_it() -> None:
    old = {
        "same.js": b"1\n", "gone.js": b"1\n2\n", "moved.js": b"moved\n", "text.js": b"1\n",
        "app.min.js": b"x", "app.js.map": b"{}", "logo.png": b"\x89PNG\0", "odd.txt": b"\xff\xfe",
        "bundle.js": b"var a;" * 500,
    }  # fmt: skip
    new = {
        "same.js": b"1\n", "lib/moved.js": b"moved\n", "text.js": b"1\n2\n", "new.js": b"1\n",
        "app.min.js": b"xy", "app.js.map": b"{ }", "logo.png": b"\x89PNG\0\0", "odd.txt": b"\xff",
        "bundle.js": b"var b;" * 600, "huge.txt": b"x\n" * 2_000_000,
    }  # fmt: skip
    found = {
        each.path: (each.change, each.kind, each.added, each.removed, bool(each.hunks))
        for each in diff_trees(old, new).files
    }
    assert found == {
        "app.js.map": (FileChange.CHANGED, FileKind.SOURCE_MAP, 0, 0, False),
        "app.min.js": (FileChange.CHANGED, FileKind.MINIFIED, 0, 0, False),
        "bundle.js": (FileChange.CHANGED, FileKind.MINIFIED, 0, 0, False),
        "gone.js": (FileChange.REMOVED, FileKind.TEXT, 0, 2, True),
        "huge.txt": (FileChange.ADDED, FileKind.LARGE, 0, 0, False),
        "lib/moved.js": (FileChange.RENAMED, FileKind.TEXT, 0, 0, False),
        "logo.png": (FileChange.CHANGED, FileKind.BINARY, 0, 0, False),
        "new.js": (FileChange.ADDED, FileKind.TEXT, 1, 0, True),
        "odd.txt": (FileChange.CHANGED, FileKind.BINARY, 0, 0, False),
        "text.js": (FileChange.CHANGED, FileKind.TEXT, 1, 0, True),
    }


def test_what_is_folded_can_be_unfolded() -> None:
    (found,) = diff_trees({"a.min.js": b"x\n"}, {"a.min.js": b"y\n"}, unfold=True).files
    assert found.hunks == ("@@ -1 +1 @@", "-x", "+y")


def test_a_line_without_an_end_says_so() -> None:
    (found,) = diff_trees({"a": b"x"}, {"a": b"x\n"}).files
    assert found.hunks == ("@@ -1 +1 @@", "-x", "\\ No newline at end of file", "+x")


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
        ("\n".join(random.Random(1).choices("abcdefgh", k=300_000)).encode(),
         "\n".join(random.Random(2).choices("abcdefgh", k=300_000)).encode()),
    ],
    ids=range(5),
)  # fmt: skip
@pytest.mark.slow
def test_hostile_lines_take_bounded_time(old: bytes, new: bytes) -> None:
    start = time.process_time()
    diff_trees({"a": old}, {"a": new})
    assert time.process_time() - start < 10


@pytest.mark.slow
def test_many_hostile_files_share_one_budget() -> None:
    words = [random.Random(seed).choices("abcdefgh", k=3_000) for seed in range(200)]
    old = {f"{n}.js": "\n".join(words[n]).encode() for n in range(100)}
    new = {f"{n}.js": "\n".join(words[n + 100]).encode() for n in range(100)}
    start = time.process_time()
    assert len(diff_trees(old, new).files) == 100
    assert time.process_time() - start < 20
