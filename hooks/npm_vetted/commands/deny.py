"""``npm-vetted deny``: refuse versions from now on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from npm_vetted.commands._note_dialogue import split_label
from npm_vetted.errors import UsageError
from npm_vetted.formats.terminal_text import printable
from npm_vetted.git.repository import Repository
from npm_vetted.git.writer import Store
from npm_vetted.vetting.notes import says_something
from npm_vetted.vetting.policy import CONFIG, FORMAT, read_policy

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
    store = Store(Repository.open())
    with store.lock():
        before = store.read(CONFIG)
        content = _with_entries(before, versions, arguments.reason)
        read_policy(content, adopted=True)
        if before is None:
            store.create(CONFIG, content)
        else:
            store.replace(CONFIG, content, before)
    store.stage([CONFIG])
    for name, wanted in versions.items():
        print(
            f"npm-vetted: denied {printable(name)} {', '.join(map(printable, wanted))}",
            file=sys.stderr,
        )
    print(
        "npm-vetted: next: git commit, then: npm-vetted audit --contains PKG@VER --all-branches",
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


def _with_entries(before: bytes | None, versions: dict[str, list[str]], reason: str) -> bytes:
    import tomlkit

    document = tomlkit.parse((before or b"").decode())
    lists = any(len(each) > 1 for each in versions.values()) or any(
        "/*" in name for name in versions
    )
    if before is None or (lists and document.get("format", 1) < FORMAT):
        document["format"] = FORMAT
    entries = document.get("deny")
    if entries is None:
        document.add(tomlkit.nl())
        document.add("deny", tomlkit.aot())
        entries = document["deny"]
    for name, wanted in versions.items():
        table = tomlkit.table()
        table["package"] = name
        table["versions"] = wanted if len(wanted) > 1 else wanted[0]
        table["reason"] = reason
        entries.append(table)
    return tomlkit.dumps(document).encode()
