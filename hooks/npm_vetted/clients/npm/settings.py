"""npm's committed settings: whether scripts run, which keys undo protection, and the allow-lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.clients.shared.npmrc_rules import npmrc_problems, unknown_keys
from npm_vetted.clients.shared.programs import program_value
from npm_vetted.clients.shared.settings import AllowedSources, known_settings
from npm_vetted.errors import DocumentError
from npm_vetted.formats.npmrc import (
    NpmrcSetting,
    effective,
    load_npmrc,
    switch_problem,
)
from npm_vetted.model import Allowance, Location, Problem, Project

NPMRC: Final = ".npmrc"
_EXTENSIONS: Final = (".npm-extension.mjs", ".npm-extension.cjs")
_EXACT: Final = re.compile(r"[=v]?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?\Z")


def _settings(project: Project, folder: str | None = None) -> tuple[str, tuple[NpmrcSetting, ...]]:
    """The path and the settings of the .npmrc in a folder, from the top; by default the project's own."""
    path = project.join(NPMRC) if folder is None else f"{folder}/{NPMRC}"
    data = project.read(path)
    return path, () if data is None else load_npmrc(path, data)


def scripts_run(project: Project) -> Iterator[Problem]:
    """The root's .npmrc must have ``ignore-scripts=true``; npm does not read the .npmrc of a workspace.

    npm 12 blocks dependencies' scripts by default. But a project cannot make its users run npm 12, and
    with ``allow-git`` npm 12 still runs a git dependency's scripts.
    """
    try:
        path, settings = _settings(project)
    except DocumentError as error:
        yield _unreadable(error)
        return
    problem = switch_problem(path, settings)
    if problem is not None:
        yield problem


def _unreadable(error: DocumentError) -> Problem:
    location = Location(error.path or NPMRC, error.line)
    return Problem(
        message=f"cannot be read as npm reads it: {error.message}", location=location,
        code="unreadable", key=location.path,
    )  # fmt: skip


def unsafe_settings(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    """Unsafe settings of the .npmrc files and the extension files; npm ignores those of workspaces, but a
    secret in them is a problem.
    """
    for folder in (None, *project.members):
        try:
            path, settings = _settings(project, folder)
        except DocumentError as error:
            yield _unreadable(error)
            continue
        yield from npmrc_problems(path, settings, registries, is_read=folder is None)
        if folder is None:
            yield from unknown_keys(path, settings, registries, known_settings("npm"))
    for name in _EXTENSIONS:
        if project.read_own(name) is not None:
            yield Problem(
                message=f"npm 12 executes {name} on every install",
                location=Location(project.join(name)),
                fix=(("git", "rm", project.join(name)),),
                code="program",
                key=f"extension:{name}",
                value=program_value(project, project.path, name),
            )


def allowances(project: Project) -> Iterator[Allowance]:
    """The entries of package.json's ``allowScripts`` and .npmrc's ``allow-scripts``; npm accepts no ranges.

    An entry with several versions (``a@1.0.0 || 2.0.0``) is one allowance for each version.
    """
    manifest = project.manifest
    listed = manifest.data.get("allowScripts")
    if isinstance(listed, dict):
        for spec, value in listed.items():
            if value is not False:
                line = manifest.line_of("allowScripts", spec)
                yield from _allowed(spec, "allowScripts", Location(manifest.path, line))
    path, settings = _settings(project)
    found = effective(settings, "allow-scripts")
    if found is not None:
        values = found.value if isinstance(found.value, tuple) else (found.value,)
        for spec in ",".join(value for value in values if isinstance(value, str)).split(","):
            if spec.strip():
                yield from _allowed(spec.strip(), "allow-scripts", Location(path, found.line))


def _allowed(spec: str, setting: str, location: Location) -> Iterator[Allowance]:
    """The allowances of one entry; an entry without an exact version counts for every version."""
    name, _, wanted = spec[1:].partition("@")
    versions = [part.strip() for part in wanted.split("||")]
    exact = all(_EXACT.match(version) for version in versions)
    source = wanted if ":" in wanted or "/" in wanted else None
    for version in versions if exact else [None]:
        pinned = version.lstrip("=v") if version else None
        yield Allowance(spec[:1] + name, pinned, setting, location, source, spec)


def registry_of(project: Project, package: str) -> str | None:
    """The registry of the package's scope, else the default registry, as written (it may be ``${V}``)."""
    _, settings = _settings(project)
    keys = ["registry"]
    if package.startswith("@"):
        keys.insert(0, f"{package.partition('/')[0]}:registry")
    for key in keys:
        found = effective(settings, key)
        if found is not None and isinstance(found.value, str):
            return found.value
    return None
