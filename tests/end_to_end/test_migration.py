"""From one client, or one version of a lockfile, to another: notes and exemptions stay valid.

By whatever hash is comparable; where none is (Yarn berry has only its own), a warning says so.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from tests.commands.test_init import (
    OTHER,
    PNPM,
    SRI,
    YARN_BERRY,
    YARN_CLASSIC,
    adopt,
    locked,
    manifest,
    npm_lock,
    vetted,
)
from tests.support import corpus
from tests.support.git_repo import GitRepo
from tests.support.real_clients import Clients

ASKED: Final = {"once": "^1.0.0"}
NPM: Final = npm_lock(ASKED, {"once": locked("once", "1.4.0")})
BUN: Final = json.dumps(
    {
        "lockfileVersion": 1,
        "workspaces": {"": {"name": "shop", "dependencies": ASKED}},
        "packages": {"once": ["once@1.4.0", "", {}, SRI]},
    },
    indent=2,
)
LOCKFILES: Final = {
    "npm": ("package-lock.json", NPM),
    "pnpm": ("pnpm-lock.yaml", PNPM),
    "yarn-classic": ("yarn.lock", YARN_CLASSIC),
    "yarn-berry": ("yarn.lock", YARN_BERRY),
    "bun": ("bun.lock", BUN),
}
NOTE: Final = ("--offline", "--waive-cooldown", "old", "--criteria", "health", "-m", "It was read.")


def findings(repo: GitRepo, *arguments: str) -> list[dict[str, Any]]:
    """What the commit is judged for, but for settings: they are another test's matter."""
    done = vetted(repo, "check", *arguments, "--format", "json")
    assert done.returncode in (0, 1), done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return [each for each in found if each["check"] not in ("ignore-scripts", "client-settings")]


def stand_with(repo: GitRepo, client: str) -> None:
    """The project under another client: its lockfile in place of the one before."""
    for name, _ in LOCKFILES.values():
        (repo.path / name).unlink(missing_ok=True)
    name, text = LOCKFILES[client]
    repo.write("package.json", manifest(dependencies=ASKED))
    repo.write(name, text)


def noted(repo: GitRepo) -> None:
    """Adopted empty; then the package enters with a note."""
    adopt(repo)
    stand_with(repo, "npm")
    repo.add()
    assert vetted(repo, "note", "once", *NOTE).returncode == 0
    vetted(repo, "init", "--settings")
    assert findings(repo) == []
    repo.commit("Add once")


def exempted(repo: GitRepo) -> None:
    """The package is there when the repository adopts."""
    stand_with(repo, "npm")
    repo.commit("A shop")
    adopt(repo)


@pytest.fixture(params=[noted, exempted])
def under_npm(git_repo: GitRepo, request: pytest.FixtureRequest) -> GitRepo:
    """A repository whose one package is covered, by a note or an exemption, under npm."""
    request.param(git_repo)
    return git_repo


@pytest.mark.parametrize("client", ["pnpm", "yarn-classic", "bun"])
def test_the_same_hash_is_known_again(under_npm: GitRepo, client: str) -> None:
    stand_with(under_npm, client)
    under_npm.add()
    assert findings(under_npm) == []


@pytest.mark.parametrize("client", ["pnpm", "yarn-classic", "bun"])
def test_another_hash_is_not(under_npm: GitRepo, client: str) -> None:
    stand_with(under_npm, client)
    name, text = LOCKFILES[client]
    under_npm.write(name, text.replace(SRI, OTHER))
    under_npm.add()
    errors = [each for each in findings(under_npm) if each["level"] == "error"]
    assert {each["package"] for each in errors} == {"once"}
    assert "integrity" in {each["check"] for each in errors}


def test_berrys_checksum_cannot_be_compared_and_a_warning_says_so(under_npm: GitRepo) -> None:
    stand_with(under_npm, "yarn-berry")
    under_npm.add()
    (warning,) = findings(under_npm)
    assert (warning["level"], warning["check"], warning["package"]) == (
        "warning", "unvetted", "once",
    )  # fmt: skip
    assert warning["code"] == "unbound"


