"""Where a pnpm lockfile and the manifests and settings beside it disagree.

pnpm itself compares the specifiers that an importer records with the manifest's (so does this),
and does not look whether the version that is locked is of the package that was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import dirname, join, normpath
from typing import Final

from npm_vetted.clients.pnpm.entries import PnpmEntries
from npm_vetted.clients.pnpm.settings import manifest_beside, root_above, settings_beside
from npm_vetted.model import Group, Location, Manifest, Problem, Read, Requirement
from npm_vetted.packages.ranges import satisfies

_PRECEDENCE: Final = (Group.DEVELOPMENT, Group.PRODUCTION, Group.OPTIONAL)
"""Where a manifest names one dependency in several fields, the last of these counts."""
_HOOKS: Final = (".pnpmfile.cjs", ".pnpmfile.mjs", "pnpmfile.js")


def disagreements(
    lockfile: PnpmEntries, manifests: Mapping[str, Manifest], read: Read
) -> Iterator[Problem]:
    """Every disagreement; none for a lockfile as pnpm wrote it."""
    yield from lockfile.patches.problems()
    compared = _Comparison(lockfile, manifests, read)
    yield from compared.hooks()
    yield from compared.overrides()
    for folder, manifest in manifests.items():
        yield from compared.manifest(folder, manifest)
    yield from compared.strays()


class _Comparison:
    """The settings that bear on specifiers, read once."""

    def __init__(
        self, lockfile: PnpmEntries, manifests: Mapping[str, Manifest], read: Read
    ) -> None:
        self.lockfile = lockfile
        self.manifests = manifests
        self.read = read
        self.folder = dirname(lockfile.path)
        self.root = root_above(self.folder, read)
        self.replaced = _strings(lockfile.setting("overrides"))
        settings = lockfile.setting("settings")
        self.settings = settings if isinstance(settings, dict) else {}
        ignored = lockfile.setting("ignoredOptionalDependencies")
        self.ignored = ignored if isinstance(ignored, list) else []
        self.hooked = lockfile.setting("pnpmfileChecksum") is not None
        self.workspace = settings_beside(self.root, read)

    def _problem(self, message: str, path: str, line: int, package: str | None = None) -> Problem:
        folder = ("-C", self.folder) if self.folder else ()
        return Problem(
            message=message,
            location=Location(path, line),
            package=package,
            code="out-of-date",
            key=package or path,
            value=message,
            fix=(
                ("pnpm", *folder, "install", "--lockfile-only"),
                ("git", "add", self.lockfile.path),
            ),
        )

    def hooks(self) -> Iterator[Problem]:
        """A checksum of hooks that are not there: it would excuse every other disagreement."""
        if not self.hooked:
            return
        here = any(self.read(join(self.folder, name)) is not None for name in _HOOKS)
        named = any(key in self.workspace for key in ("pnpmfile", "configDependencies"))
        if not here and not named:
            message = "the lockfile was written with a pnpmfile, and there is none"
            yield self._problem(message, self.lockfile.path, 1)

    def overrides(self) -> Iterator[Problem]:
        """Overrides that the lockfile has and the settings have not, or the other way round."""
        own = self.manifests.get("") if self.root == self.folder else None
        data = manifest_beside(self.root, self.read) if own is None else own.data
        pnpm = data.get("pnpm")
        declared = _strings(self.workspace.get("overrides")) | _strings(data.get("resolutions"))
        declared |= _strings(pnpm.get("overrides") if isinstance(pnpm, dict) else None)
        for selector, value in declared.items():
            if selector not in self.replaced and not self.hooked:
                message = f"the settings override {selector} with {value}, the lockfile does not"
                yield self._problem(message, self.lockfile.path, 1, _target(selector))
        for selector, value in self.replaced.items():
            wanted = declared.get(selector)
            if wanted is None and not self.hooked:
                message = f"the lockfile overrides {selector} with {value}, the settings do not"
                yield self._problem(message, self.lockfile.path, 1, _target(selector))
            elif wanted not in (None, value) and not str(wanted).startswith(("$", "catalog:")):
                message = (
                    f"the lockfile overrides {selector} with {value}, the settings with {wanted}"
                )
                yield self._problem(message, self.lockfile.path, 1, _target(selector))

    def _accepted(self, name: str, specifier: str) -> set[str]:
        """The specifiers that pnpm may record for what a manifest asks."""
        found = {specifier}
        for selector, value in self.replaced.items():
            if _target(selector) == name:
                found.add(value)
        return found

    def manifest(self, folder: str, manifest: Manifest) -> Iterator[Problem]:
        """What one manifest asks for, against its importer."""
        asked: dict[str, Requirement] = {}
        for group in _PRECEDENCE:
            asked |= {one.name: one for one in manifest.requires if one.group is group}
        peers = {one.name: one for one in manifest.requires if one.group is Group.PEER}
        locked = {one.name: one for one in self.lockfile.project_importers.get(folder, ())}
        for name, wanted in asked.items():
            yield from self._one(manifest, wanted, locked.get(name))
        for name, found in locked.items():
            if name not in asked:
                yield from self._extra(manifest, found, peers.get(name))
        yield from self._injected(folder, manifest)

    def _one(
        self, manifest: Manifest, wanted: Requirement, found: Requirement | None
    ) -> Iterator[Problem]:
        name, specifier = wanted.name, wanted.specifier
        accepted = self._accepted(name, specifier)
        if found is None:
            if not self._may_be_missing(wanted, accepted):
                message = f"asks for {name}@{specifier}, which {self.lockfile.path} does not have"
                yield self._problem(message, manifest.path, wanted.line, name)
            return
        if self.hooked:
            return
        if found.specifier not in accepted:
            message = (
                f"asks for {name}@{specifier}, {self.lockfile.path} was written for "
                f"{name}@{found.specifier}"
            )
            yield self._problem(message, manifest.path, wanted.line, name)
        elif found.group is not wanted.group:
            message = f"has {name} in {wanted.group}, {self.lockfile.path} in {found.group}"
            yield self._problem(message, manifest.path, wanted.line, name)
        yield from self._redirected(found)

    def _may_be_missing(self, wanted: Requirement, accepted: set[str]) -> bool:
        if self.hooked or "-" in accepted:
            return True
        if wanted.specifier.startswith("link:") and self.settings.get("excludeLinksFromLockfile"):
            return True
        return wanted.group is Group.OPTIONAL and bool(self.ignored)

    def _extra(
        self, manifest: Manifest, found: Requirement, peer: Requirement | None
    ) -> Iterator[Problem]:
        name = found.name
        if self.hooked or (
            peer is not None and found.specifier in self._accepted(name, peer.specifier)
        ):
            return
        if found.specifier.startswith("runtime:") and _names_runtime(manifest, name):
            return
        message = (
            f"{self.lockfile.path} installs {name}@{found.specifier}, which this does not ask for"
        )
        yield self._problem(message, manifest.path, 1, name)

    def _redirected(self, found: Requirement) -> Iterator[Problem]:
        """A dependency that leads to another package or version than it asks for, or to none."""
        if found.target is None:
            return
        if not self.lockfile.has(found.target):
            message = f"{found.name} leads to {found.target}, which is not in the lockfile"
            yield self._problem(message, self.lockfile.path, found.line, found.name)
            return
        wanted = _of_registry(found.name, self._specifier(found))
        locked = self.lockfile.identity(found.target)
        if wanted is None or locked is None:
            return
        (name, versions), (real, version) = wanted, locked
        label = f"{found.name}@{found.specifier}"
        if real != name:
            message = f"{label} is locked to another package, {real}@{version or '?'}"
            yield self._problem(message, self.lockfile.path, found.line, found.name)
        elif version and satisfies(version, versions) is False:
            message = f"{label} is locked to {version}, which it does not allow"
            yield self._problem(message, self.lockfile.path, found.line, found.name)

    def _specifier(self, found: Requirement) -> str:
        """A specifier, or what a catalog has in its place."""
        if not found.specifier.startswith("catalog:"):
            return found.specifier
        catalogs = self.lockfile.setting("catalogs")
        catalog = found.specifier[8:].strip() or "default"
        table = catalogs.get(catalog) if isinstance(catalogs, dict) else None
        entry = table.get(found.name) if isinstance(table, dict) else None
        return str(entry.get("specifier")) if isinstance(entry, dict) else found.specifier

    def _injected(self, folder: str, manifest: Manifest) -> Iterator[Problem]:
        if self.lockfile.generation < 9 or self.hooked:
            return
        wanted = _injections(manifest.data.get("dependenciesMeta"))
        found = _injections(self.lockfile.importer(folder).get("dependenciesMeta"))
        for name in sorted(wanted ^ found):
            has = "does not inject" if name in wanted else "injects"
            message = f"{self.lockfile.path} {has} {name}, unlike dependenciesMeta"
            line = manifest.line_of("dependenciesMeta", name)
            yield self._problem(message, manifest.path, line, name)

    def strays(self) -> Iterator[Problem]:
        """Importers for directories that are no project of this one."""
        for folder, requirements in self.lockfile.project_importers.items():
            if folder in self.manifests or not requirements:
                continue
            path = normpath(join(self.folder, folder, "package.json"))
            if self.read(path) is None:
                message = f"installs dependencies in {folder or '.'}, where no package.json is"
                yield self._problem(message, self.lockfile.path, requirements[0].line)


def _strings(value: object) -> dict[str, str]:
    table = value if isinstance(value, dict) else {}
    return {str(key): item for key, item in table.items() if isinstance(item, str)}


def _target(selector: str) -> str:
    """The package that an override replaces: ``parent@1>name@2`` is about ``name``."""
    last = re.split(r"(?<=[^@ ])>(?=[^=])", selector)[-1]
    return last[:1] + last[1:].partition("@")[0]


def _of_registry(name: str, specifier: str) -> tuple[str, str] | None:
    """The package and versions that a specifier asks the registry for; None: it asks elsewhere."""
    if specifier.startswith("npm:"):
        real, _, versions = specifier[5:].partition("@")
        return specifier[4:5] + real, versions
    return None if ":" in specifier or "/" in specifier else (name, specifier)


def _injections(meta: object) -> set[str]:
    table = meta if isinstance(meta, dict) else {}
    return {
        str(name)
        for name, value in table.items()
        if isinstance(value, dict) and value.get("injected") is True
    }


def _names_runtime(manifest: Manifest, name: str) -> bool:
    """Whether a manifest asks for this runtime in ``devEngines`` or ``engines``."""
    for field in ("devEngines", "engines"):
        table = manifest.data.get(field)
        runtime = table.get("runtime") if isinstance(table, dict) else None
        for one in runtime if isinstance(runtime, list) else [runtime]:
            if isinstance(one, dict) and one.get("name") == name:
                return True
    return False
