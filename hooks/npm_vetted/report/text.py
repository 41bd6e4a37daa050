"""The report for people: location, finding, reason in one line, and the command to paste.

Findings are in blocks, the most dangerous first: one block for findings that one command resolves,
and one for many findings of the same kind. A report of many blocks is dense: nothing is said twice in it, and
``-v`` shows the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple, TextIO

from npm_vetted import SITE
from npm_vetted.checks import checks
from npm_vetted.checks._runner import UNDECIDED, CheckResult
from npm_vetted.clients import clients
from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.terminal_text import printable
from npm_vetted.model import Finding, Level
from npm_vetted.projects.change import Change
from npm_vetted.report import Style
from npm_vetted.report._blocks import (
    EXEMPT_WORDS,
    alike_families,
    as_one,
    exempted_together,
    families,
    is_one_block,
    is_without_note,
)
from npm_vetted.report._screen import Paint, count_of, linked, wrapped
from npm_vetted.report._shared import by_danger, fix_of, fix_of_all, label_of, page_of
from npm_vetted.report._shell_commands import PROGRAM

_RUN_HERE: Final = ("git", "npm-vetted")
_NAMED: Final = 3
"""How many packages of a family are named before the rest is counted."""
_FOLDED: Final = 5
"""How many blocks of one kind are shown before the rest becomes one block."""
_LISTED: Final = 10
"""How many unvetted packages are listed with their command in the block that they share."""
_FEW: Final = 4
"""A report of more blocks than this is dense."""
_LONGEST: Final = 160
"""Characters of a source line that are shown; a longer one (minified) is not."""
_SECRET: Final = re.compile(r"auth|passw|token|secret|://[^/\s]*@", re.IGNORECASE)
"""A source line that may hold a secret is not shown: CI logs are read by many."""
_HASH: Final = re.compile(r"\b(sha(?:1|256|384|512)-[A-Za-z0-9+/]{8})[A-Za-z0-9+/]{12,}={0,2}")


class Block(NamedTuple):
    """Findings that are shown together, the one that is told first.

    ``rest`` counts blocks of the same kind that were folded into this one. ``alike`` are the families
    of one block of unvetted packages, each with a command of its own. ``overall``: it says only how
    many there are in all lockfiles, and has the command for all of them.
    """

    family: list[Finding]
    rest: int = 0
    alike: tuple[list[Finding], ...] = ()
    overall: bool = False

    @property
    def check(self) -> str:
        """The check that found it."""
        return self.family[0].check


def print_result(result: CheckResult, change: Change | None, style: Style, out: TextIO) -> None:
    """Print the findings, those that one command resolves together, and a line of what was seen."""
    found = _one_command_first(list(blocks(list(families(by_danger(result.findings))), style)))
    if fix_of_all(result.findings, change, style) is not None:
        found = _one_command_for_all_lockfiles(found)
    page = _Page(change, style, dense=len(found) > _FEW and not style.verbose)
    for block, after in pairwise([*found, None]):
        assert block is not None
        for line in page.lines(block):
            print(line, file=out)
        if not page.dense or after is None or after.check != block.check:
            print(file=out)
    for line in page.last_lines():
        print(line, file=out)
    if not style.quiet or result.findings:
        print(summary(result, change), file=out)


def blocks(found: Sequence[list[Finding]], style: Style) -> Iterator[Block]:
    """The families, of which many of one kind (check, code, level, file) are one block; ``-v`` shows all."""
    for alike in alike_families(found):
        if is_without_note(alike[0][0]) and len(alike) > 1:
            kept = alike if style.verbose else alike[:_LISTED]
            every = [finding for family in alike for finding in family]
            yield Block(every, len(alike) - len(kept), tuple(kept))
            continue
        shown = 1 if is_one_block(alike) else _FOLDED
        if style.verbose or len(alike) <= shown:
            yield from (Block(family) for family in alike)
            continue
        yield from (Block(family) for family in alike[: shown - 1])
        rest = as_one([finding for family in alike[shown - 1 :] for finding in family])
        yield Block(rest, rest=0 if exempted_together(rest) else len(alike) - shown)


def _one_command_first(found: list[Block]) -> list[Block]:
    """The blocks, the one with a command for many packages before those that it resolves as well."""
    for block in found:
        if block.check != "unvetted" or not block.alike:
            continue
        labels = {(each.package, each.version) for each in block.family}
        places = [
            at
            for at, other in enumerate(found)
            if (other.family[0].package, other.family[0].version) in labels
            and _is_plain_note(other.family[0])
        ]
        rest = [other for other in found if other is not block]
        return [*rest[: min(places)], block, *rest[min(places) :]] if places else found
    return found


def _one_command_for_all_lockfiles(found: list[Block]) -> list[Block]:
    """Where several lockfiles bring unvetted packages, the command for all of them before each block."""
    unvetted = [each for each in found if each.check == "unvetted"]
    if len({finding.location.path for block in unvetted for finding in block.family}) < 2:
        return found
    every = [finding for block in unvetted for finding in block.family]
    if exempted_together(every):
        return found
    labels = {(each.package, each.version) for each in every}
    at = next(
        index
        for index, block in enumerate(found)
        if block in unvetted
        or (
            (block.family[0].package, block.family[0].version) in labels
            and _is_plain_note(block.family[0])
        )
    )
    return [*found[:at], Block(every, overall=True), *found[at:]]


def _is_plain_note(finding: Finding) -> bool:
    """Whether ``note`` resolves it without a statement that only its own command makes."""
    first = finding.fix[0] if finding.fix else ()
    return first[:2] == ("npm-vetted", "note") and "--not-lookalike-of" not in first


class _Page:
    """Prints blocks, and remembers what was said: which checks were explained, which commands printed."""

    def __init__(self, change: Change | None, style: Style, *, dense: bool) -> None:
        self.dense = dense
        self._change = change
        self._style = style
        self._paint = Paint(style.colour)
        self._explained: set[str] = set()
        self._commands: list[frozenset[str]] = []
        self._has_cut = False
        self._overall = False

    def lines(self, block: Block) -> Iterator[str]:
        """A block's lines."""
        first = block.family[0]
        if block.overall:
            yield from self._of_all_lockfiles(block)
            return
        if block.alike:
            yield from self._unvetted(block)
            return
        yield from self._head(first, self._words(label_of(first)))
        yield from (self._paint(line, "dim") for line in self._source(first))
        if len(block.family) > 1:
            yield from self._wrapped(f"    and {self._others(block.family[1:])}", "      ")
        yield from self._reason(first)
        yield from self._fixes(first)
        yield from self._rest_of_exempted(block.family)
        if block.rest:
            yield self._fix_of_each()

    def last_lines(self) -> Iterator[str]:
        """Where more is said of the checks of a dense page."""
        if self._has_cut:
            yield self._paint(f"hashes that end in … are cut; whole: {PROGRAM} check -v", "dim")
        if self.dense and self._explained and not self._style.links:
            yield self._paint(f"see: {SITE}checks/ or: {PROGRAM} explain CHECK", "dim")

    def _wrapped(self, text: str, indent: str) -> list[str]:
        return wrapped(text, self._style.width, indent)

    def _words(self, text: str) -> str:
        """A message; on a dense page hashes are cut."""
        whole = printable(text)
        if not self.dense:
            return whole
        cut = _HASH.sub(r"\1…", whole)
        self._has_cut = self._has_cut or cut != whole
        return cut

    def _head(self, first: Finding, words: str) -> Iterator[str]:
        """The line that says where and what."""
        colour = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTICE: "cyan"}[first.level]
        where = f"{printable(first.location.path)}:{first.location.line}"
        start = f"{where}: {first.level.value}:"
        head, *more = self._wrapped(f"{start} {words} [{first.check}]", "    ")
        if head.startswith(start):
            level = self._paint(first.level.value, colour, "bold")
            head = f"{self._paint(where, 'bold')}: {level}:{head[len(start) :]}"
        yield from (_with_link(line, first, self._style) for line in (head, *more))

    def _reason(self, first: Finding) -> Iterator[str]:
        """Why there is such a check, the first time that it finds something, and where more is said."""
        why = _why(first.check)
        if why is None or first.check in self._explained or self._style.quiet:
            return
        self._explained.add(first.check)
        yield from (
            self._paint(line, "dim") for line in self._wrapped(f"    why: {why}", "         ")
        )
        if not self._style.links and not self.dense:
            yield self._paint(f"    see: {page_of(first)}", "dim")

    def _fixes(self, finding: Finding) -> Iterator[str]:
        self._commands.extend(frozenset(command) for command in finding.fix)
        lines = (fix_of(finding, self._style) or "").splitlines()
        for command, line in zip(finding.fix, lines, strict=False):
            # An install command is repaired in its file; to run it here repairs nothing.
            in_file = finding.check == "install-command" and command[0] not in _RUN_HERE
            yield f"    {'write' if in_file else 'fix'}: {self._paint(line, 'green')}"

    def _source(self, finding: Finding) -> Iterator[str]:
        """The line that a finding is about, and a caret; not where a dense page has quoted it already."""
        if self._style.quiet or self._change is None:
            return
        found = source_line(finding, self._change)
        if found is None:
            return
        text, at, length = found
        if self.dense and text[at : at + length].strip() in printable(label_of(finding)):
            return
        number = f"{finding.location.line:>6} | "
        yield number + text
        yield " " * (len(number) + at) + "^" * length

    def _rest_of_exempted(self, findings: Sequence[Finding]) -> Iterator[str]:
        """How to go on, where the one command for all has to leave some out: a line has a limit."""
        command = exempted_together(findings)
        named = len(command or ()) - EXEMPT_WORDS
        packages = len({(each.package, each.version) for each in findings})
        if command is not None and packages > named:
            yield (
                f"    that is for the first {named} of {packages:,}; then run: "
                f"{self._paint(f'{self._style.program()} check', 'green')}"
            )

    def _of_all_lockfiles(self, block: Block) -> Iterator[str]:
        self._overall = True
        count = len({each.location.path for each in block.family})
        yield from self._head(block.family[0], f"{_counted(block.family)}, in {count} lockfiles")
        yield from self._reason(block.family[0])
        command = fix_of_all(block.family, self._change, self._style)
        yield f"    fix: {self._paint(command or '', 'green')}"
        yield "  that is for all of them; one by one:"

    def _unvetted(self, block: Block) -> Iterator[str]:
        """One block for all unvetted packages of a lockfile: how many, then each with its command."""
        above = [family for family in block.alike if self._is_printed(family[0])]
        yield from self._head(block.family[0], _counted(block.family))
        yield from self._reason(block.family[0])
        if len(above) == len(block.alike) and not block.rest:
            yield from self._resolved(above)
            return
        command = None if self._overall else fix_of_all(block.family, self._change, self._style)
        together = exempted_together(block.family)
        if command is not None and not (together and self._is_command_printed(together)):
            yield f"    fix: {self._paint(command, 'green')}"
            if together is None:
                yield "  that is for all of them; one by one:"
        if command is not None and together is not None:
            return  # each is named in that command
        alike: dict[str, list[list[Finding]]] = {}
        for family in block.alike:
            if family not in above:
                alike.setdefault(family[0].message, []).append(family)
        for message, found in alike.items():
            yield from self._of_one_message(message, found)
        yield from self._resolved(above)
        if block.rest:
            yield f"  and {block.rest:,} more like these"
            yield self._fix_of_each()

    def _resolved(self, above: Sequence[list[Finding]]) -> Iterator[str]:
        """The packages for which a command is printed already, perhaps in another lockfile's block."""
        if above:
            names = ", ".join(printable(f"{each[0].package}@{each[0].version}") for each in above)
            yield from self._wrapped(f"  resolved by a command above: {names}", "    ")

    def _is_printed(self, finding: Finding) -> bool:
        """Whether a command above does what this finding needs, and perhaps more."""
        return bool(finding.fix) and all(map(self._is_command_printed, finding.fix))

    def _is_command_printed(self, command: Sequence[str]) -> bool:
        return any(frozenset(command) <= other for other in self._commands)

    def _of_one_message(self, message: str, found: Sequence[list[Finding]]) -> Iterator[str]:
        """Packages of which the same is said: once, where each has a command that names it."""
        together = len(found) > 1 and all(map(self._is_named_by_its_fix, found))
        if together:
            lines = ", ".join(str(each[0].location.line) for each in found)
            yield from self._wrapped(f"  {printable(message)} (lines {lines}):", "    ")
        for family in found:
            first = family[0]
            if not together:
                line = f"  {first.location.line}: {printable(label_of(first))}"
                yield from self._wrapped(line, "    ")
            yield from self._fixes(first)
            if len(family) > 1:
                words = self._others(family[1:])
                yield from self._wrapped(f"    and {words}", "      ")

    def _is_named_by_its_fix(self, family: list[Finding]) -> bool:
        first = family[0]
        label = printable(f"{first.package}@{first.version}")
        return label in (fix_of(first, self._style) or "")

    def _fix_of_each(self) -> str:
        """How to see the commands of findings that were folded."""
        return f"    each: {self._paint(f'{self._style.program()} check -v', 'green')}"

    def _others(self, rest: Sequence[Finding]) -> str:
        noun = "package" if all(each.package for each in rest) else "file"
        if noun == "file":
            labels = [printable(each.location.path) for each in rest]
        else:
            labels = [printable(f"{each.package}@{each.version or '?'}") for each in rest]
        shown = labels if self._style.verbose else labels[:_NAMED]
        more = len(labels) - len(shown)
        tail = f", and {more:,} more" if more else ""
        return f"{count_of(len(labels), noun)} more: {', '.join(shown)}{tail}"


