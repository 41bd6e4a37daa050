"""Recording notes: at a terminal, by the command line, offline, ahead of a lockfile, for git."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from npm_vetted.cli import main
from npm_vetted.clients import clients as known_clients
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check, run
from tests.support.real_clients import Clients
from tests.support.terminal import converse
from tests.support.verdaccio import Verdaccio

NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=400)
FRAME = ("npm-vetted: looking at ", "npm-vetted: still rejected ")


def aged(verdaccio: Verdaccio, name: str, **versions: datetime) -> None:
    """Say when versions were published, as npm's own registry records it."""

    def describe(data: dict[str, Any]) -> None:
        for key, moment in versions.items():
            data["time"][key.removeprefix("v").replace("_", ".")] = moment.isoformat()
        data["time"]["created"] = min(versions.values()).isoformat()

    verdaccio.edit(name, describe)


@pytest.fixture(scope="module")
def shelf(verdaccio: Verdaccio) -> Verdaccio:
    """Packages to vet: an old one with a dependency, an upgrade with a changelog, a young one
    with a script, one without a changelog."""
    verdaccio.publish("deep", "1.0.0")
    verdaccio.publish("plain", "1.0.0", dependencies={"deep": "1.0.0"}, description="Plain things")
    history = "# Changelog\n\n## 1.1.0\n- Faster\n\n## 1.0.0\n- First\n"
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        verdaccio.publish("logged", version, files={"CHANGELOG.md": history})
    repository = {"type": "git", "url": "git+https://github.com/acme/silent.git"}
    for version in ("1.0.0", "1.1.0"):
        verdaccio.publish("silent", version, repository=repository)
    verdaccio.publish(
        "scripted",
        "1.0.0",
        files={"setup.js": "console.log('built')\n"},
        scripts={"postinstall": "node setup.js"},
    )
    verdaccio.publish(
        "carrier",
        "1.0.0",
        dependencies={"inside": "^1.0.0"},
        bundleDependencies=["inside"],
        files={
            "node_modules/inside/package.json": '{"name": "inside", "version": "1.4.0", '
            '"dependencies": {"deeper": "*"}, "scripts": {"install": "node x"}}',
            "node_modules/deeper/package.json": '{"name": "deeper", "version": "2.0.0"}',
        },
    )
    pins = {"node_modules/deep": {"version": "1.0.0", "integrity": "sha512-x"}}
    shrinkwrap = json.dumps({"name": "shrunk", "lockfileVersion": 3, "packages": pins})
    verdaccio.publish(
        "shrunk", "1.0.0", files={"npm-shrinkwrap.json": shrinkwrap}, _hasShrinkwrap=True
    )
    aged(verdaccio, "carrier", v1_0_0=OLD)
    aged(verdaccio, "shrunk", v1_0_0=OLD)
    aged(verdaccio, "deep", v1_0_0=OLD)
    aged(verdaccio, "plain", v1_0_0=OLD)
    young = NOW - timedelta(days=1)
    aged(verdaccio, "logged", v1_0_0=OLD, v1_1_0=OLD + timedelta(days=9), v1_2_0=young)
    aged(verdaccio, "silent", v1_0_0=OLD, v1_1_0=OLD + timedelta(days=9))
    aged(verdaccio, "scripted", v1_0_0=OLD)
    return verdaccio


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str


