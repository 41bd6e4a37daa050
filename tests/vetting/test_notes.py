"""Notes: which keys they have, where they stand, what is refused and with which words."""

from __future__ import annotations

import datetime
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from npm_vetted.model import Artifact, BundledPackage, Kind, Location
from npm_vetted.vetting.notes import (
    FOLDER,
    GROUPS,
    Listed,
    Note,
    NoteError,
    NoteStore,
    belongs_at,
    encode_name,
    file_stem,
    is_note_path,
    mentions,
    package_folder,
    read_note,
    says_something,
)
from npm_vetted.vetting.pins import Pins
from npm_vetted.vetting.policy import BUILT_IN_CRITERIA
from tests.support.npm_projects import (
    LONG_AGO,
    MemorySnapshot,
    listed,
    note_text,
    routine_text,
    sri,
)

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


# What an entry of a list says.

CARRIED = {
    "package": "in@2.0.0",
    "path": "node_modules/x",
    "scripts": ["install"],
    "integrity": "i",
}
TIME = datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC)
FULL = listed(
    "b", from_="0.9.0", published=TIME, scripts=["postinstall"], cooldown_waiver="a fix of CVE-1",
    not_lookalike_of="bb", bundles=[{"package": "in@2.0.0"}], shrinkwrap=[CARRIED], checksum="c",
    patch="p", resolved="r",
)  # fmt: skip


def read_listed(**keys: Any) -> Note:
    return read_note(PATH, note_text("express", "4.19.2", **keys).encode(), BUILT_IN_CRITERIA)


def test_every_key_of_an_entry() -> None:
    (found,) = read_listed(brings=[FULL]).brings
    assert found == Listed(
        name="b", version="1.0.0", published=TIME, scripts=("postinstall",), since="0.9.0",
        pinned=Pins(integrity=sri("b@1.0.0"), checksum="c", patch="p", resolved="r"),
        cooldown_waiver="a fix of CVE-1", not_lookalike_of=("bb",), line=8,
        bundles=(BundledPackage("in", "2.0.0", "node_modules/in", (), None),),
        shrinkwrap=(BundledPackage("in", "2.0.0", "node_modules/x", ("install",), "i"),),
    )  # fmt: skip


def test_what_an_entry_need_not_say() -> None:
    (found,) = read_listed(brings=[listed("@s/b")]).brings
    assert found == Listed(
        "@s/b", "1.0.0", Pins(integrity=sri("@s/b@1.0.0")), published=None, scripts=(), since=None,
        cooldown_waiver=None, not_lookalike_of=(), line=8,
    )  # fmt: skip
    empty = read_listed(shrinkwrap=[])
    assert (empty.shrinkwrap, read_listed().shrinkwrap, empty.bundles) == ((), None, ())


def test_a_note_says_the_same_of_its_own_package() -> None:
    note = read_listed(
        bundles=[CARRIED], shrinkwrap=[CARRIED], scripts=["install"], published=TIME, patch="p",
        checksum="c", resolved="r", not_lookalike_of="x", cooldown_waiver="a fix of CVE-1",
    )  # fmt: skip
    carried = (BundledPackage("in", "2.0.0", "node_modules/x", ("install",), "i"),)
    assert (note.bundles, note.shrinkwrap, note.scripts) == (carried, carried, ("install",))
    assert (note.published, note.not_lookalike_of) == (TIME, ("x",))
    assert note.pinned == Pins(sri("express@4.19.2"), "c", "r", "p")
    assert (note.cooldown_waiver, note.vetted_on) == ("a fix of CVE-1", datetime.date(2020, 1, 2))


