"""A package that a commit brings."""

from __future__ import annotations

import pytest

from tests.support.changes import (
    A,
    B,
    change,
    project,
    use,
    workspace,
)


def test_a_use_is_located_at_its_entry_of_the_lockfile() -> None:
    files = project({"a": A, "b": B}, "x/")
    found = use(change({}, files), "b@1.0.0")
    path, line = found.location.path, found.location.line
    assert (path, found.lockfile.path, found.project.path) == ("x/package-lock.json",) * 2 + ("x",)
    assert files[path].splitlines()[line - 1].strip() == '"node_modules/b": {'
    assert found.entry.key == "node_modules/b"


@pytest.mark.parametrize("direct_first", [True, False])
def test_of_two_lockfiles_the_one_where_a_package_is_direct_is_reported(
    direct_first: bool,
) -> None:
    direct, brings = {"a": "1.0.0"}, {"b": "1.0.0"}
    top, inner = (direct, brings) if direct_first else (brings, direct)
    files = workspace(top, inner)
    found = use(change({}, files), "a@1.0.0")
    expected = "pnpm-lock.yaml" if direct_first else "w/pnpm-lock.yaml"
    assert (found.location.path, found.direct) == (expected, True)
    neither = use(change({}, workspace(brings, brings)), "a@1.0.0")
    assert (neither.location.path, neither.direct) == ("pnpm-lock.yaml", False)
