"""Files of clients that npm-vetted does not read are findings, each accepted on its own."""

from __future__ import annotations

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check

UNREAD = [
    "vlt-lock.json", "vlt.json", "bower.json", "libman.json", "config/importmap.rb",
    "common/config/rush/pnpm-lock.yaml", "common/config/subspaces/a/pnpm-lock.yaml", ".meteor/packages",
    "vlt-workspaces.json", "package-lock.kdl", "oro.kdl", "importmap.php", "workspace.jsonc", "Bower.json",
    "bun.lockb", "tools/bun.lockb",
    "VLT-LOCK.json", "web/jspm.config.js", "common/config/rush/npm-shrinkwrap.json", "common/config/rush/yarn.lock",
]  # fmt: skip


def found(repo: GitRepo) -> list[tuple[str, str]]:
    done = check(repo, "lockfile-sync")
    return [(each["code"], each["path"]) for each in done.findings]


@pytest.mark.parametrize("path", UNREAD)
def test_an_unread_file_is_a_finding_where_there_is_no_other_project(
    git_repo: GitRepo, path: str
) -> None:
    git_repo.commit("Empty")
    git_repo.write(path, "{}")
    assert found(git_repo) == [("unread-lockfile", path)]


@pytest.mark.parametrize(
    "path", ["node_modules/a/bower.json", "docs/rush.json.md", "src/importmap.js"]
)
def test_other_files_are_none(git_repo: GitRepo, path: str) -> None:
    git_repo.commit("Empty")
    git_repo.write(path, "{}")
    assert found(git_repo) == []


def test_an_ignore_accepts_one_literal_file(git_repo: GitRepo) -> None:
    entry = (
        '[[ignore]]\ncheck = "lockfile-sync"\ncode = "unread-lockfile"\n'
        'path = "bower.json"\nreason = "the old site"\n'
    )
    adopt(git_repo, config=entry)
    git_repo.write("bower.json", "{}")
    assert found(git_repo) == []
    git_repo.write("other/bower.json", "{}")
    assert found(git_repo) == [("unread-lockfile", "other/bower.json")]


def test_an_ignore_with_a_pattern_accepts_none(git_repo: GitRepo) -> None:
    entry = (
        '[[ignore]]\ncheck = "lockfile-sync"\ncode = "unread-lockfile"\n'
        'path = "**/bower.json"\nreason = "the old site"\n'
    )
    adopt(git_repo, config=entry)
    git_repo.write("other/bower.json", "{}")
    assert found(git_repo) == [("unread-lockfile", "other/bower.json")]


@pytest.mark.parametrize("name", ["package-lock.json", "yarn.lock", "vlt-lock.json"])
def test_a_lockfile_that_appears_in_an_excluded_folder_is_found(
    git_repo: GitRepo, name: str
) -> None:
    git_repo.write("old/bower.json", "{}")
    adopt(git_repo, config='[[exclude]]\npath = "old/**"\nreason = "shown, never installed"\n')
    git_repo.write("old/bower.json", '{"name": "old"}')
    assert found(git_repo) == []
    git_repo.write(f"old/{name}", "{}")
    assert found(git_repo) == [("excluded-lockfile", f"old/{name}")]


def test_a_binary_lockfile_in_a_project_is_refused_as_its_lockfile(git_repo: GitRepo) -> None:
    git_repo.commit("Empty")
    git_repo.write("package.json", "{}")
    git_repo.write("bun.lockb", b"#!/usr/bin/env bun\nbun-lockfile-format-v0\n")
    done = check(git_repo, "lockfile-sync")
    assert done.status == 3
    assert [(each["code"], each["path"]) for each in done.findings] == [("undecided", "bun.lockb")]


MANIFESTS_IN_YAML = [
    ("name: tools\ndependencies:\n  left-pad: ^1.3.0\n", ["unread-manifest"]),
    ("name: tools\ndevDependencies: {left-pad: ^1.3.0}\n", ["unread-manifest"]),
    ("name: tools\ndependencies:\n- base >= 4.7\n", []),
    ("name: tools\nlibrary: {}\ndependencies:\n  base: '>= 4.7'\n", []),
    ("name: tools\n", []),
]


@pytest.mark.parametrize(("text", "codes"), MANIFESTS_IN_YAML)
def test_a_manifest_in_yaml_is_told_from_one_of_haskell(
    git_repo: GitRepo, text: str, codes: list[str]
) -> None:
    adopt(git_repo)
    git_repo.write("tools/package.yaml", text)
    assert [each["code"] for each in check(git_repo, "lockfile-sync").findings] == codes
