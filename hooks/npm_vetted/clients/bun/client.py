"""Bun: its lockfile and settings, as 1.2 to 1.4 read them.

What is said here of the settings was seen by running Bun 1.2.23, 1.3.14 and 1.4.5 (the tests run
them again). Bun runs no dependency's scripts but those of names that are trusted: names built in,
until any manifest of the project has ``trustedDependencies``, which replaces them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from npm_vetted.clients.npm.settings import is_within_project
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.errors import DocumentError, UndecidedError
from npm_vetted.formats.document import Document
from npm_vetted.formats.npmrc import SWITCH, Setting, depends, effective, load_npmrc
from npm_vetted.model import Allowance, Edit, Location, Manifest, Pin, Problem, Project, Read

if TYPE_CHECKING:
    from npm_vetted.clients import Registries

NAME = "bun"
PROGRAM = "bun"
LOCKFILES: tuple[str, ...] = ("bun.lock", "bun.lockb")
ENVIRONMENTS: Final = tuple(
    f".env{mode}{local}"
    for mode in ("", ".development", ".production", ".test")
    for local in ("", ".local")
)
"""Bun reads these before it installs, and takes a registry from them (seen in 1.2 to 1.4)."""
SETTINGS: tuple[str, ...] = ("bunfig.toml", ".npmrc", *ENVIRONMENTS)
INHERITED: tuple[str, ...] = ()
MARKERS: tuple[str, ...] = ("bunfig.toml",)
DEFAULT = False
MANIFESTS: tuple[str, ...] = ()
WORKSPACE_FILE: str | None = None
LOCK_COMMAND: tuple[str, ...] = (
    "bun",
    "install",
    "--cwd",
    ".",
    "--lockfile-only",
    "--ignore-scripts",
)
WRITES = "bun.lock"

_TRUSTED: Final = "trustedDependencies"
_PLAIN_TRUE: Final = re.compile(
    r"""\s*(?:"ignore-scripts"|ignore-scripts)\s*(?:=\s*(true|"true"|'true')\s*)?\Z"""
)
_VARIABLE: Final = re.compile(
    r"(?<!\w)((?:BUN_CONFIG|NPM_CONFIG|npm_config)_\w+|NODE_TLS_REJECT_UNAUTHORIZED"
    r"|NODE_EXTRA_CA_CERTS|BUN_INSTALL(?:_CACHE_DIR)?|XDG_CACHE_HOME)\s*[=:]"
)
_SECRETS: Final = ("_authToken", "_auth", "_password")


def fits(pin: Pin) -> bool:
    """The name is Bun's alone."""
    return pin.client == PROGRAM


def recognises(name: str, data: bytes) -> bool:  # noqa: ARG001
    """Both names are Bun's alone."""
    return name in LOCKFILES


def read_lockfile(path: str, data: bytes, read: Read) -> Lockfile:
    """Read bun.lock; the binary bun.lockb is refused, with how to migrate."""
    from npm_vetted.clients.bun.reader import read_bun_lockfile

    if path.endswith(".lockb"):
        raise DocumentError(
            "bun.lockb is binary: nobody can review it, and Bun from 1.2 no longer writes it",
            path=path,
            fix="bun install --save-text-lockfile --frozen-lockfile --lockfile-only, "
            "then git rm --cached bun.lockb",
        )
    return read_bun_lockfile(path, data, read)


def workspaces(manifest: Manifest, read: Read) -> tuple[str, ...] | None:  # noqa: ARG001
    """The manifest's own ``workspaces``."""
    return manifest.workspaces


def locks_members(manifest: Manifest, read: Read) -> bool:  # noqa: ARG001
    """Never: one lockfile holds all workspaces."""
    return False


def scripts_run(project: Project) -> Iterator[Problem]:
    """Why dependencies' scripts may run: no list replaces the built-in names, and no switch is on.

    Where bunfig.toml and ``.npmrc`` disagree the one wins or the other by Bun's version, so the
    switch counts only where neither says anything else.
    """
    wrong = [*_malformed_trust(project), *_doubtful_bunfig(project)]
    if wrong:
        yield from wrong
        return
    if _replaced(project):
        return
    said, problem = _npmrc_switch(project)
    switch = _bunfig_switch(project)
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
            f'"{_TRUSTED}": [] in package.json, which replaces the names it trusts',
        )


def _off_problem(project: Project, path: str, message: str, line: int = 1) -> Problem:
    return Problem(message=message, location=Location(path, line), fix=_fix(project))


def _fix(project: Project) -> tuple[tuple[str, ...], ...]:
    where = ("--cwd", project.path) if project.path else ()
    return (
        ("bun", "pm", "pkg", "set", *where, f"{_TRUSTED}=[]", "--json"),
        ("git", "add", project.manifest.path),
    )


