"""The facts of one file as frozen data. A cache keeps them, and two versions are compared by them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, NamedTuple

FACTS_VERSION: Final = 14
"""Raised whenever the reader would note something else of the same bytes."""
SIZE_LIMIT: Final = 8 << 20
"""Bytes of one file that are read; the rest is reported as unread."""
FILES_LIMIT: Final = 50_000
BYTES_LIMIT: Final = 256 << 20
"""Scripts of one version that are read, and their bytes; the largest packages are far below both."""
NO_TEXT_LIMIT: Final = 256 << 10
"""Bytes of a script that is no text up to which it is parsed all the same."""
DEPTH_LIMIT: Final = 2_000
"""Brackets within brackets; deeper files are reported as unread."""
NODE_LIMIT: Final = 3_000_000
MARK_LIMIT: Final = 1_250_000
"""Punctuation marks, each of which may be a node: known before there is a tree that takes memory.
The largest scripts of 2026 have two thirds as many nodes and marks."""
LOST: Final = "its reader ended or hung"
"""Why a file is unread that a reader ended or hung over; nothing of it is kept."""
STEP_LIMIT: Final = 1_500_000
"""Steps down the tree that one file is worth, so that the cost has a bound that is no clock."""


class Mark(NamedTuple):
    """Something that was found in a file: its first line, and a few words to show."""

    line: int
    text: str = ""


class FileFacts(NamedTuple):
    """The facts of one file.

    ``marks`` are by the names that the rules know. ``hosts`` and ``loads`` (module specifiers) map
    to the first line that names them. ``unread`` says why a part was not read; empty: all was.
    """

    size: int = 0
    longest: int = 0
    readable: bool = True
    unread: str = ""
    marks: Mapping[str, Mark] = {}
    hosts: Mapping[str, int] = {}
    loads: Mapping[str, int] = {}


def facts_to_json(facts: FileFacts) -> bytes:
    """A line that ``facts_from_json`` reads."""
    return json.dumps(facts, separators=(",", ":")).encode("ascii")


def facts_from_json(data: bytes) -> FileFacts:
    """Read what ``facts_to_json`` wrote; raises ValueError for anything else."""
    try:
        size, longest, readable, unread, marks, hosts, loads = json.loads(data)
        return FileFacts(
            size=int(size),
            longest=int(longest),
            readable=bool(readable),
            unread=str(unread),
            marks={str(name): Mark(int(at), str(text)) for name, (at, text) in marks.items()},
            hosts={str(host): int(at) for host, at in hosts.items()},
            loads={str(name): int(at) for name, at in loads.items()},
        )
    except (TypeError, AttributeError, RecursionError) as error:
        raise ValueError(str(error)) from None
