"""The edges of a package-lock.json: what npm would install although the lockfile lacks it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from npm_vetted.clients.npm.lockfile import NpmLockfile
from npm_vetted.clients.npm.reader import read_npm_lockfile
from npm_vetted.clients.npm.requirements import pending_overrides
from npm_vetted.model import Kind
from npm_vetted.packages.manifest import read_manifest

NPM = "https://registry.npmjs.org"


def package(name: str, version: str = "1.0.0", **fields: Any) -> dict[str, object]:
    resolved = f"{NPM}/{name}/-/{name}-{version}.tgz"
    return {"version": version, "resolved": resolved, "integrity": "sha512-A==", **fields}


def codes(
    places: Mapping[str, object],
    *,
    changed: tuple[str, ...] = ("node_modules/a",),
    root: Mapping[str, object] | None = None,
    npmrc: str | None = None,
) -> list[tuple[str, str]]:
    """The code and key of each problem of the changed entries."""
    top: dict[str, Any] = {"name": "x", **(root or {})}
    text = json.dumps({"lockfileVersion": 3, "packages": {"": top, **places}}).encode()
    files = {"package.json": json.dumps(top).encode()}
    if npmrc is not None:
        files[".npmrc"] = npmrc.encode()
    lockfile = read_npm_lockfile("package-lock.json", text, files.get)
    return [(each.code, each.key) for each in lockfile.contradictions(changed, [])]


B = {"node_modules/b": package("b", "1.5.0")}


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"dependencies": {"b": "^1.0.0"}}, []),
        ({"dependencies": {"b": "^2.0.0"}}, [("unsatisfied", "b@^2.0.0")]),
        ({"dependencies": {"b": "npm:c@^1.0.0"}}, [("unsatisfied", "b@npm:c@^1.0.0")]),
        ({"dependencies": {"b": "github:x/b"}}, [("unsatisfied", "b@github:x/b")]),
        ({"optionalDependencies": {"b": "^2.0.0"}}, [("unsatisfied", "b@^2.0.0")]),
        ({"optionalDependencies": {"z": "1"}}, [("missing", "z@1")]),
        ({"peerDependencies": {"z": "1"}}, [("missing", "z@1")]),
        ({"peerDependencies": {"b": "^2.0.0"}}, []),
        (
            {"peerDependencies": {"z": "1"}, "peerDependenciesMeta": {"z": {"optional": True}}},
            [],
        ),
        ({"devDependencies": {"z": "1"}}, []),
    ],
)
def test_requirements_of_a_changed_entry(
    fields: Mapping[str, object], found: list[tuple[str, str]]
) -> None:
    assert codes({"node_modules/a": {**package("a"), **fields}, **B}) == found


LINK = {"node_modules/w": {"resolved": "packages/w", "link": True}}


@pytest.mark.parametrize(("more", "required"), [({}, []), (LINK, ["z"])])
def test_npm_10_keeps_the_entry_of_a_workspace_that_is_gone(
    more: Mapping[str, object], required: list[str]
) -> None:
    left = {"version": "1.0.0", "extraneous": True, "dependencies": {"z": "1"}}
    entry = read({"packages/w": left, **more}).entry("packages/w")
    assert [each.name for each in entry.requires] == required


def test_an_extraneous_package_still_requires_what_it_names() -> None:
    left = {**package("a"), "extraneous": True, "dependencies": {"z": "1"}}
    lockfile = read({"node_modules/a": left}, {"extraneous": True, "dependencies": {"y": "1"}})
    assert [each.name for each in lockfile.entry("node_modules/a").requires] == ["z"]
    assert [each.name for each in lockfile.requirements("")] == ["y"]


def test_an_override_replaces_what_only_a_peer_names() -> None:
    """npm 12 refuses such a lockfile with ``npm ci``."""
    root = {"overrides": {"b": "1.0.0"}}
    lockfile = read({"node_modules/a": {**package("a"), "peerDependencies": {"b": "*"}}, **B}, root)
    manifest = read_manifest("package.json", json.dumps({"name": "x", **root}).encode())
    assert [each.key for each in pending_overrides(lockfile, manifest)] == ["b@*"]


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ({}, [("unsatisfied", "b@^2.0.0")]),
        ({"peerDependencies": {"b": "^2.0.0"}}, []),
        ({"integrity": "sha512-B=="}, []),
    ],
    ids=["written in", "there before", "other bytes"],
)
def test_a_peer_that_an_entry_gains_for_the_same_bytes(
    before: Mapping[str, object], found: list[tuple[str, str]]
) -> None:
    """npm 12 installs the version that such a peer asks for."""
    now = {**package("a"), "peerDependencies": {"b": "^2.0.0"}}
    earlier = read({"node_modules/a": {**package("a"), **before}, **B})
    problems = read({"node_modules/a": now, **B}).contradictions(["node_modules/a"], [earlier])
    assert [(each.code, each.key) for each in problems] == found


@pytest.mark.parametrize(
    ("npmrc", "found"),
    [
        ("legacy-peer-deps=true\n", []),
        ("legacy-peer-deps=false\n", [("missing", "z@1")]),
        ("[s]\nlegacy-peer-deps=true\n", [("missing", "z@1")]),
    ],
)
def test_missing_peers_by_the_settings(npmrc: str, found: list[tuple[str, str]]) -> None:
    a = package("a", peerDependencies={"z": "1"})
    assert codes({"node_modules/a": a}, npmrc=npmrc) == found


@pytest.mark.parametrize(
    "entry",
    [
        {"resolved": "vendor/b", "link": True},
        {"version": "1.0.0", "resolved": "file:vendor/b"},
        package("b", "2.0.0"),
        {**package("c"), "name": "c"},
    ],
    ids=["a link", "a folder", "another version", "another package"],
)
def test_a_package_that_others_depend_on_is_replaced(entry: Mapping[str, object]) -> None:
    places = {
        "node_modules/a": package("a", dependencies={"b": "^1.0.0"}),
        "node_modules/b": entry,
        "vendor/b": {"name": "b", "version": "1.0.0"},
    }
    assert codes(places, changed=("node_modules/b",)) == [("unsatisfied", "b@^1.0.0")]


def test_a_workspace_serves_a_range() -> None:
    places = {
        "node_modules/a": package("a", dependencies={"b": "^1.0.0"}),
        "node_modules/b": {"resolved": "p/b", "link": True},
        "p/b": {"name": "b", "version": "1.0.0"},
    }
    assert codes(places, changed=("node_modules/b",), root={"workspaces": ["p/*"]}) == []
    found = codes(places, changed=("node_modules/b",), root={"workspaces": ["q/*"]})
    assert found == [("unsatisfied", "b@^1.0.0")]


@pytest.mark.parametrize(
    ("overrides", "locked", "found"),
    [
        ({"b": "2.0.0"}, "2.0.0", False),
        ({"b": "2.0.0"}, "1.5.0", True),
        ({"b@^1": "2.0.0"}, "1.5.0", True),
        ({"b@^7": "2.0.0"}, "1.5.0", False),
        ({"b@^7": "2.0.0"}, "2.0.0", True),
        ({"a": {"b": "2.0.0"}}, "1.5.0", True),
        ({"a@1": {"b": "2.0.0"}}, "1.5.0", True),
        ({"a@9": {"b": "2.0.0"}}, "1.5.0", False),
        ({"a": {"b": {".": "2.0.0"}}}, "1.5.0", True),
        # Below another package it applies only where that package brings this one.
        ({"zzz": {"b": "2.0.0"}}, "1.5.0", False),
        ({"zzz": {"b": "2.0.0"}}, "2.0.0", False),
        ({"b": "npm:c@1.0.0"}, "1.5.0", True),
        ({"b": "$d"}, "2.0.0", False),
        ({"b": "$d"}, "1.5.0", True),
    ],
)
def test_overrides_of_what_packages_depend_on(
    overrides: Mapping[str, object], locked: str, found: bool
) -> None:
    places = {
        "node_modules/a": package("a", dependencies={"b": "^1.0.0"}),
        "node_modules/b": package("b", locked),
    }
    root = {"overrides": overrides, "devDependencies": {"d": "2.0.0"}}
    assert bool(codes(places, root=root)) is found


def test_an_override_that_the_lockfile_does_not_follow_is_found_without_a_changed_entry() -> None:
    places = {"node_modules/a": package("a", dependencies={"b": "^1.0.0"}), **B}
    text = json.dumps({"lockfileVersion": 3, "packages": {"": {"name": "x"}, **places}})
    lockfile = read_npm_lockfile("package-lock.json", text.encode(), lambda _: None)
    root = read_manifest("package.json", b'{"name": "x", "overrides": {"b": "npm:c@1.0.0"}}')
    found = [(each.code, each.key) for each in lockfile.disagreements({"": root})]
    assert found == [("unsatisfied", "b@^1.0.0")]


def test_what_a_tarball_carries_is_taken_as_it_is() -> None:
    inner = {"version": "9.0.0", "inBundle": True, "dependencies": {"z": "1"}}
    places = {
        "node_modules/a": package("a", dependencies={"b": "^1.0.0"}, bundleDependencies=["b"]),
        "node_modules/a/node_modules/b": inner,
    }
    assert codes(places, changed=("node_modules/a", "node_modules/a/node_modules/b")) == []


HIDDEN = {
    "node_modules/a": package("a", dependencies={"b": "^2.0.0"}),
    "node_modules/a/node_modules/b": package("b", "2.0.0"),
    "node_modules/b": package("b", "1.5.0"),
}


def read(places: Mapping[str, object], root: Mapping[str, object] | None = None) -> NpmLockfile:
    text = json.dumps({"lockfileVersion": 3, "packages": {"": root or {"name": "x"}, **places}})
    return read_npm_lockfile("package-lock.json", text.encode(), lambda _: None)


@pytest.mark.parametrize(
    ("gone", "found"),
    [
        (["node_modules/a/node_modules/b"], [("unsatisfied", "b@^2.0.0")]),
        (["node_modules/b"], []),
        (["node_modules/a", "node_modules/a/node_modules/b"], []),
    ],
)
def test_a_copy_goes_and_another_version_takes_its_place(
    gone: list[str], found: list[tuple[str, str]]
) -> None:
    after = read({place: each for place, each in HIDDEN.items() if place not in gone})
    assert [(each.code, each.key) for each in after.contradictions([], [read(HIDDEN)])] == found


SELECTORS = {
    "b": True, "b@1": True, "b@^1.0.0 || 2": True, "@s/b@next": True, "b@npm:c@1": True,
    "b@github:x/y": True, "b@": True, "B": True,
    "a/b": False, "**/b": False, "a>b": False, "a@1>b": False, "b@npm:^1.0.0": False,
    "a@npm:1.0.0/b": False, "b@workspace:*": False, "b@catalog:": False, ".b": False, " b": False,
    "b@a tag": False, "": False,
}  # fmt: skip
"""Whether npm's own parser takes a selector (seen with 10.9.9 and 12.2.0)."""


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(("selector", "right"), SELECTORS.items())
def test_a_selector_that_npm_cannot_read_is_found(selector: str, right: bool, nested: bool) -> None:
    table: dict[str, object] = {selector: "1.0.0"}
    root = {"name": "x", "overrides": {"c": table} if nested else table}
    manifest = read_manifest("package.json", json.dumps(root).encode())
    keys = [each.key for each in read({}, root).disagreements({"": manifest})]
    assert keys == ([] if right else [f"overrides.{selector}"])