@dataclass
class Team:
    """A repository that has adopted, and the real npm."""

    repo: GitRepo
    npm: Clients
    registry: Verdaccio
    locked: dict[str, bytes]
    """What npm locked for some dependencies: the same every time."""

    def depend(self, folder: str = "", **dependencies: str) -> None:
        """Write the manifest and the lockfile as npm does; of what packages carry, npm itself does."""
        if dependencies.keys() & {"carrier", "shrunk"}:
            self.lock_by_npm(folder, **dependencies)
            return
        manifest = self._manifest(folder, dependencies)
        entries = {name: self._entry(name, version) for name, version in dependencies.items()}
        for entry in [*entries.values()]:
            brought = entry.get("dependencies", {})
            entries |= {name: self._entry(name, version) for name, version in brought.items()}
        packages = {f"node_modules/{name}": entries[name] for name in sorted(entries)}
        lockfile = {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": True}
        text = json.dumps({**lockfile, "packages": {"": manifest, **packages}}, indent=2)
        (self.repo.path / folder / "package-lock.json").write_text(f"{text}\n")

    def lock_by_npm(self, folder: str = "", **dependencies: str) -> None:
        """The same, the lockfile by the real npm, nothing installed."""
        self._manifest(folder, dependencies)
        lockfile = self.repo.path / folder / "package-lock.json"
        key = json.dumps(dependencies, sort_keys=True)
        if key not in self.locked:
            lockfile.unlink(missing_ok=True)
            self.npm.run("npm11", "install", "--package-lock-only", cwd=lockfile.parent)
            self.locked[key] = lockfile.read_bytes()
        lockfile.write_bytes(self.locked[key])

    def _manifest(self, folder: str, dependencies: Mapping[str, str]) -> dict[str, Any]:
        """Write the manifest and the settings; what the manifest says."""
        place = self.repo.path / folder
        place.mkdir(exist_ok=True)
        manifest = {"name": "app", "version": "1.0.0", "dependencies": dependencies}
        (place / "package.json").write_text(json.dumps(manifest, indent=2))
        (place / ".npmrc").write_text(f"registry={self.registry.url}\nignore-scripts=true\n")
        return manifest

    def _entry(self, name: str, version: str) -> dict[str, Any]:
        """How npm locks a version of the registry."""
        told = self.registry.stored(name)["versions"][version]
        found = {"version": version, "resolved": told["dist"]["tarball"],
                 "integrity": told["dist"]["integrity"]}  # fmt: skip
        if "scripts" in told:
            found["hasInstallScript"] = True
        return {**found, **{key: told[key] for key in ("license", "dependencies") if key in told}}

    def run(self, *args: str) -> Done:
        """Run npm-vetted without a terminal."""
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.chdir(self.repo.path),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            status = main(args)
        return Done(status, out.getvalue(), err.getvalue())

    def note(self, *args: str, status: int = 0) -> str:
        """Record; what was said of the notes on standard error.

        Left out: which state is looked at, and what else rejects (a registry over plain http does).
        """
        done = self.run("note", *args)
        assert (done.status, done.out) == (status, ""), done.err
        lines = done.err.splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith(FRAME))

    def talk(
        self, *args: str, answers: list[tuple[str, str]], env: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Record at a terminal."""
        return converse(["note", *args], answers, cwd=self.repo.path, env=env)

    def findings(self, *checks: str) -> list[tuple[str, str]]:
        """What the checks find in what is staged: check and package."""
        found = json.loads(self.run("check", *checks, "--format", "json").out)
        return [(each["check"], each["package"]) for each in found["findings"]]

    def read(self, path: str) -> dict[str, Any]:
        """A note."""
        return tomllib.loads((self.repo.path / ".vetting/notes" / path).read_text())

    def staged(self) -> list[str]:
        """The notes in the index."""
        listed = self.repo.git("ls-files", "--", ".vetting/notes").splitlines()
        return [path.removeprefix(".vetting/notes/") for path in listed]


@pytest.fixture(scope="module")
def locked() -> dict[str, bytes]:
    return {}


@pytest.fixture
def team(git_repo: GitRepo, clients: Clients, shelf: Verdaccio, locked: dict[str, bytes]) -> Team:
    git_repo.write(".vetting/config.toml", "format = 1\n")
    team = Team(git_repo, clients, shelf, locked)
    team.depend()
    git_repo.commit("Adopt")
    return team


@pytest.mark.slow
def test_npm_locks_these_packages_so(team: Team) -> None:
    """What the other tests of this file write in npm's place."""
    asked = {"plain": "1.0.0", "logged": "1.1.0", "silent": "1.0.0", "scripted": "1.0.0"}
    lockfile = team.repo.path / "package-lock.json"
    team.lock_by_npm(**asked)
    of_npm = lockfile.read_text()
    team.depend(**asked)
    assert json.loads(lockfile.read_text()) == json.loads(of_npm)


CHECKS = ("unvetted", "integrity", "cooldown", "install-scripts", "notes")


def test_the_registry_s_word_stands_in_the_note(team: Team) -> None:
    team.depend(plain="1.0.0")
    team.repo.add()
    assert team.findings(*CHECKS) == [("unvetted", "deep"), ("unvetted", "plain")]
    said = team.note("plain", "--criteria", "health", "-m", "Read all of it; it is plain.")
    assert said == (
        "npm-vetted: wrote and staged .vetting/notes/plain/1.0.0.toml: plain@1.0.0, with 1 more\n"
    )
    assert team.findings(*CHECKS) == []
    locked = json.loads((team.repo.path / "package-lock.json").read_text())["packages"]
    note = team.read("plain/1.0.0.toml")
    assert list(note) == [
        "package", "version", "integrity", "criteria", "vetted-by", "vetted-on", "published",
        "scripts", "why", "brings", "evidence",
    ]  # fmt: skip
    assert {
        key: note[key] for key in ("package", "version", "criteria", "vetted-by", "scripts")
    } == {
        "package": "plain",
        "version": "1.0.0",
        "criteria": ["health"],
        "vetted-by": "Ada Example <ada@example.com>",
        "scripts": [],
    }
    assert note["integrity"] == locked["node_modules/plain"]["integrity"]
    assert note["published"] == OLD.replace(microsecond=note["published"].microsecond)
    assert note["why"] == "Read all of it; it is plain.\n"
    (brought,) = note["brings"]
    assert (brought["package"], brought["integrity"]) == (
        "deep@1.0.0",
        locked["node_modules/deep"]["integrity"],
    )
    assert (note["evidence"]["latest"], note["evidence"]["licence"]) == ("1.0.0", "MIT")


def test_a_note_lists_what_the_tarball_carries(team: Team) -> None:
    """The real npm locks what a tarball carries without a hash: only the note is evidence."""
    team.repo.write(".vetting/config.toml", "format = 2\n")
    team.repo.commit("Take format 2")
    team.depend(carrier="1.0.0")
    team.repo.add()
    locked = json.loads((team.repo.path / "package-lock.json").read_text())["packages"]
    assert locked["node_modules/carrier/node_modules/inside"]["inBundle"] is True
    team.note("carrier", "--criteria", "health", "-m", "Read all of it.", status=2)  # scripts
    team.note("carrier", "--criteria", "health,scripts", "-m", "Read all of it.")
    assert team.read("carrier/1.0.0.toml")["bundles"] == [
        {"package": "deeper@2.0.0"},
        {"package": "inside@1.4.0", "scripts": ["install"]},
    ]
    assert team.findings(*CHECKS) == []


def test_what_a_note_says_of_a_tarball_is_compared_online(team: Team) -> None:
    team.repo.write(".vetting/config.toml", "format = 2\n")
    team.repo.commit("Take format 2")
    team.depend(carrier="1.0.0")
    team.repo.add()
    team.note("carrier", "--criteria", "health,scripts", "-m", "Read all of it.")

    def found() -> list[str]:
        done = team.run("check", "notes", "--online", "--format", "json")
        return [each["code"] for each in json.loads(done.out)["findings"]]

    assert found() == []
    path = ".vetting/notes/carrier/1.0.0.toml"
    text = (team.repo.path / path).read_text()
    for old, new in (
        ("deeper@2.0.0", "evil@2.0.0"),
        ("deeper@2.0.0", "deeper@2.0.1"),
        ('scripts = ["install"]', "scripts = []"),
    ):
        assert old in text
        team.repo.write(path, text.replace(old, new))
        team.repo.add()
        assert "evidence-differs" in found(), (old, new)


def test_a_note_is_completed_with_what_the_tarball_carries(team: Team) -> None:
    team.repo.write(".vetting/config.toml", "format = 2\n")
    team.repo.commit("Take format 2")
    team.depend(carrier="1.0.0")
    team.repo.add()
    team.note("carrier", "--criteria", "health,scripts", "-m", "Read all of it.", "--offline")
    assert "bundles" not in team.read("carrier/1.0.0.toml")
    team.note("carrier", "--complete")
    assert [each["package"] for each in team.read("carrier/1.0.0.toml")["bundles"]] == [
        "deeper@2.0.0", "inside@1.4.0",
    ]  # fmt: skip


def test_an_older_note_gets_a_second_one_that_lists_it(team: Team) -> None:
    team.repo.write(".vetting/config.toml", "format = 2\n")
    team.repo.commit("Take format 2")
    team.depend(carrier="1.0.0")
    team.repo.add()
    words = ("--criteria", "health,scripts", "-m", "Read all of it.")
    team.note("carrier", *words, "--offline")
    assert team.findings("unvetted") == [("unvetted", "deeper"), ("unvetted", "inside")]
    team.note("carrier", *words)
    assert team.staged() == ["carrier/1.0.0.2.toml", "carrier/1.0.0.toml"]
    assert team.findings(*CHECKS) == []


def test_a_note_lists_what_a_shrinkwrap_in_the_tarball_pins(team: Team) -> None:
    team.repo.write(".vetting/config.toml", "format = 2\n")
    team.repo.commit("Take format 2")
    team.depend(shrunk="1.0.0")
    team.repo.add()

    def found() -> set[tuple[str, str]]:
        done = team.run("check", "lockfile-source", "--format", "json")
        return {(each["package"], each["code"]) for each in json.loads(done.out)["findings"]}

    locked = json.loads((team.repo.path / "package-lock.json").read_text())["packages"]
    assert locked["node_modules/shrunk"]["hasShrinkwrap"] is True
    assert ("shrunk", "shrinkwrap") in found()
    team.note("shrunk", "--criteria", "health", "-m", "Read all of it.")
    assert team.read("shrunk/1.0.0.toml")["shrinkwrap"] == [
        {"package": "deep@1.0.0", "integrity": "sha512-x"}
    ]
    assert not found() & {("shrunk", "shrinkwrap"), ("shrunk", "shrinkwrap-differs")}


def test_a_hash_that_is_not_the_registry_s_is_refused(team: Team) -> None:
    team.depend(plain="1.0.0")
    lockfile = team.repo.path / "package-lock.json"
    data = json.loads(lockfile.read_text())
    other = data["packages"]["node_modules/deep"]["integrity"]
    data["packages"]["node_modules/plain"]["integrity"] = other
    lockfile.write_text(json.dumps(data, indent=2))
    team.repo.add()
    said = team.note("plain", "--criteria", "health", "-m", "Read it, it is good.", status=1)
    assert "plain@1.0.0: the lockfile's hash is not the registry's: expected sha512-" in said
    assert f"found {other}" in said
    assert team.staged() == []


WITHOUT_A_TERMINAL = {
    "no words": (["plain"], 2, '--criteria health -m REASON'),
    "no criteria": (["plain", "-m", "Read it all."], 2, "-m and --criteria are required"),
    "placeholder": (["plain", "-m", "TODO", "--criteria", "health"], 2, "says nothing"),
    "too little": (["plain", "-m", "Read it.", "--criteria", "changelog"], 2, "also requires health"),
    "unknown criterion": (
        ["plain", "-m", "Read it.", "--criteria", "helth"], 2, "did you mean 'health'",
    ),
    "not locked, no version": (["nowhere"], 2, "neither staged nor locked"),
    "not locked, offline": (["logged@1.0.0", "--offline"], 2, "neither staged nor locked"),
    "no such version": (["plain@9.9.9"], 3, "plain@9.9.9 does not exist in the registry"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "status", "words"), WITHOUT_A_TERMINAL.values(), ids=WITHOUT_A_TERMINAL
)
def test_refused_without_a_terminal(
    team: Team, arguments: list[str], status: int, words: str
) -> None:
    team.depend(plain="1.0.0")
    team.repo.add()
    assert words in team.note(*arguments, status=status)
    assert team.staged() == []


def upgraded(team: Team, name: str, old: str, new: str) -> None:
    """A project that has vetted an old version, and locks a new one."""
    team.depend(**{name: old})
    team.repo.add()
    team.note(name, "--criteria", "health", "-m", "Read all of it, it is fine code.")
    team.repo.commit(f"Add {name}")
    team.depend(**{name: new})
    team.repo.add()


def test_an_upgrade_says_what_the_changelog_names(team: Team) -> None:
    upgraded(team, "logged", "1.0.0", "1.1.0")
    said = team.note("logged", "--criteria", "changelog", "-m", "Only made faster.")
    assert said == (
        "npm-vetted: logged 1.0.0 -> 1.1.0: changelog: CHANGELOG.md names 1.1.0\n"
        "npm-vetted: wrote and staged .vetting/notes/logged/1.1.0.toml: logged@1.1.0\n"
    )
    assert team.read("logged/1.1.0.toml")["from"] == "1.0.0"
    assert team.findings(*CHECKS) == []


def test_an_upgrade_without_a_changelog_says_where_to_look(team: Team) -> None:
    upgraded(team, "silent", "1.0.0", "1.1.0")
    said = team.note("silent", "--criteria", "changelog", "-m", "Read the diff on GitHub instead.")
    assert said.splitlines()[0] == (
        "npm-vetted: silent 1.0.0 -> 1.1.0: no changelog is shipped: `why` must say what was read "
        "instead; see https://github.com/acme/silent/releases "
        "https://github.com/acme/silent/compare/v1.0.0...v1.1.0"
    )


def test_a_young_version_waits_or_is_waived(team: Team) -> None:
    upgraded(team, "logged", "1.0.0", "1.2.0")
    said = team.note("logged", "--criteria", "changelog", "-m", "Read the diff, all of it.")
    settled = OLD + timedelta(days=9)
    assert (
        f"logged@1.2.0 was published on {NOW - timedelta(days=1):%Y-%m-%d}: the policy waits 7 days, "
        "6 left" in said
    )
    assert f"old enough today: 1.1.0 ({settled:%Y-%m-%d})\n" in said
    assert team.findings(*CHECKS) == [("cooldown", "logged")]
    team.note("logged", "--waive-cooldown", "It closes the hole that we were told of.")
    assert team.findings(*CHECKS) == []
    note = team.read("logged/1.2.0.toml")
    assert note["cooldown-waiver"] == "It closes the hole that we were told of."
    assert note["why"] == "Read the diff, all of it.\n"


def test_a_waiver_given_at_once_names_the_client_s_own_entry(team: Team) -> None:
    upgraded(team, "logged", "1.0.0", "1.2.0")
    words = [
        "--criteria",
        "changelog",
        "-m",
        "Read the diff.",
        "--waive-cooldown",
        "A hole to close",
    ]
    said = team.note("logged", *words)
    assert (
        "npm-vetted: if the client has a cooldown of its own, add to .npmrc: "
        "min-release-age-exclude[]=logged\n" in said
    )
    assert team.findings(*CHECKS) == []


def test_scripts_are_named_and_asked_for(team: Team) -> None:
    team.depend(scripted="1.0.0")
    team.repo.add()
    said = team.note("scripted", "--criteria", "health", "-m", "Read it all.", status=2)
    assert "scripted@1.0.0 runs postinstall: node setup.js\n" in said
    assert "the policy also requires scripts" in said
    team.note("scripted", "--criteria", "health,scripts", "-m", "Read it all; prints a word.")
    assert team.read("scripted/1.0.0.toml")["scripts"] == ["postinstall"]
    assert team.findings(*CHECKS) == []


def test_what_a_note_brings_and_a_group_accepts_is_completed_as_printed(team: Team) -> None:
    """The finding on what a note only lists prints a command that ends the finding."""
    team.depend(plain="1.0.0", silent="1.0.0", logged="1.2.0")
    team.repo.add()
    words = ("--offline", "--criteria", "health", "-m", "Read all on the train.")
    team.note("plain", *words)
    team.note("silent", "logged", *words)
    done = check(team.repo, "cooldown", add=False)
    fixes = dict.fromkeys(each["fix"] for each in done.findings if "--complete" in each["fix"])
    assert len(fixes) >= 2, done.out
    for fix in fixes:
        command = next(part for part in fix.split("\n") if "--complete" in part)
        assert run(team.repo.path, *shlex.split(command)[1:]).status == 0
    left = check(team.repo, "cooldown", add=False).judged
    assert left == [("cooldown", "logged")], left
    [group] = (team.repo.path / ".vetting/notes/_groups").iterdir()
    listed = tomllib.loads(group.read_text())["accepts"]
    assert all("published" in each for each in listed)
    [brought] = team.read("plain/1.0.0.toml")["brings"]
    assert "published" in brought


def test_offline_then_completed(team: Team) -> None:
    team.depend(plain="1.0.0")
    team.repo.add()
    team.note("plain", "--offline", "--criteria", "health", "-m", "Read all on the train.")
    before = team.read("plain/1.0.0.toml")
    assert before.keys().isdisjoint({"published", "evidence"})
    said = team.note("plain", "--complete")
    assert said == "npm-vetted: completed and staged .vetting/notes/plain/1.0.0.toml\n"
    after = team.read("plain/1.0.0.toml")
    assert {"published", "evidence", "scripts"} <= after.keys()
    assert (after["why"], after["scripts"]) == (before["why"], [])


def test_not_a_lookalike(team: Team) -> None:
    team.depend(plain="1.0.0")
    team.repo.add()
    team.note("plain", "--criteria", "health", "-m", "Read all.", "--not-lookalike-of", "plaid")
    assert team.read("plain/1.0.0.toml")["not-lookalike-of"] == ["plaid"]
    team.note("plain", "--not-lookalike-of", "plan")
    assert team.read("plain/1.0.0.toml")["not-lookalike-of"] == ["plaid", "plan"]


def test_staged_writes_a_note_for_each_direct_one(team: Team) -> None:
    upgraded(team, "logged", "1.0.0", "1.1.0")
    team.depend(logged="1.1.0", plain="1.0.0", scripted="1.0.0")
    team.repo.add()
    said = team.note("--staged", "--criteria", "health", "-m", "Read everything.", status=2)
    assert said.splitlines()[-1] == (
        '  do that, and name it: npm-vetted note "scripted@1.0.0" --criteria changelog,health,scripts'
    )
    assert team.staged() == ["logged/1.0.0.toml"]
    team.note("--staged", "--criteria", "changelog,health,scripts", "-m", "Read everything.")
    assert set(team.staged()) == {
        "logged/1.0.0.toml", "logged/1.1.0.toml", "plain/1.0.0.toml", "scripted/1.0.0.toml",
    }  # fmt: skip
    assert team.read("logged/1.1.0.toml")["from"] == "1.0.0"
    assert team.findings(*CHECKS) == []
    assert "everything is covered" in team.note("--staged", "--criteria", "health", "-m", "All.")


def test_a_range(team: Team) -> None:
    team.repo.git("switch", "-qc", "topic")
    team.depend(plain="1.0.0")
    team.repo.commit("Add plain")
    team.repo.write("README", "later\n")
    team.repo.commit("Something else")
    team.note("--from-ref", "main", "--criteria", "health", "-m", "Read all of it.")
    assert team.staged() == ["plain/1.0.0.toml"]
    team.repo.commit("Vet plain", add=False)
    done = team.run("check", *CHECKS, "--from-ref", "main", "--to-ref", "topic")
    assert (done.status, done.err) == (0, "")


def test_ahead_of_a_bot_s_branch(team: Team) -> None:
    """The note is on the trunk before any lockfile needs it; the branch then passes."""
    upgraded(team, "logged", "1.0.0", "1.0.0")
    said = team.note("logged@1.1.0", "--criteria", "changelog", "-m", "Only made faster.")
    assert said.splitlines()[0] == (
        "npm-vetted: logged@1.1.0 is not locked yet: as the registry has it"
    )
    note = team.read("logged/1.1.0.toml")
    assert (note["from"], note["scripts"], "brings" in note) == ("1.0.0", [], False)
    assert "published" in note
    assert team.findings(*CHECKS) == []
    team.repo.commit("Vet ahead", add=False)
    team.depend(logged="1.1.0")
    team.repo.add()
    assert team.findings(*CHECKS) == []
    assert "is vetted by .vetting/notes/logged/1.1.0.toml" in team.note("logged@1.1.0")


def test_a_note_ahead_is_waived_like_any_other(team: Team) -> None:
    upgraded(team, "logged", "1.0.0", "1.0.0")
    team.note("logged@1.2.0", "--criteria", "changelog", "-m", "Read the diff on its own.")
    team.note("logged@1.2.0", "--waive-cooldown", "It closes a hole.")
    assert team.staged() == ["logged/1.0.0.toml", "logged/1.2.0.toml"]
    assert team.read("logged/1.2.0.toml")["cooldown-waiver"] == "It closes a hole."


def test_a_note_that_is_not_in_the_commit_is_named(team: Team) -> None:
    team.depend(plain="1.0.0")
    team.repo.add()
    team.note("plain", "--criteria", "health", "-m", "Read all of it, twice.")
    team.repo.git("rm", "-q", "--cached", "-r", ".vetting/notes")
    said = team.run("check", "unvetted").out
    assert "git add .vetting/notes/plain/1.0.0.toml" in said


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("version", "file"),
    [("1.2.3", "exotic/1.2.3.toml"), (None, f"exotic/{COMMIT[:12]}.toml")],
    ids=["with a version", "without one"],
)
def test_a_git_source_is_bound_by_its_commit(team: Team, version: str | None, file: str) -> None:
    source = f"git+ssh://git@github.com/acme/exotic.git#{COMMIT}"
    asked = {"exotic": "github:acme/exotic"}
    entry = {"resolved": source} | ({"version": version} if version else {})
    team.repo.write("package.json", json.dumps({"name": "app", "dependencies": asked}))
    packages = {"": {"name": "app", "dependencies": asked}, "node_modules/exotic": entry}
    lock = {"name": "app", "lockfileVersion": 3, "requires": True, "packages": packages}
    team.repo.write("package-lock.json", json.dumps(lock, indent=2))
    team.repo.add()
    assert team.findings("unvetted") == [("unvetted", "exotic")]
    team.note("exotic", "--criteria", "health", "-m", "Read the commit, all of it.")
    note = team.read(file)
    assert (note.get("version"), note["resolved"], "integrity" in note) == (version, source, False)
    assert team.findings("unvetted", "integrity", "notes", "lockfile-source") == []
    moved = source.replace("0123", "3210", 1)
    team.repo.write("package-lock.json", json.dumps(lock, indent=2).replace(source, moved))
    team.repo.add()
    assert {check for check, _ in team.findings("unvetted", "integrity")} <= {
        "unvetted", "integrity",
    }  # fmt: skip
    assert team.findings("unvetted", "integrity") != []


