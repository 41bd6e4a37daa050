"""Which known package a new name imitates: one slip of the finger or of the eye away.

Known are the popular packages and the products known from elsewhere (``data/popular-names.txt``,
made by ``tools/popular_names.py``), and the names that a repository already uses.

Honest names stand near popular ones too, the shorter the nearer. Hence a rule counts only where the
known name is popular enough: its reach is how far down the list, for slips by the length of the
name. The figures were chosen by the rate of honest names that are flagged, never name by name;
``tests/test_lookalikes.py`` holds that rate.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache, cached_property
from itertools import permutations
from pathlib import Path
from typing import Final

LONGEST: Final = 214
"""The npm registry takes no longer name: of a longer one, no more than this is compared."""

_SEPARATORS: Final = "-_."
_EVERYWHERE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Match:
    """The known name that a new one looks like, and in words how the new one differs from it."""

    known: str
    how: str


# --- what the eye sees -------------------------------------------------------------------------

_LOOKS: Final = str.maketrans(
    "01iаеорсухіјѕԁһӏкмтвнαορνικτυχ|",
    "ollaeopcyxljsdhlkmtbhaopvlktuxl",
)
"""Digits, Cyrillic and Greek letters that are read as a Latin one; i, l and 1 as each other."""
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
    if not text.isascii():
        text = "".join(
            char
            for char in unicodedata.normalize("NFKD", text)
            if unicodedata.category(char) not in _UNSEEN
        )
    text = text.casefold().translate(_LOOKS)
    for separator in _SEPARATORS + "/@":
        text = text.replace(separator, "")
    return text.replace("rn", "m").replace("vv", "w").split("\n")


# --- one slip of the finger --------------------------------------------------------------------


class Kind(Enum):
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
    Kind.CLOSE: (1_000, 5_000, 10_000, 10_000),
    Kind.ADDED: (0, 1_500, 7_000, 8_000),
    Kind.DROPPED: (0, 1_500, 7_000, 8_000),
    Kind.REPLACED: (0, 300, 2_000, 6_000),
    Kind.START: (0, 0, 500, 1_000),
    Kind.DIGIT: (0, 300, 1_000, 1_500),
}
"""How far down the list a slip counts, for known names of 4, 5, 6, and 7 or more letters."""

_WORD_MARGIN: Final = 2
"""A slip in a short word of a long name makes another word (``cp-cli``, ``cf-cli``)."""


@dataclass(frozen=True, slots=True)
class Slip:
    """What one slip did to a known name, and at which letter of it."""

    kind: Kind
    at: int
    how: str

    def counts(self, known: str, rank: int) -> bool:
        """Whether a known name of this rank is popular enough for it."""
        start = max(known.rfind(separator, 0, self.at) for separator in _SEPARATORS) + 1
        ends = (known.find(separator, self.at) for separator in _SEPARATORS)
        word = min((end for end in ends if end >= 0), default=len(known)) - start
        length = min(len(known), word + _WORD_MARGIN, 7)
        return length >= 4 and rank < _REACH[self.kind][length - 4]


def slip(known: str, name: str) -> Slip | None:
    """The one slip that makes ``name`` of ``known``; None: none or more than one does."""
    longer = len(name) - len(known)
    at = next((i for i, (a, b) in enumerate(zip(known, name, strict=False)) if a != b), -1)
    if at < 0:
        at = min(len(known), len(name))
    if longer == 1 and name[at + 1 :] == known[at:]:
        return Slip(_kind_of_one(name, at, Kind.ADDED), at, f"adds {name[at]!r}")
    if longer == -1 and known[at + 1 :] == name[at:]:
        return Slip(_kind_of_one(known, at, Kind.DROPPED), at, f"drops {known[at]!r}")
    if longer == 0 and at < len(known):
        if known[at + 1 :] == name[at + 1 :]:
            how = f"has {name[at]!r} in place of {known[at]!r}"
            return Slip(_kind_of_replacing(known, name, at), at, how)
        if known[at : at + 2] == name[at : at + 2][::-1] and known[at + 2 :] == name[at + 2 :]:
            return Slip(Kind.CLOSE, at, f"swaps {known[at : at + 2]!r}")
    return None


def _kind_of_one(longer: str, at: int, otherwise: Kind) -> Kind:
    if longer[at].isdigit():
        return Kind.DIGIT
    if at and longer[at] == longer[at - 1]:
        return Kind.CLOSE
    return Kind.START if _starts_word(longer, at) else otherwise


def _kind_of_replacing(known: str, name: str, at: int) -> Kind:
    if known[at].isdigit() or name[at].isdigit():
        return Kind.DIGIT
    if _starts_word(known, at):
        return Kind.START
    return Kind.CLOSE if name[at] in _keys_around(known[at]) else Kind.REPLACED


def _starts_word(name: str, at: int) -> bool:
    return not at or name[at - 1] in _SEPARATORS


@cache
def _keys_around(key: str) -> frozenset[str]:
    rows = ("qwertyuiop", "asdfghjkl", "zxcvbnm")  # each lies half a key right of the one above
    places = {char: (row, at) for row, keys in enumerate(rows) for at, char in enumerate(keys)}
    if key not in places:
        return frozenset()
    row, at = places[key]
    around = {(row, at - 1), (row, at + 1), (row - 1, at), (row - 1, at + 1), (row + 1, at - 1)}
    return frozenset(char for char, place in places.items() if place in around | {(row + 1, at)})


class _Near:
    """Finds the names that are one slip away.

    A slip touches one or two neighbouring letters, so it leaves the first half of a name or its
    second half as it was: two look-ups for each possible length find every candidate. A few names
    are looked up by a search of the text; for many the halves are indexed.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)
        self._asked = 0

    def to(self, name: str) -> Iterator[tuple[str, Slip]]:
        """The names from which one slip makes ``name``, each with that slip."""
        self._asked += 1
        candidates = self._searched if self._asked <= _FEW else self._indexed
        for length in range(max(len(name) - 1, 1), len(name) + 2):
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
    def _text(self) -> str:
        """A name a line; one that holds a line's end itself would be two, and is never searched."""
        return "".join(["\n", *(f"{name}\n" for name in self._names)])

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
        half = (length - 1) // 2
        heads = self._heads.get((length, name[:half]), [])
        tails = self._tails.get((length, name[len(name) - half :]), [])
        return dict.fromkeys([*heads, *tails])

    @cached_property
    def _heads(self) -> dict[tuple[int, str], list[str]]:
        found: dict[tuple[int, str], list[str]] = {}
        for name in self._names:
            found.setdefault((len(name), name[: (len(name) - 1) // 2]), []).append(name)
        return found

    @cached_property
    def _tails(self) -> dict[tuple[int, str], list[str]]:
        found: dict[tuple[int, str], list[str]] = {}
        for name in self._names:
            half = (len(name) - 1) // 2
            found.setdefault((len(name), name[len(name) - half :]), []).append(name)
        return found


# --- known names -------------------------------------------------------------------------------

_USED_RANK: Final = 500
"""What the repository uses counts as this popular."""
_PRODUCT_RANK: Final = 8_000
"""What is popular elsewhere counts as this popular: close slips, ``node-`` and ``.js`` reach it."""


class Index:
    """Known names, the most popular first, ready to be asked for a spelling; built when asked."""

    def __init__(self, names: Iterable[str], rank: int | None = None) -> None:
        ordered = dict.fromkeys(names)
        places = range(len(ordered)) if rank is None else [rank] * len(ordered)
        self._ranks = dict(zip(ordered, places, strict=True))
        self._asked = 0

    def __len__(self) -> int:
        return len(self._ranks)

    def __contains__(self, name: object) -> bool:
        return name in self._ranks

    def rank(self, name: str) -> int:
        """How popular a name is, 0 the most; beyond every reach where it is not known."""
        return self._ranks.get(name, _EVERYWHERE)

    def scope_rank(self, scope: str) -> int:
        """How popular the best known package of a scope is."""
        if not scope.startswith("@"):
            return _EVERYWHERE
        return self._scopes.get(scope, _EVERYWHERE)

    def alike(self, spelled: str, reach: int = _EVERYWHERE) -> str | None:
        """The known name within reach that looks the same as this spelling."""
        known = self._looking(skeletons([spelled])[0])
        return known if known and self.rank(known) < reach else None

    def slipped(self, name: str) -> Iterator[tuple[str, Slip]]:
        """The known names from which one slip makes ``name``, where that counts."""
        for known, found in self._near.to(name):
            if found.counts(known, self.rank(known)):
                yield known, found

    def slipped_scopes(self, scope: str) -> Iterator[tuple[str, Slip]]:
        """The known scopes from which one slip makes ``scope``, both without their ``@``."""
        return self._near_scopes.to(scope)

    def _looking(self, skeleton: str) -> str | None:
        """The most popular name of a skeleton; None: there is none, or nothing but separators."""
        if not skeleton or "\n" in skeleton:
            return None
        self._asked += 1
        if self._asked > _FEW:
            return self._looks.get(skeleton)
        at = self._skeletons.find(f"\n{skeleton}\n")
        return None if at < 0 else self._names[self._skeletons.count("\n", 0, at)]

    @cached_property
    def _looks(self) -> dict[str, str]:
        names = self._names
        # The last of equal keys stays: of names that look the same, the most popular one.
        return dict(zip(reversed(skeletons(names)), reversed(names), strict=True))

    @cached_property
    def _skeletons(self) -> str:
        """A line for each name, the most popular first: for a few, a search beats an index."""
        return "".join(["\n", *(f"{each}\n" for each in skeletons(self._names))])

    @cached_property
    def _names(self) -> list[str]:
        return list(self._ranks)

    @cached_property
    def _near(self) -> _Near:
        return _Near(name for name in self._ranks if not name.startswith("@"))

    @cached_property
    def _scopes(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for name, place in self._ranks.items():
            if name.startswith("@"):
                found.setdefault(name.partition("/")[0], place)
        return found

    @cached_property
    def _near_scopes(self) -> _Near:
        return _Near(scope[1:] for scope in self._scopes)


def is_popular(name: str) -> bool:
    """Whether this is one of the popular packages; for one name, quicker than the index."""
    return f"\n{name}\n" in _packages()


def unpopular(names: Collection[str]) -> list[str]:
    """Those of these names that are not popular packages: most new ones are, so ask this first."""
    if len(names) <= _FEW:
        return [name for name in names if not is_popular(name)]
    index = popular()
    return [name for name in names if name not in index]


_FEW: Final = 50
"""So many searches of the text cost what the index costs."""


@cache
def popular() -> Index:
    """The popular packages."""
    return Index(_packages().split())


@cache
def products() -> Index:
    """Products known from elsewhere, whose names people expect on npm."""
    return Index(_data()[1].split(), rank=_PRODUCT_RANK)


def used(names: Collection[str]) -> Index:
    """What a repository uses already; the popular names among these are known without it."""
    return Index((name for name in unpopular(names) if name.isprintable()), rank=_USED_RANK)


def _packages() -> str:
    return _data()[0]


@cache
def _data() -> tuple[str, str]:
    """The popular packages and the products, one a line, each line between two newlines."""
    text = (Path(__file__).parent / "data" / "popular-names.txt").read_text("utf-8")
    packages, _, others = text.partition("\n# packages")[2].partition("# products")
    return packages, others


# --- the rules ---------------------------------------------------------------------------------

Rule = Callable[[str, Index], Iterator[Match]]

_FRONTS: Final = {
    "nodejs-": 4_000,
    "node-": _EVERYWHERE,
    "node": _EVERYWHERE,
    "js-": 4_000,
    "npm-": 8_000,
}
_BACKS: Final = {
    ".js": _EVERYWHERE,
    "-js": 8_000,
    "_js": 4_000,
    "js": 2_000,
    "-node": 4_000,
    ".node": 4_000,
    "-nodejs": 4_000,
    "-npm": 8_000,
}
"""What is put before or after a name to say where it runs; how far down the list each counts."""
_AFFIX_DROPPED_REACH: Final = 5_000
_LOOKS_SCOPED_REACH: Final = 3_000
_LOOKS_REACH: Final = 12_000

_FILLERS: Final = frozenset(
    {"plain", "pure", "standard", "essential", "essentials", "official", "original", "real"}
    | {"latest", "stable", "npm", "node", "js"}
)
"""Words that add nothing but the claim to be the thing itself."""
_FILLER_REACH: Final = 1_500
_REORDER_REACH: Final = 1_000
_MOST_WORDS: Final = 4


def lookalike(name: str, own: Index | None = None) -> Match | None:
    """The first of the ``lookalikes`` of a name."""
    return next(lookalikes(name, own), None)


def lookalikes(name: str, own: Index | None = None) -> Iterator[Match]:
    """The names, popular or used by the repository, that a new name looks like, each once.

    None for a name that is itself known, and for one in a scope that a known name stands in: only
    the scope's owner can publish there.
    """
    known = [popular(), *([] if own is None else [own])]
    scope = name.partition("/")[0]
    if any(name in index or index.scope_rank(scope) < _EVERYWHERE for index in known):
        return
    short = "".join(name.split())[:LONGEST]
    rules = _SCOPED if short.startswith("@") else _UNSCOPED
    asked = [(rule, index) for rule in rules for index in known]
    if rules is _UNSCOPED and short not in products():
        asked += [(rule, products()) for rule in _OF_PRODUCTS]
    seen: set[str] = set()
    for rule, index in asked:
        for match in rule(short, index):
            if match.known not in seen:
                seen.add(match.known)
                yield match


def _looks_the_same(name: str, index: Index) -> Iterator[Match]:
    known = index.alike(name, _LOOKS_REACH)
    if known is None:
        return
    if known.startswith("@") and not name.startswith("@"):
        if index.rank(known) < _LOOKS_SCOPED_REACH:
            yield Match(known, "differs only in the scope and its separators")
    else:
        yield Match(known, "differs only in case, separators or letters that look alike")


def _without_affix(name: str) -> Iterator[tuple[str, str, int]]:
    """A name without each affix that it has, with that affix and its reach."""
    for front, reach in _FRONTS.items():
        if name.startswith(front):
            yield name[len(front) :], front, reach
    for back, reach in _BACKS.items():
        if name.endswith(back):
            yield name[: -len(back)], back, reach


def _affix_added(name: str, index: Index) -> Iterator[Match]:
    for core, affix, reach in _without_affix(name):
        known = index.alike(core, reach)
        if known is not None and len(core) >= (2 if affix == ".js" else 3):
            yield Match(known, f"adds {affix!r}")


def _affix_dropped(name: str, index: Index) -> Iterator[Match]:
    for spelled, word in ((f"{name}js", "js"), (f"node{name}", "node"), (f"{name}node", "node")):
        known = index.alike(spelled, _AFFIX_DROPPED_REACH)
        if known is not None and len(name) >= 5:
            yield Match(known, f"leaves {word!r} out")


def _slipped(name: str, index: Index) -> Iterator[Match]:
    for known, found in index.slipped(name):
        yield Match(known, found.how)


def _affix_added_and_slipped(name: str, index: Index) -> Iterator[Match]:
    for core, affix, reach in _without_affix(name):
        for known, found in index.slipped(core):
            if len(known) >= 6 and index.rank(known) < reach:
                yield Match(known, f"adds {affix!r} and {found.how}")


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[-_.]", name) if word]


def _reordered(name: str, index: Index) -> Iterator[Match]:
    words = _words(name)
    if len(words) > _MOST_WORDS:
        return
    for order in permutations(words):
        known = index.alike("".join(order), _REORDER_REACH)
        if known is not None and not known.startswith("@"):
            yield Match(known, "has the same words in another order")


def _filled(name: str, index: Index) -> Iterator[Match]:
    words = _words(name)
    for at in {0, len(words) - 1} if len(words) > 1 else ():
        if words[at].lower() in _FILLERS:
            known = index.alike("".join(words[:at] + words[at + 1 :]), _FILLER_REACH)
            if known is not None and len(known) >= 4:
                yield Match(known, f"adds {words[at]!r}")


def _scope_slipped(name: str, index: Index) -> Iterator[Match]:
    scope, _, base = name[1:].partition("/")
    for other, found in index.slipped_scopes(scope):
        known = f"@{other}/{base}"
        if known in index:
            yield Match(known, f"its scope {found.how}")
        elif found.counts(other, index.scope_rank(f"@{other}")):
            yield Match(f"@{other}/", f"its scope {found.how}")


def _scope_affixed(name: str, index: Index) -> Iterator[Match]:
    scope, _, base = name[1:].partition("/")
    others = [other for other, _, _ in _without_affix(scope)]
    for other in (*others, f"{scope}js", f"{scope}-js", f"{scope}.js"):
        if f"@{other}/{base}" in index:
            yield Match(f"@{other}/{base}", "its scope adds or drops 'js', 'node' or 'npm'")


def _scope_repeats(name: str, index: Index) -> Iterator[Match]:
    scope, _, base = name[1:].partition("/")
    known = index.alike(base, _LOOKS_REACH)
    if known is not None and skeletons([scope]) == skeletons([known]):
        yield Match(known, "puts the package into a scope of its name")


_OF_PRODUCTS: Final[tuple[Rule, ...]] = (_affix_added, _slipped, _affix_added_and_slipped)
_UNSCOPED: Final[tuple[Rule, ...]] = (
    _looks_the_same,
    *_OF_PRODUCTS,
    _affix_dropped,
    _reordered,
    _filled,
)
_SCOPED: Final[tuple[Rule, ...]] = (
    _looks_the_same,
    _scope_affixed,
    _scope_slipped,
    _scope_repeats,
)
