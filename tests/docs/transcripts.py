"""The sessions in the documentation, run anew: ``python -m tests.docs.transcripts`` writes them.

A block of ``console`` after ``<!-- scene: NAME -->`` starts in that scene (scenes.py); one without
goes on where the block before it ended.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import BLOCK, PAGES, Page
from tests.docs.scenes import SCENES, run_quickly
from tests.support.git_repo import GitRepo

_DAY = re.compile(r"(still rejected until )\d{4}-\d\d-\d\d \d\d:\d\d UTC")
"""The end of a cooldown depends on the day on which a page is recorded."""


def has_session(page: Page) -> bool:
    """Whether a page has a session that starts in a scene."""
    return "<!-- scene: " in page.text


def recorded(page: Page, folder: Path) -> str:
    """The page's text, with what its sessions print now."""
    repos: list[GitRepo] = []

    def replaced(block: re.Match[str]) -> str:
        if block["language"] != "console" or not (block["scene"] or repos):
            return block.group()
        if block["scene"]:
            repos.append(GitRepo(folder / str(len(repos))))
            SCENES[block["scene"]](repos[-1])
        start = block.start("text") - block.start()
        head = block.group()[:start]
        return head + "".join(session(repos[-1], block["text"])) + "```"

    return BLOCK.sub(replaced, page.text)


def session(repo: GitRepo, text: str) -> Iterator[str]:
    """Each command of a session, with what it prints."""
    for line in text.splitlines():
        if line.startswith("$ "):
            done = run_quickly(repo, line.removeprefix("$ "))
            said = _DAY.sub(r"\g<1>2026-12-03 00:00 UTC", done.stdout.rstrip())
            yield f"{line}\n{said}\n" if said.strip() else f"{line}\n"


def rewrite() -> None:
    """Put fresh sessions into every page."""
    for page in filter(has_session, PAGES.values()):
        with tempfile.TemporaryDirectory() as folder:
            page.path.write_text(recorded(page, Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    rewrite()
