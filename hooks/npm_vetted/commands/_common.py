"""Helpers of several commands: opening the repository, choosing the change, printing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final

from npm_vetted.checks._runner import open_change
from npm_vetted.errors import UsageError
from npm_vetted.git.comparison import compare, compare_push
from npm_vetted.git.objects import Objects
from npm_vetted.git.repository import Repository
from npm_vetted.projects.change import Change
from npm_vetted.report import Style

if TYPE_CHECKING:
    import argparse

    from npm_vetted.git.push import Push


def add_range(parser: argparse.ArgumentParser) -> None:
    """``--from-ref`` and ``--to-ref``."""
    parser.add_argument("--from-ref", metavar="A", help="judge what B brings to A, not the index")
    parser.add_argument("--to-ref", metavar="B", help="default: HEAD")


def range_of(arguments: argparse.Namespace) -> tuple[str | None, str | None]:
    """The range of ``--from-ref`` and ``--to-ref``; raises UsageError for half a range."""
    if arguments.to_ref and not arguments.from_ref:
        raise UsageError("--to-ref needs --from-ref")
    return arguments.from_ref, arguments.to_ref


@contextmanager
def opened(
    *,
    from_ref: str | None = None,
    to_ref: str | None = None,
    everything: bool = False,
    repository: Repository | None = None,
    push: Push | None = None,
) -> Iterator[tuple[Repository, Change]]:
    """The repository around here, and a change of it to look at."""
    repository = repository or Repository.open()
    with Objects(repository) as objects:
        if push is not None:
            comparison = compare_push(repository, objects, push)
        else:
            comparison = compare(
                repository, objects, from_ref=from_ref, to_ref=to_ref, everything=everything
            )
        yield repository, open_change(comparison)


def style_of(arguments: argparse.Namespace) -> Style:
    """How to print, by the options, ``NO_COLOR`` and whether a terminal is there."""
    from npm_vetted.report._shell_commands import this_program

    return Style(
        colour=wants_colour(arguments.color),
        quiet=arguments.quiet,
        verbose=arguments.verbose,
        strict=getattr(arguments, "strict", False),
        program=cache(this_program),
        width=_width(),
        links=sys.stdout.isatty() and _knows_links(),
    )


_LINKING: Final = (
    "WT_SESSION",
    "KITTY_WINDOW_ID",
    "KONSOLE_VERSION",
    "WEZTERM_PANE",
    "GHOSTTY_RESOURCES_DIR",
)
_LINKING_PROGRAMS: Final = frozenset(
    {"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby"}
)


def _knows_links() -> bool:
    """Whether the terminal is one that is known to understand hyperlinks (OSC 8)."""
    if os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        return False
    vte = os.environ.get("VTE_VERSION", "")
    return (
        any(name in os.environ for name in _LINKING)
        or os.environ.get("TERM_PROGRAM") in _LINKING_PROGRAMS
        or (vte.isascii() and vte.isdigit() and int(vte) >= 5000)
    )


def _width() -> int | None:
    """The width in columns, from ``COLUMNS`` or the terminal; None if the output is no terminal."""
    if not sys.stdout.isatty():
        return None
    import shutil

    return max(shutil.get_terminal_size((80, 24)).columns, 40)


def wants_colour(choice: str) -> bool:
    """Whether to colour standard output."""
    if choice == "auto":
        plain = (
            os.environ.get("NO_COLOR") or os.environ.get("CI") or os.environ.get("TERM") == "dumb"
        )
        choice = "never" if plain or not sys.stdout.isatty() else "always"
    if choice == "always" and os.name == "nt":
        from colorama import just_fix_windows_console

        just_fix_windows_console()
    return choice == "always"
