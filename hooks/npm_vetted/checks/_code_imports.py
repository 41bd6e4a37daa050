"""Imports in source code that a client fetches when the code runs, and that the lockfile lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, partial

from npm_vetted.checks import finding_of
from npm_vetted.clients import clients
from npm_vetted.errors import NpmVettedError, UndecidedError
from npm_vetted.model import CodeReader, Finding, Project
from npm_vetted.projects.change import Change
from npm_vetted.projects.paths import in_node_modules


def code_imports(check: str, change: Change) -> Iterator[Finding]:
    """The findings of the touched source files, by the readers of the clients."""
    readers = _readers()
    names = {name for name, _ in readers.values()}
    if change.everything and not any(each.after.client in names for each in change.projects):
        return
    by_reader: dict[CodeReader, list[str]] = {}
    for path, touched in sorted(change.touched.items()):
        found = readers.get(path[path.rfind(".") :])
        if found is None or touched.after is None or touched.is_link or in_node_modules(path):
            continue
        if not change.policy.excludes(path):
            by_reader.setdefault(found[1], []).append(path)
    for read, paths in by_reader.items():
        for problem in read(partial(_project, change), _contents(change, paths)):
            yield finding_of(check, problem, None)


def _contents(change: Change, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        try:
            data = change.after.read(path) or b""
        except UndecidedError:  # what a partial clone lacks is said elsewhere
            continue
        yield path, data


@cache
def _readers() -> dict[str, tuple[str, CodeReader]]:
    """By suffix: the client, and its reader."""
    return {
        suffix: (client.NAME, read)
        for client in clients().values()
        for suffix, read in client.CODE.items()
    }


def _project(change: Change, path: str) -> Project | None:
    try:
        return change.projects_after.of(path)
    except NpmVettedError:  # said elsewhere
        return None
