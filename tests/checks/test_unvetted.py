"""The check ``unvetted`` on real commits: which artifacts are judged, what is said, what helps."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

import pytest

from npm_vetted.checks import unvetted
from npm_vetted.model import Finding, Level
from npm_vetted.vetting.exemptions import Exemptions
from tests.support.changes import change, project
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


# Each code, of states in memory: package, code, level, fix.

Row = tuple[str, str, Level, tuple[tuple[str, ...], ...]]
ALONE = {"dependencies": {"a": "*"}}
A, A2 = project({"a": entry("a")}), project({"a": entry("a", "1.1.0")})
BRINGS = project(
    {"a": entry("a", dependencies={"b": "*"}), "b": entry("b")}, dependencies={"a": "*"}
)
BOTH_DIRECT = project({"a": entry("a", dependencies={"b": "*"}), "b": entry("b")})
MOVED = project({"a": entry("a", resolved="https://registry.yarnpkg.com/b/-/b-1.0.0.tgz")})
OWN_NOTES = '[policy]\ntransitive = "note"\n'
SPLIT = "[policy.development]\nnew = []\n"
DEVELOPMENT = project({"a": entry("a", dev=True)}, devDependencies={"a": "*"})
ERROR, WARNING = Level.ERROR, Level.WARNING


def note_fix(*words: str) -> tuple[tuple[str, ...], ...]:
    return (("npm-vetted", "note", *words),)


def rows(findings: list[Finding]) -> list[Row]:
    return [(each.key, each.code, each.level, each.fix) for each in findings]


@pytest.mark.parametrize(
    ("before", "after", "config", "expected"),
    [
        pytest.param(
            {}, A, "", [("a@1.0.0", "new", ERROR, note_fix("a@1.0.0", "--criteria", "health"))],
            id="new",
        ),
        pytest.param(
            A, A2, "",
            [("a@1.1.0", "upgraded", ERROR, note_fix("a@1.1.0", "--criteria", "changelog,health"))],
            id="upgraded",
        ),
        pytest.param(
            A2, A, "",
            [("a@1.0.0", "downgraded", ERROR, note_fix("a@1.0.0", "--criteria", "changelog,health"))],
            id="downgraded",
        ),
        pytest.param(
            A, MOVED, "",
            [("a@1.0.0", "source-changed", ERROR, note_fix("a@1.0.0", "--criteria", "health"))],
            id="another source",
        ),
        pytest.param(
            {}, {**BRINGS, **note("a")}, "",
            [("b@1.0.0", "new", ERROR, note_fix("--criteria", "health"))],
            id="brought by a vetted one",
        ),
        pytest.param(
            {**BRINGS, **note("a", brings=[listed("b")])},
            {**BOTH_DIRECT, **note("a", brings=[listed("b")])}, "",
            [("b@1.0.0", "promoted", ERROR, note_fix("b@1.0.0", "--criteria", "health"))],
            id="now direct, with a note that only lists it",
        ),
        pytest.param(
            BRINGS, BOTH_DIRECT, "",
            [("b@1.0.0", "promoted", ERROR, note_fix("b@1.0.0", "--criteria", "health"))],
            id="now direct, without a note",
        ),
        pytest.param(
            DEVELOPMENT, A, SPLIT,
            [("a@1.0.0", "promoted", ERROR, note_fix("a@1.0.0", "--criteria", "health"))],
            id="left development",
        ),
        pytest.param(
            {}, {**A, **note("a", criteria=["source"])}, "",
            [("a@1.0.0", "criteria", ERROR, note_fix("a@1.0.0", "--criteria", "health"))],
            id="criteria",
        ),
        pytest.param(
            {}, {**A, **note("a", from_="0.9.0", criteria=["changelog"])}, "",
            [("a@1.0.0", "chain", ERROR, note_fix("a@1.0.0", "--criteria", "health"))],
            id="chain",
        ),
        pytest.param(
            {}, {**BRINGS, **note("a", brings=[listed("b")])}, OWN_NOTES,
            [("b@1.0.0", "own-note", ERROR, note_fix("--criteria", "health"))],
            id="a note of its own",
        ),
        pytest.param(
            {}, {**A, **note("a", integrity=sri("others"))}, "", [],
            id="other bytes are a finding of integrity",
        ),
        pytest.param({}, {**A, **note("a")}, "", [], id="covered"),
    ],
)  # fmt: skip
def test_each_code(
    before: dict[str, str], after: dict[str, str], config: str, expected: list[Row]
) -> None:
    assert rows(found(before, after, config=config)) == expected


def test_with_all_there_is_no_before() -> None:
    findings = found({}, {**BRINGS, **note("a")}, everything=True)
    expected = note_fix("b@1.0.0", "--criteria", "health")
    assert rows(findings) == [("b@1.0.0", "no-note", ERROR, expected)]


def test_several_new_packages_each_have_their_fix() -> None:
    files = project({"a": entry("a"), "b": entry("b")})
    assert [each.fix[0][2] for each in found({}, files)] == ["a@1.0.0", "b@1.0.0"]


def test_a_package_between_two_older_versions_is_an_upgrade() -> None:
    two = project(
        {"n": entry("n", dependencies={"a": "1"}), "n/node_modules/a": entry("a", "1.0.0"),
         "a": entry("a", "3.0.0")}
    )  # fmt: skip
    one = project({"n": entry("n", dependencies={"a": "1"}), "a": entry("a", "2.0.0")})
    assert [(each.key, each.code) for each in found(two, one)] == [("a@2.0.0", "upgraded")]


def test_what_no_hash_binds_is_exempted_not_noted() -> None:
    weak = project({"a": entry("a", integrity=sri("a@1.0.0", "sha1"))})
    (each,) = found({}, weak)
    assert each.fix == (("npm-vetted", "exempt", "a@1.0.0", "--reason", "REASON"),)


# Tarballs.


def test_a_bundled_package_whose_note_lacks_criteria() -> None:
    files = {
        **project(TARBALL, dependencies={"out": "*"}),
        **note("out", criteria=["health"], bundles=[{"package": "in@1.0.0"}]),
    }
    assert found({}, files) == []
    known = project({"out": entry("out", "0.9.0")}, dependencies={"out": "*"})
    upgrade = note("out", criteria=["changelog"], from_="0.9.0", bundles=[{"package": "in@1.0.0"}])
    before = {**known, **note("out", "0.9.0")}
    (each,) = found(
        before, {**project(TARBALL, dependencies={"out": "*"}), **note("out", "0.9.0"), **upgrade}
    )
    assert (each.key, each.code) == ("in@1.0.0", "bundled")


def test_the_old_format_is_upgraded_before_a_note_can_list_bundles() -> None:
    old = {".vetting/config.toml": "format = 1\n"}
    files = {**old, **project(TARBALL, dependencies={"out": "*"}), **note("out")}
    made = change(old, files)
    made.policy = made.policy._replace(format=1)
    made.vetting.policy = made.policy
    (each,) = unvetted.run(made)
    assert each.fix[0] == ("npm-vetted", "init", "--upgrade")
    assert each.fix[1][:3] == ("npm-vetted", "note", "out@1.0.0")


# Hashes that cannot be compared.


def test_a_client_without_a_hash_is_a_warning() -> None:
    lock = """__metadata:
  version: 8
  cacheKey: 10c0

