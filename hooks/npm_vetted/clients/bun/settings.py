"""Bun's committed settings: bunfig.toml, .npmrc, .env files and ``trustedDependencies``.

The rules were seen by running Bun 1.2.23, 1.3.14 and 1.4.5 (docs/clients/bun.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.npmrc_rules import is_within_project, npmrc_problems, unknown_keys
from npm_vetted.clients.shared.settings import (
    AllowedSources,
    NetworkKeys,
    known_settings,
    network_problems,
    registry_problems,
    secret_problem,
    setting_problem,
    unknown_settings,
)
from npm_vetted.formats.document import Document
from npm_vetted.formats.npmrc import (
    SWITCH,
    NpmrcSetting,
    depends_on_environment,
    effective,
    load_npmrc,
)
from npm_vetted.model import Allowance, Location, Manifest, Problem, Project

ENVIRONMENTS: Final = tuple(
    f".env{mode}{local}"
    for mode in ("", ".development", ".production", ".test")
    for local in ("", ".local")
)
"""Files with variables that Bun reads before an install; they may name a registry (seen in 1.2 to 1.4)."""
_NETWORK: Final = NetworkKeys(proxies=frozenset(), authorities=frozenset({"ca", "cafile"}))
"""Bun reads no proxy from bunfig.toml, so a key for one is an unknown setting."""
TRUSTED: Final = "trustedDependencies"
_PLAIN_TRUE: Final = re.compile(
    r"""\s*(?:"ignore-scripts"|ignore-scripts)\s*(?:=\s*(true|"true"|'true')\s*)?\Z"""
)
_VARIABLE: Final = re.compile(
    r"(?<!\w)((?:BUN_(?!PUBLIC_)|NPM_CONFIG_|npm_config_)\w+|NODE_TLS_REJECT_UNAUTHORIZED"
    r"|NODE_EXTRA_CA_CERTS|NODE_OPTIONS|XDG_CACHE_HOME|GITHUB_API_URL|SSL_CERT_(?:FILE|DIR)"
    r"|(?:HTTPS?|ALL)_PROXY|(?:https?|all)_proxy)\s*[=:]"
)
"""Variables of .env files that name proxies: Bun uses them (seen in 1.2 to 1.4)."""


def scripts_run(project: Project) -> Iterator[Problem]:
    """Why dependencies' scripts may run: ``trustedDependencies`` is missing, and no switch turns scripts off.

    If bunfig.toml and ``.npmrc`` disagree, it depends on Bun's version which one wins. So a switch only
    counts if the other file does not contradict it.
    """
    wrong = [*malformed_trust(project), *doubtful_bunfig(project)]
    if wrong:
        yield from wrong
        return
    if replaces_trusted(project):
        return
    said, problem = npmrc_switch(project)
    switch = bunfig_switch(project)
    if problem is not None:
        yield problem
    elif switch is False or said is False:
        path = project.join("bunfig.toml" if switch is False else ".npmrc")
        yield _off_problem(project, path, "the install scripts of dependencies are switched on")
    elif not switch and not said:
        yield _off_problem(
            project,
            project.manifest.path,
            "the scripts of dependencies that Bun trusts by itself run: expected "
            f'"{TRUSTED}": [] in package.json, which replaces the names it trusts',
        )


def _off_problem(project: Project, path: str, message: str, line: int = 1) -> Problem:
    return Problem(
        message=message, location=Location(path, line), fix=_fix(project), code="scripts-on",
        key=TRUSTED,
    )  # fmt: skip


def _fix(project: Project) -> tuple[tuple[str, ...], ...]:
    where = ("--cwd", project.path) if project.path else ()
    return (
        ("bun", "pm", "pkg", "set", *where, f"{TRUSTED}=[]", "--json"),
        ("git", "add", project.manifest.path),
    )


def trusted_lists(project: Project) -> Iterator[tuple[Manifest, object]]:
    for manifest in project.manifests.values():
        if TRUSTED in manifest.data:
            yield manifest, manifest.data[TRUSTED]


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def names_in(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def malformed_trust(project: Project) -> Iterator[Problem]:
    for manifest, value in trusted_lists(project):
        if not _is_list(value):
            yield _off_problem(
                project,
                manifest.path,
                f"{TRUSTED} is no list of names: expected [] or names",
                manifest.line_of(TRUSTED),
            )


def replaces_trusted(project: Project) -> bool:
    """Whether the root's manifest or a member's has ``trustedDependencies``, which replaces the built-in names."""
    return any(_is_list(value) for _, value in trusted_lists(project))


def read_bunfig(project: Project) -> Document | None:
    from npm_vetted.formats.toml import load_toml

    path = project.join("bunfig.toml")
    data = project.read(path)
    return None if data is None else load_toml(path, data)


def doubtful_bunfig(project: Project) -> Iterator[Problem]:
    """A bunfig.toml with a byte order mark: Bun 1.2 refuses it only after it has installed and run scripts."""
    path = project.join("bunfig.toml")
    if (project.read(path) or b"").startswith(b"\xef\xbb\xbf"):
        yield _off_problem(project, path, "a byte order mark, with which Bun 1.2 cannot read this")


def _install(bunfig: Document) -> dict[str, object]:
    table = bunfig.root().maybe_table("install")
    return dict(table.data) if table else {}


def bunfig_switch(project: Project) -> bool | None:
    """``[install] ignoreScripts``; None if it is missing, or has a value that Bun ignores."""
    bunfig = read_bunfig(project)
    value = _install(bunfig).get("ignoreScripts") if bunfig else None
    return value if isinstance(value, bool) else None


def _npmrc(project: Project) -> tuple[NpmrcSetting, ...]:
    path = project.join(".npmrc")
    data = project.read(path)
    return () if data is None else load_npmrc(path, data)


def npmrc_switch(project: Project) -> tuple[bool | None, Problem | None]:
    """The switch in ``.npmrc``; and a problem, if versions of Bun read its spelling differently.

    Bun before 1.4 reads only a bare key or ``true`` as true, not ``1``, an empty value, or a value with a
    comment behind it. No version reads a lone carriage return as the end of a line.
    """
    path = project.join(".npmrc")
    settings = _npmrc(project)
    lines = [one for one in settings if one.key == SWITCH and one.section is None]
    doubtful = [one for one in settings if one.section is None and depends_on_environment(one.key)]
    data = (project.read(path) or b"").replace(b"\r\n", b"\n")
    if b"\r" in data or b"\0" in data:
        return None, _off_problem(
            project, path, "contains a character that Bun and npm parse differently"
        )
    for one in (*lines, *doubtful):
        plain_false = one.value is False and not one.listed
        if one in doubtful or not (plain_false or _PLAIN_TRUE.match(one.raw.lstrip("\ufeff"))):
            message = f"{one.raw.strip()[:80]!r} is read otherwise by some versions of Bun: "
            return None, _off_problem(project, path, message + f"expected {SWITCH}=true", one.line)
    said = {one.value is not False for one in lines}
    return (None if not said else said == {True}), None


def unsafe_settings(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    """Registries that are not allowed, literal secrets, code that an install runs, unknown keys."""
    yield from _unsafe_npmrc(project, registries)
    yield from _unsafe_environments(project)
    bunfig = read_bunfig(project)
    if bunfig is not None:
        yield from _unsafe_bunfig(project.join("bunfig.toml"), bunfig, registries)


def _unsafe_npmrc(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    path = project.join(".npmrc")
    settings = _npmrc(project)
    yield from npmrc_problems(path, settings, registries, is_read=True)
    yield from unknown_keys(path, settings, registries)
    for one in settings:
        if one.section is None and one.key in ("cache", "globalconfig") and one.value:
            yield from _cache(f"{one.key}", str(one.value), Location(path, one.line))


def _cache(key: str, folder: str, location: Location) -> Iterator[Problem]:
    """A cache folder inside the repository: Bun installs packages from it without verifying their hash."""
    if key != "globalconfig" and is_within_project(folder):
        yield setting_problem(
            "cache-in-repository", key, folder,
            f"the cache {folder!r} is inside the repository, and Bun does not verify cached packages",
            location,
        )  # fmt: skip


def _unsafe_environments(project: Project) -> Iterator[Problem]:
    """Variables in .env files that change an install: Bun loads these files before it."""
    for name in ENVIRONMENTS:
        path = project.join(name)
        text = (project.read(path) or b"").decode("utf-8", errors="replace")
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
            found = None if line.lstrip().startswith("#") else _VARIABLE.search(line)
            if found:
                yield setting_problem(
                    "environment-file", found[1], line[found.end() :].strip(),
                    f"Bun reads {found[1]} from {name} when it installs: expected the setting in "
                    "bunfig.toml",
                    Location(path, number),
                )  # fmt: skip


def _unsafe_bunfig(path: str, bunfig: Document, registries: AllowedSources) -> Iterator[Problem]:
    install = _install(bunfig)

    def where(*keys: str) -> Location:
        return Location(path, bunfig.line_of("install", *keys))

    if "registry" in install:
        yield from _registry("install.registry", where("registry"), install["registry"], registries)
    scopes = install.get("scopes")
    yield from _doubled_scopes(scopes if isinstance(scopes, dict) else {}, where)
    for scope, value in (scopes if isinstance(scopes, dict) else {}).items():
        name = f"install.scopes.{scope}"
        yield from _registry(name, where("scopes", scope), value, registries)
    cache = install.get("cache")
    folder = cache.get("dir") if isinstance(cache, dict) else cache
    if isinstance(folder, str):
        yield from _cache("install.cache", folder, where("cache"))
    yield from _cooldown(path, bunfig, install)
    placed = list(_bunfig_settings(path, bunfig))
    yield from network_problems(placed, registries, _NETWORK)
    yield from unknown_settings(placed, known_settings("bun"))


def _doubled_scopes(
    scopes: Mapping[str, object], where: Callable[..., Location]
) -> Iterator[Problem]:
    """A scope that is set twice, as ``acme`` and ``"@acme"``: Bun uses the last one."""
    for scope, value in scopes.items():
        if scope.startswith("@") and scopes.get(scope[1:], value) != value:
            yield setting_problem(
                "registry-unclear", f"install.scopes.{scope}", value,
                f"install.scopes has {scope} and {scope[1:]}, which are one scope with two "
                "registries: expected one of them",
                where("scopes", scope),
            )  # fmt: skip


def _cooldown(path: str, bunfig: Document, install: Mapping[str, object]) -> Iterator[Problem]:
    age = install.get("minimumReleaseAge")
    if age is not None and (isinstance(age, bool) or not isinstance(age, int | float) or age <= 0):
        key = "install.minimumReleaseAge"
        yield setting_problem(
            "cooldown-off", key, age, f"{key} = {age!r} is no cooldown: expected a number of seconds",
            Location(path, bunfig.line_of("install", "minimumReleaseAge")),
        )  # fmt: skip


def _bunfig_settings(path: str, bunfig: Document) -> Iterator[tuple[str, object, Location]]:
    """The keys that Bun reads to install or run: the top-level ones, and those of ``[install]`` and ``[run]``."""
    for key, value in bunfig.root().data.items():
        if key in ("install", "run") and isinstance(value, dict):
            for inner, each in value.items():
                if isinstance(each, dict) and inner in ("security", "cache", "lockfile"):
                    for last, found in each.items():
                        place = Location(path, bunfig.line_of(key, inner, last))
                        yield f"{key}.{inner}.{last}", found, place
                else:
                    yield f"{key}.{inner}", each, Location(path, bunfig.line_of(key, inner))
        else:
            yield key, value, Location(path, bunfig.line_of(key))


def _registry(
    name: str, where: Location, value: object, registries: AllowedSources
) -> Iterator[Problem]:
    """A registry in bunfig.toml: a URL, or a table with ``url``, ``token``, ``password``."""
    table = value if isinstance(value, dict) else {"url": value}
    url = table.get("url")
    if isinstance(url, str):
        yield from registry_problems(name, url, where, registries)
    elif url is not None:
        yield setting_problem(
            "registry-unclear",
            name,
            url,
            f"{name} is no URL: expected the https URL of a registry",
            where,
        )
    for key in ("token", "password"):
        secret = table.get(key)
        if isinstance(secret, str) and secret and not secret.startswith("$"):
            yield secret_problem(f"{name}.{key}", where)


def allowances(project: Project) -> Iterator[Allowance]:
    """The allow-list: ``trustedDependencies`` of the root and of every member.

    Bun trusts the name in node_modules, which may be an alias. So an entry allows every package that
    the lockfile has under that name, and also the package with that name.
    """
    for manifest, value in trusted_lists(project):
        names = names_in(value)
        real = _real_names(project, frozenset(names))
        for index, name in enumerate(names):
            line = manifest.line_of(TRUSTED, index)
            for package in sorted({name, *real.get(name, ())}):
                yield Allowance(
                    package=package,
                    version=None,
                    setting=TRUSTED,
                    location=Location(manifest.path, line),
                    text=name,
                )


def lockfile_of(project: Project) -> Lockfile | None:
    """The project's bun.lock, or None."""
    from npm_vetted.clients.bun.reader import read_bun_lockfile

    data = project.read_own("bun.lock")
    if data is None:
        return None
    return read_bun_lockfile(project.join("bun.lock"), data, project.read)


