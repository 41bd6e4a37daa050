"""Which artifacts a change brings into its projects, and what each counts as."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from npm_vetted.errors import DocumentError
from npm_vetted.git.comparison import Comparison
from npm_vetted.git.repository import ChangedPath
from npm_vetted.model import Project
from npm_vetted.packages.manifest import read_manifest
from npm_vetted.projects.change import (
    Arrival,
    Change,
    IntroducedPackage,
    ProjectChange,
    manifests_by_lockfile,
    project_lockfile,
)
from npm_vetted.vetting.baseline import Baseline
from npm_vetted.vetting.exemptions import Exemptions
from npm_vetted.vetting.notes import NoteStore
from npm_vetted.vetting.policy import read_policy
from npm_vetted.vetting.resolver import Vetting
from tests.support.npm_projects import REGISTRY, MemorySnapshot, entry, lockfile, sri

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


def nothing(_: str) -> bytes | None:
    return None


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
    now = MemorySnapshot(after, more.pop("modes", None))
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


def test_a_malformed_lockfile_of_one_parent_leaves_that_of_the_other() -> None:
    dev = project({"a": A, "b": B}, devDependencies={"a": "*"}, dependencies={"b": "*"})
    broken = dev | {"package-lock.json": BROKEN}
    after = project({"a": A, "b": B, "c": entry("c")})
    assert brought(change((dev, broken), after, SPLIT)) == {
        "a@1.0.0": "promoted",
        "c@1.0.0": "added",
    }
    assert only(change((dev, broken), after)).names_before() == {"a", "b"}


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


# The manifests of a lockfile.


class Home(NamedTuple):
    """What ``manifests_by_lockfile`` reads of a lockfile."""

    home: str
    locks_folders: bool = False


@pytest.mark.parametrize(
    ("root", "lockfiles", "members", "folders", "asked", "expected"),
    [
        pytest.param(
            "", ("a.lock",), ("x", "y"), (), Home(""), {"": "", "x": "x", "y": "y"}, id="at the top"
        ),
        pytest.param(
            "p", ("p/a.lock",), ("p/x",), (), Home("p"), {"": "p", "x": "p/x"}, id="in a folder"
        ),
        pytest.param(
            "", ("a.lock", "x/a.lock"), ("x", "y"), (), Home(""), {"": "", "y": "y"},
            id="a workspace has its own",
        ),
        pytest.param(
            "", ("a.lock", "x/a.lock"), ("x", "y"), (), Home("x"), {"": "x"}, id="its own"
        ),
        pytest.param(
            "", ("a.lock",), ("x", "f"), ("f",), Home("", locks_folders=True), {"": "", "x": "x"},
            id="an entry for a folder",
        ),
        pytest.param(
            "", ("a.lock",), ("x", "f"), ("f",), Home(""), {"": "", "x": "x", "f": "f"},
            id="no entry for a folder",
        ),
    ],
)  # fmt: skip
def test_each_manifest_belongs_to_the_lockfile_beside_it_else_to_the_roots(
    root: str,
    lockfiles: tuple[str, ...],
    members: tuple[str, ...],
    folders: tuple[str, ...],
    asked: Home,
    expected: dict[str, str],
) -> None:
    manifests = {each: read_manifest(f"{each}/package.json", b"{}") for each in (root, *members)}
    own = manifests.pop(root)
    found = manifests_by_lockfile(
        Project(root, own, manifests, None, lockfiles, None, nothing, folders=frozenset(folders)),
        asked,  # type: ignore[arg-type]
    )
    assert {key: each.path.removesuffix("/package.json") for key, each in found.items()} == expected


# Where a use is.


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
    assert not use(change({}, workspace(brings, brings)), "a@1.0.0").direct


@pytest.mark.parametrize(
    "groups", [("dependencies", "devDependencies"), ("devDependencies", "dependencies")]
)
def test_what_production_and_development_use_is_production(groups: tuple[str, str]) -> None:
    packages = {
        name: fields
        for group, top in zip(groups, ("b", "c"), strict=True)
        for name, fields in {
            top: entry(top, dependencies={"a": "*"}),
            f"{top}/node_modules/a": {**A, **({"dev": True} if group == "devDependencies" else {})},
        }.items()
    }
    files = project(packages, "", **{groups[0]: {"b": "*"}, groups[1]: {"c": "*"}})
    found = use(change({}, files, SPLIT), "a@1.0.0")
    assert (found.direct, found.subject.development) == (False, False)


# Formats that leave it to the manifests what is direct.


def classic(*names: str, **groups: dict[str, str]) -> dict[str, str]:
    """A project of Yarn 1, whose lockfile does not say what the manifest requires."""
    blocks = [
        f'{name}@*:\n  version "1.0.0"\n  resolved "{REGISTRY}{name}/-/{name}-1.0.0.tgz"\n'
        f"  integrity {sri(f'{name}@1.0.0')}\n"
        for name in names
    ]
    return {
        "package.json": json.dumps({"name": "p", **groups}),
        "yarn.lock": "# yarn lockfile v1\n\n\n" + "\n".join(blocks),
    }


def test_the_manifest_says_what_is_direct_and_what_is_for_development() -> None:
    after = classic("a", "b", dependencies={"a": "*"}, devDependencies={"b": "*"})
    found = {
        each.artifact.name: (each.direct, each.subject.development)
        for each in change({}, after, SPLIT).uses()
    }
    assert found == {"a": (True, False), "b": (True, True)}


@pytest.mark.parametrize(
    ("before", "config", "expected"),
    [
        ({"devDependencies": {"a": "*"}}, SPLIT, {"a@1.0.0": "promoted"}),
        ({"devDependencies": {"a": "*"}}, "", {}),
        ({"optionalDependencies": {"a": "*"}}, SPLIT, {}),
        ({}, "", {"a@1.0.0": "promoted"}),
    ],
)
def test_a_manifest_alone_may_promote(
    before: dict[str, Any], config: str, expected: dict[str, str]
) -> None:
    found = change(classic("a", **before), classic("a", dependencies={"a": "*"}), config)
    assert brought(found) == expected


# What one format tells and another does not.


def old_format(packages: Locked, **groups: Any) -> dict[str, str]:
    """The same project with a package-lock.json of version 1, which tells nothing of scripts."""
    flat = {
        name: {key: fields[key] for key in ("version", "resolved", "integrity")}
        for name, fields in packages.items()
    }
    data = {"name": "p", "version": "1.0.0", "lockfileVersion": 1, "requires": True}
    return {
        "package.json": project(packages, **groups)["package.json"],
        "package-lock.json": json.dumps({**data, "dependencies": flat}, indent=2),
    }


@pytest.mark.parametrize("config", ["", SPLIT])
def test_a_lockfile_in_another_format_brings_nothing(config: str) -> None:
    packages = {"a": entry("a", hasInstallScript=True), "b": B}
    one, other = old_format(packages), project(packages)
    assert brought(change(one, other, config)) == {}
    assert brought(change(other, one, config)) == {}


def berry(key: str, digest: str) -> dict[str, str]:
    """A project of Yarn berry that locks ``a``, with its cache key and the digest of the zip."""
    return {
        "package.json": json.dumps({"name": "p", "dependencies": {"a": "^1.0.0"}}),
        "yarn.lock": f"""__metadata:
  version: 8
  cacheKey: {key}

