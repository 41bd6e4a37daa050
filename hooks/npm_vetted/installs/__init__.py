"""Finds install commands in files, and decides whether they would run install scripts.

1. ``place_of`` decides by path and first bytes which module of ``files`` reads a file: there is one module
   for each kind of file with commands, discovered automatically.
2. That module finds the commands in the file. It passes their shell text to a ``ShellFollower``, with the
   folder, the variables and the files that are there when the text runs.
3. ``shell`` follows the text command by command. The module ``commands`` in a client's folder says what a
   command line of that client does (a ``ClientAction``).
4. ``shell.judgement`` decides whether the action would run install scripts: by its flags, by variables, and
   by the settings in force where it runs (``context``).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from npm_vetted._plugins import parts
from npm_vetted.client_names import OTHER_PROGRAMS, PROGRAMS, USER_FILES, WHOLE_WORDS, WORDS
from npm_vetted.errors import NpmVettedError
from npm_vetted.model import Level, Location, Pin, Problem, Project, Read

if TYPE_CHECKING:
    from npm_vetted.formats.client_action import CommandReader
    from npm_vetted.installs.context.disk import Tracked

AZURE_NPM_TASK: Final = b"Npm@1"
"""Azure's task of npm: YAML of any name with it is a pipeline (here: its reader takes 25 ms to import)."""
CLOUD_CONFIG: Final = b"#cloud-config"
"""The first line of a file for cloud-init."""
TOLD_BY_TEXT: Final = (AZURE_NPM_TASK, b"apiVersion:", CLOUD_CONFIG)
"""Texts by which YAML of any name is recognized: for Azure, for Kubernetes, for cloud-init."""
_QUOTING: Final = b"\\'\"^`\r\n"
CLIENT_PROGRAM: Final = "|".join(sorted({*PROGRAMS} - {*WHOLE_WORDS}, key=len, reverse=True))
"""An expression for programs whose names are distinctive enough to search for, the longest first."""
SETTINGS_ENDINGS: Final = tuple(name.lstrip(".") for name in USER_FILES)
"""Endings of paths that a client may be told to read its settings from (``/etc/npmrc``)."""
_OTHERS: Final = re.compile(rb"\b(?:%s)\b" % "|".join((*OTHER_PROGRAMS, *WHOLE_WORDS)).encode())
"""Short names of programs: they only count as whole words."""
_NAMES: Final = (
    *(word.encode() for word in WORDS), b"corepack", b"ignore_scripts", b"enable_scripts",
    b"additional_dependencies", b"$pm", b"{pm", b"(pm", b"package_manager", b"packagemanager",
    b"pkg_manager", b"/install-packages",
)  # fmt: skip
_DISTRIBUTION: Final = b"ubuntu"
"""A word in many files that holds a client's name, and runs none."""
_HEAD: Final = 100_000
"""Bytes at the start of a file that may show which kind it is."""
_ESCAPE: Final = re.compile(rb"\\[xuU0-7]")


class ClientFiles(NamedTuple):
    """The names of the files of a client that matter to a command.

    ``switch`` may switch scripts off, ``user`` is the same file in the user's home. ``workspace`` makes a
    folder a workspace root. ``manifests`` are the manifests other than package.json.
    """

    switch: str | None = None
    user: str | None = None
    workspace: str | None = None
    manifests: tuple[str, ...] = ()


