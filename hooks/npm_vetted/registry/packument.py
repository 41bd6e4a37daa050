"""A packument, a registry's description of a package, as frozen data. No network here.

The fields are those of npm's registry (``GET /<name>``, the full document; the abbreviated one has
no times). A field that a decision needs raises UndecidedError if it has a wrong type. Descriptive
fields (licence, repository, people, engines) had other shapes in npm's first years: those are read
too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from npm_vetted.errors import UndecidedError
from npm_vetted.formats.document import Document, Table, named
from npm_vetted.formats.terminal_text import line, printable
from npm_vetted.packages.integrity import sha1_integrity

LIFECYCLE: Final = ("preinstall", "install", "postinstall")
"""The scripts that a client runs for a dependency that comes from a registry."""


class AnswerError(UndecidedError):
    """A registry's answer differs from the registry's documentation; ``path`` is its URL."""

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        line: int = 1,  # noqa: ARG002
        fix: str | None = None,
    ) -> None:
        super().__init__(printable(f"{path} answered with something else: {message}"), fix=fix)


class AbsentError(UndecidedError):
    """The registry did answer: it has no such package, or no such version (any more)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone as a registry names them."""

    name: str
    email: str | None = None

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.email else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One version of a package, as its registry describes it.

    ``scripts`` are the lifecycle scripts that an install runs, the one that npm adds for
    ``binding.gyp`` among them. ``integrity`` is the registry's SRI text, made from ``shasum``
    where there is none. ``provenance`` says whether the registry has attestations; not that they
    were checked. ``trusted_publisher`` is the CI system that published by OpenID Connect, with the
    registry's identifier of its settings.
    """

    name: str
    version: str
    published: datetime | None
    integrity: str | None
    tarball: str
    scripts: Mapping[str, str]
    dependencies: Mapping[str, str]
    optional: Mapping[str, str]
    peers: Mapping[str, str]
    bundled: tuple[str, ...]
    maintainers: tuple[Person, ...]
    publisher: Person | None
    deprecated: str | None
    description: str
    licence: str | None
    repository: str | None
    directory: str | None
    commit: str | None
    bin: Mapping[str, str]
    engines: Mapping[str, str]
    unpacked_size: int | None
    file_count: int | None
    provenance: bool
    trusted_publisher: str | None = None


@dataclass(frozen=True, slots=True)
class PastRelease:
    """Who published an earlier version, and when."""

    version: str
    published: datetime
    publisher: str | None


@dataclass(frozen=True, eq=False)
class Packument:
    """All versions of a package; each is read on first use."""

    root: Table

    @cached_property
    def name(self) -> str:
        """The package's name."""
        return self.root.text("name")

    @cached_property
    def versions(self) -> tuple[str, ...]:
        """Every version there is, in the registry's order."""
        return tuple(self._versions.data)

    @cached_property
    def tags(self) -> Mapping[str, str]:
        """The dist-tags: ``latest`` and others."""
        return _texts(self.root, "dist-tags")

    @cached_property
    def created(self) -> datetime | None:
        """When the package was first published."""
        return self._time("created")

    def published(self, version: str) -> datetime | None:
        """When a version was published; None where the registry does not say."""
        return self._time(version)

    @cached_property
    def unpublished(self) -> str | None:
        """The time at which the whole package was taken down, as the registry says it."""
        table = None if self._times is None else self._times.data.get("unpublished")
        return None if table is None else line(str(_get(table, "time") or "an unknown time"), 40)

    def __contains__(self, version: str) -> bool:
        return version in self._versions.data

    def release(self, version: str) -> Release:
        """One version; raises AbsentError where it is not there, UndecidedError where malformed."""
        table = self._versions.maybe_table(version)
        if table is None:
            raise AbsentError(self._missing(version))
        for key, expected in (("name", self.name), ("version", version)):
            if table.text(key) != expected:
                raise table.fail(f"expected {expected!r}, found {named(table.data[key])}", key)
        return _release(table, self.published(version))

    def history(self, release: Release) -> Iterator[PastRelease]:
        """The versions that were published before one, as far as the registry says when."""
        for version, table in self._versions.data.items():
            published = self.published(version)
            if published is None or (release.published and published >= release.published):
                continue
            person = _person(_get(table, "_npmUser"))
            yield PastRelease(version, published, person.name if person else None)

    @cached_property
    def _versions(self) -> Table:
        return self.root.maybe_table("versions") or Table(Document("", {}, _no_line), (), {})

    @cached_property
    def _times(self) -> Table | None:
        return self.root.maybe_table("time")

    def _time(self, key: str) -> datetime | None:
        text = None if self._times is None else self._times.maybe_text(key)
        if self._times is None or text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self._times.fail(f"expected a time, found {named(text)}", key) from None

    def _missing(self, version: str) -> str:
        label = printable(f"{self.name}@{version}")
        if self.unpublished is not None:
            return f"{label}: the whole package was unpublished at {self.unpublished}"
        if self._times is not None and version in self._times.data:
            return f"{label} was published and is gone from the registry since"
        newest = self.tags.get("latest")
        known = f"its latest is {printable(newest)}" if newest else "it has no latest version"
        return f"{label} does not exist in the registry; {known}"


