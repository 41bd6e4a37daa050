"""Which files belong to a project, by their names."""

from __future__ import annotations

import pytest

from npm_vetted.projects.file_names import is_of_a_project


@pytest.mark.parametrize(
    ("path", "concerned"),
    [
        ("x/package.json", True), ("x/.npmrc", True), ("pnpm-lock.yaml", True), ("x/a.patch", True),
        ("a.tgz", True), ("a.zip", True), ("x/package.json.md", False), ("a.js", False),
    ],
)  # fmt: skip
def test_which_files_may_belong_to_a_project(path: str, concerned: bool) -> None:
    assert is_of_a_project(path) is concerned
