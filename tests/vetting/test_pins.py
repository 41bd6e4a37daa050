"""Whether what was vetted are the bytes that a lockfile pins."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.model import Artifact, Kind
from npm_vetted.vetting.pins import Match, Pins, pinned_of, read_pinned, write_pinned
from tests.support.npm_projects import sri

A, B = sri("a"), sri("b")
SHA1, SHA256 = sri("a", "sha1"), sri("a", "sha256")
SUM, OTHER_SUM = "a" * 128, "b" * 128
GIT = "git+https://github.com/o/r.git#" + "1" * 40
PATCH = "sha256-" + "p" * 43 + "="


def artifact(kind: Kind = Kind.REGISTRY, **fields: Any) -> Artifact:
    return Artifact(name="a", version="1.0.0", kind=kind, **fields)


@pytest.mark.parametrize(
    ("pinned", "locked", "answer"),
    [
        pytest.param(Pins(integrity=A), artifact(integrity=A), Match.SAME, id="the hash"),
        pytest.param(Pins(integrity=A), artifact(integrity=B), Match.DIFFERENT, id="another"),
        pytest.param(
            Pins(integrity=A), artifact(integrity=f"{A} {SHA1}"), Match.SAME, id="and a weaker one"
        ),
        pytest.param(
            Pins(integrity=f"{A} {SHA1}"), artifact(integrity=SHA1), Match.SAME, id="the weaker one"
        ),
        pytest.param(
            Pins(integrity=A), artifact(integrity=SHA256), Match.DIFFERENT,
            id="an algorithm that was not noted proves nothing",
        ),
        pytest.param(
            Pins(integrity=A), artifact(integrity=f"{A} {B}"), Match.DIFFERENT,
            id="a second hash that npm would accept too",
        ),
        pytest.param(Pins(integrity=A), artifact(), Match.DIFFERENT, id="the hash is gone"),
        pytest.param(
            Pins(integrity=A), artifact(checksum=SUM), Match.UNKNOWN, id="another client's hash"
        ),
        pytest.param(
            Pins(integrity=A, checksum=SUM), artifact(checksum=SUM), Match.SAME, id="berry's hash"
        ),
        pytest.param(
            Pins(checksum=SUM), artifact(checksum=OTHER_SUM), Match.DIFFERENT, id="another zip"
        ),
        pytest.param(
            Pins(checksum=f"8/{SUM}"), artifact(checksum=f"10/{OTHER_SUM}"), Match.UNKNOWN,
            id="packed by another Yarn",
        ),
        pytest.param(Pins(resolved=GIT), artifact(Kind.GIT, resolved=GIT), Match.SAME, id="git"),
        pytest.param(
            Pins(resolved=GIT), artifact(Kind.GIT, resolved=GIT[:-1] + "2"), Match.DIFFERENT,
            id="another commit",
        ),
        pytest.param(
            Pins(resolved=GIT), artifact(integrity=A), Match.DIFFERENT,
            id="git was vetted, the registry is locked",
        ),
        pytest.param(
            Pins(integrity=A), artifact(Kind.GIT, resolved=GIT), Match.DIFFERENT,
            id="the registry was vetted, git is locked",
        ),
        pytest.param(
            Pins(resolved=GIT), artifact(Kind.GIT), Match.DIFFERENT, id="a source that is gone"
        ),
        pytest.param(
            Pins(integrity=A, patch=PATCH), artifact(integrity=A, patch=PATCH), Match.SAME,
            id="the patch",
        ),
        pytest.param(
            Pins(integrity=A), artifact(integrity=A, patch=PATCH), Match.DIFFERENT,
            id="a patch that nobody noted",
        ),
        pytest.param(
            Pins(integrity=A, patch=PATCH), artifact(integrity=A), Match.DIFFERENT,
            id="without the patch",
        ),
    ],
)  # fmt: skip
def test_compare(pinned: Pins, locked: Artifact, answer: Match) -> None:
    assert pinned.compare(locked) is answer


@pytest.mark.parametrize(
    ("locked", "word"),
    [
        (artifact(integrity=A), A),
        (artifact(integrity=A, resolved="https://registry.npmjs.org/a/-/a-1.0.0.tgz"), A),
        (artifact(integrity=A, resolved="https://registry.yarnpkg.com/a/-/a-1.0.0.tgz"), A),
        (
            artifact(integrity=f"{A} {SHA1}", resolved="https://npm.acme.example/a/-/a-1.0.0.tgz"),
            f"{A},{SHA1};source:https://npm.acme.example/a/-/a-1.0.0.tgz",
        ),
        (artifact(checksum=f"10c0/{SUM}"), f"checksum:10c0/{SUM}"),
        (artifact(Kind.GIT, resolved=GIT), f"source:{GIT}"),
        (artifact(integrity=A, patch=PATCH), f"{A};patch:{PATCH}"),
        (artifact(), "-"),
    ],
)
def test_the_word_of_an_exemption(locked: Artifact, word: str) -> None:
    assert write_pinned(pinned_of(locked)) == word
    assert read_pinned(word) == pinned_of(locked)


OWN = "https://registry.npmjs.org/a/-/a-1.0.0.tgz"
ELSEWHERE = "https://npm.acme.example/a/-/a-1.0.0.tgz"


@pytest.mark.parametrize(
    ("locked", "pinned"),
    [
        pytest.param(artifact(integrity=A, resolved=OWN), Pins(integrity=A), id="its own tarball"),
        pytest.param(artifact(checksum=SUM, resolved=OWN), Pins(checksum=SUM), id="of a checksum"),
        pytest.param(artifact(resolved=OWN), Pins(resolved=OWN), id="no hash"),
        pytest.param(
            artifact(integrity=A, resolved=ELSEWHERE), Pins(integrity=A, resolved=ELSEWHERE),
            id="another registry",
        ),
        pytest.param(
            artifact(integrity=A, resolved="a/-/a-1.0.0.tgz"), Pins(integrity=A), id="no host"
        ),
        pytest.param(
            artifact(Kind.GIT, integrity=A, resolved="git@h:o/r"), Pins(integrity=A, resolved="git@h:o/r"),
            id="git without a scheme",
        ),
        pytest.param(
            artifact(Kind.FILE, integrity=A, resolved="file:a.tgz"),
            Pins(integrity=A, resolved="file:a.tgz"), id="a folder's archive",
        ),
        pytest.param(
            artifact(integrity=A, checksum=SUM), Pins(integrity=A), id="the integrity is enough"
        ),
        pytest.param(artifact(specifier="^1.0.0"), Pins(specifier="^1.0.0"), id="no lockfile"),
    ],
)  # fmt: skip
def test_what_is_pinned_of_an_artifact(locked: Artifact, pinned: Pins) -> None:
    assert pinned_of(locked) == pinned


@pytest.mark.parametrize(
    ("exempt", "locked", "answer"),
    [
        pytest.param(artifact(integrity=A), artifact(integrity=A), Match.SAME, id="the hash"),
        pytest.param(artifact(integrity=A), artifact(integrity=B), Match.DIFFERENT, id="another"),
        pytest.param(
            artifact(integrity=A, resolved=OWN), artifact(integrity=A, resolved=ELSEWHERE),
            Match.DIFFERENT, id="another source",
        ),
        pytest.param(
            artifact(integrity=A, resolved=ELSEWHERE), artifact(integrity=A, resolved=OWN),
            Match.DIFFERENT, id="back to the usual one",
        ),
        pytest.param(
            artifact(resolved=OWN), artifact(resolved=OWN), Match.SAME, id="never a hash, one source"
        ),
        pytest.param(artifact(), artifact(), Match.DIFFERENT, id="neither a hash nor a source"),
        pytest.param(
            artifact(resolved=OWN), artifact(integrity=A, resolved=OWN), Match.DIFFERENT,
            id="a hash that nobody accepted",
        ),
        pytest.param(
            artifact(integrity=A), artifact(checksum=SUM), Match.UNKNOWN, id="another client's hash"
        ),
    ],
)  # fmt: skip
def test_what_an_exemption_binds(exempt: Artifact, locked: Artifact, answer: Match) -> None:
    assert pinned_of(exempt).binds(locked) is answer


@pytest.mark.parametrize(
    ("pinned", "locked", "answer"),
    [
        (Pins(integrity=A), artifact(unhashed=True), Match.UNKNOWN),
        (Pins(integrity=A, resolved=OWN), artifact(unhashed=True, resolved=ELSEWHERE), Match.UNKNOWN),
        (Pins(resolved=OWN), artifact(unhashed=True, resolved=OWN), Match.UNKNOWN),
        (Pins(resolved=OWN), artifact(unhashed=True, resolved=ELSEWHERE), Match.DIFFERENT),
        (Pins(checksum=SUM), artifact(unhashed=True, resolved=ELSEWHERE), Match.DIFFERENT),
    ],
)  # fmt: skip
def test_an_artifact_that_its_client_never_hashes(
    pinned: Pins, locked: Artifact, answer: Match
) -> None:
    assert pinned.compare(locked) is answer


def test_a_registry_s_source_without_a_hash_binds_nothing() -> None:
    assert Pins(resolved=OWN).compare(artifact(resolved=OWN)) is Match.DIFFERENT


def test_what_a_url_may_hold_is_written_as_it_is() -> None:
    source = "https://h.example/a!#$&'()*+,/:=?@[]-._~"
    assert write_pinned(Pins(resolved=source)) == f"source:{source}"


texts = st.none() | st.text(min_size=1)


@given(texts, texts, texts)
def test_a_word_holds_whatever_a_lockfile_says(
    resolved: str | None, checksum: str | None, patch: str | None
) -> None:
    pinned = Pins(integrity=A, checksum=checksum, resolved=resolved, patch=patch)
    word = write_pinned(pinned)
    assert word.split() == [word]
    assert read_pinned(word) == pinned
