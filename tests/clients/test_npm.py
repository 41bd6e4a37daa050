"""npm's lockfiles and settings: what they say, where they disagree, what they undo."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.clients.npm import client as npm
from npm_vetted.clients.npm.lockfile import NpmLockfile
from npm_vetted.errors import DocumentError, UndecidedError
from npm_vetted.model import (
    Allowance,
    Artifact,
    Group,
    Kind,
    Level,
    Location,
    Manifest,
    Problem,
    Project,
    Requirement,
)
from npm_vetted.packages.manifest import read_manifest
from npm_vetted.packages.ranges import intersects, satisfies
from tests.support import corpus
from tests.support.real_clients import NODE, WHEEL, Clients, Marker

FIXTURES = Path(__file__).parents[1] / "fixtures" / "npm"
CASES = sorted(file.parent for file in FIXTURES.glob("*/*/package-lock.json"))
NPM = "https://registry.npmjs.org"


def lock(data: object, name: str = "package-lock.json", **files: str) -> NpmLockfile:
    """A lockfile of this content; ``files`` are what it refers to."""
    text = data if isinstance(data, bytes) else json.dumps(data, indent=2).encode()
    return npm.read_lockfile(name, text, lambda path: _encoded(files.get(path)))


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def v3(packages: Mapping[str, object], version: int = 3) -> NpmLockfile:
    return lock({"name": "x", "lockfileVersion": version, "packages": packages})


def v1(dependencies: Mapping[str, object]) -> NpmLockfile:
    return lock({"lockfileVersion": 1, "requires": True, "dependencies": dependencies})


def manifest(data: Mapping[str, object], path: str = "package.json") -> Manifest:
    return read_manifest(path, json.dumps(data, indent=2).encode())


def read_case(folder: Path) -> NpmLockfile:
    data = (folder / "package-lock.json").read_bytes()

    def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    return npm.read_lockfile("package-lock.json", data, read)


def manifests_of(folder: Path) -> dict[str, Manifest]:
    """The root's manifest and, where it has workspaces, theirs."""
    root = read_manifest("package.json", (folder / "package.json").read_bytes())
    found = {"": root}
    if root.workspaces:
        for file in sorted(folder.glob("*/*/package.json")):
            path = file.parent.relative_to(folder).as_posix()
            found[path] = read_manifest(f"{path}/package.json", file.read_bytes())
    return found


# The corpus, whose truths other parsers wrote.


@pytest.mark.parametrize("case", corpus.by_size(corpus.cases("npm")))
def test_finds_the_artifacts_that_npm_finds(case: corpus.Case) -> None:
    lockfile = npm.read_lockfile(case.name, case.data, lambda _: None)
    artifacts = [artifact for _, artifact in lockfile.artifacts()]
    assert corpus.rows(artifacts) == corpus.expected(case)
    bundled = {(each.name, each.version) for each in artifacts if each.bundled}
    assert [list(each) for each in sorted(bundled)] == sorted(case.extra["bundled"])  # type: ignore[call-overload]
    text = case.data.decode("utf-8-sig").splitlines()
    for entry in lockfile.entries():
        folder = entry.key.rpartition("node_modules/")[2]
        assert folder in text[entry.line - 1]


@pytest.mark.parametrize("pair", corpus.pairs("npm"), ids=lambda pair: str(pair[0]))
def test_what_changed_is_the_difference_of_the_truths(
    pair: tuple[corpus.Case, corpus.Case],
) -> None:
    before, after = (npm.read_lockfile(case.name, case.data, lambda _: None) for case in pair)
    old, new = (corpus.expected(case) for case in pair)
    changed = (after.entry(key).artifact for key in after.changed([before]))
    assert corpus.rows(each for each in changed if each) - old == new - old


@pytest.mark.parametrize("case", corpus.broken("npm"), ids=str)
def test_merge_markers_are_an_error_with_their_line(case: corpus.Case) -> None:
    with pytest.raises(DocumentError) as raised:
        lock(case.data)
    text = case.data.decode().splitlines()
    assert text[raised.value.line - 1].startswith(("<<<<<<<", "=======", ">>>>>>>"))


@pytest.mark.parametrize("case", corpus.by_size(corpus.cases("npm")))
def test_honest_lockfiles_agree_with_their_manifests(case: corpus.Case) -> None:
    lockfile = npm.read_lockfile(case.name, case.data, lambda _: None)
    made = case.pair is None and (case.folder / "package.json").exists()
    manifests = manifests_of(case.folder) if made else {}
    assert [problem.message for problem in lockfile.disagreements(manifests)] == []


# The fixtures, which the real npm wrote (tests/fixtures/npm/make_npm.py).


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_what_npm_wrote_agrees_with_its_manifests(folder: Path) -> None:
    problems = read_case(folder).disagreements(manifests_of(folder))
    assert [problem.message for problem in problems] == []


@pytest.mark.parametrize("version", ["npm6", "npm10-v2", "npm10", "npm11", "npm12"])
def test_the_kitchen_reads_alike_in_every_version(version: str) -> None:
    lockfile = read_case(FIXTURES / "kitchen" / version)
    knows_scripts = version != "npm6"
    found = {
        entry.key: (artifact.label, artifact.kind, artifact.bundled, entry.bundled_by)
        for entry, artifact in lockfile.artifacts()
        if "esbuild" not in entry.key
    }
    assert found == {
        "linked/node_modules/ms": ("ms@1.0.0", Kind.REGISTRY, False, None),
        "node_modules/carrier": ("carrier@1.0.0", Kind.FILE, False, None),
        "node_modules/carrier/node_modules/deeper": (
            "deeper@0.1.0", Kind.REGISTRY, True, "node_modules/carrier",
        ),
        "node_modules/carrier/node_modules/inner": (
            "inner@1.0.0", Kind.REGISTRY, True, "node_modules/carrier",
        ),
        "node_modules/debug": ("debug@4.3.4", Kind.REGISTRY, False, None),
        "node_modules/debug/node_modules/ms": ("ms@2.1.2", Kind.REGISTRY, False, None),
        "node_modules/flag3": ("has-flag@3.0.0", Kind.REGISTRY, False, None),
        "node_modules/fsevents": ("fsevents@2.3.2", Kind.REGISTRY, False, None),
        "node_modules/has-flag": ("has-flag@4.0.0", Kind.REGISTRY, False, None),
        "node_modules/isexe": ("isexe@2.0.0", Kind.REGISTRY, False, None),
        "node_modules/ms": ("ms@2.0.0", Kind.REGISTRY, False, None),
        "node_modules/vendored": ("vendored@1.2.3", Kind.FILE, False, None),
        "node_modules/wrappy": ("wrappy@1.0.2", Kind.REGISTRY, False, None),
    }  # fmt: skip
    scripts = {each.name for _, each in lockfile.artifacts() if each.scripts is not False}
    if knows_scripts:
        assert scripts == {"esbuild", "vendored"}


