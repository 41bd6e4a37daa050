"""pnpm's committed settings: pnpm-workspace.yaml, .npmrc, the manifest's ``pnpm`` field.

Which file counts depends on the version (docs/clients/pnpm.md; tests/clients/test_pnpm.py runs
each): pnpm 9 reads .npmrc; 10 reads both, and pnpm-workspace.yaml wins; 11 and 12 read only the
latter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from posixpath import join
from typing import Final

from npm_vetted.clients.shared.programs import program_value
from npm_vetted.clients.shared.settings import value_text
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Document, named
from npm_vetted.formats.json import load_json
from npm_vetted.formats.npmrc import (
    NpmrcSetting,
    depends_on_environment,
    effective,
    load_npmrc,
    switch_problem,
)
from npm_vetted.formats.yaml import load_yaml
from npm_vetted.model import Allowance, Location, Problem, Project, Read

NPMRC: Final = ".npmrc"
WORKSPACE: Final = "pnpm-workspace.yaml"
HOOKS: Final = (".pnpmfile.cjs", ".pnpmfile.mjs")
SWITCH: Final = "ignoreScripts"
ALLOW_ALL: Final = "dangerouslyAllowAllBuilds"
MAJORS: Final = frozenset({9, 10, 11, 12})
"""The major versions with rules of their own; 9 also means those before it, 12 those after it."""

_ALLOW_ALL_IN_NPMRC: Final = (
    "dangerously-allow-all-builds",
    "never-built-dependencies",
    "only-built-dependencies-file",
)
_UNPINNED: Final = (
    ("manage-package-manager-versions", "managePackageManagerVersions", (False, "false")),
    ("package-manager-strict", "packageManagerStrict", (False, "false")),
    ("pm-on-fail", "pmOnFail", ("ignore", "warn")),
)
"""Settings with which another version than the pinned one may run."""


class Settings:
    """A project's settings; raises DocumentError where a file cannot be read."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def npmrc(self) -> tuple[NpmrcSetting, ...]:
        """The lines of the project's own .npmrc."""
        data = self.project.read_own(NPMRC)
        return () if data is None else load_npmrc(self.project.join(NPMRC), data)

    @cached_property
    def _document(self) -> Document | None:
        return load_workspace(self.project.join(WORKSPACE), self.project.read_own(WORKSPACE))

    @cached_property
    def workspace(self) -> Mapping[str, object]:
        """The settings of pnpm-workspace.yaml, with the types of pnpm's own reader."""
        return {} if self._document is None else self._document.root().data

    def place(self, *keys: str | int) -> Location:
        """The location of a key of pnpm-workspace.yaml."""
        line = 1 if self._document is None else self._document.line_of(*keys)
        return Location(self.project.join(WORKSPACE), line)

    @property
    def manifest(self) -> Mapping[str, object]:
        """The manifest's ``pnpm`` field, which pnpm 11 and 12 no longer read."""
        found = self.project.manifest.data.get("pnpm")
        return found if isinstance(found, dict) else {}

    def place_in_manifest(self, *keys: str | int) -> Location:
        """The location of a key of the manifest's ``pnpm`` field."""
        manifest = self.project.manifest
        return Location(manifest.path, manifest.line_of("pnpm", *keys))

    @property
    def majors(self) -> frozenset[int]:
        """The major versions that may install this project, by its pin; without a pin, all."""
        pin = self.project.pin
        if pin is None or pin.client != "pnpm" or not pin.enforced or pin.minimum is None:
            return MAJORS
        if self._is_pin_undone():
            return MAJORS
        least = min(max(pin.minimum[0], 9), 12)
        return frozenset({least}) if pin.exact else frozenset(range(least, 13))

    def _is_pin_undone(self) -> bool:
        for kebab, camel, values in _UNPINNED:
            line = effective(self.npmrc, kebab)
            if (line is not None and (line.environment or line.value in values)) or (
                _doubtful(self.workspace.get(camel)) or self.workspace.get(camel) in values
            ):
                return True
        return False


def load_workspace(path: str, data: bytes | None) -> Document | None:
    """Read pnpm-workspace.yaml; None where it is missing or empty."""
    documents = [] if data is None else load_yaml(path, data, aliases=True)
    if len(documents) > 1:
        raise DocumentError("several YAML documents, which pnpm does not read", path=path)
    if not documents or documents[0].data is None:
        return None
    documents[0].root()
    return documents[0]