KEPT = {
    "further up is what the override names": ("2.0.0", "3.0.0", []),
    "further up is something else": ("2.0.0", "3.1.0", ["b@^2.0.0"]),
    "the copy is not what is required either": ("1.0.0", "3.0.0", ["b@^2.0.0"]),
}


@pytest.mark.parametrize(("copy", "above", "keys"), KEPT.values(), ids=KEPT)
def test_npm_keeps_a_copy_where_what_the_override_names_is_further_up(
    copy: str, above: str, keys: list[str]
) -> None:
    root = {"name": "x", "dependencies": {"a": "*", "b": above}, "overrides": {"b": "3.0.0"}}
    places = HIDDEN | {
        "node_modules/a/node_modules/b": package("b", copy),
        "node_modules/b": package("b", above),
    }
    manifest = read_manifest("package.json", json.dumps(root).encode())
    found = read(places, root).disagreements({"": manifest})
    assert [each.key for each in found if each.code == "unsatisfied"] == keys


EXTENSIONS = {"bb@1": {"dependencies": {"tt": "1.0.0", "ee": "1"}}}
BY_NPM = (  # npm 12.2.0 wrote it for these
    "sha512-/VrBNYxk7lfl4VkZTVd7Mh0mFKlWWnQzSP9NmawUdHzm4HifCkuWAwvfnk4kn5mNIaYjmlklQCy+luC8mAPdGg=="
)


