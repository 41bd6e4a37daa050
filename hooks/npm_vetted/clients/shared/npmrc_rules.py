"""The settings of an .npmrc that undo protection, with reasons (docs.npmjs.com, "config").

npm, pnpm, Bun and Yarn classic read this file, each some of its keys. Every rule yields a code, a
level and a message; ``npmrc_problems`` binds them to the key and its value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from npm_vetted.clients.shared.settings import (
    AllowedSources,
    KnownSettings,
    NetworkKeys,
    holds_password,
    known_settings,
    network_rule,
    secret_problem,
    setting_problem,
    unknown_settings,
)
from npm_vetted.formats.npmrc import BLANKS, NpmrcSetting, depends_on_environment, effective
from npm_vetted.model import Level, Location, Problem

_PROGRAMS: Final = (
    "git", "script-shell", "shell", "node-gyp", "python", "editor", "viewer", "browser",
    "init-module", "init.module", "extension-file",
)  # fmt: skip
_SECRETS: Final = ("_authtoken", "_auth", "_password", "-authtoken", "password", "key", "otp")
_VARIABLE: Final = re.compile(r"\$\{[^{}?:-]+(?:\?|:?-)?\}\Z")
_URL: Final = re.compile(r"\s*https?://", re.IGNORECASE)
_NO_SOURCES: Final = ("noproxy", "no-proxy", "init-author-url", "init.author.url")
"""Settings that hold URLs from which nothing is installed."""
NPMRC_NETWORK: Final = NetworkKeys(
    proxies=frozenset({"proxy", "https-proxy", "http-proxy"}),
    authorities=frozenset({"ca", "cafile", "cert", "certfile", "keyfile"}),
)
_ELSEWHERE: Final = ("globalconfig", "userconfig", "prefix", "nodedir")
_OFF: Final = ("false", False)
_NEVER: Final = ("none", "false", False, None, "null")


def npmrc_problems(
    path: str, settings: tuple[NpmrcSetting, ...], registries: AllowedSources, *, is_read: bool
) -> Iterator[Problem]:
    """The problems of a file's settings; a file that the client does not read can only leak secrets."""
    for setting in settings:
        base = setting.key.rpartition(":")[2].lower()
        if base in _SECRETS and _is_literal(setting):
            yield secret_problem(setting.key, Location(path, setting.line))
        elif isinstance(setting.value, str) and holds_password(setting.value):
            yield secret_problem(f"the password in {setting.key}", Location(path, setting.line))
    if not is_read:
        return
    for key in dict.fromkeys(setting.key for setting in settings if setting.section is None):
        found = effective(settings, key)
        if found is None or holds_password(str(found.value)):
            continue
        where = Location(path, found.line)
        for code, level, message in _rules(found, settings, registries):
            yield setting_problem(code, key, _plain(found), message, where, level=level)


def unknown_keys(
    path: str,
    settings: tuple[NpmrcSetting, ...],
    registries: AllowedSources,
    reader: KnownSettings | None = None,
    spelled: Callable[[str], str] = str,
) -> Iterator[Problem]:
    """Unknown keys of an .npmrc: warnings, because any program may keep settings in this file.

    ``reader`` are the known settings of a client that reads the file. A key that this client reads
    and that is not known to be harmless is an error. ``spelled`` maps a key to the client's spelling.
    """
    npmrc = known_settings("npm")
    for setting in settings:
        key = setting.key if setting.section is None else setting.section
        if (setting.section is not None and setting.key) or depends_on_environment(key):
            continue  # a key below a section: the section's own line is judged
        if key.startswith(("//", "@")):
            continue
        key = key.partition(":")[0]  # `node-mirror:release`
        found = [(spelled(key), setting.value, Location(path, setting.line))]
        own = reader is not None and found[0][0] in reader.names
        if own and reader is not None:
            yield from unknown_settings(found, reader)
        elif (
            setting.section is None
            and key not in npmrc.names
            and not (isinstance(setting.value, str) and is_foreign(key, setting.value, registries))
        ):
            for problem in unknown_settings([(key, *found[0][1:])], npmrc):
                yield problem._replace(level=Level.WARNING)


def _is_literal(setting: NpmrcSetting) -> bool:
    """Whether a value is anything but one bare ``${VARIABLE}``: then a part of a secret may be literal."""
    values = setting.value if isinstance(setting.value, tuple) else (setting.value,)
    return any(
        isinstance(value, str) and value.strip(BLANKS) and not _VARIABLE.match(value.strip(BLANKS))
        for value in values
    )


_Rule = tuple[str, Level, str]


def _rules(
    found: NpmrcSetting, settings: tuple[NpmrcSetting, ...], registries: AllowedSources
) -> Iterator[_Rule]:
    key, value = found.key, _plain(found)
    shown = f"{key}={value}"
    if depends_on_environment(key) and not key.startswith(("//", "@")):
        yield "variable-key", Level.ERROR, f"the key {key} depends on the environment"
    elif key == "registry" or key.endswith(":registry"):
        yield from _registry(key, found, registries)
    elif key.startswith("//") and ":" in key:
        yield from _host_setting(key, value, registries)
    elif key in _PROGRAMS:
        yield (
            "program",
            Level.ERROR,
            f"{key} names a program or a module that npm executes: {value}",
        )
    elif key in ("node-options", "onload-script"):
        yield "program", Level.ERROR, f"{key} makes npm load code of its choice: {value}"
    elif key in _ELSEWHERE or shown in ("global=True", "location=global"):
        yield (
            "other-settings",
            Level.ERROR,
            f"{shown}: npm then reads settings or files from elsewhere",
        )
    elif key in NPMRC_NETWORK.names:
        yield from _network(key, found.value, registries)
    elif key == "cache" and isinstance(value, str) and is_within_project(value):
        yield (
            "cache-in-repository", Level.ERROR,
            f"{shown}: a folder of the repository, and what a cache holds is not verified",
        )  # fmt: skip
    elif isinstance(value, str) and is_foreign(key, value, registries):
        yield (
            "host-not-allowed", Level.ERROR,
            f"{shown}: downloads from there are not among [registries] allowed",
        )  # fmt: skip
    else:
        yield from _switches(found)
        yield from _weaker(found, settings)


