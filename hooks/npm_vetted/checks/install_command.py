"""Commands in Dockerfiles, CI files, scripts and Makefiles that would run install scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeGuard

from npm_vetted.checks import Explanation, finding_of
from npm_vetted.checks._relevance import may_hold_commands
from npm_vetted.checks._unread_commands import commands_in_unread_files
from npm_vetted.clients import clients
from npm_vetted.clients.shared.npmrc_rules import npmrc_problems
from npm_vetted.errors import NpmVettedError, UndecidedError
from npm_vetted.formats.npmrc import NpmrcSetting
from npm_vetted.git.snapshot import VETTING
from npm_vetted.installs import TOLD_BY_TEXT, ClientFiles, install_problems, place_of
from npm_vetted.model import (
    Artifact,
    Finding,
    Level,
    Manifest,
    Pin,
    Problem,
    Project,
    Read,
    Requirement,
)
from npm_vetted.packages.manifest import NAME as MANIFEST
from npm_vetted.packages.program_owners import owner_of
from npm_vetted.packages.ranges import intersects, satisfies
from npm_vetted.projects.change import Change
from npm_vetted.projects.discovery import Projects
from npm_vetted.projects.file_names import interesting_names, manifest_names
from npm_vetted.projects.paths import ancestors, join
from npm_vetted.projects.project_change import project_lockfile
from npm_vetted.vetting.policy import CONFIG, read_policy
from npm_vetted.vetting.resolver import Vetting

if TYPE_CHECKING:
    from npm_vetted.clients.shared.lockfile import Lockfile
    from npm_vetted.formats.client_action import CommandReader
    from npm_vetted.git.repository import TreeEntry
    from npm_vetted.git.snapshot import Snapshot
    from npm_vetted.installs.context.disk import Tracked

ID: Final = "install-command"
CODES: Final = {
    "scripts-run": "A command that runs install scripts where no setting switches them off.",
    "scripts-on": "A command whose flags or variables switch install scripts on.",
    "allows-scripts": "A command that lets packages run scripts that no note covers.",
    "variable-switches-on": "A variable that switches install scripts on for later commands.",
    "setting-switches-on": "A command that changes a setting so that install scripts run.",
    "unpinned": "A command that fetches and runs a package that is neither locked nor exact.",
    "not-locked": "A command that installs what the lockfile does not pin.",
    "lockfile-may-change": "A command that may install other versions than the lockfile's.",
    "other-source": "A command that a registry, proxy or authority serves that the policy does not allow.",
    "settings-aside": "A command or variable that leaves the lockfile, its hashes or the settings aside.",
    "not-read": "A file of a kind that is not read, with an install command in it (a notice).",
    "excluded-folder": "A command that installs in a folder that [[exclude]] calls no project.",
    "client": "A client that a command installs by an exact version, outside any lockfile.",
    "undecided": "A command whose effect is not known from the files.",
}
HOOKS: Final = frozenset({"settings"})
EXPLANATION: Final = Explanation(
    what=(
        "A command in a Dockerfile, a CI file, a script, a Makefile or package.json that would run "
        "the install scripts of dependencies: a flag or variable that switches them on, an install "
        "where the project's settings do not hold, a global install, or a package that is fetched "
        "and run without being locked."
    ),
    why=(
        "A setting in .npmrc protects only where .npmrc is. The usual Dockerfile copies "
        "package*.json, installs, and copies the rest afterwards: there, every install script runs. "
        "Build machines hold the tokens that the worms of 2025 were after."
    ),
    before="COPY package*.json ./\nRUN npm ci",
    after="COPY package*.json .npmrc ./\nRUN npm ci",
    satisfy=(
        "Copy the settings file before the install, or say it on the command line: "
        "`npm ci --ignore-scripts` (pnpm, Yarn classic and Bun alike; Yarn berry: "
        "`--mode=skip-build`). Scripts that are really needed: `npm-vetted rebuild --print`."
    ),
    exception="An [[ignore]] entry in .vetting/config.toml with check, path and reason.",
)

_FEW: Final = 50
"""Up to so many files are read one by one; for more, git searches them all at once."""
_KEPT: Final = 4
"""The most lockfiles that are kept in memory."""
_IGNORES: Final = (".dockerignore", ".containerignore")
_LOOPBACK: Final = re.compile(
    r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?:[:/]|\Z)", re.IGNORECASE
)
_TAIL: Final = re.compile(r"(?<!^)@")


def reads(path: str) -> bool:
    """Whether a file of this name may hold commands, or decide which files an image gets."""
    name = path.rpartition("/")[2]
    return "." not in name or name.endswith(_IGNORES) or may_hold_commands(path)


def run(change: Change) -> Iterator[Finding]:
    """Judge the files that the commit touches, and files that relied on a file that it removes."""
    after = View(change.after, change.projects_after, change.vetting, change.policy.excludes)
    judged = set()
    unread = []
    by_text = _told_by_text(change)
    for path in sorted(change.touched):
        if _is_file(change.touched[path].after) and not change.policy.excludes(path):
            judged.add(path)
            if _is_read(path) or path in by_text:
                yield from (finding_of(ID, each, None) for each in install_problems(path, after))
            if path not in by_text and (not _is_read(path) or _has_no_suffix(path)):
                unread.append(path)
    yield from commands_in_unread_files(ID, change, (path for path in unread if not _is_data(path)))
    if not change.everything and any(_supports(change, path) for path in change.touched):
        yield from _relying(change, after, judged)
    yield from _newly_excluded(change, judged)


def _newly_excluded(change: Change, judged: Collection[str]) -> Iterator[Finding]:
    """Findings of commands that install in a folder that the change excludes; their files are not touched."""
    if CONFIG not in change.touched or change.everything:
        return
    policy = read_policy(change.after.read(CONFIG), adopted=True)
    if set(policy.exclude) <= set(change.policy.exclude):
        return
    projects = Projects(change.after, policy.excludes)
    view = View(change.after, projects, change.vetting, policy.excludes)
    for path in sorted(set(change.after.everything()) - set(judged)):
        if policy.excludes(path) or place_of(path, b"") is None:
            continue
        for problem in install_problems(path, view):
            if problem.code == "excluded-folder":
                yield finding_of(ID, problem, None)


def _is_read(path: str) -> bool:
    """Whether a file may be of a kind with a reader; for a name without suffix, its first line decides."""
    name = path.rpartition("/")[2]
    if _is_data(path):
        return False
    return name == MANIFEST or "." not in name or may_hold_commands(path)


def _has_no_suffix(path: str) -> bool:
    """Whether only a file's first line can show its kind, because the name has no suffix."""
    return "." not in path.rpartition("/")[2] and place_of(path, b"") is None


