"""Rush's configuration, and the pnpm project that Rush generates from it in ``common/temp``.

Rush generates a workspace in ``common/temp`` (which is not committed) from rush.json and the files
in ``common/config``, and runs pnpm there. ``generated`` returns the same files, so that the rules
for pnpm apply to Rush. Seen with Rush 5.179.0.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Document
from npm_vetted.formats.json import load_jsonc
from npm_vetted.model import Location, Manifest, Pin, Problem, Project, Read
from npm_vetted.packages.manifest import NAME, read_manifest

PROGRAM_KEYS: Final = {
    "rushVersion": "@microsoft/rush", "pnpmVersion": "pnpm", "npmVersion": "npm", "yarnVersion": "yarn",
}  # fmt: skip
"""The keys of rush.json that name what install-run-rush.js and Rush fetch and run."""
RUSH: Final = "rush.json"
CONFIG: Final = "common/config/rush"
SUBSPACES: Final = "common/config/subspaces"
PNPM_CONFIG: Final = "pnpm-config.json"
LOCKFILE: Final = "pnpm-lock.yaml"
DEFAULT: Final = "default"
"""The subspace of the projects that name none."""
_TEMP: Final = "common/temp"
_PATCHES: Final = "common/pnpm-patches"
_WORKSPACE: Final = "pnpm-workspace.yaml"
_FIELDS: Final = {
    "globalOverrides": "overrides",
    "globalPackageExtensions": "packageExtensions",
    "globalPeerDependencyRules": "peerDependencyRules",
    "globalAllowedDeprecatedVersions": "allowedDeprecatedVersions",
    "globalPatchedDependencies": "patchedDependencies",
    "globalIgnoredOptionalDependencies": "ignoredOptionalDependencies",
    "globalNeverBuiltDependencies": "neverBuiltDependencies",
    "globalOnlyBuiltDependencies": "onlyBuiltDependencies",
    "trustPolicy": "trustPolicy",
    "trustPolicyExclude": "trustPolicyExclude",
    "trustPolicyIgnoreAfterMinutes": "trustPolicyIgnoreAfter",
}
"""Keys of pnpm-config.json that go into package.json, or from pnpm 11 on into pnpm-workspace.yaml."""
_ALWAYS: Final = {
    "globalCatalogs": "catalogs",
    "globalAllowBuilds": "allowBuilds",
    "minimumReleaseAgeMinutes": "minimumReleaseAge",
    "minimumReleaseAge": "minimumReleaseAge",
    "minimumReleaseAgeExclude": "minimumReleaseAgeExclude",
}
"""Keys that go into pnpm-workspace.yaml with every pnpm."""
KEYS: Final[Mapping[str, str]] = {**_FIELDS, **_ALWAYS}
_BUILT: Final = ("neverBuiltDependencies", "onlyBuiltDependencies")


HOOKS: Final = ".pnpmfile.cjs"
_COMMENT: Final = re.compile(rb"/\*.*?\*/|^\s*//[^\n]*$", re.DOTALL | re.MULTILINE)
_NOTHING: Final = (
    b"'usestrict';module.exports={hooks:{readPackage}};"
    b"functionreadPackage(packageJson,context){returnpackageJson;}"
)
"""The pnpmfile of ``rush init`` without its comments and blanks."""


class Subspace(NamedTuple):
    """A part of the repository with a lockfile of its own; without subspaces there is one, ``''``.

    ``root`` is the folder of rush.json.
    """

    root: str
    name: str

    @property
    def folder(self) -> str:
        """Where its settings and its lockfile are committed."""
        return posixpath.join(self.root, f"{SUBSPACES}/{self.name}" if self.name else CONFIG)

    @property
    def temp(self) -> str:
        """Where Rush generates its workspace."""
        return posixpath.join(self.root, _TEMP, self.name).rstrip("/")

    @property
    def lockfile(self) -> str:
        """The lockfile that Rush copies to the workspace."""
        return posixpath.join(self.folder, LOCKFILE)


def subspace_of(lockfile: str) -> Subspace:
    """The subspace that a lockfile is of, by its path."""
    folder = posixpath.dirname(lockfile)
    if folder == CONFIG or folder.endswith(f"/{CONFIG}"):
        return Subspace(folder[: -len(CONFIG)].rstrip("/"), "")
    above, _, name = folder.rpartition("/")
    return Subspace(above[: -len(SUBSPACES)].rstrip("/"), name)


def load_rush(root: str, read: Read) -> Document | None:
    """rush.json of a folder; None where there is none. Raises DocumentError."""
    return _load(posixpath.join(root, RUSH), read)


def _load(path: str, read: Read) -> Document | None:
    data = read(path)
    if data is None:
        return None
    document = load_jsonc(path, data)
    document.root()
    return document


def projects_of(document: Document) -> Iterator[tuple[str, str]]:
    """The folder of each project, and the subspace that it names."""
    listed = document.root().data.get("projects")
    for at, each in enumerate(listed if isinstance(listed, list) else ()):
        folder = each.get("projectFolder") if isinstance(each, dict) else None
        if not isinstance(folder, str):
            raise DocumentError(
                "expected a table with projectFolder",
                path=document.path,
                line=document.line_of("projects", at),
            )
        named = each.get("subspaceName")
        yield posixpath.normpath(folder), named if isinstance(named, str) else DEFAULT


def read_rush(path: str, data: bytes) -> Manifest:
    """rush.json as the root's manifest: its projects are the workspaces."""
    document = load_jsonc(path, data)
    said = document.root().data
    programs = {key: said[key] for key in PROGRAM_KEYS if key in said}
    return Manifest(
        path=path, name=None, version=None, private=True, requires=(),
        workspaces=tuple(folder for folder, _ in projects_of(document)), scripts={}, data=programs,
        line_of=document.line_of,
    )  # fmt: skip


