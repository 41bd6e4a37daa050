"""Parses the keys of pnpm's lockfiles, whose form depends on the version of the format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from npm_vetted.clients.pnpm.layout import Layout, Part
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import named

ENVIRONMENT: Final = "environment: "
"""The start of the keys of the environment document's entries; no package has such a name."""

REWRITE: Final = "let pnpm write it again: pnpm install --lockfile-only"

_GENERATIONS: Final = {
    **dict.fromkeys(("5", "5.0", "5.1", "5.2", "5.3", "5.4"), 5),
    **dict.fromkeys(("6", "6.0", "6.1"), 6),
    **dict.fromkeys(("7", "7.0"), 7),
    **dict.fromkeys(("9", "9.0"), 9),
}
_VERSION: Final = re.compile(r"[0-9][0-9A-Za-z.+-]*\Z")


class KeyedDocument(NamedTuple):
    """One of the file's YAML documents, with the shape of its keys."""

    part: Part
    generation: int
    prefix: str
    slash: bool
    """Whether keys start with a slash, as they did before 9.0."""
    split: bool
    """Whether the requirements of packages are below ``snapshots``."""
    packages: Mapping[str, int]
    snapshots: Mapping[str, int]
    peered: Mapping[str, list[str]]
    """The keys of a package's snapshots that have a suffix, by the package's key."""

    def variants(self, key: str) -> list[str]:
        """The keys of a package's snapshots."""
        own = [key] if key in self.snapshots and key[-1:] != ")" else []
        return own + self.peered.get(key, [])


def format_version(layout: Layout, part: Part) -> str:
    """The text of ``lockfileVersion``; raises DocumentError for an unknown version."""
    value = layout.top(part, "lockfileVersion")
    text = str(value).removesuffix("-inlineSpecifiers")
    if isinstance(value, bool) or text not in _GENERATIONS:
        raise DocumentError(
            f"lockfileVersion: expected 5 to 5.4, 6.0, 6.1, 7.0 or 9.0, found {named(value)}",
            path=layout.path,
            line=layout.line(part.top.get("lockfileVersion", 0)) if part.top else 1,
            fix="let a pnpm that npm-vetted knows write it (pnpm 6 to 12), or upgrade npm-vetted",
        )
    return str(value)


def keyed_documents(layout: Layout) -> Iterator[KeyedDocument]:
    """The documents, the project's last; raises DocumentError if there is none or more than two."""
    if not 1 <= len(layout.parts) <= 2:
        message = f"expected one or two YAML documents, found {len(layout.parts)}"
        raise DocumentError(message, path=layout.path, fix=REWRITE)
    for index, part in enumerate(layout.parts):
        text = format_version(layout, part)
        for key in ("packages", "snapshots", "importers"):
            place = part.top.get(key)
            if place is not None and key not in part.entries and layout.top(part, key):
                message = f"{key}: expected a table"
                raise DocumentError(message, path=layout.path, line=layout.line(place))
        packages = part.entries.get("packages", {})
        snapshots = part.entries.get("snapshots", {})
        hidden = next((key for key in packages if key.startswith(ENVIRONMENT)), None)
        if hidden is not None:
            line = layout.line(packages[hidden])
            raise DocumentError(f"{hidden!r} is no package's key", path=layout.path, line=line)
        generation = _GENERATIONS[text.removesuffix("-inlineSpecifiers")]
        is_last = index == len(layout.parts) - 1
        yield KeyedDocument(
            part=part,
            generation=generation,
            prefix="" if is_last else ENVIRONMENT,
            slash=generation < 7 or (generation == 7 and any(key[0] == "/" for key in packages)),
            split=generation == 9 or "snapshots" in part.entries,
            packages=packages,
            snapshots=snapshots,
            peered=_peered(layout, packages, snapshots),
        )


def _peered(
    layout: Layout, packages: Mapping[str, int], snapshots: Mapping[str, int]
) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in [key for key in snapshots if key[-1:] == ")" or key not in packages]:
        base = without_suffix(key)
        if base not in packages:
            message = f"the snapshot {key!r} has no package"
            line = layout.line(snapshots[key])
            raise DocumentError(message, path=layout.path, line=line, fix=REWRITE)
        found.setdefault(base, []).append(key)
    return found


def parts_of(document: KeyedDocument, key: str) -> tuple[str, str]:
    """How a dependent refers to a key: the name, and the reference behind it.

    Both are texts as in the YAML; '' if the form of the key does not tell.
    """
    name, _ = split_key(document, key)
    reference = key.removeprefix("/").removeprefix(name)[1:] if name else key
    return name, "" if "'" in reference else reference


_GROUPS_OF_PEERS: Final = re.compile(
    r"(?:\((?:[^()]++|\((?:[^()]++|\((?:[^()]++|\([^()]*+\))*\))*\))*\))+"
)
"""Groups of parentheses, nested up to four deep; deeper ones are counted character by character."""


def without_suffix(key: str) -> str:
    """A key without its peers and patch: the groups of parentheses that it ends with."""
    if key[-1:] != ")":
        return key
    start = key.find("(")
    if start > 0 and _GROUPS_OF_PEERS.fullmatch(key, start):
        return key[:start]
    depth = 0
    for index in range(len(key) - 1, -1, -1):
        char = key[index]
        if char == ")":
            depth += 1
        elif char == "(":
            depth -= 1
        elif depth == 0:
            return key[: index + 1]
    return key


def name_of(key: str) -> str:
    """The name that a key begins with."""
    bare = key.removeprefix("/")
    found = re.match(r"(@[^/@]+/)?[^/@]+", bare)
    return found.group() if found else bare


def split_key(document: KeyedDocument, key: str) -> tuple[str, str | None]:
    """The name and version in a key; '' for the name if only the entry's fields have it."""
    if document.slash:
        if not key.startswith("/"):
            return "", None
        bare = key[1:]
        if document.generation == 5:
            name, _, version = bare.rpartition("/")  # among peers it is written as '+'
            return name, version.partition("_")[0]
        return _at(without_suffix(bare))
    name, version = _at(key)
    return name, version if _VERSION.match(version) else None


def _at(text: str) -> tuple[str, str]:
    name, _, version = text[1:].partition("@")
    return text[:1] + name, version


def is_on_registry(key: str, name: str, version: str) -> bool:
    """Whether a key has the form ``registry.host/name/1.2.3``, possibly with peers."""
    bare = key if "(" not in key else without_suffix(key)
    return (
        not key.startswith("@")
        and re.fullmatch(
            rf"[^/@]+(?::\d+)?(?:/[^/]+)*/{re.escape(name)}[/@]{re.escape(version)}(?:_.*)?", bare
        )
        is not None
    )


def key_of_reference(document: KeyedDocument, name: str, reference: str) -> str:
    """The key that a reference of a dependency called ``name`` leads to, as pnpm resolves it."""
    head = reference.partition("(")[0]
    if document.slash:
        if reference.startswith("file:") or "/" in head:
            return reference
        return f"/{name}{'/' if document.generation == 5 else '@'}{reference}"
    if reference.startswith("@"):
        return reference
    at, colon = head.find("@"), head.find(":")
    if at >= 0 and (colon < 0 or at < colon):
        return reference
    return f"{name}@{reference}"