def read_packument(url: str, name: str, body: bytes) -> Packument:
    """Read a registry's answer about a package; raises UndecidedError naming the URL.

    The last of duplicate keys counts, as in every client, so that the installed version is judged.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        what = "it is nested too deeply" if isinstance(error, RecursionError) else "it is no JSON"
        raise AnswerError(what, path=url) from None
    packument = Packument(Document(url, data, _no_line).root(AnswerError))
    if packument.name != name:
        raise packument.root.fail(f"expected {name!r}, found {named(packument.name)}", "name")
    return packument


def _no_line(_: object) -> None:
    return None


def _release(table: Table, published: datetime | None) -> Release:
    dist = table.maybe_table("dist")
    if dist is None:
        raise table.fail("the key 'dist' is missing")
    repository, directory = _repository(table.data.get("repository"))
    return Release(
        name=table.text("name"),
        version=table.text("version"),
        published=published,
        integrity=_integrity(dist),
        tarball=dist.text("tarball"),
        scripts=lifecycle(_texts(table, "scripts"), gyp=table.data.get("gypfile") is True),
        dependencies=_texts(table, "dependencies"),
        optional=_texts(table, "optionalDependencies"),
        peers=_texts(table, "peerDependencies"),
        bundled=_bundled(table),
        maintainers=_people(table.data.get("maintainers")),
        publisher=_person(table.data.get("_npmUser")),
        deprecated=_deprecated(table),
        description=_words(table.data.get("description")) or "",
        licence=_licence(table.data.get("license") or table.data.get("licenses")),
        repository=repository,
        directory=directory,
        commit=_words(table.data.get("gitHead")),
        bin=_bin(table),
        engines=_loose_texts(table.data.get("engines")),
        unpacked_size=dist.maybe_number("unpackedSize"),
        file_count=dist.maybe_number("fileCount"),
        provenance=isinstance(dist.data.get("attestations"), dict),
        trusted_publisher=_trusted(table.data.get("_npmUser")),
    )


def lifecycle(scripts: Mapping[str, str], *, gyp: bool) -> dict[str, str]:
    """Those of a manifest's scripts that an install of the package runs.

    npm builds with node-gyp where there is a ``binding.gyp`` and neither ``install`` nor
    ``preinstall``, unless ``gypfile`` is false (``npm help scripts``).
    """
    found = {key: scripts[key] for key in LIFECYCLE if scripts.get(key)}
    if gyp and "install" not in found and "preinstall" not in found:
        found["install"] = "node-gyp rebuild"
    return found


def _texts(table: Table, key: str) -> dict[str, str]:
    """A table of texts; npm's first versions wrote an empty list for an empty table."""
    if table.data.get(key) in (None, []):
        return {}
    inner = table.maybe_table(key)
    assert inner is not None
    return {name: inner.text(name) for name in inner.data}


def _integrity(dist: Table) -> str | None:
    integrity = dist.maybe_text("integrity")
    shasum = dist.maybe_text("shasum")
    if integrity is not None or shasum is None:
        return integrity
    try:
        return sha1_integrity(shasum)
    except UndecidedError:
        raise dist.fail(f"expected a hash, found {named(shasum)}", "shasum") from None


def _bundled(table: Table) -> tuple[str, ...]:
    for key in ("bundleDependencies", "bundledDependencies"):
        value = table.data.get(key)
        if value is True:
            return tuple(_texts(table, "dependencies"))
        if isinstance(value, dict):
            return tuple(value)
        if value not in (None, False):
            return table.maybe_texts(key) or ()
    return ()


def _bin(table: Table) -> dict[str, str]:
    value = table.data.get("bin")
    if isinstance(value, str):
        return {table.text("name").rpartition("/")[2]: value}
    return _texts(table, "bin")


def _deprecated(table: Table) -> str | None:
    """npm shows no deprecation for an empty text or false: publishers withdraw one this way."""
    value = table.data.get("deprecated")
    if value in (None, False, ""):
        return None
    return _words(value) or "yes"


def _licence(value: object) -> str | None:
    if isinstance(value, list):
        return ", ".join(filter(None, map(_licence, value[:5]))) or None
    return _words(_get(value, "type") or _get(value, "name") or value)


def _repository(value: object) -> tuple[str | None, str | None]:
    """The repository's URL and the folder in it, of whichever shape."""
    if isinstance(value, list) and value:
        value = value[0]
    return _words(_get(value, "url") or value), _words(_get(value, "directory"))


def _people(value: object) -> tuple[Person, ...]:
    people = value if isinstance(value, list) else [value]
    return tuple(found for found in map(_person, people) if found is not None)


def _person(value: object) -> Person | None:
    name = _words(_get(value, "name")) or _words(value)
    return None if name is None else Person(name=name, email=_words(_get(value, "email")))


def _trusted(publisher: object) -> str | None:
    trusted = _get(publisher, "trustedPublisher")
    names = [_words(_get(trusted, key)) for key in ("id", "oidcConfigId")]
    return " ".join(filter(None, names)) or None


def _loose_texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {name: text for name, text in value.items() if isinstance(text, str)}


def _get(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else None


def _words(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
