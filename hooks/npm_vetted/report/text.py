"""The report for people: location, finding, reason in one line, and the command to paste.

Findings are in blocks, the most dangerous first: one block for findings that one command resolves,
and one for many findings of the same kind. At a terminal, lines are wrapped to its width, except
for commands and long words, which people copy.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TextIO

from npm_vetted.checks import checks
from npm_vetted.checks._runner import UNDECIDED, CheckResult
from npm_vetted.clients import clients
from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.terminal_text import printable
from npm_vetted.model import Finding, Level
from npm_vetted.projects.change import Change
from npm_vetted.report import Style
from npm_vetted.report._blocks import alike_families, families, is_one_block
from npm_vetted.report._shared import by_danger, fix_of, label_of, page_of
from npm_vetted.report._shell_commands import PROGRAM, command_line

_NAMED: Final = 3
"""How many packages of a family are named before the rest is counted."""
_FOLDED: Final = 5
"""How many blocks of one kind are shown before the rest becomes one block."""
_LISTED: Final = 10
"""How many unvetted packages are listed with their command in the block that they share."""
_LONGEST: Final = 160
"""Characters of a source line that are shown; a longer one (minified) is not."""
_SECRET: Final = re.compile(r"auth|passw|token|secret|://[^/\s]*@", re.IGNORECASE)
"""A source line that may hold a secret is not shown: CI logs are read by many."""


class Block(NamedTuple):
    """Findings that are shown together; the first of ``family`` is shown in full.

    ``rest`` counts blocks of the same kind that were folded into this one. ``alike`` are the families
    of one block of unvetted packages, each with a command of its own.
    """

    family: list[Finding]
    rest: int = 0
    alike: tuple[list[Finding], ...] = ()


def print_result(result: CheckResult, change: Change | None, style: Style, out: TextIO) -> None:
    """Print the findings, those that one command resolves together, and a line of what was seen."""
    paint = Paint(style.colour)
    explained: set[str] = set()
    for block in blocks(list(families(by_danger(result.findings))), style):
        for line in _lines(block, change, style, paint, explained):
            print(line, file=out)
        print(file=out)
    if not style.quiet or result.findings:
        print(summary(result, change), file=out)


def blocks(found: Sequence[list[Finding]], style: Style) -> Iterator[Block]:
    """The families, of which many of one kind (check, code, level, file) are one block; ``-v`` shows all."""
    for alike in alike_families(found):
        if alike[0][0].check == "unvetted" and len(alike) > 1:
            kept = alike if style.verbose else alike[:_LISTED]
            every = [finding for family in alike for finding in family]
            yield Block(every, len(alike) - len(kept), tuple(kept))
            continue
        shown = 1 if is_one_block(alike) else _FOLDED
        if style.verbose or len(alike) <= shown:
            yield from (Block(family) for family in alike)
            continue
        yield from (Block(family) for family in alike[: shown - 1])
        rest = [finding for family in alike[shown - 1 :] for finding in family]
        yield Block(rest, rest=len(alike) - shown)


class Paint:
    """Colours for a terminal, or none."""

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


def _lines(
    block: Block, change: Change | None, style: Style, paint: Paint, explained: set[str]
) -> Iterator[str]:
    if block.alike:
        yield from _unvetted(block, change, style, paint, explained)
        return
    first = block.family[0]
    yield from _head(first, printable(label_of(first)), style, paint)
    if not style.quiet:
        yield from (paint(line, "dim") for line in _source(first, change))
    if len(block.family) > 1:
        yield from _wrapped(f"    and {_others(block.family[1:], style)}", style, "      ")
    yield from _reason(first, style, paint, explained)
    yield from _fixes(first, style, paint)
    if block.rest:
        yield from _fix_of_all(block, change, style, paint)


def _head(first: Finding, words: str, style: Style, paint: Paint) -> Iterator[str]:
    """The line with location and message."""
    colour = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTICE: "cyan"}[first.level]
    where = f"{printable(first.location.path)}:{first.location.line}"
    text = f"{where}: {first.level.value}: {words} [{first.check}]"
    head, *more = _wrapped(text, style, "    ")
    start = f"{where}: {first.level.value}:"
    if head.startswith(start):
        head = f"{paint(where, 'bold')}: {paint(first.level.value, colour, 'bold')}:{head[len(start) :]}"
    for line in (head, *more):
        yield _linked(line, first, style)


def _reason(first: Finding, style: Style, paint: Paint, explained: set[str]) -> Iterator[str]:
    """The reason for a check and the link to its page, at the check's first finding only."""
    why = _why(first.check)
    if why and first.check not in explained and not style.quiet:
        explained.add(first.check)
        yield from (paint(line, "dim") for line in _wrapped(f"    why: {why}", style, "         "))
        if not style.links:
            yield paint(f"    see: {page_of(first)}", "dim")


def _fixes(finding: Finding, style: Style, paint: Paint) -> Iterator[str]:
    for line in (fix_of(finding, style) or "").splitlines():
        yield f"    fix: {paint(line, 'green')}"


