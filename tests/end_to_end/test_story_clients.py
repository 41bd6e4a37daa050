"""The story with each real client: adopt, add a package, be rejected, note it, be accepted; upgrade."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.git_repo import GitRepo
from tests.support.real_clients import Clients
from tests.support.story import SCRIPTS, HookRepository, Story, local_entry, users_path
from tests.support.story_steps import added, upgraded

ADD: Final = {
    "npm11": ("npm", "install", "package-lock.json"),
    "npm12": ("npm", "install", "package-lock.json"),
    "pnpm10": ("pnpm", "add", "pnpm-lock.yaml"),
    "pnpm11": ("pnpm", "add", "pnpm-lock.yaml"),
    "pnpm12": ("pnpm", "add", "pnpm-lock.yaml"),
    "yarn1": ("yarn-classic", "add", "yarn.lock"),
    "yarn4.18": ("yarn-berry", "add", "yarn.lock"),
    "bun1.2": ("bun", "add", "bun.lock"),
    "bun1.3": ("bun", "add", "bun.lock"),
    "bun1.4": ("bun", "add", "bun.lock"),
    "deno2.9": ("deno", "add", "deno.lock"),
}
"""How each client is called by npm-vetted, its command that adds a package, and its lockfile."""

PINS: Final = {"yarn1": "yarn@1.22.22", "yarn4.18": "yarn@4.18.1"}
"""Without a lockfile a project must say which of the two Yarns it uses; the others are told."""

TELLTALES: Final = {
    "pnpm": ("pnpm-workspace.yaml", ""),
    "bun": ("bunfig.toml", ""),
    "deno": ("deno.json", '{\n  "nodeModulesDir": "auto"\n}\n'),
}
"""A file of each client that shows it where neither lockfile nor pin does, with what it says."""


@pytest.fixture(scope="session")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> HookRepository:
    """npm-vetted as a hook repository that pre-commit clones and installs."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if base.name.startswith("popen-") else base) / "story"
    folder.mkdir(exist_ok=True)
    return HookRepository.of_head(folder)


def a_project(story: Story, client: str) -> None:
    """A project without dependencies' scripts to switch off yet, which ``init`` then adopts."""
    name, _, lockfile = ADD[client]
    manifest: dict[str, Any] = {"name": "shop", "version": "1.0.0", "private": True}
    if client in PINS:
        manifest["packageManager"] = PINS[client]
    story.repo.write("package.json", json.dumps(manifest, indent=2) + "\n")
    story.repo.write(".gitignore", "node_modules/\n.yarn/\n.pnp.*\n")
    if name in TELLTALES:
        story.repo.write(*TELLTALES[name])
    if name in ("yarn-classic", "yarn-berry"):
        story.repo.write(lockfile, "")
    story.repo.commit("A shop")


def add(story: Story, clients: Clients, client: str, *packages: str) -> None:
    """Add packages with the real client, and stage what it wrote."""
    words = [f"npm:{each}" for each in packages] if client.startswith("deno") else packages
    clients.run(client, ADD[client][1], *words, cwd=story.repo.path)
    story.git("add", ".")


def live(story: Story, clients: Clients, client: str, *offline: str) -> None:
    """Adopt, add, be rejected, note, be accepted; then everything holds."""
    a_project(story, client)
    story.install()
    story.vetted("init")
    if story.repo.git("status", "--porcelain"):
        story.accepted("commit", "-m", "Adopt npm-vetted")
    add(story, clients, client, "is-odd@3.0.0")
    story.vetted("init", "--settings")
    added(story, ADD[client][2], *offline)


@pytest.mark.slow
@pytest.mark.parametrize("client", ADD)
def test_each_client_through_pre_commit(
    git_repo: GitRepo, hooks: HookRepository, clients: Clients, client: str
) -> None:
    env = {
        "PATH": users_path(clients.bin(client)),
        "PRE_COMMIT_HOME": str(hooks.store / "pre-commit"),
    }
    story = Story(git_repo, "pre-commit", hooks.entry(), env, clients)
    live(story, clients, client)
    add(story, clients, client, "is-odd@3.0.1")
    upgraded(story)


@pytest.mark.parametrize("client", [pytest.param("yarn1", marks=pytest.mark.slow), "bun1.3"])
def test_two_clients_in_short(git_repo: GitRepo, clients: Clients, client: str) -> None:
    env = {"PATH": users_path(clients.bin(client))}
    entry = local_entry(Path(SCRIPTS / "npm-vetted"))
    story = Story(git_repo, "prek", entry, env, clients)
    live(story, clients, client, "--offline", "--waive-cooldown", "'published in 2018'")
