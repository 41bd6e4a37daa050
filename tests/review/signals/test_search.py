"""Searches by words find what the patterns alone find."""

from __future__ import annotations

import random
import re

import pytest

from npm_vetted.review.signals.search import ScriptText, near, starting_with, whole_words

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
        assert [
            match.span() for match in starting_with(compiled, ScriptText(data), *words)
        ] == places
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
        spans = [
            m.span() for m in near(compiled, ScriptText(data), *words, before=before, after=after)
        ]
        assert spans == places, data
        found += len(places)
    assert found > 20


def test_a_word_is_whole() -> None:
    data = b"env xenv env$ env1 (env) env"
    assert [data[at : at + 4] for at in whole_words(ScriptText(data), b"env")] == [
        b"env ",
        b"env)",
        b"env",
    ]


def test_a_vocabulary_has_each_name_and_says_for_certain_what_is_not_there() -> None:
    for data in sources():
        source = ScriptText(data)
        for word in (b"env", b"process", b"'fetch", b"node:fetch", b".npmrc", b"x", b"://"):
            assert source.may_have(word) or word not in data, (data, word)
    assert not ScriptText(b"proc ess").may_have(b"process")
    assert not ScriptText(b"a.npmr c").may_have(b".npmrc")
    assert ScriptText(b"xprocess1").may_have(b"process")


@pytest.mark.parametrize("at", range(-4, 5))
def test_a_name_is_not_cut_where_a_long_file_is_taken_in_pieces(at: int) -> None:
    data = b"." * ((1 << 20) + at) + b"process" + b"." * ((1 << 20) - 3)
    source = ScriptText(data + b"fetch")
    assert sorted(source.vocabulary.split()) == [b"fetch", b"process"]
