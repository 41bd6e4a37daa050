"""Which pushes ``check`` judges: those of pre-commit, of a plain pre-push hook, of pre-receive."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from npm_vetted.errors import UsageError
from npm_vetted.fast_path import may_be_a_push
from npm_vetted.git.push import Push, are_push_lines, push_of_pre_commit, pushes_of_lines
from npm_vetted.git.repository import Repository

if TYPE_CHECKING:
    import argparse

_PATIENCE = 0.2
"""Seconds. Git writes the lines of a push before it waits for the hook."""


def add_push_arguments(parser: argparse.ArgumentParser) -> None:
    """``--pre-push``, ``--pre-receive``, ``--trunk``."""
    parser.add_argument(
        "--pre-push", metavar="REMOTE", nargs="?", const="origin",
        help="check a push: git's pre-push hook passes REMOTE, and the refs on standard input",
    )  # fmt: skip
    parser.add_argument(
        "--pre-receive", action="store_true",
        help="check a push on the server: git's pre-receive hook passes the refs on standard input",
    )  # fmt: skip
    parser.add_argument(
        "--trunk", metavar="REF", action="append", default=[],
        help="in a push, also leave out what REF holds (the remote's default branch always counts)",
    )  # fmt: skip


def pushes_to_check(arguments: argparse.Namespace) -> tuple[Repository, Sequence[Push]] | None:
    """The pushes that the caller tells of, and their repository; None: this is no push."""
    if arguments.from_ref or arguments.all:
        return None
    trunks = arguments.trunk
    if arguments.pre_receive:
        bare = Repository.open_bare() or Repository.open()
        return bare, tuple(pushes_of_lines(bare, sys.stdin, "origin", trunks))
    remote = arguments.pre_push
    if remote is not None:
        repository = Repository.open()
        return repository, tuple(pushes_of_lines(repository, sys.stdin, remote, trunks))
    if os.environ.get("PRE_COMMIT_REMOTE_NAME"):
        repository = Repository.open()
        push = push_of_pre_commit(repository, os.environ, trunks)
        return None if push is None else (repository, (push,))
    text = waiting_lines()
    if not are_push_lines(text):
        return None
    repository = Repository.open_bare() or Repository.open()
    return repository, tuple(pushes_of_lines(repository, text.splitlines(), "origin", trunks))


def waiting_lines() -> str:
    """The lines that git wrote to standard input, if ``check`` runs as a plain hook without options."""
    if not may_be_a_push() or not select.select([sys.stdin], [], [], _PATIENCE)[0]:
        return ""
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise UsageError("standard input is not UTF-8") from None
