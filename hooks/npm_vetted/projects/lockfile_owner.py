"""Decides which client a lockfile belongs to.

1. A lockfile in a folder that only one client uses (Rush's) belongs to that client.
2. A file name that only one client uses decides; the file is not read.
3. An empty lockfile belongs to the pinned client, else to the client of a marker file beside it.
4. Otherwise the clients with that file name look at the text (``recognises``).
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from npm_vetted.clients import Client, clients
from npm_vetted.errors import DocumentError
from npm_vetted.model import Pin, Read
from npm_vetted.packages.manifest import NAME, read_manifest, read_pin
from npm_vetted.projects.paths import folder_of, join

_EMPTY_SIZE: Final = 4096
"""Bytes; an empty lockfile holds at most a header."""


def client_of_lockfile(path: str, read: Read) -> Client:
    """The client that a lockfile belongs to; raises DocumentError if no client recognises it."""
    name = path.rpartition("/")[2]
    named = [client for client in clients().values() if name in client.LOCKFILES]
    in_folders = [client for client in clients().values() if _names_folder(client, path)]
    if in_folders:
        return in_folders[0]
    if len(named) == 1:
        return named[0]
    data = read(path) or b""
    if _is_empty(data):
        owner = _owner_of_empty(path, named, read)
        if owner is not None:
            return owner
    for client in named:
        if client.recognises(name, data):
            return client
    raise DocumentError("no client's lockfile looks like this", path=path)


def _names_folder(client: Client, path: str) -> bool:
    """Whether a client has its lockfile in a folder of this name, as Rush does."""
    patterns = (each for each in client.LOCKFILES if "/" in each)
    return any(fnmatchcase(f"/{path}", f"*/{each}") for each in patterns)


def fits_pin(path: str, pin: Pin, read: Read) -> bool:
    """Whether a lockfile belongs to the pinned client; false if no client recognises it."""
    try:
        return client_of_lockfile(path, read).fits(pin)
    except DocumentError:
        return False


def _is_empty(data: bytes) -> bool:
    """Whether a lockfile has only blank lines and comments."""
    if len(data) > _EMPTY_SIZE:
        return False
    return not any(line.strip() and not line.startswith(b"#") for line in data.splitlines())


def _owner_of_empty(path: str, named: Sequence[Client], read: Read) -> Client | None:
    """The client of an empty lockfile: the pinned one, else one with a marker file beside it; else None."""
    folder = folder_of(path)
    manifest = join(folder, NAME)
    data = read(manifest)
    try:
        pin = None if data is None else read_pin(read_manifest(manifest, data))
    except DocumentError:  # reported where the manifest itself is read
        pin = None
    pinned = [each for each in named if pin is not None and each.fits(pin)]
    if len(pinned) == 1:
        return pinned[0]
    return next(
        (
            each
            for each in named
            if any(read(join(folder, marker)) is not None for marker in each.MARKERS)
        ),
        None,
    )
