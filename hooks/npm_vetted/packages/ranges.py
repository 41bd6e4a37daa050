"""npm's version ranges: whether a version satisfies ``^1.2 || >=2 <3``, loosely, as npm installs.

The grammar and the rule for prereleases are those of npm's own ``semver`` package
(github.com/npm/node-semver, "Ranges"); tests/clients/test_npm.py compares with the real one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

_LONGEST: Final = 256
_PART: Final = r"(?:\d{1,16}|[xX*])"
_PRERELEASE: Final = r"(?:-?([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
_PARTIAL: Final = rf"[v=\s]*({_PART})(?:\.({_PART})(?:\.({_PART}){_PRERELEASE})?)?"
_HYPHEN: Final = re.compile(rf"\s*({_PARTIAL})\s+-\s+({_PARTIAL})\s*\Z")
_COMPARATOR: Final = re.compile(rf"(\^|~>?|[<>]=?|)=?{_PARTIAL}\Z")
_GLUE: Final = re.compile(r"(\^|~>?|[<>]?=|[<>])\s+")
_VERSION: Final = re.compile(r"[v=\s]*(\d{1,16})\.(\d{1,16})\.(\d{1,16})" + _PRERELEASE + r"\s*\Z")


class Version(NamedTuple):
    """A version, ordered as its fields are; ``prerelease`` are its parts as they compare."""

    numbers: tuple[int, int, int]
    final: bool = True
    prerelease: tuple[tuple[int, int, str], ...] = ()


Match = tuple[str, Version]
"""An operator and what it compares with."""

_FIRST: Final = ((0, 0, ""),)
"""The lowest prerelease."""
_LOWEST: Final = Version((0, 0, 0), final=False, prerelease=_FIRST)


@cache
def parse_loose_version(text: str) -> Version | None:
    """A version, as loosely as npm reads one; None: it is none."""
    found = _VERSION.match(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    return _version((int(found[1]), int(found[2]), int(found[3])), found[4])


def _version(numbers: tuple[int, int, int], prerelease: str | None) -> Version:
    parts = _prerelease(prerelease)
    return Version(numbers, not parts, parts)


def _prerelease(text: str | None) -> tuple[tuple[int, int, str], ...]:
    if not text:
        return ()
    return tuple(
        (0, int(part), "") if part.isdigit() and len(part) < 17 else (1, 0, part)
        for part in text.split(".")
    )


def satisfies(version: str, wanted: str) -> bool | None:
    """Whether a version is in a range; None where ``wanted`` is no range (a tag, a URL)."""
    alternatives = _parse(wanted)
    if alternatives is None:
        return None
    found = parse_loose_version(version)
    return found is not None and any(_holds(found, bounds) for bounds in alternatives)


def intersects(one: str, other: str) -> bool | None:
    """Whether some version is in both ranges; None where one of the texts is no range."""
    first, second = _parse(one), _parse(other)
    if first is None or second is None:
        return None
    return any(_is_possible((*left, *right)) for left in first for right in second)


def lies_in(version: str | None, wanted: str) -> bool:
    """Whether a version lies between the bounds of a deny entry's range; prereleases do as well.

    A version that cannot be read lies in every range: a deny entry fails closed.
    """
    found = parse_loose_version(version) if version else None
    alternatives = _parse(wanted)
    if found is None or alternatives is None:
        return True
    return any(_is_between(found, bounds) for bounds in alternatives)


def is_strict_range(text: str) -> bool:
    """Whether each word of a range is a comparator: npm drops others, and then takes any version."""
    return all(map(_is_strict, text.split("||")))


def _is_strict(part: str) -> bool:
    words = _GLUE.sub(r"\1", part).split()
    return _HYPHEN.match(part) is not None or (bool(words) and all(map(_is_comparator, words)))


def _is_comparator(word: str) -> bool:
    return _comparator(word) is not None


def _is_possible(bounds: tuple[Match, ...]) -> bool:
    """Whether a version can meet all bounds: the lowest that meets those from below does, or none."""
    lowest = _LOWEST
    for operator, bound in bounds:
        if operator == ">":
            first, second, third = bound.numbers
            bound = bound._replace(  # noqa: PLW2901 - the next version
                numbers=(first, second, third + 1), final=False, prerelease=_FIRST
            )
        if operator[:1] != "<":
            lowest = max(lowest, bound)
    return all(
        lowest <= bound if operator == "<=" else lowest < bound if operator == "<"
        else lowest >= bound if operator[:1] == ">" else lowest == bound
        for operator, bound in bounds
    )  # fmt: skip


def _holds(version: Version, bounds: tuple[Match, ...]) -> bool:
    """A prerelease satisfies only bounds that name a prerelease of the same three numbers."""
    return _is_between(version, bounds) and (
        not version.prerelease
        or any(bound.prerelease and bound.numbers == version.numbers for _, bound in bounds)
    )


def _is_between(version: Version, bounds: tuple[Match, ...]) -> bool:
    return all(
        (version == bound and operator not in ("<", ">"))
        or (operator[:1] == "<" and version < bound)
        or (operator[:1] == ">" and bound < version)
        for operator, bound in bounds
    )


def can_match(wanted: str) -> bool:
    """Whether any version lies in a range."""
    return any(map(_is_possible, _parse(wanted) or ()))


@cache
def _parse(text: str) -> tuple[tuple[Match, ...], ...] | None:
    if len(text) > 4 * _LONGEST:
        return None
    found = [bounds for part in text.split("||") if (bounds := _alternative(part)) is not None]
    return tuple(found) or None


def _alternative(text: str) -> tuple[Match, ...] | None:
    """One side of ``||``. Words that are no comparator are dropped, as npm does; None: all were."""
    if hyphen := _HYPHEN.match(text):
        low, high = hyphen.groups()[1:5], hyphen.groups()[6:10]
        return (*_from(low), *_up_to(high))
    words = _GLUE.sub(r"\1", text).split()
    found = [bounds for word in words if (bounds := _comparator(word)) is not None]
    return None if words and not found else tuple(bound for bounds in found for bound in bounds)


def _comparator(word: str) -> list[Match] | None:
    found = _COMPARATOR.match(word)
    if found is None:
        return None
    operator, *parts = found.groups()
    if operator[:1] not in ("^", "~") and _has_hole(parts):
        return None
    return _bounds(operator, tuple(parts))


Partial = tuple["str | None", ...]


def _numbers(parts: Partial) -> list[int]:
    """The numbers up to the first ``x`` or missing one."""
    found: list[int] = []
    for part in parts[:3]:
        if part is None or part in "xX*":
            break
        found.append(int(part))
    return found


def _has_hole(parts: Sequence[str | None]) -> bool:
    """Whether a number follows an ``x``: npm takes ``1.x.3`` for no range."""
    given = [part in ("x", "X", "*") for part in parts[:3] if part is not None]
    return given != sorted(given)


def _filled(numbers: list[int], prerelease: str | None = None) -> Version:
    first, second, third = (*numbers, 0, 0, 0)[:3]
    return _version((first, second, third), prerelease)


def _above(numbers: list[int]) -> Version:
    """The first version (a prerelease) beyond those that start with these numbers."""
    raised = _filled([*numbers[:-1], numbers[-1] + 1])
    return Version(raised.numbers, final=False, prerelease=_FIRST)


def _from(parts: Partial) -> list[Match]:
    numbers = _numbers(parts)
    return [(">=", _filled(numbers, parts[3] if len(numbers) == 3 else None))] if numbers else []


def _up_to(parts: Partial) -> list[Match]:
    numbers = _numbers(parts)
    if len(numbers) == 3:
        return [("<=", _filled(numbers, parts[3]))]
    return [("<", _above(numbers))] if numbers else []


def _bounds(operator: str, parts: Partial) -> list[Match]:
    numbers = _numbers(parts)
    if not numbers:
        return [("<", _LOWEST)] if operator in ("<", ">") else []
    prerelease = parts[3] if len(numbers) == 3 else None
    exact = _filled(numbers, prerelease)
    match operator:
        case "^":
            kept = next((at for at, n in enumerate(numbers) if n), len(numbers) - 1)
            return [(">=", exact), ("<", _above(numbers[: kept + 1]))]
        case "~" | "~>":
            return [(">=", exact), ("<", _above(numbers[:2]))]
        case "" if len(numbers) == 3:
            return [("=", exact)]
        case "":
            return [(">=", exact), ("<", _above(numbers))]
        case ">" if len(numbers) < 3:
            return [(">=", Version(_above(numbers).numbers))]
        case "<=" if len(numbers) < 3:
            return [("<", _above(numbers))]
        case "<" if len(numbers) < 3:
            return [("<", Version(exact.numbers, final=False, prerelease=_FIRST))]
        case _:
            return [(operator, exact)]
