"""``--format github``: workflow commands that GitHub shows as annotations, named like our levels.

GitHub shows ten errors and ten warnings of a step: the most dangerous come first, and the last
annotation says how many more there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TextIO

from npm_vetted.checks._runner import CheckResult
from npm_vetted.formats.terminal_text import printable
from npm_vetted.model import Finding, Level
from npm_vetted.projects.change import Change
from npm_vetted.report import Style
from npm_vetted.report._blocks import one_each
from npm_vetted.report._shared import by_danger, file_of, fix_of, label_of, page_of
from npm_vetted.report.text import summary

_SHOWN: Final = 10


def print_result(result: CheckResult, change: Change | None, style: Style, out: TextIO) -> None:
    """Print the annotations of each level, and a line of what was checked."""
    ordered = by_danger(result.findings)
    for level in Level:
        found = one_each(each for each in ordered if each.level is level)
        _print_level(found, level.value, style, out)
    print(summary(result, change), file=out)


def _print_level(groups: Sequence[list[Finding]], command: str, style: Style, out: TextIO) -> None:
    shown = groups if len(groups) <= _SHOWN else groups[: _SHOWN - 1]
    for each, *others in shown:
        fix = fix_of(each, style)
        rest = f" (and {len(others):,} more)" if others else ""
        text = printable(label_of(each)) + rest + (f"\nfix: {fix}" if fix else "")
        page = page_of(each)
        text += f"\nsee: {page}" if page else ""
        place = f"file={_property(file_of(each))},line={max(each.location.line, 1)}"
        title = _property(f"npm-vetted: {each.check}")
        print(f"::{command} {place},title={title}::{_data(text)}", file=out)
    more = sum(map(len, groups[len(shown) :]))
    if more:
        print(
            f"::{command} title=npm-vetted::and {more} more: npm-vetted check shows them", file=out
        )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