def test_at_a_terminal_each_criterion_is_shown_and_confirmed(team: Team) -> None:
    upgraded(team, "logged", "1.0.0", "1.2.0")
    status, screen = team.talk(
        "logged",
        answers=[
            ("done? [y,n,s,d,o,b,q,?] ", "y"),
            ("why it cannot wait (empty: it waits): ", "It closes a hole that we have."),
            ("and what was found: ", "The diff: nothing but speed."),
        ],
    )
    assert status == 0, screen
    for words in (
        "logged@1.2.0 is an upgrade from 1.0.0",
        "the policy requires: changelog",
        "- Faster",
        "it says nothing about 1.2.0 itself",
        "old enough today: 1.1.0",
        "add to .npmrc: min-release-age-exclude[]=logged",
        "what was read in place of a changelog",
        "wrote and staged .vetting/notes/logged/1.2.0.toml",
    ):
        assert words in screen
    note = team.read("logged/1.2.0.toml")
    assert (note["criteria"], note["why"], note["cooldown-waiver"]) == (
        ["changelog"],
        "The diff: nothing but speed.\n",
        "It closes a hole that we have.",
    )
    assert team.findings(*CHECKS) == []


def test_a_no_records_nothing_for_that_package_and_goes_on(team: Team) -> None:
    team.depend(plain="1.0.0", scripted="1.0.0")
    team.repo.add()
    status, screen = team.talk(
        "--staged",
        answers=[
            ("plain@1.0.0: health", "y"),
            ("and what was found: ", "Read it; it does what it says."),
            ("scripted@1.0.0: health", "y"),
            ("scripted@1.0.0: scripts", "n"),
        ],
    )
    assert status == 1, screen
    assert screen.index("Plain things") < screen.index("plain@1.0.0: health")
    assert "--- setup.js (21 B)\nconsole.log('built')" in screen
    assert "nothing is recorded for scripted@1.0.0" in screen
    assert team.staged() == ["plain/1.0.0.toml"]
    assert [package for _, package in team.findings("unvetted")] == ["scripted"]


