"""Packages in another's tarball, and tarballs with an npm-shrinkwrap.json, on real commits."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import (
    check,
    entry,
    listed,
    run,
    sri,
    write_note,
    write_project,
    write_routine_note,
)

INNER = entry("inner", resolved=None, integrity=None, inBundle=True)
BUNDLES = [{"package": "inner@1.0.0"}]


def write(repo: GitRepo, more: Mapping[str, Any] | None = None, version: str = "1.0.0") -> None:
    """A project whose dependency ``b`` bundles ``inner``, and more."""
    carrier = entry("b", version, bundleDependencies=["inner"], dependencies={"inner": "*"})
    write_project(repo, {"b": carrier, "b/node_modules/inner": INNER, **(more or {})})


def codes(repo: GitRepo, *words: str) -> list[tuple[str, str]]:
    return [
        (f"{each['check']}/{each['code']}", each["package"])
        for each in check(repo, *words).findings
    ]


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A repository that has adopted, without dependencies."""
    write_project(git_repo, {})
    git_repo.write(".npmrc", "ignore-scripts=true\n")
    git_repo.write(".vetting/config.toml", "format = 2\n[policy]\ncooldown-days = 0\n")
    git_repo.commit("Start")
    return git_repo


MISSING = [("unvetted/bundled", "inner")]


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({}, MISSING),
        ({"bundles": BUNDLES}, []),
        ({"bundles": [{"package": "inner@1.0.1"}]}, MISSING),
        ({"bundles": [{"package": "inner@1.0.0", "path": "node_modules/x/node_modules/inner"}]}, MISSING),
        (
            {"bundles": [{"package": "inner@1.0.0", "scripts": ["install"]}]},
            [("install-scripts/scripts-not-reviewed", "inner")],
        ),
        (
            {"bundles": [{"package": "inner@1.0.0", "scripts": ["install"]}],
             "criteria": ["health", "scripts"]},
            [],
        ),
    ],
)  # fmt: skip
def test_the_carriers_note_is_the_evidence(
    repo: GitRepo, keys: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    write(repo)
    write_note(repo, "b", **keys)
    assert codes(repo) == found


def test_what_the_lockfile_alone_puts_into_a_tarball_is_found(repo: GitRepo) -> None:
    """npm fetches such a package from the registry, and compares it with no hash."""
    write(repo)
    write_note(repo, "b", bundles=BUNDLES)
    repo.commit("Add b")
    claim = {**INNER, "dependencies": {"evil": "*"}}
    evil = entry("evil", resolved=None, integrity=None, inBundle=True)
    write(repo, {"b/node_modules/inner": claim, "b/node_modules/evil": evil})
    assert ("unvetted/bundled", "evil") in codes(repo)


def test_what_was_there_under_the_same_hash_passes(repo: GitRepo) -> None:
    write(repo)
    write_note(repo, "b")
    repo.commit("Before the rule")
    write(repo, {"c": entry("c")})
    write_note(repo, "c")
    assert codes(repo) == []


def test_another_hash_of_the_carrier_needs_new_evidence(repo: GitRepo) -> None:
    write(repo)
    write_note(repo, "b", bundles=BUNDLES)
    repo.commit("Add b")
    write(repo, version="1.1.0")
    write_note(repo, "b", "1.1.0", from_="1.0.0", criteria=["changelog"])
    assert codes(repo) == MISSING
    write_note(repo, "b", "1.1.0", from_="1.0.0", criteria=["changelog"], bundles=BUNDLES)
    assert codes(repo) == []


def test_adoption_takes_over_what_is_bundled(git_repo: GitRepo) -> None:
    """By baseline lines that are bound to the hash of the tarball that carries it."""
    write(git_repo)
    git_repo.write(".npmrc", "ignore-scripts=true\n")
    git_repo.commit("Start")
    assert run(git_repo.path, "init").status == 0
    git_repo.commit("Adopt")
    assert check(git_repo, "--all").findings == []
    baseline = (git_repo.path / ".vetting/baseline.txt").read_text()
    assert "unvetted/bundled" in baseline
    lock = json.loads((git_repo.path / "package-lock.json").read_text())
    lock["packages"]["node_modules/b"]["integrity"] = sri("other")
    git_repo.write("package-lock.json", json.dumps(lock))
    assert ("unvetted/bundled", "inner") not in codes(git_repo)  # the carrier itself is found
    assert ("integrity/hash-changed", "b") in codes(git_repo)


def pinned(name: str, **more: Any) -> dict[str, Any]:
    return {"package": f"{name}@1.0.0", "integrity": sri(f"{name}@1.0.0"), **more}


@pytest.mark.parametrize(
    ("keys", "below", "found"),
    [
        ({}, {}, [("lockfile-source/shrinkwrap", "b")]),
        ({"shrinkwrap": []}, {}, []),
        ({"shrinkwrap": [pinned("c")]}, {}, [("lockfile-source/shrinkwrap-differs", "b")]),
        ({"shrinkwrap": [pinned("c")]}, {"b/node_modules/c": entry("c")}, []),
        (
            {"shrinkwrap": [pinned("c")]},
            {"b/node_modules/c": entry("c", integrity=sri("other"))},
            [("lockfile-source/shrinkwrap-differs", "b"), ("integrity/not-the-vetted-hash", "c")],
        ),
    ],
)
def test_a_shrinkwrap_in_a_tarball_needs_a_note_that_says_what_it_pins(
    repo: GitRepo, keys: dict[str, Any], below: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    asked = {"dependencies": {"c": "*"}} if below else {}
    write_project(repo, {"b": entry("b", hasShrinkwrap=True, **asked), **below})
    write_note(repo, "b", **keys)
    if below:
        write_note(repo, "c")
    assert sorted(codes(repo)) == sorted(found)


def test_the_flag_alone_is_found_on_a_package_that_was_accepted(repo: GitRepo) -> None:
    write_project(repo, {"b": entry("b")})
    write_note(repo, "b")
    repo.commit("Add b")
    write_project(repo, {"b": entry("b", hasShrinkwrap=True)})
    assert codes(repo) == [("lockfile-source/shrinkwrap", "b")]


def test_the_time_grows_with_the_number_of_bundled_packages(repo: GitRepo) -> None:
    """A tarball may carry thousands: decoding it once for each would take minutes."""
    names = [f"n{number}" for number in range(3000)]
    carrier = entry("b", bundleDependencies=names, dependencies=dict.fromkeys(names, "*"))
    inside = {
        f"b/node_modules/{name}": entry(name, resolved=None, integrity=None, inBundle=True)
        for name in names
    }
    write_project(repo, {"b": carrier, **inside})
    write_note(repo, "b")
    started = time.process_time()
    found = check(repo, "unvetted").findings
    assert {each["code"] for each in found} == {"bundled"}
    assert len(found) == len(names)
    assert time.process_time() - started < 4


ROUTINE = {
    "as the version before": (BUNDLES, BUNDLES, []),
    "other packages": (
        BUNDLES, [{"package": "inner@1.0.1"}], [("notes/routine", "b"), ("unvetted/bundled", "inner")],
    ),
    "nobody said what the one before carries": (
        None, BUNDLES, [("notes/routine", "b"), ("unvetted/bundled", "inner")],
    ),
    "it says nothing": (BUNDLES, None, [("unvetted/bundled", "inner")]),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "found"), ROUTINE.values(), ids=ROUTINE)
def test_a_routine_note_may_repeat_what_a_person_said(
    repo: GitRepo, before: Any, after: Any, found: list[tuple[str, str]]
) -> None:
    policy = "format = 2\n[policy]\ncooldown-days = 0\nupgrade = { patch = [] }\n"
    repo.write(".vetting/config.toml", policy)
    write(repo)
    write_note(repo, "b", **({"bundles": before} if before else {}))
    repo.commit("Vet b")
    write(repo, version="1.0.1")
    write_routine_note(repo, "b", "1.0.1", "1.0.0", **({"bundles": after} if after else {}))
    assert codes(repo) == found


def test_a_new_carrier_s_copy_never_had_the_hash_of_its_twin(repo: GitRepo) -> None:
    """`inner` is locked with a hash; then a package arrives that bundles the same version."""
    write_project(repo, {"inner": entry("inner")})
    write_note(repo, "inner")
    repo.commit("Use inner")
    write(repo, {"inner": entry("inner")})
    write_note(repo, "b", bundles=BUNDLES)
    assert codes(repo) == []


def test_what_is_locked_does_not_lose_its_hash_to_a_claim_of_bundling(repo: GitRepo) -> None:
    carrier = entry("b", bundleDependencies=["inner"], dependencies={"inner": "*"})
    write_project(repo, {"b": carrier, "b/node_modules/inner": entry("inner")})
    write_note(repo, "b", brings=[listed("inner")])
    repo.commit("Use b")
    write(repo)
    assert ("integrity/hash-vanished", "inner") in codes(repo)
