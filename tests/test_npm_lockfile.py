"""npm's lockfile: what counts as changed."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from npm_vetted.clients import npm
from npm_vetted.clients._npm_lockfile import NpmLockfile

Packages = Mapping[str, Mapping[str, object]]

CARRIER: dict[str, object] = {"version": "1.0.0", "integrity": "sha512-YQ==", "dependencies": {}}
INNER = "node_modules/a/node_modules/b"
DEEPER = "node_modules/a/node_modules/c"
CARRIED: Packages = {
    "node_modules/a": {**CARRIER, "bundleDependencies": ["b"]},
    INNER: {"version": "1.0.0", "inBundle": True, "dependencies": {"c": "^1"}},
    DEEPER: {"version": "1.0.0", "inBundle": True},
}


def read(packages: Packages, version: int = 3) -> NpmLockfile:
    data = {"lockfileVersion": version, "packages": packages}
    return npm.read_lockfile(
        "package-lock.json", json.dumps(data, indent=2).encode(), lambda _: None
    )


def legacy(dependencies: Mapping[str, object]) -> NpmLockfile:
    data = {"lockfileVersion": 1, "requires": True, "dependencies": dependencies}
    return npm.read_lockfile(
        "package-lock.json", json.dumps(data, indent=2).encode(), lambda _: None
    )


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        pytest.param({}, set(), id="nothing"),
        pytest.param({"node_modules/a": CARRIER}, {"node_modules/a", INNER, DEEPER}, id="no list"),
        pytest.param({"node_modules/a": None}, {INNER, DEEPER}, id="no carrier"),
        pytest.param(
            {"node_modules/a": {**CARRIED["node_modules/a"], "integrity": "sha512-Yg=="}},
            {"node_modules/a", INNER, DEEPER},
            id="other bytes",
        ),
        pytest.param(
            {"node_modules/a": {"resolved": "lib", "link": True}, "lib": {"version": "1.0.0"}},
            {"node_modules/a", "lib", INNER, DEEPER},
            id="a link",
        ),
        pytest.param(
            {INNER: {"version": "1.0.0", "inBundle": True}}, {INNER, DEEPER}, id="not asked for"
        ),
        pytest.param(
            {f"{INNER}/node_modules/c": {"version": "1.0.0"}},
            {f"{INNER}/node_modules/c", DEEPER},
            id="hidden by a nearer one",
        ),
    ],
)
def test_what_a_tarball_carries_changes_with_what_carries_it(
    after: Mapping[str, Mapping[str, object] | None], changed: set[str]
) -> None:
    packages = {place: raw for place, raw in {**CARRIED, **after}.items() if raw is not None}
    found = read(packages)
    assert set(found.changed([read(CARRIED)])) == changed
    assert set(found.changed([read(CARRIED), found])) == set()


def test_so_it_does_in_version_1() -> None:
    inner = {"b": {"version": "1.0.0", "bundled": True}}
    carrier = {"version": "1.0.0", "integrity": "sha512-YQ==", "dependencies": inner}
    before = legacy({"a": {**carrier, "requires": {"b": "^1"}}})
    found = legacy({"a": carrier})
    assert before.entry(INNER).bundled_by == "node_modules/a"
    assert found.entry(INNER).bundled_by is None
    assert found.changed([before]) == ["node_modules/a", INNER]


def test_a_carrier_that_could_not_be_read_before_blocks_nothing() -> None:
    malformed = {**CARRIED, INNER: {**CARRIED[INNER], "dependencies": 1}}
    assert set(read(CARRIED).changed([read(malformed)])) == {INNER, DEEPER}
