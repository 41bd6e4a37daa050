"""Finds imports in source code that deno.lock lacks: ``import "npm:name"``, ``jsr:…`` and URLs.

Deno fetches such a module when the code runs, unless the lockfile is frozen (seen with 2.9.6). Literal
specifiers outside comments are found. A specifier that the program computes is not found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from npm_vetted.clients.deno.config import URLS, all_imports, load_config
from npm_vetted.clients.deno.lockfile import DenoLockfile, split_id
from npm_vetted.clients.deno.specifiers import plain_target, read_specifier
from npm_vetted.errors import UndecidedError
from npm_vetted.model import Location, Problem, Project
from npm_vetted.packages.ranges import satisfies

_LINE: Final = rb"//(?:[^\n\r\xe2]|\xe2(?!\x80[\xa8\xa9]))*"
"""A comment up to the end of its line, which U+2028 and U+2029 end as well."""
_BLOCK: Final = rb"/\*(?:[^*]|\*(?!/)){0,500}\*/"
_BLANK: Final = rb"(?:\s|\xe2\x80[\xa8\xa9]|%s(?=[\n\r\xe2]|\Z)|%s)*" % (_LINE, _BLOCK)
"""What may be between ``import`` and its target. There is one way to read each text: a row of slashes
that could be read in several takes exponential time."""
_TOKEN: Final = re.compile(
    rb"(?<![:\"'`])%s|(?P<block>/\*)|\b(?:from|import)%s(?:\(%s)?"
    rb"(?P<quote>[\"'`])(?P<target>(?:npm|jsr|https?):[^\"'`\n]+)(?P=quote)"
    % (_LINE, _BLANK, _BLANK)
)
"""A comment, or an import. After a quote or a colon, two slashes are those of an address."""
_QUICK: Final = (b"npm:", b"jsr:", b"https:", b"http:")


class _Imported(NamedTuple):
    target: str
    line: int


def imported(data: bytes) -> Iterator[_Imported]:
    """Each package and each remote module (URL) that a source file imports, with the line."""
    if not any(word in data for word in _QUICK):
        return
    position, closed = 0, True
    while found := _TOKEN.search(data, position):
        position = found.end()
        if found["block"] is not None and closed:
            end = data.find(b"*/", position)
            position, closed = (end + 2, True) if end >= 0 else (position, False)
        elif found["target"] is not None:
            line = data.count(b"\n", 0, found.start("target")) + 1
            yield _Imported(plain_target(found["target"].decode("utf-8", "replace")), line)


def problems_of_code(
    find: Callable[[str], Project | None], files: Iterable[tuple[str, bytes]]
) -> Iterator[Problem]:
    """The imports that a project's deno.lock does not cover; ``find`` finds the project of a file."""
    known: dict[str, _Locked] = {}  # a repository has many files, and few lockfiles
    for path, data in files:
        with suppress(UndecidedError):  # what a partial clone lacks is said elsewhere
            asked = list(imported(data))
            project = find(path) if asked else None
            if project is None or project.client != "deno" or not project.lockfiles:
                continue
            if project.path not in known:
                known[project.path] = _Locked(project)
            yield from _uncovered(known[project.path], path, asked)


def _uncovered(locked: _Locked, path: str, asked: Iterable[_Imported]) -> Iterator[Problem]:
    for target, line in asked:
        if not locked.covers(target):
            yield Problem(
                f"imports {target}, which {locked.place} does not have: Deno fetches it when this runs",
                Location(path, line),
                code="out-of-date",
                key=target,
                value=target,
                fix=(("deno", "cache", "--frozen=false", path), ("git", "add", locked.place)),
            )


class _Locked:
    """The imports that a project's deno.lock, import maps and manifests cover."""

    def __init__(self, project: Project) -> None:
        self.place = project.lockfiles[0]
        read = project.read
        self._lockfile = DenoLockfile(self.place, read(self.place) or b"", read)
        self._mapped = _mapped(project)
        self._own = {manifest.name for manifest in project.manifests.values()}
        self._versions: dict[str, list[str]] = {}
        for key in self._lockfile.blocks:
            name, version = split_id(key[4:])
            if key[4:] != name:
                self._versions.setdefault(key[:4] + name, []).append(version)

    def covers(self, target: str) -> bool:
        """Whether what an import names is locked, replaced by a map, or the project's own."""
        mapped = self._mapped
        if target in mapped or any(key.endswith("/") and target.startswith(key) for key in mapped):
            return True
        asked = read_specifier(target)
        if asked is None:
            return not target.startswith(URLS) or self._lockfile.binds(target)
        if asked.name in self._own:
            return True
        versions = self._versions.get(f"{asked.kind}:{asked.name}", ())
        return any(satisfies(each, asked.range) is not False for each in versions)


def _mapped(project: Project) -> set[str]:
    """The specifiers that the project's import maps replace; ``sync`` compares the maps' targets."""
    found: set[str] = set()
    for folder in project.manifests:
        document = load_config(folder, project.read)
        found |= {each.name for each in all_imports(document, project.read)} if document else set()
    return found
