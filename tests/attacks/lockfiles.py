"""Minimal manifests and lockfiles of every client, as the client itself would write them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

REGISTRY: Final = "https://registry.npmjs.org/"
YARN_REGISTRY: Final = "https://registry.yarnpkg.com/"
NAMES: Final = {
    "npm": "package-lock.json",
    "pnpm": "pnpm-lock.yaml",
    "yarn-classic": "yarn.lock",
    "yarn-berry": "yarn.lock",
    "bun": "bun.lock",
}
PINS: Final = {
    "npm": "npm@11.6.0",
    "pnpm": "pnpm@10.20.0",
    "yarn-classic": "yarn@1.22.22",
    "yarn-berry": "yarn@4.10.3",
    "bun": "bun@1.3.0",
}


def digest(text: str, algorithm: str = "sha512") -> str:
    """An SRI hash that stands for the bytes of a package."""
    found = hashlib.new(algorithm, text.encode()).digest()
    return f"{algorithm}-{base64.b64encode(found).decode()}"


@dataclass(frozen=True, kw_only=True)
class Package:
    """A published version: ``requires`` are its dependencies, ``content`` stands for its bytes."""

    name: str
    version: str
    requires: Mapping[str, str] = field(default_factory=dict)
    scripts: bool = False
    content: str = "as published"

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def integrity(self) -> str:
        return digest(self.label + self.content)

    @property
    def checksum(self) -> str:
        return "10c0/" + hashlib.sha512((self.label + self.content).encode()).hexdigest()

    def url(self, registry: str = REGISTRY) -> str:
        return f"{registry}{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"


@dataclass
class Tree:
    """A project's dependencies, flat: one version a name. ``manifest`` is the package.json."""

    manifest: dict[str, object]
    packages: list[Package]

    def asked(self, group: str) -> dict[str, str]:
        found = self.manifest.get(group, {})
        assert isinstance(found, dict)
        return found

    @property
    def groups(self) -> dict[str, dict[str, str]]:
        names = ("dependencies", "devDependencies", "optionalDependencies")
        return {name: self.asked(name) for name in names if self.asked(name)}

    @property
    def direct(self) -> dict[str, str]:
        return {name: spec for group in self.groups.values() for name, spec in group.items()}

    def named(self, name: str) -> Package:
        return next(each for each in self.packages if each.name == name)

    def specifiers(self, name: str) -> list[str]:
        """Every range by which a package is required."""
        asked = {self.direct[name]} if name in self.direct else set()
        asked.update(each.requires[name] for each in self.packages if name in each.requires)
        return sorted(asked)

    def shipped(self) -> set[str]:
        """The names that production needs."""
        groups = self.groups
        todo = [*groups.get("dependencies", {}), *groups.get("optionalDependencies", {})]
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += self.named(name).requires
        return seen