@pytest.mark.parametrize(
    ("wanted", "locked", "right"),
    [
        (EXTENSIONS, BY_NPM, True),
        (EXTENSIONS, None, False),
        (EXTENSIONS, "sha512-AAAA", False),
        (None, BY_NPM, False),
        (None, None, True),
    ],
)
def test_package_extensions_are_those_that_npm_12_locked(
    wanted: object, locked: str | None, right: bool
) -> None:
    root = {"name": "x"} | ({} if wanted is None else {"packageExtensions": wanted})
    own = {"name": "x"} | ({} if locked is None else {"packageExtensionsHash": locked})
    manifest = read_manifest("package.json", json.dumps(root).encode())
    found = [each.code for each in read({}, own).disagreements({"": manifest})]
    assert found == ([] if right else ["out-of-date"])


PROGRAM = b"export const transformManifest = pkg => pkg\n"
OF_PROGRAM = (  # as npm 12.2.1 locks it
    "sha512-/BqlI1iV5Gvhd57wZHSUGUyNU3vqegthkhviazZZW9RdVQ1sZ38FxphmYUgc7lfPi7NKt6r887ZmyQGHxFVVIQ=="
)


@pytest.mark.parametrize(
    ("files", "locked", "right"),
    [
        ({}, None, True),
        ({".npm-extension.mjs": PROGRAM}, OF_PROGRAM, True),
        ({"x.mjs": PROGRAM, ".npmrc": b"extension-file=x.mjs"}, OF_PROGRAM, True),
        ({".npm-extension.mjs": PROGRAM + b"//"}, OF_PROGRAM, False),
        ({".npm-extension.cjs": PROGRAM}, OF_PROGRAM, False),
        ({".npm-extension.mjs": PROGRAM}, None, False),
        ({}, OF_PROGRAM, False),
    ],
)
def test_the_program_that_rewrites_manifests_is_the_one_that_npm_12_locked(
    files: dict[str, bytes], locked: str | None, right: bool
) -> None:
    own = {"name": "x"} | ({} if locked is None else {"npmExtensionHash": locked})
    text = json.dumps({"lockfileVersion": 4, "packages": {"": own}}).encode()
    lockfile = read_npm_lockfile("package-lock.json", text, files.get)
    manifest = read_manifest("package.json", b'{"name": "x"}')
    found = [each.code for each in lockfile.disagreements({"": manifest})]
    assert found == ([] if right else ["out-of-date"])


