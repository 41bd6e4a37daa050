"""The interface of a lockfile in any format: entries, their requirements, direct dependencies.

A lockfile is read lazily: ``blocks`` splits it (cheaply) into one raw block for each entry, and an
entry is decoded on first use. Two versions are compared block by block, so that the cost follows
the change. Equal blocks must mean equal entries; a reader that cannot promise that from the
text (unusual layout) puts the decoded value in the block's place.
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
"""What a patch file must be called: by its name a commit of one is noticed, wherever it lies."""
ARCHIVE_SUFFIXES: Final = (".tgz", ".tar.gz", ".tar", ".zip")
"""What a committed archive that packages are installed from is called."""
_FEW = 40
"""How many names are searched one by one; beyond it every entry is decoded."""


def beside(path: str, name: str) -> str:
    """``name`` in the folder of ``path``."""
    folder = path.rpartition("/")[0]
    return f"{folder}/{name}" if folder else name


_REPLACING: Final = ("overrides", "resolutions", "packageExtensions", "dependenciesMeta")


def whole_manifest_value(message: str, manifest: Manifest) -> str:
    """The value of a problem with a manifest as a whole: accepted, it covers these requirements alone."""
    import json

    asked = [(each.group, each.name, each.specifier) for each in manifest.requires]
    replaced = {key: manifest.data.get(key) for key in _REPLACING}
    text = json.dumps([asked, replaced], sort_keys=True, default=str)
    return f"{message} {hashed(text.encode('utf-8', 'surrogatepass'))}"


class Lockfile(ABC):
    """One version of one lockfile."""

    path: str
    """From the top of the repository."""
    format: str
    """Its format and version for people: ``package-lock.json 3``."""
    names_hosts = True
    """Whether the format records where a registry package came from (pnpm and berry do not)."""

    locks_folders = False
    """Whether a folder that is no workspace has an entry of its own, with what its manifest requires."""

    @property
    def home(self) -> str:
        """The folder that the importers' folders are relative to: the lockfile's, mostly."""
        return posixpath.dirname(self.path)

    @property
    def base(self) -> str:
        """The folder that paths of the lockfile are relative to: its own, mostly."""
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
        """The manifests' requirements, by directory relative to the lockfile ('' the root).

        They are read from the lockfile's record. A format without one (npm 1, yarn classic) returns
        an empty mapping, and callers pass the manifests to ``direct`` instead.
        """

    @abstractmethod
    def resolve(
        self, origin: str | None, requirement: Requirement, importer: str = ""
    ) -> str | None:
        """The key of the entry that satisfies a requirement of ``origin`` (a key) or of an importer.

        None if no entry does (an optional dependency, a peer that is not installed).
        """

    def disagreements(
        self,
        manifests: Mapping[str, Manifest],  # noqa: ARG002
    ) -> Iterator[Problem]:
        """Disagreements between the manifests (by directory relative to the lockfile) and this lockfile.

        Disagreements within the lockfile itself are included (the two halves of version 2 of npm's format).
        """
        return iter(())

    def contradictions(
        self,
        keys: Iterable[str],  # noqa: ARG002
        before: Iterable[Lockfile],  # noqa: ARG002
    ) -> Iterator[Problem]:
        """Contradictions within some entries that the commit changes.

        ``before`` are the earlier versions: an entry that the commit removes may have explained
        another.
        """
        return iter(())

    def left_out(
        self,
        folder: str,  # noqa: ARG002
        manifest: Manifest,  # noqa: ARG002
        added: Iterable[Requirement],  # noqa: ARG002
    ) -> Iterator[Problem]:
        """Of the requirements that a commit adds to a manifest, those without an entry.

        This is for a client that leaves some out itself, so that ``disagreements`` cannot report
        them all.
        """
        return iter(())

    locks_optional = False
    """Whether the client fetches an optional requirement of an entry that no entry satisfies."""

    def overridden(self, root: Manifest) -> Iterator[tuple[str, str]]:
        """The packages that the root's overrides replace, each with its new specifier."""
        return redirects_of(root.data)

    def folder_keys(self, folder: str) -> Iterator[str]:  # noqa: ARG002
        """The keys of the entries for a folder, which is given relative to ``home``."""
        return iter(())

    def records(self, key: str, asked: Requirement) -> bool:
        """Whether a folder's entry has a requirement of its manifest, as this format writes that."""
        return any(
            (each.name, each.specifier) == (asked.name, asked.specifier)
            for each in self.entry(key).requires
        )

    def platform(self, key: str) -> Platform:  # noqa: ARG002
        """The systems and processors that an entry is for; a format may not tell."""
        return Platform()

    def parent_of_program(self, key: str) -> str | None:
        """The package whose program an entry holds for one platform; None: it is no such entry.

        That package requires it as an optional dependency, in its own version.
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
        """The patch files that artifacts are changed with: path from the top -> keys of entries."""
        return {}

    store: str | None = None
    """The folder, with its slash, of committed archives that the client installs from; None: none."""

    prunes_store = True
    """Whether the client removes from ``store`` what the lockfile no longer names."""

    def stored(self, names: Collection[str]) -> Mapping[str, str]:  # noqa: ARG002
        """Of some files in ``store``, those that an entry is installed from, with its key."""
        return {}

    def refetch(self, path: str) -> tuple[tuple[str, ...], ...]:
        """The commands that put the right archive in the place of a wrong one."""
        return (("git", "checkout", "HEAD", "--", path),)

    def local_archive(self, entry: Entry) -> str | None:
        """The archive of the repository that an entry names, from the top; None: it names none.

        A path that leads out of the repository is none.
        """
        artifact = entry.artifact
        if artifact is None or artifact.kind is not Kind.FILE or not artifact.resolved:
            return None
        written = artifact.resolved.partition("#")[0].removeprefix("file:")
        path = posixpath.normpath(posixpath.join(self.base, written))
        outside = path.startswith(("/", "../")) or written.startswith(("/", "~"))
        return None if outside or not path.endswith(ARCHIVE_SUFFIXES) else path

    def archive_hash(self, entry: Entry) -> str | None:
        """The SRI text that the archive of an entry must have; None if the lockfile has no hash of it."""
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
        """Every entry that is an artifact, with it."""
        for entry in self.entries():
            if entry.artifact is not None:
                yield entry, entry.artifact

    def package_names(self) -> set[str]:
        """The names of all artifacts; formats tell most without decoding the entries."""
        return {artifact.name for _, artifact in self.artifacts()}

    def same_bytes(self, one: Artifact, other: Artifact) -> bool | None:
        """Whether two artifacts of one version are the same bytes; None where that is not known."""
        from npm_vetted.packages.integrity import same_bytes, same_checksum

        if one.integrity and other.integrity:
            return same_bytes(one.integrity, other.integrity)
        if one.checksum and other.checksum:
            return same_checksum(one.checksum, other.checksum)
        return None

    def hash_text(self, entry: Entry) -> str | None:
        """The hash of an entry as the lockfile itself has it."""
        artifact = entry.artifact
        return artifact and (artifact.integrity or artifact.checksum)

    def source_text(self, entry: Entry) -> str | None:
        """Where an entry comes from as the lockfile itself has it."""
        return entry.artifact and entry.artifact.resolved

    def unheeded(self, entry: Entry) -> Problem | None:  # noqa: ARG002
        """Why the client does not hold the bytes against the hash that an entry has."""
        return None

    def rehashed(self, before: Lockfile) -> Problem | None:  # noqa: ARG002
        """Why the hashes of this version cannot be compared with those of one before."""
        return None

    def may_lack_hash(self, entry: Entry) -> bool:
        """Whether the client itself writes such an entry without a hash."""
        return entry.artifact is not None and entry.artifact.unhashed

    def changed(self, before: Iterable[Lockfile]) -> list[str]:
        """The keys whose block is in none of the ``before`` versions under the same key.

        A format that names patches apart from the entries adds those that are patched otherwise.
        """
        changed = list(self.blocks.items())
        for other in before:
            blocks = other.blocks
            changed = [(key, block) for key, block in changed if blocks.get(key, self) != block]
        return [key for key, _ in changed]

    def named(self, names: Collection[str]) -> Iterator[Artifact]:
        """The artifacts of some packages."""
        for key in self.keys_of(names):
            artifact = self.artifact(key)
            if artifact is not None:
                yield artifact

    def programs(self) -> frozenset[str] | None:
        """The names of the programs (``bin``) of the locked packages; None: the format lists none."""
        return None

    def keys_of(self, names: Collection[str]) -> Iterator[str]:
        """The keys of some packages' artifacts; a few names are looked up in the blocks' text."""
        few = len(names) <= _FEW and all(isinstance(block, str) for block in self.blocks.values())
        for key, block in self.blocks.items():
            if few and not any(name in key or name in str(block) for name in names):
                continue
            artifact = self.artifact(key)
            if artifact is not None and artifact.name in names:
                yield key

    def asked(self, manifests: Mapping[str, Manifest]) -> Mapping[str, tuple[Requirement, ...]]:
        """The importers' requirements: as recorded here, else from the manifests."""
        return self.importers or {path: found.requires for path, found in manifests.items()}

    def direct(self, manifests: Mapping[str, Manifest]) -> dict[str, set[Group]]:
        """The keys that a manifest requires itself, with the fields that do."""
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
        """The keys that are reached from some keys, those included."""
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
        """The keys that only settings require, not the dependencies of a manifest or an entry."""
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
        """The dependents of these keys among the entries; a format may have a quicker way."""
        return {key: self.parents.get(key, ()) for key in keys}
