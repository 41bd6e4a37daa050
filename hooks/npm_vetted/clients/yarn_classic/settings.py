"""Yarn 1's committed settings: .yarnrc, and the keys that it reads in .npmrc."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from npm_vetted.clients.shared.npmrc_rules import (
    NPMRC_NETWORK,
    is_foreign,
    npmrc_problems,
    unknown_keys,
)
from npm_vetted.clients.shared.settings import (
    AllowedSources,
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
    unreadable_settings,
)
from npm_vetted.errors import DocumentError
from npm_vetted.formats.npmrc import effective, load_npmrc
from npm_vetted.model import Allowance, Location, Problem, Project

if TYPE_CHECKING:
    from npm_vetted.formats.yarnrc import YarnrcSetting

SWITCH: Final = "ignore-scripts"
_SECRETS: Final = ("_authtoken", "_auth", "_password")
RC_FILE: Final = ".yarnrc"
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
"""Flags with which Yarn no longer reads the settings of this .yarnrc (seen: scripts run again)."""


def read_yarnrc(path: str, data: bytes) -> tuple[YarnrcSetting, ...]:
    from npm_vetted.formats.yarnrc import load_yarnrc  # its grammar takes a while to compile

    return load_yarnrc(path, data)


def _settings(project: Project, name: str) -> tuple[YarnrcSetting, ...]:
    data = project.read_own(name)
    return () if data is None else read_yarnrc(project.join(name), data)


def _fix(path: str) -> tuple[tuple[str, ...], ...]:
    return (("npm-vetted", "init"), ("git", "add", path))


def last_setting(settings: Sequence[YarnrcSetting], key: str) -> YarnrcSetting | None:
    return next((s for s in reversed(settings) if s.key == key and s.table is None), None)


def scripts_run(project: Project) -> Iterator[Problem]:
    """``.yarnrc`` must have ``ignore-scripts true``, and no nearer file may have another value."""
    path = project.join(RC_FILE)
    try:
        settings = _settings(project, RC_FILE)
    except DocumentError as error:
        yield unreadable_settings(error, path, _fix(path))
        return
    found = last_setting(settings, SWITCH)
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
        yield from _nearer(project, f"{folder}/{RC_FILE}")


def _elsewhere(project: Project, settings: Sequence[YarnrcSetting]) -> str:
    """A sentence about settings that look like the switch but have no effect; '' if there are none."""
    for setting in settings:
        if setting.key.startswith("--") and setting.key.endswith(SWITCH):
            return f" ({setting.key} does not cover every command)"
    data = project.read_own(".npmrc")
    if data is not None and SWITCH.encode() in data:
        return f" ({SWITCH} in .npmrc does nothing in Yarn 1)"
    return ""


def _not_true(path: str, found: YarnrcSetting) -> Problem:
    shown = f"'{found.raw.strip()[:60]}'"
    lets_run = found.value in (False, "", "0")
    why = "lets install scripts run" if lets_run else "is text, which Yarn 1 reads as true"
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
    found = last_setting(settings, SWITCH)
    if found is not None and found.value is not True and found.value != "true":
        yield _not_true(path, found)
    yield from _undone(path, settings)


def unsafe_settings(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    """Registries, TLS, tokens, program paths, added flags and unknown keys in .yarnrc and .npmrc."""
    for name in (RC_FILE, *(f"{folder}/{RC_FILE}" for folder in around(project))):
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
        if text and holds_secret(text):
            yield secret_problem(key, where)
    elif key == "strict-ssl" and value in (False, "", "0"):
        code, message = (
            "tls-off",
            "strict-ssl false lets anyone on the way change what is installed",
        )
    elif key in ("yarn-path", "script-shell"):
        code = "program"
        message = f"{key} runs the program {text!r} at every command, whatever {SWITCH} says"
    elif flag == "cache-folder" and not text.startswith(("/", "~")):
        # Seen with 1.22.22: --frozen-lockfile installs what is there, and compares it with no hash.
        code = "cache-in-repository"
        message = f"{key} {text}: Yarn takes packages from this folder without verifying them"
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
    if key in NPMRC_NETWORK.names:
        yield from network_problems([(key, value, where)], registries, NPMRC_NETWORK)
    elif is_foreign(key, text, registries):
        message = f"{key} {text}: downloads from there are not among [registries] allowed"
        yield setting_problem("host-not-allowed", key, value, message, where)
    else:
        yield from unknown_settings([(key, value, where)], known_settings("yarn_classic"))


def _npmrc_files(project: Project) -> Iterator[str]:
    """The .npmrc files that Yarn 1 may read: the project's, and those in folders above and below.

    Yarn reads the files in the folder where it is run and in every folder above that.
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
    """Always empty: Yarn 1 has no allow-list."""
    return iter(())


def registry_of(project: Project, package: str) -> str | None:
    """``@scope:registry``, else ``registry``, in .yarnrc before .npmrc."""
    keys = [f"{package.partition('/')[0]}:registry"] if package.startswith("@") else []
    settings = _settings(project, RC_FILE)
    data = project.read_own(".npmrc")
    npmrc = () if data is None else load_npmrc(project.join(".npmrc"), data)
    for key in (*keys, "registry"):
        own = last_setting(settings, key)
        if own is not None:
            return str(own.value)
        theirs = effective(npmrc, key)
        if theirs is not None and isinstance(theirs.value, str):
            return theirs.value
    return None
