"""npm 12's ``packageExtensions``: compares each locked package with the extension that the root declares.

``npm ci`` and ``npm install`` only compare a hash of the whole table. If it is right, they keep the
entries as they are. So an entry may lack a declared dependency, or have one that nobody declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from npm_vetted.clients.npm.lockfile import NpmLockfile
from npm_vetted.clients.npm.places import MODULES
from npm_vetted.clients.shared.extensions import (
    Extension,
    declared_extensions,
    extended_name,
    extensions_of,
)
from npm_vetted.model import Location, Manifest, Problem

APPLIED: Final = "packageExtensionsApplied"
APPLIED_BY_FILE: Final = "npmExtensionApplied"
_FIELDS: Final = ("dependencies", "optionalDependencies", "peerDependencies")


def not_applied(lockfile: NpmLockfile, root: Manifest | None) -> Iterator[Problem]:
    """The problems of entries without the extension that the root declares, or with an undeclared one.

    Only meaningful if the lockfile has the right hash of the table: otherwise the table is the problem.
    """
    declared = declared_extensions(root)
    by_file = lockfile.packages.get("", {}).get("npmExtensionHash") is not None
    for place in _places(lockfile, {extended_name(selector) for selector in declared}):
        raw = lockfile.packages[place]
        if raw.get("link") or raw.get("inBundle") or MODULES not in place:
            continue
        if raw.get(APPLIED_BY_FILE) is not None and not by_file:
            yield _problem(
                lockfile, place, f"{APPLIED_BY_FILE}, and no extension file was locked", "no file"
            )
        name = lockfile.text(place, "name") or place.rpartition(MODULES)[2]
        meeting = extensions_of(name, lockfile.text(place, "version"), declared)
        if len(meeting) > 1:
            continue  # npm refuses such a project
        wanted = next(iter(meeting), None)
        said = raw.get(APPLIED)
        found = said.get("selector") if isinstance(said, dict) else None
        if found != wanted:
            words = f"expected the packageExtensions of {wanted!r}, found those of {found!r}"
            yield _problem(lockfile, place, words, f"{wanted} {found}")
        elif wanted is not None:
            yield from _missing(lockfile, place, declared[wanted])


def _places(lockfile: NpmLockfile, names: set[str]) -> Iterator[str]:
    """The places of packages with these names, of aliases, and of entries that record an extension."""
    unusual = lockfile.layout.unusual
    yield from (place for place in unusual if place)
    for place in lockfile.blocks if names else ():
        if place.rpartition(MODULES)[2] in names and place not in unusual:
            yield place


def _missing(lockfile: NpmLockfile, place: str, extension: Extension) -> Iterator[Problem]:
    raw = lockfile.packages[place]
    for field in _FIELDS:
        table = extension.get(field, {})
        locked = raw.get(field)
        for name, specifier in table.items() if isinstance(table, Mapping) else ():
            has = locked.get(name) if isinstance(locked, dict) else None
            if has != specifier:
                words = f"{field}: packageExtensions say {name} {specifier!r}, this has {has!r}"
                yield _problem(lockfile, place, words, f"{field} {name} {specifier} {has}")


def _problem(lockfile: NpmLockfile, place: str, words: str, value: str) -> Problem:
    message = f"{place}: {words}"
    return Problem(
        message=message, location=Location(lockfile.path, lockfile.line(place)),
        package=place.rpartition(MODULES)[2], code="out-of-date", key=place, value=value,
    )  # fmt: skip
