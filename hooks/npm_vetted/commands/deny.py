"""``npm-vetted deny``: refuse versions from now on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from npm_vetted.commands._note_dialogue import split_label
from npm_vetted.commands._toml_edit import add_entries, edit_policy
from npm_vetted.errors import UsageError
from npm_vetted.formats.terminal_text import printable
from npm_vetted.git.repository import Repository
from npm_vetted.git.writer import Store
from npm_vetted.vetting.notes import says_something
from npm_vetted.vetting.policy import FORMAT

HELP = "refuse versions from now on, whatever a note says"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``deny``."""
    parser.add_argument(
        "packages", nargs="*", metavar="PKG[@VERSIONS]",
        help="a name with an exact version or a range, '@scope/*' for a scope",
    )  # fmt: skip
    parser.add_argument(
        "--from-file", metavar="F", help="a list of PKG[@VERSIONS], one on each line"
    )
    parser.add_argument("--reason", required=True, help="what is wrong with them")


def run(arguments: argparse.Namespace) -> int:
    """Add ``[[deny]]`` entries and stage the policy: a tightening, so it needs no commit of its own."""
    if not says_something(arguments.reason):
        raise UsageError(f"--reason {arguments.reason!r} says nothing: say what is wrong")
    labels = [*arguments.packages, *(_listed(arguments.from_file) if arguments.from_file else ())]
    if not labels:
        raise UsageError("name packages, or a file with --from-file")
    versions: dict[str, list[str]] = {}
    for label in labels:
        name, version = split_label(label)
        versions.setdefault(name, []).append(version or "*")

    def edit(document: Any) -> None:
        _add(document, versions, arguments.reason)

    edit_policy(Store(Repository.open()), edit, new=f"format = {FORMAT}\n")
    for name, wanted in versions.items():
        print(
            f"npm-vetted: denied {printable(name)} {', '.join(map(printable, wanted))}",
            file=sys.stderr,
        )
    shown = printable(labels[0])
    print(
        f'npm-vetted: next: git commit, then: npm-vetted audit --contains "{shown}" --all-branches',
        file=sys.stderr,
    )
    return 0


def _listed(name: str) -> Iterable[str]:
    try:
        text = Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--from-file {name}: {error.strerror}") from None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _add(document: Any, versions: dict[str, list[str]], reason: str) -> None:
    lists = any(len(each) > 1 for each in versions.values()) or any(
        "/*" in name for name in versions
    )
    if lists and document.get("format", 1) < FORMAT:
        document["format"] = FORMAT
    entries = (
        {"package": name, "versions": wanted if len(wanted) > 1 else wanted[0], "reason": reason}
        for name, wanted in versions.items()
    )
    add_entries(document, "deny", entries)
