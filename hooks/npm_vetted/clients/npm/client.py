"""npm: package-lock.json, npm-shrinkwrap.json and .npmrc.

The effects of npm's settings were tried with npm 10, 11 and 12 (tests/formats/test_npmrc.py and
tests/clients/test_npm.py run them again).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from npm_vetted.clients.npm import settings
from npm_vetted.clients.npm.settings import NPMRC
from npm_vetted.clients.shared.workspaces import Negation
from npm_vetted.errors import UndecidedError
from npm_vetted.formats.npmrc import (
    SWITCH,
    NpmrcSetting,
    effective,
    load_npmrc,
    switch_problem,
)
from npm_vetted.model import CodeReader, Edit, Manifest, Pin, Project, Read, TaskReader

if TYPE_CHECKING:
    from npm_vetted.clients.npm.lockfile import NpmLockfile
    from npm_vetted.clients.shared.lockfile import Lockfile

NAME = "npm"
PROGRAM = "npm"
PACKAGE = PROGRAM
LOCKFILES: tuple[str, ...] = ("npm-shrinkwrap.json", "package-lock.json")
SETTINGS: tuple[str, ...] = (".npmrc",)
INHERITED: tuple[str, ...] = ()
MARKERS: tuple[str, ...] = ()
DEFAULT = True
COMMENTED_MANIFESTS = False
MANIFESTS: tuple[str, ...] = ()
OWN_MANIFESTS: Mapping[str, Callable[[str, bytes], Manifest]] = {}
PROGRAM_KEYS: Mapping[str, str] = {}
WORKSPACE_FILE: str | None = None
NEGATION = Negation.IN_ORDER
REPLACING: tuple[tuple[str, ...], ...] = (("overrides",),)
FOLDER_PREFIXES: tuple[str, ...] = ("file:", "link:", "./", "../")
LINKS_MEMBERS = True
SWITCH_FILE: str | None = ".npmrc"
USER_FILE: str | None = ".npmrc"
PROGRAM_FOLDERS: tuple[str, ...] = ()
CODE_WORDS: tuple[str, ...] = ()
CODE: Mapping[str, CodeReader] = {}
TASKS: Mapping[str, TaskReader] = {}
LOCK_COMMAND: tuple[str, ...] = (
    "npm",
    "--prefix",
    ".",
    "install",
    "--package-lock-only",
    "--ignore-scripts",
)
WRITES = "package-lock.json"
RUN_INSTALLED = "npx --no {}"

_AGE: Final = "min-release-age"
_LINE: Final = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_TAIL: Final = re.compile(r"(?<!\\)\s*[;#]")

scripts_run = settings.scripts_run
unsafe_settings = settings.unsafe_settings
allowances = settings.allowances
registry_of = settings.registry_of


def fits(pin: Pin) -> bool:
    """Whether a pin names npm; no other client has that name."""
    return pin.client == PROGRAM


def recognises(name: str, data: bytes) -> bool:  # noqa: ARG001
    """Always true: no other client writes a lockfile with these names."""
    return name in LOCKFILES


def read_lockfile(path: str, data: bytes, read: Read, like: Lockfile | None = None) -> NpmLockfile:
    """Read a lockfile of any version: without ``lockfileVersion`` (npm 4), or 1 to 4."""
    from npm_vetted.clients.npm.reader import read_npm_lockfile

    return read_npm_lockfile(path, data, read, like)


def workspaces(manifest: Manifest, read: Read) -> tuple[str, ...] | None:  # noqa: ARG001
    """The globs in the manifest's ``workspaces``."""
    return manifest.workspaces


def locks_members(manifest: Manifest, read: Read) -> bool:  # noqa: ARG001
    """Never: one lockfile holds all workspaces."""
    return False


def switch_off(project: Project) -> Sequence[Edit]:
    """Set ``ignore-scripts=true`` in the project's .npmrc, replacing a line with another value.

    Raises UndecidedError if the file has a form in which an added line does not win, or is not UTF-8.
    """
    path = project.join(NPMRC)
    data = project.read(path) or b""
    settings = load_npmrc(path, data)
    if switch_problem(path, settings) is None:
        return ()
    if b"\0" in data:
        raise UndecidedError("not UTF-8 text, and npm cannot read it", path=path, fix="rewrite it")
    content = _with_switch(data.decode("utf-8", "surrogateescape"), settings)
    edited = content.encode("utf-8", "surrogateescape")
    problem = switch_problem(path, load_npmrc(path, edited))
    if problem is not None:
        raise UndecidedError(problem.message, path=path, line=problem.location.line)
    return (Edit(path=path, content=edited, reason=f"{SWITCH}=true"),)


