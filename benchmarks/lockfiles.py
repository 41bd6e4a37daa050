"""Lockfiles of any size, in each client's format, with the manifest and settings that go with them.

The packages are invented, but of the shapes that real ones have: scoped names, packages that are
locked in two versions, some hundred direct dependencies, up to six dependencies each, and nothing
that nobody asks for.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

DIRECT: Final = 150
"""How many packages the manifest asks for."""
_WORDS: Final = tuple(
    """
    array async babel base browser buffer cache chain chalk class cli code color common compare
    config core css data date debug deep define detect dom emit encode error event express fast
    fetch file filter find flat fs function get glob graph hash html http icon image import index
    inherits is iterator jest json key lang lint list load lodash log loop map mark match memo
    merge meta mime min mix mock node number object once open option parse path pipe plugin polyfill
    postcss pretty process promise proxy query queue react read regex request resolve rollup router
    safe schema scope scroll select semver shell sign slice socket sort source spawn split stack
    state stream string strip style swap symbol sync table task test text time token tool trace
    transform tree type url util uuid value vue wait walk watch web webpack wrap write yaml zip
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Package:
    """One locked package; ``requires`` are places in the list that it stands in."""

    name: str
    version: str
    requires: tuple[int, ...] = ()

    @property
    def specifier(self) -> str:
        """The range by which everything asks for it."""
        return f"^{self.version}"

    @property
    def sri(self) -> str:
        """Its integrity."""
        return f"sha512-{base64.b64encode(self._digest).decode()}"

    @property
    def checksum(self) -> str:
        """What Yarn berry writes in place of it."""
        return f"10c0/{self._digest.hex()}"

    @property
    def _digest(self) -> bytes:
        return hashlib.sha512(f"{self.name}@{self.version}".encode()).digest()

    def url(self, host: str = "registry.npmjs.org") -> str:
        """Its tarball."""
        base = self.name.rpartition("/")[2]
        return f"https://{host}/{self.name}/-/{base}-{self.version}.tgz"


@dataclass(frozen=True, slots=True)
class Project:
    """What is locked, the first ``direct`` of it (and ``added``) because the manifest asks for it."""

    packages: tuple[Package, ...]
    direct: tuple[int, ...]

    @property
    def asked(self) -> dict[str, str]:
        """The manifest's dependencies."""
        found = [self.packages[place] for place in self.direct]
        return {each.name: each.specifier for each in sorted(found, key=lambda each: each.name)}

    def required(self, package: Package) -> dict[str, Package]:
        """What a package asks for, by name."""
        found = [self.packages[place] for place in package.requires]
        return {each.name: each for each in sorted(found, key=lambda each: each.name)}

    def and_more(self, added: Sequence[Package]) -> Project:
        """The same with more direct dependencies."""
        places = range(len(self.packages), len(self.packages) + len(added))
        return Project((*self.packages, *added), (*self.direct, *places))


