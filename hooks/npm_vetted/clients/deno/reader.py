"""deno.lock as the checks use it: read, and compared with the manifests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from npm_vetted.clients.deno import sync as _sync
from npm_vetted.clients.deno.lockfile import DenoLockfile
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.model import Manifest, Problem, Read


def read_deno_lockfile(
    path: str, data: bytes, read: Read, like: Lockfile | None = None
) -> DenoLockfile:
    """Read a lockfile; raises DocumentError with the line if it is none."""
    return _Compared(path, data, read, like)


class _Compared(DenoLockfile):
    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        return _sync.disagreements(self, manifests)
