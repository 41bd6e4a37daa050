"""Dependencies that the earlier version did not have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

from npm_vetted.packages.lookalikes.known import is_popular
from npm_vetted.review.signals.comparison import (
    PackageComparison,
    Reason,
    aliased_package,
    manifest_line,
    table_of,
)

CODES = ("dep-nonregistry", "dep-unused", "dep-unpopular", "dep-bundled")
_TABLES: Final = ("dependencies", "optionalDependencies", "peerDependencies")
_TYPES: Final = "@types/"
"""Declarations of types, in a scope that only one project publishes to: no code loads them."""
_OUTSIDE: Final = re.compile(
    r"(?:git|git\+\w+|github|gitlab|bitbucket|gist|https?|file|link|ssh):|[\w.-]+@[\w.-]+:|[\w.-]+/[\w.-]+(?:#|$)|\.{0,2}/"
)


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """Dependencies from outside the registry, unused, little known, or bundled in the tarball."""
    for table in _TABLES:
        before = table_of(comparison.old_manifest, table)
        for name, wanted in sorted(table_of(comparison.manifest, table).items()):
            outside = _OUTSIDE.match(wanted) is not None
            if outside and before.get(name) != wanted:
                text = f"depends on something outside the registry: {name} {wanted}"
                yield Reason(
                    "dep-nonregistry",
                    text,
                    "package.json",
                    manifest_line(comparison.new, f'"{name}"'),
                )
    for loaded, name in new_dependencies(comparison):
        line = manifest_line(comparison.new, f'"{loaded}"')
        if not is_popular(name):
            text = f"new dependency that is not well known: {name}"
            yield Reason("dep-unpopular", text, "package.json", line)
        if not (_may_be_unloaded(comparison, loaded, name) or _loads(comparison, loaded)):
            text = f"new dependency that its own code never loads: {name}"
            yield Reason("dep-unused", text, "package.json", line)
    yield from _bundled(comparison)


def _may_be_unloaded(comparison: PackageComparison, loaded: str, name: str) -> bool:
    """Whether it says nothing that no code loads a dependency: there is no code, or it holds types, or
    it is one more program for a platform, where the package had such ones.
    """
    if comparison.fresh or name.startswith(_TYPES):
        return True
    if not any(map(comparison.is_script, comparison.new)):
        return True
    own, version = (str(comparison.manifest.get(key)) for key in ("name", "version"))
    has, had = (
        table_of(manifest, "optionalDependencies")
        for manifest in (comparison.manifest, comparison.old_manifest)
    )
    family = (f"{own}-", f"{own.partition('/')[0]}/" if own.startswith("@") else f"@{own}/")
    return (
        has.get(loaded) == version
        and loaded.startswith(family)
        and any(each.startswith(family) for each in had)
    )


def new_dependencies(comparison: PackageComparison) -> list[tuple[str, str]]:
    """Dependencies, optional ones too, that the earlier version did not have, and their own names.

    An alias, ``"ms": "npm:other@1.0.0"``, is loaded by one name and is the package of the other.
    """
    had = {name for _, name in _packages(comparison.old_manifest, _TABLES)}
    has = dict(_packages(comparison.manifest, _TABLES[:2]))
    return sorted((loaded, name) for loaded, name in has.items() if name not in had)


def _packages(manifest: Mapping[str, object], tables: Iterable[str]) -> Iterator[tuple[str, str]]:
    for table in tables:
        for loaded, wanted in table_of(manifest, table).items():
            yield loaded, aliased_package(loaded, wanted)


def _loads(comparison: PackageComparison, name: str) -> bool:
    facts = chain((each.facts for each in comparison.changed), comparison.unchanged())
    if any(load == name or load.startswith(f"{name}/") for each in facts for load in each.loads):
        return True
    word = name.encode()
    commands = "\n".join(table_of(comparison.manifest, "scripts").values())
    return name in commands or any(
        word in comparison.new[path]
        for path in comparison.new
        if path.endswith((".d.ts", ".css", ".d.mts", ".d.cts"))
    )


def _bundled(comparison: PackageComparison) -> Iterator[Reason]:
    had = set(_carried(comparison.old or {}))
    for name, path in _carried(comparison.new).items():
        if name not in had:
            yield Reason("dep-bundled", f"carries another package inside: {name}", path, 1)


def _carried(files: object) -> dict[str, str]:
    found: dict[str, str] = {}
    assert hasattr(files, "__iter__")
    for path in sorted(files):
        _, folder, rest = f"/{path}".rpartition("/node_modules/")
        if folder:
            parts = rest.split("/")
            found.setdefault("/".join(parts[: 2 if rest.startswith("@") else 1]), path)
    return found
