"""Reads PowerShell and cmd as words: enough of their grammar to find the programs that run.

PyPI has no parser of PowerShell for every platform. So this lexer reads quotes, escapes (backtick, caret),
comments and the separators of statements. Blocks are followed in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from npm_vetted.formats.shell_text import UNKNOWN_TEXT, Value, replaced
from npm_vetted.installs.shell.follower import ShellFollower
from npm_vetted.installs.shell.source import Source
from npm_vetted.installs.shell.state import State

_ENV: Final = re.compile(r"\$env:(\w+)\Z", re.IGNORECASE)
_VARIABLE: Final = re.compile(r"\$(?:\{(?:env:)?(\w+)\}|env:(\w+)|(\w+))|%(\w+)%", re.IGNORECASE)
_ARGUMENT: Final = re.compile(r"%~[a-z]*\d|%\d(?!\w*%)", re.IGNORECASE)
"""An argument of a batch file; ``%~dp0`` is the folder of the file itself."""
_SAYS: Final = ("echo", "echo.", "title", "set")
_TARGET: Final = re.compile(r"\$(?:env:)?\w+\Z", re.IGNORECASE)
_REM: Final = re.compile(r"(?:rem\b|::)", re.IGNORECASE)
"""A comment of cmd, up to the end of its line."""
_SEPARATORS: Final = ";|&{}()\n"
_SAME: Final = {
    "set-location": "cd", "sl": "cd",
    "remove-item": "rm", "ri": "rm", "del": "rm", "erase": "rm",
    "copy-item": "cp", "cpi": "cp", "copy": "cp", "xcopy": "cp",
    "move-item": "mv", "mi": "mv", "move": "mv", "rename-item": "mv", "rni": "mv", "ren": "mv",
    "write-host": "echo", "write-output": "echo", "rem": "true", "call": "call",
}  # fmt: skip
"""Commands of Windows, in lower case -> the command of a POSIX shell that does the same."""

_WRITERS: Final = ("out-file", "add-content", "set-content", "ac", "sc", "tee-object")
_REDIRECTED: Final = re.compile(r"(?P<text>[^>]*?)\s*>>?\s*(?P<target>[^\s>]+)\s*\Z")

Word = tuple[str, bool]
"""A word, and whether the shell replaces variables in it."""


def run_windows(judge: ShellFollower, source: Source, state: State, *, cmd: bool) -> None:
    """Follow a script of PowerShell, or of cmd."""
    said = ""
    for words, line in _statements(source, cmd):
        texts = [_expanded(word, state) if expands else word for word, expands in words]
        _write(judge, texts, said, state)
        said = " ".join(texts)
        _statement(judge, words, line, state)


def _write(judge: ShellFollower, texts: list[str], piped: str, state: State) -> None:
    """The writing of files: ``echo A=B >> FILE``, and cmdlets that write an argument or their input."""
    if texts[0].lower() in _WRITERS:
        values = [each for option, each in pairwise(texts) if option.lower() == "-value"]
        words = [each for each in texts[1:] if not each.startswith("-") and each not in values]
        text = values[0] if values else words[1] if len(words) > 1 else piped
        target = words[0] if words else ""
    elif found := _REDIRECTED.match(" ".join(texts)):
        text, target = found["text"], found["target"]
    else:
        return
    text = text.removeprefix("echo ").removeprefix("Write-Output ").strip()
    if target:
        judge.wrote(target, text + "\n", append=True, state=state)


def _split_assignment(words: list[Word]) -> list[Word]:
    """Split ``$env:A="b"``, an assignment without blanks, into its words."""
    name, equals, value = words[0][0].partition("=")
    if not equals or not _TARGET.match(name):
        return words
    rest = [(value, words[0][1])] if value else []
    return [(name, True), ("=", False), *rest, *words[1:]]


def _statement(judge: ShellFollower, words: list[Word], line: int, state: State) -> None:
    for word, expands in words:
        if expands and "$(" in word:
            inner = word.partition("$(")[2].rpartition(")")[0]
            run_windows(judge, Source(inner, ((0, line),)), state.fork(), cmd=False)
    words = _split_assignment(words)
    texts = [_expanded(word, state) if expands else word for word, expands in words]
    raw = [word for word, _ in words]
    if len(raw) >= 3 and raw[1] == "=" and raw[0].startswith("$"):
        named = _ENV.match(raw[0])
        name = named.group(1) if named else raw[0][1:]
        value: Value = (texts[2] if len(texts) == 3 else UNKNOWN_TEXT,)
        state.set(name, value, export=named is not None)
        if named:
            judge.assigned(name, value, line)
        if named or len(raw) == 3:
            return
        texts = texts[2:]
    while texts and texts[0] in ("@", "&", ".", "else", "if", "try", "do", "finally"):
        texts = texts[1:]
    if texts and texts[0].startswith("@") and len(texts[0]) > 1:
        texts[0] = texts[0][1:]
    if not texts:
        return
    if texts[0].lower() in ("start-process", "start", "saps"):
        texts = _started(texts)
    shown = " ".join(texts).replace(UNKNOWN_TEXT, "…")
    texts[0] = _SAME.get(texts[0].lower(), texts[0])
    if texts[0].startswith(":"):  # cmd's label, or comment
        return
    judge.command(texts, state, Source(shown, ((0, line),)), 0)


def _started(texts: list[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for text in texts[1:]:
        if skip:
            skip = False
            continue
        lowered = text.lower()
        if lowered in ("-filepath", "-argumentlist", "-args"):
            continue
        if lowered in ("-workingdirectory", "-redirectstandardoutput", "-windowstyle"):
            skip = True
            continue
        if lowered in ("-wait", "-nonewwindow", "-passthru"):
            continue
        kept.extend(part for part in text.replace(",", " ").split())
    return kept or texts


def _expanded(text: str, state: State) -> str:
    def one(found: re.Match[str]) -> str:
        name = next(group for group in found.groups() if group)
        value = state.value(name)
        return value[0] if value and len(value) == 1 else UNKNOWN_TEXT

    def argument(found: re.Match[str]) -> str:
        if found.group(0).lower() != "%~dp0" or state.script is None:
            return UNKNOWN_TEXT
        return state.script.rpartition("/")[0] + "/"

    return replaced(_VARIABLE, one, replaced(_ARGUMENT, argument, text))


def _statements(source: Source, cmd: bool) -> Iterator[tuple[list[Word], int]]:
    lexer = _Lexer(source.text, cmd=cmd)
    while lexer.index < len(lexer.text):
        if lexer.step() and lexer.words:
            yield lexer.words, source.line(lexer.start)
            lexer.words = []
    lexer.end_word()
    if lexer.words:
        yield lexer.words, source.line(lexer.start)


class _Lexer:
    """Reads words character by character; ``words`` are those of the statement so far."""

    def __init__(self, text: str, *, cmd: bool) -> None:
        self.text = text
        self.cmd = cmd
        self.index = 0
        self.start = 0
        self.words: list[Word] = []
        self._word: list[str] | None = None
        self._expands = True
        self._open = 0

    def step(self) -> bool:
        """Read one character, quote or comment; returns whether a statement ends there."""
        char = self.text[self.index]
        if char == ("^" if self.cmd else "`") and self.index + 1 < len(self.text):
            self._escaped()
        elif char == '"' or (char == "'" and not self.cmd):
            self._quoted(char)
        elif self._is_comment(char):
            self._skip_line()
        elif self._is_bracket_of_text(char):
            self._add(char)
            self.index += 1
        elif char in " \t\r" or char in _SEPARATORS:
            self.end_word()
            self._open = 0 if char in _SEPARATORS else self._open
            self.index += 1
            return char in _SEPARATORS
        else:
            self._add(char)
            self.index += 1
        return False

    def _is_bracket_of_text(self, char: str) -> bool:
        """Whether a bracket is plain text for cmd: an opening one after ``echo``, and its closing one."""
        step = {"(": 1, ")": -1}.get(char, 0)
        said = self.words and self.words[0][0].lower().lstrip("@") in _SAYS
        if not self.cmd or not step or not said or self._open + step < 0:
            return False
        self._open += step
        return True

    def _is_comment(self, char: str) -> bool:
        if self.cmd:
            return not self.words and _REM.match(self.text, self.index) is not None
        return char == "#" and self._word is None

    def _skip_line(self) -> None:
        end = self.text.find("\n", self.index)
        self.index = len(self.text) if end < 0 else end

    def end_word(self) -> None:
        """End the current word."""
        if self._word is not None:
            self.words.append(("".join(self._word), self._expands))
        self._word, self._expands = None, True

    def _add(self, text: str) -> None:
        if self._word is None:
            self._word = []
            if not self.words:
                self.start = self.index
        self._word.append(text)

    def _escaped(self) -> None:
        """Read an escaped character: a line end continues the statement, any other means itself."""
        ends = "\r\n" if self.text[self.index + 1] == "\r" else self.text[self.index + 1]
        if not ends.endswith("\n"):
            self._add(ends)
        self.index += 1 + len(ends)

    def _quoted(self, quote: str) -> None:
        end = self.text.find(quote, self.index + 1)
        end = len(self.text) if end < 0 else end
        self._add(self.text[self.index + 1 : end])
        self._expands = self._expands and quote == '"'
        self.index = end + 1
