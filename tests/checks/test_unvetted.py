"""The check ``unvetted`` on real commits: which artifacts are judged, what is said, what helps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from npm_vetted.checks import unvetted
from npm_vetted.model import Finding, Level
from tests.projects.test_change import change, project
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import (
    adopt,
    check,
    entry,
    listed,
    note_text,
    sri,
    write_note,
    write_project,
)


def codes(repo: GitRepo, **options: Any) -> list[tuple[str, str]]:
    done = check(repo, "unvetted", **options)
    return [(each["package"], each["code"]) for each in done.findings]


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A project that uses a 1.0.0, vetted, and has adopted."""
    write_project(git_repo, {"a": entry("a")})
    write_note(git_repo, "a")
    adopt(git_repo)
    return git_repo


def test_production_does_not_start_from_what_development_used(repo: GitRepo) -> None:
    rules = "[policy]\nupgrade = []\ncooldown-days = 0\n[policy.development]\nnew = []\n"
    repo.write(".vetting/config.toml", f"format = 1\n{rules}")
    repo.commit("Policy")
    packages = {"a": entry("a"), "b": entry("b", dev=True)}
    write_project(repo, packages, asked=["a"], devDependencies={"b": "*"})
    assert codes(repo) == []
    repo.commit("A tool")
    write_project(repo, {"a": entry("a"), "b": entry("b", "1.0.1")})
    assert codes(repo) == [("b", "new")]


NEW = "new, and no note or exemption covers it"


@pytest.mark.parametrize(
    ("packages", "found"),
    [
        pytest.param({"a": entry("a")}, [], id="nothing changed"),
        pytest.param({"a": entry("a"), "b": entry("b")}, [("b", "new")], id="added"),
        pytest.param(
            {"a": entry("a", "1.1.0")},
            [("a", "upgraded")], id="upgraded",
        ),
        pytest.param(
            {"a": entry("a"), "alias": entry("b", name="b")}, [("b", "new")], id="behind an alias",
        ),
        pytest.param(
            {"a": entry("a"), "b": entry("b"), "b/node_modules/a": entry("a", "0.9.0")},
            [
                ("a", "brought"),
                ("b", "new"),
            ],
            id="a second version, brought by another",
        ),
        pytest.param(
            {"a": entry("a"), "b": entry("b"), "b/node_modules/a": entry("a")}, [("b", "new")],
            id="the same version in a second place",
        ),
    ],
)  # fmt: skip
def test_what_is_judged(
    repo: GitRepo, packages: Mapping[str, Any], found: list[tuple[str, str]]
) -> None:
    places = {place: dict(fields) for place, fields in packages.items()}
    if "b/node_modules/a" in places:
        places["b"]["dependencies"] = {"a": "*"}
    write_project(repo, places)
    assert codes(repo) == found


def test_the_whole_finding(repo: GitRepo) -> None:
    write_project(repo, {"a": entry("a"), "b": entry("b")})
    [found] = check(repo, "unvetted").findings
    fix = found.pop("fix")
    assert found.pop("help").endswith("/checks/unvetted/#new")
    assert (len(found.pop("identity")), len(found.pop("fingerprint"))) == (16, 64)
    assert fix.endswith('note "b@1.0.0" --criteria health')
    lines = (repo.path / "package-lock.json").read_text().splitlines()
    assert '"node_modules/b"' in lines[found.pop("line") - 1]
    assert found == {
        "check": "unvetted", "code": "new", "key": "b@1.0.0", "level": "error",
        "message": NEW, "path": "package-lock.json",
        "project": ".", "package": "b", "version": "1.0.0",
    }  # fmt: skip


def test_promoted_to_direct(repo: GitRepo) -> None:
    write_project(repo, {"a": entry("a", dependencies={"b": "*"}), "b": entry("b")}, asked=["a"])
    write_note(repo, "a", brings=[listed("b")])
    repo.commit("a brings b")
    write_project(repo, {"a": entry("a", dependencies={"b": "*"}), "b": entry("b")})
    assert codes(repo) == [("b", "promoted")]


