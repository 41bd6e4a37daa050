"""What every git process is started with, and the names that it prints, on Windows too."""

from __future__ import annotations

import os

import pytest

from npm_vetted.git import process
from npm_vetted.git.process import path_bytes, path_text
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, entry, run, write_project

LATIN_1 = b"caf\xe9.txt"


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python decodes file names as it does on Windows: what is not UTF-8 raises."""

    def decoded(name: str | bytes) -> str:
        return name if isinstance(name, str) else name.decode("utf-8", "surrogatepass")

    monkeypatch.setattr(process, "_ON_WINDOWS", True)
    monkeypatch.setattr(os, "fsdecode", decoded)


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize("name", [b"a.txt", "é.txt".encode(), LATIN_1])
def test_a_name_comes_back_as_git_has_it_on_windows(name: bytes) -> None:
    assert path_bytes(path_text(name)) == name


@pytest.mark.usefixtures("windows")
def test_a_name_that_is_not_utf8_does_not_stop_a_check_on_windows(git_repo: GitRepo) -> None:
    write_project(git_repo, {"a": entry("a")})
    adopt(git_repo)
    with open(os.path.join(os.fsencode(git_repo.path), LATIN_1), "w") as file:  # noqa: PTH118, PTH123
        file.write("x")
    write_project(git_repo, {"a": entry("a"), "b": entry("b")})
    git_repo.add()
    done = run(git_repo.path, "check", "--format", "json")
    assert done.status == 1
    assert {each["code"] for each in done.json["findings"]} == {"new"}
    assert run(git_repo.path, "check", "--all").status == 1
