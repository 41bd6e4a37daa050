"""Decides whether a repository that a command clones is the one that contains the command's file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.installs import Context
from npm_vetted.installs.context.disk import Copied, Gone, Layer, Tracked, Written

_NAME: Final = re.compile(r"([\w.-]+/[\w.-]+?)(?:\.git)?/?\Z", re.ASCII)
"""The owner and the name at the end of a repository's address."""
_PROSE: Final = ("README.md", "README.rst", "readme.md", "README", ".github/README.md")


def is_own(context: Context, repository: str) -> bool | None:
    """Whether ``owner/name``, or an address that ends so, is this repository.

    True if ``repository`` in package.json names it. None (unknown) if only the README does.
    """
    found = _NAME.search(repository.replace(":", "/"))
    if found is None:
        return False
    name = re.escape(found[1].encode())
    said = context.read("package.json") or b""
    if re.search(rb"[/:\"]" + name + rb"(?:\.git)?[\"#/]", said) is not None:
        return True
    named = re.compile(rb"[/:]" + name + rb"(?![\w.-]*[\w-])", re.IGNORECASE)
    if any(named.search(context.read(path) or b"") for path in _PROSE):
        return None
    return False


def of_repository(tracked: Tracked, place: str, mine: bool | None) -> Iterator[Layer]:
    """The layers of a clone or checkout of a repository at a place."""
    if mine:
        yield Copied(tracked, "", place)
        return
    yield Gone(place, folder=True)
    if mine is None:
        yield Written(f"{place.rstrip('/')}/package.json", None)
