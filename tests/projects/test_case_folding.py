"""A checkout that is not what git holds: names that some file system takes for others."""

from __future__ import annotations

import pytest

from npm_vetted.projects.case_folding import collisions, folded, imitated


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        (".NPMRC", ".npmrc"),
        ("app/Package.json", "app/package.json"),
        ("PNPM-Workspace.yaml", "pnpm-workspace.yaml"),
        ("Node_Modules/x/index.js", "node_modules/x/index.js"),
        (".Vetting/config.toml", ".vetting/config.toml"),
        (".vetting/Config.toml", ".vetting/config.toml"),
        (".vetting/Baseline.txt", ".vetting/baseline.txt"),
        (".vetting/Routine/ms/2.1.3.toml", ".vetting/routine/ms/2.1.3.toml"),
        (".vetting/NOTES/ms/2.1.3.toml", ".vetting/notes/ms/2.1.3.toml"),
        (".npmrc.", ".npmrc"),
        ("package.json ", "package.json"),
        (".npmrc\u200c", ".npmrc"),
        ("pac\u212aage.json", "package.json"),
        ("package.j\u017fon", "package.json"),
        ("NPMRC~1", ".npmrc"),
        ("app/packag~1.jso", "app/package-lock.json"),
        ("PNPM-L~1.YAM", "pnpm-lock.yaml"),
        ("yarnrc~1.yml", ".yarnrc.yml"),
        ("pa3f2c~1.jso", "package-lock.json"),
        ("node_m~1/x.js", "node_modules/x.js"),
        ("VETTIN~1/config.toml", ".vetting/config.toml"),
    ],
)
def test_a_file_that_is_taken_for_one_with_a_meaning(path: str, meant: str) -> None:
    found = imitated(path)
    assert found is not None
    assert found == meant or (meant == "package-lock.json" and found == "package.json")


@pytest.mark.parametrize(
    "path",
    [
        ".npmrc", "app/package.json", "README.md", "App/src/Main.js", ".vetting/notes/a/1.0.0.toml",
        "src/Notes/config.toml", "docs/.vetting/Config.toml", "package.json.md", "a~1", "draft~1.txt",
        ".vetting/notes/NOTES/1.0.0.toml", "packag~1.jso/x", "npmrc~1/x",
        "packag~.jso", "npmrc~1.bak", "\u00e9t\u00e9/package.json", "Config.toml",
    ],
)  # fmt: skip
def test_a_file_that_is_taken_for_nothing_else(path: str) -> None:
    assert imitated(path) is None


@pytest.mark.parametrize(
    ("added", "there", "other"),
    [
        ("App/.npmrc", "app/.npmrc", "app/.npmrc"),
        ("App/.npmrc", "app/package.json", "app"),
        ("a\u0301pp/.npmrc", "\u00e1pp/package.json", "\u00e1pp"),
        ("patches/A.patch", "patches/a.patch", "patches/a.patch"),
        ("app/package.json", "App", "App"),
        ("x/App/package.json", "X/readme.md", None),
        ("App/package.json", "app/readme.md", None),
        ("app/.npmrc", "app/package.json", None),
        ("docs/guide.md", "app/package.json", None),
        ("a/B/c/.npmrc", "a/b/package.json", "a/b"),
    ],
)
def test_paths_that_are_one_in_a_checkout(added: str, there: str, other: str | None) -> None:
    ours = [each for each in (added, there) if not each.endswith((".md", "App"))]
    expected = [] if other is None else [(added, other)]
    assert list(collisions([added], ours, [added, there])) == expected


@pytest.mark.parametrize(
    ("path", "same"),
    [
        ("App/Package.json", "app/package.json"),
        ("a./b", "a/b"),
        ("a /b", "a/b"),
        ("a/b. .", "a/b"),
        ("a/b ", "a/b"),
        ("\u00c9t\u00e9 1/Package.json.", "\u00e9t\u00e9 1/package.json"),
        ("e\u0301", "\u00e9"),
        ("stra\u00dfe", "strasse"),
        ("x.a", "x.a"),
        ("X/xX", "x/xx"),
    ],
)
def test_a_path_as_such_a_file_system_compares_it(path: str, same: str) -> None:
    assert folded(path) == same


def test_of_several_paths_that_collide_the_longest_is_told() -> None:
    ours = ["App/package.json", "app/package.json", "APP/x/package.json"]
    assert list(collisions(["app/package.json"], ours, ())) == [
        ("app/package.json", "App/package.json")
    ]
    assert list(collisions([], ours, ())) == []


def test_a_link_in_the_place_of_a_folder() -> None:
    assert list(collisions(["app"], ["App/package.json"], ["app"])) == [("app", "App")]
