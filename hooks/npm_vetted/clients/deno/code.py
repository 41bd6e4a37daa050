"""What code imports by itself: ``import "npm:name"``, ``jsr:`` and URLs that deno.lock lacks.

Deno fetches such a module when the code runs, unless the lockfile is frozen (seen with 2.9.6). The reader
knows comments and literal specifiers; what a program puts together while it runs is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from npm_vetted.clients.deno.config import URLS, all_imports, load_config
from npm_vetted.clients.deno.lockfile import DenoLockfile, split_id
from npm_vetted.clients.deno.specifiers import plain_target, read_specifier
from npm_vetted.model import Location, Problem, Project
from npm_vetted.packages.ranges import satisfies

_IMPORT: Final = re.compile(
    rb"//[^\n]*|/\*.*?\*/"
    rb"|\b(?:from|import)\s*\(?\s*(?P<quote>[\"'])(?P<target>(?:npm|jsr|https?):[^\"'\n]+)(?P=quote)",
    re.DOTALL,
)
_QUICK: Final = (b"npm:", b"jsr:", b"https:", b"http:")


class _Imported(NamedTuple):
    target: str
    line: int


def imported(data: bytes) -> Iterator[_Imported]:
    """Each package and each module of a server that code imports, with its line."""
    if not any(word in data for word in _QUICK):
        return
    for found in _IMPORT.finditer(data):
        if found["target"] is not None:
            line = data.count(b"\n", 0, found.start("target")) + 1
            yield _Imported(plain_target(found["target"].decode("utf-8", "replace")), line)


def problems_of_code(
    find: Callable[[], Project | None], path: str, data: bytes
) -> Iterator[Problem]:
    """The imports that the project's deno.lock does not cover; ``find`` finds the project of the file."""
    asked = list(imported(data))
    project = find() if asked else None
    if project is None or project.client != "deno" or not project.lockfiles:
        return
    place = project.lockfiles[0]
    lockfile = DenoLockfile(place, project.read(place) or b"", project.read)
    mapped = _mapped(project)
    own = {manifest.name for manifest in project.manifests.values()}
    for target, line in asked:
        if not _is_covered(lockfile, target, mapped, own):
            yield Problem(
                f"imports {target}, which {place} does not have: Deno fetches it when this runs",
                Location(path, line),
                code="out-of-date",
                key=target,
                value=target,
                fix=(("deno", "cache", "--frozen=false", path), ("git", "add", place)),
            )


def _mapped(project: Project) -> set[str]:
    """What import maps of the project replace; the maps themselves are compared elsewhere."""
    found: set[str] = set()
    for folder in project.manifests:
        document = load_config(folder, project.read)
        found |= {each.name for each in all_imports(document, project.read)} if document else set()
    return found


def _is_covered(
    lockfile: DenoLockfile, target: str, mapped: set[str], own: set[str | None]
) -> bool:
    if target in mapped or any(key.endswith("/") and target.startswith(key) for key in mapped):
        return True
    asked = read_specifier(target)
    if asked is None:
        return not target.startswith(URLS) or lockfile.binds(target)
    if asked.name in own:
        return True
    start = f"{asked.kind}:{asked.name}@"
    return any(
        satisfies(split_id(key[4:])[1], asked.range) is not False
        for key in lockfile.blocks
        if key.startswith(start)
    )
