"""The clients' own cooldowns: what is written makes the real client wait, and stops no older one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from npm_vetted.clients import client_of
from npm_vetted.projects.discovery import Projects
from tests.support.npm_projects import MemorySnapshot
from tests.support.real_clients import Clients
from tests.support.verdaccio import Verdaccio

FRESH: Final = "published-just-now"
Files = Mapping[str, str]


def with_cooldown(files: Files, days: int = 7) -> dict[str, str]:
    """The files of a project at the top with its client's cooldown."""
    [project] = Projects(MemorySnapshot(files), lambda _: False).all()
    edits = client_of(project).set_cooldown(project, days)
    return {**files, **{edit.path: edit.content.decode() for edit in edits}}


def manifest(**fields: object) -> str:
    return json.dumps({"name": "shop", "private": True, "dependencies": {FRESH: "*"}, **fields})


def pinned(pin: str) -> str:
    return manifest(packageManager=pin)


LEGACY: Final = "ignore-scripts=true\n"
BUN: Final = {"package.json": manifest(), "bunfig.toml": "# ours\n[install]\nexact = true\n"}
PNPM: Final = {"package.json": manifest(), "pnpm-workspace.yaml": "packages: []\n"}
WAITS: Final = {
    "npm6": ({"package.json": manifest(), ".npmrc": LEGACY}, False),
    "npm10": ({"package.json": manifest(), ".npmrc": LEGACY}, False),
    "npm11": ({"package.json": manifest(), ".npmrc": LEGACY}, True),
    "npm12": ({"package.json": manifest(), ".npmrc": LEGACY}, True),
    "pnpm9": (PNPM, False),
    "pnpm10": ({"package.json": pinned("pnpm@10.34.9")}, True),
    "pnpm11": ({"package.json": pinned("pnpm@11.28.11")}, True),
    "pnpm12": ({"package.json": pinned("pnpm@12.21.0")}, True),
    "yarn4.13": ({"package.json": pinned("yarn@4.13.0")}, True),
    "yarn4.14": ({"package.json": pinned("yarn@4.14.1")}, True),
    "yarn4.18": ({"package.json": pinned("yarn@4.18.1")}, True),
    "bun1.2": (BUN, False),
    "bun1.3": (BUN, True),
    "bun1.4": (BUN, True),
}
"""For each client a project of its own, and whether it understands the key."""
ADDED: Final = {
    "npm": ("install",),
    "pnpm": ("install", "--no-frozen-lockfile"),
    "yarn": ("install",),
    "bun": ("install",),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WAITS)
def test_the_real_client_waits_or_passes_the_key_over(
    clients: Clients, verdaccio: Verdaccio, tmp_path: Path, name: str
) -> None:
    before, waits = WAITS[name]
    program = name.rstrip("0123456789.")
    fresh = f"{FRESH}-{name.replace('.', '-')}"
    verdaccio.publish(fresh, "1.0.0")
    marked = {"yarn": {"yarn.lock": ""}, "bun": {}}.get(program, {})
    files = {path: text.replace(FRESH, fresh) for path, text in {**before, **marked}.items()}
    if program == "bun":
        files["bun.lock"] = BUN_LOCK
    after = with_cooldown(files)
    assert after != files
    after.pop("bun.lock", None)
    for path, text in after.items():
        (tmp_path / path).write_text(text)
    env = {"npm_config_registry": verdaccio.url, "YARN_NPM_REGISTRY_SERVER": verdaccio.url,
           "YARN_UNSAFE_HTTP_WHITELIST": "127.0.0.1", "COREPACK_ENABLE_STRICT": "0",
           "BUN_CONFIG_REGISTRY": verdaccio.url}  # fmt: skip
    done = clients.run(name, *ADDED[program], cwd=tmp_path, env=env, check=False)
    installed = (tmp_path / "node_modules" / fresh).exists() or (tmp_path / ".pnp.cjs").exists()
    assert installed is not waits, done.stdout + done.stderr


