"""Committed settings of Rush that undo protection."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.clients.npm.settings import unsafe_settings as npm_settings
from npm_vetted.clients.pnpm import client as pnpm
from npm_vetted.clients.rush import config
from npm_vetted.clients.shared.programs import bound_to_files
from npm_vetted.clients.shared.settings import (
    AllowedSources,
    known_settings,
    registry_problems,
    setting_problem,
    unknown_settings,
)
from npm_vetted.clients.yarn_classic.settings import unsafe_settings as yarn_settings
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Document
from npm_vetted.formats.json import load_jsonc
from npm_vetted.formats.npmrc import load_npmrc
from npm_vetted.model import Location, Problem, Project, hashed

_VERSION: Final = re.compile(r"\d+\.\d+\.\d[0-9A-Za-z.-]*")

_OTHERS: Final = {"npm": npm_settings, "yarn": yarn_settings}
"""The functions that judge the settings of a client other than pnpm."""


def unsafe_settings(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    """Unsafe settings of each subspace, as pnpm reads them, and of Rush itself."""
    try:
        yield from _of_rush(project)
        yield from _plugins(project)
        yield from _scripts(project)
        yield from _publishing(project, registries)
        yield from _artifactory(project, registries)
        yield from _workspace_above(project)
        for subspace, shadow, place in config.each_shadow(project):
            if shadow.client in _OTHERS:
                yield from map(place, _OTHERS[shadow.client](shadow, registries))
                continue
            yield from map(place, pnpm.unsafe_settings(shadow, registries))
            yield from map(place, _unlocked(project, subspace, shadow))
            document = None
            if not subspace.is_autoinstaller:
                document = config.pnpm_config(subspace, project.read)
            if document is not None:
                yield from _of_pnpm_config(project, document)
    except DocumentError as error:
        path = error.path or project.manifest.path
        yield Problem(error.message, Location(path, error.line), code="unreadable", key=path)


def _unlocked(project: Project, subspace: config.Subspace, shadow: Project) -> Iterator[Problem]:
    """Allow-list entries for packages that are not in the lockfile.

    They are reported now, because a later commit that adds the package does not change the list.
    """
    path = subspace.lockfile(project.read)
    data = project.read(path)
    allowed = list(pnpm.allowances(shadow)) if data is not None else []
    if not allowed or data is None:
        return
    from npm_vetted.clients.rush.lockfile import RushLockfile

    locked = RushLockfile(path, data, project.read).package_names()
    for each in allowed:
        if each.package not in locked:
            yield setting_problem(
                "allows-unlocked", each.setting, each.package,
                f"{each.setting} lets the scripts of {each.package} run as soon as it is installed, and "
                f"{path} does not have it: expected no such entry", each.location,
            )._replace(package=each.package)  # fmt: skip


def _of_pnpm_config(project: Project, document: Document) -> Iterator[Problem]:
    """Keys of pnpm-config.json that nobody has shown to be harmless."""
    data = document.root().data
    placed = [
        (key, value, Location(document.path, document.line_of(key))) for key, value in data.items()
    ]
    yield from unknown_settings(placed, known_settings("rush"))
    variables = data.get("environmentVariables")
    if variables not in (None, {}):
        problem = setting_problem(
            "program", "environmentVariables", variables,
            "environmentVariables reach pnpm and Node.js, which take settings and programs from them: "
            "expected none",
            Location(document.path, document.line_of("environmentVariables")),
        )  # fmt: skip
        yield bound_to_files(problem, project)
    extra = data.get("unsupportedPackageJsonSettings")
    if extra not in (None, {}):
        key = "unsupportedPackageJsonSettings"
        yield setting_problem(
            "other-settings", key, extra,
            f"{key} goes into the package.json that pnpm installs, and npm-vetted does not read it: "
            "expected no such key",
            Location(document.path, document.line_of(key)),
        )  # fmt: skip


def _of_rush(project: Project) -> Iterator[Problem]:
    """Commands that Rush runs at an install, and pnpm's options in rush.json itself."""
    document = config.load_rush(project.path, project.read)
    if document is None:
        return
    data = document.root().data
    for key in config.PROGRAM_KEYS:
        version = data.get(key)
        if version is not None and not (isinstance(version, str) and _VERSION.fullmatch(version)):
            yield setting_problem(
                "program", key, version,
                f"{key} is no exact version of the program that is fetched and run",
                Location(document.path, document.line_of(key)),
            )  # fmt: skip
    hooks = data.get("eventHooks")
    for name, commands in hooks.items() if isinstance(hooks, dict) else ():
        if commands not in (None, []):
            problem = setting_problem(
                "program", f"eventHooks.{name}", commands,
                f"eventHooks.{name} runs commands at an install or build",
                Location(document.path, document.line_of("eventHooks", name)),
            )  # fmt: skip
            yield bound_to_files(problem, project)
    for key in ("pnpmOptions", "npmOptions", "yarnOptions"):
        if data.get(key) not in (None, {}):
            yield setting_problem(
                "other-settings", key, data[key],
                f"{key} in rush.json is not read, and may set variables that switch scripts on: expected "
                f"no such key, and pnpm's settings in {config.CONFIG}/{config.PNPM_CONFIG}",
                Location(document.path, document.line_of(key)),
            )  # fmt: skip


