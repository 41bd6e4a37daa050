"""The CI recipes: each is run, as its system would run it, in a clone as its system makes it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from tests.commands.test_check_ci import PROPOSALS, filled
from tests.docs.pages import PAGES
from tests.docs.scenes import environment
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, entry, write_note, write_project
from tests.support.real_clients import ROOT
from tests.support.story import SCRIPTS, local_entry

pytestmark = pytest.mark.docs

PAGE: Final = PAGES["ci.md"].text
HEADS: Final = "+refs/heads/*:refs/remotes/origin/*"
MERGE: Final = "refs/pull/7/merge"
HEAD: Final = "refs/pull/7/head"


def block(system: str) -> str:
    """The recipe of a system: the code in its tab."""
    tab = PAGE.split(f'=== "{system}"\n', 1)[1].split("\n=== ", 1)[0]
    found = re.search(r"^    ```[a-z]+\n(.*?)^    ```$", tab, re.MULTILINE | re.DOTALL)
    assert found, system
    return textwrap.dedent(found[1])


def recipe(system: str) -> Any:
    """A recipe that is YAML."""
    return yaml.safe_load(block(system))


class Build(NamedTuple):
    """What a recipe requires: how much history, and which lines of shell.

    ``depth`` 0 is the whole history. Where a recipe does not say, it is the system's default.
    """

    depth: int
    lines: list[str]


def gitlab() -> Build:
    """GitLab's runner fetches the last 20 commits unless GIT_DEPTH says otherwise."""
    job = recipe("GitLab")["npm-vetted"]
    return Build(int(job.get("variables", {}).get("GIT_DEPTH", 20)), job["script"])


def azure() -> Build:
    """Azure's new pipelines fetch one commit unless fetchDepth says otherwise."""
    checkout, script = recipe("Azure")["steps"]
    return Build(checkout.get("fetchDepth", 1), [script["script"]])


def circleci() -> Build:
    """CircleCI's full clone; the default is blobless, which no test here can show to be enough."""
    checkout, *steps = recipe("CircleCI")["jobs"]["npm-vetted"]["steps"]
    return Build(
        0 if checkout["checkout"]["method"] == "full" else 1, [each["run"] for each in steps]
    )


def bitbucket() -> Build:
    """Bitbucket clones 50 commits unless the depth is full."""
    data = recipe("Bitbucket")
    (step,) = data["pipelines"]["pull-requests"]["**"]
    return Build(0 if data["clone"]["depth"] == "full" else 50, step["step"]["script"])


def buildkite() -> Build:
    """Buildkite clones everything."""
    (step,) = recipe("Buildkite")["steps"]
    return Build(0, step["command"])


def jenkinsfile(system: str) -> Build:
    """The ``sh`` steps of a Jenkinsfile."""
    return Build(0, re.findall(r"^ *sh '(.*)'$", block(system), re.MULTILINE))


class System(NamedTuple):
    """How a system runs a recipe: what it fetches, what it checks out, which variables it sets."""

    build: Callable[[], Build]
    variables: str
    refspecs: tuple[str, ...]
    judged: str


SYSTEMS: Final = {
    "GitLab": System(gitlab, "GitLab CI", (f"+{HEAD}:refs/pipelines/1",), HEAD),
    "Azure": System(azure, "Azure Pipelines", (HEADS, f"+{MERGE}:refs/remotes/{MERGE[5:]}"), MERGE),
    "CircleCI": System(circleci, "CircleCI", (HEADS,), HEAD),
    "Bitbucket": System(bitbucket, "Bitbucket Pipelines", (HEADS,), HEAD),
    "Jenkins": System(
        lambda: jenkinsfile("Jenkins"), "Jenkins", (f"+{HEAD}:refs/remotes/origin/PR-7",), MERGE
    ),
    "Buildkite": System(buildkite, "Buildkite", (HEADS,), HEAD),
    "Gerrit": System(
        lambda: jenkinsfile("Gerrit"),
        "Gerrit",
        ("+refs/heads/main:refs/remotes/origin/main",),
        HEAD,
    ),
}


def remote_with(repo: GitRepo, *, vetted: bool) -> GitRepo:
    """A remote whose main has adopted and moved on; `feature` brings a package, vetted or not."""
    write_project(repo, {"a": entry("a")})
    write_note(repo, "a")
    adopt(repo, "[policy]\ncooldown-days = 0\n")
    repo.git("checkout", "-q", "-b", "feature")
    write_project(repo, {"a": entry("a"), "c": entry("c")})
    if vetted:
        write_note(repo, "c")
    repo.commit("Add c")
    repo.git("checkout", "-q", "main")
    for number in range(3):
        repo.write(f"{number}.txt", "words\n")
        repo.commit(f"Add {number}")
    repo.git("checkout", "-q", "--detach")
    repo.git("merge", "-q", "--no-edit", "feature")
    repo.git("update-ref", MERGE, "HEAD")
    repo.git("update-ref", HEAD, "feature")
    repo.git("checkout", "-q", "main")
    return repo


