"""A Dockerfile's text: its instructions, and the parts of an instruction.

As Docker reads it (docs.docker.com/reference/dockerfile): escape directive, line continuations with
comments in between, heredocs, JSON and shell form, flags.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from npm_vetted.installs.shell.source import Source, joined

_DIRECTIVE: Final = re.compile(r"#\s*escape\s*=\s*(\S)\s*\Z", re.IGNORECASE)
_HEREDOC: Final = re.compile(r"<<(-?)([\"']?)([A-Za-z_][A-Za-z0-9_]*)\2")
_FLAG: Final = re.compile(r"--([a-z-]+)(?:=(\S*))?\s+")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its name in capitals, its arguments, and its heredocs by name."""

    name: str
    body: Source
    heredocs: tuple[tuple[str, Source, bool], ...] = ()

    @property
    def line(self) -> int:
        """The line that it starts on."""
        return self.body.line(0)


def instructions(text: str) -> Iterator[Instruction]:
    """The instructions of a file, continuation lines joined."""
    lines = text.replace("\r\n", "\n").split("\n")
    escape = "\\"
    index = 0
    while index < len(lines) and lines[index].startswith("#"):
        if found := _DIRECTIVE.match(lines[index].strip()):
            escape = found.group(1)
        index += 1
    index = 0
    while index < len(lines):
        stripped = lines[index].strip()
        if not stripped or stripped.startswith("#"):
            index += 1
            continue
        parts: list[tuple[str, int]] = []
        while index < len(lines):
            line = lines[index]
            if line.strip().startswith("#") or (parts and not line.strip()):
                index += 1
                continue
            body = line.rstrip()
            index += 1
            if body.endswith(escape):
                parts.append((body[:-1], index))
                continue
            parts.append((line, index))
            break
        yield_from, index = with_heredocs(joined(parts), lines, index)
        if yield_from is not None:
            yield yield_from


def with_heredocs(
    whole: Source, lines: Sequence[str], index: int
) -> tuple[Instruction | None, int]:
    """The instruction on one joined line, with the heredocs that follow it; and the index of the next line."""
    text = whole.text
    lead = len(text) - len(text.lstrip())
    end = lead
    while end < len(text) and not text[end].isspace():
        end += 1
    name = text[lead:end].upper()
    start = end + (len(text[end:]) - len(text[end:].lstrip()))
    body = whole.at(start, len(text))
    heredocs = []
    if name in ("RUN", "COPY", "ADD") or (name == "ONBUILD" and "<<" in text):
        for dash, quote, word in _HEREDOC.findall(body.text):
            inner: list[tuple[str, int]] = []
            while index < len(lines):
                line = lines[index].lstrip("\t") if dash else lines[index]
                index += 1
                if line == word:
                    break
                inner.append((line + "\n", index))
            heredocs.append((word, joined(inner), bool(quote)))
    return Instruction(name, body, tuple(heredocs)), index


def flags_of(text: str) -> tuple[list[tuple[str, str]], str]:
    """The flags at the start of an instruction, and the remaining text."""
    found = []
    while match := _FLAG.match(text):
        found.append((match.group(1), match.group(2) or ""))
        text = text[match.end() :]
    return found, text


def mounts_of(flags: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """The tables of ``--mount`` flags, with short key names replaced by the long ones."""
    found = []
    for name, value in flags:
        if name == "mount":
            pairs = (each.partition("=") for each in value.split(","))
            mount = {key: text.strip("\"'") for key, _, text in pairs}
            for short, long in (("src", "source"), ("dst", "target"), ("destination", "target")):
                if short in mount:
                    mount.setdefault(long, mount[short])
            found.append(mount)
    return found


def words_of(text: str) -> list[str]:
    """The words of the JSON form, or of the plain one."""
    stripped = text.strip()
    if stripped.startswith("["):
        try:
            values = json.loads(stripped)
        except (ValueError, RecursionError):
            values = None
        if isinstance(values, list) and all(isinstance(each, str) for each in values):
            return values
    return [word.strip("\"'") for word in stripped.split()]


def pairs_of(text: str) -> Iterator[tuple[str, str, int]]:
    """``ENV A=b C="d e"``, and the old ``ENV A b``; each with its offset."""
    stripped = text.strip()
    head = re.match(r"[\w.-]+", stripped)
    if head and "=" not in stripped.split(None, 1)[0]:
        yield head.group(), stripped[head.end() :].strip(), 0
        return
    index = 0
    while index < len(text):
        if text[index].isspace():
            index += 1
            continue
        start = index
        word: list[str] = []
        quote = ""
        while index < len(text) and (quote or not text[index].isspace()):
            char = text[index]
            if quote:
                if char == quote:
                    quote = ""
                else:
                    word.append(char)
            elif char in "\"'":
                quote = char
            elif char == "\\" and index + 1 < len(text):
                index += 1
                word.append(text[index])
            else:
                word.append(char)
            index += 1
        name, _, value = "".join(word).partition("=")
        yield name, value, start
