"""What two texts have in common is found whatever was added, removed, changed or moved."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.clients.shared.common_text import Stretch, common_length, stretches

PIECES = st.lists(st.text("abc", max_size=3), min_size=1, max_size=60)


def pieces(found: list[Stretch[str]], other: str) -> list[str]:
    """The pieces that some stretches stand for."""
    others = other.split(",")
    return list(chain(*(each.own or [others[at] for at in each.shared] for each in found)))


def shared(text: str, other: str) -> int:
    return sum(len(each.shared) for each in stretches(text, other, ","))


@given(PIECES, PIECES)
def test_the_stretches_are_the_pieces_of_the_text(one: list[str], other: list[str]) -> None:
    text, found = ",".join(one), ",".join(other)
    assert pieces(list(stretches(text, found, ",")), found) == one


@given(st.text("ab"), st.text("ab"), st.integers(0, 3), st.integers(0, 3))
def test_the_common_length_ends_where_the_texts_differ(
    one: str, other: str, at: int, to: int
) -> None:
    at, to = min(at, len(one)), min(to, len(other))
    size = common_length(one, at, other, to)
    assert one[at : at + size] == other[to : to + size]
    assert one[at + size : at + size + 1] != other[to + size : to + size + 1] or (
        at + size == len(one) or to + size == len(other)
    )


def test_the_common_length_of_long_texts_is_exact() -> None:
    same = "x" * 200_000
    assert common_length(same, 0, same, 0) == 200_000
    assert common_length(same + "a", 0, same + "b", 0) == 200_000
    assert common_length("-" + same + "a", 1, same + "b", 0) == 200_000


NAMES = [f"p{number:04}" for number in range(2000)]


@pytest.mark.parametrize(
    ("changed", "own"),
    [
        (NAMES, 0),
        (NAMES[:700] + NAMES[701:], 1),
        ([*NAMES[:700], "new", *NAMES[700:]], 0),
        ([*NAMES[:700], "other", *NAMES[701:1500], "x", "y", *NAMES[1500:]], 1),
        (["new", *NAMES], 0),
        (NAMES[1:], 1),
        (NAMES[:-1], 1),
        ([*NAMES, "new"], 0),
        (NAMES[:100] + [f"new{n}" for n in range(500)] + NAMES[100:], 0),
        (NAMES[:100] + NAMES[600:], 500),
        (NAMES[5:] + NAMES[:5], 5),
    ],
)
def test_all_but_what_differs_is_shared(changed: list[str], own: int) -> None:
    assert shared(",".join(NAMES), ",".join(changed)) == len(NAMES) - own


def test_texts_without_a_common_piece_take_no_more_than_twice_their_pieces() -> None:
    others = [f"q{number}" for number in range(2000)]
    assert shared(",".join(NAMES), ",".join(others)) == 0
