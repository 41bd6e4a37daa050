"""What an entry of package-lock.json says: artifacts, requirements, links, tarballs that carry others."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from npm_vetted.clients.npm import client as npm
from npm_vetted.clients.npm.lockfile import NpmLockfile
from npm_vetted.errors import DocumentError
from npm_vetted.model import Artifact, Group, Kind, Requirement
from tests.support.npm_projects import entry, sri

A = sri("a@1.0.0")
URL = "https://registry.npmjs.org/a/-/a-1.0.0.tgz"
GIT = "git+ssh://git@github.com/o/r.git#" + "1" * 40
M = "node_modules/"
Packages = Mapping[str, Mapping[str, Any]]


def read(
    packages: Packages, files: Mapping[str, bytes] | None = None, *, path: str = "package-lock.json",
    version: int | None = 3,
) -> NpmLockfile:  # fmt: skip
    data = {**({} if version is None else {"lockfileVersion": version}), "packages": packages}
    return npm.read_lockfile(path, json.dumps(data, indent=2).encode(), (files or {}).get)


def one(fields: Mapping[str, Any], files: Mapping[str, bytes] | None = None) -> Artifact | None:
    """The artifact of ``node_modules/a``."""
    return read({f"{M}a": fields}, files).artifact(f"{M}a")


def of(**more: Any) -> Artifact:
    fields = {"name": "a", "version": "1.0.0", "kind": Kind.REGISTRY, "scripts": False, **more}
    return Artifact(**fields)


# Artifacts.


@pytest.mark.parametrize(
    ("fields", "artifact"),
    [
        (entry("a"), of(resolved=URL, integrity=A)),
        ({"version": "1.0.0"}, of()),
        ({"version": "1.0.0", "resolved": False}, of()),
        ({**entry("a"), "name": "b"}, of(name="b", resolved=URL, integrity=A)),
        ({**entry("a"), "hasInstallScript": True}, of(resolved=URL, integrity=A, scripts=True)),
        ({**entry("a"), "hasShrinkwrap": True}, of(resolved=URL, integrity=A, shrinkwrap=True)),
        ({"version": "1.0.0", "resolved": GIT}, of(kind=Kind.GIT, resolved=GIT)),
        ({"version": GIT}, of(kind=Kind.GIT, version=None, resolved=GIT)),
        ({"version": "1.0.0", "resolved": "file:a.tgz"}, of(kind=Kind.FILE, resolved="file:a.tgz")),
        ({"resolved": "lib", "link": True}, None),
    ],
)
def test_what_an_entry_pins(fields: Mapping[str, Any], artifact: Artifact | None) -> None:
    packages = {f"{M}a": fields, "lib": {"version": "1.0.0"}}
    assert read(packages).artifact(f"{M}a") == artifact
    assert read(packages).entry(f"{M}a").artifact == artifact


def test_a_path_is_an_archive_where_git_has_a_file_there() -> None:
    fields = {"version": "1.0.0", "resolved": "file:vendor/a"}
    assert one(fields, {"vendor/a": b"x"}) == of(kind=Kind.FILE, resolved="file:vendor/a")
    assert one(fields) is None
    assert one({**fields, "resolved": "file:../vendor/a"}, {"vendor/a": b"x"}) is None


def test_a_folder_is_no_artifact_unless_it_pins_something() -> None:
    folders: Packages = {"lib": {"version": "1.0.0"}, f"{M}lib": {"resolved": "lib", "link": True}}
    assert read(folders).artifact("lib") is None
    pinned = read({**folders, "lib": {"version": "1.0.0", "integrity": A}}).artifact("lib")
    assert pinned is not None
    assert (pinned.name, pinned.integrity) == ("lib", A)


@pytest.mark.parametrize(
    ("path", "version", "words"),
    [
        ("package-lock.json", 3, "package-lock.json 3"),
        ("x/npm-shrinkwrap.json", 2, "npm-shrinkwrap.json 2"),
        ("package-lock.json", None, "package-lock.json without a version"),
    ],
)
def test_the_format_is_named_with_its_version(path: str, version: int | None, words: str) -> None:
    assert read({}, path=path, version=version).format == words


PATCHED = {**entry("a"), "patched": {"path": "p.patch"}}


def test_an_entry_is_bound_to_its_patch() -> None:
    digest = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    found = one(PATCHED, {"p.patch": b"x"})
    assert found is not None
    assert found.patch == f"sha256-{digest}"
    packages = {f"{M}a": PATCHED, f"{M}b": PATCHED, f"{M}c": entry("c")}
    assert read(packages).patch_files() == {"p.patch": (f"{M}a", f"{M}b")}
    inner = read(packages, path="x/package-lock.json").patch_files()
    assert inner == {"x/p.patch": (f"{M}a", f"{M}b")}


# What is refused.


@pytest.mark.parametrize(
    ("fields", "keys", "words"),
    [
        ({"version": 1}, ["version"], "expected a string"),
        ({**entry("a"), "integrity": [A]}, ["integrity"], "expected a string"),
        ({**entry("a"), "resolved": True}, ["resolved"], "expected a string"),
        ({**entry("a"), "name": 1}, ["name"], "expected a string"),
        ({**entry("a"), "hasInstallScript": "x"}, ["hasInstallScript"], "expected true or false"),
        ({**entry("a"), "inBundle": 1}, ["inBundle"], "expected true or false"),
        ({**entry("a"), "dependencies": ["b"]}, ["dependencies"], "expected a table"),
        ({**entry("a"), "dependencies": {"b": 1}}, ["dependencies", "b"], "expected a string"),
        (
            {**entry("a"), "bundleDependencies": "b"},
            ["bundleDependencies"],
            "expected a list of names",
        ),
        (
            {**entry("a"), "bundleDependencies": [1]},
            ["bundleDependencies"],
            "expected a list of names",
        ),
        (PATCHED, ["patched"], "the patch file p.patch is not there"),
        ({**entry("a"), "patched": True}, ["patched"], "expected a patch file"),
        ({**entry("a"), "patched": {"path": 1}}, ["patched"], "expected a patch file"),
        ({**entry("a"), "patched": {"path": "../p.patch"}}, ["patched"], "expected a patch file"),
        ({**entry("a"), "patched": {"path": "p.txt"}}, ["patched"], "expected a patch file"),
    ],
)
def test_a_malformed_entry_is_refused_at_its_line(
    fields: Mapping[str, Any], keys: list[str], words: str
) -> None:
    packages = {"": {}, f"{M}a": fields}
    with pytest.raises(DocumentError) as raised:
        read(packages).entry(f"{M}a")
    assert raised.value.message.startswith(": ".join([f"{M}a", *keys, words]))
    text = json.dumps({"lockfileVersion": 3, "packages": packages}, indent=2).splitlines()
    line = next(at for at, each in enumerate(text, 1) if each.strip().startswith(f'"{keys[-1]}":'))
    assert (raised.value.path, raised.value.line) == ("package-lock.json", line)


def test_a_malformed_root_is_named_so() -> None:
    with pytest.raises(DocumentError, match="the root: dependencies: expected a table"):
        _ = read({"": {"dependencies": []}}).importers


@pytest.mark.parametrize(
    "key", ["node_modules", "node_modules/", "a//b", "/a", "a/../b", "node_modules/.x/../y"]
)
def test_what_is_no_place_is_refused(key: str) -> None:
    with pytest.raises(DocumentError, match="expected a path such as") as raised:
        read({"": {}, key: {"version": "1.0.0"}})
    assert raised.value.line == 5


@pytest.mark.parametrize("target", ["nowhere", None, "node_modules/b"])
def test_a_link_that_leads_nowhere_is_refused(target: str | None) -> None:
    links = {f"{M}{name}": {"resolved": target, "link": True} for name in "ab"}
    with pytest.raises(DocumentError, match="which is not in the lockfile"):
        read(links)


# What entries ask for.

FOUR = {f"{M}{name}": entry(name) for name in "abcd"}
EVERY = {
    "dependencies": {"c": "1", "b": "1"}, "optionalDependencies": {"c": "2"},
    "peerDependencies": {"d": "1"}, "devDependencies": {"e": "1"},
}  # fmt: skip


def test_the_requirements_of_an_entry() -> None:
    found = read({**FOUR, f"{M}a": {**entry("a"), **EVERY}})
    asked = found.entry(f"{M}a").requires
    line = found.line(f"{M}a")
    assert asked == (
        Requirement("b", "1", Group.PRODUCTION, line=line),
        Requirement("c", "2", Group.OPTIONAL, line=line),
        Requirement("d", "1", Group.PEER, line=line),
    )  # fmt: skip
    assert list(found.children(f"{M}a")) == [f"{M}{name}" for name in ("c", "b", "c", "d")]
    assert found.entry(f"{M}a").line == line == found.layout.line_of(f"{M}a")


def test_a_folder_requires_its_development_dependencies_too() -> None:
    packages: Packages = {
        "lib": EVERY,
        f"{M}lib": {"resolved": "lib", "link": True},
        f"{M}e": entry("e"),
    }
    found = read({**FOUR, **packages})
    assert [each.name for each in found.entry("lib").requires] == ["b", "e", "c", "d"]
    assert f"{M}e" in set(found.children("lib"))
    assert found.entry(f"{M}lib").requires == ()
    assert list(found.children(f"{M}lib")) == []


def test_the_importers_are_the_root_and_its_workspaces() -> None:
    folders: Packages = {
        "": {"workspaces": ["w", "x/*"], "dependencies": {"a": "1"}},
        "w": {"dependencies": {"b": "1"}}, "x/y": {}, "other": {},
        **{
            f"{M}{name}": {"resolved": target, "link": True}
            for name, target in (("w", "w"), ("y", "x/y"), ("other", "other"))
        },
    }  # fmt: skip
    found = read({**folders, **FOUR})
    assert {key: [each.name for each in asked] for key, asked in found.importers.items()} == {
        "": ["a"], "w": ["b"], "x/y": [],
    }  # fmt: skip
    assert {each.line for each in found.importers[""]} == {1}
    listed: Packages = {**folders, "": {"workspaces": {"packages": ["w"]}}}
    assert list(read(listed).importers) == ["", "w"]
    assert read({**folders, "": {}}).workspaces == frozenset()
    assert read({f"{M}a": entry("a")}).importers == {}


# Where a name is found.

NESTED = {
    "": {"dependencies": {"a": "1"}}, f"{M}a": {**entry("a"), "dependencies": {"b": "1", "c": "1"}},
    f"{M}a/{M}b": {**entry("b", "2.0.0"), "dependencies": {"c": "1"}}, f"{M}b": entry("b"),
    f"{M}c": {**entry("c"), "dependencies": {"b": "1"}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("start", "name", "place"),
    [
        ("", "b", f"{M}b"),
        (f"{M}a", "b", f"{M}a/{M}b"),
        (f"{M}a/{M}b", "b", f"{M}a/{M}b"),
        (f"{M}a/{M}b", "c", f"{M}c"),
        (f"{M}c", "b", f"{M}b"),
        (f"{M}a", "x", None),
        ("w", "c", f"{M}c"),
    ],
)
def test_the_nearest_place_upwards_is_found(start: str, name: str, place: str | None) -> None:
    found = read(NESTED)
    assert found.find(start, name) == place
    asked = Requirement(name, "*", Group.PRODUCTION)
    assert found.resolve(start or None, asked, "") == place


def test_links_are_followed() -> None:
    packages = {
        "": {}, "lib": {}, f"{M}lib": {"resolved": "lib", "link": True},
        f"{M}self": {"resolved": "", "link": True},
    }  # fmt: skip
    found = read(packages)
    assert (found.find("", "lib"), found.place("", "lib")) == ("lib", f"{M}lib")
    assert found.find("", "self") is None
    assert (found.linked_to(f"{M}lib"), found.linked_to("lib")) == ("lib", None)
    assert found.names_of("lib") == {"lib"}
    assert found.names_of(f"{M}lib") == {"lib"}


def test_what_is_reached_and_from_where() -> None:
    found = read(NESTED)
    assert found.reach([f"{M}c"]) == {f"{M}c", f"{M}b"}
    assert found.reach([f"{M}a"]) == {key for key in NESTED if key}
    assert found.dependents([f"{M}b", f"{M}c"]) == {
        f"{M}b": (f"{M}c",), f"{M}c": (f"{M}a", f"{M}a/{M}b"),
    }  # fmt: skip
    assert found.reach([]) == set()


def test_the_dependents_of_a_folder_ask_for_its_link() -> None:
    packages: Packages = {
        "": {}, "lib": {}, f"{M}lib": {"resolved": "lib", "link": True},
        f"{M}a": {**entry("a"), "dependencies": {"lib": "1"}},
    }  # fmt: skip
    assert read(packages).dependents(["lib"]) == {"lib": (f"{M}a",)}


def test_the_artifacts_of_a_name() -> None:
    found = read({**NESTED, f"{M}alias": entry("b", "3.0.0", name="b")})
    assert sorted(each.version or "" for each in found.named({"b"})) == ["1.0.0", "2.0.0", "3.0.0"]
    assert [each.label for each in found.named({"alias"})] == []
    assert found.package_names() == {"a", "b", "c"}


def test_the_programs_of_the_packages() -> None:
    bins = {f"{M}a": {**entry("a"), "bin": {"x": "x.js", "y": "y.js"}}, f"{M}b": entry("b")}
    assert read(bins).programs() == frozenset({"x", "y"})


# Tarballs that carry others.

IN = entry("in", inBundle=True, resolved=None, integrity=None)


@pytest.mark.parametrize(
    ("carrier", "bundles", "carried"),
    [
        ({"bundleDependencies": ["in"]}, {"in"}, True),
        ({"bundledDependencies": ["in"]}, {"in"}, True),
        ({"bundleDependencies": True, "dependencies": {"in": "1"}}, {"in"}, True),
        ({"bundleDependencies": True}, set(), False),
        ({"bundleDependencies": False, "dependencies": {"in": "1"}}, set(), False),
        ({"bundleDependencies": ["other"]}, {"other"}, False),
        ({}, set(), False),
    ],
)
def test_what_a_tarball_says_that_it_carries(
    carrier: dict[str, Any], bundles: set[str], carried: bool
) -> None:
    found = read({f"{M}a": {**entry("a"), **carrier}, f"{M}a/{M}in": IN})
    assert found.entry(f"{M}a").bundles == bundles
    inner = found.entry(f"{M}a/{M}in")
    assert inner.bundled_by == (f"{M}a" if carried else None)
    assert inner.artifact is not None
    assert inner.artifact.bundled
    assert found.entry(f"{M}a").bundled_by is None


def test_what_a_carried_package_needs_is_carried_too() -> None:
    deep = entry("deep", inBundle=True, resolved=None, integrity=None)
    carrier = {**entry("a"), "bundleDependencies": ["in"]}
    inner = {**IN, "dependencies": {"deep": "1"}}
    found = read({f"{M}a": carrier, f"{M}a/{M}in": inner, f"{M}a/{M}deep": deep})
    assert found.entry(f"{M}a/{M}deep").bundled_by == f"{M}a"
    fetched = read({f"{M}a": carrier, f"{M}a/{M}in": inner, f"{M}deep": deep})
    assert fetched.entry(f"{M}deep").bundled_by is None


def test_what_is_carried_may_lie_in_what_is_carried() -> None:
    inner = {**IN, "dependencies": {"deep": "1"}}
    deep = entry("deep", inBundle=True, resolved=None, integrity=None)
    place = f"{M}a/{M}in/{M}deep"
    carrier = {**entry("a"), "bundleDependencies": ["in"]}
    found = read({f"{M}a": carrier, f"{M}a/{M}in": inner, place: deep})
    assert found.entry(place).bundled_by == f"{M}a"


def test_a_folder_bundles_what_it_needs_for_development_too() -> None:
    lib = {"bundleDependencies": True, "devDependencies": {"in": "1"}, "dependencies": {"x": "1"}}
    packages = {"lib": lib, f"{M}lib": {"resolved": "lib", "link": True}, f"lib/{M}in": IN}
    found = read(packages)
    assert found.entry("lib").bundles == {"in", "x"}
    inner = found.entry(f"lib/{M}in")
    assert inner.artifact is not None
    assert (inner.bundled_by, inner.artifact.bundled) == (None, False)


def test_what_the_project_itself_bundles_is_in_no_tarball() -> None:
    found = read({"": {"bundleDependencies": ["in"]}, f"{M}in": IN})
    inner = found.entry(f"{M}in")
    assert inner.bundled_by is None
    assert inner.artifact is not None
    assert not inner.artifact.bundled


# What changed.


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({}, {"a": entry("a")}, {"a"}),
        ({"a": entry("a")}, {"a": entry("a")}, set()),
        ({"a": entry("a")}, {"a": entry("a", "1.1.0")}, {"a"}),
        ({"a": entry("a"), "b": entry("b")}, {"a": entry("a")}, set()),
        ({"a": {**entry("a"), "license": "MIT"}}, {"a": entry("a")}, {"a"}),
    ],
)
def test_what_changed(before: Packages, after: Packages, changed: set[str]) -> None:
    one, two = (read({f"{M}{name}": each for name, each in p.items()}) for p in (before, after))
    assert two.changed([one]) == [f"{M}{name}" for name in changed]
    assert two.changed([]) == [f"{M}{name}" for name in after]
    assert two.changed([one, two]) == []


def test_another_layout_of_the_text_changes_nothing() -> None:
    packages = {f"{M}a": entry("a"), f"{M}b": entry("b")}
    data = {"packages": {key: dict(reversed(each.items())) for key, each in packages.items()}}
    other = npm.read_lockfile(
        "package-lock.json", json.dumps({"lockfileVersion": 3, **data}).encode(), lambda _: None
    )
    assert other.changed([read(packages)]) == []
