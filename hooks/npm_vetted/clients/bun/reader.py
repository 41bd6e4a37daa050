"""bun.lock as the checks use it: read, and compared with the manifests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from npm_vetted.clients.bun import sync as _bun_sync
from npm_vetted.clients.bun.lockfile import BunLockfile
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.model import Manifest, Problem, Read


def read_bun_lockfile(
    path: str, data: bytes, read: Read, like: Lockfile | None = None
) -> BunLockfile:
    """Read a lockfile; raises DocumentError with the line if it is none."""
    return _Compared(path, data, read, like)


class _Compared(BunLockfile):
    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        return _bun_sync.disagreements(self, manifests)

    def contradictions(self, keys: Iterable[str], before: Iterable[Lockfile]) -> Iterator[Problem]:
        return _bun_sync.asked_by_entries(self, keys, before)