"a@npm:^1.0.0":
  version: 1.0.0
  resolution: "a@npm:1.0.0"
  checksum: {key}/{digest}
  languageName: node
  linkType: hard

"p@workspace:.":
  version: 0.0.0-use.local
  resolution: "p@workspace:."
  dependencies:
    a: "npm:^1.0.0"
  languageName: unknown
  linkType: soft
""",
    }


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (("10", "a"), ("10c0", "a"), {}),
        (("10", "a"), ("10", "b"), {"a@1.0.0": "changed"}),
        (("10", "a"), ("10c0", "b"), {"a@1.0.0": "changed"}),
    ],
)
def test_a_checksum_counts_without_its_cache_key(
    before: tuple[str, str], after: tuple[str, str], expected: dict[str, str]
) -> None:
    one, other = (berry(key, digit * 128) for key, digit in (before, after))
    assert brought(change(one, other)) == expected


# Patches.


def pnpm_lock(asked: Mapping[str, str], patches: Mapping[str, str]) -> str:
    """A lockfile of ``a`` and of ``b``, which brings ``a``."""
    table = "".join(
        f"  {label}:\n    hash: {'0' * 64}\n    path: {path}\n" for label, path in patches.items()
    )
    importer = "".join(
        f"      {name}:\n        specifier: {each}\n        version: {each}\n"
        for name, each in asked.items()
    )
    packages = "".join(
        f"  {name}@1.0.0:\n    resolution: {{integrity: {sri(f'{name}@1.0.0')}}}\n\n"
        for name in "ab"
    )
    return (
        "lockfileVersion: '9.0'\n\n"
        + (f"patchedDependencies:\n{table}\n" if table else "")
        + f"importers:\n\n  .:\n    dependencies:\n{importer}\npackages:\n\n{packages}"
        "snapshots:\n\n  a@1.0.0: {}\n\n  b@1.0.0:\n    dependencies:\n      a: 1.0.0\n"
    )


def pnpm_manifest(asked: Mapping[str, str]) -> str:
    return json.dumps({"name": "p", "dependencies": asked})


def workspace(root: Mapping[str, str], inner: Mapping[str, str]) -> dict[str, str]:
    """A pnpm project and its workspace ``w``, each with a lockfile of its own."""
    return {
        "package.json": pnpm_manifest(root),
        "pnpm-lock.yaml": pnpm_lock(root, {}),
        "pnpm-workspace.yaml": "packages: [w]\nsharedWorkspaceLockfile: false\n",
        "w/package.json": pnpm_manifest(inner),
        "w/pnpm-lock.yaml": pnpm_lock(inner, {}),
    }


def patched(patches: Mapping[str, str], **files: str) -> dict[str, str]:
    """A pnpm project with ``a``, ``b`` and patches: package -> patch file."""
    asked = dict.fromkeys("ab", "1.0.0")
    return {
        "package.json": pnpm_manifest(asked),
        "pnpm-lock.yaml": pnpm_lock(asked, patches),
        **{f"{name}.patch": text for name, text in files.items()},
    }


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(
            patched({}), patched({"a@1.0.0": "p.patch"}, p="1"), {"a@1.0.0": "changed"}, id="patched"
        ),
        pytest.param(
            patched({"a@1.0.0": "p.patch"}, p="1"), patched({}), {"a@1.0.0": "changed"},
            id="no longer patched",
        ),
        pytest.param(
            patched({"a@1.0.0": "p.patch"}, p="1"), patched({"a@1.0.0": "p.patch"}, p="2"),
            {"a@1.0.0": "changed"}, id="another text",
        ),
        pytest.param(
            patched({"a@1.0.0": "p.patch"}, p="1", q="2"), patched({"a@1.0.0": "q.patch"}, p="1", q="2"),
            {"a@1.0.0": "changed"}, id="another file",
        ),
        pytest.param(
            patched({"a@1.0.0": "p.patch"}, p="1", q="1"), patched({"a@1.0.0": "q.patch"}, p="1", q="1"),
            {}, id="another file of the same text",
        ),
        pytest.param(
            patched({"a@1.0.0": "p.patch"}, p="1"), patched({"a@1.0.0": "p.patch"}, p="1", q="2"),
            {}, id="a patch that no lockfile names",
        ),
        pytest.param(
            patched({"a@1.0.0": "p.patch", "b@1.0.0": "q.patch"}, p="1", q="1"),
            patched({"a@1.0.0": "p.patch", "b@1.0.0": "q.patch"}, p="1", q="2"),
            {"b@1.0.0": "changed"}, id="one of two",
        ),
    ],
)  # fmt: skip
def test_a_package_is_judged_with_its_patch(
    before: Files, after: Files, expected: dict[str, str]
) -> None:
    assert brought(change(before, after)) == expected


def bun(patches: Mapping[str, str]) -> dict[str, str]:
    """A Bun project: its lockfile names patches apart from the entries."""
    table = json.dumps(dict(patches))
    return {
        "package.json": pnpm_manifest({"a": "1.0.0"}),
        "p.patch": "1",
        "bun.lock": '{\n  "lockfileVersion": 1,\n  "workspaces": {\n    "": {\n      "name": "p",\n'
        '      "dependencies": {\n        "a": "1.0.0",\n      },\n    },\n  },\n'
        f'  "patchedDependencies": {table},\n'
        f'  "packages": {{\n    "a": ["a@1.0.0", "", {{}}, "{sri("a@1.0.0")}"],\n  }}\n}}\n',
    }


def test_a_patch_that_is_named_apart_from_the_entry_is_judged() -> None:
    none, one = bun({}), bun({"a@1.0.0": "p.patch"})
    assert brought(change(none, one)) == {"a@1.0.0": "changed"}
    assert brought(change(one, none)) == {"a@1.0.0": "changed"}
    assert brought(change(one, one)) == {}


def test_a_patch_file_alone_may_change() -> None:
    """npm's entry only names the file."""
    files = project({"a": {**A, "patched": {"path": "p.patch"}}, "b": B})
    found = change({**files, "p.patch": "1"}, {**files, "p.patch": "2"})
    assert brought(found) == {"a@1.0.0": "changed"}
    assert brought(change({**files, "p.patch": "1"}, {**files, "p.patch": "1"})) == {}


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


