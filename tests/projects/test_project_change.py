"""What a commit brings into a project."""

from __future__ import annotations

import json
from typing import Any

import pytest

from npm_vetted.errors import DocumentError
from npm_vetted.model import Project
from npm_vetted.packages.manifest import read_manifest
from npm_vetted.projects.introduced import Arrival
from npm_vetted.projects.project_change import (
    manifests_by_lockfile,
    project_lockfile,
)
from tests.support.changes import (
    ACCEPTED,
    BROKEN,
    DEEP,
    LONE,
    OTHER_BYTES,
    OUT,
    SPLIT,
    A,
    B,
    Files,
    Home,
    Locked,
    berry,
    brought,
    bun,
    carrying,
    change,
    classic,
    nested,
    nothing,
    old_format,
    only,
    patched,
    project,
    use,
    versions,
)
from tests.support.npm_projects import entry


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
    shipped = project({"a": A}, dependencies={"a": "*"})
    assert use(change(shipped, after, SPLIT), "a@1.1.0").subject.previous == ("1.0.0",)


def test_the_artifacts_of_before_have_the_same_version() -> None:
    found = use(change(versions("1.0.0", "2.0.0"), project({"a": OTHER_BYTES})), "a@1.0.0")
    assert [each.integrity for each in found.before] == [A["integrity"]]


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


BROKEN_LATE = {
    "name": "p",
    "lockfileVersion": 3,
    "packages": {"": {"dependencies": {"b": "*"}}, "node_modules/c": {"version": 3}},
}
"""What production installs can be told, and the entry of c cannot be decoded."""


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


@pytest.mark.parametrize(
    "answer", ["direct_before", "_production_before", "_shipped_before", "_changed"]
)
def test_what_was_computed_of_a_malformed_lockfile_is_forgotten(answer: str) -> None:
    """A question may find an earlier lockfile malformed after other answers were kept of it."""
    dev = project({"a": A, "b": B}, devDependencies={"a": "*"}, dependencies={"b": "*"})
    broken = dev | {"package-lock.json": json.dumps(BROKEN_LATE)}
    found = only(change((dev, broken), project({"a": A, "b": B}), SPLIT))
    kept = []

    def ask() -> int:
        kept.append(getattr(found, answer))
        if len(found.earlier) == 2:
            raise DocumentError("found too late", path="package-lock.json")
        return len(found.earlier)

    assert found.despite_earlier(ask) == 1
    assert len(kept) == 2
    assert kept[0] is not kept[1]


def test_a_malformed_lockfile_is_an_error_now() -> None:
    found = change(project({"a": A}), project({"a": A}) | {"package-lock.json": BROKEN})
    with pytest.raises(DocumentError):
        brought(found)


def test_the_names_of_before() -> None:
    found = change(project({"a": A, "b": B}), project({"a": A}))
    assert only(found).names_before() == {"a", "b"}


def test_specifiers_are_judged_where_it_is_accepted_that_there_is_no_lockfile() -> None:
    before = {"package.json": json.dumps({"name": "p", "dependencies": {"a": "1.0.0"}})}
    after = {
        "package.json": json.dumps({"name": "p", "dependencies": {"a": "1.0.0", "b": "2.0.0"}})
    }
    assert [each.artifact.name for each in change(before, after, ACCEPTED).uses()] == ["b"]
    assert list(change(before, after).uses()) == []


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
            "", ("a.lock", "x/a.lock"), ("x", "f"), ("f",), Home("", locks_folders=True), {"": ""},
            id="an entry for a folder, and a workspace has its own",
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


@pytest.mark.parametrize("config", ["", SPLIT])
def test_a_lockfile_in_another_format_brings_nothing(config: str) -> None:
    packages = {"a": entry("a", hasInstallScript=True), "b": B}
    one, other = old_format(packages), project(packages)
    assert brought(change(one, other, config)) == {}
    assert brought(change(other, one, config)) == {}


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


def test_what_no_tarball_carries_is_judged_whenever_its_entry_changes() -> None:
    before, after = (
        {"b": B, "b/node_modules/in": {**LONE, "license": each}} for each in ("MIT", "ISC")
    )
    found = change(project(before), project(after))
    assert brought(found) == {"in@1.0.0": "changed"}
    assert use(found, "in@1.0.0").subject.carrier is None


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


def test_a_lockfile_that_is_gone_is_an_error_of_its_path() -> None:
    manifest = read_manifest("package.json", b"{}")
    gone = Project("", manifest, {}, None, ("package-lock.json",), None, nothing)
    with pytest.raises(DocumentError) as error:
        project_lockfile(gone, "package-lock.json")
    assert error.value.path == "package-lock.json"


def test_specifiers_are_judged_up_to_the_day_that_the_policy_names() -> None:
    after = {"package.json": json.dumps({"name": "p", "dependencies": {"a": "1.0.0"}})}
    for day, judged in (("2026-02-28", []), ("2026-03-01", ["a"])):
        found = change({}, after, ACCEPTED + f"until = {day}\n")
        assert [each.artifact.name for each in found.uses()] == judged


def test_a_package_that_two_tarballs_carry_is_used_twice() -> None:
    two = {name: entry(name, bundleDependencies=["in"]) for name in ("out", "two")}
    files = project({**two, "out/node_modules/in": LONE, "two/node_modules/in": LONE})
    carriers = [
        each.subject.carrier.name for each in change({}, files).uses() if each.subject.carrier
    ]
    assert carriers == ["out", "two"]


def test_a_folder_among_the_entries_is_passed_over() -> None:
    packages = {"aa": {"resolved": "aa", "link": True}, "b": B}
    files = project(packages, dependencies={"aa": "file:aa", "b": "*"})
    lock = json.loads(files["package-lock.json"])
    lock["packages"]["aa"] = {"version": "1.0.0"}
    files |= {"package-lock.json": json.dumps(lock), "aa/package.json": '{"name": "aa"}'}
    assert brought(change({}, files)) == {"b@1.0.0": "added"}


@pytest.mark.parametrize(
    ("before", "program_of"),
    [({"a": A}, "b"), ({"a": A, "b": B}, "b"), ({"a": A, "@b/linux-x64": entry("@b/linux-x64", "0.9.0")}, None)],
)  # fmt: skip
def test_a_program_for_one_platform_belongs_to_its_package(
    before: Locked, program_of: str | None
) -> None:
    program = entry("@b/linux-x64", os=["linux"], cpu=["x64"], optional=True)
    parent = entry("b", optionalDependencies={"@b/linux-x64": "1.0.0"})
    after = {"a": A, "b": parent, "@b/linux-x64": program}
    found = change(project(before), project(after, dependencies={"a": "*", "b": "*"}))
    assert use(found, "@b/linux-x64@1.0.0").subject.program_of == program_of


def test_what_becomes_direct_is_judged_also_where_development_has_its_own_policy() -> None:
    found = change(
        nested(dependencies={"a": "*"}), nested(dependencies={"a": "*", "b": "*"}), SPLIT
    )
    assert brought(found) == {"b@1.0.0": Arrival.PROMOTED}


def test_the_entries_that_a_later_lockfile_lacks_or_has_otherwise() -> None:
    before, after = {"a": A, "b": B, "c": entry("c")}, {"a": OTHER_BYTES, "c": entry("c")}
    found = only(change(project(before), project(after)))
    ((_, earlier),) = found.earlier
    later = found.lockfiles[0]
    for _ in range(2):
        assert found.outdated_keys(earlier, later) == ["node_modules/a", "node_modules/b"]
