"""Credentials for registries that clients other than npm keep in files of the home folder.

A client's folder may have a module ``logins``. Only a person's own files are read, never the
repository's.
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, Protocol, cast
from urllib.parse import unquote, urlsplit

from npm_vetted._plugins import import_part, parts
from npm_vetted.errors import NpmVettedError

_PACKAGE: Final = "npm_vetted.clients"


class Login(NamedTuple):
    """Access to a registry: its URL, and the value of the Authorization header for it."""

    url: str
    header: str


class LoginReader(Protocol):
    """The interface of a module ``logins``."""

    FILES: tuple[str, ...]
    """The names of the client's files in the home folder."""

    def logins(self, path: str, data: bytes, environment: Mapping[str, str]) -> Iterator[Login]:
        """The credentials in a file; raises DocumentError if it cannot be read."""


def user_logins(home: Path, environment: Mapping[str, str]) -> Iterator[Login | str]:
    """The logins of every client; for a file that cannot be read, a text with the reason."""
    for reader in _readers():
        for name in reader.FILES:
            path = home / name
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                yield f"{path}: {error.strerror or type(error).__name__}"
                continue
            try:
                yield from list(reader.logins(str(path), data, environment))
            except NpmVettedError as error:
                yield f"{path}: {error.message}"


def _readers() -> Iterator[LoginReader]:
    package = importlib.import_module(_PACKAGE)
    for folder in parts(package.__path__):
        name = f"{_PACKAGE}.{folder}.logins"
        if folder != "shared" and importlib.util.find_spec(name) is not None:
            yield cast("LoginReader", import_part(name))


def bearer(url: str, token: str) -> Login:
    """The login with a bearer token."""
    return Login(url, f"Bearer {token}")


def basic(url: str, user: str, password: str) -> Login:
    """The login with a user's name and password."""
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Login(url, f"Basic {pair}")


def without_user(url: str) -> tuple[str, tuple[str, str] | None]:
    """A URL without its user name and password, and these two; None: it has none."""
    try:
        found = urlsplit(url)
        host = found.netloc.rpartition("@")[2]
    except ValueError:
        return "", None
    bare = f"{found.scheme}://{host}{found.path}"
    if found.username is None or found.password is None:
        return bare, None
    return bare, (unquote(found.username), unquote(found.password))
