"""The settings of an .npmrc that undo protection, and why each does (docs.npmjs.com, "config")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.clients import Registries
from npm_vetted.formats.npmrc import BLANKS, Setting, depends, effective
from npm_vetted.model import Level, Location, Problem

_PROGRAMS: Final = (
    "git", "script-shell", "shell", "node-gyp", "python", "editor", "viewer", "browser",
    "init-module", "init.module", "extension-file",
)  # fmt: skip
_SECRETS: Final = ("_authtoken", "_auth", "_password", "-authtoken", "password", "key", "otp")
_VARIABLE: Final = re.compile(r"\$\{[^{}?:-]+(?:\?|:?-)?\}\Z")
_URL: Final = re.compile(r"\s*https?://", re.IGNORECASE)
_NO_SOURCES: Final = (
    "proxy", "https-proxy", "http-proxy", "noproxy", "no-proxy", "init-author-url",
    "init.author.url",
)  # fmt: skip
"""Settings that hold URLs from which nothing is installed."""
_ELSEWHERE: Final = ("globalconfig", "userconfig", "prefix", "nodedir")
_OFF: Final = ("false", False)
_NEVER: Final = ("none", "false", False, None, "null")


def problems_of(
    path: str, settings: tuple[Setting, ...], registries: Registries, *, heeded: bool
) -> Iterator[Problem]:
    """What is wrong with a file's settings; one that npm does not heed can only leak secrets."""
    for setting in settings:
        base = setting.key.rpartition(":")[2].lower()
        if base in _SECRETS and _is_literal(setting):
            message = f"{setting.key} is a secret in plain text: revoke it, and write ${{VARIABLE}}"
            yield Problem(message=message, location=Location(path, setting.line))
    if not heeded:
        return
    for key in dict.fromkeys(setting.key for setting in settings if setting.section is None):
        found = effective(settings, key)
        if found is None:
            continue
        for level, message in _judge(found, settings, registries):
            yield Problem(message=message, location=Location(path, found.line), level=level)


def _is_literal(setting: Setting) -> bool:
    """Whether any of its text is more than one variable, which has no default of its own."""
    values = setting.value if isinstance(setting.value, tuple) else (setting.value,)
    return any(
        isinstance(value, str) and value.strip(BLANKS) and not _VARIABLE.match(value.strip(BLANKS))
        for value in values
    )


def _judge(
    found: Setting, settings: tuple[Setting, ...], registries: Registries
) -> Iterator[tuple[Level, str]]:
    key, value = found.key, _plain(found)
    shown = f"{key}={value}"
    if depends(key) and not key.startswith(("//", "@")):
        yield Level.ERROR, f"the key {key} depends on the environment: undecidable"
    elif key == "registry" or key.endswith(":registry"):
        yield from _registry(key, found, registries)
    elif key.startswith("//") and ":" in key:
        yield from _credentials(key, registries)
    elif key in _PROGRAMS:
        yield Level.ERROR, f"{key} names a program or a module that npm executes: {value}"
    elif key in ("node-options", "onload-script"):
        yield Level.ERROR, f"{key} makes npm load code of its choice: {value}"
    elif key in _ELSEWHERE or shown in ("global=True", "location=global"):
        yield Level.ERROR, f"{shown}: npm then reads settings or files from elsewhere"
    elif key == "strict-ssl" and value not in (True, "true", ""):
        yield Level.ERROR, f"{shown}: the registry could be anybody; expected true"
    elif key == "dangerously-allow-all-scripts" and value not in _OFF:
        yield Level.ERROR, f"{shown}: every dependency's scripts run in npm 11 and 12"
    elif key in ("allow-git", "allow-remote") and value not in _NEVER[:1]:
        yield Level.ERROR, f"{shown}: dependencies come from outside any registry; expected none"
    elif key in ("package-lock", "shrinkwrap") and value not in (True, "true", ""):
        yield Level.ERROR, f"{shown}: npm then ignores the lockfile that was vetted"
    elif isinstance(value, str) and is_foreign(key, value, registries):
        yield Level.ERROR, f"{shown}: what is fetched there is not among [registries] allowed"
    else:
        yield from _weaker(found, settings)


def is_foreign(key: str, value: str, registries: Registries) -> bool:
    """Whether a setting of any name sends downloads elsewhere: ``disturl``, ``electron_mirror``.

    npm hands what it does not know on to the scripts that it runs, which fetch binaries from there.
    """
    return key not in _NO_SOURCES and bool(_URL.match(value)) and not registries.allows(value)


def is_within_project(folder: str) -> bool:
    """Whether a folder that a setting names is committed with the project, or may be."""
    return re.match(r"[/~$\\]|[A-Za-z]:[/\\]", folder.strip()) is None


def _weaker(found: Setting, settings: tuple[Setting, ...]) -> Iterator[tuple[Level, str]]:
    """What takes away from a protection that is not the lockfile's."""
    key, value = found.key, _plain(found)
    shown = f"{key}={value}"
    if key == "before" and value not in _NEVER and effective(settings, "min-release-age"):
        yield Level.ERROR, f"{shown} defeats min-release-age in the same file"
    elif key == "min-release-age" and not _is_positive(value):
        yield Level.ERROR, f"{shown} is no cooldown: expected a number of days above 0"
    elif key == "min-release-age-exclude" and "*" in _items(found):
        yield Level.ERROR, f"{shown} excludes every package from min-release-age"
    elif key == "replace-registry-host" and value not in ("never", "npmjs"):
        yield Level.WARNING, f"{shown}: packages come from another host than the lockfile says"
    elif key in ("ca", "cafile") and value not in ("", None, "null"):
        yield Level.WARNING, f"{key}: whoever holds this authority's key can pose as the registry"
    elif key in ("force", "unsafe-perm") and value not in _OFF:
        yield Level.WARNING, f"{shown} switches npm's own protections off"


def _plain(found: Setting) -> str | bool | None:
    """The value, one that is a list as npm would print it."""
    if isinstance(found.value, tuple):
        return ",".join(map(str, found.value))
    return found.value


def _items(found: Setting) -> list[str]:
    values = found.value if isinstance(found.value, tuple) else (found.value,)
    return [part.strip() for value in values for part in str(value).split(",")]


def _is_positive(value: str | bool | None) -> bool:
    number = value.strip("' ") if isinstance(value, str) else ""
    return re.fullmatch(r"\d{1,6}(?:\.\d{1,6})?", number) is not None and float(number) > 0


def _registry(key: str, found: Setting, registries: Registries) -> Iterator[tuple[Level, str]]:
    url = found.value
    if not isinstance(url, str) or not url.strip(BLANKS):
        yield Level.ERROR, f"{key} is no URL: undecidable"
    elif depends(url):
        yield Level.ERROR, f"{key}={url} depends on the environment: undecidable"
    elif not url.lower().startswith("https://"):
        yield Level.ERROR, f"{key}={url}: expected https, so that nobody between can answer"
    elif not registries.allows(url):
        yield Level.ERROR, f"{key}={url} is not among the policy's [registries] allowed"


def _credentials(key: str, registries: Registries) -> Iterator[tuple[Level, str]]:
    """``//host/path/:_authToken``: a token must go to no host that is not allowed."""
    host = key.rpartition(":")[0]
    base = key.rpartition(":")[2].lower()
    if base in _SECRETS and not depends(host) and not registries.allows(f"https:{host}"):
        yield Level.ERROR, f"{key}: credentials for a registry that the policy does not allow"
