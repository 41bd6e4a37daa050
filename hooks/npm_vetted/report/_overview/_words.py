"""Sentences that several formats of the overview share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from npm_vetted.formats.terminal_text import line
from npm_vetted.report import Style
from npm_vetted.report._shell_commands import command_line
from npm_vetted.review.overview import ArrivedPackage, ChangeOverview
from npm_vetted.review.signals.comparison import Reason
from npm_vetted.review.signals.weighing import Score
from npm_vetted.review.signals.wording import UNCHANGED, reason_line
from npm_vetted.review.text import counted

_FILES = 3
LIMITS = (
    "The reasons are what the published code newly does, not a proof that the rest is good;"
    " nothing is blocked by them."
)


def headline(found: ChangeOverview) -> str:
    """How many packages arrive, and how."""
    count = len(found.packages)
    if not count:
        return f"{found.state} brings no packages"
    if count > 1 and len(found.counts) == 1:
        return f"{found.state} brings {counted(count, 'package')}, all {next(iter(found.counts))}"
    return f"{found.state} brings {counted(count, 'package')}: {numbers(found.counts)}"


def numbers(counts: Mapping[str, int]) -> str:
    """``60 new, 4 upgraded``."""
    return ", ".join(f"{number:,} {arrival}" for arrival, number in counts.items())


def bringer_lines(found: ChangeOverview, limit: int) -> Iterator[str]:
    """Which direct packages bring the others; those that bring nothing in one line."""
    every = list(found.brings())
    some = [each for each in every if each[2]]
    for label, arrival, counts in some[:limit]:
        name = f"{line(label)} ({arrival})" if label else "what was there already"
        total = sum(counts.values())
        kinds = f"{total:,}: {numbers(counts)}" if len(counts) > 1 else numbers(counts)
        yield f"{name} brings {kinds}"
    if len(some) > limit:
        yield f"and {len(some) - limit:,} more"
    alone = [line(label) for label, _, counts in every if not counts]
    if alone:
        more = f" and {len(alone) - limit:,} more" if len(alone) > limit else ""
        verb = "brings" if len(alone) == 1 else "bring"
        yield f"{', '.join(alone[:limit])}{more} {verb} nothing else"


def grouped_reasons(score: Score) -> Iterator[str]:
    """The reasons; several of one kind are one line, with how many there are."""
    kinds: dict[str, list[Reason]] = {}
    for each in score.reasons:
        kinds.setdefault(each.code, []).append(each)
    for first, *others in kinds.values():
        yield reason_line(first) + (f", and {len(others):,} more like it" if others else "")


def step_words(each: ArrivedPackage) -> str:
    """``left-pad 1.2.0 -> 1.3.0``."""
    if each.since is None:
        return line(f"{each.name} {each.version} (new)")
    return line(f"{each.name} {each.since} -> {each.version}")


def score_words(each: ArrivedPackage) -> str:
    """The score; or that there is none."""
    return "no score" if each.score is None else f"score {each.score.points}"


def quiet_line(found: ChangeOverview) -> str:
    """The rest in one line."""
    rest, worth = found.quiet
    if not rest:
        return ""
    shown = found.attention
    more = f"; {worth:,} of them would be shown with --all" if worth else ""
    if not shown and rest == 1:
        return (
            f"The package has no reason that deserves attention{more.replace('1 of them', 'it')}."
        )
    if not shown:
        return f"None of the {counted(rest, 'package')} has a reason that deserves attention{more}."
    return f"The other {rest:,}: nothing that deserves attention{more}."


def commands_of(each: ArrivedPackage) -> list[list[str]]:
    """Inspect, diff at the places of the first reasons, note."""
    program = "npm-vetted"
    found = [[program, "inspect", each.label]]
    if each.since is not None and each.score is not None:
        changed = (r.path for r in each.score.reasons if r.path and r.code not in UNCHANGED)
        only = [word for path in list(dict.fromkeys(changed))[:_FILES] for word in ("--only", path)]
        found.append([program, "diff", f"{each.name}@{each.since}", each.version, *only])
    if not each.covered:
        found.append([program, "note", each.label])
    return found


def command_lines(each: ArrivedPackage, style: Style) -> list[str]:
    """The same as lines to paste; one that is not safe to paste is left out."""
    found = (command_line([words], style.program()) for words in commands_of(each))
    return [command for command in found if command]