def _switches(found: NpmrcSetting) -> Iterator[_Rule]:
    """Settings that switch a protection of npm off."""
    key, value = found.key, _plain(found)
    shown = f"{key}={value}"
    if key == "strict-ssl" and value not in (True, "true", ""):
        yield (
            "tls-off",
            Level.ERROR,
            f"{shown}: any server can answer as the registry; expected true",
        )
    elif key == "dangerously-allow-all-scripts" and value not in _OFF:
        yield (
            "allow-all-scripts",
            Level.ERROR,
            f"{shown}: every dependency's scripts run in npm 11 and 12",
        )
    elif key in ("allow-git", "allow-remote") and value not in _NEVER[:1]:
        yield (
            "other-sources", Level.ERROR,
            f"{shown}: dependencies come from outside any registry; expected none",
        )  # fmt: skip
    elif key in ("package-lock", "shrinkwrap") and value not in (True, "true", ""):
        yield "lockfile-off", Level.ERROR, f"{shown}: npm then ignores the lockfile that was vetted"


def _network(key: str, value: object, registries: AllowedSources) -> Iterator[_Rule]:
    found = network_rule(key, value, registries, NPMRC_NETWORK)
    if found is not None:
        yield found[0], Level.ERROR, found[1]


def is_foreign(key: str, value: str, registries: AllowedSources) -> bool:
    """Whether an unknown setting names a download server, such as ``disturl`` or ``electron_mirror``.

    npm passes unknown settings to the scripts that it runs, and these fetch binaries from that server.
    """
    return key not in _NO_SOURCES and bool(_URL.match(value)) and not registries.allows(value)


def is_within_project(folder: str) -> bool:
    """Whether a folder that a setting names is committed with the project, or may be."""
    return re.match(r"[/~$\\]|[A-Za-z]:[/\\]", folder.strip()) is None


def _weaker(found: NpmrcSetting, settings: tuple[NpmrcSetting, ...]) -> Iterator[_Rule]:
    """Settings that weaken the cooldown or npm's own protections."""
    key, value = found.key, _plain(found)
    shown = f"{key}={value}"
    if key == "before" and value not in _NEVER and effective(settings, "min-release-age"):
        yield "cooldown-off", Level.ERROR, f"{shown} defeats min-release-age in the same file"
    elif key == "min-release-age" and not _is_positive(value):
        yield (
            "cooldown-off",
            Level.ERROR,
            f"{shown} is no cooldown: expected a number of days above 0",
        )
    elif key == "min-release-age-exclude" and "*" in _items(found):
        yield "cooldown-off", Level.ERROR, f"{shown} excludes every package from min-release-age"
    elif key == "replace-registry-host" and value not in ("never", "npmjs"):
        yield (
            "other-host",
            Level.WARNING,
            f"{shown}: packages come from another host than the lockfile says",
        )
    elif key in ("force", "unsafe-perm") and value not in _OFF:
        yield "force", Level.WARNING, f"{shown} switches npm's own protections off"


def _plain(found: NpmrcSetting) -> str | bool | None:
    """The value as one text; a list is joined as npm prints it."""
    if isinstance(found.value, tuple):
        return ",".join(map(str, found.value))
    return found.value


def _items(found: NpmrcSetting) -> list[str]:
    values = found.value if isinstance(found.value, tuple) else (found.value,)
    return [part.strip() for value in values for part in str(value).split(",")]


def _is_positive(value: str | bool | None) -> bool:
    number = value.strip("' ") if isinstance(value, str) else ""
    return re.fullmatch(r"\d{1,6}(?:\.\d{1,6})?", number) is not None and float(number) > 0


def _registry(key: str, found: NpmrcSetting, registries: AllowedSources) -> Iterator[_Rule]:
    url = found.value
    if not isinstance(url, str) or not url.strip(BLANKS):
        yield (
            "registry-unclear",
            Level.ERROR,
            f"{key} is no URL: expected the https URL of a registry",
        )
    elif depends_on_environment(url):
        yield (
            "registry-unclear",
            Level.ERROR,
            f"{key}={url} depends on the environment: expected a URL",
        )
    elif not url.lower().startswith("https://"):
        yield (
            "registry-not-https", Level.ERROR,
            f"{key}={url}: expected https, since plain http can be changed on the way",
        )  # fmt: skip
    elif not registries.allows(url):
        yield (
            "registry-not-allowed", Level.ERROR,
            f"{key}={url} is not among the policy's [registries] allowed",
        )  # fmt: skip


def _host_setting(key: str, value: object, registries: AllowedSources) -> Iterator[_Rule]:
    """``//host/path/:_authToken``: tokens and certificates only for hosts that are allowed."""
    host = key.rpartition(":")[0]
    base = key.rpartition(":")[2].lower()
    if (
        base in _SECRETS
        and not depends_on_environment(host)
        and not registries.allows(f"https:{host}")
    ):
        yield (
            "token-for-other-host", Level.ERROR,
            f"{key}: credentials for a registry that the policy does not allow",
        )  # fmt: skip
    elif base in NPMRC_NETWORK.authorities:
        yield from _network(key, value, registries)