# Archives, links and submodules.


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


# Bundled packages, further.

LONE = entry("in", inBundle=True, resolved=None, integrity=None)


def test_what_no_tarball_carries_is_judged_whenever_its_entry_changes() -> None:
    before, after = (
        {"b": B, "b/node_modules/in": {**LONE, "license": each}} for each in ("MIT", "ISC")
    )
    found = change(project(before), project(after))
    assert brought(found) == {"in@1.0.0": "changed"}
    assert use(found, "in@1.0.0").subject.carrier is None


OUT = entry("out", bundleDependencies=["in"])
DEEP = {"b": B, "b/node_modules/out": OUT, "b/node_modules/out/node_modules/in": LONE}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param({"out": OUT, "out/node_modules/in": LONE}, DEEP, {"b@1.0.0": "added"}, id="moved"),
        pytest.param(
            {"out": OUT, "out/node_modules/in": entry("in")}, {"out": OUT, "out/node_modules/in": LONE},
            {"in@1.0.0": "changed"}, id="was fetched",
        ),
        pytest.param(
            {"out": OUT, "in": LONE}, {"out": OUT, "out/node_modules/in": LONE},
            {"in@1.0.0": "changed"}, id="was in another folder",
        ),
        pytest.param(
            {"out": OUT, "out/node_modules/in": {**LONE, "version": "0.9.0"}},
            {"out": OUT, "out/node_modules/in": LONE},
            {"in@1.0.0": "added"}, id="another version",
        ),
    ],
)  # fmt: skip
def test_a_bundled_package_is_unchanged_in_the_same_folder_of_the_same_tarball(
    before: Locked, after: Locked, expected: dict[str, str]
) -> None:
    asked = {"out": "*", "b": "*"}
    found = change(project(before, dependencies=asked), project(after, dependencies=asked))
    assert brought(found) == expected


