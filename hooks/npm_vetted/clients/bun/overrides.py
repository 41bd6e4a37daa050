"""Compares ``overrides`` and ``resolutions`` with bun.lock, in the form that each version of Bun records.

Seen by running 1.2 to 1.4, with every form of a selector:

- If a manifest has ``overrides``, even an empty table, Bun ignores its ``resolutions``.
- Bun 1.4 (from version 2 of the lockfile on) supports one level of nesting. It records a selector of two
  names as a nested table, however the manifest spells it. It warns about deeper levels and ignores them.
- Older versions take a key of ``overrides`` literally, and read only the key ``.`` of a nested table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from npm_vetted.clients.bun.keys import components

FIRST_TO_NEST: Final = 2
"""The first version of the lockfile that a Bun with nested overrides writes."""

_ANYWHERE: Final = "**/"


class Selector(NamedTuple):
    """The package that an override replaces: everywhere, or only as a dependency of ``parent``."""

    parent: str
    target: str

    def __str__(self) -> str:
        return f"{self.parent} > {self.target}" if self.parent else self.target


Overrides = Mapping[Selector, str]


def recorded_overrides(head: Mapping[str, object], *, nests: bool) -> Overrides:
    """The overrides that a lockfile has."""
    table = head.get("overrides")
    if not isinstance(table, dict):
        return {}
    return dict(_leaves(table) if nests else _plain(table, "overrides"))


def declared_overrides(
    root: Mapping[str, object], asked: Mapping[str, str], *, nests: bool
) -> Overrides:
    """The overrides of a root manifest as Bun records them; ``$name`` is the manifest's own specifier of it."""
    field = "overrides" if isinstance(root.get("overrides"), dict) else "resolutions"
    table = root.get(field)
    if not isinstance(table, dict):
        return {}
    found = _leaves(table) if nests else _plain(table, field)
    written: dict[Selector, str] = {}
    for selector, value in found:
        text = asked.get(value[1:]) if value.startswith("$") else value
        if text is None and nests:
            text = value  # it leads nowhere: Bun 1.4 leaves it out, and refuses that when frozen
        if text is not None:
            written[_respelled(selector, value, nests=nests)] = text
    return written


def _leaves(table: Mapping[str, object]) -> Iterator[tuple[Selector, str]]:
    """The selectors and values of overrides with one level of nesting, in any spelling."""
    for key, value in table.items():
        path = _path(key)
        if isinstance(value, str):
            if value and 1 <= len(path) <= 2:
                yield _selector(path), value
            continue
        for inner, leaf in value.items() if isinstance(value, dict) else ():
            below = path if inner == "." else [*path, inner]
            if isinstance(leaf, str) and leaf and len(below) <= 2:
                yield _selector(below), leaf


def _plain(table: Mapping[str, object], field: str) -> Iterator[tuple[Selector, str]]:
    """The same for Bun before 1.4, which has no nesting."""
    for key, value in table.items():
        leaf = value.get(".") if isinstance(value, dict) else value
        name = key.removeprefix(_ANYWHERE) if field == "resolutions" else key
        if isinstance(leaf, str) and leaf and (field == "overrides" or len(components(name)) == 1):
            yield Selector("", name), leaf


def _path(key: str) -> list[str]:
    """The names of a selector with their ranges: ``a/**/@s/b``, ``a@1>b``."""
    left, _, right = key.partition(">")
    parts = components(left) + (components(right) if right else [])
    return [part for part in parts if part != "**"]


def _selector(path: list[str]) -> Selector:
    names = [re.sub(r"(?<=.)@npm:", "@", part) for part in path]
    return Selector(names[0] if len(names) == 2 else "", names[-1])


def _respelled(selector: Selector, value: str, *, nests: bool) -> Selector:
    """Before 1.4, Bun records a key as written, unless its value is a reference (``$name``)."""
    if nests or not value.startswith("$"):
        return selector
    return selector._replace(target=selector.target.removeprefix(_ANYWHERE))


def replaced_name(target: str) -> str:
    """The name in ``name@range``."""
    at = target.find("@", 1)
    return target[:at] if at > 0 else target
