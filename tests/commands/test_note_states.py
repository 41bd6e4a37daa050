"""Which state `note` records for: by project the index, else the working tree."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import Done, adopt, check, entry, run, write_project
from tests.support.terminal import converse

WORDS = ("--offline", "--criteria", "health", "-m", "What it is for; all of it was read.")
INDEX, TREE = "npm-vetted: looking at what is staged", "npm-vetted: looking at the working tree"


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """Two projects, at the top and in `tool`, that use nothing; adopted."""
    write_project(git_repo, {})
    write_project(git_repo, {}, folder="tool")
    adopt(git_repo, "[policy]\ncooldown-days = 0\n")
    return git_repo


def add(repo: GitRepo, name: str, folder: str = "", *, stage: bool = False) -> None:
    write_project(repo, {name: entry(name)}, folder=folder)
    if stage:
        repo.git("add", "-A")


def notes(repo: GitRepo) -> list[str]:
    listed = repo.git("ls-files", "--", ".vetting/notes").splitlines()
    return [path.removeprefix(".vetting/notes/") for path in listed]


def first_line(done: Done) -> str:
    return done.err.splitlines()[0]


def test_what_is_staged_counts_and_a_working_tree_that_differs_is_named(repo: GitRepo) -> None:
    add(repo, "a", stage=True)
    add(repo, "b")
    done = run(repo.path, "note", *WORDS)
    assert (done.status, notes(repo)) == (0, ["a/1.0.0.toml"])
    assert "the working tree differs in package-lock.json" in done.err
    assert INDEX in done.err


def test_without_a_terminal_the_working_tree_must_be_asked_for(repo: GitRepo) -> None:
    add(repo, "a")
    done = run(repo.path, "note", *WORDS)
    assert (done.status, notes(repo)) == (2, [])
    assert "a@1.0.0" in done.err
    assert "--worktree" in done.err
    done = run(repo.path, "note", "--worktree", *WORDS)
    assert (done.status, first_line(done), notes(repo)) == (0, TREE, ["a/1.0.0.toml"])


def test_a_project_that_is_not_staged_is_left_and_named(repo: GitRepo) -> None:
    add(repo, "a", stage=True)
    add(repo, "b", "tool")
    done = run(repo.path, "note", *WORDS)
    assert (done.status, notes(repo)) == (0, ["a/1.0.0.toml"])
    assert "b@1.0.0, in the working tree only, is not recorded now" in done.err


def test_a_person_is_asked_for_each_project_in_its_own_state(repo: GitRepo) -> None:
    add(repo, "a", stage=True)
    add(repo, "b", "tool")
    status, screen = talk(repo, [("a@1.0.0: health", "y"), ("found: ", "Read it."),
                                 ("b@1.0.0: health", "y"), ("found: ", "Read it.")])  # fmt: skip
    assert (status, notes(repo)) == (0, ["a/1.0.0.toml", "b/1.0.0.toml"]), screen
    assert screen.index(INDEX) < screen.index(TREE)


def test_staged_notes_alone_are_no_change_of_a_project(repo: GitRepo) -> None:
    add(repo, "a")
    repo.write(".vetting/notes/b/README", "words\n")
    repo.git("add", ".vetting")
    done = run(repo.path, "note", "--worktree", *WORDS)
    assert (done.status, notes(repo)[0]) == (0, "a/1.0.0.toml")


def test_an_untracked_project_is_named_and_does_not_count(repo: GitRepo) -> None:
    add(repo, "a", "fresh")
    done = run(repo.path, "note", *WORDS)
    assert (done.status, notes(repo)) == (0, [])
    assert "git does not track fresh" in done.err


def test_a_package_is_taken_from_the_first_state_that_holds_it_unvetted(repo: GitRepo) -> None:
    add(repo, "a", stage=True)
    run(repo.path, "note", "a", *WORDS)
    write_project(repo, {"a": entry("a", "1.1.0")})
    done = run(repo.path, "note", "a", *WORDS)
    assert (done.status, first_line(done)) == (0, TREE)
    assert notes(repo) == ["a/1.0.0.toml", "a/1.1.0.toml"]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ((), 0),
        (("nowhere",), 2),
        (("--staged", "--worktree"), 2),
        (("--staged", "--from-ref", "main"), 2),
    ],
)
def test_nothing_to_record_unknown_packages_and_two_states(
    repo: GitRepo, words: tuple[str, ...], status: int
) -> None:
    assert run(repo.path, "note", *words, *WORDS).status == status


def test_what_commit_a_would_bring_is_fixed_in_the_working_tree(repo: GitRepo) -> None:
    """Git's index for `commit -a` is gone after the rejection; the printed command says so."""
    hook = repo.write(
        ".git/hooks/pre-commit", f"#!/bin/sh\nexec {sys.executable} -m npm_vetted check\n"
    )
    hook.chmod(0o755)
    write_project(repo, {"a": entry("a"), "b": entry("b")})
    done = repo.run("commit", "-qam", "Two new packages", check=False)
    assert done.returncode == 1
    assert " note --worktree --criteria health\n" in done.stdout + done.stderr
    assert run(repo.path, "note", "--worktree", *WORDS).status == 0
    repo.run("commit", "-qam", "Two new packages")


