"""Files of JavaScript clients and installers that npm-vetted does not read.

Without a report they would seem to be judged. Each committed one is a finding, which an
``[[ignore]]`` entry on that literal file accepts (DESIGN.md, section 6). A client that gets a
folder here leaves this table: a name that some client reads is never reported. A lockfile of Rush
is only read beside a rush.json, and Bun's binary one is only refused beside a package.json, and Deno's can be
named on a command line without a deno.json.
"""

from __future__ import annotations

import fnmatch
from typing import Final

_FILES: Final = {
    "vlt-lock.json": "vlt",
    "vlt.json": "vlt",
    "bun.lockb": "Bun",
    "deno.lock": "Deno",
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
    """The client that reads a file and that npm-vetted does not know; None: there is none."""
    path = path.lower()  # a file system that folds case takes it for the client's own
    name = path.rpartition("/")[2]
    if name in _FILES:
        return _FILES[name]
    return next(
        (client for glob, client in _PATHS.items() if fnmatch.fnmatchcase(path, glob)), None
    )
