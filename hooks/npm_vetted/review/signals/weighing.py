"""Weighs the signals of one version, or of the step between two versions, and adds them up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from npm_vetted.formats.terminal_text import line
from npm_vetted.review.signals.comparison import (
    Files,
    PackageComparison,
    ReadFacts,
    Reason,
    weight_of,
)
from npm_vetted.review.signals.facts import LOST
from npm_vetted.review.signals.rules import tarball_signals
from npm_vetted.review.signals.table import MOST, WEIGHTS


class Score(NamedTuple):
    """The sum of the weights, with reasons; ``problems`` name the parts that could not be computed.

    ``unseen`` names new and changed files that no signal looks into: machine code, scripts beyond
    the limits. They are a property of the bytes and no problem, but nobody can say that nothing fires.
    """

    points: int
    reasons: tuple[Reason, ...]
    problems: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every signal was computed; else the score may be too low."""
        return not self.problems


def compare_packages(old: Files | None, new: Files, read: ReadFacts) -> Score:
    """Compare two tarballs' files, or judge one that is new."""
    comparison = PackageComparison(old, new, read)
    reasons = [reason for signal in tarball_signals() for reason in signal.find(comparison)]
    problems = [f"{line(path)}: {LOST}" for path in comparison.lost]
    found = weigh(reasons, fresh=comparison.fresh, problems=problems)
    return found._replace(unseen=tuple(map(line, comparison.unseen)))


def weigh(reasons: Iterable[Reason], *, fresh: bool, problems: Iterable[str] = ()) -> Score:
    """Sum up, the heaviest reasons first; those without weight are left out."""
    counted = sorted(
        ((weight_of(each, fresh=fresh), each) for each in dict.fromkeys(reasons)),
        key=lambda pair: (-pair[0], pair[1]),
    )
    counted = [(points, reason) for points, reason in counted if points]
    total, groups, seen = 0, dict.fromkeys(MOST, 0), set[str]()
    for points, reason in counted:
        group = WEIGHTS[reason.code].group
        if reason.code in seen:
            continue
        seen.add(reason.code)
        if group:
            groups[group] += 1
        if not group or groups[group] <= MOST[group]:
            total += points
    shown = tuple(each._replace(text=line(each.text), path=line(each.path)) for _, each in counted)
    return Score(total, shown, tuple(problems))
