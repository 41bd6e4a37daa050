"""The names of files that belong to projects, for all clients together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from npm_vetted.clients import clients
from npm_vetted.clients.shared.lockfile import ARCHIVE_SUFFIXES, PATCH_SUFFIXES
from npm_vetted.model import Manifest
from npm_vetted.packages.manifest import NAME


@cache
def interesting_names() -> frozenset[str]:
    """The file names that make or steer a project, of every client."""
    names = {NAME}
    for client in clients().values():
        names.update(each.rpartition("/")[2] for each in (*client.LOCKFILES, *client.SETTINGS))
    return frozenset(names)


@cache
def manifest_names() -> frozenset[str]:
    """The names of every client's manifests."""
    return frozenset({NAME, *own_manifests()})


@cache
def own_manifests() -> Mapping[str, Callable[[str, bytes], Manifest]]:
    """The manifests that only one client reads, each with its reader."""
    return {
        name: reader
        for client in clients().values()
        for name, reader in client.OWN_MANIFESTS.items()
    }


def is_of_a_project(path: str) -> bool:
    """Whether a file of this name may belong to a project; patches and archives may."""
    suffixes = (*PATCH_SUFFIXES, *ARCHIVE_SUFFIXES)
    return path.rpartition("/")[2] in interesting_names() or path.endswith(suffixes)


@cache
def inherited_names() -> frozenset[str]:
    """The settings that a client reads from the directories above a project as well."""
    return frozenset(name for client in clients().values() for name in client.INHERITED)
