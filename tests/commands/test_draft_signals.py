"""What a version newly does, where people decide: ``note``, ``inspect``, ``diff``, ``suggest``."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from npm_vetted.review.signals.table import TABLE_VERSION
from tests.commands.test_review import lockfile, published, write
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import run
from tests.support.verdaccio import Verdaccio

__all__ = ["lockfile", "published"]


@pytest.fixture
def repo(tmp_path: Path, published: Verdaccio) -> GitRepo:
    """A repository that adopted with the earlier versions, and now upgrades two packages."""
    found = GitRepo(tmp_path / "app")
    write(found, published, {"rv-quiet": "1.0.0", "rv-loud": "1.0.0"})
    found.write(".npmrc", f"registry={published.url}\nignore-scripts=true\n")
    found.commit("first")
    assert run(found.path, "init").status == 0
    found.commit("adopt")
    write(found, published, {"rv-quiet": "1.0.1", "rv-loud": "1.0.1", "rv-part": "1.0.0"})
    found.write(".npmrc", f"registry={published.url}\nignore-scripts=true\n")
    found.add()
    return found


def note_of(repo: GitRepo, package: str) -> dict[str, Any]:
    [path] = (repo.path / ".vetting/notes" / package).glob("*.toml")
    return tomllib.loads(path.read_text())


def noted(repo: GitRepo, *more: str) -> tuple[dict[str, Any], str]:
    done = run(
        repo.path, "note", "rv-loud", "--criteria", "changelog,scripts,health",
        "-m", "I read the files.", "--waive-cooldown", "It is a test.", *more,
    )  # fmt: skip
    assert done.status == 0, done.err
    return note_of(repo, "rv-loud"), done.err


def test_a_note_with_words_records_the_signals_where_it_is_asked_to(repo: GitRepo) -> None:
    data, said = noted(repo, "--signals")
    evidence = data["evidence"]
    assert evidence["signals-version"] == TABLE_VERSION
    assert evidence["score"] >= 20
    assert any("rv-loud@1.0.1: install-script-new: " in each for each in evidence["signals"])
    assert "rv-loud@1.0.1, since 1.0.0 (score " in said


def test_a_note_with_words_compares_no_files_unless_asked(repo: GitRepo) -> None:
    data, _ = noted(repo)
    assert "signals" not in data["evidence"]


def test_a_note_with_words_records_what_was_compared_before(repo: GitRepo) -> None:
    assert run(repo.path, "review").status == 0
    data, _ = noted(repo)
    assert data["evidence"]["score"] >= 20


def test_the_online_audit_finds_a_score_that_is_too_low(repo: GitRepo) -> None:
    noted(repo, "--signals")
    repo.commit("noted", add=False)
    found = json.loads(run(repo.path, "audit", "--online", "--format", "json").out)
    assert found["disagreements"] == []
    [path] = (repo.path / ".vetting/notes/rv-loud").glob("*.toml")
    score = note_of(repo, "rv-loud")["evidence"]["score"]
    path.write_text(path.read_text().replace(f"score = {score}", "score = 1"))
    repo.commit("a lower score")
    done = run(repo.path, "audit", "--online", "--format", "json")
    [row] = json.loads(done.out)["disagreements"]
    assert (done.status, row["package"]) == (1, "rv-loud")
    assert f"signals with a score of {score}, noted as 1: " in row["disagrees"]
    path.write_text(
        path.read_text().replace(f"signals-version = {TABLE_VERSION}", "signals-version = 1")
    )
    repo.commit("another table")
    assert run(repo.path, "audit", "--online").status == 0


@pytest.mark.parametrize(
    "command", [("inspect", "rv-loud@1.0.1"), ("diff", "rv-loud@1.0.0", "1.0.1")]
)
def test_inspect_and_diff_show_the_reasons(repo: GitRepo, command: tuple[str, ...]) -> None:
    text = run(repo.path, *command).out
    assert "newly, since 1.0.0 (score " in text
    assert "runs a script at install that the earlier version did not have" in text
    found = json.loads(run(repo.path, *command, "--format", "json").out)["signals"]
    assert (found["since"], found["complete"], found["score"] >= 20) == ("1.0.0", True, True)
    assert {"code", "text", "path", "line"} == set(found["reasons"][0])


def test_suggest_puts_what_deserves_attention_first(repo: GitRepo) -> None:
    found = json.loads(run(repo.path, "suggest", "--format", "json").out)["suggestions"]
    pending = [
        (each["package"], (each["score"] or 0) >= 5)
        for each in found
        if each["status"] == "unvetted"
    ]
    assert pending[0] == ("rv-loud", True)
    assert ("rv-quiet", False) in pending
    assert "runs a script at install" in run(repo.path, "suggest").out
