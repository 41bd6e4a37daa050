"""A person at a terminal: runs npm-vetted on a real pty and answers what it asks."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.support.program import start_copy


def converse(
    words: Sequence[str],
    answers: Sequence[tuple[str, str]],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    seconds: float = 60,
) -> tuple[int, str]:
    """``npm-vetted WORDS``; wait for each question in turn and type its answer. Exit status and screen."""
    ours, theirs = pty.openpty()
    with start_copy(
        words,
        cwd=cwd,
        env={**os.environ, "TERM": "dumb", "PAGER": "cat", **(env or {})},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        try:
            screen = _talk(ours, process, list(answers), time.monotonic() + seconds)
        finally:
            if process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(2)
            process.kill()
            os.close(ours)
    return process.returncode, screen


def _talk(
    terminal: int,
    process: subprocess.Popen[bytes],
    answers: list[tuple[str, str]],
    deadline: float,
) -> str:
    screen, at = "", 0
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if ready:
            try:
                data = os.read(terminal, 65536)
            except OSError:  # Linux: the other end is closed
                break
            if not data:
                break
            screen += data.decode("utf-8", "replace").replace("\r\n", "\n")
        elif process.poll() is not None:
            break
        while answers and answers[0][0] in screen[at:]:
            question, answer = answers.pop(0)
            at += screen[at:].index(question) + len(question)
            os.write(terminal, f"{answer}\n".encode())
    if answers:
        raise AssertionError(f"never asked {answers[0][0]!r}:\n{screen}")
    process.wait(10)
    return screen
