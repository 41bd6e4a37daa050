"""Disagreements between a bun.lock and the manifests beside it.

Bun's own ``--frozen-lockfile`` passes if only a specifier differs (seen in 1.2 to 1.4), so this
module compares all of the manifests' fields that the lockfile records. Some are recorded in another
form; each rule below says which, as seen by running Bun.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from npm_vetted.clients.bun.keys import components
from npm_vetted.clients.bun.lockfile import BunLockfile
from npm_vetted.model import Group, Kind, Location, Manifest, Problem, Requirement
from npm_vetted.packages.ranges import satisfies

_ALIAS: Final = re.compile(r"npm:(@?[^@]+)(?:@(.*))?\Z", re.DOTALL)
_OWN_RANGE: Final = re.compile(r"npm:\s*([\^~<>=].*|\d+\.\d+\.\d.*)\Z", re.DOTALL)
"""Bun from 1.4: a range without a name is a range of the package itself; ``npm:1`` is an alias."""
_ELSEWHERE: Final = re.compile(r"(?:[a-z+]+:|\.{0,2}/|~/|git@|[^@]*/)", re.IGNORECASE)
"""A specifier that names a place (a directory, a URL, a repository), where any name may be."""


def disagreements(lockfile: BunLockfile, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
    """Every disagreement; none for a lockfile as Bun wrote it."""
    compared = _Comparison(lockfile, manifests)
    for folder, manifest in manifests.items():
        yield from compared.manifest(folder, manifest)
    yield from compared.strays()
    yield from compared.overrides()
    yield from compared.catalogs()
    yield from compared.table("patchedDependencies", "patches")
    yield from compared.trusted()
    yield from compared.identities()


class _Comparison:
    """A lockfile, and the manifests by directory relative to it."""

    def __init__(self, lockfile: BunLockfile, manifests: Mapping[str, Manifest]) -> None:
        self.lockfile = lockfile
        self.manifests = manifests
        self.root: Mapping[str, object] = manifests[""].data if "" in manifests else {}

    def _problem(self, message: str, path: str, line: int, package: str | None = None) -> Problem:
        folder = self.lockfile.path.rpartition("/")[0]
        return Problem(
            message=message,
            location=Location(path, line),
            package=package,
            code="out-of-date",
            key=package or path,
            value=message,
            fix=(
                ("bun", "install", "--lockfile-only", *(("--cwd", folder) if folder else ())),
                ("git", "add", self.lockfile.path),
            ),
        )

    def _recorded(self, message: str, *keys: str, package: str | None = None) -> Problem:
        return self._problem(message, self.lockfile.path, self.lockfile.head.line(*keys), package)

    def manifest(self, folder: str, manifest: Manifest) -> Iterator[Problem]:
        """Compare one manifest's requirements with the lockfile's record of them."""
        if folder not in self.lockfile.workspaces:
            if manifest.requires:
                message = f"{self.lockfile.path} does not have this workspace"
                yield self._problem(message, manifest.path, 1)
            return
        table = self.lockfile.workspaces[folder]
        name = table.maybe_text("name")
        # No install repairs the root's name (tried with 1.2 to 1.4).
        if folder and name != manifest.name:
            message = f"{manifest.path} is named {manifest.name}, the lockfile has {name}"
            yield self._recorded(message, "workspaces", folder, "name")
        asked = {(one.group, one.name): one for one in manifest.requires}
        locked = {(one.group, one.name): one for one in self.lockfile.importers[folder]}
        for key, wanted in asked.items():
            if key not in locked and not _doubled(wanted, locked):
                message = f"asks for {wanted.name}@{wanted.specifier} in {wanted.group}, which "
                message += f"{self.lockfile.path} does not have"
                yield self._problem(message, manifest.path, wanted.line, wanted.name)
        for key, found in locked.items():
            yield from self._one(folder, manifest, asked.get(key), found)

    def _one(
        self, folder: str, manifest: Manifest, wanted: Requirement | None, found: Requirement
    ) -> Iterator[Problem]:
        name, specifier = found.name, found.specifier
        if wanted is None:
            if found.group is Group.PEER and specifier == "*" and _is_optional(manifest, name):
                return  # Bun from 1.3 records a peer that only peerDependenciesMeta names
            message = f"the lockfile has {name}@{specifier} in {found.group} of {manifest.path}, "
            message += "which does not ask for it"
            yield self._problem(message, self.lockfile.path, found.line, name)
        elif wanted.specifier != specifier and not (
            self._is_directory(wanted, specifier) or self._is_raised(folder, wanted, found)
        ):
            message = f"asks for {name}@{wanted.specifier}, {self.lockfile.path} has {specifier}"
            yield self._problem(message, manifest.path, wanted.line, name)

    def _is_directory(self, wanted: Requirement, specifier: str) -> bool:
        """Bun 1.1 (version 0) records a workspace's directory for ``workspace:*``."""
        table = self.lockfile.workspaces.get(specifier)
        return (
            self.lockfile.version == 0
            and wanted.specifier.startswith("workspace:")
            and table is not None
            and table.maybe_text("name") == wanted.name
        )

    def _is_raised(self, folder: str, wanted: Requirement, found: Requirement) -> bool:
        """Whether ``bun update`` raised the manifest's range: Bun 1.2 and 1.3 leave the lockfile's copy."""
        key = self.lockfile.resolve(None, found, folder)
        artifact = None if key is None else self.lockfile.artifact(key)
        if artifact is None or (artifact.name, artifact.kind) != (wanted.name, Kind.REGISTRY):
            return False
        return satisfies(artifact.version or "", wanted.specifier) is True

    def strays(self) -> Iterator[Problem]:
        """Workspaces of the lockfile that have no manifest."""
        for folder in self.lockfile.workspaces:
            if folder not in self.manifests:
                message = f"the lockfile has the workspace {folder!r}, which has no package.json"
                yield self._recorded(message, "workspaces", folder)

    def overrides(self) -> Iterator[Problem]:
        """``overrides``, and where there are none ``resolutions``, of the root manifest."""
        found = self.lockfile.head.data.get("overrides")
        locked = found if isinstance(found, dict) else {}
        wanted = self._overrides()
        for selector, value in locked.items():
            if selector not in wanted:
                message = f"the lockfile overrides {selector}, the manifest does not"
                yield self._recorded(message, "overrides", selector)
                continue
            # Bun 1.4 writes a selector with a version as a table of its own.
            plain = value.get(".") if isinstance(value, dict) else value
            asked = self._referred(wanted[selector])
            if isinstance(asked, str) and asked != plain:
                message = f"the lockfile overrides {selector} with {plain}, the manifest with "
                yield self._recorded(message + asked, "overrides", selector)
        for selector, asked in wanted.items():
            nested = selector.count("/") > selector.startswith("@")
            if isinstance(asked, str) and not nested and selector not in locked:
                message = f"overrides {selector}, which {self.lockfile.path} does not"
                root = self.manifests[""]
                yield self._problem(message, root.path, root.line_of("overrides", selector))

    def _referred(self, value: object) -> object:
        """``$name`` in an override means the root manifest's own requirement of that name."""
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        return self._asked.get(value[1:])

    @cached_property
    def _asked(self) -> Mapping[str, str]:
        root = self.manifests.get("")
        return {one.name: one.specifier for one in root.requires} if root else {}

    def _overrides(self) -> Mapping[str, object]:
        """The overrides by the name that they replace; a nested resolution is under its first name."""
        for field in ("overrides", "resolutions"):
            declared = self.root.get(field)
            if isinstance(declared, dict) and declared:
                break
        else:
            return {}
        if field == "overrides":
            return declared
        found: dict[str, object] = {}
        for selector, value in declared.items():
            names = components(selector.removeprefix("**/"))
            found[names[0]] = value if len(names) == 1 else None
        return found

    def catalogs(self) -> Iterator[Problem]:
        """``catalog`` and ``catalogs``, which may be in ``workspaces`` too."""
        head = self.lockfile.head.data
        wanted, locked = self._catalogs(self.root), _catalogs(head)
        for name in sorted({*wanted, *locked}):
            if wanted.get(name) != locked.get(name):
                catalog, package = name
                message = f"the lockfile has {package}@{locked.get(name)} in the catalog "
                message += f"{catalog or 'default'!r}, the manifest {wanted.get(name)}"
                keys = ("catalogs", catalog, package) if catalog else ("catalog", package)
                yield self._recorded(message, *keys, package=package)

    @staticmethod
    def _catalogs(root: Mapping[str, object]) -> dict[tuple[str, str], str]:
        workspaces = root.get("workspaces")
        inner = workspaces if isinstance(workspaces, dict) else {}
        return _catalogs(root) | _catalogs(inner)

    def table(self, field: str, words: str) -> Iterator[Problem]:
        """A field that the lockfile repeats from the root manifest as it is."""
        found, asked = self.lockfile.head.data.get(field), self.root.get(field)
        locked = found if isinstance(found, dict) else {}
        wanted = asked if isinstance(asked, dict) else {}
        for name in sorted({*locked, *wanted}):
            if locked.get(name) != wanted.get(name):
                message = f"the lockfile {words} {name} with {locked.get(name)}, the manifest with "
                yield self._recorded(message + str(wanted.get(name)), field, name)

    def trusted(self) -> Iterator[Problem]:
        """``trustedDependencies``: Bun records those of any manifest that it found locked."""
        allowed: set[str] = set()
        for manifest in self.manifests.values():
            names = manifest.data.get("trustedDependencies")
            if isinstance(names, list):
                allowed.update(name for name in names if isinstance(name, str))
        for name in self.lockfile.head.maybe_texts("trustedDependencies") or ():
            if name not in allowed:
                message = f"the lockfile trusts {name}, no manifest does"
                yield self._recorded(message, "trustedDependencies", package=name)

    def identities(self) -> Iterator[Problem]:
        """Entries with another package or version than their dependents require."""
        aliases = set(self.lockfile.aliases())
        askers = self.lockfile.dependents(aliases) if aliases else {}
        for asker in sorted({asker for some in askers.values() for asker in some}):
            for wanted in self.lockfile.entry(asker).requires:
                key = self.lockfile.resolve(asker, wanted)
                if key in aliases:
                    yield from self._identity(key, wanted)
        for folder, requirements in self.lockfile.importers.items():
            ranges: dict[str, list[str]] = {}
            for wanted in requirements:
                ranges.setdefault(wanted.name, []).append(self._specifier(wanted))
            for wanted in requirements:
                key = self.lockfile.resolve(None, wanted, folder)
                if key is not None:
                    yield from self._identity(key, wanted)
                    yield from self._range(key, wanted, ranges[wanted.name])

    @cached_property
    def _replaced(self) -> set[str]:
        """The packages that overrides replace, so that others are by their names."""
        overrides = self.lockfile.head.data.get("overrides")
        return _names(overrides) if isinstance(overrides, dict) else set()

    @cached_property
    def _catalog(self) -> Mapping[tuple[str, str], str]:
        return _catalogs(self.lockfile.head.data)

    def _specifier(self, wanted: Requirement) -> str:
        """A requirement's specifier, with a ``catalog:`` reference resolved."""
        text = wanted.specifier.strip()
        if not text.startswith("catalog:"):
            return text
        catalog = text.removeprefix("catalog:").strip()
        return self._catalog.get((catalog, wanted.name), text).strip()

    @cached_property
    def _members(self) -> set[str | None]:
        """The names of the workspaces, which satisfy any range of that name."""
        return {table.maybe_text("name") for table in self.lockfile.workspaces.values()}

    def _identity(self, key: str, wanted: Requirement) -> Iterator[Problem]:
        artifact = self.lockfile.artifact(key)
        if wanted.name in self._replaced or (artifact and artifact.kind is not Kind.REGISTRY):
            return
        if wanted.group is Group.PEER and key in self._asked_for:
            return  # any package of that name serves a peer, an alias too
        expected, specifier = _aim(wanted.name, self._specifier(wanted))
        if expected == wanted.name and _ELSEWHERE.match(specifier):
            return
        if artifact is None:
            if wanted.name not in self._members:
                message = f"{key} is locked as a folder, where {wanted.specifier} is asked for"
                yield self._problem(message, self.lockfile.path, self.lockfile.line(key), key)
            return
        if artifact.name != expected:
            message = f"{artifact.label} is locked as {key}, where {expected} is asked for"
            line = self.lockfile.line(key)
            yield self._problem(message, self.lockfile.path, line, artifact.name)

    @cached_property
    def _asked_for(self) -> set[str]:
        """The keys of aliases to which a dependency that is no peer leads: it decides their package."""
        aliases = set(self.lockfile.aliases())
        askers = self.lockfile.dependents(aliases) if aliases else {}
        asked: list[tuple[str | None, str, Sequence[Requirement]]] = [
            (None, folder, every) for folder, every in self.lockfile.importers.items()
        ]
        known = {asker for some in askers.values() for asker in some}
        asked += [(asker, "", self.lockfile.entry(asker).requires) for asker in sorted(known)]
        keys = (
            self.lockfile.resolve(origin, each, folder)
            for origin, folder, every in asked
            for each in every
            if each.group is not Group.PEER
        )
        return {key for key in keys if key is not None}

    def _range(self, key: str, wanted: Requirement, texts: Sequence[str]) -> Iterator[Problem]:
        """Compare a direct dependency's version with the range in the field that requires it."""
        artifact = self.lockfile.artifact(key)
        if artifact is None or artifact.version is None or wanted.name in self._replaced:
            return
        ranges = [_aim(wanted.name, text)[1] for text in texts]
        if wanted.group is not Group.PEER and all(
            satisfies(artifact.version, text) is False for text in ranges
        ):
            message = f"{artifact.label} is locked, where {wanted.specifier} is asked for"
            line = self.lockfile.line(key)
            yield self._problem(message, self.lockfile.path, line, artifact.name)


