"""What the other tests stand on: a whole lockfile, real clients, nothing of the machine's own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.git_repo import GitRepo
from tests.support.real_clients import MANIFESTS, NAMES, Clients, Marker, program_of
from tests.support.verdaccio import Verdaccio

VERSIONS = {
    "npm6": "6.14.18", "npm10": "10.9.9", "npm11": "11.21.2", "npm12": "12.2.0",
    "pnpm9": "9.15.9", "pnpm10": "10.34.9", "pnpm11": "11.28.11", "pnpm12": "12.21.0",
    "yarn1": "1.22.22", "yarn3.8": "3.8.7", "yarn4.9": "4.9.4", "yarn4.13": "4.13.0",
    "yarn4.14": "4.14.1", "yarn4.18": "4.18.1",
    "bun1.2": "1.2.23", "bun1.3": "1.3.14", "bun1.4": "1.4.5",
    "lockfile-lint": "5.0.1", "verdaccio": "v6.10.4",
}  # fmt: skip

INSTALL = {
    "npm": ("install", "--no-ignore-scripts"),
    "pnpm": ("install",),
    "yarn": ("install",),
    "bun": ("install",),
}


def test_the_lockfile_pins_every_client_by_hash_and_registry() -> None:
    packages = json.loads((MANIFESTS / "package-lock.json").read_text())["packages"]
    unpinned = [
        location
        for location, entry in packages.items()
        if location
        and not entry.get("inBundle")
        and not (
            entry.get("integrity", "").startswith("sha512-")
            and entry.get("resolved", "").startswith("https://registry.npmjs.org/")
        )
    ]
    assert unpinned == []


@pytest.mark.parametrize(("name", "version"), VERSIONS.items())
@pytest.mark.slow
def test_a_client_is_the_version_that_its_name_says(
    clients: Clients, tmp_path: Path, name: str, version: str
) -> None:
    assert clients.run(name, "--version", cwd=tmp_path).stdout.strip() == version


def test_every_name_has_a_program(clients: Clients) -> None:
    assert all(os.access(clients.path(name), os.X_OK) for name in NAMES)


@pytest.mark.parametrize("name", ["npm10", "pnpm9", "yarn1", "yarn4.9"])
@pytest.mark.slow
def test_a_marker_package_tells_that_its_script_ran(
    clients: Clients, tmp_path: Path, marker_package: Callable[..., Marker], name: str
) -> None:
    marker = marker_package("@scope/marker", scripts=("preinstall", "postinstall"))
    project = tmp_path / "project"
    project.mkdir()
    manifest = {"name": "p", "version": "1.0.0", "dependencies": {marker.name: marker.specifier}}
    (project / "package.json").write_text(json.dumps(manifest))
    clients.run(name, *INSTALL[program_of(name)], cwd=project)
    assert marker.events == ["preinstall", "postinstall"]
    marker.clear()
    assert not marker.ran


def test_the_environment_is_the_tests_own(git_repo: GitRepo, isolated_home: Path) -> None:
    assert Path.home() == isolated_home
    assert list(isolated_home.iterdir()) == []
    assert not [key for key in os.environ if key.startswith(("PRE_COMMIT", "npm_config_"))]
    origins = git_repo.git("config", "--list", "--show-origin").splitlines()
    assert {line.split("\t")[0] for line in origins} == {"file:.git/config"}


def test_a_repository_commits(git_repo: GitRepo) -> None:
    git_repo.write("a/b.txt", "text\n")
    commit = git_repo.commit("why")
    assert git_repo.git("log", "--format=%H %an <%ae> %s") == (
        f"{commit} Ada Example <ada@example.com> why"
    )


@pytest.mark.slow
def test_a_package_is_published_as_npm_publishes_it(verdaccio: Verdaccio) -> None:
    more: dict[str, Any] = {
        "scripts": {"postinstall": "node x"},
        "bin": {"a": "index.js"},
        "dependencies": {"b": "1"},
    }
    verdaccio.publish("published", "1.0.0", **more)
    verdaccio.publish_by_npm("by-npm", "1.0.0", **more)
    ours, npms = verdaccio.stored("published"), verdaccio.stored("by-npm")
    for each in (ours, npms):
        for version in each["versions"].values():
            for changing in ("_nodeVersion", "_npmVersion", "dist"):
                version.pop(changing, None)
        for changing in ("_rev", "time", "readme", "_attachments"):
            each.pop(changing, None)
    assert json.loads(json.dumps(npms).replace("by-npm", "published")) == ours