def test_another_version_moves_nowhere(under_npm: GitRepo) -> None:
    stand_with(under_npm, "yarn-berry")
    under_npm.write("yarn.lock", YARN_BERRY.replace("1.4.0", "1.4.1"))
    under_npm.add()
    found = [each for each in findings(under_npm) if each["check"] == "unvetted"]
    assert [(each["level"], each["version"]) for each in found] == [("error", "1.4.1")]


def test_what_enters_by_a_hash_that_cannot_be_compared_is_rejected(git_repo: GitRepo) -> None:
    noted(git_repo)
    git_repo.git("rm", "-q", "package.json", "package-lock.json")
    git_repo.commit("Close the shop")
    stand_with(git_repo, "yarn-berry")
    git_repo.add()
    found = [each for each in findings(git_repo) if each["check"] == "unvetted"]
    assert [each["level"] for each in found] == ["error"]


def _pair(before: str, after: str) -> list[Any]:
    """The corpus's pairs from one version of a format to another."""
    families = ("npm", "pnpm", "yarn-classic", "yarn-berry", "bun")
    return [
        pytest.param(*pair, id=str(pair[0].pair))
        for family in families
        for pair in corpus.pairs(family)
        if (str(pair[0].version), str(pair[1].version)) == (before, after)
    ]


UPGRADES: Final = [*_pair("5.3", "5.4"), *_pair("5.4", "6.0"), *_pair("6.0", "9.0"),
                   *_pair("6", "8"), *_pair("8", "9"), *_pair("9", "10"),
                   *_pair("8", "10"), *_pair("0", "1"), *_pair("1", "2")]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), UPGRADES)
def test_an_upgraded_format_adds_nothing(
    git_repo: GitRepo, before: corpus.Case, after: corpus.Case
) -> None:
    git_repo.write("package.json", manifest())
    git_repo.write(before.name, before.data)
    git_repo.commit("A shop")
    assert vetted(git_repo, "init").returncode == 0
    git_repo.commit("Adopt npm-vetted", add=False)
    git_repo.write(after.name, after.data)
    git_repo.add()
    added = {row[:2] for row in corpus.expected(after)} - {
        row[:2] for row in corpus.expected(before)
    }
    found = findings(git_repo)
    unvetted = [each for each in found if each["check"] == "unvetted" and each["level"] == "error"]
    assert {(each["package"], each["version"]) for each in unvetted} == added


REAL: Final = [
    pytest.param("npm11", ["install"], "pnpm11", ["import"], "pnpm-lock.yaml", [], id="pnpm"),
    pytest.param("npm6", ["install"], "yarn1", ["import"], "yarn.lock", [], id="yarn-classic"),
    pytest.param("npm11", ["install"], "bun1.3", ["install"], "bun.lock", [], id="bun"),
    pytest.param(
        "yarn1", ["install"], "yarn4.18", ["install"], "yarn.lock",
        ["is-number", "is-odd"], id="classic to berry",
    ),
    pytest.param(
        "yarn3.8", ["install"], "yarn4.18", ["install"], "yarn.lock",
        ["is-number", "is-odd"], id="Yarn 3 to 4",
    ),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("old", "make", "new", "move", "lockfile", "warned"), REAL)
def test_the_real_clients_migrate(
    git_repo: GitRepo, clients: Clients, old: str, make: list[str], new: str, move: list[str],
    lockfile: str, warned: list[str],
) -> None:  # fmt: skip
    git_repo.write(".gitignore", "node_modules/\n.yarn/\n.pnp.*\n")
    git_repo.write("package.json", manifest(dependencies={"is-odd": "3.0.1"}))
    clients.run(old, *make, cwd=git_repo.path)
    git_repo.commit("A shop")
    adopt(git_repo)
    shutil.rmtree(git_repo.path / "node_modules", ignore_errors=True)
    clients.run(new, *move, cwd=git_repo.path)
    Path(git_repo.path, "package-lock.json").unlink(missing_ok=True)
    git_repo.add()
    found = [each for each in findings(git_repo) if each["check"] != "lockfile-sync"]
    assert {each["level"] for each in found} <= {"warning"}, found
    assert sorted(each["package"] for each in found if each["check"] == "unvetted") == warned