def test_workspaces_are_importers_and_links_lead_to_them() -> None:
    lockfile = read_case(FIXTURES / "workspaces" / "npm12")
    assert {
        folder: [(each.name, each.specifier, each.group) for each in asked]
        for folder, asked in lockfile.importers.items()
    } == {
        "": [("@demo/a", "*", Group.PRODUCTION), ("has-flag", "4.0.0", Group.DEVELOPMENT)],
        "packages/a": [
            ("@demo/b", "^2.0.0", Group.PRODUCTION),
            ("debug", "~4.3.0", Group.PRODUCTION),
            ("has-flag", "^3.0.0", Group.PRODUCTION),
        ],
        "packages/folder": [
            ("isexe", "^3.0.0", Group.PRODUCTION),
            ("ms", "*", Group.PEER),
        ],
    }
    assert lockfile.direct({}) == {
        "packages/a": {Group.PRODUCTION},
        "node_modules/has-flag": {Group.DEVELOPMENT},
        "packages/folder": {Group.PRODUCTION},
        "node_modules/debug": {Group.PRODUCTION},
        "packages/a/node_modules/has-flag": {Group.PRODUCTION},
        "node_modules/isexe": {Group.PRODUCTION},
        "node_modules/ms": {Group.PEER},
    }
    assert lockfile.dependents(["node_modules/ms", "packages/folder"]) == {
        "node_modules/ms": ("node_modules/debug", "packages/folder"),
        "packages/folder": ("packages/a",),
    }
    assert "node_modules/has-flag" not in lockfile.production({})


def test_a_patch_is_part_of_an_artifact() -> None:
    folder = FIXTURES / "patched" / "npm12"
    lockfile = read_case(folder)
    assert lockfile.format == "package-lock.json 4"
    assert lockfile.patch_files() == {"patches/ms.patch": ("node_modules/ms",)}
    patched = lockfile.entry("node_modules/ms").artifact
    assert patched is not None
    assert patched.patch == "sha256-aWw5c37Ot21gtVU//hk82BtFPW9WUWmIfq7ujFDGZIo="
    data = json.loads((folder / "package-lock.json").read_text())
    data["packages"]["node_modules/ms"].pop("patched")
    silent = lock(data)
    (found,) = silent.disagreements(manifests_of(folder))
    assert found.message == (
        "patchedDependencies: ms@2.1.3 is patched with 'patches/ms.patch', "
        "and no entry of package-lock.json has this patch"
    )


# Single entries.

A: dict[str, object] = {
    "version": "1.0.0", "resolved": f"{NPM}/a/-/a-1.0.0.tgz", "integrity": "sha512-A==",
}  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (A, {"resolved": f"{NPM}/a/-/a-1.0.0.tgz", "integrity": "sha512-A=="}),
        ({"version": "1.0.0", "name": "@s/b"}, {"name": "@s/b"}),
        ({"version": "1.0.0", "resolved": False}, {}),
        ({"version": "1.0.0", "hasInstallScript": True}, {"scripts": True}),
        (
            {"version": "1.0.0", "resolved": "git+ssh://git@github.com/u/a.git#abc"},
            {"kind": Kind.GIT, "resolved": "git+ssh://git@github.com/u/a.git#abc"},
        ),
        (
            {"version": "1.0.0", "resolved": "https://codeload.github.com/u/a/tar.gz/abc"},
            {"kind": Kind.GIT, "resolved": "https://codeload.github.com/u/a/tar.gz/abc"},
        ),
        (
            {"version": "git+https://h/a.git#abc"},
            {"kind": Kind.GIT, "version": None, "resolved": "git+https://h/a.git#abc"},
        ),
        (
            {"version": "1.0.0", "resolved": "https://h/a.tgz?/-/"},
            {"kind": Kind.TARBALL, "resolved": "https://h/a.tgz?/-/"},
        ),
        (
            {"version": "1.0.0", "resolved": "file:../a-1.0.0.tgz"},
            {"kind": Kind.FILE, "resolved": "file:../a-1.0.0.tgz"},
        ),
        (
            {"version": "1.0.0", "resolved": "s3://h/a"},
            {"kind": Kind.OTHER, "resolved": "s3://h/a"},
        ),
        ({"version": "1.0.0", "inBundle": True}, {}),  # the project's own bundle is installed
        ({}, {"version": None}),
    ],
)
def test_an_entry_is_an_artifact(entry: Mapping[str, object], expected: dict[str, object]) -> None:
    plain = Artifact(name="a", version="1.0.0", kind=Kind.REGISTRY, scripts=False)
    found = v3({"": {}, "node_modules/a": entry}).entry("node_modules/a").artifact
    assert found == Artifact(**{**plain._asdict(), **expected})


@pytest.mark.parametrize(
    "packages",
    [
        {"node_modules/a": {"resolved": "lib", "link": True}, "lib": {"version": "1.0.0"}},
        {"node_modules/a": {"version": "1.0.0", "resolved": "file:../dir"}},
    ],
)
def test_links_and_folders_are_no_artifacts(packages: Mapping[str, object]) -> None:
    assert [entry.artifact for entry in v3(packages).entries()] == [None] * len(packages)


