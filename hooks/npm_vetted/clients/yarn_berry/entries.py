"""The entries of a yarn.lock of Yarn 2 and later: their packages, hashes and requirements.

docs/clients/yarn-berry.md describes the format.

A checksum is the hash of the zip that Yarn packs. A cache key says how the zip was packed. The key is in
the entry (``10c0/<hex>``) or applies to the whole file (``__metadata.cacheKey``). If the key is not the
one of the running Yarn, Yarn silently replaces the checksum, even with ``--immutable`` (seen with 3.8 and
4.18). Such a checksum binds nothing, so it counts as missing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from npm_vetted.clients.shared.lockfile import Lockfile, beside
from npm_vetted.clients.shared.yarn import YarnLockfile, lock_text, refuse_conflict
from npm_vetted.clients.shared.yarn.locators import (
    Reference,
    locator_hash,
    normal,
    patched,
    split_ident,
    unquoted,
)
from npm_vetted.clients.shared.yarn.patches import PATCHES, patch_files, settled
from npm_vetted.clients.shared.yarn.places import LocatedEntries, Places
from npm_vetted.clients.yarn_berry.text import (
    METADATA,
    Tables,
    canonical_places,
    decoded_fields,
    parsed_tables,
    split_line,
)
from npm_vetted.errors import DocumentError
from npm_vetted.model import (
    Artifact,
    Entry,
    Group,
    Kind,
    Level,
    Location,
    Problem,
    Read,
    Requirement,
)
from npm_vetted.packages.integrity import sri_of_hex

VERSIONS: Final = range(4, 11)
"""``__metadata.version``: 4 of Yarn 2 and 3.0, 5 and 6 of 3, 7 to 10 of 4."""

_CONTENT: Final = re.compile(r"^[^#\n]", re.MULTILINE)
"""A line that is neither blank nor a comment."""
_RESOLUTION: Final = re.compile(
    r'\n  resolution: "(?:((?:@[^/@"\s]++/)?[^/@"\s]++)@npm:[^":#\n]++"|([^"\n]*+)")'
)
"""The line ``resolution:``; it captures the name of a registry's package, or the whole other source."""
_LEGACY: Final = re.compile(r"#\s+yarn\s+lockfile\s+v1", re.IGNORECASE)
_KNOWN: Final = frozenset({
    "version", "resolution", "dependencies", "peerDependencies", "dependenciesMeta",
    "peerDependenciesMeta", "bin", "checksum", "conditions", "languageName", "linkType",
})  # fmt: skip
_COMMIT: Final = re.compile(r"[#&]commit[=:]")
_COMMA: Final = re.compile(" *, *")
FOLDERS: Final = ("workspace:", "link:", "portal:")
"""Protocols of folders, which Yarn links instead of installing."""
_TARBALL: Final = (".tgz", ".tar.gz", ".tar")


_ARCHIVE: Final = re.compile(r".*-([0-9a-f]{10})-(?:[0-9a-f]{10}|[0-9]+(?:c[0-9])?)\.zip")
_PROGRAMS: Final = re.compile(r"(?m)^  bin:\n((?:    \S.*\n)+)")
_PROGRAM: Final = re.compile(r"""(?m)^    ["']?([^"':\s]+)["']?:""")


