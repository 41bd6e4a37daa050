"""Access to registries that other clients keep in the home folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from npm_vetted.registry.settings import RegistrySettings, Url, load_settings

ACME = "https://npm.acme.example/feed/"
ADA = "Basic YWRhOnBhc3N3b3Jk"


def settings(home: Path, files: Mapping[str, str], **environment: str) -> RegistrySettings:
    for name, text in files.items():
        (home / name).write_text(text)
    return load_settings({"HOME": str(home), **environment})


@pytest.mark.parametrize(
    ("name", "text", "header"),
    [
        (".yarnrc.yml", f"npmRegistryServer: {ACME}\nnpmAuthToken: abc\n", "Bearer abc"),
        (".yarnrc.yml", 'npmRegistries:\n  "//npm.acme.example/feed":\n    npmAuthToken: abc\n', "Bearer abc"),
        (".yarnrc.yml", f"npmRegistries:\n  {ACME}:\n    npmAuthIdent: ada:password\n", ADA),
        (".yarnrc.yml", f"npmRegistries:\n  {ACME}:\n    npmAuthIdent: YWRhOnBhc3N3b3Jk\n", ADA),
        (".yarnrc.yml", f'npmScopes:\n  acme:\n    npmRegistryServer: {ACME}\n    npmAuthToken: "${{TOKEN}}"\n',
         "Bearer of-env"),
        (".yarnrc.yml", f'npmRegistryServer: {ACME}\nnpmAuthToken: "${{NONE:-else}}"\n', "Bearer else"),
        (".yarnrc.yml", f'npmRegistryServer: {ACME}\nnpmAuthToken: "${{NONE}}"\n', None),
        (".yarnrc.yml", "npmAuthToken: abc\n", None),  # for another host
        (".yarnrc.yml", "npmAuthToken: [\n", None),
        (".bunfig.toml", f'[install]\nregistry = {{ url = "{ACME}", token = "abc" }}\n', "Bearer abc"),
        (".bunfig.toml", f'[install.scopes]\nacme = {{ url = "{ACME}", token = "$TOKEN" }}\n', "Bearer of-env"),
        (".bunfig.toml", f'[install.scopes.acme]\nurl = "{ACME}"\nusername = "ada"\npassword = "password"\n',
         ADA),
        (".bunfig.toml", '[install]\nregistry = "https://ada:password@npm.acme.example/feed/"\n', ADA),
        (".bunfig.toml", f'[install]\nregistry = "{ACME}"\n', None),
        (".bunfig.toml", f'[install]\nregistry = {{ url = "{ACME}", token = "$NONE" }}\n', None),
        (".bunfig.toml", "[install\n", None),
        (".npmrc", "//npm.acme.example/feed/:_authToken=abc\n", "Bearer abc"),
    ],
)  # fmt: skip
def test_the_header_for_a_package_of_the_registry(
    tmp_path: Path, name: str, text: str, header: str | None
) -> None:
    found = settings(tmp_path, {name: text}, TOKEN="of-env")
    assert found.credential(Url.parse(f"{ACME}lib/-/lib-1.0.0.tgz")) == header
    assert found.credential(Url.parse("https://npm.acme.example/other/lib")) is None
    assert found.credential(Url.parse("https://evil.example/feed/lib")) is None


def test_npms_own_file_counts_first(tmp_path: Path) -> None:
    files = {
        ".npmrc": "//npm.acme.example/feed/:_authToken=npms\n",
        ".yarnrc.yml": f"npmRegistryServer: {ACME}\nnpmAuthToken: yarns\n",
    }
    assert settings(tmp_path, files).credential(Url.parse(ACME)) == "Bearer npms"


@pytest.mark.parametrize(
    ("name", "text"),
    [(".yarnrc.yml", "a: [\n"), (".bunfig.toml", "[x\n"),
     (".yarnrc.yml", "npmRegistryServer: http://npm.acme.example\nnpmAuthToken: abc\n"),
     (".yarnrc.yml", "npmRegistryServer: https://u:abc@npm.acme.example\nnpmAuthToken: x\n")],
)  # fmt: skip
def test_what_is_left_out_is_told_without_a_secret(tmp_path: Path, name: str, text: str) -> None:
    (told,) = settings(tmp_path, {name: text}).ignored
    assert "abc" not in told
