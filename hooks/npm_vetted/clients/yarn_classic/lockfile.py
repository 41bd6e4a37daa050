"""A yarn.lock of version 1 as the checks use it.

``entries`` finds and decodes the entries and finds the entry that satisfies a requirement, ``sync``
compares them with the manifests.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.yarn_classic import sync
from npm_vetted.clients.yarn_classic.entries import ClassicEntries
from npm_vetted.clients.yarn_classic.mirror import file_name, mirror_folder
from npm_vetted.model import Manifest, Problem


class ClassicLockfile(ClassicEntries):
    """A yarn.lock of version 1."""

    locks_optional = True

    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        """Disagreements between the manifests and this lockfile, and entries that Yarn ignores."""
        return sync.disagreements(self, manifests, self._read)

    def contradictions(self, keys: Iterable[str], before: Iterable[Lockfile]) -> Iterator[Problem]:
        """Those of the entries ``keys`` whose version their own patterns do not allow."""
        return sync.contradictions(self, keys, before)

    prunes_store = False

    @cached_property
    def store(self) -> str | None:  # type: ignore[override]
        """The committed offline mirror."""
        return mirror_folder(self.path, self._read)

    def stored(self, names: Collection[str]) -> Mapping[str, str]:
        """The tarballs of the mirror with the key of their entry: Yarn names a file by the entry's URL."""
        wanted = set(names)
        found: dict[str, str] = {}
        for key in self._places if wanted else ():
            source = self.source_text(self.entry(key))
            name = file_name(source) if source else ""
            if name in wanted:
                found[name] = key
        return found
