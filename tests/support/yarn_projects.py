"""Projects in memory and on disk, as the tests of both Yarns need them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.errors import DocumentError
from npm_vetted.model import Manifest, Pin, Project
from npm_vetted.packages.manifest import read_manifest


def folder_reader(folder: Path) -> Callable[[str], bytes | None]:
    def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    return read


def manifests_of(folder: Path, *members: str) -> dict[str, Manifest]:
    paths = {member: f"{member}/package.json" for member in members} | {"": "package.json"}
    return {
        member: read_manifest(path, (folder / path).read_bytes())
        for member, path in sorted(paths.items())
    }


def make_project(files: Mapping[str, str | bytes], pin: Pin | None = None) -> Project:
    """A project at the top of a snapshot that holds these files."""
    data = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    data.setdefault("package.json", b'{"name": "demo"}')
    found = {
        path.rpartition("/")[0]: read_manifest(path, content)
        for path, content in data.items()
        if path.rpartition("/")[2] == "package.json"
    }
    root = found.pop("")
    return Project(
        path="",
        manifest=root,
        members=found,
        client=None,
        lockfiles=("yarn.lock",),
        pin=pin,
        read=data.get,
    )


class Allowed:
    """A policy that allows the two names of the public registry."""

    def allows(self, url: str) -> bool:
        return url.startswith(("https://registry.npmjs.org/", "https://registry.yarnpkg.com/"))

    def allows_proxy(self, url: str) -> bool:
        return url == "http://proxy.allowed.example/"

    def allows_authority(self, value: str) -> bool:
        return value == "allowed.pem"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    return folder


def contents(lockfile: Lockfile) -> dict[str, object]:
    """What each entry says, wherever it is."""
    found: dict[str, object] = {}
    for key in lockfile.blocks:
        entry = lockfile.entry(key)
        asks = [(asked.name, asked.specifier, asked.group) for asked in entry.requires]
        found[key] = (entry.artifact, asks)
    return found


def contents_or_error(
    read: Callable[[str], Lockfile], text: str
) -> tuple[Lockfile, dict[str, object]] | DocumentError:
    """The lockfile read to its end, or why it cannot be."""
    try:
        lockfile = read(text)
        return lockfile, contents(lockfile)
    except DocumentError as error:
        return error
