"""Finds install commands in files, and decides whether they would run install scripts.

``files`` has one module for each kind of file with commands, discovered automatically; each
client's folder has ``commands``. A kind of file passes its shell text to a ``ShellFollower``, with
the directory, the variables and the files that are present when it runs.
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
TOLD_BY_TEXT: Final = (AZURE_NPM_TASK, b"apiVersion:")
"""What is in YAML files of any name that are read: a task of Azure, a resource of Kubernetes."""
"""Azure's task of npm, by which YAML of any name is a pipeline (here: its reader takes 25 ms to import)."""
_QUOTING: Final = b"\\'\"^`\r\n"
CLIENT_PROGRAM: Final = "|".join(sorted({*PROGRAMS} - {*WHOLE_WORDS}, key=len, reverse=True))
"""An expression for the programs whose names texts do not hold by chance, the longest first."""
SETTINGS_ENDINGS: Final = tuple(name.lstrip(".") for name in USER_FILES)
"""How a path ends that a client may be told to read its settings from (``/etc/npmrc``)."""
_OTHERS: Final = re.compile(rb"\b(?:%s)\b" % "|".join((*OTHER_PROGRAMS, *WHOLE_WORDS)).encode())
"""Short names of programs: they count as words of their own only."""
_NAMES: Final = (
    *(word.encode() for word in WORDS), b"corepack", b"ignore_scripts", b"enable_scripts",
    b"additional_dependencies", b"$pm", b"{pm", b"(pm", b"package_manager", b"packagemanager",
    b"pkg_manager", b"/install-packages",
)  # fmt: skip
_HEAD: Final = 100_000
"""So much of a text may say of which kind it is."""
_ESCAPE: Final = re.compile(rb"\\[xuU0-7]")


class ClientFiles(NamedTuple):
    """The names of the files that a client reads, as far as they matter to a command.

    ``switch`` holds what switches scripts off, ``user`` is its counterpart in the user's home,
    ``workspace`` makes a folder a workspace root, ``manifests`` are read beside package.json.
    """

    switch: str | None = None
    user: str | None = None
    workspace: str | None = None
    manifests: tuple[str, ...] = ()


class Context(Protocol):
    """The questions that the judgement of a file may put to its repository."""

    def readers(self) -> Mapping[str, CommandReader]:
        """The readers of clients' command lines, by the name of each program."""

    def client_files(self, client: str) -> ClientFiles:
        """The files of a client, by its NAME; those of one that is not known have no names."""

    def read(self, path: str) -> bytes | None:
        """A file as it will be, by its path from the top."""

    def tracked(self) -> Tracked:
        """The paths of all files."""

    def project_at(self, folder: str) -> Project | None:
        """The project whose package.json, or whose member's, is in a folder."""

    def is_excluded(self, folder: str) -> bool:
        """Whether the policy says that the package.json in a folder is no project."""

    def safe(
        self, project: Project | None, client: str, read: Read, pin: Pin | None = None
    ) -> bool:
        """Whether a client runs no dependency's script with the settings that ``read`` gives.

        ``client`` is a client's NAME. Without a project: outside any. ``read`` takes the paths
        that the files have in the repository. ``pin``: the release that runs outside of a project.
        """

    def source_problems(self, settings: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """Which settings send a client to a place that the policy does not allow, and why.

        The settings have npm's names (``registry``, ``@scope:registry``, ``proxy``, ``cafile``, …).
        """

    def locks(self, project: Project | None, package: str) -> bool:
        """Whether the project's lockfile has a package, or a program, of this name.

        ``name@version`` and ``name@range``: whether it has that very package in such a version. What
        a tag such as ``latest`` names is not locked.
        """

    def package_of(self, program: str) -> str:
        """The package that brings a program: usually it has the program's name."""

    def may_have_programs(self, project: Project | None) -> bool:
        """Whether a locked direct dependency may own any program: the lockfile lists no programs."""

    def noted(self, name: str, version: str) -> bool:
        """Whether a note or an exemption mentions a version; the bytes are not compared."""

    def reviewed(self, project: Project | None, package: str) -> bool:
        """Whether notes say that the scripts of a package (``name`` or ``name@version``) were read.

        Without a version: of every version that is locked.
        """


class Place(Protocol):
    """The interface of each module of ``files``."""

    def recognises(self, path: str, head: bytes) -> bool:
        """Whether a file is of this kind, by its path and its first bytes."""

    def problems_of(self, path: str, data: bytes, context: Context) -> Iterator[Problem]:
        """The problems of the commands in a file."""


@cache
def kinds() -> Sequence[Place]:
    """Every kind of file that commands are in."""
    package = importlib.import_module(f"{__name__}.files")
    return tuple(map(_kind, parts(package.__path__)))


def _kind(name: str) -> Place:
    return cast("Place", importlib.import_module(f"{__name__}.files.{name}"))


def mentions_client(data: bytes) -> bool:
    """Whether a file can hold a command of a client: most cannot, and need no parser.

    Quotes, backslashes, carets and line ends are left out first, so that ``n\\pm`` and a name that
    is broken over two lines are seen; where a file has escapes such as ``\\x6e`` it counts as
    mentioning one. A name that is put together while the script runs is not seen: that is beyond
    what a reader of files can promise.
    """
    bare = data.translate(None, _QUOTING).lower()
    if any(name in bare for name in _NAMES) or _ESCAPE.search(data) is not None:
        return True
    return _OTHERS.search(data) is not None


def place_of(path: str, head: bytes) -> Place | None:
    """The kind of a file; None where no commands are in it that anything runs.

    A commit that adds a package touches a package.json: for that one the other kinds are not imported.
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
