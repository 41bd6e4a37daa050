"""Rush: rush.json, ``common/config/rush`` and subspaces, and the pnpm, npm or Yarn 1 that it runs.

docs/clients/rush.md has the facts.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Final

from npm_vetted.clients.npm import client as npm
from npm_vetted.clients.pnpm import client as pnpm
from npm_vetted.clients.rush import config
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.settings import AllowedSources
from npm_vetted.clients.shared.workspaces import Negation
from npm_vetted.clients.yarn_classic import client as yarn_classic
from npm_vetted.errors import UsageError
from npm_vetted.model import (
    Allowance,
    CodeReader,
    Edit,
    Level,
    Location,
    Manifest,
    Pin,
    Problem,
    Project,
    Read,
    TaskReader,
)

NAME = "rush"
PROGRAM = "rush"
PACKAGE = PROGRAM
LOCKFILES: tuple[str, ...] = (
    f"{config.CONFIG}/{config.LOCKFILE}", f"{config.SUBSPACES}/*/{config.LOCKFILE}",
    f"{config.AUTOINSTALLERS}/*/{config.LOCKFILE}",
    *(f"{config.CONFIG}/{name}" for name in list(config.LOCKFILE_OF.values())[1:]),
)  # fmt: skip
SETTINGS: tuple[str, ...] = (
    config.RUSH,
    f"{config.CONFIG}/{config.PNPM_CONFIG}",
    f"{config.CONFIG}/.npmrc",
    f"{config.CONFIG}/.npmrc-publish",
    f"{config.CONFIG}/.pnpmfile.cjs",
    f"{config.CONFIG}/common-versions.json",
    f"{config.CONFIG}/subspaces.json",
    f"{config.CONFIG}/rush-plugins.json",
    f"{config.CONFIG}/artifactory.json",
    "pnpm-workspace.yaml",
    *config.SCRIPTS,
)
INHERITED: tuple[str, ...] = ()
MARKERS: tuple[str, ...] = (config.RUSH,)
DEFAULT = False
COMMENTED_MANIFESTS = False
MANIFESTS: tuple[str, ...] = ()
OWN_MANIFESTS: Mapping[str, Callable[[str, bytes], Manifest]] = {config.RUSH: config.read_rush}
PROGRAM_KEYS: Mapping[str, str] = config.PROGRAM_KEYS
WORKSPACE_FILE: str | None = None
NEGATION = Negation.IGNORED
REPLACING: tuple[tuple[str, ...], ...] = ()
FOLDER_PREFIXES: tuple[str, ...] = ()
LINKS_MEMBERS = False
SWITCH_FILE: str | None = f"{config.CONFIG}/.npmrc"
USER_FILE: str | None = ".npmrc"
PROGRAM_FOLDERS: tuple[str, ...] = ()
CODE_WORDS: tuple[str, ...] = ()
CODE: Mapping[str, CodeReader] = {}
TASKS: Mapping[str, TaskReader] = {}
SWITCH_STOPS_OWN_SCRIPTS = False
LOCK_COMMAND: tuple[str, ...] = ("rush", "update")
WRITES = f"{config.CONFIG}/{config.LOCKFILE}"
RUN_INSTALLED = "npx --no {}"

_SWITCH: Final = "ignore-scripts=true"


def fits(pin: Pin) -> bool:
    """Whether a pin may mean the client that Rush runs: a package.json beside rush.json may pin that."""
    return pin.client in config.LOCKFILE_OF


def recognises(name: str, data: bytes) -> bool:  # noqa: ARG001
    """Whether a lockfile is of Rush: it is in one of Rush's folders."""
    return True


def read_lockfile(
    path: str,
    data: bytes,
    read: Read,
    like: Lockfile | None = None,  # noqa: ARG001
) -> Lockfile:
    """Read the lockfile of the repository or of a subspace."""
    from npm_vetted.clients.rush.lockfile import read_rush_lockfile

    return read_rush_lockfile(path, data, read)


