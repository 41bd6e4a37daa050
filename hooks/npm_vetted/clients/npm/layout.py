"""Splits package-lock.json: ``packages`` by place, each table decoded on first use.

npm writes one layout for every indentation: the table of each place begins on its own line. The
strict reader proves that each piece is one member of ``packages``; a file with an uncertain piece
is parsed whole. Both ways refuse the same files.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final, cast

from npm_vetted.clients.npm.places import is_plain_place
from npm_vetted.clients.shared.json_pieces import MembersText, Pieces, Proof, is_plain
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Document, named
from npm_vetted.formats.json import load_json, only_member

Raw = Mapping[str, object]

FIELDS: Final = ("dependencies", "optionalDependencies", "peerDependencies")
ASKING: Final = (*FIELDS, "devDependencies")

_START: Final = re.compile(rb"\{(\r?\n)([ \t]+)(?=\")")
_RARE: Final = frozenset({
    "link", "name", "patched", "inBundle", "packageExtensionsApplied", "npmExtensionApplied",
})  # fmt: skip


class Layout(ABC):
    """A lockfile's ``packages``, and the document in which its other keys are."""

    document: Document
    packages: Mapping[str, Raw]
    """The tables by place, the root's (``''``) among them."""
    blocks: Mapping[str, object]
    """``packages`` without the root, each as a table or as its text; equal values mean equal tables."""

    @abstractmethod
    def line_of(self, place: str, *keys: str) -> int:
        """The line of a place's key in the file, or of a key within the place's table."""

    @cached_property
    def unusual(self) -> Collection[str]:
        """The places of anything but a registry's package in a plain folder of node_modules."""
        return dict.fromkeys(
            place for place, raw in self.packages.items() if not _is_usual(place, raw)
        )

    def asking(self, names: Collection[str]) -> Iterator[str]:
        """The places whose packages require a package of one of these names."""
        for place in self._mentioning(names):
            tables = (self.packages[place].get(field) for field in ASKING)
            if any(
                isinstance(table, dict) and not table.keys().isdisjoint(names) for table in tables
            ):
                yield place

    def _mentioning(self, names: Collection[str]) -> Iterable[str]:  # noqa: ARG002
        """The places whose tables may contain one of these names anywhere."""
        return self.packages


def _is_usual(place: str, raw: Raw) -> bool:
    resolved = raw.get("resolved")
    return (
        isinstance(resolved, str)
        and resolved.startswith("https://")
        and _RARE.isdisjoint(raw)
        and is_plain_place(place)
    )


class Whole(Layout):
    """A lockfile that was parsed whole."""

    def __init__(self, document: Document) -> None:
        """Raises DocumentError if ``packages`` is missing, or has a value that is no table."""
        root = document.root()
        table = root.maybe_table("packages")
        if table is None:
            raise root.fail("the key 'packages' is missing")
        for place, value in table.data.items():
            if not isinstance(value, dict):
                raise table.fail(f"expected a table, found {named(value)}", place)
        self.document = document
        self.packages = cast("Mapping[str, Raw]", table.data)
        self.blocks = {place: raw for place, raw in self.packages.items() if place}

    def line_of(self, place: str, *keys: str) -> int:
        return self.document.line_of("packages", place, *keys)


class Split(Layout):
    """A lockfile whose places are pieces of its text."""

    def __init__(self, document: Document, pieces: Pieces) -> None:
        self.document = document
        self.packages = _Tables(pieces.by_key)
        self.blocks = {place: piece for place, piece in pieces.by_key.items() if place}
        self.unusual = pieces.unusual
        self.pieces = pieces

    def line_of(self, place: str, *keys: str) -> int:
        line = self.pieces.line_of(place)
        if not keys:
            return line
        piece = load_json(self.document.path, _object(self.pieces.by_key[place]).encode())
        return line - 1 + piece.line_of(place, *keys)

    def _mentioning(self, names: Collection[str]) -> Iterable[str]:
        return self.pieces.mentioning(names)


class _Tables(Mapping[str, Raw]):
    """The tables of proven pieces, each decoded on first use."""

    def __init__(self, pieces: Mapping[str, bytes]) -> None:
        self._pieces = pieces
        self._decoded: dict[str, Raw] = {}

    def __getitem__(self, place: str) -> Raw:
        if place not in self._decoded:
            _, raw = only_member(_object(self._pieces[place]))
            assert isinstance(raw, dict)
            self._decoded[place] = raw
        return self._decoded[place]

    def __contains__(self, place: object) -> bool:
        return place in self._pieces

    def __iter__(self) -> Iterator[str]:
        return iter(self._pieces)

    def __len__(self) -> int:
        return len(self._pieces)


def _object(piece: bytes) -> str:
    """A piece with braces around it, so that JSON readers accept it; raises ValueError if it is not UTF-8."""
    return '{"' + piece.decode() + "}"


def split(path: str, data: bytes, like: Layout | None = None) -> Split | None:
    """Split a file that has npm's own layout; None if the layout is not certain.

    The layout is certain if both hold:

    1. The text without the pieces is one strict document, and ``packages`` is in its outermost object
       (no other brace opens before it).
    2. Each piece alone is one member, whose value is a table.

    By JSON's grammar, the file is then that document with those members. ``like`` is another version
    of the file.
    """
    start = _START.match(data)
    if start is None or not is_plain(data):
        return None
    end_of_line, indent = start.groups()
    outer = end_of_line + indent
    inner = outer + indent + b'"'
    opening = outer + b'"packages": {'
    head = data.find(opening + inner) + len(opening)
    tail = data.find(outer + b"}", head)
    if head < len(opening) or tail < 0 or data.count(b"{", 0, head) != 2:
        return None
    first = head + len(inner)
    emptied = data[:head] + b"\n" * data.count(b"\n", head, tail) + data[tail:]
    line = data.count(b"\n", 0, first) + 1
    try:
        document = load_json(path, emptied)
        section = MembersText(data[first:tail], b"," + inner, line)
        pieces = Pieces(section, _proven, like.pieces if isinstance(like, Split) else None)
    except (DocumentError, ValueError):
        return None
    return Split(document, pieces)


def _proven(piece: bytes) -> Proof:
    place, raw = only_member(_object(piece))
    if not isinstance(raw, dict):
        raise ValueError  # noqa: TRY004 - like all that keeps a file from being split
    return place, _is_usual(place, raw)
