"""The names to compare with: popular packages, known products, a repository's own packages."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from functools import cache, cached_property
from typing import Final

from npm_vetted.packages.lookalikes.slips import (
    EVERYWHERE,
    FEW,
    SHORTEST,
    Near,
    Slip,
    lines,
    skeleton_of,
    skeletons,
)

_USED_RANK: Final = 500
"""What the repository uses counts as this popular."""
_PRODUCT_RANK: Final = 8_000
"""What is popular elsewhere counts as this popular: close slips, ``node-`` and ``.js`` reach it."""


class Index:
    """Known names, the most popular first, prepared for lookups of spellings.

    For a few lookups the names are one text that is searched; for many they are indexed.
    """

    def __init__(self, text: str, rank: int | None = None) -> None:
        self._text = text
        self._rank = rank
        self._asked = 0

    def __len__(self) -> int:
        return self._text.count("\n") - 1

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.rank(name) != EVERYWHERE

    def rank(self, name: str) -> int:
        """How popular a name is, 0 the most; beyond every reach where it is not known."""
        if self._is_asked_often():
            return self._ranks.get(name, EVERYWHERE)
        return EVERYWHERE if "\n" in name else self._place(f"\n{name}\n")

    def scope_rank(self, scope: str) -> int:
        """How popular the best known package of a scope is."""
        if not scope.startswith("@"):
            return EVERYWHERE
        if self._is_asked_often():
            return self._scopes.get(scope, EVERYWHERE)
        return EVERYWHERE if "\n" in scope else self._place(f"\n{scope}/")

    def alike(self, spelled: str, reach: int = EVERYWHERE) -> str | None:
        """The known name within reach that looks the same as this spelling."""
        known = self._looking(skeletons([spelled])[0])
        return known if known and self.rank(known) < reach else None

    def slipped(self, name: str) -> Iterator[tuple[str, Slip]]:
        """The known names from which one slip makes ``name``, where that counts."""
        for known, found in self._near.to(name):
            if not known.startswith("@") and found.counts(known, self.rank(known)):
                yield known, found

    def slipped_scopes(self, scope: str) -> Iterator[tuple[str, Slip]]:
        """The known scopes from which one slip makes ``scope``, both without their ``@``."""
        return self._near_scopes.to(scope)

    def _is_asked_often(self) -> bool:
        self._asked += 1
        return self._asked > FEW

    def _place(self, line: str) -> int:
        """The rank of the first name whose line begins with a text, or equals it."""
        at = self._text.find(line)
        if at < 0:
            return EVERYWHERE
        return self._text.count("\n", 0, at) if self._rank is None else self._rank

    def _looking(self, skeleton: str) -> str | None:
        """The most popular name of a skeleton; None if there is none, or if it has only separators."""
        if not skeleton or "\n" in skeleton:
            return None
        if self._is_asked_often():
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
        return skeleton_of(self._text)

    @cached_property
    def _names(self) -> list[str]:
        return self._text[1:-1].split("\n") if len(self._text) > 1 else []

    @cached_property
    def _ranks(self) -> dict[str, int]:
        # The last of equal keys stays: of a name that is there twice, the first place.
        places = range(len(self)) if self._rank is None else [self._rank] * len(self)
        return dict(zip(reversed(self._names), reversed(places), strict=True))

    @cached_property
    def _near(self) -> Near:
        return Near(self._text, SHORTEST)  # half a short name is in most lines: slow to search

    @cached_property
    def _scopes(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for place, name in enumerate(self._names):
            if name.startswith("@") and "/" in name:
                rank = place if self._rank is None else self._rank
                found.setdefault(name.partition("/")[0], rank)
        return found

    @cached_property
    def _near_scopes(self) -> Near:
        return Near(lines(scope[1:] for scope in self._scopes))


def is_popular(name: str) -> bool:
    """Whether this is one of the popular packages; for one name, quicker than the index."""
    return f"\n{name}\n" in _packages()


def unpopular(names: Collection[str]) -> list[str]:
    """Those of some names that are no popular packages. It is the first filter: most new names are popular."""
    if len(names) <= FEW:
        return [name for name in names if not is_popular(name)]
    left = set(names).difference(_packages().split())
    return [name for name in names if name in left]


@cache
def popular() -> Index:
    """The popular packages."""
    return Index(_packages())


@cache
def products() -> Index:
    """Products known from elsewhere, whose names people expect on npm."""
    return Index(_data()[1], _PRODUCT_RANK)


def used(names: Collection[str]) -> Index:
    """The names that a repository uses already, without the popular ones, which are known anyway."""
    return Index(lines(name for name in unpopular(names) if name.isprintable()), _USED_RANK)


def _packages() -> str:
    return _data()[0]


@cache
def _data() -> tuple[str, str]:
    """The popular packages and the products, one a line, each line between two newlines."""
    home = os.path.dirname(__file__)  # noqa: PTH120
    with open(os.path.join(home, "popular-names.txt"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
        text = file.read()
    packages, _, others = text.partition("\n# packages")[2].partition("# products")
    return packages, others
