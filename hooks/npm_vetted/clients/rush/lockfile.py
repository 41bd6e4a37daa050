"""The lockfile of Rush: pnpm writes it for the workspace that Rush generates in ``common/temp``."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from functools import cached_property

from npm_vetted.clients.pnpm.lockfile import PnpmLockfile
from npm_vetted.clients.pnpm.patches import Patches
from npm_vetted.clients.pnpm.sync import disagreements
from npm_vetted.clients.rush.config import (
    AUTOINSTALLERS,
    LOCKFILE,
    LOCKFILE_OF,
    client_pin,
    folders_of,
    generated,
    own_hooks,
    prefers,
    real_place,
    real_problem,
    subspace_of,
    subspaces,
)
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.errors import DocumentError
from npm_vetted.model import Location, Manifest, Problem, Read, Requirement
from npm_vetted.packages.manifest import NAME, read_manifest

_LEGACY = "file:projects/"


class RushLockfile(PnpmLockfile):
    """One version of one pnpm-lock.yaml below common/config."""

    def __init__(self, path: str, data: bytes, read: Read) -> None:
        super().__init__(path, data, read)
        self._subspace = subspace_of(path)
        self._generated = generated(self._subspace, read)
        if any(key.startswith(_LEGACY) or f"@{_LEGACY}" in key for key in self.keys()):
            raise DocumentError(
                "a lockfile that Rush wrote without workspaces",
                path=path,
                fix='write "useWorkspaces": true into common/config/rush/pnpm-config.json, and run '
                "rush update --full",
            )

    @property
    def home(self) -> str:
        """The folder of rush.json: the folders of projects are relative to it."""
        return self._subspace.root

    def _relative(self, folder: str) -> str:
        """An importer's folder as seen from the folder of rush.json."""
        inner = posixpath.relpath(self._subspace.temp, self.home or ".")
        return posixpath.normpath(posixpath.join(inner, folder or "."))

    @cached_property
    def importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """The projects' requirements."""
        found = super().importers
        return {self._relative(folder): asked for folder, asked in found.items()}

    @cached_property
    def patches(self) -> Patches:
        """The patches, as the settings of the generated workspace name them."""
        return Patches(
            posixpath.join(self._subspace.temp, posixpath.basename(self.path)),
            self.setting("patchedDependencies"),
            self._generated,
            self._line_of_patches(),
        )

    def patch_files(self) -> Mapping[str, tuple[str, ...]]:
        """The patch files where they are committed."""
        return {self._committed(path): keys for path, keys in super().patch_files().items()}

    def _committed(self, path: str) -> str:
        return real_place(Location(path), "", self._subspace, self._read).path

    @property
    def base(self) -> str:
        """The folder of the generated workspace: other paths are relative to it."""
        return self._subspace.temp

    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        """The disagreements that pnpm would find in the generated workspace."""
        temp = self._subspace.temp
        path = posixpath.join(temp, NAME)
        own = read_manifest(path, self._generated(path) or b"{}")
        base = posixpath.relpath(temp, self.home or ".")
        wanted = folders_of(self._subspace, self._read)
        asked = {
            posixpath.relpath(folder, base): manifests[folder]
            for folder in wanted
            if folder in manifests
        }
        pin = client_pin(self.home, self._read)
        update: tuple[str, ...] = ("rush", "update")
        if self._subspace.is_autoinstaller:
            update = ("rush", "update-autoinstaller", "--name", self._subspace.name)
        fix = (update, ("git", "add", self.path))
        hooked = own_hooks(self._subspace, self._read) is not None
        hooked = hooked or prefers(self._subspace, self._read)
        if not self._subspace.is_autoinstaller:
            yield from self._unlocked(manifests)
        for problem in disagreements(
            self, {"": own, **asked}, self._generated, folder=temp, pin=pin, hooked=hooked
        ):
            found = real_problem(problem, self._subspace, self._read)
            yield found._replace(fix=fix)

    def _locks(self, path: str) -> bytes | None:
        return self._read(posixpath.join(self.home, path))

    def _unlocked(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        """Autoinstallers and subspaces without a lockfile; reported with one lockfile, the first subspace's."""
        every = subspaces(self.home, self._read)
        locked = {each.name for each in every if self._read(each.lockfile(self._read)) is not None}
        if self._subspace.name != min(locked, default=""):
            return
        for folder, manifest in manifests.items():
            above, _, name = folder.rpartition("/")
            path = f"{folder}/{LOCKFILE}"
            if above == AUTOINSTALLERS and manifest.requires and self._locks(path) is None:
                yield Problem(
                    f"missing lockfile: Rush refuses to install the autoinstaller {name} without it",
                    Location(manifest.path),
                    code="no-lockfile",
                    key=manifest.path,
                    fix=(("rush", "update-autoinstaller", "--name", name), ("git", "add", path)),
                )
        for subspace in every:
            folders = folders_of(subspace, self._read)
            asks = any(manifests[folder].requires for folder in folders if folder in manifests)
            if asks and subspace.name not in locked:
                path = subspace.lockfile(self._read)
                yield Problem(
                    f"missing lockfile: the subspace {subspace.name} has projects with dependencies",
                    Location(path),
                    code="no-lockfile",
                    key=path,
                    fix=(("rush", "update", "--subspace", subspace.name), ("git", "add", path)),
                )


def read_rush_lockfile(path: str, data: bytes, read: Read) -> Lockfile:
    """Read a lockfile of the client that rush.json names; raises DocumentError for another client's."""
    root = subspace_of(path).root
    pin = client_pin(root, read)
    name = posixpath.basename(path)
    wanted = LOCKFILE_OF[pin.client] if pin is not None else name
    if name != wanted:
        raise DocumentError(
            f"Rush reads {wanted} here, not this file",
            path=path,
            fix=f"git rm --cached {path}",
        )
    if name == LOCKFILE:
        return RushLockfile(path, data, read)
    from npm_vetted.clients.rush.without_workspaces import read_temporary_lockfile

    return read_temporary_lockfile(path, data, read)
