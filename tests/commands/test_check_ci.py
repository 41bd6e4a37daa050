"""``check --ci``: the range that each CI system's environment means, with real clones."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from npm_vetted.commands._ci import SYSTEMS
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import Done, adopt, entry, run, write_note, write_project

ZEROS: Final = "0" * 40
CLEAR: Final = dict.fromkeys(
    (
        "CI", "GITHUB_ACTIONS", "GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", "GITHUB_SHA", "GITHUB_REF",
        "GITHUB_BASE_REF", "GITLAB_CI", "TF_BUILD", "CIRCLECI", "JENKINS_URL", "BUILDKITE", "TRAVIS",
        "DRONE", "BITBUCKET_COMMIT",
    ),
    "",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A remote: main has adopted and moved on by `b`; the branch `feature` brings `c` to it.

    What a merge of the two gives is in refs/pull/7/merge, as GitHub makes it.
    """
    git_repo = GitRepo(tmp_path_factory.mktemp("made") / "remote")
    write_project(git_repo, {"a": entry("a")})
    write_note(git_repo, "a")
    adopt(git_repo, "[policy]\ncooldown-days = 0\n")
    git_repo.git("checkout", "-q", "-b", "feature")
    write_project(git_repo, {"a": entry("a"), "c": entry("c")})
    git_repo.commit("Add c, without a note")
    git_repo.git("checkout", "-q", "main")
    for name in ("x.txt", "y.txt"):
        git_repo.write(name, name)
        git_repo.commit(f"Add {name}")
    git_repo.git("checkout", "-q", "--detach")
    git_repo.git("merge", "-q", "--no-edit", "feature")
    git_repo.git("update-ref", "refs/pull/7/merge", "HEAD")
    git_repo.git("update-ref", "refs/pull/7/head", "feature")
    git_repo.git("checkout", "-q", "main")
    git_repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    return git_repo.path


@pytest.fixture
def remote(made: Path, tmp_path: Path) -> GitRepo:
    """A copy of it, since some tests change it."""
    shutil.copytree(made, tmp_path / "remote")
    return GitRepo(tmp_path / "remote")


def clone(remote: GitRepo, folder: Path, ref: str, *options: str) -> GitRepo:
    """A clone as a CI system makes it: detached at one ref."""
    remote.git("clone", "-q", "--no-local", *options, remote.path.as_uri(), str(folder))
    found = GitRepo(folder)
    found.git("fetch", "-q", *(each for each in options if "depth" in each), "origin", ref)
    found.git("checkout", "-q", "--detach", "FETCH_HEAD")
    return found


def shas(remote: GitRepo) -> dict[str, str]:
    names = {"MERGE": "refs/pull/7/merge", "FEATURE": "feature", "MAIN": "main", "OLD": "main~1"}
    return {name: remote.git("rev-parse", ref) for name, ref in names.items()}


def check_ci(folder: Path, environment: Mapping[str, str], *words: str) -> Done:
    return run(folder, "check", "--ci", "--format", "json", *words, **(CLEAR | dict(environment)))


