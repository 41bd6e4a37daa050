"""A yarn.lock of Yarn berry as the checks use it: its entries, its graph, its disagreements.

``text`` finds the entries, ``entries`` decodes them, ``resolution`` finds the entry that satisfies
a requirement, ``sync`` compares all of it with the manifests and settings.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.yarn.locators import Reference, normal, split_ident
from npm_vetted.clients.yarn_berry import sync
from npm_vetted.clients.yarn_berry.resolution import BerryResolution
from npm_vetted.model import Group, Manifest, Problem, Requirement
from npm_vetted.packages.platforms import Platform

_NESTED: Final = 20
"""The greatest depth of folders that require folders; it also ends circles."""


class BerryLockfile(BerryResolution):
    """A yarn.lock with ``__metadata``."""

    locks_folders = True

    def folder_keys(self, folder: str) -> Iterator[str]:
        for key in self.blocks:
            if ("@file:" in key or "@portal:" in key) and self._place(
                self.locator(key)[1]
            ) == folder:
                yield key

    def platform(self, key: str) -> Platform:
        """The ``conditions`` of an entry; alternatives in parentheses are not one platform."""
        conditions = self.fields(key).get("conditions")
        if not isinstance(conditions, str) or "(" in conditions or "|" in conditions:
            return Platform()
        words = dict(each.strip().partition("=")[::2] for each in conditions.split("&"))
        return Platform(*((words[each],) if each in words else () for each in ("os", "cpu")))

    def _place(self, reference: str, depth: int = 0) -> str | None:
        """The folder that a locator leads to: a workspace's, or one that a workspace's folder requires."""
        parts = Reference.parse(reference)
        if parts.protocol == "workspace:":
            return posixpath.normpath(parts.source)
        asker = split_ident(parts.params.get("locator", ""))
        if parts.protocol not in ("file:", "portal:") or asker is None or depth > _NESTED:
            return None
        place = self._place(asker[1], depth + 1)
        return None if place is None else posixpath.normpath(posixpath.join(place, parts.source))

    def records(self, key: str, asked: Requirement) -> bool:
        if asked.group is Group.PEER:
            return True  # Yarn installs no peer by itself
        return any(
            each.name == asked.name and normal(each.specifier) == normal(asked.specifier)
            for each in self.entry(key).requires
        )

    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        """Disagreements between the manifests and this lockfile, and contradictions within entries."""
        from npm_vetted.clients.yarn_berry.pnp_data import data_problems

        yield from sync.disagreements(self, manifests, self._read)
        yield from data_problems(self, self._read)

    def contradictions(self, keys: Iterable[str], before: Iterable[Lockfile]) -> Iterator[Problem]:
        """Requirements of changed entries that no entry implements."""
        return sync.contradictions(self, keys, before)
