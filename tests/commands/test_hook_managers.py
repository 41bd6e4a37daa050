"""``init`` in a repository with a hook manager: the edit, and the real manager that runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import yaml

from npm_vetted import __version__
from npm_vetted.commands._hook_edits import with_call, with_lefthook, with_repo
from tests.support.git_repo import GitRepo
from tests.support.hook_managers import give_hook_managers
from tests.support.npm_projects import entry, run, write_project
from tests.support.real_clients import Clients

OURS: Final = {
    "repo": "https://github.com/npm-vetted/npm-vetted",
    "rev": f"v{__version__}",
    "hooks": [{"id": "npm-vetted"}],
}
HOOKS: Final = ["pre-commit", "pre-merge-commit", "pre-push"]
COMMITTING: Final = (
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
)


# The edits as texts.


@pytest.mark.parametrize(
    "text",
    [
        "repos:\n  - repo: local\n    hooks: []\n",
        "# ours\nrepos:\n- repo: local  # here\n  hooks: []\n\n# the end\n",
        "repos: []\n",
        (
            "fail_fast: true\nrepos:\n    - repo: local\n      hooks:\n        - id: a\n          name: a\n"
            "          entry: a\n          language: system\nci:\n  autofix_prs: false\n"
        ),
        "default_install_hook_types: [pre-commit, pre-push]\nrepos:\n  - repo: local\n    hooks: []\n",
        "repos:\r\n  - repo: local\r\n    hooks: []\r\n",
    ],
)
def test_pre_commit_gets_one_more_repository(text: str) -> None:
    written = with_repo(".pre-commit-config.yaml", text)
    assert written is not None
    before, after = yaml.safe_load(text), yaml.safe_load(written)
    assert after["repos"] == [*before["repos"], OURS]
    assert after["default_install_hook_types"] == before.get("default_install_hook_types", HOOKS)
    assert [each for each in text.splitlines() if each.startswith("#")] == [
        each for each in written.splitlines() if each.startswith("#")
    ]
    assert ("\r\n" in written) is ("\r\n" in text)


@pytest.mark.parametrize(
    "text", ["", "[]", "repos: {}", "repos: [{repo: local, hooks: []}]", "a: ["]
)
def test_a_configuration_that_cannot_be_added_to_is_left(text: str) -> None:
    assert with_repo(".pre-commit-config.yaml", text) is None


COMMAND: Final = {"run": "npm-vetted check"}
PUSH: Final = {"run": "npm-vetted check --pre-push {1}", "use_stdin": True}


@pytest.mark.parametrize(
    ("text", "commit"),
    [
        ("", {"commands": {"npm-vetted": COMMAND}}),
        ("# ours\nmin_version: 1.5.0\n", {"commands": {"npm-vetted": COMMAND}}),
        ("# EXAMPLE USAGE:\n#\n# pre-push:\n", {"commands": {"npm-vetted": COMMAND}}),
        (
            "pre-commit:\n  parallel: true\n  commands:\n    lint:\n      run: eslint .\n",
            {"parallel": True, "commands": {"npm-vetted": COMMAND, "lint": {"run": "eslint ."}}},
        ),
        (
            "pre-commit:\n    scripts:\n        a.sh:\n            runner: bash\n",
            {"scripts": {"a.sh": {"runner": "bash"}}, "commands": {"npm-vetted": COMMAND}},
        ),
        (
            "pre-commit:\n  jobs:\n    - run: eslint .\n",
            {"jobs": [{"name": "npm-vetted", **COMMAND}, {"run": "eslint ."}]},
        ),
        (
            "pre-commit:\n  jobs:\n  - run: eslint .\n",
            {"jobs": [{"name": "npm-vetted", **COMMAND}, {"run": "eslint ."}]},
        ),
    ],
)
def test_lefthook_gets_one_more_command(text: str, commit: object) -> None:
    written = with_lefthook("lefthook.yml", text)
    assert written is not None
    after = yaml.safe_load(written)
    assert after["pre-commit"] == commit
    assert after["pre-push"] == {"commands": {"npm-vetted": PUSH}}
    assert after["pre-merge-commit"] == {"commands": {"npm-vetted": COMMAND}}


@pytest.mark.parametrize(
    "text", ["pre-commit: {commands: {}}", "[]", "pre-commit: [", "pre-commit:\n"]
)
def test_a_lefthook_file_that_cannot_be_added_to_is_left(text: str) -> None:
    assert with_lefthook("lefthook.yml", text) is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("npx lint-staged\n", "npm-vetted check || exit 1\nnpx lint-staged\n"),
        ("#!/bin/sh\nexec make\n", "#!/bin/sh\nnpm-vetted check || exit 1\nexec make\n"),
        (
            '#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh"\n\nnpm test\n',
            (
                '#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh"\n\n'
                "npm-vetted check || exit 1\nnpm test\n"
            ),
        ),
        ("#!/usr/bin/env python3\nprint()\n", None),
        ("#!/usr/bin/env node\n", None),
    ],
)
def test_a_script_runs_npm_vetted_first(text: str, written: str | None) -> None:
    assert with_call("pre-commit", text) == written


def test_a_pre_push_script_still_gets_what_git_writes(tmp_path: Path) -> None:
    script = with_call("pre-push", '#!/bin/sh\necho "rest: $(cat)"\n')
    assert script is not None
    program = tmp_path / "npm-vetted"
    program.write_text('#!/bin/sh\necho "$@: $(cat)"\n')
    program.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", "origin"], input="refs/a 1 refs/b 2\n", text=True,
        capture_output=True, check=True, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "check --pre-push origin: refs/a 1 refs/b 2", "rest: refs/a 1 refs/b 2",
    ]  # fmt: skip


# init in real repositories.


def project(repo: GitRepo) -> None:
    write_project(repo, {"a": entry("a")})
    repo.commit("A shop")


def test_init_stages_and_shows_the_edit_and_a_second_run_changes_nothing(
    git_repo: GitRepo,
) -> None:
    git_repo.write(".pre-commit-config.yaml", "repos: []\n")
    project(git_repo)
    done = run(git_repo.path, "init")
    assert done.status == 0
    assert "+   - repo: https://github.com/npm-vetted/npm-vetted" in done.err
    assert "pre-commit install" in done.err
    assert ".pre-commit-config.yaml" in git_repo.git("diff", "--cached", "--name-only")
    tree = git_repo.git("write-tree")
    assert run(git_repo.path, "init", "--hook").status == 0
    assert git_repo.git("write-tree") == tree


def test_a_file_that_is_half_staged_is_left_to_the_person(git_repo: GitRepo) -> None:
    git_repo.write(".pre-commit-config.yaml", "repos: []\n")
    project(git_repo)
    git_repo.write(".pre-commit-config.yaml", "repos: []\nfail_fast: true\n")
    done = run(git_repo.path, "init")
    assert "add this by hand" in done.err
    assert ".pre-commit-config.yaml" not in git_repo.git("diff", "--cached", "--name-only")


def test_hooks_path_gets_executable_scripts(git_repo: GitRepo) -> None:
    hook = git_repo.write(".githooks/pre-commit", "#!/bin/sh\nmake lint\n")
    hook.chmod(0o755)
    project(git_repo)
    git_repo.git("config", "core.hooksPath", ".githooks")
    assert run(git_repo.path, "init").status == 0
    listed = git_repo.git("ls-files", "--stage", ".githooks").splitlines()
    assert len(listed) == 3
    assert all(line.startswith("100755 ") for line in listed)
    assert all(os.access(git_repo.path / ".githooks" / name, os.X_OK) for name in HOOKS)
    found = run(git_repo.path, "--format", "json").json["hooks"]
    assert found == ["pre-commit (git)", "pre-merge-commit (git)", "pre-push (git)"]


def test_simple_git_hooks_keeps_the_commands_there_are(git_repo: GitRepo) -> None:
    write_project(git_repo, {"a": entry("a")})
    file = git_repo.path / "package.json"
    known = json.loads(file.read_text())
    known["simple-git-hooks"] = {"pre-commit": "npx lint-staged"}
    file.write_text(json.dumps(known, indent=2))
    git_repo.commit("A shop")
    assert run(git_repo.path, "init").status == 0
    manifest = json.loads((git_repo.path / "package.json").read_text())
    assert manifest["simple-git-hooks"] == {
        "pre-commit": "npm-vetted check && npx lint-staged",
        "pre-merge-commit": "npm-vetted check",
        "pre-push": 'npm-vetted check --pre-push "$1"',
    }


def test_without_a_manager_it_names_the_command_that_adds_one(git_repo: GitRepo) -> None:
    project(git_repo)
    assert "npm-vetted init --hook pre-commit" in run(git_repo.path, "init").err
    assert run(git_repo.path, "init", "--hook", "pre-commit").status == 0
    assert yaml.safe_load(git_repo.git("show", ":.pre-commit-config.yaml")) == {
        "default_install_hook_types": HOOKS, "repos": [OURS]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("manager", "staged"),
    [
        ("prek", [".pre-commit-config.yaml"]),
        ("lefthook", ["lefthook.yml"]),
        ("husky", [f".husky/{hook}" for hook in HOOKS]),
        ("simple-git-hooks", ["package.json"]),
        ("git", [f".githooks/{hook}" for hook in HOOKS]),
    ],
)
def test_a_named_manager_gets_its_file_and_nothing_else_is_adopted(
    git_repo: GitRepo, manager: str, staged: list[str]
) -> None:
    project(git_repo)
    assert run(git_repo.path, "init", "--hook", manager).status == 0
    assert git_repo.git("diff", "--cached", "--name-only").split() == staged
    tree = git_repo.git("write-tree")
    assert run(git_repo.path, "init", "--hook", manager).status == 0
    assert git_repo.git("write-tree") == tree


def test_a_manager_that_init_does_not_know_is_a_usage_error(git_repo: GitRepo) -> None:
    project(git_repo)
    assert run(git_repo.path, "init", "--hook", "overcommit").status == 2


@pytest.mark.parametrize(
    ("pin", "scripts", "said"),
    [
        ("npm@11.6.0", {}, "npx --no simple-git-hooks, after an install\n"),
        ("npm@11.6.0", {"prepare": "simple-git-hooks"}, "(npm no longer runs prepare by itself)"),
        ("pnpm@10.4.0", {}, "pnpm exec simple-git-hooks, after an install\n"),
        (
            "pnpm@10.4.0",
            {"postinstall": "simple-git-hooks"},
            "pnpm exec simple-git-hooks, after an install (its script postinstall does that, too)",
        ),
        ("yarn@4.9.0", {}, "yarn run simple-git-hooks, after an install\n"),
        ("bun@1.3.0", {}, "bun run simple-git-hooks, after an install\n"),
    ],
)
def test_the_command_for_each_clone_is_that_of_the_projects_client(
    git_repo: GitRepo, pin: str, scripts: dict[str, str], said: str
) -> None:
    manifest = {"name": "shop", "packageManager": pin, "scripts": scripts}
    git_repo.write("package.json", json.dumps(manifest))
    git_repo.commit("A shop")
    assert said in run(git_repo.path, "init", "--hook", "simple-git-hooks").err


def test_simple_git_hooks_needs_a_manifest(git_repo: GitRepo) -> None:
    assert run(git_repo.path, "init", "--hook", "simple-git-hooks").status == 2


def environment(folders: str) -> dict[str, str]:
    """PATH with npm-vetted and the folders in front; git's own identity."""
    path = [folders, str(Path(sys.executable).parent), os.environ["PATH"]]
    identity = dict.fromkeys(COMMITTING, "ada@example.com")
    return {**os.environ, "PATH": os.pathsep.join(path), **identity}


