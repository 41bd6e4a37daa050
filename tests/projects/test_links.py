"""The links and submodules that a project leads through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from npm_vetted.projects.links import elsewhere
from tests.support.project_trees import DEP, LOCK, every, moved


@pytest.mark.parametrize(
    ("globs", "path", "found"),
    [
        (["packages/*"], "packages/m", ["packages/m"]),
        (["packages/*"], "other/m", []),
        (["packages/*"], "packages/m/n", []),
        (["packages/**"], "packages/m/n", ["packages/m/n"]),
        (["packages/*/x"], "packages/m", ["packages/m"]),
        (["packages/*/x"], "packages/m/x", ["packages/m/x"]),
        (["packages/m"], "packages/m", ["packages/m"]),
        (["packages/m"], "packages", ["packages"]),
        (["packages/*", "!packages/m"], "packages/m", []),
        (["!packages/m"], "packages/m", []),
        ([], "packages/m", []),
    ],
)
def test_a_submodule_that_workspaces_lead_through(
    globs: list[str], path: str, found: list[str]
) -> None:
    files = {"package.json": {**DEP, "workspaces": globs}, "package-lock.json": LOCK, path: ""}
    projects = every(files, modes={path: "160000"})
    assert [each for each, _ in elsewhere(projects, "")] == found
    assert list(elsewhere(every(files), "")) == []


@pytest.mark.parametrize(
    ("specifier", "found"),
    [
        ("file:libs/m", ["libs"]),
        ("link:./libs/m", ["libs"]),
        ("./libs/m", ["libs"]),
        ("file:other/m", []),
        ("^1.0.0", []),
        ("file:../libs/m", []),
    ],
)
def test_a_submodule_that_a_folder_dependency_leads_through(
    specifier: str, found: list[str]
) -> None:
    files = {"package.json": {"dependencies": {"m": specifier}}, "libs": ""}
    projects = every(files, modes={"libs": "160000"})
    assert [each for each, _ in elsewhere(projects, "")] == found


def test_a_submodule_that_several_globs_lead_through_is_named_once() -> None:
    for globs, path in ((["p/*", "p/**", "p/m"], "p/m"), (["*", "m"], "m")):
        files = {"package.json": {**DEP, "workspaces": globs}, path: ""}
        found = elsewhere(every(files, modes={path: "160000"}), "")
        assert [each for each, _ in found] == [path]


def test_a_submodule_among_the_workspaces_of_a_folder() -> None:
    for specifier, workspaces_of in (("*", ["p/*"]), ("file:p/m", [])):
        manifest = {"dependencies": {"m": specifier}, "workspaces": workspaces_of}
        tree = moved({"package.json": manifest, "p/m": ""})
        found = every(tree, modes={"x/p/m": "160000"})
        assert [path for path, _ in elsewhere(found, "x")] == ["x/p/m"]
        assert list(elsewhere(found, "")) == []


@pytest.mark.parametrize(
    ("target", "more", "found"),
    [
        pytest.param(
            "../libs/m", {"libs/m/package.json": DEP}, True, id="a folder with a manifest"
        ),
        pytest.param("../libs/m", {"libs/m/README.md": ""}, False, id="without one"),
        pytest.param("../libs", {"libs/m/package.json": DEP}, False, id="with one further below"),
        pytest.param("/libs/m", {}, True, id="an absolute path"),
        pytest.param("../../libs/m", {}, True, id="outside the repository"),
        pytest.param("../libs/m", {"libs/m": ""}, False, id="a file"),
        pytest.param("../other", {"other": "z"}, True, id="another link"),
    ],
)
def test_a_link_in_the_place_of_a_workspace(
    target: str, more: Mapping[str, Any], found: bool
) -> None:
    files = {"package.json": {**DEP, "workspaces": ["packages/*"]}, "packages/m": target, **more}
    projects = every(files, modes={"packages/m": "120000", "other": "120000"})
    assert [path for path, _ in elsewhere(projects, "")] == (["packages/m"] if found else [])


def test_a_link_above_workspaces_may_lead_to_manifests_further_below() -> None:
    files = {
        "package.json": {**DEP, "workspaces": ["packages/*/x"]}, "packages/m": "../libs",
        "libs/x/package.json": DEP,
    }  # fmt: skip
    projects = every(files, modes={"packages/m": "120000"})
    assert [path for path, _ in elsewhere(projects, "")] == ["packages/m"]
