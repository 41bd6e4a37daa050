"""``npm-vetted accept``: accept one finding as it is now, with a reason."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from npm_vetted.checks._runner import run_checks
from npm_vetted.commands._common import add_range, opened, range_of
from npm_vetted.errors import RefusedError, UsageError
from npm_vetted.formats.terminal_text import printable
from npm_vetted.git.writer import Store
from npm_vetted.model import Finding, identities
from npm_vetted.vetting.baseline import BASELINE, Baseline, BaselineLine, line_of
from npm_vetted.vetting.notes import says_something
from npm_vetted.vetting.policy import CONFIG, FORMAT

HELP = "accept one finding as it is now (a change of policy: committed on its own)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``accept``."""
    parser.add_argument(
        "findings", nargs="+", metavar="FINDING",
        help="the identity that check prints, or CHECK/CODE, or CHECK/CODE:PATH",
    )  # fmt: skip
    parser.add_argument("--reason", required=True, help="why the finding is accepted")
    add_range(parser)


def run(arguments: argparse.Namespace) -> int:
    """Add the lines to the baseline and stage it.

    Raises UsageError for a finding that is not there, RefusedError for one that is never accepted.
    """
    if not says_something(arguments.reason):
        raise UsageError(f"--reason {arguments.reason!r} says nothing: say why it is accepted")
    from_ref, to_ref = range_of(arguments)
    chosen: list[Finding] = []
    with opened(from_ref=from_ref, to_ref=to_ref) as (repository, change):
        if not change.policy.adopted:
            raise UsageError("this repository has not adopted npm-vetted", fix="npm-vetted init")
        if change.policy.format < FORMAT:
            raise UsageError(
                f"{BASELINE} needs format = {FORMAT} in {CONFIG}: nothing can be accepted before",
                fix="npm-vetted init --upgrade, and commit what it wrote on its own",
            )
        found = run_checks(change).findings
        for name in arguments.findings:
            chosen += _named(name, found)
        for each in chosen:
            if not each.acceptable:
                raise RefusedError(
                    f"{each.check}/{each.code} is never accepted: {each.message}",
                    path=each.location.path,
                    line=each.location.line,
                )
        lines = [line_of(each, arguments.reason) for each in dict.fromkeys(chosen)]
        added = add_to_baseline(Store(repository), lines, change.baseline)
    print(
        f"npm-vetted: accepted {len(added)} finding{'s' if len(added) != 1 else ''} in {BASELINE}, "
        "staged; commit it on its own, before the change that needs it:\n"
        f'  git commit -m "Accept {printable(added[0].check if added else "a finding")}" -- {BASELINE}',
        file=sys.stderr,
    )
    return 0


def _named(name: str, found: Sequence[Finding]) -> list[Finding]:
    """The findings that a name on the command line means."""
    matching = [
        finding
        for finding, identity in zip(found, identities(found), strict=True)
        if name
        in (
            identity,
            f"{finding.check}/{finding.code}",
            f"{finding.check}/{finding.code}:{finding.location.path}",
        )
    ]
    if not matching:
        raise UsageError(
            f"{name} is no finding of what is staged or locked now",
            fix="npm-vetted check --format json prints the identity of each finding",
        )
    return matching


def add_to_baseline(
    store: Store, more: Sequence[BaselineLine], in_force: Baseline
) -> list[BaselineLine]:
    """Add lines to the file and stage it; return the lines that are new.

    Equal lines that are in force accept other findings already: one more needs one more line.
    """
    fresh_ones = {each.fingerprint for each in more}
    used = (each for each in in_force.lines if each.fingerprint in fresh_ones)
    with store.lock():
        before = store.read(BASELINE)
        known = Baseline.read(before)
        wanted = Baseline(lines=(*used, *more))
        fresh = list(wanted.more_than(known))
        if fresh:
            store.replace(BASELINE, known.write([*known.lines, *fresh]), before)
    store.stage([BASELINE])
    return fresh
