"""pnpm: its lockfile, workspaces and settings, as versions 9 to 12 read them (docs/clients/pnpm.md)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Final

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.programs import bound_to_files, program_value
from npm_vetted.clients.shared.settings import (
    AllowedSources,
    NetworkKeys,
    known_settings,
    network_problems,
    registry_problems,
    setting_problem,
    unknown_settings,
)
from npm_vetted.clients.shared.workspaces import Negation
from npm_vetted.errors import DocumentError, UndecidedError
from npm_vetted.formats.npmrc import NpmrcSetting, effective, load_npmrc
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
    hashed,
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
_PROGRAMS: Final = {
    "scriptShell": "names a program that pnpm executes",
    "nodeOptions": "makes Node.js load code of its choice",
    "pnpmfile": "names code that pnpm executes, whatever ignoreScripts says",
    "globalPnpmfile": "names code that pnpm executes, whatever ignoreScripts says",
    "npmPath": "names a program that pnpm executes",
    "tokenHelper": "names a program that pnpm executes",
}
_NEVER: Final = {
    "strictSsl": ("tls-off", False, "any server can answer as the registry"),
    "blockExoticSubdeps": (
        "other-sources", False, "dependencies of dependencies come from outside any registry",
    ),
    "minimumReleaseAge": ("cooldown-off", 0, "a version is taken the minute it is published"),
    "trustLockfile": (
        "integrity-off", True, "the lockfile is no longer checked against the registry",
    ),
    "lockfile": ("lockfile-off", False, "pnpm then ignores the lockfile that was vetted"),
    "gitBranchLockfile": (
        "other-lockfile", True, "pnpm installs from another lockfile than the one that is judged",
    ),
    "verifyStoreIntegrity": (
        "integrity-off", False, "the contents of the store are compared with no hash",
    ),
}  # fmt: skip
"""Forbidden values: setting -> code of the finding, forbidden value, reason."""
_NETWORK: Final = NetworkKeys(
    proxies=frozenset({"httpProxy", "httpsProxy", "proxy"}),
    authorities=frozenset({"ca", "cafile", "cert", "key"}),
)
_OWN_STORE: Final = "is inside the repository, and pnpm does not verify what a store holds"


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

    try:
        yield from found(_settings(project))
    except DocumentError as error:
        yield _unreadable(project, error)


def _unreadable(project: Project, error: DocumentError) -> Problem:
    path = error.path or project.manifest.path
    return Problem(
        message=error.message, location=Location(path, error.line), code="unreadable", key=path
    )


def unsafe_settings(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    """Unsafe settings in .npmrc, pnpm-workspace.yaml and hooks, and unknown keys."""
    from npm_vetted.clients.pnpm.settings import HOOKS, NPMRC
    from npm_vetted.clients.shared.npmrc_rules import npmrc_problems, unknown_keys

    settings = _settings(project)
    reader = known_settings("pnpm") if settings.majors & {9, 10} else None
    try:
        yield from npmrc_problems(project.join(NPMRC), settings.npmrc, registries, is_read=True)
        for folder in project.members:
            path = f"{folder}/{NPMRC}"
            lines = load_npmrc(path, project.read(path) or b"")
            yield from npmrc_problems(path, lines, registries, is_read=True)
            yield from _of_npmrc(path, lines)
            yield from unknown_keys(path, lines, registries, reader, _camel)
        yield from unknown_keys(project.join(NPMRC), settings.npmrc, registries, reader, _camel)
        yield from _of_npmrc(project.join(NPMRC), settings.npmrc)
        for problem in _of_workspace(settings, registries):
            is_python = problem.key == "python"
            yield bound_to_files(problem, project, "pyproject.toml") if is_python else problem
    except DocumentError as error:
        yield _unreadable(project, error)
    yield from _roots_below(project)
    for name in HOOKS:
        if project.read_own(name) is not None:
            path = project.join(name)
            yield Problem(
                message=f"pnpm executes {name} on every install, whatever ignoreScripts says",
                location=Location(path),
                fix=(("git", "rm", path),),
                code="program",
                key=f"pnpmfile:{name}",
                value=program_value(project, project.path, name),
            )


def _roots_below(project: Project) -> Iterator[Problem]:
    """A pnpm-workspace.yaml in a member's folder, or between it and the root: an install there ignores the root."""
    assert WORKSPACE_FILE is not None
    inner = {
        "/".join(parts[:depth])
        for parts in (folder.split("/") for folder in project.members)
        for depth in range(1, len(parts) + 1)
    }
    for folder in sorted(inner):
        path = f"{folder}/{WORKSPACE_FILE}"
        data = project.read(path) if folder.startswith(project.join("")) else None
        if data is not None:
            yield Problem(
                message="makes this folder a root of its own: an install in it has neither the lockfile "
                f"nor the settings of {project.join(WORKSPACE_FILE)}",
                location=Location(path),
                fix=(("git", "rm", path),),
                code="other-settings",
                key=path,
                value=hashed(data),
            )


