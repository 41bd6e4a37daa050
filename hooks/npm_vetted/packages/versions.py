"""Versions in semver's order, and the steps between them."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from semver import Version

STEPS: Final = ("major", "minor", "patch")
ARRIVALS: Final = (*STEPS, "new")
"""How a version comes in: by a step from an earlier one, or as a package that is new."""


@cache
def parse_version(text: str) -> Version | None:
    """A version by semver 2; None where it is none (a git source, a made-up one)."""
    from semver import Version

    try:
        return Version.parse(text)
    except ValueError:
        return None


def step(old: str, new: str) -> str:
    """The semver step from one version to another: major, minor or patch.

    These are major steps too: versions that semver cannot read, every minor step below 1.0 (npm's
    own caret rule), a downgrade, and a step to or from a prerelease, which promises no
    compatibility.
    """
    before, after = parse_version(old), parse_version(new)
    if before is None or after is None or before.major != after.major or after < before:
        return "major"
    if before != after and (before.prerelease or after.prerelease):
        return "major"
    if before.minor != after.minor:
        return "major" if after.major == 0 else "minor"
    return "patch"


def newest(versions: list[str]) -> str | None:
    """The highest of some versions; a version that semver cannot read counts as lowest."""
    readable = [(found, text) for text in versions if (found := parse_version(text)) is not None]
    if readable:
        return max(readable, key=lambda pair: pair[0])[1]
    return max(versions, default=None)


def nearest(versions: Collection[str], version: str) -> str | None:
    """Where a version comes from: the highest of some that is not above it, else the lowest.

    A repository locks several lines of a package side by side. A new release of the 1.x line is a
    step from 1.x, and no downgrade from 5.x.
    """
    if (
        len(versions) <= 1
    ):  # most packages: semver, whose import takes 10 ms, has nothing to compare
        return next(iter(versions), None)
    wanted = parse_version(version)
    readable = [(found, text) for text in versions if (found := parse_version(text)) is not None]
    if wanted is None or not readable:
        return newest(list(versions))
    below = [pair for pair in readable if pair[0] <= wanted]
    if below:
        return max(below, key=lambda pair: pair[0])[1]
    return min(readable, key=lambda pair: pair[0])[1]
