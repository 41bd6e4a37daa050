"""Notes: which keys they have, where they stand, what is refused and with which words."""

from __future__ import annotations

import datetime
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from npm_vetted.model import Artifact, Kind
from npm_vetted.vetting.notes import (
    FOLDER,
    GROUPS,
    Note,
    NoteError,
    NoteStore,
    belongs_at,
    encode_name,
    file_stem,
    package_folder,
    read_note,
    says_something,
)
from npm_vetted.vetting.pins import Pins
from npm_vetted.vetting.policy import BUILT_IN_CRITERIA
from tests.support.npm_projects import LONG_AGO, MemorySnapshot, listed, note_text, sri

PATH = f"{FOLDER}express/4.19.2.toml"
GROUP = f"{GROUPS}2026-11-22-babel-12ab.toml"
WHOLE = f"""\
package = "express"
version = "4.19.2"
integrity = "{sri("express")}"
from = "4.18.2"
criteria = ["health", "changelog"]
vetted-by = "Ada Example <ada@example.com>"
vetted-on = 2026-11-22
published = 2024-03-25T14:12:02Z
scripts = []
cooldown-waiver = "fixes CVE-2026-1, which we are exposed to"
not-lookalike-of = ["expres"]
why = \"\"\"
What it is for, what was looked at, what was found.
\"\"\"
brings = [
  {{ package = "accepts@1.3.8", integrity = "{sri("accepts")}", published = 2022-02-02T00:00:00Z }},
]

[evidence]
licence = "MIT"
"""


def test_every_key_of_a_note() -> None:
    note = read_note(PATH, WHOLE.encode())
    [accepts] = note.brings
    assert (note.package, note.version, note.since) == ("express", "4.19.2", "4.18.2")
    assert note.pinned == Pins(integrity=sri("express"))
    assert note.criteria == ("health", "changelog")
    assert note.vetted_by == "Ada Example <ada@example.com>"
    assert note.vetted_on == datetime.date(2026, 11, 22)
    assert note.published == datetime.datetime(2024, 3, 25, 14, 12, 2, tzinfo=datetime.UTC)
    assert note.scripts == ()
    assert note.cooldown_waiver == "fixes CVE-2026-1, which we are exposed to"
    assert note.not_lookalike_of == ("expres",)
    assert note.why == "What it is for, what was looked at, what was found.\n"
    assert (accepts.name, accepts.version, accepts.line) == ("accepts", "1.3.8", 16)
    assert note.evidence == {"licence": "MIT"}
    assert note.label == "express@4.19.2"


BAD: dict[str, tuple[dict[str, Any], str, int]] = {
    "an unknown key": ({"criterai": ["health"]}, "criterai: unknown key; did you mean 'criteria'?", 8),
    "no package": ({"package": None}, "the key 'package' is missing", 1),
    "an empty package": ({"package": " "}, "package: expected words, found nothing", 1),
    "nothing that binds": (
        {"integrity": None},
        "nothing binds it to bytes: expected 'integrity' (or 'resolved' for git)", 1,
    ),
    "no criteria": ({"criteria": None}, "criteria: the key 'criteria' is missing", 1),
    "an unknown criterion": (
        {"criteria": ["helth"]}, "criteria[0]: unknown criterion 'helth'; did you mean 'health'?", 4,
    ),
    "criteria that are no list": (
        {"criteria": "health"}, "criteria: expected a list of strings, found the string 'health'", 4,
    ),
    "nobody": ({"vetted_by": ""}, "vetted-by: expected words, found nothing", 5),
    "a time for a date": ({"vetted_on": LONG_AGO}, "vetted-on: expected a date such as 2026-11-22", 6),
    "a text for a time": (
        {"published": "2020"}, "published: expected a time such as 2026-11-22T14:12:02Z", 8,
    ),
    "no why": ({"why": None}, "the key 'why' is missing", 1),
    "an empty why": (
        {"why": " \n"}, "why: says nothing: write what was looked at and what was found", 7,
    ),
    "a placeholder": (
        {"why": "TODO"}, "why: says nothing: write what was looked at and what was found", 7,
    ),
    "an empty waiver": (
        {"cooldown_waiver": ""},
        "cooldown-waiver: says nothing: write what was looked at and what was found", 8,
    ),
    "accepts outside a group": (
        {"accepts": [listed("b")]},
        "accepts: only a group note (below notes/_groups/) has 'accepts'", 8,
    ),
    "a listed package without a version": (
        {"brings": [{"package": "@s/b", "integrity": sri("b")}]},
        "brings[0].package: expected 'name@version'", 8,
    ),
    "a listed package without a hash": (
        {"brings": [{"package": "b@1.0.0"}]},
        "brings[0]: nothing binds it to bytes: expected 'integrity' (or 'resolved' for git)", 8,
    ),
    "an unknown key of a listed package": (
        {"brings": [listed("b", integirty="x")]},
        "brings[0].integirty: unknown key; did you mean 'integrity'?", 8,
    ),
    "a specifier beside a version": (
        {"specifier": "^1", "integrity": None},
        "version: cannot be combined with 'specifier', which is for what nothing pins", 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("keys", "message", "line"), BAD.values(), ids=BAD)
def test_malformed_notes(keys: dict[str, Any], message: str, line: int) -> None:
    text = note_text("express", "4.19.2", **keys)
    with pytest.raises(NoteError) as raised:
        read_note(PATH, text.encode(), BUILT_IN_CRITERIA)
    assert (raised.value.message, raised.value.path, raised.value.line) == (message, PATH, line)


@pytest.mark.parametrize(
    ("data", "message", "line"),
    [
        (b"package = ", "not TOML: Invalid value", 1),
        (b'package = "a"\npackage = "b"\n', "not TOML: Cannot overwrite a value", 2),
        (b"package = '\xff'", "not UTF-8 text", 1),
        (b"<<<<<<< HEAD\n", "not TOML: Invalid statement", 1),
    ],
)
def test_what_is_no_toml(data: bytes, message: str, line: int) -> None:
    with pytest.raises(NoteError) as raised:
        read_note(PATH, data)
    assert (raised.value.message, raised.value.line) == (message, line)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"package": "a"}, "package: a group note has no package of its own; list it in 'accepts'"),
        ({"version": "1"}, "version: a group note has no package of its own; list it in 'accepts'"),
        ({"accepts": None}, "a group note without 'accepts' says nothing"),
        ({"accepts": []}, "a group note without 'accepts' says nothing"),
    ],
)
def test_malformed_groups(keys: dict[str, Any], message: str) -> None:
    own = {key: keys[key] for key in ("package", "version") if key in keys}
    rest = {key: value for key, value in keys.items() if key not in own}
    lines = "".join(f'{key} = "{value}"\n' for key, value in own.items())
    text = lines + note_text(None, **{"accepts": [listed("b")], **rest})
    with pytest.raises(NoteError) as raised:
        read_note(GROUP, text.encode())
    assert raised.value.message == message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("HTTP server; the changelog was read.", True),
        ("見ました。問題なし", True),
        ("CVE-2026-1", True),
        *((text, False) for text in (
            "", " ", "\n\t", ".", "...", "-", "!?", "TODO", "todo", "ok", "OK.", "n/a", "N/A!",
            '"LGTM"', "Looks good", "looks   good.", "tbd", "xxx", "why", "x", "ab",
        )),
    ],
)  # fmt: skip
def test_words_that_say_nothing_are_refused(text: str, said: bool) -> None:
    assert says_something(text) is said


