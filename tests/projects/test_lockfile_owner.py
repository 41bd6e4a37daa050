"""Which client a lockfile belongs to."""

from __future__ import annotations

import pytest

from npm_vetted.errors import DocumentError
from npm_vetted.projects.lockfile_owner import client_of_lockfile

PNPM_LOCK = "lockfileVersion: '9.0'\n"


@pytest.mark.parametrize(
    ("text", "files", "client"),
    [
        ("", {}, "yarn-classic"),
        ("# comment\n\n", {".yarnrc.yml": ""}, "yarn-berry"),
        ("", {"package.json": '{"packageManager": "yarn@4.18.1"}'}, "yarn-berry"),
        ("", {"package.json": '{"packageManager": "yarn@1.22.22"}', ".yarnrc.yml": ""}, "yarn-classic"),
        ('a@1:\n  version "1.0.0"\n', {".yarnrc.yml": ""}, "yarn-classic"),
    ],
)  # fmt: skip
def test_an_empty_lockfile_belongs_to_the_client_in_use(
    text: str, files: dict[str, str], client: str
) -> None:
    contents = {"yarn.lock": text, **files}
    found = client_of_lockfile(
        "yarn.lock", lambda path: contents[path].encode() if path in contents else None
    )
    assert client == found.NAME


def test_a_lockfile_that_no_client_recognises_is_an_error_of_its_path() -> None:
    with pytest.raises(DocumentError) as raised:
        client_of_lockfile("x/other.lock", lambda _: b"x")
    assert raised.value.path == "x/other.lock"


def test_a_folder_of_a_client_has_its_lockfile() -> None:
    for path, client in (
        ("common/config/rush/pnpm-lock.yaml", "rush"),
        ("x/common/config/rush/pnpm-lock.yaml", "rush"),
        ("pnpm-lock.yaml", "pnpm"),
    ):
        assert client == client_of_lockfile(path, lambda _: PNPM_LOCK.encode()).NAME
