"""``npm-vetted inspect PKG@VER``: show a version to a reviewer."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

HELP = "what a reviewer needs to see of a version, before saying yes"
FORMATS = ("text", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``inspect``."""
    parser.add_argument(
        "package", metavar="PKG[@VER]", help="default: the version locked here, else the latest"
    )
    parser.add_argument(
        "--scripts", action="store_true", help="also the lifecycle scripts' files, whole"
    )


def run(arguments: argparse.Namespace) -> int:
    """Fetch, analyse, print; the status is 0 for every result, because a person decides."""
    from npm_vetted.commands._common import style_of
    from npm_vetted.commands._note_dialogue import split_label
    from npm_vetted.commands._review_dialogue import (
        ReviewDialogue,
        as_json,
        at_bench,
        other_nearest,
        show,
        signals_of,
    )
    from npm_vetted.report._screen import Paint
    from npm_vetted.review.releases import inspect
    from npm_vetted.review.text import inspection_text, script_text

    def version_here(bench: ReviewDialogue, name: str) -> str:
        locked = {each.version for each in bench.locked(name) if each.version}
        return locked.pop() if len(locked) == 1 else "latest"

    name, version = split_label(arguments.package)
    with at_bench() as bench:
        packument, release = bench.release(name, version or version_here(bench, name))
        known = bench.vetted(name) or bench.committed(name)
        since = other_nearest(known, release.version)
        newly = signals_of(bench, name, release.version, since)
        found = inspect(
            packument,
            release,
            bench.package(release),
            now=datetime.now(UTC),
            known=bench.names_before(),
        )
    if arguments.format == "json":
        print(as_json(found, signals=newly))
        return 0
    style = style_of(arguments)
    paint = Paint(style.colour)
    text = f"{newly.text(paint, style.width)}\n\n{inspection_text(found, paint)}"
    if arguments.scripts:
        text = "\n\n".join([text, *map(script_text, found.scripts)])
    show(text)
    return 0
