"""``npm-vetted accept``, and what the baseline does at a commit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check, entry, run, write_project

REASON = "The mirror is ours, and the platform team reviews it."
OUR_MIRROR = "ignore-scripts=true\nhttps-proxy=http://proxy.acme.example:8080\n"


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    write_project(git_repo, {"a": entry("a")})
    adopt(git_repo)
    git_repo.write(".vetting/config.toml", "format = 2\n")
    run(git_repo.path, "exempt", "a@1.0.0", "--reason", "there before")
    git_repo.commit("Format 2")
    return git_repo


def codes(done: object) -> list[str]:
    return [each["code"] for each in done.findings]  # type: ignore[attr-defined]


def test_an_accepted_finding_is_bound_to_its_state(repo: GitRepo) -> None:
    repo.write(".npmrc", OUR_MIRROR)
    [found] = check(repo).findings
    assert found["code"] == "proxy"
    done = run(repo.path, "accept", found["identity"], "--reason", REASON)
    assert done.status == 0
    repo.git("commit", "-q", "-m", "Accept the proxy", "--", ".vetting")
    assert codes(check(repo)) == []
    repo.commit("Use the proxy")
    repo.write(".npmrc", OUR_MIRROR.replace("8080", "9090"))
    assert codes(check(repo)) == ["proxy"]
    repo.write(".npmrc", OUR_MIRROR + "cafile=ca.pem\n")
    assert codes(check(repo)) == ["authority"]


def test_a_line_with_the_change_that_needs_it_is_a_finding(repo: GitRepo) -> None:
    repo.write(".npmrc", OUR_MIRROR)
    repo.add()
    run(repo.path, "accept", "client-settings/proxy", "--reason", REASON)
    assert codes(check(repo)) == ["loosened-with-others", "proxy"]


def test_a_secret_is_never_accepted(repo: GitRepo) -> None:
    repo.write(".npmrc", "ignore-scripts=true\n//registry.npmjs.org/:_authToken=npm_abcdef\n")
    repo.add()
    done = run(repo.path, "accept", "client-settings/secret", "--reason", REASON)
    assert (done.status, Path(repo.path, ".vetting/baseline.txt").exists()) == (1, False)


@pytest.mark.parametrize("reason", ["REASON", "", "todo"])
def test_a_reason_that_says_nothing(repo: GitRepo, reason: str) -> None:
    assert run(repo.path, "accept", "client-settings/proxy", "--reason", reason).status == 2


def test_an_unknown_finding(repo: GitRepo) -> None:
    assert run(repo.path, "accept", "0123456789abcdef", "--reason", REASON).status == 2


def test_a_malformed_baseline_is_exit_2(repo: GitRepo) -> None:
    repo.write(".vetting/baseline.txt", "<<<<<<< HEAD\n")
    repo.write("package.json", "{}")
    repo.add()
    assert run(repo.path, "check").status == 2


def test_a_baseline_needs_format_2(repo: GitRepo) -> None:
    repo.write(".vetting/config.toml", "format = 1\n")
    line = f"client-settings/proxy .npmrc proxy {'0' * 64} {REASON}\n"
    repo.write(".vetting/baseline.txt", line)
    repo.commit("A baseline without its format")
    write_project(repo, {})
    repo.add()
    assert run(repo.path, "check").status == 2


PLUGIN = "module.exports = require('./lib');\n"


def test_a_program_is_bound_by_what_it_reaches(git_repo: GitRepo) -> None:
    manifest = {"name": "p", "packageManager": "yarn@4.14.1", "dependencies": {"a": "workspace:*"}}
    git_repo.write("package.json", json.dumps(manifest))
    lock = "# yarn\n\n__metadata:\n  version: 8\n  cacheKey: 10c0\n"
    git_repo.write("yarn.lock", lock)
    git_repo.write(".yarnrc.yml", "enableScripts: false\nyarnPath: .yarn/releases/yarn.js\n")
    git_repo.write(".yarn/releases/yarn.js", PLUGIN)
    git_repo.write(".yarn/releases/lib.js", "1\n")
    git_repo.commit("A Yarn of our own")
    assert run(git_repo.path, "init").status == 0
    git_repo.commit("Adopt")
    for path in (".yarn/releases/yarn.js", ".yarn/releases/lib.js"):
        before = (git_repo.path / path).read_text()
        git_repo.write(path, before + "evil()\n")
        assert codes(check(git_repo)) == ["program"]
        assert run(git_repo.path, "check").status == 1, "the fast path is not taken"
        git_repo.write(path, before)
        git_repo.add()
    git_repo.write("src/index.js", "x\n")
    assert codes(check(git_repo)) == []


def test_an_old_format_is_upgraded_before_anything_is_accepted(git_repo: GitRepo) -> None:
    """A baseline in a repository of 0.1.0 would make every later check undecided."""
    write_project(git_repo, {})
    adopt(git_repo)
    git_repo.write("w/package.json", '{"name": "w", "dependencies": {"a": "1.0.0"}}\n')
    git_repo.write("w/.npmrc", "git=./x.sh\n")
    found = [each for each in check(git_repo).findings if each["code"] == "program"]
    commands = [line.partition("npm-vetted ")[2] for line in found[0]["fix"].splitlines()]
    assert commands[-2:] == ["init --upgrade", f"accept {found[0]['identity']} --reason REASON"]
    done = run(
        git_repo.path, "accept", found[0]["identity"], "--reason", "the team builds this script"
    )
    assert (done.status, "npm-vetted init --upgrade" in done.err) == (2, True)
    assert not (git_repo.path / ".vetting/baseline.txt").exists()


def test_one_more_equal_finding_is_accepted_with_one_more_line(repo: GitRepo) -> None:
    """The same command a second time in one file is the same finding with the same state."""
    job = "npm install -g left-pad\n"
    for text in (job, job * 2):
        repo.write("job.sh", text)
        [found] = check(repo, "install-command").findings
        assert run(repo.path, "accept", found["identity"], "--reason", REASON).status == 0
        repo.git("commit", "-q", "-m", "Accept it", "--", ".vetting")
        assert check(repo, "install-command").findings == []
        repo.commit("Install it")