def cloned(remote: GitRepo, folder: Path, system: System, depth: int) -> GitRepo:
    """The clone of a runner: the refs that the system fetches, and the commit that it builds."""
    here = GitRepo(folder)
    here.git("remote", "add", "origin", remote.path.as_uri())
    depths = [f"--depth={depth}"] if depth else []
    for refspec in (*system.refspecs, system.judged):
        here.git("fetch", "-q", *depths, "origin", refspec)
    here.git("checkout", "-q", "--detach", "FETCH_HEAD")
    if system.variables == "CircleCI":  # a real `git clone` made it
        here.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    return here


@pytest.fixture
def tools(tmp_path: Path) -> str:
    """PATH of a runner: `pip` and `pipx` find the npm-vetted of the tests installed already."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {
        "pip": 'case "$*" in "install --quiet npm-vetted==0.2.0") ;; *) exit 9 ;; esac',
        "pipx": 'case "$1 $2" in "run npm-vetted==0.2.0") shift 2; exec npm-vetted "$@" ;; esac; exit 9',
    }.items():
        file = folder / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
    return os.pathsep.join([str(folder), str(SCRIPTS), os.environ.get("PATH", os.defpath)])


def built(here: GitRepo, lines: list[str], env: Mapping[str, str]) -> int:
    """Run the lines of a recipe; the status of the first that fails."""
    return subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)], cwd=here.path, env={**environment(), **env},
        check=False,
    ).returncode  # fmt: skip


@pytest.mark.parametrize(
    ("name", "vetted"),
    [
        # Only a recipe that works ends with 1; that one accepts as well is shown for one of them.
        pytest.param(name, vetted, marks=pytest.mark.slow if vetted and name != "GitLab" else ())
        for name in SYSTEMS
        for vetted in (False, True)
    ],
)
def test_a_recipe_judges_what_a_branch_brings(
    git_repo: GitRepo, tmp_path: Path, tools: str, name: str, vetted: bool
) -> None:
    system = SYSTEMS[name]
    remote = remote_with(git_repo, vetted=vetted)
    build = system.build()
    here = cloned(remote, tmp_path / "ci", system, build.depth)
    variables = filled(PROPOSALS[system.variables], remote, tmp_path)
    assert built(here, build.lines, {**variables, "PATH": tools}) == (0 if vetted else 1)


@pytest.mark.parametrize("name", ["GitLab", "Azure", "Bitbucket"])
def test_without_the_history_that_a_recipe_asks_for_nothing_passes(
    git_repo: GitRepo, tmp_path: Path, tools: str, name: str
) -> None:
    system = SYSTEMS[name]
    remote = remote_with(git_repo, vetted=True)
    here = cloned(remote, tmp_path / "ci", system, 1)
    variables = filled(PROPOSALS[system.variables], remote, tmp_path)
    assert built(here, system.build().lines, {**variables, "PATH": tools}) == 3


@pytest.mark.parametrize(("change", "status"), [("package", 1), ("policy", 3)])
def test_a_blobless_clone_is_never_a_yes(
    git_repo: GitRepo, tmp_path: Path, tools: str, change: str, status: int
) -> None:
    """CircleCI's default. A lockfile of before that is not there makes every package new; a policy, undecided."""
    remote = remote_with(git_repo, vetted=False)
    remote.git("config", "uploadpack.allowFilter", "true")
    if change == "policy":
        remote.git("checkout", "-q", "feature")
        remote.write(".vetting/config.toml", "[policy]\ncooldown-days = 1\n")
        remote.commit("Change the policy")
        remote.git("checkout", "-q", "main")
    here = tmp_path / "ci"
    subprocess.run(
        [
            "git",
            "clone",
            "-q",
            "--filter=blob:none",
            "-b",
            "feature",
            remote.path.as_uri(),
            str(here),
        ],
        check=True,
    )
    clone = GitRepo(here)
    clone.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    variables = filled(PROPOSALS["CircleCI"], remote, tmp_path)
    line = "npm-vetted check --ci 2>&1 | tee said; exit ${PIPESTATUS[0]}"
    assert built(clone, [line], {**variables, "PATH": tools}) == status
    if status == 3:
        assert "git fetch --refetch --no-filter" in (here / "said").read_text()


def github_clone(remote: GitRepo, folder: Path, depth: int) -> GitRepo:
    """The clone of actions/checkout; with depth 0 every branch."""
    system = System(azure, "GitHub Actions", (HEADS,) if depth == 0 else (), MERGE)
    return cloned(remote, folder, system, depth)


