"""Typing and reading errors: the names that one error makes of a known name."""

from __future__ import annotations

import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from functools import cache, cached_property
from itertools import takewhile
from typing import Final, NamedTuple

SEPARATORS: Final = "-_."
EVERYWHERE: Final = 1_000_000
"""A rank, or a reach, beyond that of every known name."""

FEW: Final = 50
"""So many searches of a text cost what an index costs."""

_LEFT_OUT: Final = f"{SEPARATORS}/@".encode()
_LOOKS: Final = str.maketrans(
    "01iаеорсухіјѕԁһӏкмтвнαορνικτυχ|",
    "ollaeopcyxljsdhlkmtbhaopvlktuxl",
)
"""Digits, Cyrillic and Greek letters that are read as a Latin one; i, l and 1 as each other."""
_PLAIN_LOOKS: Final = bytes(
    ord(chr(code).casefold().translate(_LOOKS)) if code < 128 else code for code in range(256)
)
"""The same for ASCII, with the case: 20,000 names take 1.9 ms, and not 3.5."""
_UNSEEN: Final = frozenset({"Mn", "Cf"})
"""Unicode categories: marks on a letter, characters of no width."""


def skeletons(names: Sequence[str]) -> list[str]:
    """Names without case, accents and separators, and with one letter for all that look like it.

    One pass over the text of all names is ten times as quick as one for each name.
    """
    if not names:
        return []
    text = "\n".join(names)
    if text.count("\n") >= len(names):  # a hostile name holds one itself
        text = "\n".join(name.replace("\n", "") for name in names)
    return skeleton_of(text).split("\n")


def skeleton_of(text: str) -> str:
    """The skeletons of all the names in a text, line by line."""
    if text.isascii():
        text = text.encode().translate(_PLAIN_LOOKS, _LEFT_OUT).decode()
    else:
        text = "".join(
            char
            for char in unicodedata.normalize("NFKD", text)
            if unicodedata.category(char) not in _UNSEEN
        )
        text = text.casefold().translate(_LOOKS)
        for separator in SEPARATORS + "/@":
            text = text.replace(separator, "")
    return text.replace("rn", "m").replace("vv", "w")


def lines(names: Iterable[str]) -> str:
    """Names as a text to search, each line between two line ends."""
    return "".join(["\n", *(f"{name}\n" for name in names)])


class SlipKind(Enum):
    """Kinds of slip, by how seldom an honest name is one."""

    CLOSE = auto()
    """Two letters swapped, one doubled, or one for its neighbour on the keyboard."""
    ADDED = auto()
    DROPPED = auto()
    REPLACED = auto()
    START = auto()
    """The first letter of a word added, dropped or replaced: honest names rhyme."""
    DIGIT = auto()
    """A digit added, dropped or replaced: honest names count."""


_REACH: Final = {
    SlipKind.CLOSE: (1_000, 5_000, 10_000, 10_000),
    SlipKind.ADDED: (0, 1_500, 7_000, 8_000),
    SlipKind.DROPPED: (0, 1_500, 7_000, 8_000),
    SlipKind.REPLACED: (0, 300, 2_000, 6_000),
    SlipKind.START: (0, 0, 500, 1_000),
    SlipKind.DIGIT: (0, 300, 1_000, 1_500),
}
"""How far down the list a slip counts, for known names of 4, 5, 6, and 7 or more letters."""
SHORTEST: Final = 4
"""No slip counts in a known name of fewer letters."""

_WORD_MARGIN: Final = 2
"""A slip in a short word of a long name makes another word (``cp-cli``, ``cf-cli``)."""


class Slip(NamedTuple):
    """One error in a known name, and the letter at which it is."""

    kind: SlipKind
    at: int
    how: str

    def counts(self, known: str, rank: int) -> bool:
        """Whether a known name of this rank is popular enough for it."""
        start = max(known.rfind(separator, 0, self.at) for separator in SEPARATORS) + 1
        ends = (known.find(separator, self.at) for separator in SEPARATORS)
        word = min((end for end in ends if end >= 0), default=len(known)) - start
        length = min(len(known), word + _WORD_MARGIN, 7)
        return length >= SHORTEST and rank < _REACH[self.kind][length - SHORTEST]


def slip(known: str, name: str) -> Slip | None:
    """The one slip that makes ``name`` of ``known``; None: none or more than one does."""
    longer = len(name) - len(known)
    at = next((i for i, (a, b) in enumerate(zip(known, name, strict=False)) if a != b), -1)
    if at < 0:
        at = min(len(known), len(name))
    if longer == 1 and name[at + 1 :] == known[at:]:
        return Slip(_kind_of_one(name, at, SlipKind.ADDED), at, f"adds {name[at]!r}")
    if longer == -1 and known[at + 1 :] == name[at:]:
        return Slip(_kind_of_one(known, at, SlipKind.DROPPED), at, f"drops {known[at]!r}")
    if longer == 0 and at < len(known):
        if known[at + 1 :] == name[at + 1 :]:
            how = f"has {name[at]!r} in place of {known[at]!r}"
            return Slip(_kind_of_replacing(known, name, at), at, how)
        if known[at : at + 2] == name[at : at + 2][::-1] and known[at + 2 :] == name[at + 2 :]:
            return Slip(SlipKind.CLOSE, at, f"swaps {known[at : at + 2]!r}")
    return None


