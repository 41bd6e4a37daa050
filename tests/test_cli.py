"""The command line: options, exit statuses, the shapes of JSON, what a second run changes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from npm_vetted import __version__, commands
from npm_vetted.checks import checks
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import (
    adopt,
    check,
    entry,
    listed,
    note_text,
    run,
    sri,
    write_note,
    write_project,
)

WORDS = ("--offline", "--criteria", "health", "-m", "It was read: a small library.")


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A project that uses a 1.0.0 (vetted) and adds b, which brings c."""
    write_project(git_repo, {"a": entry("a")})
    write_note(git_repo, "a")
    adopt(git_repo, "[policy]\ncooldown-days = 0\n")
    packages = {"a": entry("a"), "b": entry("b", dependencies={"c": "*"}), "c": entry("c")}
    write_project(git_repo, packages, asked=["a", "b"])
    git_repo.add()
    return git_repo


# Options and exit statuses.


def test_the_version() -> None:
    done = run(Path("/"), "--version")
    assert (done.status, done.out) == (0, f"npm-vetted {__version__}\n")


def test_help_names_every_command() -> None:
    done = run(Path("/"), "--help")
    assert done.status == 0
    for name in commands.command_names():
        assert re.search(rf"^    {name} ", done.out, re.MULTILINE), name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("chek",), "unknown command 'chek'; did you mean 'check'?"),
        (("-C", ".", "nte"), "unknown command 'nte'; did you mean 'note'?"),
        (("xyzzy",), "unknown command 'xyzzy' (known: accept, audit,"),
        (("unvetted",), "'unvetted' is a check, not a command: npm-vetted check unvetted"),
        (("--bogus",), "unrecognized arguments: --bogus"),
        (("check", "unveted"), "unknown check 'unveted'; did you mean 'unvetted'?"),
        (("check", "--to-ref", "HEAD"), "--to-ref needs --from-ref"),
        (("check", "--all", "--from-ref", "HEAD"), "--all and --from-ref exclude each other"),
        (("check", "--format", "yaml"), "invalid choice: 'yaml'"),
        (("--format", "sarif", "audit"), "invalid choice: 'sarif'"),
        (("audit", "--format", "sarif"), "invalid choice: 'sarif'"),
        (("-C", "/nowhere", "check"), "-C /nowhere: No such file or directory"),
        (("note", "b", "--staged"), "name packages, or --staged, not both"),
        (("note", "z", *WORDS), "z is neither staged nor locked anywhere in the working tree"),
        (("note", "b", "--offline"), "without a terminal, -m and --criteria are required"),
        (("note", "b", "--offline", "-m", "It was read."), "-m and --criteria are required"),
        (("note", "b", "--offline", "--criteria", "health"), "-m and --criteria are required"),
        (
            ("note", "b", "--offline", "--criteria", "health", "-m", "TODO"),
            "-m 'TODO' says nothing",
        ),
        (
            ("note", "b", "--offline", "--criteria", "helth", "-m", "It was read."),
            "unknown criterion 'helth'; did you mean 'health'?",
        ),
        (
            ("note", "b", "--offline", "--criteria", "changelog", "-m", "It was read."),
            "the policy also requires health",
        ),
        (("exempt", "b@1.0.0", "--reason", "ok"), "--reason 'ok' says nothing"),
        (("exempt", "b@1.0.0"), "the following arguments are required: --reason"),
        (("explain", "unveted"), "unknown check 'unveted'; did you mean 'unvetted'?"),
    ],
)
def test_a_wrong_command_line(repo: GitRepo, words: tuple[str, ...], said: str) -> None:
    done = run(repo.path, *words)
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert repo.git("status", "--short") == "M  package-lock.json\nM  package.json"


def test_nothing_is_staged_and_the_working_tree_has_changed(repo: GitRepo) -> None:
    repo.git("reset", "-q")
    before = run(repo.path, "check")
    assert before.status == 1
    assert "nothing is staged: everything in git is judged, and the working tree" in before.err
    assert "npm-vetted: 1 project, 2 packages, 0 notes checked: 2 errors" in before.out
    data = run(repo.path, "check", "--format", "json").json
    assert data["scope"]["all"]
    assert [(each["scope"], each["package"]) for each in data["findings"]] == [
        ("worktree", "b"), ("worktree", "c"),
    ]  # fmt: skip
    for form in ("sarif", "github", "gitlab", "markdown"):
        assert "b@1.0.0" in run(repo.path, "check", "--format", form).out
    repo.git("restore", ".")
    calm = run(repo.path, "check")
    assert (calm.status, "nothing has changed: everything in git" in calm.err) == (0, True)


