"""Which client a lockfile belongs to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from npm_vetted.errors import DocumentError
from npm_vetted.model import Location, Pin, Read
from npm_vetted.projects.lockfile_owner import client_of_lockfile, fits_pin

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
    for folder in ("", "x/"):
        contents = {f"{folder}{path}": each for path, each in {"yarn.lock": text, **files}.items()}
        found = client_of_lockfile(f"{folder}yarn.lock", reader(contents))
        assert client == found.NAME


def reader(files: Mapping[str, str]) -> Read:
    return lambda path: files[path].encode() if path in files else None


def test_a_lockfile_of_many_comments_is_not_empty() -> None:
    files = {"yarn.lock": "#\n" * 3000, ".yarnrc.yml": ""}
    assert client_of_lockfile("yarn.lock", reader(files)).NAME == "yarn-classic"


@pytest.mark.parametrize(("major", "fits"), [(1, False), (4, True)])
def test_a_lockfile_fits_the_pin_of_its_own_client(major: int, fits: bool) -> None:
    read = reader({"yarn.lock": "__metadata:\n  version: 8\n"})
    pin = Pin("yarn", (major, 0, 0), exact=True, enforced=True, location=Location("package.json"))
    assert fits_pin("yarn.lock", pin, read) is fits
    assert not fits_pin("none.lock", pin, read)


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
