"""package.json: a project's name, its dependencies, and the client that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.document import Document, Table
from npm_vetted.formats.json import load_json, load_jsonc
from npm_vetted.model import Group, Location, Manifest, Pin, Requirement

NAME: Final = "package.json"
_EXACT: Final = re.compile(r"v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-[0-9A-Za-z.-]+)?(?:\+.*)?\Z")
_LOWER: Final = re.compile(
    r"(?:>=|\^|~|=)?\s*v?(\d{1,9})(?:\.(\d{1,9}|[xX*]))?(?:\.(\d{1,9}|[xX*]))?"
)


def read_manifest(path: str, data: bytes, *, comments: bool = False) -> Manifest:
    """Read a package.json; raises DocumentError where a field that we rely on has a wrong type.

    ``comments``: it may have comments and trailing commas, as Bun reads it.
    """
    document = load_jsonc(path, data) if comments else load_json(path, data)
    table = document.root()
    return Manifest(
        path=path,
        name=table.maybe_text("name"),
        version=table.maybe_text("version"),
        private=table.data.get("private") is True,
        requires=tuple(requirements(table)),
        workspaces=_workspaces(table),
        scripts=_texts(table, "scripts"),
        data=table.data,
        line_of=document.line_of,
    )


def _texts(table: Table, key: str) -> dict[str, str]:
    inner = table.maybe_table(key)
    return {name: inner.text(name) for name in inner.data} if inner else {}


def requirements(table: Table) -> Iterator[Requirement]:
    """The requirements in a manifest's tables of dependencies; bun.lock repeats the same tables."""
    for group in Group:
        inner = table.maybe_table(group.value)
        for name in inner.data if inner else ():
            assert inner is not None
            yield Requirement(
                name=name, specifier=inner.text(name), group=group, line=inner.line(name)
            )


def _workspaces(table: Table) -> tuple[str, ...] | None:
    """``workspaces``: a list of globs, or a table whose ``packages`` is one (Yarn classic, Bun)."""
    if isinstance(table.data.get("workspaces"), dict):
        inner = table.maybe_table("workspaces")
        assert inner is not None
        return inner.maybe_texts("packages")
    return table.maybe_texts("workspaces")


def read_pin(manifest: Manifest) -> Pin | None:
    """The client and version that a manifest names: ``packageManager``, else ``devEngines``.

    ``packageManager`` must be exact (corepack's rule); ``devEngines.packageManager`` may be a range
    whose minimum counts, and holds only where ``onFail`` is error (its default) or download.
    Where both are, pnpm 10 reads the former, 11 and 12 the latter (tried): the lower one counts.
    """
    table = Table(_as_document(manifest), (), manifest.data)
    engines = table.maybe_table("devEngines")
    asked = _pin_of_engines(manifest, engines) if engines else None
    text = table.maybe_text("packageManager")
    if text is None:
        return asked
    client, _, version = text.partition("@")
    found = _EXACT.match(version)
    pin = Pin(
        client=client,
        minimum=_numbers(found) if found else None,
        exact=found is not None,
        enforced=found is not None,
        location=Location(manifest.path, manifest.line_of("packageManager")),
    )
    if asked is None or asked.client != client or not asked.enforced or pin.minimum is None:
        return pin
    lower = None if asked.minimum is None else min(pin.minimum, asked.minimum)
    return pin._replace(minimum=lower, exact=asked.exact and pin.minimum == asked.minimum)


def _as_document(manifest: Manifest) -> Document:
    return Document(manifest.path, manifest.data, lambda keys: manifest.line_of(*keys))


def _pin_of_engines(manifest: Manifest, engines: Table) -> Pin | None:
    if isinstance(engines.data.get("packageManager"), list):
        asked = engines.tables("packageManager")
    else:
        single = engines.maybe_table("packageManager")
        asked = [single] if single else []
    if len(asked) != 1:  # several are alternatives: none of them can be relied on
        return None
    name, version = asked[0].maybe_text("name"), asked[0].maybe_text("version")
    if name is None:
        return None
    enforced = asked[0].maybe_text("onFail") in (None, "error", "download")
    return Pin(
        client=name,
        minimum=_minimum(version) if version else None,
        exact=bool(version and _EXACT.match(version)),
        enforced=enforced and version is not None,
        location=Location(manifest.path, manifest.line_of("devEngines", "packageManager")),
    )


def _numbers(found: re.Match[str]) -> tuple[int, int, int]:
    first, second, third = (int(part) if part and part.isdigit() else 0 for part in found.groups())
    return first, second, third


def _minimum(text: str) -> tuple[int, int, int] | None:
    """The lowest version a range admits; None where it has no lower bound that we can read."""
    lowest: list[tuple[int, int, int]] = []
    for alternative in text.split("||"):
        part = alternative.strip()
        found = _LOWER.match(part)
        if not found or part.startswith("<"):
            return None
        lowest.append(_numbers(found))
    return min(lowest)
