"""Yarn classic (1.x): ``yarn.lock`` version 1, ``.yarnrc``, and the registries in ``.npmrc``.

Dependencies' scripts run by default. Only ``ignore-scripts true`` in ``.yarnrc`` switches them off for
every command: ``.npmrc`` and ``npm_config_…`` have no effect, and ``--install.ignore-scripts`` does not
apply to ``yarn add``. Seen with Yarn 1.22.22 (tests/clients/test_yarn_classic.py runs it again).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.workspaces import Negation
from npm_vetted.clients.shared.yarn.settings import (
    folders,
    has_metadata,
)
from npm_vetted.clients.yarn_classic import settings
from npm_vetted.clients.yarn_classic.settings import RC_FILE, SWITCH, last_setting, read_yarnrc
from npm_vetted.errors import UndecidedError
from npm_vetted.model import CodeReader, Edit, Manifest, Pin, Project, Read, TaskReader

NAME = "yarn-classic"
PROGRAM = "yarn"
PACKAGE = PROGRAM
LOCKFILES: tuple[str, ...] = ("yarn.lock",)
SETTINGS: tuple[str, ...] = (".yarnrc", ".npmrc")
INHERITED: tuple[str, ...] = (".yarnrc", ".npmrc")
MARKERS: tuple[str, ...] = ()
DEFAULT = False
COMMENTED_MANIFESTS = False
MANIFESTS: tuple[str, ...] = ()
OWN_MANIFESTS: Mapping[str, Callable[[str, bytes], Manifest]] = {}
PROGRAM_KEYS: Mapping[str, str] = {}
WORKSPACE_FILE: str | None = None
NEGATION = Negation.IGNORED
REPLACING: tuple[tuple[str, ...], ...] = (("resolutions",),)
FOLDER_PREFIXES: tuple[str, ...] = ("file:", "link:", "./", "../")
LINKS_MEMBERS = True
SWITCH_FILE: str | None = ".yarnrc"
USER_FILE: str | None = ".yarnrc"
PROGRAM_FOLDERS: tuple[str, ...] = ()
CODE_WORDS: tuple[str, ...] = ()
CODE: Mapping[str, CodeReader] = {}
TASKS: Mapping[str, TaskReader] = {}
LOCK_COMMAND: tuple[str, ...] = ("yarn", "--cwd", ".", "install", "--ignore-scripts")
WRITES = "yarn.lock"
RUN_INSTALLED = "yarn run {}"

scripts_run = settings.scripts_run
unsafe_settings = settings.unsafe_settings
allowances = settings.allowances
registry_of = settings.registry_of


def fits(pin: Pin) -> bool:
    """``yarn`` below version 2, or without a version."""
    return pin.client == PROGRAM and (pin.minimum is None or pin.minimum[0] < 2)


def recognises(name: str, data: bytes) -> bool:
    """Whether a yarn.lock is of version 1, without the ``__metadata`` of Yarn berry's."""
    return name in LOCKFILES and not has_metadata(data)


def read_lockfile(path: str, data: bytes, read: Read, like: Lockfile | None = None) -> Lockfile:
    """Read a yarn.lock of version 1; raises DocumentError with the line it cannot read."""
    from npm_vetted.clients.shared.yarn import lock_text
    from npm_vetted.clients.yarn_classic.lockfile import ClassicLockfile

    return ClassicLockfile(path, lock_text(path, data), read, like)


def workspaces(manifest: Manifest, read: Read) -> tuple[str, ...] | None:  # noqa: ARG001
    """The ``workspaces`` field, as a list or as ``{"packages": [...]}``."""
    return manifest.workspaces


def locks_members(manifest: Manifest, read: Read) -> bool:  # noqa: ARG001
    """Never: one lockfile holds all workspaces."""
    return False


def switch_off(project: Project) -> Sequence[Edit]:
    """Write ``ignore-scripts true`` into .yarnrc, and into nearer ones that say otherwise."""
    edits = []
    for name in (RC_FILE, *(f"{folder}/{RC_FILE}" for folder in folders(project))):
        path = project.join(name)
        data = project.read_own(name)
        settings = () if data is None else read_yarnrc(path, data)
        found = last_setting(settings, SWITCH)
        if found is None and name != RC_FILE:
            continue
        if found is not None and found.value in (True, "true"):
            continue
        edits.append(Edit(path=path, content=_edited(path, data or b""), reason=_REASON))
    return edits


def scripts_stopped(scripts: Collection[str]) -> list[str]:
    """The scripts of install and pack; ``yarn run`` and ``yarn version`` still run theirs (1.22)."""
    from npm_vetted.clients.shared.lifecycle import own_lifecycle

    return [name for name in own_lifecycle(scripts) if not name.endswith("version")]


def set_cooldown(project: Project, days: int) -> Sequence[Edit]:  # noqa: ARG001
    """Always empty: Yarn 1 has no cooldown."""
    return ()


_REASON: Final = "switch dependencies' install scripts off"


def _edited(path: str, data: bytes) -> bytes:
    """The file in which each line with ``ignore-scripts`` is ``true``; without one, a line is added."""
    end = b"\r\n" if b"\r\n" in data else b"\n"
    numbers = {s.line for s in read_yarnrc(path, data) if s.key == SWITCH and s.table is None}
    lines = data.split(b"\n")
    for number in numbers:
        rest = b"\r" if lines[number - 1].endswith(b"\r") else b""
        lines[number - 1] = f"{SWITCH} true".encode() + rest
    content = b"\n".join(lines)
    if not numbers:
        gap = b"" if not content or content.endswith(b"\n") else end
        content += gap + f"{SWITCH} true".encode() + end
    found = last_setting(read_yarnrc(path, content), SWITCH)
    if found is None or found.value is not True:
        raise UndecidedError(f"cannot write '{SWITCH} true' into it", path=path)
    return content


def rebuild(
    project: Project,
    packages: Sequence[tuple[str, str]],
) -> list[list[str]]:
    """``npm rebuild`` of exactly these versions, because Yarn 1 itself can only run all scripts or none.

    npm's rebuild works on the node_modules that Yarn made (seen with npm 11 and 12 and Yarn 1.22.22).
    npm 12 needs options that permit scripts. Because the packages are named, no other script runs.
    """
    if not packages:
        return []
    names = [f"{name}@{version}" for name, version in packages]
    where = ["--prefix", project.path] if project.path else []
    switches = ["--ignore-scripts=false", "--dangerously-allow-all-scripts=true"]
    return [["npm", "rebuild", *where, *switches, *names]]


def allow_list(
    project: Project,  # noqa: ARG001
    packages: Sequence[tuple[str, str]],  # noqa: ARG001
) -> Edit | str:
    """Always a reason: Yarn 1 has no allow-list."""
    return (
        "Yarn 1 has no allow-list: with ignore-scripts true it runs no dependency's script, "
        "without it all of them; npm-vetted rebuild runs the approved ones"
    )


def cooldown_exclude(name: str, version: str) -> None:  # noqa: ARG001
    """Yarn 1 has no cooldown."""
    return