INSTALL: Final = {
    "husky": "npx --no husky",
    "lefthook": "lefthook install",
    "simple-git-hooks": "npx --no simple-git-hooks",
    "git": "git config core.hooksPath .githooks",
    "pre-commit": f"{sys.executable} -m pre_commit install",
    "prek": "prek install",
}
"""The command that ``init`` names for each clone, by manager."""


def prepare_manager(manager: str, repo: GitRepo) -> None:
    """Write a file with one hook of the repository's own, where ``init`` is to add to one."""
    if manager == "husky":
        repo.write(".husky/pre-commit", "true\n")
    elif manager == "lefthook":
        repo.write("lefthook.yml", "pre-commit:\n  commands:\n    lint:\n      run: 'true'\n")
    elif manager in ("pre-commit", "prek"):
        repo.write(".pre-commit-config.yaml", LOCAL)


def run_locally(repo: GitRepo) -> None:
    """Our own release cannot be fetched here: the same hook as a local one."""
    config = repo.path / ".pre-commit-config.yaml"
    data = yaml.safe_load(config.read_text())
    assert data["repos"].pop() == OURS
    hook = {"id": "npm-vetted", "name": "npm-vetted", "language": "system", "always_run": True,
            "entry": f"{sys.executable} -I -m npm_vetted check", "pass_filenames": False,
            "stages": HOOKS}  # fmt: skip
    data["repos"].append({"repo": "local", "hooks": [hook]})
    config.write_text(yaml.safe_dump(data))