BUN_LOCK: Final = json.dumps(
    {"lockfileVersion": 1, "workspaces": {"": {"name": "shop"}}, "packages": {}}
)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"package.json": manifest(), ".npmrc": "min-release-age=3\n"}, id="npm has one"),
        pytest.param({"package.json": manifest(), ".npmrc": "before=2026-01-01\n"}, id="npm before"),
        pytest.param({"package.json": manifest(), "pnpm-lock.yaml": ""}, id="pnpm 9 may run"),
        pytest.param({"package.json": pinned("pnpm@9.15.9")}, id="pnpm 9"),
        pytest.param(
            {"package.json": pinned("pnpm@11.0.0"), "pnpm-workspace.yaml": "minimumReleaseAge: 1\n"},
            id="pnpm has one",
        ),
        pytest.param(
            {"package.json": pinned("pnpm@11.0.0"), "pnpm-workspace.yaml": "{packages: []}\n"},
            id="a flow mapping",
        ),
        pytest.param({"package.json": pinned("yarn@4.9.4"), "yarn.lock": ""}, id="an older Yarn"),
        pytest.param({"package.json": manifest(), ".yarnrc.yml": "", "yarn.lock": "__metadata:\n"},
                     id="no pinned Yarn"),
        pytest.param({"package.json": pinned("yarn@1.22.22"), "yarn.lock": ""}, id="Yarn 1"),
        pytest.param({"package.json": manifest(), "bunfig.toml": "[install]\nminimumReleaseAge = 9\n"},
                     id="Bun has one"),
        pytest.param({"deno.json": '{"minimumDependencyAge": "P1D", "imports": {"a": "npm:a"}}'},
                     id="Deno has one"),
    ],
)  # fmt: skip
def test_what_is_left_alone(files: Files) -> None:
    assert with_cooldown(files) == dict(files)


@pytest.mark.parametrize(
    ("files", "path", "text"),
    [
        (
            {"package.json": manifest(), ".npmrc": "# ours\na=1\n[section]\nb=2\n"},
            ".npmrc",
            "# ours\na=1\nmin-release-age=7\n[section]\nb=2\n",
        ),
        ({"package.json": manifest(), ".npmrc": "a=1"}, ".npmrc", "a=1\nmin-release-age=7\n"),
        (
            {"package.json": manifest(), ".npmrc": "a=1\r\n"},
            ".npmrc",
            "a=1\r\nmin-release-age=7\r\n",
        ),
        (
            {"package.json": pinned("pnpm@11.0.0"), "pnpm-workspace.yaml": "# ours\npackages: []"},
            "pnpm-workspace.yaml",
            "# ours\npackages: []\nminimumReleaseAge: 10080\n",
        ),
        (
            {"package.json": pinned("yarn@4.10.0"), ".yarnrc.yml": "# ours\nnodeLinker: pnp\n"},
            ".yarnrc.yml",
            "# ours\nnodeLinker: pnp\nnpmMinimalAgeGate: 10080\n",
        ),
        (BUN, "bunfig.toml", "# ours\n[install]\nexact = true\nminimumReleaseAge = 604800\n"),
        (
            {"deno.json": '{\n  "imports": {"a": "npm:a"}\n}\n'},
            "deno.json",
            '{\n  "imports": {"a": "npm:a"},\n  "minimumDependencyAge": "P7D"\n}\n',
        ),
    ],
)
def test_what_is_written_keeps_the_rest(files: Files, path: str, text: str) -> None:
    once = with_cooldown(files)
    assert once[path] == text
    assert with_cooldown(once) == once


def test_comments_of_deno_stay() -> None:
    found = with_cooldown({"deno.jsonc": '{"imports": {"a": "npm:a"} /* ours */}'})
    assert found == {
        "deno.jsonc": '{"imports": {"a": "npm:a"},\n  "minimumDependencyAge": "P7D" /* ours */}'
    }
