"""Compares the hashes and source of vetted bytes with those that a lockfile pins."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from npm_vetted.model import Artifact, Kind
from npm_vetted.packages.integrity import same_bytes, same_checksum
from npm_vetted.packages.urls import is_tarball_of

_USUAL: Final = ("https://registry.npmjs.org/", "https://registry.yarnpkg.com/")
_PREFIXES: Final = {
    "checksum": "checksum:", "resolved": "source:", "patch": "patch:", "specifier": "specifier:",
}  # fmt: skip


class Match(Enum):
    """The result of comparing a note's pins with an artifact."""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    """Not comparable: hashes of different clients, or a client that records no hash of the artifact."""


class Pins(NamedTuple):
    """The hashes and source that a note, a list entry or an exemption records of the vetted bytes."""

    integrity: str | None = None
    checksum: str | None = None
    resolved: str | None = None
    patch: str | None = None
    specifier: str | None = None

    def compare(self, artifact: Artifact) -> Match:
        """Compare an artifact with the vetted bytes.

        A patch is part of the vetted state. Hashes decide. A git or URL source without a hash is
        bound by its ``resolved``, and an artifact without a lockfile by its specifier. An artifact
        that lost its hash is different: npm then installs any bytes (docs/clients/npm.md). So is an
        artifact whose hash uses an algorithm that the note does not record.
        """
        if self.patch != artifact.patch or self.specifier != artifact.specifier:
            return Match.DIFFERENT
        if self.specifier is not None:
            return Match.SAME
        if self._is_of_another_source(artifact):
            return Match.DIFFERENT
        answers: list[bool | None] = []
        if self.integrity is not None and artifact.integrity is not None:
            answers.append(same_bytes(self.integrity, artifact.integrity) or False)
        if self.checksum is not None and artifact.checksum is not None:
            answers.append(same_checksum(self.checksum, artifact.checksum))
        if False in answers:
            return Match.DIFFERENT
        if True in answers:
            return Match.SAME
        if (self.integrity or self.checksum) and (artifact.integrity or artifact.checksum):
            return Match.UNKNOWN
        if artifact.unhashed and (self.integrity or self.resolved == artifact.resolved):
            return Match.UNKNOWN
        exotic = artifact.kind is not Kind.REGISTRY and artifact.resolved is not None
        return Match.SAME if exotic and self.resolved == artifact.resolved else Match.DIFFERENT

    def _is_of_another_source(self, artifact: Artifact) -> bool:
        """Whether the artifact is a registry's, but the pins are of a URL or repository.

        Their hash says nothing about the package that the registry publishes.
        """
        if self.resolved is None or "://" not in self.resolved or artifact.unhashed:
            return False
        if artifact.kind is not Kind.REGISTRY or self.resolved == artifact.resolved:
            return False
        return not is_tarball_of(self.resolved, artifact.name, artifact.version)

    def binds(self, artifact: Artifact) -> Match:
        """Whether an artifact is exactly these bytes from exactly this source (the rule of exemptions).

        An artifact that never had a hash stays exempt while it has none and keeps its source.
        """
        own = pinned_of(artifact)
        if self.resolved != own.resolved:
            return Match.DIFFERENT
        alike = self == own and own.resolved is not None
        return Match.SAME if alike else self.compare(artifact)


def pinned_of(artifact: Artifact) -> Pins:
    """The pins of an artifact: its hashes, and its source if it has no hash or an unusual source."""
    source = artifact.resolved
    bound = artifact.integrity is not None or artifact.checksum is not None
    if bound and source is not None and _is_usual(source, artifact):
        source = None
    if bound and artifact.kind is Kind.REGISTRY and not _has_host(source):
        source = None
    return Pins(
        integrity=artifact.integrity,
        checksum=None if artifact.integrity else artifact.checksum,
        resolved=source,
        patch=artifact.patch,
        specifier=artifact.specifier,
    )


def _is_usual(source: str, artifact: Artifact) -> bool:
    """Whether it is this package's own tarball in the public registry."""
    usual = source.startswith(_USUAL)
    return usual and is_tarball_of(source, artifact.name, artifact.version) is True


def _has_host(source: str | None) -> bool:
    return source is not None and "://" in source


def write_pinned(pinned: Pins) -> str:
    """Write the pins as one word for an exemption's line; ``-`` if there are none."""
    from urllib.parse import quote

    parts = {"": ",".join((pinned.integrity or "").split())}
    parts |= {prefix: getattr(pinned, key) or "" for key, prefix in _PREFIXES.items()}
    words = [
        prefix + quote(value, safe="!#$&'()*+,/:=?@[]-._~")
        for prefix, value in parts.items()
        if value
    ]
    return ";".join(words) or "-"


def read_pinned(word: str) -> Pins:
    """The pins in a word that ``write_pinned`` wrote."""
    from urllib.parse import unquote

    found: dict[str, str] = {}
    for part in word.split(";"):
        for key, prefix in _PREFIXES.items():
            if part.startswith(prefix):
                found[key] = unquote(part.removeprefix(prefix))
                break
        else:
            if part != "-":
                found["integrity"] = unquote(part).replace(",", " ")
    return Pins(**found)
