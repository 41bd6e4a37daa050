"""Which packages ``packageExtensions`` are about."""

from __future__ import annotations

import pytest

from npm_vetted.clients.shared.extensions import extended_name, extensions_of


@pytest.mark.parametrize(
    ("selector", "name"), [("aa", "aa"), ("aa@1", "aa"), ("@s/aa", "@s/aa"), ("@s/aa@1", "@s/aa")]
)
def test_the_name_of_a_selector(selector: str, name: str) -> None:
    assert extended_name(selector) == name


@pytest.mark.parametrize(
    ("selector", "met"),
    [
        ("aa", True), ("aa@1", True), ("aa@^1 || ^3", True), ("aa@npm:1", True), ("aa@1.2.0 ", True),
        ("aa@*", True), ("aa@2", False), ("aa@latest", False), ("bb", False), ("aab", False),
    ],
)  # fmt: skip
def test_what_a_selector_is_about(selector: str, met: bool) -> None:
    assert bool(extensions_of("aa", "1.2.0", {selector: {}})) == met


def test_a_package_without_a_version_is_met_by_its_name_alone() -> None:
    assert list(extensions_of("aa", None, {"aa": {}, "aa@1": {}})) == ["aa"]
