"""Shell text in configuration files: a table of file kinds, each read by a parser of its format.

A ``DeclaredKind`` names files by ``paths`` and the keys of commands by ``keys``. A parser of the format
yields each command with its line, and the shell reader follows the command. To add a kind, add a line to the
table in the module of its format (``declared_yaml``, ``declared_toml``, ``declared_json``).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from npm_vetted.formats.shell_text import UNKNOWN, Value
from npm_vetted.installs import Context
from npm_vetted.installs.files.dockerfile import image_problems
from npm_vetted.installs.shell.follower import ShellFollower, base_state
from npm_vetted.installs.shell.powershell import run_windows
from npm_vetted.installs.shell.source import Source
from npm_vetted.installs.shell.state import State
from npm_vetted.model import Problem

IMAGE: Final = "image"
"""The value of ``shell`` for a text that is a Dockerfile."""
_BY_OPTIONS: Final = ("scripts-on", "allows-scripts", "other-source", "undecided")
_PROJECT: Final = "{projectRoot}"
_TOPS: Final = re.compile(r"\{workspaceRoot\}|\$\{workspaceFolder\}")
"""Variables for the top folder, which Nx and VS Code replace."""
_HOLE: Final = re.compile(r"\$[({\w]|\{\{|<%")
"""A variable or template in the name of a directory."""


class DeclaredKind(NamedTuple):
    """One kind of file.

    Which files: ``paths`` are globs over the whole path, in lower case; ``*`` also matches slashes.

    Where commands are: ``keys`` have a command, or a list of commands. ``words`` have the words of one
    command, as a list or a text. ``maps`` have a command under each key below them ("" is the whole file).
    ``images`` have the text of a Dockerfile. ``flags``: commands that the host runs with the options in a
    variable. ``joins``: the words in ``args`` follow those in ``words``. ``arguments`` is the key of words
    that follow a text in ``words``.

    How they run: ``folder`` is the key of the directory, for the commands beside and below it. ``beside``:
    they run in the file's folder; ``above``: in the folder above it. ``elsewhere``: they run in a container,
    in an unknown directory. ``windows``: they may be for PowerShell or cmd. ``shares``: the commands of one
    list run in one shell. ``ci``: an install must not change the lockfile. ``env`` are keys of variables for
    the commands beside and below them. ``fills`` are keys of variables that templates in the commands name.
    """

    name: str
    paths: tuple[str, ...]
    keys: frozenset[str]
    words: frozenset[str] = frozenset()
    folder: str | None = None
    ci: bool = False
    elsewhere: bool = False
    windows: bool = False
    beside: bool = False
    above: bool = False
    env: frozenset[str] = frozenset()
    maps: frozenset[str] = frozenset()
    shares: bool = False
    images: frozenset[str] = frozenset()
    joins: bool = False
    fills: frozenset[str] = frozenset()
    flags: Mapping[str, str] = MappingProxyType({})
    arguments: str = "args"


class DeclaredVariable(NamedTuple):
    """A variable that a file sets for some of its commands, with all its possible values."""

    name: str
    value: Value
    line: int


class DeclaredCommand(NamedTuple):
    """A command in a file: shell text or the words of one command, its line and its directory.

    ``shared``: it runs in the same shell as the command before it. If the text is empty, only the variables
    are judged. If ``shell`` is IMAGE, the text is a Dockerfile. ``only_options``: the host runs the command
    in any case, so only the effect of the options is judged.
    """

    text: str | Sequence[str]
    line: int
    folder: str | None = None
    shell: str = "sh"
    source: Source | None = None
    variables: tuple[DeclaredVariable, ...] = ()
    shared: bool = False
    only_options: bool = False


def holds_command(kind: DeclaredKind, key: str) -> bool:
    """Whether a kind has commands under a key; a key of the table may be a glob."""
    return key in kind.keys or any(
        "*" in each and fnmatch.fnmatchcase(key, each) for each in kind.keys
    )


def file_kind_of(kinds: Iterable[DeclaredKind], path: str) -> DeclaredKind | None:
    """The kind of a file by its path."""
    lowered = path.lower()
    return next(
        (kind for kind in kinds if any(fnmatch.fnmatchcase(lowered, glob) for glob in kind.paths)),
        None,
    )


def follow(
    kind: DeclaredKind, path: str, commands: Iterable[DeclaredCommand], context: Context
) -> Iterator[Problem]:
    """The problems of the commands of a file."""
    found = ShellFollower(path=path, context=context, ci=kind.ci, knows_ci=kind.ci)
    state = base_state(context, path)
    for command in commands:
        for each in command.variables:
            found.reports.variable(each.name, each.value, each.line)
        if command.shared:
            _follow(found, command, state)
            continue
        state = base_state(context, path)
        state.script = None
        for each in command.variables:
            state.set(each.name, each.value, export=True)
        own = path.rpartition("/")[0]
        if home := own if kind.beside else own.rpartition("/")[0] if kind.above else "":
            state.enter((home,))
        folder = _TOPS.sub("", (command.folder or "").replace(_PROJECT, own))
        if kind.elsewhere or _HOLE.search(folder):
            state.enter(UNKNOWN)
        elif folder.strip("/"):
            state.enter((folder.lstrip("/"),))
        _follow(found, command, state)
    return found.reports.finish()


def _follow(found: ShellFollower, command: DeclaredCommand, state: State) -> None:
    before = len(found.reports.problems)
    _follow_text(found, command, state)
    if command.only_options:
        added = found.reports.problems[before:]
        found.reports.problems[before:] = [each for each in added if each.code in _BY_OPTIONS]


def _follow_text(found: ShellFollower, command: DeclaredCommand, state: State) -> None:
    if command.shell == IMAGE:
        assert isinstance(command.text, str)
        text = "\n" * (command.line - 1) + command.text
        found.reports.problems += image_problems(found.path, text, found.context, command.folder)
        return
    if not isinstance(command.text, str):
        words = list(command.text)
        if words:
            found.command(words, state, Source(" ".join(words), ((0, command.line),)), 0)
        return
    source = command.source or Source(command.text, ((0, command.line),))
    if command.shell in ("ps", "pwsh", "cmd"):
        run_windows(found, source, state, cmd=command.shell == "cmd")
    else:
        found.run(source, state)
