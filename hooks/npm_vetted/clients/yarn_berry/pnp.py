"""``.pnp.cjs`` and its companions: node loads them in a project without node_modules.

The file consists of code and of a JSON text that says where each package is. The code is the same for
every project of one version of Yarn. It is recognized by its hash (a test runs the real Yarns); any other
code counts as a program of the repository. ``pnp_data`` compares the JSON with the lockfile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from npm_vetted.formats.json import load_json
from npm_vetted.model import Location, Problem

CODE_FILES: Final = (".pnp.cjs", ".pnp.js", ".pnp.loader.mjs")
"""The files with code: of Yarn 3 and 4, of Yarn 2, and the loader of ES modules."""
DATA_FILES: Final = (".pnp.cjs", ".pnp.js", ".pnp.data.json")
"""The files that may contain the JSON; the last one if ``pnpEnableInlining`` is false."""

KNOWN: Final[Mapping[str, str]] = {
    "ab19fa49a647bfab8e33e88e54f6a68fcf39555faf65294488ae4658733c1b3f": "3.8.7",
    "e0ae1e58b8b31fa80c2bca6f94b1d0be308f4563e70083e286ffa364dd22bf8e": "3.8.7, JSON apart",
    "8797e5e7253af2cdc2395b23cefdca6d253e3219c6842bdc238157fc1bb678a9": "3.8.7, loader",
    "e7bca850e3127f5538c8b32ff7c284cc7c9c53a72678890634cdb66e59d1c294": "4.9.4, JSON apart",
    "f0485d2d79887f050b840b369319504c33907a7f9b2fa5c511bae713223d9a0e": "4.13.0, JSON apart",
    "2ffda7d5464fcded117cd20a0ab9bf12e66e09d4fe53abac6832910ed02d56e2": "4.14.1, JSON apart",
    "0f3362069fc92f6c7a9a95c1863e71bc8b92f8e159ea4f72f234987febca48f0": "4.18.1, JSON apart",
    "771976aaedc951496cc96727ee773f59f5ba58fd66c9e3a8a71fe781664a7ef8": "4.9.4",
    "30e014b23d9af4837a8afe2621c60e3751256a7b6b2b636b00a1a6a00b2b7df7": "4.9.4, loader",
    "38ef0f01576fb537a57ab20d7b758557776b4335b18a56a3c6c764fb6d367ba9": "4.13.0",
    "e1335ea489a9f93cd1ab4666b7da73eed08b527a49044a617e24471ca1dfba59": "4.13.0, loader",
    "d108c73d94c8a02e8cf720d1164994174e96f4d1b95c7db4adae695862e855b0": "4.14.1",
    "cd6380315bc3cbb01d2490745dfc092f087b2d0788c557177ece21f22b5edab0": "4.14.1, loader",
    "c81d1841f77e5db267fae12b49e0becac9e51b63146c2000adceb452ae07a0a3": "4.18.1",
    "d8fdc78e08361fd1ee851003498918b0b68fd5fd131226970201e2100000afdc": "4.18.1, loader",
}
"""The code of each Yarn that was run, by its hash (tests/clients/yarn_berry/test_pnp.py).

With ``pnpEnableInlining: false`` the code reads the JSON from .pnp.data.json.
"""
_STATE: Final = re.compile(
    rb"(?:const RAW_RUNTIME_STATE =\s?|hydrateRuntimeState\(JSON\.parse\()'((?:[^'\\]++|\\.)*)'",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(\n|.)", re.DOTALL)
_ESCAPES: Final = {"\n": "", "\\": "\\", "'": "'"}


def code_hash(data: bytes) -> str:
    """SHA-256 in hex over the file without its JSON."""
    import hashlib

    found = _STATE.search(data)
    code = data if found is None else data[: found.start(1)] + data[found.end(1) :]
    return hashlib.sha256(code).hexdigest()


def code_problem(path: str, data: bytes, folder: str) -> Problem | None:
    """The problem if the code of a file is not known to be Yarn's own; None: it is Yarn's."""
    digest = code_hash(data)
    if digest in KNOWN:
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
        text = data
    else:
        found = _STATE.search(data)
        if found is None:
            return None
        text = _ESCAPE.sub(_unescaped, found[1].decode("utf-8", "replace")).encode()
    state = load_json(path, text).data
    return state if isinstance(state, dict) else None


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], f"\\{found[1]}")
