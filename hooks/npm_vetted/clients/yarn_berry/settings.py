"""Yarn berry's committed settings: .yarnrc.yml, and the programs that node is started with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from npm_vetted.clients.shared.programs import bound_to_files, program_value
from npm_vetted.clients.shared.settings import (
    AllowedSources,
    NetworkKeys,
    known_settings,
    network_problems,
    registry_problems,
    secret_problem,
    setting_problem,
    unknown_settings,
    value_text,
)
from npm_vetted.clients.shared.yarn.settings import (
    around,
    folders,
    holds_secret,
    is_interpolated,
    unreadable_settings,
)
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Table
from npm_vetted.formats.yaml import load_yaml
from npm_vetted.model import (
    Allowance,
    Level,
    Location,
    Problem,
    Project,
    hashed,
)

PNP_FILES: Final = (".pnp.cjs", ".pnp.js", ".pnp.loader.mjs", ".pnp.data.json")
INSTALL_STATE: Final = ".yarn/install-state.gz"
SWITCH: Final = "enableScripts"
OFF_SINCE: Final = (4, 14, 0)
"""The first version in which scripts are off by default."""
RC_FILE: Final = ".yarnrc.yml"
META: Final = "dependenciesMeta"


def settings_table(project: Project, name: str = RC_FILE) -> Table | None:
    """A .yarnrc.yml with every scalar as text, as Yarn reads it; None if the file is missing."""
    data = project.read_own(name)
    if data is None:
        return None
    path = project.join(name)
    if re.match(rb"(?:\xef\xbb\xbf)?(?:#.*\r?\n)*?#\s+yarn\s+lockfile\s+v1", data, re.IGNORECASE):
        message = "a header of yarn.lock makes Yarn read this in another grammar than YAML"
        raise DocumentError(message, path=path)
    documents = load_yaml(path, data, strings_only=True)
    if len(documents) > 1:
        raise DocumentError("expected one YAML document", path=path)
    if not documents or documents[0].data in (None, ""):
        return None
    return documents[0].root()


def _fix(path: str) -> tuple[tuple[str, ...], ...]:
    folder = path.rpartition("/")[0]
    where = ("--cwd", folder) if folder else ()
    return (("yarn", *where, "config", "set", SWITCH, "false"), ("git", "add", path))


def scripts_run(project: Project) -> Iterator[Problem]:
    """Why scripts may run: neither ``enableScripts: false`` nor a pinned Yarn with that default."""
    path = project.join(RC_FILE)
    try:
        settings = settings_table(project)
    except DocumentError as error:
        yield unreadable_settings(error, path, _fix(path))
        return
    if settings is None or SWITCH not in settings.data:
        why = _not_by_default(project, settings)
        if why is not None:
            yield Problem(
                message=f"{why}: expected '{SWITCH}: false' in {path}",
                location=Location(path),
                fix=_fix(path),
                code="scripts-on",
                key=SWITCH,
            )
    else:
        yield from _wrong(path, settings)
    own = settings is not None and SWITCH in settings.data
    for folder in folders(project) if own else around(project):
        name = f"{folder}/{RC_FILE}"
        try:
            nearer = settings_table(project, name)
        except DocumentError as error:
            yield unreadable_settings(error, project.join(name))
            continue
        if nearer is not None and SWITCH in nearer.data:
            yield from _wrong(project.join(name), nearer)


def _not_by_default(project: Project, settings: Table | None) -> str | None:
    """Why scripts are not off by default; None: the pinned Yarn's default is off."""
    pin = project.pin
    if pin is None or pin.client != "yarn" or pin.minimum is None or not pin.enforced:
        return "Yarn before 4.14 runs dependencies' install scripts, and no newer one is pinned"
    version = ".".join(map(str, pin.minimum))
    if pin.minimum < OFF_SINCE:
        return f"Yarn {version} runs dependencies' install scripts"
    if settings is not None and "yarnPath" in settings.data:
        return f"yarnPath may run another Yarn than the pinned {version}"
    return None


def _wrong(path: str, settings: Table) -> Iterator[Problem]:
    """The problem of an ``enableScripts`` whose value is not certainly false."""
    value = settings.data[SWITCH]
    if value == "false":
        return
    shown = f"{SWITCH}: {value}" if isinstance(value, str) else SWITCH
    if value in ("true", "1"):
        why = "lets dependencies' install scripts run"
    elif value == "0":
        why = "is no plain boolean"
    elif isinstance(value, str) and is_interpolated(value):
        why = "depends on the environment"
    else:
        why = "is no boolean, Yarn stops at it"
    yield Problem(
        message=f"'{shown}' {why}: expected '{SWITCH}: false'",
        location=Location(path, settings.line(SWITCH)),
        fix=_fix(path),
        code="switch-unclear",
        key=SWITCH,
        value=value_text(value),
    )


