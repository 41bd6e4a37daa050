"""Reads package-lock.json and npm-shrinkwrap.json of every version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from npm_vetted.clients.npm import requirements, sync
from npm_vetted.clients.npm.layout import Whole, split
from npm_vetted.clients.npm.legacy import LegacyLayout, LegacyLockfile
from npm_vetted.clients.npm.lockfile import NpmLockfile
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.formats.document import Table
from npm_vetted.formats.json import load_json
from npm_vetted.model import Manifest, Problem, Read, Requirement


def read_npm_lockfile(
    path: str, data: bytes, read: Read, like: Lockfile | None = None
) -> NpmLockfile:
    """Read a lockfile of any version; raises DocumentError with the line if the file is not one."""
    layout = split(path, data, like.layout if isinstance(like, NpmLockfile) else None)
    document = layout.document if layout else load_json(path, data)
    root = document.root()
    version = _version(root)
    # npm 7 and later read "packages" where it is, whatever the version says (npm 10 to 12 tried).
    if version < 2 and "packages" not in root.data:
        return _Legacy(LegacyLayout(document), version, read)
    return _Current(layout or Whole(document), version, read)


def _version(root: Table) -> int:
    version = root.data.get("lockfileVersion", 0)
    if isinstance(version, bool) or version not in (0, 1, 2, 3, 4):
        raise root.fail(
            f"lockfile version {json.dumps(version)[:40]} is unknown (known: none, 1, 2, 3, 4)",
            "lockfileVersion",
            fix="upgrade npm-vetted, or write the lockfile with an npm that writes version 3",
        )
    assert isinstance(version, int | float)
    return int(version)


class _Current(NpmLockfile):
    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        if self.version == 2 or "dependencies" in self.layout.document.root().data:
            yield from sync.halves(self)
        yield from sync.with_importers(self, manifests)
        yield from sync.with_patches(self, manifests)
        yield from sync.with_extensions(self, manifests.get(""))
        yield from sync.with_extension_file(self, manifests.get(""))
        yield from requirements.pending_overrides(self, manifests.get(""))
        yield from requirements.unread_overrides(manifests.get(""))
        yield from requirements.conflicting_overrides(manifests.get(""))

    def contradictions(self, keys: Iterable[str], before: Iterable[Lockfile]) -> Iterator[Problem]:
        return requirements.entry_problems(self, keys, before)

    def left_out(
        self, folder: str, manifest: Manifest, added: Iterable[Requirement]
    ) -> Iterator[Problem]:
        return requirements.left_out(self, folder, manifest, added)


class _Legacy(LegacyLockfile):
    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        """Disagreements with the root's manifest; npm 6 has no workspaces, and ``npm ci`` refuses gaps."""
        return sync.satisfied(self, "", manifests[""]) if "" in manifests else iter(())

    def contradictions(self, keys: Iterable[str], before: Iterable[Lockfile]) -> Iterator[Problem]:
        """Entries that have another version than ``requires`` names; it does not say which are optional."""
        return requirements.entry_problems(self, keys, before)
