"""The check lockfile-sync compared with the real clients, on mutated projects.

Two properties, and their converse:

- where a frozen install refuses, there is a finding;
- where an unfrozen install would change the set of locked artifacts, there is a finding;
- otherwise there is none, except where the lockfile was edited by hand.

``NPM_VETTED_TRIALS`` and ``NPM_VETTED_FIRST_TRIAL`` choose how many trials and from which seed.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from npm_vetted.clients import clients as readers
from npm_vetted.errors import NpmVettedError
from npm_vetted.projects.lockfile_owner import client_of_lockfile
from tests.support.edited_lockfiles import edit_bun, edit_npm
from tests.support.git_repo import GitRepo
from tests.support.mutated_projects import (
    Files,
    LockfileEdit,
    Mutator,
    as_json,
    mutate_selectors,
    set_in_manifest,
)
from tests.support.npm_projects import check
from tests.support.real_clients import Clients
from tests.support.static_registry import static_registry, tarball

VENDORED = "vendor/tt.tgz"


@dataclass(frozen=True)
class Kind:
    """How one client installs as locked, and writes its lockfile."""

    client: str
    lockfile: str
    frozen: tuple[str, ...]
    update: tuple[str, ...]
    environment: Mapping[str, str]
    files: Mapping[str, str]
    mutations: tuple[object, ...]
    edit: LockfileEdit | None = None


def _yaml_settings(chance: random.Random, files: Files) -> None:
    """Settings of pnpm-workspace.yaml; JSON is YAML."""
    data = json.loads(files["pnpm-workspace.yaml"])
    kind = chance.choice([
        "overrides", "overrides", "catalog", "packageExtensions", "ignoredOptionalDependencies",
        "autoInstallPeers", "excludeLinksFromLockfile", "catalogs",
    ])  # fmt: skip
    if kind == "overrides":
        mutate_selectors(chance, data.setdefault("overrides", {}))
    elif kind == "catalog":
        data["catalog"]["aa"] = chance.choice(["^1.0.0", "1.0.0", "npm:tt@1.0.0", "2.0.0"])
    elif kind == "catalogs":
        data["catalogs"] = {"old": {"aa": chance.choice(["^1.0.0", "1.0.0"])}}
    elif kind == "packageExtensions":
        name = chance.choice(["bb", "bb@2", "tt", "ee@^1", "nothing"])
        data[kind] = {name: {"dependencies": {"tt": "1.0.0"}}}
    elif kind == "ignoredOptionalDependencies":
        data[kind] = chance.sample(["aa", "tt", "bb", "nothing"], 1)
    else:
        data[kind] = chance.choice([True, False])
    files["pnpm-workspace.yaml"] = json.dumps(data)


def _yarnrc_settings(chance: random.Random, files: Files) -> None:
    """Settings of .yarnrc.yml; JSON is YAML."""
    data = json.loads(files[".yarnrc.yml"])
    extension = chance.choice(["bb@*", "bb@^2.0.0", "tt@1.0.0", "nothing@*"])
    data.setdefault("packageExtensions", {})[extension] = {"dependencies": {"tt": "1.0.0"}}
    files[".yarnrc.yml"] = json.dumps(data)


_WORKSPACE = json.dumps({"packages": ["packages/*"], "catalog": {"aa": "^1.0.0"}})


def _pnpm(number: str) -> Kind:
    return Kind(
        f"pnpm{number}", "pnpm-lock.yaml",
        ("install", "--frozen-lockfile", "--ignore-scripts"),
        ("install", "--no-frozen-lockfile", "--lockfile-only", "--ignore-scripts"),
        {"npm_config_registry": "URL", "pnpm_config_registry": "URL",
         "pnpm_config_minimum_release_age": "0"},
        {"pnpm-workspace.yaml": _WORKSPACE},
        (_yaml_settings, _yaml_settings, set_in_manifest("pnpm", "overrides"),
         set_in_manifest("resolutions")),
    )  # fmt: skip


def _berry(number: str) -> Kind:
    return Kind(
        f"yarn{number}", "yarn.lock",
        ("install", "--immutable", "--mode=skip-build"),
        ("install", "--mode=update-lockfile"),
        {"YARN_NPM_REGISTRY_SERVER": "URL", "YARN_UNSAFE_HTTP_WHITELIST": "127.0.0.1",
         **({} if number.startswith("3") else {"YARN_NPM_MINIMAL_AGE_GATE": "0"})},
        {".yarnrc.yml": '{"nodeLinker": "node-modules"}'},
        (set_in_manifest("resolutions"), set_in_manifest("resolutions"), _yarnrc_settings),
    )  # fmt: skip


def _npm_settings(chance: random.Random, files: Files) -> None:
    """What only npm reads."""
    data = json.loads(files["package.json"])
    kind = chance.choice([
        "nested", "nested", "npmrc", "acceptDependencies", "bundleDependencies", "packageExtensions",
    ])  # fmt: skip
    if kind == "nested":
        inner: dict[str, str] = {}
        mutate_selectors(chance, inner)
        data.setdefault("overrides", {})[chance.choice(["bb", "cc", "@s/dd", "bb@2"])] = inner
    elif kind == "npmrc":
        files[".npmrc"] = chance.choice(["legacy-peer-deps=true\n", "install-links=true\n"])
    elif kind == "packageExtensions":
        data[kind] = {chance.choice(["bb@1", "tt", "nothing"]): {"dependencies": {"tt": "1.0.0"}}}
    elif kind == "acceptDependencies":
        data[kind] = {chance.choice(["aa", "bb"]): chance.choice(["2.0.0", "^1.0.0"])}
    else:
        data[kind] = [chance.choice(list(data.get("dependencies", {"aa": ""})))]
    files["package.json"] = json.dumps(data, indent=1)


def _npm(number: str) -> Kind:
    return Kind(
        f"npm{number}", "package-lock.json", ("ci", "--ignore-scripts"),
        ("install", "--package-lock-only", "--ignore-scripts"),
        {"npm_config_registry": "URL"},
        {},
        (set_in_manifest("overrides"), set_in_manifest("overrides"), _npm_settings),
        edit_npm,
    )  # fmt: skip


def _bun_settings(chance: random.Random, files: Files) -> None:
    """The catalogs that Bun reads."""
    data = json.loads(files["package.json"])
    globs = data.get("workspaces", [])
    catalog = {"aa": chance.choice(["^1.0.0", "1.0.0", "2.0.0"])}
    data["workspaces"] = {
        "packages": globs["packages"] if isinstance(globs, dict) else globs,
        **chance.choice([{"catalog": catalog}, {"catalogs": {"old": catalog}}]),
    }
    section = data.setdefault(chance.choice(["dependencies", "devDependencies"]), {})
    section["aa"] = chance.choice(["catalog:", "catalog:old"])
    files["package.json"] = json.dumps(data, indent=1)


def _bun(number: str) -> Kind:
    return Kind(
        f"bun{number}", "bun.lock", ("install", "--frozen-lockfile", "--ignore-scripts"),
        ("install", "--lockfile-only", "--ignore-scripts"),
        {"npm_config_registry": "URL"},
        {},
        (set_in_manifest("overrides"), set_in_manifest("resolutions"), _bun_settings),
        edit_bun,
    )  # fmt: skip


KINDS = {
    **{f"npm{number}": _npm(number) for number in ("10", "11", "12")},
    **{f"bun{number}": _bun(number) for number in ("1.2", "1.3", "1.4")},
    "yarn1": Kind(
        "yarn1", "yarn.lock",
        ("install", "--frozen-lockfile", "--ignore-scripts", "--no-progress"),
        ("install", "--ignore-scripts", "--no-progress"),
        {"npm_config_registry": "URL", "YARN_REGISTRY": "URL"},
        {},
        (set_in_manifest("resolutions"), set_in_manifest("resolutions")),
    ),
    **{f"pnpm{number}": _pnpm(number) for number in ("9", "10", "11", "12")},
    **{f"yarn{number}": _berry(number) for number in ("3.8", "4.18")},
}  # fmt: skip


def _pinned(client: str) -> str:
    versions = {
        "yarn1": "yarn@1.22.22", "pnpm9": "pnpm@9.15.9", "pnpm10": "pnpm@10.34.9",
        "pnpm11": "pnpm@11.28.11", "pnpm12": "pnpm@12.21.0", "yarn3.8": "yarn@3.8.7",
        "yarn4.18": "yarn@4.18.1", "npm10": "npm@10.9.9", "npm11": "npm@11.21.2",
        "npm12": "npm@12.2.0", "bun1.2": "bun@1.2.23", "bun1.3": "bun@1.3.14", "bun1.4": "bun@1.4.5",
    }  # fmt: skip
    return versions[client]


ON_PURPOSE = ("out-of-date member@", "out-of-date other@", "folder-for-package")
"""Findings that are right though no client changes anything: an optional dependency that no registry
has is left out, and is installed as soon as somebody publishes it. A folder that another section of
the manifest overrules takes the package's place as soon as that one goes."""

