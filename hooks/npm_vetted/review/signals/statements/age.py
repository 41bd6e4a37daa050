"""Packages that are very young: a new dependency, or the new package itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from npm_vetted.registry.packument import AbsentError, Release
from npm_vetted.review.signals.comparison import Reason, aliased_package
from npm_vetted.review.signals.statements import PackageAge, ReleaseStep, age_of

CODES = ("dep-young",)
_YOUNG: Final = timedelta(days=30)
_FEW: Final = 3


def observe(step: ReleaseStep) -> Iterator[Reason]:
    """The new package itself, and each dependency that the earlier version did not have."""
    release, base = step.release, step.base
    if base is None:
        said = _said_of(age_of(step.packument), step.now)
        if said:
            yield Reason("dep-young", f"a new package {said}")
    had = _dependencies(base) if base else frozenset()
    for name in sorted(_dependencies(release) - had):
        try:
            age = step.look_up(name)
        except AbsentError:
            yield Reason("dep-young", f"new dependency that the registry does not have: {name}")
            continue
        said = _said_of(age, release.published or step.now)
        if said:
            yield Reason("dep-young", f"new dependency {said}: {name}")


def _dependencies(release: Release) -> frozenset[str]:
    named = {**release.dependencies, **release.optional}
    return frozenset(aliased_package(loaded, wanted) for loaded, wanted in named.items())


def _said_of(age: PackageAge, then: datetime) -> str:
    created, versions = age
    if created is not None and then - created < _YOUNG:
        return f"that was {max((then - created).days, 0)} days old"
    if versions < _FEW and created is not None and then - created < 12 * _YOUNG:
        return f"with {versions} version{'s' if versions != 1 else ''}"
    return ""
