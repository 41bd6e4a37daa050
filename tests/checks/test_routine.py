"""Routine notes at a commit: what they cover, and what the hook refuses of them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from npm_vetted.vetting.presets import PRESETS
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import (
    adopt,
    check,
    entry,
    listed,
    write_note,
    write_project,
    write_routine_note,
)

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
OLD = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A project under the preset ``balanced`` that uses a, which brings b; a person vetted both."""
    write_project(
        git_repo, {"a": entry("a", dependencies={"b": "*"}), "b": entry("b")}, asked=["a"]
    )
    write_note(git_repo, "a", brings=[listed("b", published=OLD)], published=OLD)
    adopt(git_repo)
    git_repo.write(".vetting/config.toml", PRESETS["balanced"])
    git_repo.commit("Policy")
    return git_repo


def codes(repo: GitRepo) -> list[tuple[str, str]]:
    return [
        (each["check"], each["code"]) for each in check(repo).findings if each["level"] == "error"
    ]


def upgraded(repo: GitRepo, version: str, **more: Any) -> None:
    write_project(
        repo, {"a": entry("a", version, dependencies={"b": "*"}), "b": entry("b"), **more},
        asked=["a"],
    )  # fmt: skip


REFUSED = [("notes", "routine")]


@pytest.mark.parametrize(
    ("version", "keys", "found"),
    [
        pytest.param("1.0.1", {}, [], id="patch"),
        pytest.param("1.1.0", {}, [], id="minor"),
        pytest.param(
            "2.0.0", {}, [*REFUSED, ("unvetted", "criteria")], id="a major step needs words"
        ),
        pytest.param(
            "1.0.1-rc.1", {}, [*REFUSED, ("unvetted", "criteria")], id="so does a prerelease"
        ),
        pytest.param(
            "0.9.0", {}, [*REFUSED, ("unvetted", "criteria")], id="and a downgrade"
        ),
        pytest.param(
            "1.0.1", {"published": NOW - DAY}, [("cooldown", "too-young"), *REFUSED],
            id="too young",
        ),
        pytest.param(
            "1.0.1", {"published": NOW + 30 * DAY}, REFUSED,
            id="in the future",
        ),
        pytest.param(
            "1.0.1", {"scripts": ["postinstall"]},
            [("install-scripts", "scripts-not-reviewed"), *REFUSED], id="scripts that are new",
        ),
        pytest.param(
            "1.0.1", {"criteria": ["health"]}, [*REFUSED, ("unvetted", "upgraded")], id="criteria",
        ),
        pytest.param(
            "1.0.1", {"from_": "0.5.0"}, [("notes", "chain"), *REFUSED, ("unvetted", "criteria")],
            id="a start that nobody vetted",
        ),
    ],
)  # fmt: skip
def test_a_step(
    repo: GitRepo, version: str, keys: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    upgraded(repo, version)
    write_routine_note(repo, "a", version, "1.0.0", **keys)
    assert sorted(set(codes(repo))) == sorted(found)


def test_the_next_step_starts_from_a_routine_note(repo: GitRepo) -> None:
    upgraded(repo, "1.0.1")
    write_routine_note(repo, "a", "1.0.1", "1.0.0")
    repo.commit("One step")
    upgraded(repo, "1.0.2")
    write_routine_note(repo, "a", "1.0.2", "1.0.1")
    assert codes(repo) == []


def test_without_any_note_it_is_unvetted(repo: GitRepo) -> None:
    upgraded(repo, "1.0.1")
    assert codes(repo) == [("unvetted", "upgraded")]


def test_what_it_brings_needs_an_earlier_version_here(repo: GitRepo) -> None:
    upgraded(repo, "1.0.1", c=entry("c"))
    packages = {
        "a": entry("a", "1.0.1", dependencies={"b": "*", "c": "*"}), "b": entry("b", "1.0.1"),
        "c": entry("c"),
    }  # fmt: skip
    write_project(repo, packages, asked=["a"])
    brought = listed("b", "1.0.1", published=OLD, from_="1.0.0")
    write_routine_note(repo, "a", "1.0.1", "1.0.0", brings=[brought])
    assert codes(repo) == [("unvetted", "new")]  # c is new: a person must name it
    new = listed("c", published=OLD, from_="0.9.0")
    write_routine_note(repo, "a", "1.0.1", "1.0.0", brings=[brought, new])
    found = codes(repo)
    assert ("notes", "routine") in found
    assert ("unvetted", "criteria") in found


def test_a_name_that_is_new_needs_a_person(repo: GitRepo) -> None:
    packages = {"a": entry("a", dependencies={"b": "*"}), "b": entry("b"), "c": entry("c")}
    write_project(repo, packages, asked=["a", "c"])
    write_routine_note(repo, "c", "1.0.0", "0.9.0")
    assert ("notes", "routine") in codes(repo)
    repo.git("commit", "-qm", "The note alone", "--no-verify", "--", ".vetting")
    repo.git("add", "-A")
    assert codes(repo) == [("unvetted", "criteria")]


def test_format_1_has_none(repo: GitRepo) -> None:
    repo.write(".vetting/config.toml", "format = 1\n[policy]\nupgrade = []\n")
    repo.commit("An old format")
    upgraded(repo, "1.0.1")
    write_routine_note(repo, "a", "1.0.1", "1.0.0")
    assert codes(repo) == [("notes", "routine"), ("unvetted", "upgraded")]


def test_an_exempt_cooldown_permits_none(repo: GitRepo) -> None:
    until = (NOW + 30 * DAY).date()
    entries = f'[[cooldown-exempt]]\npackages = ["a"]\nreason = "ours"\nuntil = {until}\n'
    repo.write(".vetting/config.toml", PRESETS["balanced"] + entries)
    repo.commit("Policy")
    upgraded(repo, "1.0.1")
    path = write_routine_note(repo, "a", "1.0.1", "1.0.0", published=NOW - DAY)
    assert codes(repo) == [("notes", "routine")]
    repo.git("rm", "-qf", path)
    write_note(repo, "a", "1.0.1", from_="1.0.0", published=NOW - DAY)
    assert codes(repo) == []
