"""Rush's configuration, and the project that Rush generates from it in ``common/temp``.

Rush generates a workspace in ``common/temp`` (which is not committed) from rush.json and the files
in ``common/config``, and runs pnpm, npm or Yarn there. ``generated`` returns the same files, so that
the rules for that client apply to Rush. Seen with Rush 5.179.0.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, count
from typing import Final, NamedTuple

from npm_vetted.clients.shared.programs import program_value
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Document
from npm_vetted.formats.json import load_jsonc
from npm_vetted.model import Location, Manifest, Pin, Problem, Project, Read
from npm_vetted.packages.manifest import NAME, read_manifest

PROGRAM_KEYS: Final = {
    "rushVersion": "@microsoft/rush", "pnpmVersion": "pnpm", "npmVersion": "npm", "yarnVersion": "yarn",
}  # fmt: skip
"""Keys of rush.json with the version of a program that install-run-rush.js or Rush fetches -> its package."""
RUSH: Final = "rush.json"
CONFIG: Final = "common/config/rush"
SUBSPACES: Final = "common/config/subspaces"
AUTOINSTALLERS: Final = "common/autoinstallers"
PNPM_CONFIG: Final = "pnpm-config.json"
LOCKFILE: Final = "pnpm-lock.yaml"
LOCKFILE_OF: Final = {"pnpm": LOCKFILE, "npm": "npm-shrinkwrap.json", "yarn": "yarn.lock"}
"""The lockfile of each client that Rush can run. Only pnpm has workspaces in Rush."""
DEFAULT: Final = "default"
"""The subspace of projects that do not name one."""
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


SCRIPTS: Final = tuple(
    f"common/scripts/install-run{each}.js" for each in ("", "-rush", "-rushx", "-rush-pnpm")
)
"""Scripts that Rush writes into the repository: they fetch Rush and run it on machines without Rush."""
HOOKS: Final = ".pnpmfile.cjs"
YARNRC: Final = ".yarnrc"
_UNSURE_SWITCH: Final = re.compile(rb"^(?=[ \t]*[\"']?ignore-scripts[^\r\n]*\$\{)", re.MULTILINE)
_COMMENT: Final = re.compile(rb"/\*.*?\*/|^\s*//[^\n]*$", re.DOTALL | re.MULTILINE)
_NOTHING: Final = (
    b"'usestrict';module.exports={hooks:{readPackage}};"
    b"functionreadPackage(packageJson,context){returnpackageJson;}"
)
"""The pnpmfile that ``rush init`` writes, without comments and blanks: it changes nothing."""


class Subspace(NamedTuple):
    """A part of the repository with a lockfile of its own; without subspaces there is one, ``''``.

    ``root`` is the folder of rush.json. ``is_autoinstaller``: this is an autoinstaller of this name, a folder
    with packages for Rush itself. Rush runs pnpm in that folder, with the common .npmrc.
    """

    root: str
    name: str
    is_autoinstaller: bool = False

    @property
    def folder(self) -> str:
        """The folder with the committed settings and lockfile of the subspace."""
        if self.is_autoinstaller:
            return posixpath.join(self.root, AUTOINSTALLERS, self.name)
        return posixpath.join(self.root, f"{SUBSPACES}/{self.name}" if self.name else CONFIG)

    @property
    def temp(self) -> str:
        """The folder in which Rush generates the workspace of the subspace."""
        if self.is_autoinstaller:
            return self.folder
        return posixpath.join(self.root, _TEMP, self.name).rstrip("/")

    def lockfile(self, read: Read) -> str:
        """The committed lockfile, which Rush copies into the workspace."""
        pin = client_pin(self.root, read)
        return posixpath.join(self.folder, LOCKFILE_OF[pin.client] if pin else LOCKFILE)


def subspace_of(lockfile: str) -> Subspace:
    """The subspace of a lockfile, by the lockfile's path."""
    folder = posixpath.dirname(lockfile)
    if folder == CONFIG or folder.endswith(f"/{CONFIG}"):
        return Subspace(folder[: -len(CONFIG)].rstrip("/"), "")
    above, _, name = folder.rpartition("/")
    if above == AUTOINSTALLERS or above.endswith(f"/{AUTOINSTALLERS}"):
        return Subspace(above[: -len(AUTOINSTALLERS)].rstrip("/"), name, is_autoinstaller=True)
    return Subspace(above[: -len(SUBSPACES)].rstrip("/"), name)


