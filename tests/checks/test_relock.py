"""A lockfile whose text a merge broke: the printed commands let the real client write it again."""

from __future__ import annotations

import json
import shlex
from typing import Final

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check, entry, run, write_project
from tests.support.real_clients import Clients

CLIENTS: Final = {
    "npm11": ("package-lock.json", "npm@11.6.0", {".npmrc": "ignore-scripts=true\n"}),
    "pnpm10": ("pnpm-lock.yaml", "pnpm@10.34.9", {".npmrc": "ignore-scripts=true\n"}),
    "yarn1": ("yarn.lock", "yarn@1.22.22", {".yarnrc": "ignore-scripts true\n"}),
    "yarn4.18": ("yarn.lock", "yarn@4.18.1", {".yarnrc.yml": "enableScripts: false\n"}),
    "bun1.4": ("bun.lock", "bun@1.4.5", {"bunfig.toml": "[install]\nignoreScripts = true\n"}),
}
AT_A_TERMINAL: Final = {"CI": ""}
"""pnpm changes no lockfile where CI is set."""
MARKERS: Final = "<<<<<<< HEAD\n=======\n>>>>>>> topic\n"


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=() if each == "npm11" else pytest.mark.slow) for each in CLIENTS],
)
def test_merge_markers_are_gone_after_the_printed_commands(
    clients: Clients, git_repo: GitRepo, name: str
) -> None:
    lockfile, pin, settings = CLIENTS[name]
    for path, text in settings.items():
        git_repo.write(path, text)
    lock(clients, name, git_repo, pin, "q")
    adopt(git_repo)
    git_repo.git("switch", "-qc", "theirs")
    lock(clients, name, git_repo, pin, "q", "theirs")
    git_repo.git("switch", "-q", "main")
    lock(clients, name, git_repo, pin, "q", "ours")
    assert git_repo.run("merge", "theirs", check=False).returncode == 1
    write_manifest(git_repo, pin, "q", "ours", "theirs")
    first, _, rest = git_repo.git("show", f"HEAD:{lockfile}").partition("\n")
    git_repo.write(lockfile, f"{first}\n{MARKERS}{rest}\n")
    git_repo.git("add", "-A")
    [broken] = undecided(git_repo)
    for command in broken["fix"].splitlines():
        words = shlex.split(command)
        if words[0] == "git":
            git_repo.git(*words[1:])
        else:
            clients.run(name, *words[1:], cwd=git_repo.path, env=AT_A_TERMINAL)
    assert MARKERS[:7] not in git_repo.git("show", f":{lockfile}")
    assert undecided(git_repo) == []


def test_a_key_that_a_merge_leaves_twice(git_repo: GitRepo) -> None:
    """Git joins two branches that add the same package at different places."""
    write_project(git_repo, {"a": entry("a")}, asked=["a"])
    adopt(git_repo)
    git_repo.commit("Lock a")
    text = (git_repo.path / "package-lock.json").read_text()
    twin = '"packages": {\n    "node_modules/a": {},'
    git_repo.write("package-lock.json", text.replace('"packages": {', twin, 1))
    [broken] = undecided(git_repo)
    assert broken["path"] == "package-lock.json"
    assert broken["fix"].startswith("npm install --package-lock-only --ignore-scripts\n")
    assert run(git_repo.path, "--format", "json").json["next"][0].endswith("npm-vetted check")


def undecided(repo: GitRepo) -> list[dict[str, str]]:
    return [each for each in check(repo).findings if each["check"] == "undecided"]


def write_manifest(repo: GitRepo, pin: str, *folders: str) -> None:
    """A project that depends on some folders of its own."""
    wanted = {each: f"file:./{each}" for each in folders}
    repo.write(
        "package.json", json.dumps({"name": "p", "packageManager": pin, "dependencies": wanted})
    )
    for each in folders:
        repo.write(f"{each}/package.json", json.dumps({"name": each, "version": "1.0.0"}))


def lock(clients: Clients, name: str, repo: GitRepo, pin: str, *folders: str) -> None:
    """Let the client lock the project, and commit that."""
    write_manifest(repo, pin, *folders)
    if name.startswith("yarn4") and not (repo.path / "yarn.lock").exists():
        repo.write("yarn.lock", "")
    repo.write(".gitignore", "node_modules\n.yarn\n.pnp.*\n")
    words = ["--package-lock-only"] if name.startswith("npm") else []
    clients.run(name, "install", *words, cwd=repo.path, env=AT_A_TERMINAL)
    repo.commit(f"Lock {folders[-1]}")
