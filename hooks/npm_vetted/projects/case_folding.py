"""Finds paths that a case-insensitive file system merges, so that a checkout differs from git's tree.

macOS and Windows check out ``.NPMRC`` and ``.npmrc`` as one file, and ``App/`` and ``app/`` as one folder.
(checks/_checkout.py treats differences that Git attributes make.)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from npm_vetted.projects.file_names import interesting_names

_VETTING: Final = (
    ".vetting", "config.toml", "exemptions.txt", "baseline.txt", "notes", "routine",
)  # fmt: skip
_MODULES: Final = "node_modules"
ATTRIBUTES: Final = ".gitattributes"
_SHORT: Final = re.compile(r"([^~.]{1,6})~[0-9]+(\.[^.]{1,3})?")
_HASHED: Final = re.compile(r"[0-9a-f]{4}")


def folded(path: str) -> str:
    """The form of a path that file systems compare which ignore case, or dots and blanks at the end."""
    if path.isascii() and "./" not in path and " /" not in path and not path.endswith((".", " ")):
        return path.lower()
    return "/".join(map(_folded, path.split("/")))


def _folded(part: str) -> str:
    if not part.isascii():
        text = unicodedata.normalize("NFKC", part)
        part = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return part.casefold().rstrip(". ")


def imitated(path: str) -> str | None:
    """The meaningful path (such as ``.npmrc``) that some file system equates with this one; None: there is none."""
    if folded(path) == path and "~" not in path:
        return None
    parts = path.split("/")
    inside = folded(parts[0]) == _VETTING[0]
    meant = [
        _meant(part, vetting=at < 2 and inside, last=at == len(parts) - 1)
        for at, part in enumerate(parts)
    ]
    return "/".join(meant) if meant != parts else None


def _meant(part: str, *, vetting: bool, last: bool) -> str:
    """The meaningful name that a file system equates with a part of a path; the part itself if there is none."""
    name = folded(part)
    if name == _MODULES or (vetting and name in _VETTING):
        return name
    if last and (name in interesting_names() or name == ATTRIBUTES):
        return name
    short = _SHORT.fullmatch(name)
    if short is None:
        return part
    names = {_MODULES, _VETTING[0], *(interesting_names() if last else ())}
    return next((each for each in sorted(names) if _is_short(short, each)), part)


def _is_short(short: re.Match[str], name: str) -> bool:
    """Whether this may be NTFS's short form of a long name: ``packag~1.jso`` for ``package.json``."""
    stem, dot, suffix = name.lstrip(".").rpartition(".")
    stem, suffix = (stem, f".{suffix[:3]}") if dot else (suffix, "")
    start = short[1]
    alike = stem[:6] == start or (stem[:2] == start[:2] and _HASHED.fullmatch(start[2:]))
    return bool(alike) and suffix == (short[2] or "")


def collisions(
    added: Iterable[str], ours: Iterable[str], others: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Added paths that collide with another path, or whose folder does, each with that path.

    ``ours`` are the files that projects are read from; folders that lead to one count as well.
    """
    spelled: dict[str, set[str]] = {}
    for path in ours:
        for each in _steps(path):
            spelled.setdefault(folded(each), set()).add(each)
    for path in others:
        alike = spelled.get(folded(path))
        if alike is not None:
            alike.add(path)
    for path in added:
        found = (spelled.get(folded(each), set()) - {each} for each in _steps(path))
        other = max(set().union(*found), default=None, key=len)
        if other is not None:
            yield path, other


def _steps(path: str) -> Iterator[str]:
    """A path and the folders that lead to it."""
    yield path
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
