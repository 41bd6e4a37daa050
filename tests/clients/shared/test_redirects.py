"""Which packages overrides and resolutions replace."""

from __future__ import annotations

import pytest

from npm_vetted.clients.shared.redirects import package_replaced_by, redirects_of


@pytest.mark.parametrize(
    ("selector", "name"),
    [
        ("aa", "aa"), ("@s/dd", "@s/dd"), ("aa@^1.0.0", "aa"), ("@s/dd@1", "@s/dd"),
        ("bb>aa", "aa"), ("aa@>=1 <3", "aa"), ("bb@>1>aa", "aa"), ("bb@1>aa@2", "aa"),
        ("bb>@s/dd@1", "@s/dd"), ("**/aa", "aa"),
        ("bb/aa", "aa"), ("bb/@s/dd", "@s/dd"), ("aa@npm:^1.0.0", "aa"),
        ("aa@npm:@s/dd@1", "aa"), ("bb@npm:^1.0.0/aa", "aa"),
    ],
)  # fmt: skip
def test_a_selector_names_the_replaced_package(selector: str, name: str) -> None:
    assert package_replaced_by(selector) == name


def test_nested_overrides_name_the_innermost_package() -> None:
    data = {
        "overrides": {"bb": {".": "1.0.0", "aa": "file:./x", "cc": {"dd": "2"}}, "ee": "3"},
        "resolutions": {"**/ff": "link:./y"},
    }
    assert list(redirects_of(data)) == [
        ("bb", "1.0.0"), ("aa", "file:./x"), ("dd", "2"), ("ee", "3"), ("ff", "link:./y"),
    ]  # fmt: skip


def test_what_is_no_table_names_nothing() -> None:
    assert list(redirects_of({"overrides": ["aa"], "resolutions": None})) == []
