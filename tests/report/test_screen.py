"""The parts that every command's text is made of."""

from __future__ import annotations

import pytest

from npm_vetted.report._screen import Paint, count_of, linked, table, wrapped


def test_colours_only_where_they_are_wanted() -> None:
    assert Paint(colour=False)("x", "red") == "x"
    assert Paint(colour=True)("x", "red", "bold").startswith("\x1b[31m\x1b[1mx")


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (None, ["  one two three"]),
        (15, ["  one two three"]),
        (9, ["  one two", "    three"]),
        (7, ["  one", "    two", "    three"]),
    ],
)
def test_lines_are_wrapped_and_words_stay_whole(width: int | None, lines: list[str]) -> None:
    assert wrapped("one two three", width, "    ", first="  ") == lines


def test_a_table_has_columns_and_a_long_cell_moves_its_own_row_only() -> None:
    rows = [
        ("a", "direct", "12 lines"),
        ("a-very-long-name", "by b", "3 lines"),
        ("bcd", "by b", ""),
    ]
    assert table(rows, 6) == [
        "a       direct  12 lines",
        "a-very-long-name  by b    3 lines",
        "bcd     by b",
    ]
    assert table([], 6) == []


def test_a_link_ends_where_its_text_ends() -> None:
    assert (
        linked("[x]", "https://a.example/") == "\x1b]8;;https://a.example/\x1b\\[x]\x1b]8;;\x1b\\"
    )


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 notes"), (1, "1 note"), (2412, "2,412 notes")]
)
def test_things_are_counted(number: int, words: str) -> None:
    assert count_of(number, "note") == words
