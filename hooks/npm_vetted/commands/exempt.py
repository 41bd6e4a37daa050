"""``npm-vetted exempt``: accept an artifact without a review, with a reason."""

from __future__ import annotations

import argparse
import sys

from npm_vetted.commands._common import add_range, range_of
from npm_vetted.commands._note_states import at_desk
from npm_vetted.errors import UsageError
from npm_vetted.git.writer import Store
from npm_vetted.model import Artifact
from npm_vetted.projects.introduced import IntroducedPackage
from npm_vetted.vetting.exemptions import EXEMPTIONS, Exemption, Exemptions
from npm_vetted.vetting.notes import says_something
from npm_vetted.vetting.pins import pinned_of, write_pinned

HELP = "take something in without a review (a change of policy: committed on its own)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``exempt``."""
    parser.add_argument("packages", nargs="+", metavar="PKG@VER")
    add_range(parser)
    parser.add_argument("--reason", required=True, help="why it is taken in without a review")


def run(arguments: argparse.Namespace) -> int:
    """Add the lines, sorted, and stage the file."""
    if not says_something(arguments.reason):
        raise UsageError(f"--reason {arguments.reason!r} says nothing: say why no review is needed")
    from_ref, to_ref = range_of(arguments)
    with at_desk(arguments.packages, from_ref, to_ref) as desk:
        uses = [use for label in arguments.packages for use in desk.uses_of(label)]
        added = add_exemptions(
            desk.store, [exemption_of(use.artifact, arguments.reason) for use in uses]
        )
    print(
        f"npm-vetted: {added} exemption{'' if added == 1 else 's'} added to {EXEMPTIONS} and staged; "
        "commit it on its own, before the change that needs it:\n"
        f'  git commit -m "Exempt {_names(uses)}" -- {EXEMPTIONS}',
        file=sys.stderr,
    )
    return 0


def _names(uses: list[IntroducedPackage]) -> str:
    from npm_vetted.report._shell_commands import quoted

    names = sorted({use.artifact.label for use in uses})
    text = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return text if quoted(text) else "what .vetting/exemptions.txt says"


def exemption_of(artifact: Artifact, reason: str) -> Exemption:
    """The exemption of an artifact in its present state; raises if nothing pins its bytes."""
    pinned = write_pinned(pinned_of(artifact))
    if pinned == "-":
        raise UsageError(
            f"{artifact.label} has neither a hash nor a source in the lockfile: nothing to bind to"
        )
    return Exemption(artifact.name, artifact.version or "-", pinned, bool(artifact.scripts), reason)


def add_exemptions(store: Store, more: list[Exemption]) -> int:
    """Add exemptions to the file; return how many are new."""
    with store.lock():
        before = store.read(EXEMPTIONS)
        known = Exemptions.read(before)
        fresh = [each for each in dict.fromkeys(more) if str(each) not in known.lines()]
        if fresh:
            store.replace(EXEMPTIONS, known.write([*known.all(), *fresh]), before)
    store.stage([EXEMPTIONS])
    return len(fresh)
