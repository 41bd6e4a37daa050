"""Where packages come from: which URLs are an allowed registry, which package a tarball URL names.

(A first version by the core; the names below are what the core calls: keep them.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

_SAME: Final = {"registry.yarnpkg.com": "registry.npmjs.org"}
_TARBALL: Final = re.compile(
    r"/(?P<name>(?:@[^/]+(?:/|%2f))?[^/@]+)/-/(?:@[^/]+/)?(?P<file>[^/]+)\.tgz\Z", re.IGNORECASE
)
_ODD: Final = re.compile(r"[\s\\\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Registries:
    """The registries that a policy allows, as URL prefixes."""

    urls: tuple[str, ...]

    def allows(self, url: str) -> bool:
        """Whether a URL is https, of an allowed host, and below an allowed path."""
        asked = _parts(url)
        return asked is not None and any(_within(asked, _parts(each)) for each in self.urls)


def _parts(url: str) -> tuple[str, str] | None:
    """Host (with port, where it is not 443) and path; None for what is no plain https URL."""
    if _ODD.search(url):
        return None
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        return None
    if split.scheme != "https" or not split.hostname or "@" in split.netloc:
        return None
    path = unquote(split.path)
    if ".." in path.split("/") or _ODD.search(path):
        return None
    host = _SAME.get(split.hostname, split.hostname)
    return (host if port in (None, 443) else f"{host}:{port}"), path or "/"


def _within(asked: tuple[str, str], allowed: tuple[str, str] | None) -> bool:
    if allowed is None or asked[0] != allowed[0]:
        return False
    prefix = allowed[1] if allowed[1].endswith("/") else allowed[1] + "/"
    return (asked[1] + "/").startswith(prefix)


def tarball_of(url: str) -> tuple[str, str] | None:
    """The (name, version) that a registry's tarball URL names; None where it names none."""
    found = _TARBALL.search(urlsplit(url).path)
    if not found:
        return None
    name = unquote(found["name"])
    base = name.rpartition("/")[2]
    file = unquote(found["file"])
    if not file.startswith(f"{base}-"):
        return name, file
    return name, file[len(base) + 1 :]
