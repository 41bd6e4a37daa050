"""A person's ``~/.bunfig.toml``: access to the default registry and to those of scopes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from npm_vetted.clients.shared.logins import Login, basic, bearer, without_user
from npm_vetted.formats.toml import load_toml

FILES: tuple[str, ...] = (".bunfig.toml",)
_DEFAULT: Final = "https://registry.npmjs.org/"


def logins(path: str, data: bytes, environment: Mapping[str, str]) -> Iterator[Login]:
    """``install.registry`` and ``install.scopes``, each a URL or a table; ``$NAME`` is a variable."""
    install = load_toml(path, data).root().data.get("install")
    table = install if isinstance(install, dict) else {}
    yield from _of(table.get("registry"), environment)
    scopes = table.get("scopes")
    for each in scopes.values() if isinstance(scopes, dict) else ():
        yield from _of(each, environment)


def _of(entry: object, environment: Mapping[str, str]) -> Iterator[Login]:
    table: Mapping[str, object] = entry if isinstance(entry, dict) else {"url": entry}
    url, user = without_user(_resolved(table.get("url"), environment) or _DEFAULT)
    token = _resolved(table.get("token"), environment)
    name = _resolved(table.get("username"), environment)
    password = _resolved(table.get("password"), environment)
    if token:
        yield bearer(url, token)
    elif name and password:
        yield basic(url, name, password)
    elif user is not None:
        yield basic(url, *user)


def _resolved(value: object, environment: Mapping[str, str]) -> str | None:
    """A text, or the value of the variable that it names."""
    if not isinstance(value, str):
        return None
    return environment.get(value[1:]) if value.startswith("$") else value
