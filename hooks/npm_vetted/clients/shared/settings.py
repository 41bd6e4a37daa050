"""Judges settings for all clients: problems of keys and values, and tables of known keys.

A committed setting is judged in this order:

1. a rule of the client for this key (a registry, a program, a switch) reports a problem;
2. a key that the client's ``known-settings.toml`` lists as harmless passes; if it lists values,
only with one of them;
3. every other key is ``unknown-setting``: nobody has verified that it is harmless. In .npmrc, where
   any program may keep settings, that is a warning unless the client reads the key.

The tables are checked against the keys that the installed clients know by tools/known_settings.py.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple, Protocol

from npm_vetted.model import Level, Location, Problem

_LONGEST_KEY = 60
_USER = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)@")


class AllowedSources(Protocol):
    """The sources that the policy's ``[registries]`` allows."""

    def allows(self, url: str) -> bool:
        """Whether packages may come from this URL."""

    def allows_proxy(self, url: str) -> bool:
        """Whether a committed setting may name this proxy."""

    def allows_authority(self, value: str) -> bool:
        """Whether a committed setting may name this certificate authority or its file."""


class KnownSettings(NamedTuple):
    """A client's ``known-settings.toml``: its keys, and for some the values that are harmless.

    ``verified`` is the newest version of the client whose keys were compared with the table.
    ``harmless`` are keys that may have any value, ``values`` keys with the listed values only,
    ``judged`` keys that a rule of the client judges, ``unverified`` keys that the client reads and
    that nobody has shown to be harmless.
    """

    verified: str
    harmless: frozenset[str]
    judged: frozenset[str]
    values: Mapping[str, frozenset[str]]
    unverified: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """Every key that the client reads."""
        return self.harmless | self.judged | self.values.keys() | self.unverified

    def accepts(self, key: str, value: object) -> bool:
        """Whether the table says that a setting is harmless, or a rule of the client judges its key."""
        if key in self.values:
            return value_text(value) in self.values[key]
        return key in self.harmless or key in self.judged


@cache
def known_settings(folder: str) -> KnownSettings:
    """The table of a client, by the name of its folder below ``clients``."""
    import tomllib

    home = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120
    # importlib.resources and pathlib cost imports that a commit to an .npmrc need not pay.
    with open(os.path.join(home, folder, "known-settings.toml"), "rb") as file:  # noqa: PTH118, PTH123
        data = tomllib.load(file)
    return KnownSettings(
        verified=data["verified"],
        harmless=frozenset(data["harmless"]),
        judged=frozenset(data["judged"]),
        values={key: frozenset(values) for key, values in data.get("values", {}).items()},
        unverified=frozenset(data.get("unverified", ())),
    )


def value_text(value: object) -> str:
    """A setting's value as one normalised text, to which a baseline line is bound."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def setting_problem(
    code: str,
    key: str,
    value: object,
    message: str,
    location: Location,
    *,
    level: Level = Level.ERROR,
    fix: tuple[tuple[str, ...], ...] = (),
) -> Problem:
    """A problem of a setting, bound to its value."""
    return Problem(
        message=message, location=location, level=level, fix=fix, code=code, key=key,
        value=value_text(value),
    )  # fmt: skip


def secret_problem(key: str, location: Location) -> Problem:
    """The problem of a literal secret. Its value is written nowhere, not even as a hash; nobody can accept it."""
    return Problem(
        message=f"{key} is a secret in plain text, readable by everyone who has the repository: "
        "revoke it, and write ${VARIABLE} in its place",
        location=location,
        code="secret",
        key=key,
        acceptable=False,
    )


def holds_password(url: str) -> bool:
    """Whether a URL contains a literal user name and password, or a token."""
    found = _USER.match(url)
    return found is not None and "$" not in found[1]


def registry_problems(
    key: str, url: str, location: Location, registries: AllowedSources
) -> Iterator[Problem]:
    """The problem if packages must not come from a URL: unclear (``$``), not https, or not allowed."""
    if holds_password(url):
        yield secret_problem(f"the password in {key}", location)
        return
    if "$" in url:
        code, message = "registry-unclear", "depends on the environment: expected a URL"
    elif not url.lower().startswith("https://"):
        code, message = (
            "registry-not-https",
            "expected https, since plain http can be changed on the way",
        )
    elif not registries.allows(url):
        code, message = "registry-not-allowed", "not among the policy's [registries] allowed"
    else:
        return
    yield setting_problem(code, key, url, f"{key} is {url!r}: {message}", location)


class NetworkKeys(NamedTuple):
    """A client's keys for proxies, and its keys for certificate authorities and client certificates."""

    proxies: frozenset[str]
    authorities: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """The keys of both kinds."""
        return self.proxies | self.authorities


