"""A yarn.lock of Yarn berry as the checks see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from npm_vetted.clients.yarn_berry import sync
from npm_vetted.clients.yarn_berry.lockfile import BerryLockfile
from npm_vetted.model import Manifest, Problem


class Reader(BerryLockfile):
    """A lockfile that can be held against the manifests."""

    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        """Where the manifests and this lockfile disagree, and where entries contradict themselves."""
        return sync.problems(self, manifests, self._read)
