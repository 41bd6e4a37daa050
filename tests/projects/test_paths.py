"""Folders and paths as git names them."""

from __future__ import annotations

import pytest

from npm_vetted.projects.paths import (
    ancestors,
    below,
    folder_of,
    in_node_modules,
    join,
    relative_to,
)


@pytest.mark.parametrize(
    ("path", "folder", "above"),
    [("a/b/c", "a/b", ["a/b", "a", ""]), ("a", "", [""]), ("a/b", "a", ["a", ""])],
)
def test_the_folders_of_a_path(path: str, folder: str, above: list[str]) -> None:
    assert folder_of(path) == folder
    assert list(ancestors(folder)) == above


@pytest.mark.parametrize(
    ("folder", "path", "inner", "way"),
    [
        ("", "a/b", "a/b", "a/b"),
        ("a", "a/b/c", "b/c", "b/c"),
        ("a", "ab/c", None, "../ab/c"),
        ("a", "a", None, ""),
        ("a/b", "a", None, ".."),
        ("a/b", "", None, "../.."),
    ],
)
def test_one_path_from_another(folder: str, path: str, inner: str | None, way: str) -> None:
    assert below(folder, path) == inner
    assert relative_to(folder, path) == way


def test_a_name_in_a_folder() -> None:
    assert (join("", "x"), join("a/b", "x")) == ("x", "a/b/x")


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("node_modules/a", True),
        ("x/node_modules/y", True),
        ("my_node_modules/a", False),
        ("a", False),
    ],
)
def test_what_is_in_node_modules(path: str, inside: bool) -> None:
    assert in_node_modules(path) is inside
