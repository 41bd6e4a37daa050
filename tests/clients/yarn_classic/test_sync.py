"""A yarn.lock of version 1 against the manifests, by Yarn's own rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from npm_vetted.clients.yarn_classic.lockfile import ClassicLockfile
from npm_vetted.model import Kind, Manifest
from npm_vetted.packages.manifest import read_manifest
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check

ENTRY = '"{0}":\n  version "{1}"\n  resolved "https://registry.yarnpkg.com/{2}/-/{2}-{1}.tgz#ab"\n'


def entry(pattern: str, version: str = "1.0.0", name: str = "a") -> str:
    return ENTRY.format(pattern, version, name)


def lockfile(text: str, files: Mapping[str, Any]) -> ClassicLockfile:
    contents = {
        path: each if isinstance(each, bytes) else json.dumps(each).encode()
        for path, each in files.items()
    }
    return ClassicLockfile("yarn.lock", text, contents.get)


def manifests(files: Mapping[str, Any]) -> dict[str, Manifest]:
    return {
        path.rpartition("/")[0]: read_manifest(path, json.dumps(each).encode())
        for path, each in files.items()
        if path.endswith("package.json") and "vendor" not in path
    }


ROOT = "package.json"
MEMBER = "m/package.json"
M = {"name": "m", "version": "1.2.0"}
V = "vendor/v/package.json"
NEEDS_A = {"dependencies": {"a": "^1"}}


@pytest.mark.parametrize(
    ("text", "files", "keys"),
    [
        (entry("a@^1"), {ROOT: {"dependencies": {"a": "^1"}}}, []),
        (entry("a@^1"), {ROOT: {"dependencies": {"a": "^1", "//": "why"}}}, []),
        (entry("a@^1"), {ROOT: {"dependencies": {"a": "^1"}, "devDependencies": {"a": "^2"}}}, []),
        (entry("a@^1"), {ROOT: {"dependencies": {"a": "*"}, "devDependencies": {"a": "^1"}}}, []),
        (
            entry("a@^1"),
            {ROOT: {"dependencies": {"a": "^1"}, "optionalDependencies": {"a": "^2"}}},
            ["a@^2"],
        ),
        (entry("a@^1", "2.0.0"), {ROOT: {"dependencies": {"a": "^1"}}}, ["a@^1"]),
        ("", {ROOT: {"workspaces": ["m"], "dependencies": {"m": "^1"}}, MEMBER: M}, []),
        ("", {ROOT: {"dependencies": {"m": "^2"}}, MEMBER: M}, ["m@^2"]),
        # Yarn drops an entry whose pattern a workspace answers (seed 277 of the trials).
        (entry("m@^1"), {ROOT: {"dependencies": {"m": "^1"}}, MEMBER: M}, ["m@^1"]),
        (entry("m@^1"), {ROOT: {}, MEMBER: M}, ["m@^1"]),
        (entry("m@^2", "2.0.0"), {ROOT: {"dependencies": {"m": "^2"}}, MEMBER: M}, []),
        ("", {ROOT: {"dependencies": {"m": "workspace:*"}}, MEMBER: M}, ["m@workspace:*"]),
        ("", {ROOT: {"resolutions": {"b/a": "1.0.0"}}}, ["resolutions.b/a"]),
        ("", {ROOT: {"resolutions": {"a": "$b", "b//a": "1.0.0", "a/**": "1.0.0"}}}, []),
        (entry("a@1.0.0"), {ROOT: {"resolutions": {"**/a": "1.0.0"}}}, []),
        (
            "",
            {ROOT: {"dependencies": {"v": "link:./vendor/v"}}, V: NEEDS_A},
            ["a@^1", "v@link:./vendor/v"],
        ),
        (
            '"v@file:./vendor/v":\n  version "0.0.0"\n',
            {ROOT: {"dependencies": {"v": "file:./vendor/v"}}, V: NEEDS_A | {"devDependencies": {"z": "1"}}},
            ["a@^1"],
        ),
    ],
)  # fmt: skip
def test_requirements(text: str, files: Mapping[str, Any], keys: list[str]) -> None:
    found = lockfile(text, files).disagreements(manifests(files))
    assert [(each.code, each.key) for each in found] == [("out-of-date", key) for key in keys]


@pytest.mark.parametrize(
    ("text", "resolutions", "before", "keys"),
    [
        (entry("a@^1"), {}, {}, []),
        (entry("a@^1", "2.0.0"), {}, {}, ["a@^1"]),
        (entry('a@2.0.0", "a@^1', "2.0.0"), {"a": "2.0.0"}, {}, []),
        (entry('a@2.0.0", "a@^1', "2.0.0"), {}, {"a": "2.0.0"}, ["a@^1"]),
        (entry('a@^1", "a@npm:evil@1.0.0', "1.0.0", "evil"), {}, {}, ["a@^1"]),
        (entry('a@^1", "a@npm:evil@1.0.0', "1.0.0", "evil"), {"x/a": "npm:evil@1.0.0"}, {}, []),
    ],
)
def test_entries_that_contradict_themselves(
    text: str, resolutions: dict[str, str], before: dict[str, str], keys: list[str]
) -> None:
    one = lockfile(text, {ROOT: {"resolutions": resolutions}})
    earlier = lockfile(text, {ROOT: {"resolutions": before}})
    changed = [] if before else list(one.blocks)
    assert [each.key for each in one.contradictions(changed, [earlier])] == keys


@pytest.mark.parametrize(("content", "kind"), [(b"\x1f\x8b", Kind.FILE), (None, None)])
def test_git_tells_a_tarball_from_a_folder(content: bytes | None, kind: Kind | None) -> None:
    files = {} if content is None else {"vendor/x": content}
    found = lockfile('"x@file:vendor/x":\n  version "1.0.0"\n', files)
    [each] = found.entries()
    assert (each.artifact.kind if each.artifact else None) is kind


@pytest.mark.parametrize(
    ("resolved", "kind"),
    [
        ("https://github.com/u/r#e180d6a5f2f313d634f73637a285c129de90d530", Kind.GIT),
        ("https://bitbucket.org/u/r", Kind.GIT),
        ("https://github.com/u/r/x.tgz#ab", Kind.TARBALL),
        ("https://example.com/u/r#ab", Kind.TARBALL),
    ],
)
def test_two_segments_on_a_git_host_are_a_repository(resolved: str, kind: Kind) -> None:
    [each] = lockfile(f'x@1:\n  version "1.0.0"\n  resolved "{resolved}"\n', {}).entries()
    assert each.artifact is not None
    assert each.artifact.kind is kind


EVERYWHERE = {"resolutions": {"a": "1.5.0"}}
BOTH = entry("a@^1", "1.0.0") + entry("a@1.5.0", "1.5.0")


@pytest.mark.parametrize(
    ("root", "members", "keys"),
    [
        ({}, {}, []),
        (EVERYWHERE, {}, ["a@^1"]),
        # Only what a root without workspaces requires is not replaced.
        ({**EVERYWHERE, "dependencies": {"a": "^1"}}, {}, []),
        ({**EVERYWHERE, "dependencies": {"a": "^1"}}, {MEMBER: M}, ["a@^1"]),
        ({"resolutions": {"x/a": "1.5.0"}}, {}, []),
    ],
)
def test_patterns_that_a_resolution_replaces(
    root: dict[str, Any], members: dict[str, Any], keys: list[str]
) -> None:
    """Yarn installs what the resolution names, whatever the entry says (the slow trials saw it)."""
    files = {ROOT: root, **members}
    found = lockfile(BOTH, files).disagreements(manifests(files))
    assert [each.key for each in found] == keys


def test_an_entry_without_a_source_is_resolved_again() -> None:
    text = 'a@^1:\n  version "1.0.0"\n' + entry("b@^1", name="b")
    found = lockfile(text, {ROOT: {"dependencies": {"a": "^1", "b": "^1"}}})
    problems = list(found.disagreements(manifests({ROOT: {"dependencies": {"a": "^1"}}})))
    assert [(each.package, each.value) for each in problems] == [("a", "a@^1")]


@pytest.mark.parametrize("table", ["dependencies", "optionalDependencies"])
def test_what_an_entry_requires_and_nothing_locks_is_fetched(git_repo: GitRepo, table: str) -> None:
    """Also by ``--frozen-lockfile``, and also what is optional (seen with 1.22.22)."""
    git_repo.write("package.json", json.dumps({"name": "p", "dependencies": {"a": "^1"}}))
    git_repo.write(".yarnrc", "ignore-scripts true\n")
    git_repo.write("yarn.lock", f"# yarn lockfile v1\n\n\n{entry('a@^1')}")
    git_repo.commit("Start")
    assert check(git_repo, "lockfile-sync").findings == []
    git_repo.write(
        "yarn.lock", f'# yarn lockfile v1\n\n\n{entry("a@^1")}  {table}:\n    evil "1.0.0"\n'
    )
    [found] = check(git_repo, "lockfile-sync").findings
    assert (found["code"], found["package"]) == ("missing", "evil")
