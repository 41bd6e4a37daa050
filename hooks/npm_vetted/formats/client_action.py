"""The effect of a client's command line: the interface between the clients' readers and ``installs``.

The readers of the clients' folders yield a ``ClientAction`` for each thing that a command line does;
the reader of files with commands decides whether scripts would run. Neither knows the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from npm_vetted.formats.shell_text import Value
from npm_vetted.model import Pin, Project

UNKNOWN_COMMAND: Final = "its command"
"""Why the flags of a command line are not known: nobody can tell its very command."""
UNREAD_SETTINGS: Final = "its settings"
"""The same where the settings of the client are not read."""

AT_WORKSPACE_ROOT: Final = "--ignore-workspace-root-check"
"""The option by which a package may be added to the root of a workspace."""


class ActionKind(StrEnum):
    """The effect of a command on packages."""

    INSTALL = "installs what the project requires"
    ADD = "installs packages that it names"
    GLOBAL = "installs outside any project"
    RUN = "fetches a package and runs it"
    REBUILD = "runs install scripts of packages that are there"
    TIDY = "changes an installed tree"
    ALLOW = "lets packages run their install scripts"
    CONFIG = "changes a setting"


class Switch(StrEnum):
    """The effect of a flag or a variable on install scripts."""

    OFF = "off"
    ON = "on"
    UNSET = "unset"
    UNKNOWN = "unknown"


class Weakness(NamedTuple):
    """An option or a variable that leaves a lockfile, its hashes or a project's settings aside."""

    name: str
    """The option or the variable, as it was written."""
    reason: str
    """What it does: the rest of a sentence about it."""
    certain: bool = True
    """False: nobody can tell whether it does."""
    fix: tuple[str, ...] = ()
    """The command line without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAction:
    """The effect of one command line.

    ``folder`` is the folder that it affects, relative to the current one. ``frozen``: True if it
    never changes the lockfile, False if a flag lets it, None if that depends on the environment.
    ``obeys`` is False if a flag makes it ignore the project's settings; ``alone`` is True if it
    ignores those of the workspace root. ``then`` and ``shell`` are commands that it runs.
    ``setting`` is the setting that CONFIG changes: key, value, and whether in the project's own
    file.
    """

    kind: ActionKind
    client: str
    only_for: str | None = None
    """The NAME of the one client that does this, where several have the program's name."""
    switch: Switch = Switch.UNSET
    by: str | None = None
    packages: tuple[str, ...] = ()
    names_packages: bool = False
    """Whether an option names the packages that it fetches, so that a program's name is not meant."""
    folder: str | None = None
    frozen: bool | None = None
    obeys: bool = True
    alone: bool = False
    then: tuple[str, ...] = ()
    shell: str | None = None
    setting: tuple[str, str, bool] | None = None
    starts: bool = False
    """Whether it makes a package.json where none is: from there on, that folder is a project."""
    fix: tuple[str, ...] = ()
    fetches_always: bool = False
    """Whether it never uses a copy that the project has installed (``dlx``)."""
    locked: tuple[str, ...] = ()
    """The command line that runs the copy that a project locks, where this one never does."""
    sources: tuple[tuple[str, str], ...] = ()
    """What it says about where packages come from: npm's name of each setting, and its value."""
    weakens: tuple[Weakness, ...] = ()
    """What its options leave aside."""
    by_owner: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """By the NAME of the client that installs the project: the command line that it starts."""
    user_settings: str | None = None
    """The file that it reads in the place of the user's own settings."""


class SettingFile(NamedTuple):
    """The file into which ``config set`` writes a setting.

    ``line`` is its line, with ``{key}`` and ``{value}``. ``may_be_own``: it can be the project's file;
    else it is the user's. ``once``: a key that is there already is replaced.
    """

    name: str
    line: str
    may_be_own: bool = True
    once: bool = False


def _by_program(locked: str | None, has: Callable[[str], bool], pin: Pin | None) -> str | None:  # noqa: ARG001
    return None


class ClientRules(NamedTuple):
    """A client's rules about command lines, as far as these decide about scripts.

    ``name``: which client a program is (two are called ``yarn``), by the NAME of the client that
    locks the project, by a question whether the project has a file, and by the project's pin; None:
    the program's own name. ``counts``: whether a variable or a flag means something to the client of
    a NAME. ``holds``: whether variables that switch scripts off do so in every version that may run.
    ``decides``: what the version alone decides about a kind of action; None: the settings do.
    """

    name: Callable[[str | None, Callable[[str], bool], Pin | None], str | None] = _by_program
    counts: Callable[[str, str], bool] = lambda _option, _client: True
    holds: Callable[[Sequence[str], ActionKind, int | None], bool] = lambda _names, _kind, _major: (
        True
    )
    decides: Callable[[ActionKind, int | None], bool | None] = lambda _kind, _major: None
    flag: Mapping[str, str] = MappingProxyType({})
    """By NAME: the flag that switches scripts off, where it is not that of the reader."""
    defaults_hold_for_fetched: bool = True
    """Whether what a version blocks by default is also blocked for a package that is fetched and run."""
    why_fetched: str | None = None
    """Why no committed setting holds for a package that is fetched and run."""
    folder_is_exact: bool = False
    """Whether a folder that an option names must hold the manifest itself."""
    frozen: Mapping[str, str] = MappingProxyType({})
    """By NAME: how an install is told to leave the lockfile alone."""
    frozen_by: Callable[[Project], bool] = lambda _project: False
    """Whether a project's settings tell its installs to leave the lockfile alone."""
    frozen_in_ci: frozenset[str] = frozenset()
    """The NAMEs of those that leave it alone where they see that they run in CI."""
    setting_file: Callable[[str], SettingFile | None] = lambda _key: None
    """Where ``config set`` writes a key."""
    weakens: Callable[[str, str], Weakness | None] = lambda _name, _text: None
    """What a variable leaves aside."""
    needs_script: frozenset[str] = frozenset()
    """The packages that bring the client, and do not run where their install script did not."""
    inherits: frozenset[str] = frozenset()
    """The NAMEs of those that also read the settings of the folders above the project's."""
    newest: int | None = None
    """The major version that ``latest`` is at least, where the version decides about scripts."""


class CommandReader(Protocol):
    """The interface of each client's module ``commands``."""

    PROGRAMS: Collection[str]
    """The names of the programs that it reads."""
    WHOLE_WORDS: Collection[str]
    """Those of PROGRAMS that texts also hold by chance: each counts only as a word of its own."""
    RULES: ClientRules
    """How the client differs from the others."""
    LOCKING: Mapping[str, tuple[str, ...]]
    """By a client's NAME: the command that locks an exact development package and runs no script.

    The package follows it. ``.`` is the project's folder, AT_WORKSPACE_ROOT counts in a workspace only.
    """

    def read(
        self, words: Sequence[str], environment: Mapping[str, Value]
    ) -> Iterator[ClientAction]:
        """The actions of a command line; none if it neither installs nor runs anything."""

    def variable(self, name: str, text: str) -> Switch:
        """The effect of an environment variable."""

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