def load_rush(root: str, read: Read) -> Document | None:
    """The rush.json in a folder; None if there is none. Raises DocumentError if it cannot be read."""
    return _load(posixpath.join(root, RUSH), read)


def _load(path: str, read: Read) -> Document | None:
    data = read(path)
    if data is None:
        return None
    document = load_jsonc(path, data)
    document.root()
    return document


def workspaces_of(document: Document) -> tuple[str, ...]:
    """The folders of the projects, and, if pnpm is used, those of the autoinstallers."""
    folders = [folder for folder, _ in projects_of(document)]
    own = [f"{AUTOINSTALLERS}/*"] if "pnpmVersion" in document.root().data else []
    return (*folders, *own)


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


def temporary_names(root: str, read: Read) -> dict[str, str]:
    """The folder of each project -> the name of the package ``@rush-temp/NAME`` that Rush makes for it.

    If two projects have one name in different scopes, the later one (in the order of names) gets a number.
    """
    document = load_rush(root, read)
    listed = document.root().data.get("projects") if document is not None else None
    named = sorted(
        (str(each.get("packageName")), posixpath.normpath(str(each.get("projectFolder"))))
        for each in (listed if isinstance(listed, list) else ())
        if isinstance(each, dict)
    )
    found: dict[str, str] = {}
    used: set[str] = set()
    for package, folder in named:
        bare = package.rpartition("/")[2]
        names = chain((bare,), (f"{bare}-{number}" for number in count(1)))
        found[folder] = next(name for name in names if name not in used)
        used.add(found[folder])
    return found


def read_rush(path: str, data: bytes) -> Manifest:
    """rush.json as the root's manifest: its projects are the workspaces."""
    document = load_jsonc(path, data)
    said = document.root().data
    programs = {key: said[key] for key in PROGRAM_KEYS if key in said}
    return Manifest(
        path=path, name=None, version=None, private=True, requires=(),
        workspaces=workspaces_of(document), scripts={}, data=programs,
        line_of=document.line_of,
    )  # fmt: skip


def has_subspaces(root: str, read: Read) -> bool:
    """Whether subspaces.json switches subspaces on."""
    document = _load(posixpath.join(root, CONFIG, "subspaces.json"), read)
    return document is not None and document.root().data.get("subspacesEnabled") is True


def subspaces(root: str, read: Read) -> Sequence[Subspace]:
    """The subspaces that projects name; if subspaces are off, one for the whole repository."""
    if not has_subspaces(root, read):
        return [Subspace(root, "")]
    document = load_rush(root, read)
    names = {DEFAULT, *(name for _, name in projects_of(document))} if document else {DEFAULT}
    return [Subspace(root, name) for name in sorted(names)]


def folders_of(subspace: Subspace, read: Read) -> list[str]:
    """The folders of a subspace's projects, relative to the folder of rush.json."""
    if subspace.is_autoinstaller:
        return []
    document = load_rush(subspace.root, read)
    found = projects_of(document) if document is not None else ()
    return sorted(folder for folder, name in found if subspace.name in ("", name))


def client_pin(root: str, read: Read) -> Pin | None:
    """The client that Rush runs, as rush.json names it (``pnpmVersion`` …); None: it names none."""
    document = load_rush(root, read)
    said = document.root().data if document is not None else {}
    for client in LOCKFILE_OF:
        version = said.get(f"{client}Version")
        if document is not None and isinstance(version, str):
            numbers = version.partition("-")[0].split(".")
            exact = len(numbers) == 3 and all(each.isascii() and each.isdigit() for each in numbers)
            minimum = (
                (int(numbers[0][:9]), int(numbers[1][:9]), int(numbers[2][:9])) if exact else None
            )
            where = Location(document.path, document.line_of(f"{client}Version"))
            return Pin(client=client, minimum=minimum, exact=exact, enforced=exact, location=where)
    return None


