"""Yarn classic (1.x): ``yarn.lock`` version 1, ``.yarnrc``, and the registries in ``.npmrc``.

Its scripts run by default, and only ``ignore-scripts true`` in ``.yarnrc`` switches them off for
every command: ``.npmrc`` and ``npm_config_`` have no effect, ``--install.ignore-scripts`` misses
``yarn add``. Seen with Yarn 1.22.22 (tests/clients/test_yarn_classic.py runs it again).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.npmrc_rules import is_foreign, npmrc_problems, unknown_keys
from npm_vetted.clients.shared.settings import (
    AllowedSources,
    known_settings,
    registry_problems,
    secret_problem,
    setting_problem,
    unknown_settings,
    value_text,
)
from npm_vetted.clients.shared.workspaces import Negation
from npm_vetted.clients.shared.yarn.settings import (
    around,
    folders,
    has_metadata,
    is_interpolated,
    unreadable_settings,
)
from npm_vetted.errors import DocumentError, UndecidedError
from npm_vetted.formats.npmrc import effective, load_npmrc
from npm_vetted.model import Allowance, Edit, Location, Manifest, Pin, Problem, Project, Read

if TYPE_CHECKING:
    from npm_vetted.formats.yarnrc import YarnrcSetting

NAME = "yarn-classic"
PROGRAM = "yarn"
LOCKFILES: tuple[str, ...] = ("yarn.lock",)
SETTINGS: tuple[str, ...] = (".yarnrc", ".npmrc")
INHERITED: tuple[str, ...] = (".yarnrc", ".npmrc")
MARKERS: tuple[str, ...] = ()
DEFAULT = False
MANIFESTS: tuple[str, ...] = ()
OWN_MANIFESTS: Mapping[str, Callable[[str, bytes], Manifest]] = {}
WORKSPACE_FILE: str | None = None
NEGATION = Negation.IGNORED
REPLACING: tuple[tuple[str, ...], ...] = (("resolutions",),)
FOLDER_PREFIXES: tuple[str, ...] = ("file:", "./", "../")
LINKS_MEMBERS = True
SWITCH_FILE: str | None = ".yarnrc"
USER_FILE: str | None = ".yarnrc"
LOCK_COMMAND: tuple[str, ...] = ("yarn", "--cwd", ".", "install", "--ignore-scripts")
WRITES = "yarn.lock"

SWITCH: Final = "ignore-scripts"
_SECRETS: Final = ("_authtoken", "_auth", "_password")
_PROXIES: Final = ("proxy", "https-proxy", "http-proxy")
_RC: Final = ".yarnrc"
_NPMRC: Final = ".npmrc"
_HARMLESS: Final = frozenset({
    "cache-folder", "check-files", "emoji", "exact", "flat", "force", "frozen-lockfile",
    "ignore-engines", "ignore-optional", "ignore-platform", "ignore-scripts", "link-duplicates",
    "mutex", "network-concurrency", "network-timeout", "no-bin-links", "no-emoji", "no-progress",
    "non-interactive", "offline", "prefer-offline", "production", "prod", "pure-lockfile",
    "save-exact", "silent", "tilde", "verbose",
})  # fmt: skip
"""Flags that ``.yarnrc`` may add to commands (``--install.check-files true``) without harm."""

_UNDOING: Final = frozenset({"no-default-rc", "use-yarnrc", "cwd"})
"""Flags after which Yarn no longer reads this .yarnrc's settings (seen: scripts run again)."""


def fits(pin: Pin) -> bool:
    """``yarn`` below version 2, or without a version."""
    return pin.client == PROGRAM and (pin.minimum is None or pin.minimum[0] < 2)


def recognises(name: str, data: bytes) -> bool:
    """Whether a yarn.lock is of version 1: berry's has ``__metadata``."""
    return name in LOCKFILES and not has_metadata(data)


def read_lockfile(path: str, data: bytes, read: Read) -> Lockfile:
    """Read a yarn.lock of version 1; raises DocumentError with the line it cannot read."""
    from npm_vetted.clients.shared.yarn import lock_text
    from npm_vetted.clients.yarn_classic.lockfile import ClassicLockfile

    return ClassicLockfile(path, lock_text(path, data), read)


