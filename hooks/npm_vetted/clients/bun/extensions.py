"""Bun 1.4's ``packageExtensions``: compares those of the root's manifest with the lockfile.

Bun adds each dependency that a package does not have already, writes it into the package's entry, and
lists the added names in a table: ``"packageExtensions": {"bb@1.2.0": {"dependencies": ["cc"]}}``.
Versions before 1.4 read neither the manifest's table nor the lockfile's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from npm_vetted.clients.bun.lockfile import BunLockfile
from npm_vetted.clients.shared.extensions import (
    Extension,
    declared_extensions,
    extended_name,
    extensions_of,
)
from npm_vetted.model import Artifact, Manifest

_TABLE: Final = "packageExtensions"
_FIELDS: Final = ("dependencies", "optionalDependencies", "peerDependencies")

Difference = tuple[str, str, str]
"""The text of a difference, its facts (the finding's value), and the name of the package with it."""


def extension_differences(lockfile: BunLockfile, root: Manifest | None) -> Iterator[Difference]:
    """Declared extensions that the lockfile lacks, and extensions in the lockfile that are not declared."""
    declared = declared_extensions(root)
    recorded = _recorded(lockfile)
    if not declared and not recorded:
        return
    names = {extended_name(selector) for selector in declared}
    seen = set()
    for key in lockfile.blocks:
        artifact = lockfile.artifact(key)
        if artifact is None or artifact.version is None:
            continue
        label = f"{artifact.name}@{artifact.version}"
        seen.add(label)
        if artifact.name in names or label in recorded:
            added = _added(artifact, declared)
            yield from _of_entry(lockfile, key, label, added, recorded.get(label, frozenset()))
    for label in recorded.keys() - seen:
        yield f"{_TABLE}: the lockfile extends {label}, which it does not lock", "not locked", label


def _recorded(lockfile: BunLockfile) -> dict[str, Collection[str]]:
    """The names that Bun added to each ``name@version``, as the lockfile records them."""
    table = lockfile.head.data.get(_TABLE)
    return {
        label: frozenset(
            name
            for names in (fields.values() if isinstance(fields, dict) else ())
            for name in (names if isinstance(names, list) else ())
        )
        for label, fields in (table.items() if isinstance(table, dict) else ())
    }


def _added(artifact: Artifact, declared: Mapping[str, Extension]) -> dict[str, set[str]]:
    """The specifiers that extensions add to a package, by name; several may name one."""
    found: dict[str, set[str]] = {}
    for extension in extensions_of(artifact.name, artifact.version, declared).values():
        for field in _FIELDS:
            table = extension.get(field)
            for name, specifier in table.items() if isinstance(table, dict) else ():
                found.setdefault(name, set()).add(str(specifier))
    return found


def _of_entry(
    lockfile: BunLockfile,
    key: str,
    label: str,
    added: Mapping[str, Collection[str]],
    recorded: Collection[str],
) -> Iterator[Difference]:
    required = {each.name: each.specifier for each in lockfile.entry(key).requires}
    for name, specifiers in added.items():
        if name not in required:
            words = f"{_TABLE}: {label} gets {name}, which {lockfile.path} does not have"
            yield words, f"{name} nothing", label
        elif name in recorded and required[name] not in specifiers:
            wanted, has = " or ".join(sorted(specifiers)), required[name]
            words = f"{_TABLE}: {label} gets {name} {wanted}, {lockfile.path} has {has}"
            yield words, f"{name} {wanted} {has}", label
    for name in sorted(set(recorded) - added.keys()):
        words = f"{_TABLE}: the lockfile adds {name} to {label}, the manifest does not"
        yield words, f"{name} undeclared", label