@pytest.mark.parametrize("variable", ["CI", "PRE_COMMIT"])
def test_the_working_tree_counts_only_for_a_person(repo: GitRepo, variable: str) -> None:
    repo.git("reset", "-q")
    assert run(repo.path, "check", **{variable: "1"}).status == 0


def test_before_adoption_it_says_how_to_adopt(git_repo: GitRepo) -> None:
    write_project(git_repo, {"a": entry("a")})
    git_repo.add()
    assert "npm-vetted init" in run(git_repo.path, "check").err
    assert "npm-vetted init" not in run(git_repo.path, "check", "--format", "json").err


def test_file_names_that_lint_staged_appends(repo: GitRepo) -> None:
    repo.write("Dockerfile", "FROM scratch\n")
    names = ["package.json", str(repo.path / "package-lock.json"), "Dockerfile"]
    assert run(repo.path, "check", "--format", "json", *names).judged == [
        ("unvetted", "b"),
        ("unvetted", "c"),
    ]


def test_a_folder_that_is_called_like_a_command(repo: GitRepo) -> None:
    (repo.path / "note").mkdir()
    assert run(repo.path, "-C", "note", "check", "--format", "json").judged == [
        ("unvetted", "b"),
        ("unvetted", "c"),
    ]


@pytest.mark.parametrize(
    ("config", "lockfile", "status"),
    [("", None, 1), ("polcy = 1\n", None, 2), ("", "{", 3)],
)
def test_exit_statuses(repo: GitRepo, config: str, lockfile: str | None, status: int) -> None:
    if config:
        repo.write(".vetting/config.toml", config)
    if lockfile is not None:
        repo.write("package-lock.json", lockfile)
    assert check(repo).status == status


def test_nothing_found(repo: GitRepo) -> None:
    write_note(repo, "b", brings=[listed("c")])
    repo.add()
    done = run(repo.path, "check")
    assert (done.status, done.err) == (0, "")
    assert done.out == "npm-vetted: 1 project, 2 packages, 1 note checked: nothing found\n"
    assert run(repo.path, "-q", "check").out == ""


# Output.

TEXT = """\
package-lock.json:{}: error: b@1.0.0: new, and no note or exemption covers it [unvetted]
    and 1 package more: c@1.0.0
    why: A project runs the code of every new package and of all that it brings.
    see: https://npm-vetted.github.io/npm-vetted/checks/unvetted/#new
    fix: {} note "b@1.0.0" --criteria health

npm-vetted: 1 project, 2 packages, 0 notes checked: 2 errors
"""


def test_the_text(repo: GitRepo) -> None:
    done = run(repo.path, "check")
    data = check(repo)
    program = data.findings[0]["fix"].partition(" note ")[0]
    assert done.out == TEXT.format(data.findings[0]["line"], program)
    assert (done.status, done.err) == (1, "")


@pytest.mark.parametrize(
    ("words", "environment", "coloured"),
    [
        ((), {}, False),
        (("--color", "always"), {}, True),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color", "never"), {}, False),
    ],
)
def test_colours(
    repo: GitRepo, words: tuple[str, ...], environment: dict[str, str], coloured: bool
) -> None:
    done = run(repo.path, *words, "check", **environment)
    assert ("\x1b[" in done.out) is coloured


def test_the_json_of_check(repo: GitRepo) -> None:
    done = run(repo.path, "check", "--format", "json")
    data = done.json
    assert list(data) == ["version", "scope", "checked", "findings"]
    assert data["version"] == 1
    assert data["scope"] == {
        "before": repo.git("rev-parse", "HEAD"),
        "after": "index",
        "all": False,
    }
    assert data["checked"] == {"projects": 1, "artifacts": 2, "notes": 0}
    keys = [
        "check", "code", "level", "message", "path", "line", "project", "package", "version", "key",
        "identity", "fingerprint", "fix", "help",
    ]  # fmt: skip
    assert [list(each) for each in data["findings"]] == [keys, keys]


def test_the_json_of_what_is_undecided(repo: GitRepo) -> None:
    repo.write("package-lock.json", '{\n  "lockfileVersion": 3,\n')
    done = check(repo)
    assert done.status == 3
    [found] = done.findings
    assert (found["check"], found["path"], found["line"]) == ("undecided", "package-lock.json", 3)


