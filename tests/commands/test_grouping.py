"""One ``-m`` over many packages: a group note for each distinct set of required criteria."""

from __future__ import annotations

import tomllib

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check, entry, run, write_project

WORDS = ("-m", "All of it was read.", "--offline")
CHECKS = ("unvetted", "install-scripts", "notes")


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A repository that adopted with 30 packages, of which one brings another."""
    packages = {f"p{at}": entry(f"p{at}") for at in range(30)}
    packages["p0"]["dependencies"] = {"deep": "*"}
    write_project(git_repo, {**packages, "deep": entry("deep")}, asked=list(packages))
    git_repo.commit("Start")
    assert run(git_repo.path, "init").status == 0
    git_repo.commit("Adopt")
    return git_repo


def notes(repo: GitRepo) -> dict[tuple[str, ...], int]:
    """How many packages each new note is about, by its criteria."""
    repo.git("add", "-A")
    found = {}
    for path in repo.git("diff", "--cached", "--name-only", "--", ".vetting/notes").split():
        data = tomllib.loads((repo.path / path).read_text())
        assert path.startswith(".vetting/notes/_groups/") is ("package" not in data)
        found[tuple(sorted(data["criteria"]))] = len(data.get("accepts", [0]))
    return found


def test_a_migration_is_two_notes(repo: GitRepo) -> None:
    packages = {f"p{at}": entry(f"p{at}", "2.0.0") for at in range(30)}
    packages["p0"]["dependencies"] = {"deep": "*"}
    new = {name: entry(name) for name in ("n1", "n2")}
    asked = [*packages, *new]
    write_project(repo, {**packages, **new, "deep": entry("deep", "1.0.1")}, asked=asked)
    repo.git("add", "-A")
    done = run(repo.path, "note", "--criteria", "health,changelog", *WORDS)
    assert done.status == 0, done.err
    assert notes(repo) == {("changelog",): 30, ("health",): 2}
    assert check(repo, *CHECKS).judged == []


def test_scripts_are_claimed_only_of_what_has_some(repo: GitRepo) -> None:
    new = {"n1": entry("n1"), "n2": entry("n2", hasInstallScript=True)}
    packages = {f"p{at}": entry(f"p{at}") for at in range(30)}
    packages["p0"]["dependencies"] = {"deep": "*"}
    asked = [*packages, *new]
    write_project(repo, {**packages, **new, "deep": entry("deep")}, asked=asked)
    repo.git("add", "-A")
    done = run(repo.path, "note", "n1", "n2", "--criteria", "health,scripts", *WORDS)
    assert done.status == 0, done.err
    assert notes(repo) == {("health",): 1, ("health", "scripts"): 1}
    assert check(repo, *CHECKS).judged == []


def test_one_package_has_its_own_note(repo: GitRepo) -> None:
    packages = {f"p{at}": entry(f"p{at}") for at in range(30)}
    packages["p0"]["dependencies"] = {"deep": "*"}
    packages["p1"] = entry("p1", "1.1.0")
    write_project(repo, {**packages, "deep": entry("deep")}, asked=list(packages))
    repo.git("add", "-A")
    assert run(repo.path, "note", "p1", "--criteria", "changelog", *WORDS).status == 0
    assert (repo.path / ".vetting/notes/p1/1.1.0.toml").is_file()


def test_the_working_tree_where_it_is_asked_for(repo: GitRepo) -> None:
    packages = {f"p{at}": entry(f"p{at}") for at in range(30)}
    packages["p0"]["dependencies"] = {"deep": "*"}
    for name in ("n1", "n2"):
        packages[name] = entry(name)
        write_project(repo, {**packages, "deep": entry("deep")}, asked=list(packages))
        if name == "n1":
            repo.git("add", "-A")
    assert run(repo.path, "note", "--worktree", "--criteria", "health", *WORDS).status == 0
    assert notes(repo) == {("health",): 2}
    assert run(repo.path, "note", "--worktree", "--staged").status == 2


def test_an_exemption_of_what_a_range_brings(repo: GitRepo) -> None:
    start = repo.git("rev-parse", "HEAD").strip()
    packages = {f"p{at}": entry(f"p{at}") for at in range(30)}
    packages["p0"]["dependencies"] = {"deep": "*"}
    packages["n1"] = entry("n1")
    write_project(repo, {**packages, "deep": entry("deep")}, asked=list(packages))
    repo.commit("Add n1")
    repo.git("switch", "-qc", "elsewhere", start)
    words = ("--reason", "an old release; all of it was read")
    assert run(repo.path, "exempt", "n1@1.0.0", *words).status == 2
    done = run(repo.path, "exempt", "n1@1.0.0", *words, "--from-ref", start, "--to-ref", "@{-1}")
    assert done.status == 0, done.err
    assert "n1@1.0.0 " in (repo.path / ".vetting/exemptions.txt").read_text()
