"""Finds the place of each entry in the text of a yarn.lock.

An entry is found by its format's grammar and not decoded: a commit changes few of ten thousand
entries, and only those are read. A text is read from its start to its end: at each position there
is an entry, or a line that belongs to none (a comment, a blank line), or the text is refused.

Of the version before the commit, only the entries that differ are read. The others are taken from the
version after it, whose text is the same there.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Set
from typing import NamedTuple

from npm_vetted.clients.shared.common_text import common_length

Places = dict[str, tuple[int, int]]
"""The start and end of each entry's text, by the entry's key, in the file's order."""


class LocatedEntries(NamedTuple):
    """The entries of a text, and the keys of those that were taken from another version as they are."""

    text: str
    places: Places
    taken: Set[str] = frozenset()


class TwiceError(Exception):
    """Two entries have the same key: the key, and the start of the second entry."""

    def __init__(self, key: str, start: int) -> None:
        super().__init__(key)
        self.key = key
        self.start = start


def find_entries(
    text: str,
    entry: re.Pattern[str],
    skip: Callable[[int], int | None],
    like: LocatedEntries | None = None,
) -> LocatedEntries | None:
    """Find the entries of a text; None where the text is of another kind.

    ``entry`` matches one entry and the line ends after it: its first group is the entry's text, one
    of the others its key. ``skip`` returns the end of the lines at a position that are no entry, or
    None. ``like`` are the entries of another version. Raises TwiceError for a key that two entries have.
    """
    places: Places = {}
    other = _Other(like) if like is not None else None
    match = entry.match
    at, end = 0, len(text)
    while at < end:
        found = match(text, at)
        if found is None:
            after = skip(at)
            if after is None:
                return None
            at = after
            continue
        key = found[2] or next(filter(None, found.groups()[2:]))
        if key in places:
            raise TwiceError(key, at)
        places[key] = found.span(1)
        at = found.end() if other is None else other.take(text, key, found, places)
    return LocatedEntries(
        text, places, frozenset(other.taken) if other is not None else frozenset()
    )


class _Other:
    """The entries of another version of a text."""

    def __init__(self, found: LocatedEntries) -> None:
        self._text = found.text
        self._places = found.places
        self._entries = list(found.places.items())
        self._starts = [start for _, (start, _) in self._entries]
        self.taken: set[str] = set()

    def take(self, text: str, key: str, found: re.Match[str], places: Places) -> int:
        """Add the entries behind one that both versions have, as far as the texts are alike.

        Returns where to go on. The last entry is left out: the grammar looks at what is behind it.
        """
        if key not in self._places:
            return found.end()
        at, start = found.start(), self._places[key][0]
        alike = common_length(text, at, self._text, start)
        first = bisect_left(self._starts, start) + 1
        last = bisect_left(self._starts, start + alike) - 1
        if last <= first:
            return found.end()
        moved = at - start
        run = self._entries[first:last]
        if any(each in places for each, _ in run):  # some key is there twice: the text says where
            self._places = {}
            return found.end()
        places.update((each, (begin + moved, end + moved)) for each, (begin, end) in run)
        self.taken.update(each for each, _ in run)
        return self._starts[last] + moved