def test_the_json_of_audit(repo: GitRepo) -> None:
    path = write_note(repo, "b", brings=[listed("c")])
    repo.add()
    data = run(repo.path, "audit", "--format", "json").json
    line = data["artifacts"][0]["line"]
    assert data["projects"] == [{"path": ".", "client": "npm", "lockfile": "package-lock.json"}]
    old = run(repo.path, "audit", "--format", "json-v1").json
    assert (data["version"], old["version"]) == (2, 1)
    for new, each in zip(data["artifacts"], old["artifacts"], strict=True):
        assert each.items() <= new.items()
    assert old["artifacts"][0] == {
        "project": ".", "package": "a", "version": "1.0.0", "source": "registry",
        "resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz", "integrity": sri("a@1.0.0"),
        "checksum": None, "patch": None, "line": line, "environment": False, "direct": True,
        "development": False, "scripts": False, "status": "vetted",
        "note": ".vetting/notes/a/1.0.0.toml",
    }  # fmt: skip
    assert [(row["status"], row["note"]) for row in data["artifacts"][1:]] == [
        ("vetted", path),
        ("accepted", path),
    ]
    assert data["totals"] == {
        "vetted": 2, "accepted": 1, "exempt": 0, "first-party": 0, "unvetted": 0, "routine": 0,
    }  # fmt: skip


def test_audit_of_a_package(repo: GitRepo) -> None:
    group = ".vetting/notes/_groups/2020-01-02-a-abcd.toml"
    repo.write(group, note_text(None, accepts=[listed("a", "2.0.0")]))
    commit = repo.git("rev-parse", "HEAD")
    said = run(repo.path, "audit", "a", "--format", "json").json["said"]
    assert [(each["kind"], each["version"], each["path"]) for each in said] == [
        ("vetted", "1.0.0", ".vetting/notes/a/1.0.0.toml"),
    ]
    assert said[0]["commit"]["commit"] == commit
    assert said[0]["commit"]["author"] == "Ada Example <ada@example.com>"
    assert said[0]["commit"]["signature"] == "none"
    repo.add()
    said = run(repo.path, "audit", "a", "--format", "json").json["said"]
    assert ("accepted", None) in [(each["kind"], each["commit"]) for each in said]
    assert "not committed yet" in run(repo.path, "audit", "a@2.0.0").out
    assert "no note, group or exemption names it" in run(repo.path, "audit", "z").out


# note, exempt, prune, init, explain.


def test_a_note_and_that_a_second_run_changes_nothing(repo: GitRepo) -> None:
    done = run(repo.path, "note", "b", *WORDS)
    path = ".vetting/notes/b/1.0.0.toml"
    assert (done.status, done.out) == (0, "")
    assert done.err == (
        "npm-vetted: looking at what is staged\n"
        f"npm-vetted: wrote and staged {path}: b@1.0.0, with 1 more\n"
    )
    assert check(repo, add=False).judged == []
    before = repo.git("write-tree")
    assert run(repo.path, "note", "b", *WORDS).status == 0
    assert repo.git("write-tree") == before
    assert repo.git("status", "--short").count("\n") == 2


def test_notes_of_all_that_is_staged(repo: GitRepo) -> None:
    assert run(repo.path, "note", "--staged", *WORDS).status == 0
    assert check(repo, add=False).judged == []
    assert run(repo.path, "note", "--staged", *WORDS).err == (
        "npm-vetted: looking at what is staged\n"
        "npm-vetted: nothing to note: everything is covered\n"
    )


def test_a_group_of_named_packages(repo: GitRepo) -> None:
    assert run(repo.path, "note", "b", "c", *WORDS).status == 0
    [group] = (repo.path / ".vetting/notes/_groups").iterdir()
    assert group.name.count("-") == 4
    assert check(repo, add=False).judged == []


def test_a_note_for_what_is_only_in_the_working_tree(repo: GitRepo) -> None:
    repo.git("restore", "--staged", "package.json", "package-lock.json")
    assert run(repo.path, "note", "b", *WORDS).status == 0
    assert repo.git("diff", "--cached", "--name-only") == ".vetting/notes/b/1.0.0.toml"


def test_notes_of_a_branch(repo: GitRepo) -> None:
    repo.git("checkout", "-qb", "bot")
    repo.commit("Add b")
    assert run(repo.path, "note", "--from-ref", "main", *WORDS).status == 0
    assert check(repo, add=False).judged == []


