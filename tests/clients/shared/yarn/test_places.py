"""The differences between two versions of a yarn.lock, and the names in it, found by its text."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.yarn_berry import client as yarn_berry
from npm_vetted.clients.yarn_classic import client as yarn_classic
from npm_vetted.errors import DocumentError
from tests.support import corpus
from tests.support.yarn_projects import contents

FIXTURES = Path(__file__).parents[3] / "fixtures"
Reader = Callable[[str], Lockfile]


def berry(text: str) -> Lockfile:
    return yarn_berry.read_lockfile("yarn.lock", text.encode(), lambda _: None)


def classic(text: str) -> Lockfile:
    return yarn_classic.read_lockfile("yarn.lock", text.encode(), lambda _: None)


def entries(reader: Reader, count: int = 120) -> str:
    """A lockfile of so many entries."""
    if reader is classic:
        each = 'p{0}@^1:\n  version "1.0.{0}"\n  resolved "https://h/p{0}/-/p{0}-1.0.{0}.tgz#ab"\n'
        return "# yarn lockfile v1\n\n\n" + "\n".join(each.format(n) for n in range(count))
    each = (
        '"p{0}@npm:^1":\n  version: 1.0.{0}\n  resolution: "p{0}@npm:1.0.{0}"\n'
        "  checksum: {1}\n  languageName: node\n  linkType: hard\n"
    )
    head = "# This file\n\n__metadata:\n  version: 6\n  cacheKey: 8\n\n"
    return head + "\n".join(each.format(n, f"{n:0128x}") for n in range(count))


READERS = {
    "berry": (berry, entries(berry)),
    "classic": (classic, entries(classic)),
    "berry, as Yarn wrote it": (
        berry, (FIXTURES / "yarn-berry/everything-4.18/yarn.lock").read_text(),
    ),
    "classic, as Yarn wrote it": (
        classic, (FIXTURES / "yarn-classic/everything/yarn.lock").read_text(),
    ),
}  # fmt: skip


@st.composite
def versions(draw: st.DrawFn, text: str) -> str:
    """A text whose blocks are taken away, doubled, moved or changed, and its letters, too."""
    blocks = text.split("\n\n")
    place = st.integers(0, len(blocks) - 1)
    for _ in range(draw(st.integers(0, 3))):
        at, other = draw(place), draw(place)
        change: Any = draw(st.sampled_from(["drop", "copy", "move", "bump", "glue"]))
        if change == "drop":
            blocks[at] = ""
        elif change == "copy":
            blocks[at] += "\n\n" + blocks[other]
        elif change == "move":
            blocks[at], blocks[other] = blocks[other], blocks[at]
        elif change == "bump":
            blocks[at] = blocks[at].replace("1.0.", "1.1.")
        else:
            blocks[at] += "\n" + draw(st.sampled_from(["", "  x y", "# z", '"', "\n", "  k: v"]))
    found = "\n\n".join(blocks)
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(found)))
        end = start + draw(st.integers(0, 3))
        piece = draw(st.sampled_from(["", " ", "\n", "\n\n", "a", '"', ":", "#"]))
        found = found[:start] + piece + found[end:]
    return found


def told(lockfile: Lockfile) -> object:
    """All that an answer may rest on."""
    return list(lockfile.blocks.items()), contents(lockfile), [*map(lockfile.line, lockfile.blocks)]


def read(reader: Reader, text: str) -> Lockfile | None:
    """Read a lockfile to its end; None where that is refused."""
    try:
        found = reader(text)
        told(found)
    except DocumentError:
        return None
    return found


def compare(one: Lockfile, other: Lockfile) -> None:
    """Compare the quick answers about two versions with what whole decoding tells."""
    hold_difference(one, other)
    hold_difference(other, one)
    for lockfile in (one, other):
        names = lockfile.package_names()
        artifacts = [artifact for _, artifact in lockfile.artifacts()]
        assert names == {artifact.name for artifact in artifacts}
        for some in (sorted(names)[:2], sorted(names)[::2]):
            expected = [each for each in artifacts if each.name in some]
            assert sorted(map(str, lockfile.named(some))) == sorted(map(str, expected))


def hold_difference(one: Lockfile, other: Lockfile) -> None:
    """Hold what is told to differ against the blocks, and what they mean."""
    blocks, changed = other.blocks, one.changed([other])
    differing = [key for key, block in one.blocks.items() if blocks.get(key) != block]
    if getattr(one, "cache_key", None) == getattr(other, "cache_key", None):
        assert changed == differing
    assert set(differing) <= set(changed)
    for key in one.blocks.keys() - changed:
        assert one.entry(key).artifact == other.entry(key).artifact


@pytest.mark.parametrize(("reader", "text"), READERS.values(), ids=READERS)
@given(data=st.data())
def test_two_versions_are_compared_by_their_text(
    data: st.DataObject, reader: Reader, text: str
) -> None:
    one, other = (read(reader, data.draw(versions(text))) for _ in range(2))
    if one is not None and other is not None:
        compare(one, other)


PAIRS = [
    pytest.param(reader, *pair, id=str(pair[0].pair),
                 marks=pytest.mark.slow if len(pair[0].data) > 100_000 else ())
    for reader, family in ((berry, "yarn-berry"), (classic, "yarn-classic"))
    for pair in corpus.pairs(family)
]  # fmt: skip


@pytest.mark.parametrize(("reader", "before", "after"), PAIRS)
def test_real_pairs(reader: Reader, before: corpus.Case, after: corpus.Case) -> None:
    one, other = (
        read(reader, each.data.decode().replace("\r\n", "\n")) for each in (before, after)
    )
    assert one is not None
    assert other is not None
    compare(one, other)


@pytest.mark.parametrize("reader", [berry, classic])
@pytest.mark.parametrize("every", [1, 7])
def test_versions_that_share_little_take_no_long_time(reader: Reader, every: int) -> None:
    text = entries(reader, 4_000)
    other = text.replace(f"1.0.{every}", f"1.1.{every}")
    start = time.process_time()
    one, two = reader(text), reader(other)
    one.changed([two])
    assert time.process_time() - start < 2
