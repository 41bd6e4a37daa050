"""Converts lockfiles of npm 4 to 6 into the shape of version 3: one table for each installed place."""

from __future__ import annotations

import re
from collections.abc import Mapping

from npm_vetted.clients.npm.layout import Layout, Raw
from npm_vetted.clients.npm.lockfile import NpmLockfile
from npm_vetted.clients.npm.places import EXACT, MODULES, TARBALL, clean_path
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import DEPTH_LIMIT, Document, dotted, named


class LegacyLayout(Layout):
    """A lockfile of npm 4 to 6: ``dependencies`` nested as in node_modules, without the root.

    Each table is converted to the fields of version 3. Dependencies nested below a link are placed
    below the link's target.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self._tree = self._flattened()
        self.packages = {place: raw for place, (raw, _) in self._tree.items()}
        self.blocks = {place: raw for place, raw in self.packages.items() if place}

    def line_of(self, place: str, *keys: str) -> int:
        return self.document.line_of(*self._tree[place][1], *keys)

    def _flattened(self) -> Mapping[str, tuple[Raw, tuple[str, ...]]]:
        """Each place in the file's order: its table, and the path of keys to it in the document."""
        found: dict[str, tuple[Raw, tuple[str, ...]]] = {}
        todo: list[tuple[str, tuple[str, ...], Raw]] = [("", (), self.document.root().data)]
        while todo:
            folder, keys, holder = todo.pop()
            if len(keys) > DEPTH_LIMIT:
                raise self._at("nested too deeply", keys)
            below: list[tuple[str, tuple[str, ...], Raw]] = []
            keys = (*keys, "dependencies")
            for name, raw in self._table(holder, keys).items():
                path = (*keys, name)
                place = f"{folder}/{MODULES}{name}" if folder else f"{MODULES}{name}"
                if not isinstance(raw, dict):
                    raise self._at(f"expected a table, found {named(raw)}", path)
                if place in found:
                    raise self._at(f"a second entry for {place}", path)
                converted = self._converted(raw, path)
                found[place] = converted, path
                if converted.get("link"):
                    place = str(converted["resolved"])
                    target = {key: converted[key] for key in ("dependencies",) if key in converted}
                    found.setdefault(place, (target, path))
                below.append((place, path, raw))
            todo += reversed(below)
        return found

    def _table(self, holder: Raw, keys: tuple[str, ...]) -> Raw:
        """The table at the last of these keys; empty if it is missing or ``true``, which means unknown."""
        value = holder.get(keys[-1])
        if value is None or value is True:
            return {}
        if not isinstance(value, dict):
            raise self._at(f"expected a table, found {named(value)}", keys)
        return value

    def _converted(self, raw: Raw, keys: tuple[str, ...]) -> Raw:
        """A table of version 1 with the fields of version 3."""
        version = raw.get("version")
        if version is not None and not isinstance(version, str):
            raise self._at(f"expected a string, found {named(version)}", (*keys, "version"))
        found: dict[str, object] = {
            "integrity": raw.get("integrity"),
            "dependencies": self._table(raw, (*keys, "requires")),
        }
        if "bundled" in raw:
            found["inBundle"] = raw["bundled"]
        if version is None or EXACT.match(version):
            source = raw.get("from")
            if version is None and "resolved" not in raw and _is_folder(source):
                return found | {"link": True, "resolved": clean_path(_path_of(str(source)))}
            return found | {"version": version, "resolved": raw.get("resolved")}
        if version.startswith("npm:"):
            name, at, version = version[4:].rpartition("@")
            if not at or not name:
                raise self._at(f"no alias: {raw['version']!r}", (*keys, "version"))
            return found | {"name": name, "version": version, "resolved": raw.get("resolved")}
        if version.startswith("file:") and not TARBALL.search(version):
            return found | {"link": True, "resolved": clean_path(_path_of(version))}
        return found | {"resolved": version, "version": _version_in_url(keys[-1], version)}

    def _at(self, message: str, keys: tuple[str, ...]) -> DocumentError:
        words = f"{dotted(keys)}: {message}"
        return DocumentError(words, path=self.document.path, line=self.document.line_of(*keys))


class LegacyLockfile(NpmLockfile):
    """A lockfile without ``packages``: it records neither scripts nor which package bundles another."""

    @property
    def graph(self) -> bool:
        """Whether the lockfile has ``requires``; npm 4 and the first npm 5 did not write it."""
        return self.layout.document.root().data.get("requires") is True

    def _scripts(self, key: str) -> bool | None:  # noqa: ARG002
        return None

    def _bundles(self, key: str) -> frozenset[str]:
        """The names that a package bundles. The format lists none: those required, nested and marked count."""
        below = f"{key}/{MODULES}"
        names = (name for name in self._wanted(key) if below + name in self.packages)
        return frozenset(name for name in names if self._flag(below + name, "inBundle"))


def _is_folder(source: object) -> bool:
    """Whether npm 4's ``from`` names a folder; npm 4 wrote no other field for one."""
    return isinstance(source, str) and re.match(r"file:|\.{0,2}/", source) is not None


def _version_in_url(name: str, url: str) -> str | None:
    """The version in a tarball's file name, as npm guesses it where version 1 has only the URL."""
    base = url.partition("#")[0].partition("?")[0].rpartition("/")[2]
    prefix = f"{name.rpartition('/')[2]}-"
    if not base.startswith(prefix) or not base.endswith(".tgz"):
        return None
    version = base[len(prefix) : -len(".tgz")]
    return version if EXACT.match(version) else None


def _path_of(specifier: str) -> str:
    """The path of ``file:…``, or of a bare path."""
    return specifier.removeprefix("file:")