def test_a_waiver_is_added_to_a_note_and_its_comments_stay(repo: GitRepo) -> None:
    path = write_note(repo, "b", brings=[listed("c")])
    file = repo.path / path
    file.write_text("# my own words\n" + file.read_text())
    repo.add()
    done = run(repo.path, "note", "b", "--waive-cooldown", "fixes CVE-2026-1")
    assert done.status == 0, done.err
    text = file.read_text()
    assert text.startswith("# my own words\n")
    assert 'cooldown-waiver = "fixes CVE-2026-1"\n' in text
    assert run(repo.path, "note", "b", "--waive-cooldown", "fixes CVE-2026-1").status == 0
    assert file.read_text() == text


def test_exempt_and_prune(repo: GitRepo) -> None:
    done = run(repo.path, "exempt", "b@1.0.0", "c@1.0.0", "--reason", "known for years")
    assert done.status == 0
    file = repo.path / ".vetting/exemptions.txt"
    text = file.read_text()
    assert text == "".join(
        f"{name}@1.0.0 {sri(f'{name}@1.0.0')} - known for years\n" for name in "bc"
    )
    assert run(repo.path, "exempt", "b@1.0.0", "--reason", "known for years").status == 0
    assert file.read_text() == text
    file.write_text("# ours\n" + text + f"z@1.0.0 {sri('z')} - gone\n")
    assert run(repo.path, "prune", "--dry-run").out == "z@1.0.0\n"
    assert run(repo.path, "prune").out == "z@1.0.0\n"
    assert file.read_text() == "# ours\n" + text
    assert run(repo.path, "prune").out == ""


def test_init_and_that_a_second_run_changes_nothing(git_repo: GitRepo) -> None:
    write_project(git_repo, {"a": entry("a")}, scripts={"prepare": "husky"})
    git_repo.commit("Before")
    done = run(git_repo.path, "init")
    assert done.status == 0, done.err
    assert "package.json: 'prepare': after an install, run: npm run prepare" in done.err
    assert check(git_repo, add=False).judged == []
    git_repo.git("commit", "-qm", "Adopt")
    assert run(git_repo.path, "check", "--all").status == 0
    before = git_repo.git("write-tree")
    file = git_repo.path / ".vetting/config.toml"
    file.write_text("# my own words\n" + file.read_text())
    assert run(git_repo.path, "init").status == 0
    assert file.read_text().startswith("# my own words\n")
    assert git_repo.git("write-tree") == before


def test_explain(git_repo: GitRepo) -> None:
    for name in checks():
        done = run(git_repo.path, "explain", name)
        assert done.status == 0
        assert done.out.startswith(f"{name}\n\nWhat it rejects\n")
    every: dict[str, Any] = run(git_repo.path, "explain", "--format", "json").json["checks"]
    assert list(every) == list(checks())
    assert set(every["unvetted"]) == {
        "what", "why", "before", "after", "satisfy", "exception", "codes",
    }  # fmt: skip
    listing = run(git_repo.path, "explain").out
    assert all(f"\n{name}: " in f"\n{listing}" for name in checks())


# What goes wrong inside.


def test_a_fault_of_its_own_is_no_yes(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(arguments: object) -> int:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(commands.command("check"), "run", broken)
    done = run(repo.path, "check")
    assert done.status == 3
    assert done.err.startswith("npm-vetted: internal error: ZeroDivisionError: oops\n")
    with pytest.raises(ZeroDivisionError):
        run(repo.path, "check", NPM_VETTED_TRACEBACK="1")


def test_a_fault_of_its_own_is_json_too(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("npm_vetted.checks._runner.run_checks", broken)
    done = run(repo.path, "check", "--format", "json")
    assert done.status == 3
    [found] = done.findings
    assert (found["check"], found["level"], found["message"]) == (
        "undecided", "error", "internal error: ZeroDivisionError: oops",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "status"),
    [(("unveted",), 2), (("--to-ref", "HEAD"), 2), (("--from-ref", "nowhere"), 2)],
)
def test_a_wrong_question_is_answered_in_json_too(
    repo: GitRepo, words: tuple[str, ...], status: int
) -> None:
    done = run(repo.path, "check", "--format", "json", *words)
    assert (done.status, done.judged) == (status, [("undecided", None)])


def test_a_reader_that_left_saw_no_yes(repo: GitRepo) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "npm_vetted", "check"], cwd=repo.path, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait() == 3


def test_nothing_of_a_terminals_is_printed(repo: GitRepo) -> None:
    name = "b\u001b[2J\u202e"
    manifest = {"name": "p", "version": "1.0.0", "dependencies": {name: "*"}}
    repo.write("package.json", json.dumps(manifest))
    done = check(repo)
    assert done.out.isascii()
    text = run(repo.path, "check").out
    assert "\x1b" not in text
    assert "\u202e" not in text
