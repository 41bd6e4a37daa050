"""Edits of lockfiles in JSON, as an attacker or a merge makes them: for comparing with real clients.

Each edit is one table of ``package-lock.json`` or ``bun.lock`` changed by chance. What it puts in is what
the registry of ``static_registry`` has, with the right hash: a wrong one is no matter of requirements.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any, Final

from tests.support.static_registry import PACKAGES, tarball
from tests.support.tarballs import integrity_of

Tables = dict[str, Any]

_RANGES: Final = ("^1.0.0", "1.0.0", "2.0.0", "*", "npm:tt@1.0.0", ">=1 <3", "next", "")
_SECTIONS: Final = ("dependencies", "optionalDependencies", "peerDependencies", "devDependencies")
_FLAGS: Final = ("dev", "optional", "devOptional", "peer", "extraneous", "inBundle", "ideallyInert")
_NAMES: Final = tuple(PACKAGES)
_URL: Final = re.compile(r"http://127\.0\.0\.1:\d+/")


def edit_npm(chance: random.Random, text: str) -> str:
    """One edit of a package-lock.json of any version."""
    data = json.loads(text)
    found = _URL.search(text)
    url = found.group() if found else "http://127.0.0.1:9/"
    if "packages" not in data or ("dependencies" in data and chance.random() < 0.3):
        _edit_legacy(chance, data, url)
    else:
        chance.choice(_NPM_EDITS)(chance, data["packages"], url)
    if chance.random() < 0.05:
        data["lockfileVersion"] = chance.choice([1, 2, 3])
    return json.dumps(data, indent=2) + "\n"


def _locked(chance: random.Random, name: str, url: str) -> Tables:
    """What npm locks of a version of a package."""
    version = chance.choice(list(PACKAGES[name]))
    file = name.rpartition("/")[2]
    return {
        "version": version,
        "resolved": f"{url}{name}/-/{file}-{version}.tgz",
        "integrity": integrity_of(tarball(name, version)),
        **PACKAGES[name][version],
    }


def _places(packages: Tables) -> list[str]:
    return [place for place in packages if "node_modules/" in place] or [""]


def _drop(chance: random.Random, packages: Tables, url: str) -> None:
    del packages[chance.choice(list(packages))]


def _replace(chance: random.Random, packages: Tables, url: str) -> None:
    """Another version of the package, or another package in its place."""
    place = chance.choice(_places(packages))
    name = place.rpartition("node_modules/")[2]
    if name not in PACKAGES or chance.random() < 0.3:
        name = chance.choice(_NAMES)
    renamed = {} if place.endswith(f"/{name}") else {"name": name}
    packages[place] = renamed | _locked(chance, name, url)


def _nest(chance: random.Random, packages: Tables, url: str) -> None:
    """A second copy, which hides the one above it."""
    name = chance.choice(_NAMES)
    packages[f"{chance.choice(_places(packages))}/node_modules/{name}".lstrip("/")] = _locked(
        chance, name, url
    )


def _require(chance: random.Random, packages: Tables, url: str) -> None:
    """A requirement that an entry gains, loses, or has otherwise."""
    entry = packages[chance.choice(list(packages))]
    _edit_requirements(chance, entry)


def _edit_requirements(chance: random.Random, entry: Tables) -> None:
    present = [each for each in _SECTIONS if entry.get(each)]
    section = chance.choice(present or ["dependencies"])
    table = entry.setdefault(section, {})
    name = chance.choice([*table, *table, chance.choice(_NAMES)])
    kind = chance.choice(["drop", "set", "move"])
    if kind == "drop":
        table.pop(name, None)
    elif kind == "set":
        table[name] = chance.choice(_RANGES)
    else:
        other = entry.setdefault(chance.choice(_SECTIONS), {})
        other[name] = table.pop(name, chance.choice(_RANGES))
        if chance.random() < 0.3:
            entry["peerDependenciesMeta"] = {name: {"optional": True}}
    for each in _SECTIONS:
        if entry.get(each) == {}:
            del entry[each]


def _flag(chance: random.Random, packages: Tables, url: str) -> None:
    entry = packages[chance.choice(_places(packages))]
    flag = chance.choice(_FLAGS)
    if entry.pop(flag, None) is None:
        entry[flag] = True


def _link(chance: random.Random, packages: Tables, url: str) -> None:
    """A folder of the repository in a package's place."""
    target = chance.choice(["vendor/folder", "packages/member"])
    packages.setdefault(target, {"name": target.rpartition("/")[2], "version": "1.0.0"})
    packages[chance.choice(_places(packages))] = {"resolved": target, "link": True}


def _platform(chance: random.Random, packages: Tables, url: str) -> None:
    entry = packages[chance.choice(_places(packages))]
    entry[chance.choice(["os", "cpu", "libc"])] = [chance.choice(["win32", "!linux", "any"])]
    if chance.random() < 0.5:
        entry["optional"] = True


def _forget(chance: random.Random, packages: Tables, url: str) -> None:
    entry = packages[chance.choice(list(packages))]
    for key in chance.sample(list(entry), min(1, len(entry))):
        del entry[key]


def _rename(chance: random.Random, packages: Tables, url: str) -> None:
    packages[chance.choice(_places(packages))]["name"] = chance.choice(_NAMES)


