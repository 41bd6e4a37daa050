"""Bun 1.4's ``packageExtensions``: the lockfile implements what the root declares, and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check
from tests.support.real_clients import Clients
from tests.support.static_registry import static_registry

EXTENSIONS: dict[str, Any] = {
    "bb@1": {"dependencies": {"tt": "1.0.1"}, "peerDependencies": {"ee": "*"}},
    "bb": {"dependencies": {"aa": "9.9.9"}},
}


def locked(text: str, url: str) -> str:
    return text.replace(url, "https://registry.npmjs.org/")


@pytest.fixture(scope="module")
def written(clients: Clients, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The lockfiles that Bun writes without and with extensions."""
    folder = tmp_path_factory.mktemp("bun")
    found = {}
    with static_registry() as url:
        for name, more in (("plain", {}), ("extended", {"packageExtensions": EXTENSIONS})):
            (folder / "package.json").write_text(manifest(**more))
            words = ("install", "--lockfile-only", "--ignore-scripts")
            clients.run("bun1.4", *words, cwd=folder, env={"npm_config_registry": url})
            found[name] = locked((folder / "bun.lock").read_text(), url)
            (folder / "bun.lock").unlink()
    return found


def manifest(**fields: Any) -> str:
    data = {"name": "p", "dependencies": {"bb": "1.2.0"}, "packageManager": "bun@1.4.5", **fields}
    return json.dumps(data)


def messages(repo: GitRepo, text: str, lock: str) -> str:
    repo.write("package.json", text)
    repo.write("bun.lock", lock)
    found = check(repo, "--all", "lockfile-sync").findings
    return "\n".join(each["message"] for each in found)


def test_extensions_and_the_lockfile_agree(git_repo: GitRepo, written: dict[str, str]) -> None:
    plain, extended = written["plain"], written["extended"]
    declared = manifest(packageExtensions=EXTENSIONS)
    assert messages(git_repo, manifest(), plain) == ""
    assert messages(git_repo, declared, extended) == ""
    assert "gets tt, which bun.lock does not have" in messages(git_repo, declared, plain)
    assert "the lockfile adds tt to bb@1.2.0" in messages(git_repo, manifest(), extended)
    other = manifest(packageExtensions={"bb": {"dependencies": {"tt": "^1.0.0", "ee": "*"}}})
    assert "gets tt ^1.0.0, bun.lock has 1.0.1" in messages(git_repo, other, extended)
    stray = extended.replace('"bb@1.2.0": { "dep', '"xx@1.0.0": { "dep')
    assert "extends xx@1.0.0" in messages(git_repo, declared, stray)


def test_an_older_bun_reads_none(git_repo: GitRepo, written: dict[str, str]) -> None:
    text = manifest(packageExtensions=EXTENSIONS, packageManager="bun@1.3.14")
    plain = written["plain"].replace('"lockfileVersion": 2', '"lockfileVersion": 1')
    assert messages(git_repo, text, plain) == ""
