"""Yarn berry (2 and later): ``yarn.lock`` with ``__metadata``, ``.yarnrc.yml``.

``enableScripts`` is true by default through 4.13 and false from 4.14.0; a ``.yarnrc.yml`` in the
folder where a command is run, or between it and the root, wins over the root's. Seen with Yarn
3.8.7, 4.13.0, 4.14.1 and 4.18.1 (tests/clients/test_yarn_berry.py runs them again).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.workspaces import Negation
from npm_vetted.clients.shared.yarn.settings import (
    folders,
    has_metadata,
)
from npm_vetted.clients.yarn_berry import settings
from npm_vetted.clients.yarn_berry.settings import (
    INSTALL_STATE,
    META,
    PNP_FILES,
    RC_FILE,
    SWITCH,
    settings_table,
)
from npm_vetted.errors import DocumentError, UndecidedError, UsageError
from npm_vetted.formats.document import decode
from npm_vetted.formats.yaml import load_yaml
from npm_vetted.model import (
    CodeReader,
    Edit,
    Manifest,
    Pin,
    Project,
    Read,
    TaskReader,
)

NAME = "yarn-berry"
PROGRAM = "yarn"
PACKAGE = "@yarnpkg/cli-dist"
LOCKFILES: tuple[str, ...] = ("yarn.lock",)
SETTINGS: tuple[str, ...] = (".yarnrc.yml", *PNP_FILES, INSTALL_STATE)
INHERITED: tuple[str, ...] = (".yarnrc.yml",)
MARKERS: tuple[str, ...] = (".yarnrc.yml",)
DEFAULT = False
COMMENTED_MANIFESTS = False
MANIFESTS: tuple[str, ...] = ()
OWN_MANIFESTS: Mapping[str, Callable[[str, bytes], Manifest]] = {}
PROGRAM_KEYS: Mapping[str, str] = {}
WORKSPACE_FILE: str | None = None
NEGATION = Negation.ALWAYS
REPLACING: tuple[tuple[str, ...], ...] = (("resolutions",),)
FOLDER_PREFIXES: tuple[str, ...] = ("file:", "portal:", "./", "../")
LINKS_MEMBERS = True
SWITCH_FILE: str | None = ".yarnrc.yml"
USER_FILE: str | None = ".yarnrc.yml"
PROGRAM_FOLDERS: tuple[str, ...] = ()
CODE_WORDS: tuple[str, ...] = ()
CODE: Mapping[str, CodeReader] = {}
TASKS: Mapping[str, TaskReader] = {}
LOCK_COMMAND: tuple[str, ...] = ("yarn", "--cwd", ".", "install", "--mode=update-lockfile")
WRITES = "yarn.lock"
RUN_INSTALLED = "yarn run {}"


_AGE: Final = "npmMinimalAgeGate"
_AGE_SINCE: Final = (4, 10, 0)
_REASON: Final = "switch dependencies' install scripts off"
_SWITCH_LINE: Final = re.compile(rf"""(["']?){SWITCH}\1[ ]*:""")

scripts_run = settings.scripts_run
unsafe_settings = settings.unsafe_settings
allowances = settings.allowances
registry_of = settings.registry_of


def fits(pin: Pin) -> bool:
    """``yarn`` from version 2, or without a version."""
    return pin.client == PROGRAM and (pin.minimum is None or pin.minimum[0] >= 2)


def recognises(name: str, data: bytes) -> bool:
    """Whether a yarn.lock is berry's: it has ``__metadata``."""
    return name in LOCKFILES and has_metadata(data)


def read_lockfile(path: str, data: bytes, read: Read, like: Lockfile | None = None) -> Lockfile:
    """Read a yarn.lock with ``__metadata``; raises DocumentError if it cannot be read."""
    from npm_vetted.clients.yarn_berry.lockfile import BerryLockfile

    return BerryLockfile(path, data, read, like)


def workspaces(manifest: Manifest, read: Read) -> tuple[str, ...] | None:  # noqa: ARG001
    """The ``workspaces`` field, as a list or as ``{"packages": [...]}``."""
    return manifest.workspaces


def locks_members(manifest: Manifest, read: Read) -> bool:  # noqa: ARG001
    """Never: one lockfile holds all workspaces."""
    return False


def switch_off(project: Project) -> Sequence[Edit]:
    """Write ``enableScripts: false`` into .yarnrc.yml, and into nearer ones that say otherwise."""
    edits = []
    for name in (RC_FILE, *(f"{folder}/{RC_FILE}" for folder in folders(project))):
        settings = settings_table(project, name)
        value = None if settings is None else settings.data.get(SWITCH)
        if value == "false" or (value is None and name != RC_FILE):
            continue
        path = project.join(name)
        text = decode(path, project.read_own(name) or b"")
        edits.append(Edit(path=path, content=_edited(path, text), reason=_REASON))
    return edits


def scripts_stopped(scripts: Collection[str]) -> list[str]:  # noqa: ARG001
    """No script: the switch only affects dependencies."""
    return []


def set_cooldown(project: Project, days: int) -> Sequence[Edit]:
    """Set ``npmMinimalAgeGate`` in minutes, if the project pins a Yarn that knows the key.

    Yarn before 4.10 stops at an unknown key. The unit is minutes because 4.10.3 ignored ``3d``.
    """
    pin = project.pin
    if pin is None or pin.client != PROGRAM or (pin.minimum or (0, 0, 0)) < _AGE_SINCE:
        return ()
    if not pin.enforced:
        return ()
    table = settings_table(project)
    known = {} if table is None else dict(table.data)
    if _AGE in known or "yarnPath" in known:
        return ()
    path = project.join(RC_FILE)
    text = decode(path, project.read_own(RC_FILE) or b"")
    end = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text or text.endswith("\n") else end
    minutes = str(days * 24 * 60)
    content = f"{text}{gap}{_AGE}: {minutes}{end}".encode()
    try:
        documents = load_yaml(path, content, strings_only=True)
    except DocumentError:  # a layout that no line can be added to
        return ()
    if len(documents) != 1 or documents[0].data != {**known, _AGE: minutes}:
        return ()
    return (Edit(path=path, content=content, reason=f"{_AGE}: {minutes} (minutes)"),)


def _edited(path: str, text: str) -> bytes:
    """The file with ``enableScripts: false`` in place of its line, or added at the end; comments stay."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.split("\n")
    places = [number for number, line in enumerate(lines) if _SWITCH_LINE.match(line)]
    for number in places:
        comment = re.search(r"[ \t]#.*", lines[number])
        rest = comment.group() if comment else "\r" if lines[number].endswith("\r") else ""
        lines[number] = f"{SWITCH}: false{rest}"
    content = "\n".join(lines)
    if not places:
        gap = "" if not content else end if content.endswith("\n") else end + end
        content += f"{gap}{SWITCH}: false{end}"
    documents = load_yaml(path, content.encode(), strings_only=True)
    data = documents[0].data if len(documents) == 1 else None
    if not isinstance(data, dict) or data.get(SWITCH) != "false":
        raise UndecidedError(
            f"cannot write '{SWITCH}: false' into this layout",
            path=path,
            fix=f"write {SWITCH}: false as a line of its own",
        )
    return content.encode()


def rebuild(project: Project, packages: Sequence[tuple[str, str]]) -> list[list[str]]:
    """``yarn rebuild`` of packages that ``dependenciesMeta`` already allows; raises for others.

    With ``enableScripts: false``, Yarn runs allowed scripts only. If scripts were switched on for this one
    command, Yarn would run those of every package that is not built yet (seen with 3.8, 4.13, 4.18).
    """
    if not packages:
        return []
    allowed = {(found.package, found.version) for found in allowances(project)}
    missing = [
        f"{name}@{version}"
        for name, version in packages
        if (name, version) not in allowed and (name, None) not in allowed
    ]
    if missing:
        raise UsageError(
            f"Yarn berry runs the scripts of {', '.join(missing)} only where {META} in "
            "package.json says built: true",
            path=project.manifest.path,
            fix="npm-vetted rebuild --write-allow-list",
        )
    where = ["--cwd", project.path] if project.path else []
    return [["yarn", *where, "rebuild", *dict.fromkeys(name for name, _ in packages)]]


def allow_list(project: Project, packages: Sequence[tuple[str, str]]) -> Edit | str:
    """``dependenciesMeta.<name@version>.built: true`` in the root manifest, its layout kept."""
    path = project.manifest.path
    data = project.read(path)
    if data is None:
        raise UndecidedError("package.json is not there", path=path)
    allowed = {(found.package, found.version) for found in allowances(project)}
    members: dict[str, object] = {
        f"{name}@{version}": {"built": True}
        for name, version in sorted(packages)
        if (name, version) not in allowed and (name, None) not in allowed
    }
    from npm_vetted.formats.json_edit import insert_members

    content = insert_members(path, data, META, members)
    return Edit(path=path, content=content, reason="let the approved packages' scripts run")


def cooldown_exclude(name: str, version: str) -> str:
    """A line of ``npmPreapprovedPackages`` with name and version (seen with 4.18)."""
    return f'{RC_FILE}: npmPreapprovedPackages: ["{name}@{version}"]'