def _unvetted(
    block: Block, change: Change | None, style: Style, paint: Paint, explained: set[str]
) -> Iterator[str]:
    """One block for all unvetted packages of a lockfile: how many, then each with its command."""
    first = block.family[0]
    yield from _head(first, _counted(block.family), style, paint)
    yield from _reason(first, style, paint, explained)
    for family in block.alike:
        one = family[0]
        line = f"  {one.location.line}: {printable(label_of(one))}"
        yield from _wrapped(line, style, "    ")
        if len(family) > 1:
            yield from _wrapped(f"    and {_others(family[1:], style)}", style, "      ")
        yield from _fixes(one, style, paint)
    if block.rest:
        yield f"  and {block.rest:,} more like these"
    yield from _fix_of_all(block, change, style, paint)


def _counted(findings: Sequence[Finding]) -> str:
    """``4 new packages and 1 upgrade without a note, and 412 that they bring``."""
    codes = Counter(each.code for each in findings)
    brought = codes.pop("brought", 0)
    parts = [
        _count(codes.pop(code), noun)
        for code, noun in (("new", "new package"), ("upgraded", "upgrade"), ("downgraded", "downgrade"))
        if codes[code]
    ]  # fmt: skip
    other = sum(codes.values())
    if other:
        parts.append(
            f"{other:,} other{'' if other == 1 else 's'}" if parts else _count(other, "package")
        )
    *most, last = parts
    words = f"{', '.join(most)} and {last}" if most else last
    return f"{words} without a note" + (f", and {brought:,} that they bring" if brought else "")


def _fix_of_all(block: Block, change: Change | None, style: Style, paint: Paint) -> Iterator[str]:
    """How to go on where many findings were folded: ``note`` covers a whole change in one go."""
    check = block.family[0].check
    if check == "unvetted" and change is not None and not change.everything:
        command = command_line([(PROGRAM, "note", *change.scope_arguments)], style.program())
        if command is not None:
            yield f"    all: {paint(command, 'green')}"
    if block.rest:
        yield f"    each: {paint(f'{style.program()} check -v', 'green')}"


def _wrapped(text: str, style: Style, indent: str) -> list[str]:
    """A line, wrapped to the terminal's width; words that are longer than that stay whole."""
    if style.width is None or len(text) <= style.width:
        return [text]
    import textwrap

    return textwrap.wrap(
        text, style.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _linked(line: str, finding: Finding, style: Style) -> str:
    """A line whose ``[check]`` is a link to the page that explains it, where a terminal shows links."""
    target = page_of(finding)
    if not style.links or target is None:
        return line
    before, mark, after = line.rpartition(f"[{finding.check}]")
    return f"{before}\x1b]8;;{target}\x1b\\{mark}\x1b]8;;\x1b\\{after}" if mark else line


def _source(finding: Finding, change: Change | None) -> Iterator[str]:
    """The source line of a finding, and a caret below the text that it names.

    Not of a lockfile: its line has the package's name, which the message has too.
    """
    if change is None or finding.check == UNDECIDED or _is_lockfile(finding.location.path):
        return
    try:
        data = change.after.read(finding.location.path)
    except NpmVettedError:
        return
    rows = (data or b"").split(b"\n", finding.location.line)
    if data is None or not 0 < finding.location.line <= len(rows):
        return
    row = rows[finding.location.line - 1].decode("utf-8", "replace").replace("\t", " ").rstrip()
    if not row.strip() or len(row) > _LONGEST or _SECRET.search(row) or finding.code == "secret":
        return
    text = printable(row)
    number = f"{finding.location.line:>6} | "
    yield number + text
    at, length = _named_in(text, finding)
    yield " " * (len(number) + at) + "^" * length


def _is_lockfile(path: str) -> bool:
    name = path.rpartition("/")[2]
    return any(name in client.LOCKFILES for client in clients().values())


def _named_in(text: str, finding: Finding) -> tuple[int, int]:
    """The part of a line that names the finding's subject, else the whole line."""
    for word in (finding.key, finding.package, finding.version):
        shown = printable(word or "")
        if shown and shown in text:
            return text.index(shown), len(shown)
    start = len(text) - len(text.lstrip())
    return start, len(text) - start


def _others(rest: list[Finding], style: Style) -> str:
    if not all(each.package for each in rest):
        return f"{_count(len(rest), 'finding')} more like this"
    labels = [printable(f"{each.package}@{each.version or '?'}") for each in rest]
    shown = labels if style.verbose else labels[:_NAMED]
    more = len(labels) - len(shown)
    tail = f", and {more:,} more" if more else ""
    return f"{_count(len(labels), 'package')} more: {', '.join(shown)}{tail}"


def _why(check: str) -> str | None:
    """The first sentence of the reason for a check."""
    if check not in checks():
        return None
    found = re.match(r"(.+?[.!?])(?:\s|\Z)", checks()[check].EXPLANATION.why, re.DOTALL)
    return found.group(1) if found else None


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def summary(result: CheckResult, change: Change | None) -> str:
    """One line with the numbers of projects, packages, notes and findings."""
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
    packages = len({(each.package, each.version) for each in result.findings if each.package})
    if packages and packages != len(result.findings):
        found[-1] += f", about {_count(packages, 'package')}"
    scope = " (everything)" if change and change.everything else ""
    return f"npm-vetted: {looked} checked{scope}: {', '.join(found)}"
