"""Programs of the repository that a setting names, bound by the hash of their content.

A person who accepts such a finding accepts the program's content, not any later content at its path.
So the finding's value is a hash over:

1. the file that the setting names;
2. every tracked file that it reaches by a literal relative ``require`` or ``import``;
3. if the name of a required file is computed, every file of the folder of the requiring file;
4. if a required folder has a package.json, every file of that folder;
5. for a program that is not JavaScript, the files whose names are in its text.

Files of 3 and 4 count by their git object id, the others by their content.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final

from npm_vetted.model import Problem, Project, Read
from npm_vetted.packages.manifest import NAME as MANIFEST

_LITERAL: Final = re.compile(
    rb"""(?:\brequire\s*\(\s*|\bimport\s*\(\s*|\bfrom\s+|\bimport\s+)["'](\.{1,2}/[^"'\n]{1,200})["']"""
)
_COMPUTED: Final = re.compile(rb"""\b(?:require|import)\s*\(\s*[^"'\s)]""")
_ENDINGS: Final = ("", ".js", ".cjs", ".mjs", ".json", ".ts", "/index.js", "/index.cjs")
_MODULES: Final = (".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".json")
_MOST: Final = 200
"""The most files that are read for one program; the hash covers the first ones only."""
_INCLUDED: Final = re.compile(
    rb"""(?:^|[\s;&|(])(?:\.|source|sh|bash|node|python3?|exec)\s+["']?([^\s;&|"']+)"""
    rb"""|(?<![\w:/.])((?:\.{0,2}/|[\w-]+/)[\w./-]+)"""
)
"""Files that a shell script starts or includes: the word after ``source`` and the like, and each path."""
_WORD: Final = re.compile(r"""[^\s"'=,;\[\]{}()|&<>]+""")
_BOUND: Final = re.compile(r"sha256-[0-9a-f]{64}|absent")


def program_value(project: Project, folder: str, name: str) -> str:
    """The hash of a program and of the files that it reaches; ``absent`` where there is no file."""
    import hashlib  # here: OpenSSL takes 2 ms to load, and few commits name a program

    read = project.read
    start = _resolve(folder, name)
    if start is None or read(start) is None:
        return "absent"
    waiting, seen = [start], {start}
    folders: set[str] = set()
    digest = hashlib.sha256()
    while waiting:
        path = waiting.pop(0)
        data = read(path) or b""
        digest.update(f"{path}\0{len(data)}\0".encode("utf-8", "surrogatepass"))
        digest.update(data)
        if _COMPUTED.search(data):
            folders.add(posixpath.dirname(path))
        if not path.endswith(_MODULES):
            for included in _included(read, (posixpath.dirname(path), folder), data):
                if included not in seen and len(seen) < _MOST:
                    seen.add(included)
                    waiting.append(included)
        for found in _LITERAL.finditer(data):
            reached = _reached(read, posixpath.dirname(path), found[1])
            named = _resolve(posixpath.dirname(path), found[1].decode("utf-8", "replace"))
            if named is not None and read(f"{named}/{MANIFEST}") is not None:
                folders.add(named)  # its "main" says what is loaded
            if reached is not None and reached not in seen and len(seen) < _MOST:
                seen.add(reached)
                waiting.append(reached)
    for inside in sorted(folders):
        for path, oid in sorted(project.tracked(inside)):
            digest.update(f"{path}\0{oid}\0".encode("utf-8", "surrogatepass"))
    return f"sha256-{digest.hexdigest()}"


def bound_to_files(problem: Problem, project: Project, *implied: str) -> Problem:
    """The problem of a setting, whose value becomes a hash over the tracked files that the setting names.

    ``implied`` are files that the client executes without a setting naming them. A value that is a
    hash already stays as it is.
    """
    if _BOUND.fullmatch(problem.value):
        return problem
    folder = posixpath.dirname(problem.location.path)
    names = [*implied, *_named_files(project, folder, problem.value)]
    values = [f"{name} {program_value(project, folder, name)}" for name in dict.fromkeys(names)]
    return problem._replace(value="\n".join((problem.value, *values)))


def _named_files(project: Project, folder: str, value: str) -> Iterator[str]:
    """The words of a setting's value that are paths of tracked files."""
    for name in list(dict.fromkeys(_WORD.findall(value)))[:_MOST]:
        path = _resolve(folder, name.removeprefix("file:"))
        if path is None or "://" in name:
            continue
        if project.read(path) is not None:
            yield posixpath.relpath(path, folder or ".")


def _included(read: Read, folders: Iterable[str], data: bytes) -> Iterator[str]:
    """The tracked files that a script names, from its own folder or from the project's."""
    for found in list(_INCLUDED.finditer(data))[:_MOST]:
        name = (found[1] or found[2]).decode("utf-8", "replace")
        for folder in folders:
            path = _resolve(folder, name)
            if path is not None and read(path) is not None:
                yield path


def _reached(read: Read, folder: str, written: bytes) -> str | None:
    path = _resolve(folder, written.decode("utf-8", "replace"))
    if path is None:
        return None
    return next((path + end for end in _ENDINGS if read(path + end) is not None), None)


def _resolve(folder: str, name: str) -> str | None:
    """A path from the top of the repository; None where it leads outside."""
    path = posixpath.normpath(posixpath.join(folder, name))
    return None if path.startswith(("../", "/")) or path in ("..", ".") else path