class Context(Protocol):
    """What the rules about commands may ask about the repository."""

    def readers(self) -> Mapping[str, CommandReader]:
        """The readers of clients' command lines, by the name of each program."""

    def client_files(self, client: str) -> ClientFiles:
        """The files of a client, by its NAME; an unknown client has none."""

    def tasks(self, path: str, data: bytes) -> Iterator[tuple[str, int]]:
        """The tasks in a client's own file of tasks: the shell text and the line of each."""

    def read(self, path: str) -> bytes | None:
        """The content of a file after the change, by its path from the top; None: there is no such file."""

    def tracked(self) -> Tracked:
        """The paths of all files."""

    def project_at(self, folder: str) -> Project | None:
        """The project whose manifest, or a member's manifest, is in a folder; None: there is none."""

    def is_excluded(self, folder: str) -> bool:
        """Whether the policy says that the package.json in a folder is no project."""

    def safe(
        self, project: Project | None, client: str, read: Read, pin: Pin | None = None
    ) -> bool:
        """Whether a client runs no dependency's script with the settings that ``read`` gives.

        ``client`` is a client's NAME. ``project`` None: the client runs outside any project. ``read`` is
        called with paths from the repository's top. ``pin``: the release that runs outside a project.
        """

    def source_problems(self, settings: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """The settings that name a source that the policy does not allow, each with the reason.

        The settings have npm's names (``registry``, ``@scope:registry``, ``proxy``, ``cafile``, …).
        """

    def locks(self, project: Project | None, package: str) -> bool:
        """Whether the project's lockfile has a package, or a package with a program, of this name.

        With ``name@version`` or ``name@range``, it must be that package in such a version. A tag such as
        ``latest`` never counts as locked.
        """

    def package_of(self, program: str) -> str:
        """The package that contains a program; usually both have the same name."""

    def may_have_programs(self, project: Project | None) -> bool:
        """Whether a direct dependency may contain any program, because the lockfile does not list programs."""

    def noted(self, name: str, version: str) -> bool:
        """Whether a note or an exemption mentions a version; the bytes are not compared."""

    def reviewed(self, project: Project | None, package: str) -> bool:
        """Whether notes say that the scripts of a package (``name`` or ``name@version``) were reviewed.

        Without a version, every locked version must be reviewed.
        """


class Place(Protocol):
    """The interface of each module of ``files``."""

    def recognises(self, path: str, head: bytes) -> bool:
        """Whether a file is of this kind, by its path and its first bytes."""

    def problems_of(self, path: str, data: bytes, context: Context) -> Iterator[Problem]:
        """The problems of the commands in a file."""


@cache
def kinds() -> Sequence[Place]:
    """The modules of ``files``: every kind of file that may contain commands."""
    package = importlib.import_module(f"{__name__}.files")
    return tuple(map(_kind, parts(package.__path__)))


def _kind(name: str) -> Place:
    return cast("Place", importlib.import_module(f"{__name__}.files.{name}"))


def mentions_client(data: bytes) -> bool:
    """Whether a file may contain a command of a client. Most files do not, so they need no parser.

    Quotes, backslashes, carets and line ends are removed before the search, so ``n\\pm`` and a name that
    is split over two lines are found. A file with escapes such as ``\\x6e`` always counts as mentioning a
    client. A name that a script computes is not found: no reader of files can promise that.
    """
    bare = data.translate(None, _QUOTING).lower().replace(_DISTRIBUTION, b" ")
    if any(name in bare for name in _NAMES) or _ESCAPE.search(data) is not None:
        return True
    return _OTHERS.search(data) is not None


def place_of(path: str, head: bytes) -> Place | None:
    """The module for a file's kind; None: nothing runs commands from this file.

    Most commits with packages only touch package.json, so its kind is tried before the others are imported.
    """
    if path.rpartition("/")[2] == "package.json":
        manifest = _kind("manifest")
        if manifest.recognises(path, head):
            return manifest
    by_path = next((each for each in kinds() if each.recognises(path, b"")), None)
    if by_path is not None or not head:
        return by_path
    return next((each for each in kinds() if each.recognises(path, head)), None)


def install_problems(path: str, context: Context) -> Iterator[Problem]:
    """The problems of the install commands in a file; a file that cannot be read is a warning."""
    data = context.read(path)
    if data is None or not mentions_client(data):
        return
    place = place_of(path, data[:_HEAD])
    if place is None:
        return
    try:
        yield from place.problems_of(path, data, context)
    except NpmVettedError as error:
        yield Problem(
            message=f"undecided: {error.message}",
            location=Location(error.path or path, error.line),
            level=Level.WARNING,
            code="undecided",
            key=path,
        )