# File names.


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
def test_where_the_notes_of_a_package_stand(name: str, folder: str) -> None:
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


# The store.


def test_only_the_notes_that_are_asked_for_are_opened() -> None:
    files = {
        f"{FOLDER}{name}/1.0.0.toml": note_text(name, brings=[listed(f"{name}-dep")])
        for name in "abcdef"
    }
    store = NoteStore(MemorySnapshot(files), BUILT_IN_CRITERIA)
    assert [note.label for note in store.of("a", "1.0.0")] == ["a@1.0.0"]
    assert [each.note.label for each in store.listing("c-dep", "1.0.0")] == ["c@1.0.0"]
    assert store.opened == 2


def test_a_list_that_mentions_a_longer_name_is_another_package() -> None:
    files = {f"{FOLDER}a/1.0.0.toml": note_text("a", brings=[listed("not-b")])}
    store = NoteStore(MemorySnapshot(files), BUILT_IN_CRITERIA)
    assert store.listing("b", "1.0.0") == []


def test_a_version_that_another_begins_with_is_another_version() -> None:
    files = {
        f"{FOLDER}a/{version}.toml": note_text("a", version) for version in ("1.0.0", "1.0.0.2")
    }
    store = NoteStore(MemorySnapshot(files), BUILT_IN_CRITERIA)
    assert [note.version for note in store.of("a", "1.0.0")] == ["1.0.0"]


def test_all_notes_with_the_malformed_ones_as_their_errors() -> None:
    files = {
        f"{FOLDER}README.md": "words", f"{FOLDER}a/1.0.0.toml": note_text("a"),
        f"{FOLDER}b/1.0.0.toml": "x", GROUP: note_text(None, accepts=[listed("c")]),
    }  # fmt: skip
    store = NoteStore(MemorySnapshot(files), BUILT_IN_CRITERIA)
    found = list(store.all())
    assert [type(each) for each in found] == [Note, Note, NoteError]
    assert {each.label for each in found if isinstance(each, Note)} == {
        "a@1.0.0",
        "2026-11-22-babel-12ab",
    }
    assert store.read(f"{FOLDER}none.toml") is None


def test_very_many_packages_are_found_in_one_go() -> None:
    brought = [listed(f"p{at}") for at in range(300)]
    store = NoteStore(
        MemorySnapshot({f"{FOLDER}a/1.0.0.toml": note_text("a", brings=brought)}), BUILT_IN_CRITERIA
    )
    store.search([f"p{at}@1.0.0" for at in range(300)])
    artifact = Artifact(name="p299", version="1.0.0", kind=Kind.REGISTRY)
    assert [each.location.line for each in store.mentioning(artifact)] == [8]
