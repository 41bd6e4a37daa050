"""The working tree as a snapshot."""

from __future__ import annotations

import pytest

from npm_vetted.git import worktree
from npm_vetted.git.objects import Objects
from npm_vetted.git.repository import Repository, run_git
from npm_vetted.git.worktree import compare_worktree
from tests.support.git_repo import GitRepo


@pytest.fixture
def noted(git_repo: GitRepo) -> Repository:
    for number in range(12):
        git_repo.write(f".vetting/notes/p{number}/1.0.0.toml", "# a note\n")
    git_repo.write("package.json", "{}\n")
    git_repo.commit("Start")
    git_repo.write("package.json", '{"name": "changed"}\n')
    git_repo.path.joinpath(".vetting/notes/p0/1.0.0.toml").unlink()
    git_repo.path.joinpath("deep").mkdir()
    git_repo.path.joinpath("deep/package.json").write_text("{}\n")
    git_repo.path.joinpath(".gitignore").write_text("/ignored\n")
    git_repo.path.joinpath("ignored").mkdir()
    git_repo.path.joinpath("ignored/package.json").write_text("{}\n")
    return Repository.open(str(git_repo.path))


def test_what_changed_and_what_git_would_add_is_touched(noted: Repository) -> None:
    with Objects(noted) as objects:
        found = compare_worktree(noted, objects, {"package.json"}).touched
    gone = ".vetting/notes/p0/1.0.0.toml"
    assert set(found) == {"package.json", "deep/package.json", gone}
    assert found[gone].after is None
    assert found["deep/package.json"].before is None


def test_no_git_call_for_each_file(noted: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(*words: str, **more: object) -> bytes:
        calls.append(words[0])
        return run_git(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(worktree, "run_git", counted)
    with Objects(noted) as objects:
        compare_worktree(noted, objects, {"package.json"})
    assert len(calls) <= 4, calls