def _real_names(project: Project, names: frozenset[str]) -> dict[str, set[str]]:
    """The real package names that the lockfile has under each of these names in node_modules."""
    from npm_vetted.clients.bun.keys import last_name

    lockfile = lockfile_of(project) if names else None
    found: dict[str, set[str]] = {}
    for key in lockfile.blocks if lockfile else ():
        name = last_name(key)
        if name in names:
            assert lockfile is not None
            artifact = lockfile.artifact(key)
            if artifact is not None:
                found.setdefault(name, set()).add(artifact.name)
    return found


def registry_of(project: Project, package: str) -> str | None:
    """The registry that bunfig.toml or ``.npmrc`` names for a package; None if they disagree, or name none."""
    scope = package.partition("/")[0] if package.startswith("@") else None
    found = {*_bunfig_urls(project, scope), *_npmrc_urls(project, scope)}
    if not found and scope:
        found = {*_bunfig_urls(project, None), *_npmrc_urls(project, None)}
    return found.pop() if len(found) == 1 else None


def _bunfig_urls(project: Project, scope: str | None) -> Iterator[str]:
    bunfig = read_bunfig(project)
    install = _install(bunfig) if bunfig else {}
    value = install.get("registry")
    if scope is not None:
        scopes = install.get("scopes")
        table = scopes if isinstance(scopes, dict) else {}
        value = table.get(scope, table.get(scope.removeprefix("@")))
    url = value.get("url") if isinstance(value, dict) else value
    if isinstance(url, str) and "$" not in url:
        yield url.rstrip("/") + "/"


def _npmrc_urls(project: Project, scope: str | None) -> Iterator[str]:
    setting = effective(_npmrc(project), f"{scope}:registry" if scope else "registry")
    if (
        setting is not None
        and isinstance(setting.value, str)
        and not depends_on_environment(setting.value)
    ):
        yield setting.value.rstrip("/") + "/"