def test_promoted_from_development(repo: GitRepo) -> None:
    config = '[policy]\nnew = ["source"]\n[policy.development]\nnew = ["health"]\n'
    repo.write(".vetting/config.toml", config)
    write_project(repo, {"b": entry("b", dev=True)}, asked=[], devDependencies={"b": "*"})
    write_note(repo, "b")
    repo.commit("b for development")
    write_project(repo, {"b": entry("b")})
    assert codes(repo) == [("b", "criteria")]


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"criteria": ["source"]}, "criteria"),
        ({"from_": "0.1.0", "criteria": ["changelog"]}, "chain"),
    ],
)
def test_what_a_note_lacks(repo: GitRepo, keys: dict[str, Any], code: str) -> None:
    write_project(repo, {"a": entry("a"), "b": entry("b")})
    write_note(repo, "b", **keys)
    assert codes(repo) == [("b", code)]


def test_each_its_own(repo: GitRepo) -> None:
    repo.write(".vetting/config.toml", '[policy]\ntransitive = "note"\n')
    repo.commit("Ask more")
    packages = {"a": entry("a"), "b": entry("b", dependencies={"c": "*"}), "c": entry("c")}
    write_project(repo, packages, asked=["a", "b"])
    write_note(repo, "b", brings=[listed("c")])
    assert codes(repo) == [("c", "own-note")]
    write_note(repo, "c")
    assert codes(repo) == []


def test_another_clients_hash_binds_nothing(repo: GitRepo) -> None:
    write_project(repo, {"a": entry("a"), "b": entry("b")})
    write_note(repo, "b", integrity=None, checksum="a" * 128)
    assert check(repo, "unvetted").judged == [("unvetted", "b")]


def test_promoted_to_a_place_where_another_version_was_direct(repo: GitRepo) -> None:
    write_project(
        repo,
        {
            "a": entry("a", dependencies={"b": "2"}),
            "a/node_modules/b": entry("b", "2.0.0"),
            "b": entry("b"),
        },
    )
    write_note(repo, "a", brings=[listed("b", "2.0.0")])
    write_note(repo, "b")
    repo.commit("Two versions of b")
    write_project(repo, {"a": entry("a", dependencies={"b": "2"}), "b": entry("b", "2.0.0")})
    assert [name for name, _ in codes(repo)] == ["b"]


def test_a_direct_dependency_that_only_moves_is_not_judged(repo: GitRepo) -> None:
    write_project(repo, {"a": entry("a"), "b": entry("b")})
    repo.commit("Unvetted")
    write_project(repo, {"a": entry("a"), "c": entry("b", name="b")}, asked=["a", "c"])
    assert codes(repo) == []


def test_an_exemption_stands_before_the_change_that_needs_it(repo: GitRepo) -> None:
    line = f"b@1.0.0 {sri('b@1.0.0')} - no time\n"
    write_project(repo, {"a": entry("a"), "b": entry("b")})
    repo.write(".vetting/exemptions.txt", line)
    assert check(repo).judged == [("policy", "b"), ("unvetted", "b")]
    repo.git("restore", "--staged", "package.json", "package-lock.json")
    done = check(repo, add=False)
    assert (done.status, [each["level"] for each in done.findings]) == (0, ["notice"])
    repo.git("commit", "-qm", "Exempt b")
    assert check(repo).judged == []


def test_the_commit_that_adopts_is_judged_by_its_own_policy(git_repo: GitRepo) -> None:
    write_project(git_repo, {"a": entry("a")})
    git_repo.write(".npmrc", "ignore-scripts=true\n")
    git_repo.commit("Before")
    git_repo.write(".vetting/exemptions.txt", f"a@1.0.0 {sri('a@1.0.0')} - at adoption\n")
    git_repo.write(".vetting/config.toml", "[policy]\ncooldown-days = 0\n")
    assert check(git_repo).judged == []
    git_repo.commit("Adopt")
    assert check(git_repo, "--all").judged == []


def test_one_note_serves_several_projects(repo: GitRepo) -> None:
    write_project(repo, {"a": entry("a")}, folder="other")
    repo.write("other/.npmrc", "ignore-scripts=true\n")
    assert codes(repo) == []


def test_a_merge_of_the_trunk_is_not_judged_again(repo: GitRepo) -> None:
    repo.git("checkout", "-qb", "branch")
    repo.commit("Nothing")
    repo.git("checkout", "-q", "main")
    write_project(repo, {"a": entry("a"), "b": entry("b")})
    repo.commit("Unjudged on the trunk")
    repo.git("checkout", "-q", "branch")
    repo.git("merge", "-q", "--no-commit", "--no-ff", "main")
    assert check(repo, add=False).judged == []


