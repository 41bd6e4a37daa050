"""The notes of a snapshot: which are found, and which are opened for it."""

from __future__ import annotations

from typing import Any

from npm_vetted.model import Artifact, Kind
from npm_vetted.vetting.note_store import NoteStore
from npm_vetted.vetting.notes import (
    FOLDER,
    GROUPS,
    Note,
    NoteError,
)
from npm_vetted.vetting.policy import BUILT_IN_CRITERIA
from tests.support.npm_projects import (
    MemorySnapshot,
    listed,
    note_text,
    routine_text,
)

GROUP = f"{GROUPS}2026-11-22-babel-12ab.toml"


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
