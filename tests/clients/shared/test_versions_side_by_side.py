"""An earlier version that is read like a later one has the same entries as when it is read alone."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from npm_vetted.clients import clients
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.errors import NpmVettedError
from tests.support.fuzz_targets import file_name, own_seeds, read_alone

_CUTS = {
    "npm": rb",(?=\n    \")", "bun": rb"(?=\n    \")", "pnpm": rb"\n\n", "yarn-classic": rb"\n\n",
    "yarn-berry": rb"\n\n", "deno": rb",(?=\n    \")",
}  # fmt: skip
_DENO = Path(__file__).parents[2] / "fixtures" / "deno"


def told(read: Callable[[], Lockfile | None]) -> tuple[Any, ...]:
    """What a reader says of a lockfile, or the error that it raises."""
    try:
        found = read()
        if found is None:
            return ()
        entries = [found.entry(key) for key in found.blocks]
        return (entries, dict(found.importers), sorted(found.package_names()))
    except NpmVettedError as error:
        return (error.message, error.line)


def edited(chance: random.Random, data: bytes, cut: bytes) -> bytes:
    """A lockfile with some pieces left out, repeated, moved or altered."""
    ends = [found.start() for found in re.finditer(cut, data)]
    pieces = [data[start:end] for start, end in zip([0, *ends], [*ends, None], strict=True)]
    for _ in range(chance.choice((1, 1, 2, 4))):
        at, to = chance.randrange(len(pieces)), chance.randrange(len(pieces))
        match chance.randrange(6):
            case 0:
                del pieces[at]
            case 1:
                pieces.insert(to, pieces[at])
            case 2:
                pieces.insert(to, pieces.pop(at))
            case 3:
                pieces[at] = re.sub(rb"\d", b"7", pieces[at], count=3)
            case 4:
                pieces[at] = pieces[at][: chance.randrange(len(pieces[at]) + 1)]
            case _:
                pieces[at] += chance.choice((b"\n", b"#", b'"', b" ", b"\n\n", b"|"))
        if not pieces:
            break
    return b"".join(pieces)


def seeds(client: str) -> tuple[str, list[bytes]]:
    """The name of a client's lockfile, and the fixtures that are some."""
    if client == "deno":
        return "deno.lock", [path.read_bytes() for path in sorted(_DENO.glob("*.lock"))]
    return file_name(client), own_seeds(client)


@pytest.mark.parametrize("client", _CUTS)
def test_reading_like_another_version_changes_nothing(client: str) -> None:
    reader, chance = clients()[client], random.Random(client)
    name, found = seeds(client)
    taken = 0
    for data in found:
        for _ in range(60 // len(found) + 5):
            old, new = data, edited(chance, data, _CUTS[client])
            if chance.random() < 0.5:
                old, new = new, old
            try:
                after = read_alone(reader, name, new)
            except NpmVettedError:
                continue
            alone = told(lambda: read_alone(reader, name, old))  # noqa: B023
            assert told(lambda: read_alone(reader, name, old, after)) == alone  # noqa: B023
            taken += len(alone) == 3
    assert taken > 5
