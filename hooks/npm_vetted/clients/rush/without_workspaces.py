"""npm-shrinkwrap.json and yarn.lock of Rush, which does not use workspaces with npm and Yarn.

1. Rush makes a package ``@rush-temp/NAME`` for each project, with the project's requirements.
2. It packs each to ``common/temp/projects/NAME.tgz``. These are not committed.
3. It runs the client on a package.json that depends on all of them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from npm_vetted.clients.npm import requirements
from npm_vetted.clients.npm.layout import Layout
from npm_vetted.clients.npm.legacy import LegacyLayout, LegacyLockfile
from npm_vetted.clients.rush.config import load_rush, subspace_of, temporary_names
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.yarn import lock_text
from npm_vetted.clients.yarn_classic.lockfile import ClassicLockfile
from npm_vetted.clients.yarn_classic.sync import disagreements as classic_disagreements
from npm_vetted.formats.json import load_json
from npm_vetted.model import (
    Artifact,
    Group,
    Kind,
    Location,
    Manifest,
    Problem,
    Read,
    Requirement,
)
from npm_vetted.packages.ranges import satisfies

_SCOPE = "@rush-temp/"


def read_temporary_lockfile(path: str, data: bytes, read: Read) -> Lockfile:
    """Read a lockfile that Rush made with npm or Yarn.

    Raises DocumentError for one of npm 7 and later, with which Rush cannot install.
    """
    if path.endswith("yarn.lock"):
        return _OfYarn(path, lock_text(path, data), read)
    document = load_json(path, data)
    root = document.root()
    if root.data.get("lockfileVersion") != 1 or "packages" in root.data:
        raise root.fail(
            "expected version 1, which npm 6 writes: Rush cannot install with npm 7 and later",
            "lockfileVersion",
            fix="write the pnpmVersion of Rush's documentation into rush.json in the place of npmVersion",
        )
    return _OfNpm(LegacyLayout(document), read)


class _Packed:
    """The projects whose packages ``@rush-temp/NAME`` are in a lockfile."""

    def __init__(self, path: str, read: Read) -> None:
        self.root = subspace_of(path).root
        self.temp = subspace_of(path).temp
        self.names = temporary_names(self.root, read)
        self.archives = {f"{_SCOPE}{name}": f"projects/{name}.tgz" for name in self.names.values()}
        self._read = read

    def made(self, artifact: Artifact | None) -> bool:
        """Whether an entry is the archive that Rush packs for a project."""
        if artifact is None or artifact.kind is not Kind.FILE or not artifact.resolved:
            return False
        written = artifact.resolved.removeprefix("file:").partition("#")[0]
        return self.archives.get(artifact.name) == written.removeprefix("./")

    def decoupled(self) -> Mapping[str, frozenset[str]]:
        """By a project's folder: the other projects that it takes from the registry (decoupled ones)."""
        document = load_rush(self.root, self._read)
        listed = document.root().data.get("projects") if document is not None else None
        found: dict[str, frozenset[str]] = {}
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, dict):
                names = each.get("decoupledLocalDependencies", each.get("cyclicDependencyProjects"))
                folder = posixpath.normpath(str(each.get("projectFolder")))
                found[folder] = frozenset(map(str, names if isinstance(names, list) else ()))
        return found

    def asked(self, folder: str, manifests: Mapping[str, Manifest]) -> dict[str, Requirement]:
        """The requirements in the package that Rush makes for a project, by name.

        Requirements that another project satisfies are left out. devDependencies win over dependencies.
        """
        own = {each.name: each.version for path, each in manifests.items() if path and each.name}
        decoupled = self.decoupled().get(folder, frozenset())
        found: dict[str, Requirement] = {}
        optional: dict[str, Requirement] = {}
        groups = (Group.PEER, Group.PRODUCTION, Group.DEVELOPMENT)
        for each in manifests[folder].requires:
            if each.group is Group.OPTIONAL:
                optional[each.name] = each
            elif each.name not in found or groups.index(each.group) >= groups.index(
                found[each.name].group
            ):
                found[each.name] = each
        linked = {
            name
            for name, each in found.items()
            if name in own
            and name not in decoupled
            and satisfies(own[name] or "", each.specifier) is True
        }
        return {
            name: each for name, each in {**found, **optional}.items()
            if name not in linked or name in optional
        }  # fmt: skip

    def disagreements(
        self, lockfile: Lockfile, keys: Mapping[str, str | None], manifests: Mapping[str, Manifest]
    ) -> Iterator[Problem]:
        """Differences between a project's manifest and the package of it in the lockfile."""
        for folder in sorted(manifests.keys() & self.names.keys()):
            manifest, key = manifests[folder], keys[folder]
            if key is None:
                message = f"{lockfile.path} does not know this project"
                yield _problem(lockfile, Location(manifest.path), message, manifest.path, "")
                continue
            wanted = self.asked(folder, manifests)
            locked = {each.name: each for each in lockfile.entry(key).requires}
            for name in sorted(wanted.keys() | locked.keys()):
                here = wanted[name].specifier if name in wanted else "nothing"
                there = locked[name].specifier if name in locked else "nothing"
                if here == there:
                    continue
                line = wanted[name].line if name in wanted else 1
                message = f"{name} is {here!r} here, and {lockfile.path} has {there!r}"
                yield _problem(lockfile, Location(manifest.path, line), message, name, there)


