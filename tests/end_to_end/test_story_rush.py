"""The story with the real Rush, in a repository that it makes itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.git_repo import GitRepo
from tests.support.real_clients import Clients, Marker, make_marker
from tests.support.rush import rush_program, write_rush
from tests.support.static_registry import static_registry
from tests.support.story import SCRIPTS, Story, local_entry, users_path
from tests.support.story_steps import added, upgraded

CLIENTS = {
    "pnpm": ("10.34.9", "pnpm-lock.yaml"),
    "npm": ("6.14.18", "npm-shrinkwrap.json"),
    "yarn": ("1.22.22", "yarn.lock"),
}
"""What Rush runs, with its lockfile."""
SHOP = "apps/shop"


@pytest.fixture
def marker(tmp_path: Path) -> Marker:
    """A package with a script."""
    return make_marker(tmp_path / "markers", "@acme/marker")


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    """The client that Rush runs."""
    return str(request.param)


@pytest.fixture
def story(
    git_repo: GitRepo, clients: Clients, tmp_path: Path, marker: Marker, client: str
) -> Iterator[Story]:
    """A repository with two projects, made by ``rush init`` and ``rush update``, not adopted yet.

    One of them has the marker, which a registry on loopback serves.
    """
    program = rush_program(clients, tmp_path / "bin")
    env = {**clients.environment("npm11"), "PATH": users_path(program)}
    del env["CI"]  # Rush then refuses to write the lockfile
    story = Story(git_repo, "prek", local_entry(SCRIPTS / "npm-vetted"), env, clients)
    for name in (".gitignore", ".npmrc"):
        (git_repo.path / name).unlink()
    with static_registry(marker) as url:
        story.run("rush", "init")
        shop = {"name": "shop", "version": "1.0.0", "dependencies": {marker.name: "1.0.0"}}
        library = {"name": "b", "version": "1.0.0"}
        write_rush(
            git_repo, {f"{client}Version": CLIENTS[client][0]}, {SHOP: shop, "libs/b": library}
        )
        git_repo.write("common/config/rush/pnpm-config.json", '{"useWorkspaces": true}')
        with (git_repo.path / "common/config/rush/.npmrc").open("a") as file:
            file.write(f"\n@acme:registry={url}\n")
        if client == "yarn":  # the .gitignore of rush init has *.lock
            with (git_repo.path / ".gitignore").open("a") as file:
                file.write("!yarn.lock\n")
        story.run("rush", "update")
        assert marker.ran is (client != "pnpm")
        git_repo.commit("What Rush makes")
        yield story


@pytest.mark.slow
def test_rush_through_its_whole_story(story: Story, marker: Marker, client: str) -> None:
    lock = f"common/config/rush/{CLIENTS[client][1]}"
    story.install()
    story.vetted("init")
    written = story.repo.git("diff", "--cached", "--name-only").split()
    common = "common/config/rush/.npmrc"
    switches = {"pnpm": [common], "npm": [common], "yarn": [".yarnrc", common]}
    assert [each for each in written if each.endswith("rc")] == switches[client]
    story.accepted("commit", "-m", "Adopt npm-vetted")
    install(story, marker)
    assert not marker.ran
    add(story, client, "3.0.0")
    added(story, lock)
    add(story, client, "3.0.1")
    upgraded(story)
    story.git("checkout", "-q", "-f", "main")
    install(story, marker)
    assert not marker.ran
    assert "no scripts are approved" in story.vetted("rebuild")
    story.vetted(
        "note", f"{marker.name}@1.0.0", "--offline", "--criteria", "health,scripts",
        "-m", "Our own; its script leaves a mark and does nothing else.",
    )  # fmt: skip
    note = story.repo.path / f".vetting/notes/{marker.name}/1.0.0.toml"
    note.write_text(note.read_text().replace("criteria =", 'scripts = ["postinstall"]\ncriteria ='))
    story.git("add", ".")
    story.accepted("commit", "-m", "Approve the script")
    install(story, marker)
    assert not marker.ran
    story.vetted("rebuild")
    assert marker.events == ["postinstall"]


def install(story: Story, marker: Marker) -> None:
    """``rush install`` from nothing."""
    shutil.rmtree(story.repo.path / "common/temp")
    marker.clear()
    story.run("rush", "install")


def add(story: Story, client: str, version: str) -> None:
    """Add a dependency to the shop. With npm and Yarn, what is installed must go first."""
    later = "" if client == "pnpm" else " --skip-update && rush purge && rush update --full"
    story.shell(f"cd {SHOP} && rush add -p is-odd@{version}{later}")
    story.git("add", ".")