def pnpm_config(subspace: Subspace, read: Read) -> Document | None:
    """The pnpm-config.json that applies to a subspace: its own, else the common one."""
    for folder in (subspace.folder, posixpath.join(subspace.root, CONFIG)):
        document = _load(posixpath.join(folder, PNPM_CONFIG), read)
        if document is None:
            continue
        if "extends" in document.root().data:
            raise document.root().fail(
                "npm-vetted does not read the file that it names",
                "extends",
                fix="write the keys of that file here, and remove extends",
            )
        return document
    return None


def autoinstallers(project: Project) -> Iterator[Subspace]:
    """The autoinstallers of a repository that pnpm installs."""
    for folder in project.members:
        above, _, name = folder.rpartition("/")
        if above == posixpath.join(project.path, AUTOINSTALLERS):
            yield Subspace(project.path, name, is_autoinstaller=True)


def _read_installed(subspace: Subspace, read: Read, path: str) -> bytes | None:
    """Read a file as it is when pnpm runs: Rush replaces an autoinstaller's .npmrc by the common one (5.179.0)."""
    if path == posixpath.join(subspace.folder, ".npmrc"):
        return _joined(npmrc_paths(subspace), read)
    return read(path)


def generated(subspace: Subspace, read: Read) -> Read:
    """Read the repository as if Rush had generated the workspace of a subspace."""
    if subspace.is_autoinstaller:
        return partial(_read_installed, subspace, read)
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
    pin = client_pin(subspace.root, read)
    if pin is not None and pin.client != "pnpm":
        return _files_without_workspaces(subspace, read, is_yarn=pin.client == "yarn")
    document = pnpm_config(subspace, read)
    config = {} if document is None else dict(document.root().data)
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
        ".npmrc": _joined(npmrc_paths(subspace), read) + _peers(config),
    }
    hooks = own_hooks(subspace, read)
    if hooks is not None:
        made[HOOKS] = hooks[1]
    return made


def _files_without_workspaces(subspace: Subspace, read: Read, *, is_yarn: bool) -> dict[str, bytes]:
    """The files that Rush writes for npm and Yarn; Yarn also reads settings in the folders above."""
    manifest = {"name": "rush-common", "version": "0.0.0", "private": True}
    made = {NAME: json.dumps(manifest).encode(), ".npmrc": _joined(npmrc_paths(subspace), read)}
    if is_yarn:
        made[".npmrc"] = _joined([*_above(subspace, ".npmrc"), *npmrc_paths(subspace)], read)
        made[YARNRC] = _joined(_above(subspace, YARNRC), read)
    return made


def _above(subspace: Subspace, name: str) -> list[str]:
    """The paths of a file name in the folders above the generated workspace, the nearest folder last."""
    return [posixpath.join(subspace.root, folder, name) for folder in ("", "common")]


def own_hooks(subspace: Subspace, read: Read) -> tuple[str, bytes] | None:
    """The path and content of the repository's pnpmfile; None also for the one that ``rush init`` writes."""
    path = posixpath.join(subspace.folder, HOOKS)
    data = read(path)
    if data is None or b"".join(_COMMENT.sub(b"", data).split()) == _NOTHING:
        return None
    return path, data


def prefers(subspace: Subspace, read: Read) -> bool:
    """Whether common-versions.json prefers versions: Rush then rewrites the manifests' requirements."""
    for folder in (subspace.folder, posixpath.join(subspace.root, CONFIG)):
        document = _load(posixpath.join(folder, "common-versions.json"), read)
        if document is not None:
            return document.root().data.get("preferredVersions") not in (None, {})
    return False


def _builds(own: Mapping[str, object]) -> dict[str, bool]:
    """``allowBuilds`` for pnpm 11, which Rush makes from the older lists."""
    found: dict[str, bool] = {}
    for key, value in (("onlyBuiltDependencies", True), ("neverBuiltDependencies", False)):
        listed = own.get(key)
        found |= dict.fromkeys(map(str, listed if isinstance(listed, list) else ()), value)
    return found


