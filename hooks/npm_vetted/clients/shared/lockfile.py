"""The interface of a lockfile in any format: entries, their requirements, direct dependencies.

A lockfile is read lazily:

1. ``blocks`` splits it into one raw block for each entry, which is cheap.
2. ``changed`` compares two versions block by block, so the cost follows the size of the change.
3. ``entry`` decodes an entry when a check first needs it.

Equal blocks must mean equal entries. If a reader cannot promise that from the text (unusual layout),
its block is the decoded value.
"""

from __future__ import annotations

import posixpath
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final

from npm_vetted.clients.shared.redirects import redirects_of
from npm_vetted.model import Artifact, Entry, Group, Kind, Manifest, Problem, Requirement, hashed
from npm_vetted.packages.platforms import Platform, is_program_of

PATCH_SUFFIXES: Final = (".patch", ".diff")
"""Suffixes of patch files. A changed patch file is noticed by its name, so a patch must have one of them."""
ARCHIVE_SUFFIXES: Final = (".tgz", ".tar.gz", ".tar", ".zip")
"""Suffixes of committed archives that a client may install packages from."""
_FEW = 40
"""Up to so many names are searched in the text; for more, decoding every entry is faster."""


def beside(path: str, name: str) -> str:
    """``name`` in the folder of ``path``."""
    folder = path.rpartition("/")[0]
    return f"{folder}/{name}" if folder else name


_REPLACING: Final = ("overrides", "resolutions", "packageExtensions", "dependenciesMeta")


def whole_manifest_value(manifest: Manifest) -> str:
    """The value of a problem with a whole manifest.

    It contains the requirements, so an accepted finding stays accepted only while they are the same.
    """
    import json

    asked = [(each.group, each.name, each.specifier) for each in manifest.requires]
    replaced = {key: manifest.data.get(key) for key in _REPLACING}
    text = json.dumps([asked, replaced], sort_keys=True, default=str)
    return hashed(text.encode("utf-8", "surrogatepass"))


