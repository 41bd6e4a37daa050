"""The check ``cooldown``: what age counts, from when, and what waives it."""

from __future__ import annotations

import datetime
import sys
from typing import Any

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import (
    adopt,
    check,
    entry,
    listed,
    note_text,
    write_note,
    write_project,
)

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


def days_ago(days: float) -> datetime.datetime:
    return (NOW - DAY * days).replace(microsecond=0)


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A repository that has adopted."""
    write_project(git_repo, {})
    adopt(git_repo)
    return git_repo


def found(repo: GitRepo) -> list[tuple[str, str]]:
    return [(each["package"], each["message"]) for each in check(repo, "cooldown").findings]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"published": days_ago(8)}, None),
        ({"published": days_ago(7.01)}, None),
        (
            {"published": days_ago(3)},
            "published 3 days ago; the policy requires 7 days (3 days left)",
        ),
        (
            {"published": days_ago(0.1)},
            "published 2 hours ago; the policy requires 7 days (6 days left)",
        ),
        ({"published": days_ago(3), "cooldown_waiver": "fixes CVE-2026-1"}, None),
        ({"published": days_ago(-30)}, None),
        ({"vetted_on": days_ago(20).date()}, None),
        (
            {"published": days_ago(-30), "vetted_on": NOW.date()},
            "vetted (no time of publication is recorded)",
        ),
        ({"vetted_on": NOW.date()}, "vetted (no time of publication is recorded)"),
        ({"vetted_on": days_ago(-300).date()}, "vetted (no time of publication is recorded)"),
    ],
)
def test_from_when_age_counts(repo: GitRepo, keys: dict[str, Any], message: str | None) -> None:
    write_project(repo, {"a": entry("a")})
    write_note(repo, "a", **keys)
    judged = found(repo)
    assert [name for name, _ in judged] == ([] if message is None else ["a"])
    assert all(words.startswith(message or "") for _, words in judged)


def test_the_first_command_leaves_the_young_version_out(repo: GitRepo) -> None:
    """The commit keeps the version before; the working tree keeps the upgrade until it is old enough."""
    write_project(repo, {"a": entry("a")})
    write_note(repo, "a", published=days_ago(400))
    repo.commit("Old enough")
    write_project(repo, {"a": entry("a", "1.0.1")})
    write_note(repo, "a", "1.0.1", from_="1.0.0", criteria=["changelog"], published=days_ago(1))
    [finding] = check(repo, "cooldown").findings
    first, last = finding["fix"].splitlines()
    assert first == "git restore --staged package-lock.json"
    assert last.endswith("--waive-cooldown REASON")
    repo.git(*first.split()[1:])
    assert check(repo, add=False).judged == []
    assert '"version": "1.0.1"' in (repo.path / "package-lock.json").read_text()


def test_after_commit_a_the_young_version_is_stashed(repo: GitRepo) -> None:
    """What only the index leaves out, `git commit -a` would stage again."""
    write_project(repo, {"a": entry("a")})
    write_note(repo, "a", published=days_ago(400))
    repo.commit("Old enough")
    write_project(repo, {"a": entry("a", "1.0.1")})
    write_note(repo, "a", "1.0.1", from_="1.0.0", criteria=["changelog"], published=days_ago(1))
    hook = f"#!/bin/sh\nexec {sys.executable} -m npm_vetted check\n"
    repo.write(".git/hooks/pre-commit", hook).chmod(0o755)
    repo.git("add", ".vetting")
    done = repo.run("commit", "-qam", "Upgrade", check=False)
    assert "    fix: git stash push -- package-lock.json\n" in done.stdout + done.stderr
    repo.git("stash", "push", "--", "package-lock.json")
    repo.git("commit", "-qam", "The note alone")
    repo.git("stash", "pop")
    assert '"version": "1.0.1"' in (repo.path / "package-lock.json").read_text()


def test_what_is_old_enough_is_not_left_out_with_it(repo: GitRepo) -> None:
    write_project(repo, {"a": entry("a"), "b": entry("b")})
    write_note(repo, "a", published=days_ago(1))
    write_note(repo, "b", published=days_ago(400))
    [finding] = check(repo, "cooldown").findings
    assert "git restore" not in finding["fix"]


def test_the_command_that_waives_it(repo: GitRepo) -> None:
    write_project(repo, {"a": entry("a")})
    write_note(repo, "a", published=days_ago(1))
    [finding] = check(repo, "cooldown").findings
    assert finding["fix"].endswith('note "a@1.0.0" --waive-cooldown REASON')


@pytest.mark.parametrize(
    ("own", "inner", "judged"),
    [
        ({}, {"published": days_ago(1)}, ["b"]),
        ({"cooldown_waiver": "cannot wait"}, {"published": days_ago(1)}, []),
        ({}, {"published": days_ago(1), "cooldown_waiver": "cannot wait"}, []),
        (
            {"published": days_ago(1)},
            {"published": days_ago(1), "cooldown_waiver": "no wait"},
            ["a"],
        ),
    ],
)
def test_what_a_note_brings(
    repo: GitRepo, own: dict[str, Any], inner: dict[str, Any], judged: list[str]
) -> None:
    packages = {"a": entry("a", dependencies={"b": "*"}), "b": entry("b")}
    write_project(repo, packages, asked=["a"])
    # The times of a list are written as TOML times.
    own = {"published": days_ago(30), **own}
    write_note(repo, "a", **own, brings=[listed("b", **inner)])
    assert [name for name, _ in found(repo)] == judged


def test_a_group(repo: GitRepo) -> None:
    write_project(repo, {"a": entry("a"), "b": entry("b")})
    accepts = [listed("a", published=days_ago(30)), listed("b", published=days_ago(1))]
    repo.write(".vetting/notes/_groups/2020-01-02-a-1234.toml", note_text(None, accepts=accepts))
    [finding] = check(repo, "cooldown").findings
    assert finding["fix"].endswith('note "b@1.0.0" --waive-cooldown REASON')


def test_no_cooldown_and_one_for_development(repo: GitRepo) -> None:
    repo.write(".vetting/config.toml", "[policy.development]\ncooldown-days = 0\n")
    repo.commit("Development does not wait")
    write_project(
        repo, {"a": entry("a"), "b": entry("b", dev=True)}, asked=["a"], devDependencies={"b": "*"}
    )
    write_note(repo, "a", published=days_ago(1))
    write_note(repo, "b", published=days_ago(1))
    assert [name for name, _ in found(repo)] == ["a"]


BY_STEP = (
    "[policy]\ncooldown-days = { major = 14, minor = 5, patch = 0, new = 20 }\n"
    "upgrade = []\nnew = []\n"
)


@pytest.mark.parametrize(
    ("before", "after", "days"),
    [
        (None, "1.0.0", 20),
        ("1.0.0", "1.0.1", 0),
        ("1.0.0", "1.1.0", 5),
        ("1.0.0", "2.0.0", 14),
        ("0.1.0", "0.2.0", 14),
        ("1.0.0", "1.0.1-rc.1", 14),
        ("1.1.0", "1.0.9", 14),
    ],
)
def test_days_by_step(repo: GitRepo, before: str | None, after: str, days: int) -> None:
    repo.write(".vetting/config.toml", f"format = 2\n{BY_STEP}")
    repo.commit("Policy")
    if before is not None:
        write_project(repo, {"a": entry("a", before)})
        write_note(repo, "a", before)
        repo.commit("Before", add=True)
    write_project(repo, {"a": entry("a", after)})
    write_note(repo, "a", after, published=days_ago(days + 0.1))
    assert found(repo) == []
    if days:
        write_note(repo, "a", after, published=days_ago(days - 0.1))
        [(_, message)] = found(repo)
        assert f"requires {days} days" in message


@pytest.mark.parametrize(
    ("until", "judged"), [(NOW.date(), []), (NOW.date() - DAY, ["@acme/a", "b"])]
)
def test_who_need_not_wait(repo: GitRepo, until: datetime.date, judged: list[str]) -> None:
    entries = (
        f'[[cooldown-exempt]]\npackages = ["@acme/*", "b"]\nreason = "ours"\nuntil = {until}\n'
    )
    repo.write(".vetting/config.toml", f"format = 2\n{entries}")
    repo.commit("Policy")
    write_project(repo, {name: entry(name) for name in ("@acme/a", "b", "c")})
    for name in ("@acme/a", "b", "c"):
        write_note(repo, name, published=days_ago(1))
    assert [name for name, _ in found(repo)] == [*judged, "c"]


def test_an_exemption_of_more_than_a_year_is_refused(repo: GitRepo) -> None:
    until = NOW.date() + DAY * 400
    entries = f'[[cooldown-exempt]]\npackages = ["b"]\nreason = "ours"\nuntil = {until}\n'
    repo.write(".vetting/config.toml", f"format = 2\n{entries}")
    done = check(repo, "cooldown")
    assert done.status == 2
    assert "more than a year" in done.err


def test_it_is_judged_when_it_enters_and_not_again(repo: GitRepo) -> None:
    write_project(repo, {"a": entry("a"), "b": entry("b")}, asked=["b"])
    write_note(repo, "a", published=days_ago(1))
    write_note(repo, "b", published=days_ago(100))
    repo.commit("It is in")
    write_project(repo, {"a": entry("a"), "b": entry("b")})
    assert found(repo) == []
