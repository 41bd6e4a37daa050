"""Signals from the registry's own statements, discovered automatically: one module each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple, Protocol, cast

from npm_vetted._plugins import import_part, parts
from npm_vetted.registry.packument import Packument, Release
from npm_vetted.review.signals.comparison import Reason


class PackageAge(NamedTuple):
    """How old a package is: when it was first published, and how many versions it has."""

    created: datetime | None
    versions: int


def age_of(packument: Packument) -> PackageAge:
    """A package's age, without the megabytes that say it."""
    return PackageAge(packument.created, len(packument.versions))


class ReleaseStep(NamedTuple):
    """A release, and the one it is compared with (None: the package is new).

    ``look_up`` answers with another package's age and raises UndecidedError where the registry
    does not.
    """

    packument: Packument
    release: Release
    base: Release | None
    look_up: Callable[[str], PackageAge]
    now: datetime


class Statement(Protocol):
    """The interface of each module of this package."""

    CODES: tuple[str, ...]
    """The codes of its reasons, each with a weight in ``table.WEIGHTS``."""

    def observe(self, step: ReleaseStep) -> Iterator[Reason]:
        """The reasons in the registry's statements; raises UndecidedError if these are missing."""


def registry_signals() -> list[Statement]:
    """Every signal that the registry's statements show."""
    return [cast("Statement", import_part(f"{__name__}.{name}")) for name in parts(__path__)]