class Lockfile(ABC):
    """One version of one lockfile."""

    path: str
    """From the top of the repository."""
    format: str
    """Its format and version for people: ``package-lock.json 3``."""
    names_hosts = True
    """Whether the format has the URL of each registry package (those of pnpm and Yarn berry have none)."""

    own_registries: tuple[str, ...] = ()
    """The URLs of registries that only this client knows: what they have needs a note as npm's packages do."""

    locks_folders = False
    """Whether a folder outside the workspaces (``file:``) has an entry with its manifest's requirements."""

    @property
    def home(self) -> str:
        """The folder that the importers' paths are relative to; usually the lockfile's own."""
        return posixpath.dirname(self.path)

    @property
    def base(self) -> str:
        """The folder that other paths in the lockfile are relative to; usually the lockfile's own."""
        return posixpath.dirname(self.path)

    @property
    def graph(self) -> bool:
        """Whether the format records each package's requirements (npm 4 and older do not)."""
        return True

    @property
    @abstractmethod
    def blocks(self) -> Mapping[str, object]:
        """The raw block of each entry by its key, in the file's order."""

    @abstractmethod
    def entry(self, key: str) -> Entry:
        """Decode one entry; raises DocumentError where it is malformed."""

    def artifact(self, key: str) -> Artifact | None:
        """The artifact of one entry; a format may decode less for it."""
        return self.entry(key).artifact

    @property
    @abstractmethod
    def importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """The manifests' requirements as the lockfile records them, by folder relative to it ('' the root).

        Empty if the format does not record them (npm's version 1, Yarn classic): callers then pass
        the manifests to ``direct``.
        """

    @abstractmethod
    def resolve(
        self, origin: str | None, requirement: Requirement, importer: str = ""
    ) -> str | None:
        """The key of the entry that satisfies a requirement of the entry ``origin``, or of an importer.

        None if no entry does, as for an optional dependency or a peer that is not installed.
        """

    def disagreements(
        self,
        manifests: Mapping[str, Manifest],  # noqa: ARG002
    ) -> Iterator[Problem]:
        """Disagreements between the manifests (by folder relative to the lockfile) and this lockfile.

        Also disagreements within the lockfile, such as those between the two halves of npm's version 2.
        """
        return iter(())

    def contradictions(
        self,
        keys: Iterable[str],  # noqa: ARG002
        before: Iterable[Lockfile],  # noqa: ARG002
    ) -> Iterator[Problem]:
        """Contradictions within the entries ``keys``, which the commit changes.

        ``before`` are the earlier versions of the lockfile: if a commit removes an entry, the entries
        that required it are examined too.
        """
        return iter(())

    def left_out(
        self,
        folder: str,  # noqa: ARG002
        manifest: Manifest,  # noqa: ARG002
        added: Iterable[Requirement],  # noqa: ARG002
    ) -> Iterator[Problem]:
        """The requirements ``added`` by a commit to a manifest that have no entry.

        Only needed for a client that itself leaves some requirements out of its lockfile (npm: optional
        ones). ``disagreements`` cannot report those without reporting old ones too.
        """
        return iter(())

    locks_optional = False
    """Whether the lockfile must have the optional requirements of entries: the client fetches missing ones."""

    def overridden(self, root: Manifest) -> Iterator[tuple[str, str]]:
        """The packages that the root's overrides replace, each with its new specifier."""
        return redirects_of(root.data)

    def folder_keys(self, folder: str) -> Iterator[str]:  # noqa: ARG002
        """The keys of the entries for a folder, which is given relative to ``home``."""
        return iter(())

    def records(self, key: str, asked: Requirement) -> bool:
        """Whether the entry of a folder has the requirement ``asked`` of the folder's manifest."""
        return any(
            (each.name, each.specifier) == (asked.name, asked.specifier)
            for each in self.entry(key).requires
        )

    def platform(self, key: str) -> Platform:  # noqa: ARG002
        """The systems and processors that an entry is for; empty if the format has no such fields."""
        return Platform()

    def parent_of_program(self, key: str) -> str | None:
        """The package that an entry is the platform's program of: ``esbuild`` for ``@esbuild/linux-x64``.

        That package requires the entry as an optional dependency, in its own version. None: the entry
        is an ordinary package.
        """
        artifact, platform = self.artifact(key), self.platform(key)
        if artifact is None or artifact.kind is not Kind.REGISTRY or not platform.is_one:
            return None
        for asker in self.dependents([key])[key]:
            parent = self.entry(asker)
            if parent.artifact is None or parent.artifact.kind is not Kind.REGISTRY:
                continue
            optional = (each for each in parent.requires if each.group is Group.OPTIONAL)
            if (
                parent.artifact.version == artifact.version
                and is_program_of(artifact.name, parent.artifact.name, platform)
                and any(self.resolve(asker, each) == key for each in optional)
            ):
                return parent.artifact.name
        return None

    def patch_files(self) -> Mapping[str, tuple[str, ...]]:
        """The patch files that the client applies: path from the top -> keys of the patched entries."""
        return {}

    store: str | None = None
    """The folder of committed archives that the client installs from, ending in a slash; None: no such folder."""

    prunes_store = True
    """Whether the client removes archives from ``store`` that the lockfile no longer names."""

    def stored(self, names: Collection[str]) -> Mapping[str, str]:  # noqa: ARG002
        """The files of ``names`` (in ``store``) that entries are installed from, each with the entry's key."""
        return {}

    def refetch(self, path: str) -> tuple[tuple[str, ...], ...]:
        """The commands that replace a wrong archive in ``store`` by the right one."""
        return (("git", "checkout", "HEAD", "--", path),)

    def local_archive(self, entry: Entry) -> str | None:
        """The path from the top of a committed archive that an entry is installed from (``file:a.tgz``).

        None: the entry names no archive, or one outside the repository.
        """
        artifact = entry.artifact
        if artifact is None or artifact.kind is not Kind.FILE or not artifact.resolved:
            return None
        written = artifact.resolved.partition("#")[0].removeprefix("file:")
        path = posixpath.normpath(posixpath.join(self.base, written))
        outside = path.startswith(("/", "../")) or written.startswith(("/", "~"))
        return None if outside or not path.endswith(ARCHIVE_SUFFIXES) else path

    def archive_hash(self, entry: Entry) -> str | None:
        """The hash (as SRI text) that the archive of an entry must have; None: the lockfile has no hash."""
        from npm_vetted.packages.integrity import fragment_integrity

        artifact = entry.artifact
        if artifact is None:
            return None
        return artifact.integrity or fragment_integrity(artifact.resolved or "")

    def line(self, key: str) -> int:
        """The line that an entry starts on."""
        return self.entry(key).line

    def entries(self) -> Iterator[Entry]:
        """Every entry, decoded."""
        return (self.entry(key) for key in self.blocks)

    def artifacts(self) -> Iterator[tuple[Entry, Artifact]]:
        """Every entry that is an artifact, together with the artifact."""
        for entry in self.entries():
            if entry.artifact is not None:
                yield entry, entry.artifact

    def package_names(self) -> set[str]:
        """The names of all artifacts. A format overrides this if it can tell names without decoding entries."""
        return {artifact.name for _, artifact in self.artifacts()}

    def same_bytes(self, one: Artifact, other: Artifact) -> bool | None:
        """Whether two artifacts of one version have the same content; None: their hashes do not tell."""
        from npm_vetted.packages.integrity import same_bytes, same_checksum

        if one.integrity and other.integrity:
            return same_bytes(one.integrity, other.integrity)
        if one.checksum and other.checksum:
            return same_checksum(one.checksum, other.checksum)
        return None

    def hash_text(self, entry: Entry) -> str | None:
        """The hash of an entry as the lockfile spells it, for messages."""
        artifact = entry.artifact
        return artifact and (artifact.integrity or artifact.checksum)

    def source_text(self, entry: Entry) -> str | None:
        """The source of an entry as the lockfile spells it, for messages."""
        return entry.artifact and entry.artifact.resolved

    def unheeded(self, entry: Entry) -> Problem | None:  # noqa: ARG002
        """The problem of an entry whose hash the client does not verify; None: the client verifies it."""
        return None

    def rehashed(self, before: Lockfile) -> Problem | None:  # noqa: ARG002
        """The problem if all hashes are of another kind than in an earlier version; None: they compare."""
        return None

    def unpinned(self, before: Lockfile) -> Collection[str]:  # noqa: ARG002
        """The modules that an earlier version had a hash of, and that the client fetches against no hash now."""
        return ()

    def may_lack_hash(self, entry: Entry) -> bool:
        """Whether the client writes entries like this one without a hash, so that none is missing."""
        return entry.artifact is not None and entry.artifact.unhashed

    def changed(self, before: Iterable[Lockfile]) -> list[str]:
        """The keys whose block is not the same, under the same key, in any of the ``before`` versions.

        A format that lists patches outside the entries adds the entries whose patch changed.
        """
        changed = list(self.blocks.items())
        for other in before:
            blocks = other.blocks
            changed = [(key, block) for key, block in changed if blocks.get(key, self) != block]
        return [key for key, _ in changed]

    def named(self, names: Collection[str]) -> Iterator[Artifact]:
        """The artifacts with one of these package names."""
        for key in self.keys_of(names):
            artifact = self.artifact(key)
            if artifact is not None:
                yield artifact

    def programs(self) -> frozenset[str] | None:
        """The names of the programs (``bin``) of the locked packages; None: the format lists none."""
        return None

    def keys_of(self, names: Collection[str]) -> Iterator[str]:
        """The keys of the artifacts with one of these package names."""
        few = len(names) <= _FEW and all(isinstance(block, str) for block in self.blocks.values())
        for key, block in self.blocks.items():
            if few and not any(name in key or name in str(block) for name in names):
                continue
            artifact = self.artifact(key)
            if artifact is not None and artifact.name in names:
                yield key

    def asked(self, manifests: Mapping[str, Manifest]) -> Mapping[str, tuple[Requirement, ...]]:
        """The importers' requirements as this lockfile records them, else as the manifests have them."""
        return self.importers or {path: found.requires for path, found in manifests.items()}

    def direct(self, manifests: Mapping[str, Manifest]) -> dict[str, set[Group]]:
        """The keys of the direct dependencies, each with the manifest fields that require it."""
        found: dict[str, set[Group]] = {}
        for importer, requirements in self.asked(manifests).items():
            for requirement in requirements:
                key = self.resolve(None, requirement, importer)
                if key is not None:
                    found.setdefault(key, set()).add(requirement.group)
        return found

    def children(self, key: str) -> Iterator[str]:
        """The keys of the locked entries that an entry requires."""
        for requirement in self.entry(key).requires:
            child = self.resolve(key, requirement)
            if child is not None:
                yield child

    def reach(self, roots: Iterable[str]) -> set[str]:
        """The keys of ``roots`` and of all their direct and indirect dependencies."""
        seen = set(roots)
        queue = deque(seen)
        while queue:
            for child in self.children(queue.popleft()):
                if child not in seen:
                    seen.add(child)
                    queue.append(child)
        return seen

    @property
    def kept(self) -> Collection[str]:
        """The keys of entries that only settings require: no manifest and no entry depends on them."""
        return ()

    def production(self, manifests: Mapping[str, Manifest]) -> set[str]:
        """The keys that are installed without development dependencies."""
        direct = self.direct(manifests)
        shipped = {key for key, groups in direct.items() if groups - {Group.DEVELOPMENT}}
        return self.reach(shipped.union(self.kept))

    @cached_property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """The dependents of each key among the entries; decodes the whole lockfile."""
        found: dict[str, list[str]] = {}
        for key in self.blocks:
            for child in self.children(key):
                found.setdefault(child, []).append(key)
        return {key: tuple(parents) for key, parents in found.items()}

    def dependents(self, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The dependents of these keys among the entries. A format may override this with a faster way."""
        return {key: self.parents.get(key, ()) for key in keys}
