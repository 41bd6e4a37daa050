"""Versions: which step an upgrade is, and which of several is the newest or the nearest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.packages.versions import (
    nearest,
    newest,
    step,
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("1.0.0", "1.0.1", "patch"),
        ("1.0.0", "1.1.0", "minor"),
        ("1.0.0", "2.0.0", "major"),
        ("1.0.0", "1.0.0", "patch"),
        ("1.0.0-beta.1", "1.0.0", "major"),
        ("1.0.0", "1.0.1-rc.1", "major"),
        ("1.0.0-rc.1", "1.0.0-rc.2", "major"),
        ("1.0.1", "1.0.0", "major"),
        ("1.0.0", "1.0.0+build", "patch"),
        ("0.1.0", "0.1.1", "patch"),
        ("0.1.0", "0.2.0", "major"),
        ("0.0.1", "0.0.2", "patch"),
        ("0.9.0", "1.0.0", "major"),
        ("2.0.0", "1.0.0", "major"),
        ("1.2.0", "1.1.0", "major"),
        ("main", "1.0.0", "major"),
        ("1.0.0", "", "major"),
    ],
)
def test_step(old: str, new: str, expected: str) -> None:
    assert step(old, new) == expected


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([], None),
        (["1.9.0", "1.10.0", "1.2.0"], "1.10.0"),
        (["1.0.0", "1.0.0-rc.1"], "1.0.0"),
        (["main", "0.0.1"], "0.0.1"),
        (["a", "b"], "b"),
    ],
)
def test_newest(versions: list[str], expected: str | None) -> None:
    assert newest(versions) == expected


numbers = st.integers(0, 3)
versions = st.builds("{}.{}.{}".format, numbers, numbers, numbers)


@given(versions, versions, versions)
def test_a_step_is_at_least_as_large_as_each_on_the_way(one: str, two: str, three: str) -> None:
    order = ["patch", "minor", "major"]
    parts = max(order.index(step(one, two)), order.index(step(two, three)))
    assert order.index(step(one, three)) <= parts


@pytest.mark.parametrize(
    ("versions", "version", "expected"),
    [
        (["1.1.13", "2.0.3", "5.0.5"], "1.1.14", "1.1.13"),
        (["1.1.13", "2.0.3", "5.0.5"], "2.1.0", "2.0.3"),
        (["1.1.13", "5.0.5"], "6.0.0", "5.0.5"),
        (["3.0.0", "5.0.0"], "2.0.0", "3.0.0"),
        (["1.0.0"], "1.0.0", "1.0.0"),
        (["main", "1.0.0"], "1.0.1", "1.0.0"),
        (["main", "1.0.0"], "next", "1.0.0"),
        (["main"], "1.0.0", "main"),
        ([], "1.0.0", None),
    ],
)
def test_the_nearest_version(versions: list[str], version: str, expected: str | None) -> None:
    assert nearest(versions, version) == expected
