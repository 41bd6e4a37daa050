"""pnpm-lock.yaml as the checks use it: changed entries, direct ones, and dependents."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final

from npm_vetted.clients.pnpm.declared import override_target
from npm_vetted.clients.pnpm.entries import PnpmEntries
from npm_vetted.clients.pnpm.keys import (
    KeyedDocument,
    name_of,
    parts_of,
    split_key,
    without_suffix,
)
from npm_vetted.clients.pnpm.specifiers import of_registry
from npm_vetted.clients.pnpm.sync import broken_halves, disagreements
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.redirects import override_leaves
from npm_vetted.model import Artifact, Entry, Group, Level, Location, Manifest, Problem, Requirement
from npm_vetted.packages.integrity import sri_of_hex
from npm_vetted.packages.platforms import Platform
from npm_vetted.packages.ranges import satisfies

_FEW: Final = 16
"""Up to so many keys are searched in the text; for more, the children of every entry are listed."""


class PnpmLockfile(PnpmEntries, Lockfile):
    """One version of one pnpm-lock.yaml."""

    names_hosts = False

    @property
    def blocks(self) -> Mapping[str, object]:
        """The chunks of each entry, and its patch if it has one."""
        return _Blocks(self)

    def block(self, key: str) -> object:
        """The chunks of one entry, and its patch if it has one."""
        chunks = tuple([self._layout.chunks[place] for place in self._places(key)])
        return (chunks, self.artifact(key)) if self._is_patched(key) else chunks

    def _is_patched(self, key: str) -> bool:
        return (
            bool(self.patches)
            and key in self._project.packages
            and self.patches.concern(name_of(key))
        )

    def _patched(self) -> list[str]:
        """The keys of the entries that a patch may change."""
        if not self.patches:
            return []
        return [key for key in self._project.packages if self._is_patched(key)]

    def resolve(
        self, origin: str | None, requirement: Requirement, importer: str = ""
    ) -> str | None:
        """The entry that a requirement leads to: by its reference, else the entry of that name."""
        target = requirement.target
        if target is None:
            known = (
                self.importers.get(importer, ()) if origin is None else self.entry(origin).requires
            )
            target = next((one.target for one in known if one.name == requirement.name), None)
        return target if target is not None and self.has(target) else None

    @cached_property
    def _names(self) -> list[str]:
        """The name of each key's artifact, in order; '' if only decoding the entry tells it."""
        found: list[str] = []
        for document in self._documents:
            for key in document.packages:
                at = key.find("@", 1)
                if at > 0 and not document.slash and key[at + 1 : at + 2].isdigit():
                    found.append(key[:at])
                    continue
                artifact = self.artifact(document.prefix + key)
                found.append(artifact.name if artifact else "")
        return found

    def package_names(self) -> set[str]:
        """The names of all artifacts; an entry is only decoded if its key does not show the name."""
        return set(self._names) - {""}

    def named(self, names: Collection[str]) -> Iterator[Artifact]:
        """The artifacts of some packages, found by their keys."""
        wanted = set(names)
        for key, name in zip(self.keys(), self._names, strict=True):
            artifact = self.artifact(key) if name in wanted else None
            if artifact is not None:
                yield artifact

    def line(self, key: str) -> int:
        """The line that an entry starts on."""
        return self.line_of(key)

    def patch_files(self) -> Mapping[str, tuple[str, ...]]:
        """The patch files by path, with the keys of the entries that they change."""
        found: dict[str, list[str]] = {}
        for key in self._patched():
            name, version = split_key(self._project, key)
            path = self.patches.path_of(name, version, self._project.variants(key) or [key])
            if path is not None:
                found.setdefault(path, []).append(key)
        return {path: tuple(keys) for path, keys in found.items()}

    def rehashed(self, before: Lockfile) -> Problem | None:
        """The problem of another ``integrityTarget``: then the same packages have other hashes."""
        if not isinstance(before, PnpmLockfile) or before.hashes_tar == self.hashes_tar:
            return None
        now, then = ("tar", "tarball") if self.hashes_tar else ("tarball", "tar")
        return Problem(
            message=f"the hashes are now of each package's {now}, and were of its {then}, so they cannot "
            "be compared with the old ones. Repeat the change from the previous lockfile and check that "
            "the result is identical",
            location=Location(self.path),
            level=Level.WARNING,
            code="all-checksums-changed",
            key="integrityTarget",
            value=f"{then} {now}",
        )

    def hash_text(self, entry: Entry) -> str | None:
        """The hash as the lockfile spells it."""
        text = super().hash_text(entry)
        return sri_of_hex(text[4:]) if text and text.startswith("tar/") else text

    locks_folders = True

    def overridden(self, root: Manifest) -> Iterator[tuple[str, str]]:  # noqa: ARG002
        """The overrides in force: the lockfile records them, whichever file declares them."""
        return override_leaves(self.setting("overrides"))

    def folder_keys(self, folder: str) -> Iterator[str]:
        for key in self.keys():
            found = self.folder_of(key) if "file:" in key else None
            if found is not None and posixpath.normpath(found) == folder:
                yield key

    def records(self, key: str, asked: Requirement) -> bool:
        """Whether a snapshot has a version for the requirement; an override may have changed the version."""
        overrides = self.setting("overrides")
        if isinstance(overrides, dict) and asked.name in {
            override_target(each)[0] for each in overrides
        }:
            return True
        settings = self.setting("settings")
        peers = isinstance(settings, dict) and settings.get("autoInstallPeers") is True
        found = [each for each in self.entry(key).requires if each.name == asked.name]
        if not found:
            return asked.group is Group.PEER and not peers
        wanted = of_registry(asked.name, asked.specifier)
        locked = [self.identity(each.target) for each in found if each.target is not None]
        return wanted is None or any(
            each is not None
            and each[0] == wanted[0]
            and satisfies(each[1] or "", wanted[1]) is not False
            for each in locked
        )

    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        """Where the manifests, their settings and this lockfile disagree."""
        return disagreements(self, manifests, self._read)

    def contradictions(self, keys: Iterable[str], before: Iterable[Lockfile]) -> Iterator[Problem]:
        """Contradictions between ``packages`` and ``snapshots``; pnpm calls such a lockfile broken."""
        changed = [key for key in keys if self.has(key)]
        return broken_halves(self, changed, self._lost(changed, before))

    def _lost(self, changed: Iterable[str], before: Iterable[Lockfile]) -> set[str]:
        """The entries that require an entry that lost a snapshot in this change."""
        lost = {
            key
            for other in before
            if isinstance(other, PnpmLockfile)
            for key in changed
            if other.has(key) and not self._variants(key) >= other._variants(key)
        }
        return {asker for askers in self.dependents(lost).values() for asker in askers}

    def _variants(self, key: str) -> set[str]:
        document, own = self._find(key)
        return set(document.variants(own))

    # What would otherwise decode every entry

    def changed(self, before: Iterable[Lockfile]) -> list[str]:
        """The keys whose entry differs from each ``before``, in the file's order."""
        differing: set[str] | None = None
        for other in before:
            found = self._differing(other)
            differing = found if differing is None else differing & found
        if differing is None:
            return list(self.keys())
        return [key for key in self.keys() if key in differing] if differing else []

    def _differing(self, other: Lockfile) -> set[str]:
        """The keys whose entry another version lacks or has with a different text."""
        if not isinstance(other, PnpmLockfile):
            return set(self.keys())
        if (
            self._layout.whole
            or other._layout.whole
            or len(self._documents) != len(other._documents)
        ):
            return {key for key in self.keys() if not other.has(key) or self._differs(key, other)}
        found: set[str] = set()
        for mine, other_one in zip(self._documents, other._documents, strict=True):
            found.update(mine.prefix + key for key in self._differing_keys(mine, other, other_one))
        patched = {*self._patched(), *other._patched()}
        return found | {
            key for key in patched if self.has(key) and other.has(key) and self._differs(key, other)
        }

    def _differing_keys(
        self, mine: KeyedDocument, other: PnpmLockfile, other_one: KeyedDocument
    ) -> Iterator[str]:
        """The same by comparing chunks as texts: a few milliseconds for ten thousand entries."""
        if mine.generation != other_one.generation or mine.split != other_one.split:
            yield from mine.packages
            return
        layout, old = self._layout, other._layout
        yield from layout.fresh(mine.packages, old, other_one.packages)
        for key in layout.fresh(mine.snapshots, old, other_one.snapshots):
            yield without_suffix(key)
        for key in other_one.snapshots.keys() - mine.snapshots.keys():
            yield without_suffix(key)

    def _differs(self, key: str, other: PnpmLockfile) -> bool:
        one, two = self.entry(key), other.entry(key)
        lines = {requirement.target or requirement.specifier for requirement in one.requires}
        return (
            one.artifact != two.artifact
            or one.bundles != two.bundles
            or lines
            != {requirement.target or requirement.specifier for requirement in two.requires}
        )

    def platform(self, key: str) -> Platform:
        document, own = self._find(key)
        table = self._table(document.packages[own])
        return Platform.of(table)

    def dependents(self, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The dependents of these keys; for few keys, only entries with their versions in the text."""
        if not self._layout.whole and len(keys) <= _FEW:
            return {key: tuple(dict.fromkeys(self._dependents(key))) for key in keys}
        found: dict[str, dict[str, None]] = {key: {} for key in keys}
        for parent in self.keys():
            for child in self.children(parent):
                if child in found:
                    found[child][parent] = None
        return {key: tuple(parents) for key, parents in found.items()}

    def _dependents(self, key: str) -> Iterator[str]:
        document, own = self._find(key)
        name, reference = parts_of(document, own)
        chunks = self._layout.chunks
        places = document.snapshots if document.split else document.packages
        for parent, place in places.items():
            text = str(chunks[place])
            if reference in text and name in text:
                base = document.prefix + (without_suffix(parent) if document.split else parent)
                if key in self.children(base):
                    yield base


class _Blocks(Mapping[str, object]):
    """The blocks of a lockfile, each made on first use."""

    def __init__(self, lockfile: PnpmLockfile) -> None:
        self._lockfile = lockfile

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._lockfile.has(key)

    def __getitem__(self, key: str) -> object:
        if key not in self:
            raise KeyError(key)
        return self._lockfile.block(key)

    def __iter__(self) -> Iterator[str]:
        return self._lockfile.keys()

    def __len__(self) -> int:
        return sum(1 for _ in self)
