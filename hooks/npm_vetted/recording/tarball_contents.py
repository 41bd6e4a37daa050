"""Reads a package's tarball: its scripts, its bundled packages, and the pins of its npm-shrinkwrap.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from npm_vetted.errors import UndecidedError
from npm_vetted.model import BundledPackage

_FOLDER: Final = re.compile(r"(?:node_modules/((?:@[^/]+/)?[^/@]+)/)+package\.json\Z")
_LIFECYCLE: Final = ("preinstall", "install", "postinstall")
_MANIFEST: Final = "package.json"
_SHRINKWRAP: Final = "npm-shrinkwrap.json"


def bundled_in(label: str, files: Mapping[str, bytes]) -> tuple[BundledPackage, ...]:
    """The packages in a tarball's node_modules, by the manifest of each; sorted by their folders.

    Raises UndecidedError where one of these manifests cannot be read.
    """
    found = []
    for path in sorted(files):
        folder = _FOLDER.match(path)
        if folder is None:
            continue
        data = _object(label, path, files[path])
        name, version = data.get("name", folder[1]), data.get("version")
        if not isinstance(name, str) or not isinstance(version, str) or not (name and version):
            raise UndecidedError(f"{label}: {path} in its tarball has no name or version")
        home = path.removesuffix("/package.json")
        found.append(BundledPackage(name, version, home, tuple(_scripts(data, files, home))))
    return tuple(found)


def scripts_in(label: str, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """The lifecycle scripts that an install of the package runs, by its own manifest."""
    return tuple(_scripts(_object(label, _MANIFEST, files.get(_MANIFEST, b"")), files, ""))


def bundles_something(label: str, files: Mapping[str, bytes]) -> bool:
    """Whether the package's own manifest has a client take dependencies from the tarball."""
    data = _object(label, _MANIFEST, files.get(_MANIFEST, b""))
    fields = [data.get(key) for key in ("bundleDependencies", "bundledDependencies")]
    return any(fields) and any(_FOLDER.match(path) for path in files)


def _scripts(data: Mapping[str, object], files: Mapping[str, bytes], home: str) -> Iterator[str]:
    """The lifecycle scripts of a package in the folder ``home``; npm builds what has a binding.gyp."""
    scripts = data.get("scripts")
    names = [each for each in _LIFECYCLE if isinstance(scripts, dict) and scripts.get(each)]
    yield from names
    gyp = f"{home}/binding.gyp" if home else "binding.gyp"
    built = gyp in files and data.get("gypfile") is not False
    if built and not {"preinstall", "install"} & set(names):
        yield "install"


def shrinkwrap_in(label: str, files: Mapping[str, bytes]) -> tuple[BundledPackage, ...] | None:
    """The pins of a tarball's npm-shrinkwrap.json; None if it has no such file.

    Raises UndecidedError if the file cannot be read, or pins a package without a hash.
    """
    data = files.get(_SHRINKWRAP)
    if data is None:
        return None
    packages = _object(label, _SHRINKWRAP, data).get("packages")
    if not isinstance(packages, dict):
        raise UndecidedError(
            f"{label}: the {_SHRINKWRAP} in its tarball is of npm 6 or older, which is not read"
        )
    return tuple(_pinned(label, packages))


def _pinned(label: str, packages: Mapping[str, object]) -> Iterator[BundledPackage]:
    for path, raw in sorted(packages.items()):
        if not path or (isinstance(raw, dict) and (raw.get("dev") or raw.get("inBundle"))):
            continue  # npm leaves out what is only for development
        version = raw.get("version") if isinstance(raw, dict) else None
        integrity = raw.get("integrity") if isinstance(raw, dict) else None
        if not isinstance(raw, dict) or not isinstance(version, str) or not integrity:
            raise UndecidedError(
                f"{label}: the {_SHRINKWRAP} in its tarball pins {path} by no hash"
            )
        name = raw.get("name", path.rpartition("node_modules/")[2])
        yield BundledPackage(str(name), version, path, (), str(integrity))


def _object(label: str, path: str, data: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UndecidedError(f"{label}: {path} in its tarball is no JSON object")
    return found
