"""A project without a lockfile: its specifiers are judged in place of artifacts."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping

import pytest

from npm_vetted.model import Artifact, Kind, Requirement
from npm_vetted.projects.unlocked import artifact_of
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import Done, adopt, check, note_text, run, sri

IGNORE = '[[ignore]]\ncheck = "lockfile-sync"\npath = "package.json"\nreason = "a library"\n'
NO_LOCKFILE = ("lockfile-sync", None)


def write(repo: GitRepo, dependencies: Mapping[str, str], **fields: object) -> None:
    manifest = {"name": "lib", "version": "1.0.0", "dependencies": dependencies, **fields}
    repo.write("package.json", json.dumps(manifest, indent=2) + "\n")


@pytest.fixture
def library(git_repo: GitRepo) -> GitRepo:
    """A library that accepts to have no lockfile."""
    adopt(git_repo, IGNORE)
    return git_repo


def noted(repo: GitRepo, *words: str, criteria: str = "health") -> Done:
    options = ("--offline", "--criteria", criteria, "-m", "It was read.")
    done = run(repo.path, "note", *words, *options)
    assert done.status == 0, done.err
    return done


def test_without_a_lockfile_there_is_one_finding(git_repo: GitRepo) -> None:
    adopt(git_repo)
    write(git_repo, {"express": "^4.18.0"})
    assert check(git_repo).judged == [NO_LOCKFILE]


def test_where_that_is_accepted_the_specifiers_are_judged(library: GitRepo) -> None:
    write(library, {"express": "^4.18.0"}, devDependencies={"tap": "~18.0.0"})
    found = check(library).findings
    assert [(f["check"], f["path"], f["line"], f["package"], f["version"]) for f in found] == [
        ("unvetted", "package.json", 5, "express", None),
        ("unvetted", "package.json", 8, "tap", None),
    ]
    assert found[0]["message"] == "new, and no note or exemption covers it"
    assert found[0]["fix"].endswith('note "express@^4.18.0" --criteria health')


@pytest.mark.parametrize(
    ("client", "specifier", "judged"),
    [
        ("npm@11.6.0", "^1.0.0", False),
        ("npm@11.6.0", "*", False),
        ("npm@11.6.0", "^2.0.0", True),
        ("npm@11.6.0", "latest", True),
        ("npm@11.6.0", "npm:@acme/a@^1.0.0", True),
        ("yarn@1.22.22", "^1.0.0", False),
        ("bun@1.4.0", "^1.0.0", False),
        ("pnpm@10.34.9", "^1.0.0", True),  # from pnpm 9, only workspace: means a workspace
        ("pnpm@10.34.9", "workspace:^", False),
    ],
)
def test_a_range_that_a_workspace_satisfies_is_no_package(
    library: GitRepo, client: str, specifier: str, judged: bool
) -> None:
    write(library, {}, packageManager=client, private=True, workspaces=["packages/*"])
    library.write("pnpm-workspace.yaml", "packages:\n  - packages/*\n")
    library.write("packages/a/package.json", '{"name": "@acme/a", "version": "1.0.0"}')
    manifest = {"name": "@acme/b", "dependencies": {"@acme/a": specifier}}
    library.write("packages/b/package.json", json.dumps(manifest))
    found = check(library, "unvetted").findings
    assert ("@acme/a" in {each["package"] for each in found}) is judged


def test_a_note_says_the_specifier(library: GitRepo) -> None:
    write(library, {"express": "^4.18.0"})
    library.add()
    noted(library, "express")
    note = tomllib.loads((library.path / ".vetting/notes/express/%5e4.18.0.toml").read_text())
    assert {"package": "express", "specifier": "^4.18.0"}.items() <= note.items()
    assert not {"version", "integrity", "resolved"} & note.keys()
    assert check(library).judged == []
    library.commit("Add express")
    assert check(library, "--all").judged == []


def test_another_specifier_is_unvetted(library: GitRepo) -> None:
    write(library, {"express": "^4.18.0"})
    library.add()
    noted(library, "express@^4.18.0")
    library.commit("Add express")
    write(library, {"express": ">=4.18.0"})
    assert check(library).judged == [("unvetted", "express")]
    noted(library, "express", criteria="changelog")
    assert check(library).judged == []


def test_what_did_not_change_is_not_judged_again(library: GitRepo) -> None:
    write(library, {"express": "^4.18.0"})
    library.commit("Unvetted")
    write(library, {"koa": "^2.0.0", "express": "^4.18.0"})
    assert check(library).judged == [("unvetted", "koa")]


def test_a_group_lists_specifiers(library: GitRepo) -> None:
    write(library, {"express": "^4.18.0", "koa": "^2.0.0"})
    library.add()
    noted(library, "express", "koa")
    assert check(library).judged == []


@pytest.mark.parametrize(
    ("specifier", "kind"),
    [
        ("git+https://github.com/o/r.git#v1", "git"),
        ("o/r", "git"),
        ("https://example.com/a.tgz", "tarball"),
        ("file:./a.tgz", "file"),
    ],
)
def test_exotic_specifiers_need_a_note(library: GitRepo, specifier: str, kind: str) -> None:
    write(library, {"a": specifier})
    done = check(library)
    assert done.judged == [("lockfile-source", "a"), ("unvetted", "a")]
    assert done.findings[0]["message"] == (
        f"comes from {kind} ({specifier}), and no note accepts that source"
    )
    noted(library, "a")
    assert check(library).judged == []


def test_a_note_that_is_taken_away_is_missed(library: GitRepo) -> None:
    write(library, {"express": "^4.18.0"})
    library.add()
    noted(library, "express")
    library.commit("Add express")
    library.git("rm", "-qr", ".vetting/notes")
    assert check(library).judged == [("notes", "express")]


def test_an_ended_exception_accepts_nothing(git_repo: GitRepo) -> None:
    adopt(git_repo, IGNORE + "until = 2020-01-31\n")
    write(git_repo, {"express": "^4.18.0"})
    [found] = check(git_repo).findings
    assert found["message"].endswith("(its exception ended on 2020-01-31)")


def test_a_lockfile_that_comes_later_is_judged_by_what_it_pins(library: GitRepo) -> None:
    write(library, {"express": "^4.18.0"})
    library.add()
    noted(library, "express")
    library.commit("Add express")
    lock = {
        "name": "lib", "version": "1.0.0", "lockfileVersion": 3,
        "packages": {
            "": {"name": "lib", "version": "1.0.0", "dependencies": {"express": "^4.18.0"}},
            "node_modules/express": {
                "version": "4.18.2",
                "resolved": "https://registry.npmjs.org/express/-/express-4.18.2.tgz",
                "integrity": f"sha512-{'A' * 86}==",
            },
        },
    }  # fmt: skip
    library.write("package-lock.json", json.dumps(lock, indent=2))
    assert check(library).judged == [("unvetted", "express")]


def test_init_exempts_the_specifiers(git_repo: GitRepo) -> None:
    write(git_repo, {"express": "^4.18.0", "a": "git+https://github.com/o/r.git"})
    git_repo.commit("Begin")
    assert run(git_repo.path, "init").status == 0
    assert check(git_repo).judged == []
    git_repo.commit("Adopt")
    assert check(git_repo, "--all").judged == []
    lines = (git_repo.path / ".vetting/exemptions.txt").read_text()
    assert "express@- specifier:%5E4.18.0 - at adoption\n" in lines


def test_audit_reports_them(library: GitRepo) -> None:
    write(library, {"express": "^4.18.0"})
    library.add()
    data = run(library.path, "audit", "--format", "json").json
    assert data["projects"] == [{"path": ".", "client": "npm", "lockfile": None}]
    [row] = data["artifacts"]
    assert (row["package"], row["version"], row["status"]) == ("express", None, "unvetted")
    assert "express@^4.18.0" in run(library.path, "audit").out


@pytest.mark.parametrize(
    ("name", "specifier", "artifact"),
    [
        ("a", "^1.0.0", ("a", Kind.REGISTRY, "^1.0.0")),
        ("a", "1 || 2", ("a", Kind.REGISTRY, "1 || 2")),
        ("a", "", ("a", Kind.REGISTRY, "*")),
        ("a", "latest", ("a", Kind.REGISTRY, "latest")),
        ("a", "npm:@s/b@^2.0.0", ("@s/b", Kind.REGISTRY, "^2.0.0")),
        ("a", "npm:b", ("b", Kind.REGISTRY, "*")),
        ("a", "git+ssh://git@github.com/o/r.git", ("a", Kind.GIT, "git+ssh://git@github.com/o/r.git")),
        ("a", "github:o/r#semver:^1", ("a", Kind.GIT, "github:o/r#semver:^1")),
        ("a", "o/r#main", ("a", Kind.GIT, "o/r#main")),
        ("a", "git@github.com:o/r.git", ("a", Kind.GIT, "git@github.com:o/r.git")),
        ("a", "HTTPS://x.example/a.tgz", ("a", Kind.TARBALL, "HTTPS://x.example/a.tgz")),
        ("a", "file:../a-1.0.0.tgz", ("a", Kind.FILE, "file:../a-1.0.0.tgz")),
        ("a", "./a.tar.gz", ("a", Kind.FILE, "./a.tar.gz")),
        ("a", "catalog:", ("a", Kind.OTHER, "catalog:")),
        ("a", "jsr:^1.0.0", ("a", Kind.OTHER, "jsr:^1.0.0")),
        ("a", "patch:a@1#./p", ("a", Kind.OTHER, "patch:a@1#./p")),
        ("a", "file:../b", None),
        ("a", "workspace:^", None),
        ("a", "link:./b", None),
    ],
)  # fmt: skip
def test_what_a_specifier_may_install(
    name: str, specifier: str, artifact: tuple[str, Kind, str] | None
) -> None:
    found = artifact_of(Requirement(name=name, specifier=specifier))
    if artifact is None:
        assert found is None
        return
    real, kind, wanted = artifact
    assert found == Artifact(name=real, version=None, kind=kind, specifier=wanted)


def test_peers_that_development_installs_count_once(library: GitRepo) -> None:
    write(
        library, {}, devDependencies={"react": "^18"},
        peerDependencies={"react": ">=16", "vue": "*"},
    )  # fmt: skip
    found = [(f["package"], f["fix"].split()[2]) for f in check(library).findings]
    assert found == [("react", '"react@^18"'), ("vue", '"vue@*"')]


def test_an_exact_version_that_a_lockfile_elsewhere_pins_needs_no_second_note(
    library: GitRepo,
) -> None:
    write(library, {"a": "1.0.0", "b": "^1.0.0"})
    library.write(".vetting/notes/a/1.0.0.toml", note_text("a"))
    library.write(".vetting/notes/b/1.0.0.toml", note_text("b"))
    found = check(library, "unvetted").findings
    assert [each["key"] for each in found] == ["b@^1.0.0"]


@pytest.mark.parametrize(("specifier", "exempt"), [("1.0.0", True), ("^1.0.0", False)])
def test_an_exemption_of_an_exact_version_counts_as_well(
    git_repo: GitRepo, specifier: str, exempt: bool
) -> None:
    adopt(git_repo, IGNORE, f"a@1.0.0 {sri('a@1.0.0')} - at adoption\n")
    write(git_repo, {"a": specifier})
    assert (check(git_repo, "unvetted").findings == []) is exempt


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"overrides": {"b": "npm:evil@1.0.0"}}, ["evil@1.0.0"]),
        ({"overrides": {"a": {"b": "2.0.0"}}}, ["b@2.0.0"]),
        ({"overrides": {"a": {".": "2.0.0", "@s/c@^1": "3.0.0"}}}, ["@s/c@3.0.0", "a@2.0.0"]),
        ({"resolutions": {"x/**/b": "2.0.0", "a/@s/c": "3.0.0"}}, ["@s/c@3.0.0", "b@2.0.0"]),
        ({"pnpm": {"overrides": {"a@1>b@2": "2.0.0", "c": "-"}}}, ["b@2.0.0"]),
        ({"overrides": {"b@>=1": "2.0.0"}}, ["b@2.0.0"]),
        ({"pnpm": {"overrides": {"a@>=1>b@>=1": "2.0.0"}}}, ["b@2.0.0"]),
        ({"overrides": {"b": "$a"}}, []),
    ],
)
def test_what_overrides_install_needs_a_note(
    library: GitRepo, fields: Mapping[str, object], found: list[str]
) -> None:
    write(library, {"own": "link:./own"}, **fields)
    fixes = [each["fix"].split()[2].strip('"') for each in check(library).findings]
    assert sorted(fixes) == found
