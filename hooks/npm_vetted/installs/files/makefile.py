"""Makefiles: recipes, with the variables that the file sets.

Read as GNU make does (its manual, chapters 3, 5 and 6): logical lines, recipes by their tab, simple
and recursive variables, ``define``, ``export``, target-specific variables. Conditionals are not
decided: both branches are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.document import decode
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, Value, either
from npm_vetted.installs import Context
from npm_vetted.installs.context.disk import CHECKOUT
from npm_vetted.installs.shell.follower import ShellFollower, base_state
from npm_vetted.installs.shell.source import Source, filled, joined
from npm_vetted.installs.shell.state import State
from npm_vetted.model import Problem

_NAMES: Final = ("makefile", "gnumakefile", "bsdmakefile")
_ASSIGN: Final = re.compile(
    r"\s*(?:(?:export|override|private)\s+)*([\w.-]+)\s*(\?=|:=|::=|:::=|\+=|!=|=)\s*(.*)",
    re.DOTALL,
)
_EXPORT: Final = re.compile(r"\s*(?:override\s+)?export\b(.*)", re.DOTALL)
_LOOKS_UP: Final = re.compile(r"shell\s+(?:command\s+-v|which)\s+([\w.-]+)")
"""Commands that look up a program's path; their output counts as the program's name."""
_DEFINE: Final = re.compile(r"\s*(?:(?:export|override)\s+)*define\s+([\w.-]+)")
_ANSWERS: Final = {"if": 1, "or": 0, "and": 0, "foreach": 2}
"""Functions of make that return one of their arguments -> index of the first that may be returned."""
_ROUNDS: Final = 6
_LONG: Final = 20_000


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """``Makefile``, ``GNUmakefile``, ``Makefile.local``, ``*.mk``, ``*.mak``."""
    name = path.rpartition("/")[2].lower()
    named = name in _NAMES or name.startswith(("makefile.", "gnumakefile."))
    return (named and not name.endswith((".am", ".in", ".md", ".py", ".pl"))) or name.endswith(
        (".mk", ".mak", ".make")
    )


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """The problems of the recipes: each line is run by a shell of its own, in the Makefile's folder."""
    found = ShellFollower(path=path, context=context)
    folder = path.rpartition("/")[0]
    state = base_state(context, path)
    if folder:
        state.cwd = (f"{CHECKOUT}/{folder}",)
        state.guesses = (CHECKOUT,)
    _Makefile(decode(path, data), found, state).judge_all()
    return found.reports.finish()