def has_subspaces(root: str, read: Read) -> bool:
    """Whether subspaces.json switches subspaces on."""
    document = _load(posixpath.join(root, CONFIG, "subspaces.json"), read)
    return document is not None and document.root().data.get("subspacesEnabled") is True


def subspaces(root: str, read: Read) -> Sequence[Subspace]:
    """The subspaces that projects name; without the feature the one of the whole repository."""
    if not has_subspaces(root, read):
        return [Subspace(root, "")]
    document = load_rush(root, read)
    names = {DEFAULT, *(name for _, name in projects_of(document))} if document else {DEFAULT}
    return [Subspace(root, name) for name in sorted(names)]


def folders_of(subspace: Subspace, read: Read) -> list[str]:
    """The projects of a subspace, relative to the folder of rush.json."""
    document = load_rush(subspace.root, read)
    found = projects_of(document) if document is not None else ()
    return sorted(folder for folder, name in found if subspace.name in ("", name))


def pnpm_pin(root: str, read: Read) -> Pin | None:
    """The pnpm that Rush installs and runs: ``pnpmVersion``; None: it uses npm or Yarn."""
    document = load_rush(root, read)
    version = document.root().data.get("pnpmVersion") if document else None
    if document is None or not isinstance(version, str):
        return None
    numbers = version.partition("-")[0].split(".")
    exact = len(numbers) == 3 and all(each.isascii() and each.isdigit() for each in numbers)
    minimum = (int(numbers[0][:9]), int(numbers[1][:9]), int(numbers[2][:9])) if exact else None
    where = Location(document.path, document.line_of("pnpmVersion"))
    return Pin(client="pnpm", minimum=minimum, exact=exact, enforced=exact, location=where)


def pnpm_config(subspace: Subspace, read: Read) -> Document | None:
    """The pnpm-config.json that holds for a subspace: its own, else the common one."""
    for folder in (subspace.folder, posixpath.join(subspace.root, CONFIG)):
        document = _load(posixpath.join(folder, PNPM_CONFIG), read)
        if document is not None:
            return document
    return None


def generated(subspace: Subspace, read: Read) -> Read:
    """Read the repository as if Rush had generated the workspace of a subspace."""
    return partial(_read_generated, subspace, read, {})


def _read_generated(
    subspace: Subspace, read: Read, made: dict[str, bytes], path: str
) -> bytes | None:
    temp = f"{subspace.temp}/"
    if not path.startswith(temp):
        return read(path)
    if not made:
        made |= _files(subspace, read)
    name = path.removeprefix(temp)
    if name in made:
        return made[name]
    if name.startswith("patches/"):
        inner = posixpath.join(subspace.name, name.removeprefix("patches/"))
        return read(posixpath.join(subspace.root, _PATCHES, inner))
    return None


def _files(subspace: Subspace, read: Read) -> dict[str, bytes]:
    document = pnpm_config(subspace, read)
    config = {} if document is None else dict(document.root().data)
    pin = pnpm_pin(subspace.root, read)
    is_new = pin is not None and pin.minimum is not None and pin.minimum[0] >= 11
    manifest: dict[str, object] = {"name": "rush-common", "version": "0.0.0", "private": True}
    extra = config.get("unsupportedPackageJsonSettings")
    up = "../.." if not subspace.name else "../../.."
    workspace: dict[str, object] = {
        "packages": [f"{up}/{folder}" for folder in folders_of(subspace, read)],
        # Rush passes it on the command line, false where nothing is said.
        "autoInstallPeers": config.get("autoInstallPeers") is True,
    }
    own = {_FIELDS[key]: value for key, value in config.items() if key in _FIELDS}
    workspace |= {_ALWAYS[key]: value for key, value in config.items() if key in _ALWAYS}
    if is_new:
        workspace |= {key: value for key, value in own.items() if key not in _BUILT}
        workspace.setdefault("allowBuilds", _builds(own))
    else:
        manifest["pnpm"] = own
        workspace.pop("allowBuilds", None)
    if isinstance(extra, dict):
        manifest |= extra
    made = {
        NAME: json.dumps(manifest).encode(),
        _WORKSPACE: json.dumps(workspace).encode(),
        ".npmrc": _npmrc(subspace, read) + _peers(config),
    }
    hooks = own_hooks(subspace, read)
    if hooks is not None:
        made[HOOKS] = hooks[1]
    return made


