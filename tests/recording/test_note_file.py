"""The text of a note's file, and where it belongs: whatever is written reads back as what was meant."""

from __future__ import annotations

import dataclasses
import datetime
import tomllib
from typing import Any

import pytest

from npm_vetted.model import Artifact, BundledPackage, Kind, Published
from npm_vetted.recording.note_file import (
    NoteText,
    SignalEvidence,
    note_paths,
    note_text,
    routine_text,
)
from npm_vetted.recording.proposals import Draft, Item
from npm_vetted.vetting.notes import read_note
from npm_vetted.vetting.resolver import VettingRequest
from npm_vetted.vetting.routine import ROUTINE
from tests.support.npm_projects import sri

DAY = datetime.date(2026, 2, 3)
OUT = datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC)
WORDS = NoteText(
    why="  Read it all.  ", criteria=("health",), vetted_by="Ada <a@example.com>", vetted_on=DAY
)
ALWAYS = {
    "criteria": ["health"],
    "vetted-by": "Ada <a@example.com>",
    "vetted-on": DAY,
    "why": "Read it all.\n",
}


def artifact(name: str = "a", version: str | None = "1.0.0", **keys: Any) -> Artifact:
    return Artifact(**{"name": name, "version": version, "kind": Kind.REGISTRY,
                       "integrity": sri(f"{name}@{version}"), **keys})  # fmt: skip


def item(what: Artifact, since: str | None = None) -> Item:
    return Item(subject=VettingRequest(what, direct=True, development=False), since=since)


def written(draft: Draft, words: NoteText = WORDS, **seen: Published) -> dict[str, Any]:
    facts = {
        each.artifact: seen[each.artifact.name]
        for each in draft.items
        if each.artifact.name in seen
    }
    text = note_text(draft, words, facts).decode()
    assert text.startswith("#:schema https://")
    return tomllib.loads(text)


A = {"package": "a", "version": "1.0.0", "integrity": sri("a@1.0.0")}


@pytest.mark.parametrize(
    ("what", "since", "expected"),
    [
        (artifact(), None, A),
        (artifact(), "0.9.0", {**A, "from": "0.9.0"}),
        (artifact(scripts=True), None, {**A, "scripts": ["install"]}),
        (artifact(resolved="https://x.example/a.tgz"), None, A),
        (
            artifact(kind=Kind.TARBALL, resolved="https://x.example/a.tgz"), None,
            {**A, "resolved": "https://x.example/a.tgz"},
        ),
        (artifact(integrity=None, checksum="f0"), None, {"package": "a", "version": "1.0.0", "checksum": "f0"}),
        (artifact(patch="sha256-x"), None, {**A, "patch": "sha256-x"}),
        (
            artifact(version=None, integrity=None, specifier="^1.0.0"), None,
            {"package": "a", "specifier": "^1.0.0"},
        ),
    ],
)  # fmt: skip
def test_a_note_of_one_package(what: Artifact, since: str | None, expected: dict[str, Any]) -> None:
    assert written(Draft(own=item(what, since))) == {**expected, **ALWAYS}


SEEN = Published(
    published=OUT, integrity=sri("registry"), scripts=("postinstall",), evidence={"latest": "1.0.0"}
)


def test_what_the_registry_says_is_recorded() -> None:
    assert written(Draft(own=item(artifact())), a=SEEN) == {
        **A, **ALWAYS, "published": OUT, "scripts": ["postinstall"], "evidence": {"latest": "1.0.0"},
    }  # fmt: skip
    without = Draft(own=item(artifact(integrity=None)))
    assert written(without, a=SEEN)["integrity"] == sri("registry")
    assert written(Draft(own=item(artifact(scripts=True))), a=SEEN._replace(scripts=()))[
        "scripts"
    ] == ["install"]


def test_what_the_tarball_carries_is_recorded() -> None:
    carried = (
        BundledPackage("in", "1.0.0", "node_modules/in", scripts=("install",)),
        BundledPackage("in", "2.0.0", "node_modules/x/node_modules/in"),
    )
    pins = (BundledPackage("deep", "1.0.0", "node_modules/deep", integrity="sha512-x"),)
    seen = SEEN._replace(bundles=carried, shrinkwrap=pins)
    found = written(Draft(own=item(artifact())), a=seen)
    assert found["bundles"] == [
        {"package": "in@1.0.0", "scripts": ["install"]},
        {"package": "in@2.0.0", "path": "node_modules/x/node_modules/in"},
    ]
    assert found["shrinkwrap"] == [{"package": "deep@1.0.0", "integrity": "sha512-x"}]
    assert written(Draft(own=item(artifact())), a=SEEN._replace(shrinkwrap=()))["shrinkwrap"] == []