@pytest.mark.parametrize(("pin", "right"), [("npm@11.6.0", True), ("npm@12.2.0", False)])
def test_an_npm_that_reads_no_package_extensions_locks_none(pin: str, right: bool) -> None:
    root = {"name": "x", "packageManager": pin, "packageExtensions": EXTENSIONS}
    manifest = read_manifest("package.json", json.dumps(root).encode())
    assert (list(read({}).disagreements({"": manifest})) == []) is right


@pytest.mark.parametrize(("name", "right"), [("b", True), ("renamed", False), (None, True)])
def test_a_workspace_is_linked_by_its_name(name: str | None, right: bool) -> None:
    root = {"name": "x", "workspaces": ["packages/*"]}
    places = {
        "node_modules/b": {"resolved": "packages/b", "link": True},
        "packages/b": {"version": "1.0.0"},
    }
    member = {"version": "1.0.0"} | ({} if name is None else {"name": name})
    files = {"": ("package.json", root), "packages/b": ("packages/b/package.json", member)}
    manifests = {
        folder: read_manifest(path, json.dumps(data).encode())
        for folder, (path, data) in files.items()
    }
    assert (list(read(places, root).disagreements(manifests)) == []) is right


@pytest.mark.parametrize("specifier", ["^1.0.0", "*", ""])
def test_an_entry_of_a_registry_has_a_version(specifier: str) -> None:
    entry = package("b")
    del entry["version"]
    found = codes(
        {"node_modules/a": package("a", dependencies={"b": specifier}), "node_modules/b": entry}
    )
    assert found == [("unsatisfied", f"b@{specifier}")]


