"""bun.lock, versions 0 to 3: JSON with trailing commas.

Bun reads an entry's identity from its first element only; the key is the path below node_modules
(docs/clients/bun.md, and experiments with Bun 1.2.23, 1.3.14 and 1.4.5).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from posixpath import dirname, isabs, join, normpath
from typing import Final, NamedTuple

from npm_vetted.clients.bun.keys import INNER, last_name, locator_kind, upwards
from npm_vetted.clients.bun.layout import Layout, Values, read_layout
from npm_vetted.clients.shared.lockfile import PATCH_SUFFIXES, Lockfile
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import DEPTH_LIMIT, Table
from npm_vetted.model import Artifact, Entry, Group, Kind, Read, Requirement
from npm_vetted.packages.manifest import requirements
from npm_vetted.packages.platforms import Platform

KNOWN_VERSIONS: Final = range(4)
"""Bun 1.4 writes 3 where overrides are nested, and refuses 4 (seen by running it)."""
FIRST_TO_TELL_SCRIPTS: Final = 2
"""From this version on, the lockfile records which packages have install scripts."""


class _Parts(NamedTuple):
    """The parts of an entry: its first element, and the others by that element's kind."""

    locator: str
    kind: Kind | None
    reference: str
    values: Values
    info: Mapping[str, object]