def network_problems(
    settings: Iterable[tuple[str, object, Location]], registries: AllowedSources, keys: NetworkKeys
) -> Iterator[Problem]:
    """The settings that name a proxy or a certificate authority that the policy does not list."""
    for key, value, location in settings:
        found = network_rule(key, value, registries, keys)
        if found is not None:
            code, message = found
            yield setting_problem(code, key, value, message, location)


def network_rule(
    key: str, value: object, registries: AllowedSources, keys: NetworkKeys
) -> tuple[str, str] | None:
    """The code and message if a setting names a proxy or an authority that the policy does not list.

    A proxy can read every token and replace packages; an authority can pose as any host. The last
    part of the key decides, as in ``//host/:cafile`` and ``networkSettings.host.httpsProxy``. None:
    the setting is of neither kind, or listed.
    """
    name = key[max(key.rfind(":"), key.rfind(".")) + 1 :]
    values = value if isinstance(value, list | tuple) else (value,)
    named = [value_text(each) for each in values if each not in ("", None, "null")]
    if name in keys.proxies:
        named = [each for each in named if each != "false"]
        listed, why = all(map(registries.allows_proxy, named)), _PROXY
    elif name in keys.authorities:  # here, `false` is the file of that name
        listed, why = all(map(registries.allows_authority, named)), _AUTHORITY
    else:
        return None
    return None if listed else (why.code, f"{key}: {_short(value)}: {why.text}")


class _Why(NamedTuple):
    code: str
    text: str


_PROXY: Final = _Why(
    "proxy",
    "a proxy reads every token and changes what is installed: expected it in the user's own "
    "configuration, or in [registries] proxies",
)
_AUTHORITY: Final = _Why(
    "authority",
    "the owner of a certificate authority can pose as the registry: expected it in the user's own "
    "configuration, or in [registries] authorities",
)


def unknown_settings(
    settings: Iterable[tuple[str, object, Location]], known: KnownSettings
) -> Iterator[Problem]:
    """The problems of settings that the table ``known`` does not accept."""
    for key, value, location in settings:
        if known.accepts(key, value):
            continue
        if key in known.values:
            expected = " or ".join(sorted(known.values[key]))
            yield setting_problem(
                "unverified-value", key, value,
                f"{key}: {_short(value)} is not known to be harmless: expected {expected}", location,
            )  # fmt: skip
        elif key in known.unverified:
            yield setting_problem(
                "unknown-setting", key, value,
                f"{_short(key)}: {_short(value)}: {known.verified} reads this setting, and it is not "
                "known to be harmless: expected no such line", location,
            )  # fmt: skip
        else:
            yield setting_problem(
                "unknown-setting", key, value,
                f"{_short(key)} is not a setting that is known to be harmless "
                f"({known.verified}){_nearest(key, known)}", location,
            )  # fmt: skip


def _nearest(key: str, known: KnownSettings) -> str:
    """The known key that was probably meant; empty if none is near."""
    import difflib

    near = difflib.get_close_matches(key, known.names, n=1) if len(key) <= _LONGEST_KEY else []
    return f"; did you mean {near[0]!r}?" if near else ""


def _short(value: object) -> str:
    text = value_text(value)
    return text if len(text) <= 60 else text[:59] + "…"