def test_a_folder_with_a_tarball_of_its_own_is_an_artifact() -> None:
    lockfile = v3({"node_modules/a": {"resolved": "lib", "link": True}, "lib": A})
    artifact = lockfile.entry("lib").artifact
    assert artifact is not None
    assert artifact.resolved == f"{NPM}/a/-/a-1.0.0.tgz"


@pytest.mark.parametrize(
    ("child", "parent", "bundled_by"),
    [
        ({"inBundle": True}, {"bundleDependencies": ["b"]}, "node_modules/a"),
        ({"inBundle": True}, {"bundledDependencies": ["b"]}, "node_modules/a"),
        ({"inBundle": True}, {"bundleDependencies": True}, None),
        (
            {"inBundle": True},
            {"bundleDependencies": True, "dependencies": {"b": "1"}},
            "node_modules/a",
        ),
        ({"inBundle": True}, {"bundleDependencies": ["c"]}, None),
        ({"inBundle": True}, {}, None),
        ({}, {"bundleDependencies": ["b"]}, None),
    ],
)
def test_who_bundles_an_entry(
    child: Mapping[str, object], parent: Mapping[str, object], bundled_by: str | None
) -> None:
    b = "node_modules/a/node_modules/b"
    lockfile = v3({"node_modules/a": {**A, **parent}, b: {"version": "1.0.0", **child}})
    assert lockfile.entry(b).bundled_by == bundled_by
    artifact = lockfile.entry(b).artifact
    assert artifact is not None
    assert artifact.bundled is bool(child)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"version": "1.0.0", "resolved": f"{NPM}/a/-/a-1.0.0.tgz"}, ("a", "1.0.0", Kind.REGISTRY)),
        ({"version": "npm:@s/b@1.0.0"}, ("@s/b", "1.0.0", Kind.REGISTRY)),
        ({"version": "github:u/a#abc", "from": "github:u/a"}, ("a", None, Kind.GIT)),
        ({"version": "https://h/a-1.0.0.tgz"}, ("a", "1.0.0", Kind.TARBALL)),
        ({"version": "https://h/b-1.0.0.tgz"}, ("a", None, Kind.TARBALL)),
        ({"version": "file:a.tgz"}, ("a", None, Kind.FILE)),
        ({"version": "1.0.0", "resolved": "git+https://h/a.git#abc"}, ("a", "1.0.0", Kind.GIT)),
    ],
)
def test_version_1_carries_the_source_in_the_version(
    entry: Mapping[str, object], expected: tuple[str, str | None, Kind]
) -> None:
    artifact = v1({"a": entry}).entry("node_modules/a").artifact
    assert artifact is not None
    assert (artifact.name, artifact.version, artifact.kind) == expected


def test_npm_4_wrote_no_version_and_no_graph() -> None:
    data = {"name": "x", "dependencies": {
        "a": {"version": "1.0.0", "from": "a@^1", "resolved": f"{NPM}/a/-/a-1.0.0.tgz"},
        "b": {"from": "../b"},
    }}  # fmt: skip
    lockfile = lock(data, "npm-shrinkwrap.json")
    assert lockfile.format == "npm-shrinkwrap.json without a version"
    assert not lockfile.graph
    assert [artifact.label for _, artifact in lockfile.artifacts()] == ["a@1.0.0"]


# What cannot be read.


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "not JSON"),
        ("[]", 1, "expected a table, found a list"),
        ('{"lockfileVersion": 3', 1, "not JSON"),
        ('{\n"lockfileVersion": 5}', 2, "lockfile version 5 is unknown"),
        ('{\n"lockfileVersion": "3"}', 2, 'lockfile version "3" is unknown'),
        ('{\n"lockfileVersion": true}', 2, "lockfile version true is unknown"),
        ('{\n"lockfileVersion": 2.5}', 2, "lockfile version 2.5 is unknown"),
        ('{\n"lockfileVersion": null}', 2, "lockfile version null is unknown"),
        ('{"lockfileVersion": 3}', 1, "the key 'packages' is missing"),
        ('{"lockfileVersion": 3,\n"packages": []}', 2, "expected a table, found a list"),
        ('{"lockfileVersion": 3,\n"packages": {\n"a": 1}}', 3, "expected a table"),
        ('{"lockfileVersion": 3,"packages": {"a": {}},\n"packages": {}}', 2, "appears twice"),
        ('{"lockfileVersion": 3,"packages": {"a": {},\n"a": {}}}', 2, "appears twice"),
        ('{"lockfileVersion": 1,\n"dependencies": []}', 2, "expected a table"),
        ('{"lockfileVersion": 1,"dependencies": {\n"a": 1}}', 2, "expected a table"),
        ('{"lockfileVersion": 1,"dependencies": {"a": {\n"version": 1}}}', 2, "expected a string"),
        ('{"lockfileVersion": 1,"dependencies": {\n"a": {"version": "npm:x"}}}', 2, "no alias"),
        *(
            (f'{{"lockfileVersion": 3, "packages": {{\n"{key}": {{}}}}}}', 2, "expected a path")
            for key in (
                "/node_modules/a", "./node_modules/a", "node_modules//a", "node_modules/a/",
                "node_modules/a/../b", "node_modules\\\\a", "node_modules/a/b", "node_modules/@s",
                "node_modules/a\\u0000", "node_modules/" + "a" * 5000, "node_modules",
            )
        ),
        (
            '{"lockfileVersion": 3, "packages": {\n"node_modules/a": {"link": true}}}',
            2, "a link to None",
        ),
        (
            '{"lockfileVersion": 3, "packages": {\n"node_modules/a": {"link": true, "resolved": "b"}}}',
            2, "a link to 'b', which is not in the lockfile",
        ),
    ],
)  # fmt: skip
def test_what_is_no_lockfile_is_an_error(text: str, line: int, message: str) -> None:
    with pytest.raises(DocumentError) as raised:
        lock(text.encode())
    assert (raised.value.path, raised.value.line) == ("package-lock.json", line)
    assert message in raised.value.message