_Edit = Callable[[random.Random, Tables, str], None]
_NPM_EDITS: Final[tuple[_Edit, ...]] = (
    _drop, _drop, _replace, _replace, _nest, _require, _require, _require, _flag, _link, _platform,
    _forget, _rename,
)  # fmt: skip


def _edit_legacy(chance: random.Random, data: Tables, url: str) -> None:
    """One edit of the tree that npm 6 reads."""
    tree: Tables = data.setdefault("dependencies", {})
    names = list(tree)
    kind = chance.choice(["drop", "replace", "add", "requires", "nest"])
    name = chance.choice(names or ["aa"])
    entry = tree.setdefault(name, {})
    if kind == "drop":
        del tree[name]
    elif kind in ("replace", "add", "nest"):
        name = name if kind == "replace" and name in PACKAGES else chance.choice(_NAMES)
        found = _locked(chance, name, url)
        found["requires"] = found.pop("dependencies", {})
        for key in ("peerDependencies", "optionalDependencies"):
            found.pop(key, None)
        where = entry.setdefault("dependencies", {}) if kind == "nest" else tree
        where[name] = found
    else:
        asked = entry.setdefault("requires", {})
        asked[chance.choice(_NAMES)] = chance.choice(_RANGES)


def edit_bun(chance: random.Random, text: str) -> str:
    """One edit of a bun.lock."""
    data = json.loads(re.sub(r",(\s*[}\]])", r"\1", text))
    found = _URL.search(text)
    chance.choice(_BUN_EDITS)(chance, data, found.group() if found else "")
    return bun_text(data)


def bun_text(data: Tables) -> str:
    """A bun.lock laid out as Bun does it: one line an entry of ``packages``."""
    lines = ["{"]
    for key, value in data.items():
        if key != "packages":
            inner = json.dumps(value, indent=2).replace("\n", "\n  ")
            lines.append(f"  {json.dumps(key)}: {inner},")
            continue
        lines.append('  "packages": {')
        entries = [f"    {json.dumps(name)}: {_flow(entry)}," for name, entry in value.items()]
        lines += ["\n\n".join(entries), "  }"] if entries else ["  }"]
    return "\n".join([*lines, "}"]) + "\n"


def _flow(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, dict) and value:
        inner = ", ".join(f"{json.dumps(key)}: {_flow(each)}" for key, each in value.items())
        return "{ " + inner + " }"
    return json.dumps(value)


def _bun_locked(chance: random.Random, name: str, url: str) -> list[Any]:
    version = chance.choice(list(PACKAGES[name]))
    file = f"{name.rpartition('/')[2]}-{version}.tgz"
    integrity = integrity_of(tarball(name, version))
    info = dict(PACKAGES[name][version])
    return [f"{name}@{version}", url and f"{url}{name}/-/{file}", info, integrity]


def _bun_drop(chance: random.Random, data: Tables, url: str) -> None:
    packages = data["packages"]
    if packages:
        del packages[chance.choice(list(packages))]


def _bun_replace(chance: random.Random, data: Tables, url: str) -> None:
    key = chance.choice([*data["packages"], "aa"])
    name = key if key in PACKAGES and chance.random() < 0.7 else chance.choice(_NAMES)
    data["packages"][key] = _bun_locked(chance, name, url)


def _bun_nest(chance: random.Random, data: Tables, url: str) -> None:
    name = chance.choice(_NAMES)
    key = f"{chance.choice([*data['packages'], 'aa'])}/{name}"
    data["packages"][key] = _bun_locked(chance, name, url)


def _bun_require(chance: random.Random, data: Tables, url: str) -> None:
    entries = [each for each in data["packages"].values() if len(each) == 4]
    if entries:
        _edit_requirements(chance, chance.choice(entries)[2])


def _bun_recorded(chance: random.Random, data: Tables, url: str) -> None:
    """What the lockfile says of the manifests."""
    _edit_requirements(chance, chance.choice(list(data["workspaces"].values())))


def _bun_setting(chance: random.Random, data: Tables, url: str) -> None:
    kind = chance.choice(["overrides", "catalog", "trustedDependencies", "configVersion"])
    if kind == "trustedDependencies":
        data[kind] = [chance.choice(_NAMES)]
    elif kind == "configVersion":
        data[kind] = chance.choice([0, 1])
    else:
        table = dict(data.get(kind, {}))
        table[chance.choice([*table, chance.choice(_NAMES)])] = chance.choice(_RANGES[:4])
        data[kind] = table
    data["packages"] = data.pop("packages")  # the last one, as Bun has it


def _bun_link(chance: random.Random, data: Tables, url: str) -> None:
    key = chance.choice([*data["packages"], "aa"])
    data["packages"][key] = [
        f"{key}@{chance.choice(['file:vendor/folder', 'workspace:packages/member'])}"
    ]


_BUN_EDITS: Final[tuple[_Edit, ...]] = (
    _bun_drop, _bun_drop, _bun_replace, _bun_replace, _bun_nest, _bun_require, _bun_require,
    _bun_recorded, _bun_recorded, _bun_setting, _bun_link,
)  # fmt: skip