def test_a_moment_without_a_zone_is_universal() -> None:
    note = read_listed(published=TIME.replace(tzinfo=None))
    assert note.published == TIME
    east = datetime.timezone(datetime.timedelta(hours=5))
    assert read_listed(published=TIME.astimezone(east)).published == TIME


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"bundles": [{"package": "in"}]}, "bundles[0].package: expected 'name@version'"),
        ({"bundles": [{"package": "in@"}]}, "bundles[0].package: expected 'name@version'"),
        ({"bundles": [{"package": "in@1", "x": "y"}]}, "bundles[0].x: unknown key"),
        ({"bundles": [{"package": "in@1", "scripts": "x"}]}, "bundles[0].scripts: expected a list"),
        ({"brings": [listed("b", published="2020")]}, "brings[0].published: expected a time"),
        ({"brings": [listed("b", cooldown_waiver="ok")]}, "brings[0].cooldown-waiver: says nothing"),
        ({"specifier": "^1", "version": None}, "integrity: cannot be combined with 'specifier'"),
        ({"specifier": "^1", "version": None, "integrity": None, "patch": "x"}, "patch: cannot be"),
        ({"specifier": "^1", "version": None, "integrity": None, "resolved": "x"}, "resolved: cannot"),
        ({"specifier": "^1", "version": None, "integrity": None, "checksum": "x"}, "checksum: cannot"),
    ],
)  # fmt: skip
def test_malformed_entries(keys: dict[str, Any], words: str) -> None:
    text = note_text("express", keys.get("version", "4.19.2"), **{
        key: value for key, value in keys.items() if key != "version"
    })  # fmt: skip
    with pytest.raises(NoteError) as raised:
        read_note(PATH, text.encode(), BUILT_IN_CRITERIA)
    assert raised.value.message.startswith(words)


def test_a_specifier_alone_binds_a_note() -> None:
    text = note_text("a", None, specifier="^1.0.0", integrity=None)
    note = read_note(f"{FOLDER}a/%5e1.0.0.toml", text.encode(), BUILT_IN_CRITERIA)
    assert (note.specifier, note.version, note.pinned) == ("^1.0.0", None, Pins(specifier="^1.0.0"))
    assert belongs_at(note)


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


# Mentions.


def test_a_mention_is_of_the_note_s_own_package_or_of_an_entry() -> None:
    note = read_listed(brings=[FULL], published=LONG_AGO_TIME, from_="4.18.2", bundles=[CARRIED])
    (own, brought) = (each for _, _, each in mentions(note))
    assert (own.since, own.published, own.pinned) == ("4.18.2", LONG_AGO_TIME, note.pinned)
    assert (own.bundles, own.shrinkwrap, own.location) == (note.bundles, None, Location(PATH, 1))
    entry = note.brings[0]
    assert (brought.since, brought.published, brought.pinned) == ("0.9.0", TIME, entry.pinned)
    assert (brought.bundles, brought.shrinkwrap) == (entry.bundles, entry.shrinkwrap)
    assert brought.location == Location(PATH, entry.line) != own.location
    assert (brought.accepted, own.accepted) == (False, True)


LONG_AGO_TIME = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def test_a_group_accepts_what_it_lists() -> None:
    text = note_text(None, accepts=[listed("b")], brings=[listed("c")])
    found = list(mentions(read_note(GROUP, text.encode(), BUILT_IN_CRITERIA)))
    assert [(name, version, each.accepted) for name, version, each in found] == [
        ("c", "1.0.0", False), ("b", "1.0.0", True),
    ]  # fmt: skip


# The store, further.


def stored(*names: str, **keys: Any) -> NoteStore:
    files = {f"{FOLDER}{name}/1.0.0.toml": note_text(name, **keys) for name in names}
    return NoteStore(MemorySnapshot(files), BUILT_IN_CRITERIA)


def test_a_note_at_another_place_is_none() -> None:
    files = {
        f"{FOLDER}a/1.0.0.toml": note_text("b"), f"{FOLDER}a/1.0.0.2.toml": note_text("a"),
        f"{FOLDER}a/1.0.0.0.toml": note_text("a"), f"{FOLDER}a/1.0.0.txt": note_text("a"),
    }  # fmt: skip
    store = NoteStore(MemorySnapshot(files), BUILT_IN_CRITERIA)
    assert [each.path for each in store.of("a", "1.0.0")] == [f"{FOLDER}a/1.0.0.2.toml"]
    assert store.of("b") == []


def test_routine_notes_come_last() -> None:
    files = {
        ".vetting/routine/a/1.0.0.toml": routine_text("a", "1.0.0", "0.9.0"),
        f"{FOLDER}a/1.0.0.toml": note_text("a"),
    }
    store = NoteStore(MemorySnapshot(files), BUILT_IN_CRITERIA)
    assert [each.routine for each in store.of("a")] == [False, True]
    assert sorted(store.paths()) == sorted(files)