@pytest.fixture(scope="module")
def action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of this repository that git knows, as GitHub gets the action."""
    folder = tmp_path_factory.mktemp("action")
    names = subprocess.run(
        ["git", "ls-files", "-z", "hooks", "tools", "*.toml", "*.cfg", "*.md", "*.yml", "LICENSE"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("vetted", [False, True])
def test_the_action_annotates_and_summarises(
    git_repo: GitRepo, tmp_path: Path, action: Path, vetted: bool
) -> None:
    """It installs itself from its own checkout, with the dependencies from PyPI."""
    checkout = recipe("GitHub")["jobs"]["npm-vetted"]["steps"][0]["with"]
    remote = remote_with(git_repo, vetted=vetted)
    here = github_clone(remote, tmp_path / "ci", checkout["fetch-depth"])
    (step,) = yaml.safe_load((action / "action.yml").read_text())["runs"]["steps"]
    summary = tmp_path / "summary.md"
    env = {
        **filled(PROPOSALS["GitHub Actions"], remote, tmp_path),
        "GITHUB_ACTION_PATH": str(action), "RUNNER_TEMP": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(summary), "ARGUMENTS": "--strict", "PYTHON": sys.executable,
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=here.path, env={**os.environ, **env},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == (0 if vetted else 1), done.stdout + done.stderr
    assert ("::error file=package-lock.json" in done.stdout) != vetted
    assert ("c@1.0.0" in summary.read_text()) != vetted


def test_the_action_passes_its_inputs_as_data() -> None:
    data = yaml.safe_load((ROOT / "action.yml").read_text())
    (step,) = data["runs"]["steps"]
    assert set(data["inputs"]) == {name.lower() for name in step["env"]}
    assert "${{" not in step["run"]


@pytest.mark.parametrize("vetted", [False, True])
def test_the_pre_receive_hook_refuses_a_push(
    git_repo: GitRepo, tmp_path: Path, vetted: bool
) -> None:
    write_project(git_repo, {"a": entry("a")})
    write_note(git_repo, "a")
    adopt(git_repo, "[policy]\ncooldown-days = 0\n")
    bare = tmp_path / "server.git"
    git_repo.git("clone", "-q", "--bare", str(git_repo.path), str(bare))
    hook = bare / "hooks" / "pre-receive"
    hook.write_text(block("Your own server"))
    hook.chmod(0o755)
    write_project(git_repo, {"a": entry("a"), "c": entry("c")})
    if vetted:
        write_note(git_repo, "c")
    git_repo.commit("Add c")
    pushed = subprocess.run(
        ["git", "push", "-q", str(bare), "main:feature"], cwd=git_repo.path, env=environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (pushed.returncode == 0) == vetted, pushed.stderr
    assert ("c@1.0.0" in pushed.stderr) != vetted


@pytest.mark.parametrize("vetted", [False, True])
def test_pre_commit_judges_a_range(git_repo: GitRepo, tmp_path: Path, vetted: bool) -> None:
    (line,) = re.findall(r"^- run: (pre-commit .*)$", PAGE, re.MULTILINE)
    remote = remote_with(git_repo, vetted=vetted)
    here = github_clone(remote, tmp_path / "ci", 0)
    here.write(".pre-commit-config.yaml", f"repos:\n{local_entry(SCRIPTS / 'npm-vetted')}")
    here.commit("Add the hook")
    env = {"GITHUB_BASE_REF": "main", "PRE_COMMIT_HOME": str(tmp_path / "pre-commit")}
    assert built(here, [line], env) == (0 if vetted else 1)


def zizmor(folder: Path) -> str:
    """What zizmor finds in the workflows and actions of a folder; the empty text: nothing."""
    done = subprocess.run(
        [str(SCRIPTS / "zizmor"), "--offline", "--no-progress", "--quiet", "--pedantic", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_zizmor_finds_nothing_in_our_workflow_and_action(tmp_path: Path) -> None:
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    shutil.copy2(ROOT / "action.yml", tmp_path)
    assert zizmor(tmp_path) == ""


def test_zizmor_finds_nothing_in_the_recipe(tmp_path: Path) -> None:
    text = block("GitHub").replace("@COMMIT", "@" + "0123456789" * 4)
    file = tmp_path / ".github" / "workflows" / "npm-vetted.yml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert zizmor(tmp_path) == ""


def test_the_recipe_runs_for_pull_requests_and_the_merge_queue_and_may_only_read() -> None:
    data = recipe("GitHub")
    (job,) = data["jobs"].values()
    assert set(data[True]) == {"pull_request", "merge_group"}  # YAML 1.1 reads `on` as true
    assert (data["permissions"], job["permissions"]) == ({}, {"contents": "read"})
    assert job["steps"][0]["with"] == {"fetch-depth": 0, "persist-credentials": False}
