"""Finds the known package that a new name imitates: it is one typing or reading error away.

Known are the popular packages and the products known from elsewhere (``popular-names.txt``,
made by ``tools/popular_names.py``), and the names that a repository already uses.

Honest names resemble popular ones too, the shorter the nearer. Hence a rule counts only where the
known name is popular enough: its reach is how far down the list, for slips by the length of the
name. The figures were chosen by the rate of honest names that are flagged, never name by name;
``tests/packages/test_lookalikes.py`` holds that rate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Final, NamedTuple

from npm_vetted.packages.lookalikes.known import Index, popular, products
from npm_vetted.packages.lookalikes.slips import EVERYWHERE, skeletons

LONGEST: Final = 214
"""The npm registry takes no longer name: of a longer one, no more than this is compared."""


class Lookalike(NamedTuple):
    """The known name that a new one looks like, and in words how the new one differs from it."""

    known: str
    how: str


Rule = Callable[[str, Index], Iterator[Lookalike]]

_FRONTS: Final = {
    "nodejs-": 4_000,
    "node-": EVERYWHERE,
    "node": EVERYWHERE,
    "js-": 4_000,
    "npm-": 8_000,
}
_BACKS: Final = {
    ".js": EVERYWHERE,
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


def lookalike(name: str, own: Index | None = None) -> Lookalike | None:
    """The first of the ``lookalikes`` of a name."""
    return next(lookalikes(name, own), None)


def lookalikes(name: str, own: Index | None = None) -> Iterator[Lookalike]:
    """The names, popular or used by the repository, that a new name looks like, each once.

    None for a name that is itself known, and for one in a scope that a known name is in: only
    the scope's owner can publish there.
    """
    known = [popular(), *([] if own is None else [own])]
    scope = name.partition("/")[0]
    if any(name in index or index.scope_rank(scope) < EVERYWHERE for index in known):
        return
    short = "".join(name.split())[:LONGEST]
    rules = _SCOPED if short.startswith("@") else _UNSCOPED
    asked = [(rule, index) for rule in rules for index in known]
    if rules is _UNSCOPED and short not in products():
        asked += [(rule, products()) for rule in _OF_PRODUCTS]
    seen: set[str] = set()
    module = _module_of(short)
    for rule, index in asked:
        for match in rule(short, index):
            if match.known not in seen and not (module and _module_of(match.known) == module):
                seen.add(match.known)
                yield match


def _module_of(name: str) -> str:
    """A module's URL without its numbers, which are its version; "" for a package."""
    return "" if name.startswith("@") or "/" not in name else re.sub(r"\d+", "0", name)


def _looks_the_same(name: str, index: Index) -> Iterator[Lookalike]:
    known = index.alike(name, _LOOKS_REACH)
    if known is None:
        return
    if known.startswith("@") and not name.startswith("@"):
        if index.rank(known) < _LOOKS_SCOPED_REACH:
            yield Lookalike(known, "differs only in the scope and its separators")
    else:
        yield Lookalike(known, "differs only in case, separators or letters that look alike")


def _without_affix(name: str) -> Iterator[tuple[str, str, int]]:
    """A name without each affix that it has, with that affix and its reach."""
    for front, reach in _FRONTS.items():
        if name.startswith(front):
            yield name[len(front) :], front, reach
    for back, reach in _BACKS.items():
        if name.endswith(back):
            yield name[: -len(back)], back, reach


def _affix_added(name: str, index: Index) -> Iterator[Lookalike]:
    for core, affix, reach in _without_affix(name):
        known = index.alike(core, reach)
        if known is not None and len(core) >= (2 if affix == ".js" else 3):
            yield Lookalike(known, f"adds {affix!r}")


def _affix_dropped(name: str, index: Index) -> Iterator[Lookalike]:
    for spelled, word in ((f"{name}js", "js"), (f"node{name}", "node"), (f"{name}node", "node")):
        known = index.alike(spelled, _AFFIX_DROPPED_REACH)
        if known is not None and len(name) >= 5:
            yield Lookalike(known, f"leaves {word!r} out")


def _slipped(name: str, index: Index) -> Iterator[Lookalike]:
    for known, found in index.slipped(name):
        yield Lookalike(known, found.how)


def _affix_added_and_slipped(name: str, index: Index) -> Iterator[Lookalike]:
    for core, affix, reach in _without_affix(name):
        for known, found in index.slipped(core):
            if len(known) >= 6 and index.rank(known) < reach:
                yield Lookalike(known, f"adds {affix!r} and {found.how}")


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[-_.]", name) if word]


def _reordered(name: str, index: Index) -> Iterator[Lookalike]:
    words = _words(name)
    if len(words) > _MOST_WORDS:
        return
    for order in permutations(words):
        known = index.alike("".join(order), _REORDER_REACH)
        if known is not None and not known.startswith("@"):
            yield Lookalike(known, "has the same words in another order")


def _filled(name: str, index: Index) -> Iterator[Lookalike]:
    words = _words(name)
    for at in {0, len(words) - 1} if len(words) > 1 else ():
        if words[at].lower() in _FILLERS:
            known = index.alike("".join(words[:at] + words[at + 1 :]), _FILLER_REACH)
            if known is not None and len(known) >= 4:
                yield Lookalike(known, f"adds {words[at]!r}")


def _scope_slipped(name: str, index: Index) -> Iterator[Lookalike]:
    scope, _, base = name[1:].partition("/")
    for other, found in index.slipped_scopes(scope):
        known = f"@{other}/{base}"
        if known in index:
            yield Lookalike(known, f"its scope {found.how}")
        elif found.counts(other, index.scope_rank(f"@{other}")):
            yield Lookalike(f"@{other}/", f"its scope {found.how}")


def _scope_affixed(name: str, index: Index) -> Iterator[Lookalike]:
    scope, _, base = name[1:].partition("/")
    others = [other for other, _, _ in _without_affix(scope)]
    for other in (*others, f"{scope}js", f"{scope}-js", f"{scope}.js"):
        if f"@{other}/{base}" in index:
            yield Lookalike(f"@{other}/{base}", "its scope adds or drops 'js', 'node' or 'npm'")


def _scope_repeats(name: str, index: Index) -> Iterator[Lookalike]:
    scope, _, base = name[1:].partition("/")
    known = index.alike(base, _LOOKS_REACH)
    if known is not None and skeletons([scope]) == skeletons([known]):
        yield Lookalike(known, "puts the package into a scope of its name")


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
