"""The names in bun.lock: the paths that are its keys, and the locators of packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.model import Kind

EXACT: Final = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\Z")
INNER: Final = ("root:", "workspace:", "link:", "file:")
"""What is no artifact: the project itself, and directories (``file:`` is one; a tarball's path
is without it)."""
_GIT: Final = ("git+", "git:", "git@", "ssh:", "github:", "gitlab:", "bitbucket:", "gist:")
_GIT_HOSTS: Final = (
    "https://codeload.github.com/",
    "https://gitlab.com/",
    "https://bitbucket.org/",
)
_TARBALLS: Final = (".tgz", ".tar.gz")


def locator_kind(reference: str) -> Kind | None:
    """The kind of source that a locator names; None if it is not fetched, or unknown."""
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
    """The folder that a path ends with: ``a/@s/b`` ends with ``@s/b``."""
    if "/" not in key:
        return key
    head, _, last = key.rpartition("/")
    scope = head[head.rfind("/") + 1 :]
    return f"{scope}/{last}" if scope.startswith("@") else last


def upwards(key: str | None) -> Iterator[str]:
    """A path and those above it, '' (node_modules itself) last."""
    parts = components(key) if key else []
    while parts:
        yield "/".join(parts)
        parts.pop()
    yield ""


def is_usual(key: str, locator: object) -> bool:
    """Whether an entry's first element is a version of the name at its path's end: most are."""
    name = last_name(key)
    return (
        isinstance(locator, str)
        and locator.startswith(f"{name}@")
        and "@" not in name[1:]
        and EXACT.match(locator, len(name) + 1) is not None
    )