BASES = 24
"""How many projects there are to begin with; one in three has settings."""
STARTS: dict[tuple[str, int, str], Files] = {}
HONEST: set[tuple[str, int, str]] = set()
"""What was found of those, so that it is found once."""


class Trial:
    """One mutated project, in a folder of its own."""

    def __init__(self, clients: Clients, kind: Kind, url: str, folder: Path, seed: int) -> None:
        self.clients = clients
        self.kind = replace(
            kind, environment={key: each.replace("URL", url) for key, each in kind.environment.items()}
        )  # fmt: skip
        self.folder = folder
        self.base = Mutator(seed % BASES, kind.mutations)  # type: ignore[arg-type]
        self.mutator = Mutator(seed, kind.mutations)  # type: ignore[arg-type]
        self.seed = seed
        self.key = (kind.client, seed % BASES, url)

    def run(self, *words: str) -> bool:
        """Run the client; whether it succeeded. Yarn 1 does nothing where an earlier install fits."""
        shutil.rmtree(self.folder / "node_modules", ignore_errors=True)
        done = self.clients.run(
            self.kind.client, *words, cwd=self.folder, env=self.kind.environment, check=False
        )
        self.said = done.stdout + done.stderr
        return done.returncode == 0

    def write(self, files: Files) -> None:
        """Exactly these files, and what folders they may name."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for path, text in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        (self.folder / VENDORED).write_bytes(tarball("tt", "1.0.0"))

    def start(self) -> Files:
        """The project as its client wrote it; several trials begin with the same one."""
        if self.key not in STARTS:
            STARTS[self.key] = self._start()
        return dict(STARTS[self.key])

    def _start(self) -> Files:
        manifest = self.base.base() | {"packageManager": _pinned(self.kind.client)}
        member = {"name": "member", "version": "1.0.0", "dependencies": {"aa": "^1.0.0"}}
        if self.kind.client.startswith("pnpm"):
            manifest["dependencies"]["aa"] = "catalog:"
        elif self.seed % 2:
            manifest["workspaces"] = ["packages/*"]
        else:
            member = {}
        files = as_json({
            "package.json": manifest,
            **({"packages/member/package.json": member} if member else {}),
            "vendor/folder/package.json": {"name": "folder", "version": "1.0.0"},
            **self.kind.files,
        })  # fmt: skip
        empty = self.kind.client.startswith("yarn") and self.kind.client != "yarn1"
        files |= {self.kind.lockfile: ""} if empty else {}
        self.write(files)
        if self.seed % 3 == 0:  # settings that the lockfile already implements
            more = dict(files)
            for change in self.base.settings:
                change(self.base.chance, more)
            self.write(more)
            if self.run(*self.kind.update):
                return more | {self.kind.lockfile: self.lock()}
            self.write(files)
        assert self.run(*self.kind.update), self.said
        return files | {self.kind.lockfile: self.lock()}

    def fresh_difference(self, files: Files) -> str:
        """What an install without a lockfile locks otherwise. npm 10 leaves out new overrides."""
        empty = self.kind.client.startswith(("yarn3", "yarn4"))
        self.write({path: each for path, each in files.items() if path != self.kind.lockfile}
                   | ({self.kind.lockfile: ""} if empty else {}))  # fmt: skip
        done = self.run(*self.kind.update)
        return self.difference(files[self.kind.lockfile]) if done else self.said

    def manifests(self) -> str:
        """What was compared, without the lockfile."""
        names = ("package.json", *self.kind.files, "packages/member/package.json", ".npmrc")
        files = [self.folder / name for name in names if (self.folder / name).exists()]
        return "\n".join(each.read_text().replace("\n", "") for each in files)

    def difference(self, before: str) -> str:
        """What an install made of the artifacts that were locked."""
        try:
            one, two = self.artifacts(before), self.artifacts(self.lock())
        except NpmVettedError as error:
            return f"unreadable: {error}"
        gone, come = sorted(map(str, one - two)), sorted(map(str, two - one))
        return f"- {gone}\n+ {come}" if one != two else ""

    def lock(self) -> str:
        return (self.folder / self.kind.lockfile).read_text()

    def artifacts(self, text: str) -> set[tuple[str, str | None, str | None]]:
        data = text.encode()
        client = client_of_lockfile(self.kind.lockfile, lambda _: data)
        found = client.read_lockfile(self.kind.lockfile, data, lambda _: None)
        return {(each.name, each.version, each.resolved and each.resolved.partition("#")[0])
                for _, each in found.artifacts()}  # fmt: skip


def is_honest(trial: Trial, repo: GitRepo) -> bool:
    """Whether there is no finding about a project as its client wrote it."""
    if trial.key not in HONEST and not findings(repo, trial.start(), "--all"):
        HONEST.add(trial.key)
    return trial.key in HONEST


def place(repo: GitRepo, files: Files) -> None:
    """Exactly these files, in a repository."""
    for old in repo.path.iterdir():
        if old.name != ".git":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for path, text in files.items():
        repo.write(path, text)
    repo.write(VENDORED, tarball("tt", "1.0.0"))


def findings(repo: GitRepo, files: Files, *words: str) -> list[str]:
    """What the check says: codes, keys and messages; an unreadable file counts as one."""
    place(repo, files)
    done = check(repo, *words, "lockfile-sync")
    if done.status not in (0, 1):
        return [f"undecided: {done.err or done.out}"]
    return [f"{each['code']} {each['key']}: {each['message']}" for each in done.findings]


def verdict(trial: Trial, repo: GitRepo) -> str | None:
    """Why a trial contradicts the properties; None: it does not."""
    files = trial.start()
    before = files[trial.kind.lockfile]
    place(repo, files)
    repo.commit()
    if not is_honest(trial, repo):
        return f"FALSE as the client wrote it: {findings(repo, files, '--all')}"
    trial.mutator.mutate(files, trial.kind.lockfile, trial.kind.edit)
    edited = files[trial.kind.lockfile] != before
    trial.write(files)
    by_commit = findings(repo, files)
    found = findings(repo, files, "--all")
    if edited and found and by_commit:
        return None  # what a client says of it makes no difference
    updated = trial.run(*trial.kind.update)
    changed = trial.difference(files[trial.kind.lockfile]) if updated else ""
    kept = trial.lock() == before
    refused = ""
    if not found or (kept and not changed):
        trial.write(files)
        refused = "" if trial.run(*trial.kind.frozen) else trial.said
    # A project that cannot be installed at all needs no finding here.
    if ((refused and updated) or changed) and not (found and by_commit):
        where = f"by the commit (--all: {found})" if found else ""
        return f"MISSED {where} refused: {refused[-600:]}\nchanged: {changed}"
    found = [each for each in found + by_commit if not each.startswith(ON_PURPOSE)]
    if found and not edited and not refused and not changed and kept:
        return None if trial.fresh_difference(files) else f"FALSE {found}"
    return None


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with static_registry() as url:
        yield url


FAST = ("bun1.4", "pnpm12", "yarn4.18")
"""The kinds of which one trial belongs to the fast suite."""


def trials(count: int) -> list[object]:
    """Each kind with so many seeds; the variables of the environment choose others."""
    every = int(os.environ.get("NPM_VETTED_TRIALS", str(count)))
    start = int(os.environ.get("NPM_VETTED_FIRST_TRIAL", "0"))
    return [
        pytest.param(kind, seed, id=f"{kind}-{seed}",
                     marks=() if seed == 0 and kind in FAST else pytest.mark.slow)
        for kind in KINDS for seed in range(start, start + every)
    ]  # fmt: skip


@pytest.mark.parametrize(("kind", "seed"), trials(300))
def test_the_check_agrees_with_the_client(
    kind: str, seed: int, clients: Clients, registry: str, tmp_path: Path, git_repo: GitRepo
) -> None:
    folder = tmp_path / "project"
    trial = Trial(clients, KINDS[kind], registry, folder, seed)
    found = verdict(trial, git_repo)
    assert found is None, f"{found}\n{trial.manifests()}"


def test_every_client_of_these_formats_is_compared() -> None:
    assert {kind.rstrip("0123456789.") for kind in KINDS} <= {
        each.PROGRAM for each in readers().values()
    }
