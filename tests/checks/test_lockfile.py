"""The checks ``lockfile-source``, ``lockfile-sync`` and those of settings on real commits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import (
    REGISTRY,
    SWITCH,
    adopt,
    check,
    entry,
    note_text,
    sri,
    write_note,
    write_project,
)  # fmt: skip

OURS = '[[first-party]]\nscopes = ["@acme"]\nregistry = "https://npm.acme.example/"\n'
GIT = "git+https://github.com/o/b.git#" + "1" * 40


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A repository that has adopted, with a policy of its own packages."""
    write_project(git_repo, {})
    adopt(git_repo, OURS)
    return git_repo


def said(repo: GitRepo, check_id: str) -> list[str]:
    return [each["message"] for each in check(repo, check_id).findings]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, None),
        ({"resolved": None}, None),
        ({"resolved": "https://registry.yarnpkg.com/b/-/b-1.0.0.tgz"}, None),
        (
            {"resolved": "http://registry.npmjs.org/b/-/b-1.0.0.tgz"},
            "comes from http://registry.npmjs.org/b/-/b-1.0.0.tgz, which is not an allowed registry",
        ),
        (
            {"resolved": "https://registry.npmjs.org.evil.example/b/-/b-1.0.0.tgz"},
            "comes from https://registry.npmjs.org.evil.example/b/-/b-1.0.0.tgz, which is not",
        ),
        (
            {"resolved": f"{REGISTRY}c/-/c-1.0.0.tgz"},
            "its tarball is of another package or version: expected b@1.0.0, found c@1.0.0",
        ),
        (
            {"resolved": f"{REGISTRY}b/-/b-1.0.1.tgz"},
            "its tarball is of another package or version: expected b@1.0.0, found b@1.0.1",
        ),
        ({"integrity": None}, "no hash: an install takes whatever the host sends"),
        ({"integrity": sri("b", "sha1")}, "only a weak hash binds its bytes: sha1-"),
    ],
)
def test_where_a_registry_package_comes_from(
    repo: GitRepo, fields: dict[str, Any], message: str | None
) -> None:
    locked = entry("b", **fields)
    write_project(repo, {"b": locked})
    write_note(repo, "b", integrity=locked.get("integrity", sri("b")))
    found = said(repo, "lockfile-source")
    assert [words[: len(message or "")] for words in found] == (
        [] if message is None else [message]
    )


@pytest.mark.parametrize(
    ("fragment", "code"),
    [("", "no-hash"), ("#", "no-hash"), ("#sha1", "no-hash"), (f"#{'a' * 39}", "no-hash"),
     (f"#{'a' * 40}", "weak-hash")],
)  # fmt: skip
def test_what_yarn_classic_takes_for_a_hash(git_repo: GitRepo, fragment: str, code: str) -> None:
    git_repo.write(".vetting/config.toml", "format = 1\n")
    git_repo.write("package.json", '{"name": "r", "dependencies": {"b": "1.0.0"}}')
    resolved = f"{REGISTRY}b/-/b-1.0.0.tgz{fragment}"
    git_repo.write(
        "yarn.lock",
        f'# yarn lockfile v1\n\n\nb@1.0.0:\n  version "1.0.0"\n  resolved "{resolved}"\n',
    )
    done = check(git_repo, "--all", "lockfile-source")
    assert [each["code"] for each in done.findings] == [code]


def test_an_exotic_source_needs_a_note_of_exactly_that(repo: GitRepo) -> None:
    write_project(repo, {"b": entry("b", resolved=GIT, integrity=None)}, asked={"b": GIT})
    assert ("lockfile-source", "b") in check(repo).judged
    text = note_text("b", integrity=None, resolved=GIT)
    repo.write(".vetting/notes/b/1.0.0.toml", text)
    assert check(repo, "lockfile-source", "unvetted").judged == []


@pytest.mark.parametrize(
    ("fields", "npmrc", "message"),
    [
        ({"resolved": "https://npm.acme.example/@acme/b/-/b-1.0.0.tgz"}, "", None),
        (
            {}, "", ("a first-party package must come from https://npm.acme.example/, found "
            "https://registry.npmjs.org/@acme/b/-/b-1.0.0.tgz"),
        ),
        ({"resolved": None}, "@acme:registry=https://npm.acme.example/\n", None),
        (
            {"resolved": None}, "",
            ("a first-party package must come from https://npm.acme.example/, and neither the "
            "lockfile nor the committed settings say so for @acme (found https://registry.npmjs.org/)"),
        ),
    ],
)  # fmt: skip
def test_our_own_packages_come_from_our_registry(
    repo: GitRepo, fields: dict[str, Any], npmrc: str, message: str | None
) -> None:
    repo.write(".npmrc", SWITCH + npmrc)
    write_project(repo, {"@acme/b": entry("@acme/b", **fields)})
    assert said(repo, "lockfile-source") == ([] if message is None else [message])
    assert check(repo, "unvetted").judged == []