def _camel(key: str) -> str:
    return re.sub("-([a-z])", lambda found: found[1].upper(), key)


def _kebab(key: str) -> str:
    return re.sub("[A-Z]", lambda found: f"-{found[0].lower()}", key)


def _of_npmrc(path: str, settings: Sequence[NpmrcSetting]) -> Iterator[Problem]:
    """Unsafe settings that only pnpm 9 and 10 read in .npmrc."""
    keys = {_kebab(key): key for key in _PROGRAMS}
    never = {_kebab(key): rule for key, rule in _NEVER.items() if key != "strictSsl"}
    for setting in settings:
        where = Location(path, setting.line)
        name = setting.key.rpartition(":")[2]
        value = setting.value
        if setting.section is not None:
            continue
        if setting.key == "dangerously-allow-all-builds" and value is not False:
            yield setting_problem(
                "allow-all-scripts", setting.key, value,
                f"{setting.key}: every dependency's scripts run", where,
            )  # fmt: skip
        elif keys.get(name, name) in _PROGRAMS and name not in ("script-shell", "node-options"):
            why = _PROGRAMS[keys.get(name, name)]
            yield setting_problem("program", setting.key, value, f"{name} {why}", where)
        elif name in never and _is_never(value, never[name][1]):
            code, _, why = never[name]
            yield setting_problem(code, setting.key, value, f"{name}={value}: {why}", where)
        elif name in ("store-dir", "lockfile-dir"):
            yield from _folder(name, value, where)


def _is_never(value: object, bad: object) -> bool:
    """Whether a value of .npmrc is the forbidden one, or depends on the environment and may be."""
    text = str(value).lower()
    return text == str(bad).lower() or "${" in text


def _folder(key: str, value: object, where: Location) -> Iterator[Problem]:
    from npm_vetted.clients.shared.npmrc_rules import is_within_project

    if key in ("lockfile-dir", "lockfileDir"):
        message = (
            f"{key} {value!r}: pnpm installs from another lockfile than the one that is judged"
        )
        yield setting_problem("other-lockfile", key, value, message, where)
    elif isinstance(value, str) and is_within_project(value):
        yield setting_problem(
            "cache-in-repository", key, value, f"{key} {value!r} {_OWN_STORE}", where
        )


def _of_workspace(settings: Settings, registries: AllowedSources) -> Iterator[Problem]:
    workspace = settings.workspace

    def problem(code: str, key: str, message: str) -> Problem:
        return setting_problem(code, key, workspace[key], message, settings.place(key))

    for key, why in _PROGRAMS.items():
        if workspace.get(key) is not None:
            yield problem("program", key, f"{key} {why}: {workspace[key]!r}")
    for key, (code, bad, why) in _NEVER.items():
        value = workspace.get(key)
        if key in workspace and _undoes(key, value, bad):
            yield problem(code, key, f"{key}: {value!r}: {why}")
    yield from _other_files(settings)
    yield from _registries(settings, registries)
    yield from _config_dependencies(settings)
    placed = [(str(key), value, settings.place(str(key))) for key, value in workspace.items()]
    yield from network_problems(placed, registries, _NETWORK)
    yield from unknown_settings(placed, known_settings("pnpm"))


def _undoes(key: str, value: object, bad: object) -> bool:
    """Whether a value is the forbidden one, or has a type whose effect is unknown."""
    if key == "lockfile" and isinstance(value, dict):  # pnpm 12.15
        return not set(value) <= {"includeResolutionSettings", "integrityTarget"}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return bad is not True and value <= 0
    return value == bad or not isinstance(value, bool | NoneType)


