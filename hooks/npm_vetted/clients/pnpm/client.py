"""pnpm: its lockfile, workspaces and settings, as versions 9 to 12 read them (docs/clients/pnpm.md)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.settings import (
    AllowedSources,
)
from npm_vetted.clients.shared.workspaces import Negation
from npm_vetted.errors import DocumentError, UndecidedError
from npm_vetted.formats.npmrc import effective
from npm_vetted.model import (
    Allowance,
    CodeReader,
    Edit,
    Manifest,
    Pin,
    Problem,
    Project,
    Read,
    TaskReader,
)

if TYPE_CHECKING:
    from npm_vetted.clients.pnpm.settings import Settings

NAME = "pnpm"
PROGRAM = "pnpm"
PACKAGE = PROGRAM
LOCKFILES: tuple[str, ...] = ("pnpm-lock.yaml", "shrinkwrap.yaml")
SETTINGS: tuple[str, ...] = (".npmrc", "pnpm-workspace.yaml", ".pnpmfile.cjs", ".pnpmfile.mjs")
INHERITED: tuple[str, ...] = ("pnpm-workspace.yaml",)
MARKERS: tuple[str, ...] = ("pnpm-workspace.yaml",)
DEFAULT = False
COMMENTED_MANIFESTS = False
MANIFESTS: tuple[str, ...] = ("package.json5", "package.yaml")
OWN_MANIFESTS: Mapping[str, Callable[[str, bytes], Manifest]] = {}
PROGRAM_KEYS: Mapping[str, str] = {}
WORKSPACE_FILE: str | None = "pnpm-workspace.yaml"
NEGATION = Negation.ALWAYS
REPLACING: tuple[tuple[str, ...], ...] = (("pnpm", "overrides"), ("resolutions",))
FOLDER_PREFIXES: tuple[str, ...] = ("file:",)
LINKS_MEMBERS = False
SWITCH_FILE: str | None = ".npmrc"
USER_FILE: str | None = ".npmrc"
PROGRAM_FOLDERS: tuple[str, ...] = ()
CODE_WORDS: tuple[str, ...] = ()
CODE: Mapping[str, CodeReader] = {}
TASKS: Mapping[str, TaskReader] = {}
LOCK_COMMAND: tuple[str, ...] = (
    "pnpm",
    "-C",
    ".",
    "install",
    "--lockfile-only",
    "--ignore-scripts",
)
WRITES = "pnpm-lock.yaml"
RUN_INSTALLED = "pnpm exec {}"

_AGE: Final = "minimumReleaseAge"


def _settings(project: Project) -> Settings:
    from npm_vetted.clients.pnpm.settings import Settings

    return Settings(project)


def fits(pin: Pin) -> bool:
    """Whether a pin names pnpm; no other client has that name."""
    return pin.client == PROGRAM


def recognises(name: str, data: bytes) -> bool:  # noqa: ARG001
    """Always true: no other client writes a lockfile with these names."""
    return name in LOCKFILES


def read_lockfile(path: str, data: bytes, read: Read, like: Lockfile | None = None) -> Lockfile:
    """Read pnpm-lock.yaml; shrinkwrap.yaml, which pnpm 1 and 2 wrote, is refused."""
    from npm_vetted.clients.pnpm.lockfile import PnpmLockfile

    if path.rpartition("/")[2] == "shrinkwrap.yaml":
        raise DocumentError(
            "shrinkwrap.yaml is pnpm's lockfile from before 2019",
            path=path,
            fix="let a later pnpm write pnpm-lock.yaml: npx pnpm@3 install --lockfile-only",
        )
    return PnpmLockfile(path, data, read, like)


def workspaces(manifest: Manifest, read: Read) -> tuple[str, ...] | None:
    """The globs in ``packages`` of pnpm-workspace.yaml; empty if the file has none: a root without members."""
    from npm_vetted.clients.pnpm.settings import WORKSPACE, load_workspace

    path = f"{manifest.folder}/{WORKSPACE}" if manifest.folder else WORKSPACE
    data = read(path)
    if data is None:
        return None
    document = load_workspace(path, data)
    return () if document is None else document.root().maybe_texts("packages") or ()


def locks_members(manifest: Manifest, read: Read) -> bool:
    """Whether ``sharedWorkspaceLockfile`` is false; pnpm 9 reads it in .npmrc, 10 in both files."""
    from npm_vetted.clients.pnpm.settings import locks_members as found

    return found(manifest.folder, read)


def scripts_run(project: Project) -> Iterator[Problem]:
    """Why some version of pnpm that fits the pin would run dependencies' scripts."""
    from npm_vetted.clients.pnpm.settings import scripts_run as found
    from npm_vetted.clients.pnpm.settings import unreadable_file

    try:
        yield from found(_settings(project))
    except DocumentError as error:
        yield unreadable_file(project, error)