def workspaces(manifest: Manifest, read: Read) -> tuple[str, ...] | None:
    """The folders of rush.json's projects."""
    document = config.load_rush(manifest.folder, read)
    if document is None:
        return None
    return config.workspaces_of(document)


def locks_members(manifest: Manifest, read: Read) -> bool:  # noqa: ARG001
    """Never: one lockfile holds all projects of a subspace."""
    return False


def scripts_run(project: Project) -> Iterator[Problem]:
    """Why scripts may run, as pnpm (or npm, or Yarn) reads the files that Rush generates for it."""
    if config.load_rush(project.path, project.read) is None:
        path = project.join(config.RUSH)
        message = "rush.json is missing: nothing says which pnpm Rush runs"
        yield Problem(message, Location(path), code="scripts-on", key=config.RUSH)
        return
    if config.client_pin(project.path, project.read) is None:
        path = project.join(config.RUSH)
        message = "expected pnpmVersion, npmVersion or yarnVersion: nothing says what Rush runs"
        yield Problem(message, Location(path), code="unreadable", key=config.RUSH)
        return
    found = False
    for subspace, shadow, place in config.each_shadow(project):
        for problem in _runs(shadow).scripts_run(shadow):
            found = found or problem.level is Level.ERROR
            yield place(problem)
        if not subspace.is_autoinstaller:
            yield from _switched_by_variables(subspace, project.read)

    yield from () if found else _run_by_npm(project)


def _run_by_npm(project: Project) -> Iterator[Problem]:
    """Scripts that ``common/scripts/install-run*.js`` let run: they install Rush by npm, with its dependencies.

    They copy the common .npmrc for that npm, without lines that contain a variable (seen with 5.179.0).
    """
    if not _has_install_run(project):
        return
    folder = project.join(config.CONFIG)
    installs = project._replace(
        path=folder, members={}, lockfiles=(), client="npm", pin=None,
        read=config.npmrc_of_install_run(project),
    )  # fmt: skip
    for problem in npm.scripts_run(installs):
        message = f"{config.SCRIPTS[0]} installs Rush by npm: {problem.message}"
        yield problem._replace(message=message)


def _has_install_run(project: Project) -> bool:
    return any(project.read(project.join(name)) is not None for name in config.SCRIPTS)


def _switched_by_variables(subspace: config.Subspace, read: Read) -> Iterator[Problem]:
    """Variables in rush.json that Rush sets for pnpm: they win over settings in every file."""
    document = config.pnpm_config(subspace, read)
    listed = document.root().data.get("environmentVariables") if document is not None else None
    if not isinstance(listed, dict):
        return
    from npm_vetted.clients.pnpm.commands import variable as pnpm_variable
    from npm_vetted.formats.client_action import Switch

    for name, said in listed.items():
        text = str(said.get("value") if isinstance(said, dict) else said)
        if document is not None and pnpm_variable(name, text) is Switch.ON:
            line = document.line_of("environmentVariables", name)
            message = (
                f"environmentVariables sets {name}={text}, which lets dependencies' scripts run"
            )
            yield Problem(
                message,
                Location(document.path, line),
                code="allow-all-scripts",
                key=name,
                value=text,
            )


def _runs(shadow: Project) -> ModuleType:
    """The module of the client that Rush runs in the project that it generates."""
    return {"npm": npm, "yarn": yarn_classic}.get(shadow.client or "", pnpm)


