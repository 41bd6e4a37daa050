"""``[[exclude]]`` is for templates and fixtures: not for a folder that a command installs in."""

from __future__ import annotations

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check, entry, write_note, write_project

EXCLUDE = '[[exclude]]\npath = "examples/**"\nreason = "shown in the docs"\n'
WORKFLOW = """\
on: push
jobs:
  a:
    runs-on: x
    steps:
      - uses: actions/checkout@v4
      - run: npm ci
        working-directory: examples/one
"""


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    write_project(git_repo, {"a": entry("a")})
    write_note(git_repo, "a")
    write_project(git_repo, {"evil": entry("evil")}, folder="examples/one")
    git_repo.write("examples/one/.npmrc", "ignore-scripts=true\n")
    adopt(git_repo, config=EXCLUDE)
    return git_repo


def found(repo: GitRepo) -> list[tuple[str, str]]:
    done = check(repo, "install-command")
    return [(each["code"], each["path"]) for each in done.findings]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("setup.sh", "cd examples/one && npm ci --ignore-scripts\n"),
        ("setup.sh", "npm --prefix examples/one install\n"),
        ("Dockerfile", "FROM node\nCOPY examples/one /app\nWORKDIR /app\nRUN npm ci\n"),
        (".github/workflows/ci.yml", WORKFLOW),
    ],
)
def test_no_command_installs_in_an_excluded_folder(repo: GitRepo, path: str, text: str) -> None:
    repo.write(path, text)
    assert ("excluded-folder", path) in found(repo)


def test_other_commands_and_other_folders_pass(repo: GitRepo) -> None:
    repo.write("setup.sh", "npm ci\ncd examples/one && npm pack && npm run build\n")
    repo.write("examples/one/setup.sh", "npm ci\n")
    assert found(repo) == []


def test_no_folder_is_excluded_that_a_command_installs_in(repo: GitRepo) -> None:
    write_project(repo, {"a": entry("a")}, folder="tools")
    repo.write("tools/.npmrc", "ignore-scripts=true\n")
    repo.write("setup.sh", "cd tools && npm ci\n")
    repo.commit("Tools")
    config = repo.path / ".vetting/config.toml"
    config.write_text(config.read_text() + EXCLUDE.replace("examples/**", "tools/package.json"))
    assert found(repo) == [("excluded-folder", "setup.sh")]
    config.write_text(config.read_text().replace("tools/package.json", "docs/**"))
    assert found(repo) == []