class _Makefile:
    def __init__(self, text: str, follower: ShellFollower, state: State) -> None:
        self.lines = text.replace("\r\n", "\n").split("\n")
        self.follower = follower
        self.state = state
        self.variables: dict[str, list[str]] = {
            "MAKE": ["make"],
            "CURDIR": ["."],
            "PWD": ["."],
            "SHELL": ["sh"],
        }
        self.exported: dict[str, int] = {}
        self.export_all = False
        self.one_shell = ".ONESHELL:" in text
        self.recipes: list[Source] = []
        self.calls: list[Source] = []

    def judge_all(self) -> None:
        """Read all variables, then judge the recipes: make expands a recipe when it runs it."""
        self._read()
        for name, line in self.exported.items():
            value = self._expanded(name and f"$({name})")
            self.state.set(name, value, export=True)
            self.follower.reports.variable(name, value, line)
        if self.export_all:
            for name in self.variables:
                self.state.set(name, self._expanded(f"$({name})"), export=True)
        for recipe in self.recipes:
            self._shells(recipe)
        for recipe in [*self.recipes, *self.calls]:
            for text in self._fill(recipe):
                self.follower.run(text, self.state.fork())
        self.follower.shell.functions.clear()

    def _read(self) -> None:
        index = 0
        recipe: list[tuple[str, int]] = []
        within_rule = False
        prefix = "\t"
        while index < len(self.lines):
            line = self.lines[index]
            start = index + 1
            if within_rule and line.startswith(prefix):
                index = self._recipe(index, recipe)
                continue
            parts = [(line, start)]
            while parts[-1][0].endswith("\\") and index + 1 < len(self.lines):
                index += 1
                parts[-1] = (parts[-1][0][:-1] + " ", parts[-1][1])
                parts.append((self.lines[index].lstrip(), index + 1))
            index += 1
            whole = joined(parts)
            text = whole.text
            if not text.strip() or text.lstrip().startswith("#"):
                continue
            if named := _DEFINE.match(text):
                index = self._define(named.group(1), index)
                continue
            if text.split()[0] in (
                "ifeq",
                "ifneq",
                "ifdef",
                "ifndef",
                "else",
                "endif",
                "include",
                "-include",
            ):
                continue
            self._end(recipe)
            within_rule = self._logical(whole, start)
            if text.startswith(".RECIPEPREFIX") and "=" in text:
                prefix = text.partition("=")[2].strip()[:1] or "\t"
        self._end(recipe)

    def _define(self, name: str, index: int) -> int:
        body: list[tuple[str, int]] = []
        while index < len(self.lines) and self.lines[index].strip() != "endef":
            body.append((self.lines[index].lstrip("\t") + "\n", index + 1))
            index += 1
        source = joined(body)
        self.variables.setdefault(name, []).append(source.text)
        self.calls.append(source)
        return index + 1

    def _recipe(self, index: int, recipe: list[tuple[str, int]]) -> int:
        """Judge one logical line of a recipe (with its continuation lines); returns the next index."""
        parts: list[tuple[str, int]] = []
        while index < len(self.lines):
            line = self.lines[index]
            text = line[1:] if line[:1] == "\t" else line
            if not parts:
                text = text.lstrip(" \t@-+") if line[:1] == "\t" else text[1:].lstrip(" \t@-+")
            parts.append((text + "\n", index + 1))
            index += 1
            if not line.endswith("\\"):
                break
        if self.one_shell:
            recipe.extend(parts)
        else:
            self.recipes.append(joined(parts))
        return index

    def _end(self, recipe: list[tuple[str, int]]) -> None:
        if recipe:
            self.recipes.append(joined(recipe))
            recipe.clear()

    def _logical(self, whole: Source, line: int) -> bool:
        """Read a variable, an export or a rule; return whether it is a rule, whose recipe follows."""
        text = whole.text
        exports = _EXPORT.match(text)
        assigned = _ASSIGN.match(text)
        if assigned is not None:
            self._assign(assigned, line, export=exports is not None)
            return False
        if exports is not None:
            names = exports.group(1).split()
            self.export_all = self.export_all or not names
            self.exported.update(dict.fromkeys(names, line))
            return False
        head, colon, rest = text.partition(":")
        if not colon:
            return False
        specific = re.match(r":?\s*(export\s+)?([\w.-]+\s*(?:\?=|:=|::=|\+=|=).*)", rest, re.DOTALL)
        if specific is not None and (found := _ASSIGN.match(specific.group(2))):
            self._assign(found, line, export=specific.group(1) is not None)
            return False
        before, semicolon, _ = rest.partition(";")
        if semicolon:
            offset = len(head) + len(colon) + len(before) + 1
            self.recipes.append(whole.at(offset, len(text)))
        return True

    def _assign(self, found: re.Match[str], line: int, *, export: bool) -> None:
        name, operator, value = found.groups()
        value = value.split(" #", 1)[0].strip()
        known = self.variables.setdefault(name, [])
        self._shells(Source(value, ((0, line),)))
        if operator == "!=":
            self.calls.append(Source(value, ((0, line),)))
            value = UNKNOWN_TEXT
        if operator == "+=" and known:
            known[:] = [f"{each} {value}" for each in known][:8]
        elif value not in known:
            known.append(value)
        if export:
            self.exported[name] = line

    def _shells(self, source: Source) -> None:
        """``$(shell …)`` runs when make reads it."""
        for start, _, inside in _references(source.text):
            if inside.startswith("shell "):
                self.calls.append(Source(inside[6:], ((0, source.line(start)),)))

    def _expanded(self, text: str) -> Value:
        source = Source(text)
        return either(*((each.text,) for each in self._fill(source)))

    def _fill(self, source: Source) -> list[Source]:
        """The text with make's references replaced, once for each combination of their values."""
        texts = [source]
        for _ in range(_ROUNDS):
            if not any("$" in each.text for each in texts):
                break
            following: list[Source] = []
            for each in texts[:16]:
                following.extend(filled(each, _references, self._value))
            if [each.text for each in following] == [each.text for each in texts]:
                break
            texts = [each for each in following if len(each.text) < _LONG][:16]
        return [_dollars(each) for each in texts]

    def _value(self, reference: str) -> Value | None:
        name = reference.strip()
        if (looked_up := _LOOKS_UP.match(name)) is not None:
            return (looked_up[1],)
        function, _, rest = name.partition(" ")
        if function in _ANSWERS:
            return tuple(_arguments(rest))[_ANSWERS[function] :][:8] or None
        if name in self.variables and all(map(_is_output, self.variables[name])):
            return None  # the variable's name says more than that a program answered
        if name in self.variables:
            return tuple(dict.fromkeys(self.variables[name]))[:8] or ("",)
        if len(name) == 1 and not name.isalpha():
            return ("TARGET",)
        return None


def _is_output(value: str) -> bool:
    """Whether a value is what a program prints, which nobody can tell."""
    found = next(_references(value), None)
    return (
        found is not None
        and found[:2] == (0, len(value))
        and found[2].startswith("shell ")
        and _LOOKS_UP.match(found[2]) is None
    )


def _references(text: str) -> Iterator[tuple[int, int, str]]:
    index = text.find("$")
    while 0 <= index < len(text) - 1:
        following = text[index + 1]
        if following == "$":
            index = text.find("$", index + 2)
            continue
        if following in "({":
            end = _closing(text, index + 1)
            inside = text[index + 2 : end]
            if not inside.startswith("__unknown"):
                yield index, min(end + 1, len(text)), inside
            index = text.find("$", end + 1)
        else:
            yield index, index + 2, following
            index = text.find("$", index + 2)


def _arguments(text: str) -> Iterator[str]:
    """A function's arguments: commas in brackets are no separators."""
    start = depth = 0
    for index, char in enumerate(text):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(char, 0)
        if char == "," and depth <= 0:
            yield text[start:index].strip()
            start = index + 1
    yield text[start:].strip()


def _closing(text: str, start: int) -> int:
    opening, closing = text[start], {"(": ")", "{": "}"}[text[start]]
    depth = 0
    for index in range(start, min(len(text), start + 4000)):
        depth += {opening: 1, closing: -1}.get(text[index], 0)
        if depth == 0:
            return index
    return len(text)


def _dollars(source: Source) -> Source:
    """Replace ``$$`` by the shell's ``$``; the line of each character stays the same."""
    if "$$" not in source.text:
        return source
    marks = tuple((mark - source.text.count("$$", 0, mark), line) for mark, line in source.marks)
    return Source(source.text.replace("$$", "$"), marks)
