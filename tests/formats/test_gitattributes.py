"""Attributes of paths, compared with ``git check-attr``."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from npm_vetted.formats.gitattributes import AttributeFile, attributes_of, load_gitattributes
from tests.support.git_repo import GitRepo

NAMES = ("filter", "eol", "text", "ident", "export-subst", "working-tree-encoding", "odd")
PATHS = (
    ".npmrc", "package.json", "a/.npmrc", "a/b/package.json", "a/b/c/x.sh", "a/x.JPG", "b.c/[x]",
    "a/b", "ü/.npmrc", "x-y", "a b/c",
)  # fmt: skip
FILES = ("", "a", "a/b")


def by_git(folder: Path, *, fold_case: bool = False) -> dict[tuple[str, str], str]:
    """What git says of each path and attribute, without the unspecified."""
    done = subprocess.run(
        ["git", "-c", "core.attributesFile=/dev/null", "-c", f"core.ignoreCase={fold_case}".lower(),
         "check-attr", "-z", "--stdin", *NAMES],
        cwd=folder, input="\0".join(PATHS).encode() + b"\0", capture_output=True, check=True,
    )  # fmt: skip
    parts = done.stdout.decode().split("\0")
    rows = zip(parts[::3], parts[1::3], parts[2::3], strict=False)
    return {(path, name): value for path, name, value in rows if value != "unspecified"}


def by_us(folder: Path, *, fold_case: bool = False) -> dict[tuple[str, str], str]:
    files = [
        AttributeFile(each, load_gitattributes((folder / each / ".gitattributes").read_bytes()))
        for each in FILES
        if (folder / each / ".gitattributes").is_file()
    ]
    found = {}
    for path in PATHS:
        above = [f for f in files if not f.folder or path.startswith(f.folder + "/")]
        for name, given_ in attributes_of(path, above, fold_case=fold_case).items():
            words = {True: "set", False: "unset"}
            if name in NAMES and given_.value is not None:
                shown = given_.value if isinstance(given_.value, str) else words[given_.value]
                found[path, name] = shown
    return found


def lay(folder: Path, texts: dict[str, str]) -> None:
    for each in FILES:
        file = folder / each / ".gitattributes"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        if each in texts:
            file.write_text(texts[each], encoding="utf-8")


@pytest.mark.parametrize(
    "texts",
    [
        {"": ".npmrc filter=lfs diff=lfs merge=lfs -text\n"},
        {"": "*.json filter=x\npackage.json -filter\n"},
        {"": "*.json filter=x\n", "a": "*.json !filter\n"},
        {"": "/package.json filter=x\n/.npmrc eol=crlf\na/b/*.json ident"},
        {"": "a/** filter=x\n**/x.sh text\na/**/x.sh eol=crlf\n"},
        {"": "a/* filter=x\na/*/* ident\n** export-subst\n"},
        {"": "[attr]odd filter=x eol=crlf\n.npmrc odd\npackage.json odd -filter\n"},
        {"": ".npmrc odd\n[attr]odd filter=x\n[attr]odd filter=y\n"},
        {"a": "[attr]odd filter=x\n.npmrc odd\n"},
        {"": "*.[jJ][pP][gG] filter=x\n[!a]* ident\n*.[[:alpha:]]* text\n"},
        {"": '"\\056npmrc" filter=x\n"a b/c" ident\n"\\303\\274/.npmrc" text\n"x-y ident\n'},
        {"": "!.npmrc filter=x\n.npmrc %bad filter=y\n.npmrc -%bad filter=y\n"},
        {"": "# .npmrc filter=x\n   .npmrc   filter=y  \r\n\t package.json\ttext\r\n"},
        {"": "a/ filter=x\na filter=y\nb/ text\nb text\n"},
        {"": "*.json binary\npackage.json text\n*.sh binary -binary\n"},
        {"": "[x] filter=x\n\\[x\\] ident\n[ text\n[]x] odd\n"},
        {"": "*.jpg filter=x\n.NPMRC ident\n"},
        {"": "?npmrc filter=\n????? ident=1\n?/.npmrc text\n"},
        {"": "a/***/x.sh filter=x\na**x.sh ident\n***/x.sh text\n*/b/c/** odd\n"},
        {"": "\ufeff.npmrc filter=x\n"},
        {"": ".npmrc odd\n", "a": ".npmrc filter=near\n"},
        {"": ".npmrc filter filter=x\npackage.json filter=x filter\n"},
    ],
)
def test_attributes_are_those_of_git(git_repo: GitRepo, texts: dict[str, str]) -> None:
    lay(git_repo.path, texts)
    assert by_us(git_repo.path) == by_git(git_repo.path)
    assert by_us(git_repo.path, fold_case=True) == by_git(git_repo.path, fold_case=True)


PATTERNS = st.text(st.sampled_from("ab./*?[]!^-x\\"), min_size=1, max_size=8) | st.sampled_from(
    ["*.json", "**", "a/**", "**/b/**", ".npmrc", "/a/*", "*", "[a-c]*", "[!.]*"]
)
WORDS = st.sampled_from(
    ["filter=x", "-filter", "!filter", "filter", "eol=crlf", "text=auto", "-text", "binary", "odd",
     "-odd", "!odd", "ident", "export-subst"]
)  # fmt: skip
LINES = st.builds(
    lambda pattern, words: f"{pattern} {' '.join(words)}",
    PATTERNS | st.just("[attr]odd"),
    st.lists(WORDS, min_size=1, max_size=3),
)
TEXTS = st.dictionaries(st.sampled_from(FILES), st.lists(LINES, max_size=6).map("\n".join))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(TEXTS)
def test_any_attributes_are_those_of_git(git_repo: GitRepo, texts: dict[str, str]) -> None:
    lay(git_repo.path, texts)
    assert by_us(git_repo.path) == by_git(git_repo.path)


def test_a_doubtful_line_takes_nothing_away() -> None:
    long = ".npmrc -filter " + "x" * 3000
    rules = load_gitattributes(f".npmrc filter=x\n{long}\n.npmrc eol=crlf builtin_x\n".encode())
    found = attributes_of(".npmrc", [AttributeFile("", rules)])
    assert {name: found[name].value for name in ("filter", "eol")} == {"filter": "x", "eol": "crlf"}


def test_a_hostile_pattern_takes_linear_time() -> None:
    rules = load_gitattributes(
        ("*a" * 700 + "b filter=x\n").encode() + b"**/" * 600 + b"z filter=x\n"
    )
    start = time.monotonic()
    assert attributes_of("a/" * 1000 + "a" * 2000, [AttributeFile("", rules)]) == {}
    assert time.monotonic() - start < 2
