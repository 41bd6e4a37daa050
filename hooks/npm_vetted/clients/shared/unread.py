"""Files of JavaScript clients and installers that npm-vetted does not read.

Without a finding, people would believe that these files are judged. An ``[[ignore]]`` entry with the
file's literal path accepts such a finding. If a client with a folder in ``clients`` has read a file,
the file is not reported. Therefore names of Rush and Bun may be in this table: a lockfile of Rush
without a rush.json and a bun.lockb without a package.json are read by no client.
"""

from __future__ import annotations

import fnmatch
from functools import cache
from typing import Final

_FILES: Final = {
    "vlt-lock.json": "vlt",
    "vlt.json": "vlt",
    "bun.lockb": "Bun",
    "vlt-workspaces.json": "vlt",
    "oro.kdl": "orogene",
    "package-lock.kdl": "orogene",
    "workspace.jsonc": "Bit",
    ".bitmap": "Bit",
    "importmap.php": "Symfony's AssetMapper",
    "aube-lock.yaml": "aube",
    "bower.json": "Bower",
    ".bowerrc": "Bower",
    "libman.json": "LibMan",
    "jspm.config.js": "jspm",
    "jspm.json": "jspm",
    "importmap.rb": "importmap-rails",
}
_PATHS: Final = {
    "*common/config/rush/pnpm-lock.yaml": "Rush",
    "*common/config/subspaces/*/pnpm-lock.yaml": "Rush",
    "*common/config/rush/variants/*/pnpm-lock.yaml": "Rush",
    "*common/config/subspaces/*/variants/*/pnpm-lock.yaml": "Rush",
    "*common/config/rush/npm-shrinkwrap.json": "Rush",
    "*common/config/rush/yarn.lock": "Rush",
    "*.meteor/packages": "Meteor",
    "*.meteor/versions": "Meteor",
}


def unread_by_us(path: str) -> str | None:
    """The client or installer of a file that npm-vetted cannot read; None: the name is not in the table."""
    path = path.lower()  # a file system that folds case takes it for the client's own
    name = path.rpartition("/")[2]
    if name in _FILES:
        return _FILES[name]
    found = next(
        (client for glob, client in _PATHS.items() if fnmatch.fnmatchcase(path, glob)), None
    )
    return found or _lockfile_of(name)


@cache
def _lockfile_of(name: str) -> str | None:
    """The client with a manifest of its own that has a lockfile of this name: without one it is not read."""
    from npm_vetted.clients import clients

    known = (each for each in clients().values() if each.OWN_MANIFESTS)
    return next((each.NAME.capitalize() for each in known if name in each.LOCKFILES), None)
