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
"""A value of ``by``: the command itself is unknown, so its flags are too."""
UNREAD_SETTINGS: Final = "its settings"
"""A value of ``by``: npm-vetted does not read the settings of the client."""

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
    """An option or variable with which a client ignores a lockfile, its hashes or a project's settings."""

    name: str
    """The option or the variable, as it was written."""
    reason: str
    """The effect, as the end of a sentence that begins with the name."""
    certain: bool = True
    """False: it is not known whether the option or variable has this effect."""
    fix: tuple[str, ...] = ()
    """The command line without the option."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAction:
    """The effect of one command line.

    ``folder``: the affected folder, relative to the current one. ``frozen``: True: the lockfile is never
    changed; False: a flag permits changes; None: the environment decides. ``obeys``: False if a flag makes
    the client ignore the project's settings. ``alone``: True if the client ignores the workspace root's
    settings. ``then`` and ``shell``: commands that the action runs. ``setting``: the setting that an action
    of kind CONFIG changes (key, value, whether in the project's own file).
    """

    kind: ActionKind
    client: str
    only_for: str | None = None
    """The NAME of the client with this action, if several clients share the program's name; None: all."""
    switch: Switch = Switch.UNSET
    by: str | None = None
    packages: tuple[str, ...] = ()
    names_packages: bool = False
    """Whether an option names the fetched packages (``--package``); else a name may be a program's."""
    folder: str | None = None
    frozen: bool | None = None
    obeys: bool = True
    alone: bool = False
    then: tuple[str, ...] = ()
    shell: str | None = None
    setting: tuple[str, str, bool] | None = None
    starts: bool = False
    """Whether the command creates a package.json, so that the folder becomes a project."""
    fix: tuple[str, ...] = ()
    fetches_always: bool = False
    """Whether the command never uses the project's installed copy of the package (``dlx``)."""
    locked: tuple[str, ...] = ()
    """For a command that never runs the project's locked copy: the command line that does."""
    sources: tuple[tuple[str, str], ...] = ()
    """The package sources that the command line sets: npm's name of each setting, and the value."""
    weakens: tuple[Weakness, ...] = ()
    """The options with which the client ignores a lockfile, hashes or settings."""
    by_owner: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """For a program that starts the project's client: NAME of the client -> the started command line."""
    user_settings: str | None = None
    """The settings file that replaces the user's own (``--userconfig``); None: none does."""


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

    ``name``: the NAME of the client that a program is (two are called ``yarn``), from the NAME of the
    client that locks the project, a function that tells whether the project has a file, and the project's
    pin; None: the program's own name. ``counts``: whether the client with a NAME reads a variable or flag.
    ``holds``: whether variables that switch scripts off work in every version that may run. ``decides``:
    whether scripts are certainly off (True) or may run (False) for a kind of action, whatever the settings
    are; None: the settings decide.
    """

    name: Callable[[str | None, Callable[[str], bool], Pin | None], str | None] = _by_program
    counts: Callable[[str, str], bool] = lambda _option, _client: True
    holds: Callable[[Sequence[str], ActionKind, int | None], bool] = lambda _names, _kind, _major: (
        True
    )
    decides: Callable[[ActionKind, int | None], bool | None] = lambda _kind, _major: None
    flag: Mapping[str, str] = MappingProxyType({})
    """NAME -> the flag that switches scripts off, if it differs from the one in the reader's lines."""
    defaults_hold_for_fetched: bool = True
    """Whether scripts that a version blocks by default are also blocked for fetched packages (``npx``)."""
    why_fetched: str | None = None
    """The reason why no committed setting applies to a package that is fetched and run; None: they apply."""
    folder_is_exact: bool = False
    """Whether the manifest must be in the folder that an option names, not in one above it."""
    frozen: Mapping[str, str] = MappingProxyType({})
    """NAME -> the flag with which an install does not change the lockfile."""
    frozen_by: Callable[[Project], bool] = lambda _project: False
    """Whether a project's settings keep installs from changing the lockfile."""
    frozen_in_ci: frozenset[str] = frozenset()
    """The NAMEs of the clients that do not change the lockfile if they detect CI."""
    setting_file: Callable[[str], SettingFile | None] = lambda _key: None
    """The file into which ``config set`` writes a key; None: not known."""
    weakens: Callable[[str, str], Weakness | None] = lambda _name, _text: None
    """The weakness that a variable causes; None: it causes none."""
    needs_script: frozenset[str] = frozenset()
    """Packages that contain the client and do not work without their install script."""
    inherits: frozenset[str] = frozenset()
    """The NAMEs of the clients that also read settings in the folders above the project."""
    newest: int | None = None
    """The least major version of ``latest``, for a client whose version decides about scripts."""


class CommandReader(Protocol):
    """The interface of each client's module ``commands``."""

    PROGRAMS: Collection[str]
    """The names of the programs whose command lines the module reads."""
    WHOLE_WORDS: Collection[str]
    """The names among PROGRAMS that also occur in other words: in a text search, only whole words count."""
    RULES: ClientRules
    """The client's rules about command lines."""
    LOCKING: Mapping[str, tuple[str, ...]]
    """NAME -> the command that locks an exact development package without scripts; the package is appended.

    ``.`` is the project's folder. AT_WORKSPACE_ROOT is only used in a workspace root.
    """

    def read(
        self, words: Sequence[str], environment: Mapping[str, Value]
    ) -> Iterator[ClientAction]:
        """The actions of a command line; none if it neither installs nor runs anything."""

    def variable(self, name: str, text: str) -> Switch:
        """The effect of an environment variable."""

    def source_variable(self, name: str) -> str | None:
        """npm's name of the source setting that a variable sets; None: it sets none."""


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
