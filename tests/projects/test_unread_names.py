"""A file that is taken for unread by its name is read by no check."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.checks._relevance import is_relevant, may_hold_commands
from npm_vetted.installs import place_of
from npm_vetted.projects.file_names import interesting_names
from npm_vetted.projects.unread_names import is_unread

_FOLDERS = (
    "", "src/", ".vetting/", ".vetting/notes/a/", "node_modules/a/", "a/node_modules/", ".husky/",
    ".githooks/", ".github/workflows/", ".circleci/", ".gitlab/", ".devcontainer/", "Makefile/",
    "packages/a/", ".pipelines/", "scripts/",
    "Node_Modules/a/", "node_modules./a/", ".VETTING/", "ｎode_modules/", "node_modules /",
)  # fmt: skip
_WORDS = (
    *sorted(interesting_names()), "Makefile", "GNUmakefile", "Dockerfile", "web.Dockerfile",
    "Containerfile", "justfile", "lefthook", ".gitlab-ci", "azure-pipelines", "devcontainer",
    "action", "index", "README", ".dockerignore", "config", "post-commit", ".envrc", "build",
)  # fmt: skip
_SUFFIXES = (
    "", ".js", ".ts", ".md", ".py", ".txt", ".css", ".JS", ".json", ".yml", ".sh", ".patch", ".mk",
    ".dev", ".local", ".cjs", ".mjs", ".am", ".in", ".dockerignore", ".just", ".c", ".html",
)  # fmt: skip


@given(
    st.sampled_from(_FOLDERS), st.sampled_from(_WORDS), st.lists(st.sampled_from(_SUFFIXES), max_size=3)
)  # fmt: skip
def test_what_is_taken_for_unread_is_read_by_no_check(
    folder: str, word: str, suffixes: list[str]
) -> None:
    path = folder + word + "".join(suffixes)
    assert not (is_unread(path) and is_relevant(path))
    assert may_hold_commands(path) == (place_of(path, b"") is not None)


@pytest.mark.parametrize(
    ("path", "unread"),
    [
        ("src/index.js", False),
        ("src/index.jsx", False),
        ("README.md", True),
        ("docs/logo.SVG", True),
        ("package.json", False),
        ("src/data.json", False),
        ("Dockerfile", False),
        ("Makefile.js", False),
        ("bin/tool", False),
        (".pnpmfile.cjs", False),
        (".vetting/README.md", False),
        ("node_modules/a/index.js", False),
        ("what.nobody-has-heard-of", False),
    ],
)
def test_which_names_are_certainly_unread(path: str, unread: bool) -> None:
    assert is_unread(path) is unread