@pytest.mark.parametrize(
    ("wanted", "found"), [("^1.0.0", []), ("^2.0.0", ["b@^2.0.0"]), ("npm:c@1", ["b@npm:c@1"])]
)
def test_requirements_of_a_lockfile_of_version_1(wanted: str, found: list[str]) -> None:
    tree = {"a": package("a", requires={"b": wanted}), "b": package("b", "1.5.0")}
    text = json.dumps({"lockfileVersion": 1, "requires": True, "dependencies": tree}).encode()
    lockfile = read_npm_lockfile("package-lock.json", text, lambda _: None)
    for changed in ("node_modules/a", "node_modules/b"):
        assert [each.key for each in lockfile.contradictions([changed], [])] == found


@pytest.mark.parametrize(
    ("overrides", "right"),
    [
        ({"b": "1.5.0"}, False),
        ({"b": {".": "1.5.0"}}, False),
        ({"b@^1": "1.5.0"}, False),
        ({"b@^2": "1.5.0"}, True),
        ({"b": "^1.0.0"}, True),
        ({"b": "$b"}, True),
        ({"b": "*"}, True),
        ({"a": {"b": "1.5.0"}}, True),
    ],
)
def test_no_override_contradicts_what_the_root_requires(
    overrides: dict[str, Any], right: bool
) -> None:
    """npm 10 and 12 stop with EOVERRIDE, when frozen and when not."""
    root = {"name": "x", "dependencies": {"b": "^1.0.0"}, "overrides": overrides}
    manifest = read_manifest("package.json", json.dumps(root).encode())
    own = {key: root[key] for key in ("name", "dependencies")}
    found = list(read(B, own).disagreements({"": manifest}))
    assert (found == []) is right


def test_a_link_to_a_file_is_a_tarball() -> None:
    """npm 10 takes a file for a tarball by its name, later ones by what it is: it must be vetted."""
    link = {"resolved": "vendor/blob.bin", "link": True}
    places = {"": {}, "node_modules/q": link, "vendor/blob.bin": {}}
    text = json.dumps({"lockfileVersion": 3, "packages": places}).encode()
    for files, kind in (({"vendor/blob.bin": b"x"}, Kind.FILE), ({}, None)):
        artifact = read_npm_lockfile("package-lock.json", text, files.get).artifact(
            "node_modules/q"
        )
        assert (artifact and artifact.kind) is kind
