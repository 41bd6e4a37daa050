"""Bun: its lockfile and settings, as 1.2 to 1.4 read them.

The rules on settings were seen by running Bun 1.2.23, 1.3.14 and 1.4.5 (the tests run them again).
Bun runs only the scripts of dependencies with a trusted name. Some names are trusted by default,
until any manifest of the project has ``trustedDependencies``, which replaces that list.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from npm_vetted.clients.bun import settings
from npm_vetted.clients.bun.settings import (
    ENVIRONMENTS,
    TRUSTED,
    bunfig_switch,
    doubtful_bunfig,
    lockfile_of,
    malformed_trust,
    names_in,
    npmrc_switch,
    read_bunfig,
    replaces_trusted,
    trusted_lists,
)
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.workspaces import Negation
from npm_vetted.errors import DocumentError, UndecidedError
from npm_vetted.formats.npmrc import SWITCH
from npm_vetted.model import CodeReader, Edit, Manifest, Pin, Project, Read, TaskReader

NAME = "bun"
PROGRAM = "bun"
PACKAGE = PROGRAM
LOCKFILES: tuple[str, ...] = ("bun.lock", "bun.lockb")
SETTINGS: tuple[str, ...] = ("bunfig.toml", ".npmrc", *ENVIRONMENTS)
INHERITED: tuple[str, ...] = ()
MARKERS: tuple[str, ...] = ("bunfig.toml",)
DEFAULT = False
COMMENTED_MANIFESTS = True
MANIFESTS: tuple[str, ...] = ()
OWN_MANIFESTS: Mapping[str, Callable[[str, bytes], Manifest]] = {}
PROGRAM_KEYS: Mapping[str, str] = {}
WORKSPACE_FILE: str | None = None
NEGATION = Negation.GLOBS_ONLY
REPLACING: tuple[tuple[str, ...], ...] = (("overrides",), ("resolutions",))
FOLDER_PREFIXES: tuple[str, ...] = ("file:", "./", "../")
LINKS_MEMBERS = True
SWITCH_FILE: str | None = "bunfig.toml"
USER_FILE: str | None = ".bunfig.toml"
PROGRAM_FOLDERS: tuple[str, ...] = ()
CODE_WORDS: tuple[str, ...] = ()
CODE: Mapping[str, CodeReader] = {}
TASKS: Mapping[str, TaskReader] = {}
LOCK_COMMAND: tuple[str, ...] = (
    "bun",
    "install",
    "--cwd",
    ".",
    "--lockfile-only",
    "--ignore-scripts",
)
WRITES = "bun.lock"
RUN_INSTALLED = "bun run {}"

scripts_run = settings.scripts_run
unsafe_settings = settings.unsafe_settings
allowances = settings.allowances
registry_of = settings.registry_of


def fits(pin: Pin) -> bool:
    """Whether a pin names Bun; no other client has that name."""
    return pin.client == PROGRAM


def recognises(name: str, data: bytes) -> bool:  # noqa: ARG001
    """Always true: no other client writes a lockfile with these names."""
    return name in LOCKFILES


def read_lockfile(path: str, data: bytes, read: Read, like: Lockfile | None = None) -> Lockfile:
    """Read bun.lock; the binary bun.lockb is refused, with how to migrate."""
    from npm_vetted.clients.bun.reader import read_bun_lockfile

    if path.endswith(".lockb"):
        raise DocumentError(
            "bun.lockb is binary: nobody can review it, and Bun from 1.2 no longer writes it",
            path=path,
            fix=_migrate(path),
        )
    return read_bun_lockfile(path, data, read, like)


def _migrate(path: str) -> str:
    """The commands that write the text lockfile, run at the top of the repository."""
    folder = path.rpartition("/")[0]
    where = f' --cwd "{folder}"' if folder else ""
    return (
        f"bun install{where} --save-text-lockfile --frozen-lockfile --lockfile-only, then "
        f'git rm --cached "{path}"; for a fixture: [[exclude]] path = "{folder or path}"'
    )


def workspaces(manifest: Manifest, read: Read) -> tuple[str, ...] | None:  # noqa: ARG001
    """The manifest's own ``workspaces``."""
    return manifest.workspaces


def locks_members(manifest: Manifest, read: Read) -> bool:  # noqa: ARG001
    """Never: one lockfile holds all workspaces."""
    return False


