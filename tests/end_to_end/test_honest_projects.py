"""Honest commits made with the real clients: each passes once ``note`` has recorded what it brings.

The lockfiles name the public registry; the clients ask one on loopback. No note has a time of
publication, so that the cooldown may stay as the only finding.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.attacks.world import run_command
from tests.clients.test_sync_with_real_clients import KINDS, _pinned
from tests.support.git_repo import GitRepo
from tests.support.mutated_projects import as_json
from tests.support.npm_projects import check
from tests.support.real_clients import Clients
from tests.support.static_registry import static_registry

NPM: Final = "https://registry.npmjs.org/"
YARN: Final = "https://registry.yarnpkg.com/"
MEMBER: Final = "packages/member/package.json"
WHY: Final = "Read the change log and the source of each: they do what they say, nothing odd."
CLIENTS: Final = (
    "npm10", "npm12", "pnpm9", "pnpm11", "pnpm12", "yarn1", "yarn3.8", "yarn4.18", "bun1.4",
)  # fmt: skip
SETTINGS: Final[dict[str, dict[str, str]]] = {
    "npm": {".npmrc": "ignore-scripts=true\n"},
    "pnpm": {"pnpm-workspace.yaml": "packages:\n  - packages/*\nignoreScripts: true\n"},
    "yarn": {".yarnrc.yml": "enableScripts: false\nnodeLinker: node-modules\n", "yarn.lock": ""},
    "bun": {"bunfig.toml": "[install]\nignoreScripts = true\n"},
}
Table = dict[str, Any]


def _set(
    table: str, path: str = "package.json", **values: str
) -> tuple[str, Callable[[Table], Any]]:
    return path, lambda data: data.setdefault(table, {}).update(values)


COMMITS: Final[dict[str, tuple[str, Callable[[Table], Any]]]] = {
    "what is there already": _set("dependencies", aa="^1.0.0"),
    "a new package": _set("dependencies", cc="^1.0.0"),
    "an upgrade": _set("dependencies", bb="^2.0.0"),
    "a range": _set("dependencies", bb=">=1 <3"),
    "an alias": _set("dependencies", other="npm:aa@1.0.0"),
    "an optional package": _set("optionalDependencies", ee="1.0.0"),
    "a peer": _set("peerDependencies", ee="^1.0.0"),
    "a prerelease": _set("devDependencies", aa="2.1.0-beta.1"),
    "a package less": ("package.json", lambda data: data["dependencies"].pop("pp")),
    "for production": (
        "package.json", lambda data: data["dependencies"].update(data.pop("devDependencies")),
    ),
    "another name": ("package.json", lambda data: data.update(name="renamed")),
    "another version": ("package.json", lambda data: data.update(version="1.1.0")),
    "a workspace upgrades": _set("dependencies", MEMBER, ee="1.0.0"),
    "a workspace has another name": (MEMBER, lambda data: data.update(name="member-two")),
    "a workspace less": (MEMBER, lambda data: data.clear()),
}  # fmt: skip


class Honest:
    """A project of a client, adopted; ``lock`` has the client write its lockfile."""

    def __init__(self, clients: Clients, client: str, url: str, repo: GitRepo) -> None:
        self.clients, self.client, self.repo = clients, client, repo
        self.kind = KINDS[client]
        self.url = url

    def start(self) -> None:
        manifest: Table = {
            "name": "root", "version": "1.0.0", "private": True, "license": "MIT",
            "packageManager": _pinned(self.client),
            "dependencies": {"bb": "^1.0.0", "pp": "1.0.0"}, "devDependencies": {"tt": "~1.0.0"},
        }  # fmt: skip
        family = self.client.rstrip("0123456789.")
        settings = (
            {".yarnrc": "ignore-scripts true\n"} if self.client == "yarn1" else SETTINGS[family]
        )
        if self.client == "pnpm9":
            settings = {**SETTINGS["npm"], "pnpm-workspace.yaml": "packages:\n  - packages/*\n"}
        if family != "pnpm":
            manifest["workspaces"] = ["packages/*"]
        if family == "bun":
            manifest["trustedDependencies"] = []
        member = {"name": "member", "version": "1.0.0", "dependencies": {"ee": "^1.0.0"}}
        for path, text in as_json({"package.json": manifest, MEMBER: member, **settings}).items():
            self.repo.write(path, text)
        self.repo.write(".gitignore", "node_modules\n.yarn\n.pnp.*\n")
        self.lock()
        self.repo.commit("A project")
        status, out, err = run_command(self.repo.path, "init", "--policy", "strict")
        assert status == 0, out + err
        self.repo.commit("Adopt npm-vetted")

    def lock(self) -> None:
        file = self.repo.path / self.kind.lockfile
        public = YARN if self.client == "yarn1" else NPM
        if file.exists():
            file.write_text(file.read_text().replace(public, self.url))
        env = {key: each.replace("URL", self.url) for key, each in self.kind.environment.items()}
        self.clients.run(self.client, *self.kind.update, cwd=self.repo.path, env=env)
        for folder in [*self.repo.path.rglob("node_modules")]:
            shutil.rmtree(folder, ignore_errors=True)
        file.write_text(file.read_text().replace(self.url, public))


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with static_registry() as url:
        yield url


@pytest.fixture(scope="module")
def started(
    clients: Clients, registry: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Path], Honest]:
    """An adopted project of a client, in a folder of the test's own."""
    made: dict[str, Path] = {}

    def start(client: str, folder: Path) -> Honest:
        if client not in made:
            made[client] = tmp_path_factory.mktemp("honest") / client
            Honest(clients, client, registry, GitRepo(made[client])).start()
        shutil.copytree(made[client], folder, symlinks=True)
        return Honest(clients, client, registry, GitRepo(folder))

    return start


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", COMMITS)
def test_an_honest_commit_of_the_real_client_passes(
    name: str, client: str, started: Callable[[str, Path], Honest], tmp_path: Path
) -> None:
    project = started(client, tmp_path / "honest")
    path, change = COMMITS[name]
    file = project.repo.path / path
    data = json.loads(file.read_text())
    change(data)
    if data:
        file.write_text(json.dumps(data, indent=2) + "\n")
    else:
        shutil.rmtree(file.parent)
    project.lock()
    project.repo.git("add", "-A")
    words = ("note", "--offline", "--criteria", "health,changelog", "-m", WHY)
    status, out, err = run_command(project.repo.path, *words)
    assert status == 0, out + err
    found = [each for each in check(project.repo).findings if each["level"] == "error"]
    assert {each["code"] for each in found} <= {"too-young"}, found
