"""A change that removes or narrows npm-vetted's own hook or CI step."""

from __future__ import annotations

import pytest

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
