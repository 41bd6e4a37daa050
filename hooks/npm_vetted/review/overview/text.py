"""One screen for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from npm_vetted.formats.terminal_text import line
from npm_vetted.review.overview import ArrivedPackage, ChangeOverview, OverviewStyle
from npm_vetted.review.overview._words import (
    bringer_lines,
    commands_of,
    headline,
    quiet_line,
    score_words,
    step_words,
)
from npm_vetted.review.signals.wording import reason_line

_BRINGERS = 8
_SHOWN = 12
_REASONS = 4


def render_overview(found: ChangeOverview, style: OverviewStyle) -> str:
    """The screen; all packages if ``verbose`` is set."""
    return "\n".join(_lines(found, style))


def _lines(found: ChangeOverview, style: OverviewStyle) -> Iterator[str]:
    yield style.paint(headline(found), "bold")
    yield from (
        f"  {each}"
        for each in bringer_lines(found, len(found.packages) if style.verbose else _BRINGERS)
    )
    attention = found.attention
    if attention:
        yield ""
        yield style.paint(f"Deserves attention first ({len(attention)}):", "bold")
    shown = attention if style.verbose else attention[:_SHOWN]
    for each in shown:
        yield from _package(each, style)
    if len(attention) > len(shown):
        yield f"  and {len(attention) - len(shown):,} more: -v shows them"
    rest = quiet_line(found)
    if rest:
        yield ""
        yield rest
    for problem in found.problems[: 1000 if style.verbose else _BRINGERS]:
        yield style.paint(f"not computed: {line(problem, 300)}", "yellow")


def _package(each: ArrivedPackage, style: OverviewStyle) -> Iterator[str]:
    noted = ", noted" if each.covered else ""
    kind = (
        "direct"
        if each.direct
        else "by " + ", ".join(map(line, each.brought_by[:2] or ("the lockfile",)))
    )
    yield f"  {style.paint(step_words(each), 'bold')}  ({score_words(each)}, {kind}{noted})"
    reasons = each.score.reasons if each.score is not None else ()
    for reason in reasons if style.verbose else reasons[:_REASONS]:
        yield f"    - {reason_line(reason)}"
    if len(reasons) > _REASONS and not style.verbose:
        yield f"    - and {len(reasons) - _REASONS} more"
    if each.why:
        yield f"    - {each.why}"
    for words in commands_of(each):
        command = style.command(words)
        if command:
            yield f"      {style.paint(command, 'dim')}"
