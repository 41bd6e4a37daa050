"""Where notes belong: the file names of packages and versions."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from npm_vetted.vetting.note_paths import (
    belongs_at,
    encode_name,
    file_stem,
    is_note_path,
    package_folder,
)
from npm_vetted.vetting.notes import (
    FOLDER,
    GROUPS,
    read_note,
)
from npm_vetted.vetting.pins import Pins
from tests.support.npm_projects import (
    note_text,
    sri,
)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("express", "express/"),
        ("@babel/core", "@babel/core/"),
        ("JSONStream", "%4a%53%4f%4e%53tream/"),
        ("jsonstream", "jsonstream/"),
        ("con", "%63on/"),
        ("con.js", "%63on.js/"),
        ("COM1", "%43%4f%4d1/"),
        ("com1", "%63om1/"),
        ("console", "console/"),
        ("@aux/nul", "@%61ux/%6eul/"),
        ("_groups", "%5fgroups/"),
        (".", "%2e/"),
        ("..", ".%2e/"),
        ("a.", "a%2e/"),
        ("../../etc", "..%2f..%2fetc/"),
        ("@../..", "@.%2e/.%2e/"),
        ("@a/b/c", "@a/b%2fc/"),
        ("@/x", "%40%2fx/"),
        ("a\\b", "a%5cb/"),
        ("a\nb", "a%0ab/"),
        ("é", "%c3%a9/"),
    ],
)
def test_where_the_notes_of_a_package_are(name: str, folder: str) -> None:
    assert package_folder(name) == FOLDER + folder


names = st.text(st.characters(codec=None), max_size=12) | st.from_regex(
    r"(@[a-zA-Z.]{0,4}/)?(con|AUX|nul|com1|\.\.?|[a-zA-Z%._/-]{0,6})", fullmatch=True
)


@given(names, names)
@example("JSONStream", "jsonstream")
@example("%4a", "J")
@example("", "%")
@example("con", "%63on")
def test_names_never_share_a_file_not_even_where_case_is_folded(one: str, other: str) -> None:
    if one != other:
        assert encode_name(one) != encode_name(other)
        assert package_folder(one).casefold() != package_folder(other).casefold()


@given(names)
@example("..")
@example("aux.h")
@example("a.")
@example("\ud800")
def test_no_name_leads_outside(name: str) -> None:
    text = encode_name(name)
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-%")
    assert text not in ("", ".", "..", "_groups")
    assert not text.endswith(".")
    assert not PureWindowsPath(text).is_reserved()
    folder = PurePosixPath(package_folder(name))
    assert ".." not in folder.parts
    assert folder.is_relative_to(PurePosixPath(FOLDER))
    assert not package_folder(name).startswith(GROUPS)
    assert 4 <= len(package_folder(name).split("/")) <= 5


COMMIT = "0123456789abcdef" + "0" * 24


HASH = sri("x")


@pytest.mark.parametrize(
    ("version", "pinned", "stem"),
    [
        ("4.19.2", Pins(integrity=HASH), "4.19.2"),
        ("1.0.0+Build.1", Pins(integrity=HASH), "1.0.0%2b%42uild.1"),
        (None, Pins(resolved=f"git+https://github.com/o/r.git#{COMMIT}"), "0123456789ab"),
        (None, Pins(resolved=f"https://github.com/o/r.git#commit={COMMIT}"), "0123456789ab"),
        (None, Pins(integrity=HASH, resolved="https://x.example/a.tgz"), "a4abd4448c49"),
        (None, Pins(resolved="https://x.example/a.tgz"), "25bcfa5da52f"),
        (None, Pins(specifier="^4.18.0"), "%5e4.18.0"),
        (None, Pins(specifier=">=1 <2 || " * 20), "a4966757e48d"),
    ],
)
def test_what_a_note_is_called(version: str | None, pinned: Pins, stem: str) -> None:
    assert file_stem(version, pinned) == stem


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        (f"{FOLDER}express/4.19.2.toml", True),
        (f"{FOLDER}express/4.19.2.2.toml", True),
        (f"{FOLDER}express/4.19.2.10.toml", True),
        (f"{FOLDER}express/4.19.2.0.toml", False),
        (f"{FOLDER}express/4.19.2.x.toml", False),
        (f"{FOLDER}express/4.19.20.toml", False),
        (f"{FOLDER}express/4.19.2.toml.toml", False),
        (f"{FOLDER}Express/4.19.2.toml", False),
        (f"{FOLDER}koa/4.19.2.toml", False),
        (f"{FOLDER}4.19.2.toml", False),
    ],
)
def test_where_a_note_belongs(path: str, holds: bool) -> None:
    note = read_note(path, note_text("express", "4.19.2").encode())
    assert belongs_at(note) is holds


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        (f"{FOLDER}a/1.0.0.toml", True),
        (".vetting/routine/a/1.0.0.toml", True),
        (f"{FOLDER}a/README.md", False),
        (".vetting/config.toml", False),
        (f"x/{FOLDER}a/1.0.0.toml", False),
    ],
)
def test_where_notes_are(path: str, holds: bool) -> None:
    assert is_note_path(path) is holds


def test_a_hash_that_is_no_base64_is_no_file_name() -> None:
    source = "https://host.example/a.tgz"
    odd = file_stem(None, Pins(integrity="sha512-ab!cd", resolved=source))
    assert odd == file_stem(None, Pins(resolved=source))