def test_what_names_a_package() -> None:
    store = stored("a", brings=[listed("b"), listed("b", "2.0.0"), listed("bb")])
    assert [each.listed.version for each in store.naming("b") if each.listed] == ["1.0.0", "2.0.0"]
    assert store.naming("a") == []


def test_each_list_is_indexed_once() -> None:
    store = stored("a", "c", brings=[listed("b")])
    store.expect(["x@1.0.0", "b@1.0.0"])
    for _ in range(2):
        assert [each.note.package for each in store.listing("b", "1.0.0")] == ["a", "c"]
        assert store.listing("x", "1.0.0") == []
    opened = store.opened
    store.search(["b@1.0.0", "x@1.0.0"])
    assert store.opened == opened == 2


def test_the_mentions_of_an_artifact_are_its_own_notes_first() -> None:
    files = {
        f"{FOLDER}a/1.0.0.toml": note_text("a", brings=[listed("b")]),
        f"{FOLDER}b/1.0.0.toml": note_text("b"),
        f"{FOLDER}b/2.0.0.toml": note_text("b", "2.0.0"),
    }
    store = NoteStore(MemorySnapshot(files), BUILT_IN_CRITERIA)
    artifact = Artifact(name="b", version="1.0.0", kind=Kind.REGISTRY)
    assert [each.note.label for each in store.mentioning(artifact)] == ["b@1.0.0", "a@1.0.0"]
    exact = Artifact(name="b", version=None, kind=Kind.REGISTRY, specifier="2.0.0")
    assert [each.note.label for each in store.own(exact)] == ["b@2.0.0"]
    assert store.own(artifact._replace(version="3.0.0")) == []


def test_the_notes_about_what_tarballs_carry() -> None:
    files = {
        f"{FOLDER}a/1.0.0.toml": note_text("a", bundles=[{"package": "in@1.0.0"}]),
        f"{FOLDER}b/1.0.0.toml": note_text("b", shrinkwrap=[{"package": "in@1.0.0"}]),
        f"{FOLDER}c/1.0.0.toml": note_text("c", brings=[listed("in")]),
        f"{FOLDER}d/1.0.0.toml": note_text("d", bundles=[{"package": "other@1.0.0"}]),
    }
    store = NoteStore(MemorySnapshot(files), BUILT_IN_CRITERIA)
    assert [name for name, _, _ in store.carrying({'"in@'})] == ["a", "b"]


def test_an_entry_has_the_line_of_its_package() -> None:
    text = (
        note_text("express", "4.19.2")
        + f'[[brings]]\nintegrity = "{sri("b")}"\npackage = "b@1.0.0"\n'
    )
    (found,) = read_note(PATH, text.encode(), BUILT_IN_CRITERIA).brings
    assert text.splitlines()[found.line - 1] == 'package = "b@1.0.0"'


def test_the_store_reads_notes_with_the_criteria_of_the_policy() -> None:
    files = {f"{FOLDER}a/1.0.0.toml": note_text("a", criteria=["licence"])}
    for criteria, kind in ((("licence",), Note), (BUILT_IN_CRITERIA, NoteError)):
        assert (
            type(NoteStore(MemorySnapshot(files), criteria).read(f"{FOLDER}a/1.0.0.toml")) is kind
        )


def test_a_group_note_that_accepts_a_package_names_it() -> None:
    store = NoteStore(
        MemorySnapshot({GROUP: note_text(None, accepts=[listed("c")])}), BUILT_IN_CRITERIA
    )
    assert [each.note.path for each in store.naming("c")] == [GROUP]


def test_the_own_notes_of_a_version_are_found_without_opening_those_of_others() -> None:
    files = {f"{FOLDER}a/{each}.0.0.toml": note_text("a", f"{each}.0.0") for each in range(1, 5)}
    store = NoteStore(MemorySnapshot(files), BUILT_IN_CRITERIA)
    artifact = Artifact(name="a", version="2.0.0", kind=Kind.REGISTRY)
    (found,) = store.own(artifact)
    assert (found.note.label, found.accepted) == ("a@2.0.0", True)
    assert store.opened == 1


def test_a_hash_that_is_no_base64_is_no_file_name() -> None:
    source = "https://host.example/a.tgz"
    odd = file_stem(None, Pins(integrity="sha512-ab!cd", resolved=source))
    assert odd == file_stem(None, Pins(resolved=source))
