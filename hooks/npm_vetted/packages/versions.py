"""Versions in semver's order, and the ranges of the policy's deny entries."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from operator import eq, ge, gt, le, lt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from semver import Version

STEPS: Final = ("major", "minor", "patch")
ARRIVALS: Final = (*STEPS, "new")
"""How a version comes in: by a step from an earlier one, or as a package that is new."""
_OPERATORS: Final[dict[str, Callable[[Version, Version], bool]]] = {
    ">=": ge, "<=": le, ">": gt, "<": lt, "=": eq,
}  # fmt: skip


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


def comparators(text: str) -> list[tuple[str, str]] | None:
    """``3.3.6`` or ``>=1.0.0 <2.0.0`` as (operator, version) pairs; None: not of that form."""
    parts: list[tuple[str, str]] = []
    for word in text.split():
        operator = next((each for each in _OPERATORS if word.startswith(each)), "")
        version = word[len(operator) :]
        if parse_version(version) is None:
            return None
        parts.append((operator or "=", version))
    return parts or None


def matches_versions(version: str | None, wanted: str) -> bool:
    """Whether a version is one that ``wanted`` names; alternatives are separated by ``||``.

    A version that semver cannot read satisfies every range: a deny entry fails closed.
    """
    found = parse_version(version) if version else None
    if found is None:
        return True
    for alternative in wanted.split("||"):
        parts = comparators(alternative)
        if parts is None:
            return True
        if all(_holds(found, operator, bound) for operator, bound in parts):
            return True
    return False


def can_match(wanted: str) -> bool:
    """Whether any version satisfies bounds such as ``>=1.0.0 <2.0.0``.

    If one does, a bound does, the version after a bound, or the first prerelease of a bound.
    """
    bounds = [bound for _, bound in comparators(wanted) or ()]
    found = [each for each in map(parse_version, bounds) if each is not None]
    near = {str(each.bump_patch()) for each in found}
    near |= {f"{each.major}.{each.minor}.{each.patch}-0" for each in found}
    near |= {f"{each}.0" for each in found if each.prerelease}
    return not bounds or any(matches_versions(each, wanted) for each in {*bounds, *near})


def _holds(found: Version, operator: str, bound: str) -> bool:
    wanted = parse_version(bound)
    return wanted is not None and _OPERATORS[operator](found, wanted)


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
    wanted = parse_version(version)
    readable = [(found, text) for text in versions if (found := parse_version(text)) is not None]
    if wanted is None or not readable:
        return newest(list(versions))
    below = [pair for pair in readable if pair[0] <= wanted]
    if below:
        return max(below, key=lambda pair: pair[0])[1]
    return min(readable, key=lambda pair: pair[0])[1]
