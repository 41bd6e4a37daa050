"""Splits deno.lock into the texts of its ``npm`` entries, each decoded on first use.

Deno indents by two spaces. The strict reader proves that each piece is one entry; a file with an
uncertain piece is parsed whole. Both ways refuse the same files.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from npm_vetted.clients.shared.json_pieces import MembersText, Pieces, Proof
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Document, Keys
from npm_vetted.formats.json import load_json, only_member

_START: Final = b'\n  "npm": {\n    "'
_CUT: Final = b',\n    "'
_END: Final = b"\n  }"
_FEW: Final = 16


class Layout(NamedTuple):
    """The document, and the npm packages cut out of it, by ``npm:name@version``; None: nothing was cut out."""

    head: Document
    pieces: Pieces | None = None

    def asking(self, names: Collection[str]) -> Collection[str]:
        """The keys of the pieces that may contain one of these package names."""
        if self.pieces is None:
            return ()
        wanted = [name.encode() for name in names]
        if len(wanted) > _FEW or not all(name.isascii() for name in names):
            return self.pieces.by_key
        return self.pieces.holding(wanted)


def read_layout(path: str, data: bytes, like: Layout | None = None) -> Layout:
    """Read a lockfile; raises DocumentError with the line if it is not strict JSON.

    ``like`` is another version of it.
    """
    return _split(path, data, like) or Layout(load_json(path, data))


def _split(path: str, data: bytes, like: Layout | None) -> Layout | None:
    """Split a file in Deno's own layout; None if that is not certain.

    1. A random mark replaces the section in the text. The file cannot contain it.
    2. The remaining text must be one strict document in which the mark is the value of ``npm``.
    3. Each piece alone must be one member.

    Then the pieces are the members of that section.
    """
    start = data.find(_START)
    end = data.find(_END, start + len(_START))
    if start < 0 or end < 0 or b"\r" in data or b"\\" in data:
        return None
    mark = os.urandom(32).hex()
    emptied = data[:start] + f'\n  "npm": "{mark}"'.encode() + data[end + len(_END) :]
    first = start + len(_START)
    section = data.count(b"\n", 0, start) + 2
    try:
        head = load_json(path, emptied)
        pieces = Pieces(
            MembersText(data[first:end], _CUT, section + 1), _proven, like.pieces if like else None
        )
    except (DocumentError, ValueError):
        return None
    if not isinstance(head.data, dict) or head.data.get("npm") != mark:
        return None
    return Layout(_moved(head, section, data.count(b"\n", start + 1, end + 1)), pieces)


def _moved(head: Document, section: int, lines: int) -> Document:
    """The document with an empty section, and with the line numbers of the whole file."""

    def find(keys: Keys) -> int | None:
        line = head.line_of(*keys)
        return line if line <= section else line + lines

    return Document(head.path, {**head.root().data, "npm": {}}, find)


def _proven(piece: bytes) -> Proof:
    key, _ = _entry(piece)
    return f"npm:{key}", True


def _entry(piece: bytes) -> tuple[str, Mapping[str, object]]:
    key, value = only_member('{"' + piece.decode() + "}")
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004
    return key, value


def fields(piece: bytes) -> Mapping[str, object]:
    """The fields of a proven piece."""
    return _entry(piece)[1]
