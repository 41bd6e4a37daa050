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

CODES = ("dep-replaced", "dep-nonregistry", "dep-unused", "dep-unpopular", "dep-bundled")
_TABLES: Final = ("dependencies", "optionalDependencies", "peerDependencies")
_TYPES: Final = "@types/"
"""Declarations of types, in a scope that only one project publishes to: no code loads them."""
_OUTSIDE: Final = re.compile(
    r"(?:git|git\+\w+|github|gitlab|bitbucket|gist|https?|file|link|ssh):|[\w.-]+@[\w.-]+:|[\w.-]+/[\w.-]+(?:#|$)|\.{0,2}/"
)


_SHRINKWRAP: Final = "npm-shrinkwrap.json"
_RESOLVED: Final = re.compile(
    rb'"(?:resolved|version)"\s{0,9}:\s{0,9}"((?:\w{2,9}[:+]|git@)[^"]{1,300})"'
)
_REGISTRIES: Final = (b"https://registry.npmjs.org/", b"https://registry.yarnpkg.com/", b"npm:")


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
    yield from _of_shrinkwrap(comparison)
    had = dict(_packages(comparison.old_manifest, _TABLES))
    for loaded, name in new_dependencies(comparison):
        line = manifest_line(comparison.new, f'"{loaded}"')
        if loaded in had:
            text = f"what it loads as {loaded} is another package now: {name}"
            yield Reason("dep-replaced", text, "package.json", line)
        if is_popular(name) or _is_one_more_program(comparison, loaded):
            continue
        text = f"new dependency that is not well known: {name}"
        yield Reason("dep-unpopular", text, "package.json", line)
        if not (_may_be_unloaded(comparison, name) or _loads(comparison, loaded)):
            text = f"new dependency that its own code never loads: {name}"
            yield Reason("dep-unused", text, "package.json", line)
    yield from _bundled(comparison)


def _may_be_unloaded(comparison: PackageComparison, name: str) -> bool:
    """Whether it says nothing that no code loads a dependency: there is no code, or it holds types."""
    if comparison.fresh or name.startswith(_TYPES):
        return True
    return not any(map(comparison.is_script, comparison.new))


def _is_one_more_program(comparison: PackageComparison, loaded: str) -> bool:
    """Whether a dependency is one more program for a platform, where the package had such ones: with
    the package's own version, and in a scope or under a name that only its publisher has.
    """
    (own, version), (_, before) = (
        [str(each.get(key)) for key in ("name", "version")]
        for each in (comparison.manifest, comparison.old_manifest)
    )
    has, had = (
        table_of(manifest, "optionalDependencies")
        for manifest in (comparison.manifest, comparison.old_manifest)
    )
    programs = [each for each, wanted in had.items() if wanted == before]
    family = tuple(f"{each.partition('/')[0]}/" for each in programs if each.startswith("@"))
    return has.get(loaded) == version and (
        loaded.startswith(family) or any(loaded.startswith(f"{own}-") for _ in programs)
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


def _of_shrinkwrap(comparison: PackageComparison) -> Iterator[Reason]:
    """Dependencies that the package's own lockfile takes from elsewhere: npm obeys it."""
    if _SHRINKWRAP not in comparison.changed_paths:
        return
    known = set(_RESOLVED.findall((comparison.old or {}).get(_SHRINKWRAP, b"")))
    data = comparison.new[_SHRINKWRAP]
    for match in _RESOLVED.finditer(data):
        if match[1] not in known and not match[1].startswith(_REGISTRIES):
            where = match[1].decode("utf-8", errors="replace")
            line = data.count(b"\n", 0, match.start()) + 1
            text = f"its own lockfile takes a dependency from elsewhere: {where}"
            yield Reason("dep-nonregistry", text, _SHRINKWRAP, line)
            return


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
