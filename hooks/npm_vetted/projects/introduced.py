"""A package that a commit adds, changes or promotes, and the comparison with earlier artifacts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import NamedTuple

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.model import Artifact, Entry, Location, Project
from npm_vetted.vetting.resolver import VettingRequest


class Arrival(StrEnum):
    """Why an artifact is judged in this commit."""

    ADDED = "added"
    CHANGED = "changed"
    PROMOTED = "promoted"
    """It became a direct dependency, or a production dependency."""


class IntroducedPackage(NamedTuple):
    """An artifact that a commit brings into a project, and how the project uses it.

    ``before`` are the artifacts of the same name and version that the earlier states lock.
    """

    project: Project
    lockfile: Lockfile
    entry: Entry
    artifact: Artifact
    subject: VettingRequest
    arrival: Arrival
    before: tuple[Artifact, ...]

    @property
    def location(self) -> Location:
        """Where the lockfile pins it."""
        return Location(self.lockfile.path, self.entry.line)

    @property
    def direct(self) -> bool:
        """Whether a manifest of the project requires it."""
        return self.subject.direct


def carried_at(entry: Entry) -> str:
    """The folder of a bundled entry below its carrier's own; '' where it is not bundled."""
    return entry.key[len(entry.bundled_by) + 1 :] if entry.bundled_by is not None else ""


def merged_uses(one: IntroducedPackage, other: IntroducedPackage) -> IntroducedPackage:
    """Two uses of one artifact as one: direct where either is, shipped where either is."""
    first = other if other.direct and not one.direct else one
    development = one.subject.development and other.subject.development
    return first._replace(subject=first.subject._replace(development=development))


def newcomers(
    lockfile: Lockfile,
    keys: Iterable[str],
    changed: Collection[str],
    before: Iterable[tuple[Lockfile, Collection[str]]],
) -> list[str]:
    """The keys among ``keys`` whose artifact is not among the ``before`` keys of any earlier lockfile.

    Artifacts are compared, not only keys: npm's key of a package depends on the other packages.
    """
    fresh = [
        key for key in keys if key in changed or not any(key in earlier for _, earlier in before)
    ]
    if not fresh:
        return []
    artifacts = {key: _comparable(lockfile, key) for key in fresh}
    names = {artifact.name for artifact in artifacts.values() if artifact}
    known = {_of_any_key(_silent(found)) for each, _ in before for found in each.named(names)}
    if known.isdisjoint(
        artifacts.values()
    ):  # as of most upgrades: no other entry has to be decoded
        return fresh
    direct = {_comparable(each, key) for each, earlier in before for key in earlier}
    return [key for key in fresh if artifacts[key] not in direct]


def _comparable(lockfile: Lockfile, key: str) -> Artifact | None:
    """An entry's artifact, reduced to the fields that all lockfile formats record."""
    artifact = lockfile.artifact(key)
    return artifact and _of_any_key(_silent(artifact))


def is_unchanged(before: Artifact, after: Artifact) -> bool:
    """Whether two artifacts are the same; if one format does not record scripts, they are not compared."""
    if before.scripts is None or after.scripts is None:
        before, after = _silent(before), _silent(after)
    return _of_any_key(before) == _of_any_key(after)


def _silent(artifact: Artifact) -> Artifact:
    """The artifact without the field for scripts, which not every format has."""
    return artifact._replace(scripts=None)


def _of_any_key(artifact: Artifact) -> Artifact:
    """The artifact with its Yarn berry checksum reduced to the digest: equal digests mean equal zips."""
    if artifact.checksum is None:
        return artifact
    return artifact._replace(checksum=artifact.checksum.rpartition("/")[2])


def versions_of(lockfile: Lockfile, names: Collection[str]) -> dict[str, frozenset[str]]:
    """The versions of some packages that a lockfile has."""
    found: dict[str, set[str]] = {}
    for artifact in lockfile.named(names) if names else ():
        if artifact.version is not None:
            found.setdefault(artifact.name, set()).add(artifact.version)
    return {name: frozenset(versions) for name, versions in found.items()}


def replaced_versions(earlier: Iterable[str], still: Collection[str]) -> tuple[str, ...]:
    """The earlier versions that a new one may replace: those that are gone; if none is gone, all."""
    versions = tuple(earlier)
    return tuple(each for each in versions if each not in still) or versions