def own_hooks(subspace: Subspace, read: Read) -> tuple[str, bytes] | None:
    """The repository's pnpmfile, with its path; the one that ``rush init`` writes does nothing."""
    common = posixpath.join(subspace.root, CONFIG, HOOKS)
    for path in (posixpath.join(subspace.folder, ".pnpmfile-subspace.cjs"), common):
        data = read(path)
        if data is not None and b"".join(_COMMENT.sub(b"", data).split()) != _NOTHING:
            return path, data
    return None


def prefers(subspace: Subspace, read: Read) -> bool:
    """Whether common-versions.json prefers versions: Rush then rewrites the manifests' requirements."""
    for folder in (subspace.folder, posixpath.join(subspace.root, CONFIG)):
        document = _load(posixpath.join(folder, "common-versions.json"), read)
        if document is not None:
            return document.root().data.get("preferredVersions") not in (None, {})
    return False


def _builds(own: Mapping[str, object]) -> dict[str, bool]:
    """Rush's translation of the older lists for pnpm 11."""
    found: dict[str, bool] = {}
    for key, value in (("onlyBuiltDependencies", True), ("neverBuiltDependencies", False)):
        listed = own.get(key)
        found |= dict.fromkeys(map(str, listed if isinstance(listed, list) else ()), value)
    return found


def npmrc_paths(subspace: Subspace) -> list[str]:
    """The .npmrc files that Rush puts together, the last one winning."""
    folders = dict.fromkeys((posixpath.join(subspace.root, CONFIG), subspace.folder))
    return [posixpath.join(folder, ".npmrc") for folder in folders]


def _npmrc(subspace: Subspace, read: Read) -> bytes:
    parts = (read(path) for path in npmrc_paths(subspace))
    return b"".join(part + b"\n" for part in parts if part is not None)


def _peers(config: Mapping[str, object]) -> bytes:
    """Rush passes autoInstallPeers to pnpm; the default is false."""
    value = config.get("autoInstallPeers") is True
    return b"auto-install-peers=" + (b"true" if value else b"false") + b"\n"


def shadow(project: Project, subspace: Subspace) -> Project:
    """The pnpm project that Rush generates for a subspace."""
    read = generated(subspace, project.read)
    path = posixpath.join(subspace.temp, NAME)
    return Project(
        path=subspace.temp,
        manifest=read_manifest(path, read(path) or b"{}"),
        members={},
        client="pnpm",
        lockfiles=(),
        pin=pnpm_pin(subspace.root, project.read),
        read=read,
        tracked=project.tracked,
    )


def real_problem(problem: Problem, subspace: Subspace, read: Read) -> Problem:
    """A problem of the generated files at the committed file that it comes from."""
    place = real_place(problem.location, problem.key, subspace, read)
    fix = tuple(
        tuple(real_place(Location(word), "", subspace, read).path for word in words)
        for words in problem.fix
    )
    return problem._replace(location=place, fix=fix)


def real_place(place: Location, key: str, subspace: Subspace, read: Read) -> Location:
    """Where something of a generated file really is."""
    name = place.path.removeprefix(f"{subspace.temp}/")
    if name == place.path:
        return place
    if name == ".npmrc":
        return _npmrc_line(place.line, subspace, read)
    if name in (NAME, _WORKSPACE):
        document = pnpm_config(subspace, read)
        if document is None:
            return Location(posixpath.join(subspace.root, RUSH))
        written = key.removeprefix("pnpm.").partition(".")[0]
        own = next((old for old, new in KEYS.items() if new == written), written)
        return Location(document.path, document.line_of(own))
    if name.startswith("patches/"):
        inner = posixpath.join(subspace.name, name.removeprefix("patches/"))
        return place._replace(path=posixpath.join(subspace.root, _PATCHES, inner))
    hooks = own_hooks(subspace, read) if name == HOOKS else None
    return place._replace(path=hooks[0] if hooks else posixpath.join(subspace.folder, name))


def _npmrc_line(line: int, subspace: Subspace, read: Read) -> Location:
    paths = npmrc_paths(subspace)
    for path in paths:
        data = read(path)
        if data is None:
            continue
        lines = data.count(b"\n") + 1
        if line <= lines:
            return Location(path, line)
        line -= lines
    return Location(paths[-1])


def each_shadow(
    project: Project,
) -> Iterator[tuple[Subspace, Project, Callable[[Problem], Problem]]]:
    """Each subspace, its pnpm project, and a function that maps a problem to Rush's own file."""
    for subspace in subspaces(project.path, project.read):
        place = partial(real_problem, subspace=subspace, read=project.read)
        yield subspace, shadow(project, subspace), place