def locks_members(folder: str, read: Read) -> bool:
    """Whether some version of pnpm gives each workspace below a directory a lockfile of its own.

    pnpm 12 reads the text 'false' as false; 11 and 12 no longer read .npmrc. A value that depends
    on the environment may be false.
    """
    if settings_beside(folder, read).get("sharedWorkspaceLockfile") not in (None, True):
        return True
    path = join(folder, NPMRC)
    data = read(path)
    try:
        lines = () if data is None else load_npmrc(path, data)
    except DocumentError:
        return False  # the check of the settings reports it
    line = effective(lines, "shared-workspace-lockfile")
    return line is not None and line.value not in (True, "true")


def root_above(folder: str, read: Read) -> str:
    """The folder of the workspace root whose settings apply to a lockfile; usually the lockfile's own."""
    above = folder
    while above and read(join(above, WORKSPACE)) is None:
        above = above.rpartition("/")[0]
    is_root = read(join(above, WORKSPACE)) is not None
    return above if is_root and locks_members(above, read) else folder


def manifest_beside(folder: str, read: Read) -> Mapping[str, object]:
    """The package.json in a directory; empty if it cannot be read, which another check reports."""
    data = read(join(folder, "package.json"))
    try:
        found = {} if data is None else load_json("package.json", data).data
    except DocumentError:
        return {}
    return found if isinstance(found, dict) else {}


def settings_beside(folder: str, read: Read) -> Mapping[str, object]:
    """The settings of pnpm-workspace.yaml in a directory; empty if it is missing.

    They are also empty if the file cannot be read, which the check of the settings reports.
    """
    path = join(folder, WORKSPACE)
    try:
        document = load_workspace(path, read(path))
    except DocumentError:
        return {}
    return {} if document is None else document.root().data


def _doubtful(value: object) -> bool:
    """Whether a value depends on the environment."""
    return isinstance(value, str) and depends_on_environment(value)


def scripts_run(settings: Settings) -> Iterator[Problem]:
    """Why some version of pnpm that fits the pin would run dependencies' scripts."""
    majors = settings.majors
    yield from _hooks(settings, majors)
    switch = settings.workspace.get(SWITCH)
    if SWITCH in settings.workspace and not isinstance(switch, bool):
        yield Problem(
            message=f"{SWITCH} is {named(switch)}, which versions of pnpm read differently: "
            "expected true",
            location=settings.place(SWITCH),
            fix=_fix(settings, WORKSPACE),
            code="switch-unclear",
            key=SWITCH,
            value=value_text(switch),
        )
        return
    wrong = switch_problem(settings.project.join(NPMRC), settings.npmrc)
    if 9 in majors and wrong is not None:
        yield _by_default(settings, wrong)
    if majors & {9, 10}:
        yield from _members(settings)
    is_off_in_10 = switch if SWITCH in settings.workspace else wrong is None
    if 10 in majors and not is_off_in_10:
        yield from _allow_all(settings, old=True)
    elif majors & {11, 12} and not switch:
        yield from _allow_all(settings, old=False)


def _by_default(settings: Settings, wrong: Problem) -> Problem:
    pinned = settings.project.pin is not None and settings.majors != MAJORS
    why = (
        "the pinned pnpm runs install scripts by default"
        if pinned
        else "pnpm before 10 runs install scripts by default, and nothing pins a later one"
    )
    return Problem(
        message=f"{why}: {wrong.message}",
        location=wrong.location,
        fix=_fix(settings, NPMRC),
        code=wrong.code,
        key=wrong.key,
        value=wrong.value,
    )


def _fix(settings: Settings, name: str) -> tuple[tuple[str, ...], ...]:
    return (("npm-vetted", "init"), ("git", "add", settings.project.join(name)))


def _members(settings: Settings) -> Iterator[Problem]:
    """The .npmrc of a member: it wins over the root's if pnpm 9 or 10 is run in the member's folder."""
    project = settings.project
    for folder in project.members:
        path = f"{folder}/{NPMRC}"
        lines = load_npmrc(path, project.read(path) or b"")
        keys = {"ignore-scripts", *_ALLOW_ALL_IN_NPMRC}
        if any(
            line.key in keys or depends_on_environment(line.key)
            for line in lines
            if line.section is None
        ):
            wrong = switch_problem(path, lines)
            if wrong is not None:
                yield wrong


