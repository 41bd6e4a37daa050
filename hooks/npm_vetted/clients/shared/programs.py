"""Programs of the repository that a setting names, bound by what they contain.

What was accepted is the program, not any content at its path: the value of such a finding is a hash
over the file and over every tracked file that it reaches by a literal relative ``require`` or
``import``. Where a reached name is computed, the value cannot bind what is executed; the marker
``computed`` in the hash then changes with every edit of the requiring file, and the files beside it
that were found so far stay bound (DESIGN.md, section 6).
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from typing import Final

from npm_vetted.model import Read

_LITERAL: Final = re.compile(
    rb"""(?:\brequire\s*\(\s*|\bimport\s*\(\s*|\bfrom\s+|\bimport\s+)["'](\.{1,2}/[^"'\n]{1,200})["']"""
)
_ENDINGS: Final = ("", ".js", ".cjs", ".mjs", ".json", ".ts", "/index.js", "/index.cjs")
_MOST: Final = 200
"""Files. A program that reaches more of the repository is bound to these."""


def program_value(read: Read, folder: str, name: str) -> str:
    """The hash of a program and of the files that it reaches; ``absent`` where there is no file."""
    start = _resolve(folder, name)
    if start is None or read(start) is None:
        return "absent"
    waiting, seen = [start], {start}
    digest = hashlib.sha256()
    while waiting:
        path = waiting.pop(0)
        data = read(path) or b""
        digest.update(f"{path}\0{len(data)}\0".encode("utf-8", "surrogatepass"))
        digest.update(data)
        for found in _LITERAL.finditer(data):
            reached = _reached(read, posixpath.dirname(path), found[1])
            if reached is not None and reached not in seen and len(seen) < _MOST:
                seen.add(reached)
                waiting.append(reached)
    return f"sha256-{digest.hexdigest()}"


def _reached(read: Read, folder: str, written: bytes) -> str | None:
    path = _resolve(folder, written.decode("utf-8", "replace"))
    if path is None:
        return None
    return next((path + end for end in _ENDINGS if read(path + end) is not None), None)


def _resolve(folder: str, name: str) -> str | None:
    """A path from the top of the repository; None where it leads outside."""
    path = posixpath.normpath(posixpath.join(folder, name))
    return None if path.startswith(("../", "/")) or path in ("..", ".") else path
