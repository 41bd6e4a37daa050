"""pnpm-lock.yaml, every version that pnpm 3 to 12 wrote: entries, what they ask for, who is direct.

An entry's key is its key below ``packages``. From 9.0 on (and in some 7.0) that has no peers, and
what each variant with its peers asks for stands below ``snapshots``: the variants are one entry.
The environment document, which pnpm 11 and 12 write first (config dependencies and pnpm itself),
has its own entries under keys that start with ``ENVIRONMENT``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from npm_vetted.clients._pnpm_keys import (
    ENVIRONMENT,
    REWRITE,
    KeyedDocument,
    format_version,
    is_on_registry,
    key_of_reference,
    keyed_documents,
    name_of,
    parts_of,
    split_key,
    without_suffix,
)
from npm_vetted.clients._pnpm_layout import read_layout
from npm_vetted.clients._pnpm_patches import Patches
from npm_vetted.clients.lockfile import Lockfile
from npm_vetted.documents.base import named
from npm_vetted.errors import DocumentError
from npm_vetted.model import (
    Artifact,
    Entry,
    Group,
    Kind,
    Manifest,
    Problem,
    Read,
    Requirement,
)

_GROUPS: Final = (Group.PRODUCTION, Group.DEVELOPMENT, Group.OPTIONAL)
_ENVIRONMENT_FIELDS: Final = ("configDependencies", "packageManagerDependencies")
_GIT_HOSTS: Final = (
    "https://codeload.github.com/",
    "https://gitlab.com/",
    "https://bitbucket.org/",
)
_FEW: Final = 40
"""How many keys are searched in the text, one by one, before the whole lockfile is decoded."""

Table = Mapping[str, object]


class PnpmLockfile(Lockfile):
    """One version of one pnpm-lock.yaml."""

    names_hosts = False

    def __init__(self, path: str, data: bytes, read: Read) -> None:
        self.path = path
        self._read = read
        self._layout = read_layout(path, data)
        self._documents = tuple(keyed_documents(self._layout))
        self._project = self._documents[-1]
        self.format = f"pnpm-lock.yaml {format_version(self._layout, self._project.part)}"

    # What stands in the file

    @property
    def generation(self) -> int:
        """5, 6, 7 or 9: what the version of the format begins with."""
        return self._project.generation

    def setting(self, key: str) -> object:
        """The value of a key at the top of the project's document; None: not there."""
        return self._layout.top(self._project.part, key)

    @cached_property
    def patches(self) -> Patches:
        """The patches that it applies."""
        return Patches(
            self.path, self.setting("patchedDependencies"), self._read, self._line_of_patches()
        )

    def _line_of_patches(self) -> int:
        place = self._project.part.top.get("patchedDependencies")
        return 1 if place is None else self._layout.line(place)

    def _find(self, key: str) -> tuple[KeyedDocument, str]:
        """The document of an entry, and its key there."""
        if key.startswith(ENVIRONMENT) and len(self._documents) > 1:
            return self._documents[0], key.removeprefix(ENVIRONMENT)
        return self._project, key

    def _has(self, key: str) -> bool:
        document, own = self._find(key)
        return own in document.packages

    def _places(self, key: str) -> tuple[int, ...]:
        """Where an entry stands: below packages first, then each of its snapshots."""
        document, own = self._find(key)
        variants = document.variants.get(own, ())
        return (document.packages[own], *(document.snapshots[one] for one in variants))

    def _fail(self, message: str, place: int) -> DocumentError:
        line = self._layout.line(place)
        return DocumentError(message, path=self.path, line=line, fix=REWRITE)

    # What a lockfile tells

    @cached_property
    def blocks(self) -> Mapping[str, object]:
        """Each entry's chunks, with its patch, if it has one."""
        chunks = self._layout.chunks
        found: dict[str, object] = {
            key: tuple([chunks[place] for place in self._places(key)]) for key in self._keys()
        }
        for key in self._patched():
            found[key] = (found[key], self.entry(key).artifact)
        return found

    def _keys(self) -> Iterator[str]:
        for document in self._documents:
            for key in document.packages:
                yield document.prefix + key

    def _patched(self) -> list[str]:
        """The keys of the entries that a patch may change."""
        if not self.patches:
            return []
        return [key for key in self._project.packages if self.patches.concern(name_of(key))]

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

    @cached_property
    def project_importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """What the manifests ask for, without the environment."""
        return self._all_asked(self._project)

    @cached_property
    def importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """What the manifests ask for; the environment's dependencies are the root's."""
        found = dict(self.project_importers)
        for document in self._documents[:-1]:
            for folder, requirements in self._all_asked(document).items():
                found[folder] = found.get(folder, ()) + requirements
        return found

    def _all_asked(self, document: KeyedDocument) -> dict[str, tuple[Requirement, ...]]:
        return {
            folder: tuple(self._asked(document, place, table))
            for folder, place, table in self._importers(document)
        }

    def importer(self, folder: str) -> Table:
        """The project's importer as it stands there."""
        return next(
            (table for name, _, table in self._importers(self._project) if name == folder), {}
        )

    def resolve(
        self, origin: str | None, requirement: Requirement, importer: str = ""
    ) -> str | None:
        """The requirement's target, where it is locked; by its name where it has none."""
        target = requirement.target
        if target is None:
            known = (
                self.importers.get(importer, ()) if origin is None else self.entry(origin).requires
            )
            target = next((one.target for one in known if one.name == requirement.name), None)
        return target if target is not None and self._has(target) else None

    def package_names(self) -> set[str]:
        """By the keys, where nothing but a key and a hash says what an entry is."""
        found: set[str] = set()
        for key in self._keys():
            document, own = self._find(key)
            chunk = self._layout.chunks[document.packages[own]]
            name, version = "", None
            if isinstance(chunk, str) and "\n    resolution: {integrity: " in chunk:
                odd = "type:" in chunk or "name:" in chunk or "version:" in chunk
                name, version = ("", None) if odd else split_key(document, own)
            if name and version is not None:
                found.add(name)
            elif (artifact := self.entry(key).artifact) is not None:
                found.add(artifact.name)
        return found

    def line(self, key: str) -> int:
        """The line that an entry starts on."""
        return self._layout.line(self._places(key)[0])

    def patch_files(self) -> Mapping[str, tuple[str, ...]]:
        """The patch files by path, with the keys of what they change."""
        found: dict[str, list[str]] = {}
        for key in self._patched():
            name, version = split_key(self._project, key)
            path = self.patches.path_of(name, version, self._project.variants.get(key, [key]))
            if path is not None:
                found.setdefault(path, []).append(key)
        return {path: tuple(keys) for path, keys in found.items()}

    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        """Where the manifests, their settings and this lockfile disagree."""
        from npm_vetted.clients._pnpm_sync import disagreements

        return disagreements(self, manifests, self._read)

    # What would otherwise decode every entry

    def changed(self, before: Iterable[Lockfile]) -> list[str]:
        """The keys whose entry differs from each ``before``, in the file's order."""
        differing: set[str] | None = None
        for other in before:
            found = self._differing(other)
            differing = found if differing is None else differing & found
        keys = self._keys()
        return list(keys) if differing is None else [key for key in keys if key in differing]

    def _differing(self, other: Lockfile) -> set[str]:
        """The keys whose entry another version does not have, or has otherwise."""
        if not isinstance(other, PnpmLockfile):
            return set(self._keys())
        if (
            self._layout.whole
            or other._layout.whole
            or len(self._documents) != len(other._documents)
        ):
            return {key for key in self._keys() if not other._has(key) or self._differs(key, other)}
        found: set[str] = set()
        for mine, other_one in zip(self._documents, other._documents, strict=True):
            found.update(mine.prefix + key for key in self._differing_keys(mine, other, other_one))
        patched = {*self._patched(), *other._patched()}
        return found | {
            key
            for key in patched
            if self._has(key) and other._has(key) and self._differs(key, other)
        }

    def _differing_keys(
        self, mine: KeyedDocument, other: PnpmLockfile, other_one: KeyedDocument
    ) -> Iterator[str]:
        """The same by comparing texts: a few milliseconds for ten thousand entries."""
        here, there = self._layout.chunks, other._layout.chunks
        if mine.generation != other_one.generation or mine.split != other_one.split:
            yield from mine.packages
            return
        for key, place in mine.packages.items():
            old = other_one.packages.get(key)
            if old is None or here[place] != there[old]:
                yield key
        for key, place in mine.snapshots.items():
            old = other_one.snapshots.get(key)
            if old is None or here[place] != there[old]:
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

    def children(self, key: str) -> Iterator[str]:
        """The keys of what an entry asks for; decoded is only what says so."""
        document, _ = self._find(key)
        for requirement in self._requires(document, self._places(key)):
            if requirement.target is not None and self._has(requirement.target):
                yield requirement.target

    def named(self, names: Collection[str]) -> Iterator[Artifact]:
        """The artifacts of some packages, found by what their keys and fields say."""
        few = len(names) <= _FEW and not self._layout.whole
        chunks = self._layout.chunks
        for document in self._documents:
            for key, place in document.packages.items():
                if few and not any(name in str(chunks[place]) for name in names):
                    continue
                artifact = self.entry(document.prefix + key).artifact
                if artifact is not None and artifact.name in names:
                    yield artifact

    def dependents(self, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Who asks for these keys: decoded are the entries in whose text their versions stand."""
        if self._layout.whole or len(keys) > _FEW:
            return super().dependents(keys)
        return {key: tuple(dict.fromkeys(self._dependents(key))) for key in keys}

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
        variants = document.variants.get(key, [key])
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
        """The package's real name and version, and the kind that the key tells."""
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
        """Where the bytes come from; None for a directory, which is no artifact."""
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
        match resolution.get("type"):
            case None:
                tarball = text("tarball", required=kind is not Kind.REGISTRY)
                kind = _tarball_kind(kind, tarball, resolution.get("gitHosted") is True)
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

    def _texts(self, table: Table, field: str, place: int) -> Iterator[tuple[str, str]]:
        inner = table.get(field) or {}
        if not isinstance(inner, dict):
            raise self._fail(f"{field}: expected a table, found {named(inner)}", place)
        for name, value in inner.items():
            if not isinstance(value, str):
                raise self._fail(f"{field}.{name}: expected a string, found {named(value)}", place)
            yield name, value

    def _importers(self, document: KeyedDocument) -> Iterator[tuple[str, int, Table]]:
        """Each importer: its directory, its place, its table."""
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
        """The key that a reference leads to; None for a link."""
        if reference.startswith("link:"):
            return None
        target = key_of_reference(document, name, reference)
        return document.prefix + (without_suffix(target) if document.split else target)


@dataclass(frozen=True, slots=True)
class _Source:
    kind: Kind
    resolved: str | None
    integrity: str | None
    checksum: str | None = None


def _maybe(value: object) -> str | None:
    return None if value is None else str(value)


def _tarball_kind(kind: Kind, tarball: str | None, git_hosted: bool) -> Kind:
    if git_hosted or (tarball or "").startswith(_GIT_HOSTS):
        return Kind.GIT
    if (tarball or "").startswith("file:"):
        return Kind.FILE
    return kind


def _digest(resolution: Mapping[str, object]) -> str:
    """What binds the many binaries of a runtime: a hash over all that the lockfile says of them."""
    import base64
    import json

    text = json.dumps(resolution, sort_keys=True, ensure_ascii=True)
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
