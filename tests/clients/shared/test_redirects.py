"""Which packages overrides and resolutions replace."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from npm_vetted.clients.shared.redirects import package_replaced_by, redirects_of
from npm_vetted.projects.lockfile_owner import client_of_lockfile
from tests.support.real_clients import Clients, program_of
from tests.support.static_registry import static_registry


@pytest.mark.parametrize(
    ("selector", "name"),
    [
        ("aa", "aa"), ("@s/dd", "@s/dd"), ("aa@^1.0.0", "aa"), ("@s/dd@1", "@s/dd"),
        ("bb>aa", "aa"), ("aa@>=1 <3", "aa"), ("bb@>1>aa", "aa"), ("bb@1>aa@2", "aa"),
        ("bb>@s/dd@1", "@s/dd"), ("**/aa", "aa"),
        ("bb/aa", "aa"), ("bb/@s/dd", "@s/dd"), ("aa@npm:^1.0.0", "aa"),
        ("aa@npm:@s/dd@1", "aa"), ("bb@npm:^1.0.0/aa", "aa"), ("aa@npm:>=1", "aa"),
        ("bb@npm:>=1>aa", "aa"), ("aa@1 || >=2", "aa"), ("aa@1||>=2", "aa"), ("bb/**/aa", "aa"),
    ],
)  # fmt: skip
def test_a_selector_names_the_replaced_package(selector: str, name: str) -> None:
    assert package_replaced_by(selector) == name


def test_nested_overrides_name_the_innermost_package() -> None:
    data = {
        "overrides": {"bb": {".": "1.0.0", "aa": "file:./x", "cc": {"dd": "2"}}, "ee": "3"},
        "resolutions": {"**/ff": "link:./y"},
    }
    assert list(redirects_of(data)) == [
        ("bb", "1.0.0"), ("aa", "file:./x"), ("dd", "2"), ("ee", "3"), ("ff", "link:./y"),
    ]  # fmt: skip


def test_what_is_no_table_names_nothing() -> None:
    assert list(redirects_of({"overrides": ["aa"], "resolutions": None})) == []


SELECTORS: Mapping[str, Sequence[str]] = {
    "bun1.4": (
        "aa@>=1", "bb>aa", "bb@>=1>aa@>=1", "aa@1 || >=1.1", "aa@npm:>=1", "bb@npm:>=1>aa@npm:^1",
        "bb/aa", "bb/**/aa", "**/aa", "bb@npm:1.2.0/aa@npm:^1.0.0", "bb@1.2.0/aa", "bb/aa@>=1",
    ),
    "pnpm10": ("aa@>=1", "bb>aa", "bb@>=1>aa@>=1", "aa@1 || >=1.1"),
    "pnpm12": ("aa@>=1", "bb>aa", "bb@>=1>aa@>=1", "aa@1 || >=1.1"),
    "npm12": ("aa@>=1", "aa@1 || >=1.1"),
    "yarn1": ("bb/aa", "bb/**/aa", "**/aa"),
    "yarn4.18": ("bb/aa", "aa@npm:^1.1.0", "bb@npm:1.2.0/aa@npm:^1.1.0", "bb@1.2.0/aa"),
}  # fmt: skip
"""Selectors by which each client replaces ``aa``, which ``bb`` requires."""
LOCKFILE: Mapping[str, str] = {
    "npm": "package-lock.json", "pnpm": "pnpm-lock.yaml", "bun": "bun.lock", "yarn": "yarn.lock",
}  # fmt: skip
_INSTALL: Mapping[str, tuple[str, ...]] = {
    "npm": ("--package-lock-only",), "pnpm": ("--lockfile-only",), "bun": ("--lockfile-only",),
    "yarn": (),
}  # fmt: skip


@pytest.mark.parametrize(
    "name_of_client",
    ["bun1.4", *(pytest.param(each, marks=pytest.mark.slow) for each in list(SELECTORS)[1:])],
)
def test_the_real_client_replaces_the_package_that_a_selector_names(
    clients: Clients, tmp_path: Path, name_of_client: str
) -> None:
    program = program_of(name_of_client)
    with static_registry() as url:
        env = {
            "npm_config_registry": url, "pnpm_config_registry": url, "YARN_REGISTRY": url,
            "YARN_NPM_REGISTRY_SERVER": url, "YARN_UNSAFE_HTTP_WHITELIST": "127.0.0.1",
            "pnpm_config_minimum_release_age": "0",
        }  # fmt: skip
        for number, selector in enumerate(SELECTORS[name_of_client]):
            assert package_replaced_by(selector) == "aa"
            folder = tmp_path / str(number)
            folder.mkdir()
            table = {selector: "2.0.0"}
            manifest = {
                "name": "p", "version": "1.0.0", "dependencies": {"bb": "1.2.0"}, "pnpm": {"overrides": table},
                "resolutions" if program == "yarn" else "overrides": table,
            }  # fmt: skip
            (folder / "package.json").write_text(json.dumps(manifest))
            (folder / "pnpm-workspace.yaml").write_text(
                json.dumps({"packages": [], "overrides": table})
            )
            (folder / "yarn.lock").touch()
            clients.run(name_of_client, "install", *_INSTALL[program], cwd=folder, env=env)
            name = LOCKFILE[program]
            files = {name: (folder / name).read_bytes()}
            client = client_of_lockfile(name, files.get)
            lockfile = client.read_lockfile(name, files[name], files.get)
            assert {each.version for each in lockfile.named(["aa"])} == {"2.0.0"}, selector