def switch_off(project: Project) -> Sequence[Edit]:
    """Write ``"trustedDependencies": []`` into package.json.

    Unlike ``ignoreScripts``, this does not switch off the project's own scripts, and names can be added.
    """
    broken = any(malformed_trust(project)) or any(doubtful_bunfig(project))
    if broken or replaces_trusted(project) or not any(scripts_run(project)):
        return ()
    return (_with_trusted(project, []),)


def scripts_stopped(scripts: Collection[str]) -> list[str]:  # noqa: ARG001
    """No script: the switch only affects dependencies."""
    return []


def set_cooldown(project: Project, days: int) -> Sequence[Edit]:
    """Set ``minimumReleaseAge`` in bunfig.toml, in seconds: Bun 1.3 obeys, 1.2 ignores the key."""
    import tomlkit

    bunfig = read_bunfig(project)
    known = {} if bunfig is None else bunfig.root().data
    install = known.get("install", {})
    if not isinstance(install, dict) or "minimumReleaseAge" in install:
        return ()
    path = project.join("bunfig.toml")
    document = tomlkit.parse((project.read(path) or b"").decode())
    seconds = days * 24 * 60 * 60
    if "install" not in document:
        document["install"] = tomlkit.table()
    document["install"]["minimumReleaseAge"] = seconds
    return (
        Edit(
            path=path,
            content=tomlkit.dumps(document).encode(),
            reason=f"[install] minimumReleaseAge = {seconds} (seconds)",
        ),
    )


def _with_trusted(project: Project, names: Sequence[str]) -> Edit:
    from npm_vetted.formats.json_edit import set_list

    path = project.manifest.path
    data = project.read(path)
    if data is None:
        raise UndecidedError("the manifest is gone", path=path)
    words = ", ".join(names) or "no dependency"
    return Edit(
        path=path,
        content=set_list(path, data, TRUSTED, names),
        reason=f"Bun runs the install scripts of {words}, and of none that it trusts by itself",
    )


def _names_of(project: Project, packages: Sequence[tuple[str, str]]) -> list[str]:
    """The names in node_modules of these packages.

    Bun trusts by name, for every version that is locked under it. Raises UndecidedError if another
    version is locked under one of the names, because its scripts would run too.
    """
    from npm_vetted.clients.bun.keys import last_name

    lockfile = lockfile_of(project)
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
    """``bun pm trust NAME…`` for names that package.json does not trust; trusted ones are reinstalled.

    ``bun pm trust`` adds the names to package.json and bun.lock. Raises UndecidedError if ``.npmrc``
    switches scripts off (no command of Bun 1.4 overrides that), or if other names are trusted (their
    scripts would run too).
    """
    names = _names_of(project, packages)
    if not names:
        return []
    if npmrc_switch(project)[0]:
        raise UndecidedError(
            f"Bun runs no script at all while .npmrc says {SWITCH}=true",
            path=project.join(".npmrc"),
            fix=f'switch by "{TRUSTED}": [] in package.json instead',
        )
    where = ["--cwd", project.path] if project.path else []
    if bunfig_switch(project):
        where.append("--config=/dev/null")
    listed = {name for _, value in trusted_lists(project) for name in names_in(value)}
    new = [name for name in names if name not in listed]
    commands: list[list[str]] = []
    if len(new) < len(names):
        if not listed <= set(names):
            more = ", ".join(sorted(listed - set(names)))
            raise UndecidedError(
                f"an install would run the scripts of {more} too, which {TRUSTED} names",
                path=project.manifest.path,
            )
        commands.append(["bun", "install", *where, "--force", "--frozen-lockfile"])
    if new:
        commands.append(["bun", "pm", "trust", *where, *new])
    return commands


def allow_list(project: Project, packages: Sequence[tuple[str, str]]) -> Edit | str:
    """``trustedDependencies`` with these packages' names and no others."""
    said, problem = npmrc_switch(project)
    if said or problem or bunfig_switch(project):
        return (
            f"Bun applies {TRUSTED} only where scripts are not switched off: take ignoreScripts "
            f"out of bunfig.toml and {SWITCH} out of .npmrc first"
        )
    return _with_trusted(project, _names_of(project, packages))


def cooldown_exclude(name: str, version: str) -> str:  # noqa: ARG001
    """A line of ``minimumReleaseAgeExcludes`` in ``[install]``, which lists names (seen with 1.3 and 1.4)."""
    return f'bunfig.toml: minimumReleaseAgeExcludes = ["{name}"]'
