"""Which projects a commit concerns."""

from __future__ import annotations

import json

import pytest

from npm_vetted.git.repository import ChangedPath
from npm_vetted.vetting.baseline import Baseline
from tests.support.changes import (
    A,
    B,
    Files,
    berry,
    brought,
    change,
    only,
    patched,
    project,
)
from tests.support.npm_projects import entry


def test_only_the_projects_of_touched_files_are_judged() -> None:
    before = project({"a": A}, "x/") | project({"a": A}, "y/")
    found = change(before, before | project({"b": B}, "y/"))
    assert [each.after.path for each in found.projects] == ["y"]
    found = change(before, before | {"z.txt": "1"})
    assert found.projects == ()


def test_everything_is_every_project() -> None:
    files = project({"a": A}, "x/") | project({"a": A}, "y/")
    found = change(files, files, everything=True)
    assert [each.after.path for each in found.projects] == ["x", "y"]


def test_a_project_that_the_caller_leaves_out_is_not_judged() -> None:
    files = project({"a": A}, "x/") | project({"a": A}, "y/")
    found = change({}, files, left_out=("x",))
    assert [each.after.path for each in found.projects] == ["y"]


def test_a_merge_judges_what_differs_from_each_parent() -> None:
    one, other = project({"a": A}), project({"a": A, "b": B})
    assert change((one, other), other).projects == ()
    assert brought(change((one, other), project({"a": A, "b": B, "c": entry("c")}))) == {
        "c@1.0.0": "added"
    }


def test_a_range_judges_what_differs_from_any_merge_base() -> None:
    one, other = project({"a": A}), project({"a": A, "b": B})
    touched = {"package-lock.json": ChangedPath(None, None)}
    found = change((one, other), other)
    found.comparison = found.comparison._replace(touched=touched, against_each=True)
    assert [each.after.path for each in found.projects] == [""]


def test_code_concerns_the_projects_whose_program_the_baseline_accepts() -> None:
    files = project({"a": A}, "x/") | project({"a": A}, "y/")
    line = f"client-settings/program x/.npmrc git {'0' * 64} why\n"
    baseline = Baseline.read(line.encode())
    assert [
        each.after.path for each in change(files, files | {"t.js": "1"}, baseline=baseline).projects
    ] == ["x"]
    assert change(files, files | {"t.js": "1"}).projects == ()
    assert change(files, files | {"t.txt": "1"}, baseline=baseline).projects == ()


@pytest.mark.parametrize(
    ("files", "name", "concerned"),
    [
        pytest.param(patched({"a@1.0.0": "p.patch"}, p="1"), "p.patch", True, id="its patch"),
        pytest.param(patched({"a@1.0.0": "p.patch"}, p="1"), "q.patch", False, id="another"),
        pytest.param(patched({"a@1.0.0": "p.patch"}, p="1"), "p.txt", False, id="no patch"),
        pytest.param(patched({}), "p.patch", False, id="no patches"),
        pytest.param(
            patched({}) | {"pnpm-lock.yaml": "lockfileVersion: '9.0'\npatch: ["}, "p.patch", True,
            id="unreadable",
        ),
        pytest.param(
            patched({}) | {"pnpm-lock.yaml": "lockfileVersion: '9.0'\n\\: ["}, "p.patch", True,
            id="unreadable, the word may be written with escapes",
        ),
    ],
)  # fmt: skip
def test_a_patch_concerns_the_projects_whose_lockfile_names_it(
    files: Files, name: str, concerned: bool
) -> None:
    found = change(files, {**files, name: "changed"})
    assert [each.after.path for each in found.projects] == ([""] if concerned else [])


@pytest.mark.parametrize(
    ("path", "concerned"),
    [
        ("vendor/a-1.0.0.tgz", True),
        ("elsewhere/a-1.0.0.tgz", True),  # the lockfile may name this folder in another way
        ("vendor/c-1.0.0.tgz", False),
        ("vendor/a-1.0.0.txt", False),
    ],
)
def test_an_archive_concerns_the_projects_whose_lockfile_has_its_name(
    path: str, concerned: bool
) -> None:
    files = project({"a": entry("a", resolved="file:vendor/a-1.0.0.tgz")}, "x/") | project(
        {"b": B}, "y/"
    )
    found = change(files, {**files, path: "bytes"})
    assert [each.after.path for each in found.projects] == (["x"] if concerned else [])


def test_an_archive_concerns_every_project_whose_lockfile_may_spell_it_otherwise() -> None:
    escaped = project({"a": A}, "x/")
    escaped["x/package-lock.json"] = escaped["x/package-lock.json"].replace("/-/", "\\/-/")
    broken = project({"a": A}, "y/") | {"y/package-lock.json": "{"}
    files = {**escaped, **broken, **project({"a": A}, "z/")}
    found = change(files, {**files, "some.tgz": "bytes"})
    assert [each.after.path for each in found.projects] == ["x", "y"]


