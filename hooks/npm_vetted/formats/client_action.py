"""What a command line of a client does: the words between the clients' readers and ``installs``.

The readers of the clients' folders yield a ``ClientAction`` for each thing that a command line does;
the reader of files with commands decides whether scripts would run. Neither knows the other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from npm_vetted.formats.shell_text import Value

UNKNOWN_COMMAND: Final = "its command"
"""Why the flags of a command line are not known: nobody can tell its very command."""
UNREAD_SETTINGS: Final = "its settings"
"""The same where the settings of the client are not read."""


class ActionKind(StrEnum):
    """What a command does to packages."""

    INSTALL = "installs what the project asks for"
    ADD = "installs packages that it names"
    GLOBAL = "installs outside any project"
    RUN = "fetches a package and runs it"
    REBUILD = "runs install scripts of packages that are there"
    TIDY = "changes an installed tree"
    ALLOW = "lets packages run their install scripts"
    CONFIG = "changes a setting"


class Switch(StrEnum):
    """What a flag or a variable says about install scripts."""

    OFF = "off"
    ON = "on"
    UNSET = "unset"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAction:
    """What one command line does.

    ``folder`` is where it does it, relative to where it runs. ``frozen``: True where it takes the
    lockfile as it is, False where it is told not to, None where it depends on the place.
    ``obeys`` is False where it is told to leave the project's settings aside, ``alone`` is True
    where it leaves those of the workspace root aside. ``then`` and ``shell`` are commands that it
    runs. ``setting`` is what CONFIG sets: key, value, and whether in the project's own file.
    """

    kind: ActionKind
    client: str
    switch: Switch = Switch.UNSET
    by: str | None = None
    packages: tuple[str, ...] = ()
    folder: str | None = None
    frozen: bool | None = None
    obeys: bool = True
    alone: bool = False
    then: tuple[str, ...] = ()
    shell: str | None = None
    setting: tuple[str, str, bool] | None = None
    fix: tuple[str, ...] = ()
    fetches_always: bool = False
    """Whether it never uses a copy that the project has installed (``dlx``)."""
    reads_folder: bool = False
    """Whether a global install reads the settings of the directory where it runs."""
    locked: tuple[str, ...] = ()
    """The command line that runs the copy that a project locks, where this one never does."""
    sources: tuple[tuple[str, str], ...] = ()
    """What it says about where packages come from: npm's name of each setting, and its value."""
    user_settings: str | None = None
    """The file that it reads in the place of the user's own settings."""


class CommandReader(Protocol):
    """What each client's module ``commands`` offers."""

    PROGRAMS: Collection[str]
    """The names of the programs that it reads."""
    LOCKING: Mapping[str, tuple[str, ...]]
    """By a client's NAME: the command that locks an exact development package and runs no script.

    The package follows it. ``.`` is the project's folder.
    """

    def read(
        self, words: Sequence[str], environment: Mapping[str, Value]
    ) -> Iterator[ClientAction]:
        """What a command line does; nothing where it installs nothing and runs nothing."""

    def variable(self, name: str, text: str) -> Switch:
        """What a variable of the environment says."""

    def source_variable(self, name: str) -> str | None:
        """npm's name of the setting by which a variable decides where packages come from."""


_SOURCES: Final[Mapping[str, str]] = {
    "registry": "registry",
    "npmregistryserver": "registry",
    "proxy": "proxy",
    "httpproxy": "proxy",
    "httpsproxy": "https-proxy",
    "strictssl": "strict-ssl",
    "enablestrictssl": "strict-ssl",
    "ca": "ca",
    "cafile": "cafile",
    "httpscafilepath": "cafile",
}
"""The settings that decide where packages come from, as any client spells them, by npm's names."""


def source_setting(name: str) -> str | None:
    """npm's name of a setting that decides where packages come from; None: it does not."""
    bare = name.removeprefix("config.")
    if bare.endswith(":registry"):
        return bare
    return _SOURCES.get(re.sub("[-_]", "", bare.lower()))
