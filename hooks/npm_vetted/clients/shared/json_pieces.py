"""The members of a JSON object as pieces of its text, each decoded on first use.

A piece is proven: a client's reader has shown that the text of the piece is exactly one member. A
commit changes a few of a lockfile's ten thousand entries, so the reader of the earlier version reuses
the pieces that the later version has too. They are proven once, and stored once.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Final, NamedTuple

from npm_vetted.clients.shared.common_text import stretches
from npm_vetted.formats.json import uncollected

_FEW: Final = 16
"""Up to so many names are searched one by one; for more, the texts in each piece are compared with them."""


Proof = tuple[str, bool]
"""The result of proving a piece: the member's key, and whether its value has the usual form."""


def is_plain(data: bytes) -> bool:
    """Whether letters and slashes are written without escapes, so that a text search finds each name."""
    return b"\\" not in data or (b"\\u" not in data and b"\\/" not in data)


class MembersText(NamedTuple):
    """The text of an object's members, the separator between members, and the line that the text starts on."""

    text: bytes
    cut: bytes
    first_line: int


class Pieces:
    """The pieces by key, in the text's order."""

    def __init__(
        self,
        section: MembersText,
        prove: Callable[[bytes], Proof],
        like: Pieces | None = None,
    ) -> None:
        """Split ``section`` and prove each piece; raises ValueError if ``prove`` does, or for a repeated key.

        ``like`` are the pieces of another version of the file, proven by the same function.
        """
        self._section = section
        self._prove = prove
        self.by_key: dict[str, bytes] = {}
        self.unusual: dict[str, None] = {}
        if like is None or like._section.cut != section.cut:
            self._add(section.text.split(section.cut))
            return
        keys, pieces = list(like.by_key), list(like.by_key.values())
        for stretch in stretches(section.text, like._section.text, section.cut):
            places = slice(stretch.shared.start, stretch.shared.stop)
            self._take(keys[places], pieces[places], like.unusual)
            self._add(stretch.own)

    def _add(self, pieces: Sequence[bytes]) -> None:
        with uncollected():
            for piece in pieces:
                key, is_usual = self._prove(piece)
                if key in self.by_key:
                    raise ValueError
                self.by_key[key] = piece
                if not is_usual:
                    self.unusual[key] = None

    def _take(self, keys: Sequence[str], pieces: Sequence[bytes], unusual: Collection[str]) -> None:
        """Add pieces that another version of the file has proven already."""
        known = len(self.by_key)
        self.by_key.update(zip(keys, pieces, strict=True))
        if len(self.by_key) != known + len(keys):
            raise ValueError
        if unusual:
            self.unusual.update(dict.fromkeys(key for key in keys if key in unusual))

    def line_of(self, key: str) -> int:
        """The line that a piece begins on."""
        return self._lines[key]

    @cached_property
    def _lines(self) -> Mapping[str, int]:
        lines: dict[str, int] = {}
        line = self._section.first_line
        for key, piece in self.by_key.items():
            lines[key] = line
            line += piece.count(b"\n") + 1
        return lines

    def mentioning(self, names: Iterable[str]) -> Iterable[str]:
        """The keys of the pieces that may contain one of some names; only correct for ``is_plain`` text."""
        quoted = [json.dumps(name, ensure_ascii=False).encode() for name in names]
        if len(quoted) <= _FEW:
            return self.holding(quoted)
        if any(b"\\" in each for each in quoted):
            return self.by_key
        wanted = {each[1:-1] for each in quoted}
        pieces = self.by_key.items()
        return [key for key, piece in pieces if not wanted.isdisjoint(piece.split(b'"'))]

    def holding(self, words: Sequence[bytes]) -> list[str]:
        """The keys of the pieces that contain one of some texts, in the file's order.

        The whole text is searched at once, which takes 1 ms; searching each piece would take 5.
        """
        keys, text = list(self.by_key), self._section.text
        if sum(map(text.count, words)) > len(keys):
            return [key for key in keys if any(word in self.by_key[key] for word in words)]
        places = {bisect_right(self._starts, at) - 1 for word in words for at in _finds(text, word)}
        found = [keys[place] for place in sorted(places)]
        return [key for key in found if any(word in self.by_key[key] for word in words)]

    @cached_property
    def _starts(self) -> Sequence[int]:
        """Where each piece starts in the text."""
        size = len(self._section.cut)
        return list(accumulate((len(each) + size for each in self.by_key.values()), initial=0))


def _finds(text: bytes, word: bytes) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)
