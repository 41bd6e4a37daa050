"""``npm-vetted explain CHECK``: what a check rejects, why, and how to satisfy it."""

from __future__ import annotations

import argparse
import json
import textwrap

from npm_vetted import SITE
from npm_vetted.checks import Explanation, checks
from npm_vetted.errors import UsageError
from npm_vetted.formats.document import hint

HELP = "what a check wants, why, and how to satisfy it"
FORMATS = ("text", "json")
HEADINGS = (
    ("what", "What it rejects"),
    ("why", "Why"),
    ("before", "Rejected"),
    ("after", "Accepted"),
    ("satisfy", "How to satisfy it"),
    ("exception", "How to accept an exception"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``explain``."""
    parser.add_argument("check", nargs="?", metavar="CHECK", help="default: a line for each")


def run(arguments: argparse.Namespace) -> int:
    """Print the words of a check, or a line for each."""
    known = checks()
    if arguments.check is not None and arguments.check not in known:
        raise UsageError(f"unknown check {arguments.check!r}{hint(arguments.check, known)}")
    chosen = {arguments.check: known[arguments.check]} if arguments.check else known
    if arguments.format == "json":
        words = {
            name: {**dict(_parts(check.EXPLANATION)), "codes": dict(check.CODES)}
            for name, check in chosen.items()
        }
        print(json.dumps({"version": 1, "checks": words}, indent=2))
    elif arguments.check:
        check = known[arguments.check]
        print(explained(arguments.check, check.EXPLANATION))
        print(f"\n{SITE}checks/{arguments.check}/ has the same words.\n\nThe codes\n---------")
        for code, what in check.CODES.items():
            print(
                textwrap.fill(
                    f"{code}: {what}", 92, subsequent_indent="    ", break_on_hyphens=False
                )
            )
    else:
        for name, check in known.items():
            print(textwrap.fill(f"{name}: {check.EXPLANATION.what}", 96, subsequent_indent="    "))
    return 0


def _parts(words: Explanation) -> list[tuple[str, str]]:
    return [(field, getattr(words, field)) for field, _ in HEADINGS]


def explained(name: str, words: Explanation) -> str:
    """A check's words as a page of plain text."""
    parts = [name]
    for (field, heading), (_, text) in zip(HEADINGS, _parts(words), strict=True):
        body = (
            textwrap.indent(text, "    ")
            if field in ("before", "after")
            else "\n\n".join(
                textwrap.fill(each, 92, break_on_hyphens=False) for each in text.split("\n\n")
            )
        )
        parts.append(f"{heading}\n{'-' * len(heading)}\n{body}")
    return "\n\n".join(parts)
