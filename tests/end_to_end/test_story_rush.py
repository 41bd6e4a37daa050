"""The story with the real Rush, in a repository that it makes itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.git_repo import GitRepo
from tests.support.real_clients import Clients, Marker, make_marker
from tests.support.rush import rush_program, write_rush
from tests.support.static_registry import static_registry
from tests.support.story import SCRIPTS, Story, local_entry, users_path
from tests.support.story_steps import added, upgraded

LOCK = "common/config/rush/pnpm-lock.yaml"
SHOP = "apps/shop"


@pytest.fixture
def marker(tmp_path: Path) -> Marker:
    """A package with a script."""
    return make_marker(tmp_path / "markers", "@acme/marker")


@pytest.fixture
def story(git_repo: GitRepo, clients: Clients, tmp_path: Path, marker: Marker) -> Iterator[Story]:
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
        write_rush(git_repo, {"pnpmVersion": "10.34.9"}, {SHOP: shop, "libs/b": library})
        git_repo.write("common/config/rush/pnpm-config.json", '{"useWorkspaces": true}')
        with (git_repo.path / "common/config/rush/.npmrc").open("a") as file:
            file.write(f"\n@acme:registry={url}\n")
        story.run("rush", "update")
        assert not marker.ran
        git_repo.commit("What Rush makes")
        yield story


@pytest.mark.slow
def test_rush_through_its_whole_story(story: Story, marker: Marker) -> None:
    story.install()
    story.vetted("init")
    written = story.repo.git("diff", "--cached", "--name-only").split()
    assert [each for each in written if each.endswith(".npmrc")] == []  # pnpm 10: off by default
    story.accepted("commit", "-m", "Adopt npm-vetted")
    story.shell(f"cd {SHOP} && rush add -p is-odd@3.0.0")
    story.git("add", ".")
    added(story, LOCK)
    story.shell(f"cd {SHOP} && rush add -p is-odd@3.0.1")
    story.git("add", ".")
    upgraded(story)
    story.git("checkout", "-q", "-f", "main")
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
    story.run("rush", "install")
    assert not marker.ran
    story.vetted("rebuild")
    assert marker.events == ["postinstall"]