@pytest.mark.parametrize(
    "entry",
    [
        {"version": 1}, {"resolved": 1}, {"resolved": True}, {"integrity": []}, {"name": {}},
        {"hasInstallScript": 1}, {"inBundle": "yes"}, {"dependencies": []},
        {"dependencies": {"b": 1}}, {"bundleDependencies": "b"}, {"patched": 1},
        {"patched": {"path": "../x"}}, {"patched": {"path": "x"}},
    ],
)  # fmt: skip
def test_a_wrong_type_in_an_entry_is_an_error_with_its_line(entry: Mapping[str, object]) -> None:
    lockfile = v3({"": {}, "node_modules/a": entry})
    with pytest.raises(DocumentError) as raised:
        lockfile.entry("node_modules/a")
    assert raised.value.line >= 6


def test_hostile_depth_is_an_error() -> None:
    inner: dict[str, object] = {}
    for _ in range(400):
        inner = {"dependencies": {"a": {"version": "1.0.0", **inner}}}
    with pytest.raises(DocumentError):
        lock({"lockfileVersion": 1, **inner})


# Properties.

NAMES = st.sampled_from(["a", "b", "@s/c", "d"])
PLACES = st.lists(NAMES, min_size=1, max_size=4).map(
    lambda names: "/".join(f"node_modules/{name}" for name in names)
)
TREES = st.dictionaries(
    PLACES,
    st.fixed_dictionaries(
        {"version": st.sampled_from(["1.0.0", "2.0.0"])},
        optional={"dependencies": st.dictionaries(NAMES, st.just("*"), max_size=3)},
    ),
    max_size=12,
)


def naive_lookup(places: Mapping[str, object], origin: str, name: str) -> str | None:
    """Node's algorithm as its documentation has it: from the folder upwards, part by part."""
    parts = origin.split("/") if origin else []
    for end in range(len(parts), -1, -1):
        if end and parts[end - 1] == "node_modules":
            continue
        wanted = "/".join([*parts[:end], "node_modules", name])
        if wanted in places:
            return wanted
    return None


@given(TREES)
def test_resolve_is_nodes_lookup(tree: Mapping[str, Mapping[str, object]]) -> None:
    lockfile = v3(tree)
    for origin in ["", *tree]:
        for name in ("a", "b", "@s/c", "d", "e"):
            asked = Requirement(name=name, specifier="*")
            assert lockfile.resolve(origin, asked) == naive_lookup(tree, origin, name)


@given(TREES)
def test_dependents_and_reach_agree_with_the_whole_graph(
    tree: Mapping[str, Mapping[str, object]],
) -> None:
    lockfile = v3(tree)
    assert lockfile.dependents(list(tree)) == {key: lockfile.parents.get(key, ()) for key in tree}
    for key in tree:
        assert lockfile.reach([key]) == super(NpmLockfile, lockfile).reach([key])


@given(TREES, TREES, st.sampled_from([None, 1, 4]))
def test_what_did_not_change_is_equal(
    before: Mapping[str, Mapping[str, object]],
    after: Mapping[str, Mapping[str, object]],
    indent: int | None,
) -> None:
    old = v3(before)
    new = lock(json.dumps({"lockfileVersion": 3, "packages": after}, indent=indent).encode())
    changed = set(new.changed([old]))
    assert changed == {key for key in after if before.get(key) != after[key]}
    for key in set(after) - changed:
        assert new.entry(key).artifact == old.entry(key).artifact


@given(TREES, st.sampled_from([None, 0, 2]), st.sampled_from(["", "\\u0061", "node_modules/a"]))
def test_lines_are_exact(
    tree: Mapping[str, Mapping[str, object]], indent: int | None, decoy: str
) -> None:
    packages = {"": {"license": decoy}, **tree}
    text = json.dumps({"lockfileVersion": 3, "packages": packages}, indent=indent)
    lockfile = lock(text.replace("\\\\", "\\").encode())
    lines = text.splitlines()
    for key in tree:
        assert json.dumps(key) in lines[lockfile.line(key) - 1]
        if indent is not None:
            assert lines[lockfile.line(key) - 1].strip() == f"{json.dumps(key)}: {{"


@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["lockfileVersion", "packages", "dependencies", "node_modules/a", "a",
                         "version", "resolved", "link", "inBundle", "requires", "", "lib"]),
        inner, max_size=4),
    max_leaves=20,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_any_bytes_read_or_are_our_own_error(data: bytes) -> None:
    try:
        lockfile = lock(data)
        list(lockfile.entries())
        list(lockfile.disagreements({"": manifest({"dependencies": {"a": "^1"}})}))
        lockfile.dependents(list(lockfile.blocks))
        lockfile.production({})
    except DocumentError:
        pass


# Manifests and lockfiles that disagree.

B: dict[str, object] = {**A, "name": "evil"}