class BunLockfile(Lockfile):
    """One version of a bun.lock."""

    layout: Layout

    def __init__(self, path: str, data: bytes, read: Read, like: Lockfile | None = None) -> None:
        self.path = path
        self._read = read
        self.layout = read_layout(
            path, data, like.layout if isinstance(like, BunLockfile) else None
        )
        self.head = self.layout.head.root()
        self.version = self._known_version()
        self.format = f"bun.lock {self.version}"

    def _known_version(self) -> int:
        version = self.head.maybe_number("lockfileVersion")
        if version is None or version not in KNOWN_VERSIONS:
            last = KNOWN_VERSIONS[-1]
            raise self.head.fail(
                f"version {version} of bun.lock is not known (0 to {last} are)",
                "lockfileVersion",
                fix="upgrade npm-vetted",
            )
        return version

    @cached_property
    def blocks(self) -> Mapping[str, object]:
        """The text (or data) of each entry, with its patch."""
        locators = {key: locator for locator, keys in self._patched.items() for key in keys}
        if not locators:
            return self.layout.blocks
        return {
            key: (block, self._digests[locators[key]]) if key in locators else block
            for key, block in self.layout.blocks.items()
        }

    @cached_property
    def _patches(self) -> Mapping[str, str]:
        """The patch file of each patched ``name@version``, as a path from the top."""
        table = self.head.maybe_table("patchedDependencies")
        folder = dirname(self.path)
        found: dict[str, str] = {}
        for locator in table.data if table else ():
            assert table is not None
            text = table.text(locator)
            path = normpath(join(folder, text))
            if isabs(text) or path == ".." or path.startswith("../") or "\\" in text:
                raise table.fail(f"the patch file {text!r} leads outside the repository", locator)
            if not path.endswith(PATCH_SUFFIXES):
                message = f"expected a file name with .patch or .diff, found {text!r}"
                raise table.fail(message, locator)
            found[locator] = path
        return found

    @cached_property
    def _digests(self) -> Mapping[str, str]:
        found = {}
        for locator, path in self._patches.items():
            data = self._read(path)
            if data is None:
                line = self.head.line("patchedDependencies", locator)
                message = f"the patch file {path} of {locator} is not there"
                raise DocumentError(message, path=self.path, line=line)
            from base64 import b64encode
            from hashlib import sha256  # here: OpenSSL takes 2 ms to load

            found[locator] = "sha256-" + b64encode(sha256(data).digest()).decode()
        return found

    @cached_property
    def _patched(self) -> Mapping[str, tuple[str, ...]]:
        """The keys of patched entries, by the ``name@version`` that the patch names."""
        if not self._patches:
            return {}
        found: dict[str, list[str]] = {}
        for key in self.layout.blocks:
            locator = self.locator(key)
            if locator in self._patches:
                found.setdefault(locator, []).append(key)
        return {locator: tuple(keys) for locator, keys in found.items()}

    def locator(self, key: str) -> str:
        """The first element of an entry; '' where it has none."""
        values = self.layout.values(key)
        locator = values[0] if values else ""
        return locator if isinstance(locator, str) else ""

    def patch_files(self) -> Mapping[str, tuple[str, ...]]:
        """The patch files and the entries that they change."""
        found: dict[str, list[str]] = {}
        for locator, keys in self._patched.items():
            found.setdefault(self._patches[locator], []).extend(keys)
        return {path: tuple(keys) for path, keys in found.items()}

    def line(self, key: str) -> int:
        """The line of an entry, which need not be decoded for it."""
        return self.layout.line_of(key)

    def fail(self, message: str, key: str) -> DocumentError:
        """The error to raise about one entry."""
        return DocumentError(f"{key}: {message}", path=self.path, line=self.line(key))

    def entry(self, key: str) -> Entry:
        # An entry marked ``bundled`` is no different: Bun records the registry's version and hash
        # of it, and fetches those bytes where the parent's tarball does not carry it (seen in 1.2
        # to 1.4), so it is judged like any other.
        parts = self._parts(key)
        return Entry(
            key=key,
            line=self.line(key),
            artifact=self._artifact(key, parts),
            requires=tuple(self._requires(key, parts.info)),
        )

    def artifact(self, key: str) -> Artifact | None:
        return self._artifact(key, self._parts(key))

    def _parts(self, key: str) -> _Parts:
        """The parts of an entry; raises DocumentError for a form that Bun never writes."""
        if key.count("/") > DEPTH_LIMIT:
            line = self.line(key)
            raise DocumentError(f"{key[:60]}…: nested too deeply", path=self.path, line=line)
        values = self.layout.values(key)
        locator = values[0] if values else None
        if not isinstance(locator, str) or locator.find("@", 1) < 0:
            raise self.fail("expected name@version as the first element", key)
        reference = locator[locator.index("@", 1) + 1 :]
        kind = locator_kind(reference)
        if kind is None and not reference.startswith(INNER):
            raise self.fail(f"expected an exact version or a source, found {reference!r}", key)
        shape = _SHAPES[kind]
        if not shape.fewest <= len(values) <= shape.most:
            raise self.fail(f"expected {shape.words}, found {len(values)} elements", key)
        info = values[shape.info] if shape.info < len(values) else {}
        if not isinstance(info, dict):
            raise self.fail(f"expected an object as element {shape.info + 1}", key)
        return _Parts(locator, kind, reference, values, info)

    def _artifact(self, key: str, parts: _Parts) -> Artifact | None:
        locator, kind, reference, values, info = parts
        if kind is None:
            return None
        registry = kind is Kind.REGISTRY
        flag = info.get("hasInstallScript")
        return Artifact(
            name=locator[: locator.index("@", 1)],
            version=reference if registry else None,
            kind=kind,
            resolved=(self._text(key, values, 1) or None) if registry else reference,
            integrity=self._text(key, values, _SHAPES[kind].integrity) or None,
            patch=self._digests[locator] if locator in self._patches else None,
            scripts=flag is True or (None if self.version < FIRST_TO_TELL_SCRIPTS else False),
        )

    def optional_peers(self, key: str) -> Collection[object]:
        """The peers that an entry says may be missing."""
        found = self._parts(key).info.get("optionalPeers")
        return found if isinstance(found, list) else ()

    def platform(self, key: str) -> Platform:
        return Platform.of(self._parts(key).info)

    def package_names(self) -> set[str]:
        unusual = self.layout.unusual
        found = {last_name(key) for key in self.layout.blocks if key not in unusual}
        artifacts = (self.artifact(key) for key in unusual)
        return found | {artifact.name for artifact in artifacts if artifact is not None}

    def named(self, names: Collection[str]) -> Iterator[Artifact]:
        unusual = self.layout.unusual
        for key in self.layout.blocks:
            if key in unusual or last_name(key) in names:
                artifact = self.artifact(key)
                if artifact is not None and artifact.name in names:
                    yield artifact

    def _text(self, key: str, values: Values, index: int) -> str:
        if index >= len(values):
            return ""
        value = values[index]
        if not isinstance(value, str):
            raise self.fail(f"expected a string as element {index + 1}", key)
        return value

    def _requires(self, key: str, info: Mapping[str, object]) -> Iterator[Requirement]:
        for group in Group:
            wanted = info.get(group.value)
            if wanted is None:
                continue
            if not isinstance(wanted, dict):
                raise self.fail(f"expected an object in {group.value}", key)
            for name, specifier in wanted.items():
                if not isinstance(specifier, str):
                    raise self.fail(f"expected a string in {group.value}.{name}", key)
                line = self.line(key)
                yield Requirement(name=name, specifier=specifier, group=group, line=line)

    @cached_property
    def workspaces(self) -> Mapping[str, Table]:
        """The manifests as the lockfile records them, by directory relative to it."""
        table = self.head.maybe_table("workspaces")
        found: dict[str, Table] = {}
        for folder in table.data if table else ():
            assert table is not None
            inner = table.maybe_table(folder)
            assert inner is not None
            found[folder] = inner
        return found

    @cached_property
    def importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """The manifests' requirements, as ``workspaces`` records them."""
        return {
            folder: tuple(requirements(table)) for folder, table in self.workspaces.items()
        } or {"": ()}

    def resolve(
        self, origin: str | None, requirement: Requirement, importer: str = ""
    ) -> str | None:
        """Look for the name below the dependent's path, then below each path above it."""
        start = origin
        if origin is None and importer in self.workspaces:
            start = self.workspaces[importer].maybe_text("name") if importer else None
        for above in upwards(start):
            key = f"{above}/{requirement.name}" if above else requirement.name
            if key in self.layout.blocks:
                return key
        return None

    def dependents(self, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The dependents of these keys; for few keys, only the entries that name them are decoded."""
        found: dict[str, list[str]] = {key: [] for key in keys}
        for asker in self.layout.mentioning({last_name(key) for key in keys}):
            for child in self.children(asker):
                if child in found:
                    found[child].append(asker)
        return {key: tuple(askers) for key, askers in found.items()}

    locks_folders = True

    def folder_keys(self, folder: str) -> Iterator[str]:
        for key in self.layout.unusual:
            reference = self.locator(key).partition("@file:")[2]
            if reference and normpath(reference) == folder:
                yield key

    def folders(self) -> Iterator[str]:
        """The keys of entries that are installed from a folder, with workspaces."""
        return (key for key in self.layout.unusual if self.artifact(key) is None)

    def aliases(self) -> Iterator[str]:
        """The keys of aliases: their last name is not the name of the package."""
        for key in self.layout.unusual:
            if not self.locator(key).startswith(f"{last_name(key)}@"):
                yield key


class _Shape(NamedTuple):
    """The elements of a kind of entry: the least and greatest count, and the indexes of two elements."""

    fewest: int
    most: int
    info: int
    integrity: int
    words: str


_SHAPES: Final[Mapping[Kind | None, _Shape]] = {
    None: _Shape(1, 2, 1, 9, "[locator, info?]"),
    Kind.REGISTRY: _Shape(4, 4, 2, 3, "[name@version, registry, info, integrity]"),
    Kind.GIT: _Shape(3, 4, 1, 3, "[locator, info, tag, integrity?]"),
    Kind.TARBALL: _Shape(2, 3, 1, 2, "[locator, info, integrity?]"),
    Kind.FILE: _Shape(2, 3, 1, 2, "[locator, info, integrity?]"),
}
