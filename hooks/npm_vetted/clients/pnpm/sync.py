"""Disagreements between a pnpm lockfile and the manifests and settings around it.

A frozen install of pnpm compares (pnpm's ``getOutdatedLockfileSetting`` and
``satisfiesPackageManifest``):

1. the settings that the lockfile records with those that are committed: overrides, catalogs,
   packageExtensions (by a checksum), ignoredOptionalDependencies, autoInstallPeers and the like;
2. the specifiers that each importer records with its manifest's, after overrides.

This module does the same, and also checks facts that pnpm trusts: that the locked version is of the
package and range that the specifier names, and that a folder in a package's place is one that a
manifest names. Which files hold the settings depends on the version of pnpm (``declared``). Where several
versions may run, the lockfile must agree with one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from posixpath import dirname, join, normpath
from typing import Final

from npm_vetted.clients.pnpm.declared import (
    Declared,
    declared,
    extensions_checksum,
    legacy_extensions_checksum,
    override_target,
)
from npm_vetted.clients.pnpm.entries import PnpmEntries
from npm_vetted.clients.pnpm.settings import manifest_beside, root_above, settings_beside
from npm_vetted.clients.pnpm.specifiers import (
    folder_path,
    is_same_folder,
    name_matches,
    of_registry,
    same_specifier,
    selected_name,
)
from npm_vetted.model import Group, Location, Manifest, Pin, Problem, Read, Requirement
from npm_vetted.packages.manifest import read_manifest, read_pin
from npm_vetted.packages.ranges import satisfies

_PRECEDENCE: Final = (Group.DEVELOPMENT, Group.PRODUCTION, Group.OPTIONAL)
"""Where a manifest names one dependency in several fields, the last of these counts."""
_HOOKS: Final = (".pnpmfile.cjs", ".pnpmfile.mjs", "pnpmfile.js")
_MAJORS: Final = (10, 11, 9)
"""The major versions that may run if nothing pins one; 12 reads the settings like 11."""
_RECORDED: Final = {
    "autoInstallPeers": False, "excludeLinksFromLockfile": False,
    "injectWorkspacePackages": True, "dedupePeers": True,
}  # fmt: skip
"""Switches that count as off if the lockfile does not record them; other missing ones are not compared."""
_FIRST_TO_LOCK_TOOLS: Final = 11
_LOCAL: Final = ("link:", "file:", "workspace:.", ".", "/")


def disagreements(
    lockfile: PnpmEntries,
    manifests: Mapping[str, Manifest],
    read: Read,
    *,
    folder: str | None = None,
    pin: Pin | None = None,
    hooked: bool | None = None,
) -> Iterator[Problem]:
    """All disagreements; none for a lockfile that pnpm wrote.

    Rush needs the last three. ``folder``: where pnpm installs, if that is not the lockfile's folder.
    ``pin``: the pnpm that runs, if no manifest pins one. ``hooked``: whether a pnpmfile changes the
    manifests' requirements, if the lockfile does not record that.
    """
    yield from lockfile.patches.problems()
    home = dirname(lockfile.path) if folder is None else folder
    best: list[Problem] | None = None
    for major in _majors(home, manifests, read, pin):
        compared = _Comparison(lockfile, manifests, read, major, home, hooked)
        found = list(compared.problems())
        if best is None or len(found) < len(best):
            best = found
        if not best:
            break
    yield from best or ()


def _version_alone(value: object) -> str:
    """The version of a config dependency, without the hash that pnpm 10 appends, or from its table."""
    text = value.get("version", "") if isinstance(value, dict) else value
    return str(text).partition("+sha")[0]


def _majors(
    folder: str, manifests: Mapping[str, Manifest], read: Read, known: Pin | None
) -> Sequence[int]:
    """The major versions of pnpm that may install the project, the likeliest first."""
    above = root_above(folder, read)
    root = manifests.get("")
    if above != folder:
        path = join(above, "package.json")
        data = read(path)
        root = None if data is None else read_manifest(path, data)
    pin = known or (None if root is None else read_pin(root))
    if pin is None or pin.client != "pnpm" or pin.minimum is None:
        return _MAJORS
    least = min(max(pin.minimum[0], 9), 12)
    return (least,) if pin.exact else tuple(each for each in (11, 10, 9) if each >= least) or (12,)


def broken_halves(
    lockfile: PnpmEntries, keys: Iterable[str], askers: Iterable[str]
) -> Iterator[Problem]:
    """Packages without a snapshot, and requirements of entries that lead to no snapshot.

    A frozen install stops at such an entry; any other install fetches the package from the registry.
    ``askers`` are entries that did not change themselves, but require one that lost a snapshot.
    """
    keys = dict.fromkeys(keys)
    for key in keys:
        if not lockfile.has_snapshot(key):
            yield _broken(
                lockfile, key, "packages has it, snapshots has not", selected_name(key), ""
            )
    for key in dict.fromkeys([*keys, *askers]):
        for name, reference in lockfile.dangling(key):
            words = f"depends on {name}: {reference}, which has no entry"
            yield _broken(lockfile, key, words, name, f"{name} {reference}")


def _broken(lockfile: PnpmEntries, key: str, words: str, package: str, value: str) -> Problem:
    return Problem(
        message=f"{key}: {words}",
        location=Location(lockfile.path, lockfile.line_of(key)),
        package=package,
        code="halves-differ",
        key=key,
        value=value,
    )


class _Comparison:
    """One version's settings, read once, and the lockfile's record of them."""

    def __init__(
        self,
        lockfile: PnpmEntries,
        manifests: Mapping[str, Manifest],
        read: Read,
        major: int,
        folder: str,
        hooked: bool | None,
    ) -> None:
        self.lockfile = lockfile
        self.manifests = manifests
        self.read = read
        self.folder = folder
        self.root = root_above(self.folder, read)
        own = manifests.get("") if self.root == self.folder else None
        data = manifest_beside(self.root, read) if own is None else own.data
        self.declared: Declared = declared(major, self.root, data, read)
        self.replaced = _strings(lockfile.setting("overrides"))
        settings = lockfile.setting("settings")
        self.settings = settings if isinstance(settings, dict) else {}
        self.hooked = bool(hooked)
        self.told = hooked is not None
        self.major = major
        self.workspace = settings_beside(self.root, read)

    def problems(self) -> Iterator[Problem]:
        """Every disagreement for this version of pnpm."""
        yield from self._hooks()
        yield from self._config_dependencies()
        yield from self._overrides()
        yield from self._catalogs()
        yield from self._extensions()
        yield from self._ignored()
        yield from self._switches()
        for folder, manifest in self.manifests.items():
            yield from self._manifest(folder, manifest)
        yield from self._strays()
        yield from self._folders()

    def _problem(
        self, message: str, path: str, line: int, package: str | None, key: str, value: str = "",
        code: str = "out-of-date",
    ) -> Problem:  # fmt: skip
        folder = ("-C", self.folder) if self.folder else ()
        return Problem(
            message=message,
            location=Location(path, line),
            package=package,
            code=code,
            key=key,
            value=value,
            fix=(
                ("pnpm", *folder, "install", "--lockfile-only"),
                ("git", "add", self.lockfile.path),
            ),
        )

    def _setting(
        self, message: str, key: str, value: object, package: str | None = None
    ) -> Problem:
        return self._problem(message, self.lockfile.path, 1, package, key, str(value))

    # Settings

    def _hooks(self) -> Iterator[Problem]:
        """A recorded checksum of a pnpmfile that does not exist: a frozen install refuses the lockfile."""
        if self.told or self.lockfile.setting("pnpmfileChecksum") is None:
            return
        here = any(self.read(join(self.folder, name)) is not None for name in _HOOKS)
        named = any(key in self.workspace for key in ("pnpmfile", "configDependencies"))
        if not here and not named:
            message = "the lockfile was written with a pnpmfile, and there is none"
            yield self._setting(
                message, "pnpmfileChecksum", self.lockfile.setting("pnpmfileChecksum")
            )

    def _config_dependencies(self) -> Iterator[Problem]:
        """Config dependencies that the lockfile of pnpm 11 and 12 has in another version, or lacks.

        Unless the lockfile is frozen, pnpm fetches the declared version and runs its hooks.
        """
        asked = self.workspace.get("configDependencies")
        if self.major < _FIRST_TO_LOCK_TOOLS or self.told:
            return
        wanted = {
            str(name): _version_alone(value)
            for name, value in (asked.items() if isinstance(asked, dict) else ())
        }
        locked = {
            name: _version_alone(each) for name, each in self.lockfile.config_dependencies().items()
        }
        for name in sorted({*wanted, *locked}):
            ours, theirs = wanted.get(name), locked.get(name)
            if ours != theirs:
                message = (
                    f"configDependencies: the settings have {name}@{ours}, the lockfile {theirs}"
                )
                yield self._setting(message, f"configDependencies.{name}", theirs, name)

    def _overrides(self) -> Iterator[Problem]:
        """Overrides that only the lockfile has, or only the settings."""
        wanted = self.declared.overrides
        if self.hooked:
            return
        for selector in self.declared.wrong:
            message = f"the override {selector} refers to nothing: pnpm refuses it"
            yield self._setting(message, f"overrides.{selector}", "", override_target(selector)[0])
        for selector in sorted(wanted.keys() | self.replaced.keys()):
            ours, theirs = wanted.get(selector), self.replaced.get(selector)
            if ours != theirs and selector not in self.declared.wrong:
                message = (
                    f"the settings override {selector} with {ours or 'nothing'}, the lockfile with "
                    f"{theirs or 'nothing'}"
                )
                name = override_target(selector)[0]
                yield self._setting(message, f"overrides.{selector}", theirs or "", name)

    def _catalogs(self) -> Iterator[Problem]:
        """Catalog entries in use whose specifier is not the one of pnpm-workspace.yaml."""
        catalogs = self.lockfile.setting("catalogs")
        for catalog, table in catalogs.items() if isinstance(catalogs, dict) else ():
            for name, entry in table.items() if isinstance(table, dict) else ():
                theirs = entry.get("specifier") if isinstance(entry, dict) else None
                ours = self.declared.catalogs.get(str(catalog), {}).get(str(name))
                if not same_specifier(theirs, ours):
                    message = (
                        f"the catalog {catalog} has {name}@{ours}, the lockfile was written for "
                        f"{name}@{theirs}"
                    )
                    key = f"catalogs.{catalog}.{name}"
                    yield self._setting(message, key, theirs, str(name))

    def _extensions(self) -> Iterator[Problem]:
        """``packageExtensions`` whose checksum is not the one in the lockfile."""
        extensions = self.declared.extensions
        recorded = self.lockfile.setting("packageExtensionsChecksum")
        known = {extensions_checksum(extensions), legacy_extensions_checksum(extensions)}
        if not self.hooked and recorded not in known:
            message = "the lockfile was written with other packageExtensions than the settings have"
            yield self._setting(message, "packageExtensions", recorded)

    def _ignored(self) -> Iterator[Problem]:
        recorded = self.lockfile.setting("ignoredOptionalDependencies")
        theirs = tuple(sorted(map(str, recorded))) if isinstance(recorded, list) else ()
        ours = self.declared.ignored
        if theirs != ours and not self.hooked:
            message = (
                f"the settings ignore the optional dependencies {', '.join(ours) or 'none'}, the "
                f"lockfile {', '.join(theirs) or 'none'}"
            )
            yield self._setting(message, "ignoredOptionalDependencies", " ".join(theirs))

    def _switches(self) -> Iterator[Problem]:
        """Switches whose value in the lockfile is not the one in the settings."""
        for key, missing_is_off in _RECORDED.items():
            ours, theirs = self.declared.switches[key], self.settings.get(key)
            if theirs is None and missing_is_off:
                theirs = False
            if self.lockfile.generation >= 9 and theirs is not None and theirs != ours:
                message = f"{key} is {ours} in the settings, {theirs} in the lockfile"
                yield self._setting(message, key, theirs)

        lock = self.workspace.get("lockfile")
        target = lock.get("integrityTarget") if isinstance(lock, dict) else None
        if target != self.settings.get("integrityTarget"):
            theirs = self.settings.get("integrityTarget")
            message = (
                f"lockfile.integrityTarget is {target} in the settings, {theirs} in the lockfile"
            )
            yield self._setting(message, "lockfile.integrityTarget", theirs)

    # Manifests

    def _accepted(self, manifest: Manifest, name: str, specifier: str) -> set[str]:
        """The specifiers that pnpm may record for a manifest's requirement; the override '-' removes it."""
        found, certain = set(), False
        for selector, value in self.replaced.items():
            target, wanted, parent = override_target(selector)
            if target != name or (parent is not None and selected_name(parent) != manifest.name):
                continue
            found.add(value)
            certain |= wanted is None and parent is None
        return found if certain else found | {specifier}

    def _manifest(self, folder: str, manifest: Manifest) -> Iterator[Problem]:
        """Compare one manifest's requirements with its importer."""
        asked: dict[str, Requirement] = {}
        for group in _PRECEDENCE:
            asked |= {one.name: one for one in manifest.requires if one.group is group}
        peers = {one.name: one for one in manifest.requires if one.group is Group.PEER}
        if self.declared.switches["autoInstallPeers"] is True and self.lockfile.generation >= 9:
            asked = {
                name: one._replace(group=Group.PRODUCTION) for name, one in peers.items()
            } | asked
        asked = {name: one for name, one in asked.items() if not self._is_ignored(one)}
        locked = {one.name: one for one in self.lockfile.project_importers.get(folder, ())}
        for name, wanted in asked.items():
            found = locked.get(name)
            if (
                found is not None
                and found.group is Group.PRODUCTION
                and self._is_installed(peers.get(name))
            ):
                wanted = wanted._replace(group=Group.PRODUCTION)  # noqa: PLW2901
            yield from self._one(folder, manifest, wanted, found)
        for name, found in locked.items():
            peer = peers.get(name)
            if name not in asked and peer is not None and self._is_installed(peer):
                installed = peer._replace(group=Group.PRODUCTION)
                yield from self._one(folder, manifest, installed, found)
            elif name not in asked:
                yield from self._extra(manifest, found, peer)
        yield from self._injected(folder, manifest)

    def _is_installed(self, peer: Requirement | None) -> bool:
        """Whether an override makes a peer a dependency: its value is no range that a peer may have."""
        if peer is None:
            return False
        values = (
            value for key, value in self.replaced.items() if override_target(key)[0] == peer.name
        )
        return any(
            value != "-"
            and not value.startswith(("workspace:", "catalog:"))
            and satisfies("1.0.0", value) is None
            for value in values
        )

    def _is_ignored(self, wanted: Requirement) -> bool:
        patterns = self.declared.ignored if wanted.group is Group.OPTIONAL else ()
        return bool(patterns) and name_matches(patterns, wanted.name)

    def _one(
        self, folder: str, manifest: Manifest, wanted: Requirement, found: Requirement | None
    ) -> Iterator[Problem]:
        name, specifier = wanted.name, wanted.specifier
        label = f"{name}@{specifier}"
        accepted = self._accepted(manifest, name, specifier)
        if found is None:
            if not self._may_be_missing(wanted, accepted):
                message = f"depends on {label}, which is missing from {self.lockfile.path}"
                yield self._problem(message, manifest.path, wanted.line, name, label)
            return
        if self.hooked:
            return
        if not any(
            same_specifier(found.specifier, each) or is_same_folder(folder, found.specifier, each)
            for each in accepted
        ):
            message = (
                f"depends on {label}, but {self.lockfile.path} was written for "
                f"{name}@{found.specifier}"
            )
            yield self._problem(message, manifest.path, wanted.line, name, label, found.specifier)
        elif found.group is not wanted.group:
            message = f"has {name} in {wanted.group}, {self.lockfile.path} in {found.group}"
            yield self._problem(message, manifest.path, wanted.line, name, label, found.group.value)
        yield from self._redirected(folder, found)

    def _may_be_missing(self, wanted: Requirement, accepted: set[str]) -> bool:
        if self.hooked or "-" in accepted:
            return True
        # A link is left out of the lockfile where the settings say so.
        return wanted.specifier.startswith("link:") and (
            self.settings.get("excludeLinksFromLockfile") is True
        )

    def _extra(
        self, manifest: Manifest, found: Requirement, peer: Requirement | None
    ) -> Iterator[Problem]:
        name = found.name
        if self.hooked or (
            found.specifier.startswith("runtime:") and _names_runtime(manifest, name)
        ):
            return
        if peer is not None and self.lockfile.generation < 9:
            return
        message = (
            f"{self.lockfile.path} installs {name}@{found.specifier}, which this manifest does not "
            "depend on"
        )
        yield self._problem(message, manifest.path, 1, name, f"{name}@{found.specifier}")

    def _redirected(self, folder: str, found: Requirement) -> Iterator[Problem]:
        """Report a dependency that leads to another package or version than it requires, or to none."""
        label = f"{found.name}@{found.specifier}"
        where = (self.lockfile.path, found.line, found.name, label)
        wanted = of_registry(found.name, self._specifier(found))
        if found.target is None:
            yield from self._linked(folder, found, wanted)
            return
        if not self.lockfile.has(found.target):
            message = f"{found.name} leads to {found.target}, which is not in the lockfile"
            yield self._problem(message, *where, found.target)
            return
        reference = _reference(self.lockfile.importer(folder), found.name)
        if not self.lockfile.leads(found.name, reference):
            message = f"{found.name} leads to {reference}, which has no snapshot in the lockfile"
            yield self._problem(message, *where, reference)
            return
        locked = self.lockfile.identity(found.target)
        if wanted is None or locked is None:
            return
        (name, versions), (real, version) = wanted, locked
        if real != name:
            message = f"{label} is locked to another package, {real}@{version or '?'}"
            yield self._problem(message, *where, found.target)
        elif version and satisfies(version, versions) is False:
            message = f"{label} is locked to {version}, which it does not allow"
            yield self._problem(message, *where, found.target)

    def _linked(
        self, folder: str, found: Requirement, wanted: tuple[str, str] | None
    ) -> Iterator[Problem]:
        """A registry's package that the lockfile links to a folder: it must be a workspace."""
        if wanted is None:
            return
        reference = _reference(self.lockfile.importer(folder), found.name)
        linked = normpath(join(folder, reference.removeprefix("link:")))
        member = self.manifests.get("" if linked == "." else linked)
        if member is None or member.name != wanted[0]:
            label = f"{found.name}@{found.specifier}"
            message = f"{label} is locked to {reference}, which is no workspace of that name"
            yield self._problem(
                message, self.lockfile.path, found.line, found.name, label, reference,
                "folder-for-package",
            )  # fmt: skip

    def _specifier(self, found: Requirement) -> str:
        """A specifier, with a catalog reference resolved."""
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
            yield self._problem(message, manifest.path, line, name, f"dependenciesMeta.{name}")

    # The lockfile by itself

    def _strays(self) -> Iterator[Problem]:
        """Importers for directories without a package.json: removed, or a submodule or link now."""
        for folder, requirements in self.lockfile.project_importers.items():
            path = normpath(join(self.folder, folder, "package.json"))
            if folder not in self.manifests and self.read(path) is None:
                message = (
                    f"has an importer for {folder or '.'}, where the commit has no package.json"
                )
                line = requirements[0].line if requirements else 1
                yield self._problem(message, self.lockfile.path, line, None, folder or ".")

    def _folders(self) -> Iterator[Problem]:
        """Folders that are locked in place of packages, although no manifest and no setting names them."""
        named: set[str] | None = None
        for key in self.lockfile.keys():  # noqa: SIM118 (a method, not a mapping)
            if "file:" not in key:
                continue
            folder = self.lockfile.folder_of(key)
            if folder is None:
                continue
            if named is None:
                named = {normpath(each) for each in self._named_folders()}
            if normpath(folder) not in named:
                message = (
                    f"{key} is installed from the folder {folder}, which no manifest names: a "
                    "package must come from where the manifests say"
                )
                yield self._problem(
                    message, self.lockfile.path, self.lockfile.line_of(key), selected_name(key), key, folder,
                    "folder-for-package",
                )  # fmt: skip

    def _named_folders(self) -> Iterator[str]:
        """The folders, relative to the lockfile, that manifests and settings name."""
        yield from (folder or "." for folder in self.manifests)
        for folder, manifest in self.manifests.items():
            for one in manifest.requires:
                if one.specifier.startswith(_LOCAL):
                    yield join(folder, folder_path(one.specifier))
        for value in (*self.declared.overrides.values(), *_texts(self.declared.extensions)):
            if value.startswith(_LOCAL):
                yield folder_path(value)
        for table in self.declared.catalogs.values():
            yield from (folder_path(each) for each in _texts(table) if each.startswith(_LOCAL))
        yield from self._nested_folders()

    def _nested_folders(self) -> Iterator[str]:
        """The folders that manifests require, the folders that the manifests of those require, and so on."""
        seen: set[str] = set()
        left = [
            normpath(join(folder, folder_path(one.specifier)))
            for folder, manifest in self.manifests.items()
            for one in manifest.requires
            if one.specifier.startswith(_LOCAL)
        ]
        while left:
            folder = left.pop()
            if folder in seen:
                continue
            seen.add(folder)
            data = manifest_beside(normpath(join(self.folder, folder)), self.read)
            for group in Group:
                for value in _strings(data.get(group.value)).values():
                    if value.startswith(_LOCAL):
                        # pnpm takes the path from the folder, older versions from the root
                        left += [
                            normpath(join(folder, folder_path(value))),
                            normpath(folder_path(value)),
                        ]
        yield from seen


