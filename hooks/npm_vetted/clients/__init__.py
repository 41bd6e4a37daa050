"""The clients, discovered automatically: one folder each. A new one is a new folder and its tests.

A client module reads its lockfile and its settings, and knows nothing of checks, notes or policy.
It receives a ``Project`` and reads through it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Protocol

from npm_vetted._plugins import import_part, parts
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.settings import AllowedSources
from npm_vetted.clients.shared.workspaces import Negation
from npm_vetted.model import Allowance, CodeReader, Edit, Manifest, Pin, Problem, Project, Read


class Client(Protocol):
    """The interface of each client."""

    NAME: str
    """Its name in ``--format json`` and in messages: npm, pnpm, yarn-classic, yarn-berry, bun, deno, rush."""
    PROGRAM: str
    """Its name in ``packageManager`` and on the command line: npm, pnpm, yarn, bun, deno, rush."""
    PACKAGE: str
    """The package of the registry that holds the program which ``packageManager`` means."""
    LOCKFILES: tuple[str, ...]
    """File names of its lockfiles; where several are side by side the first wins.

    One may be a path below the project, and one of its folders ``*``: any folder.
    """
    SETTINGS: tuple[str, ...]
    """Files beside the manifest that hold its settings; one may be a path below the project."""
    INHERITED: tuple[str, ...]
    """Those of SETTINGS that it also reads from the directories above a project."""
    MARKERS: tuple[str, ...]
    """Files beside a manifest that show this client where neither lockfile nor pin does."""
    DEFAULT: bool
    """Whether a project that names no client uses this one; true of exactly one client."""
    COMMENTED_MANIFESTS: bool
    """Whether its package.json may have comments and trailing commas."""
    MANIFESTS: tuple[str, ...]
    """Files that this client reads as a manifest where there is no package.json."""
    OWN_MANIFESTS: Mapping[str, Callable[[str, bytes], Manifest]]
    """Files that this client reads as a manifest, with their reader: each makes a project."""
    PROGRAM_KEYS: Mapping[str, str]
    """The keys of its own manifest that name an exact version of a program, with its package."""
    WORKSPACE_FILE: str | None
    """A settings file that makes its folder a workspace root, whatever the manifest says."""
    NEGATION: Negation
    """What a negated glob of workspaces does."""
    REPLACING: tuple[tuple[str, ...], ...]
    """The tables of its manifest that put other packages or versions in the place of dependencies."""
    FOLDER_PREFIXES: tuple[str, ...]
    """How a specifier starts that names a folder whose dependencies the project's lockfile holds."""
    LINKS_MEMBERS: bool
    """Whether a range that a workspace's version satisfies always means that workspace."""
    SWITCH_FILE: str | None
    """The file of SETTINGS that an image needs for the switch to hold; None: scripts are off by default."""
    USER_FILE: str | None
    """The file in the user's home that this client reads together with SWITCH_FILE."""
    PROGRAM_FOLDERS: tuple[str, ...]
    """Folders of modules that it runs if a setting says so, whatever their files are called."""
    CODE: Mapping[str, CodeReader]
    """By suffix: what reports the packages that code itself names and the lockfile lacks."""
    CODE_WORDS: tuple[str, ...]
    """Code that names such a package has one of these words, or the name of a program, in it."""
    LOCK_COMMAND: tuple[str, ...]
    """The command that writes the lockfile and runs no dependency's script; ``.`` (or ``./FILE``): the folder."""
    WRITES: str
    """The lockfile that LOCK_COMMAND writes."""

    def fits(self, pin: Pin) -> bool:
        """Whether a project's pin may mean this client (``yarn`` names two of them)."""

    def recognises(self, name: str, data: bytes) -> bool:
        """Whether a file of one of LOCKFILES is this client's own (yarn.lock has two owners)."""

    def read_lockfile(
        self, path: str, data: bytes, read: Read, like: Lockfile | None = None
    ) -> Lockfile:
        """Read a lockfile; raises DocumentError for an unreadable file or an unknown version.

        ``read`` reads files that a lockfile names (patch files), by their path from the
        repository's top. ``like`` is another version of the lockfile, which was read already: its reader
        may take from there what both have.
        """

    def workspaces(self, manifest: Manifest, read: Read) -> tuple[str, ...] | None:
        """The globs of the workspaces' directories, relative to the manifest's; None: no root.

        Negations start with ``!``. ``pnpm-workspace.yaml`` or the manifest's own field says it.
        """

    def locks_members(self, manifest: Manifest, read: Read) -> bool:
        """Whether the settings beside a root's manifest give each workspace a lockfile of its own."""

    def scripts_run(self, project: Project) -> Iterator[Problem]:
        """The reasons why committed settings let dependencies' lifecycle scripts run; empty if they do not.

        The weakest version of the client that the project's pin and lockfile admit decides.
        """

    def unsafe_settings(self, project: Project, registries: AllowedSources) -> Iterator[Problem]:
        """Committed settings that undo protection (the check ``client-settings``)."""

    def allowances(self, project: Project) -> Iterator[Allowance]:
        """The entries of its allow-lists that let a package's scripts run; denials are left out."""

    def registry_of(self, project: Project, package: str) -> str | None:
        """The registry URL the committed settings name for a package; None: they name none."""

    def switch_off(self, project: Project) -> Sequence[Edit]:
        """The edits that switch dependencies' scripts off, keeping comments; none if they are."""

    def scripts_stopped(self, scripts: Collection[str]) -> list[str]:
        """Those of the project's own scripts that the client runs automatically and that its switch stops."""

    def set_cooldown(self, project: Project, days: int) -> Sequence[Edit]:
        """The edits that set its own cooldown, keeping comments.

        None where it has one already, or where a version that may run would refuse the key.
        """

    def rebuild(self, project: Project, packages: Sequence[tuple[str, str]]) -> list[list[str]]:
        """The client's own commands that run these packages' scripts (name, version), no others.

        To be run at the repository's top: they name the project's folder themselves.
        """

    def allow_list(self, project: Project, packages: Sequence[tuple[str, str]]) -> Edit | str:
        """The edit that writes the client's allow-list, or the reason why none works beside the switch."""

    def cooldown_exclude(self, name: str, version: str) -> str | None:
        """The entry, as ``FILE: LINE``, with which its own cooldown passes a version; None: no way."""


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
    """The client that a pin names; None where none is known by that name.

    A client that runs another one fits that one's pin, too, and is never meant by it.
    """
    named = (each for each in clients().values() if pin.client == each.PROGRAM)
    return next((each for each in named if each.fits(pin)), None)
