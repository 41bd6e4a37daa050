"""A change that removes or narrows npm-vetted's own hook or CI step."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from npm_vetted.checks._guard_calls import calls_in
from npm_vetted.checks._guard_hooks import hooks_in
from npm_vetted.checks._guard_triggers import starts_as_often, triggers_of
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check

HOOK = """\
repos:
  - repo: https://example.com/npm-vetted
    rev: v0.1.0
    hooks:
      - id: npm-vetted
"""
STEP = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: npm-vetted check --ci\n"
CONFIG = ".pre-commit-config.yaml"
WORKFLOW = ".github/workflows/ci.yml"


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    adopt(git_repo)
    git_repo.write(CONFIG, HOOK)
    git_repo.write(WORKFLOW, STEP)
    git_repo.commit("The guard")
    return git_repo


CHANGES = [
    (CONFIG, "repos: []\n", True),
    (CONFIG, HOOK.replace("v0.1.0", "v0.2.0"), False),
    (CONFIG, HOOK + "        stages: [manual]\n", True),
    (CONFIG, HOOK + "        exclude: package-lock.json\n", True),
    (CONFIG, HOOK.replace("example.com", "evil.example"), True),
    (CONFIG, HOOK + "  - repo: local\n    hooks: []\n", False),
    (WORKFLOW, STEP.replace("      - run: npm-vetted check --ci\n", "      - run: 'true'\n"), True),
    (WORKFLOW, STEP.replace("--ci", "--ci || true"), True),
    (WORKFLOW, STEP + "      - run: make\n", False),
    (CONFIG, HOOK.replace("v0.1.0", "v0.0.9"), True),
    (CONFIG, HOOK.replace("v0.1.0", "some-branch"), True),
    (CONFIG, HOOK + "        language_version: ./python\n", True),
    (CONFIG, HOOK + "ci:\n  skip: [npm-vetted]\n", True),
    (CONFIG, HOOK + "ci:\n  autofix_prs: false\n", False),
    (CONFIG, HOOK + "default_language_version:\n  python: ./python\n", True),
    (WORKFLOW, STEP + "        continue-on-error: true\n", True),
    (WORKFLOW, STEP + "        continue-on-error: false\n", False),
    (WORKFLOW, STEP + "        if: github.actor != 'eve'\n", True),
    (WORKFLOW, STEP + "        if: always()\n", False),
    (WORKFLOW, STEP + "        shell: 'true {0}'\n", True),
    (WORKFLOW, STEP + "        env:\n          PATH: ./bin\n", True),
    (WORKFLOW, STEP + "        env:\n          TOKEN: x\n", False),
    (WORKFLOW, STEP.replace("    runs-on", "    if: false\n    runs-on"), True),
    (WORKFLOW, STEP.replace("    runs-on", "    needs: [other]\n    runs-on"), True),
    (WORKFLOW, STEP.replace("runs-on: x", "runs-on: y\n    timeout-minutes: 5"), False),
    (WORKFLOW, STEP.replace("on: push", "on: workflow_dispatch"), True),
    (WORKFLOW, STEP.replace("on: push", "on:\n  push:\n    branches: [none]"), True),
    (WORKFLOW, STEP.replace("on: push", "on: [push, merge_group]"), False),
    (WORKFLOW, STEP.replace("- run: npm-vetted", "# - run: npm-vetted"), True),
    (WORKFLOW, STEP.replace("npm-vetted check", "echo npm-vetted check"), True),
    (WORKFLOW, STEP.replace("npm-vetted check", "exit 0; npm-vetted check"), True),
    (WORKFLOW, STEP.replace("--ci", "--ci --online --strict"), False),
    (WORKFLOW, STEP.replace("- run:", "- name: Vet\n        run:"), False),
    (WORKFLOW, STEP + "\t{{", True),
    (WORKFLOW, STEP.replace("    runs-on", "    container: evil/image\n    runs-on"), True),
]


@pytest.mark.parametrize(("path", "text", "removed"), CHANGES)
def test_what_narrows_the_guard(repo: GitRepo, path: str, text: str, removed: bool) -> None:
    repo.write(path, text)
    levels = [
        each["level"] for each in check(repo, "policy").findings if each["code"] == "guard-removed"
    ]
    assert levels == (["warning"] if removed else [])


def test_in_a_range_it_is_an_error(repo: GitRepo) -> None:
    start = repo.git("rev-parse", "HEAD")
    repo.git("rm", "-q", CONFIG)
    repo.commit("Drop the guard")
    [found] = check(repo, "policy", "--from-ref", start).findings
    assert (found["code"], found["level"], found["path"]) == ("guard-removed", "error", CONFIG)
    subprocess.run(found["fix"], shell=True, cwd=repo.path, check=True)
    repo.commit("Keep the guard")
    assert check(repo, "policy", "--from-ref", start).findings == []


PUSH = "push:\n    branches: [main]"
REQUEST = "pull_request:\n    paths: [a/**]"
TRIGGERS = [
    ("push", PUSH, True),
    (PUSH, "push", False),
    (PUSH, "push:\n    branches: [main, develop]", False),
    (PUSH, "push:\n    branches: [develop]", True),
    (PUSH, "push:\n    branches: [main, '!main']", True),
    (PUSH, "push:\n    tags: ['v*']", True),
    (PUSH, "push:\n    branches: [main]\n    tags: ['v*']", False),
    (PUSH, "push:\n    branches: [main]\n    paths-ignore: [docs/**]", True),
    (PUSH, f"{PUSH}\npull_request:", False),
    ("push:\n    branches-ignore: [a, b]", "push:\n    branches-ignore: [a]", False),
    ("push:\n    branches-ignore: [a]", "push:\n    branches-ignore: [a, b]", True),
    ("push:\n    branches-ignore: [a]", "push:\n    branches: [main]", True),
    (REQUEST, "pull_request:\n    paths: [a/**, b/**]", False),
    (REQUEST, f"{REQUEST}\n    types: [labeled]", True),
    (REQUEST, f"{REQUEST}\n    types: [opened, reopened, synchronize, edited]", False),
    (REQUEST, f"{REQUEST}\n    unknown: [x]", True),
    (REQUEST, REQUEST.replace("request", "request_target"), True),
    ("workflow_dispatch:\n    inputs: {a: {}}", "workflow_dispatch:", False),
    ("schedule:\n    - cron: '1 1 * * *'", "schedule:\n    - cron: '1 1 1 1 *'", True),
]


@pytest.mark.parametrize(("before", "after", "removed"), TRIGGERS)
def test_a_trigger_may_become_wider(before: str, after: str, removed: bool) -> None:
    one, two = (triggers_of({"on": yaml.safe_load(each)}) for each in (before, after))
    assert starts_as_often(one, two) is not removed


STEPS = [
    ("- uses: npm-vetted/npm-vetted@v1\n", "- uses: npm-vetted/npm-vetted@v2\n", False),
    ("- uses: npm-vetted/npm-vetted@v1\n", "- uses: evil/npm-vetted@v1\n", True),
    ("- uses: npm-vetted/npm-vetted@v1\n", "- uses: actions/checkout@v4\n", True),
    ("- run: pip install npm-vetted==1.0.0\n", "- run: pip install npm-vetted==1.1.0\n", False),
    ("- run: pip install npm-vetted==1.0.0\n", "- run: pip install other\n", True),
    ("- run: pip install npm-vetted==1.0.0\n", "- run: pip install npm-vetted==0.9.0\n", True),
    ("- run: npm-vetted check --ci --online\n", "- run: npm-vetted check --ci\n", True),
    ("- run: npm-vetted check --ci --strict\n", "- run: npm-vetted check --ci --online\n", True),
    ("- run: npm-vetted check --ci -q\n", "- run: npm-vetted check --ci\n", False),
]


@pytest.mark.parametrize(("before", "after", "removed"), STEPS)
def test_what_the_guard_is_installed_from(
    repo: GitRepo, before: str, after: str, removed: bool
) -> None:
    repo.write(WORKFLOW, f"{STEP}      {before}")
    repo.commit("One more step")
    repo.write(WORKFLOW, f"{STEP}      {after}")
    assert [each["code"] for each in check(repo, "policy").findings] == (
        ["guard-removed"] if removed else []
    )


OTHERS = [
    (".husky/pre-commit", "npm-vetted check\n", "exit 0\nnpm-vetted check\n", True),
    (".husky/pre-commit", "npm-vetted check\n", "# npm-vetted check\n", True),
    (".husky/pre-commit", "npm-vetted check\n", "npm test\nnpm-vetted check\n", False),
    (".gitlab-ci.yml", "v:\n  script: [npm-vetted check --ci]\n", "  allow_failure: true\n", True),
    (
        ".gitlab-ci.yml",
        "v:\n  script: [npm-vetted check --ci]\n",
        "  rules: [{when: never}]\n",
        True,
    ),
    (".gitlab-ci.yml", "v:\n  script: [npm-vetted check --ci]\n", "  tags: [big]\n", False),
    (
        "lefthook.yml",
        "pre-commit:\n  jobs:\n    - run: npm-vetted check\n",
        "      skip: true\n",
        True,
    ),
    (
        "lefthook.yml",
        "pre-commit:\n  jobs:\n    - run: npm-vetted check\n",
        '      glob: "*.md"\n',
        True,
    ),
]


SHELL = "npm test\nnpm-vetted check\n"
SCRIPTS = [
    (".husky/pre-commit", "npm test && npm run lint\nset -eu\nnpm-vetted check\n", False),
    (".husky/pre-commit", f"{SHELL}npm run more\n", False),
    (".husky/pre-commit", "if true; then exit 0; fi\nnpm-vetted check\n", True),
    (".husky/pre-commit", "true; exit 0\nnpm-vetted check\n", True),
    (".husky/pre-commit", "if false; then\n  npm-vetted check\nfi\n", True),
    (".husky/pre-commit", "true ||\nnpm-vetted check\n", True),
    (".husky/pre-commit", "cat <<E\nnpm-vetted check\nE\n", True),
    (".husky/pre-commit", ": '\nnpm-vetted check\n'\n", True),
    (".husky/pre-commit", "npm-vetted() { true; }\nnpm-vetted check\n", True),
    (".husky/pre-commit", "PATH=./bin:$PATH\nnpm-vetted check\n", True),
    (".husky/pre-commit", "set +e\nnpm-vetted check\n", True),
    (".githooks/pre-commit", f"{SHELL}npm run more\n", True),
    (".githooks/pre-commit", f"#!/bin/sh -e\n{SHELL}npm run more\n", False),
    (".githooks/pre-commit", f"#!/bin/true\n{SHELL}", True),
    ("ci/vet.sh", "npm test\n", True),
    ("Makefile", "test:\n\tnpm test\n", True),
    ("Jenkinsfile", "when { expression { false } }\nnpm-vetted check\n", True),
]


@pytest.mark.parametrize(("path", "after", "removed"), SCRIPTS)
def test_what_comes_before_the_guard_in_a_script(path: str, after: str, removed: bool) -> None:
    one, two = (list(calls_in(path, each.encode(), _names_nothing)) for each in (SHELL, after))
    assert all(any(map(call.is_kept_by, two)) for call in one) is not removed


def _names_nothing(_: str) -> bool:
    return False


GITHUB = """\
on: push
jobs:
  a:
    steps:
      - uses: actions/checkout@v4
        with: {fetch-depth: 0}
      - uses: npm-vetted/npm-vetted@v1
        with: {arguments: --online}
      - run: npm-vetted check
