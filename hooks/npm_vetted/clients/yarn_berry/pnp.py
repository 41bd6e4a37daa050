"""``.pnp.cjs`` and its companions: node loads them in a project without node_modules.

The file consists of code and of a JSON text that says where each package is. The code is the same for
every project of one version of Yarn. It is recognized by its hash (a test runs the real Yarns); any other
code counts as a program of the repository. ``pnp_data`` compares the JSON with the lockfile.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from npm_vetted.errors import DocumentError
from npm_vetted.formats.json import load_json, load_jsonc
from npm_vetted.model import Location, Problem

CODE_FILES: Final = (".pnp.cjs", ".pnp.js", ".pnp.loader.mjs")
"""The files with code: of Yarn 3 and 4, of Yarn 2, and the loader of ES modules."""
DATA_FILES: Final = (".pnp.cjs", ".pnp.js", ".pnp.data.json")
"""The files that may contain the JSON; the last one if ``pnpEnableInlining`` is false."""

_STATE: Final = re.compile(
    rb"(?:const RAW_RUNTIME_STATE =\s?|hydrateRuntimeState\(JSON\.parse\()'((?:[^'\\]++|\\.)*)'",
    re.DOTALL,
)
_LITERAL: Final = re.compile(
    rb"return hydrateRuntimeState\((\{\n.*?\n  \}), \{basePath: basePath \|\| __dirname\}\);\n *\}\n",
    re.DOTALL,
)
"""The JSON with commas at ends, which Yarn 3.1 writes as a part of the code."""
_ESCAPE: Final = re.compile(r"\\(\n|.)", re.DOTALL)
_ESCAPES: Final = {"\n": "", "\\": "\\", "'": "'"}


@cache
def known_code() -> Mapping[str, str]:
    """The hash of the code of each Yarn that was run, and that Yarn's version (``pnp-code.txt``).

    With ``pnpEnableInlining: false`` (JSON apart) the code reads the JSON from .pnp.data.json.
    """
    path = os.path.join(os.path.dirname(__file__), "pnp-code.txt")  # noqa: PTH118, PTH120
    with open(path, encoding="ascii") as file:  # noqa: PTH123 - pathlib takes 3 ms to import
        rows = (line.rstrip("\n").partition(" ") for line in file if not line.startswith("#"))
        return {digest: version for digest, _, version in rows}


def code_hash(data: bytes) -> str:
    """SHA-256 in hex over the file without its JSON; CRLF line ends mean what others do."""
    import hashlib

    data = data.replace(b"\r\n", b"\n")
    found = _STATE.search(data) or _literal(data)
    code = data if found is None else data[: found.start(1)] + data[found.end(1) :]
    return hashlib.sha256(code).hexdigest()


def _literal(data: bytes) -> re.Match[bytes] | None:
    """The part of the code that is data and nothing else; None: there is none.

    ``__proto__`` means something else in code than in JSON.
    """
    found = _LITERAL.search(data)
    if found is None or b"__proto__" in found[1] or b"\\u" in found[1]:
        return None
    try:
        return found if isinstance(load_jsonc("", found[1]).data, dict) else None
    except DocumentError:
        return None


def code_problem(path: str, data: bytes, folder: str) -> Problem | None:
    """The problem if the code of a file is not known to be Yarn's own; None: it is Yarn's."""
    digest = code_hash(data)
    if digest in known_code():
        return None
    name = path.rpartition("/")[2]
    return Problem(
        message=f"node runs {name}, and its code is not that of a Yarn that npm-vetted knows: "
        "let Yarn write it again; if the finding stays, accept it",
        location=Location(path),
        fix=regenerate(path, folder),
        code="program",
        key=f"pnp:{name}",
        value=f"sha256-{digest}",
    )


def regenerate(path: str, folder: str) -> tuple[tuple[str, ...], ...]:
    """The commands that let Yarn rewrite a file without running scripts."""
    where = ("--cwd", folder) if folder else ()
    return (
        ("git", "rm", "-q", "-f", "--", path),
        ("yarn", *where, "install", "--mode=skip-build"),
        ("git", "add", path),
    )


def data_of(path: str, data: bytes) -> Mapping[str, object] | None:
    """The JSON of a file; None if it has none. Raises DocumentError for malformed JSON."""
    if path.endswith(".json"):
        state = load_json(path, data).data
        return state if isinstance(state, dict) else None
    data = data.replace(b"\r\n", b"\n")
    found = _STATE.search(data)
    if found is not None:
        text = _ESCAPE.sub(_unescaped, found[1].decode("utf-8", "replace"))
        state = load_json(path, text.encode()).data
    else:
        literal = _literal(data)
        state = None if literal is None else load_jsonc(path, literal[1]).data
    return state if isinstance(state, dict) else None


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], f"\\{found[1]}")