@pytest.mark.parametrize(
    ("asked", "copied", "entry", "message"),
    [
        ("^1.0.0", "^1.0.0", A, None),
        ("", "", A, None),
        ("latest", "latest", A, None),
        ("npm:evil@^1", "npm:evil@^1", B, None),
        ("^1.0.0", "^2.0.0", A,
         "dependencies: a is '^1.0.0' here, package-lock.json has '^2.0.0'"),
        ("^1.0.0", None, A, "dependencies: a is '^1.0.0' here, package-lock.json has nothing"),
        (None, "^1.0.0", A,
         "dependencies: package-lock.json has a '^1.0.0', this manifest does not"),
        ("^1.0.0", "^1.0.0", None, "a '^1.0.0' is not in package-lock.json"),
        ("^2.0.0", "^2.0.0", A, f"a@1.0.0 from {NPM}/a/-/a-1.0.0.tgz"),
        ("^1.0.0", "^1.0.0", B, f"evil@1.0.0 from {NPM}/a/-/a-1.0.0.tgz"),
        ("npm:b@1", "npm:b@1", A, f"a@1.0.0 from {NPM}/a/-/a-1.0.0.tgz"),
        ("^1.0.0", "^1.0.0", {"version": "1.0.0", "resolved": "https://h/a.tgz"},
         "a@1.0.0 from https://h/a.tgz"),
        ("https://h/a.tgz", "https://h/a.tgz", {"version": "1.0.0", "resolved": "https://h/a.tgz"},
         None),
        ("https://h/a.tgz", "https://h/a.tgz", A, f"a@1.0.0 from {NPM}/a/-/a-1.0.0.tgz"),
        *(
            (spec, spec,
             {"version": "1.0.0", "resolved": f"git+ssh://git@github.com/u/a.git#{'ab' * 20}"},
             None)
            for spec in (
                "u/a", "github:u/a", "github:u/a#v1", "git+https://github.com/u/a.git",
                "git://github.com/u/a", "git@github.com:u/a.git", "https://github.com/u/a.git",
                f"u/a#{'ab' * 20}", "git+ssh://git@github.com/U/a.git#semver:^1",
            )
        ),
        *(
            (spec, spec,
             {"version": "1.0.0", "resolved": f"git+ssh://git@github.com/u/a.git#{'ab' * 20}"},
             f"a@1.0.0 from git+ssh://git@github.com/u/a.git#{'ab' * 20}")
            for spec in (
                "evil/a", "gitlab:u/a", "git+https://example.com/u/a.git", f"u/a#{'cd' * 20}",
                "^1.0.0", "latest", "file:a", "https://github.com/u/a.tgz",
            )
        ),
        ("u/a", "u/a", A, f"a@1.0.0 from {NPM}/a/-/a-1.0.0.tgz"),
        ("file:a.tgz", "file:a.tgz", {"version": "1.0.0", "resolved": "file:a.tgz"}, None),
        ("^1.0.0", "^1.0.0", {"version": "1.0.0", "resolved": "file:../a"},
         "a from the folder node_modules/a"),
    ],
)  # fmt: skip
def test_a_manifest_and_a_lockfile_agree(
    asked: str | None, copied: str | None, entry: Mapping[str, object] | None, message: str | None
) -> None:
    root = {"dependencies": {"a": copied}} if copied is not None else {}
    lockfile = v3({"": root, **({"node_modules/a": entry} if entry is not None else {})})
    ours = manifest({"name": "x", "dependencies": {"a": asked}} if asked is not None else {})
    found = [problem.message for problem in lockfile.disagreements({"": ours})]
    if message is None:
        assert found == []
    else:
        assert any(each.endswith(message) for each in found), found


def test_a_problem_stands_on_the_manifests_line() -> None:
    ours = manifest({"name": "x", "dependencies": {"b": "1", "a": "^2.0.0"}})
    lockfile = v3({"": {"dependencies": {"a": "^2.0.0", "b": "1"}}, "node_modules/a": A})
    assert [
        (problem.location, problem.package) for problem in lockfile.disagreements({"": ours})
    ] == [(Location("package.json", 4), "b"), (Location("package.json", 5), "a")]


@pytest.mark.parametrize(
    "overrides",
    [
        {"a": "1.0.0"}, {"a@^2": "1.0.0"}, {"a": {".": "1.0.0"}}, {"a": "$b"},
    ],
)  # fmt: skip
def test_overrides_may_satisfy(overrides: Mapping[str, object]) -> None:
    asks = {"a": "^2.0.0", "b": "1.0.0"}
    ours = manifest({"dependencies": asks, "overrides": overrides})
    b = {"version": "1.0.0", "resolved": f"{NPM}/b/-/b-1.0.0.tgz"}
    lockfile = v3({"": {"dependencies": asks}, "node_modules/a": A, "node_modules/b": b})
    # What the root itself requires is satisfied; that npm refuses such an override is told apart.
    found = {each.key for each in lockfile.disagreements({"": ours})}
    assert found == {"overrides.a"}


@pytest.mark.parametrize("overrides", [{"c": {"a": "1.0.0"}}, {"a@^3": "1.0.0"}, {"b": "1.0.0"}])
def test_overrides_of_others_excuse_nothing(overrides: Mapping[str, object]) -> None:
    asks = {"a": "^2.0.0"}
    ours = manifest({"dependencies": asks, "overrides": overrides})
    lockfile = v3({"": {"dependencies": asks}, "node_modules/a": A})
    assert [each.code for each in lockfile.disagreements({"": ours})] == ["out-of-date"]


def test_development_dependencies_win_over_the_others() -> None:
    """npm takes their range where a name is in both fields (npm 10 to 12)."""
    both = {"dependencies": {"a": "^2.0.0"}, "devDependencies": {"a": "^1.0.0"}}
    lockfile = v3({"": both, "node_modules/a": A})
    assert list(lockfile.disagreements({"": manifest(both)})) == []
    other = {"dependencies": {"a": "^1.0.0"}, "devDependencies": {"a": "^2.0.0"}}
    found = v3({"": other, "node_modules/a": A}).disagreements({"": manifest(other)})
    assert [each.code for each in found] == ["out-of-date"]


@pytest.mark.parametrize(
    ("specifier", "locked", "fits"),
    [
        ("https://github.com/u/r", "git+ssh://git@github.com/u/r.git", True),
        ("https://github.com/u/r#main", "git+ssh://git@github.com/u/r.git", True),
        ("https://gitlab.com/g/s/r", "git+ssh://git@gitlab.com/g/s/r.git", True),
        ("https://github.com/u/r", "git+ssh://git@github.com/evil/r.git", False),
        ("https://gitlab.com/g/r/-/archive/x.tgz", "git+ssh://git@gitlab.com/g/r.git", False),
        ("https://example.org/u/r", "git+ssh://git@example.org/u/r.git", False),
    ],
)
def test_the_page_of_a_repository_is_git(specifier: str, locked: str, fits: bool) -> None:
    asks = {"dependencies": {"a": specifier}}
    entry = {"version": "1.0.0", "resolved": f"{locked}#{'a' * 40}"}
    found = v3({"": asks, "node_modules/a": entry}).disagreements({"": manifest(asks)})
    assert (list(found) == []) is fits


