"""The folders that a manifest requires by a specifier: ``file:../lib`` and the like."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from npm_vetted.model import Requirement

FOLDER_WORDS: Final = ("file:", "link:", "portal:", '"./', '"../', "\\u", "\\/")
"""Texts of which a manifest that requires a folder has one; the last two may hide the others by escapes."""
ANY_FOLDER: Final = ("file:", "link:", "portal:", "./", "../")


def required_folder(folder: str, asked: Requirement, prefixes: tuple[str, ...]) -> str | None:
    """The folder that a requirement names, from the top of the repository; None: none in it."""
    return folder_named(folder, asked.specifier) if asked.specifier.startswith(prefixes) else None


def folder_named(folder: str, specifier: str) -> str | None:
    """The folder that a specifier names, from the top of the repository; None: none in it."""
    found = _place_named(folder, specifier)
    return (
        None
        if found is None or found.startswith(("../", "/", "~")) or found in ("..", ".")
        else found
    )


def leads_outside(folder: str, specifier: str) -> bool:
    """Whether a specifier names a place outside of the repository: upwards, absolute, or a home."""
    found = _place_named(folder, specifier)
    return found is not None and (found.startswith(("../", "/", "~")) or found == "..")


def names_a_place(specifier: str) -> bool:
    """Whether a specifier names a folder or a file, wherever that is."""
    return specifier.startswith((*ANY_FOLDER, "/", "~/"))


def _place_named(folder: str, specifier: str) -> str | None:
    """The path that a specifier names, from the top of the repository; None: it names no path."""
    if not names_a_place(specifier):
        return None
    path = re.sub(r"\A(?:file|link|portal):(?://)?", "", specifier)
    return path if path.startswith("~/") else posixpath.normpath(posixpath.join(folder, path))