def workspaces(manifest: Manifest, read: Read) -> tuple[str, ...] | None:  # noqa: ARG001
    """The ``workspaces`` field, as a list or as ``{"packages": [...]}``."""
    return manifest.workspaces


def _load(path: str, data: bytes) -> tuple[YarnrcSetting, ...]:
    from npm_vetted.formats.yarnrc import load_yarnrc  # its grammar takes a while to compile

    return load_yarnrc(path, data)


def _settings(project: Project, name: str) -> tuple[YarnrcSetting, ...]:
    data = project.read_own(name)
    return () if data is None else _load(project.join(name), data)


def _fix(path: str) -> tuple[tuple[str, ...], ...]:
    return (("npm-vetted", "init"), ("git", "add", path))


def _last(settings: Sequence[YarnrcSetting], key: str) -> YarnrcSetting | None:
    return next((s for s in reversed(settings) if s.key == key and s.table is None), None)


def locks_members(manifest: Manifest, read: Read) -> bool:  # noqa: ARG001
    """Never: one lockfile holds all workspaces."""
    return False


def scripts_run(project: Project) -> Iterator[Problem]:
    """``.yarnrc`` must have ``ignore-scripts true``, and no nearer file may have another value."""
    path = project.join(_RC)
    try:
        settings = _settings(project, _RC)
    except DocumentError as error:
        yield unreadable_settings(error, path, _fix(path))
        return
    found = _last(settings, SWITCH)
    if found is None:
        yield Problem(
            message=f"Yarn 1 runs dependencies' install scripts: expected the line '{SWITCH} true' "
            f"in .yarnrc{_elsewhere(project, settings)}",
            location=Location(path),
            fix=_fix(path),
            code="scripts-on",
            key=SWITCH,
        )
    elif found.value is not True and found.value != "true":
        yield _not_true(path, found)
    yield from _undone(path, settings)
    for folder in folders(project):
        yield from _nearer(project, f"{folder}/{_RC}")


def _elsewhere(project: Project, settings: Sequence[YarnrcSetting]) -> str:
    """Settings that look like the switch and have no effect."""
    for setting in settings:
        if setting.key.startswith("--") and setting.key.endswith(SWITCH):
            return f" ({setting.key} does not cover every command)"
    data = project.read_own(".npmrc")
    if data is not None and SWITCH.encode() in data:
        return f" ({SWITCH} in .npmrc does nothing in Yarn 1)"
    return ""


def _not_true(path: str, found: YarnrcSetting) -> Problem:
    shown = f"'{found.raw.strip()[:60]}'"
    if found.value in (False, "", "0"):
        why = "lets install scripts run"
    else:
        why = "is text, which Yarn 1 takes for true whatever it says"
    return Problem(
        message=f"{shown} {why}: expected '{SWITCH} true'",
        location=Location(path, found.line),
        fix=_fix(path),
        code="switch-unclear",
        key=SWITCH,
        value=value_text(found.value),
    )


def _undone(path: str, settings: Sequence[YarnrcSetting]) -> Iterator[Problem]:
    for setting in settings:
        flag = setting.key.rpartition(".")[2].removeprefix("--")
        if setting.key.startswith("--") and flag in _UNDOING:
            yield setting_problem(
                "other-settings", setting.key, setting.value,
                f"{setting.key} makes Yarn 1 read other settings than these, so that "
                f"'{SWITCH} true' is lost: expected no such line",
                Location(path, setting.line),
            )  # fmt: skip


def _nearer(project: Project, name: str) -> Iterator[Problem]:
    """A .yarnrc in a member's folder wins over the root's when a command is run there."""
    path = project.join(name)
    try:
        settings = _settings(project, name)
    except DocumentError as error:
        yield unreadable_settings(error, path)
        return
    found = _last(settings, SWITCH)
    if found is not None and found.value is not True and found.value != "true":
        yield _not_true(path, found)
    yield from _undone(path, settings)


