"""Disagreements between a bun.lock and the manifests beside it.

``bun install --frozen-lockfile`` does not notice a specifier that differs (seen in 1.2 to 1.4). So this
module compares every field of the manifests that the lockfile records. Bun records some fields in another
form; the functions below say which, as seen by running Bun.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from npm_vetted.clients.bun.extensions import extension_differences
from npm_vetted.clients.bun.keys import last_name
from npm_vetted.clients.bun.lockfile import BunLockfile
from npm_vetted.clients.bun.overrides import (
    FIRST_TO_NEST,
    Overrides,
    declared_overrides,
    recorded_overrides,
    replaced_name,
)
from npm_vetted.clients.shared.lockfile import Lockfile, whole_manifest_value
from npm_vetted.model import Artifact, Group, Kind, Location, Manifest, Problem, Requirement
from npm_vetted.packages.manifest import read_pin
from npm_vetted.packages.ranges import satisfies

_ALIAS: Final = re.compile(r"npm:(@?[^@]+)(?:@(.*))?\Z", re.DOTALL)
_OWN_RANGE: Final = re.compile(r"npm:\s*([\^~<>=].*|\d+\.\d+\.\d.*)\Z", re.DOTALL)
"""``npm:^1``: from Bun 1.4 on, a range of the package itself, not an alias."""
_ELSEWHERE: Final = re.compile(r"(?:[a-z+]+:|\.{0,2}/|~/|git@|[^@]*/)", re.IGNORECASE)
"""A specifier of a folder, a URL or a repository: the package there may have any name."""


def asked_by_entries(
    lockfile: BunLockfile, keys: Iterable[str], before: Iterable[Lockfile]
) -> Iterator[Problem]:
    """Problems of the entries' requirements, and of requirements that lead or led to these entries.

    Bun never compares these with the packages again, so a wrong one stays.
    """
    compared = _Comparison(lockfile, {})
    changed = dict.fromkeys(keys)
    about: dict[str, set[str]] = {}
    for other in (each for each in before if isinstance(each, BunLockfile)):
        gone = [key for key in other.blocks if key not in lockfile.blocks]
        _note_askers(about, other.dependents(gone) if gone else {})
    _note_askers(about, lockfile.dependents(changed) if changed else {})
    for key in changed:
        yield from compared.entry(key, None)
    for key, names in about.items():
        if key in lockfile.blocks and key not in changed:
            yield from compared.entry(key, names)


def _note_askers(about: dict[str, set[str]], found: Mapping[str, tuple[str, ...]]) -> None:
    for target, askers in found.items():
        for asker in askers:
            about.setdefault(asker, set()).add(last_name(target))


def disagreements(lockfile: BunLockfile, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
    """Every disagreement; none for a lockfile as Bun wrote it."""
    compared = _Comparison(lockfile, manifests)
    for folder, manifest in manifests.items():
        yield from compared.manifest(folder, manifest)
    yield from compared.strays()
    yield from compared.overrides()
    yield from compared.catalogs()
    yield from compared.table("patchedDependencies", "patches")
    yield from compared.extensions()
    yield from compared.trusted()
    yield from compared.identities()


class _Comparison:
    """A lockfile, and the manifests by directory relative to it."""

    def __init__(self, lockfile: BunLockfile, manifests: Mapping[str, Manifest]) -> None:
        self.lockfile = lockfile
        self.manifests = manifests
        self.root: Mapping[str, object] = manifests[""].data if "" in manifests else {}

    def _problem(
        self, message: str, path: str, line: int, value: str, package: str | None = None
    ) -> Problem:
        folder = self.lockfile.path.rpartition("/")[0]
        return Problem(
            message=message,
            location=Location(path, line),
            package=package,
            code="out-of-date",
            key=package or path,
            value=value,
            fix=(
                ("bun", "install", "--lockfile-only", *(("--cwd", folder) if folder else ())),
                ("git", "add", self.lockfile.path),
            ),
        )

    def _recorded(
        self, message: str, *keys: str, value: str = "", package: str | None = None
    ) -> Problem:
        line = self.lockfile.head.line(*keys)
        value = f"{'.'.join(keys)} {value}"
        return self._problem(message, self.lockfile.path, line, value, package)

    def manifest(self, folder: str, manifest: Manifest) -> Iterator[Problem]:
        """Compare one manifest's requirements with the lockfile's record of them."""
        if folder not in self.lockfile.workspaces:
            if manifest.requires:
                message = f"{self.lockfile.path} does not have this workspace"
                yield self._problem(message, manifest.path, 1, whole_manifest_value(manifest))
            return
        table = self.lockfile.workspaces[folder]
        name = table.maybe_text("name")
        # No install repairs the root's name (tried with 1.2 to 1.4).
        if folder and name != manifest.name:
            message = f"{manifest.path} is named {manifest.name}, the lockfile has {name}"
            value = f"{manifest.name} {name}"
            yield self._recorded(message, "workspaces", folder, "name", value=value)
        asked = {(one.group, one.name): one for one in manifest.requires}
        locked = {(one.group, one.name): one for one in self.lockfile.importers[folder]}
        for key, wanted in asked.items():
            if key not in locked and not _doubled(wanted, locked):
                message = f"requires {wanted.name}@{wanted.specifier} in {wanted.group}, which "
                message += f"{self.lockfile.path} does not have"
                value = f"{wanted.group} {wanted.specifier}"
                yield self._problem(message, manifest.path, wanted.line, value, wanted.name)
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
            message += "which does not require it"
            value = f"{manifest.path} {found.group} nothing {specifier}"
            yield self._problem(message, self.lockfile.path, found.line, value, name)
        elif wanted.specifier != specifier and not (
            self._is_directory(wanted, specifier) or self._is_raised(folder, wanted, found)
        ):
            message = f"requires {name}@{wanted.specifier}, {self.lockfile.path} has {specifier}"
            value = f"{wanted.group} {wanted.specifier} {specifier}"
            yield self._problem(message, manifest.path, wanted.line, value, name)

    def _is_directory(self, wanted: Requirement, specifier: str) -> bool:
        """Whether the recorded folder means ``workspace:*``: Bun 1.1 (version 0) records a folder for it."""
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
        """Differences in the root manifest's ``overrides``, or in its ``resolutions`` if it has no overrides."""
        locked, wanted = self._overrides, self._declared_overrides
        for selector, value in locked.items():
            asked = wanted.get(selector)
            if asked is None:
                message = f"the lockfile overrides {selector}, the manifest does not"
                yield self._recorded(
                    message,
                    "overrides",
                    selector.parent or selector.target,
                    value=f"{selector} {value}",
                )
            elif _aim(selector.target, asked) != _aim(selector.target, value):
                message = (
                    f"the lockfile overrides {selector} with {value}, the manifest with {asked}"
                )
                yield self._recorded(
                    message, "overrides", selector.parent or selector.target,
                    value=f"{selector} {value} {asked}",
                )  # fmt: skip
        for selector in wanted:
            if selector not in locked:
                message = f"overrides {selector}, which {self.lockfile.path} does not"
                root = self.manifests[""]
                line = root.line_of("overrides", selector.target)
                yield self._problem(message, root.path, line, f"{selector} {wanted[selector]}")

    @cached_property
    def _overrides(self) -> Overrides:
        return recorded_overrides(self.lockfile.head.data, nests=self._nests)

    @cached_property
    def _declared_overrides(self) -> Overrides:
        return self._declared(nests=self._nests)

    @cached_property
    def _nests(self) -> bool:
        """Whether overrides may be nested: Bun 1.4 reads them so, and no pin of an older one excludes 1.4.

        Bun 1.4 keeps the version of an older lockfile, but refuses it if a nested override is missing.
        """
        if self.lockfile.version >= FIRST_TO_NEST or not _pins_older(self.manifests.get("")):
            return True
        head = self.lockfile.head.data
        known = recorded_overrides(head, nests=True)
        return known == self._declared(nests=True) and (
            recorded_overrides(head, nests=False) != self._declared(nests=False)
        )

    def _declared(self, *, nests: bool) -> Overrides:
        root = self.manifests.get("")
        asked = {one.name: one.specifier for one in root.requires} if root else {}
        return declared_overrides(self.root, asked, nests=nests)

    def catalogs(self) -> Iterator[Problem]:
        """Differences in ``catalog`` and ``catalogs``, which the manifest may have below ``workspaces`` too."""
        head = self.lockfile.head.data
        wanted, locked = self._catalogs(self.root), _catalogs(head)
        for name in sorted({*wanted, *locked}):
            if wanted.get(name) != locked.get(name):
                catalog, package = name
                message = f"the lockfile has {package}@{locked.get(name)} in the catalog "
                message += f"{catalog or 'default'!r}, the manifest {wanted.get(name)}"
                keys = ("catalogs", catalog, package) if catalog else ("catalog", package)
                value = f"{locked.get(name)} {wanted.get(name)}"
                yield self._recorded(message, *keys, value=value, package=package)

    @staticmethod
    def _catalogs(root: Mapping[str, object]) -> dict[tuple[str, str], str]:
        workspaces = root.get("workspaces")
        inner = workspaces if isinstance(workspaces, dict) else {}
        return _catalogs(root) | _catalogs(inner)

    def table(self, field: str, words: str) -> Iterator[Problem]:
        """Differences in a field that the lockfile copies unchanged from the root manifest."""
        found, asked = self.lockfile.head.data.get(field), self.root.get(field)
        locked = found if isinstance(found, dict) else {}
        wanted = asked if isinstance(asked, dict) else {}
        for name in sorted({*locked, *wanted}):
            if locked.get(name) != wanted.get(name):
                message = f"the lockfile {words} {name} with {locked.get(name)}, the manifest with "
                value = f"{locked.get(name)} {wanted.get(name)}"
                yield self._recorded(message + str(wanted.get(name)), field, name, value=value)

    def extensions(self) -> Iterator[Problem]:
        """Differences in ``packageExtensions``, which Bun reads from 1.4 on."""
        if (
            _pins_older(self.manifests.get(""))
            and "packageExtensions" not in self.lockfile.head.data
        ):
            return
        root = self.manifests.get("")
        for words, value, label in extension_differences(self.lockfile, root):
            path = self.lockfile.path if root is None else root.path
            line = 1 if root is None else root.line_of("packageExtensions")
            yield self._problem(words, path, line, value, label)

    def trusted(self) -> Iterator[Problem]:
        """Names that the lockfile trusts and no manifest does: Bun records the names of all manifests."""
        allowed: set[str] = set()
        for manifest in self.manifests.values():
            names = manifest.data.get("trustedDependencies")
            if isinstance(names, list):
                allowed.update(name for name in names if isinstance(name, str))
        for name in self.lockfile.head.maybe_texts("trustedDependencies") or ():
            if name not in allowed:
                message = f"the lockfile trusts {name}, no manifest does"
                yield self._recorded(message, "trustedDependencies", value=name, package=name)

    def identities(self) -> Iterator[Problem]:
        """Entries with another package or version than their dependents require."""
        aliases = {*self.lockfile.aliases(), *self.lockfile.folders()}
        askers = self.lockfile.dependents(aliases) if aliases else {}
        for asker in sorted({asker for some in askers.values() for asker in some}):
            name = self._name(asker)
            for wanted in self.lockfile.entry(asker).requires:
                key = self.lockfile.resolve(asker, wanted)
                if key in aliases and not self._may_be_replaced(wanted.name, name):
                    yield from self._identity(key, wanted)
        for folder, requirements in self.lockfile.importers.items():
            yield from self._unlocked(folder, requirements)
            own = self.lockfile.workspaces[folder].maybe_text("name") if folder else None
            ranges: dict[str, list[str]] = {}
            for wanted in requirements:
                ranges.setdefault(wanted.name, []).append(self._specifier(wanted))
            for wanted in requirements:
                key = self.lockfile.resolve(None, wanted, folder)
                if key is not None and not self._may_be_replaced(wanted.name, own):
                    yield from self._identity(key, wanted)
                    yield from self._range(key, wanted, ranges[wanted.name])

    def _unlocked(self, folder: str, requirements: Sequence[Requirement]) -> Iterator[Problem]:
        """Requirements of a manifest without an entry: Bun then ignores the whole lockfile.

        It does not if only an optional peer or an optional dependency is missing.
        """
        manifest = self.manifests.get(folder)
        for wanted in requirements:
            may_be_missing = wanted.group is Group.OPTIONAL or (
                wanted.group is Group.PEER
                and (manifest is None or _is_optional(manifest, wanted.name))
            )
            if not may_be_missing and self.lockfile.resolve(None, wanted, folder) is None:
                message = f"requires {wanted.name}@{wanted.specifier}, which is not in "
                message += self.lockfile.path
                value = f"{wanted.specifier} unlocked"
                yield self._recorded(
                    message, "workspaces", folder, value=value, package=wanted.name
                )

    @cached_property
    def _everywhere(self) -> Mapping[str, str]:
        """The replacements by overrides without a parent and a range: package -> new specifier."""
        return {
            selector.target: value
            for selector, value in self._overrides.items()
            if not selector.parent and replaced_name(selector.target) == selector.target
        }

    @cached_property
    def _ranged(self) -> Mapping[str, set[str]]:
        """The packages that overrides replace for some dependents: package -> dependents ('': by range)."""
        found: dict[str, set[str]] = {}
        for selector in self._overrides:
            name = replaced_name(selector.target)
            if selector.parent or name != selector.target:
                found.setdefault(name, set()).add(replaced_name(selector.parent))
        return found

    def _may_be_replaced(self, name: str, asker: str | None) -> bool:
        """Whether an override may replace a dependent's package, but only Bun can tell whether it applies."""
        return not self._ranged.get(name, set()).isdisjoint({"", asker})

    @cached_property
    def _catalog(self) -> Mapping[tuple[str, str], str]:
        return _catalogs(self.lockfile.head.data)

    def _specifier(self, wanted: Requirement) -> str:
        """The specifier in force: an override's, else the requirement's own; ``catalog:`` is looked up."""
        text = self._everywhere.get(wanted.name, wanted.specifier).strip()
        if not text.startswith("catalog:"):
            return text
        catalog = text.removeprefix("catalog:").strip()
        return self._catalog.get((catalog, wanted.name), text).strip()

    def _identity(self, key: str, wanted: Requirement) -> Iterator[Problem]:
        artifact = self.lockfile.artifact(key)
        if artifact is not None and artifact.kind is not Kind.REGISTRY:
            return
        if wanted.group is Group.PEER and key in self._asked_for:
            return  # any package of that name serves a peer, an alias too
        expected, specifier = _aim(wanted.name, self._specifier(wanted))
        if expected == wanted.name and _ELSEWHERE.match(specifier):
            return
        if artifact is None:
            if not self._is_member(key):
                message = f"{key} is locked as a folder, where {wanted.specifier} is required"
                line = self.lockfile.line(key)
                yield self._problem(message, self.lockfile.path, line, wanted.specifier, key)
            return
        if artifact.name != expected:
            message = f"{artifact.label} is locked as {key}, where {expected} is required"
            line = self.lockfile.line(key)
            value = f"{key} {artifact.label} {expected}"
            yield self._problem(message, self.lockfile.path, line, value, artifact.name)

    def entry(self, key: str, names: Collection[str] | None) -> Iterator[Problem]:
        """Requirements of an entry that its locked packages do not satisfy; with ``names``, only of those."""
        name = self._name(key)
        optional = self.lockfile.optional_peers(key)
        for wanted in self.lockfile.entry(key).requires:
            found = self.lockfile.resolve(key, wanted)
            if found is None and self._stops_older(wanted, optional):
                yield self._unresolved(key, wanted)
            if wanted.group is Group.PEER or self._may_be_replaced(wanted.name, name):
                continue
            if found is None or (names is not None and wanted.name not in names):
                continue
            expected, specifier = _aim(wanted.name, self._specifier(wanted))
            artifact = self.lockfile.artifact(found)
            if _ELSEWHERE.match(specifier) or self._is_member(found):
                continue
            if artifact is not None and _fits(artifact, expected, specifier):
                continue
            words = f"{artifact.label} is locked" if artifact else f"{found} is a folder"
            yield Problem(
                message=f"{key} depends on {wanted.name}@{wanted.specifier}, and {words}",
                location=Location(self.lockfile.path, self.lockfile.line(key)),
                package=wanted.name,
                code="unsatisfied",
                key=f"{wanted.name}@{wanted.specifier}",
                value=f"{key} {artifact.label if artifact else found}",
            )

    def _stops_older(self, wanted: Requirement, optional: Collection[object]) -> bool:
        """Whether a Bun before 1.4 ignores the whole lockfile, since it lacks what an entry names."""
        return self.lockfile.version < FIRST_TO_NEST and (
            wanted.group is Group.DEVELOPMENT
            or (wanted.group is Group.PEER and wanted.name not in optional)
        )

    def _unresolved(self, key: str, wanted: Requirement) -> Problem:
        return Problem(
            message=f"{key} names {wanted.name}@{wanted.specifier}, which is not in "
            f"{self.lockfile.path}: Bun before 1.4 then ignores the file",
            location=Location(self.lockfile.path, self.lockfile.line(key)),
            package=wanted.name,
            code="unsatisfied",
            key=f"{wanted.name}@{wanted.specifier}",
            value=f"{key} nothing",
        )

    def _name(self, key: str) -> str:
        """The package of an entry."""
        return replaced_name(self.lockfile.locator(key))

    def _is_member(self, key: str) -> bool:
        """Whether an entry is a workspace of the lockfile under its own name."""
        name, _, folder = self.lockfile.locator(key).rpartition("@")
        kind, _, path = folder.partition(":")
        table = self.lockfile.workspaces.get("" if kind == "root" else path)
        inner = kind in ("workspace", "root") and table is not None
        return inner and table is not None and table.maybe_text("name") == name

    @cached_property
    def _asked_for(self) -> set[str]:
        """The keys of aliases that a dependency other than a peer leads to: it decides the alias's package."""
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
        if artifact is None or artifact.version is None:
            return
        ranges = [_aim(wanted.name, text)[1] for text in texts]
        if wanted.group is not Group.PEER and all(
            satisfies(artifact.version, text) is False for text in ranges
        ):
            specifier = self._everywhere.get(wanted.name, wanted.specifier)
            message = f"{artifact.label} is locked, where {specifier} is required"
            line = self.lockfile.line(key)
            value = f"{artifact.label} {specifier}"
            yield self._problem(message, self.lockfile.path, line, value, artifact.name)


def _fits(artifact: Artifact, name: str, specifier: str) -> bool:
    """Whether an artifact is a registry's package of this name, in a version that the specifier allows."""
    return (
        artifact.kind is Kind.REGISTRY
        and artifact.name == name
        and satisfies(artifact.version or "", specifier) is not False
    )


def _aim(name: str, specifier: str) -> tuple[str, str]:
    """The package that a specifier names, and its range."""
    if own := _OWN_RANGE.match(specifier):
        return name, own[1]
    alias = _ALIAS.match(specifier)
    return (alias[1], alias[2] or "") if alias else (name, specifier)


def _doubled(wanted: Requirement, locked: Mapping[tuple[Group, str], Requirement]) -> bool:
    """Whether an optional dependency of the same name replaces a requirement (as npm does it)."""
    return wanted.group is Group.PRODUCTION and (Group.OPTIONAL, wanted.name) in locked


def _pins_older(root: Manifest | None) -> bool:
    """Whether a manifest pins an exact Bun that is older than the first with nested overrides."""
    pin = None if root is None else read_pin(root)
    if pin is None or pin.client != "bun" or not pin.exact:
        return False
    return pin.minimum is not None and pin.minimum < (1, 4)


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
