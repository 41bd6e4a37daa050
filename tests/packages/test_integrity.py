"""What binds an artifact to its bytes, and whether two hashes are of the same ones."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.errors import UndecidedError
from npm_vetted.packages.integrity import (
    Hash,
    fragment_integrity,
    is_weak,
    parse_integrity,
    same_bytes,
    same_checksum,
    sha1_integrity,
    sri_of_hex,
    strongest,
    tar_checksum,
    unsound,
)
from tests.support.real_clients import NODE, WHEEL

ALGORITHMS = ("md5", "sha1", "sha256", "sha384", "sha512")


def sri(algorithm: str, content: bytes = b"vetted") -> str:
    digest = hashlib.new(algorithm, content, usedforsecurity=False).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


SHA512, SHA256, SHA1, MD5 = sri("sha512"), sri("sha256"), sri("sha1"), sri("md5")
EVIL512, EVIL1 = sri("sha512", b"evil"), sri("sha1", b"evil")


def test_parse_gives_the_hashes_in_their_order() -> None:
    content = hashlib.sha512(b"vetted").digest()
    assert parse_integrity(f" {SHA1}\n{SHA512}?opt?x ") == (
        Hash("sha1", hashlib.sha1(b"vetted").digest()),
        Hash("sha512", content, "?opt?x"),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no hash: a client accepts any bytes"),
        (" \t\n", "no hash: a client accepts any bytes"),
        (f"{SHA512} {EVIL512}", "more than one sha512 hash: a client accepts bytes that match any"),
        (f"{SHA512} {SHA512}", "more than one sha512 hash"),
        (f"{SHA512} {SHA1} {EVIL1}", "more than one sha1 hash"),
        (f"{SHA512} {EVIL512}?x", "more than one sha512 hash"),
        (
            f"sha3-{'A' * 86}==",
            "unknown algorithm 'sha3' (known: md5, sha1, sha256, sha384, sha512)",
        ),
        (f"{SHA512} blake2b512-{'A' * 86}==", "unknown algorithm 'blake2b512'"),
        (f"SHA512-{SHA512[7:]}", "not <algorithm>-<base64>"),
        (f"\x0c{SHA512}", "not <algorithm>-<base64>"),
        (f"{SHA512}\xa0", "not <algorithm>-<base64>"),
        (f"sha-512-{SHA512[7:]}", "not <algorithm>-<base64>"),
        (SHA512.replace("-", ":"), "not <algorithm>-<base64>"),
        (SHA512[7:], "not <algorithm>-<base64>"),
        ("sha512-", "not <algorithm>-<base64>"),
        (f"{SHA512},{EVIL512}", "not <algorithm>-<base64>"),
        (f"{SHA512}\x0b{EVIL512}", "not <algorithm>-<base64>"),
        (f"{SHA512}?\x0b{EVIL512}", "not <algorithm>-<base64>"),
        (f"{SHA512}?\xa0{EVIL512}", "not <algorithm>-<base64>"),
        (f"\ufeff{SHA512}", "not <algorithm>-<base64>"),
        ("sha512-AAAA", "expected 64 bytes for sha512, found 3"),
        (f"sha512-{SHA256[7:]}", "expected 64 bytes for sha512, found 32"),
        (SHA512.rstrip("="), "malformed base64"),
        ("sha1-AAAAA", "malformed base64"),
        (f"sha1-{'A' * 26}B=", "not the canonical base64"),
        (SHA512.replace("+", "-").replace("/", "_"), "not <algorithm>-<base64>"),
        (hashlib.sha512(b"vetted").hexdigest(), "not <algorithm>-<base64>"),
    ],
)
def test_unsound(text: str, reason: str) -> None:
    assert (unsound(text) or "").startswith(reason)
    with pytest.raises(UndecidedError):
        parse_integrity(text)
    assert is_weak(text)
    assert same_bytes(text, text) is False
    assert same_bytes(SHA512, text) is False
    assert same_bytes(text, SHA512) is False


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_hash_is_sound(algorithm: str) -> None:
    assert unsound(sri(algorithm)) is None


def test_the_strongest_is_the_one_that_counts() -> None:
    for at, algorithm in enumerate(ALGORITHMS, 1):
        weaker_first = " ".join(sri(each) for each in ALGORITHMS[:at])
        stronger_first = " ".join(sri(each) for each in reversed(ALGORITHMS[:at]))
        assert strongest(parse_integrity(weaker_first)) == strongest(
            parse_integrity(stronger_first)
        )
        assert strongest(parse_integrity(weaker_first)).algorithm == algorithm


@pytest.mark.parametrize(
    ("text", "weak"),
    [
        (MD5, True),
        (SHA1, True),
        (f"{MD5} {SHA1}", True),
        (SHA256, False),
        (f"{SHA1} {SHA512}", False),
        (SHA512, False),
    ],
)
def test_weak(text: str, weak: bool) -> None:
    assert is_weak(text) is weak


@pytest.mark.parametrize(
    ("vetted", "locked", "same"),
    [
        (SHA512, SHA512, True),
        (SHA512, f"{SHA512}?opt", True),
        (SHA512, f"{SHA1} {SHA512}", True),
        (f"{SHA512} {SHA1}", f"{SHA1} {SHA512}", True),
        (f"{SHA1} {SHA512}", SHA512, True),
        (SHA1, SHA1, True),
        (SHA512, EVIL512, False),
        (SHA1, EVIL1, False),
        (f"{SHA1} {SHA512}", f"{SHA1} {EVIL512}", False),
        (f"{SHA1} {SHA512}", f"{EVIL1} {SHA512}", False),
        (f"{SHA1} {SHA512}", EVIL1, False),
        (SHA1, SHA512, None),
        (SHA512, SHA1, None),
        (SHA512, SHA256, None),
        (SHA1, f"{SHA1} {EVIL512}", None),  # npm holds the bytes against the sha512 only
    ],
)
def test_same_bytes(vetted: str, locked: str, same: bool | None) -> None:
    assert same_bytes(vetted, locked) is same


digests = st.sampled_from([sri(name, text) for name in ALGORITHMS for text in (b"1", b"2")])
texts = st.one_of(
    st.text(max_size=60),
    st.lists(digests, max_size=4).map(" ".join),
    st.text(st.sampled_from(SHA512[:20] + " ?-=+/\n"), max_size=100),
)


@given(texts, texts)
def test_an_answer_whatever_the_text(one: str, other: str) -> None:
    if same_bytes(one, other):
        assert strongest(parse_integrity(other)) in parse_integrity(one)
    for text in (one, other):
        if unsound(text) is None:
            assert " ".join(map(str, parse_integrity(text))) == " ".join(text.split())
            assert same_bytes(text, text) is True


@pytest.mark.parametrize("piece", ["sha512-", "A", "=", " ", "?", f"{SHA512} ", "-"])
def test_long_text_takes_linear_time(piece: str) -> None:
    start = time.process_time()
    unsound(piece * 100_000)
    same_checksum(piece * 100_000, piece * 100_000)
    assert time.process_time() - start < 2


def test_sha1_in_hex_becomes_sri() -> None:
    digest = hashlib.sha1(b"vetted").hexdigest()
    assert sha1_integrity(digest) == sha1_integrity(digest.upper()) == SHA1
    assert fragment_integrity(f"https://registry.yarnpkg.com/ms/-/ms-2.1.3.tgz#{digest}") == SHA1


@pytest.mark.parametrize("digest", ["", "ab", "g" * 40, "a" * 41, f"{'a' * 40}\n", "a" * 64])
def test_what_is_no_sha1(digest: str) -> None:
    with pytest.raises(UndecidedError, match="expected a sha1 of 40 hex digits"):
        sha1_integrity(digest)
    assert fragment_integrity(f"https://registry.yarnpkg.com/ms/-/ms-2.1.3.tgz#{digest}") is None


def test_a_url_without_fragment_has_no_sha1() -> None:
    assert fragment_integrity(f"https://registry.yarnpkg.com/{'a' * 40}") is None


A, B = "a1" * 64, "b2" * 64


@pytest.mark.parametrize(
    ("vetted", "locked", "same"),
    [
        (A, A, True),
        (A, f"10/{A}", True),
        (f"10c0/{A}", f"10/{A}", True),
        (f"10c0/{A}", f"10c0/{A}", True),
        (f"10c0/{A}", f"10c0/{B}", False),
        (A, B, False),
        (A, f"10/{B}", None),
        (f"8/{A}", f"7/{B}", None),
        (f"10/{A}", f"10c0/{B}", None),
        (A[1:], A[1:], False),
        (A.upper(), A.upper(), False),
        (f"x/{A}", f"x/{A}", False),
        (f"{A}\n", A, False),
        ("", "", False),
    ],
)
def test_same_checksum(vetted: str, locked: str, same: bool | None) -> None:
    assert same_checksum(vetted, locked) is same


SSRI = """
const ssri = require(process.argv[1])
const [data, texts] = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const accepts = text => {
  const parsed = ssri.parse(text)
  return parsed === null ? 'anything' : Boolean(ssri.checkData(Buffer.from(data), parsed))
}
process.stdout.write(JSON.stringify(texts.map(accepts)))
"""


def test_npm_reads_them_so() -> None:
    """What npm's own ``ssri`` takes for the bytes ``vetted``: the reason for each rule above."""
    expected = {
        SHA512: True,
        EVIL512: False,
        f"{EVIL512} {SHA512}": True,  # any of the strongest
        f"{SHA1} {EVIL512}": False,  # only the strongest
        f"{EVIL1} {SHA512}": True,
        f"{EVIL512}\x0b{SHA512}": True,
        f"{EVIL512}?\xa0{SHA512}": True,
        f"SHA512-{EVIL512[7:]}": "anything",  # not understood: dropped
        f"sha-512-{EVIL512[7:]}": "anything",
        "": "anything",
    }
    answer = subprocess.run(
        [str(NODE), "-e", SSRI, str(WHEEL / "lib/node_modules/npm/node_modules/ssri")],
        input=json.dumps(["vetted", list(expected)]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert dict(zip(expected, json.loads(answer.stdout), strict=True)) == expected


HEX512 = hashlib.sha512(b"vetted").hexdigest()


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        (HEX512, SHA512), (f"10c0/{HEX512}", None), (f"tar/{HEX512}", None), (HEX512[:-1], None),
        (HEX512.upper(), None), ("", None),
    ],
)  # fmt: skip
def test_a_sha512_in_hex_becomes_sri(digest: str, expected: str | None) -> None:
    assert sri_of_hex(digest) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SHA512, f"tar/{HEX512}"), (SHA256, None), (SHA1, None), (f"{SHA512} {SHA1}", None),
        (f"{SHA512}x", None), ("", None),
    ],
)  # fmt: skip
def test_a_sha512_of_a_tar_becomes_a_checksum(text: str, expected: str | None) -> None:
    assert tar_checksum(text) == expected