def test_a_waiver_and_a_name_that_is_meant() -> None:
    words = dataclasses.replace(WORDS, cooldown_waiver="an incident", not_lookalike_of=("b",))
    found = written(Draft(own=item(artifact())), words)
    assert (found["cooldown-waiver"], found["not-lookalike-of"]) == ("an incident", ["b"])


def test_lists_are_sorted_and_only_accepted_packages_are_upgrades() -> None:
    listed = (item(artifact("c"), "0.9.0"), item(artifact("b"), "0.8.0"))
    found = written(Draft(own=None, accepts=listed, brings=listed), b=SEEN)
    b = {
        "package": "b@1.0.0",
        "integrity": sri("b@1.0.0"),
        "published": OUT,
        "scripts": ["postinstall"],
    }
    c = {"package": "c@1.0.0", "integrity": sri("c@1.0.0")}
    assert found["accepts"] == [{**b, "from": "0.8.0"}, {**c, "from": "0.9.0"}]
    assert found["brings"] == [b, c]
    assert "package" not in found


@pytest.mark.parametrize(
    "why", ['"""', "a\\b", "one\ntwo", 'ends with a quote"', "\ttab", "é\u202e"]
)
def test_any_reason_reads_back(why: str) -> None:
    found = written(Draft(own=item(artifact())), dataclasses.replace(WORDS, why=why))
    assert found["why"] == f"{why.strip()}\n"


def test_a_routine_note_is_evidence_without_words() -> None:
    own, other = artifact(), artifact("b")
    draft = Draft(own=item(own, "0.9.0"), brings=(item(other, "0.8.0"),))
    signals = SignalEvidence(3, 7, ("power:net",))
    text = routine_text(draft, "Ada", DAY, {own: SEEN, other: SEEN}, signals)
    assert tomllib.loads(text.decode()) == {
        **A, "from": "0.9.0", "criteria": [], "vetted-by": "Ada", "vetted-on": DAY, "published": OUT,
        "scripts": ["postinstall"],
        "brings": [{"package": "b@1.0.0", "integrity": sri("b@1.0.0"), "from": "0.8.0", "published": OUT,
                    "scripts": ["postinstall"]}],
        "evidence": {"latest": "1.0.0", "signals-version": 3, "score": 7, "signals": ["power:net"]},
    }  # fmt: skip


def test_a_release_without_a_hash_in_the_lockfile_is_bound_by_the_registrys() -> None:
    """Yarn records none of a program for one platform, and names no host: a routine note has no source."""
    program = artifact("b", integrity=None, resolved="npm:b@1.0.0", unhashed=True)
    draft = Draft(own=item(artifact(), "0.9.0"), brings=(item(program, "0.9.0"),))
    signals = SignalEvidence(1, 0, ())
    seen = {each.artifact: SEEN for each in draft.items}
    note = read_note(
        ".vetting/routine/a/1.0.0.toml", routine_text(draft, "Ada", DAY, seen, signals)
    )
    [listed] = note.brings
    assert (listed.pinned.integrity, listed.pinned.resolved) == (SEEN.integrity, None)


def test_where_a_note_belongs() -> None:
    first, second, *others = note_paths(Draft(own=item(artifact("@s/a"))), DAY, b"")
    assert (first, second) == (".vetting/notes/@s/a/1.0.0.toml", ".vetting/notes/@s/a/1.0.0.2.toml")
    assert len(others) == 97
    (path,) = note_paths(Draft(own=None, accepts=(item(artifact("@s/a")),)), DAY, b"")
    assert path == ".vetting/notes/_groups/2026-02-03-a-e3b0.toml"
    routine = note_paths(Draft(own=item(artifact())), DAY, b"", ROUTINE)
    assert routine[0] == ".vetting/routine/a/1.0.0.toml"