def _told_by_text(change: Change) -> set[str]:
    """The touched YAML files with any name that are of a known kind by their text."""
    paths = {path for path in change.touched if path.endswith((".yml", ".yaml"))}
    paths = {path for path in paths if not _is_read(path) and not _is_data(path)}
    if len(paths) > _FEW:
        return paths & change.after.grep(frozenset(map(bytes.decode, TOLD_BY_TEXT)), "")
    return {path for path in paths if any(each in _text(change, path) for each in TOLD_BY_TEXT)}


def _text(change: Change, path: str) -> bytes:
    with suppress(UndecidedError):  # what a partial clone lacks is said elsewhere
        return change.after.read(path) or b""
    return b""


def _is_data(path: str) -> bool:
    """Whether a file is a lockfile, settings, the policy or a note, which contain no commands."""
    name = path.rpartition("/")[2]
    if path.startswith(VETTING) and name.endswith((".toml", ".txt")):
        return True
    return name in interesting_names() and name not in manifest_names()


def _is_file(entry: TreeEntry | None) -> TypeGuard[TreeEntry]:
    return entry is not None and entry.mode in ("100644", "100755")


def _supports(change: Change, path: str) -> bool:
    """Whether commands elsewhere may rely on a file: a settings file, or a .dockerignore."""
    name = path.rpartition("/")[2]
    if name.endswith(_IGNORES):
        return True
    gone = change.touched[path].after is None
    return gone and name in interesting_names() and name != "package.json"


