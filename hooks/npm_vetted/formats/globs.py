"""Globs of workspaces and of the policy, matched in time that is linear in the path.

As a regular expression ``**/**/**/*a*a*a`` backtracks for minutes (tests/end_to_end/test_fuzz.py has the
case), and a glob may be an attacker's. So it is a small automaton: the set of places in the glob
that a path's characters lead to, each such step remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from npm_vetted.errors import UndecidedError

LENGTH_LIMIT: Final = 1000
"""Characters of a glob; the longest that was met in a real repository has under a hundred."""

_WITHIN: Final = "any but a slash"
_ANY: Final = "any"


class CharacterClass(NamedTuple):
    """``[a-z_]``, or ``[!a-z_]``: the ranges of characters, and whether it takes the others."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool

    def takes(self, character: str) -> bool:
        """Whether a character is of the class; a slash is of none."""
        within = any(first <= character <= last for first, last in self.ranges)
        return character != "/" and within is not self.negated


class Glob:
    """A glob over ``/``-separated paths.

    ``*`` and ``?`` stay within a name, ``**`` spans any number of them, ``{a,b}`` alternates.
    With ``classes``, ``[a-z]`` and ``[!a-z]`` are classes of characters; else a bracket means itself.
    """

    def __init__(self, pattern: str, *, classes: bool = False) -> None:
        self._classes = classes
        self._takes: list[list[tuple[str | CharacterClass, int]]] = []
        self._free: list[list[int]] = []
        self._first = self._state()
        self._last = self._parse(pattern)
        self._start = self._closed([self._first])
        self._moves: dict[frozenset[int], dict[str, frozenset[int]]] = {}

    def match(self, path: str) -> str | None:
        """The path where the glob matches all of it, else None."""
        now = self._start
        for character in path:
            moves = self._moves.setdefault(now, {})
            if character not in moves:
                moves[character] = self._after(now, character)
            now = moves[character]
            if not now:
                return None
        return path if self._last in now else None

    def _parse(self, pattern: str) -> int:
        """Lay the glob out as states; the one at its end."""
        here, at = self._first, 0
        groups: list[tuple[int, int]] = []
        while at < len(pattern):
            character = pattern[at]
            if pattern.startswith("**/", at):
                here, at = self._folders(here), at + 3
                continue
            if pattern.startswith("**", at):
                here, at = self._loop(here, _ANY), at + 2
                continue
            if character == "[" and self._classes:
                here, at = self._class(here, pattern, at)
                continue
            if character == "*":
                here = self._loop(here, _WITHIN)
            elif character == "{":
                groups.append((here, self._state()))
                here = self._state(here)
            elif character == "," and groups:
                self._free[here].append(groups[-1][1])
                here = self._state(groups[-1][0])
            elif character == "}" and groups:
                here = self._close(here, groups)
            else:
                here = self._step(here, _WITHIN if character == "?" else character)
            at += 1
        while groups:
            here = self._close(here, groups)
        return here

    def _state(self, before: int | None = None) -> int:
        """A new state; reached from ``before`` without a character, where that is given."""
        self._takes.append([])
        self._free.append([])
        new = len(self._takes) - 1
        if before is not None:
            self._free[before].append(new)
        return new

    def _class(self, here: int, pattern: str, at: int) -> tuple[int, int]:
        """A class of characters that starts at a place; the state behind it, and the next place."""
        found = re.match(r"\[(!?)(\]?[^\]]*)\]", pattern[at:])
        if found is None:
            return self._step(here, "["), at + 1
        negated, inside = found[1], found[2]
        pairs = re.findall(r"(.)-(.)|(.)", inside, re.DOTALL)
        ranges = tuple((first or one, last or one) for first, last, one in pairs)
        return self._step(here, CharacterClass(ranges, bool(negated))), at + found.end()

    def _step(self, here: int, character: str | CharacterClass) -> int:
        new = self._state()
        self._takes[here].append((character, new))
        return new

    def _loop(self, here: int, character: str) -> int:
        new = self._state(here)
        self._takes[new].append((character, new))
        return new

    def _folders(self, here: int) -> int:
        """Any number of whole names, each with the slash behind it."""
        start = self._state(here)
        inside = self._step(start, _WITHIN)
        self._takes[inside] += [(_WITHIN, inside), ("/", start)]
        return start

    def _close(self, here: int, groups: list[tuple[int, int]]) -> int:
        _, end = groups.pop()
        self._free[here].append(end)
        return end

    def _after(self, states: Iterable[int], character: str) -> frozenset[int]:
        kinds = {character, _ANY} if character == "/" else {character, _ANY, _WITHIN}
        return self._closed(
            state
            for each in states
            for kind, state in self._takes[each]
            if (kind.takes(character) if isinstance(kind, CharacterClass) else kind in kinds)
        )

    def _closed(self, states: Iterable[int]) -> frozenset[int]:
        """These states with all that are reached from them without a character."""
        found = set(states)
        queue = list(found)
        while queue:
            fresh = [each for each in self._free[queue.pop()] if each not in found]
            found.update(fresh)
            queue += fresh
        return frozenset(found)


@lru_cache(maxsize=4_096)
def glob_matcher(pattern: str) -> Glob:
    """The matcher of a glob; raises UndecidedError for one that is absurdly long."""
    if len(pattern) > LENGTH_LIMIT:
        raise UndecidedError(f"a glob of {len(pattern):,} characters: {pattern[:60]!r}…")
    return Glob(pattern.removeprefix("./").rstrip("/"))
