"""Which lockfiles a project has, and which client they tell."""

from __future__ import annotations

import pytest

from npm_vetted.projects.lockfiles import Lockfiles
from npm_vetted.projects.paths import join
from tests.support.npm_projects import MemorySnapshot
from tests.support.project_trees import BERRY_LOCK, DEP, LOCK, PNPM_LOCK, every

SEVERAL = {"package-lock.json": LOCK, "pnpm-lock.yaml": PNPM_LOCK, "bun.lock": "{}"}


@pytest.mark.parametrize(
    ("pin", "first", "client"),
    [
        (None, "bun.lock", "bun"),
        ("pnpm@9.1.0", "pnpm-lock.yaml", "pnpm"),
        ("bun@1.2.0", "bun.lock", "bun"),
        ("yarn@1.22.22", "bun.lock", "bun"),
    ],
)
def test_of_several_lockfiles_the_pinned_client_s_is_first(
    pin: str | None, first: str, client: str
) -> None:
    manifest = DEP if pin is None else {**DEP, "packageManager": pin}
    (found,) = every({"package.json": manifest, **SEVERAL}).all()
    assert (found.lockfiles[0], found.client) == (first, client)
    assert sorted(found.lockfiles) == sorted(SEVERAL)
    assert (found.pin is None) is (pin is None)
    assert found.read(first) == SEVERAL[first].encode()
    assert found.read(first) == SEVERAL[first].encode()
    assert found.read("x") is None


def test_of_two_lockfiles_the_pinned_client_s_is_first() -> None:
    manifest = {**DEP, "packageManager": "pnpm@9.1.0"}
    (found,) = every(
        {"package.json": manifest, "bun.lock": "{}", "pnpm-lock.yaml": PNPM_LOCK}
    ).all()
    assert found.lockfiles == ("pnpm-lock.yaml", "bun.lock")


def test_a_pin_tells_the_client_where_there_is_no_lockfile() -> None:
    for pin, client in (
        ("pnpm@9.1.0", "pnpm"),
        ("yarn@1.22.22", "yarn-classic"),
        ("x@1.0.0", "npm"),
    ):
        (found,) = every({"package.json": {**DEP, "packageManager": pin}}).all()
        assert found.client == client


def test_workspaces_may_have_lockfiles_of_their_own() -> None:
    shared = {
        "package.json": DEP, "pnpm-lock.yaml": PNPM_LOCK, "w/package.json": DEP,
        "w/pnpm-lock.yaml": PNPM_LOCK, "v/package.json": DEP,
    }  # fmt: skip
    for setting, lockfiles in (
        ("", ("pnpm-lock.yaml",)),
        ("sharedWorkspaceLockfile: false", ("pnpm-lock.yaml", "w/pnpm-lock.yaml")),
    ):
        found = every({**shared, "pnpm-workspace.yaml": f"packages: [w, v]\n{setting}\n"}).at("")
        assert found is not None
        assert found.lockfiles == lockfiles
        assert list(found.members) == ["v", "w"]
        assert found.folders == frozenset()


@pytest.mark.parametrize(
    ("files", "client"),
    [({"bunfig.toml": ""}, "bun"), ({"x/bunfig.toml": ""}, "npm"), ({}, "npm")],
)
def test_a_file_marks_the_client_where_there_is_neither_lockfile_nor_pin(
    files: dict[str, str], client: str
) -> None:
    installer = Lockfiles(MemorySnapshot(files)).installer("", None)
    assert client == installer.NAME


def test_a_lockfile_s_path_may_lead_through_any_one_folder() -> None:
    """Rush has a lockfile for each subspace: ``common/config/subspaces/*/pnpm-lock.yaml``."""
    below = "common/config/subspaces"
    files = {
        f"{below}/{path}": PNPM_LOCK
        for path in ("a/pnpm-lock.yaml", "b/c/pnpm-lock.yaml", "a/pnpm-lock.yaml.txt", "x.yaml")
    }
    found = Lockfiles(MemorySnapshot(files))
    assert list(found.in_folder("")) == [f"{below}/a/pnpm-lock.yaml"]


@pytest.mark.parametrize(
    ("text", "client"), [(BERRY_LOCK, "yarn-berry"), ("# v1\n\na@1:\n", "yarn-classic")]
)
def test_a_lockfile_s_text_tells_which_of_two_clients_wrote_it(text: str, client: str) -> None:
    for folder in ("", "x"):
        found = Lockfiles(MemorySnapshot({join(folder, "yarn.lock"): text}))
        installer = found.installer(folder, None)
        assert client == installer.NAME
        assert list(found.in_folder(folder)) == [join(folder, "yarn.lock")]


def test_a_folder_has_a_lockfile_if_one_of_some_client_is_in_it() -> None:
    found = Lockfiles(MemorySnapshot({"a/yarn.lock": "", "b/package.json": "{}"}))
    assert [found.exists_in(folder) for folder in ("a", "b", "")] == [True, False, False]
