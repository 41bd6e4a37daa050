"""The lockfiles of a folder, and the client that installs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from npm_vetted.clients import Client, clients, default_client, pinned_client
from npm_vetted.git.snapshot import Snapshot
from npm_vetted.model import Manifest, Pin
from npm_vetted.projects.lockfile_owner import client_of_lockfile, fits_pin
from npm_vetted.projects.paths import join


class Lockfiles:
    """The lockfiles of one snapshot by folder; their text is read once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._ahead: dict[str, bytes] = {}

    def exists_in(self, folder: str) -> bool:
        """Whether a folder has a lockfile of some client."""
        names = (name for client in clients().values() for name in client.LOCKFILES)
        return any(self._snapshot.entry(join(folder, name)) is not None for name in names)

    def pinned_first(self, root: str, pin: Pin | None) -> list[str]:
        """The lockfiles of a directory, those of the pinned client first."""
        found = list(self.in_folder(root))
        if pin is None or len(found) < 2:
            return found
        fitting = [path for path in found if fits_pin(path, pin, self._snapshot.read)]
        return [*fitting, *(path for path in found if path not in fitting)]

    def in_folder(self, root: str) -> Iterator[str]:
        """The lockfiles of a directory, in the order of the clients.

        A lockfile in a folder of its own comes first: no other client may have put it there.
        """
        seen: set[str] = set()
        for client in sorted(clients().values(), key=_is_beside):
            for name in client.LOCKFILES:
                for path in self._matching(root, name):
                    if path not in seen and self._snapshot.entry(path) is not None:
                        seen.add(path)
                        yield path

    def _matching(self, root: str, name: str) -> Iterable[str]:
        """The path of a lockfile's name in a root; for a name with a folder ``*``, all paths that match."""
        before, star, after = name.partition("*")
        before = join(root, before)
        if not star:
            return (before,)
        inside = self._snapshot.below(before)
        return sorted(
            each for each in inside if each.removeprefix(before).partition("/")[2] == after[1:]
        )

    def of_members(
        self, client: Client, manifest: Manifest, members: Iterable[str]
    ) -> Iterator[str]:
        """The lockfiles of the workspaces, if the settings give each one of its own."""
        if members and client.locks_members(manifest, self._snapshot.read):
            paths = (join(folder, name) for folder in members for name in client.LOCKFILES)
            yield from (path for path in paths if self._snapshot.entry(path) is not None)

    def installer(self, root: str, pin: Pin | None) -> Client:
        """The client that installs a folder: by the lockfile, else the pin, else a marker file, else npm.

        If there are several lockfiles, that of the pinned client decides.
        """
        for path in self.pinned_first(root, pin):
            return client_of_lockfile(path, self.read_ahead)
        pinned = None if pin is None else pinned_client(pin)
        if pinned is not None:
            return pinned
        for client in clients().values():
            if any(self._snapshot.entry(join(root, name)) is not None for name in client.MARKERS):
                return client
        return default_client()

    def read_ahead(self, path: str) -> bytes | None:
        """Read a lockfile to find its client, and keep its content for the next ``read``."""
        data = self._snapshot.read(path)
        if data is not None:
            self._ahead[path] = data
        return data

    def read(self, path: str) -> bytes | None:
        """Read any file; the content of a lockfile that was read ahead is used once."""
        return self._ahead.pop(path) if path in self._ahead else self._snapshot.read(path)


def _is_beside(client: Client) -> bool:
    """Whether a client's lockfiles are beside the manifest, as those of most clients are."""
    return not any("/" in name for name in client.LOCKFILES)
