"""The patches that a pnpm lockfile applies: each patch's file, its hash, and the patched packages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from posixpath import dirname, join, normpath
from typing import Final

from npm_vetted.clients.pnpm.settings import manifest_beside, root_above, settings_beside
from npm_vetted.clients.shared.lockfile import PATCH_SUFFIXES
from npm_vetted.model import Location, Problem, Read

_BRACKETS: Final = re.compile(r"\((?:patch_hash=(?P<hash>[^()]*)(?=\)))?|\)")


class Patches:
    """``patchedDependencies`` of a lockfile, with the files that the settings name for them.

    pnpm chooses a patch by the package's name and version, not by the snapshot's key: an exact
    version first, then a range, then the bare name. A range counts for every version without a
    patch of its own, so that a note binds too much rather than too little.
    """

    def __init__(self, lockfile: str, data: object, read: Read, line: int) -> None:
        self.lockfile = lockfile
        self.line = line
        self._read = read
        self._data = data if isinstance(data, dict) else {}

    def __bool__(self) -> bool:
        return bool(self._data)

    @cached_property
    def _root(self) -> str:
        return root_above(dirname(self.lockfile), self._read)

    @cached_property
    def declared(self) -> Mapping[str, str]:
        """The files that pnpm-workspace.yaml, else package.json, names for each patched package."""
        found: dict[str, str] = {}
        pnpm = manifest_beside(self._root, self._read).get("pnpm")
        for source in (pnpm, settings_beside(self._root, self._read)):
            table = source.get("patchedDependencies") if isinstance(source, dict) else None
            if isinstance(table, dict):
                found |= {str(key): value for key, value in table.items() if isinstance(value, str)}
        return found

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for key in self._data:
            found.setdefault(_name(key), []).append(key)
        return {name: tuple(keys) for name, keys in found.items()}

    def concern(self, name: str) -> bool:
        """Whether a package of this name may be patched."""
        return name in self._by_name

    def _selector(self, name: str, version: str | None, snapshots: Sequence[str]) -> str | None:
        """The key of ``patchedDependencies`` that applies to a package; None: none does."""
        keys = self._by_name.get(name, ())
        if f"{name}@{version}" in keys:
            return f"{name}@{version}"
        for key in keys:
            digest = self._hash(key)
            if digest and any(digest in _own_hashes(snapshot) for snapshot in snapshots):
                return key
        ranges = [key for key in keys if not _exact(key)]
        return ranges[0] if ranges else None

    def _hash(self, key: str) -> str | None:
        value = self._data.get(key)
        value = value.get("hash") if isinstance(value, dict) else value
        return value if isinstance(value, str) else None

    def _recorded(self, key: str) -> str | None:
        """The patch file that the lockfile itself names (pnpm 9 and 10); None: it names none."""
        value = self._data.get(key)
        path = value.get("path") if isinstance(value, dict) else None
        return path if isinstance(path, str) else None

    def _path(self, key: str) -> str | None:
        """The patch file from the repository's top; None if the settings name none inside it."""
        declared, recorded = self.declared.get(key), self._recorded(key)
        name, folder = declared or recorded, self._root if declared else dirname(self.lockfile)
        if name is None or name.startswith("/"):
            return None
        path = normpath(join(folder, name))
        return path if path.endswith(PATCH_SUFFIXES) and not path.startswith("../") else None

    def path_of(self, name: str, version: str | None, snapshots: Sequence[str]) -> str | None:
        """The patch file of a package, as a path from the top; None: no patch, or none in the repository."""
        key = self._selector(name, version, snapshots)
        return None if key is None else self._path(key)

    def digest(self, name: str, version: str | None, snapshots: Sequence[str]) -> str | None:
        """``sha256-<base64>`` of the patch file; ``missing`` (no hash that a note can have)."""
        key = self._selector(name, version, snapshots)
        if key is None:
            return "missing" if any(map(_own_hashes, snapshots)) else None
        data = self._content(key)
        if data is None:
            return "missing"
        import base64
        import hashlib

        return f"sha256-{base64.b64encode(hashlib.sha256(data).digest()).decode()}"

    def _content(self, key: str) -> bytes | None:
        path = self._path(key)
        return None if path is None else self._read(path)

    def problems(self) -> Iterator[Problem]:
        """Problems: a missing patch file, one with another hash than the lockfile's, one without an entry."""
        fix = (("pnpm", "install", "--lockfile-only"), ("git", "add", self.lockfile))
        where = Location(self.lockfile, self.line)
        for key in self._data:
            data = self._content(key)
            path = self._path(key)
            digest = self._hash(key) or ""
            if data is None:
                message = (
                    f"the patch of {key} is not in the repository, as a .patch or .diff file: "
                    f"{path or self.declared.get(key, 'no path')}"
                )
                yield Problem(
                    message=message, location=where, package=_name(key), fix=fix, code="patch-differs",
                    key=key, value=path or "",
                )  # fmt: skip
            elif len(digest) == 64 and digest != _sha256(data):
                message = f"{path} is not the patch that the lockfile records for {key}"
                yield Problem(
                    message=message, location=where, package=_name(key), fix=fix, code="patch-differs",
                    key=key, value=f"{path} {digest} {_sha256(data)}",
                )  # fmt: skip
        for key, name in self.declared.items():
            recorded = self._recorded(key)
            at = normpath(join(self._root, name))
            moved = recorded and normpath(join(dirname(self.lockfile), recorded)) != at
            if key not in self._data or moved:
                message = f"the settings patch {key} with {name}, the lockfile does not"
                yield Problem(
                    message=message, location=where, package=_name(key), fix=fix, code="patch-differs",
                    key=key, value=f"{name} {recorded}",
                )  # fmt: skip


def _sha256(data: bytes) -> str:
    """The hash that pnpm makes of a patch file: line endings do not matter."""
    import hashlib

    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()


def _name(key: str) -> str:
    return key[:1] + key[1:].partition("@")[0]


def _exact(key: str) -> bool:
    version = key[1:].partition("@")[2]
    return version[:1].isdigit() and all(
        part.isdigit() for part in version.split("-")[0].split(".")
    )


def _own_hashes(snapshot: str) -> list[str]:
    """The hashes of a snapshot's own patches; a hash inside the parentheses of a peer is the peer's."""
    found, depth = [], 0
    for part in _BRACKETS.finditer(snapshot):
        if part[0] == ")":
            depth -= 1
            continue
        if depth == 0 and part["hash"] is not None:
            found.append(part["hash"])
        depth += 1
    return found
