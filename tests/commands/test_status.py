"""``npm-vetted`` without a command: what it says of each state, and which command it names next."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, entry, run, write_note, write_project

INIT = "npm-vetted init"
NOTE = "npm-vetted note"
CHECK = "npm-vetted check"
CHECK_ALL = "npm-vetted check --all"
SUGGEST = "npm-vetted suggest"
HOOK = "npm-vetted init --hook"


def status(repo: GitRepo, expected: int = 0) -> Any:
    """The screen as JSON; the commands it names without this executable's own path."""
    done = run(repo.path, "--format", "json")
    assert done.status == expected, done.err
    found = done.json
    found["next"] = [
        f"npm-vetted {each.partition('npm-vetted ')[2]}" if "npm-vetted " in each else each
        for each in found["next"]
    ]
    return found


@pytest.fixture
def adopted(git_repo: GitRepo) -> GitRepo:
    """A project that uses a 1.0.0, which a note covers."""
    write_project(git_repo, {"a": entry("a")})
    write_note(git_repo, "a")
    adopt(git_repo)
    git_repo.write(".vetting/config.toml", "format = 2\n[policy]\ncooldown-days = 0\n")
    git_repo.commit("The present format")
    hook = git_repo.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 0\nnpm-vetted check\n")
    hook.chmod(0o755)
    return git_repo


def test_nothing_to_do(adopted: GitRepo) -> None:
    found = status(adopted)
    assert (found["adoption"], found["next"]) == ("adopted", [])
    assert found["projects"] == [{"path": ".", "client": "npm"}]
    assert found["hooks"] == ["pre-commit (git)"]
    said = run(adopted.path)
    assert (said.status, said.err) == (0, "")
    assert said.out.endswith("Nothing to do.\n")


def test_before_adoption(git_repo: GitRepo) -> None:
    write_project(git_repo, {"a": entry("a")})
    untracked = status(git_repo)
    assert untracked["projects"] == [{"path": ".", "client": "npm"}]
    git_repo.commit("A shop")
    for found in (untracked, status(git_repo)):
        assert (found["adoption"], found["next"]) == ("none", [INIT])
    assert run(git_repo.path, "init").status == 0
    staged = status(git_repo)
    assert (staged["adoption"], staged["next"]) == (
        "staged", ['git commit -m "Adopt npm-vetted"'],
    )  # fmt: skip


def test_what_is_new_is_named_where_it_is(adopted: GitRepo) -> None:
    write_project(adopted, {"a": entry("a"), "b": entry("b")}, asked=["a", "b"])
    changed = status(adopted)
    assert changed["worktree"]["unvetted"] == ["b@1.0.0"]
    assert changed["staged"]["unvetted"] == changed["committed"]["unvetted"] == []
    assert changed["next"] == [NOTE]
    adopted.add()
    staged = status(adopted)
    assert staged["staged"]["unvetted"] == ["b@1.0.0"]
    assert staged["worktree"]["unvetted"] == staged["committed"]["unvetted"] == []
    assert staged["next"] == [NOTE]
    adopted.commit("Skip the hook")
    past = status(adopted)
    assert past["committed"]["unvetted"] == ["b@1.0.0"]
    assert past["backlog"]["unvetted"] == 1
    assert past["next"] == [CHECK_ALL, SUGGEST]


def test_other_findings_and_the_backlog(adopted: GitRepo) -> None:
    adopted.write(".npmrc", "ignore-scripts=false\n")
    found = status(adopted)
    assert found["worktree"]["others"] > 0
    assert found["next"] == [CHECK]
    adopted.git("restore", ".")
    write_project(adopted, {"a": entry("a"), "b": entry("b")}, asked=["a", "b"])
    adopted.add()
    assert run(adopted.path, "exempt", "b@1.0.0", "--reason", "It is to be read later.").status == 0
    adopted.commit("Admit b")
    found = status(adopted)
    assert found["backlog"] == {"exempt": 1, "unvetted": 0, "accepted": 0}
    assert found["next"] == [SUGGEST]


def test_no_hook_in_this_clone(adopted: GitRepo) -> None:
    (adopted.path / ".git/hooks/pre-commit").unlink()
    found = status(adopted)
    assert (found["hooks"], found["next"]) == ([], [f"{HOOK} pre-commit"])
    adopted.write("lefthook.yml", "# none yet\n")
    assert status(adopted)["next"][-1] == HOOK


@pytest.mark.parametrize(
    ("path", "text"),
    [("package-lock.json", "{"), (".vetting/config.toml", "polcy = 1\n"), ("package.json", "{")],
)
def test_what_cannot_be_read(adopted: GitRepo, path: str, text: str) -> None:
    adopted.write(path, text)
    adopted.commit("Broken")
    found = status(adopted, 3)
    assert any(each.startswith(f"{path}:1: ") for each in found["unread"])
    assert CHECK_ALL in found["next"]
    assert f"cannot be read: {path}:1: " in run(adopted.path).out


def test_an_older_format(adopted: GitRepo) -> None:
    adopted.write(".vetting/config.toml", "format = 1\n")
    adopted.commit("As 0.1.0 wrote it")
    found = status(adopted)
    assert (found["adoption"], found["next"]) == ("old", ["npm-vetted init --upgrade"])


def test_a_hook_that_only_mentions_it(adopted: GitRepo) -> None:
    adopted.write(".git/hooks/pre-commit", "#!/bin/sh\n# npm-vetted check\n")
    assert status(adopted)["hooks"] == []


def test_it_has_a_name_too(adopted: GitRepo) -> None:
    bare, named = run(adopted.path), run(adopted.path, "status")
    assert (bare.status, bare.out) == (named.status, named.out)


def test_a_hostile_name_reaches_no_terminal(adopted: GitRepo) -> None:
    write_project(
        adopted, {"a": entry("a"), "b\x1b[31m": entry("b\x1b[31m")}, asked=["a", "b\x1b[31m"]
    )
    assert "\x1b" not in run(adopted.path).out


def test_outside_of_a_repository(tmp_path: Any) -> None:
    done = run(tmp_path, GIT_CEILING_DIRECTORIES="/")
    assert (done.status, done.out) == (2, "")


@pytest.mark.parametrize(
    ("scripts", "said"),
    [
        ({}, "no locked package has scripts"),
        ({"hasInstallScript": True}, 'note "a@1.0.0" --criteria health,scripts'),
    ],
)
def test_rebuild_with_nothing_approved_says_what_has_scripts(
    git_repo: GitRepo, scripts: dict[str, bool], said: str
) -> None:
    write_project(git_repo, {"a": entry("a", **scripts)})
    git_repo.commit("A shop")
    assert run(git_repo.path, "init").status == 0
    done = run(git_repo.path, "rebuild")
    assert (done.status, done.out, said in done.err) == (0, "", True)


def test_verbose_names_every_package(git_repo: GitRepo) -> None:
    names = [f"p{at:02}" for at in range(12)]
    write_project(git_repo, {name: entry(name) for name in names}, asked=names)
    git_repo.add()
    assert "p08@1.0.0" not in run(git_repo.path).out
    assert "p11@1.0.0" in run(git_repo.path, "-v").out
