"""``packageManager``: judged as a direct development package, by the hash that corepack writes."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check, run, sri, write_note, write_project

OLD = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def hashed(name: str, version: str) -> str:
    """`packageManager` with corepack's hash over the tarball that the fixtures' notes are about."""
    digest = base64.b64decode(sri(f"{name}@{version}").partition("-")[2]).hex()
    return f"{name}@{version}+sha512.{digest}"


MANAGERS = {
    "the same": ("npm@11.0.0", "npm@11.0.0", {}, []),
    "a hash is added": ("npm@11.0.0", hashed("npm", "11.0.0"), {}, []),
    "no note": ("npm@11.0.0", hashed("npm", "11.1.0"), {}, [("package-manager", "error")]),
    "no hash either": (
        "npm@11.0.0", "npm@11.1.0", {},
        [("package-manager", "error"), ("package-manager-without-hash", "warning")],
    ),
    "with a note": (
        "npm@11.0.0", hashed("npm", "11.1.0"), {"from_": "11.0.0", "criteria": ["changelog"]}, [],
    ),
    "without a hash, with a note": (
        "npm@11.0.0", "npm@11.1.0", {"from_": "11.0.0", "criteria": ["changelog"]},
        [("package-manager-without-hash", "warning")],
    ),
    "too few criteria": (
        "npm@11.0.0", hashed("npm", "11.1.0"), {"from_": "11.0.0", "criteria": []},
        [("package-manager", "error")],
    ),
    "a chain without start": (
        "npm@11.0.0", hashed("npm", "11.1.0"), {"from_": "10.0.0", "criteria": ["changelog"]},
        [("package-manager", "error")],
    ),
    "a client named first, without a hash": (
        None, "npm@11.1.0", {},
        [("package-manager-without-hash", "warning"), ("package-manager", "warning")],
    ),
    "new": (None, hashed("npm", "11.1.0"), {"criteria": ["changelog"]}, [("package-manager", "error")]),
    "new, vetted": (None, hashed("npm", "11.1.0"), {"criteria": ["health"]}, []),
    "another hash": (
        "npm@11.0.0", hashed("npm", "11.1.0")[:-2] + "00",
        {"from_": "11.0.0", "criteria": ["changelog"]}, [("package-manager", "error")],
    ),
    "too young": (
        "npm@11.0.0", hashed("npm", "11.1.0"),
        {"from_": "11.0.0", "criteria": ["changelog"], "published": "now"}, [("too-young", "error")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "note", "found"), MANAGERS.values(), ids=MANAGERS)
def test_the_package_manager_is_a_direct_development_package(
    git_repo: GitRepo,
    before: str | None,
    after: str,
    note: dict[str, Any],
    found: list[tuple[str, str]],
) -> None:
    pins = {} if before is None else {"packageManager": before}
    write_project(git_repo, {}, **pins)
    write_note(git_repo, "npm", "11.0.0", criteria=["health"], published=OLD)
    adopt(git_repo)
    write_project(git_repo, {}, packageManager=after, description="later")
    if note:
        published = note.get("published", OLD)
        now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        published = now if published == "now" else published
        write_note(git_repo, "npm", "11.1.0", **{**note, "published": published})
    judged = check(git_repo, "unvetted", "cooldown").findings
    assert [(each["code"], each["level"]) for each in judged] == found


def test_init_exempts_what_is_pinned(git_repo: GitRepo) -> None:
    write_project(git_repo, {}, packageManager="npm@11.0.0")
    git_repo.commit("A shop")
    assert run(git_repo.path, "init").status == 0
    git_repo.commit("Adopt")
    assert "npm@11.0.0 source:" in (git_repo.path / ".vetting/exemptions.txt").read_text()
    assert run(git_repo.path, "check", "--all").status == 0
    assert "0 exemptions" in run(git_repo.path, "prune", "--dry-run").err


def test_a_note_of_the_package_manager_counts_from_the_version_before(git_repo: GitRepo) -> None:
    write_project(git_repo, {}, packageManager=hashed("npm", "11.0.0"))
    write_note(git_repo, "npm", "11.0.0", criteria=["health"], published=OLD)
    adopt(git_repo, "[policy]\ncooldown-days = 0\n")
    write_project(git_repo, {}, packageManager=hashed("npm", "11.1.0"))
    [finding] = check(git_repo, "unvetted").findings
    assert finding["fix"].endswith(' note "npm@11.1.0" --criteria changelog,scripts')
    done = run(
        git_repo.path, "note", "--offline", "--criteria", "changelog", "-m", "Read all of it."
    )
    assert done.status == 0, done.err
    assert check(git_repo, "unvetted").findings == []
    assert 'from = "11.0.0"' in (git_repo.path / ".vetting/notes/npm/11.1.0.toml").read_text()


def test_offline_a_note_of_what_has_no_hash_names_its_address(git_repo: GitRepo) -> None:
    write_project(git_repo, {}, packageManager="npm@11.0.0")
    adopt(git_repo, "[policy]\ncooldown-days = 0\n", "npm@11.0.0 - - at adoption\n")
    write_project(git_repo, {}, packageManager="npm@11.1.0")
    git_repo.add()
    words = ("--offline", "--criteria", "changelog", "-m", "Read all of it.")
    assert run(git_repo.path, "note", "npm@11.1.0", *words).status == 0
    assert [each["level"] for each in check(git_repo, "unvetted").findings] == ["warning"]