def test_a_file_is_a_tarball_whatever_its_name() -> None:
    entry = {"version": "1.0.0", "resolved": "file:vendor/a.tar-gz"}
    text = json.dumps({"lockfileVersion": 3, "packages": {"node_modules/a": entry}}).encode()
    for files, kind in (({"vendor/a.tar-gz": b"x"}, Kind.FILE), ({}, None)):
        artifact = npm.read_lockfile("package-lock.json", text, files.get).artifact(
            "node_modules/a"
        )
        assert (artifact and artifact.kind) is kind


def test_npm_leaves_no_root_when_the_last_dependency_goes() -> None:
    emptied = v3({})
    assert list(emptied.disagreements({"": manifest({})})) == []
    assert len(list(emptied.disagreements({"": manifest({"dependencies": {"a": "1.0.0"}})}))) == 1


def test_a_workspace_must_be_known_and_linked() -> None:
    root = manifest({"workspaces": ["p/*"]})
    member = manifest({"name": "m"}, "p/m/package.json")
    manifests = {"": root, "p/m": member}
    known = {"": {"workspaces": ["p/*"]}, "p/m": {"name": "m"}}
    link = {"node_modules/m": {"resolved": "p/m", "link": True}}
    assert list(v3({**known, **link}).disagreements(manifests)) == []
    assert [each.message for each in v3(known).disagreements(manifests)] == [
        "nothing in package-lock.json links m to this workspace"
    ]
    assert [each.message for each in v3({"": {}}).disagreements(manifests)] == [
        "package-lock.json has other workspaces",
        "package-lock.json does not know this workspace",
    ]


@pytest.mark.parametrize(
    ("half", "differs"),
    [
        ({"a": A}, False),
        ({}, True),
        ({"a": {**A, "version": "1.0.1"}}, True),
        ({"a": {**A, "integrity": "sha512-B=="}}, True),
        ({"a": {**A, "resolved": "https://evil.example/a/-/a-1.0.0.tgz"}}, True),
        ({"a": {**A, "version": "npm:evil@1.0.0"}}, True),
        ({"a": A, "b": A}, True),
        ({"a": {**A, "dependencies": {"b": A}}}, True),
    ],
)
def test_the_halves_of_version_2_agree(half: Mapping[str, object], differs: bool) -> None:
    lockfile = lock(
        {"lockfileVersion": 2, "packages": {"": {}, "node_modules/a": A}, "dependencies": half}
    )
    found = [each.message for each in lockfile.disagreements({})]
    assert all("the two halves of the lockfile differ" in each for each in found)
    assert bool(found) is differs


# Ranges.

VERSIONS = [
    "0.0.0", "0.0.3", "0.2.3", "1.0.0", "1.2.2", "1.2.3", "1.3.0", "2.0.0", "1.2.3-beta.1",
    "1.2.3-beta.2", "2.0.0-0", "0.0.1-rc", "v1.2.3", "1.2.3+b", "1.2.3beta", "x", "",
]  # fmt: skip
PARTS = [
    "1", "1.2", "1.2.3", "0", "0.2", "0.0.3", "1.x", "*", "", "1.2.3-beta.1", "v1.2.3", "1.x.3",
    "x.2.3", "1.2.3beta",
]  # fmt: skip
RANGES = [
    *(operator + part for operator in ("", "^", "~", "~>", ">", "<", ">=", "<=", "=", "^ ", "==")
      for part in PARTS),
    *(f"{low} - {high}" for low in PARTS for high in PARTS),
    *(f">=1.0.0 <2 || {part}" for part in PARTS),
    "latest", "a", "||", ">=1.0.0, <2", "http://x", "*  1", "^1.2.3 ^1.3", "<x", "workspace:*",
]  # fmt: skip


