"""Overrides and resolutions of a manifest: the packages that they replace, and the new specifiers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

_FIELDS: Final = ("overrides", "resolutions")
_STEP: Final = re.compile(r"(?<=[^ |@:])>")
"""The ``>`` between a package and its dependency; ``>`` in a range such as ``@>=1`` is none.

Seen with pnpm 9 to 12 and Bun 1.4; only Bun takes ``npm:>=1`` for a range.
"""
_PART: Final = re.compile(r"((?:@[^/@]+/)?[^/@]+)(?:@(?:npm:(?:@[^/]+/)?)?[^/]*)?(?:/|\Z)")


def redirects_of(data: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Each package that a manifest's overrides replace, with its new specifier."""
    for field in _FIELDS:
        yield from override_leaves(data.get(field))


def override_leaves(table: object, above: str = "") -> Iterator[tuple[str, str]]:
    """The replaced packages of a table of overrides, with their new specifiers.

    Tables may be nested. The key ``.`` means the package of the table's own key, ``above``.
    """
    for selector, value in table.items() if isinstance(table, dict) else ():
        if isinstance(value, str):
            yield package_replaced_by(above if selector == "." else selector), value
        else:
            yield from override_leaves(value, selector)


def package_replaced_by(selector: str) -> str:
    """The package that a selector replaces: ``bb`` in ``cc>bb@1`` and ``bb@npm:^1``, ``@s/bb`` in ``**/@s/bb``."""
    parts = _PART.findall(_STEP.split(selector)[-1])
    return parts[-1] if parts else selector
