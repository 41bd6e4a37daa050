"""jsr.io: a version's publication date, and whether the registry's bytes have a lockfile's hash.

A package has ``meta.json`` (versions with ``createdAt``) and for each version ``<version>_meta.json``
with the SHA-256 of every file; deno.lock pins the SHA-256 of the latter (docs/clients/deno.md). jsr
runs no lifecycle scripts.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
from collections.abc import Callable
from typing import Final

from npm_vetted.errors import UndecidedError
from npm_vetted.formats.json import load_json
from npm_vetted.formats.terminal_text import printable
from npm_vetted.model import Artifact, Kind, Published

BASE: Final = "https://jsr.io/"
_SOURCE: Final = re.compile(
    re.escape(BASE) + r"(?P<package>@[a-z0-9-]+/[a-z0-9-]+)/(?P<version>[0-9A-Za-z.+-]+)_meta\.json"
)
Get = Callable[[str], bytes]
"""Fetches a URL; raises UndecidedError where there is no answer."""


def is_of_jsr(artifact: Artifact) -> bool:
    """Whether an artifact is a package of jsr.io, by its source."""
    return artifact.kind is Kind.TARBALL and _SOURCE.fullmatch(artifact.resolved or "") is not None


def published(artifact: Artifact, get: Get, base: str = BASE) -> Published:
    """jsr's facts on a version; raises UndecidedError if jsr does not have the locked bytes."""
    found = _SOURCE.fullmatch(artifact.resolved or "")
    if found is None:
        raise UndecidedError(f"not a package of jsr: {printable(artifact.label)}")
    folder = f"{base}{found['package']}/"
    digest = hashlib.sha256(get(f"{folder}{found['version']}_meta.json")).digest()
    integrity = "sha256-" + base64.b64encode(digest).decode()
    if integrity != artifact.integrity:
        raise UndecidedError(
            f"{printable(artifact.label)}: jsr has other bytes than the lockfile says: expected "
            f"{artifact.integrity}, found {integrity}"
        )
    return Published(
        published=_created(f"{folder}meta.json", get, found["version"]),
        integrity=integrity,
        scripts=(),
        evidence={},
    )


def _created(url: str, get: Get, version: str) -> datetime.datetime | None:
    versions = load_json(url, get(url)).root().maybe_table("versions")
    entry = versions.maybe_table(version) if versions and version in versions.data else None
    text = entry.maybe_text("createdAt") if entry else None
    if text is None:
        return None
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise UndecidedError(f"{url}: not a time: {printable(text[:60])!r}") from None
    return time if time.tzinfo else time.replace(tzinfo=datetime.UTC)
