"""Nothing that a registry says acts on a terminal or hides from a reader."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.formats.terminal_text import line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, 100 %", "plain text, 100 %"),
        ("Ærøskøbing 東京 👍", "Ærøskøbing 東京 👍"),
        ("warning ⚠️", "warning ⚠️"),
        ("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
        ("\x9b31m", "\\u{9b}31m"),
        ("a\x7fb", "a\\u{7f}b"),
        ("a\nb\tc\rd", "a\\u{a}b\\u{9}c\\u{d}d"),
        ("user\u202enimda\u2066", "user\\u{202e}nimda\\u{2066}"),
        ("ex\u200bpress", "ex\\u{200b}press"),
        ("\ufeffa\u2028b\u2029", "\\u{feff}a\\u{2028}b\\u{2029}"),
        ("a\U000e0041\U000e0101", "a\\u{e0041}\\u{e0101}"),
        ("a\ufe0f\ufe0f\ufe01", "a\\u{fe0f}\\u{fe0f}\\u{fe01}"),
        ("a\u3164b\u2800", "a\\u{3164}b\\u{2800}"),
        ("a\xa0b", "a\\u{a0}b"),
        ("lone \ud800", "lone \\u{d800}"),
        ("private \ue000, unassigned \u0378", "private \\u{e000}, unassigned \\u{378}"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_only_what_is_asked_for_is_kept() -> None:
    assert printable("a\nb\tc", keep="\n") == "a\nb\\u{9}c"


def test_a_line_is_one_line_of_a_length() -> None:
    assert line("  a \n\n b\x1b ", 20) == "a b\\u{1b}"
    assert line("x" * 30, 10) == "x" * 9 + "…"


@given(st.text())
def test_nothing_unseen_is_left(text: str) -> None:
    shown = printable(text)
    assert all(unicodedata.category(char)[0] not in "CZ" or char == " " for char in shown)
    assert printable(shown) == shown
