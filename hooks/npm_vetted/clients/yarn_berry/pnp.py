"""``.pnp.cjs`` and its companions: node loads them in a project without node_modules.

The file is Yarn's own code, the same for every project of one Yarn, around one JSON text that says
where each package is. The code is known by its hash (a test asks the real Yarns), and every other
code is a program of the repository. The JSON is compared with the lockfile.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from npm_vetted.clients.shared.yarn.locators import Reference, locator_hash, split_ident
from npm_vetted.errors import DocumentError
from npm_vetted.formats.json import load_json
from npm_vetted.model import Location, Problem, Read

CODE_FILES: Final = (".pnp.cjs", ".pnp.js", ".pnp.loader.mjs")
"""What Yarn 3 and 4, Yarn 2, and the loader of ES modules are called."""
DATA_FILES: Final = (".pnp.cjs", ".pnp.js", ".pnp.data.json")
"""Where the JSON is; the last with ``pnpEnableInlining: false``."""

KNOWN: Final[Mapping[str, str]] = {
    "ab19fa49a647bfab8e33e88e54f6a68fcf39555faf65294488ae4658733c1b3f": "3.8.7",
    "771976aaedc951496cc96727ee773f59f5ba58fd66c9e3a8a71fe781664a7ef8": "4.9.4",
    "30e014b23d9af4837a8afe2621c60e3751256a7b6b2b636b00a1a6a00b2b7df7": "4.9.4, loader",
    "38ef0f01576fb537a57ab20d7b758557776b4335b18a56a3c6c764fb6d367ba9": "4.13.0",
    "e1335ea489a9f93cd1ab4666b7da73eed08b527a49044a617e24471ca1dfba59": "4.13.0, loader",
    "d108c73d94c8a02e8cf720d1164994174e96f4d1b95c7db4adae695862e855b0": "4.14.1",
    "cd6380315bc3cbb01d2490745dfc092f087b2d0788c557177ece21f22b5edab0": "4.14.1, loader",
    "c81d1841f77e5db267fae12b49e0becac9e51b63146c2000adceb452ae07a0a3": "4.18.1",
    "d8fdc78e08361fd1ee851003498918b0b68fd5fd131226970201e2100000afdc": "4.18.1, loader",
}
"""The code of each Yarn that was run, by its hash (tests/clients/yarn_berry/test_pnp.py)."""
_STATE: Final = re.compile(
    rb"(?:const RAW_RUNTIME_STATE =\s?|hydrateRuntimeState\(JSON\.parse\()'((?:[^'\\]++|\\.)*)'",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(\n|.)", re.DOTALL)
_ESCAPES: Final = {"\n": "", "\\": "\\", "'": "'"}
_VIRTUAL: Final = re.compile(r"(.*?)/?(?:__virtual__|\$\$virtual)/[^/]+/([0-9]{1,3})/(.*)")
_PACKED: Final = re.compile(
    r"(?:.*/)?(?P<folder>cache|unplugged)/[^/]*-(?P<hash>[0-9a-f]{10})"
    r"(?:-(?:[0-9a-f]{10}|[0-9]+(?:c[0-9])?)\.zip)?/node_modules/(?P<name>(?:@[^/]+/)?[^/]+)"
)
_MOST: Final = 20
"""Findings for one file."""


def code_hash(data: bytes) -> str:
    """SHA-256 in hex over the file without its JSON."""
    import hashlib

    found = _STATE.search(data)
    code = data if found is None else data[: found.start(1)] + data[found.end(1) :]
    return hashlib.sha256(code).hexdigest()


def code_problem(path: str, data: bytes, folder: str) -> Problem | None:
    """Why the code of a file is not known to be Yarn's own; None: it is."""
    digest = code_hash(data)
    if digest in KNOWN:
        return None
    name = path.rpartition("/")[2]
    return Problem(
        message=f"node runs {name}, and its code is not that of a Yarn that npm-vetted knows: "
        "let Yarn write it again, and accept it where it stays",
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
    """The JSON of a file; None where it has none. Raises DocumentError where it is malformed."""
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


def data_problems(
    lockfile: str, is_locked: Callable[[str, str], bool], read: Read
) -> Iterator[Problem]:
    """Where the committed PnP files name another package or place than the lockfile gives."""
    folder = posixpath.dirname(lockfile)
    for name in DATA_FILES:
        path = posixpath.join(folder, name)
        data = read(path)
        if data is None:
            continue
        try:
            state = data_of(path, data)
        except DocumentError as error:
            yield _problem(path, folder, name, f"its data cannot be read: {error.message}")
            continue
        for at, (key, why) in enumerate(_wrong(state or {}, is_locked)):
            if at < _MOST:
                yield _problem(path, folder, key, why)


def _problem(path: str, folder: str, key: str, why: str) -> Problem:
    return Problem(
        message=f"{key}: {why}; Yarn writes this file again from yarn.lock",
        location=Location(path),
        fix=regenerate(path, folder),
        code="pnp-differs",
        key=key,
        value=why,
    )


def _wrong(
    state: Mapping[str, object], is_locked: Callable[[str, str], bool]
) -> Iterator[tuple[str, str]]:
    """Each package of the data that is not the lockfile's, with why."""
    packages = state.get("packageRegistryData")
    known: set[tuple[str, str]] = set()
    asked: list[tuple[str, str, str]] = []
    for name, reference, info in _rows(packages):
        label = f"{name}@{reference}" if reference else "the top"
        known.add((name, reference))
        asked += [(label, *target) for target in _targets(info)]
        why = _misplaced(name, reference, info.get("packageLocation"), is_locked)
        if why is not None:
            yield label, why
    for label, name, reference in asked:
        if (name, reference) not in known:
            yield label, f"depends on {name}@{reference}, which the file itself does not have"


def _rows(packages: object) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """Each package: its name, its reference ('' both for the top), what is said of it."""
    for row in packages if isinstance(packages, list) else ():
        if not isinstance(row, list) or len(row) != 2 or not isinstance(row[1], list):
            continue
        for inner in row[1]:
            if isinstance(inner, list) and len(inner) == 2 and isinstance(inner[1], dict):
                yield str(row[0] or ""), str(inner[0] or ""), inner[1]


def _targets(info: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    found = info.get("packageDependencies")
    for row in found if isinstance(found, list) else ():
        if isinstance(row, list) and len(row) == 2:
            name, target = row
            if isinstance(target, str):
                yield str(name), target
            elif isinstance(target, list) and len(target) == 2:
                yield str(target[0]), str(target[1])


def _misplaced(
    name: str, reference: str, location: object, is_locked: Callable[[str, str], bool]
) -> str | None:
    """Why a package is not where yarn.lock has it; None: it is."""
    if not isinstance(location, str):
        return "has no place"
    place = _real(location)
    real = reference.partition("#")[2] if reference.startswith("virtual:") else reference
    parts = Reference.parse(real)
    if not reference or parts.protocol == "workspace:":
        wanted = posixpath.normpath(parts.source or ".")
        return None if place == wanted else f"expected at {wanted}, found {location}"
    if not is_locked(name, real):
        return "yarn.lock does not have it"
    if parts.protocol in ("link:", "portal:"):
        whose = split_ident(parts.params.get("locator", ""))
        home = whose[1].removeprefix("workspace:") if whose else "."
        wanted = posixpath.normpath(posixpath.join(home, parts.source))
        return None if place == wanted else f"expected at {wanted}, found {location}"
    found = _PACKED.fullmatch(place)
    hashes = {locator_hash(name, each)[:10] for each in (real, reference)}
    if found is None or found["hash"] not in hashes or found["name"] != name:
        return f"expected in the archive of {name}@{real}, found {location}"
    return None


def _real(location: str) -> str:
    """A place without the detour over ``__virtual__/NAME/UP/``."""
    found = _VIRTUAL.fullmatch(location)
    if found is not None:
        location = posixpath.join(found[1] or ".", *[".."] * int(found[2]), found[3])
    return posixpath.normpath(location)
