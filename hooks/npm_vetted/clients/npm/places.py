"""Reads two texts of a lockfile: the places where npm installs, and the sources it installs from.

The fields are described in docs.npmjs.com, "package-lock.json"; npm's treatment of odd values is in
@npmcli/arborist.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from npm_vetted.model import Kind

PATH_LIMIT: Final = 4096
"""Characters; no file system accepts a longer path, so npm could not install there."""
MODULES: Final = "node_modules/"
EXACT: Final = re.compile(r"[=v\s]*\d{1,16}\.\d{1,16}\.\d{1,16}(?:[-+a-zA-Z][0-9A-Za-z.+-]*)?\s*\Z")
"""An exact version, as npm reads one."""
TARBALL: Final = re.compile(r"\.(?:tgz|tar\.gz|tar)\Z", re.IGNORECASE)

_USUAL: Final = re.compile(
    r"(?:node_modules/(?:@[a-z0-9-]+/)?[A-Za-z0-9][A-Za-z0-9._-]*(?:/(?=node_modules/)|\Z))+\Z"
)
_GIT: Final = re.compile(
    r"(?:git(?:\+[a-z]+)?|ssh|github|gitlab|bitbucket|gist):|git@", re.IGNORECASE
)
_GIT_HOST: Final = re.compile(
    r"https://(?:codeload\.github\.com|gitlab\.com(?!/api/)|bitbucket\.org)/"
)


def clean_path(path: str) -> str | None:
    """Normalize a relative path ('' is the root); None: the path is absolute, too long or not a path."""
    if path.startswith("/") or "\\" in path or "\0" in path or len(path) > PATH_LIMIT:
        return None
    found = posixpath.normpath(path)
    return "" if found == "." else found


def folder_name(place: str) -> str | None:
    """The name below the last node_modules of a place (the package's, or an alias); None: no node_modules."""
    at = place.rfind(MODULES)
    if at < 0 or (at > 0 and place[at - 1] != "/"):
        return None
    name = place[at + len(MODULES) :]
    return name if name.count("/") == (1 if name.startswith("@") else 0) else None


def parent_place(place: str) -> str | None:
    """The folder above, whose node_modules Node searches next; None: that is outside the project."""
    if not place or place == ".." or place.endswith("/.."):
        return None
    name = folder_name(place)
    if name is not None:
        return place[: -len(MODULES + name)].rstrip("/")
    return place.rpartition("/")[0]


def is_plain_place(place: str) -> bool:
    """Whether a place consists of node_modules folders and package names in plain characters only."""
    return len(place) < PATH_LIMIT and _USUAL.match(place) is not None


def is_place(place: str) -> bool:
    """Whether npm could have written this place: relative, without ``..`` and control characters."""
    if len(place) > PATH_LIMIT or clean_path(place) != place or not place.isprintable():
        return False
    return folder_name(place) is not None or MODULES not in f"/{place}/"


def resolved_kind(resolved: str | None) -> Kind | None:
    """The kind of source that a ``resolved`` names; None for a folder, whose content is in git."""
    if resolved is None:
        return Kind.REGISTRY
    if _GIT.match(resolved) or _GIT_HOST.match(resolved):
        return Kind.GIT
    if resolved.startswith("file:"):
        return Kind.FILE if TARBALL.search(resolved) else None
    if resolved.startswith(("https://", "http://")):
        path = resolved.partition("?")[0].partition("#")[0]
        return Kind.REGISTRY if "/-/" in path else Kind.TARBALL
    return Kind.OTHER
