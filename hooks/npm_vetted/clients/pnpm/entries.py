"""The entries of pnpm-lock.yaml in every version that pnpm 3 to 12 wrote, decoded on first use.

An entry's key is the key below ``packages``. From format 9.0 on (and in some 7.0), this key contains no
peers. ``snapshots`` then has the requirements, once for each combination of peers; all snapshots of a
package are one entry here. pnpm 11 and 12 write a second document at the start of the file, for config
dependencies and pnpm itself. The keys of its entries start with ``ENVIRONMENT``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final, NamedTuple

from npm_vetted.clients.pnpm.keys import (
    ENVIRONMENT,
    REWRITE,
    KeyedDocument,
    format_version,
    is_on_registry,
    key_of_reference,
    keyed_documents,
    split_key,
    without_suffix,
)
from npm_vetted.clients.pnpm.layout import Layout, read_layout
from npm_vetted.clients.pnpm.patches import Patches
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import named
from npm_vetted.model import Artifact, Entry, Group, Kind, Read, Requirement
from npm_vetted.packages.integrity import tar_checksum

_GROUPS: Final = (Group.PRODUCTION, Group.DEVELOPMENT, Group.OPTIONAL)
_ENVIRONMENT_FIELDS: Final = ("configDependencies", "packageManagerDependencies")
_NO_TARBALLS: Final = ("directory", "variations", "binary")
_GIT_HOSTS: Final = (
    "https://codeload.github.com/",
    "https://gitlab.com/",
    "https://bitbucket.org/",
)

Table = Mapping[str, object]


class PnpmEntries:
    """The entries, importers and settings of one version of one pnpm-lock.yaml."""

    _layout: Layout

    def __init__(self, path: str, data: bytes, read: Read, like: object = None) -> None:
        self.path = path
        self._read = read
        self._layout = read_layout(
            path, data, like._layout if isinstance(like, PnpmEntries) else None
        )
        self._documents = tuple(keyed_documents(self._layout))
        self._project = self._documents[-1]
        self.format = f"pnpm-lock.yaml {format_version(self._layout, self._project.part)}"

    @property
    def generation(self) -> int:
        """5, 6, 7 or 9: the first digit of the format's version."""
        return self._project.generation

    def setting(self, key: str) -> object:
        """The value of a top-level key of the project's document; None: the key is missing."""
        return self._layout.top(self._project.part, key)

    @cached_property
    def hashes_tar(self) -> bool:
        """Whether the hashes are those of unpacked tars (``lockfile.integrityTarget``, pnpm 12.15).

        Raises DocumentError for an unknown target.
        """
        settings = self.setting("settings")
        target = settings.get("integrityTarget") if isinstance(settings, dict) else None
        if target not in (None, "tar"):
            place = self._project.part.top["settings"]
            raise self._fail(
                f"settings.integrityTarget: expected tar, found {named(target)}", place
            )
        return target == "tar"

    @cached_property
    def patches(self) -> Patches:
        """The patches that this lockfile applies."""
        return Patches(
            self.path, self.setting("patchedDependencies"), self._read, self._line_of_patches()
        )

    def _line_of_patches(self) -> int:
        place = self._project.part.top.get("patchedDependencies")
        return 1 if place is None else self._layout.line(place)

    def _find(self, key: str) -> tuple[KeyedDocument, str]:
        """The document that contains an entry, and the entry's key in it."""
        if key.startswith(ENVIRONMENT) and len(self._documents) > 1:
            return self._documents[0], key.removeprefix(ENVIRONMENT)
        return self._project, key

    def has(self, key: str) -> bool:
        """Whether an entry has this key."""
        document, own = self._find(key)
        return own in document.packages

    def _places(self, key: str) -> tuple[int, ...]:
        """The chunks of an entry: the one below ``packages`` first, then those of its snapshots."""
        document, own = self._find(key)
        variants = document.variants(own)
        return (document.packages[own], *(document.snapshots[one] for one in variants))

    def _fail(self, message: str, place: int) -> DocumentError:
        line = self._layout.line(place)
        return DocumentError(message, path=self.path, line=line, fix=REWRITE)

    def keys(self) -> Iterator[str]:
        """The entries' keys, in the file's order."""
        for document in self._documents:
            for key in document.packages:
                yield document.prefix + key

    def entry(self, key: str) -> Entry:
        """Decode one entry; raises DocumentError where it is malformed."""
        document, own = self._find(key)
        places = self._places(key)
        package = self._table(places[0])
        return Entry(
            key=key,
            line=self._layout.line(places[0]),
            artifact=self._artifact(document, own, package),
            requires=tuple(self._requires(document, places)),
            bundles=self._bundles(package, places[0]),
        )

    def artifact(self, key: str) -> Artifact | None:
        """The artifact of one entry, without the requirements of its snapshots."""
        document, own = self._find(key)
        return self._artifact(document, own, self._table(document.packages[own]))

    def identity(self, key: str) -> tuple[str, str | None] | None:
        """An artifact's name and version, without decoding if the key tells them; None: no artifact."""
        document, own = self._find(key)
        name, version = split_key(document, own)
        if name and version is not None:
            return name, version
        artifact = self.artifact(key)
        return artifact and (artifact.name, artifact.version)

    def folder_of(self, key: str) -> str | None:
        """The folder that an entry is installed from, relative to the lockfile; None: no folder."""
        document, own = self._find(key)
        resolution = self._table(document.packages[own]).get("resolution")
        folder = resolution.get("directory") if isinstance(resolution, dict) else None
        return folder if isinstance(folder, str) else None

    def line_of(self, key: str) -> int:
        """The line that an entry starts on."""
        return self._layout.line(self._places(key)[0])

    @cached_property
    def project_importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """The manifests' requirements, without those of the environment document."""
        return self._all_asked(self._project)

    @cached_property
    def importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """The manifests' requirements; those of the environment document count as the root's."""
        found = dict(self.project_importers)
        for document in self._documents[:-1]:
            for folder, requirements in self._all_asked(document).items():
                found[folder] = found.get(folder, ()) + requirements
        return found

    def config_dependencies(self) -> dict[str, str]:
        """The config dependencies of the environment document, with their specifiers."""
        return {
            str(name): str(value.get("specifier") if isinstance(value, dict) else value)
            for document in self._documents[:-1]
            for _, _, table in self._importers(document)
            if isinstance(inner := table.get("configDependencies"), dict)
            for name, value in inner.items()
        }

    def _all_asked(self, document: KeyedDocument) -> dict[str, tuple[Requirement, ...]]:
        return {
            folder: tuple(self._asked(document, place, table))
            for folder, place, table in self._importers(document)
        }

    def importer(self, folder: str) -> Table:
        """The raw table of an importer; kept, because reading each of its requirements needs it."""
        if folder not in self._importer_tables:
            self._importer_tables[folder] = next(
                (table for name, _, table in self._importers(self._project) if name == folder), {}
            )
        return self._importer_tables[folder]

    @cached_property
    def _importer_tables(self) -> dict[str, Table]:
        return {}

    # Decoding

    def _table(self, place: int) -> Table:
        value = self._layout.entry(place)
        if not isinstance(value, dict):
            raise self._fail(f"expected a table, found {named(value)}", place)
        return value

    def _artifact(self, document: KeyedDocument, key: str, package: Table) -> Artifact | None:
        place = document.packages[key]
        name, version, kind = self._identity(document, key, package, place)
        source = self._source(package, kind, place)
        if source is None:
            return None
        patched = not document.prefix and bool(self.patches)
        variants = document.variants(key) or [key]
        return Artifact(
            name=name,
            version=version,
            kind=source.kind,
            resolved=source.resolved,
            integrity=source.integrity,
            checksum=source.checksum,
            patch=self.patches.digest(name, version, variants) if patched else None,
            # Without requiresBuild nothing is told: pnpm from 9 on looks into the package itself.
            scripts=True if document.generation < 7 and package.get("requiresBuild") else None,
            environment=bool(document.prefix),
        )

    def _identity(
        self, document: KeyedDocument, key: str, package: Table, place: int
    ) -> tuple[str, str | None, Kind]:
        """The package's real name and version, and its kind as far as the key shows it."""
        name, version = split_key(document, key)
        fields = {field: package.get(field) for field in ("name", "version")}
        for field, value in fields.items():
            if value is not None and not isinstance(value, str):
                raise self._fail(f"{key}: {field}: expected a string, found {named(value)}", place)
        own_name, own_version = fields["name"], fields["version"]
        if not name:
            if not own_name:
                raise self._fail(f"{key}: the key 'name' is missing", place)
            kind = (
                Kind.REGISTRY
                if own_version and is_on_registry(key, str(own_name), str(own_version))
                else Kind.TARBALL
            )
            return str(own_name), _maybe(own_version), kind
        if own_name is not None and own_name != name:
            raise self._fail(f"{key}: its name says {own_name!r}, its key {name!r}", place)
        if version is None:
            if key.startswith(f"{name}@runtime:"):
                return name, _maybe(own_version) or key[len(name) + 9 :], Kind.OTHER
            return name, _maybe(own_version), Kind.TARBALL
        if own_version is not None and own_version != version:
            raise self._fail(f"{key}: its version says {own_version!r}, its key {version!r}", place)
        return name, version, Kind.REGISTRY

    def _source(self, package: Table, kind: Kind, place: int) -> _Source | None:
        """The source of an entry's bytes; None for a folder, which is no artifact."""
        resolution = package.get("resolution")
        if not isinstance(resolution, dict):
            raise self._fail(f"resolution: expected a table, found {named(resolution)}", place)

        def text(field: str, *, required: bool = False) -> str | None:
            value = resolution.get(field)
            if (value is not None or required) and not isinstance(value, str):
                raise self._fail(
                    f"resolution.{field}: expected a string, found {named(value)}", place
                )
            return _maybe(value)

        integrity = text("integrity")
        if kind is Kind.REGISTRY and resolution.get("type") in _NO_TARBALLS:
            message = f"resolution.type: no version from a registry is a {resolution['type']}"
            raise self._fail(message, place)
        match resolution.get("type"):
            case None:
                tarball = text("tarball", required=kind is not Kind.REGISTRY)
                kind = _tarball_kind(kind, tarball, resolution.get("gitHosted") is True)
                if self.hashes_tar and integrity is not None:
                    checksum = tar_checksum(integrity)
                    if checksum is None:
                        raise self._fail("resolution.integrity: expected one sha512", place)
                    return _Source(kind, tarball or text("registry"), None, checksum)
                return _Source(kind, tarball or text("registry"), integrity)
            case "git":
                path = text("path")
                at = f"{text('repo', required=True)}#{text('commit', required=True)}"
                return _Source(Kind.GIT, f"{at}&path:{path}" if path else at, integrity)
            case "directory":
                return None
            case "variations" | "binary" as found:
                digest = f"{found}/sha256-{_digest(resolution)}"
                return _Source(Kind.OTHER, text("url"), integrity, digest)
            case found:
                raise self._fail(f"resolution.type: pnpm has none called {named(found)}", place)

    def _bundles(self, package: Table, place: int) -> frozenset[str]:
        found = package.get("bundledDependencies") or package.get("bundleDependencies") or []
        if found is True:
            return frozenset()
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise self._fail("bundledDependencies: expected a list of names", place)
        return frozenset(found)

    def _requires(self, document: KeyedDocument, places: tuple[int, ...]) -> Iterator[Requirement]:
        seen: set[tuple[str, str]] = set()
        for place in places[1:] if document.split else places:
            table = self._table(place)
            for group in (Group.PRODUCTION, Group.OPTIONAL):
                for name, reference in self._texts(table, group, place):
                    target = self._target(document, name, reference)
                    if (name, target or reference) in seen:
                        continue
                    seen.add((name, target or reference))
                    line = self._layout.line(place)
                    yield Requirement(
                        name=name, specifier=reference, group=group, target=target, line=line
                    )

    def children(self, key: str) -> Iterator[str]:
        """The keys that an entry requires, read from its text if that has pnpm's layout, else decoded."""
        document, _ = self._find(key)
        for _, name, reference in self._references(key):
            target = self._target(document, name, reference)
            if target is not None and self.has(target):
                yield target

    def _references(self, key: str) -> Iterator[tuple[Group, str, str]]:
        """The requirements of an entry: field, name, and the reference to the locked package."""
        document, _ = self._find(key)
        places = self._places(key)
        for place in places[1:] if document.split else places:
            for group in (Group.PRODUCTION, Group.OPTIONAL):
                told = self._layout.pairs(place, group)
                if told is None:
                    told = dict(self._texts(self._table(place), group, place))
                for name, reference in told.items():
                    yield group, name, reference

    def has_snapshot(self, key: str) -> bool:
        """Whether an entry has a snapshot with any peers; always true in formats without snapshots."""
        document, own = self._find(key)
        return not document.split or bool(document.variants(own))

    def leads(self, name: str, reference: str, key: str = "") -> bool:
        """Whether a reference (in an entry or importer) leads to a snapshot with exactly its peers."""
        document, _ = self._find(key)
        if reference.startswith("link:"):
            return True
        target = key_of_reference(document, name, reference)
        return target in (document.snapshots if document.split else document.packages)

    def dangling(self, key: str) -> Iterator[tuple[str, str]]:
        """The requirements of an entry (name, reference) that lead to no snapshot.

        A missing required package is left out, because the check reports that for every client.
        """
        document, _ = self._find(key)
        for group, name, reference in self._references(key):
            if not self.leads(name, reference, key):
                target = self._target(document, name, reference)
                if group is Group.OPTIONAL or (target is not None and self.has(target)):
                    yield name, reference

    def _texts(self, table: Table, field: str, place: int) -> Iterator[tuple[str, str]]:
        inner = table.get(field) or {}
        if not isinstance(inner, dict):
            raise self._fail(f"{field}: expected a table, found {named(inner)}", place)
        for name, value in inner.items():
            if not isinstance(value, str):
                raise self._fail(f"{field}.{name}: expected a string, found {named(value)}", place)
            yield name, value

    def _importers(self, document: KeyedDocument) -> Iterator[tuple[str, int, Table]]:
        """Each importer: its folder, its chunk, its table."""
        entries = document.part.entries.get("importers")
        if entries is None:
            top = document.part.top
            fields = [*_GROUPS, "specifiers", "dependenciesMeta"]
            table = {key: self._layout.top(document.part, key) for key in fields if key in top}
            place = next((top[key] for key in fields if key in top), 0)
            if table or "importers" not in top:
                yield "", place, table
            return
        for folder, place in entries.items():
            yield "" if folder == "." else folder, place, self._table(place)

    def _asked(self, document: KeyedDocument, place: int, table: Table) -> Iterator[Requirement]:
        line = self._layout.line(place)
        specifiers = table.get("specifiers") or {}
        if not isinstance(specifiers, dict):
            raise self._fail("specifiers: expected a table", place)
        for field in (*_GROUPS, *_ENVIRONMENT_FIELDS):
            group = field if isinstance(field, Group) else Group.PRODUCTION
            inner = table.get(field) or {}
            if not isinstance(inner, dict):
                raise self._fail(f"{field}: expected a table, found {named(inner)}", place)
            for name, value in inner.items():
                if isinstance(value, dict):
                    specifier, reference = value.get("specifier"), value.get("version")
                else:
                    specifier, reference = specifiers.get(name), value
                if not isinstance(specifier, str) or not isinstance(reference, str):
                    raise self._fail(f"{field}.{name}: expected a specifier and a version", place)
                target = self._target(document, name, reference)
                yield Requirement(
                    name=name, specifier=specifier, group=group, target=target, line=line
                )

    def _target(self, document: KeyedDocument, name: str, reference: str) -> str | None:
        """The key of the entry that a reference leads to; None for a link to a folder."""
        if reference.startswith("link:"):
            return None
        target = key_of_reference(document, name, reference)
        return document.prefix + (without_suffix(target) if document.split else target)


class _Source(NamedTuple):
    kind: Kind
    resolved: str | None
    integrity: str | None
    checksum: str | None = None


def _maybe(value: object) -> str | None:
    return None if value is None else str(value)


def _tarball_kind(kind: Kind, tarball: str | None, git_hosted: bool) -> Kind:
    # pnpm's own rule (isGitHostedPkgUrl): gitlab.com also serves an npm registry, without tar.gz.
    on_git_host = tarball is not None and tarball.startswith(_GIT_HOSTS) and "tar.gz" in tarball
    if git_hosted or on_git_host:
        return Kind.GIT
    if (tarball or "").startswith("file:"):
        return Kind.FILE
    return kind


def _digest(resolution: Mapping[str, object]) -> str:
    """The pin of a runtime (Node.js, Bun, Deno) with binaries for several platforms: a hash over its entry."""
    import base64
    import hashlib
    import json

    text = json.dumps(resolution, sort_keys=True)
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