def test_an_archive_in_the_store_of_a_client_concerns_the_project() -> None:
    files = {f"x/{path}": text for path, text in berry("10", "a" * 128).items()}
    found = change(files, {**files, "x/.yarn/cache/other.zip": "bytes"})
    assert [each.after.path for each in found.projects] == ["x"]
    assert change(files, {**files, "y/.yarn/cache/other.zip": "bytes"}).projects == ()


@pytest.mark.parametrize(
    ("path", "mode", "concerned"),
    [
        ("packages/m", "160000", True),
        ("packages/m", "100644", False),
        ("other/m", "160000", False),
    ],
)
def test_a_submodule_concerns_the_project_that_installs_from_it(
    path: str, mode: str, concerned: bool
) -> None:
    files = project({"a": A}, dependencies={"a": "*"}, workspaces=["packages/*"])
    found = change(files, {**files, path: ""}, modes={path: mode})
    assert [each.after.path for each in found.projects] == ([""] if concerned else [])


def test_a_project_that_could_not_be_read_before_is_judged_as_a_whole() -> None:
    before = project({"a": A}) | {"package.json": "{"}
    found = change(before, project({"a": A}))
    assert only(found).before == ()
    assert brought(found) == {"a@1.0.0": "added"}


def test_a_project_whose_workspaces_could_not_be_read_before_is_judged_as_a_whole() -> None:
    after = patched({}) | {"pnpm-workspace.yaml": "packages: [w]\n"}
    before = after | {"pnpm-workspace.yaml": "packages: [\n"}
    found = change(before, after)
    assert only(found).before == ()
    assert brought(found) == {"a@1.0.0": "added", "b@1.0.0": "added"}


def test_a_comparison_is_what_the_checks_see() -> None:
    found = change({}, {"x": "1"}, comparison={"scope": ("--from-ref", "main")})
    assert found.scope_arguments == ("--from-ref", "main")
    assert list(found.touched) == ["x"]
    assert (found.everything, found.earlier_vetting) == (False, found.earlier_vettings[0])
    assert list(found.after.everything()) == ["x"]


@pytest.mark.parametrize(
    ("names", "locked"),
    [({"a"}, {"a"}), ({"a", "b", "c"}, {"a", "b"}), ({"c"}, set()), (set(), set())],
)
def test_names_that_were_locked_before(names: set[str], locked: set[str]) -> None:
    before = project({"a": A}, "x/") | project({"b": B}, "y/")
    unreadable = project({"c": A}, "w/") | {"w/package-lock.json": "{"}
    found = change(before | unreadable, before | project({"d": entry("d")}, "z/"))
    assert found.names_locked_before(names) == locked
    assert [found.was_locked(each) for each in sorted(names)] == [
        each in locked for each in sorted(names)
    ]


def test_with_all_no_name_is_new() -> None:
    assert change({}, {}, everything=True).was_locked("a")


@pytest.mark.parametrize(
    ("allowed", "runs"), [(["a"], True), (["b"], False), ([], False), (["b", "a"], True)]
)
def test_what_an_allow_list_lets_run(allowed: list[str], runs: bool) -> None:
    lists = {"x": allowed, "y": []}
    files = {
        f"{folder}/{path}": text
        for folder, names in lists.items()
        for path, text in patched({}).items() | {
            ("pnpm-workspace.yaml", f"onlyBuiltDependencies: {json.dumps(names)}\n")
        }
    }  # fmt: skip
    found = change({}, files)
    answers = {
        each.project.path: found.lets_run(each)
        for each in found.uses()
        if each.artifact.name == "a"
    }
    assert answers == {"x": runs, "y": False}


def test_a_merge_takes_the_parents_whose_project_can_be_read() -> None:
    broken = project({"a": A}) | {"package.json": "{"}
    found = only(change((broken, project({"a": A})), project({"a": A, "b": B})))
    assert len(found.before) == 1
    assert brought(change((broken, project({"a": A})), project({"a": A, "b": B}))) == {
        "b@1.0.0": "added"
    }


def test_an_archive_whose_name_is_not_utf_8_concerns_no_lockfile_in_utf_8() -> None:
    files = project({"a": entry("a", resolved="file:vendor/a-1.0.0.tgz")})
    assert change(files, {**files, "vendor/\udce9.tgz": "bytes"}).projects == ()


def test_a_submodule_concerns_the_project_of_its_folder_beside_other_changes() -> None:
    files = project({"a": A}, "x/", dependencies={"a": "*"}, workspaces=["packages/*"])
    after = {**files, "a.txt": "1", "x/packages/m": "", "z.txt": "1"}
    found = change(files, after, modes={"x/packages/m": "160000"})
    assert [each.after.path for each in found.projects] == ["x"]
