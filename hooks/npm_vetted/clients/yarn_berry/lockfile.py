"""A yarn.lock of Yarn berry as the checks use it: its entries, its graph, its disagreements.

``text`` finds the entries, ``entries`` decodes them, ``resolution`` finds the entry that satisfies
a requirement, ``sync`` compares all of it with the manifests and settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.yarn_berry import sync
from npm_vetted.clients.yarn_berry.resolution import BerryResolution
from npm_vetted.model import Manifest, Problem


class BerryLockfile(BerryResolution):
    """A yarn.lock with ``__metadata``."""

    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        """Where the manifests and this lockfile disagree, and where entries contradict themselves."""
        from npm_vetted.clients.yarn_berry.pnp_data import data_problems

        yield from sync.disagreements(self, manifests, self._read)
        yield from data_problems(self, self._read)

    def contradictions(self, keys: Iterable[str], before: Iterable[Lockfile]) -> Iterator[Problem]:
        """Requirements of changed entries that no entry implements."""
        return sync.contradictions(self, keys, before)
