"""Changes of projects in memory: two states of some files, as the checks receive them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from npm_vetted.git.comparison import Comparison
from npm_vetted.git.repository import ChangedPath
from npm_vetted.projects.change import Change
from npm_vetted.projects.introduced import IntroducedPackage
from npm_vetted.projects.project_change import (
    ProjectChange,
)
from npm_vetted.vetting.exemptions import Exemptions
from npm_vetted.vetting.note_store import NoteStore
from npm_vetted.vetting.policy import read_policy
from npm_vetted.vetting.resolver import Vetting
from tests.support.npm_projects import REGISTRY, MemorySnapshot, entry, lockfile, sri

TODAY = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)

SPLIT = "[policy.development]\nnew = []\n"

Files = Mapping[str, str]

Locked = Mapping[str, Mapping[str, Any]]


def project(packages: Locked, folder: str = "", **groups: Any) -> dict[str, str]:
    """The manifest and the lockfile of a project; without groups it depends on all at the top."""
    groups = groups or {
        "dependencies": {name: "*" for name in packages if "/node_modules/" not in name}
    }
    manifest = {"name": "p", "version": "1.0.0", **groups}
    return {
        f"{folder}package.json": json.dumps(manifest),
        f"{folder}package-lock.json": lockfile(manifest, packages),
    }


def nothing(_: str) -> bytes | None:
    return None


class Parent(MemorySnapshot):
    """An earlier state, which knows what the later one changes."""

    def __init__(self, files: Files, later: MemorySnapshot) -> None:
        super().__init__(files)
        self._later = later

    @property
    def changes(self) -> Mapping[str, ChangedPath]:
        paths = {*self.everything(), *self._later.everything()}
        return {
            path: ChangedPath(self.entry(path), self._later.entry(path))
            for path in paths
            if self.read(path) != self._later.read(path)
        }


def change(
    before: Files | tuple[Files, ...], after: Files, config: str = "", **more: Any
) -> Change:
    """A commit between two states; several states before are the parents of a merge."""
    earlier = before if isinstance(before, tuple) else (before,)
    now = MemorySnapshot(after, more.pop("modes", None))
    snapshots = tuple(Parent(each, now) for each in earlier)
    touched = {
        path: each
        for path, each in snapshots[0].changes.items()
        if all(path in other.changes for other in snapshots)
    }
    policy = read_policy(f"format = 2\n{config}".encode(), adopted=True)
    notes = NoteStore(now, policy.criteria)
    vetting = Vetting(policy, Exemptions(""), notes)
    everything = more.pop("everything", False)
    comparison = Comparison(
        snapshots, now, snapshots[0], touched, everything, **more.pop("comparison", {})
    )
    return Change(
        comparison=comparison, policy=policy, vetting=vetting, earlier_vettings=(vetting,), today=TODAY, **more
    )  # fmt: skip


def only(found: Change) -> ProjectChange:
    (one,) = found.projects
    return one


def brought(found: Change) -> dict[str, str]:
    """What a change brings, and why it is judged."""
    return {each.artifact.label: each.arrival.value for each in found.uses()}


def use(found: Change, label: str) -> IntroducedPackage:
    (one,) = (each for each in found.uses() if each.artifact.label == label)
    return one


A, B = entry("a"), entry("b")

OTHER_BYTES = entry("a", integrity=sri("others"))


def nested(**groups: Any) -> dict[str, str]:
    return project({"a": entry("a", dependencies={"b": "*"}), "b": B}, **groups)


def versions(*each: str) -> dict[str, str]:
    """Several versions of ``a``, the first at the top."""
    first, *others = each
    packages = {"a": entry("a", first)}
    for other in others:
        name = f"n{other.replace('.', '')}"
        packages |= {
            name: entry(name, dependencies={"a": other}),
            f"{name}/node_modules/a": entry("a", other),
        }
    return project(packages)


def carrying(inner: str = "1.0.0", outer: str = "1.0.0", **more: Any) -> dict[str, str]:
    bundled = entry("in", inner, inBundle=True, resolved=None, integrity=None, **more)
    return project(
        {"out": entry("out", outer, bundleDependencies=["in"]), "out/node_modules/in": bundled}
    )


BROKEN = '{"name": "p", "lockfileVersion": 3, "packages": {"node_modules/a": {"version": 3}}}'

ACCEPTED = """
[[ignore]]
check = "lockfile-sync"
code = "no-lockfile"
path = "package.json"
reason = "a library"
"""


class Home(NamedTuple):
    """What ``manifests_by_lockfile`` reads of a lockfile."""

    home: str
    locks_folders: bool = False

    @property
    def path(self) -> str:
        return f"{self.home}/a.lock" if self.home else "a.lock"


def classic(*names: str, **groups: dict[str, str]) -> dict[str, str]:
    """A project of Yarn 1, whose lockfile does not say what the manifest requires."""
    blocks = [
        f'{name}@*:\n  version "1.0.0"\n  resolved "{REGISTRY}{name}/-/{name}-1.0.0.tgz"\n'
        f"  integrity {sri(f'{name}@1.0.0')}\n"
        for name in names
    ]
    return {
        "package.json": json.dumps({"name": "p", **groups}),
        "yarn.lock": "# yarn lockfile v1\n\n\n" + "\n".join(blocks),
    }


def old_format(packages: Locked, **groups: Any) -> dict[str, str]:
    """The same project with a package-lock.json of version 1, which tells nothing of scripts."""
    flat = {
        name: {key: fields[key] for key in ("version", "resolved", "integrity")}
        for name, fields in packages.items()
    }
    data = {"name": "p", "version": "1.0.0", "lockfileVersion": 1, "requires": True}
    return {
        "package.json": project(packages, **groups)["package.json"],
        "package-lock.json": json.dumps({**data, "dependencies": flat}, indent=2),
    }


def berry(key: str, digest: str) -> dict[str, str]:
    """A project of Yarn berry that locks ``a``, with its cache key and the digest of the zip."""
    return {
        "package.json": json.dumps({"name": "p", "dependencies": {"a": "^1.0.0"}}),
        "yarn.lock": f"""__metadata:
  version: 8
  cacheKey: {key}

