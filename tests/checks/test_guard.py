"""A change that removes or narrows npm-vetted's own hook or CI step."""

from __future__ import annotations

import subprocess

import pytest
import yaml

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


def test_a_guard_that_moves_to_another_file_is_kept(repo: GitRepo) -> None:
    repo.git("mv", WORKFLOW, ".github/workflows/vet.yml")
    assert check(repo, "policy").findings == []
