"""``.gitattributes`` as git reads it: a path's attributes, each with the line that sets it.

The rules are those of git's ``attr.c`` and ``wildmatch.c`` (git 2.39 and 2.47; the tests compare with
``git check-attr``): the last line that names an attribute wins, the file of the nearest folder before
those above it, and a macro gives what it was defined with. The machine's own attribute files are not
part of a repository and are not read.

A pattern may be an attacker's. So it is no regular expression but a row of bits, one for each token
that a path's characters have led to: the time is linear in the path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

Value: TypeAlias = "str | bool | None"
"""A text; True: set; False: unset; None: unspecified (``!name``)."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.][-A-Za-z0-9_.]*\Z")
_MACRO: Final = "[attr]"
_MARK: Final = b"\xef\xbb\xbf"
_LINE_LIMIT: Final = 2048
"""Bytes. Git from 2.38.3 skips longer lines, earlier versions read them."""
_OCTAL: Final = re.compile(r'\\([0-3][0-7][0-7]|[abfnrtv"\\])')
_ESCAPES: Final = dict(zip('abfnrtv"\\', '\a\b\f\n\r\t\v"\\', strict=True))


class Rule(NamedTuple):
    """One line: the attributes that it gives to matching paths or (``macro``) to a macro's name.

    ``doubtful`` lines are read by some versions of git only.
    """

    line: int
    pattern: str
    attributes: tuple[tuple[str, Value], ...]
    macro: str | None = None
    doubtful: bool = False


class AttributeFile(NamedTuple):
    """A ``.gitattributes``: its folder ('' for the top of the repository), its rules."""

    folder: str
    rules: tuple[Rule, ...]

    @property
    def path(self) -> str:
        """Its path from the top of the repository."""
        return f"{self.folder}/.gitattributes" if self.folder else ".gitattributes"


class Assigned(NamedTuple):
    """The value of an attribute, and the file and line that gave it."""

    value: Value
    path: str
    line: int
    pattern: str


def load_gitattributes(data: bytes) -> tuple[Rule, ...]:
    """The lines that git accepts. Lines that git ignores with a warning are left out."""
    text = data.removeprefix(_MARK).decode("latin-1")
    rules = [
        rule for number, line in enumerate(text.split("\n"), 1) for rule in _rule(number, line)
    ]
    if data.startswith(_MARK) and rules and rules[0].line == 1:
        rules[0] = rules[0]._replace(doubtful=True)  # git skips the mark in files, not in blobs
    return tuple(rules)


def _rule(number: int, line: str) -> Iterator[Rule]:
    text = line.strip(" \t\r\n")
    if not text or text.startswith("#"):
        return
    pattern, rest = _split(text)
    macro = None
    if pattern.startswith(_MACRO) and len(pattern) > len(_MACRO):
        macro = pattern[len(_MACRO) :]
    elif pattern == _MACRO:
        macro, rest = _first_word(rest)
    if pattern.startswith("!") or (macro is not None and not _NAME.match(macro)):
        return
    attributes = [_attribute(word) for word in rest.split()]
    if all(_NAME.match(name) for name, _ in attributes):
        doubtful = len(line) >= _LINE_LIMIT or any(n.startswith("builtin_") for n, _ in attributes)
        yield Rule(number, pattern, tuple(attributes), macro, doubtful)


def _split(text: str) -> tuple[str, str]:
    """The pattern, without its quotes, and the rest of a line."""
    if text.startswith('"'):
        found = re.match(r'"((?:[^"\\]|\\.)*)"', text)
        if found:
            return _OCTAL.sub(_unescaped, found[1]), text[found.end() :]
    return _first_word(text)


def _first_word(text: str) -> tuple[str, str]:
    words = text.split(None, 1)
    return (words[0], words[1] if len(words) > 1 else "") if words else ("", "")


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1]) or chr(int(found[1], 8))


def _attribute(word: str) -> tuple[str, Value]:
    if word.startswith("-"):
        return word[1:], False
    if word.startswith("!"):
        return word[1:], None
    name, equals, value = word.partition("=")
    return name, value if equals else True


