"""The manifests of one snapshot, each read when a caller needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from npm_vetted.clients import clients, pinned_client
from npm_vetted.errors import DocumentError
from npm_vetted.git.snapshot import Snapshot
from npm_vetted.model import Manifest
from npm_vetted.packages.manifest import NAME, read_manifest, read_pin
from npm_vetted.projects.file_names import own_manifests
from npm_vetted.projects.lockfile_owner import client_of_lockfile
from npm_vetted.projects.lockfiles import Lockfiles
from npm_vetted.projects.paths import ancestors, folder_of, in_node_modules, join


class Manifests:
    """The manifests by folder, and the errors of those that cannot be read."""

    def __init__(
        self, snapshot: Snapshot, excluded: Callable[[str], bool], lockfiles: Lockfiles
    ) -> None:
        self._snapshot = snapshot
        self._excludes = excluded
        self._lockfiles = lockfiles
        self._manifests: dict[str, Manifest | None] = {}
        self._errors: dict[str, DocumentError] = {}
        self.unreadable: dict[str, DocumentError] = {}
        """The manifests that cannot be read, by path: templates and fixtures, or broken ones."""

    def at(self, folder: str) -> Manifest | None:
        """The manifest in a directory; None where there is none, or it is among the unreadable."""
        if folder not in self._manifests:
            self._manifests[folder] = self._read_manifest(join(folder, NAME), read_manifest)
            if self._snapshot.entry(join(folder, NAME)) is None:
                self._manifests[folder] = next(self.own(folder), None)
        return self._manifests[folder]

    def path_of(self, folder: str) -> str:
        """The path of the manifest in a directory."""
        manifest = self.at(folder)
        return join(folder, NAME) if manifest is None else manifest.path

    def own(self, folder: str) -> Iterator[Manifest]:
        """The manifests in a directory that only one client reads."""
        for name, reader in own_manifests().items():
            found = self._read_manifest(join(folder, name), reader)
            if found is not None:
                yield found

    def _read_manifest(
        self, path: str, reader: Callable[[str, bytes], Manifest]
    ) -> Manifest | None:
        data = None if in_node_modules(path) else self._snapshot.read(path)
        try:
            return None if data is None else reader(path, data)
        except DocumentError as error:
            commented = self._read_commented(path, data) if data is not None else None
            if commented is not None:
                return commented
            error.fix = error.fix or _exclusion(path)
            self._errors[path] = error
            # At the repository's top, too: a manifest that no client can read makes no project.
            if not self._excludes(path):
                self.unreadable[path] = error
            return None

    def _read_commented(self, path: str, data: bytes) -> Manifest | None:
        """A manifest with comments, if the client that installs it accepts comments; else None.

        The nearest lockfile upwards decides which client that is; without one, the pin or a marker file.
        """
        if path.rpartition("/")[2] != NAME:
            return None
        try:
            found = read_manifest(path, data, comments=True)
        except DocumentError:
            return None
        folders = tuple(ancestors(folder_of(path)))
        for home in folders:
            locks = list(self._lockfiles.in_folder(home))
            if locks:
                owners = (client_of_lockfile(each, self._lockfiles.read_ahead) for each in locks)
                return found if all(each.COMMENTED_MANIFESTS for each in owners) else None
        pin = read_pin(found)
        pinned = None if pin is None else pinned_client(pin)
        if pinned is not None:
            return found if pinned.COMMENTED_MANIFESTS else None
        markers = {
            name
            for client in clients().values()
            if client.COMMENTED_MANIFESTS
            for name in client.MARKERS
        }
        marked = (self._snapshot.entry(join(home, name)) for home in folders for name in markers)
        return found if any(marked) else None

    def must_be_read(self, path: str) -> None:
        """Report a broken manifest although an ``[[exclude]]`` covers it, because it is a workspace."""
        if path in self._errors:
            self.unreadable[path] = self._errors[path]


def _toml_text(text: str) -> str:
    """A basic string of TOML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _exclusion(path: str) -> str:
    """The fix of a broken manifest: the ``[[exclude]]`` entry for one that is no project."""
    return (
        "correct it; for a template or fixture, add to .vetting/config.toml: "
        f'[[exclude]] path = {_toml_text(path)} reason = "..."'
    )