def ask_semver(expression: str, *values: object) -> Any:
    """What npm's own semver says: JavaScript over ``s`` (semver) and ``values``."""
    script = (
        f"const s = require({json.dumps(str(WHEEL / 'lib/node_modules/npm/node_modules/semver'))});"
        f"const values = JSON.parse(require('fs').readFileSync(0));"
        f"console.log(JSON.stringify({expression}))"
    )
    done = subprocess.run(
        [NODE, "-e", script], input=json.dumps(values), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_ranges_are_npms_own() -> None:
    theirs = ask_semver(
        "values[0].map(r => values[1].map(v =>"
        "s.validRange(r, true) === null ? null : s.satisfies(v, r, true)))",
        RANGES,
        VERSIONS,
    )
    ours = [[satisfies(version, wanted) for version in VERSIONS] for wanted in RANGES]
    assert dict(zip(RANGES, ours, strict=True)) == dict(zip(RANGES, theirs, strict=True))


def test_ranges_intersect_where_a_version_is_in_both() -> None:
    """semver's own ``intersects`` also says yes to some that no version is in (``<*`` and ``*``)."""
    ranges = [
        each for each in RANGES[:130] if satisfies("1.0.0", each) is not None and "b" not in each
    ]
    grid = [f"{a}.{b}.{c}" for a in range(4) for b in range(5) for c in range(6)]
    sets = [{each for each in grid if satisfies(each, wanted)} for wanted in ranges]
    theirs = ask_semver("values[0].map(a => values[0].map(b => s.intersects(a, b, true)))", ranges)
    for one, first, row in zip(ranges, sets, theirs, strict=True):
        for other, second, says in zip(ranges, sets, row, strict=True):
            ours = intersects(one, other)
            assert ours or not first & second, (one, other)
            assert says or not ours, (one, other)


# Settings.


class Only:
    """A policy that allows npm's registry."""

    def allows(self, url: str) -> bool:
        return url.rstrip("/") == NPM

    def allows_proxy(self, url: str) -> bool:
        return url == "http://proxy.allowed.example/"

    def allows_authority(self, value: str) -> bool:
        return value == "allowed.pem"


def project(files: Mapping[str, str | bytes], lockfiles: tuple[str, ...] = ()) -> Project:
    """A project at the top of a repository of these files, with a member ``p/m``."""
    data = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    root = read_manifest("package.json", data.get("package.json", b"{}"))
    return Project(
        path="",
        manifest=root,
        members={"p/m": manifest({}, "p/m/package.json")},
        client="npm",
        lockfiles=lockfiles,
        pin=None,
        read=data.get,
    )


def test_scripts_run_unless_the_roots_npmrc_says_no() -> None:
    assert list(npm.scripts_run(project({".npmrc": "ignore-scripts=true"}))) == []
    refused: list[dict[str, str]] = [{}, {"p/m/.npmrc": "ignore-scripts=true"}, {".npmrc": "'1'=2"}]
    for files in refused:
        (found,) = npm.scripts_run(project(files))
        assert found.location == Location(".npmrc", 1)


@pytest.mark.parametrize(
    "line",
    [
        f"registry={NPM}", f"registry={NPM}/", f"@s:registry={NPM}/", "strict-ssl=true",
        "//registry.npmjs.org/:_authToken=${TOKEN}", "//registry.npmjs.org/:_authToken=${TOKEN?}",
        "[s]\ngit=x", "; git=x", "min-release-age=7", "before=2024-01-01", "allow-git=none",
        "replace-registry-host=never", "package-lock=true", "save-exact=true", "color=${C}",
        "https-proxy=http://proxy.allowed.example/", "cafile=allowed.pem", "init-author-url=https://ada.example/",
        "min-release-age=0.5", "dangerously-allow-all-scripts=false", "engine-strict",
    ],
)  # fmt: skip
def test_harmless_settings(line: str) -> None:
    assert list(npm.unsafe_settings(project({".npmrc": line}), Only())) == []


def rejected(text: str) -> list[Problem]:
    """The errors of an .npmrc."""
    found = npm.unsafe_settings(project({".npmrc": text}), Only())
    return [each for each in found if each.level is Level.ERROR]


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("a=b\nregistry=http://registry.npmjs.org/", 2, "registry-not-https"),
        ("registry=https://evil.example/", 1, "registry-not-allowed"),
        ("registry=${R}", 1, "registry-unclear"),
        ("registry=", 1, "registry-unclear"),
        ("@s:registry=https://evil.example/", 1, "registry-not-allowed"),
        ("${K}=x", 1, "variable-key"),
        ("strict-ssl=false", 1, "tls-off"),
        ("strict-ssl=${X}", 1, "tls-off"),
        ("//registry.npmjs.org/:_authToken=npm_abc", 1, "secret"),
        ("//registry.npmjs.org/:_authToken=npm_abc${X?}", 1, "secret"),
        ("//registry.npmjs.org/:_authToken=${X:-npm_abc}", 1, "secret"),
        ("_auth=abc", 1, "secret"),
        ("//registry.npmjs.org/:_password=abc", 1, "secret"),
        ("//evil.example/:_authToken=${T}", 1, "token-for-other-host"),
        ("git=./x.sh", 1, "program"),
        ("script-shell=bash", 1, "program"),
        ("shell=x", 1, "program"),
        ("node-gyp=x", 1, "program"),
        ("init-module=x", 1, "program"),
        ("extension-file=x.mjs", 1, "program"),
        ("node-options=--require ./x", 1, "program"),
        ("onload-script=x", 1, "program"),
        ("globalconfig=x", 1, "other-settings"),
        ("userconfig=x", 1, "other-settings"),
        ("prefix=x", 1, "other-settings"),
        ("global=true", 1, "other-settings"),
        ("dangerously-allow-all-scripts=true", 1, "allow-all-scripts"),
        ("allow-git=all", 1, "other-sources"),
        ("allow-git=true", 1, "other-sources"),
        ("allow-remote=root", 1, "other-sources"),
        ("package-lock=false", 1, "lockfile-off"),
        ("shrinkwrap=false", 1, "lockfile-off"),
        ("min-release-age=7\nbefore=2030-01-01", 2, "cooldown-off"),
        ("disturl=https://evil.example/dist", 1, "host-not-allowed"),
        ("electron_mirror=https://evil.example/", 1, "host-not-allowed"),
        ("sharp_binary_host = http://registry.npmjs.org/", 1, "host-not-allowed"),
        ("https-proxy=http://proxy.example:8080", 1, "proxy"),
        ("cafile=x.pem", 1, "authority"),
        ("ca[]=x", 1, "authority"),
        ("cache=./c", 1, "cache-in-repository"),
        ("min-release-age=-1", 1, "cooldown-off"),
        ("min-release-age=0", 1, "cooldown-off"),
        ("min-release-age=7\nmin-release-age-exclude[]=*", 2, "cooldown-off"),
    ],
)
def test_unsafe_settings(text: str, line: int, code: str) -> None:
    (found,) = rejected(text)
    assert (found.location, found.code) == (Location(".npmrc", line), code)
    assert found.acceptable is (code != "secret")
    assert "npm_abc" not in found.message + found.value


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("replace-registry-host=always", "other-host"),
        ("force=true", "force"),
        ("a_tool_of_ours=1", "unknown-setting"),
        ("save-exakt=true", "unknown-setting"),
    ],
)
def test_doubtful_settings_are_warnings(line: str, code: str) -> None:
    (found,) = npm.unsafe_settings(project({".npmrc": line}), Only())
    assert (found.level, found.code) == (Level.WARNING, code)


@pytest.mark.parametrize("line", ["call=x", "package[]=evil", "patches-dir=x", "workspace=a"])
def test_a_key_that_npm_reads_and_nobody_verified_is_an_error(line: str) -> None:
    (found,) = npm.unsafe_settings(project({".npmrc": line}), Only())
    assert (found.level, found.code) == (Level.ERROR, "unknown-setting")


def test_a_section_is_no_setting_of_npm() -> None:
    assert list(npm.unsafe_settings(project({".npmrc": "[env]\nNODE_OPTIONS=x\n"}), Only())) == []


