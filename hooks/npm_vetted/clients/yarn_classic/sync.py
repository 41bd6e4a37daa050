"""Where a yarn.lock of version 1 and the manifests disagree.

The format does not record what a manifest asked for. So each requirement is looked up as Yarn does
it: by the pattern ``name@specifier``, or by the pattern that ``resolutions`` put in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from npm_vetted.clients.shared.yarn import out_of_range
from npm_vetted.clients.yarn_classic.entries import ClassicEntries
from npm_vetted.model import Group, Location, Manifest, Problem, Requirement

_DIRECT: Final = (Group.PRODUCTION, Group.DEVELOPMENT, Group.OPTIONAL)
_RESOLVED: Final = re.compile(r"[^\n]*+\n  version [^\n]*+\n  resolved ")
"""The first lines of an entry as Yarn writes it."""


def problems(lockfile: ClassicEntries, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
    """Every disagreement; none for a lockfile as Yarn wrote it."""
    own = {manifest.name for manifest in manifests.values()}
    for manifest in manifests.values():
        for asked in manifest.requires:
            # Yarn locks neither links nor the project's own workspaces.
            is_locked = asked.name not in own and not asked.specifier.startswith("link:")
            if asked.group in _DIRECT and is_locked:
                yield from _requirement(lockfile, manifest, asked)
    yield from _unapplied(lockfile, manifests.get(""))
    yield from _without_source(lockfile)


def _requirement(
    lockfile: ClassicEntries, manifest: Manifest, asked: Requirement
) -> Iterator[Problem]:
    """A dependency of a manifest without an entry, or with one of another version."""
    wanted = f"{asked.name}@{asked.specifier}"
    key = lockfile.resolve(None, asked)
    if key is None:
        message = f"{manifest.path} depends on {wanted}, which is missing from {lockfile.path}"
        yield _problem(
            lockfile, message, Location(manifest.path, asked.line), asked.name, wanted, ""
        )
        return
    found = lockfile.entry(key).artifact
    if asked.name not in lockfile.overrides and out_of_range(found, asked.specifier):
        assert found is not None
        message = f"{manifest.path} depends on {wanted}, but {lockfile.path} has {found.version}"
        where = Location(lockfile.path, lockfile.line(key))
        yield _problem(lockfile, message, where, asked.name, wanted, found.version or "")


def _unapplied(lockfile: ClassicEntries, root: Manifest | None) -> Iterator[Problem]:
    """Resolutions of the root's package.json that no entry implements."""
    for key, name in lockfile.unapplied() if root else ():
        assert root is not None
        wanted = lockfile.resolutions[key]
        message = f"{root.path} resolves {key} to {wanted}, but {lockfile.path} does not"
        where = Location(root.path, root.line_of("resolutions", key))
        yield _problem(lockfile, message, where, name, f"resolutions.{key}", wanted)


def _without_source(lockfile: ClassicEntries) -> Iterator[Problem]:
    """Entries without ``resolved``: Yarn ignores them and asks the registry again."""
    for key in lockfile.unlike(_RESOLVED):
        entry = lockfile.entry(key)
        if entry.artifact is not None and entry.artifact.resolved is None:
            message = (
                f"{key} has no 'resolved' field, so Yarn ignores this entry and resolves the "
                "package again"
            )
            where = Location(lockfile.path, entry.line)
            label = entry.artifact.label
            yield _problem(lockfile, message, where, entry.artifact.name, label, key)


def _problem(
    lockfile: ClassicEntries, message: str, location: Location, package: str, key: str, value: str
) -> Problem:
    folder = lockfile.path.rpartition("/")[0]
    where = ("--cwd", folder) if folder else ()
    fix = (("yarn", *where, "install", "--ignore-scripts"), ("git", "add", lockfile.path))
    return Problem(
        message=message, location=location, package=package, fix=fix, code="out-of-date", key=key,
        value=value,
    )  # fmt: skip
