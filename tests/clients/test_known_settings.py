"""The tables of known settings: complete, without contradictions, and true of the real clients."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from npm_vetted.clients import clients as client_modules
from npm_vetted.clients.shared.settings import KnownSettings, known_settings
from tests.support.real_clients import NODE, ROOT, Clients, make_marker
from tools.known_settings import DEFINITIONS, READERS, compare, version_of, write


def test_every_client_has_its_page() -> None:
    pages = ROOT / "docs" / "clients"
    index = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    for name in client_modules():
        assert (pages / f"{name}.md").is_file()
        assert f"(clients/{name}.md)" in index


@pytest.mark.parametrize("folder", READERS)
def test_a_key_is_of_one_kind(folder: str) -> None:
    known = known_settings(folder)
    kinds = [known.harmless, known.judged, frozenset(known.values), known.unverified]
    assert sum(map(len, kinds)) == len(known.names)


def test_every_key_that_the_installed_clients_know_is_listed(clients: Clients) -> None:
    assert compare(clients) == {folder: [] for folder in READERS}


@pytest.mark.parametrize("folder", READERS)
def test_the_version_is_the_installed_one(clients: Clients, folder: str) -> None:
    assert known_settings(folder).verified == version_of(clients, folder)


def test_new_keys_are_written_as_unverified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "npm").mkdir()
    file = tmp_path / "npm" / "known-settings.toml"
    file.write_text('verified = "npm 1"\nharmless = []\njudged = []\n')
    monkeypatch.setattr("tools.known_settings.TABLES", tmp_path)
    monkeypatch.setattr("tools.known_settings.known_settings", lambda _: _table(file))
    write("npm", "npm 2", ["b"])
    write("npm", "npm 3", ["a"])
    assert _table(file)[::4] == ("npm 3", frozenset({"a", "b"}))


def _table(file: Path) -> KnownSettings:
    import tomllib

    data = tomllib.loads(file.read_text())
    unverified = frozenset(data.get("unverified", ()))
    return KnownSettings(data["verified"], frozenset(), frozenset(), {}, unverified)


STOPS = frozenset({
    "allow-scripts-pending", "also", "ci", "dry-run", "global-style", "legacy-bundling", "link", "offline",
    "only", "package-lock-only", "usage", "version", "versions", "workspaces",
    "dev", "enableModulesDir", "frozenLockfile", "frozenStore", "hoistPattern", "hoistingLimits", "lockfileOnly",
    "optional", "production", "save-dev", "save-optional", "save-peer", "save-prod", "symlink",
    "virtualStoreOnly",
})  # fmt: skip
"""Keys with which an install installs nothing, so that the marker would prove nothing."""


def booleans_of_npm(clients: Clients) -> set[str]:
    """The keys that npm 12 takes a boolean for, and nothing else."""
    script = (
        f"const d = require({str(clients.modules / 'npm12' / DEFINITIONS)!r});"
        "console.log(JSON.stringify(Object.keys(d).filter((key) => d[key].type === Boolean)))"
    )
    done = subprocess.run([NODE, "-e", script], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


@pytest.mark.slow
@pytest.mark.parametrize("value", ["true", "false"])
@pytest.mark.parametrize("name", ["npm10", "npm11", "npm12", "pnpm10", "pnpm11"])
def test_no_harmless_key_switches_scripts_on(
    clients: Clients, tmp_path: Path, name: str, value: str
) -> None:
    """All of them at once, as booleans; clients skip or refuse those of another type."""
    marker = make_marker(tmp_path / "marker")
    folder = tmp_path / "p"
    folder.mkdir()
    manifest = {"name": "p", "version": "1.0.0", "dependencies": {"marker": marker.specifier}}
    (folder / "package.json").write_text(json.dumps(manifest))
    client = name.rstrip("0123456789")
    keys = sorted(known_settings(client).harmless - STOPS)
    if client == "npm":
        booleans = booleans_of_npm(clients)
        lines = [f"{key}={value}" for key in keys if key in booleans]
        (folder / ".npmrc").write_text("\n".join([*lines, "ignore-scripts=true"]) + "\n")
    else:
        lines = [f"{key}: {value}" for key in keys if key.startswith(BOOLEANS)]
        text = "\n".join([*lines, "ignoreScripts: true", "dangerouslyAllowAllBuilds: true"])
        (folder / "pnpm-workspace.yaml").write_text(text + "\n")
    done = clients.run(name, "install", cwd=folder, check=False)
    installed = (folder / "node_modules" / "marker" / "package.json").is_file()
    assert (installed, marker.ran) == (True, False), done.stdout + done.stderr


BOOLEANS = (
    "auto", "dedupe", "deploy", "disallow", "enable", "engine", "exclude", "extend", "fail", "force", "hoist",
    "ignoreCompat", "ignorePnpm", "ignoreWorkspace", "include", "inject", "prefer", "recursive", "resolve",
    "shamefully", "shell", "sideEffects", "strict", "symlink", "sync", "unsafe",
    "useBeta", "useStderr", "verifyDeps",
)  # fmt: skip