def _counted(findings: Sequence[Finding]) -> str:
    """``4 new packages and 1 upgrade without a note, and 412 that they bring``."""
    codes = Counter(each.code for each in findings)
    brought = codes.pop("brought", 0)
    parts = [
        count_of(codes.pop(code), noun)
        for code, noun in (("new", "new package"), ("upgraded", "upgrade"), ("downgraded", "downgrade"))
        if codes[code]
    ]  # fmt: skip
    other = sum(codes.values())
    if other:
        parts.append(
            f"{other:,} other{'' if other == 1 else 's'}" if parts else count_of(other, "package")
        )
    *most, last = parts
    words = f"{', '.join(most)} and {last}" if most else last
    return f"{words} without a note" + (f", and {brought:,} that they bring" if brought else "")


def _with_link(line: str, finding: Finding, style: Style) -> str:
    """A line whose ``[check]`` is a link to the page that explains it, where a terminal shows links."""
    target = page_of(finding)
    if not style.links or target is None:
        return line
    before, mark, after = line.rpartition(f"[{finding.check}]")
    return f"{before}{linked(mark, target)}{after}" if mark else line


def source_line(finding: Finding, change: Change) -> tuple[str, int, int] | None:
    """The line of the file that a finding is about; where in it is what it names, and how long that is.

    Not of a lockfile: its line has the package's name, which the message has too.
    """
    if finding.check == UNDECIDED or _is_lockfile(finding.location.path):
        return None
    try:
        data = change.after.read(finding.location.path)
    except NpmVettedError:
        return None
    rows = (data or b"").split(b"\n", finding.location.line)
    if data is None or not 0 < finding.location.line <= len(rows):
        return None
    row = rows[finding.location.line - 1].decode("utf-8", "replace").replace("\t", " ").rstrip()
    if not row.strip() or len(row) > _LONGEST or _SECRET.search(row) or finding.code == "secret":
        return None
    text = printable(row)
    return text, *_named_in(text, finding)