EDITED = {
    "words": ("s/^why = \"\"\"$/&\\nRead: all of it.\\n# a heading stays/", 0, True),
    "nothing": ("", 1, False),
    "criteria taken out": ("s/^criteria.*/criteria = [\"source\"]/; s/^why = .*/&\\nRead it./", 1, False),
    "broken": ("s/^version.*/version = /", 1, False),
}  # fmt: skip


@pytest.mark.parametrize(("script", "status", "kept"), EDITED.values(), ids=EDITED)
def test_worded_in_an_editor(team: Team, script: str, status: int, kept: bool) -> None:
    team.depend(plain="1.0.0")
    team.repo.add()
    script_file = team.repo.path.parent / "edit.sed"
    script_file.write_text(script + "\n")
    found, screen = team.talk(
        "plain",
        answers=[("done? [y,n,s,d,o,b,q,?] ", "y")],
        env={"EDITOR": f"sed -i -f {script_file}"},
    )
    assert (found, team.staged()) == (status, ["plain/1.0.0.toml"] if kept else []), screen
    sheets = [path.name for path in (team.repo.path / ".git/npm-vetted").glob("NOTE_EDITMSG*")]
    if kept:
        why = team.read("plain/1.0.0.toml")["why"]
        assert why.strip() == "Read: all of it.\n# a heading stays"
    else:
        assert "nothing is recorded for plain@1.0.0" in screen
    lost = status == 1 and bool(script)
    assert sheets == (["NOTE_EDITMSG-plain%401.0.0.toml"] if lost else [])


