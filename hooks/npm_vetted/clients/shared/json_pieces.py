"""The members of a JSON object as pieces of its text, each proven and decoded on first use.

A commit changes a few of a lockfile's ten thousand entries. A piece that both versions have is
proven once, stored once, and known to be equal without a comparison.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Final, NamedTuple

from npm_vetted.formats.json import uncollected

REMEMBERED: Final = 1 << 15
"""How many pieces are known again: those of a large lockfile, or of the small ones of a commit."""
_FEW: Final = 16
"""How many names are searched one by one; beyond it every text is compared with them."""


class Proof(NamedTuple):
    """A piece that is one member: its key, itself, and whether it is like most."""

    key: str
    piece: bytes
    is_usual: bool


def is_plain(data: bytes) -> bool:
    """Whether no letter and no slash is escaped, so that a name is written in one way."""
    return b"\\" not in data or (b"\\u" not in data and b"\\/" not in data)


class Pieces:
    """The pieces by key, in the text's order, a line break between one and the next."""

    def __init__(
        self, texts: Iterable[bytes], first_line: int, prove: Callable[[bytes], Proof]
    ) -> None:
        """Raise ValueError where ``prove`` does, or where a key appears twice."""
        self._first_line = first_line
        self.by_key: dict[str, bytes] = {}
        self.unusual: dict[str, None] = {}
        with uncollected():
            for text in texts:
                key, piece, is_usual = prove(text)
                if key in self.by_key:
                    raise ValueError
                self.by_key[key] = piece
                if not is_usual:
                    self.unusual[key] = None

    def line_of(self, key: str) -> int:
        """The line that a piece begins on."""
        return self._lines[key]

    @cached_property
    def _lines(self) -> Mapping[str, int]:
        lines: dict[str, int] = {}
        line = self._first_line
        for key, piece in self.by_key.items():
            lines[key] = line
            line += piece.count(b"\n") + 1
        return lines

    def mentioning(self, names: Iterable[str]) -> Iterable[str]:
        """The keys of the pieces that may hold one of some names; of plain text only."""
        quoted = [json.dumps(name, ensure_ascii=False).encode() for name in names]
        pieces = self.by_key.items()
        if len(quoted) <= _FEW:
            return [key for key, piece in pieces if any(each in piece for each in quoted)]
        if any(b"\\" in each for each in quoted):
            return self.by_key
        wanted = {each[1:-1] for each in quoted}
        return [key for key, piece in pieces if not wanted.isdisjoint(piece.split(b'"'))]
