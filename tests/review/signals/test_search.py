"""Searches by words find what the patterns alone find."""

from __future__ import annotations

import random
import re

import pytest

from npm_vetted.review.signals.search import near, starting_with, whole_words

PIECES = (
    b"process",
    b"env",
    b" = ",
    b"x",
    b"$",
    b"\n",
    b"'",
    b"node:",
    b"(",
    b"{",
    b".",
    b"fetch",
    b"proc",
)


def sources(count: int = 300) -> list[bytes]:
    dice = random.Random(14)
    return [b"".join(dice.choices(PIECES, k=dice.randrange(40))) for _ in range(count)]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [(rb"\bprocess\.?env", [b"process"]), (rb"(?<=')(?:node:|fetch)\(?", [b"node:", b"fetch"])],
)
def test_matches_that_start_with_a_word(pattern: bytes, words: list[bytes]) -> None:
    compiled = re.compile(pattern)
    found = 0
    for data in sources():
        places = [match.span() for match in compiled.finditer(data)]
        assert [match.span() for match in starting_with(compiled, data, *words)] == places
        found += len(places)
    assert found > 20


@pytest.mark.parametrize(
    ("pattern", "words", "before", "after"),
    [
        (rb"(?<![\w$])[\w$]{1,9} = process\b(?!\.)", [b"process"], 12, 8),
        (rb"'(?:node:)?(?:process|fetch)'", [b"process", b"fetch"], 6, 8),
    ],
)
def test_matches_around_a_word(pattern: bytes, words: list[bytes], before: int, after: int) -> None:
    compiled = re.compile(pattern)
    found = 0
    for data in sources(3_000):
        places = [match.span() for match in compiled.finditer(data)]
        spans = [m.span() for m in near(compiled, data, *words, before=before, after=after)]
        assert spans == places, data
        found += len(places)
    assert found > 20


def test_a_word_is_whole() -> None:
    data = b"env xenv env$ env1 (env) env"
    assert [data[at : at + 4] for at in whole_words(data, b"env")] == [b"env ", b"env)", b"env"]
