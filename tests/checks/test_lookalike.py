"""The check ``lookalike`` on real commits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import run

INTEGRITY = f"sha512-{'A' * 86}=="


def lock(repo: GitRepo, locked: Mapping[str, Mapping[str, object] | None]) -> None:
    """Write package.json and package-lock.json: what is where in node_modules."""
    asked = {folder: "*" for folder in locked if "/node_modules/" not in folder}
    root = {"name": "project", "version": "1.0.0", "dependencies": asked}
    packages: dict[str, object] = {"": root}
    for folder, fields in locked.items():
        entry = {"version": "1.0.0", "integrity": INTEGRITY, **(fields or {})}
        name = str(entry.get("name", folder.rpartition("node_modules/")[2]))
        file = f"{name.rpartition('/')[2]}-{entry['version']}.tgz"
        entry["resolved"] = f"https://registry.npmjs.org/{name}/-/{file}"
        packages[f"node_modules/{folder}"] = entry
    repo.write("package.json", json.dumps(root))
    whole = {"name": "project", "version": "1.0.0", "lockfileVersion": 3, "packages": packages}
    repo.write("package-lock.json", json.dumps(whole, indent=2))


def note(repo: GitRepo, name: str, more: str, version: str = "1.0.0") -> None:
    repo.write(
        f".vetting/notes/{name}/{version}.toml",
        f'package = "{name}"\nversion = "{version}"\nintegrity = "{INTEGRITY}"\n'
        'criteria = ["health"]\nvetted-by = "Ada <ada@example.com>"\nvetted-on = 2026-11-22\n'
        f'why = "A widget library; its code was read."\n{more}\n',
    )


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A project that uses acme-widgets and has adopted."""
    git_repo.write(".vetting/config.toml", "format = 1\n")
    git_repo.write(".npmrc", "ignore-scripts=true\n")
    lock(git_repo, {"acme-widgets": None})
    git_repo.commit("Begin")
    return git_repo


def check(repo: GitRepo) -> list[dict[str, object]]:
    """The findings about what is in the folder, once it is staged."""
    repo.add()
    done = run(repo.path, "check", "--format", "json", "lookalike")
    found: list[dict[str, object]] = done.findings
    assert done.status == (1 if found else 0), done.err
    return found


def judge(repo: GitRepo) -> list[tuple[object, object]]:
    """The package and message of each finding."""
    return [(found["package"], found["message"]) for found in check(repo)]


Locked = Mapping[str, Mapping[str, object] | None]


@pytest.mark.parametrize(
    ("added", "found"),
    [
        ({"cross-env": None, "little-known-widget": None}, []),
        (
            {"mongose": None},
            [("mongose", "new, and looks like mongoose (drops 'o')")],
        ),
        (
            {"acme-widgtes": None},
            [("acme-widgtes", "new, and looks like acme-widgets (swaps 'et')")],
        ),
        pytest.param(
            {"express": {"name": "expres"}},
            [("expres", "new, and looks like express (drops 's')")],
            id="behind an alias",
        ),
        pytest.param(
            {"expres": {"name": "express"}},
            [],
            id="only the alias",
        ),
        pytest.param(
            {"little-known": None, "little-known/node_modules/axois": None},
            [("axois", "new, and looks like axios (swaps 'io')")],
            id="transitive",
        ),
        pytest.param(
            {"axois": None, "little/node_modules/axois": {"version": "2.0.0"}},
            [("axois", "new, and looks like axios (swaps 'io')")],
            id="two versions, one finding",
        ),
    ],
)
def test_new_names(
    repo: GitRepo,
    added: Locked,
    found: Sequence[tuple[str, str]],
) -> None:
    lock(repo, {"acme-widgets": None, **added})
    assert judge(repo) == found


def test_a_name_that_was_there_is_not_new(repo: GitRepo) -> None:
    lock(repo, {"acme-widgets": None, "axois": None})
    repo.commit("Take it in")
    lock(repo, {"acme-widgets": None, "axois": {"version": "1.1.0"}})
    assert judge(repo) == []


def test_the_finding_says_where_and_how_to_go_on(repo: GitRepo) -> None:
    lock(repo, {"acme-widgets": None, "@bable/core": None})
    [found] = check(repo)
    lines = (repo.path / "package-lock.json").read_text().splitlines()
    assert "node_modules/@bable/core" in lines[int(str(found["line"])) - 1]
    assert found["path"] == "package-lock.json"
    assert str(found["fix"]).endswith(
        'note "@bable/core@1.0.0" --criteria health --not-lookalike-of "@babel/core"'
    )


@pytest.mark.parametrize(
    ("more", "silent"),
    [
        ('not-lookalike-of = ["axios"]', True),
        ('not-lookalike-of = ["axios", "react"]', True),
        ('not-lookalike-of = ["react"]', False),
        ("", False),
    ],
)
def test_the_note_says_that_it_is_not(repo: GitRepo, more: str, silent: bool) -> None:
    lock(repo, {"acme-widgets": None, "axois": None})
    note(repo, "axois", more)
    assert (judge(repo) == []) is silent


@pytest.mark.parametrize(
    ("more", "silent"), [(', not-lookalike-of = ["axios"]', True), ("", False)]
)
def test_the_note_of_what_brings_it_says_so(repo: GitRepo, more: str, silent: bool) -> None:
    lock(repo, {"acme-widgets": None, "tiny": None, "tiny/node_modules/axois": None})
    brought = f'{{ package = "axois@1.0.0", integrity = "{INTEGRITY}"{more} }}'
    note(repo, "tiny", f"brings = [{brought}]")
    assert (judge(repo) == []) is silent


def test_first_party_names_are_ours(repo: GitRepo) -> None:
    repo.write(
        ".vetting/config.toml",
        '[[first-party]]\nscopes = ["@bable"]\nregistry = "https://registry.npmjs.org/"\n',
    )
    repo.commit("The scope is ours")
    lock(repo, {"acme-widgets": None, "@bable/core": None})
    assert judge(repo) == []


def test_exempted_packages_are_not_asked(repo: GitRepo) -> None:
    lock(repo, {"acme-widgets": None, "axois": None})
    repo.add()
    done = run(repo.path, "exempt", "axois@1.0.0", "--reason", "ours for years")
    assert done.status == 0, done.err
    repo.git("restore", "--staged", "package.json", "package-lock.json")
    repo.commit("Exempt it", add=False)
    assert judge(repo) == []


@pytest.mark.parametrize("told_by_lockfile", [False, True])
def test_what_a_tarball_carries_may_be_one(repo: GitRepo, told_by_lockfile: bool) -> None:
    repo.write(".vetting/config.toml", "format = 2\n")
    repo.commit("Format 2")
    lock(repo, {"acme-widgets": None, "carrier": None})
    if told_by_lockfile:
        whole = json.loads((repo.path / "package-lock.json").read_text())
        whole["packages"]["node_modules/carrier"] |= {
            "bundleDependencies": ["crossenv"], "dependencies": {"crossenv": "*"}
        }  # fmt: skip
        whole["packages"]["node_modules/carrier/node_modules/crossenv"] = {
            "version": "1.0.0", "inBundle": True
        }  # fmt: skip
        repo.write("package-lock.json", json.dumps(whole, indent=2))
    bundles = 'bundles = [{ package = "crossenv@1.0.0" }]'
    note(repo, "carrier", bundles)
    assert [each["package"] for each in check(repo)] == ["crossenv"]
    note(repo, "carrier", bundles + '\nnot-lookalike-of = ["cross-env"]')
    assert check(repo) == []
