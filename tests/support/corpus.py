"""The corpus of real lockfiles, which is beside the repository (``../shared/corpus``).

It is no part of the project: tests that want it are parametrized over what is there, and the
fixtures under ``tests/fixtures`` hold what must be tested everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.model import Artifact

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"

Row = tuple[str, str | None, str | None, str | None, str]
"""``(name, version, integrity, resolved, kind)``, verbatim from the lockfile (docs/clients.md)."""

_LARGE = 200_000
TARBALLS = (".tgz", ".tar.gz", ".tar")


@dataclass(frozen=True, slots=True)
class Case:
    """One lockfile of the corpus. ``name`` is its own file name, whatever the corpus calls it."""

    path: Path
    format: str
    version: object
    name: str
    pair: str | None
    side: str | None

    def __str__(self) -> str:
        return self.path.relative_to(CORPUS).as_posix()

    @property
    def data(self) -> bytes:
        return self.path.read_bytes()

    @property
    def truth(self) -> tuple[Row, ...]:
        """The rows that an independent parser found, sorted, without duplicates."""
        return tuple(
            (name, version, integrity, resolved, kind)
            for name, version, integrity, resolved, kind in self._json(".truth.json")
        )

    @property
    def extra(self) -> Mapping[str, object]:
        """Aliases, install-script flags, bundled, patched, … as that parser found them."""
        found: dict[str, object] = self._json(".extra.json")
        return found

    @property
    def folder(self) -> Path:
        """Where, for lockfiles that were made for the corpus, the manifests stand too."""
        return self.path.parent

    def _json(self, suffix: str) -> Any:
        return json.loads(Path(f"{self.path}{suffix}").read_text("utf-8"))


@cache
def _manifest() -> tuple[Mapping[str, object], ...]:
    listing = CORPUS / "MANIFEST.json"
    return tuple(json.loads(listing.read_text("utf-8"))) if listing.exists() else ()


def _cases(formats: tuple[str, ...], *, readable: bool) -> list[Case]:
    return [
        Case(
            path=CORPUS / str(row["path"]),
            format=str(row["format"]),
            version=row["lockfile_version"],
            name=str(row["file"]),
            pair=_maybe(row["pair"]),
            side=_maybe(row["side"]),
        )
        for row in _manifest()
        if row["format"] in formats and bool(row.get("truth")) == readable
    ]


def _maybe(value: object) -> str | None:
    return None if value is None else str(value)


def cases(*formats: str) -> list[Case]:
    """The lockfiles of some formats that have a truth; an empty list without the corpus.

    The formats: npm, pnpm, yarn-classic, yarn-berry, bun.
    """
    return _cases(formats, readable=True)


def by_size(found: Iterable[Case]) -> list[ParameterSet]:
    """Parameters of a test; those above 200 kB, which say little more for most of the time, are slow."""
    return [
        pytest.param(each, id=str(each), marks=[pytest.mark.slow] if size > _LARGE else [])
        for each in found
        for size in [each.path.stat().st_size]
    ]


def broken(*formats: str) -> list[Case]:
    """The lockfiles of some formats that no reader must take (merge markers in them)."""
    return _cases(formats, readable=False)


def pairs(*formats: str) -> list[tuple[Case, Case]]:
    """Two versions of one lockfile, before and after, both of these formats."""
    sides: dict[str, dict[str, Case]] = {}
    for case in cases(*formats):
        if case.pair is not None and case.side is not None:
            sides.setdefault(case.pair, {})[case.side] = case
    return [(both["before"], both["after"]) for both in sides.values() if len(both) == 2]


def expected(case: Case) -> set[Row]:
    """The rows of a truth that are artifacts: no links, workspaces or directories."""
    return {row for row in case.truth if row[4] not in ("link", "workspace") and not _folder(row)}


def _folder(row: Row) -> bool:
    source = (row[3] or "").partition("#")[0].partition("::")[0]
    return row[4] == "file" and not source.endswith(TARBALLS)


def rows(artifacts: Iterable[Artifact]) -> set[Row]:
    """Artifacts in the shape of a truth's rows."""
    return {
        (found.name, found.version, found.integrity or found.checksum, found.resolved, found.kind)
        for found in artifacts
    }


def rows_of(lockfile: Lockfile, keys: Iterable[str] | None = None) -> set[Row]:
    """Some of a lockfile's artifacts (all), with hash and source as the file itself has them."""
    entries = lockfile.entries() if keys is None else map(lockfile.entry, keys)
    found: set[Row] = set()
    for entry in entries:
        if (artifact := entry.artifact) is not None:
            own = lockfile.hash_text(entry), lockfile.source_text(entry)
            found.add((artifact.name, artifact.version, *own, artifact.kind))
    return found
