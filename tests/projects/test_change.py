"""Which artifacts a change brings into its projects, and what each counts as."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

import pytest

from npm_vetted.errors import DocumentError
from npm_vetted.git.comparison import Comparison
from npm_vetted.git.repository import ChangedPath
from npm_vetted.projects.change import Arrival, Change, IntroducedPackage, ProjectChange
from npm_vetted.vetting.baseline import Baseline
from npm_vetted.vetting.exemptions import Exemptions
from npm_vetted.vetting.notes import NoteStore
from npm_vetted.vetting.policy import read_policy
from npm_vetted.vetting.resolver import Vetting
from tests.support.npm_projects import MemorySnapshot, entry, lockfile, sri

TODAY = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
SPLIT = "[policy.development]\nnew = []\n"
Files = Mapping[str, str]
Locked = Mapping[str, Mapping[str, Any]]


def project(packages: Locked, folder: str = "", **groups: Any) -> dict[str, str]:
    """The manifest and the lockfile of a project; without groups it depends on all at the top."""
    groups = groups or {
        "dependencies": {name: "*" for name in packages if "/node_modules/" not in name}
    }
    manifest = {"name": "p", "version": "1.0.0", **groups}
    return {
        f"{folder}package.json": json.dumps(manifest),
        f"{folder}package-lock.json": lockfile(manifest, packages),
    }


class Parent(MemorySnapshot):
    """An earlier state, which knows what the later one changes."""

    def __init__(self, files: Files, later: MemorySnapshot) -> None:
        super().__init__(files)
        self._later = later

    @property
    def changes(self) -> Mapping[str, ChangedPath]:
        paths = {*self.everything(), *self._later.everything()}
        return {
            path: ChangedPath(self.entry(path), self._later.entry(path))
            for path in paths
            if self.read(path) != self._later.read(path)
        }


def change(
    before: Files | tuple[Files, ...], after: Files, config: str = "", **more: Any
) -> Change:
    """A commit between two states; several states before are the parents of a merge."""
    earlier = before if isinstance(before, tuple) else (before,)
    now = MemorySnapshot(after)
    snapshots = tuple(Parent(each, now) for each in earlier)
    touched = {
        path: each
        for path, each in snapshots[0].changes.items()
        if all(path in other.changes for other in snapshots)
    }
    policy = read_policy(f"format = 2\n{config}".encode(), adopted=True)
    notes = NoteStore(now, policy.criteria)
    vetting = Vetting(policy, Exemptions(""), notes)
    everything = more.pop("everything", False)
    comparison = Comparison(
        snapshots, now, snapshots[0], touched, everything, **more.pop("comparison", {})
    )
    return Change(
        comparison=comparison, policy=policy, vetting=vetting, earlier_vettings=(vetting,), today=TODAY, **more
    )  # fmt: skip


def only(found: Change) -> ProjectChange:
    (one,) = found.projects
    return one


def brought(found: Change) -> dict[str, str]:
    """What a change brings, and why it is judged."""
    return {each.artifact.label: each.arrival.value for each in found.uses()}


def use(found: Change, label: str) -> IntroducedPackage:
    (one,) = (each for each in found.uses() if each.artifact.label == label)
    return one


A, B = entry("a"), entry("b")
OTHER_BYTES = entry("a", integrity=sri("others"))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"a": A}, {"a@1.0.0": "added"}),
        ({"a": A}, {"a": A}, {}),
        ({"a": A}, {"a": A, "b": B}, {"b@1.0.0": "added"}),
        ({"a": A, "b": B}, {"a": A}, {}),
        ({"a": A}, {"a": entry("a", "1.1.0")}, {"a@1.1.0": "added"}),
        ({"a": A}, {"a": OTHER_BYTES}, {"a@1.0.0": "changed"}),
        (
            {"a": A},
            {"a": entry("a", resolved="https://other.example/a-1.0.0.tgz")},
            {"a@1.0.0": "changed"},
        ),
        ({"a": A}, {"a": A, "b": B, "b/node_modules/a": A}, {"b@1.0.0": "added"}),
        ({"a": A}, {"a": entry("a", hasInstallScript=True)}, {"a@1.0.0": "changed"}),
    ],
)
def test_what_a_lockfile_brings(before: Locked, after: Locked, expected: dict[str, str]) -> None:
    names = dict.fromkeys(("a", "b"), "*")
    assert brought(
        change(project(before, dependencies=names), project(after, dependencies=names))
    ) == expected  # fmt: skip


def test_the_first_lockfile_of_a_folder_brings_all_of_it() -> None:
    found = change({"README.md": "x"}, project({"a": A}) | {"README.md": "x"})
    assert brought(found) == {"a@1.0.0": "added"}
    assert only(found).before == ()


# How it is used.


def nested(**groups: Any) -> dict[str, str]:
    return project({"a": entry("a", dependencies={"b": "*"}), "b": B}, **groups)


def test_only_what_a_manifest_requires_is_direct() -> None:
    found = change({}, nested(dependencies={"a": "*"}))
    assert {each.artifact.name: each.direct for each in found.uses()} == {"a": True, "b": False}


def test_what_becomes_direct_is_judged_again() -> None:
    found = change(nested(dependencies={"a": "*"}), nested(dependencies={"a": "*", "b": "*"}))
    assert brought(found) == {"b@1.0.0": Arrival.PROMOTED}
    assert use(found, "b@1.0.0").direct


@pytest.mark.parametrize(
    ("config", "expected"), [("", {}), (SPLIT, {"a@1.0.0": Arrival.PROMOTED, "b@1.0.0": Arrival.PROMOTED})]
)  # fmt: skip
def test_what_leaves_development_is_judged_again_where_the_policy_tells_them_apart(
    config: str, expected: dict[str, str]
) -> None:
    before, after = nested(devDependencies={"a": "*"}), nested(dependencies={"a": "*"})
    assert brought(change(before, after, config)) == expected


@pytest.mark.parametrize(
    ("groups", "config", "development"),
    [
        ({"devDependencies": {"a": "*"}}, SPLIT, True),
        ({"devDependencies": {"a": "*"}}, "", False),
        ({"dependencies": {"a": "*"}}, SPLIT, False),
        ({"devDependencies": {"a": "*"}, "dependencies": {"b": "*"}}, SPLIT, True),
    ],
)
def test_development(groups: dict[str, Any], config: str, development: bool) -> None:
    assert use(change({}, nested(**groups), config), "a@1.0.0").subject.development is development


# The versions that a version replaces.


def versions(*each: str) -> dict[str, str]:
    """Several versions of ``a``, the first at the top."""
    first, *others = each
    packages = {"a": entry("a", first)}
    for other in others:
        name = f"n{other.replace('.', '')}"
        packages |= {
            name: entry(name, dependencies={"a": other}),
            f"{name}/node_modules/a": entry("a", other),
        }
    return project(packages)


@pytest.mark.parametrize(
    ("before", "after", "label", "previous"),
    [
        (("1.0.0",), ("1.1.0",), "a@1.1.0", ("1.0.0",)),
        (
            ("1.0.0",),
            ("1.1.0", "1.0.0"),
            "a@1.1.0",
            ("1.0.0",),
        ),  # none is gone: any may be replaced
        (("1.0.0", "2.0.0"), ("1.1.0", "2.0.0"), "a@1.1.0", ("1.0.0",)),  # the one that is gone
        (("1.0.0", "2.0.0"), ("3.0.0",), "a@3.0.0", ("1.0.0", "2.0.0")),
    ],
)
def test_previous(
    before: tuple[str, ...], after: tuple[str, ...], label: str, previous: tuple[str, ...]
) -> None:
    found = change(versions(*before), versions(*after))
    assert use(found, label).subject.previous == previous


def test_a_version_of_development_is_no_start_for_one_that_is_shipped() -> None:
    before = project({"a": A}, devDependencies={"a": "*"})
    after = project({"a": entry("a", "1.1.0")}, dependencies={"a": "*"})
    assert use(change(before, after, SPLIT), "a@1.1.0").subject.previous == ()
    assert use(change(before, after), "a@1.1.0").subject.previous == ("1.0.0",)


def test_the_artifacts_of_before_have_the_same_version() -> None:
    found = use(change(versions("1.0.0", "2.0.0"), project({"a": OTHER_BYTES})), "a@1.0.0")
    assert [each.integrity for each in found.before] == [A["integrity"]]


# What a tarball carries.


def carrying(inner: str = "1.0.0", outer: str = "1.0.0", **more: Any) -> dict[str, str]:
    bundled = entry("in", inner, inBundle=True, resolved=None, integrity=None, **more)
    return project(
        {"out": entry("out", outer, bundleDependencies=["in"]), "out/node_modules/in": bundled}
    )


def test_a_bundled_package_has_its_carrier_and_its_folder_there() -> None:
    found = use(change({}, carrying()), "in@1.0.0").subject
    assert found.carrier is not None
    assert (found.carrier.label, found.carried_at) == ("out@1.0.0", "node_modules/in")
    assert use(change({}, carrying()), "out@1.0.0").subject.carrier is None


def test_a_bundled_package_is_other_bytes_in_another_tarball() -> None:
    assert brought(change(carrying(), carrying())) == {}
    found = change(carrying(), carrying(outer="1.1.0"))
    assert brought(found) == {"out@1.1.0": "added", "in@1.0.0": "changed"}
    assert use(found, "in@1.0.0").subject.previous == ("1.0.0",), "its name is not new"


def test_one_artifact_in_two_places_is_one_use_that_is_direct_where_either_is() -> None:
    packages = {"b": entry("b", dependencies={"a": "*"}), "b/node_modules/a": A, "a": A}
    found = change({}, project(packages, dependencies={"a": "*", "b": "*"}))
    assert brought(found) == {"a@1.0.0": "added", "b@1.0.0": "added"}
    assert use(found, "a@1.0.0").direct


# Which projects are touched.


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


# Lockfiles that cannot be read.

BROKEN = '{"name": "p", "lockfileVersion": 3, "packages": {"node_modules/a": {"version": 3}}}'


def test_a_malformed_lockfile_of_before_counts_as_absent() -> None:
    before = project({"a": A}) | {"package-lock.json": BROKEN}
    assert brought(change(before, project({"a": A}))) == {"a@1.0.0": "added"}
    assert only(change(before, project({"a": A}))).names_before() == set()
    assert brought(change(project({"a": A}) | {"package-lock.json": "{"}, project({"a": A}))) == {
        "a@1.0.0": "added"
    }


def test_a_malformed_lockfile_is_an_error_now() -> None:
    found = change(project({"a": A}), project({"a": A}) | {"package-lock.json": BROKEN})
    with pytest.raises(DocumentError):
        brought(found)


def test_the_names_of_before() -> None:
    found = change(project({"a": A, "b": B}), project({"a": A}))
    assert only(found).names_before() == {"a", "b"}


# Projects without a lockfile.

ACCEPTED = """
[[ignore]]
check = "lockfile-sync"
code = "no-lockfile"
path = "package.json"
reason = "a library"
"""


def test_specifiers_are_judged_where_it_is_accepted_that_there_is_no_lockfile() -> None:
    before = {"package.json": json.dumps({"name": "p", "dependencies": {"a": "1.0.0"}})}
    after = {
        "package.json": json.dumps({"name": "p", "dependencies": {"a": "1.0.0", "b": "2.0.0"}})
    }
    assert [each.artifact.name for each in change(before, after, ACCEPTED).uses()] == ["b"]
    assert list(change(before, after).uses()) == []