def _kind_of_one(longer: str, at: int, otherwise: SlipKind) -> SlipKind:
    if longer[at].isdigit():
        return SlipKind.DIGIT
    if at and longer[at] == longer[at - 1]:
        return SlipKind.CLOSE
    return SlipKind.START if _starts_word(longer, at) else otherwise


def _kind_of_replacing(known: str, name: str, at: int) -> SlipKind:
    if known[at].isdigit() or name[at].isdigit():
        return SlipKind.DIGIT
    if _starts_word(known, at):
        return SlipKind.START
    return SlipKind.CLOSE if name[at] in _keys_around(known[at]) else SlipKind.REPLACED


def _starts_word(name: str, at: int) -> bool:
    return not at or name[at - 1] in SEPARATORS


@cache
def _keys_around(key: str) -> frozenset[str]:
    rows = ("qwertyuiop", "asdfghjkl", "zxcvbnm")  # each lies half a key right of the one above
    places = {char: (row, at) for row, keys in enumerate(rows) for at, char in enumerate(keys)}
    if key not in places:
        return frozenset()
    row, at = places[key]
    around = {(row, at - 1), (row, at + 1), (row - 1, at), (row - 1, at + 1), (row + 1, at - 1)}
    return frozenset(char for char, place in places.items() if place in around | {(row + 1, at)})


class Near:
    """Finds the names that are one slip away.

    A slip touches one or two neighbouring letters, so it leaves the first half of a name or its
    second half as it was: two look-ups for each possible length find every candidate. A few names
    are looked up by a search of the text; for many the halves are indexed.
    """

    def __init__(self, text: str, shortest: int = 1) -> None:
        self._text = text
        self._shortest = shortest
        self._asked = 0

    def to(self, name: str) -> Iterator[tuple[str, Slip]]:
        """The names of at least the shortest length from which one slip makes ``name``, each with that slip."""
        self._asked += 1
        candidates = self._searched if self._asked <= FEW else self._indexed
        for length in range(max(len(name) - 1, self._shortest), len(name) + 2):
            for known in candidates(name, length):
                found = slip(known, name)
                if found is not None:
                    yield known, found

    def _searched(self, name: str, length: int) -> Iterable[str]:
        """The names of a length that share a half with ``name``, those with its first half first."""
        half = (length - 1) // 2
        heads = self._beginning(name[:half], length)
        tails = self._ending(name[len(name) - half :], length)
        return dict.fromkeys([*heads, *tails])

    @cached_property
    def _names(self) -> list[str]:
        return self._text[1:-1].split("\n") if len(self._text) > 1 else []

    def _beginning(self, head: str, length: int) -> Iterator[str]:
        text, start = self._text, f"\n{head}"
        at = text.find(start)
        while at >= 0:
            if text.find("\n", at + 1) == at + 1 + length:
                yield text[at + 1 : at + 1 + length]
            at = text.find(start, at + 1)

    def _ending(self, tail: str, length: int) -> Iterator[str]:
        text, end = self._text, f"{tail}\n"
        at = text.find(end, 1)
        while at >= 0:
            stop = at + len(tail)
            if stop > length and text.rfind("\n", 0, stop) == stop - length - 1:
                yield text[stop - length : stop]
            at = text.find(end, at + 1)

    def _indexed(self, name: str, length: int) -> Iterable[str]:
        names, half = self._names, (length - 1) // 2
        heads, tails = self._sorted(length)
        first = _starting(heads, name[:half], names.__getitem__)
        second = _starting(tails, name[len(name) - half :][::-1], self._backwards)
        return dict.fromkeys(names[at] for at in (*first, *second))

    def _backwards(self, at: int) -> str:
        return self._names[at][::-1]

    def _sorted(self, length: int) -> tuple[Sequence[int], Sequence[int]]:
        """The places of the names of a length, sorted by the names and by the names read backwards.

        A table of the halves of 20,000 names would take 4 MB.
        """
        if length not in self._orders:
            places = self._lengths.get(length, [])
            self._orders[length] = (
                array("I", sorted(places, key=self._names.__getitem__)),
                array("I", sorted(places, key=self._backwards)),
            )
        return self._orders[length]

    @cached_property
    def _orders(self) -> dict[int, tuple[Sequence[int], Sequence[int]]]:
        return {}

    @cached_property
    def _lengths(self) -> Mapping[int, Sequence[int]]:
        found: dict[int, array[int]] = {}
        for at, name in enumerate(self._names):
            found.setdefault(len(name), array("I")).append(at)
        return found


def _starting(places: Sequence[int], start: str, spelled: Callable[[int], str]) -> list[int]:
    """Of some places in the order of what is spelled there, those that begin so, the lowest first."""
    first = bisect_left(places, start, key=spelled)
    return sorted(takewhile(lambda at: spelled(at).startswith(start), places[first:]))
