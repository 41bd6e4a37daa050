"""A finding's identity and fingerprint: what changes them, and what does not."""

from __future__ import annotations

import hashlib

import pytest

from npm_vetted.model import Finding, Location, identities

FINDING = Finding(
    check="client-settings", code="git-program", message="…", location=Location(".npmrc", 3),
    project=".", key="git", value="./x.sh",
)  # fmt: skip


def test_the_identity_is_a_hash_of_the_joined_fields() -> None:
    joined = b"client-settings\0git-program\0.\0.npmrc\0\0git"
    assert FINDING.identity == hashlib.sha256(joined).hexdigest()[:16]


def test_the_fingerprint_binds_each_field_with_its_length() -> None:
    fields = b"15:client-settings11:git-program1:.6:.npmrc0:3:git6:./x.sh"
    assert FINDING.fingerprint == hashlib.sha256(fields).hexdigest()


@pytest.mark.parametrize(
    ("change", "identity", "fingerprint"),
    [
        ({"message": "other words"}, True, True),
        ({"location": Location(".npmrc", 9)}, True, True),
        ({"value": "./y.sh"}, True, False),
        ({"key": "shell"}, False, False),
        ({"code": "program"}, False, False),
        ({"project": "app"}, False, False),
        ({"package": "a"}, False, False),
        ({"location": Location("app/.npmrc", 3)}, False, False),
    ],
)
def test_what_keeps_them(change: dict[str, object], identity: bool, fingerprint: bool) -> None:
    other = FINDING._replace(**change)  # type: ignore[arg-type]
    assert (other.identity == FINDING.identity) is identity
    assert (other.fingerprint == FINDING.fingerprint) is fingerprint


def test_equal_findings_are_numbered_in_order() -> None:
    first = FINDING.identity
    other = FINDING._replace(key="x")
    assert list(identities([FINDING, other, FINDING, FINDING])) == [
        first, other.identity, f"{first}:2", f"{first}:3",
    ]  # fmt: skip


@pytest.mark.parametrize("text", [chr(0xDCFF), chr(0xD800), "…", ""])
def test_any_text_has_a_fingerprint(text: str) -> None:
    assert len(FINDING._replace(key=text).fingerprint) == 64
