"""The settings that a lockfile must implement, as each version of pnpm reads them.

- pnpm 9 reads package.json (``resolutions``, ``pnpm``) and .npmrc, and catalogs alone from
  pnpm-workspace.yaml.
- pnpm 10 reads all three; a key of pnpm-workspace.yaml replaces the same key of the others.
- pnpm 11 and 12 read pnpm-workspace.yaml alone.

A frozen install compares these values with the lockfile (``getOutdatedLockfileSetting`` in pnpm's
source; tests/clients/test_sync_with_real_clients.py compares with the real pnpm).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import join
from typing import Final, NamedTuple

from npm_vetted.clients.pnpm.settings import NPMRC, settings_beside
from npm_vetted.errors import DocumentError
from npm_vetted.formats.npmrc import NpmrcSetting, effective, load_npmrc
from npm_vetted.model import Read

_LISTED: Final = ("overrides", "packageExtensions", "ignoredOptionalDependencies")
_SWITCHES: Final = {
    "autoInstallPeers": True,
    "excludeLinksFromLockfile": False,
    "injectWorkspacePackages": False,
    "dedupePeers": False,
}
"""The settings that a lockfile records under ``settings``, with their defaults."""
_REFERENCES: Final = ("devDependencies", "dependencies", "optionalDependencies")
_PARENT: Final = re.compile(r"(?<=[^ |@])>")


class Declared(NamedTuple):
    """The settings as one version of pnpm reads them; ``wrong`` are the keys whose values pnpm refuses."""

    overrides: Mapping[str, str]
    extensions: Mapping[str, object]
    ignored: tuple[str, ...]
    catalogs: Mapping[str, Mapping[str, object]]
    switches: Mapping[str, object]
    wrong: tuple[str, ...]


def declared(major: int, folder: str, manifest: Mapping[str, object], read: Read) -> Declared:
    """The settings of the workspace root ``folder`` with the package.json ``manifest``."""
    workspace = settings_beside(folder, read)
    values: dict[str, object] = {}
    if major <= 10:
        own = _table(manifest.get("pnpm"))
        values = {key: own.get(key) for key in _LISTED}
        values["overrides"] = {
            **_table(manifest.get("resolutions")),
            **_table(own.get("overrides")),
        }
    if major >= 10:  # package.json wins over pnpm-workspace.yaml, an empty table aside (10.34.9)
        open_keys = [key for key in _LISTED if values.get(key) in (None, {})]
        values |= {key: workspace[key] for key in open_keys if key in workspace}
    catalogs = _catalogs(workspace)
    overrides, wrong = _resolved(_table(values.get("overrides")), manifest, catalogs)
    ignored = values.get("ignoredOptionalDependencies")
    return Declared(
        overrides=overrides,
        extensions=_table(values.get("packageExtensions")),
        ignored=tuple(sorted(map(str, ignored))) if isinstance(ignored, list) else (),
        catalogs=catalogs,
        switches=dict(_switches(major, folder, workspace, read)),
        wrong=wrong,
    )


def _table(value: object) -> dict[str, object]:
    return {str(key): each for key, each in value.items()} if isinstance(value, dict) else {}


def _catalogs(workspace: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    """The catalogs by name; the key ``catalog`` is the catalog ``default``."""
    named = {name: _table(each) for name, each in _table(workspace.get("catalogs")).items()}
    own = _table(workspace.get("catalog"))
    return {**({"default": own} if own else {}), **named}


def _resolved(
    overrides: Mapping[str, object],
    manifest: Mapping[str, object],
    catalogs: Mapping[str, Mapping[str, object]],
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Overrides as a lockfile records them: ``$name`` and ``catalog:`` are resolved.

    Also returns the selectors with a dangling reference, which pnpm refuses.
    """
    direct: dict[str, object] = {}
    for group in _REFERENCES:
        direct |= _table(manifest.get(group))
    found: dict[str, str] = {}
    wrong = []
    for selector, text in overrides.items():
        value: object = text
        if isinstance(value, str) and value.startswith("$"):
            value = direct.get(value[1:])
        if isinstance(value, str) and value.startswith("catalog:"):
            catalog = catalogs.get(value[8:].strip() or "default", {})
            value = catalog.get(override_target(selector)[0])
        if isinstance(value, str):
            found[selector.strip()] = value
        else:
            wrong.append(selector)
    return found, tuple(wrong)


def override_target(selector: str) -> tuple[str, str | None, str | None]:
    """The parts of an override's selector: the package, its range, and the selector of the parent."""
    parts = _PARENT.split(selector.strip(), maxsplit=1)
    target = parts[-1].strip()
    name, at, wanted = target[1:].partition("@")
    return target[:1] + name, wanted if at else None, parts[0] if len(parts) > 1 else None


def _switches(
    major: int, folder: str, workspace: Mapping[str, object], read: Read
) -> Iterator[tuple[str, object]]:
    """The switches that a lockfile records, as the settings have them."""
    npmrc = _npmrc(folder, read) if major <= 10 else ()
    for key, default in _SWITCHES.items():
        value: object = default
        kebab = re.sub("[A-Z]", lambda letter: f"-{letter[0].lower()}", key)
        line = effective(npmrc, kebab)
        if line is not None:
            value = {"true": True, "false": False}.get(str(line.value).lower(), line.value)
        if major >= 10 and workspace.get(key) is not None:
            value = workspace[key]
        yield key, value


def _npmrc(folder: str, read: Read) -> tuple[NpmrcSetting, ...]:
    path = join(folder, NPMRC)
    try:
        return load_npmrc(path, read(path) or b"")
    except DocumentError:
        return ()  # the check of the settings reports it


def extensions_checksum(extensions: Mapping[str, object]) -> str | None:
    """``packageExtensionsChecksum`` as pnpm from 10 on writes it; None without extensions.

    It is a SHA-256 over the text that the library ``object-hash`` makes of the table, with its
    options ``unorderedArrays`` and ``unorderedObjects``.
    """
    if not extensions:
        return None
    import base64
    import hashlib

    text = "".join(_hash_text(extensions))
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def legacy_extensions_checksum(extensions: Mapping[str, object]) -> str | None:
    """``packageExtensionsChecksum`` as pnpm 9 writes it: an MD5 over sorted JSON."""
    if not extensions:
        return None
    import hashlib
    import json

    text = json.dumps(extensions, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _hash_text(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield f"object:{len(value)}:"
        for key in sorted(map(str, value)):
            yield from _hash_text(key)
            yield ":"
            yield from _hash_text(value[key])
            yield ","
    elif isinstance(value, list):
        yield f"array:{len(value)}:"
        if len(value) > 1:
            # Items in any order count as one: each becomes a text, and the texts are sorted.
            texts = sorted("".join(_hash_text(each)) for each in value)
            yield f"array:{len(value)}:"
            for text in texts:
                yield from _hash_text(text)
        else:
            for each in value:
                yield from _hash_text(each)
    elif isinstance(value, bool):
        yield f"bool:{str(value).lower()}"
    elif value is None:
        yield "Null"
    elif isinstance(value, str):
        yield f"string:{len(value.encode('utf-16-le', 'surrogatepass')) // 2}:{value}"
    else:
        yield f"number:{value}"
