"""Markdown, as a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator

from npm_vetted.formats.terminal_text import line
from npm_vetted.report import Style
from npm_vetted.report._overview._words import (
    LIMITS,
    bringer_lines,
    command_lines,
    grouped_reasons,
    headline,
    quiet_line,
    score_words,
    step_words,
)
from npm_vetted.review.overview import ChangeOverview
from npm_vetted.review.signals.wording import unseen_lines

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~@&-])")


def render_overview(found: ChangeOverview, style: Style) -> str:
    """The whole overview; every text of a package is escaped."""
    return "\n".join(_lines(found, style)) + "\n"


def _lines(found: ChangeOverview, style: Style) -> Iterator[str]:
    yield f"## npm-vetted review: {_plain(headline(found))}"
    yield ""
    yield from (f"- {_plain(each)}" for each in bringer_lines(found, 20))
    for each in found.attention:
        yield ""
        noted = ", noted" if each.covered else ""
        yield f"### {_plain(step_words(each))} ({score_words(each)}{noted})"
        yield ""
        if each.score is not None:
            yield from (f"- {_plain(words)}" for words in grouped_reasons(each.score))
            yield from (f"- {_plain(words)}" for words in unseen_lines(each.score))
        if each.why:
            yield f"- {_plain(each.why)}"
        commands = command_lines(each, style)
        if commands:
            yield from ("", "```sh", *(each.replace("`", "") for each in commands), "```")
    if quiet_line(found):
        yield from ("", _plain(quiet_line(found)))
    if found.problems:
        yield ""
    for problem in found.problems:
        yield f"- not computed: {_plain(line(problem, 300))}"
    yield from ("", f"_{_plain(LIMITS)}_")


def _plain(text: str) -> str:
    """Text as text: no markup, no mention, no link."""
    return _SPECIAL.sub(r"\\\1", text).replace("://", ":\\/\\/")