WROTE = "sed -i 's/^why = .*/&\\nRead: all of it./' \"$1\"\n"


@pytest.mark.parametrize(
    ("script", "status", "said", "kept"),
    [
        (f"{WROTE}exit 3", 1, "the editor ended with status 3\n  what you wrote is kept in", True),
        ("exit 3", 1, "nothing is recorded for plain@1.0.0", False),
        (': > "$1"', 1, "nothing is recorded for plain@1.0.0", False),
        (f"{WROTE}kill -INT $PPID", 130, "interrupted; nothing was decided", True),
    ],
    ids=["it fails", "it fails at once", "emptied", "interrupted"],
)
def test_an_editor_that_ends_otherwise_records_nothing(
    team: Team, script: str, status: int, said: str, kept: bool
) -> None:
    team.depend(plain="1.0.0")
    team.repo.add()
    editor = team.repo.path.parent / "editor.sh"
    editor.write_text(f"{script}\n")
    found, screen = team.talk(
        "plain", answers=[("done? [y,n,s,d,o,b,q,?] ", "y")], env={"EDITOR": f"sh {editor}"}
    )
    assert (found, team.staged()) == (status, []), screen
    assert said in screen
    sheets = [path.read_text() for path in (team.repo.path / ".git/npm-vetted").glob("NOTE*")]
    assert [("Read: all of it." in sheet) for sheet in sheets] == ([True] if kept else [])


