"""``packageManager`` of a manifest: a package that corepack and pnpm fetch and run on every machine.

It is judged as a direct development package (DESIGN.md, section 6). corepack's hash is over the
registry's tarball where the client's program comes from there; other hashes cannot be compared.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from npm_vetted.clients import pinned_client
from npm_vetted.model import Artifact, Kind, Location, Project
from npm_vetted.packages.manifest import read_pin
from npm_vetted.projects.change import Change, ProjectChange
from npm_vetted.vetting.policy import DEFAULT_REGISTRY
from npm_vetted.vetting.resolver import VettingRequest

_EXACT: Final = re.compile(
    r"(?P<name>[a-z][a-z0-9-]*)@(?P<version>\d[0-9A-Za-z.-]*)"
    r"(?:\+(?P<algorithm>sha\d+)\.(?P<hash>[0-9a-f]+))?"
)
_COMPARABLE: Final = "sha512"


class NamedManager(NamedTuple):
    """What a manifest's ``packageManager`` names. ``hashed``: with a hash of what is fetched."""

    text: str
    artifact: Artifact
    hashed: bool


class PinnedManager(NamedTuple):
    """A ``packageManager`` that a change brings. ``hashed``: it names a hash of what is fetched."""

    request: VettingRequest
    location: Location
    text: str
    hashed: bool


def pinned_managers(change: Change) -> Iterator[tuple[ProjectChange, PinnedManager]]:
    """Each ``packageManager`` that a change brings, with its project."""
    for project in change.projects:
        found = _of_project(change, project)
        if found is not None:
            yield project, found


def managers_before(change: Change) -> Iterator[NamedManager]:
    """What the states before the change name."""
    for projects in change.projects_before:
        for project in projects.all():
            found = named_manager(project)
            if found is not None:
                yield found


def _of_project(change: Change, project: ProjectChange) -> PinnedManager | None:
    pinned = named_manager(project.after)
    if pinned is None:
        return None
    artifact = pinned.artifact
    earlier = [found for each in project.before if (found := named_manager(each)) is not None]
    if any(pinned.text == each.text or _only_hash_is_new(each, pinned) for each in earlier):
        return None
    others = {each.artifact.version for each in earlier if each.artifact.name == artifact.name}
    request = VettingRequest(
        artifact=artifact,
        direct=True,
        development=change.policy.development is not None,
        previous=tuple(sorted(version for version in others if version)),
    )
    manifest = project.after.manifest
    place = Location(manifest.path, manifest.line_of("packageManager"))
    return PinnedManager(request, place, pinned.text, pinned.hashed)


def _only_hash_is_new(before: NamedManager, after: NamedManager) -> bool:
    """Whether the version stays, and a hash is added: that binds more than was bound."""
    return before.artifact.label == after.artifact.label and not before.hashed


def named_manager(project: Project) -> NamedManager | None:
    """What a project's ``packageManager`` names; None where that is no exact version."""
    text = project.manifest.data.get("packageManager")
    found = _EXACT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    pin = read_pin(project.manifest)
    client = pinned_client(pin) if pin is not None else None
    name = found["name"] if client is None else client.PACKAGE
    integrity = None
    if name == found["name"] and found["algorithm"] == _COMPARABLE:
        digest = (
            base64.b64encode(bytes.fromhex(found["hash"])) if len(found["hash"]) == 128 else b"?"
        )
        integrity = f"{_COMPARABLE}-{digest.decode()}"
    file = f"{name.rpartition('/')[2]}-{found['version']}.tgz"
    artifact = Artifact(
        name=name,
        version=found["version"],
        kind=Kind.REGISTRY,
        integrity=integrity,
        resolved=None if integrity else f"{DEFAULT_REGISTRY}{name}/-/{file}",
        unhashed=integrity is None,
    )
    return NamedManager(str(text), artifact, found["hash"] is not None)
