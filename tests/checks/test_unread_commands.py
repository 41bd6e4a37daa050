"""Files that are not read and hold an install command: one notice each, and never for prose."""

from __future__ import annotations

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check

UNREAD = {
    "deploy.nix": "buildPhase = ''\n  npm ci\n'';\n",
    "tasks.json": '{\n// npm install: see below\n"run": "npm ci"\n}\n',
    "tools/build.lua": "os.execute('npx cowsay')\n",
    "ci/pipeline.star": "run('pnpm  install')\n",
    "setup": "sudo npm install -g serve\n",
}
SILENT = {
    "README.md": "npm install\n",
    "docs/build.nix": "npm install\n",
    "NOTES.txt": "npm ci\n",
    "LICENSE": "npm install\n",
    "script": "#!/bin/sh\nnpm ci\n",
    "page.html": "<code>npm install x</code>\n",
    "a.nix": "echo npm is installed\n",
    "commented.json": '/* run "npm install" */ {"a": 1}\n',
    "binary.bin": "\0npm install\n",
    "b.nix": "# run npm ci first\n",
    ".gitignore": "made by npx projen\n",
    "deps.json": '{\n"//": "made by npx projen"}\n',
    "a.schema.json": '{"title": "what npm install does"}\n',
}


def notices(repo: GitRepo, *arguments: str) -> list[tuple[object, object, object]]:
    found = check(repo, *arguments, add=False).findings
    return [
        (each["path"], each["line"], each["level"]) for each in found if each["code"] == "not-read"
    ]


@pytest.fixture
def repository(git_repo: GitRepo) -> GitRepo:
    git_repo.write("start", "")
    git_repo.commit()
    for path, text in {**UNREAD, **SILENT}.items():
        git_repo.write(path, text)
    git_repo.add()
    return git_repo


EXPECTED = [
    ("ci/pipeline.star", 1, "notice"), ("deploy.nix", 2, "notice"), ("setup", 1, "notice"),
    ("tasks.json", 3, "notice"), ("tools/build.lua", 1, "notice"),
]  # fmt: skip


def test_all_names_each_once(repository: GitRepo) -> None:
    assert notices(repository, "--all") == EXPECTED


def test_a_range_names_what_it_touches(repository: GitRepo) -> None:
    repository.commit()
    assert notices(repository, "--from-ref", "HEAD~1") == EXPECTED


def test_a_commit_is_not_slowed_by_them(repository: GitRepo) -> None:
    assert notices(repository) == []


def test_many_files_are_searched_by_git(repository: GitRepo) -> None:
    for number in range(250):
        repository.write(f"data/{number}.nix", "nothing\n")
    repository.add()
    assert notices(repository, "--all") == EXPECTED