# The findings themselves, of states in memory.

ADOPTED = {".vetting/config.toml": "format = 2\n"}


def found(before: dict[str, str], after: dict[str, str], **more: Any) -> list[Finding]:
    return list(unvetted.run(change({**ADOPTED, **before}, {**ADOPTED, **after}, **more)))


def note(name: str, version: str = "1.0.0", **keys: Any) -> dict[str, str]:
    return {f".vetting/notes/{name}/{version}.toml": note_text(name, version, **keys)}


CARRIED = entry("in", inBundle=True, resolved=None, integrity=None)
TARBALL = {"out": entry("out", bundleDependencies=["in"]), "out/node_modules/in": CARRIED}


def test_what_a_tarball_carries() -> None:
    files = {**project(TARBALL, dependencies={"out": "*"}), **note("out")}
    (each,) = found({}, files)
    assert (each.code, each.key, each.package) == ("bundled", "in@1.0.0", "in")
    assert each.value is not None
    assert each.value.startswith("node_modules/in ")
    assert sri("out@1.0.0") in each.value
    assert [words[:3] for words in each.fix] == [("npm-vetted", "note", "out@1.0.0")]
    assert found({}, {**files, **note("out", bundles=[{"package": "in@1.0.0"}])}) == []


def test_of_a_tarball_without_a_note_only_the_tarball_is_told() -> None:
    assert [each.key for each in found({}, project(TARBALL, dependencies={"out": "*"}))] == [
        "out@1.0.0"
    ]


def test_what_another_package_brings_is_fixed_by_a_note_of_that_one() -> None:
    packages = {"a": entry("a", dependencies={"b": "*"}), "b": entry("b")}
    findings = found({}, project(packages, dependencies={"a": "*"}))
    assert [(each.key, each.code) for each in findings] == [
        ("a@1.0.0", "new"),
        ("b@1.0.0", "brought"),
    ]
    assert findings[0].fix == findings[1].fix
    assert findings[0].fix[0][:3] == ("npm-vetted", "note", "a@1.0.0")


@pytest.mark.parametrize(
    ("before", "level"), [({}, Level.ERROR), (project({"a": entry("a")}), Level.WARNING)]
)
def test_another_kind_of_hash_is_an_error_unless_the_version_was_locked(
    before: dict[str, str], level: Level
) -> None:
    text = note_text("a", integrity=None, checksum="a" * 128)
    moved = project({"a": entry("a", resolved="https://registry.yarnpkg.com/a/-/a-1.0.0.tgz")})
    (each,) = found(before, {**moved, ".vetting/notes/a/1.0.0.toml": text})
    assert (each.code, each.level, each.key) == ("unbound", level, "a@1.0.0")
    assert each.fix[0][:2] == ("npm-vetted", "note")


def test_a_note_that_was_committed_alone_makes_no_name_known(repo: GitRepo) -> None:
    little = {"from_": "1.0.0", "criteria": ["changelog"], "brings": [listed("b")]}
    write_note(repo, "a", "1.0.1", **little)
    repo.commit("A note, ahead of its upgrade")
    write_project(repo, {"a": entry("a", "1.0.1"), "b": entry("b")}, asked=["a"])
    assert codes(repo) == [("b", "criteria")]
    write_note(repo, "a", "1.0.1", **{**little, "criteria": ["changelog", "health"]})
    assert codes(repo) == []


def test_a_name_that_another_project_locks_is_known(repo: GitRepo) -> None:
    write_note(repo, "a", brings=[listed("b")], criteria=["changelog"])
    repo.write(".vetting/config.toml", "[policy]\nnew = []\ncooldown-days = 0\n")
    repo.commit("The policy requires nothing of what is new")
    write_project(repo, {"a": entry("a"), "b": entry("b")}, asked=["a"])
    repo.commit("a brings b")
    repo.write(".vetting/config.toml", "[policy]\ncooldown-days = 0\n")
    repo.commit("Now it does")
    write_project(repo, {"c": entry("c"), "b": entry("b")}, asked=["c"], folder="other")
    repo.write("other/.npmrc", "ignore-scripts=true\n")
    write_note(repo, "c")
    assert codes(repo) == []