def _plugins(project: Project) -> Iterator[Problem]:
    """Packages that Rush loads into itself; each comes from an autoinstaller's lockfile."""
    path = project.join(f"{config.CONFIG}/rush-plugins.json")
    data = project.read(path)
    if data is None:
        return
    document = load_jsonc(path, data)
    listed = document.root().data.get("plugins")
    for at, plugin in enumerate(listed if isinstance(listed, list) else ()):
        name = plugin.get("packageName") if isinstance(plugin, dict) else None
        yield setting_problem(
            "program", f"plugins:{name}", plugin,
            f"the plugin {name} runs inside Rush at every command",
            Location(path, document.line_of("plugins", at)),
        )  # fmt: skip


def _scripts(project: Project) -> Iterator[Problem]:
    """The scripts that fetch Rush: Rush wrote them, but nothing verifies the committed copy before it runs."""
    for name in config.SCRIPTS:
        path = project.join(name)
        data = project.read(path)
        if data is not None:
            yield Problem(
                f"{name} fetches Rush and runs it, also where a build's secrets are: expected the "
                "content that rush update writes, accepted once by its hash",
                Location(path),
                code="program",
                key=name,
                value=hashed(data),
                fix=(("rush", "update"), ("git", "add", path)),
            )


def _artifactory(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    """artifactory.json: ``rush setup`` writes its registry and its lines into the user's .npmrc."""
    path = project.join(f"{config.CONFIG}/artifactory.json")
    data = project.read(path)
    document = load_jsonc(path, data) if data is not None else None
    said = document.root().maybe_table("packageRegistry") if document is not None else None
    if document is None or said is None or said.data.get("enabled") is not True:
        return
    url = said.data.get("registryUrl")
    if url:
        yield from registry_problems(
            "registryUrl", str(url), Location(path, said.line("registryUrl")), registries
        )
    if said.data.get("userNpmrcLinesToAdd"):
        key = "userNpmrcLinesToAdd"
        yield setting_problem(
            "other-settings", key, said.data[key],
            f"rush setup writes {key} into the user's own .npmrc: expected no such key",
            Location(path, said.line(key)),
        )  # fmt: skip


def _workspace_above(project: Project) -> Iterator[Problem]:
    """A pnpm-workspace.yaml beside rush.json, which pnpm finds when it installs an autoinstaller."""
    path = project.join("pnpm-workspace.yaml")
    data = project.read(path)
    if data is not None and any(config.autoinstallers(project)):
        yield setting_problem(
            "other-settings", path, hashed(data),
            "pnpm obeys this file when Rush installs an autoinstaller, and it is not read: expected no such file",
            Location(path),
        )  # fmt: skip


def _publishing(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    """.npmrc-publish, which ``rush publish`` reads: it may hold a secret."""
    from npm_vetted.clients.shared.npmrc_rules import npmrc_problems

    path = posixpath.join(project.path, config.CONFIG, ".npmrc-publish")
    data = project.read(path)
    if data is not None:
        yield from npmrc_problems(path, load_npmrc(path, data), registries, is_read=True)
