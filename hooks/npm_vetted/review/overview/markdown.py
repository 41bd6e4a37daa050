"""Markdown, as a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator

from npm_vetted.formats.terminal_text import line
from npm_vetted.review.overview import ChangeOverview, OverviewStyle
from npm_vetted.review.overview._words import (
    LIMITS,
    bringer_lines,
    commands_of,
    headline,
    quiet_line,
    score_words,
    step_words,
)
from npm_vetted.review.signals.wording import reason_line

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~@&-])")


def render_overview(found: ChangeOverview, style: OverviewStyle) -> str:
    """The whole overview; every text of a package is escaped."""
    return "\n".join(_lines(found, style)) + "\n"


def _lines(found: ChangeOverview, style: OverviewStyle) -> Iterator[str]:
    yield f"## npm-vetted review: {_plain(headline(found))}"
    yield ""
    yield from (f"- {_plain(each)}" for each in bringer_lines(found, 20))
    for each in found.attention:
        yield ""
        noted = ", noted" if each.covered else ""
        yield f"### {_plain(step_words(each))} ({score_words(each)}{noted})"
        yield ""
        for reason in each.score.reasons if each.score is not None else ():
            yield f"- {_plain(reason_line(reason))}"
        if each.why:
            yield f"- {_plain(each.why)}"
        commands = list(filter(None, map(style.command, commands_of(each))))
        if commands:
            yield from ("", "```sh", *(each.replace("`", "") for each in commands), "```")
    yield from ("", _plain(quiet_line(found)))
    for problem in found.problems:
        yield f"- not computed: {_plain(line(problem, 300))}"
    yield from ("", f"_{_plain(LIMITS)}_")


def _plain(text: str) -> str:
    """Text as text: no markup, no mention, no link."""
    return _SPECIAL.sub(r"\\\1", text).replace("://", ":\\/\\/")
