"""Which manifests are read, and what is told of those that cannot be."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from npm_vetted.projects.discovery import Projects
from tests.support.npm_projects import MemorySnapshot
from tests.support.project_trees import DEP, LOCK, every, moved

COMMENTED = (
    '{\n  // what we need\n  "dependencies": {"a": "*"}, /* no more */\n  "workspaces": ["w"],\n}\n'
)


@pytest.mark.parametrize(
    ("beside", "read"),
    [
        ({"bun.lock": "{}"}, True),
        ({"bunfig.toml": ""}, True),
        ({"x/bunfig.toml": ""}, False),
        ({"package-lock.json": LOCK}, False),
        ({"bun.lock": "{}", "package-lock.json": LOCK}, False),
        ({"yarn.lock": "# yarn lockfile v1\n"}, False),
        ({}, False),
    ],
)
def test_a_manifest_with_comments_is_read_where_its_client_reads_it(
    beside: Mapping[str, str], read: bool
) -> None:
    """Bun reads it (tried with 1.2 to 1.4), in a workspace too; for the others it is broken."""
    files = {**beside, "package.json": COMMENTED, "w/package.json": COMMENTED}
    found = Projects(MemorySnapshot(files), lambda _: False)
    assert {each.path: sorted(each.members) for each in found.all()} == (
        {"": ["w"]} if read else {}
    )
    assert sorted(found.unreadable) == ([] if read else ["package.json", "w/package.json"])


def test_a_pin_tells_who_reads_comments() -> None:
    for pin, read in (("bun@1.4.5", True), ("npm@11.0.0", False)):
        text = COMMENTED.replace("{\n", f'{{ "packageManager": "{pin}",\n', 1)
        found = Projects(MemorySnapshot({"package.json": text}), lambda _: False)
        assert [each.path for each in found.all()] == ([""] if read else [])


def test_the_path_of_a_manifest_is_that_of_package_json_where_there_is_none() -> None:
    found = every({"a/package.json": DEP, "d/deno.json": "{}"})
    paths = {folder: found.manifest_path(folder) for folder in ("a", "d", "e")}
    assert paths == {"a": "a/package.json", "d": "d/deno.json", "e": "e/package.json"}


def test_a_broken_manifest_is_no_project_and_its_error_says_how_to_go_on() -> None:
    found = every({"a/package.json": "{", 'b"/package.json': "{", "c/package.json": DEP})
    assert [each.path for each in found.all()] == ["c"]
    assert sorted(found.unreadable) == ["a/package.json", 'b"/package.json']
    assert '[[exclude]] path = "a/package.json"' in (found.unreadable["a/package.json"].fix or "")
    assert 'path = "b\\"/package.json"' in (found.unreadable['b"/package.json'].fix or "")
    hidden = every({"a/package.json": "{"}, excluded="a/")
    assert (list(hidden.all()), hidden.unreadable) == ([], {})


def test_a_broken_workspace_is_unreadable_even_where_it_is_excluded() -> None:
    tree = moved({"package.json": {**DEP, "workspaces": ["w"]}, "w/package.json": "{"})
    found = every(tree, excluded="x/w")
    assert [each.path for each in found.all()] == ["x"]
    assert {path: error.path for path, error in found.unreadable.items()} == {
        "x/w/package.json": "x/w/package.json"
    }


def test_a_manifest_in_node_modules_is_not_read() -> None:
    found = every({"node_modules/a/package.json": DEP, "a/package.json": DEP})
    assert found.manifest("node_modules/a") is None
    assert found.manifest("a") is not None


def test_a_marker_beside_a_manifest_tells_who_reads_comments() -> None:
    tree = {"x/package.json": COMMENTED, "x/bunfig.toml": "", "y/package.json": COMMENTED}
    found = Projects(MemorySnapshot(tree), lambda _: False)
    assert [each.path for each in found.all()] == ["x"]
    assert list(found.unreadable) == ["y/package.json"]


def test_a_backslash_in_an_exclusion_is_written_twice() -> None:
    found = every({"a\\b/package.json": "{"})
    assert list(found.all()) == []
    (error,) = found.unreadable.values()
    assert 'path = "a\\\\b/package.json"' in (error.fix or "")
