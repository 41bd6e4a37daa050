"""The clients, discovered automatically: one folder each. To add a client, add a folder and its tests.

A client's folder reads the client's lockfile, settings and command line. It knows nothing of checks,
notes or policy. Its functions receive a ``Project`` and read files through it.
docs/adding-a-client.md says how to write one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Protocol

from npm_vetted._plugins import import_part, parts
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.settings import AllowedSources
from npm_vetted.clients.shared.workspaces import Negation
from npm_vetted.model import (
    Allowance,
    CodeReader,
    Edit,
    Manifest,
    Pin,
    Problem,
    Project,
    Read,
    TaskReader,
)


class Client(Protocol):
    """The interface of each client: the module ``client`` of its folder has all these names."""

    NAME: str
    """The client's name in ``--format json``: npm, pnpm, yarn-classic, yarn-berry, bun, deno, rush."""
    PROGRAM: str
    """The client's name in ``packageManager`` and on the command line: npm, pnpm, yarn, bun, deno, rush."""
    PACKAGE: str
    """The registry's package that contains the client's program: ``packageManager`` pins a version of it."""
    LOCKFILES: tuple[str, ...]
    """File names of the client's lockfiles; if a folder has several, the first of this list wins.

    A name may be a path below the project; a folder ``*`` in it means any one folder.
    """
    SETTINGS: tuple[str, ...]
    """Files with the client's settings, as paths relative to the manifest's folder."""
    INHERITED: tuple[str, ...]
    """The files of SETTINGS that the client also reads from the directories above a project."""
    MARKERS: tuple[str, ...]
    """Files beside a manifest that decide for this client if there is neither a lockfile nor a pin."""
    DEFAULT: bool
    """Whether a project that names no client uses this one; true of exactly one client."""
    COMMENTED_MANIFESTS: bool
    """Whether this client accepts comments and trailing commas in package.json."""
    MANIFESTS: tuple[str, ...]
    """Files that this client reads as a manifest in a folder without package.json."""
    OWN_MANIFESTS: Mapping[str, Callable[[str, bytes], Manifest]]
    """Manifests in a format of this client, with their readers: a folder with one is a project."""
    PROGRAM_KEYS: Mapping[str, str]
    """Keys of OWN_MANIFESTS that pin the version of a program -> the registry's package of that program."""
    WORKSPACE_FILE: str | None
    """A settings file whose folder is a workspace root, even if the manifest has no ``workspaces``."""
    NEGATION: Negation
    """The effect of a negated glob (``!folder``) among the globs of the workspaces."""
    REPLACING: tuple[tuple[str, ...], ...]
    """Key paths of the manifest's tables that replace dependencies by other packages or versions."""
    FOLDER_PREFIXES: tuple[str, ...]
    """Prefixes of specifiers that name a folder (``file:``), if the lockfile has that folder's dependencies."""
    LINKS_MEMBERS: bool
    """Whether the client always uses a workspace, not the registry, if the workspace satisfies a range."""
    SWITCH_FILE: str | None
    """The file of SETTINGS with the switch for scripts, which an image must copy; None: off by default."""
    USER_FILE: str | None
    """The file in the user's home that this client reads together with SWITCH_FILE."""
    PROGRAM_FOLDERS: tuple[str, ...]
    """Folders whose modules the client runs if a setting names them, whatever their file names are."""
    CODE: Mapping[str, CodeReader]
    """Readers of source code by file suffix: each reports imported packages that the lockfile lacks."""
    CODE_WORDS: tuple[str, ...]
    """Words to search before CODE reads a file: code that imports a package contains one of them, or the
    name of a client's program.
    """
    TASKS: Mapping[str, TaskReader]
    """Readers of this client's files of tasks by file name. A task runs in the folder of its file."""
    LOCK_COMMAND: tuple[str, ...]
    """The command that writes the lockfile without running scripts; ``.`` is the project's folder in it."""
    WRITES: str
    """The lockfile that LOCK_COMMAND writes."""
    RUN_INSTALLED: str
    """The command that runs a program of an installed package; ``{}`` is the program's name in it."""

    def fits(self, pin: Pin) -> bool:
        """Whether a project's pin may mean this client (Yarn classic and Yarn berry are both ``yarn``)."""

    def recognises(self, name: str, data: bytes) -> bool:
        """Whether a file with a name of LOCKFILES is of this client (two clients write a yarn.lock)."""

    def read_lockfile(
        self, path: str, data: bytes, read: Read, like: Lockfile | None = None
    ) -> Lockfile:
        """Read a lockfile; raises DocumentError for an unreadable file or an unknown version.

        ``read`` reads the files that a lockfile names (patch files), by their path from the
        repository's top. ``like`` is another version of the lockfile that was read before. A reader may
        reuse the decoded parts that both versions share: this saves time and changes no result.
        """

    def workspaces(self, manifest: Manifest, read: Read) -> tuple[str, ...] | None:
        """The globs of the workspaces, relative to the manifest's folder; None: this is no workspace root.

        Negated globs start with ``!``. The globs come from the manifest's ``workspaces`` or from
        WORKSPACE_FILE.
        """

    def locks_members(self, manifest: Manifest, read: Read) -> bool:
        """Whether the settings beside a root's manifest give each workspace a lockfile of its own."""

    def scripts_run(self, project: Project) -> Iterator[Problem]:
        """The reasons why dependencies' lifecycle scripts would run; empty if the settings prevent it.

        Several versions of the client may fit the project's pin and lockfile: if scripts run in one
        of them, that is a reason.
        """

    def unsafe_settings(self, project: Project, registries: AllowedSources) -> Iterator[Problem]:
        """Committed settings that undo protection (the check ``client-settings``)."""

    def allowances(self, project: Project) -> Iterator[Allowance]:
        """The allow-list entries that permit a package's scripts; entries that deny scripts are left out."""

    def registry_of(self, project: Project, package: str) -> str | None:
        """The URL of the registry that the committed settings name for a package; None: they name none."""

    def switch_off(self, project: Project) -> Sequence[Edit]:
        """The edits that switch dependencies' scripts off and keep comments; none if scripts are off."""

    def scripts_stopped(self, scripts: Collection[str]) -> list[str]:
        """The project's own scripts that the client usually runs and that its switch also turns off."""

    def set_cooldown(self, project: Project, days: int) -> Sequence[Edit]:
        """The edits that set the client's own cooldown and keep comments.

        Empty if a cooldown is set already, or if a version that may run would refuse the key.
        """

    def rebuild(self, project: Project, packages: Sequence[tuple[str, str]]) -> list[list[str]]:
        """The client's commands that run the scripts of these packages (name, version) and of no others.

        They are run at the repository's top, and contain the project's folder as an argument.
        Raises UndecidedError if the client cannot run these scripts alone.
        """

    def allow_list(self, project: Project, packages: Sequence[tuple[str, str]]) -> Edit | str:
        """The edit that adds packages to the client's allow-list; a text: why no list works for it."""

    def cooldown_exclude(self, name: str, version: str) -> str | None:
        """The setting that exempts a version from the client's cooldown, as ``FILE: LINE``; None: there is none."""


@cache
def clients() -> Mapping[str, Client]:
    """Every client by its NAME.

    A client is a folder here with a module ``client``. mypy checks that module against the
    protocol: the folder's ``__init__`` assigns it to a ``Client``.
    """
    found: dict[str, Client] = {}
    for folder in (each for each in parts(__path__) if each != "shared"):
        client: Client = import_part(f"{__name__}.{folder}.client")
        found[client.NAME] = client
    return found


@cache
def default_client() -> Client:
    """The client of a project that names none."""
    return next(each for each in clients().values() if each.DEFAULT)


def client_of(project: Project) -> Client:
    """The client of a project."""
    return clients()[project.client] if project.client else default_client()


def pinned_client(pin: Pin) -> Client | None:
    """The client that a pin names; None: npm-vetted knows no client of that name.

    Rush runs pnpm, so it fits a pin of pnpm too. But such a pin means pnpm: PROGRAM must be equal.
    """
    named = (each for each in clients().values() if pin.client == each.PROGRAM)
    return next((each for each in named if each.fits(pin)), None)
