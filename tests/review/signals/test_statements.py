"""Signals of the registry's own statements, each with what says the same and means nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from npm_vetted.registry.packument import AbsentError, Packument, read_packument
from npm_vetted.review.signals.statements import (
    PackageAge,
    ReleaseStep,
    age_of,
    registry_signals,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ADA, EVE = {"name": "ada"}, {"name": "eve"}
BY_CI: dict[str, Any] = {
    "name": "GitHub Actions",
    "trustedPublisher": {"id": "github", "oidcConfigId": "oidc:1"},
}
ATTESTED = {"attestations": {"url": "https://registry.invalid/-/a", "provenance": {}}}


def packument(name: str = "p", **versions: Mapping[str, Any]) -> Packument:
    """Versions ``v1``, ``v2``, … by how many days ago (``ago``), who published them, and the rest."""
    times = {"created": days_ago(900)}
    releases: dict[str, Any] = {}
    for key, said in versions.items():
        if key == "created":
            times["created"] = days_ago(said["ago"])
            continue
        version = f"{key.removeprefix('v')}.0.0"
        times[version] = days_ago(said.get("ago", 100))
        dist = {"tarball": "https://r.invalid/p.tgz", "shasum": "0" * 40, **said.get("dist", {})}
        more = {k: v for k, v in said.items() if k not in ("ago", "dist", "by")}
        releases[version] = {
            "name": name, "version": version, "dist": dist, "_npmUser": said.get("by", ADA), **more,
        }  # fmt: skip
    latest = {"latest": next(iter(releases), "")}
    data = {"name": name, "dist-tags": latest, "versions": releases, "time": times}
    return read_packument("https://r.invalid/p", name, json.dumps(data).encode())


def days_ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


OTHERS = {
    "old": packument("old", v1={}, v2={}, v3={}),
    "young": packument(
        "young", v1={"ago": 41}, v2={"ago": 41}, v3={"ago": 41}, created={"ago": 41}
    ),
    "few": packument("few", v1={"ago": 200}, created={"ago": 200}),
}


def look_up(name: str) -> PackageAge:
    if name not in OTHERS:
        raise AbsentError("no such package")
    return age_of(OTHERS[name])


def codes(found: Packument, *, fresh: bool = False, version: str = "2.0.0") -> set[str]:
    base = None if fresh else found.release("1.0.0")
    step = ReleaseStep(found, found.release(version), base, look_up, NOW)
    return {reason.code for signal in registry_signals() for reason in signal.observe(step)}


QUIET: dict[str, Any] = {"ago": 200}
UPGRADES: dict[str, tuple[dict[str, Any], dict[str, Any], set[str]]] = {
    "nothing": (QUIET, {"ago": 40}, set()),
    "never seen": (QUIET, {"ago": 40, "by": EVE}, {"publisher-new"}),
    "by the project's CI": (QUIET, {"ago": 40, "by": BY_CI}, set()),
    "no longer by CI": ({**QUIET, "by": BY_CI}, {"ago": 40}, {"trusted-publisher-changed", "publisher-new"}),
    "by another CI": (
        {**QUIET, "by": BY_CI},
        {"ago": 40, "by": {**BY_CI, "trustedPublisher": {"id": "gitlab", "oidcConfigId": "oidc:2"}}},
        {"trusted-publisher-changed"},
    ),
    "provenance lost": ({**QUIET, "dist": ATTESTED}, {"ago": 40}, {"provenance-lost"}),
    "provenance kept": ({**QUIET, "dist": ATTESTED}, {"ago": 40, "dist": ATTESTED}, set()),
    "provenance won": (QUIET, {"ago": 40, "dist": ATTESTED}, set()),
    "deprecated": (QUIET, {"ago": 40, "deprecated": "no"}, {"deprecated"}),
    "both deprecated": ({**QUIET, "deprecated": "no"}, {"ago": 40, "deprecated": "no"}, set()),
    "after years": ({"ago": 800}, {"ago": 40}, {"dormant"}),
    "an old dependency": (QUIET, {"ago": 40, "dependencies": {"old": "1"}}, set()),
    "a young dependency": (QUIET, {"ago": 40, "dependencies": {"young": "1"}}, {"dep-young"}),
    "a young optional one": (QUIET, {"ago": 40, "optionalDependencies": {"young": "1"}}, {"dep-young"}),
    "a dependency of one version": (QUIET, {"ago": 40, "dependencies": {"few": "1"}}, {"dep-young"}),
    "an absent dependency": (QUIET, {"ago": 40, "dependencies": {"gone": "1"}}, {"dep-young"}),
    "a young one under an old name": (
        QUIET, {"ago": 40, "dependencies": {"old": "npm:young@1"}}, {"dep-young"},
    ),
    "an old one under another name": (QUIET, {"ago": 40, "dependencies": {"x": "npm:old@1"}}, set()),
    "a young one that was there": (
        {**QUIET, "dependencies": {"young": "1"}}, {"ago": 40, "dependencies": {"young": "2"}}, set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UPGRADES)
def test_an_upgrade(name: str) -> None:
    old, new, expected = UPGRADES[name]
    assert codes(packument(v1=old, v2=new)) == expected


def test_somebody_who_published_before_is_not_new() -> None:
    found = packument(v1={"ago": 300, "by": EVE}, v3={"ago": 200}, v2={"ago": 40, "by": EVE})
    assert codes(found) == set()


def test_three_versions_in_ten_minutes_after_years() -> None:
    minute = 1 / 24 / 60
    found = packument(
        v1={"ago": 800}, v2={"ago": 40}, v3={"ago": 40 - 4 * minute}, v4={"ago": 40 - 9 * minute}
    )
    assert codes(found) == {"dormant", "burst"}
    apart = packument(v1={"ago": 200}, v2={"ago": 40}, v3={"ago": 40 - 4 * minute}, v4={"ago": 39})
    assert codes(apart) == set()


@pytest.mark.parametrize(("days", "expected"), [(10, {"dep-young"}), (400, set())])
def test_a_new_package_by_its_age(days: int, expected: set[str]) -> None:
    found = packument(v1={"ago": days}, v2={"ago": days}, v3={"ago": days}, created={"ago": days})
    assert codes(found, fresh=True) == expected
