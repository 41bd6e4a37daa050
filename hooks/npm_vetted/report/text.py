"""The report for people: where, what, why in one line, and the command to paste."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TextIO

from npm_vetted.checks import checks
from npm_vetted.checks._runner import UNDECIDED, CheckResult
from npm_vetted.formats.terminal_text import printable
from npm_vetted.model import Finding, Level
from npm_vetted.projects.change import Change
from npm_vetted.report import Style
from npm_vetted.report._shared import by_danger, fix_of, label_of

_NAMED = 3
"""How many packages of a family are named before the rest is counted."""


def print_result(result: CheckResult, change: Change | None, style: Style, out: TextIO) -> None:
    """Print the findings, those that one command resolves together, and a line of what was seen."""
    paint = Paint(style.colour)
    for family in families(by_danger(result.findings)):
        for line in _lines(family, style, paint):
            print(line, file=out)
        print(file=out)
    if not style.quiet or result.findings:
        print(summary(result, change), file=out)


class Paint:
    """Colours, or nothing."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def __call__(self, text: str, *styles: str) -> str:
        """Text in some of colorama's colours."""
        if not self._colour:
            return text
        from colorama import Fore
        from colorama import Style as Brightness

        codes = {"bold": Brightness.BRIGHT, "dim": Brightness.DIM, "red": Fore.RED,
                 "yellow": Fore.YELLOW, "cyan": Fore.CYAN, "green": Fore.GREEN}  # fmt: skip
        return "".join(codes[each] for each in styles) + text + Brightness.RESET_ALL


def families(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    """Findings that one command resolves, the one it is about first; others by themselves."""
    together: dict[object, list[Finding]] = {}
    for finding in findings:
        key = (finding.check, finding.level, finding.project, finding.fix)
        label = (finding.package, finding.version)
        twin = any((each.package, each.version) == label for each in together.get(key, ()))
        alone = twin or not finding.fix or finding.package is None
        together.setdefault(finding if alone else key, []).append(finding)
    for family in together.values():
        words = " ".join(word for command in family[0].fix for word in command)
        family.sort(key=lambda each: f"{each.package}@{each.version}" not in words)
        yield family


def _lines(family: list[Finding], style: Style, paint: Paint) -> Iterator[str]:
    first = family[0]
    colour = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTICE: "cyan"}[first.level]
    where = f"{printable(first.location.path)}:{first.location.line}"
    what = printable(label_of(first))
    yield f"{paint(where, 'bold')}: {paint(first.level.value, colour, 'bold')}: {what} [{first.check}]"
    if len(family) > 1:
        yield f"    and {_others(family[1:], style)}"
    why = _why(first.check)
    if why:
        yield paint(f"    why: {why}", "dim")
    for line in (fix_of(first, style) or "").splitlines():
        yield f"    fix: {paint(line, 'green')}"


def _others(rest: list[Finding], style: Style) -> str:
    labels = [printable(f"{each.package}@{each.version or '?'}") for each in rest]
    shown = labels if style.verbose else labels[:_NAMED]
    more = len(labels) - len(shown)
    tail = f", and {more} more" if more else ""
    return f"{_count(len(labels), 'package')} more: {', '.join(shown)}{tail}"


def _why(check: str) -> str | None:
    """The first sentence of why there is such a check."""
    if check not in checks():
        return None
    found = re.match(r"(.+?[.!?])(?:\s|\Z)", checks()[check].EXPLANATION.why, re.DOTALL)
    return found.group(1) if found else None


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def summary(result: CheckResult, change: Change | None) -> str:
    """What was looked at and what was found, in one line."""
    looked = ", ".join(
        _count(number, noun)
        for number, noun in (
            (result.projects, "project"),
            (result.artifacts, "package"),
            (result.notes, "note"),
        )
    )
    levels = Counter(each.level for each in result.findings)
    undecided = sum(each.check == UNDECIDED for each in result.findings)
    found = [_count(levels[level], level.value) for level in Level if levels[level]] or [
        "nothing found"
    ]
    if undecided:
        found.append(f"{undecided} undecided")
    scope = " (everything)" if change and change.everything else ""
    return f"npm-vetted: {looked} checked{scope}: {', '.join(found)}"