"a@npm:^1.0.0":
  version: 1.0.0
  resolution: "a@npm:1.0.0"
  conditions: os=linux
  languageName: node
  linkType: hard

"p@workspace:.":
  version: 0.0.0-use.local
  resolution: "p@workspace:."
  dependencies:
    a: "npm:^1.0.0"
  languageName: unknown
  linkType: soft
"""
    manifest = json.dumps({"name": "p", "dependencies": {"a": "^1.0.0"}})
    (each,) = found({}, {"package.json": manifest, "yarn.lock": lock, **note("a")})
    assert (each.check, each.key, each.code, each.level, each.fix) == (
        "unvetted", "a@1.0.0", "unbound", WARNING, (),
    )  # fmt: skip
    assert each.message == (
        "yarn.lock berry 8 records no hash of it, so .vetting/notes/a/1.0.0.toml cannot be tied to "
        "its contents"
    )


def test_an_unbound_package_is_noted_again_with_all_that_the_change_brings() -> None:
    text = note_text("a", integrity=None, checksum="a" * 128)
    unbound = {".vetting/notes/a/1.0.0.toml": text}
    (new,) = found({}, {**A, **unbound})
    assert new.fix == note_fix("a@1.0.0")
    (moved,) = found(A, {**MOVED, **unbound})
    assert moved.fix == note_fix()
    (listed_by_all,) = found({}, {**A, **unbound}, everything=True)
    assert (listed_by_all.level, listed_by_all.fix) == (WARNING, note_fix("a@1.0.0"))


# packageManager.

HASH = "0a" * 64
PNPM = "pnpm@9.1.0"
HASHED = f"{PNPM}+sha512.{HASH}"
WITHOUT_HASH = (PNPM, "package-manager-without-hash", WARNING, (("corepack", "use", PNPM),))


def pinning(manager: str | None) -> dict[str, str]:
    manifest = json.loads(A["package.json"])
    if manager is not None:
        manifest["packageManager"] = manager
    return {
        **A,
        "x/package.json": json.dumps(manifest),
        "x/package-lock.json": A["package-lock.json"],
    }


def manager_note(text: str = HASHED, **keys: Any) -> dict[str, str]:
    integrity = f"sha512-{base64.b64encode(bytes.fromhex(HASH)).decode()}"
    own = {"integrity": integrity} if "+" in text else {"integrity": None, "checksum": "a" * 128}
    return note("pnpm", "9.1.0", **{**own, **keys})


NEW_FIX = note_fix(PNPM, "--criteria", "health,scripts")
STEP_FIX = note_fix(PNPM, "--criteria", "changelog,scripts")
WHOLE_FIX = note_fix(PNPM, "--criteria", "changelog,health,scripts")
VETTED_START = note("pnpm", "9.0.0")


@pytest.mark.parametrize(
    ("before", "after", "notes", "expected"),
    [
        pytest.param(None, None, {}, [], id="none"),
        pytest.param(PNPM, PNPM, {}, [], id="the same"),
        pytest.param(PNPM, HASHED, {}, [], id="a hash is added"),
        pytest.param(
            None, PNPM, {}, [(PNPM, "package-manager", WARNING, NEW_FIX), WITHOUT_HASH],
            id="new, without a hash",
        ),
        pytest.param(
            None, HASHED, {}, [(PNPM, "package-manager", ERROR, NEW_FIX)], id="new, with a hash"
        ),
        pytest.param(
            "pnpm@9.0.0", PNPM, {}, [(PNPM, "package-manager", ERROR, WHOLE_FIX), WITHOUT_HASH],
            id="upgraded from what nobody vetted, without a hash",
        ),
        pytest.param(
            "pnpm@9.0.0", PNPM, VETTED_START,
            [(PNPM, "package-manager", ERROR, STEP_FIX), WITHOUT_HASH],
            id="upgraded, without a hash",
        ),
        pytest.param(
            "yarn@1.22.1", PNPM, {}, [(PNPM, "package-manager", WARNING, NEW_FIX), WITHOUT_HASH],
            id="another client",
        ),
        pytest.param(None, HASHED, manager_note(), [], id="noted"),
        pytest.param(
            None, HASHED, manager_note(integrity=sri("x")),
            [(PNPM, "package-manager", ERROR, NEW_FIX)], id="other bytes",
        ),
        pytest.param(
            None, HASHED, manager_note(criteria=["source"]),
            [(PNPM, "package-manager", ERROR, NEW_FIX)], id="criteria",
        ),
        pytest.param(
            None, HASHED, manager_note(criteria=["changelog"], from_="9.0.0"),
            [(PNPM, "package-manager", ERROR, NEW_FIX)], id="chain",
        ),
    ],
)  # fmt: skip
def test_a_package_manager(
    before: str | None, after: str | None, notes: dict[str, str], expected: list[Row]
) -> None:
    covered = note("a")
    findings = found({**pinning(before), **covered}, {**pinning(after), **covered, **notes})
    assert rows(findings) == expected
    for each in findings:
        assert (each.location.path, each.project, each.package, each.version) == (
            "x/package.json", "x", "pnpm", "9.1.0",
        )  # fmt: skip
        assert (each.check, each.value) == ("unvetted", after)


def test_the_commit_that_adopts_takes_over_the_package_manager() -> None:
    files = {**pinning(PNPM), **ADOPTED, **note("a")}
    assert list(unvetted.run(change(pinning(None), files))) == []
    with_all = unvetted.run(change({}, files, everything=True))
    assert [each.code for each in with_all] == ["package-manager", "package-manager-without-hash"]


def test_the_package_manager_at_the_top_is_of_the_project_at_the_top() -> None:
    manifest = json.dumps({**json.loads(A["package.json"]), "packageManager": HASHED})
    (each,) = found({**A, **note("a")}, {**A, "package.json": manifest, **note("a")})
    assert each.project == "."


def test_the_note_of_an_upgrade_names_what_its_new_dependency_needs() -> None:
    before = {**A, **note("a")}
    step = project(
        {"a": entry("a", "1.1.0", dependencies={"b": "*"}), "b": entry("b")},
        dependencies={"a": "*"},
    )
    expected = note_fix("a@1.1.0", "--criteria", "changelog,health")
    assert rows(found(before, {**step, **note("a")})) == [
        ("a@1.1.0", "upgraded", ERROR, expected), ("b@1.0.0", "brought", ERROR, expected),
    ]  # fmt: skip
    alone = found(before, {**A2, **note("a")})
    assert [each.fix for each in alone] == [note_fix("a@1.1.0", "--criteria", "changelog")]


# The sentences, once.


def test_the_messages_about_tarballs_and_hashes() -> None:
    tarball = project(TARBALL, dependencies={"out": "*"})
    (unlisted,) = found({}, {**tarball, **note("out")})
    assert unlisted.message == (
        "the lockfile says that it is bundled in out@1.0.0, but no note lists it there: if the tarball lacks it, "
        "npm fetches it without comparing a hash"
    )
    known = {
        **project({"out": entry("out", "0.9.0")}, dependencies={"out": "*"}),
        **note("out", "0.9.0"),
    }
    step = note("out", criteria=["changelog"], from_="0.9.0", bundles=[{"package": "in@1.0.0"}])
    two = '[policy]\nnew = ["health", "scripts"]\n'
    (lacking,) = found(
        known,
        {**known, **tarball, **step, **note("out", "0.9.0", criteria=["health", "scripts"])},
        config=two,
    )
    assert lacking.message == (
        "new, in the tarball of out@1.0.0, whose note lacks criteria of the policy: health, scripts"
    )
    (_, hashless) = found(pinning(None), {**pinning(PNPM), **note("a")})
    assert hashless.message == "packageManager has no hash: nothing binds what is fetched and run"
    exempt = change({**ADOPTED}, {**ADOPTED, **A})
    exempt.vetting.exemptions = Exemptions(f"a@1.0.0 checksum:{'a' * 128} - at adoption\n")
    (unbound,) = unvetted.run(exempt)
    assert unbound.message.startswith(".vetting/exemptions.txt records a different kind of hash")


@pytest.mark.parametrize(
    ("before", "after", "config", "message"),
    [
        ({}, A, "", "new, and no note or exemption covers it"),
        (A, A2, "", "upgraded from 1.0.0, and no note covers it"),
        (A, MOVED, "", "its download source changed, and no note covers the new one"),
        ({}, {**BRINGS, **note("a")}, "", "new, and no note or exemption covers it"),
        (
            BRINGS, BOTH_DIRECT, "",
            "now a direct or production dependency, and no note covers it with health",
        ),
        (
            {**BRINGS, **note("a", brings=[listed("b")])},
            {**BOTH_DIRECT, **note("a", brings=[listed("b")])}, "",
            ("now a direct dependency, but .vetting/notes/a/1.0.0.toml covers it only as a transitive one; "
             "it needs its own note with health"),
        ),
        (
            {}, {**A, **note("a")}, '[policy]\nnew = ["health", "changelog", "scripts"]\n',
            ".vetting/notes/a/1.0.0.toml lacks criteria of the policy: changelog, scripts",
        ),
        (
            {}, {**A, **note("a", from_="0.9.0", criteria=["changelog"])}, "",
            ".vetting/notes/a/1.0.0.toml only reviews the changes since 0.9.0, which is not vetted",
        ),
        (
            {}, {**BRINGS, **note("a", brings=[listed("b")])}, OWN_NOTES,
            ".vetting/notes/a/1.0.0.toml only lists it; the policy requires a note of its own",
        ),
        (
            {}, {**A, ".vetting/notes/a/1.0.0.toml": note_text("a", integrity=None, checksum="a" * 128)}, "",
            (".vetting/notes/a/1.0.0.toml records a different kind of hash than package-lock.json 3; "
             "npm-vetted cannot confirm that the contents are the same"),
        ),
        (
            pinning(None), {**pinning(PNPM), **note("a")}, "",
            "packageManager: new; it is fetched and run on every machine, and no note covers it with health",
        ),
        (
            pinning("pnpm@9.0.0"), {**pinning(PNPM), **note("a")}, "",
            ("packageManager: upgraded from 9.0.0; it is fetched and run on every machine, and no note "
             "covers it with changelog"),
        ),
        (
            pinning(None), {**pinning(HASHED), **note("a"), **manager_note(criteria=["source"])}, "",
            "packageManager: .vetting/notes/pnpm/9.1.0.toml lacks criteria of the policy: health",
        ),
        (
            pinning(None),
            {**pinning(HASHED), **note("a"), **manager_note(criteria=["changelog"], from_="9.0.0")}, "",
            "packageManager: its note only reviews the changes since 9.0.0, which is not vetted",
        ),
        (
            pinning(None), {**pinning(HASHED), **note("a"), **manager_note(integrity=sri("x"))}, "",
            "packageManager: its hash is not that of the note",
        ),
    ],
)  # fmt: skip
def test_the_message_says_what_is_missing(
    before: dict[str, str], after: dict[str, str], config: str, message: str
) -> None:
    assert found(before, after, config=config)[0].message == message


PNPM_LOCK: Final = """\
lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      a: {{specifier: {0}, version: {0}}}
packages:
  a@{0}: {{resolution: {{integrity: {1}}}}}
snapshots:
  a@{0}: {{}}
"""


def test_the_fix_of_a_patch_step_names_the_scripts_of_the_version_before(git_repo: GitRepo) -> None:
    """pnpm's lockfile does not tell who has scripts; the note of the version before does."""

    def lock(version: str) -> None:
        manifest = {"name": "p", "packageManager": "pnpm@10.4.0", "dependencies": {"a": version}}
        git_repo.write("package.json", json.dumps(manifest))
        integrity = entry("a", version)["integrity"]
        git_repo.write("pnpm-lock.yaml", PNPM_LOCK.format(version, integrity))

    lock("1.0.0")
    criteria = ["health", "scripts"]
    write_note(git_repo, "a", criteria=criteria, scripts=["postinstall"])
    git_repo.write(".vetting/config.toml", "format = 2\n[policy]\nupgrade = { patch = [] }\n")
    git_repo.commit("Adopt")
    lock("1.0.1")
    fixes = [each["fix"] for each in check(git_repo, "unvetted").findings if each["package"] == "a"]
    assert [each.partition("note ")[2] for each in fixes] == ['"a@1.0.1" --criteria scripts']
