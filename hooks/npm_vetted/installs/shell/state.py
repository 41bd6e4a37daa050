"""The state of a shell that is followed: variables, directory, and files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

from npm_vetted.formats.shell_text import UNKNOWN, UNKNOWN_TEXT, Value, either
from npm_vetted.installs.context.disk import CHECKOUT, Disk, resolve, under
from npm_vetted.installs.shell.source import Source

MOST_FOLDERS: Final = 16
_UNSET: Final[Value] = ("",)
"""What a shell puts in the place of a variable that is not set."""


@dataclass(slots=True)
class State:
    """A shell's state. Forks (subshells, branches) share only the disk.

    ``guesses``: further directories in which a script may be started, if the file does not say in which.
    ``maybe``: a branch runs that may not be taken. ``prefix``: variables that are set for one command only.
    ``call``: the line of the call of the running function.
    """

    disk: Disk = field(repr=False)
    cwd: tuple[str, ...] = (CHECKOUT,)
    guesses: tuple[str, ...] = ()
    variables: dict[str, Value] = field(default_factory=dict)
    arrays: dict[str, list[Value]] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    home: str = "/root"
    script: str | None = None
    maybe: bool = False
    added: frozenset[str] = frozenset()
    """The places of packages that were added before, in this very branch."""
    ended: bool = False
    """Whether the shell has left: what is set in such a branch is not seen behind it."""
    exports_all: bool = False
    stack: list[tuple[str, ...]] = field(default_factory=list)
    arguments: list[Value] | None = None
    stdin: Source | None = None
    prefix: tuple[str, ...] = ()
    call: Source | None = None

    def fork(self) -> State:
        """A subshell's state."""
        return State(
            disk=self.disk,
            cwd=self.cwd,
            guesses=self.guesses,
            variables=dict(self.variables),
            arrays=dict(self.arrays),
            exported=set(self.exported),
            home=self.home,
            script=self.script,
            maybe=self.maybe,
            added=self.added,
            ended=self.ended,
            exports_all=self.exports_all,
            stack=list(self.stack),
            arguments=self.arguments,
            stdin=self.stdin,
            prefix=self.prefix,
            call=self.call,
        )

    def branch(self) -> State:
        """The state of a branch, which may not be taken."""
        other = self.fork()
        other.maybe = True
        return other

    def merge(self, branches: Iterable[State], *, complete: bool = False) -> None:
        """Merge the states of branches; ``complete``: one of them was taken.

        A variable may have the value of any of them, and is empty where one of them does not set it.
        What ended in a branch does not go on.
        """
        taken = [*branches] if complete else [self, *branches]
        if not taken:
            return
        left = [each for each in taken if not each.ended] or taken
        self.ended = all(each.ended for each in taken)
        exported = [each.exported for each in left]
        some, every = set().union(*exported), exported[0].intersection(*exported)
        names = dict.fromkeys(name for each in left for name in each.variables)
        self.variables = {
            name: either(
                *(each.variables.get(name, _UNSET) for each in left),
                *([_UNSET] if name in some - every else ()),
            )
            for name in names
        }
        arrays = dict.fromkeys(name for each in left for name in each.arrays)
        self.arrays = {
            name: _merged([each.arrays.get(name, []) for each in left]) for name in arrays
        }
        self.exported = some
        self.added = frozenset.intersection(*(each.added for each in left))
        self.guesses = tuple(dict.fromkeys(place for each in left for place in each.guesses))
        merged = tuple(dict.fromkeys(place for each in left for place in each.cwd))
        self.cwd = merged if len(merged) <= MOST_FOLDERS else (UNKNOWN_TEXT,)

    def set(self, name: str, value: Value, export: bool = False) -> None:
        """Assign a variable."""
        self.variables[name] = value
        self.arrays.pop(name, None)
        if export or self.exports_all:
            self.exported.add(name)

    def environment(self) -> Mapping[str, Value]:
        """The variables that a program sees."""
        return {name: self.variables[name] for name in self.exported if name in self.variables}

    def value(self, name: str) -> Value | None:
        """A variable's value; None where it was never set here."""
        if name == "PWD":
            return self.cwd
        if name == "HOME" and name not in self.variables:
            return (self.home,)
        return self.variables.get(name)

    def enter(self, folders: Value) -> None:
        """Change the directory."""
        found: list[str] = []
        for folder in folders:
            path = folder
            if path == "~" or path.startswith("~/"):
                path = self.home + path[1:]
            found.extend(self._enter(path))
        places = tuple(dict.fromkeys(found))
        self.cwd = places if len(places) <= MOST_FOLDERS else (UNKNOWN_TEXT,)
        self.guesses = ()

    def _enter(self, path: str) -> list[str]:
        bases = [*self.cwd, *self.guesses]
        if path.startswith("/") or len(bases) == 1:
            return [resolve(bases[0], path)]
        there = [place for base in bases if self.disk.has_folder(place := resolve(base, path))]
        if self.guesses:
            there.sort(
                key=lambda place: under(CHECKOUT, place) is None
            )  # `..` leads out of the top
            return there[:1] or [resolve(self.cwd[0], path)]
        return there or [resolve(base, path) for base in bases]

    def places(self, path: str) -> list[str]:
        """The possible places of a path, from each possible directory."""
        if path == "~" or path.startswith("~/"):
            path = self.home + path[1:]
        return [resolve(base, path) for base in self.cwd]


def _merged(arrays: Sequence[list[Value]]) -> list[Value]:
    """The elements of arrays of which one is meant: what is not in all of them may be missing."""
    return [
        either(*(value or _UNSET for value in values))
        for values in zip_longest(*arrays, fillvalue=_UNSET)
    ]


def parent_of(value: Value) -> Value:
    """The folders above these paths, as ``dirname`` prints them."""
    return either(
        *(UNKNOWN if UNKNOWN_TEXT in text else (posixpath.dirname(text) or ".",) for text in value)
    )
