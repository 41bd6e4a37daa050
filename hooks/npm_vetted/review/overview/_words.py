"""Sentences that several formats of the overview share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from npm_vetted.formats.terminal_text import line
from npm_vetted.review.overview import ArrivedPackage, ChangeOverview
from npm_vetted.review.text import counted

LIMITS = (
    "The reasons are what the published code newly does, not a proof that the rest is good;"
    " nothing is blocked by them."
)


def headline(found: ChangeOverview) -> str:
    """How many packages arrive, and how."""
    if not found.packages:
        return f"{found.state} brings no packages"
    return (
        f"{found.state} brings {counted(len(found.packages), 'package')}: {numbers(found.counts)}"
    )


def numbers(counts: Mapping[str, int]) -> str:
    """``60 new, 4 upgraded``."""
    return ", ".join(f"{number:,} {arrival}" for arrival, number in counts.items())


def bringer_lines(found: ChangeOverview, limit: int) -> Iterator[str]:
    """Which direct packages bring the others."""
    every = list(found.brings())
    for label, arrival, counts in every[:limit]:
        name = f"{line(label)} ({arrival})" if label else "what was there already"
        total = sum(counts.values())
        yield (
            f"{name} brings {total:,}: {numbers(counts)}"
            if total
            else f"{name} brings nothing else"
        )
    if len(every) > limit:
        yield f"and {len(every) - limit:,} more"


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
    if not shown:
        return f"None of the {counted(rest, 'package')} has a reason that deserves attention{more}."
    return f"The other {rest:,}: nothing that deserves attention{more}."


def commands_of(each: ArrivedPackage) -> list[list[str]]:
    """Inspect, diff at the place of the first reason, note."""
    program = "npm-vetted"
    found = [[program, "inspect", each.label]]
    if each.since is not None and each.score is not None:
        where = next((reason.path for reason in each.score.reasons if reason.path), None)
        only = ["--only", where] if where else []
        found.append([program, "diff", f"{each.name}@{each.since}", each.version, *only])
    if not each.covered:
        found.append([program, "note", each.label])
    return found