def _aim(name: str, specifier: str) -> tuple[str, str]:
    """The package that a specifier names, and its range."""
    if own := _OWN_RANGE.match(specifier):
        return name, own[1]
    alias = _ALIAS.match(specifier)
    return (alias[1], alias[2] or "") if alias else (name, specifier)


def _doubled(wanted: Requirement, locked: Mapping[tuple[Group, str], Requirement]) -> bool:
    """Whether an optional dependency of that name took its place (as npm has it)."""
    return wanted.group is Group.PRODUCTION and (Group.OPTIONAL, wanted.name) in locked


def _is_optional(manifest: Manifest, name: str) -> bool:
    meta = manifest.data.get("peerDependenciesMeta")
    found = meta.get(name) if isinstance(meta, dict) else None
    return isinstance(found, dict) and found.get("optional") is True


def _catalogs(data: Mapping[str, object]) -> dict[tuple[str, str], str]:
    """The catalogs' specifiers by catalog ('' the default one) and package."""
    default, named = data.get("catalog"), data.get("catalogs")
    tables = {"": default, **(named if isinstance(named, dict) else {})}
    return {
        (catalog, package): specifier
        for catalog, table in tables.items()
        for package, specifier in (table.items() if isinstance(table, dict) else ())
        if isinstance(specifier, str)
    }


def _names(overrides: Mapping[str, object]) -> set[str]:
    """Every package that overrides replace, at any depth."""
    found: set[str] = set()
    queue = [overrides]
    while queue:
        for selector, value in queue.pop().items():
            at = selector.find("@", 1)
            found.add(selector[:at] if at > 0 else selector)
            if isinstance(value, dict):
                queue.append(value)
    return found
