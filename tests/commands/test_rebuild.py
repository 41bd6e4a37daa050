"""``rebuild`` runs the scripts that notes approve and no others, with each real client."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from npm_vetted.cli import main
from tests.support.git_repo import GitRepo
from tests.support.real_clients import Clients
from tests.support.verdaccio import Verdaccio

APPROVED, OTHER = "mark-good", "mark-bad"
INSTALL: Mapping[str, list[str]] = {
    "npm11": ["install", "--ignore-scripts"],
    "npm12": ["install", "--ignore-scripts"],
    "pnpm10": ["install", "--ignore-scripts"],
    "pnpm11": ["install", "--ignore-scripts"],
    "pnpm12": ["install", "--ignore-scripts"],
    "yarn1": ["install", "--ignore-scripts"],
    "yarn4.18": ["install"],
    "bun1.3": ["install"],
    "bun1.4": ["install"],
}


def quick(names: Iterable[str], *some: str) -> list[object]:
    """Some clients in every run, the others in the long one."""
    slow = pytest.mark.slow
    return [name if name in some else pytest.param(name, marks=slow) for name in names]


@pytest.fixture(scope="module")
def marks(verdaccio: Verdaccio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two packages are published whose postinstall leaves a mark in this folder."""
    folder = tmp_path_factory.mktemp("marks")
    for name, versions in ((APPROVED, ("1.0.0", "2.0.0")), (OTHER, ("1.0.0",))):
        for version in versions:
            mark = json.dumps(str(folder / f"{name}-{version}"))
            verdaccio.publish(
                name,
                version,
                files={"mark.js": f"require('fs').writeFileSync({mark}, 'ran')\n"},
                scripts={"postinstall": "node mark.js"},
            )
    return folder


def settings(client: str, url: str) -> dict[str, str]:
    """The files that name the registry and switch scripts off."""
    if client == "yarn1":
        npmrc = f"registry={url}\nignore-scripts=true\n"
        return {".yarnrc": f'registry "{url}"\nignore-scripts true\n', ".npmrc": npmrc}
    if client.startswith("yarn"):
        yarnrc = (
            f'npmRegistryServer: "{url}"\nunsafeHttpWhitelist: ["127.0.0.1"]\n'
            "enableScripts: false\nnodeLinker: node-modules\nnpmMinimalAgeGate: 0\n"
        )
        return {".yarnrc.yml": yarnrc}
    npmrc = f"registry={url}\n"
    if client.startswith("pnpm"):
        return {".npmrc": npmrc, "pnpm-workspace.yaml": "ignoreScripts: true\n"}
    if client.startswith("bun"):
        return {".npmrc": npmrc}
    return {".npmrc": f"{npmrc}ignore-scripts=true\n"}


@dataclass
class Place:
    """A project that was installed with its scripts switched off, and what ran there since."""

    repo: GitRepo
    clients: Clients
    client: str
    folder: str
    marks: Path

    def run(self, *args: str) -> tuple[int, str, str]:
        """Run npm-vetted, with this client on PATH."""
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.chdir(self.repo.path),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            for key, value in self.clients.environment(self.client).items():
                patch.setenv(key, value)
            if self.client == "yarn1":  # npm rebuilds for it
                patch.setenv("PATH", str(self.clients.bin("npm12")), prepend=os.pathsep)
            status = main(args)
        return status, out.getvalue(), err.getvalue()

    def ran(self) -> list[str]:
        """The packages whose scripts ran, forgotten after."""
        found = sorted(path.name for path in self.marks.iterdir())
        for path in self.marks.iterdir():
            path.unlink()
        return found


def installed(
    repo: GitRepo,
    clients: Clients,
    marks: Path,
    url: str,
    client: str,
    folder: str,
    dependencies: Mapping[str, str],
) -> Place:
    place = Place(repo, clients, client, folder, marks)
    at = f"{folder}/" if folder else ""
    manifest: dict[str, object] = {"name": "app", "version": "1.0.0", "dependencies": dependencies}
    if client.startswith("bun"):
        manifest["trustedDependencies"] = []
    repo.write(f"{at}package.json", json.dumps(manifest, indent=2))
    if client.startswith("yarn4"):
        repo.write(f"{at}yarn.lock", "")
    if client == "pnpm10":  # which, other than 12, rebuilds one version of several
        manifest["packageManager"] = "pnpm@10.30.0"
        repo.write(f"{at}package.json", json.dumps(manifest, indent=2))
    for path, text in settings(client, url).items():
        repo.write(at + path, text)
    repo.write(".gitignore", "node_modules\n.yarn\n.pnp.*\n")
    repo.write(".vetting/config.toml", "format = 1\n[policy]\ncooldown-days = 0\n")
    clients.run(client, *INSTALL[client], cwd=repo.path / folder)
    repo.add()
    assert place.ran() == []
    return place


