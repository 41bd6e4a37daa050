"""Every kind of fix that is printed: the finding goes, the command still runs, and no script does."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from npm_vetted.model import Level, Problem
from tests.installs.test_corpus import problems
from tests.support.real_clients import Clients, Marker, make_marker
from tests.support.static_registry import static_registry


@dataclass(frozen=True)
class Fix:
    """A command line with a finding; ``{x}`` is a package whose script leaves a mark."""

    client: str
    command: str
    package: str = "marker"
    """A client's name: that one is a warning where its version is exact."""
    files: dict[str, str] = field(default_factory=dict)
    locks: bool = False
    """Whether the project has a lockfile already."""
    workspaces: bool = False
    """Whether its package.json names ``web`` as a workspace."""
    requires: bool = False
    """Whether the project depends on the package that the command runs."""
    runs: str = ""
    """What the package's program is told, where the command runs it."""


_MEMBER = {"web/package.json": '{"name": "web", "version": "1.0.0", "private": true}'}
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
    Fix(
        "pnpm10",
        "pnpm dlx {x} ran",
        runs="ran",
        locks=True,
        files={"pnpm-workspace.yaml": "packages: [web]\n", **_MEMBER},
    ),
    Fix("yarn1", "npx -y {x} ran", runs="ran", locks=True, workspaces=True, files=_MEMBER),
    Fix("npm11", "npx -y {x} ran", runs="ran", locks=True, workspaces=True, files=_MEMBER),
    Fix("yarn4.13", "yarn dlx {x} ran", runs="ran", locks=True, workspaces=True, files=_MEMBER),
]
QUICK = 2
"""So many of them are run every time; all of them with ``-m slow``."""


@pytest.fixture
def markers(tmp_path: Path) -> dict[str, Marker]:
    """The packages of the commands, whose programs leave a mark as their scripts do."""
    found = {}
    for name in dict.fromkeys(each.package for each in FIXES):
        folder = tmp_path / "packages" / name
        found[name] = make_marker(folder, name, manifest={"bin": {name: "mark.js"}})
    return found


@pytest.fixture
def registry(markers: dict[str, Marker]) -> Iterator[str]:
    with static_registry(*markers.values()) as url:
        yield url


def _project(
    fix: Fix, folder: Path, clients: Clients, environment: dict[str, str]
) -> dict[str, str]:
    """The files of a project that depends on the package, unless the command runs it."""
    requires = {} if fix.runs and not fix.requires else {"marker": "1.0.0"}
    manifest: dict[str, object] = {
        "name": "app",
        "version": "1.0.0",
        "private": True,
        "dependencies": requires,
    }
    if fix.workspaces:
        manifest["workspaces"] = ["web"]
    files = {"package.json": json.dumps(manifest), **fix.files}
    if fix.client.startswith("yarn4"):
        files[".yarnrc.yml"] = "nodeLinker: node-modules\n"
        files["yarn.lock"] = ""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    if fix.locks:
        words = ["install", "--ignore-scripts"]
        if fix.client.startswith("yarn4"):
            words = ["install", "--mode=skip-build"]
        clients.run(fix.client, *words, cwd=folder, env=environment)
    return _files(folder)


def _files(folder: Path) -> dict[str, str]:
    """The files that a repository would hold."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if (
            path.is_file()
            and not name.startswith((".pnp", ".yarn/"))
            and "node_modules" not in name
        ):
            found[name] = path.read_text()
    return found


def _found(command: str, files: dict[str, str]) -> list[Problem]:
    """The errors about a command, and the warning that it installs a client."""
    found = problems("run.sh", {**files, "run.sh": command + "\n"})
    return [each for each in found if each.level is Level.ERROR or each.code == "client"]


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
    fix: Fix, clients: Clients, markers: dict[str, Marker], registry: str, tmp_path: Path
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
    marker = markers[fix.package]
    marker.clear()
    command = fix.command.replace("{x}", fix.package)
    found = _found(command, files)
    assert len(found) == 1, found
    assert found[0].fix != ()
    lines = [shlex.join(line) for line in found[0].fix]
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
    assert _found(lines[-1], _files(folder)) == []


DENO = [
    "deno run --no-lock main.ts",
    "deno run --lock=other.lock main.ts",
    "deno cache --lock other.lock main.ts",
    "deno run --no-config main.ts",
    "deno run --config=other.json main.ts",
    "deno install --minimum-dependency-age=0",
]
"""Command lines that leave deno.lock, deno.json or the cooldown aside."""


@pytest.mark.slow
@pytest.mark.parametrize("command", DENO)
def test_the_fix_lets_deno_lock_decide(
    command: str, clients: Clients, registry: str, tmp_path: Path
) -> None:
    """Without the option it runs, and refuses a package with another hash than deno.lock has."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "deno.json").write_text('{"imports": {"aa": "npm:aa@1.0.0"}}')
    (folder / "other.json").write_text("{}")
    (folder / "main.ts").write_text('import "npm:aa@1.0.0";\n')

    def run(words: Sequence[str], cache: str) -> int:
        extra = {"NPM_CONFIG_REGISTRY": registry, "DENO_DIR": str(tmp_path / cache)}
        return clients.run("deno2.9", *words, cwd=folder, env=extra, check=False).returncode

    assert run(["cache", "main.ts"], "first") == 0
    files = _files(folder)
    found = problems("run.sh", {**files, "run.sh": command + "\n"})
    assert [each.code for each in found] == ["settings-aside"]
    (fix,) = found[0].fix
    assert problems("run.sh", {**files, "run.sh": shlex.join(fix) + "\n"}) == []
    assert run(fix[1:], "second") == 0
    lockfile = folder / "deno.lock"
    hashed = json.loads(lockfile.read_text())
    hashed["npm"]["aa@1.0.0"]["integrity"] = "sha512-" + "A" * 86 + "=="
    lockfile.write_text(json.dumps(hashed))
    if "age" not in command:
        assert run(shlex.split(command)[1:], "third") == 0
    lockfile.write_text(json.dumps(hashed))  # the command may have written it anew
    assert run(fix[1:], "fourth") != 0
