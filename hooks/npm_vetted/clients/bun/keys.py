"""The names in bun.lock: the paths that are its keys, and the locators of packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.model import Kind

EXACT: Final = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\Z")
INNER: Final = ("root:", "workspace:", "link:", "file:")
"""Locators of the project itself and of folders, which are no artifacts (a tarball's has no ``file:``)."""
_GIT: Final = ("git+", "git:", "git@", "ssh:", "github:", "gitlab:", "bitbucket:", "gist:")
_GIT_HOSTS: Final = (
    "https://codeload.github.com/",
    "https://gitlab.com/",
    "https://bitbucket.org/",
)
_TARBALLS: Final = (".tgz", ".tar.gz")


def locator_kind(reference: str) -> Kind | None:
    """The kind of source that a locator names; None if nothing is fetched, or the form is unknown."""
    if reference.startswith(INNER):
        return None
    if EXACT.match(reference):
        return Kind.REGISTRY
    if reference.startswith((*_GIT, *_GIT_HOSTS)):
        return Kind.GIT
    if reference.startswith(("https:", "http:")):
        return Kind.TARBALL
    return Kind.FILE if reference.endswith(_TARBALLS) else None


def components(key: str) -> list[str]:
    """The names along a path: ``a/@s/b`` is ``a`` and ``@s/b``."""
    found: list[str] = []
    for part in key.split("/"):
        if found and found[-1].startswith("@") and "/" not in found[-1]:
            found[-1] += f"/{part}"
        else:
            found.append(part)
    return found


def last_name(key: str) -> str:
    """The last name of a path: ``@s/b`` in ``a/@s/b``."""
    if "/" not in key:
        return key
    head, _, last = key.rpartition("/")
    scope = head[head.rfind("/") + 1 :]
    return f"{scope}/{last}" if scope.startswith("@") else last


def upwards(key: str | None) -> Iterator[str]:
    """A path, and each shorter one above it; '' (node_modules itself) is the last."""
    parts = components(key) if key else []
    while parts:
        yield "/".join(parts)
        parts.pop()
    yield ""


def is_usual(key: str, locator: object) -> bool:
    """Whether an entry's first element is ``name@version`` with the last name of its path, as usual."""
    name = last_name(key)
    return (
        isinstance(locator, str)
        and locator.startswith(f"{name}@")
        and "@" not in name[1:]
        and EXACT.match(locator, len(name) + 1) is not None
    )