def test_a_tarball_that_did_not_carry_a_package_brings_other_bytes_of_it() -> None:
    two = entry("two", bundleDependencies=["in"])
    before = {"out": OUT, "out/node_modules/in": LONE, "two": two}
    after = {**before, "two/node_modules/in": LONE}
    assert brought(change(project(before), project(after))) == {"in@1.0.0": "changed"}


# Versions, further.


def test_what_becomes_direct_in_the_place_of_another_version_is_promoted() -> None:
    before = {
        "a": entry("a", dependencies={"b": "2"}), "a/node_modules/b": entry("b", "2.0.0"), "b": B,
    }  # fmt: skip
    after = {"a": entry("a", dependencies={"b": "2"}), "b": entry("b", "2.0.0")}
    found = change(project(before), project(after))
    assert brought(found) == {"b@2.0.0": "promoted"}


def test_a_specifier_without_a_lockfile_starts_from_the_one_before() -> None:
    before, after = (
        {"package.json": json.dumps({"name": "p", "dependencies": {"a": each}})}
        for each in ("1.0.0", "2.0.0")
    )
    (found,) = change(before, after, ACCEPTED).uses()
    assert (found.artifact.specifier, found.subject.previous) == ("2.0.0", ("1.0.0",))


def test_a_name_that_was_not_locked_has_no_version_to_start_from() -> None:
    found = change(project({"a": A}), project({"a": A, "b": B}))
    assert use(found, "b@1.0.0").subject.previous == ()


# What the checks may ask.


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


def test_a_lockfile_that_is_gone_is_an_error_of_its_path() -> None:
    manifest = read_manifest("package.json", b"{}")
    gone = Project("", manifest, {}, None, ("package-lock.json",), None, nothing)
    with pytest.raises(DocumentError) as error:
        project_lockfile(gone, "package-lock.json")
    assert error.value.path == "package-lock.json"


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
