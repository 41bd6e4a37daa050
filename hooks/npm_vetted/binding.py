"""Whether what was vetted are the very bytes that a lockfile pins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import quote, unquote

from npm_vetted.hashes import same_bytes, same_checksum
from npm_vetted.model import Artifact, Kind

_USUAL: Final = ("https://registry.npmjs.org/", "https://registry.yarnpkg.com/")
_CHECKSUM, _PATCH, _SOURCE = "checksum:", "patch:", "source:"


class Bound(Enum):
    """How a note's bytes and an artifact's compare."""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    """Nothing that both name can be compared (another client's hash): the bytes are not bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What a note, a list entry or an exemption says of the bytes that were vetted."""

    integrity: str | None = None
    checksum: str | None = None
    resolved: str | None = None
    patch: str | None = None

    def compare(self, artifact: Artifact) -> Bound:
        """Whether an artifact is what was vetted.

        A patch is part of what was vetted. Hashes decide where both sides have comparable ones;
        a git or URL source without a hash is bound by its ``resolved``. A registry artifact that
        has lost its hash is a different one: npm installs any bytes then (CLIENTS.md section 4).
        """
        if self.patch != artifact.patch:
            return Bound.DIFFERENT
        answers: list[bool | None] = []
        if self.integrity is not None and artifact.integrity is not None:
            answers.append(same_bytes(self.integrity, artifact.integrity))
        if self.checksum is not None and artifact.checksum is not None:
            answers.append(same_checksum(self.checksum, artifact.checksum))
        if False in answers:
            return Bound.DIFFERENT
        if True in answers:
            return Bound.SAME
        if artifact.kind is not Kind.REGISTRY and _both(self.resolved, artifact.resolved):
            return Bound.SAME if self.resolved == artifact.resolved else Bound.DIFFERENT
        if self.integrity and not artifact.integrity and not artifact.checksum:
            return Bound.DIFFERENT
        return Bound.UNKNOWN


def _both(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None


def pinned_of(artifact: Artifact) -> Pinned:
    """What binds an artifact: its hashes; its source where there is none, or an unusual one."""
    source = artifact.resolved
    bound = artifact.integrity is not None or artifact.checksum is not None
    if bound and (source is None or source.startswith(_USUAL)):
        source = None
    if bound and artifact.kind is Kind.REGISTRY and not _has_host(source):
        source = None
    return Pinned(
        integrity=artifact.integrity,
        checksum=None if artifact.integrity else artifact.checksum,
        resolved=source,
        patch=artifact.patch,
    )


def _has_host(source: str | None) -> bool:
    return source is not None and "://" in source


def write_pinned(pinned: Pinned) -> str:
    """One word that an exemption's line can hold; ``-`` where nothing binds."""
    parts = []
    if pinned.integrity:
        parts.append(",".join(pinned.integrity.split()))
    if pinned.checksum:
        parts.append(_CHECKSUM + pinned.checksum)
    if pinned.resolved:
        parts.append(_SOURCE + quote(pinned.resolved, safe="!#$&'()*+,/:=?@[]-._~"))
    if pinned.patch:
        parts.append(_PATCH + pinned.patch)
    return ";".join(quote(part, safe="!#$&'()*+,/:=?@[]-._~%") for part in parts) or "-"


def read_pinned(word: str) -> Pinned:
    """The opposite of ``write_pinned``."""
    found: dict[str, str] = {}
    for part in word.split(";"):
        for prefix, key in ((_CHECKSUM, "checksum"), (_PATCH, "patch"), (_SOURCE, "resolved")):
            if part.startswith(prefix):
                found[key] = unquote(part.removeprefix(prefix))
                break
        else:
            if part != "-":
                found["integrity"] = unquote(part).replace(",", " ")
    return Pinned(**found)
