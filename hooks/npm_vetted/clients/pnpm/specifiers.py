"""pnpm's specifiers and selectors: which package and range they name, and when pnpm treats two as equal."""

from __future__ import annotations

import re
from posixpath import join, normpath
from typing import Final

from npm_vetted.packages.ranges import satisfies

_GIT: Final = re.compile(
    r"(?:(?P<host>github|gitlab|bitbucket):|(?:git\+https|git|https)://(?P<domain>[^/@?\s]+)/)?"
    r"(?P<path>[^:@?#\s]+?)(?:\.git)?(?:#(?P<commit>[^#]*))?\Z"
)
_HOSTS: Final = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}


def is_same_folder(folder: str, locked: str, override: str) -> bool:
    """Whether an importer's locked folder is that of an override: pnpm records it relative to the importer."""
    if not override.startswith(("link:", "file:")) or locked[:5] != override[:5]:
        return False
    return normpath(join(folder, folder_path(locked))) == normpath(folder_path(override))


def folder_path(specifier: str) -> str:
    """The path in ``file:../x``, ``link:x``, ``workspace:./x`` or ``./x``."""
    return re.sub(r"\A(?:file|link|workspace):", "", specifier).split("(")[0]


def same_specifier(one: object, other: object) -> bool:
    """Whether pnpm treats two specifiers as equal: the same text, or the same commit of a git repository."""
    if one == other:
        return True
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    repository = _repository(one)
    return repository is not None and repository == _repository(other)


def _repository(specifier: str) -> tuple[str, str, str] | None:
    """Host, path and commit of a git specifier (pnpm's ``gitSpecifiersAreEquivalent``)."""
    found = _GIT.match(specifier)
    if found is None or "//" in found["path"] or specifier.startswith((".", "/")):
        return None
    domain = (found["domain"] or "").lower()
    host = domain or _HOSTS.get(found["host"] or "github", "")
    if not domain and found["path"].count("/") != 1:
        return None
    if specifier.startswith("https:") and host not in _HOSTS.values() and ".git" not in specifier:
        return None
    return host, found["path"], found["commit"] or ""


def name_matches(patterns: tuple[str, ...], name: str) -> bool:
    """Whether a name matches patterns as pnpm reads them: ``*`` is any text, ``!pattern`` excludes names."""
    matched = all(each.startswith("!") for each in patterns)
    for pattern in patterns:
        text = pattern.removeprefix("!")
        parts = map(re.escape, text.split("*"))
        if re.fullmatch(".*".join(parts), name):
            matched = not pattern.startswith("!")
    return matched


def selected_name(selector: str) -> str:
    """The name in ``name@range``."""
    return selector[:1] + selector[1:].partition("@")[0]


def of_registry(name: str, specifier: str) -> tuple[str, str] | None:
    """The package and versions that a specifier requests from the registry; None for other sources."""
    if specifier.startswith("npm:"):
        real, _, versions = specifier[5:].partition("@")
        real = specifier[4:5] + real
        # npm:^1.0.0 names versions alone: the package is the one of the dependency's own name.
        return (name, specifier[4:]) if satisfies("0.0.0", real) is not None else (real, versions)
    return None if ":" in specifier or "/" in specifier else (name, specifier)
