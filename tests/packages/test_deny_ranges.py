"""The ranges of deny entries: which versions lie in them, and which texts are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.packages.ranges import can_match, is_strict_range, lies_in

numbers = st.integers(0, 3)
versions = st.builds("{}.{}.{}".format, numbers, numbers, numbers)


@pytest.mark.parametrize(
    ("version", "wanted", "named"),
    [
        ("3.3.6", "3.3.6", True),
        ("3.3.7", "3.3.6", False),
        ("3.3.6", "=3.3.6", True),
        ("1.5.0", ">=1.0.0 <2.0.0", True),
        ("2.0.0", ">=1.0.0 <2.0.0", False),
        ("2.0.0", ">1.0.0 <=2.0.0", True),
        ("1.0.0-rc.1", "<1.0.0", True),
        ("1.5.0-rc.1", ">=1.0.0 <2.0.0", True),
        ("0.5.0", "<1.0.0 || >=3.0.0", True),
        ("2.0.0", "<1.0.0 || >=3.0.0", False),
        ("3.0.0", "<1.0.0 || >=3.0.0", True),
        ("1.5.0", ">=0.9 <2", True),
        ("2.0.0", ">=0.9 <2", False),
        ("1.9.0", "^1.2", True),
        ("2.0.0", "^1.2", False),
        ("1.2.9", "~1.2.3", True),
        ("1.7.3", "1.x", True),
        ("1.7.3", "1.0.0 - 1.8", True),
        ("1.0.0", "*", True),
        ("not-a-version", ">=1.0.0", True),
        (None, "1.0.0", True),
        ("1.0.0", "latest", True),
    ],
)
def test_which_versions_are_denied(version: str | None, wanted: str, named: bool) -> None:
    assert lies_in(version, wanted) is named


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("1.0.0", True),
        (">=1.0.0 <2.0.0", True),
        (">= 1.0.0", True),
        ("^1.0.0", True),
        ("1.x", True),
        ("*", True),
        ("1.0.0 - 2", True),
        ("1.0.0 || 2.0.0", True),
        ("", False),
        ("1.0.0 ||", False),
        ("latest", False),
        (">=1.0.0 <two", False),
        ("1.x.3", False),
        (">= 1.0.0, < 2.0.0", False),
    ],
)
def test_what_is_a_range(text: str, is_one: bool) -> None:
    assert is_strict_range(text) is is_one


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("1.0.0", True),
        (">=1.0.0 <2.0.0", True),
        (">=2.0.0 <1.0.0", False),
        (">1.0.0 <1.0.1", True),
        (">1.0.0 <=1.0.0", False),
        ("1.0.0 2.0.0", False),
        (">2 <1 || 3.0.0", True),
        ("<0", False),
    ],
)
def test_ranges_that_no_version_meets(text: str, some: bool) -> None:
    assert can_match(text) is some


@given(versions)
def test_a_version_is_a_range_of_itself(version: str) -> None:
    assert is_strict_range(version)
    assert lies_in(version, version)
