"""Packages that a command fetches and runs (``npx``): whether a lockfile pins them, and fixes that pin them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from npm_vetted.formats.client_action import AT_WORKSPACE_ROOT, ActionKind, ClientAction
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, known
from npm_vetted.installs import Context
from npm_vetted.installs.context.disk import CHECKOUT, Written, under
from npm_vetted.installs.context.scene import Scene, release_of
from npm_vetted.installs.shell.reports import CommandLines
from npm_vetted.installs.shell.state import State
from npm_vetted.model import Project

_EXACT: Final = re.compile(
    r"[v=]?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\Z", re.ASCII
)
_ARCHIVES: Final = (".tgz", ".tar.gz", ".tar")
"""Suffixes by which npm reads an argument as a file."""
_COMMIT: Final = re.compile(r"#[0-9a-f]{40}\Z")
_GLOBAL: Final = "/~global"
_WITH_NPX: Final = "npm"
_LATEST: Final = "@latest"
_MANY: Final = 200
"""The most projects that are searched for a package if it is not known in which one a command runs."""


def stays(act: ClientAction, scene: Scene) -> bool:
    """Whether every package that an action runs is locked by the project, or is the project's own."""
    return all(
        package.startswith((".", "/", "file:"))
        or scene.context.locks(scene.around, package)
        or _was_added(scene, package)
        for package in act.packages
        if known(package)
    ) and all(map(known, act.packages))


def put_modules(act: ClientAction, scene: Scene) -> None:
    """Record that the packages that a command adds are now in node_modules of the project or folder."""
    root = scene.root or scene.where
    for package in act.packages:
        if known(package) and known(root):
            _put(f"{root.rstrip('/')}/node_modules/{bare_name(package)}", scene.state)


def put_programs(act: ClientAction, state: State) -> None:
    """Record the packages of a global install: npx runs their programs in every folder (npm 10 and 11)."""
    if act.kind is ActionKind.GLOBAL and act.client == _WITH_NPX:
        for package in filter(known, act.packages):
            _put(f"{_GLOBAL}/node_modules/{bare_name(package)}", state)


def _put(place: str, state: State) -> None:
    """A package is there from now on: for certain in this branch, perhaps behind it."""
    state.disk.put(Written(place, b"", state.maybe))
    state.added |= {place}


def put_clients(act: ClientAction, context: Context, state: State) -> None:
    """Record the clients that a command installs for all projects: later commands run these versions."""
    if act.kind is not ActionKind.GLOBAL and (not act.fetches_always or act.then):
        return
    for package in act.packages:
        name = bare_name(package)
        if known(package) and name in context.readers():
            state.disk.put(release_of(name, package[len(name) + 1 :], state.maybe))


def was_installed(act: ClientAction, scene: Scene, installed: Mapping[str, Project | None]) -> bool:
    """Whether an earlier command installed a project, here or above, that locks every package of the action."""
    projects = [each for place, each in installed.items() if under(place, scene.where) is not None]
    return all(map(known, act.packages)) and any(
        all(scene.context.locks(each, package) for package in act.packages)
        for each in projects
        if each is not None
    )


def _was_added(scene: Scene, package: str, *, maybe: bool = False) -> bool:
    """Whether a command before this one added the package, or the one that brings the program.

    ``maybe``: one that may not have run counts, too.
    """
    names = {package, scene.context.package_of(package)}
    folder = scene.where
    folders = [_GLOBAL] if scene.client == _WITH_NPX else []
    while folder:
        folders.append(folder)
        folder = folder.rpartition("/")[0]
    places = [f"{each}/node_modules/{name}" for each in folders for name in names]
    mine = scene.state.added
    return any(scene.state.disk.find(each, maybe or each in mine) for each in places)


def why_maybe_local(act: ClientAction, scene: Scene, installed: Collection[str]) -> str:
    """The reason why an installed package may contain the program, so that nothing is fetched; '' if none.

    Either the lockfile lists no programs, and some direct dependency may contain it; or the project is not
    known.
    """
    loose = loose_among(act.packages)
    if act.fetches_always or not loose or not all(map(known, act.packages)):
        return ""
    if any("@" in each[1:] for each in act.packages):
        return ""
    if all(_was_added(scene, each, maybe=True) for each in act.packages):
        return "a command that may not have run adds it"
    if _is_lost(scene) and _locked_somewhere(scene.context, act.packages):
        return scene.why_anywhere
    if scene.unknown and scene.state.disk.is_foreign(scene.where):
        return "it is not known which repository is there"
    if (scene.project is None or scene.unknown) and _has_installed(installed, scene.where):
        return "a command installed other packages there"
    if any(_locked_at(scene.context, guess, act.packages) for guess in scene.state.guesses):
        return "the file does not say where it is started"
    plain = not act.names_packages and not any(
        each.startswith(("@", "create-")) or "/" in each for each in act.packages
    )
    if plain and scene.context.may_have_programs(scene.project):
        return "the lockfile does not list programs"
    return ""


