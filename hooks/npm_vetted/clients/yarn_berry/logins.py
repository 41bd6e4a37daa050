"""A person's ``~/.yarnrc.yml``: tokens for the default registry, for registries, and for scopes."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Final

from npm_vetted.clients.shared.logins import Login, bearer
from npm_vetted.formats.yaml import load_yaml

FILES: tuple[str, ...] = (".yarnrc.yml",)
_DEFAULT: Final = "https://registry.npmjs.org"
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?)-([^}]*))?\}")


def logins(path: str, data: bytes, environment: Mapping[str, str]) -> Iterator[Login]:
    """``npmRegistries``, ``npmScopes``, and the keys at the top; ``${NAME:-else}`` is resolved."""
    documents = load_yaml(path, data, strings_only=True)
    settings = documents[0].data if documents else None
    if not isinstance(settings, dict):
        return
    yield from _of(settings, str(settings.get("npmRegistryServer") or _DEFAULT), environment)
    for url, table in _items(settings.get("npmRegistries")):
        yield from _of(table, f"https:{url}" if url.startswith("//") else url, environment)
    for _, table in _items(settings.get("npmScopes")):
        server = table.get("npmRegistryServer")
        if isinstance(server, str):
            yield from _of(table, server, environment)


def _items(tables: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    for key, table in tables.items() if isinstance(tables, dict) else ():
        if isinstance(table, dict):
            yield str(key), table


def _of(table: Mapping[str, object], url: str, environment: Mapping[str, str]) -> Iterator[Login]:
    token = _resolved(table.get("npmAuthToken"), environment)
    ident = _resolved(table.get("npmAuthIdent"), environment)
    where = _resolved(url, environment)
    if where and token:
        yield bearer(where, token)
    elif where and ident:
        text = base64.b64encode(ident.encode()).decode() if ":" in ident else ident
        yield Login(where, f"Basic {text}")


def _resolved(text: object, environment: Mapping[str, str]) -> str | None:
    """A text with its variables replaced; None if one of them has no value."""
    if not isinstance(text, str):
        return None
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        name, colon, fallback = found.groups()
        own = environment.get(name)
        if own is None or (colon and not own):
            own = fallback
        missing |= own is None
        return own or ""

    resolved = _VARIABLE.sub(value, text)
    return None if missing else resolved