@pytest.mark.parametrize(
    ("bundler", "inner", "message"),
    [
        ({"bundleDependencies": ["c"]}, {"resolved": None, "integrity": None}, None),
        (
            {}, {"resolved": None, "integrity": None},
            "marked as bundled, but no package above it bundles it",
        ),
        ({"bundleDependencies": ["c"]}, {"resolved": None}, None),  # npm 11 migrated version 1
        (
            {"bundleDependencies": ["c"]}, {},
            ("marked as bundled, but with a source of its own: a client would fetch it from "
            "https://registry.npmjs.org/c/-/c-1.0.0.tgz"),
        ),
    ],
)  # fmt: skip
def test_bundled_packages(
    repo: GitRepo, bundler: dict[str, Any], inner: dict[str, Any], message: str | None
) -> None:
    packages = {
        "b": entry("b", dependencies={"c": "*"}, **bundler),
        "b/node_modules/c": entry("c", inBundle=True, **inner),
    }
    write_project(repo, packages)
    write_note(repo, "b")
    assert said(repo, "lockfile-source") == ([] if message is None else [message])


@pytest.mark.parametrize(
    ("path", "rejected"),
    [
        ("node_modules/x/index.js", True),
        ("a/node_modules/x/package.json", True),
        ("node_modules_old/x", False),
    ],
)
def test_installed_packages_that_are_committed(repo: GitRepo, path: str, rejected: bool) -> None:
    repo.write(path, "1\n")
    found = check(repo, "lockfile-source").findings
    assert [each["path"] for each in found] == ([path] if rejected else [])


# lockfile-sync


def test_two_lockfiles(repo: GitRepo) -> None:
    repo.write("yarn.lock", "# yarn lockfile v1\n\n\n")
    found = said(repo, "lockfile-sync")
    assert "2 lockfiles for one project: package-lock.json, yarn.lock" in found[0]


def test_a_missing_lockfile(repo: GitRepo) -> None:
    write_project(repo, {"b": entry("b")})
    repo.git("rm", "-qf", "--cached", "package-lock.json")
    (repo.path / "package-lock.json").unlink()
    [found] = check(repo).findings
    assert (found["check"], found["path"], found["message"]) == (
        "lockfile-sync", "package.json",
        "no lockfile: expected one of npm-shrinkwrap.json, package-lock.json",
    )  # fmt: skip
    assert found["fix"] == (
        "npm install --package-lock-only --ignore-scripts\ngit add package-lock.json"
    )


def test_a_lockfile_of_another_client_than_the_pinned_one(repo: GitRepo) -> None:
    write_project(repo, {}, packageManager="pnpm@10.0.0")
    found = said(repo, "lockfile-sync")
    assert "the project pins pnpm, and package-lock.json is a lockfile of npm" in found


@pytest.mark.parametrize(
    ("client", "command"),
    [
        ("npm", "npm --prefix app install --package-lock-only --ignore-scripts"),
        ("pnpm", "pnpm -C app install --lockfile-only --ignore-scripts"),
        ("yarn@1.22.22", "yarn --cwd app install --ignore-scripts"),
        ("yarn@4.9.4", "yarn --cwd app install --mode=update-lockfile"),
        ("bun", "bun install --cwd app --lockfile-only --ignore-scripts"),
    ],
)
def test_the_fix_is_run_in_the_projects_folder(repo: GitRepo, client: str, command: str) -> None:
    write_project(repo, {"b": entry("b")}, folder="app", packageManager=client)
    (repo.path / "app/package-lock.json").unlink()
    [found] = check(repo, "lockfile-sync").findings
    add = found["fix"].rpartition("\n")[2]
    assert found["fix"] == f"{command}\n{add}"
    assert add.startswith("git add app/")