def _has_installed(installed: Collection[str], place: str) -> bool:
    """Whether an earlier command installed packages at a place or above it, where npx also looks."""
    return any(under(folder, place) is not None for folder in installed)


def _is_lost(scene: Scene) -> bool:
    """Whether the folder of a command is not known, or is in the user's home."""
    at_home = under(scene.state.home, scene.place) is not None
    return scene.project is None and (UNKNOWN_TEXT in scene.place or at_home)


def _locked_somewhere(context: Context, packages: Sequence[str]) -> bool:
    folders = [path.rpartition("/")[0] for path in context.tracked().manifests[:_MANY]]
    return all(
        any(context.locks(context.project_at(each), bare_name(name)) for each in folders)
        for name in packages
    )


def _locked_at(context: Context, place: str, packages: Sequence[str]) -> bool:
    """Whether the project of a folder of the checkout locks some packages."""
    project = context.project_at(place[len(CHECKOUT) :].strip("/"))
    return all(context.locks(project, bare_name(name)) for name in packages)


def safe_line(act: ClientAction, scene: Scene) -> CommandLines:
    """The command line with scripts switched off; none if its package does not work without its script."""
    if not act.fix or _needs_scripts(act, scene.context):
        return ()
    if (flag := scene.rules.flag.get(scene.client)) is not None:
        return (tuple(flag if word == "--ignore-scripts" else word for word in act.fix),)
    return (act.fix,)


def _needs_scripts(act: ClientAction, context: Context) -> bool:
    """Whether an action names a package that does not work without its install script."""
    rules = [each.RULES for each in context.readers().values()]
    return any(bare_name(name) in rule.needs_script for name in act.packages for rule in rules)


def locking(
    act: ClientAction, scene: Scene, loose: Sequence[str], words: Sequence[str]
) -> CommandLines:
    """The fix: the command that locks the package, and the command line that then runs the locked copy.

    ``X@latest`` becomes ``X``. If the package is locked already, the second command is the whole fix. There
    is no fix outside a project, for another version than the locked one, and for a package that only makes
    a new project.
    """
    project = scene.project
    name = loose[0].removesuffix(_LATEST)
    package = scene.context.package_of(name) if len(act.packages) == 1 else ""
    plain = bool(package) and "@" not in name[1:] and "/" not in name.partition("/")[2]
    if project is None or not plain or "create-" in package:
        return ()
    runs = tuple(name if word == loose[0] else word for word in words)
    changes = act.fetches_always or name != loose[0]
    if act.fetches_always:  # the locked copy is run by its program's name, which a scope is not in
        runs = () if name.startswith("@") else act.locked
    if changes and (not runs or runs == tuple(words)):
        return ()
    if changes and scene.context.locks(project, name):
        return (runs,)
    commands = (
        each.LOCKING.get(scene.owner) for each in dict.fromkeys(scene.context.readers().values())
    )
    command = next(filter(None, commands), None)
    if command is None:
        return ()
    if not project.members:
        command = tuple(word for word in command if word != AT_WORKSPACE_ROOT)
    at = command.index(".")
    inside = (*command[:at], project.path, *command[at + 1 :])
    first = (*(inside if project.path else (*command[: at - 1], *command[at + 1 :])), package)
    return (first, runs) if changes else (first,)


def bare_name(package: str) -> str:
    """The name in ``name@version``."""
    return package[:1] + package[1:].partition("@")[0]


def are_clients(packages: Sequence[str], programs: Collection[str]) -> bool:
    """Whether every package is a client in an exact version."""
    return (
        bool(packages)
        and not loose_among(packages)
        and all(bare_name(each) in (*programs, "corepack") for each in packages)
    )


def all_known(packages: Sequence[str]) -> bool:
    """Whether the names and versions of all packages are fully known."""
    return all(map(known, packages))


def _is_archive(package: str) -> bool:
    return package.endswith(_ARCHIVES) and "://" not in package


def loose_among(packages: Sequence[str]) -> list[str]:
    """The packages without an exact version."""
    found = []
    for package in packages:
        if package.startswith((".", "/", "file:", "~")) or _is_archive(package):
            continue
        _, _, version = package[1:].partition("@")
        if not _EXACT.match(version) and not _COMMIT.search(package):
            found.append(package)
    return found
