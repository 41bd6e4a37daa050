"""What is told of a file's commands: the problems, once for each line and message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from npm_vetted.formats.client_action import Switch, Weakness, source_setting
from npm_vetted.formats.shell_text import Value, known, shown
from npm_vetted.installs import Context
from npm_vetted.installs.context.disk import CHECKOUT
from npm_vetted.installs.shell.source import Source
from npm_vetted.model import Level, Location, Problem

CommandLines: TypeAlias = "tuple[tuple[str, ...], ...]"


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

    def told_once(self, alternatives: Iterable[Source]) -> Iterator[Source]:
        """Each of the texts that one may be: a warning is not told again for another one of them."""
        told: set[tuple[str, int]] = set()
        for text in alternatives:
            before = len(self.problems)
            yield text
            added = self.problems[before:]
            mine = {(each.code, each.location.line): each for each in added}
            self.problems[before:] = [
                each
                for each in added
                if each.level is Level.ERROR or (each.code, each.location.line) not in told
            ]
            told.update(key for key, each in mine.items() if each.level is not Level.ERROR)

    def undecided(self, message: str, line: int, *, key: str = "") -> None:
        """Add a warning about a command that cannot be decided from the files."""
        self.report(
            f"undecided: {message}", line, Level.WARNING, code="undecided", key=key or message
        )

    def finish(self) -> Iterator[Problem]:
        """Every problem, by line."""
        return iter(sorted(self.problems, key=lambda each: each.location.line))

    def variable(self, name: str, value: Value, line: int) -> None:
        """A variable that programs see is set for more than one command."""
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
        """A variable that says where packages come from, or that leaves a lockfile aside."""
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
        """The options or variables that leave a lockfile or settings aside."""
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
        """The settings of package sources that the policy does not allow."""
        for name, value in settings:
            if not known(value):
                message = f"{label}: {name} is not known here, because it is filled in elsewhere"
                self.undecided(f"{message}: packages may come from anywhere", line, key=label)
        for _, message in self.context.source_problems(
            [each for each in settings if known(each[1])]
        ):
            self.report(f"{label}: {message}", line, code="other-source", key=label, fix=fix)


def _command_lines(fix: CommandLines) -> CommandLines:
    """The command lines of a fix; none if one of their words is unknown."""
    return () if any(not known(word) for line in fix for word in line) else fix


def without_sources(words: Sequence[str]) -> CommandLines:
    """The command line without the options that name a registry; none where it is only about one."""
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
