"""The terminal session in the README: recorded from the real thing, and still what happens.

It adds express with the real npm to a repository that real pre-commit guards, is rejected, looks,
says yes, and is accepted. ``python -m tests.end_to_end.test_session`` records it anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import pytest

from tests.support.git_repo import GitRepo
from tests.support.real_clients import ROOT, Clients, install
from tests.support.story import HookRepository, Story, fixes, users_path

README: Final = ROOT / "README.md"
BEGIN: Final = (
    "<!-- session: begin (tests/end_to_end/test_session.py regenerates what is between) -->\n"
)
END: Final = "<!-- session: end -->\n"
PROMISED: Final = 30.0
"""Seconds of machine time from the rejected commit to the accepted one."""

LOOKED: Final = "HTTP server; maintained by OpenJS, alive, what it says; no install scripts"


class Recorder:
    """Runs commands and keeps what a terminal would have shown."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._lines: list[str] = []
        self.seconds = 0.0

    def run(self, shown: str, command: str = "") -> str:
        """Run a command (as it is shown, unless another is given); what it printed."""
        started = time.monotonic()
        done = self._story.run("/bin/sh", "-c", f"{command or shown} 2>&1", check=False)
        self.seconds += time.monotonic() - started
        self._lines += [f"$ {shown}", *done.stdout.rstrip("\n").splitlines()]
        return done.stdout

    def shorten(self, program: str) -> None:
        """Show the executable by its name, as who has installed it on PATH sees it."""
        self._lines = [line.replace(program, "npm-vetted") for line in self._lines]

    def text(self) -> str:
        """The session, as it is in the README."""
        body = "\n".join(self._lines)
        return f"```console\n{body}\n```\n"


def record(story: Story) -> Recorder:
    """The story: rejected, looked at, vetted, accepted."""
    story.npm("install", "--package-lock-only", "express@4.21.2")
    story.git("add", ".")
    terminal = Recorder(story)
    said = terminal.run('git commit -m "Add express"')
    (fix,) = fixes(said)
    program = fix.split()[0]
    short = fix.replace(program, "npm-vetted", 1)
    terminal.run(f'{short} -m "{LOOKED}"', f"{fix} -m '{LOOKED}'")
    terminal.run('git commit -m "Add express"')
    terminal.shorten(program)
    return terminal


def stable(session: str) -> str:
    """A session without what differs from run to run: the commit's hash, the day."""
    return re.sub(r"(?<=\[main )[0-9a-f]+(?=\])", "…", session)


def between(text: str) -> str:
    """What is between the markers."""
    return text.split(BEGIN, 1)[1].split(END, 1)[0]


def make_story(repo: GitRepo, hooks: HookRepository, clients: Clients) -> Story:
    """A repository as the README's session has it; its user has ``npm-vetted`` on no PATH."""
    env = {
        "PATH": users_path(clients.bin("npm11")),
        "PRE_COMMIT_HOME": str(hooks.store / "pre-commit"),
        "PRE_COMMIT_COLOR": "never",
    }
    story = Story(repo, "pre-commit", hooks.entry(), env, clients)
    story.install()
    story.run(sys.executable, "-m", "pre_commit", "install-hooks")
    return story


@pytest.mark.slow
def test_the_session_in_the_readme_is_what_happens(
    git_repo: GitRepo, tmp_path_factory: pytest.TempPathFactory, clients: Clients
) -> None:
    hooks = HookRepository.of_head(tmp_path_factory.mktemp("hooks"))
    terminal = record(make_story(git_repo, hooks, clients))
    recorded = between(README.read_text(encoding="utf-8"))
    assert stable(terminal.text()) == stable(recorded), (
        "python -m tests.end_to_end.test_session records it"
    )
    assert terminal.seconds < PROMISED


def rewrite() -> None:
    """Put a fresh session into the README."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"HOME": folder, "GIT_CONFIG_GLOBAL": os.devnull}
        place = Path(folder)
        clients = Clients(install(), place / "bins")
        story = make_story(GitRepo(place / "repo"), HookRepository.of_head(place), clients)
        session = record(story).text()
    text = README.read_text(encoding="utf-8")
    README.write_text(text.replace(between(text), session), encoding="utf-8")


if __name__ == "__main__":
    rewrite()
    subprocess.run(["git", "diff", "--stat", str(README)], cwd=ROOT, check=True)