def _is_lockfile(path: str) -> bool:
    name = path.rpartition("/")[2]
    return any(name in client.LOCKFILES for client in clients().values())


def _named_in(text: str, finding: Finding) -> tuple[int, int]:
    """Where a line names what the finding is about; the whole line, where it does not."""
    for word in (finding.key, finding.package, finding.version):
        shown = printable(word or "")
        if shown and shown in text:
            return text.index(shown), len(shown)
    start = len(text) - len(text.lstrip())
    return start, len(text) - start


def _why(check: str) -> str | None:
    """The first sentence of why there is such a check."""
    if check not in checks():
        return None
    found = re.match(r"(.+?[.!?])(?:\s|\Z)", checks()[check].EXPLANATION.why, re.DOTALL)
    return found.group(1) if found else None


def summary(result: CheckResult, change: Change | None) -> str:
    """What was looked at and what was found, in one line."""
    looked = ", ".join(
        count_of(number, noun)
        for number, noun in (
            (result.projects, "project"),
            (result.artifacts, "package"),
            (result.notes, "note"),
        )
    )
    levels = Counter(each.level for each in result.findings)
    undecided = sum(each.check == UNDECIDED for each in result.findings)
    found = [count_of(levels[level], level.value) for level in Level if levels[level]] or [
        "nothing found"
    ]
    if undecided:
        found.append(f"{undecided} undecided")
    packages = len({(each.package, each.version) for each in result.findings if each.package})
    if packages and packages != len(result.findings):
        found[-1] += f", about {count_of(packages, 'package')}"
    scope = " (everything)" if change and change.everything else ""
    return f"npm-vetted: {looked} checked{scope}: {', '.join(found)}"
