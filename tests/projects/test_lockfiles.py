"""Which lockfiles a project has, and which client they tell."""

from __future__ import annotations

import pytest

from tests.support.project_trees import DEP, LOCK, PNPM_LOCK, every

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