def _trusted(project: Project) -> Iterator[tuple[Manifest, object]]:
    for manifest in project.manifests.values():
        if _TRUSTED in manifest.data:
            yield manifest, manifest.data[_TRUSTED]


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _names_in(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _malformed_trust(project: Project) -> Iterator[Problem]:
    for manifest, value in _trusted(project):
        if not _is_list(value):
            yield _off_problem(
                project,
                manifest.path,
                f"{_TRUSTED} is no list of names: expected [] or names",
                manifest.line_of(_TRUSTED),
            )


def _replaced(project: Project) -> bool:
    """Whether some manifest replaces the built-in names: the root's or any member's does."""
    return any(_is_list(value) for _, value in _trusted(project))


def _bunfig(project: Project) -> Document | None:
    from npm_vetted.formats.toml import load_toml

    path = project.join("bunfig.toml")
    data = project.read(path)
    return None if data is None else load_toml(path, data)


def _doubtful_bunfig(project: Project) -> Iterator[Problem]:
    """A byte order mark: Bun 1.2 installs, scripts and all, before it refuses the file."""
    path = project.join("bunfig.toml")
    if (project.read(path) or b"").startswith(b"\xef\xbb\xbf"):
        yield _off_problem(project, path, "a byte order mark, with which Bun 1.2 cannot read this")


def _install(bunfig: Document) -> dict[str, object]:
    table = bunfig.root().maybe_table("install")
    return dict(table.data) if table else {}


def _bunfig_switch(project: Project) -> bool | None:
    """``[install] ignoreScripts``; None where it says nothing, or what Bun takes for nothing."""
    bunfig = _bunfig(project)
    value = _install(bunfig).get("ignoreScripts") if bunfig else None
    return value if isinstance(value, bool) else None


def _npmrc(project: Project) -> tuple[Setting, ...]:
    path = project.join(".npmrc")
    data = project.read(path)
    return () if data is None else load_npmrc(path, data)


def _npmrc_switch(project: Project) -> tuple[bool | None, Problem | None]:
    """What ``.npmrc`` says of the switch, in words that every version of Bun takes alike.

    Bun before 1.4 takes nothing but a bare key or ``true`` for true: no ``1``, no empty value, no
    comment behind it. No version takes a lone carriage return for the end of a line.
    """
    path = project.join(".npmrc")
    settings = _npmrc(project)
    lines = [one for one in settings if one.key == SWITCH and one.section is None]
    doubtful = [one for one in settings if one.section is None and depends(one.key)]
    data = (project.read(path) or b"").replace(b"\r\n", b"\n")
    if b"\r" in data or b"\0" in data:
        return None, _off_problem(project, path, "a character at which Bun and npm part ways")
    for one in (*lines, *doubtful):
        plain_false = one.value is False and not one.listed
        if one in doubtful or not (plain_false or _PLAIN_TRUE.match(one.raw.lstrip("\ufeff"))):
            message = f"{one.raw.strip()[:80]!r} is read otherwise by some versions of Bun: "
            return None, _off_problem(project, path, message + f"expected {SWITCH}=true", one.line)
    said = {one.value is not False for one in lines}
    return (None if not said else said == {True}), None


def unsafe_settings(project: Project, registries: Registries) -> Iterator[Problem]:
    """Registries that are not allowed, literal secrets, and code that an install runs."""
    yield from _unsafe_npmrc(project, registries)
    yield from _unsafe_environments(project)
    bunfig = _bunfig(project)
    if bunfig is not None:
        yield from _unsafe_bunfig(project, bunfig, registries)


def _unsafe(path: str, line: int, message: str) -> Problem:
    return Problem(message=message, location=Location(path, line))


def _unsafe_npmrc(project: Project, registries: Registries) -> Iterator[Problem]:
    path = project.join(".npmrc")
    for one in _npmrc(project):
        if one.section is not None:
            continue
        text = one.value if isinstance(one.value, str) else ""
        if one.key == "registry" or one.key.endswith(":registry"):
            yield from _registry_problem(path, one.line, text, registries)
        elif one.key.endswith(_SECRETS) and text and not depends(text):
            yield _unsafe(path, one.line, f"a literal secret in {one.key}: expected ${{VARIABLE}}")
        elif one.key == "strict-ssl" and one.value is not True:
            yield _unsafe(path, one.line, "strict-ssl is off: any server may answer")
        elif one.key in ("ca", "cafile"):
            yield _unsafe(path, one.line, f"{one.key} makes other certificates valid")


def _registry_problem(path: str, line: int, url: str, registries: Registries) -> Iterator[Problem]:
    if "$" in url:
        yield _unsafe(path, line, f"the registry {url!r} depends on the environment: undecidable")
    elif not url.startswith("https://"):
        yield _unsafe(path, line, f"the registry {url!r} is not https")
    elif not registries.allows(url):
        yield _unsafe(path, line, f"the registry {url} is not among the allowed ones")


def _unsafe_environments(project: Project) -> Iterator[Problem]:
    """Variables that steer Bun: it loads these files even to install."""
    for name in ENVIRONMENTS:
        path = project.join(name)
        text = (project.read(path) or b"").decode("utf-8", errors="replace")
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
            found = None if line.lstrip().startswith("#") else _VARIABLE.search(line)
            if found:
                message = f"{found[1]} steers Bun, which reads {name} when it installs: "
                yield _unsafe(path, number, message + "expected such a setting in bunfig.toml")


def _unsafe_bunfig(project: Project, bunfig: Document, registries: Registries) -> Iterator[Problem]:
    path = project.join("bunfig.toml")
    install = _install(bunfig)

    def line(*keys: str) -> int:
        return bunfig.line_of("install", *keys)

    if "registry" in install:
        found = install["registry"]
        yield from _bunfig_registry(path, line("registry"), found, registries)
    scopes = install.get("scopes")
    for scope, value in (scopes if isinstance(scopes, dict) else {}).items():
        yield from _bunfig_registry(path, line("scopes", scope), value, registries)
    security = install.get("security")
    scanner = security.get("scanner") if isinstance(security, dict) else None
    if scanner is not None:
        message = f"the security scanner {scanner!r} is code that every install runs"
        yield _unsafe(path, line("security", "scanner"), message)
    cache = install.get("cache")
    folder = cache.get("dir") if isinstance(cache, dict) else cache
    if isinstance(folder, str) and is_within_project(folder):
        message = f"the cache {folder!r} lies in the repository, and Bun holds what it takes from "
        yield _unsafe(path, line("cache"), message + "a cache against no hash")
    if install.get("auto") in ("force", "fallback"):
        message = f"auto = {install['auto']!r}: Bun then runs packages that no lockfile pins"
        yield _unsafe(path, line("auto"), message)
    for key in ("ca", "cafile"):
        if key in install:
            yield _unsafe(path, line(key), f"{key} makes other certificates valid")
    if bunfig.root().data.get("preload"):
        message = "preload runs code before every script of the project"
        yield _unsafe(path, bunfig.line_of("preload"), message)


def _bunfig_registry(
    path: str, line: int, value: object, registries: Registries
) -> Iterator[Problem]:
    """A registry in bunfig.toml: a URL, or a table with ``url``, ``token``, ``password``."""
    table = value if isinstance(value, dict) else {"url": value}
    url = table.get("url")
    if isinstance(url, str):
        if re.match(r"[a-z]+://[^/]*@", url):
            yield _unsafe(path, line, "a literal secret in a registry's URL: expected a variable")
        yield from _registry_problem(path, line, url, registries)
    elif url is not None:
        yield _unsafe(path, line, "a registry that is no URL")
    for key in ("token", "password"):
        secret = table.get(key)
        if isinstance(secret, str) and secret and not secret.startswith("$"):
            yield _unsafe(path, line, f"a literal secret in {key}: expected $VARIABLE")


def allowances(project: Project) -> Iterator[Allowance]:
    """``trustedDependencies`` of the root and of every member.

    Bun trusts the name in node_modules, not the package's own: an entry stands for whatever the
    lockfile has by that name, and for the package of that name.
    """
    for manifest, value in _trusted(project):
        names = _names_in(value)
        real = _real_names(project, frozenset(names))
        for index, name in enumerate(names):
            line = manifest.line_of(_TRUSTED, index)
            for package in sorted({name, *real.get(name, ())}):
                yield Allowance(
                    package=package,
                    version=None,
                    setting=_TRUSTED,
                    location=Location(manifest.path, line),
                )


def _locked(project: Project) -> Lockfile | None:
    data = project.read_own("bun.lock")
    if data is None:
        return None
    return read_lockfile(project.join("bun.lock"), data, project.read)


def _real_names(project: Project, names: frozenset[str]) -> dict[str, set[str]]:
    """The packages that the lockfile has below each of these names."""
    from npm_vetted.clients.bun.keys import last_name

    lockfile = _locked(project) if names else None
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
    """The registry that bunfig.toml or ``.npmrc`` names for a package; None where they disagree."""
    scope = package.partition("/")[0] if package.startswith("@") else None
    found = {*_bunfig_urls(project, scope), *_npmrc_urls(project, scope)}
    if not found and scope:
        found = {*_bunfig_urls(project, None), *_npmrc_urls(project, None)}
    return found.pop() if len(found) == 1 else None


def _bunfig_urls(project: Project, scope: str | None) -> Iterator[str]:
    bunfig = _bunfig(project)
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
    if setting is not None and isinstance(setting.value, str) and not depends(setting.value):
        yield setting.value.rstrip("/") + "/"


def switch_off(project: Project) -> Sequence[Edit]:
    """``"trustedDependencies": []`` in package.json: unlike ``ignoreScripts`` it leaves the
    project's own scripts alone, and names can be added to it.
    """
    broken = any(_malformed_trust(project)) or any(_doubtful_bunfig(project))
    if broken or _replaced(project) or not any(scripts_run(project)):
        return ()
    return (_with_trusted(project, []),)


def _with_trusted(project: Project, names: Sequence[str]) -> Edit:
    from npm_vetted.formats.json_edit import set_list

    path = project.manifest.path
    data = project.read(path)
    if data is None:
        raise UndecidedError("the manifest is gone", path=path)
    words = ", ".join(names) or "no dependency"
    return Edit(
        path=path,
        content=set_list(path, data, _TRUSTED, names),
        reason=f"Bun runs the install scripts of {words}, and of none that it trusts by itself",
    )


def _names_of(project: Project, packages: Sequence[tuple[str, str]]) -> list[str]:
    """The names in node_modules of these packages; raises where Bun would run others besides.

    Bun trusts by name, so every version that is locked by a name must be among them.
    """
    from npm_vetted.clients.bun.keys import last_name

    lockfile = _locked(project)
    wanted = set(packages)
    chosen: dict[str, None] = {}
    others: dict[str, str] = {}
    for key in lockfile.blocks if lockfile else ():
        assert lockfile is not None
        artifact = lockfile.artifact(key)
        if artifact is None:
            continue
        if (artifact.name, artifact.version or artifact.resolved or "") in wanted:
            chosen[last_name(key)] = None
        else:
            others.setdefault(last_name(key), artifact.label)
    for name in chosen:
        if name in others:
            raise UndecidedError(
                f"Bun trusts by name: with {name} the scripts of {others[name]} would run too",
                path=project.join("bun.lock"),
            )
    return sorted(chosen)


def rebuild(project: Project, packages: Sequence[tuple[str, str]]) -> list[list[str]]:
    """``bun pm trust NAME…`` for names that package.json does not trust; what it trusts is
    installed again.

    ``bun pm trust`` adds the names to package.json and bun.lock. Raises UndecidedError where
    ``.npmrc`` switches scripts off, which no command of Bun 1.4 overrides, and where names are
    trusted that are not asked for, whose scripts would run too.
    """
    names = _names_of(project, packages)
    if not names:
        return []
    if _npmrc_switch(project)[0]:
        raise UndecidedError(
            f"Bun runs no script at all while .npmrc says {SWITCH}=true",
            path=project.join(".npmrc"),
            fix=f'switch by "{_TRUSTED}": [] in package.json instead',
        )
    where = ["--cwd", project.path] if project.path else []
    if _bunfig_switch(project):
        where.append("--config=/dev/null")
    listed = {name for _, value in _trusted(project) for name in _names_in(value)}
    new = [name for name in names if name not in listed]
    commands: list[list[str]] = []
    if len(new) < len(names):
        if not listed <= set(names):
            more = ", ".join(sorted(listed - set(names)))
            raise UndecidedError(
                f"an install would run the scripts of {more} too, which {_TRUSTED} names",
                path=project.manifest.path,
            )
        commands.append(["bun", "install", *where, "--force", "--frozen-lockfile"])
    if new:
        commands.append(["bun", "pm", "trust", *where, *new])
    return commands


def allow_list(project: Project, packages: Sequence[tuple[str, str]]) -> Edit | str:
    """``trustedDependencies`` with these packages' names and no others."""
    said, problem = _npmrc_switch(project)
    if said or problem or _bunfig_switch(project):
        return (
            f"Bun heeds {_TRUSTED} only where scripts are not switched off: take ignoreScripts "
            f"out of bunfig.toml and {SWITCH} out of .npmrc first"
        )
    return _with_trusted(project, _names_of(project, packages))


def cooldown_exclude(name: str, version: str) -> str:  # noqa: ARG001
    """``minimumReleaseAgeExcludes`` of the ``[install]`` table takes names (seen with 1.3 and 1.4)."""
    return f'bunfig.toml: minimumReleaseAgeExcludes = ["{name}"]'
