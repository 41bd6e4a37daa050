"""A yarn.lock of Yarn berry as the checks see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from npm_vetted.clients import _yarn_berry_sync as sync
from npm_vetted.clients._yarn_berry_lock import BerryLockfile
from npm_vetted.model import Manifest, Problem


class Reader(BerryLockfile):
    """A lockfile that can be held against the manifests."""

    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        """Where the manifests and this lockfile disagree, and where entries contradict themselves."""
        return sync.problems(self, manifests, self._read)