def test_a_member_leaks_secrets_too_and_an_extension_is_code() -> None:
    files = {"p/m/.npmrc": "_authToken=abc\ngit=x", ".npm-extension.mjs": "x"}
    found = list(npm.unsafe_settings(project(files), Only()))
    assert [each.location for each in found] == [
        Location("p/m/.npmrc", 1), Location(".npm-extension.mjs", 1),
    ]  # fmt: skip


def test_allowances() -> None:
    allowed = {"a": True, "@s/b@1.0.0": True, "c": False, "d@1.0.0 || 2.0.0": True, "e@^1": True}
    files = {
        "package.json": json.dumps({"allowScripts": allowed}, indent=2),
        ".npmrc": "x=y\nallow-scripts=f, @s/g@2.0.0",
    }
    assert list(npm.allowances(project(files))) == [
        Allowance(name, version, setting, Location(path, line), text=text)
        for name, version, setting, path, line, text in (
            ("a", None, "allowScripts", "package.json", 3, "a"),
            ("@s/b", "1.0.0", "allowScripts", "package.json", 4, "@s/b@1.0.0"),
            ("d", "1.0.0", "allowScripts", "package.json", 6, "d@1.0.0 || 2.0.0"),
            ("d", "2.0.0", "allowScripts", "package.json", 6, "d@1.0.0 || 2.0.0"),
            ("e", None, "allowScripts", "package.json", 7, "e@^1"),
            ("f", None, "allow-scripts", ".npmrc", 2, "f"),
            ("@s/g", "2.0.0", "allow-scripts", ".npmrc", 2, "@s/g@2.0.0"),
        )
    ]


def test_registry_of() -> None:
    found = project({".npmrc": f"registry={NPM}/\n@s:registry=https://s.example/"})
    assert npm.registry_of(found, "a") == f"{NPM}/"
    assert npm.registry_of(found, "@s/a") == "https://s.example/"
    assert npm.registry_of(found, "@t/a") == f"{NPM}/"
    assert npm.registry_of(project({}), "@s/a") is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "ignore-scripts=true\n"),
        ("", "ignore-scripts=true\n"),
        ("; mine\na=b", "; mine\na=b\nignore-scripts=true\n"),
        ("; mine\r\na=b\r\n", "; mine\r\na=b\r\nignore-scripts=true\r\n"),
        ("a=b\nignore-scripts=false ; old\nc=d\n", "a=b\nignore-scripts=true ; old\nc=d\n"),
        ("ignore-scripts=1\nignore-scripts=false\nc=d", "ignore-scripts=true\nc=d"),
        ("ignore-scripts[]=x\nc=d\n", "ignore-scripts=true\nc=d\n"),
        ("a=b\n\n[s]\nignore-scripts=true\n",
         "a=b\n\nignore-scripts=true\n[s]\nignore-scripts=true\n"),
        ("\ufeffa=b\n", "\ufeffa=b\nignore-scripts=true\n"),
        (b"; caf\xe9\n", b"; caf\xe9\nignore-scripts=true\n"),
        ("ignore_scripts=true\n", "ignore_scripts=true\nignore-scripts=true\n"),
    ],
)  # fmt: skip
def test_switch_off(before: str | bytes | None, after: str | bytes) -> None:
    (edit,) = npm.switch_off(project({} if before is None else {".npmrc": before}))
    expected = after.encode() if isinstance(after, str) else after
    assert (edit.path, edit.content) == (".npmrc", expected)
    assert npm.switch_off(project({".npmrc": edit.content})) == ()


@pytest.mark.parametrize("text", ["a=b".encode("utf-16"), "${V}=null\n", "[ignore-scripts.x]\n"])
def test_switch_off_says_what_it_cannot_overrule(text: str | bytes) -> None:
    with pytest.raises(UndecidedError):
        npm.switch_off(project({".npmrc": text}))


@given(st.text(alphabet="ignore-scripts=true false[];#\n\r\"'$\\{}x", max_size=60))
def test_switch_off_keeps_every_other_line(text: str) -> None:
    try:
        edits = npm.switch_off(project({".npmrc": text}))
    except (UndecidedError, DocumentError):
        return
    for edit in edits:
        kept = edit.content.decode().splitlines()
        for line in text.splitlines():
            assert line in kept or "ignore-scripts" in line


def test_no_allow_list_beside_the_switch() -> None:
    reason = npm.allow_list(project({}), [("a", "1.0.0")])
    assert isinstance(reason, str)
    assert "npm-vetted rebuild" in reason


def test_rebuild_names_the_folders() -> None:
    packages = {"node_modules/al": {"name": "a", "version": "1.0.0"}}
    text = json.dumps({"lockfileVersion": 3, "packages": packages})
    found = project({"package-lock.json": text}, ("package-lock.json",))
    switches = ["npm", "rebuild", "--ignore-scripts=false", "--dangerously-allow-all-scripts=true"]
    assert npm.rebuild(found, [("a", "1.0.0"), ("b", "2.0.0")]) == [
        [*switches, "al@1.0.0", "b@2.0.0"]
    ]
    assert npm.rebuild(found, []) == []


@pytest.mark.slow
@pytest.mark.parametrize("version", ["npm10", "npm11", "npm12"])
def test_the_real_rebuild_runs_what_it_names_and_no_more(
    clients: Clients, marker_package: Callable[..., Marker], tmp_path: Path, version: str
) -> None:
    named, other = marker_package("named"), marker_package("other")
    folder = tmp_path / "project"
    folder.mkdir()
    asks = {"named": named.specifier, "other": other.specifier}
    (folder / "package.json").write_text(json.dumps({"name": "p", "dependencies": asks}))
    (folder / ".npmrc").write_text("ignore-scripts=true\n")
    clients.run(version, "install", cwd=folder)
    assert not named.ran
    for wanted, ran in (("2.0.0", False), ("1.0.0", True)):
        (command,) = npm.rebuild(project({}), [("named", wanted)])
        clients.run(version, *command[1:], cwd=folder)
        assert (named.ran, other.ran) == (ran, False)
