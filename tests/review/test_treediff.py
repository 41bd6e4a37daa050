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

from npm_vetted.review.treediff import FileChange, FileKind, diff_trees


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


def test_what_git_does_not_compare_in_time_is_folded() -> None:
    lines = [f"{number % 7 * number % 11}\n" for number in range(200_000)]
    old, new = "".join(lines).encode(), "".join(reversed(lines)).encode()
    found = diff_trees({"a": old, "b": b"1\n"}, {"a": new, "b": b"1\n"}, seconds=0.001)
    assert [(each.path, each.kind, each.hunks) for each in found.files] == [
        ("a", FileKind.LARGE, ())
    ]


@pytest.mark.slow
def test_many_hostile_files_share_one_limit() -> None:
    words = ["\n".join(random.Random(seed).choices("abcdefgh", k=900_000)) for seed in range(2)]
    old, new = ({f"{n}.js": text.encode() for n in range(30)} for text in words)
    start = time.monotonic()
    found = diff_trees(old, new, seconds=5)
    assert time.monotonic() - start < 20
    assert FileKind.LARGE in {each.kind for each in found.files}