"a@npm:^1.0.0":
  version: 1.0.0
  resolution: "a@npm:1.0.0"
  checksum: {key}/{digest}
  languageName: node
  linkType: hard

"p@workspace:.":
  version: 0.0.0-use.local
  resolution: "p@workspace:."
  dependencies:
    a: "npm:^1.0.0"
  languageName: unknown
  linkType: soft
""",
    }


def pnpm_lock(asked: Mapping[str, str], patches: Mapping[str, str]) -> str:
    """A lockfile of ``a`` and of ``b``, which brings ``a``."""
    table = "".join(
        f"  {label}:\n    hash: {'0' * 64}\n    path: {path}\n" for label, path in patches.items()
    )
    importer = "".join(
        f"      {name}:\n        specifier: {each}\n        version: {each}\n"
        for name, each in asked.items()
    )
    packages = "".join(
        f"  {name}@1.0.0:\n    resolution: {{integrity: {sri(f'{name}@1.0.0')}}}\n\n"
        for name in "ab"
    )
    return (
        "lockfileVersion: '9.0'\n\n"
        + (f"patchedDependencies:\n{table}\n" if table else "")
        + f"importers:\n\n  .:\n    dependencies:\n{importer}\npackages:\n\n{packages}"
        "snapshots:\n\n  a@1.0.0: {}\n\n  b@1.0.0:\n    dependencies:\n      a: 1.0.0\n"
    )


def pnpm_manifest(asked: Mapping[str, str]) -> str:
    return json.dumps({"name": "p", "dependencies": asked})


def workspace(root: Mapping[str, str], inner: Mapping[str, str]) -> dict[str, str]:
    """A pnpm project and its workspace ``w``, each with a lockfile of its own."""
    return {
        "package.json": pnpm_manifest(root),
        "pnpm-lock.yaml": pnpm_lock(root, {}),
        "pnpm-workspace.yaml": "packages: [w]\nsharedWorkspaceLockfile: false\n",
        "w/package.json": pnpm_manifest(inner),
        "w/pnpm-lock.yaml": pnpm_lock(inner, {}),
    }


def patched(patches: Mapping[str, str], **files: str) -> dict[str, str]:
    """A pnpm project with ``a``, ``b`` and patches: package -> patch file."""
    asked = dict.fromkeys("ab", "1.0.0")
    return {
        "package.json": pnpm_manifest(asked),
        "pnpm-lock.yaml": pnpm_lock(asked, patches),
        **{f"{name}.patch": text for name, text in files.items()},
    }


def bun(patches: Mapping[str, str]) -> dict[str, str]:
    """A Bun project: its lockfile names patches apart from the entries."""
    table = json.dumps(dict(patches))
    return {
        "package.json": pnpm_manifest({"a": "1.0.0"}),
        "p.patch": "1",
        "bun.lock": '{\n  "lockfileVersion": 1,\n  "workspaces": {\n    "": {\n      "name": "p",\n'
        '      "dependencies": {\n        "a": "1.0.0",\n      },\n    },\n  },\n'
        f'  "patchedDependencies": {table},\n'
        f'  "packages": {{\n    "a": ["a@1.0.0", "", {{}}, "{sri("a@1.0.0")}"],\n  }}\n}}\n',
    }


LONE = entry("in", inBundle=True, resolved=None, integrity=None)

OUT = entry("out", bundleDependencies=["in"])

DEEP = {"b": B, "b/node_modules/out": OUT, "b/node_modules/out/node_modules/in": LONE}