def _reference(importer: Mapping[str, object], name: str) -> str:
    """The version that an importer records for a name; '' if it records none."""
    for group in _PRECEDENCE:
        table = importer.get(group.value)
        entry = table.get(name) if isinstance(table, dict) else None
        version = entry.get("version") if isinstance(entry, dict) else entry
        if isinstance(version, str):
            return version
    return ""


def _texts(table: object) -> Iterator[str]:
    """Every string in a table of tables."""
    if isinstance(table, str):
        yield table
    elif isinstance(table, Mapping):
        for value in table.values():
            yield from _texts(value)


def _strings(value: object) -> dict[str, str]:
    table = value if isinstance(value, dict) else {}
    return {str(key): item for key, item in table.items() if isinstance(item, str)}


def _injections(meta: object) -> set[str]:
    table = meta if isinstance(meta, dict) else {}
    return {
        str(name)
        for name, value in table.items()
        if isinstance(value, dict) and value.get("injected") is True
    }


def _names_runtime(manifest: Manifest, name: str) -> bool:
    """Whether a manifest requires this runtime in ``devEngines`` or ``engines``."""
    for field in ("devEngines", "engines"):
        table = manifest.data.get(field)
        runtime = table.get("runtime") if isinstance(table, dict) else None
        for one in runtime if isinstance(runtime, list) else [runtime]:
            if isinstance(one, dict) and one.get("name") == name:
                return True
    return False
