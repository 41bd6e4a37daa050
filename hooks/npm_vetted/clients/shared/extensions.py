"""``packageExtensions`` of the root's manifest: the dependencies that they add to packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from npm_vetted.model import Manifest
from npm_vetted.packages.ranges import satisfies

Extension = Mapping[str, Mapping[str, object]]


def declared_extensions(root: Manifest | None) -> Mapping[str, Extension]:
    """The extensions by selector: a name, or a name and a range."""
    found = root.data.get("packageExtensions") if root is not None else None
    if not isinstance(found, dict):
        return {}
    return cast("Mapping[str, Extension]", {k: v for k, v in found.items() if isinstance(v, dict)})


def extended_name(selector: str) -> str:
    """The package name in a selector: ``a`` in ``a@^1``."""
    at = selector.find("@", 1)
    return selector if at < 0 else selector[:at]


def extensions_of(
    name: str, version: str | None, declared: Mapping[str, Extension]
) -> dict[str, Extension]:
    """The extensions whose selector matches a version of a package, by selector."""
    found = {}
    for selector, extension in declared.items():
        wanted = selector[len(extended_name(selector)) + 1 :].strip().removeprefix("npm:")
        about = not wanted or (version is not None and satisfies(version, wanted) is True)
        if extended_name(selector) == name and about:
            found[selector] = extension
    return found