def npmrc_paths(subspace: Subspace) -> list[str]:
    """The .npmrc files that Rush joins; a later file wins."""
    common = posixpath.join(subspace.root, CONFIG)
    folders = [common] if subspace.is_autoinstaller else dict.fromkeys((common, subspace.folder))
    return [posixpath.join(folder, ".npmrc") for folder in folders]


def _joined(paths: Sequence[str], read: Read) -> bytes:
    """The settings files joined in order: if a key appears twice, the last value counts.

    Rush leaves out a line with a variable that is not set, even if the variable is behind a ``;`` (seen
    with 5.179.0). So a switch in a line with a variable does not count.
    """
    parts = (read(path) for path in paths)
    joined = b"".join(part + b"\n" for part in parts if part is not None)
    return _UNSURE_SWITCH.sub(b"# ", joined)


def npmrc_of_install_run(project: Project) -> Read:
    """Read the common .npmrc as ``install-run.js`` copies it."""
    path = posixpath.join(project.path, CONFIG, ".npmrc")
    return lambda name: _joined([path], project.read) if name == path else project.read(name)


def _peers(config: Mapping[str, object]) -> bytes:
    """The line with ``autoInstallPeers`` that Rush passes to pnpm; Rush's default is false."""
    value = config.get("autoInstallPeers") is True
    return b"auto-install-peers=" + (b"true" if value else b"false") + b"\n"


def shadow(project: Project, subspace: Subspace) -> Project:
    """The project that Rush generates for a subspace, for the client that it runs."""
    read = generated(subspace, project.read)
    pin = client_pin(subspace.root, project.read)
    path = posixpath.join(subspace.temp, NAME)
    return Project(
        path=subspace.temp,
        manifest=read_manifest(path, read(path) or b"{}"),
        members={},
        client=pin.client if pin else "pnpm",
        lockfiles=(),
        pin=pin,
        read=read,
        tracked=project.tracked,
    )


def real_problem(problem: Problem, subspace: Subspace, read: Read) -> Problem:
    """A problem of a generated file, moved to the committed file from which Rush generates that."""
    place = real_place(problem.location, problem.key, subspace, read)
    fix = tuple(
        tuple(real_place(Location(word), "", subspace, read).path for word in words)
        for words in problem.fix
    )
    return problem._replace(location=place, fix=fix)


def real_place(place: Location, key: str, subspace: Subspace, read: Read) -> Location:
    """The location in a committed file from which a location of a generated file comes."""
    name = place.path.removeprefix(f"{subspace.temp}/")
    if name == place.path:
        return place
    pin = client_pin(subspace.root, read)
    if name == ".npmrc":
        above = _above(subspace, ".npmrc") if pin and pin.client == "yarn" else []
        return _line_in([*above, *npmrc_paths(subspace)], place.line, read)
    if name == YARNRC:
        return _line_in(_above(subspace, YARNRC), place.line, read)
    if subspace.is_autoinstaller:
        return place
    if name in (NAME, _WORKSPACE):
        document = pnpm_config(subspace, read) if pin and pin.client == "pnpm" else None
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


def _line_in(paths: Sequence[str], line: int, read: Read) -> Location:
    """The file and line behind a line of the text that ``_joined`` makes of several files."""
    for path in paths:
        data = read(path)
        if data is None:
            continue
        lines = data.count(b"\n") + 1
        if line <= lines:
            return Location(path, line)
        line -= lines
    return Location(paths[0] if paths[0].endswith(YARNRC) else paths[-1])


def each_shadow(
    project: Project,
) -> Iterator[tuple[Subspace, Project, Callable[[Problem], Problem]]]:
    """Each subspace, its pnpm project, and a function that maps a problem to Rush's own file."""
    for subspace in (*subspaces(project.path, project.read), *autoinstallers(project)):
        place = partial(_placed, subspace=subspace, project=project)
        yield subspace, shadow(project, subspace), place


def _placed(problem: Problem, subspace: Subspace, project: Project) -> Problem:
    """A problem moved to Rush's own file; one of a pnpmfile is bound to the files that the pnpmfile reaches."""
    found = real_problem(problem, subspace, project.read)
    folder, name = posixpath.split(found.location.path)
    if name != HOOKS or not found.value.startswith("sha256-"):
        return found
    return found._replace(value=program_value(project, folder, name))
