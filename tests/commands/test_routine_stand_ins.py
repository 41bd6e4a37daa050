"""The preset ``balanced`` on harmless stand-ins of attacks, published to a real registry.

No stand-in that deserves attention gets a routine note, also not by many small steps; honest changes
do.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from npm_vetted.registry import Registry
from npm_vetted.registry.settings import load_settings
from tests.review.signals.stand_ins import BUILT, HONEST, PLAIN, STAND_INS, Texts
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import run
from tests.support.verdaccio import Verdaccio

OLD = datetime.now(UTC) - timedelta(days=400)
CASES = {
    name: case
    for name, case in (*STAND_INS.items(), *HONEST.items())
    if case.base is not None and name != "declarations of types"  # whose dependency is not here
}
NAMES = {name: f"case{number}" for number, name in enumerate(CASES)}
ROUTINE = {name for name, case in CASES.items() if name in HONEST and case.base is not BUILT}
DRIP = (
    PLAIN,
    {**PLAIN, "lib/more.js": "exports.copy = (text) => navigator.clipboard.writeText(text);\n"},
    {**PLAIN, "lib/more.js": "exports.copy = (text) => navigator.clipboard.writeText(text);\n",
     "lib/table.js": "exports.rows = Object.keys({ ...process.env });\n"},
)  # fmt: skip


def publish(registry: Verdaccio, name: str, version: str, texts: Texts) -> None:
    manifest = json.loads(texts["package.json"])
    more = {key: value for key, value in manifest.items() if key not in ("name", "version")}
    files = {path: text for path, text in texts.items() if path != "package.json"}
    registry.publish(name, version, files=files, **more)


def age(data: dict[str, Any]) -> None:
    """Let the versions be old, a day apart."""
    days = {each: number for number, each in enumerate(data["versions"])}
    data["time"] |= {
        each: (OLD + timedelta(days=day)).isoformat()
        for each, day in (*days.items(), ("created", 0))
    }


def lock(repo: GitRepo, url: str, **versions: str) -> None:
    """Lock packages that the manifest requires."""
    registry = Registry(load_settings({}, registry_of=lambda _: url))
    packages: dict[str, object] = {"": {"name": "app", "dependencies": versions}}
    for name, version in versions.items():
        found = registry.packument(name).release(version)
        packages[f"node_modules/{name}"] = {
            "version": version, "resolved": found.tarball, "integrity": found.integrity,
        }  # fmt: skip
    data = {"name": "app", "lockfileVersion": 3, "requires": True, "packages": packages}
    repo.write("package.json", json.dumps({"name": "app", "dependencies": versions}))
    repo.write("package-lock.json", json.dumps(data, indent=2))
    repo.git("add", "-A")


@pytest.fixture(scope="module")
def shelf(verdaccio: Verdaccio) -> Verdaccio:
    for number, texts in enumerate(DRIP):
        publish(verdaccio, "drip", f"1.0.{number}", texts)
    verdaccio.edit("drip", age)
    return verdaccio


@pytest.fixture(scope="module")
def cases(verdaccio: Verdaccio) -> Verdaccio:
    for version in ("5.0.0", "5.0.1", "5.0.2"):
        verdaccio.publish("chalk", version)
    verdaccio.edit("chalk", lambda data: data["time"].update(created="2020-01-01T00:00:00Z"))
    for name, case in CASES.items():
        assert case.base is not None
        publish(verdaccio, NAMES[name], "1.0.0", case.base)
        publish(verdaccio, NAMES[name], "1.0.1", {**case.base, **case.change})
        verdaccio.edit(NAMES[name], age)
    return verdaccio


def adopted(repo: GitRepo, url: str, **versions: str) -> GitRepo:
    """A repository that locks some packages, and adopted with ``balanced``."""
    repo.write(".npmrc", f"registry={url}\nignore-scripts=true\n")
    lock(repo, url, **versions)
    repo.commit("Start")
    run(repo.path, "init", "--policy", "balanced")
    repo.commit("Adopt")
    return repo


def routine_notes(repo: GitRepo) -> set[str]:
    return {path.parent.name for path in Path(repo.path, ".vetting/routine").rglob("*.toml")}


@pytest.mark.slow
def test_no_stand_in_gets_a_routine_note(git_repo: GitRepo, cases: Verdaccio) -> None:
    repo = adopted(git_repo, cases.url, **dict.fromkeys(NAMES.values(), "1.0.0"))
    lock(repo, cases.url, **dict.fromkeys(NAMES.values(), "1.0.1"))
    assert run(repo.path, "note").status == 1
    found = routine_notes(repo)
    assert {name for name, published in NAMES.items() if published in found} == ROUTINE


def test_small_steps_add_up(git_repo: GitRepo, shelf: Verdaccio) -> None:
    """Each step is too small to be seen; together they are compared with what a person accepted."""
    repo = adopted(git_repo, shelf.url, drip="1.0.0")
    lock(repo, shelf.url, drip="1.0.1")
    assert run(repo.path, "note").status == 0
    repo.commit("A small step", add=False)
    lock(repo, shelf.url, drip="1.0.2")
    done = run(repo.path, "note")
    assert done.status == 1
    assert "signals with a score of 6" in done.err
    assert not (repo.path / ".vetting/routine/drip/1.0.2.toml").exists()
