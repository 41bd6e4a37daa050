"""``npm-vetted prune``: remove exemptions and baseline lines that are no longer needed."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import Final

from npm_vetted.checks._runner import run_checks
from npm_vetted.commands._note_states import at_desk
from npm_vetted.formats.terminal_text import printable
from npm_vetted.git.writer import Store
from npm_vetted.model import Artifact
from npm_vetted.projects.change import Change
from npm_vetted.projects.package_manager import pinned_managers
from npm_vetted.vetting.baseline import BASELINE, Baseline, BaselineLine
from npm_vetted.vetting.exemptions import EXEMPTIONS, Exemption, Exemptions
from npm_vetted.vetting.notes import Note, mentions
from npm_vetted.vetting.pins import Match, read_pinned
from npm_vetted.vetting.resolver import Status, Vetting

HELP = "drop exemptions and baseline lines that nothing needs, or that a note replaced"


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
            dropped = _settled_otherwise(everything, known, _unneeded(everything, known))
            if dropped and not arguments.dry_run:
                kept = [each for each in known.all() if each not in dropped]
                desk.store.replace(EXEMPTIONS, known.write(kept), before)
        if dropped and not arguments.dry_run:
            desk.store.stage([EXEMPTIONS])
        unused = _unused_lines(everything)
        if unused and not arguments.dry_run:
            _drop_lines(desk.store, unused)
    for line in unused:
        print(f"{line.check}/{line.code} {printable(line.path)} {printable(line.key)}")
    for each in sorted(dropped):
        print(f"{each.name}@{each.version}")
    done = "would be dropped" if arguments.dry_run else "dropped"
    print(
        f"npm-vetted: {len(dropped)} exemptions and {len(unused)} baseline lines {done}",
        file=sys.stderr,
    )
    return 0


_SILENCED: Final = frozenset(
    {"unvetted", "cooldown", "install-scripts", "lookalike", "lockfile-source"}
)
"""The checks that an exemption silences."""


def _settled_otherwise(
    change: Change, known: Exemptions, dropped: set[Exemption]
) -> set[Exemption]:
    """Those of some exemptions without which every check still accepts their packages."""
    if not dropped:
        return dropped
    kept = "".join(f"{each}\n" for each in known.all() if each not in dropped)
    notes = change.vetting.notes
    result = run_checks(
        Change(
            comparison=change.comparison,
            policy=change.policy,
            vetting=Vetting(change.policy, Exemptions(kept), notes, notes, change.was_locked),
            earlier_vettings=change.earlier_vettings,
            today=change.today,
            baseline=change.baseline,
        ),
        _SILENCED,
    )
    missing = {(each.package, each.version) for each in result.findings}
    return {each for each in dropped if (each.name, each.version) not in missing}


def _unused_lines(change: Change) -> list[BaselineLine]:
    """The baseline lines that match no finding any more; none where something cannot be judged."""
    lines = change.baseline.lines
    if not lines:
        return []
    bare = Change(
        comparison=change.comparison,
        policy=change.policy,
        vetting=change.vetting,
        earlier_vettings=change.earlier_vettings,
        today=change.today,
    )
    result = run_checks(bare)
    if result.statuses:
        print("npm-vetted: baseline.txt is kept: not everything can be judged", file=sys.stderr)
        return []
    left = Counter(each.fingerprint for each in result.findings if each.acceptable)
    unused = []
    for line in lines:
        if left[line.fingerprint] > 0:
            left[line.fingerprint] -= 1
        else:
            unused.append(line)
    return unused


def _drop_lines(store: Store, unused: list[BaselineLine]) -> None:
    with store.lock():
        before = store.read(BASELINE)
        known = Baseline.read(before)
        gone = Counter(map(str, unused))
        kept = []
        for line in known.lines:
            if gone[str(line)] > 0:
                gone[str(line)] -= 1
            else:
                kept.append(line)
        store.replace(BASELINE, known.write(kept), before)
    store.stage([BASELINE])


def _unneeded(change: Change, known: Exemptions) -> set[Exemption]:
    locked: dict[tuple[str, str], list[Artifact]] = {}
    for use in change.uses():
        if change.vetting.best_evidence(use.subject).status is not Status.EXEMPT:
            continue  # a note has replaced the exemption
        key = (use.artifact.name, use.artifact.version or "-")
        locked.setdefault(key, []).append(use.artifact)
    for _, pinned in pinned_managers(change):
        if change.vetting.best_evidence(pinned.request).status is Status.EXEMPT:
            artifact = pinned.request.artifact
            locked.setdefault((artifact.name, artifact.version or "-"), []).append(artifact)
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
