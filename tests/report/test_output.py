"""Nothing from a file, a name or a registry acts on a terminal, hides, or speaks to a CI system."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest

from tests.end_to_end.test_processes import LOCKFILE, MANIFEST
from tests.support.git_repo import GitRepo
from tests.support.program import npm_vetted, npm_vetted_here

EVIL = (
    "\x1b[2J\x1b]0;title\x07", "\r::error::x", "\n::error file=a::x", "::set-output name=a::b", "\u202eevil",
    "\u200bhidden", "\u2028::error::x", "##vso[task.setvariable variable=a]b", "##[error]x", "\x9b31m", "\x85x",
    "\U000e0041tag", "\ufe01", "\x7f", "\u2066",
)  # fmt: skip
PLACES = (
    "name",
    "specifier",
    "version",
    "resolved",
    "integrity",
    "key",
    "setting",
    "workspace",
    "config",
    "note",
)


def assert_harmless(text: str) -> None:
    """Every line is a line of ours: nothing unseen, nothing that a CI system obeys."""
    for line in text.split("\n"):
        hidden = [char for char in line if unicodedata.category(char)[0] in "CZ" and char != " "]
        assert hidden == [], repr(line)
        assert not re.match(r"\s*::", line), line
        assert not re.search(r"##(vso|teamcity)?\[", line), line


def write_evil(repository: GitRepo, place: str, evil: str) -> None:
    """A repository with such text in one place."""
    manifest, lockfile = json.loads(MANIFEST), json.loads(LOCKFILE)
    entry = lockfile["packages"]["node_modules/ms"]
    match place:
        case "name":
            manifest["name"] = evil
            manifest["dependencies"][evil] = "1.0.0"
        case "specifier":
            manifest["dependencies"]["ms"] = evil
        case "workspace":
            manifest["workspaces"] = [evil]
        case "key":
            lockfile["packages"][f"node_modules/{evil}"] = dict(entry)
        case "version" | "resolved" | "integrity":
            entry[place] = evil
    repository.write("package.json", json.dumps(manifest))
    repository.write("package-lock.json", json.dumps(lockfile, indent=2))
    if place == "setting":
        repository.write(".npmrc", f"registry=http://{evil}\n{evil}=1\nignore-scripts={evil}\n")
    if place == "config":
        repository.write(".vetting/config.toml", f"[policy]\n{json.dumps(evil)} = 1\n")
    if place == "note":
        repository.write(
            ".vetting/notes/ms/2.1.3.toml", f"package = {json.dumps(evil)}\nversion = 3\n"
        )
    repository.add()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["text", "json"])
def test_what_files_say_is_shown_and_does_nothing(git_repo: GitRepo, place: str, kind: str) -> None:
    write_evil(git_repo, place, "".join(EVIL))
    done = npm_vetted_here("--format", kind, "check", "--all", cwd=git_repo.path)
    assert done.returncode in (1, 2, 3)
    assert_harmless(done.stdout + done.stderr)
    if kind == "json" and done.returncode != 2:
        assert json.loads(done.stdout)["findings"]


@pytest.mark.parametrize(
    "folder", ["::error file=x::y", " ::warning::", "a\nb", "\x1b[31m", "\u202e", "\udcff\udcfe"]
)
def test_paths_are_shown_and_do_nothing(git_repo: GitRepo, folder: str) -> None:
    git_repo.write(f"{folder}/package.json", MANIFEST)
    git_repo.add()
    for kind in ("text", "json"):
        done = npm_vetted_here("--format", kind, "check", cwd=git_repo.path)
        assert done.returncode == 1, done.stderr
        assert_harmless(done.stdout + done.stderr)
        if kind == "json":
            assert {each["path"].split("/")[0] for each in json.loads(done.stdout)["findings"]} == {
                folder
            }


def test_an_undecided_run_is_json_too(git_repo: GitRepo) -> None:
    git_repo.write("package.json", MANIFEST)
    git_repo.write(
        "package-lock.json", '{"\\u202e\\u001b[2J": 1, "lockfileVersion": "\\n::error::"}'
    )
    git_repo.add()
    done = npm_vetted("--format", "json", "check", cwd=git_repo.path)
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert found["version"] == 1
    assert "undecided" in {each["check"] for each in found["findings"]}


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1:strict"},
        {"LANG": "", "LC_ALL": "POSIX"},
    ],
)
def test_every_locale_can_show_it(git_repo: GitRepo, environment: dict[str, str]) -> None:
    git_repo.write("größe/東京/package.json", MANIFEST)
    git_repo.write(".vetting/config.toml", "format = 1\n")
    git_repo.add()
    done = npm_vetted("check", "--all", cwd=git_repo.path, environment=environment)
    assert done.returncode == 1, done.stderr
    assert "internal error" not in done.stderr
    assert "package.json:1: " in done.stdout


def test_an_unknown_name_on_the_command_line_does_nothing(git_repo: GitRepo) -> None:
    git_repo.write("package.json", MANIFEST)
    git_repo.add()
    for evil in ("".join(EVIL),):
        for command in (
            ("note", evil),
            ("check", evil),
            ("-C", evil, "check"),
            ("check", "--from-ref", evil),
        ):
            done = npm_vetted_here(*command, cwd=git_repo.path)
            assert done.returncode in (2, 3)
            assert_harmless(done.stdout + done.stderr)
