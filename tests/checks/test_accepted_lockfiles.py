"""What was accepted of a lockfile is accepted with the requirements of that day."""

from __future__ import annotations

import json

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check, run

EMPTY = {
    "npm": ("npm@12.2.1", "package-lock.json", '{"lockfileVersion": 3, "packages": {}}'),
    "yarn-berry": ("yarn@4.18.1", "yarn.lock", ""),
    "bun": ("bun@1.4.5", "bun.lock", '{"lockfileVersion": 1, "workspaces": {}, "packages": {}}'),
    "pnpm": ("pnpm@11.28.11", "pnpm-lock.yaml", "lockfileVersion: '9.0'\n"),
    "yarn-classic": ("yarn@1.22.22", "yarn.lock", "# yarn lockfile v1\n"),
}


@pytest.mark.parametrize("client", EMPTY)
def test_an_empty_lockfile_excuses_no_later_requirement(git_repo: GitRepo, client: str) -> None:
    pin, name, text = EMPTY[client]
    manifest = {"name": "p", "packageManager": pin, "dependencies": {"aa": "^1.0.0"}}
    git_repo.write("package.json", json.dumps(manifest))
    git_repo.write(name, text)
    git_repo.commit("Start")
    assert run(git_repo.path, "init").status == 0
    git_repo.commit("Adopt")
    assert check(git_repo, "--all", "lockfile-sync").findings == []
    git_repo.write("package.json", json.dumps({**manifest, "description": "words"}))
    assert check(git_repo, "lockfile-sync").findings == []
    manifest["dependencies"] = {"aa": "^1.0.0", "evil": "1.0.0"}
    git_repo.write("package.json", json.dumps(manifest))
    assert {each["code"] for each in check(git_repo, "lockfile-sync").findings} == {"out-of-date"}


def test_an_accepted_lack_of_a_lockfile_excuses_no_later_requirement(git_repo: GitRepo) -> None:
    git_repo.write(".vetting/config.toml", "format = 2\n")
    git_repo.commit("Adopt")
    manifest = {"name": "p", "dependencies": {"aa": "^1.0.0"}}
    git_repo.write(".npmrc", "ignore-scripts=true\n")
    git_repo.write("package.json", json.dumps(manifest))
    git_repo.add()
    accepted = ("accept", "lockfile-sync/no-lockfile", "--reason", "A library, by our choice")
    assert run(git_repo.path, *accepted).status == 0
    git_repo.commit("Accept it")
    git_repo.write("package.json", json.dumps({**manifest, "description": "words"}))
    assert check(git_repo, "lockfile-sync").findings == []
    git_repo.write("package.json", json.dumps({**manifest, "dependencies": {"evil": "1.0.0"}}))
    assert [each["code"] for each in check(git_repo, "lockfile-sync").findings] == ["no-lockfile"]


def test_an_accepted_lockfile_of_a_workspace_is_accepted_as_it_is(git_repo: GitRepo) -> None:
    root = {"name": "p", "workspaces": ["m"], "dependencies": {}}
    places = {
        "": root,
        "node_modules/m": {"resolved": "m", "link": True},
        "m": {"version": "1.0.0"},
    }
    git_repo.write("package.json", json.dumps(root))
    git_repo.write("package-lock.json", json.dumps({"lockfileVersion": 3, "packages": places}))
    git_repo.write("m/package.json", json.dumps({"name": "m", "version": "1.0.0"}))
    git_repo.write("m/yarn.lock", "# yarn lockfile v1\n")
    git_repo.commit("Start")
    assert run(git_repo.path, "init").status == 0
    git_repo.commit("Adopt")
    git_repo.write("m/package.json", json.dumps({"name": "m", "version": "1.0.0", "private": True}))
    assert check(git_repo, "lockfile-sync").findings == []
    git_repo.write("m/yarn.lock", '# yarn lockfile v1\n\nevil@1:\n  version "1.0.0"\n')
    assert [each["code"] for each in check(git_repo, "lockfile-sync").findings] == [
        "workspace-lockfile"
    ]
