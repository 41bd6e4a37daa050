"""Sources of packages: whether a URL is an allowed registry, and which package a tarball URL names.

A client, a proxy and a registry may each read an odd URL in its own way. So a URL is read by one
narrow grammar, and one that needs interpretation (userinfo, dot segments, whitespace, other
alphabets, a percent sign encoded twice) is never allowed.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from npm_vetted.packages.tarball_layouts import NPM, package_of, prefix_of

_PUBLIC: Final = "registry.npmjs.org"
_ALIASES: Final = {"registry.yarnpkg.com": _PUBLIC}
"""Yarn 1 writes its own name of the public registry; it is the same one."""

_URL: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>/[!$&'()*+,./0-9:;=@A-Z_a-z~%-]*)?"
    r"(?:[?#][\x21-\x5b\x5d-\x7e]*)?",
    re.IGNORECASE | re.ASCII,  # without ASCII, [a-z] takes the Kelvin sign for a k
)
_PERCENT: Final = re.compile(r"%([0-9a-fA-F]{2})?")
_DEFAULT_PORT: Final = {"https": 443, "http": 80}
_SLASH: Final = "%2f"


class _Place(NamedTuple):
    """A URL as the grammar reads it: ``path`` starts with a slash, only ``%2f`` still encoded."""

    scheme: str
    host: str
    port: int
    path: str

    def is_below(self, other: _Place) -> bool:
        same = (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port)
        return same and f"{self.path}/".startswith(f"{other.path.rstrip('/')}/")


def _read(url: str) -> _Place | None:
    match = _URL.fullmatch(url)
    if match is None:
        return None
    scheme, host = match["scheme"].lower(), match["host"].lower()
    port = int(match["port"] or _DEFAULT_PORT[scheme])
    path = _decode(match["path"] or "/")
    if path is None or port > 65535 or ".." in host:
        return None
    return _Place(scheme, _ALIASES.get(host, host), port, path)


def _decode(path: str) -> str | None:
    """A path with its percent signs resolved, but for slashes; None where it is ambiguous."""
    pieces = []
    end = 0
    for match in _PERCENT.finditer(path):
        char = chr(int(match[1], 16)) if match[1] else "%"
        if char in "%\\" or not "!" <= char <= "~":
            return None
        pieces += [path[end : match.start()], _SLASH if char == "/" else char]
        end = match.end()
    decoded = "".join([*pieces, path[end:]])
    segments = decoded.replace(_SLASH, "/").split("/")
    # Some servers cut what follows a semicolon from a segment before they look at it.
    if any(segment.partition(";")[0] in {".", ".."} for segment in segments):
        return None
    return decoded


class Registries(NamedTuple):
    """The sources that a policy allows: registries as URL prefixes, the others exactly.

    ``proxies`` and ``authorities`` are the values that committed settings may have: the URL of a
    proxy; the file or the text of a certificate authority.
    """

    urls: tuple[str, ...]
    proxies: tuple[str, ...] = ()
    authorities: tuple[str, ...] = ()

    def allows_proxy(self, url: str) -> bool:
        """Whether a committed setting may name this proxy."""
        return url in self.proxies

    def allows_authority(self, value: str) -> bool:
        """Whether a committed setting may name this certificate authority or its file."""
        return value in self.authorities

    def allows(self, url: str) -> bool:
        """Whether a URL is https, of an allowed host and port, at or below an allowed path."""
        place = _read(url)
        if place is None or place.scheme != "https":
            return False
        allowed = (_read(each) for each in self.urls)
        return any(each is not None and place.is_below(each) for each in allowed)


_COMMIT: Final = r"(?:[0-9a-f]{40}|[0-9a-f]{64})"
_PINNED: Final = re.compile(
    rf"[^#]*\#(?:[^#]*&)?(?:commit=)?{_COMMIT}(?:&[^#]*)?"  # npm, pnpm, both Yarns, Bun
    r"|github:[^#]*\#[0-9a-f]{7,64}"  # Bun writes it short
    rf"|[^#]*/tar\.gz/{_COMMIT}"  # codeload.github.com
    rf"|[^#]*/get/{_COMMIT}\.tar\.gz"  # bitbucket.org
    rf"|[^#?]*/archive/{_COMMIT}/[^#?/]*"  # gitlab.com
    rf"|[^#?]*/archive\.tar\.gz\?(?:ref|sha)={_COMMIT}",
    re.IGNORECASE,
)


def is_pinned(source: str) -> bool:
    """Whether a git source names a commit; a branch or a tag may change before the install."""
    return _PINNED.fullmatch(source) is not None


_LONGEST: Final = 4096


def tarball_of(url: str) -> tuple[str, str] | None:
    """The name and version of which a URL is the tarball; None where its layout is not known.

    Where the file is not called after the package, its whole name counts as the version, so that
    it is nobody's. A URL of the public registry names a package only in that registry's layout.
    """
    place = _read(url[: _LONGEST + 1])
    if place is None or len(url) > _LONGEST:
        return None
    path = place.path.replace(_SLASH, "/")
    if place.host != _PUBLIC:
        return package_of(place.host, path)
    found = package_of(place.host, path, (NPM,))
    prefix = prefix_of(path).lstrip("/")
    return (f"{prefix}/{found[0]}", found[1]) if found and prefix else found


def is_tarball_of(url: str, name: str, version: str | None) -> bool | None:
    """Whether a URL is the tarball of this package and version; None where it does not show that.

    Build metadata (``1.0.0+3``) is no part of a version: registries leave it out or encode it.
    """
    found = tarball_of(url)
    if found is None or version is None:
        return None
    return found[0] == name and found[1].partition("+")[0] == version.partition("+")[0]
