"""PowerShell and cmd, read into words: enough of their grammar to see which programs run.

No parser of PowerShell is on PyPI for every platform, so this is a lexer of its own: quotes,
escapes (backtick, caret), comments, and what separates statements. Blocks are followed in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.installs.judgement import Judge
from npm_vetted.installs.source import Source
from npm_vetted.installs.state import State
from npm_vetted.installs.words import HOLE, Value

_ENV: Final = re.compile(r"\$env:(\w+)\Z", re.IGNORECASE)
_VARIABLE: Final = re.compile(r"\$(?:\{(?:env:)?(\w+)\}|env:(\w+)|(\w+))|%(\w+)%", re.IGNORECASE)
_TARGET: Final = re.compile(r"\$(?:env:)?\w+\Z", re.IGNORECASE)
_SEPARATORS: Final = ";|&{}()\n"


def run_windows(judge: Judge, source: Source, state: State, *, cmd: bool) -> None:
    """Follow a script of PowerShell, or of cmd."""
    for words, line in _statements(source, cmd):
        _statement(judge, words, line, state)


def _split_assignment(words: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """``$env:A="b"`` without blanks is an assignment as well."""
    name, equals, value = words[0][0].partition("=")
    if not equals or not _TARGET.match(name):
        return words
    rest = [(value, words[0][1])] if value else []
    return [(name, True), ("=", False), *rest, *words[1:]]


def _statement(judge: Judge, words: list[tuple[str, bool]], line: int, state: State) -> None:
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
        value: Value = (texts[2] if len(texts) == 3 else HOLE,)
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
    shown = " ".join(texts)
    if texts[0].lower() in ("set-location", "sl"):
        texts[0] = "cd"
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
        return value[0] if value and len(value) == 1 else HOLE

    return _VARIABLE.sub(one, text)


def _statements(source: Source, cmd: bool) -> Iterator[tuple[list[tuple[str, bool]], int]]:
    escape = "^" if cmd else "`"
    text = source.text
    words: list[tuple[str, bool]] = []
    word: list[str] | None = None
    expands = True
    index, start = 0, 0
    while index < len(text):
        char = text[index]
        if char == escape and index + 1 < len(text):
            if text[index + 1] == "\r":
                index += 1
            if text[index + 1 : index + 2] != "\n":
                word = [*(word or []), text[index + 1 : index + 2]]
            index += 2
            continue
        if char == '"' or (char == "'" and not cmd):
            end = text.find(char, index + 1)
            end = len(text) if end < 0 else end
            if word is None:
                word, expands = [], True
            if char == "'":
                expands = False
            word.append(text[index + 1 : end])
            index = end + 1
            continue
        if char == "#" and word is None and not cmd:
            end = text.find("\n", index)
            index = len(text) if end < 0 else end
            continue
        if char in " \t\r" or char in _SEPARATORS:
            if word is not None:
                words.append(("".join(word), expands))
                word, expands = None, True
            if char in _SEPARATORS and words:
                yield words, source.line(start)
                words = []
            index += 1
            continue
        if word is None:
            word = []
            if not words:
                start = index
        word.append(char)
        index += 1
    if word is not None:
        words.append(("".join(word), expands))
    if words:
        yield words, source.line(start)