def unsafe_settings(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    """Unsafe settings in .npmrc, pnpm-workspace.yaml and hooks, and unknown keys."""
    from npm_vetted.clients.pnpm.unsafe_settings import unsafe_settings as found

    return found(project, registries)


def allowances(project: Project) -> Iterator[Allowance]:
    """The entries of ``onlyBuiltDependencies``, ``allowBuilds`` and ``permissions`` that permit scripts."""
    from npm_vetted.clients.pnpm.settings import allowances as found

    return found(_settings(project))


def registry_of(project: Project, package: str) -> str | None:
    """The registry of a package's scope, else the default one; pnpm-workspace.yaml wins."""
    settings = _settings(project)
    scope = package.partition("/")[0] if package.startswith("@") else None
    table = settings.workspace.get("registries")
    known: Mapping[str, object] = table if isinstance(table, dict) else {}
    by_scope = {
        wanted: url
        for url, inner in known.items()
        if "://" in str(url) and isinstance(inner, dict) and isinstance(inner.get("scopes"), list)
        for wanted in inner["scopes"]
    }
    if scope in by_scope:
        return str(by_scope[scope])
    for name in (scope, None):
        if name and isinstance(known.get(name), str):
            return str(known[name])
        if name is None and "@" in by_scope:  # the URL of the default registry, as pnpm writes it
            return str(by_scope["@"])
        line = effective(settings.npmrc, f"{name}:registry" if name else "registry")
        if name is None and isinstance(known.get("default"), str):
            return str(known["default"])
        if line is not None and isinstance(line.value, str):
            return line.value
    return None


def switch_off(project: Project) -> Sequence[Edit]:
    """Set ``ignore-scripts=true`` in .npmrc for pnpm 9, ``ignoreScripts: true`` in YAML for pnpm 10 to 12.

    If pnpm 9 may run, no pnpm-workspace.yaml is created: pnpm 9 stops at one without ``packages``.
    """
    from npm_vetted.clients.npm import client as npm
    from npm_vetted.clients.pnpm.settings import SWITCH, WORKSPACE, load_workspace

    if not list(scripts_run(project)):
        return ()
    settings = _settings(project)
    edits = list(npm.switch_off(project)) if 9 in settings.majors else []
    path = project.join(WORKSPACE)
    data = project.read(path)
    later = settings.majors - {9}
    if later and settings.workspace.get(SWITCH) is not True and (data or 9 not in settings.majors):
        content = _with_line(data or b"", SWITCH, "true")
        document = load_workspace(path, content)
        if document is None or document.root().data.get(SWITCH) is not True:
            raise UndecidedError(
                f"{SWITCH} cannot be written without rewriting the file", path=path,
                fix=f"write {SWITCH}: true into it",
            )  # fmt: skip
        edits.append(Edit(path=path, content=content, reason=f"{SWITCH}: true"))
    return edits


def scripts_stopped(scripts: Collection[str]) -> list[str]:  # noqa: ARG001
    """No script: the switch only affects dependencies."""
    return []


def set_cooldown(project: Project, days: int) -> Sequence[Edit]:
    """Set ``minimumReleaseAge`` in pnpm-workspace.yaml: pnpm 10.16 and later obey, older ones ignore it.

    If pnpm 9 may run, no file is created: pnpm 9 stops at one without ``packages``.
    """
    from npm_vetted.clients.pnpm.settings import WORKSPACE, load_workspace

    settings = _settings(project)
    path = project.join(WORKSPACE)
    data = project.read(path)
    npmrc = (setting.key for setting in settings.npmrc)
    if _AGE in settings.workspace or "minimum-release-age" in npmrc or settings.majors == {9}:
        return ()
    if data is None and 9 in settings.majors:
        return ()
    minutes = days * 24 * 60
    content = _with_line(data or b"", _AGE, str(minutes))
    try:
        document = load_workspace(path, content)
    except DocumentError:  # a layout that no line can be added to
        return ()
    if document is None or document.root().data != {**settings.workspace, _AGE: minutes}:
        return ()
    return (Edit(path=path, content=content, reason=f"{_AGE}: {minutes} (minutes)"),)


def _with_line(data: bytes, key: str, value: str) -> bytes:
    """The YAML text with a top-level key set to a plain value: its old line is replaced, or one is added."""
    text = data.decode("utf-8")
    end = "\r\n" if "\r\n" in text else "\n"
    old = re.compile(rf"^(?:{key}|'{key}'|\"{key}\")[ \t]*:[^\r\n#]*", re.MULTILINE)
    found = old.search(text)
    if found:
        blank = found.group()[len(found.group().rstrip()) :]
        return f"{text[: found.start()]}{key}: {value}{blank}{text[found.end() :]}".encode()
    if text and not text.endswith("\n"):
        text += end
    return f"{text}{key}: {value}{end}".encode()


def rebuild(project: Project, packages: Sequence[tuple[str, str]]) -> list[list[str]]:
    """One ``pnpm rebuild`` of exactly these packages, with options that permit scripts for this command.

    pnpm builds only the named packages. Both options are needed, because pnpm 10 to 12 read both (each
    was run). pnpm 12 accepts names only: it builds nothing for a name with a version. So if pnpm 12
    may run, all locked versions of a name must be among the packages; else UndecidedError is raised.
    """
    if not packages:
        return []
    names = [f"{name}@{version}" if version else name for name, version in packages]
    if 12 in _settings(project).majors:
        _all_versions(project, packages)
        names = list(dict.fromkeys(name for name, _ in packages))
    folder = ["-C", project.path] if project.path else []
    recursive = ["-r"] if project.members else []
    switches = ["--config.ignoreScripts=false", "--config.dangerouslyAllowAllBuilds=true"]
    return [["pnpm", *folder, *recursive, "rebuild", *switches, *names]]


def _all_versions(project: Project, packages: Sequence[tuple[str, str]]) -> None:
    """Raises UndecidedError if one of the names is also locked in a version outside ``packages``."""
    names = {name for name, version in packages if version}
    for path in project.lockfiles:
        data = project.read(path)
        if data is None:
            continue
        for artifact in read_lockfile(path, data, project.read).named(names):
            if (artifact.name, artifact.version or "") not in packages:
                raise UndecidedError(
                    f"pnpm 12 rebuilds every version of {artifact.name}, and {artifact.label} "
                    "is not among those to rebuild",
                    path=path,
                    fix=f"approve {artifact.label} too, or pin a pnpm before 12",
                )


def allow_list(project: Project, packages: Sequence[tuple[str, str]]) -> Edit | str:
    """The edit of ``allowBuilds`` in pnpm-workspace.yaml, if pnpm's own default blocks scripts."""
    from npm_vetted.clients.pnpm.settings import SWITCH, WORKSPACE, load_workspace, table_items

    settings = _settings(project)
    if settings.majors & {9, 10}:
        return "pnpm before 11 may run here, which reads an allow-list differently or not at all"
    if settings.workspace.get(SWITCH) is True:
        return f"{SWITCH}: true beats any allow-list; run npm-vetted rebuild instead"
    path = project.join(WORKSPACE)
    data = project.read(path) or b""
    denied = [(spec, value) for spec, value in table_items(settings.workspace.get("allowBuilds"))
              if value is False]  # fmt: skip
    wanted: dict[str, bool] = {spec: False for spec, _ in denied}
    wanted |= {f"{name}@{version}" if version else name: True for name, version in packages}
    content = _with_table(data, "allowBuilds", wanted)
    document = load_workspace(path, content)
    if document is None or document.root().data.get("allowBuilds") != wanted:
        return f"allowBuilds in {path} cannot be written without rewriting the file"
    return Edit(path=path, content=content, reason=f"allowBuilds: {len(packages)} packages")


def _with_table(data: bytes, key: str, table: Mapping[str, bool]) -> bytes:
    """The YAML text with a top-level key set to a table; comments elsewhere stay."""
    lines = [f"  '{name}': {'true' if value else 'false'}\n" for name, value in table.items()]
    block = f"{key}:\n{''.join(lines)}" if lines else f"{key}: {{}}\n"
    text = data.decode("utf-8")
    old = re.compile(rf"^{key}[ \t]*:[^\n]*\n?(?:[ \t]+[^\n]*(?:\n|\Z))*", re.MULTILINE)
    if old.search(text):
        return old.sub(lambda _: block, text, count=1).encode()
    return (text + ("" if not text or text.endswith("\n") else "\n") + block).encode()


def cooldown_exclude(name: str, version: str) -> str:
    """A line of ``minimumReleaseAgeExclude`` with name and version (seen with 10 and 11)."""
    from npm_vetted.clients.pnpm.settings import WORKSPACE

    return f'{WORKSPACE}: minimumReleaseAgeExclude: ["{name}@{version}"]'
