"""The signals, discovered automatically: one module each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, cast

from npm_vetted._plugins import import_part, parts
from npm_vetted.review.signals.comparison import PackageComparison, Reason


class Signal(Protocol):
    """The interface of each module of this package."""

    CODES: tuple[str, ...]
    """The codes of its reasons, each with a weight in ``table.WEIGHTS``."""

    def find(self, comparison: PackageComparison) -> Iterator[Reason]:
        """The reasons that this signal finds, without any request."""


def tarball_signals() -> list[Signal]:
    """Every signal that two tarballs show."""
    return [cast("Signal", import_part(f"{__name__}.{name}")) for name in parts(__path__)]
