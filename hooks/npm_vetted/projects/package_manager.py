"""``packageManager`` of a manifest: a package that corepack and pnpm fetch and run on every machine.

It is judged as a direct development package. corepack's hash is that of the registry's tarball, if the
client's program comes from the registry; other hashes cannot be compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from npm_vetted.clients import client_of, pinned_client
from npm_vetted.model import Artifact, Kind, Location, Project
from npm_vetted.packages.integrity import sri_of_hex
from npm_vetted.packages.manifest import read_pin
from npm_vetted.projects.change import Change
from npm_vetted.projects.project_change import ProjectChange
from npm_vetted.vetting.policy import DEFAULT_REGISTRY
from npm_vetted.vetting.resolver import VettingRequest

_EXACT: Final = re.compile(
    r"(?P<name>[a-z][a-z0-9-]*)@(?P<version>\d[0-9A-Za-z.-]*)"
    r"(?:\+(?P<algorithm>sha\d+)\.(?P<hash>[0-9a-f]+))?"
)
_VERSION: Final = re.compile(r"\d+\.\d+\.\d[0-9A-Za-z.-]*")
_COMPARABLE: Final = "sha512"


_MANAGER: Final = "packageManager"


class NamedManager(NamedTuple):
    """A program that ``packageManager`` (or another key) pins, as a package.

    ``hashed``: it has a hash of the fetched file, or the key cannot contain a hash.
    """

    key: str
    text: str
    artifact: Artifact
    hashed: bool


class PinnedManager(NamedTuple):
    """The same for a pin that a change adds or changes."""

    key: str
    request: VettingRequest
    location: Location
    text: str
    hashed: bool


def pinned_managers(change: Change) -> Iterator[tuple[ProjectChange, PinnedManager]]:
    """Each ``packageManager`` that a change brings, with its project."""
    for project in change.projects:
        for found in _of_project(change, project):
            yield project, found


def managers_before(change: Change) -> Iterator[NamedManager]:
    """The programs that the states before the change pin."""
    for projects in change.projects_before:
        for project in projects.all():
            yield from named_managers(project)


def _of_project(change: Change, project: ProjectChange) -> Iterator[PinnedManager]:
    manifest = project.after.manifest
    for pinned in named_managers(project.after):
        artifact = pinned.artifact
        earlier = [
            found
            for each in project.before
            for found in named_managers(each)
            if found.key == pinned.key
        ]
        if any(pinned.text == each.text or _only_hash_is_new(each, pinned) for each in earlier):
            continue
        others = {each.artifact.version for each in earlier if each.artifact.name == artifact.name}
        request = VettingRequest(
            artifact=artifact,
            direct=True,
            development=change.policy.development is not None,
            previous=tuple(sorted(version for version in others if version)),
        )
        place = Location(manifest.path, manifest.line_of(pinned.key))
        yield PinnedManager(pinned.key, request, place, pinned.text, pinned.hashed)


def _only_hash_is_new(before: NamedManager, after: NamedManager) -> bool:
    """Whether only a hash is added to the same version, so that more is pinned than before."""
    return before.artifact.label == after.artifact.label and not before.hashed


def named_managers(project: Project) -> Iterator[NamedManager]:
    """The programs that a project's manifest pins in an exact version."""
    data = project.manifest.data
    found = _of_package_json(project)
    if found is not None:
        yield found
    for key, name in client_of(project).PROGRAM_KEYS.items():
        version = data.get(key)
        if isinstance(version, str) and _VERSION.fullmatch(version):
            yield NamedManager(key, version, _artifact(name, version, None), hashed=True)


def _of_package_json(project: Project) -> NamedManager | None:
    text = project.manifest.data.get(_MANAGER)
    found = _EXACT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    pin = read_pin(project.manifest)
    client = pinned_client(pin) if pin is not None else None
    name = found["name"] if client is None else client.PACKAGE
    integrity = None
    if name == found["name"] and found["algorithm"] == _COMPARABLE:
        integrity = sri_of_hex(found["hash"]) or f"{_COMPARABLE}-?"
    artifact = _artifact(name, found["version"], integrity)
    return NamedManager(_MANAGER, str(text), artifact, found["hash"] is not None)


def _artifact(name: str, version: str, integrity: str | None) -> Artifact:
    """The pinned program as an artifact; without a hash, its source is the default registry."""
    file = f"{name.rpartition('/')[2]}-{version}.tgz"
    return Artifact(
        name=name,
        version=version,
        kind=Kind.REGISTRY,
        integrity=integrity,
        resolved=None if integrity else f"{DEFAULT_REGISTRY}{name}/-/{file}",
        unhashed=integrity is None,
    )
