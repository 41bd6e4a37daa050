"""The names that others are held against: popular packages, known products, a repository's own."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from functools import cache, cached_property
from typing import Final

from npm_vetted.lookalikes.slips import EVERYWHERE, FEW, Near, Slip, skeletons

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
        return self._ranks.get(name, EVERYWHERE)

    def scope_rank(self, scope: str) -> int:
        """How popular the best known package of a scope is."""
        if not scope.startswith("@"):
            return EVERYWHERE
        return self._scopes.get(scope, EVERYWHERE)

    def alike(self, spelled: str, reach: int = EVERYWHERE) -> str | None:
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
        if self._asked > FEW:
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
    def _near(self) -> Near:
        return Near(name for name in self._ranks if not name.startswith("@"))

    @cached_property
    def _scopes(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for name, place in self._ranks.items():
            if name.startswith("@"):
                found.setdefault(name.partition("/")[0], place)
        return found

    @cached_property
    def _near_scopes(self) -> Near:
        return Near(scope[1:] for scope in self._scopes)


def is_popular(name: str) -> bool:
    """Whether this is one of the popular packages; for one name, quicker than the index."""
    return f"\n{name}\n" in _packages()


def unpopular(names: Collection[str]) -> list[str]:
    """Those of these names that are not popular packages: most new ones are, so ask this first."""
    if len(names) <= FEW:
        return [name for name in names if not is_popular(name)]
    index = popular()
    return [name for name in names if name not in index]


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
    home = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120
    with open(os.path.join(home, "data", "popular-names.txt"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
        text = file.read()
    packages, _, others = text.partition("\n# packages")[2].partition("# products")
    return packages, others