def places(commands: Iterable[str]) -> dict[str, str]:
    """Where commands stand that people do not type: each kind of file that is judged."""
    steps = "".join(f"      - run: {command}\n" for command in commands)
    job = "on: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n"
    return {
        "ci.sh": "#!/bin/sh\n" + "".join(f"{command}\n" for command in commands),
        "Dockerfile": "FROM node:22\nCOPY . .\n"
        + "".join(f"RUN {command}\n" for command in commands),
        "Makefile": "build:\n" + "".join(f"\t{command}\n" for command in commands),
        ".github/workflows/ci.yml": f"{job}      - uses: actions/checkout@v4\n{steps}",
    }


def approve(place: Place, *labels: str) -> None:
    for label in labels:
        words = ["--criteria", "health,scripts", "-m", "The script only leaves a mark."]
        status, _, err = place.run("note", label, *words)
        assert status == 0, err


@pytest.mark.parametrize(
    "folder", ["", pytest.param("apps/site", marks=pytest.mark.slow)], ids=["at the top", "below"]
)
@pytest.mark.parametrize("client", quick(INSTALL, "npm12"))
def test_only_what_a_note_approves_runs(
    git_repo: GitRepo,
    clients: Clients,
    verdaccio: Verdaccio,
    marks: Path,
    client: str,
    folder: str,
) -> None:
    asked = {APPROVED: "1.0.0", OTHER: "1.0.0"}
    place = installed(git_repo, clients, marks, verdaccio.url, client, folder, asked)
    status, out, said = place.run("rebuild", "--print")
    assert (status, out) == (0, "")
    if client.startswith(("npm", "bun1.4")):  # whose lockfiles tell
        assert f"{APPROVED}@1.0.0" in said
        assert f"{OTHER}@1.0.0" in said
    else:
        assert "the lockfile does not say which packages have some" in said
    approve(place, APPROVED)
    if client.startswith("yarn4"):
        status, _, err = place.run("rebuild")
        assert (status, "npm-vetted rebuild --write-allow-list" in err) == (2, True)
        assert place.run("rebuild", "--write-allow-list")[0] == 0
        # Yarn writes the lockfile's own copy of dependenciesMeta.
        clients.run(client, "install", "--mode=skip-build", cwd=git_repo.path / folder)
        git_repo.add()
    status, printed, err = place.run("rebuild", "--print")
    assert (status, err) == (0, "")
    assert place.ran() == []
    git_repo.commit("Install")
    for path, text in places(printed.splitlines()).items():
        git_repo.write(path, text)
        git_repo.add(path)
        assert place.run("check", "install-command")[0] == 0, place.run("check", "install-command")
        if not client.startswith("yarn4"):  # whose allow-list decides, whatever is named
            git_repo.write(path, text.replace(APPROVED, OTHER))
            git_repo.add(path)
            assert place.run("check", "install-command")[0] == 1
            git_repo.git("rm", "--quiet", "--force", path)
    status, _, err = place.run("rebuild")
    assert (status, place.ran()) == (0, [f"{APPROVED}-1.0.0"]), err


@pytest.mark.parametrize("client", quick(("npm11", "npm12", "pnpm10"), "npm12"))
@pytest.mark.slow
def test_of_two_versions_only_the_approved_one_runs(
    git_repo: GitRepo, clients: Clients, verdaccio: Verdaccio, marks: Path, client: str
) -> None:
    asked = {APPROVED: "1.0.0", "another": f"npm:{APPROVED}@2.0.0"}
    place = installed(git_repo, clients, marks, verdaccio.url, client, "", asked)
    approve(place, f"{APPROVED}@2.0.0")
    status, _, err = place.run("rebuild")
    assert (status, place.ran()) == (0, [f"{APPROVED}-2.0.0"]), err
    approve(place, f"{APPROVED}@1.0.0")
    status, _, err = place.run("rebuild")
    assert (status, place.ran()) == (0, [f"{APPROVED}-1.0.0", f"{APPROVED}-2.0.0"]), err


def test_nothing_runs_that_an_exemption_took_in(
    git_repo: GitRepo, clients: Clients, verdaccio: Verdaccio, marks: Path
) -> None:
    asked = {APPROVED: "1.0.0"}
    place = installed(git_repo, clients, marks, verdaccio.url, "npm11", "", asked)
    assert place.run("exempt", APPROVED, "--reason", "It was always there.")[0] == 0
    assert place.run("rebuild")[:2] == (0, "")
    assert place.ran() == []
    approve(place, APPROVED)  # as after an adoption, which exempts all there is
    assert place.run("rebuild")[0] == 0
    assert place.ran() == [f"{APPROVED}-1.0.0"]


def test_no_allow_list_works_beside_npm_s_switch(
    git_repo: GitRepo, clients: Clients, verdaccio: Verdaccio, marks: Path
) -> None:
    asked = {APPROVED: "1.0.0"}
    place = installed(git_repo, clients, marks, verdaccio.url, "npm11", "", asked)
    approve(place, APPROVED)
    before = (git_repo.path / "package.json").read_bytes()
    status, _, err = place.run("rebuild", "--write-allow-list")
    assert status == 1
    assert "npm's allowScripts has no effect beside ignore-scripts=true" in err
    assert (git_repo.path / "package.json").read_bytes() == before
