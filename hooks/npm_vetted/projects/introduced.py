"""A package that a commit brings, and how its artifact is compared with the earlier ones."""

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
    """It became direct, or left development."""


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
    """Of some keys, those whose artifact no earlier entry has, under any key."""
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
    """Whether an artifact is the one before; that a format does not tell of scripts changes none."""
    if before.scripts is None or after.scripts is None:
        before, after = _silent(before), _silent(after)
    return _of_any_key(before) == _of_any_key(after)


def _silent(artifact: Artifact) -> Artifact:
    """An artifact but for its scripts, of which one format tells and another does not."""
    return artifact._replace(scripts=None)


def _of_any_key(artifact: Artifact) -> Artifact:
    """An artifact but for the cache key of its Yarn berry checksum: equal digests are equal zips."""
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
    """The versions that a version may replace: those that are gone; where none is, all."""
    versions = tuple(earlier)
    return tuple(each for each in versions if each not in still) or versions
