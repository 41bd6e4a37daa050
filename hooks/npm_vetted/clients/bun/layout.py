"""Splits bun.lock into the texts of its ``packages`` entries, each decoded on first use.

Bun writes each entry on its own line. The strict reader proves that each piece is one entry; a file
with an uncertain piece is parsed whole. Both ways refuse the same files.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, cast

from npm_vetted.clients.bun.keys import is_usual
from npm_vetted.clients.shared.json_pieces import MembersText, Pieces, Proof, is_plain
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Document, named
from npm_vetted.formats.json import load_json, load_jsonc, only_member

_START: Final = b'\n  "packages": {\n    "'
_CUT: Final = b'\n    "'
_END: Final = re.compile(rb",\n  \},?\n\}\n*\Z")
_TRAILING_COMMA: Final = re.compile(rb",(\n *[}\]])")
_CONFLICT: Final = re.compile(rb"^<{7} ", re.MULTILINE)
_BOM: Final = b"\xef\xbb\xbf"

Values = Sequence[object]


class Layout(ABC):
    """A lockfile's entries, and the document in which its other keys are."""

    head: Document
    blocks: Mapping[str, object]
    """The elements of each entry, or its text; equal values mean equal entries."""

    @abstractmethod
    def values(self, key: str) -> Values:
        """The elements of an entry."""

    @abstractmethod
    def line_of(self, key: str) -> int:
        """The line of an entry."""

    @cached_property
    def unusual(self) -> Collection[str]:
        """The keys of entries whose first element is not ``name@version`` with the last name of the key."""
        return dict.fromkeys(key for key in self.blocks if not _is_usual(key, self.values(key)))

    def mentioning(self, names: Collection[str]) -> Iterable[str]:  # noqa: ARG002
        """The keys of entries that may contain one of these names."""
        return self.blocks


def _is_usual(key: str, values: Values) -> bool:
    return bool(values) and is_usual(key, values[0])


def read_layout(path: str, data: bytes, like: Layout | None = None) -> Layout:
    """Read a lockfile; raises DocumentError with the line if it is not JSON with trailing commas.

    ``like`` is another version of it.
    """
    return _split(path, data, like) or Whole(path, data)


class Whole(Layout):
    """A lockfile that was parsed whole; it may have any layout."""

    def __init__(self, path: str, data: bytes) -> None:
        marker = _CONFLICT.search(data)
        if marker is not None:
            line = data.count(b"\n", 0, marker.start()) + 1
            raise DocumentError("merge conflict markers", path=path, line=line)
        self.head = load_jsonc(path, data)
        table = self.head.root().maybe_table("packages")
        for key, block in table.data.items() if table else ():
            if table and not isinstance(block, list):
                raise table.fail(f"expected a list, found {named(block)}", key)
        self.blocks = dict(table.data) if table else {}

    def values(self, key: str) -> Values:
        return cast("Values", self.blocks[key])

    def line_of(self, key: str) -> int:
        return self.head.line_of("packages", key)


class _Split(Layout):
    """A lockfile whose entries are pieces of its text."""

    def __init__(self, head: Document, pieces: Pieces) -> None:
        self.head = head
        self.blocks = pieces.by_key
        self.unusual = pieces.unusual
        self.pieces = pieces

    def values(self, key: str) -> Values:
        return _entry(self.pieces.by_key[key])[1]

    def line_of(self, key: str) -> int:
        return self.pieces.line_of(key)

    def mentioning(self, names: Collection[str]) -> Iterable[str]:
        return self.pieces.mentioning(names)


def _split(path: str, data: bytes, like: Layout | None) -> Layout | None:
    """Split a file that has Bun's own layout; None if the layout is not certain.

    The layout is certain if all three hold:

    1. The text above the entries, with an empty ``packages``, is one strict document, except for commas
       before a closing bracket.
    2. The text below the entries consists of the two closing braces.
    3. Each piece alone is one member, whose value is a list.
    """
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    data = data.removeprefix(_BOM)
    start = data.find(_START)
    end = _END.search(data, max(start, len(data) - 64)) if start >= 0 else None
    if end is None or b"\r" in data or not is_plain(data):
        return None
    first = start + len(_START)
    emptied = data[:start] + b'\n  "packages": {}\n}'
    line = data.count(b"\n", 0, first) + 1
    try:
        head = load_json(path, _TRAILING_COMMA.sub(rb"\1", emptied))
        section = MembersText(data[first : end.start() + 1], _CUT, line)
        pieces = Pieces(section, _proven, like.pieces if isinstance(like, _Split) else None)
    except (DocumentError, ValueError):
        return None  # comments, or an error that the reader of the whole file will tell
    return _Split(head, pieces)


def _proven(piece: bytes) -> Proof:
    key, values = _entry(piece)
    return key, _is_usual(key, values)


def _entry(piece: bytes) -> tuple[str, Values]:
    text = piece.decode().rstrip("\n")
    key, values = only_member('{"' + text[:-1] + "}")
    if text[-1:] != "," or not isinstance(values, list):
        raise ValueError
    return key, values