def unsafe_settings(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    """Settings in .yarnrc.yml that run programs, trust other sources, skip verification, or are unknown."""
    for name in (RC_FILE, *(f"{folder}/{RC_FILE}" for folder in around(project))):
        try:
            settings = settings_table(project, name)
        except DocumentError:
            continue  # scripts_run reports it
        if settings is not None:
            path = project.join(name)
            for problem in _unsafe(path, settings, registries):
                implied = _IMPLIED.get(problem.key, ())
                yield bound_to_files(problem, project, *implied) if implied else problem
            yield from _sources(path, settings, registries)
            yield from _executed_files(project, path, settings)
    yield from _pnp_code(project)
    yield from _install_state(project)


def _pnp_code(project: Project) -> Iterator[Problem]:
    """PnP files with code that is not known to be Yarn's own: node loads them at its start."""
    for name in (each for each in PNP_FILES if not each.endswith(".json")):
        data = project.read_own(name)
        if data is not None:
            from npm_vetted.clients.yarn_berry.pnp import code_problem

            problem = code_problem(project.join(name), data, project.path)
            if problem is not None:
                yield problem


def _install_state(project: Project) -> Iterator[Problem]:
    """A committed ``install-state.gz``: ``yarn run`` takes the project's packages from it unverified."""
    path = project.join(INSTALL_STATE)
    data = project.read(path)
    if data is not None:
        yield Problem(
            "Yarn takes the state of an install from this file, which nobody can read: expected it in .gitignore",
            Location(path),
            code="program",
            key=path,
            value=hashed(data),
            fix=(("git", "rm", "-q", "--cached", path),),
        )


_IMPLIED: Final = {"enableConstraintsChecks": ("yarn.config.cjs", "constraints.pro")}
"""Settings with which Yarn executes a file that they do not name -> that file."""
_NETWORK: Final = NetworkKeys(
    proxies=frozenset({"httpProxy", "httpsProxy"}),
    authorities=frozenset(
        {"caFilePath", "httpsCaFilePath", "httpsCertFilePath", "httpsKeyFilePath"}
    ),
)
_FORBIDDEN: Final[Mapping[str, tuple[str, str]]] = {
    "unsafeHttpWhitelist": (
        "registry-not-https", "allows plain http, which can be changed on the way",
    ),
    "lockfileFilename": (
        "other-lockfile", "makes Yarn use another lockfile than the one that is judged",
    ),
    "rcFilename": ("other-settings", "makes Yarn read other settings than these"),
    "injectEnvironmentFiles": (
        "environment-file", "loads variables from files of the repository into every command",
    ),
}  # fmt: skip
"""Settings that must be missing or empty -> code of the finding, reason."""
_VALUES: Final[Mapping[str, tuple[str, frozenset[str], str]]] = {
    "enableStrictSsl": (
        "tls-off",
        frozenset({"true", "1"}),
        "lets anyone on the way change what is installed: expected true",
    ),
    "checksumBehavior": (
        "integrity-off",
        frozenset({"throw"}),
        "accepts bytes that are not the lockfile's: expected throw",
    ),
    "enableHardenedMode": (
        "integrity-off",
        frozenset({"true", "1"}),
        "keeps Yarn from checking the lockfile in pull requests: expected no such line",
    ),
    "defaultProtocol": (
        "other-sources",
        frozenset({"npm:"}),
        "gives plain versions another meaning than the registry's: expected npm:",
    ),
    "enableConstraintsChecks": (
        "program",
        frozenset({"false", "0"}),
        "executes yarn.config.cjs in every install: expected no such line",
    ),
}
"""Settings with few permitted values -> code of the finding, the values, reason."""


def _unsafe(path: str, settings: Table, registries: AllowedSources) -> Iterator[Problem]:
    data = settings.data

    def problem(code: str, key: str, message: str, level: Level = Level.ERROR) -> Problem:
        where = Location(path, settings.line(key))
        return setting_problem(code, key, data[key], message, where, level=level)

    for key, (code, why) in _FORBIDDEN.items():
        if data.get(key) not in (None, "", [], {}):
            yield problem(code, key, f"{key} {why}")
    for key, (code, good, why) in _VALUES.items():
        if key in data and data[key] not in good:
            yield problem(code, key, f"'{key}: {data[key]}' {why}")
    yield from _exceptions(path, settings)
    placed = [(key, value, Location(path, settings.line(key))) for key, value in data.items()]
    yield from network_problems(placed, registries, _NETWORK)
    yield from _of_hosts(path, settings, registries)
    yield from unknown_settings(placed, known_settings("yarn_berry"))


def _of_hosts(path: str, settings: Table, registries: AllowedSources) -> Iterator[Problem]:
    """Proxies and authorities for single hosts, below ``networkSettings``."""
    placed = list(_host_settings(path, settings))
    yield from network_problems(placed, registries, _NETWORK)
    for key, value, place in placed:
        if key.rpartition(".")[2] not in _OF_A_HOST:
            message = f"{key} is not known to be harmless: expected {', '.join(sorted(_OF_A_HOST))}"
            yield setting_problem("unknown-setting", key, value, message, place)


_OF_A_HOST: Final = {"enableNetwork", *_NETWORK.names}


def _host_settings(path: str, settings: Table) -> Iterator[tuple[str, object, Location]]:
    top = "networkSettings"
    hosts = settings.data.get(top) or {}
    if not isinstance(hosts, dict):
        yield top, hosts, Location(path, settings.line(top))
        return
    for host, inner in hosts.items():
        if isinstance(inner, dict):
            for key, value in inner.items():
                yield f"{top}.{host}.{key}", value, Location(path, settings.line(top, host, key))
        elif inner not in (None, ""):
            yield top, {host: inner}, Location(path, settings.line(top, host))


def _exceptions(path: str, settings: Table) -> Iterator[Problem]:
    """Exceptions from the cooldown, and git repositories that may be installed from."""
    data = settings.data

    def problem(code: str, key: str, message: str, level: Level = Level.ERROR) -> Problem:
        where = Location(path, settings.line(key))
        return setting_problem(code, key, data[key], message, where, level=level)

    if data.get("npmMinimalAgeGate") in ("0", "0m", "0d", "0h", "0s"):
        message = "npmMinimalAgeGate 0 takes versions the minute they are published"
        yield problem("cooldown-off", "npmMinimalAgeGate", message, Level.WARNING)
    approved = data.get("npmPreapprovedPackages")
    if isinstance(approved, list) and "*" in approved:
        message = "npmPreapprovedPackages has '*', which passes every package at once"
        yield problem("cooldown-off", "npmPreapprovedPackages", message)
    approved = data.get("approvedGitRepositories")
    for each in approved if isinstance(approved, list) else [approved]:
        if isinstance(each, str) and ("*" in each or "?" in each or is_interpolated(each)):
            message = (
                f"approvedGitRepositories has {each!r}: expected full URLs, because code from these "
                "repositories is executed"
            )
            yield problem("other-sources", "approvedGitRepositories", message)


def _executed_files(project: Project, path: str, settings: Table) -> Iterator[Problem]:
    """``yarnPath`` and ``plugins``: programs of the repository, bound by their content."""
    found: list[tuple[str, object]] = []
    if settings.data.get("yarnPath"):
        found.append(("yarnPath", settings.data["yarnPath"]))
    plugins = settings.data.get("plugins")
    listed = plugins if isinstance(plugins, list) else [plugins] if plugins else []
    found += [("plugins", each.get("path") if isinstance(each, dict) else each) for each in listed]
    folder = path.rpartition("/")[0]
    for key, name in found:
        why = (
            "runs that file in place of Yarn at every command: expected packageManager in "
            "package.json and no yarnPath"
            if key == "yarnPath"
            else "is a program that runs inside Yarn at every command"
        )
        yield Problem(
            message=f"{key} {name} {why}",
            location=Location(path, settings.line(key)),
            code="program",
            key=f"{key}:{name}",
            value=program_value(project, folder, str(name)),
        )


def _sources(path: str, settings: Table, registries: AllowedSources) -> Iterator[Problem]:
    """Registries and secrets: at the top, for each scope, for each registry."""
    data = settings.data
    tables: list[tuple[tuple[str, ...], object]] = [((), data)]
    for key in ("npmScopes", "npmRegistries"):
        inner = data.get(key)
        if isinstance(inner, dict):
            tables += [((key, name), table) for name, table in inner.items()]
    for keys, table in tables:
        if not isinstance(table, dict):
            continue
        for name in ("npmRegistryServer", "npmPublishRegistry", "npmAuditRegistry"):
            url = table.get(name)
            if isinstance(url, str):
                where = Location(path, settings.line(*keys, name))
                yield from registry_problems(".".join((*keys, name)), url, where, registries)
        for secret in ("npmAuthToken", "npmAuthIdent"):
            value = table.get(secret)
            if value and holds_secret(str(value)):
                where = Location(path, settings.line(*keys, secret))
                yield secret_problem(".".join((*keys, secret)), where)


def allowances(project: Project) -> Iterator[Allowance]:
    """The root manifest's ``dependenciesMeta.<name[@version]>.built: true``; members' do nothing.

    Only the JSON value true counts, and only exact versions (seen with 4.13 and 4.18: anything
    else stops Yarn or does nothing).
    """
    manifest = project.manifest
    meta = manifest.data.get(META)
    for key, value in meta.items() if isinstance(meta, dict) else ():
        if isinstance(value, dict) and value.get("built") is True:
            name, _, version = key[1:].partition("@")
            yield Allowance(
                package=key[:1] + name,
                version=version or None,
                setting=f"{META}.{key}.built",
                location=Location(manifest.path, manifest.line_of(META, key, "built")),
            )


def registry_of(project: Project, package: str) -> str | None:
    """``npmScopes.<scope>.npmRegistryServer``, else ``npmRegistryServer``."""
    settings = settings_table(project)
    data: Mapping[str, object] = {} if settings is None else settings.data
    scopes = data.get("npmScopes")
    if package.startswith("@") and isinstance(scopes, dict):
        scope = scopes.get(package[1:].partition("/")[0])
        found = scope.get("npmRegistryServer") if isinstance(scope, dict) else None
        if isinstance(found, str):
            return found
    found = data.get("npmRegistryServer")
    return found if isinstance(found, str) else None
