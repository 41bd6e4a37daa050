"""Folders that a commit makes a dependency: which ones need a person's word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check, entry, run

X = {"name": "x", "version": "0.0.1"}
CODES = ("elsewhere", "folder-for-package")


def project(repo: GitRepo, wanted: dict[str, Any], places: dict[str, Any], **fields: Any) -> None:
    manifest = {"name": "p", "version": "1.0.0", "dependencies": wanted, **fields}
    repo.write("package.json", json.dumps(manifest))
    own = {key: each for key, each in manifest.items() if key != "overrides"}
    lock = {"lockfileVersion": 3, "requires": True, "packages": {"": own, **places}}
    repo.write("package-lock.json", json.dumps(lock, indent=2))


def linked(place: str, folder: str, /, **said: Any) -> dict[str, Any]:
    """npm's entries for a folder."""
    return {f"node_modules/{place}": {"resolved": folder, "link": True}, folder: {**X, **said}}


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A repository with a vetted package, and a folder that nothing depends on."""
    project(git_repo, {"tt": "1.0.0"}, {"node_modules/tt": entry("tt")})
    git_repo.write("old/x/package.json", json.dumps(X))
    git_repo.write(".npmrc", "ignore-scripts=true\n")
    git_repo.write(".vetting/config.toml", "format = 2\n")
    git_repo.commit("Start")
    return git_repo


def codes(repo: GitRepo, *words: str) -> list[str]:
    return [each["code"] for each in check(repo, *words).findings if each["code"] in CODES]


@pytest.mark.parametrize("folder", ["libs/x", "old/x"])
def test_a_folder_of_the_repository_is_ordinary_code(repo: GitRepo, folder: str) -> None:
    """Also one that was there before: its files were in a review, and its scripts do not run."""
    repo.write(f"{folder}/package.json", json.dumps(X))
    project(
        repo, {"tt": "1.0.0", "x": f"file:{folder}"},
        {"node_modules/tt": entry("tt"), **linked("x", folder)},
    )  # fmt: skip
    assert check(repo, "lockfile-sync").findings == []


@pytest.mark.parametrize(
    "specifier",
    [
        "file:../x",
        "link:../../x",
        "file:/opt/x",
        "file:///opt/x",
        "file:~/x",
        "../x",
        "portal:../x",
    ],
)
def test_a_folder_outside_of_the_repository_is_in_no_commit(repo: GitRepo, specifier: str) -> None:
    project(
        repo, {"tt": "1.0.0", "x": specifier},
        {"node_modules/tt": entry("tt"), **linked("x", "../x")},
    )  # fmt: skip
    assert codes(repo) == ["elsewhere"]


def test_a_vetted_package_does_not_become_a_folder_unasked(repo: GitRepo) -> None:
    repo.write("libs/tt/package.json", json.dumps({**X, "name": "tt"}))
    project(repo, {"tt": "file:libs/tt"}, linked("tt", "libs/tt", name="tt"))
    [found] = [each for each in check(repo).findings if each["code"] in CODES]
    assert (found["code"], found["key"]) == ("folder-for-package", "tt@file:libs/tt")


def test_an_override_does_it_neither(repo: GitRepo) -> None:
    repo.write("libs/tt/package.json", json.dumps({**X, "name": "tt"}))
    project(
        repo, {"tt": "1.0.0"}, linked("tt", "libs/tt", name="tt"),
        overrides={"tt": "file:libs/tt"},
    )  # fmt: skip
    assert "folder-for-package" in codes(repo)


def test_once_it_was_accepted_later_edits_are_ordinary_code(repo: GitRepo) -> None:
    def replace() -> None:
        repo.write("libs/tt/package.json", json.dumps({**X, "name": "tt"}))
        project(repo, {"tt": "file:libs/tt"}, linked("tt", "libs/tt", name="tt"))

    replace()
    [found] = [each for each in check(repo).findings if each["code"] in CODES]
    done = run(repo.path, "accept", found["identity"], "--reason", "our fork, reviewed")
    assert done.status == 0, done.err
    repo.git("reset", "-q")
    repo.git("add", ".vetting")
    repo.commit("Accept", add=False)
    repo.write("libs/tt/index.js", "other code\n")
    assert codes(repo) == ["folder-for-package"]
    (repo.path / "libs/tt/index.js").unlink()
    assert codes(repo) == []
    repo.commit("Replace")
    repo.write("libs/tt/index.js", "other code\n")
    assert codes(repo) == []
    assert codes(repo, "--all") == []


def test_a_package_that_moves_into_the_workspaces_is_ordinary_code(repo: GitRepo) -> None:
    repo.write("packages/tt/package.json", json.dumps({**X, "name": "tt"}))
    project(
        repo, {"tt": "file:packages/tt"}, linked("tt", "packages/tt", name="tt"),
        workspaces=["packages/*"],
    )  # fmt: skip
    assert codes(repo) == []
