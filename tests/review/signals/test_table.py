"""One weight for each code that a signal has, and none besides."""

from __future__ import annotations

from npm_vetted.review.signals.rules import tarball_signals
from npm_vetted.review.signals.statements import registry_signals
from npm_vetted.review.signals.table import MOST, WEIGHTS

OF_THE_SCORER = {"manifest-differs"}
"""Found where the tarball and the registry's answer are both at hand."""


def test_every_code_has_a_weight_and_every_weight_a_code() -> None:
    codes = [code for each in tarball_signals() for code in each.CODES]
    codes += [code for each in registry_signals() for code in each.CODES]
    assert sorted([*codes, *OF_THE_SCORER]) == sorted(WEIGHTS)


def test_groups_are_those_that_are_limited() -> None:
    assert {weight.group for weight in WEIGHTS.values()} - {""} == MOST.keys()
