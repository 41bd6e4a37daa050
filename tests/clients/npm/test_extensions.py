"""npm 12's ``packageExtensions``: each locked package has what is declared, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from npm_vetted.clients.npm.sync import _hash
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check, entry
from tests.support.real_clients import Clients
from tests.support.static_registry import static_registry

EXTENSIONS: dict[str, Any] = {
    "bb@1": {
        "dependencies": {"cc": "1.0.0"},
        "peerDependencies": {"ee": "*"},
        "peerDependenciesMeta": {"ee": {"optional": True}},
    },
    "tt": {"optionalDependencies": {"aa": "^1.0.0"}},
}
BB, TT = "node_modules/bb", "node_modules/tt"
Packages = dict[str, dict[str, Any]]


def project(declared: object) -> tuple[dict[str, Any], Packages]:
    """A manifest and the packages of its lockfile, as npm 12.2.0 writes them."""
    manifest = {"name": "p", "version": "1.0.0", "packageManager": "npm@12.2.0",
                "dependencies": {"bb": "1.2.0", "tt": "1.0.0"}, "packageExtensions": declared}  # fmt: skip
    packages: Packages = {
        "": {"name": "p", "version": "1.0.0", "dependencies": manifest["dependencies"],
             "packageExtensionsHash": _hash(declared)},
        BB: entry("bb", "1.2.0", dependencies={"cc": "1.0.0"}, peerDependencies={"ee": "*"},
                  peerDependenciesMeta={"ee": {"optional": True}},
                  packageExtensionsApplied={"dependencies": ["cc"], "selector": "bb@1"}),
        "node_modules/cc": entry("cc"),
        "node_modules/aa": {**entry("aa"), "optional": True},
        TT: entry("tt", optionalDependencies={"aa": "^1.0.0"},
                  packageExtensionsApplied={"optionalDependencies": ["aa"], "selector": "tt"}),
    }  # fmt: skip
    return manifest, packages


def judged(repo: GitRepo, manifest: dict[str, Any], packages: Packages) -> list[str | None]:
    lock = {"name": "p", "version": "1.0.0", "lockfileVersion": 4, "requires": True}
    repo.write("package.json", json.dumps(manifest))
    repo.write("package-lock.json", json.dumps({**lock, "packages": packages}, indent=2))
    return [each["key"] for each in check(repo, "--all", "lockfile-sync").findings]


def test_what_npm_writes_passes(git_repo: GitRepo) -> None:
    assert judged(git_repo, *project(EXTENSIONS)) == []


CHANGES: dict[str, tuple[Callable[[Packages], object], str]] = {
    "it is not applied": (lambda packages: packages[BB].pop("packageExtensionsApplied"), BB),
    "another one is": (
        lambda packages: packages[BB]["packageExtensionsApplied"].update(selector="bb@2"), BB,
    ),
    "its dependency is another": (
        lambda packages: packages[BB]["dependencies"].update(cc="^1.0.0"), BB,
    ),
    "its optional dependency is missing": (lambda packages: packages[TT].pop("optionalDependencies"), TT),
    "its peer is another": (lambda packages: packages[BB]["peerDependencies"].update(ee="1"), BB),
    "one of nobody": (
        lambda packages: packages["node_modules/cc"].update(
            packageExtensionsApplied={"dependencies": ["ee"], "selector": "cc"}
        ), "node_modules/cc",
    ),
    "a file's, and there is none": (
        lambda packages: packages["node_modules/cc"].update(
            npmExtensionApplied={"dependencies": ["ee"], "extensionPoint": "transformManifest"}
        ), "node_modules/cc",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_an_entry_has_what_is_declared(git_repo: GitRepo, change: str) -> None:
    edit, place = CHANGES[change]
    manifest, packages = project(EXTENSIONS)
    edit(packages)
    assert place in judged(git_repo, manifest, packages)


def test_an_alias_is_known_by_its_real_name(git_repo: GitRepo) -> None:
    manifest, packages = project(EXTENSIONS)
    packages["node_modules/other"] = {**packages.pop(TT), "name": "tt"}
    packages["node_modules/other"].pop("packageExtensionsApplied")
    assert "node_modules/other" in judged(git_repo, manifest, packages)


@pytest.mark.slow
def test_the_real_npm_writes_what_passes(
    clients: Clients, tmp_path: Path, git_repo: GitRepo
) -> None:
    with static_registry() as url:
        data = {"name": "p", "version": "1.0.0", "packageManager": "npm@12.2.0",
                "dependencies": {"bb": "1.2.0", "tt": "1.0.0", "x": "npm:tt@1.0.1"},
                "packageExtensions": EXTENSIONS}  # fmt: skip
        (tmp_path / "package.json").write_text(json.dumps(data))
        words = ("install", "--package-lock-only", "--ignore-scripts")
        clients.run("npm12", *words, cwd=tmp_path, env={"npm_config_registry": url})
    for name in ("package.json", "package-lock.json"):
        git_repo.write(name, (tmp_path / name).read_text())
    assert check(git_repo, "--all", "lockfile-sync").findings == []