def _relying(change: Change, after: View, judged: Collection[str]) -> Iterator[Finding]:
    """New findings in untouched files: commands there relied on a file that the commit changes."""
    before = View(
        change.comparison.before, change.projects_before[0], change.vetting, change.policy.excludes
    )
    for path in sorted(set(change.after.everything()) - set(judged)):
        if place_of(path, b"") is None:
            continue
        known: set[tuple[str, str, str]] | None = None
        for problem in install_problems(path, after):
            if known is None:
                known = {_state(each) for each in install_problems(path, before)}
            if _state(problem) not in known:
                yield finding_of(ID, problem, None)


def _state(problem: Problem) -> tuple[str, str, str]:
    """The fields by which a problem counts as the same in the earlier state."""
    return (problem.code, problem.key, problem.value)


class View:
    """One state of the repository, as the ``Context`` of the readers of commands."""

    def __init__(
        self,
        snapshot: Snapshot,
        projects: Projects,
        vetting: Vetting,
        excludes: Callable[[str], bool],
    ) -> None:
        self.snapshot = snapshot
        self._excludes = excludes
        self.projects = projects
        self.vetting = vetting
        self.registries = vetting.policy.registries
        self._known_programs: dict[str, tuple[frozenset[str] | None, ...]] = {}
        self._lockfiles: dict[str, Lockfile | None] = {}
        self._locked: dict[tuple[str, str], bool] = {}

    def readers(self) -> Mapping[str, CommandReader]:
        """The modules ``commands`` of the clients."""
        from npm_vetted.clients.shared.command_line import readers

        return readers()

    def client_files(self, client: str) -> ClientFiles:
        """The files of a client, by the constants of its module ``client``."""
        found = clients().get(client)
        if found is None:
            return ClientFiles()
        return ClientFiles(
            found.SWITCH_FILE, found.USER_FILE, found.WORKSPACE_FILE, tuple(found.OWN_MANIFESTS)
        )

    def tasks(self, path: str, data: bytes) -> Iterator[tuple[str, int]]:
        """As the clients that have such files read them."""
        name = path.rpartition("/")[2]
        for client in clients().values():
            if name in client.TASKS:
                yield from client.TASKS[name](path, data)

    def read(self, path: str) -> bytes | None:
        """A file; a symbolic link counts as missing, since an image or checkout may lack its target."""
        return self.snapshot.read(path) if _is_file(self.snapshot.entry(path)) else None

    @cached_property
    def _tracked(self) -> Tracked:
        from npm_vetted.installs.context.disk import Tracked

        return Tracked(self.snapshot.everything)

    def tracked(self) -> Tracked:
        """Every path."""
        return self._tracked

    def project_at(self, folder: str) -> Project | None:
        """The project of the package.json in a folder."""
        try:
            return self.projects.of(join(folder, "package.json"))
        except NpmVettedError:
            return None

    def is_excluded(self, folder: str) -> bool:
        """Whether an ``[[exclude]]`` is the reason why there is no project in a folder."""
        manifest = join(folder, MANIFEST)
        return self._excludes(manifest) and not self.projects.counts(manifest)

    def safe(
        self, project: Project | None, client: str, read: Read, pin: Pin | None = None
    ) -> bool:
        """Whether the client runs no scripts, judged as if the project had the settings in ``read``."""
        reader = clients().get(client)
        if reader is None:
            return False
        if project is None:
            there = _nowhere(read)._replace(pin=pin)
        else:
            pin = project.pin if project.pin and project.pin.client == reader.PROGRAM else None
            lockfiles = tuple(
                path for path in project.lockfiles if path.rpartition("/")[2] in reader.LOCKFILES
            )
            there = project._replace(client=client, pin=pin, lockfiles=lockfiles, read=read)
        try:
            return not any(each.level is Level.ERROR for each in reader.scripts_run(there))
        except NpmVettedError:
            return False

    def source_problems(self, settings: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """Judge settings by the rules for committed settings; a registry on localhost is permitted."""
        lines = tuple(
            NpmrcSetting(key, value, 1, value)
            for key, value in settings
            if not _LOOPBACK.match(value)
        )
        found = npmrc_problems("", lines, self.registries, is_read=True)
        return ((each.key, each.message) for each in found)

    def locks(self, project: Project | None, package: str) -> bool:
        """Whether a package, or a package with a program of this name, is locked.

        The project and the projects in folders above are searched, because npx also looks upwards.
        """
        found: set[str] = set()
        for folder in ancestors(project.path) if project is not None else ():
            each = self.project_at(folder)
            if each is not None and each.path not in found:
                found.add(each.path)
                if (each.path, package) not in self._locked:
                    self._locked[each.path, package] = self._locked_by(each, package)
                if self._locked[each.path, package]:
                    return True
        return False

    def _locked_by(self, project: Project, package: str) -> bool:
        name, _, wanted = _split(package)
        if wanted:
            found = self._artifacts(project, {name})
            if any(satisfies(each.version or "", wanted) for each in found):
                return True
            return self._is_unlocked(project) and any(
                intersects(each.specifier, wanted)
                for each in _required(project)
                if each.name == name
            )
        names = {package, owner_of(package)}
        if any(manifest.name == package for manifest in project.manifests.values()):
            return True
        if any(self._artifacts(project, names)) or package in self._bins(project):
            return True
        asks = names & {each.name for each in _required(project)}
        return bool(asks) and self._is_unlocked(project)

    def _is_unlocked(self, project: Project) -> bool:
        """Whether a project's lockfile is missing or cannot be read; another check reports that."""
        return not project.lockfiles or len(self._programs(project)) < len(project.lockfiles)

    def noted(self, name: str, version: str) -> bool:
        """Whether a note or an exemption mentions a version; the bytes are not compared."""
        found = self.vetting.notes.of(name, version) or self.vetting.exemptions.of(name, version)
        return bool(found)

    def reviewed(self, project: Project | None, package: str) -> bool:
        """Whether notes cover the scripts of every locked version that is meant."""
        if project is None:
            return False
        name, _, version = _split(package)
        found = [each for each in self._artifacts(project, {name}) if version in ("", each.version)]
        return bool(found) and all(map(self._is_reviewed, found))

    def _is_reviewed(self, artifact: Artifact) -> bool:
        return self.vetting.scripts_reviewed(artifact)

    def _artifacts(self, project: Project, names: Collection[str]) -> list[Artifact]:
        found: list[Artifact] = []
        for lockfile in self._lockfiles_of(project):
            with suppress(NpmVettedError):
                found.extend(lockfile.named(names))
        return found

    def _lockfiles_of(self, project: Project) -> Iterator[Lockfile]:
        """A project's readable lockfiles; the last few are kept for further commands."""
        for path in project.lockfiles:
            if path not in self._lockfiles:
                while len(self._lockfiles) >= _KEPT:
                    del self._lockfiles[next(iter(self._lockfiles))]
                self._lockfiles[path] = None
                with suppress(NpmVettedError):
                    self._lockfiles[path] = project_lockfile(project, path)
            if (lockfile := self._lockfiles[path]) is not None:
                yield lockfile

    def _bins(self, project: Project) -> frozenset[str]:
        """The programs that the lockfiles list."""
        return frozenset().union(*(found or () for found in self._programs(project)))

    def package_of(self, program: str) -> str:
        """The package of a program, by a table of well-known programs."""
        return owner_of(program)

    def may_have_programs(self, project: Project | None) -> bool:
        """Whether a lockfile lists no programs, and a direct dependency may contain the program."""
        if project is None or not any(each.requires for each in project.manifests.values()):
            return False
        return not project.lockfiles or None in self._programs(project)

    def _programs(self, project: Project) -> tuple[frozenset[str] | None, ...]:
        if project.path not in self._known_programs:
            found = []
            for lockfile in self._lockfiles_of(project):
                with suppress(NpmVettedError):
                    found.append(lockfile.programs())
            self._known_programs[project.path] = tuple(found)
        return self._known_programs[project.path]


def _split(package: str) -> tuple[str, str, str]:
    parts = _TAIL.split(package, maxsplit=1)
    return parts[0], "@", parts[1] if len(parts) > 1 else ""


def _required(project: Project) -> Iterator[Requirement]:
    return (each for manifest in project.manifests.values() for each in manifest.requires)


def _nowhere(read: Read) -> Project:
    """An empty project, for installs outside every project."""
    manifest = Manifest(
        path="package.json", name=None, version=None, private=True, requires=(), workspaces=None,
        scripts={}, data={}, line_of=lambda *_: 1,
    )  # fmt: skip
    return Project(
        path="", manifest=manifest, members={}, client=None, lockfiles=(), pin=None, read=read
    )
