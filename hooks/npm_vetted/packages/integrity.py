"""Hashes that bind an artifact to its bytes: SRI text, Yarn 1's fragment, berry's checksum.

npm, pnpm and Yarn 1 read SRI text with ``ssri``. They keep the hashes of the strongest known
algorithm and accept bytes that match ANY of them. They drop parts that they do not understand, and
a text without any valid part accepts all bytes. So a text that has not exactly one well-formed hash
for each algorithm is ``unsound`` and never equals another.
"""

from __future__ import annotations

import binascii
import re
from typing import Final, NamedTuple

from npm_vetted.errors import UndecidedError

_LENGTHS: Final = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}
"""The algorithms, the weakest first, and how many bytes their digests have."""
_STRENGTH: Final = {algorithm: at for at, algorithm in enumerate(_LENGTHS)}
WEAK: Final = frozenset({"md5", "sha1"})
"""Algorithms for which two files with one digest can be made."""

_PART: Final = re.compile(
    r"(?P<algorithm>[a-z0-9]+)-(?P<digest>[A-Za-z0-9+/]+={0,2})(?P<options>\?[\x21-\x7e]*)?"
)
_CHECKSUM: Final = re.compile(r"(?:(?P<key>[0-9]+(?:c[0-9])?|tar)/)?(?P<digest>[0-9a-f]{128})")
_SHA1: Final = re.compile(r"[0-9a-fA-F]{40}")


class Hash(NamedTuple):
    """One hash of an SRI text; ``options`` are what follows a ``?``, which every client ignores."""

    algorithm: str
    digest: bytes
    options: str = ""

    def __str__(self) -> str:
        return f"{self.algorithm}-{binascii.b2a_base64(self.digest, newline=False).decode('ascii')}{self.options}"


def parse_integrity(text: str) -> tuple[Hash, ...]:
    """The hashes of an SRI text, in its order; raises UndecidedError for what a client may drop."""
    hashes = tuple(_parse_part(part) for part in re.split("[ \t\r\n]+", text.strip(" \t\r\n")))
    seen: set[str] = set()
    for each in hashes:
        if each.algorithm in seen:
            raise UndecidedError(
                f"more than one {each.algorithm} hash: a client accepts bytes that match any of them"
            )
        seen.add(each.algorithm)
    return hashes


def _parse_part(part: str) -> Hash:
    if not part:
        raise UndecidedError("no hash: a client accepts any bytes")
    match = _PART.fullmatch(part)
    if match is None:
        raise UndecidedError(f"not <algorithm>-<base64>: {part[:100]!r}")
    algorithm = match["algorithm"]
    if algorithm not in _LENGTHS:
        known = ", ".join(_LENGTHS)
        raise UndecidedError(f"unknown algorithm {algorithm[:40]!r} (known: {known})")
    found = Hash(algorithm, _decode(match["digest"], part), match["options"] or "")
    if len(found.digest) != _LENGTHS[algorithm]:
        raise UndecidedError(
            f"expected {_LENGTHS[algorithm]} bytes for {algorithm}, found {len(found.digest)}"
        )
    if str(found) != part:
        raise UndecidedError(f"not the canonical base64 of its digest: {part[:100]!r}")
    return found


def _decode(digest: str, part: str) -> bytes:
    try:
        return binascii.a2b_base64(digest, strict_mode=True)
    except binascii.Error:
        raise UndecidedError(f"malformed base64: {part[:100]!r}") from None


def unsound(text: str) -> str | None:
    """Why an SRI text does not bind an artifact to one content; None: it does."""
    try:
        parse_integrity(text)
    except UndecidedError as error:
        return error.message
    return None


def strongest(hashes: tuple[Hash, ...]) -> Hash:
    """The hash that a client holds the bytes against."""
    return max(hashes, key=lambda each: _STRENGTH[each.algorithm])


def is_weak(text: str) -> bool:
    """Whether an SRI text names no hash that can be relied on: sha1 or md5 only, or unsound."""
    return unsound(text) is not None or strongest(parse_integrity(text)).algorithm in WEAK


def same_bytes(vetted: str, locked: str) -> bool | None:
    """Whether an SRI text binds to the vetted bytes; None if the two cannot be compared.

    The comparison uses the hash that a client will verify: the strongest one of ``locked``. Weaker
    hashes must not contradict it. Unsound text never equals any text, not even itself.
    """
    if unsound(vetted) is not None or unsound(locked) is not None:
        return False
    known = {each.algorithm: each.digest for each in parse_integrity(vetted)}
    found = parse_integrity(locked)
    if any(known.get(each.algorithm, each.digest) != each.digest for each in found):
        return False
    return True if strongest(found).algorithm in known else None


def sha1_integrity(digest: str) -> str:
    """The SRI text of a sha1 in hex; raises UndecidedError where it is none."""
    if not _SHA1.fullmatch(digest):
        raise UndecidedError(f"expected a sha1 of 40 hex digits, found {digest[:60]!r}")
    return str(Hash("sha1", bytes.fromhex(digest)))


def tar_checksum(integrity: str) -> str | None:
    """A SHA-512 in SRI text as the checksum of an unpacked tar; None where it is no sound SHA-512."""
    if unsound(integrity) is not None:
        return None
    (found, *others) = parse_integrity(integrity)
    return None if others or found.algorithm != "sha512" else f"tar/{found.digest.hex()}"


def sri_of_hex(digest: str) -> str | None:
    """The SRI text of a SHA-512 in hex; None where it is none."""
    found = _CHECKSUM.fullmatch(digest)
    return str(Hash("sha512", bytes.fromhex(digest))) if found and not found["key"] else None


def fragment_integrity(resolved: str) -> str | None:
    """The SRI text of the sha1 that Yarn 1 writes behind a tarball's URL (``….tgz#<hex>``)."""
    fragment = resolved.partition("#")[2]
    return sha1_integrity(fragment) if _SHA1.fullmatch(fragment) else None


def same_checksum(vetted: str, locked: str) -> bool | None:
    """Whether two checksums of Yarn berry are of the same bytes; None: they cannot be compared.

    A checksum is of the zip that Yarn packs, so it depends on how Yarn packed: the cache key before
    the slash (``10c0/``; older lockfiles have it in ``__metadata``, and the reader puts it before
    theirs). Equal digests are of equal zips whatever the keys; different ones tell nothing where the
    keys differ or one is not known. The key ``tar/`` is pnpm's: the hash of the unpacked tar.
    """
    one, other = _CHECKSUM.fullmatch(vetted), _CHECKSUM.fullmatch(locked)
    if one is None or other is None:
        return False
    if one["digest"] == other["digest"]:
        return True
    return False if one["key"] == other["key"] else None
