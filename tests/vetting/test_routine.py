"""Routine notes: what one must say, and what only a person may say."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from npm_vetted.vetting.note_paths import belongs_at
from npm_vetted.vetting.notes import NoteError, read_note
from npm_vetted.vetting.policy import BUILT_IN_CRITERIA
from npm_vetted.vetting.routine import ROUTINE
from tests.support.npm_projects import listed, note_text, routine_text

PATH = f"{ROUTINE}a/1.0.1.toml"
AT = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
BROUGHT = {"from": "1.0.0", "published": AT}


def read(text: str, path: str = PATH) -> Any:
    return read_note(path, text.encode(), BUILT_IN_CRITERIA)


def test_one_that_is_whole() -> None:
    note = read(routine_text("a", "1.0.1", "1.0.0", brings=[listed("@s/b", "2.0.1", **BROUGHT)]))
    assert note.routine
    assert (note.since, note.criteria, note.why, note.grants) == ("1.0.0", (), "", frozenset())
    assert [each.since for each in note.brings] == ["1.0.0"]
    assert belongs_at(note)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"criteria": ["health"]}, "criteria: a routine note has no criteria: expected []"),
        ({"why": "It was read."}, "why: not in a routine note: only a person may say it"),
        (
            {"cooldown_waiver": "it cannot wait"},
            "cooldown-waiver: not in a routine note: only a person may say it",
        ),
        (
            {"not_lookalike_of": ["b"]},
            "not-lookalike-of: not in a routine note: only a person may say it",
        ),
        (
            {"resolved": "git+https://a.example/a#0123456789ab"},
            "resolved: not in a routine note: only a person may say it",
        ),
        ({"patch": "sha256-x"}, "patch: not in a routine note: only a person may say it"),
        ({"from_": None}, "the key 'from' is missing, which a routine note needs"),
        ({"version": None}, "the key 'version' is missing, which a routine note needs"),
        ({"version": "main"}, "version: expected a registry's version, found 'main'"),
        ({"published": None}, "the key 'published' is missing, which a routine note needs"),
        ({"scripts": None}, "the key 'scripts' is missing, which a routine note needs"),
        ({"evidence": None}, "the key 'evidence' is missing, which a routine note needs"),
        ({"evidence": {"score": 1}}, "evidence: the key 'signals-version' is missing, which a routine note needs"),
        (
            {"evidence": {"signals-version": 1, "score": 5, "signals": []}},
            "evidence.score: expected a score below 5: more needs a person",
        ),
        (
            {"evidence": {"signals-version": 1, "score": -1, "signals": []}},
            "evidence.score: expected a score below 5: more needs a person",
        ),
        (
            {"evidence": {"signals-version": 0, "score": 1, "signals": []}},
            "evidence.signals-version: expected the version of the signals' table",
        ),
        (
            {"evidence": {"signals-version": 1, "score": 1}},
            "evidence: the key 'signals' is missing, which a routine note needs",
        ),
        (
            {"evidence": {"signals-version": 1, "score": 1, "signals": "x"}},
            "evidence.signals: expected a list of strings, found the string 'x'",
        ),
        ({"from_": "main"}, "from: expected a registry's version, found 'main'"),
        (
            {"brings": [listed("b", "2.0.1", **{**BROUGHT, "from": "main"})]},
            "brings[0].from: expected a registry's version, found 'main'",
        ),
        (
            {"brings": [listed("b", "2.0.1", published=AT)]},
            "brings[0]: the key 'from' is missing, which a routine note needs",
        ),
        (
            {"brings": [listed("b", "2.0.1", cooldown_waiver="no wait", **BROUGHT)]},
            "brings[0].cooldown-waiver: not in a routine note: only a person may say it",
        ),
        (
            {"brings": [listed("b", "git+https://b.example/", **BROUGHT)]},
            "brings[0].package: expected a registry's version, found 'git+https://b.example/'",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(NoteError) as raised:
        read(routine_text("a", "1.0.1", "1.0.0", **keys))
    assert raised.value.message == message


def test_a_note_without_words_in_any_other_place_is_refused() -> None:
    with pytest.raises(NoteError) as raised:
        read(routine_text("a", "1.0.1", "1.0.0"), ".vetting/notes/a/1.0.1.toml")
    assert raised.value.message == "the key 'why' is missing"


def test_a_note_with_words_is_refused_here() -> None:
    with pytest.raises(NoteError):
        read(note_text("a", "1.0.1"))


@pytest.mark.parametrize(
    ("path", "right"),
    [
        (f"{ROUTINE}a/1.0.1.toml", True),
        (f"{ROUTINE}a/1.0.1.2.toml", True),
        (f"{ROUTINE}b/1.0.1.toml", False),
        (f"{ROUTINE}_groups/2020-01-01-a-1234.toml", False),
        (f"{ROUTINE}1.0.1.toml", False),
    ],
)
def test_where_one_belongs(path: str, right: bool) -> None:
    assert belongs_at(read(routine_text("a", "1.0.1", "1.0.0"), path)) is right