def scripts_stopped(scripts: Collection[str]) -> list[str]:
    """The lifecycle scripts, and ``preNAME`` and ``postNAME`` of other scripts (seen with npm 10 and 12)."""
    from npm_vetted.clients.shared.lifecycle import own_lifecycle, paired

    return sorted({*own_lifecycle(scripts), *paired(scripts)})


def set_cooldown(project: Project, days: int) -> Sequence[Edit]:
    """Set ``min-release-age`` in .npmrc: npm 11.10 and later obey, older ones warn at most (npm 6, 10).

    No edit if ``before`` is in the same file: npm stops if it finds both.
    """
    path = project.join(NPMRC)
    data = project.read(path) or b""
    settings = load_npmrc(path, data)
    if b"\0" in data or any(setting.key in (_AGE, "before") for setting in settings):
        return ()
    text = data.decode("utf-8", "surrogateescape")
    header = next((setting.line for setting in settings if setting.section is not None), None)
    lines = [found.group() for found in _LINE.finditer(text) if found.group()]
    end = "\r\n" if "\r\n" in text else "\n"
    place = len(lines) if header is None else header - 1
    if lines[:place] and not lines[place - 1].endswith(("\n", "\r")):
        lines[place - 1] += end
    lines.insert(place, f"{_AGE}={days}{end}")
    content = "".join(lines).encode("utf-8", "surrogateescape")
    written = effective(load_npmrc(path, content), _AGE)
    if written is None or str(written.value) != str(days):
        return ()
    return (Edit(path=path, content=content, reason=f"{_AGE}={days}"),)


def _with_switch(text: str, settings: Sequence[NpmrcSetting]) -> str:
    """The .npmrc's text with ``ignore-scripts=true`` in place of the first line with that key, and no other."""
    setting_lines = [
        setting.line for setting in settings if setting.key == SWITCH and setting.section is None
    ]
    header = next((setting.line for setting in settings if setting.section is not None), None)
    lines = [found.groups() for found in _LINE.finditer(text)]
    newline = next((end for _, end in lines if end), "\n")
    kept: list[str] = []
    for number, (line, end) in enumerate(lines, start=1):
        if not setting_lines and number == header:
            kept.append(f"{SWITCH}=true{newline}")
        if setting_lines and number == setting_lines[0]:
            tail = _TAIL.search(line.partition("=")[2])
            kept.append(f"{SWITCH}=true{tail.string[tail.start() :] if tail else ''}{end}")
        elif number not in setting_lines:
            kept.append(line + end)
    found = "".join(kept)
    if setting_lines or header is not None:
        return found
    gap = newline if found and not found.endswith(("\n", "\r")) else ""
    return f"{found}{gap}{SWITCH}=true{newline}"


def rebuild(project: Project, packages: Sequence[tuple[str, str]]) -> list[list[str]]:
    """One ``npm rebuild`` of exactly these versions; an alias is named by its folder in node_modules.

    npm 12 needs options that permit scripts. Because the packages are named, no other script runs.
    """
    if not packages:
        return []
    folders = _folders(project)
    wanted = [
        f"{folder}@{version}"
        for name, version in packages
        for folder in sorted(folders.get((name, version), {name}))
    ]
    switches = ["--ignore-scripts=false", "--dangerously-allow-all-scripts=true"]
    where = ["--prefix", project.path] if project.path else []
    return [["npm", "rebuild", *where, *switches, *dict.fromkeys(wanted)]]


def _folders(project: Project) -> dict[tuple[str, str | None], set[str]]:
    """The folders in node_modules of each locked name and version: ``npm rebuild`` selects by folder."""
    from npm_vetted.clients.npm.places import folder_name
    from npm_vetted.clients.npm.reader import read_npm_lockfile

    found: dict[tuple[str, str | None], set[str]] = {}
    for path in project.lockfiles[:1]:
        data = project.read(path)
        for entry, artifact in read_npm_lockfile(path, data or b"", project.read).artifacts():
            folder = folder_name(entry.key)
            if folder is not None:
                found.setdefault((artifact.name, artifact.version), set()).add(folder)
    return found


def allow_list(project: Project, packages: Sequence[tuple[str, str]]) -> Edit | str:  # noqa: ARG001
    """Always a reason: with ``ignore-scripts=true``, npm runs no script of a listed package either."""
    return (
        "npm's allowScripts has no effect beside ignore-scripts=true, which npm 10 and 11 need to "
        "run no other scripts; run npm-vetted rebuild after an install instead"
    )


def cooldown_exclude(name: str, version: str) -> str:  # noqa: ARG001
    """A line of ``min-release-age-exclude`` with the name: with a version it has no effect (npm 11, 12)."""
    return f"{NPMRC}: min-release-age-exclude[]={name}"