def unsafe_settings(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    """Registries, TLS, tokens, program paths, added flags and unknown keys in .yarnrc and .npmrc."""
    for name in (_RC, *(f"{folder}/{_RC}" for folder in around(project))):
        path = project.join(name)
        try:
            settings = _settings(project, name)
        except DocumentError:
            continue  # scripts_run reports it
        for setting in settings:
            yield from _unsafe(setting, Location(path, setting.line), registries)
    for name in _npmrc_files(project):
        yield from _unsafe_npmrc(project, name, registries)
    yield from _yarn_path(project)


def _unsafe(
    setting: YarnrcSetting, where: Location, registries: AllowedSources
) -> Iterator[Problem]:
    """Why one setting of a .yarnrc undoes protection."""
    key, value = setting.key, setting.value
    text = value if isinstance(value, str) else str(value).lower()
    last = key.rpartition(":")[2].lower()
    flag = key.rpartition(".")[2].removeprefix("--") if key.startswith("--") else ""
    code = message = ""
    if last == "registry":
        yield from registry_problems(key, text, where, registries)
    elif last in _SECRETS:
        if text and not is_interpolated(text):
            yield secret_problem(key, where)
    elif key == "strict-ssl" and value in (False, "", "0"):
        code, message = (
            "tls-off",
            "strict-ssl false lets anyone on the way change what is installed",
        )
    elif key in ("yarn-path", "script-shell"):
        code = "program"
        message = f"{key} runs the program {text!r} at every command, whatever {SWITCH} says"
    elif flag:
        if flag not in _HARMLESS | _UNDOING:
            code = "unknown-flag"
            message = f"{key} adds a flag to Yarn's commands that is not known to be harmless"
    else:
        yield from _network(setting, text, where, registries)
    if code:
        yield setting_problem(code, key, value, message, where)


def _network(
    setting: YarnrcSetting, text: str, where: Location, registries: AllowedSources
) -> Iterator[Problem]:
    """Proxies, authorities, other hosts; and keys that nobody has verified."""
    key, value = setting.key, setting.value
    if key in _PROXIES:
        if not registries.allows_proxy(text):
            message = f"{key} {text}: a proxy of the repository's choice reads every token"
            yield setting_problem("proxy", key, value, message, where)
    elif key in ("cafile", "ca"):
        if not registries.allows_authority(text):
            message = f"{key} {text}: its owner can pose as the registry"
            yield setting_problem("authority", key, value, message, where)
    elif is_foreign(key, text, registries):
        message = f"{key} {text}: downloads from there are not among [registries] allowed"
        yield setting_problem("host-not-allowed", key, value, message, where)
    else:
        yield from unknown_settings([(key, value, where)], known_settings("yarn_classic"))


def _npmrc_files(project: Project) -> Iterator[str]:
    """The .npmrc files that Yarn 1 reads, relative to the project: those above and below it too.

    It looks in the folder where it is run and in every folder above that one.
    """
    yield _NPMRC
    members = {posixpath.relpath(each, project.path or ".") for each in project.members}
    for folder in around(project):
        if folder.startswith("..") or folder in members:
            yield f"{folder}/{_NPMRC}"


def _unsafe_npmrc(project: Project, name: str, registries: AllowedSources) -> Iterator[Problem]:
    data = project.read_own(name)
    if data is None:
        return
    path = project.join(name)
    try:
        settings = load_npmrc(path, data)
    except DocumentError as error:
        yield unreadable_settings(error, path)
        return
    yield from npmrc_problems(path, settings, registries, is_read=True)
    yield from unknown_keys(path, settings, registries, known_settings("yarn_classic"))


def _yarn_path(project: Project) -> Iterator[Problem]:
    """Yarn 1 also runs the program that ``yarnPath`` in a .yarnrc.yml names."""
    data = project.read_own(".yarnrc.yml")
    found = re.search(rb"^[\"' ]*yarnPath[\"' ]*:([^\n]*)", data, re.MULTILINE) if data else None
    if data and found:
        line = data.count(b"\n", 0, found.start()) + 1
        yield setting_problem(
            "program", "yarnPath", found[1].decode("utf-8", "replace").strip(),
            "yarnPath runs a program at every command: expected packageManager in package.json and "
            "no yarnPath",
            Location(project.join(".yarnrc.yml"), line),
        )  # fmt: skip


def allowances(project: Project) -> Iterator[Allowance]:  # noqa: ARG001
    """None: Yarn 1 has no allow-list."""
    return iter(())


def registry_of(project: Project, package: str) -> str | None:
    """``@scope:registry``, else ``registry``, in .yarnrc before .npmrc."""
    keys = [f"{package.partition('/')[0]}:registry"] if package.startswith("@") else []
    settings = _settings(project, _RC)
    data = project.read_own(".npmrc")
    npmrc = () if data is None else load_npmrc(project.join(".npmrc"), data)
    for key in (*keys, "registry"):
        own = _last(settings, key)
        if own is not None:
            return str(own.value)
        theirs = effective(npmrc, key)
        if theirs is not None and isinstance(theirs.value, str):
            return theirs.value
    return None


def switch_off(project: Project) -> Sequence[Edit]:
    """Write ``ignore-scripts true`` into .yarnrc, and into nearer ones that say otherwise."""
    edits = []
    for name in (_RC, *(f"{folder}/{_RC}" for folder in folders(project))):
        path = project.join(name)
        data = project.read_own(name)
        settings = () if data is None else _load(path, data)
        found = _last(settings, SWITCH)
        if found is None and name != _RC:
            continue
        if found is not None and found.value in (True, "true"):
            continue
        edits.append(Edit(path=path, content=_edited(path, data or b""), reason=_REASON))
    return edits


def scripts_stopped(scripts: Collection[str]) -> list[str]:
    """Those of an install and of a pack; ``yarn run`` and ``yarn version`` run theirs (1.22)."""
    from npm_vetted.clients.shared.lifecycle import own_lifecycle

    return [name for name in own_lifecycle(scripts) if not name.endswith("version")]


def set_cooldown(project: Project, days: int) -> Sequence[Edit]:  # noqa: ARG001
    """Yarn 1 has no cooldown."""
    return ()


_REASON: Final = "switch dependencies' install scripts off"


def _edited(path: str, data: bytes) -> bytes:
    """The file with every line of the switch put right, or with one added at its end."""
    end = b"\r\n" if b"\r\n" in data else b"\n"
    numbers = {s.line for s in _load(path, data) if s.key == SWITCH and s.table is None}
    lines = data.split(b"\n")
    for number in numbers:
        rest = b"\r" if lines[number - 1].endswith(b"\r") else b""
        lines[number - 1] = f"{SWITCH} true".encode() + rest
    content = b"\n".join(lines)
    if not numbers:
        gap = b"" if not content or content.endswith(b"\n") else end
        content += gap + f"{SWITCH} true".encode() + end
    found = _last(_load(path, content), SWITCH)
    if found is None or found.value is not True:
        raise UndecidedError(f"cannot write '{SWITCH} true' into it", path=path)
    return content


def rebuild(
    project: Project,
    packages: Sequence[tuple[str, str]],
) -> list[list[str]]:
    """``npm rebuild`` of exactly these versions: Yarn 1 itself can only run all or none.

    ``yarn install --force`` with scripts on runs those of every package; npm's rebuild works on
    the node_modules that Yarn made (seen with npm 11 and 12 on Yarn 1.22.22's). npm 12 needs to
    be told that scripts may run; the names keep all others from running.
    """
    if not packages:
        return []
    names = [f"{name}@{version}" for name, version in packages]
    where = ["--prefix", project.path] if project.path else []
    switches = ["--ignore-scripts=false", "--dangerously-allow-all-scripts=true"]
    return [["npm", "rebuild", *where, *switches, *names]]


def allow_list(
    project: Project,  # noqa: ARG001
    packages: Sequence[tuple[str, str]],  # noqa: ARG001
) -> Edit | str:
    """None: says why."""
    return (
        "Yarn 1 has no allow-list: with ignore-scripts true it runs no dependency's script, "
        "without it all of them; npm-vetted rebuild runs the approved ones"
    )


def cooldown_exclude(name: str, version: str) -> None:  # noqa: ARG001
    """Yarn 1 has no cooldown."""
    return
