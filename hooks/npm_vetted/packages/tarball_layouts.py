"""The layouts of registries' tarball URLs: finds the package and version that a path names.

Most registries follow npm's own layout. The table has that one and those that differ, each with
the registries that use it. A new registry is one line here and one in the test's table.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class TarballLayout(NamedTuple):
    """One layout: the registries that use it, and what their paths look like.

    ``path`` has the groups ``name`` and ``version`` or ``file`` (or both), and maybe ``prefix``:
    the part before the name. ``host`` limits the layout to some hosts; None: any host may use it.
    """

    registries: str
    path: re.Pattern[str]
    host: re.Pattern[str] | None = None


_NAME: Final = r"(?P<name>(?:@[^/@]+/)?[^/@]+)"
_FILE: Final = r"(?P<file>(?:@[^/@]+/)?[^/]+)\.tgz"
_VERSION: Final = r"(?P<version>[0-9][^/@]*)"
_FLAT: Final = (
    r"(?P<name>(?:@[^/@]+/)?[^/@]+?)-(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:[-+][^/@]*)?)\.tgz"
)

NPM: Final = TarballLayout(
    "npm's own, Artifactory, Azure, Bytesafe, CodeArtifact, Cloudsmith, GitLab, Google, MyGet, Nexus, "
    "npmmirror, ProGet, Verdaccio; some repeat the scope before the file",
    re.compile(rf"(?P<prefix>.*?)/{_NAME}/(?:-|download)/{_FILE}"),
)
LAYOUTS: Final = (
    NPM,
    TarballLayout(
        "Font Awesome Pro, Gitea, Forgejo: the version is a folder",
        re.compile(rf"(?P<prefix>.*?)/{_NAME}/-/{_VERSION}/{_FILE}"),
    ),
    TarballLayout(
        "cdn.npmmirror.com, where npmmirror and other cnpm registries lead to",
        re.compile(rf"/packages/{_NAME}/{_VERSION}/{_FILE}"),
    ),
    TarballLayout(
        "GitHub Packages: the last segment is a hash",
        re.compile(rf"(?P<prefix>.*?)/download/{_NAME}/{_VERSION}/[0-9a-f]{{32,128}}"),
    ),
    TarballLayout(
        "JSR's npm registry",
        re.compile(rf"(?P<prefix>/~/[0-9]+)/{_NAME}/{_VERSION}\.tgz"),
    ),
    TarballLayout(
        "Cloudsmith's downloads, a folder for each package",
        re.compile(rf"(?:/[^/]+){{2,3}}/npm/{_NAME}/{_FILE}"),
        re.compile(r"(?:dl|npm)\.[a-z0-9.-]+"),
    ),
    TarballLayout(
        "Cloudsmith's downloads, all files in one folder",
        re.compile(rf"(?:/[^/]+){{2,3}}/npm/{_FLAT}"),
        re.compile(r"(?:dl|npm)\.[a-z0-9.-]+"),
    ),
)


def package_of(
    host: str, path: str, layouts: tuple[TarballLayout, ...] = LAYOUTS
) -> tuple[str, str] | None:
    """The name and version of which a decoded path of a host is the tarball; None: no layout fits.

    Where the file is not called after the package, or not after the version of its folder, the
    whole name of the file counts as the version, so that it is nobody's.
    """
    for each in layouts:
        match = each.path.fullmatch(path)
        if match is None or (each.host is not None and each.host.fullmatch(host) is None):
            continue
        found = match.groupdict()
        name, version, file = found["name"], found.get("version"), found.get("file")
        if file is None:
            return name, str(version)
        told = _version(name, file)
        return name, told if version in (None, told) else file
    return None


def prefix_of(path: str) -> str:
    """The part before the package's name in a path that follows npm's layout."""
    match = NPM.path.fullmatch(path)
    return match["prefix"] if match else ""


def _version(name: str, file: str) -> str:
    """The part of a file's name after the package's name: npm pack writes ``scope-name-1.0.0``."""
    base = name.rpartition("/")[2]
    heads = [f"{base}-"]
    if base != name:
        dashed = name.replace("/", "-")
        heads += [f"{name}-", f"{dashed}-", f"{dashed[1:]}-"]
    for head in heads:
        if file.startswith(head):
            return file.removeprefix(head)
    return file
