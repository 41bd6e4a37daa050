"""``packageManager``: judged as a direct development package, by the hash that corepack writes."""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any

import pytest

from npm_vetted.model import Artifact, Kind, Location, Project
from npm_vetted.packages.manifest import read_manifest
from npm_vetted.projects.package_manager import (
    PinnedManager,
    managers_before,
    named_managers,
    pinned_managers,
)
from tests.support.changes import change
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


# What is named, of states in memory.

DIGEST = "0a" * 64
INTEGRITY = f"sha512-{base64.b64encode(bytes.fromhex(DIGEST)).decode()}"


def manifest(**fields: Any) -> dict[str, str]:
    return {
        "package.json": json.dumps({"name": "p", "dependencies": {"a": "*"}, **fields}, indent=2)
    }


def pinned(before: Any, after: Any, config: str = "") -> list[PinnedManager]:
    """The managers that a change from one ``packageManager`` to another brings."""
    one, other = (
        manifest(**({} if each is None else {"packageManager": each})) for each in (before, after)
    )
    return [found for _, found in pinned_managers(change(one, {**other, "x": "1"}, config))]


def registry_file(name: str, version: str) -> str:
    return f"https://registry.npmjs.org/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"


@pytest.mark.parametrize(
    ("text", "name", "version", "integrity", "hashed"),
    [
        ("pnpm@9.1.0", "pnpm", "9.1.0", None, False),
        (f"pnpm@9.1.0+sha512.{DIGEST}", "pnpm", "9.1.0", INTEGRITY, True),
        (f"pnpm@9.1.0+sha224.{DIGEST[:56]}", "pnpm", "9.1.0", None, True),
        (f"pnpm@9.1.0+sha512.{DIGEST[:-2]}", "pnpm", "9.1.0", "sha512-?", True),
        ("npm@11.0.0-rc.1", "npm", "11.0.0-rc.1", None, False),
        ("yarn@1.22.22", "yarn", "1.22.22", None, False),
        # Its program is another package than its name says, so the hash is of another file.
        (f"yarn@4.9.4+sha512.{DIGEST}", "@yarnpkg/cli-dist", "4.9.4", None, True),
    ],
)
def test_what_a_package_manager_names(
    text: str, name: str, version: str, integrity: str | None, hashed: bool
) -> None:
    (found,) = pinned(None, text)
    artifact = found.request.artifact
    assert (artifact.name, artifact.version, artifact.kind) == (name, version, Kind.REGISTRY)
    assert (artifact.integrity, artifact.unhashed) == (integrity, integrity is None)
    assert artifact.resolved == (None if integrity else registry_file(name, version))
    assert (found.key, found.text, found.hashed) == ("packageManager", text, hashed)
    assert found.location == Location("package.json", 6)


@pytest.mark.parametrize(
    "text", [None, "pnpm", "pnpm@^9", "pnpm@9.1.0 ", "PNPM@9.1.0", "pnpm@9.1.0+md5.00"]
)
def test_what_names_no_exact_version(text: Any) -> None:
    assert pinned(None, text) == []


@pytest.mark.parametrize(
    ("before", "after", "previous"),
    [
        ("pnpm@9.1.0", "pnpm@9.1.0", None),
        ("pnpm@9.1.0", f"pnpm@9.1.0+sha512.{DIGEST}", None),
        (f"pnpm@9.1.0+sha512.{DIGEST}", "pnpm@9.1.0", ("9.1.0",)),
        (f"pnpm@9.1.0+sha512.{DIGEST}", f"pnpm@9.1.0+sha512.{'0b' * 64}", ("9.1.0",)),
        ("pnpm@9.0.0", "pnpm@9.1.0", ("9.0.0",)),
        ("npm@11.0.0", "pnpm@9.1.0", ()),
        (None, "pnpm@9.1.0", ()),
        ("pnpm@9.1.0", None, None),
    ],
)
def test_what_counts_as_brought(
    before: str | None, after: str | None, previous: tuple[str, ...] | None
) -> None:
    found = [each.request.previous for each in pinned(before, after)]
    assert found == ([] if previous is None else [previous])


@pytest.mark.parametrize(("config", "development"), [("", False), ("[policy.development]\n", True)])
def test_it_is_a_direct_package_of_development(config: str, development: bool) -> None:
    (found,) = pinned(None, "pnpm@9.1.0", config)
    assert (found.request.direct, found.request.development) == (True, development)


def test_the_managers_of_before() -> None:
    found = managers_before(change(manifest(packageManager="pnpm@9.1.0"), {}))
    assert [(each.key, each.text) for each in found] == [("packageManager", "pnpm@9.1.0")]


@pytest.mark.parametrize(
    ("version", "named"),
    [("5.101.0", True), ("5.101.0-pr.1", True), ("^5.101.0", False), (5, False)],
)
def test_a_client_s_own_manifest_may_name_a_program(version: Any, named: bool) -> None:
    data = json.dumps({"rushVersion": version})
    own = read_manifest("rush.json", data.encode())
    project = Project("", own, {}, "rush", (), None, lambda _: None)
    found = [(each.key, each.text, each.artifact, each.hashed) for each in named_managers(project)]
    artifact = Artifact(
        "@microsoft/rush", version, Kind.REGISTRY, unhashed=True,
        resolved=registry_file("@microsoft/rush", version),
    )  # fmt: skip
    assert found == ([("rushVersion", version, artifact, True)] if named else [])


@pytest.mark.parametrize(
    ("text", "package"),
    [("npm@11.0.0", "npm"), ("yarn@4.9.4", "@yarnpkg/cli-dist"), ("other@1.0.0", "other")],
)
def test_the_package_of_a_manager_is_its_client_s_or_has_its_name(text: str, package: str) -> None:
    manifest = read_manifest("package.json", json.dumps({"packageManager": text}).encode())
    project = Project("", manifest, {}, "npm", (), None, lambda _: None)
    (found,) = named_managers(project)
    assert (found.text, found.artifact.name) == (text, package)