def _problem(lockfile: Lockfile, place: Location, message: str, key: str, value: str) -> Problem:
    return Problem(
        message=message, location=place, code="out-of-date", key=key, value=value,
        fix=(("rush", "purge"), ("rush", "update", "--full"), ("git", "add", lockfile.path)),
    )  # fmt: skip


class _OfNpm(LegacyLockfile):
    """common/config/rush/npm-shrinkwrap.json."""

    def __init__(self, layout: Layout, read: Read) -> None:
        super().__init__(layout, 1, read)
        self._packed = _Packed(self.path, read)

    @property
    def home(self) -> str:
        """The folder of rush.json."""
        return self._packed.root

    @cached_property
    def _keys(self) -> Mapping[str, str | None]:
        """The entry of each project's package; None where there is none."""
        found: dict[str, str | None] = {}
        for folder, name in self._packed.names.items():
            place = f"node_modules/{_SCOPE}{name}"
            is_made = place in self.packages and self._packed.made(super().artifact(place))
            found[folder] = place if is_made else None
        return found

    def artifact(self, key: str) -> Artifact | None:
        found = super().artifact(key)
        return None if self._packed.made(found) else found

    def resolve(
        self, origin: str | None, requirement: Requirement, importer: str = ""
    ) -> str | None:
        """The entry for a requirement; a project's own requirements are looked up from its package."""
        start = origin if origin is not None else self._keys.get(importer)
        return None if start is None else self.find(start, requirement.name)

    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        return self._packed.disagreements(self, self._keys, manifests)

    def contradictions(self, keys: Iterable[str], before: Iterable[Lockfile]) -> Iterator[Problem]:
        return requirements.entry_problems(self, keys, before)

    @property
    def base(self) -> str:
        """The folder of what Rush generates: other paths are relative to it."""
        return self._packed.temp


class _OfYarn(ClassicLockfile):
    """common/config/rush/yarn.lock."""

    def __init__(self, path: str, text: str, read: Read) -> None:
        super().__init__(path, text, read)
        self._packed = _Packed(path, read)

    @property
    def home(self) -> str:
        """The folder of rush.json."""
        return self._packed.root

    @cached_property
    def _keys_of_projects(self) -> Mapping[str, str | None]:
        """The entry of each project's package; None where there is none."""
        return {
            folder: self.index.get(f"{_SCOPE}{name}@file:./projects/{name}.tgz")
            for folder, name in self._packed.names.items()
        }

    def _artifact(self, key: str, fields: Mapping[str, str]) -> Artifact | None:
        found = super()._artifact(key, fields)
        return None if self._packed.made(found) else found

    @property
    def resolutions(self) -> Mapping[str, str]:
        """Always empty: Rush writes resolutions only into the projects' packages, where Yarn ignores them."""
        return {}

    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        yield from self._packed.disagreements(self, self._keys_of_projects, manifests)
        yield from classic_disagreements(self, {}, self._read)

    @property
    def base(self) -> str:
        """The folder of what Rush generates: other paths are relative to it."""
        return self._packed.temp