LOCAL: Final = """\
default_install_hook_types: [pre-commit, pre-merge-commit, pre-push]
repos:
  - repo: local
    hooks:
      - id: lint
        name: lint
        entry: "true"
        language: system
"""


@pytest.mark.parametrize(
    "manager",
    [
        # npx and two installs of Node.js programs take as long as the other four.
        pytest.param(each, marks=pytest.mark.slow if INSTALL[each].startswith("npx") else ())
        for each in INSTALL
    ],
)
def test_the_real_manager_rejects_and_accepts_in_a_fresh_clone(
    clients: Clients, git_repo: GitRepo, tmp_path: Path, manager: str
) -> None:
    prepare_manager(manager, git_repo)
    project(git_repo)
    assert run(git_repo.path, "init").status == 0
    assert run(git_repo.path, "init", "--hook", manager).status == 0
    if manager in ("pre-commit", "prek"):
        run_locally(git_repo)
    git_repo.commit("Adopt npm-vetted")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(git_repo.path), str(clone)], check=True)
    env = environment(give_hook_managers(clients, clone))
    subprocess.run(INSTALL[manager].split(), cwd=clone, env=env, check=True, capture_output=True)
    fresh = GitRepo(clone)
    write_project(fresh, {"a": entry("a"), "b": entry("b")}, asked=["a", "b"])
    fresh.add()
    commit = ["git", "commit", "-qm", "Add b"]
    refused = subprocess.run(
        commit, cwd=clone, env=env, capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert "b@1.0.0: new" in refused.stdout + refused.stderr
    words = ("--offline", "--criteria", "health", "-m", "It was read: a small library.")
    assert run(clone, "note", "b", *words).status == 0
    assert run(clone, "note", "b", "--waive-cooldown", "nobody waits in this test").status in (0, 2)
    accepted = subprocess.run(
        commit, cwd=clone, env=env, capture_output=True, text=True, check=False
    )
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr


def test_a_hook_alone_says_what_is_next(git_repo: GitRepo) -> None:
    """``--hook`` adopts nothing: without the remark, a user would think it had."""
    write_project(git_repo, {"a": entry("a")})
    git_repo.commit("Start")
    assert "npm-vetted init" in run(git_repo.path, "init", "--hook", "git").err.splitlines()[-1]
    assert run(git_repo.path, "init").status == 0
    assert "not adopted" not in run(git_repo.path, "init", "--hook", "git").err