def unsafe_settings(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    """Unsafe settings in the files of ``common/config``, and in rush.json."""
    from npm_vetted.clients.rush.settings import unsafe_settings as found

    return found(project, registries)


def allowances(project: Project) -> Iterator[Allowance]:
    """The allow-list: ``globalOnlyBuiltDependencies``, ``globalAllowBuilds``, and entries of .npmrc."""
    for subspace, shadow, _ in config.each_shadow(project):
        for each in _runs(shadow).allowances(shadow):
            place = config.real_place(each.location, each.setting, subspace, project.read)
            yield each._replace(location=place)


def registry_of(project: Project, package: str) -> str | None:
    """The registry of the common .npmrc."""
    first = next(iter(config.each_shadow(project)), None)
    if first is None:
        return None
    found = _runs(first[1]).registry_of(first[1], package)
    return found if isinstance(found, str) else None


def switch_off(project: Project) -> Sequence[Edit]:
    """Set ``ignore-scripts=true`` in the common .npmrc; for Yarn, which does not read it there, in .yarnrc."""
    pin = config.client_pin(project.path, project.read)
    if not list(scripts_run(project)) or pin is None:
        return ()
    alone = project._replace(members={}, lockfiles=())
    edits = yarn_classic.switch_off(alone) if pin.client == "yarn" else ()
    obeys = pin.client == "npm" or (pin.minimum is not None and pin.minimum[0] < 11)
    if not _has_install_run(project) and (pin.client == "yarn" or not obeys):
        return edits
    common = npm.switch_off(
        alone._replace(path=project.join(config.CONFIG), client="npm", pin=None)
    )
    return (*edits, *common)


def scripts_stopped(scripts: Collection[str]) -> list[str]:  # noqa: ARG001
    """No script: the switch only affects dependencies."""
    return []


def set_cooldown(project: Project, days: int) -> Sequence[Edit]:  # noqa: ARG001
    """Always empty: pnpm-config.json is full of comments, and pnpm before 10.16 ignores the key."""
    return ()


def rebuild(project: Project, packages: Sequence[tuple[str, str]]) -> list[list[str]]:
    """A rebuild of exactly these packages, in the workspace that Rush generated.

    Rush's own pnpm or npm runs it; for Yarn, npm does, as outside of Rush. Raises UsageError if the
    repository has several subspaces.
    """
    if not packages:
        return []
    shadows = [each for each in config.each_shadow(project) if not each[0].is_autoinstaller]
    if len(shadows) > 1:
        raise UsageError(
            "npm-vetted does not know which subspace a package is to be built in",
            path=project.join(config.RUSH),
            fix="rush-pnpm --subspace NAME rebuild PACKAGE",
        )
    subspace, shadow, _ = shadows[0]
    if shadow.client != "pnpm":
        shadow = shadow._replace(lockfiles=(subspace.lockfile(project.read),))
        found: list[list[str]] = _runs(shadow).rebuild(shadow, packages)
        own = f"{subspace.temp}/npm-local/node_modules/.bin/npm"
        return [[own if shadow.client == "npm" else "npm", *words[1:]] for words in found]
    (command,) = pnpm.rebuild(shadow, packages)
    at = command.index("rebuild")
    program = f"{subspace.temp}/pnpm-local/node_modules/.bin/pnpm"
    document = config.pnpm_config(subspace, project.read)
    store = None if document is None else document.root().data.get("pnpmStore")
    # Rush names its store on the command line; another one would make it install again.
    stores = [] if store == "global" else ["--config.store-dir=pnpm-store"]
    return [[program, "-C", subspace.temp, "-r", "rebuild", *stores, *command[at + 1 :]]]


def allow_list(project: Project, packages: Sequence[tuple[str, str]]) -> Edit | str:
    """Always a reason: the keys of pnpm-config.json differ between versions of pnpm."""
    pin = config.client_pin(project.path, project.read)
    if pin is not None and pin.client == "npm":
        return npm.allow_list(project, packages)
    if pin is not None and pin.client == "yarn":
        return yarn_classic.allow_list(project, packages)
    path = posixpath.join(config.CONFIG, config.PNPM_CONFIG)
    return f"write globalAllowBuilds (pnpm 11) or globalOnlyBuiltDependencies (pnpm 10) into {path}"


def cooldown_exclude(name: str, version: str) -> str:
    """A line of ``minimumReleaseAgeExclude`` in pnpm-config.json, which Rush passes to pnpm."""
    return f'{config.CONFIG}/{config.PNPM_CONFIG}: "minimumReleaseAgeExclude": ["{name}@{version}"]'