def npm(tree: Tree) -> str:
    shipped = tree.shipped()
    root = {"name": tree.manifest["name"], "version": "1.0.0", "license": "MIT", **tree.groups}
    packages: dict[str, dict[str, object]] = {"": root}
    for each in sorted(tree.packages, key=lambda each: each.name):
        entry: dict[str, object] = {
            "version": each.version,
            "resolved": each.url(),
            "integrity": each.integrity,
        }
        if each.name not in shipped:
            entry["dev"] = True
        if each.scripts:
            entry["hasInstallScript"] = True
        if each.requires:
            entry["dependencies"] = dict(each.requires)
        packages[f"node_modules/{each.name}"] = entry
    data = {
        "name": tree.manifest["name"],
        "version": "1.0.0",
        "lockfileVersion": 3,
        "requires": True,
        "packages": packages,
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def npm_version_2(tree: Tree) -> str:
    """The same with the older half beside it, as npm 7 and 8 wrote it."""
    data = json.loads(npm(tree))
    data["lockfileVersion"] = 2
    older = {}
    for each in sorted(tree.packages, key=lambda each: each.name):
        entry = dict(data["packages"][f"node_modules/{each.name}"])
        if "dependencies" in entry:
            entry["requires"] = entry.pop("dependencies")
        entry.pop("hasInstallScript", None)
        older[each.name] = entry
    data["dependencies"] = older
    return json.dumps(data, indent=2) + "\n"


def _key(text: str) -> str:
    return f"'{text}'" if text.startswith("@") else text


def pnpm(tree: Tree) -> str:
    lines = [
        "lockfileVersion: '9.0'",
        "",
        "settings:",
        "  autoInstallPeers: true",
        "  excludeLinksFromLockfile: false",
        "",
        "importers:",
        "",
        "  .:",
    ]
    for group, asked in tree.groups.items():
        lines.append(f"    {group}:")
        for name in sorted(asked):
            lines += [
                f"      {_key(name)}:",
                f"        specifier: {asked[name]}",
                f"        version: {tree.named(name).version}",
            ]
    packages = sorted(tree.packages, key=lambda each: each.label)
    lines += ["", "packages:"]
    for each in packages:
        lines += [
            "",
            f"  {_key(each.label)}:",
            f"    resolution: {{integrity: {each.integrity}}}",
        ]
        if each.scripts:
            lines.append("    requiresBuild: true")
    lines += ["", "snapshots:"]
    for each in packages:
        if not each.requires:
            lines += ["", f"  {_key(each.label)}: {{}}"]
            continue
        lines += ["", f"  {_key(each.label)}:", "    dependencies:"]
        lines += [
            f"      {_key(name)}: {tree.named(name).version}" for name in sorted(each.requires)
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return f'"{text}"' if text.startswith("@") or " " in text else text


def yarn_classic(tree: Tree) -> str:
    lines = [
        "# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.",
        "# yarn lockfile v1",
        "",
    ]
    for each in sorted(tree.packages, key=lambda each: each.name):
        keys = ", ".join(_quoted(f"{each.name}@{spec}") for spec in tree.specifiers(each.name))
        sha1 = hashlib.sha1((each.label + each.content).encode()).hexdigest()
        lines += [
            "",
            f"{keys}:",
            f'  version "{each.version}"',
            f'  resolved "{each.url(YARN_REGISTRY)}#{sha1}"',
            f"  integrity {each.integrity}",
        ]
        if each.requires:
            lines.append("  dependencies:")
            lines += [
                f'    {_quoted(name)} "{spec}"' for name, spec in sorted(each.requires.items())
            ]
    return "\n".join(lines) + "\n"


def yarn_berry(tree: Tree) -> str:
    entries: dict[str, list[str]] = {}
    for each in tree.packages:
        keys = ", ".join(f"{each.name}@npm:{spec}" for spec in tree.specifiers(each.name))
        lines = [f"  version: {each.version}", f'  resolution: "{each.name}@npm:{each.version}"']
        lines += _berry_requires(each.requires)
        lines += [f"  checksum: {each.checksum}", "  languageName: node", "  linkType: hard"]
        entries[keys] = lines
    name = tree.manifest["name"]
    lines = ["  version: 0.0.0-use.local", f'  resolution: "{name}@workspace:."']
    lines += _berry_requires(tree.direct)
    entries[f"{name}@workspace:."] = [*lines, "  languageName: unknown", "  linkType: soft"]
    head = [
        '# This file is generated by running "yarn install" inside your project.',
        "# Manual changes might be lost - proceed with caution!",
        "",
        "__metadata:",
        "  version: 8",
        "  cacheKey: 10c0",
    ]
    for keys in sorted(entries):
        head += ["", f'"{keys}":', *entries[keys]]
    return "\n".join(head) + "\n"


def _berry_requires(asked: Mapping[str, str]) -> list[str]:
    if not asked:
        return []
    lines = [f'    {_quoted(name)}: "npm:{asked[name]}"' for name in sorted(asked)]
    return ["  dependencies:", *lines]


def bun(tree: Tree) -> str:
    root = {"name": tree.manifest["name"], **tree.groups}
    lines = ["{", '  "lockfileVersion": 1,', '  "workspaces": {', '    "": {']
    lines.append(f'      "name": {json.dumps(root.pop("name"))},')
    for group, asked in root.items():
        assert isinstance(asked, dict)
        lines.append(f"      {json.dumps(group)}: {{")
        lines += [f"        {json.dumps(n)}: {json.dumps(s)}," for n, s in sorted(asked.items())]
        lines.append("      },")
    lines += ["    },", "  },", '  "packages": {']
    blocks = [
        f'    {json.dumps(each.name)}: [{json.dumps(each.label)}, "", '
        f"{_bun_requires(each.requires)}, {json.dumps(each.integrity)}],"
        for each in sorted(tree.packages, key=lambda each: each.name)
    ]
    lines.append("\n\n".join(blocks))
    return "\n".join([*lines, "  }", "}"]) + "\n"


def _bun_requires(asked: Mapping[str, str]) -> str:
    if not asked:
        return "{}"
    inner = ", ".join(f"{json.dumps(n)}: {json.dumps(s)}" for n, s in sorted(asked.items()))
    return f'{{ "dependencies": {{ {inner} }} }}'


WRITERS: Final[Mapping[str, Callable[[Tree], str]]] = {
    "npm": npm,
    "pnpm": pnpm,
    "yarn-classic": yarn_classic,
    "yarn-berry": yarn_berry,
    "bun": bun,
}


def starting_tree(client: str) -> Tree:
    """The project that is attacked: two direct packages, one of them for development, and one below."""
    return Tree(
        manifest={
            "name": "shop",
            "version": "1.0.0",
            "license": "MIT",
            "packageManager": PINS[client],
            "dependencies": {"debug": "^4.3.4", "left-pad": "^1.3.0"},
            "devDependencies": {"eslint-scope": "^3.7.0"},
        },
        packages=starting_packages(),
    )


def starting_packages() -> list[Package]:
    return [
        Package(name="debug", version="4.3.4", requires={"ms": "2.1.2"}),
        Package(name="ms", version="2.1.2"),
        Package(name="left-pad", version="1.3.0"),
        Package(
            name="eslint-scope",
            version="3.7.1",
            requires={"esrecurse": "^4.1.0", "estraverse": "^4.1.1"},
        ),
        Package(name="esrecurse", version="4.3.0", requires={"estraverse": "^4.1.1"}),
        Package(name="estraverse", version="4.3.0"),
    ]


def labels(packages: Sequence[Package]) -> list[str]:
    return [each.label for each in packages]
