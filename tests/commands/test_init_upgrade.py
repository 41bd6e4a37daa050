"""``init --upgrade``: a repository that npm-vetted 0.1.0 adopted moves to the present format."""

from __future__ import annotations

import tomllib

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check, entry, run, write_project

OF_ADOPTION = """
[[ignore]]
check = "install-command"
path = "Dockerfile"
reason = "at adoption"

[[ignore]]
check = "cooldown"
path = "package-lock.json"
reason = "ours, by hand"
"""


def test_ignores_of_adoption_become_lines_of_the_baseline(git_repo: GitRepo) -> None:
    write_project(git_repo, {"a": entry("a")})
    git_repo.write("Dockerfile", "FROM node:22\nRUN npm install -g x\n")
    adopt(git_repo, config=OF_ADOPTION)
    run(git_repo.path, "exempt", "a@1.0.0", "--reason", "there before")
    git_repo.commit("As 0.1.0 left it")
    assert run(git_repo.path, "check", "--all").status == 0

    assert run(git_repo.path, "init", "--upgrade").status == 0
    config = tomllib.loads((git_repo.path / ".vetting/config.toml").read_text())
    assert config["format"] == 2
    assert [each["reason"] for each in config["ignore"]] == ["ours, by hand"]
    lines = (git_repo.path / ".vetting/baseline.txt").read_text().splitlines()
    assert [line.split(" ")[:2] for line in lines] == [
        ["install-command/scripts-run", "Dockerfile"]
    ]
    assert check(git_repo, add=False).status == 0, "narrower than before: no loosening is an error"
    git_repo.git("commit", "-q", "-m", "Upgrade", "--", ".vetting")
    assert run(git_repo.path, "check", "--all").status == 0
    git_repo.write("Dockerfile", "FROM node:22\nRUN npm install -g x\nRUN npm install -g y\n")
    assert [each["line"] for each in check(git_repo).findings] == [3]


def test_a_second_upgrade_changes_nothing(git_repo: GitRepo) -> None:
    write_project(git_repo, {"a": entry("a")})
    adopt(git_repo, config=OF_ADOPTION)
    run(git_repo.path, "exempt", "a@1.0.0", "--reason", "there before")
    git_repo.commit("As 0.1.0 left it")
    run(git_repo.path, "init", "--upgrade")
    git_repo.commit("Upgrade")
    run(git_repo.path, "init", "--upgrade")
    assert git_repo.git("status", "--porcelain") == ""
