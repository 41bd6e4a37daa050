"""The way out for commits that concern nobody: quick, and never taken where a check would look."""

from __future__ import annotations

import importlib

import pytest

from npm_vetted import cli, fast_path
from npm_vetted.clients import Client, clients
from npm_vetted.clients.rush.config import SCRIPTS as RUSH_SCRIPTS
from npm_vetted.fast_path import CLIENT_WORDS, nothing_to_judge, plain_arguments, staged
from npm_vetted.installs import place_of
from npm_vetted.projects.file_names import interesting_names, manifest_names
from npm_vetted.vetting.programs import PROGRAM_CODES
from tests.support.git_repo import GitRepo


def is_quick(*arguments: str) -> bool:
    """Whether these arguments, here, find nothing to judge before anything else is imported."""
    return nothing_to_judge(list(arguments), staged(list(arguments)))


@pytest.mark.parametrize(
    ("arguments", "quick"),
    [
        (["check"], True),
        (["check", "--only", "notes"], True),
        (["check", "-q", "--strict"], True),
        (["check", "--all"], False),
        (["check", "unvetted"], False),
        (["check", "--only", "nonsense"], False),
        (["check", "--format", "json"], False),
        (["check", "--from-ref", "HEAD"], False),
        (["-C", "src", "check"], False),
        (["note", "a"], False),
        ([], False),
    ],
)
def test_only_a_plain_check_of_the_index_is_quick(
    git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch, arguments: list[str], quick: bool
) -> None:
    git_repo.write("a.md", "1")
    git_repo.commit()
    git_repo.write("a.md", "2")
    git_repo.add()
    monkeypatch.chdir(git_repo.path)
    assert is_quick(*arguments) is quick


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-q"],
        ["--verbose", "--strict"],
        ["--only", "settings", "--quiet"],
        ["--only", "notes", "-v", "-v"],
        ["--only", "lockfile"],
    ],
)
def test_plain_arguments_mean_what_the_parser_makes_of_them(arguments: list[str]) -> None:
    found = plain_arguments(["check", *arguments])
    assert found is not None
    assert vars(found) == vars(cli._parse(["check", *arguments]))


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"package.json": "{}"},
        {"a.js": "2", "Dockerfile": "FROM node"},
        {"bin/tool": "#!/bin/sh\n"},
    ],
)
def test_nothing_staged_or_what_is_read_is_not_quick(
    git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    git_repo.write("a.md", "1")
    git_repo.commit()
    for path, text in files.items():
        git_repo.write(path, text)
    git_repo.add()
    monkeypatch.chdir(git_repo.path)
    assert not is_quick("check")


def test_without_a_commit_or_a_repository_it_is_not_quick(
    git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_repo.write("a.md", "1")
    git_repo.add()
    monkeypatch.chdir(git_repo.path)
    assert not is_quick("check")
    monkeypatch.chdir(git_repo.path.parent)
    assert not is_quick("check")


def test_a_range_is_not_quick(git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    git_repo.write("a.md", "1")
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", git_repo.commit())
    git_repo.write("a.md", "2")
    git_repo.add()
    monkeypatch.chdir(git_repo.path)
    assert not is_quick("check")


def test_a_conflict_is_not_quick(git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    git_repo.write("a.js", "1\n")
    git_repo.commit()
    git_repo.git("switch", "-q", "-c", "other")
    git_repo.write("a.js", "2\n")
    git_repo.commit()
    git_repo.git("switch", "-q", "main")
    git_repo.write("a.js", "3\n")
    git_repo.commit()
    git_repo.run("merge", "other", check=False)
    monkeypatch.chdir(git_repo.path)
    assert not is_quick("check")


def test_a_commit_of_a_dockerfile_alone_is_judged(
    git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    git_repo.write("a.md", "1")
    git_repo.commit()
    git_repo.write("Dockerfile", "FROM node\nRUN npm install -g left-pad\n")
    git_repo.add()
    monkeypatch.chdir(git_repo.path)
    assert cli.main(["check"]) == 1
    assert "[install-command]" in capsys.readouterr().out


SCRIPTS = {path.rpartition("/")[2] for path in RUSH_SCRIPTS}
"""Programs that Rush writes: judged like a setting, and read for commands like any program."""


@pytest.mark.parametrize("name", sorted(interesting_names() - manifest_names() - SCRIPTS))
def test_no_commands_stand_in_lockfiles_and_settings(name: str) -> None:
    assert place_of(name, b"") is None


@pytest.mark.parametrize(
    ("path", "text", "quick"),
    [
        ("src/index.js", "console.log(1)\n", True),
        ("src/index.js", "exec('npm ci')\n", False),
        ("tools/build.py", "run(['YARN'])\n", False),
        ("tools/build.py", "print(1)\n", True),
        ("pom.xml", "<a/>\n", False),
        ("src/main.ts", 'import "https://a.example/x.ts";\n', False),
        ("src/main.ts", 'import x from\n  "https://a.example/x.ts";\n', False),
        ("src/main.ts", "import(/* x */ `https://a.example/x.ts`);\n", False),
        ("src/main.ts", 'import x from // a\r"https://a.example/x.ts";\n', False),
        ("src/main.ts", 'import x from // a\u2029"https://a.example/x.ts";\n', False),
        ("src/main.ts", 'import  ( "https://a.example/x.ts");\n', False),
        ("src/main.ts", 'fetch("https://a.example/x.json");\n', True),
        ("src/main.ts", 'const place = "https://a.example/"; // from there\n', True),
        ("src/main.tsx", "import x from 'jsr:@a/b';\n", False),
        ("src/main.tsx", 'import x from "./x.ts"; // https://a.example\n', True),
    ],
)
def test_a_program_is_read_where_it_names_a_client(
    git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch, path: str, text: str, quick: bool
) -> None:
    git_repo.write("README.md", "x")
    git_repo.commit()
    git_repo.write(path, text)
    git_repo.add()
    monkeypatch.chdir(git_repo.path)
    assert is_quick("check") is quick


def test_a_program_that_is_removed_is_not_read(
    git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_repo.write("a.js", "exec('npm ci')\n")
    git_repo.commit()
    git_repo.git("rm", "-q", "a.js")
    monkeypatch.chdir(git_repo.path)
    assert is_quick("check")


def test_the_words_cover_the_programs_of_every_client() -> None:
    programs = {name for client in clients().values() for name in programs_of(client)}
    programs.discard("pn")  # a short name of pnpm, which most texts contain
    assert programs
    assert [name for name in programs if not any(word in name for word in CLIENT_WORDS)] == []


def programs_of(client: Client) -> frozenset[str]:
    """The programs of a client's own commands module."""
    folder = client.__name__.rpartition(".")[0]  # type: ignore[attr-defined]
    try:
        return frozenset(importlib.import_module(f"{folder}.commands").PROGRAMS)
    except ModuleNotFoundError:
        return frozenset({client.PROGRAM})


@pytest.mark.parametrize("code", sorted(PROGRAM_CODES))
def test_code_is_looked_at_where_the_baseline_accepts_a_program(
    git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    git_repo.write(".vetting/baseline.txt", f"client-settings/{code} .npmrc git {'0' * 64} why\n")
    monkeypatch.chdir(git_repo.path)
    assert fast_path.is_bound_by_baseline(["tools/x.js"])
    assert fast_path.is_bound_by_baseline(["tools/x"])
    assert not fast_path.is_bound_by_baseline(["x.md"])