def _other_files(settings: Settings) -> Iterator[Problem]:
    """Settings that let every script run, name folders and files, or execute programs."""
    workspace = settings.workspace

    def problem(code: str, key: str, message: str) -> Problem:
        return setting_problem(code, key, workspace[key], message, settings.place(key))

    if workspace.get("dangerouslyAllowAllBuilds") not in (None, False):
        key = "dangerouslyAllowAllBuilds"
        yield problem("allow-all-scripts", key, f"{key}: every dependency's scripts run")
    for key in ("storeDir", "lockfileDir"):
        if workspace.get(key) is not None:
            yield from _folder(key, workspace[key], settings.place(key))
    excluded = workspace.get("minimumReleaseAgeExclude")
    if isinstance(excluded, list) and "*" in excluded:
        message = "minimumReleaseAgeExclude: '*' excludes every package from minimumReleaseAge"
        yield problem("cooldown-off", "minimumReleaseAgeExclude", message)
    if workspace.get("include") is not None:
        yield problem(
            "other-settings", "include",
            "include makes pnpm read settings from another file, which is not judged: expected its "
            "settings here",
        )  # fmt: skip
    python = workspace.get("python")
    if python is not None and not (isinstance(python, dict) and python.get("enabled") is False):
        yield problem(
            "program", "python", "python makes pnpm execute build backends of the repository"
        )


def _registries(settings: Settings, registries: AllowedSources) -> Iterator[Problem]:
    """Unsafe registries of pnpm-workspace.yaml (pnpm 10 to 12 read them), and mirrors of Node.js.

    From pnpm 11.23 on, a key of ``registries`` may be a URL; the table below it names the scopes.
    """
    found: list[tuple[tuple[str, ...], object]] = []
    for key in ("registries", "namedRegistries", "nodeDownloadMirrors"):
        for name, value in _items(settings.workspace.get(key)):
            by_url = key == "registries" and "://" in name and isinstance(value, dict)
            found.append(((key, name), name if by_url else value))
            if by_url and isinstance(value, dict) and not _is_plain_declaration(value):
                yield setting_problem(
                    "unverified-value", f"registries.{name}", value,
                    f"registries.{name} has more than scopes, a prefix and a type npm or artifactory",
                    settings.place(key, name),
                )  # fmt: skip
    found += [
        ((key,), value) for key, value in settings.workspace.items()
        if key == "registry" or key.endswith(":registry") or key == "nodeMirror"
    ]  # fmt: skip
    for keys, url in found:
        text = url if isinstance(url, str) else repr(url)
        yield from registry_problems(".".join(keys), text, settings.place(*keys), registries)


def _is_plain_declaration(declaration: Mapping[str, object]) -> bool:
    """Whether a registry's table only lists scopes and prefixes for it (pnpm refuses unknown fields)."""
    scopes = declaration.get("scopes", [])
    return (
        set(declaration) <= {"scopes", "prefix", "supportsTimeField", "serverType"}
        and isinstance(scopes, list)
        and all(isinstance(scope, str) for scope in scopes)
        and declaration.get("serverType", "npm") in ("npm", "artifactory")
    )


def _items(table: object) -> list[tuple[str, object]]:
    return [(str(key), value) for key, value in table.items()] if isinstance(table, dict) else []


def _config_dependencies(settings: Settings) -> Iterator[Problem]:
    """Config dependencies run code before an install; only pnpm 11 and 12 lock them."""
    key = "configDependencies"
    if not settings.majors & {9, 10}:
        return
    for table, place in (
        (settings.workspace.get(key), settings.place(key)),
        (settings.manifest.get(key), settings.place_in_manifest(key)),
    ):
        names = [name for name, _ in _items(table)]
        if names:
            yield setting_problem(
                "program", key, table,
                f"configDependencies ({', '.join(names)}) run code before an install, and pnpm 10 "
                "does not lock them: expected a pinned pnpm from 11", place,
            )  # fmt: skip
    known = known_settings("pnpm")
    for key, value in settings.manifest.items():
        if key in known.unverified:
            found = [(key, value, settings.place_in_manifest(key))]
            yield from unknown_settings(found, known)


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
    from npm_vetted.clients.pnpm.settings import SWITCH, WORKSPACE, load_workspace

    settings = _settings(project)
    if settings.majors & {9, 10}:
        return "pnpm before 11 may run here, which takes an allow-list otherwise or not at all"
    if settings.workspace.get(SWITCH) is True:
        return f"{SWITCH}: true beats any allow-list; run npm-vetted rebuild instead"
    path = project.join(WORKSPACE)
    data = project.read(path) or b""
    denied = [(spec, value) for spec, value in _items(settings.workspace.get("allowBuilds"))
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
