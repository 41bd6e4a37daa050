"""Deno 2: deno.json, deno.lock, and package.json where there is one.

Deno runs a dependency's scripts only if ``allowScripts`` in deno.json or the flag ``--allow-scripts``
names the dependency. Deno ignores ``ignore-scripts`` in .npmrc (seen with 2.9.6).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from npm_vetted.clients.deno import config
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.settings import AllowedSources
from npm_vetted.clients.shared.workspaces import Negation
from npm_vetted.errors import NpmVettedError, UndecidedError
from npm_vetted.formats.json import load_jsonc
from npm_vetted.formats.npmrc import depends_on_environment, effective, load_npmrc
from npm_vetted.model import (
    Allowance,
    CodeReader,
    Edit,
    Location,
    Manifest,
    Pin,
    Problem,
    Project,
    Read,
    TaskReader,
)

NAME = "deno"
PROGRAM = "deno"
PACKAGE = PROGRAM
LOCKFILES: tuple[str, ...] = ("deno.lock",)
SETTINGS: tuple[str, ...] = ("deno.json", "deno.jsonc", ".npmrc")
INHERITED: tuple[str, ...] = ()
MARKERS: tuple[str, ...] = ("deno.json", "deno.jsonc")
DEFAULT = False
COMMENTED_MANIFESTS = False
MANIFESTS: tuple[str, ...] = ()
OWN_MANIFESTS: Mapping[str, Callable[[str, bytes], Manifest]] = dict.fromkeys(
    config.NAMES, config.read_deno_config
)
PROGRAM_KEYS: Mapping[str, str] = {}
WORKSPACE_FILE: str | None = None
NEGATION = Negation.IGNORED
REPLACING: tuple[tuple[str, ...], ...] = ()
FOLDER_PREFIXES: tuple[str, ...] = ()
LINKS_MEMBERS = False
SWITCH_FILE: str | None = None
USER_FILE: str | None = None
PROGRAM_FOLDERS: tuple[str, ...] = ("vendor",)
LOCK_COMMAND: tuple[str, ...] = (
    "deno", "install", "--lockfile-only", "--frozen=false", "--config", "./deno.json",
)  # fmt: skip
WRITES = "deno.lock"
RUN_INSTALLED = "deno run -A npm:{}"

_AGE: Final = "minimumDependencyAge"
_BOOLEAN: Final = re.compile(rb'("allowScripts"\s*:\s*)(?:true|false)\b')


def _problems_of_code(
    find: Callable[[str], Project | None], files: Iterable[tuple[str, bytes]]
) -> Iterator[Problem]:
    """Packages and modules that source code imports and that deno.lock lacks."""
    from npm_vetted.clients.deno.code import problems_of_code as found

    return found(find, files)


CODE_WORDS: tuple[str, ...] = ("jsr:",)
CODE: Mapping[str, CodeReader] = dict.fromkeys(
    (".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".tsx", ".jsx"), _problems_of_code
)


def _tasks(path: str, data: bytes) -> Iterator[tuple[str, int]]:
    """What ``deno task`` runs."""
    return config.tasks(load_jsonc(path, data))


TASKS: Mapping[str, TaskReader] = dict.fromkeys(config.NAMES, _tasks)


def fits(pin: Pin) -> bool:
    """Whether a pin names Deno; no other client has that name."""
    return pin.client == PROGRAM


def recognises(name: str, data: bytes) -> bool:  # noqa: ARG001
    """Always true: no other client writes a deno.lock."""
    return name in LOCKFILES


def read_lockfile(path: str, data: bytes, read: Read, like: Lockfile | None = None) -> Lockfile:
    """Read deno.lock; raises DocumentError for an unreadable file or an unknown version."""
    from npm_vetted.clients.deno.reader import read_deno_lockfile

    return read_deno_lockfile(path, data, read, like)


def workspaces(manifest: Manifest, read: Read) -> tuple[str, ...] | None:
    """``workspace`` of the deno.json in the folder, and ``workspaces`` of its package.json."""
    document = config.load_config(manifest.folder, read)
    found = config.workspace_globs(document) if document else None
    if found is None:
        return manifest.workspaces
    return (*found, *(manifest.workspaces or ()))


def locks_members(manifest: Manifest, read: Read) -> bool:  # noqa: ARG001
    """Never: one lockfile holds all workspaces."""
    return False


def scripts_run(project: Project) -> Iterator[Problem]:
    """Why scripts may run: ``allowScripts`` permits everything, or cannot be read."""
    from npm_vetted.clients.deno.settings import scripts_problems

    return scripts_problems(project)


def unsafe_settings(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    """Keys of deno.json that undo protection or are unknown, and unsafe registries of .npmrc."""
    from npm_vetted.clients.deno.settings import settings_problems

    return settings_problems(project, registries)


def allowances(project: Project) -> Iterator[Allowance]:
    """The entries of ``allowScripts``; a range counts as every version."""
    from npm_vetted.clients.deno.settings import ALLOW, allowed, config_of
    from npm_vetted.clients.deno.specifiers import read_specifier

    document = config_of(project)
    said = allowed(document)
    for text, line in said.entries:
        found = read_specifier(text)
        assert document is not None
        if found is None or text in said.denied:
            continue
        exact = found.range if _is_exact(found.range) else None
        yield Allowance(
            package=found.name,
            version=exact,
            setting=ALLOW,
            location=Location(document.path, line),
        )


def _is_exact(text: str) -> bool:
    from npm_vetted.packages.ranges import parse_loose_version

    return text[:1].isdigit() and parse_loose_version(text) is not None


def registry_of(project: Project, package: str) -> str | None:
    """The registry that ``.npmrc`` names for a package."""
    path = project.join(".npmrc")
    data = project.read(path)
    if data is None:
        return None
    settings = load_npmrc(path, data)
    scope = package.partition("/")[0] if package.startswith("@") else None
    for key in (f"{scope}:registry", "registry") if scope else ("registry",):
        found = effective(settings, key)
        if (
            found is not None
            and isinstance(found.value, str)
            and not depends_on_environment(found.value)
        ):
            return found.value.rstrip("/") + "/"
    return None


def switch_off(project: Project) -> Sequence[Edit]:
    """Write ``"allowScripts": []`` if the key permits everything; without the key, Deno runs no script."""
    from npm_vetted.clients.deno.settings import scripts_problems

    if not any(scripts_problems(project)):
        return ()
    try:
        return (_with_allowed(project, ()),)
    except NpmVettedError:  # comments: the finding says which line to change
        return ()


def scripts_stopped(scripts: Collection[str]) -> list[str]:  # noqa: ARG001
    """No script: the switch only affects dependencies."""
    return []


def set_cooldown(project: Project, days: int) -> Sequence[Edit]:
    """Set ``minimumDependencyAge`` in deno.json; without the key, Deno 2.9 waits one day."""
    from npm_vetted.clients.deno.settings import config_of, config_path
    from npm_vetted.formats.json_edit import set_text

    document = config_of(project)
    if document is None or _AGE in document.root().data:
        return ()
    path = config_path(project)
    age = f"P{days}D"
    try:
        content = set_text(path, project.read(path) or b"", _AGE, age)
    except NpmVettedError:  # comments: it is not worth a rewrite
        return ()
    return (Edit(path=path, content=content, reason=f'"{_AGE}": "{age}"'),)


def _with_allowed(project: Project, entries: Sequence[str]) -> Edit:
    from npm_vetted.clients.deno.settings import ALLOW, config_path
    from npm_vetted.formats.json_edit import set_list

    path = config_path(project)
    words = ", ".join(entries) or "no dependency"
    data = project.read(path) or b"{}\n"
    if len(_BOOLEAN.findall(data)) == 1:
        data = _BOOLEAN.sub(rb"\1[]", data)
    return Edit(
        path=path,
        content=set_list(path, data, ALLOW, entries),
        reason=f"Deno runs the install scripts of {words}, and of no other package",
    )


def _named(packages: Sequence[tuple[str, str]]) -> list[str]:
    return sorted(f"npm:{name}@{version}" for name, version in packages)


def rebuild(project: Project, packages: Sequence[tuple[str, str]]) -> list[list[str]]:
    """``deno install --frozen --allow-scripts=npm:NAME@VERSION,…``: the flag replaces allowScripts.

    Raises UndecidedError if the project uses no node_modules folder: then Deno runs no script.
    """
    from npm_vetted.clients.deno.settings import config_of, config_path

    if not packages:
        return []
    document = config_of(project)
    mode = document.root().data.get("nodeModulesDir") if document else None
    if posixpath.basename(project.manifest.path) in config.NAMES and mode not in ("auto", True):
        raise UndecidedError(
            "Deno runs scripts only in a node_modules folder, and this project has none",
            path=config_path(project),
            fix='write "nodeModulesDir": "auto"',
        )
    where = ["--config", config_path(project)] if project.path else []
    flag = "--allow-scripts=" + ",".join(_named(packages))
    return [["deno", "install", *where, "--frozen", flag]]


def allow_list(project: Project, packages: Sequence[tuple[str, str]]) -> Edit | str:
    """``allowScripts`` with exactly these versions."""
    from npm_vetted.clients.deno.settings import config_path

    try:
        return _with_allowed(project, _named(packages))
    except NpmVettedError as error:
        return f"{posixpath.basename(config_path(project))} cannot be edited: {error.message}"


def cooldown_exclude(name: str, version: str) -> str:  # noqa: ARG001
    """``minimumDependencyAge`` as a table with the package in ``exclude`` (seen with 2.9.6)."""
    return f'deno.json: "minimumDependencyAge": {{"age": "P1D", "exclude": ["npm:{name}"]}}'
