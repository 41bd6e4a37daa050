"""pnpm's committed settings that undo protection: in .npmrc, pnpm-workspace.yaml, hooks and folders below."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import Final

from npm_vetted.clients.pnpm.settings import (
    HOOKS,
    NPMRC,
    WORKSPACE,
    Settings,
    table_items,
    unreadable_file,
)
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
from npm_vetted.errors import DocumentError
from npm_vetted.formats.npmrc import NpmrcSetting, load_npmrc
from npm_vetted.model import (
    Location,
    Problem,
    Project,
    hashed,
)

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


def unsafe_settings(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    """Unsafe settings in .npmrc, pnpm-workspace.yaml and hooks, and unknown keys."""
    from npm_vetted.clients.shared.npmrc_rules import npmrc_problems, unknown_keys

    settings = Settings(project)
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
        yield unreadable_file(project, error)
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
    inner = {
        "/".join(parts[:depth])
        for parts in (folder.split("/") for folder in project.members)
        for depth in range(1, len(parts) + 1)
    }
    for folder in sorted(inner):
        path = f"{folder}/{WORKSPACE}"
        data = project.read(path) if folder.startswith(project.join("")) else None
        if data is not None:
            yield Problem(
                message="makes this folder a root of its own: an install in it has neither the lockfile "
                f"nor the settings of {project.join(WORKSPACE)}",
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
        for name, value in table_items(settings.workspace.get(key)):
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


def _config_dependencies(settings: Settings) -> Iterator[Problem]:
    """Config dependencies run code before an install; only pnpm 11 and 12 lock them."""
    key = "configDependencies"
    if not settings.majors & {9, 10}:
        return
    for table, place in (
        (settings.workspace.get(key), settings.place(key)),
        (settings.manifest.get(key), settings.place_in_manifest(key)),
    ):
        names = [name for name, _ in table_items(table)]
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