def test_the_end_says_what_is_still_rejected_and_until_when(repo: GitRepo) -> None:
    repo.write(".vetting/config.toml", "format = 1\n")
    repo.commit("Take the default cooldown")
    write_project(repo, {"a": entry("a")}, scripts={"postinstall": "node x"})
    repo.write(".npmrc", "registry=http://a.example/\nignore-scripts=true\n")
    repo.git("add", "-A")
    done = run(repo.path, "note", "a", *WORDS)
    assert done.status == 0
    *_, cooldown, others = done.err.splitlines()
    assert cooldown.startswith("npm-vetted: still rejected until ")
    assert cooldown.endswith(" UTC (cooldown): a@1.0.0")
    assert "1 of client-settings" in others


def test_in_a_range_the_new_note_counts(repo: GitRepo) -> None:
    repo.git("switch", "-qc", "topic")
    add(repo, "a")
    repo.commit("Use a")
    done = run(repo.path, "note", "--from-ref", "main", *WORDS)
    assert (done.status, "still rejected" in done.err) == (0, False)
    assert first_line(done) == "npm-vetted: looking at what HEAD brings to main"


def talk(
    repo: GitRepo, answers: list[tuple[str, str]], env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    unset = {"EDITOR": "", "VISUAL": "", "GIT_EDITOR": ""}
    return converse(["note", "--offline"], answers, cwd=repo.path, env={**unset, **(env or {})})


def two_new(repo: GitRepo) -> None:
    c = entry("c", hasInstallScript=True)
    packages = {"a": entry("a", dependencies={"c": "*"}), "b": entry("b"), "c": c}
    write_project(repo, packages, asked=["a", "b"])
    repo.git("add", "-A")


def test_what_comes_with_a_package_is_listed_before_the_question(repo: GitRepo) -> None:
    two_new(repo)
    _, screen = talk(repo, [("a@1.0.0: health", "q")])
    listed = "brings, new to this repository: c@1.0.0 (has install scripts)"
    assert screen.index(listed) < screen.index("a@1.0.0: health")


KEYS: dict[str, tuple[str, str, list[str]]] = {
    "skip": ("a: s, b: y", "nothing is recorded for a@1.0.0", ["b"]),
    "no": ("a: n, b: y", "nothing is recorded for a@1.0.0", ["b"]),
    "quit": ("a: q", "nothing is recorded for b@1.0.0", []),
    "end of input": ("a: \x04", "nothing is recorded for b@1.0.0", []),
    "back to a criterion": ("a: y, a scripts: b, a: y, a scripts: y, b: q", "", ["a"]),
    "back to a package": ("a: s, b: b, a: q", "", []),
    "nothing to go back to": ("a: b, a: q", "nothing to go back to", []),
    "the keys are explained": ("a: ?, a: q", "s  skip this package", []),
    "an empty answer is asked again": ("a: , a: q", "s  skip this package", []),
    "difference of what is new": ("a: d, a: q", "read the code of a@1.0.0 in full", []),
    "no pages": ("a: o, a: q", "the registry names no page of it", []),
}


@pytest.mark.parametrize(("typed", "seen", "noted"), KEYS.values(), ids=KEYS)
def test_the_keys(repo: GitRepo, typed: str, seen: str, noted: list[str]) -> None:
    two_new(repo)
    answers = []
    for each in typed.split(", "):
        question, _, key = each.partition(": ")
        name, _, criterion = question.partition(" ")
        answers.append((f"{name}@1.0.0: {criterion or 'health'}", key))
        if key == "y" and (name == "b" or criterion):  # the last question about the package
            answers.append(("found: ", "Read all of it."))
    status, screen = talk(repo, answers)
    assert seen in screen
    assert (status, notes(repo)) == (1, [f"{name}/1.0.0.toml" for name in noted]), screen


def test_a_printed_command_for_all_claims_of_each_only_what_it_needs(repo: GitRepo) -> None:
    two_new(repo)
    assert "note --criteria health,scripts" in run(repo.path, "check").out
    done = run(
        repo.path, "note", "--offline", "--criteria", "health,scripts", "-m", "Read all of it."
    )
    assert done.status == 0
    assert [each for each in check(repo, add=False).findings if each["level"] == "error"] == []


def test_one_minor_upgrade_gets_its_own_note(repo: GitRepo) -> None:
    add(repo, "a", stage=True)
    run(repo.path, "note", *WORDS)
    repo.commit("Use a")
    write_project(repo, {"a": entry("a", "1.1.0")})
    repo.git("add", "-A")
    words = ("--offline", "--criteria", "changelog", "-m", "The changelog was read.")
    assert run(repo.path, "note", *words).status == 0
    assert notes(repo) == ["a/1.0.0.toml", "a/1.1.0.toml"]