def _allow_all(settings: Settings, *, old: bool) -> Iterator[Problem]:
    """Settings that let every dependency's scripts run; ``old`` are those that only pnpm 10 reads."""
    found = settings.workspace.get(ALLOW_ALL)
    if found not in (None, False) or _doubtful(found):
        yield _switched_on(settings, ALLOW_ALL, found, settings.place(ALLOW_ALL))
    if not old:
        return
    line = effective(settings.npmrc, "dangerously-allow-all-builds")
    if line is not None and line.value not in (False, "false"):
        where = Location(settings.project.join(NPMRC), line.line)
        yield _switched_on(settings, line.key, line.value, where)
    lists = ("neverBuiltDependencies", "onlyBuiltDependenciesFile")
    for key in lists:
        if settings.workspace.get(key) is not None:
            place = settings.place(key)
            yield _switched_on(settings, key, settings.workspace[key], place)
        if settings.manifest.get(key) is not None:
            place = settings.place_in_manifest(key)
            yield _switched_on(settings, f"pnpm.{key}", settings.manifest[key], place)
    for setting in settings.npmrc:
        if setting.section is None and setting.key in _ALLOW_ALL_IN_NPMRC[1:]:
            where = Location(settings.project.join(NPMRC), setting.line)
            yield _switched_on(settings, setting.key, setting.value, where)


def _switched_on(settings: Settings, key: str, value: object, where: Location) -> Problem:
    return Problem(
        message=f"{key} ({named(value)}) can let every dependency's install scripts run: "
        "expected no such setting",
        location=where,
        fix=_fix(settings, WORKSPACE),
        code="allow-all-scripts",
        key=key,
        value=value_text(value),
    )


def _hooks(settings: Settings, majors: frozenset[int]) -> Iterator[Problem]:
    """A pnpmfile whose updateConfig can switch everything on again (10 to 12)."""
    for name in HOOKS if majors - {9} else ():
        data = settings.project.read_own(name)
        if data is not None and (b"updateConfig" in data or b"\\u" in data or b"\\x" in data):
            line = data.count(b"\n", 0, max(data.find(b"updateConfig"), 0)) + 1
            yield Problem(
                message=f"{name} has updateConfig, which can switch install scripts on again",
                location=Location(settings.project.join(name), line),
                code="pnpmfile-changes-settings",
                key=name,
                value=program_value(settings.project, settings.project.path, name),
            )


def allowances(settings: Settings) -> Iterator[Allowance]:
    """The packages whose scripts the allow-lists of any version allow."""
    for place, source, prefix in _sources(settings):
        listed = source.get("onlyBuiltDependencies")
        for index, name in enumerate(listed if isinstance(listed, list) else []):
            key = f"{prefix}onlyBuiltDependencies"
            yield from _allowed(str(name), key, place("onlyBuiltDependencies", index))
        table = source.get("allowBuilds")
        for spec, value in table.items() if isinstance(table, dict) else ():
            if value is not False:
                yield from _allowed(str(spec), f"{prefix}allowBuilds", place("allowBuilds", spec))
    permissions = settings.workspace.get("permissions")
    for spec, value in permissions.items() if isinstance(permissions, dict) else ():
        build = value.get("build") if isinstance(value, dict) else value
        if build not in (None, False):
            yield from _allowed(str(spec), "permissions", settings.place("permissions", str(spec)))
    for setting in settings.npmrc:
        if setting.section is None and setting.key == "only-built-dependencies":
            where = Location(settings.project.join(NPMRC), setting.line)
            values = setting.value if isinstance(setting.value, tuple) else (setting.value,)
            for name in values:
                yield from _allowed(str(name), setting.key, where)


def _sources(
    settings: Settings,
) -> Iterator[tuple[Callable[..., Location], Mapping[str, object], str]]:
    yield settings.place, settings.workspace, ""
    yield settings.place_in_manifest, settings.manifest, "pnpm."


def _allowed(spec: str, setting: str, where: Location) -> Iterator[Allowance]:
    """The allowances of ``name``, ``name@1.0.0`` or ``name@1.0.0 || 2.0.0``; other texts allow any version."""
    name, _, versions = spec[1:].partition("@")
    for version in versions.split("||") or [""]:
        text = version.strip()
        exact = text if text[:1].isdigit() and " " not in text else None
        source = text if ":" in text or "/" in text else None
        yield Allowance(spec[:1] + name, exact, setting, where, source, spec)


def unreadable_file(project: Project, error: DocumentError) -> Problem:
    """The problem of a settings file that cannot be read."""
    path = error.path or project.manifest.path
    return Problem(
        message=error.message, location=Location(path, error.line), code="unreadable", key=path
    )


def table_items(table: object) -> list[tuple[str, object]]:
    """The pairs of a table in a settings file; empty if the value is no table."""
    return [(str(key), value) for key, value in table.items()] if isinstance(table, dict) else []
