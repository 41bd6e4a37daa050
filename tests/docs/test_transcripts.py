"""What the documentation tells to type is taken, and prints what the pages show."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from typing import Final

import pytest

from npm_vetted import cli, commands
from tests.docs.pages import PAGES
from tests.docs.scenes import SCENES, environment, run, run_quickly
from tests.docs.transcripts import has_session, recorded
from tests.support.git_repo import GitRepo
from tests.support.hook_managers import give_hook_managers
from tests.support.real_clients import Clients

pytestmark = pytest.mark.docs

SESSIONS: Final = [name for name, page in PAGES.items() if has_session(page)]
SCRIPTED: Final = [name for name, page in PAGES.items() if page.blocks("sh")]
INSTALLERS: Final = frozenset({"pip", "pipx", "uv", "python3"})
"""They fetch npm-vetted from PyPI: tests/test_packaging.py installs it from a wheel in their place."""
HOOK_MANAGERS: Final = frozenset({"pre-commit", "prek", "lefthook", "npx"})
"""They are here, so they must do what the page says."""


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_prints_what_the_page_shows(name: str, tmp_path: Path) -> None:
    assert PAGES[name].text == recorded(PAGES[name], tmp_path), (
        "python -m tests.docs.transcripts records it"
    )


def lines_of(name: str) -> list[str]:
    """The commands of a page's shell blocks."""
    return [
        line.partition("  #")[0].strip()
        for block in PAGES[name].blocks("sh")
        for line in block.splitlines()
        if line.strip() and not line.startswith("#")
    ]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> GitRepo:
    """The repository that each page's commands run in a copy of."""
    repo = GitRepo(tmp_path_factory.mktemp("workshop") / "repo")
    SCENES["workshop"](repo)
    return repo


def asks_a_registry(line: str) -> bool:
    """Whether a command only asks a registry, which does not answer here, and changes nothing."""
    return line.startswith(("npm-vetted inspect", "npm-vetted diff"))


def check_done(done: CompletedProcess[str]) -> None:
    """A command must not be refused as wrong. What it finds is another matter."""
    line = done.args
    assert done.returncode in (0, 1, 3), f"{line}\n{done.stdout}"
    assert "internal error" not in done.stdout, f"{line}\n{done.stdout}"


@pytest.mark.parametrize("name", SCRIPTED)
def test_every_command_of_a_page_runs(
    name: str, workshop: GitRepo, clients: Clients, tmp_path: Path
) -> None:
    shutil.copytree(workshop.path, tmp_path / "repo")
    repo = GitRepo(tmp_path / "repo")
    env = {"PRE_COMMIT_HOME": str(tmp_path / "pre-commit"), "PREK_HOME": str(tmp_path / "prek")}
    if any(line.startswith("npx ") for line in lines_of(name)):
        managers = give_hook_managers(clients, repo.path)
        env["PATH"] = f"{managers}{os.pathsep}{environment()['PATH']}"
    for line in lines_of(name):
        program = shlex.split(line)[0]
        if "init --hook" in line:  # each manager is another tab, for another repository
            run(repo, "git config --unset-all core.hooksPath")
        if program not in INSTALLERS and not asks_a_registry(line):
            done = run_quickly(repo, line, env)
            check_done(done)
            assert program not in HOOK_MANAGERS or done.returncode == 0, done.stdout


def test_every_command_that_asks_a_registry_runs(workshop: GitRepo) -> None:
    """All at once: each tries three times before it gives up."""
    lines = {line for name in SCRIPTED for line in lines_of(name) if asks_a_registry(line)}
    assert lines
    with ThreadPoolExecutor(len(lines)) as pool:
        for done in [pool.submit(run, workshop, line) for line in lines]:
            check_done(done.result())


def inline_commands() -> set[str]:
    """Every ``npm-vetted …`` that stands in the text of a page."""
    return {
        found
        for page in PAGES.values()
        for found in re.findall(r"`(npm-vetted [a-z][^`]*)`", page.text)
        if not re.search(r"[A-Z]{3,}|…", found)
    }


@pytest.mark.parametrize("line", sorted(inline_commands()))
def test_a_command_in_the_text_is_taken(line: str) -> None:
    cli._parse(shlex.split(line)[1:])


def test_every_command_is_told_of() -> None:
    told = {line.split()[1] for line in inline_commands()}
    told |= {
        words[1]
        for name in SCRIPTED
        for line in lines_of(name)
        if (words := line.split())[0] == "npm-vetted" and len(words) > 1
    }
    assert set(commands.command_names()) - told == set()


def test_the_sessions_see_no_registry() -> None:
    assert environment()["HTTPS_PROXY"].startswith("http://127.0.0.1")
