"""The offline mirror of Yarn 1: committed tarballs that are hashed like any other archive."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from npm_vetted.clients.yarn_classic.mirror import file_name, mirror_folder
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check, run
from tests.support.tarballs import integrity_of, package_of

BYTES = package_of({"package.json": json.dumps({"name": "a", "version": "1.0.0"})})
NPM = "https://registry.yarnpkg.com"


@pytest.mark.parametrize(
    ("resolved", "name"),
    [
        (f"{NPM}/a/-/a-1.0.0.tgz#ab", "a-1.0.0.tgz"),
        (f"{NPM}/@s/a/-/a-1.0.0.tgz#ab", "@s-a-1.0.0.tgz"),
        (f"{NPM}/@s%2fa/-/a-1.0.0.tgz", "@s-a-1.0.0.tgz"),
        ("https://r.example/npm/@s/a/-/@s/a-1.0.0.tgz", "@s-a-1.0.0.tgz"),
        ("https://r.example/x/y.tgz?z=1#ab", "y.tgz"),
        ("a-1.0.0.tgz#ab", "a-1.0.0.tgz"),
    ],
)
def test_what_yarn_calls_a_tarball(resolved: str, name: str) -> None:
    assert file_name(resolved) == name


@pytest.mark.parametrize(
    ("files", "folder"),
    [
        ({}, None),
        ({"p/.yarnrc": 'yarn-offline-mirror "./mirror"\n'}, "p/mirror/"),
        ({"p/.npmrc": "yarn-offline-mirror=./other\n"}, "p/other/"),
        ({"p/.npmrc": "yarn-offline-mirror=./other\n", "p/.yarnrc": "yarn-offline-mirror x\n"}, "p/x/"),
        ({".yarnrc": 'yarn-offline-mirror "vendor/npm"\n'}, "vendor/npm/"),
        ({"p/.yarnrc": 'yarn-offline-mirror "../mirror"\n'}, "mirror/"),
        ({"p/.yarnrc": 'yarn-offline-mirror "../../mirror"\n'}, None),
        ({"p/.yarnrc": 'yarn-offline-mirror "/mirror"\n'}, None),
        ({"p/.yarnrc": "yarn-offline-mirror false\n"}, None),
        ({"p/.yarnrc": "yarn-offline-mirror x\nnot: a: line\n"}, None),
    ],
)  # fmt: skip
def test_where_the_mirror_is(files: Mapping[str, str], folder: str | None) -> None:
    data = {path: text.encode() for path, text in files.items()}
    assert mirror_folder("p/yarn.lock", data.get) == folder


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A project with a mirror, adopted."""
    git_repo.write("package.json", json.dumps({"name": "p", "dependencies": {"a": "1.0.0"}}))
    git_repo.write(".yarnrc", 'ignore-scripts true\nyarn-offline-mirror "./mirror"\n')
    git_repo.write("yarn.lock", (
        f'a@1.0.0:\n  version "1.0.0"\n  resolved "{NPM}/a/-/a-1.0.0.tgz"\n'
        f"  integrity {integrity_of(BYTES)}\n"
    ))  # fmt: skip
    git_repo.write("mirror/a-1.0.0.tgz", BYTES)
    git_repo.commit("Start")
    assert run(git_repo.path, "init").status == 0
    git_repo.commit("Adopt")
    return git_repo


def codes(repo: GitRepo, *words: str) -> list[tuple[str, str]]:
    found = check(repo, *words).findings
    return [(each["code"], each["path"]) for each in found if each["level"] == "error"]


def test_an_archive_of_the_mirror_must_be_what_is_locked(repo: GitRepo) -> None:
    assert not (repo.path / ".vetting/baseline.txt").exists()
    assert codes(repo, "--all") == []
    repo.write("mirror/a-1.0.0.tgz", BYTES + b"\0")
    assert codes(repo) == [("archive-differs", "mirror/a-1.0.0.tgz")]
    assert codes(repo, "--all") == [("archive-differs", "mirror/a-1.0.0.tgz")]


def test_an_archive_that_nothing_locks(repo: GitRepo) -> None:
    repo.write("mirror/evil-1.0.0.tgz", BYTES)
    assert codes(repo) == [("archive-unlocked", "mirror/evil-1.0.0.tgz")]
    # Yarn leaves the tarball of an earlier version there: nothing is installed from it.
    assert codes(repo, "--all") == []


def test_a_mirror_that_two_projects_share(repo: GitRepo) -> None:
    other = package_of({"package.json": json.dumps({"name": "b", "version": "1.0.0"})})
    repo.write("q/package.json", json.dumps({"name": "q", "dependencies": {"b": "1.0.0"}}))
    repo.write("q/.yarnrc", 'ignore-scripts true\nyarn-offline-mirror "../mirror"\n')
    repo.write("q/yarn.lock", (
        f'b@1.0.0:\n  version "1.0.0"\n  resolved "{NPM}/b/-/b-1.0.0.tgz"\n'
        f"  integrity {integrity_of(other)}\n"
    ))  # fmt: skip
    repo.write("mirror/b-1.0.0.tgz", other)
    assert codes(repo) == [("new", "q/yarn.lock")]