@pytest.mark.parametrize(
    ("pin", "surplus"),
    [(None, "yarn.lock"), ("npm@11.6.0", "yarn.lock"), ("yarn@1.22.22", "package-lock.json")],
)
def test_the_fix_keeps_the_lockfile_of_the_pinned_client(
    repo: GitRepo, pin: str | None, surplus: str
) -> None:
    write_project(repo, {}, **({"packageManager": pin} if pin else {}))
    repo.write("yarn.lock", "# yarn lockfile v1\n\n\n")
    fixes = {each["fix"] for each in check(repo, "lockfile-sync").findings}
    assert f"git rm --cached {surplus}" in fixes
    assert not any("git rm" in fix and surplus not in fix for fix in fixes)


def test_a_stale_lockfile_beside_the_pinned_clients_is_one_finding(repo: GitRepo) -> None:
    """No fix writes the lockfile that another one removes, and the finding binds its content."""

    def found() -> str:
        done = check(repo, "lockfile-sync")
        assert [each["code"] for each in done.findings] == ["two-lockfiles"]
        finding = done.findings[0]
        assert (finding["path"], finding["fix"]) == (
            "package-lock.json", "git rm --cached package-lock.json",
        )  # fmt: skip
        return str(finding["fingerprint"])

    repo.write(
        "pnpm-lock.yaml",
        "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n"
        "  excludeLinksFromLockfile: false\n\nimporters:\n\n  .: {}\n",
    )
    manifest = {"name": "p", "version": "1.0.0", "packageManager": "pnpm@10.34.9"}
    repo.write("package.json", json.dumps(manifest))
    stale = json.loads((repo.path / "package-lock.json").read_text())
    prints = []
    for version in ("1.0.0", "2.0.0"):
        stale["packages"][""]["dependencies"] = {"b": version}
        repo.write("package-lock.json", json.dumps(stale))
        prints.append(found())
    assert prints[0] != prints[1]


def test_a_manifest_that_asks_for_more_than_is_locked(repo: GitRepo) -> None:
    write_project(repo, {})
    repo.write(
        "package.json", json.dumps({"name": "p", "version": "1.0.0", "dependencies": {"b": "*"}})
    )
    assert check(repo, "lockfile-sync").status == 1


def test_a_locked_package_that_nothing_depends_on(repo: GitRepo) -> None:
    write_project(repo, {"b": entry("b")}, asked=[])
    assert "locked, but no package or manifest depends on it" in said(repo, "lockfile-sync")


def test_two_that_only_ask_for_each_other_are_orphans_too(repo: GitRepo) -> None:
    packages = {"b": entry("b", dependencies={"c": "*"}), "c": entry("c", dependencies={"b": "*"})}
    write_project(repo, packages, asked=[])
    assert said(repo, "lockfile-sync") == ["locked, but no package or manifest depends on it"] * 2


# settings


@pytest.mark.parametrize(
    ("npmrc", "rejected"),
    [(SWITCH, False), ("", True), ("ignore-scripts=false\n", True), (None, True)],
)
def test_the_switch(repo: GitRepo, npmrc: str | None, rejected: bool) -> None:
    if npmrc is None:
        repo.git("rm", "-q", ".npmrc")
    else:
        repo.write(".npmrc", npmrc)
        repo.write("package.json", (repo.path / "package.json").read_text() + "\n")
    done = check(repo, "ignore-scripts")
    assert done.judged == ([("ignore-scripts", None)] if rejected else [])
    if rejected:
        assert done.findings[0]["fix"] == (
            "npm config set ignore-scripts=true --location=project\ngit add .npmrc"
        )


def test_an_allowed_registry_may_be_set(repo: GitRepo) -> None:
    repo.write(".npmrc", SWITCH + "registry=https://npm.acme.example/\n")
    assert check(repo, "client-settings").judged == []
    repo.write(".npmrc", SWITCH + "registry=https://npm.other.example/\n")
    assert check(repo, "client-settings").judged == [("client-settings", None)]


def test_an_exception_that_is_accepted_and_one_that_ended(repo: GitRepo) -> None:
    ignore = '[[ignore]]\ncheck = "ignore-scripts"\npath = ".npmrc"\nreason = "later"\nuntil = {}\n'
    for day, rejected in (("2999-12-31", False), ("2020-01-31", True)):
        repo.write(".vetting/config.toml", OURS + ignore.format(day))
        repo.write(".npmrc", SWITCH)
        repo.commit("Accept it")
        repo.write(".npmrc", "ignore-scripts=false\n")
        found = check(repo, "ignore-scripts").findings
        ended = [each["message"].endswith("(its exception ended on 2020-01-31)") for each in found]
        assert ended == ([True] if rejected else [])
