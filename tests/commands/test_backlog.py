"""The backlog shrinks: what replaces an exemption, what ``prune`` drops, what ``suggest`` says."""

from __future__ import annotations

import json

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import (
    check,
    entry,
    run,
    write_project,
    write_routine_note,
)


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A repository that adopted with a 1.0.0, which brings b in two versions."""
    packages = {
        "a": entry("a", dependencies={"b": "*"}), "b": entry("b", "1.0.0"),
        "a/node_modules/b": entry("b", "1.1.0"),
    }  # fmt: skip
    write_project(git_repo, packages, asked=["a"])
    git_repo.commit("Start")
    assert run(git_repo.path, "init").status == 0
    git_repo.commit("Adopt")
    return git_repo


def suggestions(repo: GitRepo) -> dict[str, tuple[str, str | None, str | None]]:
    done = run(repo.path, "suggest", "--offline", "--format", "json")
    return {
        f"{each['package']}@{each['version']}": (each["status"], each["from"], each["brought_by"])
        for each in done.json["suggestions"]
    }


def test_two_exempt_versions_are_not_each_other_s_start(repo: GitRepo) -> None:
    assert suggestions(repo) == {
        "a@1.0.0": ("exempt", None, None),
        "b@1.0.0": ("exempt", None, None),
        "b@1.1.0": ("exempt", "1.0.0", "a"),
    }


def test_what_nobody_has_looked_at_is_said(repo: GitRepo) -> None:
    out = run(repo.path, "suggest", "--offline").out
    assert "3 exempt: nobody has looked at them" in out
    assert "b@1.1.0  exempt  brought by a  not asked" in out


def test_a_note_takes_the_programs_for_platforms_out_of_the_backlog_too(git_repo: GitRepo) -> None:
    """esbuild has 25 of them: they are covered together with it (DESIGN.md, section 6)."""
    programs = {
        f"@b/{system}-x64": entry(f"@b/{system}-x64", os=[system], cpu=["x64"])
        for system in ("linux", "darwin")
    }
    packages = {"b": entry("b", optionalDependencies=dict.fromkeys([*programs, "c"], "1.0.0"))}
    write_project(git_repo, {**packages, **programs, "c": entry("c")}, asked=["b"])
    git_repo.commit("Start")
    assert run(git_repo.path, "init").status == 0
    git_repo.commit("Adopt")
    listed = run(git_repo.path, "suggest", "--offline").out
    assert "    its note lists 2 programs for platforms\n" in listed
    assert "@b/linux-x64" not in listed
    assert "0 unvetted, 4 exempt" in listed
    words = ("--criteria", "health", "-m", "All of it was read.", "--offline")
    assert "b@1.0.0, with 2 more" in run(git_repo.path, "note", "b", *words).err
    assert list(suggestions(git_repo)) == ["c@1.0.0"]


def test_the_first_suggestions_have_their_commands_and_verbose_shows_all(git_repo: GitRepo) -> None:
    names = [f"p{at:02}" for at in range(30)]
    write_project(git_repo, {name: entry(name) for name in names}, asked=names)
    git_repo.commit("Start")
    usual = run(git_repo.path, "suggest", "--offline").out
    assert usual.count(" note ") == 3
    assert len(usual.splitlines()) < 40
    assert run(git_repo.path, "suggest", "--offline", "-v").out.count(" note ") == 30
    quiet = run(git_repo.path, "suggest", "--offline", "-q").out.splitlines()
    assert quiet[-1] == "[5 more: --limit 0 lists all]"


def test_a_note_says_which_lines_are_unnecessary_and_prune_drops_them(repo: GitRepo) -> None:
    words = ("--criteria", "health", "-m", "All of it was read.", "--offline")
    done = run(repo.path, "note", "a", *words)
    assert "1 line of .vetting/exemptions.txt is now unnecessary" in done.err
    assert "a@1.0.0" not in suggestions(repo)
    repo.commit("Vet a")
    assert run(repo.path, "prune", "--dry-run").out == ""  # its age is not known yet
    note = repo.path / ".vetting/notes/a/1.0.0.toml"
    note.write_text(note.read_text().replace("why =", "published = 2020-01-01\nwhy =", 1))
    note.write_text(note.read_text().replace("2020-01-01\n", "2020-01-01T00:00:00Z\n", 1))
    repo.commit("Its age")
    assert run(repo.path, "prune", "--dry-run").out == "a@1.0.0\n"
    assert run(repo.path, "prune").out == "a@1.0.0\n"
    lines = (repo.path / ".vetting/exemptions.txt").read_text().splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["b@1.0.0", "b@1.1.0"]
    repo.commit("Prune")
    assert check(repo, "--all").findings == []


def test_a_routine_note_replaces_no_exemption(repo: GitRepo) -> None:
    write_routine_note(repo, "b", "1.1.0", "1.0.0")
    repo.commit("A routine note", add=True)
    assert suggestions(repo)["b@1.1.0"][0] == "exempt"
    assert run(repo.path, "prune").out == ""


def test_prune_drops_baseline_lines_that_match_nothing(git_repo: GitRepo) -> None:
    repo = git_repo
    write_project(repo, {"a": entry("a")})
    repo.write("Dockerfile", "FROM node:22\nRUN npm ci\n")
    repo.write("other/Dockerfile", "FROM node:22\nRUN npm ci\n")
    repo.commit("Start")
    run(repo.path, "init")
    repo.commit("Adopt")
    baseline = repo.path / ".vetting/baseline.txt"
    before = baseline.read_text().splitlines()
    assert {line.split()[1] for line in before} >= {"Dockerfile", "other/Dockerfile"}
    repo.git("rm", "-q", "other/Dockerfile")
    repo.commit("One is gone")
    run(repo.path, "prune", "--dry-run")
    assert baseline.read_text().splitlines() == before
    assert run(repo.path, "prune").status == 0
    after = baseline.read_text().splitlines()
    assert after == [line for line in before if line.split()[1] != "other/Dockerfile"]
    repo.commit("Prune")
    assert check(repo, "--all").status == 0
    assert json.loads(check(repo, "--all").out)["findings"] == []
