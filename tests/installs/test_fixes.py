"""Every kind of fix that is printed: the finding goes, the command still runs, and no script does."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from npm_vetted.model import Level
from tests.installs.test_corpus import problems
from tests.support.real_clients import Clients, Marker, make_marker
from tests.support.static_registry import static_registry


@dataclass(frozen=True)
class Fix:
    """A command line with a finding; ``{x}`` is a package whose script leaves a mark."""

    client: str
    command: str
    files: dict[str, str] = field(default_factory=dict)
    locks: bool = False
    """Whether the project has a lockfile already."""
    requires: bool = False
    """Whether the project depends on the package that the command runs."""
    runs: str = ""
    """What the package's program is told, where the command runs it."""


FIXES = [
    Fix("npm10", "npm ci", locks=True),
    Fix("npm11", "npm install"),
    Fix("npm11", "npm install --ignore-scripts=false"),
    Fix("npm10", "npm install --no-ig"),
    Fix("npm11", "npm install --ig=false"),
    Fix("npm11", "npm update"),
    Fix("npm11", "npm i -g {x}@1.0.0"),
    Fix("npm11", "npm install {x}@1.0.0"),
    Fix("npm10", "npm link {x}"),
    Fix("npm11", "npm link {x}"),
    Fix("pnpm9", "pnpm add -g {x}@1.0.0"),
    Fix("npm11", "npx -y {x}@1.0.0 ran", runs="ran"),
    Fix("npm10", "npm exec -y {x}@1.0.0 ran", runs="ran"),
    Fix("npm11", "npx -y {x} ran", runs="ran", locks=True),
    Fix("npm11", "npm install --ignore-scripts --registry=http://registry.example.com"),
    Fix("npm11", "npx -y {x}@latest ran", runs="ran", locks=True),
    Fix("npm11", "npx -y {x}@latest ran", runs="ran", locks=True, requires=True),
    Fix("npm10", "npm exec {x}@latest ran", runs="ran", locks=True, requires=True),
    Fix("pnpm12", "pnpm dlx {x}@latest ran", runs="ran", locks=True, requires=True),
    Fix("pnpm9", "pnpm install"),
    Fix("pnpm9", "pnpm install --no-ignore-scripts"),
    Fix("pnpm9", "pnpm add -D {x}@1.0.0"),
    Fix("pnpm10", "pnpm --dangerously-allow-all-builds install"),
    Fix("pnpm10", "pnpm dlx {x}@1.0.0 ran", runs="ran"),
    Fix("pnpm12", "pnpx {x}@1.0.0 ran", runs="ran"),
    Fix("pnpm10", "pnpm dlx {x} ran", runs="ran", locks=True),
    Fix("yarn1", "yarn"),
    Fix("yarn1", "yarn install --production=false"),
    Fix("yarn1", "yarn add {x}@1.0.0"),
    Fix("yarn1", "yarn global add {x}@1.0.0"),
    Fix("yarn4.13", "yarn install"),
    Fix("yarn4.13", "yarn add {x}@1.0.0"),
    Fix("yarn4.13", "yarn dlx {x}@1.0.0 ran", runs="ran"),
    Fix("yarn4.13", "yarn dlx {x} ran", runs="ran", locks=True),
    Fix("npm12", "npm ci --ignore-scripts=false", locks=True),
    Fix("npm12", "npm install --allow-scripts=marker"),
    Fix("pnpm9", "pnpm update"),
    Fix("yarn1", "yarn upgrade", locks=True),
    Fix("yarn4.13", "yarn up marker", locks=True),
    Fix("bun1.3", "bun add --trust {x}@1.0.0"),
    Fix("bun1.3", "bun add -g {x}@1.0.0"),
]
QUICK = 2
"""So many of them are run every time; all of them with ``-m slow``."""


@pytest.fixture
def marker(tmp_path: Path) -> Marker:
    return make_marker(tmp_path / "package", "marker", manifest={"bin": {"marker": "mark.js"}})


@pytest.fixture
def registry(marker: Marker) -> Iterator[str]:
    with static_registry(marker) as url:
        yield url


def _project(
    fix: Fix, folder: Path, clients: Clients, environment: dict[str, str]
) -> dict[str, str]:
    """The files of a project that depends on the package, unless the command runs it."""
    requires = {} if fix.runs and not fix.requires else {"marker": "1.0.0"}
    manifest = {"name": "app", "version": "1.0.0", "private": True, "dependencies": requires}
    files = {"package.json": json.dumps(manifest), **fix.files}
    if fix.client.startswith("yarn4"):
        files[".yarnrc.yml"] = "nodeLinker: node-modules\n"
        files["yarn.lock"] = ""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    if fix.locks:
        words = ["install", "--ignore-scripts"]
        if fix.client.startswith("yarn4"):
            words = ["install", "--mode=skip-build"]
        clients.run(fix.client, *words, cwd=folder, env=environment)
    return {
        path.name: path.read_text()
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith(".pnp")
    }


def _errors(command: str, files: dict[str, str]) -> list[tuple[tuple[str, ...], ...]]:
    found = problems("run.sh", {**files, "run.sh": command + "\n"})
    return [each.fix for each in found if each.level is Level.ERROR]


def _cases() -> list[object]:
    step = max(1, len(FIXES) // QUICK)
    return [
        pytest.param(
            fix, id=f"{fix.client}: {fix.command}",
            marks=[] if index % step == 0 else [pytest.mark.slow],
        )
        for index, fix in enumerate(FIXES)
    ]  # fmt: skip


@pytest.mark.parametrize("fix", _cases())
def test_the_fix_works(
    fix: Fix, clients: Clients, marker: Marker, registry: str, tmp_path: Path
) -> None:
    environment = {
        "npm_config_registry": registry,
        "npm_config_prefix": str(tmp_path / "global"),
        "pnpm_config_registry": registry,
        "pnpm_config_minimum_release_age": "0",
        "YARN_REGISTRY": registry,
        "YARN_NPM_REGISTRY_SERVER": registry,
        "YARN_UNSAFE_HTTP_WHITELIST": "127.0.0.1",
        "YARN_ENABLE_GLOBAL_CACHE": "false",
        "YARN_NPM_MINIMAL_AGE_GATE": "0",
        "BUN_CONFIG_REGISTRY": registry,
        "PNPM_HOME": str(tmp_path / "pnpm"),
        "BUN_INSTALL": str(tmp_path / "bun"),
    }
    (tmp_path / "global" / "lib").mkdir(
        parents=True
    )  # npm link expects it, as every machine has it
    folder = tmp_path / "app"
    files = _project(fix, folder, clients, environment)
    marker.clear()
    command = fix.command.replace("{x}", "marker")
    found = _errors(command, files)
    assert len(found) == 1, found
    assert found[0] != ()
    lines = [shlex.join(line) for line in found[0]]
    started = clients.environment(fix.client, environment)
    started["PATH"] += os.pathsep + environment["PNPM_HOME"]  # pnpm demands it for -g
    if fix.locks and fix.runs and not fix.requires and len(lines) == 1:
        lines.append(command)  # the same command, now that the package is locked
    for line in lines:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=folder,
            env=started,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, (line, done.stdout[-800:], done.stderr[-800:])
    assert marker.events == ([fix.runs] if fix.runs else []), lines
    after = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    assert _errors(lines[-1], after) == []
