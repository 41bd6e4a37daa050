"""One screen for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted import SITE
from npm_vetted.formats.terminal_text import line
from npm_vetted.report import Style
from npm_vetted.report._overview._words import (
    bringer_lines,
    command_lines,
    grouped_reasons,
    headline,
    quiet_line,
    score_words,
    step_words,
)
from npm_vetted.report._screen import Paint, linked, wrapped
from npm_vetted.review.overview import ArrivedPackage, ChangeOverview
from npm_vetted.review.signals.wording import reason_line, unseen_lines

_BRINGERS: Final = 8
_SHOWN: Final = 12
_REASONS: Final = 4
_WITH_COMMANDS: Final = 3
"""How many packages are shown with their commands; ``-v`` shows those of each."""
_MEANINGS: Final = f"{SITE}signals/"


def render_overview(found: ChangeOverview, style: Style) -> str:
    """The screen; all packages if ``verbose`` is set."""
    return "\n".join(_Screen(found, style).lines())


class _Screen:
    """Prints an overview's parts, wrapped to the terminal's width."""

    def __init__(self, found: ChangeOverview, style: Style) -> None:
        self._found = found
        self._style = style
        self._paint = Paint(style.colour)

    def lines(self) -> Iterator[str]:
        """Everything, in order."""
        found, verbose = self._found, self._style.verbose
        yield from self._wrapped(headline(found), "  ", "bold")
        for words in bringer_lines(found, len(found.packages) if verbose else _BRINGERS):
            yield from self._wrapped(f"  {words}", "    ")
        attention = found.attention
        shown = attention if verbose else attention[:_SHOWN]
        if attention:
            yield ""
            yield self._paint(f"Deserves attention first ({len(attention)}):", "bold")
        for at, each in enumerate(shown):
            yield from self._package(each, commands=verbose or at < _WITH_COMMANDS)
        if len(attention) > len(shown):
            yield f"  and {len(attention) - len(shown):,} more: -v shows them"
        if len(shown) > _WITH_COMMANDS and not verbose:
            yield self._paint("  [-v shows the commands of each]", "dim")
        if quiet_line(found):
            yield ""
            yield from self._wrapped(quiet_line(found), "  ")
        for problem in found.problems[: 1000 if verbose else _BRINGERS]:
            yield from self._wrapped(f"not computed: {line(problem, 300)}", "  ", "yellow")
        if attention and not self._style.links:
            yield self._paint(f"what the reasons mean: {_MEANINGS}", "dim")

    def _wrapped(self, text: str, indent: str, *colours: str) -> list[str]:
        rows = wrapped(text, self._style.width, indent)
        return [self._paint(row, *colours) for row in rows] if colours else rows

    def _package(self, each: ArrivedPackage, *, commands: bool) -> Iterator[str]:
        noted = ", noted" if each.covered else ""
        bringers = ", ".join(map(line, each.brought_by[:2] or ("the lockfile",)))
        kind = "direct" if each.direct else f"by {bringers}"
        step, score = step_words(each), score_words(each)
        head, *more = wrapped(f"  {step}  ({score}, {kind}{noted})", self._style.width, "      ")
        if self._style.links:
            head = head.replace(f"({score}", f"({linked(score, _MEANINGS)}", 1)
        if head.startswith(f"  {step}"):
            head = f"  {self._paint(step, 'bold')}{head[len(step) + 2 :]}"
        yield from (head, *more)
        for reason in self._reasons(each):
            yield from self._wrapped(f"    - {reason}", "      ")
        for command in command_lines(each, self._style) if commands else ():
            yield f"      {self._paint(command, 'dim')}"

    def _reasons(self, each: ArrivedPackage) -> Iterator[str]:
        if each.score is not None:
            verbose = self._style.verbose
            reasons = list(
                map(reason_line, each.score.reasons) if verbose else grouped_reasons(each.score)
            )
            shown = reasons if verbose else reasons[:_REASONS]
            yield from shown
            if len(reasons) > len(shown):
                yield f"and {len(reasons) - len(shown)} more"
            yield from unseen_lines(each.score)
        if each.why:
            yield each.why
