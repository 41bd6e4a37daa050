"""``yarn-offline-mirror``: a folder of tarballs that Yarn 1 installs from instead of a registry.

Yarn compares each tarball with the hash in yarn.lock. If the entry has no hash, Yarn installs any content
(seen with 1.22.22). The name of a file is the scope and the last part of the entry's URL.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from npm_vetted.errors import DocumentError
from npm_vetted.formats.npmrc import effective, load_npmrc
from npm_vetted.formats.yarnrc import load_yarnrc
from npm_vetted.model import Read

KEY: Final = "yarn-offline-mirror"
_SCOPED: Final = re.compile(
    r"/(?:(@[^/]+)(?:/|%2f))?[^/]+/(?:-|_attachments)/(?:@[^/]+/)?([^/]+)\Z"
)


def mirror_folder(lockfile: str, read: Read) -> str | None:
    """The committed folder, as a path from the top that ends in a slash; None: no mirror in the repository.

    The settings file nearest above the lockfile wins; in one folder, .yarnrc wins over .npmrc.
    """
    folder = posixpath.dirname(lockfile)
    while True:
        for name in (".yarnrc", ".npmrc"):
            value = _value(posixpath.join(folder, name), read)
            if value is not None:
                return inside(folder, value)
        if not folder:
            return None
        folder = posixpath.dirname(folder)


def inside(folder: str, value: str) -> str | None:
    """The folder that a settings file in ``folder`` names, from the top, ending in a slash; None: outside."""
    if value.startswith(("/", "~")) or "\\" in value or "$" in value:
        return None
    path = posixpath.normpath(posixpath.join(folder, value))
    return None if path == "." or path.startswith("../") or path == ".." else f"{path}/"


def _value(path: str, read: Read) -> str | None:
    data = read(path)
    if data is None or KEY.encode() not in data:
        return None
    try:
        if path.endswith(".npmrc"):
            found = effective(load_npmrc(path, data), KEY)
            value = None if found is None else found.value
        else:
            lines = [each for each in load_yarnrc(path, data) if each.key == KEY and not each.table]
            value = lines[-1].value if lines else None
    except DocumentError:  # client-settings says so
        return None
    return value if isinstance(value, str) and value else None


def file_name(resolved: str) -> str:
    """The name that Yarn gives to the tarball of an entry with this ``resolved``."""
    path = resolved.partition("#")[0].partition("?")[0]
    found = _SCOPED.search(path)
    if found is None:
        return path.rpartition("/")[2]
    return f"{found[1]}-{found[2]}" if found[1] else found[2]
