"""Finds the entry of a yarn.lock of Yarn berry that satisfies a requirement.

Yarn applies ``resolutions``, then catalogs, then its own patches to a requirement, and stores the resulting
descriptor. So ``resolve`` takes a requirement of a manifest or a package through the same steps.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from npm_vetted.clients.shared.lockfile import beside
from npm_vetted.clients.shared.yarn.locators import (
    normal,
    patched,
    resolution_pattern,
    split_ident,
    uri_component,
)
from npm_vetted.clients.yarn_berry.entries import BerryEntries
from npm_vetted.formats.yaml import load_yaml
from npm_vetted.model import Group, Manifest, Requirement
from npm_vetted.packages.ranges import satisfies

_ENTRY_GROUPS: Final = (Group.PRODUCTION, Group.DEVELOPMENT, Group.OPTIONAL)
Pattern = tuple[str | None, str | None, str, str | None]
"""A key of ``resolutions``: the dependent and its range, the replaced package and its range."""


class BerryResolution(BerryEntries):
    """A yarn.lock with ``__metadata``."""

    @cached_property
    def importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """Each workspace's requirements, production and development together, as Yarn records them."""
        return {
            folder: tuple(self.requires(key, self.fields(key)))
            for folder, key in self.workspaces.items()
        }

    @cached_property
    def workspaces(self) -> Mapping[str, str]:
        """The key of each workspace's entry by its folder relative to the lockfile."""
        found: dict[str, str] = {}
        for key in self.mentioning("@workspace:"):
            _, reference = self.locator(key)
            if reference.startswith("workspace:"):
                folder = reference.removeprefix("workspace:")
                folder = "" if folder == "." else folder
                if folder in found:
                    raise self.fail(f"the workspace {folder or '.'!r} has two entries", key)
                found[folder] = key
        return found

    def asked(self, manifests: Mapping[str, Manifest]) -> Mapping[str, tuple[Requirement, ...]]:
        """The workspaces' requirements, with the manifests' own fields as groups."""
        return {
            folder: tuple(
                asked._replace(group=group)
                for asked in requires
                for group in _groups(manifests.get(folder), asked)
            )
            for folder, requires in self.importers.items()
        }

    @cached_property
    def _unusual(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Keys by the normalized form of an unusual descriptor, and by the descriptor that a patch wraps.

        The second table has only Yarn's own patches: dependents require the patched package by its name.
        """
        plain: dict[str, str] = {}
        wrapped: dict[str, str] = {}
        for descriptor, key in self.index.items():
            if "@npm:" in descriptor and "@patch:" not in descriptor:
                continue  # normal as it is
            split = split_ident(descriptor)
            if split is None:
                continue
            name, wanted = split
            plain.setdefault(f"{name}@{normal(wanted)}", key)
            source = patched(descriptor) if "builtin<compat/" in wanted else None
            if source:
                wrapped.setdefault(f"{source[0]}@{normal(source[1])}", key)
        return plain, wrapped

    def _stands_for(self, descriptor: str) -> str | None:
        return self.index.get(descriptor) or self._unusual[0].get(descriptor)

    def resolve(
        self, origin: str | None, requirement: Requirement, importer: str = ""
    ) -> str | None:
        """The entry of a descriptor, after ``resolutions``, catalogs and Yarn's own patches."""
        if requirement.group is Group.PEER:
            return None
        name = requirement.name
        wanted = normal(self.catalogued(name, requirement.specifier))
        parent = origin if origin is not None else self.workspaces.get(importer)
        if requirement.target == "source":
            return self._stands_for(f"{name}@{wanted}")
        override = self.override(parent, name, wanted)
        for text, asker in ((override, self.workspaces.get("")), (wanted, parent)):
            found = None if text is None else self._find(name, text, asker)
            if found is not None:
                return found
        return None

    def _find(self, name: str, text: str, asker: str | None) -> str | None:
        """The entry of a descriptor; its range may be bound to the dependent (``::locator=…``)."""
        for candidate in self._bound(text, asker):
            descriptor = f"{name}@{candidate}"
            found = self._unusual[1].get(descriptor) or self._stands_for(descriptor)
            if found is not None:
                return found
        # A patch or folder is bound in more ways than one: any of the same protocol will do.
        protocol = text.partition(":")[0] + ":"
        if protocol in ("npm:", text + ":"):
            return None
        return next(
            (self.index[each] for each in self._by_name.get(name, ())
             if each.startswith(f"{name}@{protocol}")), None,
        )  # fmt: skip

    def _bound(self, wanted: str, asker: str | None) -> Iterator[str]:
        """A range as written, and bound to its dependent, which Yarn does for paths relative to that."""
        yield wanted
        if asker is not None:
            name, reference = self.locator(asker)
            join = "&" if "::" in wanted else "::"
            yield f"{wanted}{join}locator={uri_component(f'{name}@{reference}')}"

    def catalogued(self, name: str, wanted: str) -> str:
        """The range that ``catalog:`` means, by .yarnrc.yml; the text itself if there is no such entry."""
        if not wanted.startswith("catalog:"):
            return wanted
        which = wanted.removeprefix("catalog:")
        table = self._catalogs.get(which)
        found = table.get(name) if isinstance(table, dict) else None
        return found if isinstance(found, str) else wanted

    @cached_property
    def _catalogs(self) -> Mapping[str, object]:
        named = _table(self._settings.get("catalogs"))
        return {**named, "": self._settings.get("catalog")}

    @cached_property
    def kept(self) -> frozenset[str]:
        """The packages that extensions add: Yarn locks them, but no entry requires them.

        This includes Yarn's built-in list of extensions, which no file of the repository contains.
        """
        found = set()
        for key, name, wanted in (*self.extensions(), *self._added(_built_in())):
            target = self._extension_target(key, name, wanted)
            found |= {target} if target not in (None, key) else set()
        return frozenset(each for each in found if each is not None)

    def _extension_target(self, key: str, name: str, wanted: str) -> str | None:
        """The entry of a dependency that an extension adds to a package."""
        override = self.override(key, name, normal(wanted))
        return self._find(name, override or normal(wanted), key)

    @cached_property
    def extended(self) -> Mapping[str, Mapping[str, str | None]]:
        """By entry: the dependencies that ``packageExtensions`` add to it; no entry records them."""
        found: dict[str, dict[str, str | None]] = {}
        for key, name, wanted in self.extensions():
            found.setdefault(key, {})[name] = self._extension_target(key, name, wanted)
        return found

    @cached_property
    def _settings(self) -> Mapping[str, object]:
        path = beside(self.path, ".yarnrc.yml")
        data = self._read(path)
        documents = load_yaml(path, data, strings_only=True) if data else []
        empty = not documents or documents[0].data is None
        return {} if empty else documents[0].root().data

    @cached_property
    def store(self) -> str:  # type: ignore[override]
        """The folder of the committed cache: ``cacheFolder`` of the settings, if it is in the repository."""
        name = self._settings.get("cacheFolder")
        folder = posixpath.normpath(beside(self.path, name)) if isinstance(name, str) else ".."
        plain = isinstance(name, str) and not set(name) & set("$~\\")
        inside = plain and folder not in (".", "..") and not folder.startswith(("../", "/"))
        return f"{folder}/" if inside else super().store

    def override(self, parent: str | None, name: str, wanted: str) -> str | None:
        """The replacement of a range by the first fitting entry of the root's ``resolutions``."""
        for (whom, whose, _, ranged), text in self._patterns.get(name, ()):
            if ranged is not None and normal(ranged) != wanted:
                continue
            if whom is not None and parent is not None:
                ident, reference = self.locator(parent)
                if ident != whom or (whose is not None and normal(whose) != reference):
                    continue
            return normal(self.catalogued(name, text))
        return None

    @cached_property
    def _patterns(self) -> Mapping[str, Sequence[tuple[Pattern, str]]]:
        """The parsed ``resolutions`` with their replacements, by the name that they replace."""
        found: dict[str, list[tuple[Pattern, str]]] = {}
        for key, text in self.resolutions.items():
            pattern = resolution_pattern(key)
            if pattern is not None:
                found.setdefault(pattern[2], []).append((pattern, text))
        return found

    def unsatisfied(self, names: Collection[str]) -> Iterator[tuple[str, Requirement, str]]:
        """The requirements of these names that no entry satisfies, after ``resolutions``.

        Yields the key of the dependent, the requirement, and the missing descriptor.
        """
        for key in self._asking(names) if names else ():
            for asked in self.entry(key).requires:
                if asked.name in names and asked.target != "source":
                    missing = self.missing_descriptor(key, asked)
                    if missing is not None:
                        yield key, asked, missing

    def missing_descriptor(self, key: str, asked: Requirement) -> str | None:
        """The descriptor that a requirement leads to, if no entry has it; None: an entry has it."""
        wanted = normal(self.catalogued(asked.name, asked.specifier))
        override = self.override(key, asked.name, wanted)
        text, asker = (wanted, key) if override is None else (override, self.workspaces.get(""))
        if asker is None or self._find(asked.name, text, asker) is not None:
            return None
        return f"{asked.name}@{text}"

    def resolved_names(self) -> set[str]:
        """The names that the root's ``resolutions`` replace."""
        return set(self._patterns)

    def extensions(self) -> Iterator[tuple[str, str, str]]:
        """The additions of ``packageExtensions`` to locked packages: the key, a name, a range."""
        every = _table(self._settings.get("packageExtensions")).items()
        return self._added(
            (whom, {name: str(wanted) for name, wanted in _needs(extension).items()})
            for whom, extension in every
        )

    def _added(
        self, extensions: Iterable[tuple[str, Mapping[str, str]]]
    ) -> Iterator[tuple[str, str, str]]:
        locked = self.package_names().union(
            self.locator(key)[0] for key in self.workspaces.values()
        )
        for descriptor, added in extensions:
            split = split_ident(descriptor)
            if split is None or not added or split[0] not in locked:
                continue
            for key in dict.fromkeys((*self._naming({split[0]}), *self.workspaces.values())):
                if self.locator(key)[0] != split[0] or not self._is_extended(key, split[1]):
                    continue
                own = {asked.name for asked in self.entry(key).requires}
                for name, wanted in added.items():
                    if name not in own:
                        yield key, name, wanted

    def _is_extended(self, key: str, wanted: str) -> bool:
        """Whether a version is in an extension's range; prereleases count like the release."""
        version = str(self.fields(key).get("version"))
        return any(satisfies(each, wanted) for each in (version, version.partition("-")[0]))


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _needs(extension: object) -> Mapping[str, object]:
    return _table(_table(extension).get("dependencies"))


def _built_in() -> list[tuple[str, Mapping[str, str]]]:
    """The extensions that are built into Yarn (``tools/yarn_extensions.py`` writes the list)."""
    path = os.path.join(os.path.dirname(__file__), "built-in-extensions.txt")  # noqa: PTH118, PTH120
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes 3 ms to import
        table = file.read()
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return [(whom, {name: wanted}) for whom, name, wanted in rows]


def _groups(manifest: Manifest | None, asked: Requirement) -> tuple[Group, ...]:
    if manifest is None:
        return (asked.group,)
    found = {
        own.group
        for own in manifest.requires
        if own.name == asked.name and own.group in _ENTRY_GROUPS
    }
    return tuple(sorted(found)) or (asked.group,)
