"""The changelog between two versions, in every style of heading, and where to look without one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.review.changelog import Changelog, compare_link, find_changelog, hosted, sections

STYLES = {
    "markdown": ("# Changelog\n\n## {}\n", "- {}\n\n"),
    "markdown, v": ("# Changelog\n\n## v{}\n", "- {}\n\n"),
    "keep a changelog": ("# Changelog\n\n## [Unreleased]\n\n## [{}] - 2020-01-02\n", "- {}\n\n"),
    "conventional": ("### [{}](https://x/compare/v0.0.1...v9.9.9) (2020-01-02)\n", "* {}\n\n"),
    "date first": ("## 2020-01-02, Version {} (LTS), @ada\n", "* {}\n"),
    "changesets": ("# @acme/tool\n\n## {}\n\n### Minor Changes\n", "- {}\n"),
    "name and version": ("# tool@{}\n", "- {}\n"),
    "name of the package": ("## Tool {} (Jan 2, 2020)\n", "- {}\n"),
    "emoji": ("## :rocket: {}\n", "- {}\n"),
    "emoji, unicode": ("## 🚀 v{}\n", "- {}\n"),
    "anchor": ('<a name="{}"></a>\n# {} (2020-01-02)\n', "* {}\n"),
    "setext": ("{} / 2020-01-02\n==================\n", "  * {}\n\n"),
    "setext, dashes": ("v{}\n---\n", "- {}\n\n"),
    "rst": ("Version {}\n~~~~~~~~~~~~~~\n", "* {}\n\n"),
    "bold": ("**{}** (2020-01-02)\n", "- {}\n\n"),
    "bold, underscores": ("__v{}__\n", "- {}\n\n"),
    "asciidoc": ("== {}\n", "- {}\n\n"),
    "html": ("<h2>{}</h2>\n", "<p>{}</p>\n"),
    "textile": ("h2. {} - 2020-01-02\n", "* {}\n"),
    "bare": ("{}\n", "  - {}\n\n"),
    "bare, v and date": ("v{} - January 2, 2020\n", "  - {}\n\n"),
    "bare, date first": ("2020-01-02: Version {}\n", "    * {}\n\n"),
    "bare, release": ("Release {}:\n", "    * {}\n\n"),
    "bullets": ("- {} (2020-01-02)\n", "  - {}\n"),
    "windows": ("## {}\r\n", "- {}\r\n"),
}


def written(style: str, versions: list[str]) -> str:
    heading, entry = STYLES[style]
    return "".join(
        heading.replace("{}", version) + entry.replace("{}", f"what {version} brought")
        for version in versions
    )


@pytest.mark.parametrize("order", ["descending", "ascending"])
@pytest.mark.parametrize("style", STYLES)
def test_any_style_of_heading(style: str, order: str) -> None:
    versions = ["2.0.0", "1.10.0", "1.2.1", "1.2.0", "1.1.0"]
    if order == "ascending":
        versions.reverse()
    files = {"CHANGELOG.md": written(style, versions).encode()}
    found = find_changelog(files, "1.2.0", "1.10.0")
    between = [each for each in versions if each in ("1.2.1", "1.10.0")]
    assert [each.version for each in found.sections] == between
    for each in found.sections:
        said = [version for version in versions if f"what {version} brought" in each.text]
        assert said == [each.version]
    assert found.newest == "2.0.0"


@pytest.mark.parametrize(
    "name",
    ["CHANGELOG.md", "changelog", "ChangeLog.txt", "History.md", "HISTORY.rst", "NEWS", "NEWS.adoc",
     "CHANGES.markdown", "RELEASES.md", "release-notes.md", "CHANGELOG-v1.md", "docs/changelog.md"],
)  # fmt: skip
def test_any_name_of_the_file(name: str) -> None:
    files = {name: b"## 1.1.0\n- a\n", "README.md": b"## 1.1.0\n"}
    found = find_changelog(files, "1.0.0", "1.1.0")
    assert (found.path, [each.text for each in found.sections]) == (name, ["## 1.1.0\n- a"])


@pytest.mark.parametrize(
    "name",
    ["changelog.js", "lib/history.ts", "node_modules/x/CHANGELOG.md", "changes.json", "a.md"],
)
def test_what_is_no_changelog(name: str) -> None:
    assert find_changelog({name: b"## 1.1.0\n"}, "1.0.0", "1.1.0") == Changelog(path=None)


def test_the_file_that_says_something_is_taken() -> None:
    files = {"CHANGELOG.md": b"See the site.\n", "HISTORY.md": b"## 1.1.0\n- a\n"}
    assert find_changelog(files, "1.0.0", "1.1.0").path == "HISTORY.md"


def test_one_that_stops_too_early_says_so() -> None:
    found = find_changelog({"CHANGELOG.md": b"## 1.0.0\n- a\n"}, "1.0.0", "1.1.0")
    assert found == Changelog(path="CHANGELOG.md", sections=(), newest="1.0.0")


def test_a_table_of_contents_and_a_mention_are_no_headings() -> None:
    text = "- [1.1.0](#110)\n- [1.0.0](#100)\n\n## 1.1.0\n1.0.0 - was broken\n\n## 1.0.0\n- b\n"
    found = find_changelog({"CHANGELOG.md": text.encode()}, "1.0.0", "1.1.0")
    assert [each.text for each in found.sections] == ["## 1.1.0\n1.0.0 - was broken"]


def test_headings_within_a_section_belong_to_it() -> None:
    text = "### 1.1.0\n\n### Bug Fixes\n\n* a\n\n### Features\n\n* b\n\n# 1.0.0\n"
    found = find_changelog({"CHANGELOG.md": text.encode()}, "1.0.0", "1.1.0")
    assert [each.text for each in found.sections] == [text.partition("\n\n# 1.0.0")[0]]


def test_prereleases_stand_before_their_release() -> None:
    text = "## 2.0.0\n## 2.0.0-rc.1\n## 1.0.0\n## 1.0.0-rc.9\n"
    found = find_changelog({"CHANGELOG.md": text.encode()}, "1.0.0", "2.0.0")
    assert [each.version for each in found.sections] == ["2.0.0", "2.0.0-rc.1"]


def test_a_heading_without_a_patch_is_for_the_whole_series() -> None:
    text = "## 1.3\n## 1.2\n## 1.1\n"
    found = find_changelog({"CHANGELOG.md": text.encode()}, "1.2.3", "1.2.4")
    assert [each.version for each in found.sections] == ["1.2"]


@given(st.text(max_size=2000))
def test_every_line_is_in_at_most_one_section(text: str) -> None:
    found = list(sections(text))
    lines = text.replace("\r\n", "\n").count("\n") + 1
    assert sum(each.text.count("\n") + 1 for each in found) <= lines


@pytest.mark.parametrize(
    "text",
    ["<" * 4_000_000, "## " * 1_000_000, "**1." * 1_000_000, "## 1.1.0\n" * 400_000,
     "1" * 4_000_000, "a\n===\n" * 500_000, "@" * 2_000_000 + "\n---", ("## " + "a/" * 98 + "\n") * 20_000],
    ids=range(8),
)  # fmt: skip
def test_hostile_text_takes_linear_time(text: str) -> None:
    start = time.process_time()
    find_changelog({"CHANGELOG.md": text.encode()}, "1.0.0", "1.1.0")
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("repository", "url"),
    [
        ("git+https://github.com/acme/tool.git", "https://github.com/acme/tool"),
        ("https://github.com/acme/tool/tree/main/packages/x", "https://github.com/acme/tool"),
        ("git://github.com/acme/tool.js.git", "https://github.com/acme/tool.js"),
        ("git@github.com:acme/tool.git", "https://github.com/acme/tool"),
        ("git+ssh://git@github.com/acme/tool.git#main", "https://github.com/acme/tool"),
        ("http://www.github.com/acme/tool", "https://github.com/acme/tool"),
        ("acme/tool", "https://github.com/acme/tool"),
        ("github:acme/tool", "https://github.com/acme/tool"),
        ("gitlab:acme/tool", "https://gitlab.com/acme/tool"),
        ("bitbucket:acme/tool", "https://bitbucket.org/acme/tool"),
        ("https://git.acme.example/tool.git", None),
        ("https://github.com.evil.example/acme/tool", None),
        ("https://github.com/acme", None),
        ("javascript:alert(1)", None),
        ("", None),
        (None, None),
    ],
)
def test_where_a_repository_is(repository: str | None, url: str | None) -> None:
    found = hosted(repository)
    assert (found.url if found else None) == url


@pytest.mark.parametrize(
    ("repository", "commits", "link"),
    [
        ("acme/tool", (None, None), "https://github.com/acme/tool/compare/v1.0.0...v1.1.0"),
        ("acme/tool", ("a" * 40, None), "https://github.com/acme/tool/compare/v1.0.0...v1.1.0"),
        ("acme/tool", ("a" * 40, "b" * 40),
         f"https://github.com/acme/tool/compare/{'a' * 40}...{'b' * 40}"),
        ("gitlab:acme/tool", (None, None), "https://gitlab.com/acme/tool/-/compare/v1.0.0...v1.1.0"),
        ("bitbucket:acme/tool", (None, None),
         "https://bitbucket.org/acme/tool/branches/compare/v1.1.0%0Dv1.0.0"),
        ("https://git.acme.example/x", (None, None), None),
    ],
)  # fmt: skip
def test_where_two_releases_are_compared(
    repository: str, commits: tuple[str | None, str | None], link: str | None
) -> None:
    assert compare_link(repository, ("1.0.0", commits[0]), ("1.1.0", commits[1])) == link
