"""Notes: which keys they have, what is refused and with which words, and what they are about."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from npm_vetted.model import BundledPackage, Location
from npm_vetted.vetting.note_paths import (
    belongs_at,
)
from npm_vetted.vetting.notes import (
    FOLDER,
    GROUPS,
    Listed,
    Note,
    NoteError,
    mentions,
    read_note,
    says_something,
)
from npm_vetted.vetting.pins import Pins
from npm_vetted.vetting.policy import BUILT_IN_CRITERIA
from tests.support.npm_projects import (
    LONG_AGO,
    listed,
    note_text,
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


def test_an_entry_has_the_line_of_its_package() -> None:
    text = (
        note_text("express", "4.19.2")
        + f'[[brings]]\nintegrity = "{sri("b")}"\npackage = "b@1.0.0"\n'
    )
    (found,) = read_note(PATH, text.encode(), BUILT_IN_CRITERIA).brings
    assert text.splitlines()[found.line - 1] == 'package = "b@1.0.0"'