class BerryEntries(YarnLockfile):
    """The entries of a yarn.lock with ``__metadata``."""

    names_hosts = False
    _tables: Tables | None = None
    _metadata: Mapping[str, object]

    def __init__(self, path: str, data: bytes, read: Read, like: Lockfile | None = None) -> None:
        text = lock_text(path, data)
        if _LEGACY.search(text, 0, 10_000):
            raise DocumentError(
                "the header of yarn.lock version 1 above entries of Yarn berry: "
                "each Yarn reads something else",
                path=path,
            )
        super().__init__(path, text, read)
        self._locators: dict[str, tuple[str, str]] = {}
        if not _CONTENT.search(text):  # the file that starts a project: Yarn fills it
            self._places, self._metadata_place, self.metadata_line = {}, (0, 0), 1
            self._metadata, self.version = {}, VERSIONS[-1]
            self.format = "yarn.lock berry (empty)"
            return
        self._places = self._canonical_places(like) or self._parsed_places()
        metadata = self.fields(METADATA)
        self.metadata_line = self.line(METADATA)
        self._metadata_place = self._places.pop(METADATA)
        version = str(metadata.get("version"))
        if not version.isascii() or not version.isdigit() or int(version[:4]) not in VERSIONS:
            raise DocumentError(
                f"__metadata.version: expected {VERSIONS[0]} to {VERSIONS[-1]}, found {version!r}",
                path=path,
                line=self.metadata_line,
                fix="upgrade npm-vetted, or write the lockfile with a Yarn that it knows",
            )
        self.version = int(version)
        self.format = f"yarn.lock berry {version}"
        self._metadata = metadata

    def _canonical_places(self, like: Lockfile | None) -> Places | None:
        found = canonical_places(self.path, self._text, self._alike(like))
        if found is None:
            return None
        self.taken = found.taken
        return found.places

    def _alike(self, like: Lockfile | None) -> LocatedEntries | None:
        """The entries' places in another version of the file; None if that was parsed whole."""
        canonical = isinstance(like, BerryEntries) and like._tables is None
        return super()._alike(like) if canonical else None

    def _parsed_places(self) -> Places:
        refuse_conflict(self.path, self._text)
        self._tables, places = parsed_tables(self.path, self._text)
        return places

    @property
    def blocks(self) -> Mapping[str, object]:
        """The text of each entry by its key; its fields, if the text is not in Yarn's own layout."""
        if self._tables is None:
            return super().blocks
        return {key: self._tables[key] for key in self._places}

    def _differing(self, other: YarnLockfile) -> Iterable[str]:
        """The keys of differing entries; those without a cache key also differ if the file's key does."""
        if not isinstance(other, BerryEntries):
            return self._places
        if self._tables is None and other._tables is None:
            found = super()._differing(other)
        else:
            blocks = other.blocks
            found = (key for key, block in self.blocks.items() if blocks.get(key) != block)
        if self.cache_key == other.cache_key:
            return found
        return {*found, *(key for key in self._places if "checksum" in self.fields(key))}

    def fields(self, key: str) -> Mapping[str, object]:
        """The raw fields of an entry."""
        if self._tables is not None:
            return self._tables[key]
        start, end = self._places[key]
        return decoded_fields(self.path, self._text[start:end], self.line(key))

    def mentioning(self, word: str) -> list[str]:
        """The keys of the entries whose text contains a word, in the file's order."""
        if self._tables is None:
            return self._keys_at(self._finds(word))
        return [key for key in self._places if word in key or word in str(self._tables[key])]

    def unlike(self, usual: re.Pattern[str]) -> Iterable[str]:
        """The keys of the entries whose text does not begin in the usual way."""
        return super().unlike(usual) if self._tables is None else self._places

    @cached_property
    def _resolved(self) -> Sequence[tuple[str | None, int]]:
        """The package name in each entry's resolution, None for other sources; and where the line is."""
        start, end = self._metadata_place
        return [
            (line[1], line.start())
            for line in _RESOLUTION.finditer(self._text)
            if (line[1] or _is_unusual(line[2])) and not start <= line.start() < end
        ]

    def _naming(self, names: Collection[str]) -> Iterable[str]:
        """The keys of the entries of these packages, and of all with another source than a registry."""
        if self._tables is not None:
            return self._places
        return self._keys_at(at for name, at in self._resolved if name is None or name in names)

    def _asking(self, names: Collection[str]) -> Iterable[str]:
        if self._tables is not None:
            return self._places
        return self._keys_at((*self._asked(names), *self._finds("@patch:")))

    def package_names(self) -> set[str]:
        """The names of all artifacts, by the resolution lines; only other sources are decoded."""
        _ = self.index
        if self._tables is not None:
            return super().package_names()
        unusual = self._keys_at(at for name, at in self._resolved if name is None)
        artifacts = (self.entry(key).artifact for key in unusual)
        found = {artifact.name for artifact in artifacts if artifact is not None}
        return found | {name for name, _ in self._resolved if name is not None}

    @cached_property
    def index(self) -> Mapping[str, str]:
        """The key of each descriptor; most keys consist of one descriptor."""
        found = {key: key for key in self._places if "," not in key}
        for key in self._places:
            if "," in key:
                for descriptor in self.descriptors(key):
                    if found.setdefault(descriptor, key) is not key:
                        raise self.fail(f"{descriptor!r} is in two entries", key)
        return found

    def descriptors(self, key: str) -> Sequence[str]:
        """The descriptors of an entry."""
        return [text for text in _COMMA.split(key) if text]

    def names(self, key: str) -> set[str]:
        """The names in the entry's descriptors."""
        return {found[0] for text in self.descriptors(key) if (found := split_ident(text))}

    def _decode(self, key: str) -> Entry:
        fields = self.fields(key)
        for name, value in fields.items():
            if name not in _KNOWN:
                raise self.fail(f"the field {name!r} is not known", key)
            table = name.endswith(("ependencies", "Meta", "bin"))
            if isinstance(value, dict) != table:
                raise self.fail(f"{name}: expected {'a table' if table else 'a string'}", key)
        return Entry(
            key=key,
            line=self.line(key),
            artifact=self._artifact(key, fields),
            requires=(*self.requires(key, fields), *self._sources(key)),
        )

    def locator(self, key: str, fields: Mapping[str, object] | None = None) -> tuple[str, str]:
        """An entry's resolution: the name, and the reference to the installed package.

        It is cached, because each requirement of the entry needs it.
        """
        if key not in self._locators:
            resolution = (self.fields(key) if fields is None else fields).get("resolution")
            found = split_ident(resolution) if isinstance(resolution, str) else None
            if found is None:
                raise self.fail("resolution: expected name@protocol:…", key)
            self._locators[key] = found
        return self._locators[key]

    def requires(self, key: str, fields: Mapping[str, object]) -> Iterator[Requirement]:
        """The requirements in an entry's fields."""
        meta = _table(fields, "dependenciesMeta")
        lines = self._dependency_lines(key)
        for name, wanted in _table(fields, "dependencies").items():
            if not isinstance(wanted, str):
                raise self.fail(f"dependencies.{name}: expected a string", key)
            optional = _table(meta, name).get("optional") == "true"
            yield Requirement(
                name=name,
                specifier=wanted,
                group=Group.OPTIONAL if optional else Group.PRODUCTION,
                line=lines.get(name, self.line(key)),
            )

    def _dependency_lines(self, key: str) -> Mapping[str, int]:
        if self._tables is not None:
            return {}
        found: dict[str, int] = {}
        inside = False
        for number, line in enumerate(str(self.blocks[key]).split("\n"), start=self.line(key)):
            if not line.startswith("    "):
                inside = line == "  dependencies:"
            elif inside:
                found[split_line(line)[0]] = number
        return found

    def _sources(self, key: str) -> Iterator[Requirement]:
        """The unpatched source of a patched entry, as a requirement: it has an entry of its own."""
        if "@patch:" not in key:
            return
        seen = set()
        for descriptor in self.descriptors(key):
            source = patched(descriptor)
            if source and source not in seen:
                seen.add(source)
                yield Requirement(
                    name=source[0], specifier=source[1], target="source", line=self.line(key)
                )

    def _artifact(self, key: str, fields: Mapping[str, object]) -> Artifact | None:
        ident, reference = self.locator(key, fields)
        version = fields.get("version")
        if not isinstance(version, str):
            raise self.fail("the field 'version' is missing", key)
        name, kind = self._source(key, ident, reference, version)
        if kind is None:
            return None
        digests = (each.digest(self._read) for each in patch_files(self.path, reference))
        return Artifact(
            name=name,
            version=version,
            kind=kind,
            resolved=self._archive(key, reference) or f"{ident}@{settled(reference)}",
            checksum=self._heeded(fields),
            patch=" ".join(digests) or None,
            # Seen with Yarn 4.18: no checksum is written for a package with conditions, nor
            # missed by --immutable, even where the package was fetched.
            unhashed=kind is Kind.REGISTRY and "checksum" not in fields and "conditions" in fields,
        )

    # -- checksums

    @cached_property
    def cache_key(self) -> str | None:
        """The file's cache key: from its metadata, else from its first checksum."""
        own = self._metadata.get("cacheKey")
        if own is None:
            keys = self.mentioning("checksum: " if self._tables is None else "checksum")
            texts = (self.fields(key).get("checksum") for key in keys)
            own = next((text.rpartition("/")[0] for text in texts if isinstance(text, str)), None)
        return own if isinstance(own, str) and own else None

    def _heeded(self, fields: Mapping[str, object]) -> str | None:
        """The checksum with its cache key; None if Yarn compares the bytes with no checksum."""
        text = fields.get("checksum")
        if self.cache_key is None or not isinstance(text, str):
            return None
        key, slash, digest = text.rpartition("/")
        return f"{self.cache_key}/{digest}" if not slash or key == self.cache_key else None

    def programs(self) -> frozenset[str] | None:
        """The names of the programs, which each entry lists under ``bin``."""
        blocks = _PROGRAMS.findall(self._text)
        return frozenset(name for block in blocks for name in _PROGRAM.findall(block))

    def hash_text(self, entry: Entry) -> str | None:
        """The checksum as the lockfile spells it."""
        text = self.fields(entry.key).get("checksum")
        return text if isinstance(text, str) else None

    def source_text(self, entry: Entry) -> str | None:
        """The resolution as the lockfile spells it, or the URL in it."""
        ident, reference = self.locator(entry.key)
        return self._archive(entry.key, reference) or f"{ident}@{reference}"

    def unheeded(self, entry: Entry) -> Problem | None:
        """The problem of a checksum with another cache key than the file's: Yarn would replace it."""
        fields = self.fields(entry.key)
        text = fields.get("checksum")
        if not isinstance(text, str) or self._heeded(fields) is not None:
            return None
        return Problem(
            message=f"its checksum ({text[:24]}…) is not under the lockfile's own cacheKey "
            f"({self.cache_key or 'missing'}), so Yarn silently replaces it",
            location=Location(self.path, entry.line),
            fix=install_again(self.path),
            code="checksum-replaced",
            key=entry.key,
            value=text,
        )

    def rehashed(self, before: Lockfile) -> Problem | None:
        """The problem of another cache key: then the same packages have other checksums."""
        if not isinstance(before, BerryEntries) or before.cache_key in (None, self.cache_key):
            return None
        return Problem(
            message=f"the cacheKey changed from {before.cache_key} to {self.cache_key}: changed "
            "checksums cannot be compared with the old ones. Repeat the upgrade from the previous "
            "lockfile and check that the result is identical",
            location=Location(self.path, self.metadata_line),
            level=Level.WARNING,
            code="all-checksums-changed",
            key="cacheKey",
            value=f"{before.cache_key} {self.cache_key}",
        )

    def is_locked(self, name: str, reference: str) -> bool:
        """Whether some entry resolves to this locator."""
        return f"{name}@{reference}" in self._resolutions

    @cached_property
    def _resolutions(self) -> frozenset[str]:
        return frozenset("@".join(self.locator(key)) for key in self._places)

    def refetch(self, path: str) -> tuple[tuple[str, ...], ...]:
        """The commands that replace an archive of the cache by one from the registry."""
        folder = self.path.rpartition("/")[0]
        where = ("--cwd", folder) if folder else ()
        install = ("yarn", *where, "install", "--mode=skip-build")
        return (("git", "rm", "-q", "-f", "--", path), install, ("git", "add", self.store))

    # -- the committed cache

    @property
    def store(self) -> str:  # type: ignore[override]
        """The folder of a zero-install's committed cache: Yarn's default."""
        return beside(self.path, ".yarn/cache") + "/"

    def stored(self, names: Collection[str]) -> Mapping[str, str]:
        """The archives with their entries' keys: Yarn names them ``NAME-PROTOCOL-VERSION-LOCATOR-CHECKSUM.zip``.

        LOCATOR and CHECKSUM are the first ten characters of a hash.
        """
        wanted: dict[str, list[str]] = {}
        for name in names:
            found = _ARCHIVE.fullmatch(name)
            if found is not None:
                wanted.setdefault(found[1], []).append(name)
        keys: dict[str, str] = {}
        for key in self._places if wanted else ():
            keys |= dict.fromkeys(wanted.get(locator_hash(*self.locator(key))[:10], ()), key)
        return keys

    def local_archive(self, entry: Entry) -> str | None:  # noqa: ARG002
        """Always None: Yarn packs a tarball anew, and the checksum is of its own archive in the cache."""
        return None

    def archive_hash(self, entry: Entry) -> str | None:
        """The checksum: the SHA-512 of the archive as it is in the cache."""
        checksum = entry.artifact.checksum if entry.artifact is not None else None
        return None if checksum is None else sri_of_hex(checksum.rpartition("/")[2])

    # -- sources

    def _source(self, key: str, name: str, reference: str, version: str) -> tuple[str, Kind | None]:
        """The name and kind of the package below any patch; None as kind: a workspace, link or folder."""
        for _ in range(PATCHES):
            parts = Reference.parse(reference)
            if parts.protocol != "patch:":
                return name, self._kind(key, reference, parts, version)
            inner = split_ident(unquoted(parts.source))
            if inner is None:
                raise self.fail("resolution: a patch of nothing", key)
            name, reference = inner[0], normal(inner[1])
        raise self.fail("resolution: patches of patches without end", key)

    def _archive(self, key: str, reference: str) -> str | None:
        """The URL of a registry's package, if it is not the usual one of that registry; else None."""
        parts = Reference.parse(reference)
        for _ in range(PATCHES):
            if parts.protocol != "patch:":
                break
            inner = split_ident(unquoted(parts.source))
            parts = Reference.parse(normal(inner[1] if inner else ""))
        url = parts.params.get("__archiveUrl") if parts.protocol == "npm:" else None
        if url is not None and "://" not in url:
            raise self.fail(f"resolution: __archiveUrl: expected a URL, found {url!r}", key)
        return url

    def _kind(self, key: str, reference: str, parts: Reference, version: str) -> Kind | None:
        if parts.protocol == "npm:":
            if parts.source != version:
                raise self.fail(f"version: expected {parts.source}, found {version}", key)
            if parts.params.keys() - {"__archiveUrl"} or parts.selector is not None:
                raise self.fail("resolution: expected name@npm:version", key)
            return Kind.REGISTRY
        if parts.protocol in FOLDERS:
            return None
        if parts.protocol == "file:":
            return Kind.FILE if parts.source.endswith(_TARBALL) else None
        if _COMMIT.search(reference) or parts.protocol.startswith(("git:", "git+", "ssh:")):
            return Kind.GIT
        if parts.protocol in ("https:", "http:"):
            return Kind.GIT if parts.source.endswith(".git") else Kind.TARBALL
        if not parts.protocol:
            raise self.fail("resolution: expected name@protocol:…", key)
        return Kind.OTHER

    def patch_files(self) -> Mapping[str, tuple[str, ...]]:
        """The patch files of the repository by path, with the keys of the entries they change."""
        return self._patch_files

    @cached_property
    def _patch_files(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for key in self.mentioning("@patch:"):
            _, reference = self.locator(key)
            for each in patch_files(self.path, reference):
                if each.path is not None:
                    found.setdefault(each.path, []).append(key)
        return {path: tuple(keys) for path, keys in found.items()}


def install_again(path: str) -> tuple[tuple[str, ...], ...]:
    """The commands that rewrite a lockfile without running scripts."""
    return (("yarn", "install", "--mode=skip-build"), ("git", "add", path))


def _is_unusual(resolution: str | None) -> bool:
    """Whether a resolution names neither a registry's package nor a folder, so it needs a closer look."""
    found = split_ident(resolution) if resolution else None
    return found is not None and not found[1].startswith(FOLDERS)


def _table(fields: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = fields.get(key)
    return found if isinstance(found, dict) else {}