def test_an_editor_that_is_not_there_is_named(team: Team) -> None:
    team.depend(plain="1.0.0")
    team.repo.add()
    for editor in ("no-such-editor", "'"):
        status, screen = team.talk(
            "plain", answers=[("done? [y,n,s,d,o,b,q,?] ", "y")], env={"EDITOR": editor}
        )
        assert (status, team.staged()) == (3, [])
        assert "the editor cannot be run: " in screen


def test_an_end_of_input_is_a_no(team: Team) -> None:
    team.depend(plain="1.0.0")
    team.repo.add()
    status, _ = team.talk("plain", answers=[("done? [y,n,s,d,o,b,q,?] ", "\x04")])
    assert (status, team.staged()) == (1, [])


GATES: dict[str, tuple[str, str, str]] = {
    "npm11": ("npm", ".npmrc", "min-release-age=7\n"),
    "npm12": ("npm", ".npmrc", "min-release-age=7\n"),
    "pnpm10": ("pnpm", "pnpm-workspace.yaml", "minimumReleaseAge: 10080\n"),
    "pnpm11": ("pnpm", "pnpm-workspace.yaml", "minimumReleaseAge: 10080\n"),
    "yarn4.18": ("yarn-berry", ".yarnrc.yml", "npmMinimalAgeGate: 7d\n"),
    "bun1.3": ("bun", "bunfig.toml", "[install]\nminimumReleaseAge = 604800\n"),
    "bun1.4": ("bun", "bunfig.toml", "[install]\nminimumReleaseAge = 604800\n"),
}


@pytest.mark.slow
@pytest.mark.parametrize("client", GATES)
def test_the_entry_passes_the_client_s_own_cooldown(
    client: str, clients: Clients, shelf: Verdaccio, tmp_path: Path
) -> None:
    """The real client refuses a version that is a day old, and takes it with the entry pasted."""
    name, gate_file, gate = GATES[client]
    entry = known_clients()[name].cooldown_exclude("logged", "1.2.0")
    assert entry is not None
    file, _, text = entry.partition(": ")
    assert file == gate_file
    base = {
        ".npmrc": f"registry={shelf.url}\n",
        ".yarnrc.yml": f"npmRegistryServer: '{shelf.url}'\nunsafeHttpWhitelist: ['127.0.0.1']\n",
        "package.json": json.dumps({"name": "app", "dependencies": {"logged": "1.2.0"}}),
    }

    def installs(folder: Path, more: str) -> bool:
        folder.mkdir()
        for path, content in (base | {file: base.get(file, "") + gate + more}).items():
            (folder / path).write_text(content)
        return clients.run(client, "install", cwd=folder, check=False).returncode == 0

    assert not installs(tmp_path / "without", "")
    assert installs(tmp_path / "with", f"{text}\n")