EVENTS: Final = {
    "pull_request": {"number": 7, "pull_request": {"head": {"sha": "FEATURE"}, "base": {"ref": "main"}}},
    "merge_group": {"merge_group": {"base_sha": "MAIN", "head_sha": "MERGE", "base_ref": "refs/heads/main"}},
    "push": {"before": ZEROS, "repository": {"default_branch": "main"}},
}  # fmt: skip
PROPOSALS: Final = {
    "GitHub Actions": {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request",
                       "GITHUB_BASE_REF": "main", "GITHUB_SHA": "MERGE",
                       "GITHUB_REF": "refs/pull/7/merge"},
    "GitHub target": {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request_target",
                      "GITHUB_BASE_REF": "main", "GITHUB_SHA": "MAIN",
                      "GITHUB_EVENT_PATH": "pull_request"},
    "GitHub queue": {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "merge_group",
                     "GITHUB_SHA": "MERGE", "GITHUB_EVENT_PATH": "merge_group"},
    "GitLab CI": {"GITLAB_CI": "true", "CI_COMMIT_SHA": "FEATURE", "CI_DEFAULT_BRANCH": "main",
                  "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_COMMIT_BEFORE_SHA": ZEROS},
    "Azure Pipelines": {"TF_BUILD": "True", "BUILD_REASON": "PullRequest",
                        "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main",
                        "BUILD_SOURCEVERSION": "MERGE", "BUILD_SOURCEBRANCH": "refs/pull/7/merge"},
    "CircleCI": {"CIRCLECI": "true", "CIRCLE_SHA1": "FEATURE", "CIRCLE_BRANCH": "feature"},
    "Bitbucket Pipelines": {"BITBUCKET_COMMIT": "FEATURE", "BITBUCKET_BRANCH": "feature",
                            "BITBUCKET_PR_DESTINATION_BRANCH": "main"},
    "Gerrit": {"JENKINS_URL": "https://ci.example/", "GERRIT_BRANCH": "main",
               "GERRIT_PATCHSET_REVISION": "FEATURE", "GERRIT_REFSPEC": "refs/pull/7/head"},
    "Jenkins": {"JENKINS_URL": "https://ci.example/", "CHANGE_TARGET": "main",
                "BRANCH_NAME": "PR-7"},
    "Buildkite": {"BUILDKITE": "true", "BUILDKITE_PULL_REQUEST": "7", "BUILDKITE_COMMIT": "FEATURE",
                  "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "main", "BUILDKITE_BRANCH": "feature"},
    "Buildkite queue": {"BUILDKITE": "true", "BUILDKITE_PULL_REQUEST": "false",
                        "BUILDKITE_COMMIT": "MERGE", "BUILDKITE_MERGE_QUEUE_BASE_COMMIT": "MAIN",
                        "BUILDKITE_MERGE_QUEUE_BASE_BRANCH": "main"},
    "Travis CI": {"TRAVIS": "true", "TRAVIS_EVENT_TYPE": "pull_request", "TRAVIS_BRANCH": "main",
                  "TRAVIS_COMMIT": "MERGE"},
    "Woodpecker": {"CI": "woodpecker", "CI_SYSTEM_NAME": "woodpecker", "CI_COMMIT_SHA": "FEATURE",
                   "CI_PIPELINE_EVENT": "pull_request", "CI_COMMIT_TARGET_BRANCH": "main"},
    "Drone": {"CI": "drone", "DRONE": "true", "DRONE_BUILD_EVENT": "pull_request",
              "DRONE_TARGET_BRANCH": "main", "DRONE_COMMIT_SHA": "FEATURE"},
}  # fmt: skip
"""What each system sets for a proposal into main; names in capitals are replaced by commits."""
PUSHES: Final = {
    "GitHub Actions": {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_SHA": "FEATURE",
                       "GITHUB_REF": "refs/heads/feature", "GITHUB_EVENT_PATH": "push"},
    "GitLab CI": {"GITLAB_CI": "true", "CI_COMMIT_SHA": "FEATURE", "CI_DEFAULT_BRANCH": "main",
                  "CI_COMMIT_BRANCH": "feature", "CI_COMMIT_BEFORE_SHA": ZEROS},
    "Azure Pipelines": {"TF_BUILD": "True", "BUILD_REASON": "IndividualCI",
                        "BUILD_SOURCEVERSION": "FEATURE", "BUILD_SOURCEBRANCH": "refs/heads/feature"},
    "Bitbucket Pipelines": {"BITBUCKET_COMMIT": "FEATURE", "BITBUCKET_BRANCH": "feature"},
    "Jenkins": {"JENKINS_URL": "https://ci.example/", "GIT_BRANCH": "origin/feature"},
    "Buildkite": {"BUILDKITE": "true", "BUILDKITE_PULL_REQUEST": "false", "BUILDKITE_COMMIT": "FEATURE",
                  "BUILDKITE_BRANCH": "feature", "BUILDKITE_PIPELINE_DEFAULT_BRANCH": "main"},
    "Travis CI": {"TRAVIS": "true", "TRAVIS_EVENT_TYPE": "push", "TRAVIS_BRANCH": "feature",
                  "TRAVIS_COMMIT": "FEATURE"},
    "Woodpecker": {"CI": "woodpecker", "CI_COMMIT_SHA": "FEATURE", "CI_PIPELINE_EVENT": "push",
                   "CI_COMMIT_BRANCH": "feature", "CI_REPO_DEFAULT_BRANCH": "main"},
    "Drone": {"DRONE": "true", "DRONE_BUILD_EVENT": "push", "DRONE_BRANCH": "feature",
              "DRONE_COMMIT_SHA": "FEATURE", "DRONE_REPO_BRANCH": "main"},
}  # fmt: skip
"""What each system sets for the first push of a branch."""


def filled(variables: Mapping[str, str], remote: GitRepo, folder: Path) -> dict[str, str]:
    """The variables with the commits in place of their names, and the event in a file."""
    known = shas(remote)
    found = {name: known.get(value, value) for name, value in variables.items()}
    if event := found.get("GITHUB_EVENT_PATH"):
        text = json.dumps(EVENTS[event])
        for name, sha in known.items():
            text = text.replace(f'"{name}"', f'"{sha}"')
        file = folder / "event.json"
        file.write_text(text)
        found["GITHUB_EVENT_PATH"] = str(file)
    return found


def judged_ref(variables: Mapping[str, str]) -> str:
    return "refs/pull/7/merge" if "MERGE" in variables.values() else "feature"


def test_every_system_is_tried() -> None:
    assert set(SYSTEMS) <= set(PROPOSALS)


@pytest.mark.parametrize("system", PROPOSALS)
def test_a_proposal_is_judged_against_its_target(
    remote: GitRepo, tmp_path: Path, system: str
) -> None:
    variables = PROPOSALS[system]
    here = clone(remote, tmp_path / "ci", judged_ref(variables))
    done = check_ci(here.path, filled(variables, remote, tmp_path))
    assert (done.status, done.judged) == (1, [("unvetted", "c")]), done.err
    assert "main" in done.err
    [said] = done.err.splitlines()
    assert said.startswith(f"npm-vetted: {system.split(maxsplit=1)[0]}")
    assert not done.json["scope"]["all"]


@pytest.mark.parametrize("system", PUSHES)
def test_a_new_branch_is_judged_against_the_default_branch(
    remote: GitRepo, tmp_path: Path, system: str
) -> None:
    here = clone(remote, tmp_path / "ci", "feature")
    done = check_ci(here.path, filled(PUSHES[system], remote, tmp_path))
    assert (done.status, done.judged) == (1, [("unvetted", "c")]), done.err
    assert "a push" in done.err


@pytest.mark.parametrize("system", ["GitHub Actions", "GitLab CI", "Azure Pipelines", "Drone"])
@pytest.mark.parametrize("options", [("--depth=1",), ("--depth=1", "--no-single-branch")])
def test_missing_history_is_undecided_and_the_printed_fetch_helps(
    remote: GitRepo, tmp_path: Path, system: str, options: tuple[str, ...]
) -> None:
    variables = PROPOSALS[system]
    here = clone(remote, tmp_path / "ci", judged_ref(variables), *options)
    here.git("update-ref", "-d", "refs/remotes/origin/main")
    environment = filled(variables, remote, tmp_path)
    for _ in range(3):
        done = check_ci(here.path, environment)
        if done.status != 3:
            break
        [finding] = done.findings
        command = finding["message"].partition("add: ")[2].partition(" (or ")[0]
        assert command.startswith("git fetch ")
        here.git(*command.split()[1:])
    assert (done.status, done.judged) == (1, [("unvetted", "c")]), done.out


def test_a_commit_that_is_not_checked_out_is_not_replaced_by_another(
    remote: GitRepo, tmp_path: Path
) -> None:
    here = clone(remote, tmp_path / "ci", "main", "--single-branch", "--branch=main")
    variables = PROPOSALS["GitHub target"]
    done = check_ci(here.path, filled(variables, remote, tmp_path))
    assert done.status == 3
    assert "git fetch origin refs/pull/7/head" in done.findings[0]["message"]
    here.git("fetch", "-q", "origin", "refs/pull/7/head")
    assert check_ci(here.path, filled(variables, remote, tmp_path)).status == 1


def test_a_tag_that_is_called_like_the_target_changes_nothing(
    remote: GitRepo, tmp_path: Path
) -> None:
    variables = PROPOSALS["GitLab CI"]
    here = clone(remote, tmp_path / "ci", "feature")
    here.git("tag", "origin/main", "HEAD")
    here.git("branch", "main-copy")
    assert check_ci(here.path, filled(variables, remote, tmp_path)).judged == [("unvetted", "c")]


def test_a_push_to_the_default_branch_starts_at_its_old_value(
    remote: GitRepo, tmp_path: Path
) -> None:
    remote.git("merge", "-q", "--no-edit", "feature")
    here = clone(remote, tmp_path / "ci", "main")
    found = {
        "GITLAB_CI": "true", "CI_COMMIT_SHA": "MAIN", "CI_DEFAULT_BRANCH": "main",
        "CI_COMMIT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": "OLD",
    }  # fmt: skip
    assert check_ci(here.path, filled(found, remote, tmp_path)).judged == [("unvetted", "c")]
    found["CI_COMMIT_BEFORE_SHA"] = remote.git("rev-parse", "main")
    assert check_ci(here.path, filled(found, remote, tmp_path)).judged == []
    found["CI_COMMIT_BEFORE_SHA"] = "1" * 40
    assert check_ci(here.path, filled(found, remote, tmp_path)).status == 3


@pytest.mark.parametrize(
    "variables",
    [
        {"CIRCLECI": "true", "CIRCLE_SHA1": "MAIN", "CIRCLE_BRANCH": "main"},
        {"BITBUCKET_COMMIT": "MAIN", "BITBUCKET_BRANCH": "main"},
        {
            "TF_BUILD": "True",
            "BUILD_SOURCEVERSION": "MAIN",
            "BUILD_SOURCEBRANCH": "refs/heads/main",
        },
    ],
)
def test_a_recipe_may_name_the_old_value_of_the_default_branch(
    remote: GitRepo, tmp_path: Path, variables: dict[str, str]
) -> None:
    here = clone(remote, tmp_path / "ci", "main")
    done = check_ci(here.path, filled({**variables, "NPM_VETTED_BEFORE": "OLD"}, remote, tmp_path))
    assert f"{shas(remote)['OLD'][:12]} (before)" in done.err
    done = check_ci(here.path, filled(variables, remote, tmp_path))
    assert "no range is known: everything that is checked out" in done.err


def test_what_names_no_range_is_judged_as_a_whole(remote: GitRepo, tmp_path: Path) -> None:
    here = clone(remote, tmp_path / "ci", "main")
    found = {"TF_BUILD": "True", "BUILD_REASON": "Schedule", "BUILD_SOURCEVERSION": "MAIN",
             "BUILD_SOURCEBRANCH": "refs/heads/main"}  # fmt: skip
    done = check_ci(here.path, filled(found, remote, tmp_path))
    assert (done.status, done.json["scope"]["all"]) == (0, True)
    assert "everything" in done.err


def test_the_printed_fix_runs_in_the_authors_clone(remote: GitRepo, tmp_path: Path) -> None:
    variables = PROPOSALS["GitHub Actions"]
    here = clone(remote, tmp_path / "ci", judged_ref(variables))
    done = check_ci(here.path, filled(variables, remote, tmp_path))
    assert "--from-ref refs/remotes/origin/main" in done.findings[0]["fix"]
    assert shas(remote)["MERGE"] not in done.findings[0]["fix"]


@pytest.mark.parametrize(
    "words", [("--all",), ("--from-ref", "HEAD"), ("--pre-receive",), ("--to-ref", "HEAD")]
)
def test_it_excludes_other_scopes(remote: GitRepo, words: tuple[str, ...]) -> None:
    done = check_ci(remote.path, {"GITLAB_CI": "true"}, *words)
    assert (done.status, "--ci finds the range itself" in done.err) == (2, True)


def test_no_known_system(remote: GitRepo) -> None:
    done = check_ci(remote.path, {})
    assert done.status == 2
    assert all(each in done.err for each in SYSTEMS)


@pytest.mark.parametrize("text", ["{", "[]", '{"pull_request": 7}', "[" * 100_000])
def test_an_event_that_is_not_githubs(remote: GitRepo, tmp_path: Path, text: str) -> None:
    file = tmp_path / "event.json"
    file.write_text(text)
    found = PROPOSALS["GitHub target"] | {"GITHUB_EVENT_PATH": str(file)}
    assert check_ci(remote.path, found).status == 3


def test_the_hook_of_a_pipe_is_not_taken_for_a_push(remote: GitRepo, tmp_path: Path) -> None:
    here = clone(remote, tmp_path / "ci", "feature")
    read, write = os.pipe()
    kept = os.dup(0)
    try:
        os.dup2(read, 0)
        done = check_ci(here.path, filled(PROPOSALS["GitLab CI"], remote, tmp_path))
    finally:
        os.dup2(kept, 0)
        for each in (read, write, kept):
            os.close(each)
    assert done.status == 1