def make_project(count: int, seed: int = 1) -> Project:
    """A project of so many packages; every one is reached from a direct dependency."""
    chance = random.Random(seed)
    names = _names(count, chance)
    direct = min(DIRECT, max(count // 10, 1))
    requires: list[set[int]] = [set() for _ in range(count)]
    packages: list[Package] = []
    for place in range(count):
        version = f"{chance.randint(0, 9)}.{chance.randint(0, 20)}.{chance.randint(0, 9)}"
        name = names[place]
        if place > direct and chance.random() < 0.05:  # a second version of something
            earlier = packages[chance.randrange(place)]
            if earlier.name in names[: direct + place]:
                name, version = earlier.name, f"{10 + place}.0.0"
        packages.append(Package(name, version))
        for parent in (_parent(place, direct, chance) for _ in range(chance.choice((1, 1, 2, 3)))):
            taken = {packages[each].name for each in requires[parent]} | {packages[parent].name}
            if place >= direct and name not in taken:
                requires[parent].add(place)
                break
        else:
            if place >= direct:
                packages[place] = Package(f"{names[place]}-{place}", version)
                requires[place - 1].add(place)
    for place in range(direct, count - 50, 2):  # what many ask for
        child = place + chance.randint(1, 49)
        taken = {packages[each].name for each in requires[place]} | {packages[place].name}
        if packages[child].name not in taken:
            requires[place].add(child)
    found = (
        Package(each.name, each.version, tuple(sorted(children)))
        for each, children in zip(packages, requires, strict=True)
    )
    return Project(tuple(found), tuple(range(direct)))


def _parent(place: int, direct: int, chance: random.Random) -> int:
    return chance.randrange(max(0, place - 400), place) if place >= direct and place else 0


def _names(count: int, chance: random.Random) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        words = "-".join(chance.choice(_WORDS) for _ in range(chance.choice((2, 3, 3, 4))))
        scope = (
            f"@{chance.choice(_WORDS)}-{chance.choice(_WORDS)}/" if chance.random() < 0.2 else ""
        )
        found[scope + words] = None
    return list(found)


def added(count: int) -> tuple[Package, ...]:
    """Packages that no project has."""
    return tuple(Package(f"benchmark-added-{place:03}-package", "1.2.3") for place in range(count))


@dataclass(frozen=True, slots=True)
class Format:
    """A client's lockfile: its name, and the settings that switch install scripts off."""

    name: str
    lockfile: str
    settings: tuple[tuple[str, str], ...]
    json: bool = False
    pin: str | None = None

    def write(self, project: Project) -> str:
        """The lockfile's text."""
        return _WRITERS[self.name](project)

    def manifest(self, project: Project) -> str:
        """The package.json's text."""
        data: dict[str, object] = {"name": "benchmark", "version": "1.0.0", "private": True}
        if self.pin:
            data["packageManager"] = self.pin
        return json.dumps(data | {"dependencies": project.asked}, indent=2) + "\n"


def _npm(project: Project) -> str:
    packages: dict[str, object] = {
        "": {"name": "benchmark", "version": "1.0.0", "dependencies": project.asked}
    }
    entries = {}
    for place, package in _places(project).items():
        entry: dict[str, object] = {
            "version": package.version,
            "resolved": package.url(),
            "integrity": package.sri,
            "license": "MIT",
        }
        required = project.required(package)
        if required:
            entry["dependencies"] = {name: each.specifier for name, each in required.items()}
        entry["engines"] = {"node": ">=18"}
        entries[f"node_modules/{place.replace('>', '/node_modules/')}"] = entry
    data = {
        "name": "benchmark",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "requires": True,
        "packages": packages | dict(sorted(entries.items())),
    }
    return json.dumps(data, indent=2) + "\n"


def _places(project: Project) -> dict[str, Package]:
    """Where npm and Bun install each: hoisted, a second version below every one that asks for it."""
    found: dict[str, Package] = {}
    for package in project.packages:
        found.setdefault(package.name, package)
    places: dict[Package, list[str]] = {}
    for place, package in found.items():
        places.setdefault(package, []).append(place)
    for package in project.packages:
        for name, child in project.required(package).items():
            for place in places[package] if found[name] != child else ():
                found[f"{place}>{name}"] = child
                places.setdefault(child, []).append(f"{place}>{name}")
    return found


def _pnpm(project: Project) -> str:
    lines = ["lockfileVersion: '9.0'", "", "settings:", "  autoInstallPeers: true",
             "  excludeLinksFromLockfile: false", "", "importers:", "", "  .:",
             "    dependencies:"]  # fmt: skip
    for package in sorted(
        (project.packages[each] for each in project.direct), key=lambda e: e.name
    ):
        lines += [f"      {_yaml(package.name)}:", f"        specifier: {package.specifier}",
                  f"        version: {package.version}"]  # fmt: skip
    ordered = sorted(set(project.packages), key=lambda each: (each.name, each.version))
    lines += ["", "packages:", ""]
    for package in ordered:
        lines += [
            f"  {_yaml(f'{package.name}@{package.version}')}:",
            f"    resolution: {{integrity: {package.sri}}}",
            "    engines: {node: '>=18'}",
            "",
        ]
    lines += ["snapshots:", ""]
    for package in ordered:
        required = project.required(package)
        key = _yaml(f"{package.name}@{package.version}")
        lines += [f"  {key}:" if required else f"  {key}: {{}}"]
        if required:
            lines.append("    dependencies:")
            lines += [f"      {_yaml(name)}: {each.version}" for name, each in required.items()]
        lines.append("")
    return "\n".join(lines)


def _yaml(text: str) -> str:
    return f"'{text}'" if text.startswith("@") else text


def _classic(project: Project) -> str:
    lines = [
        "# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.",
        "# yarn lockfile v1",
    ]
    lines += ["", ""]
    for package in sorted(set(project.packages), key=lambda each: (each.name, each.specifier)):
        sha1 = hashlib.sha1(package.name.encode(), usedforsecurity=False).hexdigest()
        lines += [
            f"{_quoted(f'{package.name}@{package.specifier}')}:",
            f'  version "{package.version}"',
            f'  resolved "{package.url("registry.yarnpkg.com")}#{sha1}"',
            f"  integrity {package.sri}",
        ]
        required = project.required(package)
        if required:
            lines.append("  dependencies:")
            lines += [f'    {_quoted(name)} "{each.specifier}"' for name, each in required.items()]
        lines.append("")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return f'"{text}"' if text.startswith("@") else text


def _berry(project: Project) -> str:
    lines = ["# This file is generated by running \"yarn install\" inside your project.",
             "# Manual changes might be lost - proceed with caution!", "", "__metadata:",
             "  version: 8", "  cacheKey: 10c0", ""]  # fmt: skip
    blocks = {}
    for package in set(project.packages):
        required = {name: each.specifier for name, each in project.required(package).items()}
        block = [
            f'"{package.name}@npm:{package.specifier}":',
            f"  version: {package.version}",
            f'  resolution: "{package.name}@npm:{package.version}"',
            *_berry_asks(required),
            f"  checksum: {package.checksum}",
            "  languageName: node",
            "  linkType: hard",
            "",
        ]
        blocks[f"{package.name}@npm:{package.specifier}"] = block
    blocks["benchmark@workspace:."] = [
        '"benchmark@workspace:.":',
        "  version: 0.0.0-use.local",
        '  resolution: "benchmark@workspace:."',
        *_berry_asks(project.asked),
        "  languageName: unknown",
        "  linkType: soft",
        "",
    ]
    for key in sorted(blocks):
        lines += blocks[key]
    return "\n".join(lines)


def _berry_asks(required: dict[str, str]) -> list[str]:
    if not required:
        return []
    asks = [f'    {_quoted(name)}: "npm:{specifier}"' for name, specifier in required.items()]
    return ["  dependencies:", *asks]


def _bun(project: Project) -> str:
    asked = [f'        "{name}": "{specifier}",' for name, specifier in project.asked.items()]
    lines = ["{", '  "lockfileVersion": 1,', '  "workspaces": {', '    "": {',
             '      "name": "benchmark",', '      "dependencies": {', *asked, "      },", "    },",
             "  },", '  "packages": {']  # fmt: skip
    entries = []
    for place, package in _places(project).items():
        asks = {name: each.specifier for name, each in project.required(package).items()}
        inner = ", ".join(f'"{name}": "{specifier}"' for name, specifier in asks.items())
        meta = f'{{ "dependencies": {{ {inner} }} }}' if inner else "{}"
        label = f"{package.name}@{package.version}"
        key = place.replace(">", "/")
        entries.append(
            (place.count(">"), key, f'    "{key}": ["{label}", "", {meta}, "{package.sri}"],')
        )
    body = "\n\n".join(line for _, _, line in sorted(entries))
    return "\n".join([*lines, body, "  }", "}", ""])


def _deno(project: Project) -> str:
    packages: dict[str, dict[str, object]] = {}
    for package in _places(project).values():
        found: dict[str, object] = {"integrity": package.sri}
        asks = [f"{each.name}@{each.version}" for each in project.required(package).values()]
        packages[f"{package.name}@{package.version}"] = found | (
            {"dependencies": asks} if asks else {}
        )
    places = _places(project)
    specifiers = {
        f"npm:{name}@{asked}": places[name].version for name, asked in project.asked.items()
    }
    data = {
        "version": "5",
        "specifiers": specifiers,
        "npm": packages,
        "workspace": {"packageJson": {"dependencies": sorted(specifiers)}},
    }
    return json.dumps(data, indent=2) + "\n"


_WRITERS: Final = {
    "npm": _npm, "pnpm": _pnpm, "yarn-classic": _classic, "yarn-berry": _berry, "bun": _bun,
    "deno": _deno,
}  # fmt: skip

FORMATS: Final = {
    each.name: each
    for each in (
        Format("npm", "package-lock.json", ((".npmrc", "ignore-scripts=true\n"),), json=True),
        Format(
            "pnpm", "pnpm-lock.yaml",
            ((".npmrc", "ignore-scripts=true\n"), ("pnpm-workspace.yaml", "ignoreScripts: true\n")),
            pin="pnpm@10.20.0",
        ),
        Format(
            "yarn-classic", "yarn.lock", ((".yarnrc", "ignore-scripts true\n"),),
            pin="yarn@1.22.22",
        ),
        Format(
            "yarn-berry", "yarn.lock", ((".yarnrc.yml", "enableScripts: false\n"),),
            pin="yarn@4.9.4",
        ),
        Format("deno", "deno.lock", (("deno.json", "{}\n"),), json=True),
        Format("bun", "bun.lock", (("bunfig.toml", "[install]\nignoreScripts = true\n"),)),
    )
}  # fmt: skip
