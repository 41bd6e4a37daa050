"""``npm-vetted prune``: drop exemptions that nothing needs any more."""

from __future__ import annotations

import argparse
import sys

from npm_vetted.commands._note_dialogue import at_desk
from npm_vetted.model import Artifact
from npm_vetted.projects.change import Change
from npm_vetted.vetting.exemptions import EXEMPTIONS, Exemption, Exemptions
from npm_vetted.vetting.notes import Note, mentions
from npm_vetted.vetting.pins import Match, read_pinned
from npm_vetted.vetting.resolver import Status

HELP = "drop exemptions that neither a lockfile nor a note's `from` needs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``prune``."""
    parser.add_argument("--dry-run", action="store_true", help="only say what would be dropped")


def run(arguments: argparse.Namespace) -> int:
    """Drop them, and stage the file; notes are never changed."""
    with at_desk([]) as desk:
        everything = desk.others[-1]
        with desk.store.lock():
            before = desk.store.read(EXEMPTIONS)
            known = Exemptions.read(before)
            dropped = _unneeded(everything, known)
            if dropped and not arguments.dry_run:
                kept = [each for each in known.all() if each not in dropped]
                desk.store.replace(EXEMPTIONS, known.write(kept), before)
        if dropped and not arguments.dry_run:
            desk.store.stage([EXEMPTIONS])
    for each in sorted(dropped):
        print(f"{each.name}@{each.version}")
    print(f"npm-vetted: {len(dropped)} exemptions dropped", file=sys.stderr)
    return 0


def _unneeded(change: Change, known: Exemptions) -> set[Exemption]:
    locked: dict[tuple[str, str], list[Artifact]] = {}
    for use in change.uses():
        if change.vetting.best_evidence(use.subject).status is not Status.EXEMPT:
            continue  # a note has replaced the exemption
        key = (use.artifact.name, use.artifact.version or "-")
        locked.setdefault(key, []).append(use.artifact)
    starts = set(_starts(change))
    return {
        each
        for each in known.all()
        if (each.name, each.version) not in starts
        and not any(
            read_pinned(each.pinned).binds(artifact) is not Match.DIFFERENT
            for artifact in locked.get((each.name, each.version), ())
        )
    }


def _starts(change: Change) -> set[tuple[str, str]]:
    """The versions that notes were reviewed from."""
    found = set()
    for note in change.vetting.notes.all():
        if isinstance(note, Note):
            for name, _, mention in mentions(note):
                since = mention.listed.since if mention.listed else note.since
                if since is not None:
                    found.add((name, since))
    return found
