"""Which entries hold the program of another package for one platform, in each client's lockfile."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

import pytest

from npm_vetted.clients import clients
from npm_vetted.clients.shared.lockfile import Lockfile

HASH: Final = "sha512-" + "A" * 86 + "=="
Writer = Callable[[str, str, str, str], tuple[str, str]]
"""Makes a lockfile's path and text: builder 1.0.0 requires NAME VERSION for SYSTEM in a GROUP."""


def npm(name: str, version: str, system: str, group: str) -> tuple[str, str]:
    packages = {
        "": {"dependencies": {"builder": "1.0.0"}},
        "node_modules/builder": {"version": "1.0.0", "integrity": HASH, group: {name: version}},
        f"node_modules/{name}": {
            "version": version,
            "integrity": HASH,
            "cpu": ["x64"],
            "os": [system],
        },
    }
    return "package-lock.json", json.dumps({"lockfileVersion": 3, "packages": packages})


def pnpm(name: str, version: str, system: str, group: str) -> tuple[str, str]:
    return "pnpm-lock.yaml", (
        "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      builder:\n"
        "        specifier: 1.0.0\n        version: 1.0.0\n\npackages:\n\n"
        f"  '{name}@{version}':\n    resolution: {{integrity: {HASH}}}\n    cpu: [x64]\n    os: [{system}]\n\n"
        f"  builder@1.0.0:\n    resolution: {{integrity: {HASH}}}\n\nsnapshots:\n\n"
        f"  '{name}@{version}':\n    optional: true\n\n  builder@1.0.0:\n    {group}:\n      '{name}': {version}\n"
    )


def berry(name: str, version: str, system: str, group: str) -> tuple[str, str]:
    meta = f"  dependenciesMeta:\n    {name}:\n      optional: true\n" if group[0] == "o" else ""
    meta = meta.replace(f"    {name}:", f'    "{name}":')
    return "yarn.lock", (
        "__metadata:\n  version: 8\n  cacheKey: 10c0\n\n"
        f'"{name}@npm:{version}":\n  version: {version}\n  resolution: "{name}@npm:{version}"\n'
        f"  conditions: os={system} & cpu=x64\n  languageName: node\n  linkType: hard\n\n"
        '"builder@npm:1.0.0":\n  version: 1.0.0\n  resolution: "builder@npm:1.0.0"\n'
        f'  dependencies:\n    "{name}": "npm:{version}"\n{meta}'
        f"  checksum: 10c0/{'a' * 128}\n  languageName: node\n  linkType: hard\n"
    )


def bun(name: str, version: str, system: str, group: str) -> tuple[str, str]:
    builder = json.dumps(["builder@1.0.0", "", {group: {name: version}}, HASH])
    program = json.dumps([f"{name}@{version}", "", {"os": system, "cpu": "x64"}, HASH])
    return "bun.lock", (
        '{\n  "lockfileVersion": 1,\n  "workspaces": {\n    "": {\n      "dependencies": {\n'
        '        "builder": "1.0.0",\n      },\n    },\n  },\n  "packages": {\n'
        f'    "{name}": {program},\n\n    "builder": {builder},\n  }}\n}}\n'
    )


def deno(name: str, version: str, system: str, group: str) -> tuple[str, str]:
    found = {
        "version": "5",
        "specifiers": {"npm:builder@1.0.0": "1.0.0"},
        "npm": {
            f"{name}@{version}": {"integrity": HASH, "os": [system], "cpu": ["x64"]},
            "builder@1.0.0": {"integrity": HASH, group: [name]},
        },
    }
    return "deno.lock", json.dumps(found)


WRITERS: Final[dict[str, Writer]] = {
    "npm": npm, "pnpm": pnpm, "yarn-berry": berry, "bun": bun, "deno": deno,
}  # fmt: skip


def parent_in(
    client: str,
    name: str = "@builder/linux-x64",
    version: str = "1.0.0",
    system: str = "linux",
    group: str = "optionalDependencies",
) -> str | None:
    path, text = WRITERS[client](name, version, system, group)
    lockfile: Lockfile = clients()[client].read_lockfile(path, text.encode(), lambda _: None)
    (key,) = lockfile.keys_of({name})
    return lockfile.parent_of_program(key)


@pytest.mark.parametrize("client", WRITERS)
def test_a_program_has_its_parent(client: str) -> None:
    assert parent_in(client) == "builder"


@pytest.mark.parametrize("client", WRITERS)
@pytest.mark.parametrize(
    "unlike",
    [
        {"name": "@evil/linux-x64"},
        {"version": "1.0.1"},  # esbuild and its programs are one release
        {"system": "darwin"},  # not what its name says; x64 alone does not either
        {"group": "dependencies"},  # every machine would install it
    ],
    ids=str,
)
def test_an_attacker_s_package_has_none(client: str, unlike: dict[str, str]) -> None:
    keys = {"name": "@builder/linux"} | unlike if "system" in unlike else unlike
    assert parent_in(client, **keys) is None
