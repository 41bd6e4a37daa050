"""Collects the problems of a file's commands, once for each line and message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias, TypeVar

from npm_vetted.formats.client_action import Switch, Weakness, source_setting
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, Value, known, shown
from npm_vetted.installs import Context
from npm_vetted.installs.context.disk import CHECKOUT
from npm_vetted.model import Level, Location, Problem

CommandLines: TypeAlias = "tuple[tuple[str, ...], ...]"
_One = TypeVar("_One")
_HOLE = shown(UNKNOWN_TEXT)


@dataclass(slots=True, kw_only=True)
class Reports:
    """The problems of one file so far."""

    path: str
    context: Context
    problems: list[Problem] = field(default_factory=list)
    _seen: set[tuple[str, int]] = field(default_factory=set)

    def report(
        self,
        message: str,
        line: int,
        level: Level = Level.ERROR,
        fix: CommandLines = (),
        *,
        code: str,
        key: str,
        basis: Sequence[str] = (),
    ) -> None:
        """Add a problem, once for each line and message.

        ``key`` is the command with its white space folded and its credentials masked. ``basis`` has
        the other facts of the decision: the folder, and the reason.
        """
        message, key = message.replace(CHECKOUT, "."), key.replace(CHECKOUT, ".")
        if (message, line) in self._seen:
            return
        self._seen.add((message, line))
        self.problems.append(
            Problem(
                message=message,
                location=Location(self.path, line),
                level=level,
                fix=_command_lines(fix),
                code=code,
                key=masked(key),
                value="\n".join((masked(key), *basis)),
            )
        )

    def told_once(self, alternatives: Iterable[_One]) -> Iterator[_One]:
        """The texts, or the words, of which a command has one: what is told of it is told once."""
        start = len(self.problems)
        ends = []
        for each in alternatives:
            yield each
            ends.append(len(self.problems))
        starts = (start, *ends)
        found = [self.problems[one:other] for one, other in pairwise(starts)]
        self.problems[start:] = _of_one_command(found)

    def undecided(self, message: str, line: int, *, key: str = "") -> None:
        """Add a warning about a command that cannot be decided from the files."""
        self.report(
            f"undecided: {message}", line, Level.WARNING, code="undecided", key=key or message
        )

    def finish(self) -> Iterator[Problem]:
        """Every problem, by line."""
        return iter(sorted(self.problems, key=lambda each: each.location.line))

    def variable(self, name: str, value: Value, line: int) -> None:
        """Judge a variable that programs see, and that is set for more than one command."""
        self.source_variable(name, value, line)
        for text in value:
            for reader in dict.fromkeys(self.context.readers().values()):
                switch = reader.variable(name, text)
                if switch is Switch.ON:
                    self.report(
                        f"{name}={shown(text)} switches install scripts on for every command that sees it",
                        line,
                        code="variable-switches-on",
                        key=f"{name}={shown(text)}",
                    )
                elif switch is Switch.UNKNOWN:
                    self.undecided(
                        f"{name} is {shown(text)!r}: whether install scripts run is not known here, "
                        "because clients read this value in different ways",
                        line,
                        key=f"{name}={shown(text)}",
                    )

    def source_variable(self, name: str, value: Value, line: int) -> None:
        """Judge a variable that names a source of packages, or that bypasses a lockfile or settings."""
        readers = dict.fromkeys(self.context.readers().values())
        for text in value:
            for reader in readers:
                found = reader.RULES.weakens(name, text)
                self.weaknesses("", [found] if found is not None else [], line)
        settings = {each.source_variable(name) for each in readers} - {None}
        for setting in settings:
            for text in value:
                self.sources(f"{name}={shown(text)}", [(setting or "", text)], line)

    def weaknesses(self, command: str, found: Iterable[Weakness], line: int) -> None:
        """Report options or variables that bypass a lockfile or settings."""
        for each in found:
            label = f"`{command[:120]}`: {each.name}" if command else each.name
            message, key = f"{shown(label)} {shown(each.reason)}", shown(command or each.name)
            if each.certain:
                self.report(
                    message,
                    line,
                    fix=(each.fix,) if each.fix else (),
                    code="settings-aside",
                    key=key,
                )
            else:
                self.undecided(message, line, key=key)

    def sources(
        self, label: str, settings: Sequence[tuple[str, str]], line: int, fix: CommandLines = ()
    ) -> None:
        """Report settings with package sources that the policy does not allow."""
        for name, value in settings:
            if not known(value):
                message = f"{label}: {name} is not known here, because it is filled in elsewhere"
                self.undecided(f"{message}: packages may come from anywhere", line, key=label)
        for _, message in self.context.source_problems(
            [each for each in settings if known(each[1])]
        ):
            self.report(f"{label}: {message}", line, code="other-source", key=label, fix=fix)


def _of_one_command(groups: Sequence[Sequence[Problem]]) -> Iterator[Problem]:
    """The problems of the alternatives of a command, without those that only repeat others.

    A warning is told for one of them, and not beside an error about the same command. An error is
    told for each of them, but where a part of it is unknown only if no other one has it.
    """
    errors: dict[int, list[tuple[int, Problem]]] = {}
    for number, group in enumerate(groups):
        for each in group:
            if each.level is Level.ERROR:
                errors.setdefault(each.location.line, []).append((number, each))
    told: set[tuple[str, int]] = set()
    for number, group in enumerate(groups):
        warned = {(each.code, each.location.line) for each in group if each.level != Level.ERROR}
        for each in group:
            others = [
                error
                for at, error in errors.get(each.location.line, ())
                if at != number and (at < number or not _has_hole(error))
            ]
            if each.level is Level.ERROR:
                others = [e for e in others if e.code == each.code or not _has_hole(e)]
                repeats = _has_hole(each) and any(_may_be(each, error) for error in others)
            else:
                repeats = (each.code, each.location.line) in told or (
                    each.code == "undecided" and any(_may_be(each, error) for error in others)
                )
            if not repeats:
                yield each
        told |= warned


def _has_hole(problem: Problem) -> bool:
    return _HOLE in problem.key


def _may_be(problem: Problem, other: Problem) -> bool:
    """Whether one command may be another one: they are the same up to what is unknown."""
    stem = problem.key.partition(_HOLE)[0].rstrip()
    return other.key.startswith(stem) or stem.startswith(other.key.partition(_HOLE)[0].rstrip())


def _command_lines(fix: CommandLines) -> CommandLines:
    """The command lines of a fix; none if one of their words is unknown."""
    return () if any(not known(word) for line in fix for word in line) else fix


def without_sources(words: Sequence[str]) -> CommandLines:
    """The command line without options that name a registry; none for ``config set registry …``."""
    kept: list[str] = []
    skip = False
    for word in words:
        name, equals, _ = word.lstrip("-").partition("=")
        if word.startswith("-") and source_setting(name) is not None:
            skip = not equals
        elif skip and not word.startswith("-"):
            skip = False
        else:
            kept.append(word)
            skip = False
    return () if len(kept) == len(words) else (tuple(kept),)


_CREDENTIALS = re.compile(
    r"(://[^/@\s]*:)[^/@\s]+(@)|((?:_authToken|_auth|_password|--otp)[= ])\S+|\bnpm_[A-Za-z0-9]{20,}"
)


def masked(command: str) -> str:
    """A command with its white space folded and its credentials replaced by stars."""
    folded = " ".join(command.split())
    return _CREDENTIALS.sub(
        lambda found: f"{found[1] or found[3] or ''}***{found[2] or ''}", folded
    )