def attributes_of(
    path: str, files: Sequence[AttributeFile], *, fold_case: bool = False
) -> Mapping[str, Assigned]:
    """The attributes of a path; ``files`` are those of its folder and of the folders above it.

    Macros count only in the file at the top of the repository. A doubtful line gives attributes and
    takes none away: some version of git reads it. ``fold_case`` compares as git does on file systems
    that ignore case.
    """
    macros = _macros(files)
    found: dict[str, Assigned] = {}
    for file in sorted(files, key=lambda each: each.folder.count("/") + bool(each.folder))[::-1]:
        inner = path[len(file.folder) + 1 :] if file.folder else path
        for rule in reversed(file.rules):
            if rule.macro is None and _matches(rule.pattern, inner, fold_case=fold_case):
                _fill(found, rule, file.path, macros)
    return found


def _macros(files: Iterable[AttributeFile]) -> Mapping[str, tuple[tuple[str, Value], ...]]:
    unset = tuple((name, False) for name in ("diff", "merge", "text"))
    macros: dict[str, tuple[tuple[str, Value], ...]] = {"binary": unset}
    for file in files:
        if not file.folder:
            macros |= {rule.macro: rule.attributes for rule in file.rules if rule.macro}
    return macros


def _fill(
    found: dict[str, Assigned], rule: Rule, path: str,
    macros: Mapping[str, tuple[tuple[str, Value], ...]],
) -> None:  # fmt: skip
    """Set the attributes that no later line has set; a macro also sets its own attributes."""
    waiting = list(rule.attributes)
    while waiting:
        name, value = waiting.pop()
        if name in found or (rule.doubtful and not value):
            continue
        found[name] = Assigned(value, path, rule.line, rule.pattern)
        if value is True and name in macros:
            waiting += macros[name]


def _matches(pattern: str, path: str, *, fold_case: bool) -> bool:
    """Whether a pattern matches a file's path, relative to the folder of the pattern's file."""
    if pattern.endswith("/"):
        return False  # matches folders, which have no content
    text = path.encode("utf-8", "surrogateescape").decode("latin-1")
    last = pattern[-1:]
    if last not in "*?]\\" and last.lower() != text[-1:].lower():
        return False  # most patterns end in a suffix: no matcher is built for these
    if "/" not in pattern:
        return _matcher(pattern, False, fold_case).match(text.rpartition("/")[2])
    return _matcher(pattern.removeprefix("/"), True, fold_case).match(text)


_Takes: TypeAlias = Callable[[str], bool]


