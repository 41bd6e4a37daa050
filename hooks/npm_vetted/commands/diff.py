"""``npm-vetted diff PKG[@OLD] [NEW]``: changelog and code between two published versions."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from npm_vetted.errors import UsageError

if TYPE_CHECKING:
    from npm_vetted.commands._review_dialogue import ReviewDialogue
    from npm_vetted.review.releases import ReleaseComparison

HELP = "changelog and code between two published versions"
FORMATS = ("text", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``diff``."""
    parser.add_argument(
        "package",
        metavar="PKG[@OLD]",
        help="default: the version that is vetted in this repository, else the one that HEAD locks",
    )
    parser.add_argument(
        "new", metavar="NEW", nargs="?",
        help="a version or a dist-tag; default: what is staged or locked in the working tree",
    )  # fmt: skip
    parser.add_argument("--stat", action="store_true", help="the files' sizes in place of the code")
    parser.add_argument(
        "--unfold", action="store_true", help="show minified files and source maps too"
    )

    parser.add_argument(
        "--only",
        action="append",
        metavar="PATH",
        help="show the code of one file, also where it is minified; may be repeated",
    )


def run(arguments: argparse.Namespace) -> int:
    """Fetch both, compare, print."""
    from npm_vetted.commands._common import style_of
    from npm_vetted.commands._note_dialogue import split_label
    from npm_vetted.commands._review_dialogue import as_json, at_bench, show, signals_of
    from npm_vetted.report._screen import Paint
    from npm_vetted.review.releases import compare_releases
    from npm_vetted.review.text import comparison_text

    name, old = split_label(arguments.package)
    with at_bench() as bench:
        _, new_release = bench.release(name, arguments.new or _locked(bench, name, old))
        _, old_release = bench.release(name, old or _earlier(bench, name, new_release.version))
        found = compare_releases(
            (old_release, bench.package(old_release)),
            (new_release, bench.package(new_release)),
            unfold=arguments.unfold or arguments.only is not None,
        )
        newly = signals_of(bench, name, new_release.version, old_release.version)
    if arguments.only is not None:
        found = _only(found, arguments.only)
    if arguments.format == "json":
        print(as_json(found, signals=newly))
    else:
        style = style_of(arguments)
        paint = Paint(style.colour)
        text = comparison_text(found, paint, stat=arguments.stat)
        show(text if arguments.only is not None else f"{newly.text(paint, style.width)}\n\n{text}")
    return 0


def _only(found: ReleaseComparison, paths: Sequence[str]) -> ReleaseComparison:
    """The comparison with the code of some files; raises UsageError where all of them are the same."""
    from npm_vetted.review.treediff import TreeDiff

    files = tuple(each for each in found.code.files if {each.path, each.old_path} & set(paths))
    if not files:
        raise UsageError(f"{' and '.join(paths)}: the same in both versions, or in neither")
    return replace(found, code=TreeDiff(files=files))


def _locked(bench: ReviewDialogue, name: str, old: str | None) -> str:
    """The version that the working tree brings, else the one that it locks; raises where there is none."""
    from npm_vetted.packages.versions import newest

    committed = bench.committed(name)
    locked = {each.version for each in bench.locked(name) if each.version} - {old}
    found = newest([*(locked - {*committed})]) or newest([*locked])
    if found is None:
        raise UsageError(
            f"{name} is neither staged nor locked in the working tree",
            fix=f'name the version: npm-vetted diff "{name}" NEW',
        )
    return found


def _earlier(bench: ReviewDialogue, name: str, new: str) -> str:
    """The version to start from: vetted here, else locked by HEAD; raises where there is none."""
    from npm_vetted.commands._review_dialogue import other_nearest

    found = other_nearest(bench.vetted(name), new) or other_nearest(bench.committed(name), new)
    if found is None:
        raise UsageError(
            f"no other version of {name} is vetted in this repository, and HEAD locks none",
            fix=f'name the old one: npm-vetted diff "{name}@OLD" {new}; or look at the whole:'
            f' npm-vetted inspect "{name}@{new}"',
        )
    return found
