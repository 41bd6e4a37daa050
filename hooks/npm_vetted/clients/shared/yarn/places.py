"""Finds the place of each entry in the text of a yarn.lock.

An entry is found by its format's grammar and not decoded: a commit changes few of ten thousand
entries, and only those are read. A text is read from its start to its end: at each position there
is an entry, or a line that belongs to none (a comment, a blank line), or the text is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Places = dict[str, tuple[int, int]]
"""The start and end of each entry's text, by the entry's key, in the file's order."""


class TwiceError(Exception):
    """Two entries have the same key: the key, and the start of the second entry."""

    def __init__(self, key: str, start: int) -> None:
        super().__init__(key)
        self.key = key
        self.start = start


def find_entries(
    text: str, entry: re.Pattern[str], skip: Callable[[int], int | None]
) -> Places | None:
    """Find the entries of a text; None where the text is of another kind.

    ``entry`` matches one entry and the line ends after it: its first group is the entry's text, one
    of the others its key. ``skip`` returns the end of the lines at a position that are no entry, or
    None. Raises TwiceError for a key that two entries have.
    """
    places: Places = {}
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
        at = found.end()
    return places