class _Matcher:
    """A pattern of wildmatch. Bit n of a state: the first n tokens have matched so far."""

    def __init__(self, pattern: str, *, pathname: bool, fold_case: bool) -> None:
        self._fold = fold_case
        self._within: _Takes = (lambda char: char != "/") if pathname else (lambda _: True)
        self._takes: list[_Takes] = []  # token n leads from bit n to bit n + 1
        self._stays: list[_Takes | None] = []  # while a character keeps bit n
        self._free = 0  # bits that lead on without a character
        self._folders: list[int] = []  # bits of `**/`, which end at a slash
        self._pathname = pathname
        self._broken = not self._parse(pattern)
        self._masks: dict[str, tuple[int, int, int]] = {}

    def match(self, text: str) -> bool:
        if self._broken:
            return False
        state = self._closed(1)
        for char in text:
            step, stay, back = self._mask(char)
            ended = (state & back) >> 1
            state = self._closed(((state & step) << 1) | (state & stay) | ended)
            if not state:
                return False
        return bool(state >> len(self._takes) & 1)

    def _closed(self, state: int) -> int:
        """With the bits that are reached without a character; free tokens never follow each other
        more often than the pattern has stars."""
        while True:
            new = state | ((state & self._free) << 1)
            for bit in self._folders:
                if state >> bit & 1:
                    new |= 1 << (bit + 2)
            if new == state:
                return state
            state = new

    def _mask(self, char: str) -> tuple[int, int, int]:
        if char not in self._masks:
            step = sum(1 << at for at, takes in enumerate(self._takes) if takes(char))
            stay = sum(1 << at for at, keeps in enumerate(self._stays) if keeps and keeps(char))
            back = sum(1 << (bit + 1) for bit in self._folders) if char == "/" else 0
            self._masks[char] = step, stay, back
        return self._masks[char]

    def _add(self, takes: _Takes, stays: _Takes | None = None) -> None:
        self._takes.append(takes)
        self._stays.append(stays)

    def _parse(self, pattern: str) -> bool:
        """Collect the tokens; False if the pattern is malformed, because it then matches no path."""
        at = 0
        while at < len(pattern):
            char = pattern[at]
            if char == "*":
                at = self._stars(pattern, at)
                continue
            if char == "?":
                self._add(self._within)
            elif char == "[":
                end = self._class(pattern, at + 1)
                if end is None:
                    return False
                at = end
            elif char == "\\" and at + 1 == len(pattern):
                return False
            else:
                at += char == "\\"
                self._add(self._equal(pattern[at]))
            at += 1
        self._stays.append(None)
        return True

    def _equal(self, wanted: str) -> _Takes:
        if self._fold:
            return lambda char: char.lower() == wanted.lower()
        return lambda char: char == wanted

    def _stars(self, pattern: str, at: int) -> int:
        """``*``, or ``**`` where slashes or an end are around it; where the pattern goes on."""
        end = at
        while end < len(pattern) and pattern[end] == "*":
            end += 1
        bounded = (at == 0 or pattern[at - 1] == "/") and pattern[end : end + 1] in ("", "/")
        if self._pathname and end - at > 1 and bounded and end < len(pattern):
            self._folders.append(len(self._takes))
            self._add(self._within)
            self._add(lambda _: False, self._within)
            return end + 1
        any_character = self._pathname and end - at > 1 and bounded
        self._free |= 1 << len(self._takes)
        self._add(lambda _: False, (lambda _: True) if any_character else self._within)
        return end

    def _class(self, pattern: str, at: int) -> int | None:
        """``[a-z]``; where its bracket closes, None where none does."""
        negated = pattern[at : at + 1] in ("!", "^") and at < len(pattern)
        at += negated
        ranges: list[tuple[str, str]] = []
        named: list[_Takes] = []
        first = True
        while at < len(pattern) and (first or pattern[at] != "]"):
            first = False
            posix = re.compile(r"\[:([a-z]*):\]").match(pattern, at)
            if posix:
                if posix[1] not in _POSIX:
                    return None
                named.append(_POSIX[posix[1]])
                at = posix.end()
                continue
            low, at = _class_character(pattern, at)
            high = low
            if pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in ("", "]"):
                high, at = _class_character(pattern, at + 1)
            ranges.append((low, high))
        if at >= len(pattern):
            return None
        self._add(self._one_of(ranges, named, negated=negated))
        return at

    def _one_of(
        self, ranges: Sequence[tuple[str, str]], named: Sequence[_Takes], *, negated: bool
    ) -> _Takes:
        def takes(char: str) -> bool:
            forms = {char, char.lower(), char.upper()} if self._fold else {char}
            inside = any(low <= each <= high for low, high in ranges for each in forms)
            inside = inside or any(test(each) for test in named for each in forms)
            return inside != negated and self._within(char)

        return takes


def _class_character(pattern: str, at: int) -> tuple[str, int]:
    at += pattern[at] == "\\" and at + 1 < len(pattern)
    return pattern[at], at + 1


def _ascii(test: Callable[[str], bool]) -> _Takes:
    return lambda char: char.isascii() and test(char)


_POSIX: Final[Mapping[str, _Takes]] = {
    "alnum": _ascii(str.isalnum), "alpha": _ascii(str.isalpha), "digit": _ascii(str.isdigit),
    "lower": _ascii(str.islower), "upper": _ascii(str.isupper), "space": _ascii(str.isspace),
    "blank": lambda char: char in " \t", "cntrl": lambda char: char < " " or char == "\x7f",
    "graph": lambda char: "!" <= char <= "~", "print": lambda char: " " <= char <= "~",
    "punct": lambda char: "!" <= char <= "~" and not char.isalnum(),
    "xdigit": lambda char: char in "0123456789abcdefABCDEF",
}  # fmt: skip


@lru_cache(maxsize=4_096)
def _matcher(pattern: str, pathname: bool, fold_case: bool) -> _Matcher:
    return _Matcher(pattern, pathname=pathname, fold_case=fold_case)