"""
GITLAB = "vet:\n  image: python:3.12\n  script:\n    - npm ci\n    - npm-vetted check\n"
CIRCLE = "jobs:\n  vet:\n    steps:\n      - run: npm-vetted check\nworkflows:\n  main:\n    jobs: [vet]\n"
BITBUCKET = (
    "pipelines:\n  pull-requests:\n    '**':\n      - step:\n          script: [npm-vetted check]\n"
)
LEFTHOOK = "[pre-commit.commands.vet]\nrun = 'npm-vetted check'\n"
PACKAGE = '{"scripts": {"vet": "npm-vetted check"}}'
TREES = [
    (WORKFLOW, GITHUB, "fetch-depth: 0", "fetch-depth: 1", False),
    (WORKFLOW, GITHUB, "fetch-depth: 0", "ref: main", True),
    (WORKFLOW, GITHUB, "      - run", "      - run: npm ci\n      - run", False),
    (WORKFLOW, GITHUB, "      - run", "      - run: git checkout main\n      - run", True),
    (WORKFLOW, GITHUB, "      - run", "      - run: echo . >> $GITHUB_PATH\n      - run", True),
    (WORKFLOW, GITHUB, "      - run", "      - run: cp x /bin/npm-vetted\n      - run", True),
    (WORKFLOW, GITHUB, "    steps", "    strategy: {matrix: {x: []}}\n    steps", True),
    (WORKFLOW, GITHUB, "    steps", "    env: {PIP_INDEX_URL: x}\n    steps", True),
    (WORKFLOW, GITHUB, "arguments: --online", "arguments: --online --strict", False),
    (WORKFLOW, GITHUB, "arguments: --online", "arguments: --strict", True),
    (WORKFLOW, GITHUB, "arguments: --online", "arguments: --online --only settings", True),
    (WORKFLOW, GITHUB, "npm-vetted@v1", "npm-vetted@v2", False),
    (WORKFLOW, GITHUB, "npm-vetted@v1", "npm-vetted@v0", True),
    (WORKFLOW, GITHUB, "npm-vetted@v1", "npm-vetted@some-branch", True),
    (".gitlab-ci.yml", GITLAB, "python:3.12", "python:3.13", False),
    (".gitlab-ci.yml", GITLAB, "python:3.12", "evil:3.12", True),
    (".gitlab-ci.yml", GITLAB, "npm ci", "exit 0", True),
    (".gitlab-ci.yml", GITLAB, "  script", "  before_script: [exit 0]\n  script", True),
    (".gitlab-ci.yml", GITLAB, "vet:", "workflow: {rules: [{when: never}]}\nvet:", True),
    (".gitlab-ci.yml", GITLAB, "vet:", ".vet:", True),
    (".circleci/config.yml", CIRCLE, "[vet]", "[vet, other]", False),
    (".circleci/config.yml", CIRCLE, "[vet]", "[other]", True),
    (".circleci/config.yml", CIRCLE, "[vet]", "[{vet: {filters: {branches: {only: x}}}}]", True),
    (".circleci/config.yml", CIRCLE, "    jobs", "    when: false\n    jobs", True),
    ("bitbucket-pipelines.yml", BITBUCKET, "'**'", "none", True),
    ("bitbucket-pipelines.yml", BITBUCKET, "pull-requests", "custom", True),
    ("package.json", PACKAGE, "{", "{\n\t", False),
    ("package.json", PACKAGE, "check", "check || true", True),
    ("lefthook.toml", LEFTHOOK, "run", "skip = true\nrun", True),
    ("lefthook.toml", LEFTHOOK, "pre-commit", "post-commit", True),
    ("lefthook.toml", LEFTHOOK, "run", "priority = 1\nrun", False),
]


@pytest.mark.parametrize(("path", "before", "old", "new", "removed"), TREES)
def test_what_surrounds_the_guard_in_a_ci_file(
    path: str, before: str, old: str, new: str, removed: bool
) -> None:
    after = before.replace(old, new, 1)
    one, two = (list(calls_in(path, each.encode(), _names_nothing)) for each in (before, after))
    assert one
    assert all(any(map(call.is_kept_by, two)) for call in one) is not removed


LOCAL = "on: push\njobs:\n  a:\n    uses: ./.github/workflows/ci.yml\n  b:\n    steps:\n      - uses: ./vet\n"


@pytest.mark.parametrize("gone", ["    uses: ./.github/workflows/ci.yml", "      - uses: ./vet"])
def test_what_calls_the_guard_elsewhere_in_the_repository(repo: GitRepo, gone: str) -> None:
    repo.write(".github/workflows/caller.yml", LOCAL)
    repo.write("vet/action.yml", "runs:\n  steps:\n    - run: npm-vetted check\n")
    repo.commit("A caller")
    repo.write(".github/workflows/caller.yml", LOCAL.replace(gone, ""))
    assert [each["code"] for each in check(repo, "policy").findings] == ["guard-removed"]


HOOKS = [
    ("default_stages: [manual]\n", False),
    ("default_install_hook_types: [pre-push]\n", True),
    ("default_install_hook_types: [pre-commit, pre-push]\n", False),
]


@pytest.mark.parametrize(("line", "removed"), HOOKS)
def test_keys_of_the_whole_file_of_pre_commit(line: str, removed: bool) -> None:
    [before], [after] = (list(hooks_in(each.encode())) for each in (HOOK, line + HOOK))
    assert before.is_kept_by(after) is not removed


def test_a_local_hook_takes_its_stages_from_the_whole_file() -> None:
    local = "repos:\n  - repo: local\n    hooks:\n      - id: npm-vetted\n"
    texts = (local, f"default_stages: [manual]\n{local}")
    [before], [after] = (list(hooks_in(each.encode())) for each in texts)
    assert not before.is_kept_by(after)


@pytest.mark.parametrize(("path", "before", "after", "removed"), OTHERS)
def test_other_places_of_the_guard(
    repo: GitRepo, path: str, before: str, after: str, removed: bool
) -> None:
    repo.write(path, before)
    repo.commit("One more place")
    repo.write(path, before + after if after.startswith(" ") else after)
    assert [each["code"] for each in check(repo, "policy").findings] == (
        ["guard-removed"] if removed else []
    )


def test_a_hook_that_becomes_a_script_which_nothing_runs_is_not_kept(repo: GitRepo) -> None:
    repo.write(".husky/pre-commit", SHELL)
    repo.commit("A hook")
    repo.git("mv", ".husky/pre-commit", "old.sh")
    assert [each["path"] for each in check(repo, "policy").findings] == [".husky/pre-commit"]


def test_a_guard_that_moves_to_another_file_is_kept(repo: GitRepo) -> None:
    repo.git("mv", WORKFLOW, ".github/workflows/vet.yml")
    assert check(repo, "policy").findings == []
