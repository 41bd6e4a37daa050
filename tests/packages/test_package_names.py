"""The names of what a lockfile locks, told from the text, are those that decoding it gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.clients import clients
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.errors import NpmVettedError
from npm_vetted.projects.lockfile_owner import client_of_lockfile
from tests.support.corpus import Case, cases

FIXTURES = Path(__file__).parents[1] / "fixtures"
LOCKFILES = sorted(
    path
    for path in FIXTURES.rglob("*")
    if path.is_file() and (path.suffix == ".lock" or "lock." in path.name)
)
NAMES = {name for client in clients().values() for name in client.LOCKFILES}


def _read(name: str, data: bytes) -> Lockfile:
    return client_of_lockfile(name, {name: data}.get).read_lockfile(name, data, lambda _: b"")


def _name(path: Path) -> str:
    if path.name in NAMES:
        return path.name
    folder = path.relative_to(FIXTURES).as_posix()
    return next(f"{each}.lock" for each in ("yarn", "deno", "bun") if each in folder)


def _decoded(lockfile: Lockfile) -> set[str]:
    return {artifact.name for _, artifact in lockfile.artifacts()}


@pytest.mark.parametrize("path", LOCKFILES, ids=lambda path: path.relative_to(FIXTURES).as_posix())
def test_the_names_of_real_lockfiles(path: Path) -> None:
    lockfile = _read(_name(path), path.read_bytes())
    assert lockfile.package_names() == _decoded(lockfile)


SMALL = [
    case
    for case in cases("npm", "pnpm", "yarn-classic", "yarn-berry", "bun")
    if case.path.stat().st_size < 400_000
]


@pytest.mark.parametrize("case", SMALL[::7], ids=str)
def test_the_names_of_the_corpus(case: Case) -> None:
    lockfile = _read(case.name, case.data)
    assert lockfile.package_names() == _decoded(lockfile)


@given(st.data())
def test_whatever_lines_are_lost_doubled_or_swapped(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(LOCKFILES))
    lines = path.read_bytes().split(b"\n")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        other = data.draw(st.integers(0, len(lines) - 1))
        how = data.draw(st.sampled_from(("lose", "double", "swap")))
        if how == "lose":
            del lines[at : at + 1]
        elif how == "double":
            lines.insert(at, lines[other])
        else:
            lines[at], lines[other] = lines[other], lines[at]
        lines = lines or [b""]
    try:
        lockfile = _read(_name(path), b"\n".join(lines))
        expected = _decoded(lockfile)
    except NpmVettedError:
        return
    assert lockfile.package_names() == expected
