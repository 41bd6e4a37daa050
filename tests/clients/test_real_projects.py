"""Monorepos that each real client builds: adopted, added to, bumped, cut down, all through ``check``.

What a commit is rejected for is held to what the client's own listing says is new.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.git_repo import GitRepo
from tests.support.real_clients import Clients, make_tarball, program_of
from tests.support.story import SCRIPTS

pytestmark = pytest.mark.slow

Label = tuple[str, str]
"""A package's name and version."""

PATCH: Final = """\
diff --git a/extra.js b/extra.js
new file mode 100644
index 0000000000000000000000000000000000000000..d00491fd7e5bb6fa28c517a0bb32b8b506539d4d
--- /dev/null
+++ b/extra.js
@@ -0,0 +1 @@
+1
"""
WHY: Final = "Tells plain objects; its author, its one dependency and all of its code looked at."


@dataclass(frozen=True)
class Kind:
    """How one client is told of what a monorepo has, and asked what it locked."""

    install: Sequence[str]
    add: Sequence[str]
    remove: Sequence[str]
    listed: Callable[[Clients, str, Path], set[Label]]
    root: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    sibling: str = "workspace:*"
    catalog: str = "6.0.3"
    patched: str = "7.0.0"
    settle: Sequence[str] = ()
    """What must be run after, as ``check`` says."""
    inside: bool = False
    """Whether a member's packages are added and removed in its folder."""


def _npm(clients: Clients, name: str, root: Path) -> set[Label]:
    done = clients.run(name, "ls", "--all", "--json", "--package-lock-only", cwd=root)
    return set(_npm_tree(json.loads(done.stdout).get("dependencies", {})))


def _npm_tree(table: Mapping[str, Any]) -> Iterator[Label]:
    for name, found in table.items():
        if "version" in found:
            yield name, found["version"]
        yield from _npm_tree(found.get("dependencies", {}))


def _pnpm(clients: Clients, name: str, root: Path) -> set[Label]:
    done = clients.run(name, "list", "-r", "--depth", "Infinity", "--json", cwd=root)
    # One list, or, where each workspace has its own lockfile, a list for each.
    lists = json.loads(f"[{re.sub(r'(?m)^]$', '],', done.stdout).strip().rstrip(',')}]")
    return {label for each in chain.from_iterable(lists) for label in _pnpm_tree(each)}


def _pnpm_tree(found: Mapping[str, Any]) -> Iterator[Label]:
    for group in ("dependencies", "devDependencies", "optionalDependencies"):
        for name, child in found.get(group, {}).items():
            yield name, child["version"]
            yield from _pnpm_tree(child)


def _yarn1(clients: Clients, name: str, root: Path) -> set[Label]:
    done = clients.run(name, "list", "--json", cwd=root)
    trees = [
        line["data"]["trees"]
        for line in map(json.loads, done.stdout.splitlines())
        if line["type"] == "tree"
    ]
    return {label for tree in trees for label in _yarn1_tree(tree)}


def _yarn1_tree(trees: Sequence[Mapping[str, Any]]) -> Iterator[Label]:
    for found in trees:
        if not found.get("shadow"):
            name, _, version = found["name"].rpartition("@")
            yield name, version
        yield from _yarn1_tree(found.get("children", ()))


def _yarn4(clients: Clients, name: str, root: Path) -> set[Label]:
    done = clients.run(name, "info", "--all", "--recursive", "--json", cwd=root)
    values = [json.loads(line)["value"] for line in done.stdout.splitlines()]
    found = (re.match(r"(@?[^@]+)@npm:(.+)", value) for value in values)
    return {(each[1], each[2]) for each in found if each}


def _bun(clients: Clients, name: str, root: Path) -> set[Label]:
    done = clients.run(name, "pm", "ls", "--all", cwd=root)
    found = re.findall(r"(?:├──|└──) (@?[^@\s]+)@(\S+)", done.stdout)
    return {(name, version) for name, version in found}


_GLOBS: Final = ["packages/*", "!packages/old"]
_PNPM: Final = """\
packages:
  - packages/*
  - '!packages/old'
catalog:
  kind-of: 6.0.3
overrides:
  is-buffer: 1.1.5
patchedDependencies:
  is-number@7.0.0: patches/is-number.patch
"""
_NPM_KIND: Final = Kind(
    install=("install", "--ignore-scripts"),
    add=("install", "--ignore-scripts", "--workspace", "packages/a"),
    remove=("uninstall", "--ignore-scripts", "--workspace", "packages/a"),
    listed=_npm,
    root={"workspaces": _GLOBS, "overrides": {"is-buffer": "1.1.5"}},
    sibling="^1.0.0",
)
_PNPM_KIND: Final = Kind(
    install=("install", "--ignore-scripts"),
    add=("--filter", "@shop/a", "add", "--ignore-scripts"),
    remove=("--filter", "@shop/a", "remove"),
    listed=_pnpm,
    files={"pnpm-workspace.yaml": _PNPM, "patches/is-number.patch": PATCH},
    catalog="catalog:",
)
_BUN_KIND: Final = Kind(
    install=("install", "--ignore-scripts"),
    add=("add", "--ignore-scripts", "--exact"),
    remove=("remove", "--ignore-scripts"),
    listed=_bun,
    root={
        "workspaces": {"packages": _GLOBS, "catalog": {"kind-of": "6.0.3"}},
        "overrides": {"is-buffer": "1.1.5"},
        "patchedDependencies": {"is-number@7.0.0": "patches/is-number.patch"},
    },
    files={"patches/is-number.patch": PATCH},
    catalog="catalog:",
    inside=True,
)
KINDS: Final[Mapping[str, Kind]] = {
    "npm11": _NPM_KIND,
    "npm12": _NPM_KIND,
    "pnpm10": _PNPM_KIND,
    "pnpm11": _PNPM_KIND,
    "pnpm12": _PNPM_KIND,
    "yarn1": Kind(
        install=("install", "--ignore-scripts"),
        add=("workspace", "@shop/a", "add", "--ignore-scripts", "--exact"),
        remove=("workspace", "@shop/a", "remove", "--ignore-scripts"),
        listed=_yarn1,
        root={
            "packageManager": "yarn@1.22.22",
            "workspaces": {"packages": ["packages/*"]},
            "resolutions": {"is-buffer": "1.1.5"},
        },
        sibling="1.0.0",
        settle=("install", "--ignore-scripts"),
    ),
    "yarn4.18": Kind(
        install=("install", "--mode=skip-build"),
        add=("workspace", "@shop/a", "add", "--mode=skip-build", "--exact"),
        remove=("workspace", "@shop/a", "remove", "--mode=skip-build"),
        listed=_yarn4,
        root={
            "packageManager": "yarn@4.18.1",
            "workspaces": _GLOBS,
            "resolutions": {"is-buffer": "1.1.5"},
        },
        files={
            ".yarnrc.yml": "nodeLinker: node-modules\ncatalog:\n  kind-of: 6.0.3\n",
            "patches/is-number.patch": PATCH,
            "yarn.lock": "",
        },
        catalog="catalog:",
        patched="patch:is-number@npm%3A7.0.0#~/patches/is-number.patch",
    ),
    "bun1.3": _BUN_KIND,
    "bun1.4": _BUN_KIND,
}


class Monorepo:
    """A shop of two packages, one of which depends on the other, and one that is left out."""

    def __init__(
        self, repo: GitRepo, clients: Clients, client: str, kind: Kind | None = None
    ) -> None:
        self.repo = repo
        self.client = client
        self.kind = kind or KINDS[client]
        self._clients = clients
        (repo.path / "vendor").mkdir()
        make_tarball(
            repo.path / "vendor" / "local-1.0.0.tgz",
            {"package.json": '{"name": "local", "version": "1.0.0"}', "index.js": ""},
        )
        self._manifest(
            "", "shop", {
                "dependencies": {
                    "is-even": "1.0.0", "is-number": self.kind.patched, "odd": "npm:is-odd@3.0.1",
                    "local": "file:./vendor/local-1.0.0.tgz",
                },
                "optionalDependencies": {"fsevents": "2.3.3"},
                **self.kind.root,
            },
        )  # fmt: skip
        siblings = {"@shop/b": self.kind.sibling, "kind-of": self.kind.catalog}
        self._manifest("packages/a/", "@shop/a", {"dependencies": siblings})
        self._manifest("packages/b/", "@shop/b", {"devDependencies": {"isarray": "2.0.5"}})
        self._manifest("packages/old/", "@shop/old", {})
        for path, text in self.kind.files.items():
            repo.write(path, text)
        repo.write(".gitignore", "node_modules/\n.yarn/\n.pnp.*\n")
        self.run(*self.kind.install)
        repo.add()

    def _manifest(self, folder: str, name: str, data: Mapping[str, object]) -> None:
        manifest = {"name": name, "version": "1.0.0", "private": True, **data}
        self.repo.write(f"{folder}package.json", json.dumps(manifest, indent=2) + "\n")

    def run(self, *args: str, folder: str = "") -> None:
        """Run the real client."""
        self._clients.run(self.client, *args, cwd=self.repo.path / folder)

    def change(self, command: Sequence[str], package: str) -> None:
        """Run a command of the client that changes what a member requires, and stage it all."""
        self.run(*command, package, folder="packages/a" if self.kind.inside else "")
        if self.kind.settle:
            self.run(*self.kind.settle)
        self.repo.add()

    def listed(self) -> set[Label]:
        """What the client itself says that it locked."""
        return self.kind.listed(self._clients, self.client, self.repo.path)

    def vetted(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run npm-vetted as a user does."""
        env = self._clients.environment(self.client)
        return subprocess.run(
            [str(SCRIPTS / "npm-vetted"), *args], cwd=self.repo.path, check=False,
            env={**os.environ, **env}, capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    def accepts(self, *args: str) -> None:
        """``check`` finds nothing."""
        done = self.vetted("check", *args)
        assert done.returncode == 0, done.stdout + done.stderr

    def audited(self) -> set[Label]:
        """What npm-vetted says is locked, but for the tarball in the repository."""
        done = self.vetted("audit", "--format", "json")
        rows = json.loads(done.stdout)["artifacts"]
        return {(row["package"], row["version"]) for row in rows} - {
            ("local", "1.0.0"),
            ("local", None),
        }

    def findings(self) -> list[tuple[str, str, str | None, str]]:
        """What ``check`` finds: the check, the package, the version, the command that mends it."""
        done = self.vetted("check", "--format", "json")
        assert done.returncode == 1, done.stdout + done.stderr
        return [
            (each["check"], each["package"], each["version"], each["fix"])
            for each in json.loads(done.stdout)["findings"]
        ]

    def commit(self, message: str) -> None:
        """Commit what ``check`` accepts, and leave nothing behind."""
        self.accepts()
        self.repo.commit(message)
        assert self.repo.git("status", "--porcelain") == ""
        self.accepts("--all")


def packages_of(listed: set[Label]) -> set[Label]:
    """A client's list without workspaces and tarballs, by the packages' own names."""
    names = {"odd": "is-odd"}
    return {
        (names.get(name, name), version)
        for name, version in listed
        if not name.startswith("@shop/") and name != "local"
    }


@pytest.mark.parametrize("client", KINDS)
def test_a_monorepo_lives_with_it(git_repo: GitRepo, clients: Clients, client: str) -> None:
    shop = Monorepo(git_repo, clients, client)
    git_repo.commit("A shop")

    adopted = shop.vetted("init")
    assert adopted.returncode == 0, adopted.stdout + adopted.stderr
    assert "accepted as it is" not in adopted.stderr, adopted.stderr
    git_repo.commit("Adopt npm-vetted")
    shop.accepts("--all")

    before = shop.listed()
    assert shop.audited() - packages_of(before) <= {("fsevents", "2.3.3")}  # of another platform
    assert packages_of(before) <= shop.audited()
    shop.change(shop.kind.add, "is-plain-object@2.0.4")
    new = shop.listed() - before
    assert new == {("is-plain-object", "2.0.4"), ("isobject", "3.0.1")}
    found = shop.findings()
    assert {(package, version) for _, package, version, _ in found} == new, found
    assert {check for check, *_ in found} == {"unvetted"}
    noted = shop.vetted("note", "--staged", "--criteria", "health", "-m", WHY)
    assert noted.returncode == 0, noted.stderr
    shop.commit("Add is-plain-object")

    shop.change(shop.kind.add, "is-plain-object@5.0.0")
    [(check, package, version, fix)] = shop.findings()
    assert (check, package, version) == ("unvetted", "is-plain-object", "5.0.0")
    assert fix.endswith("--criteria changelog")
    noted = shop.vetted("note", "is-plain-object", "--criteria", "changelog", "-m", WHY)
    assert noted.returncode == 0, noted.stderr
    shop.commit("Bump is-plain-object")

    shop.change(shop.kind.remove, "is-plain-object")
    assert shop.listed() == before
    shop.commit("Do without is-plain-object")


def test_yarn_1_forgets_a_resolution_and_with_it_a_hash(
    git_repo: GitRepo, clients: Clients
) -> None:
    """``yarn workspace a add`` drops the root's; without it Yarn asks the registry for the hash."""
    shop = Monorepo(git_repo, clients, "yarn1")
    git_repo.commit("A shop")
    shop.vetted("init")
    git_repo.commit("Adopt npm-vetted")
    shop.run(*shop.kind.add, "is-plain-object@2.0.4")
    lockfile = (git_repo.path / "yarn.lock").read_text()
    git_repo.write("yarn.lock", lockfile.replace("sha512-miqftL8E", "sha512-AAAAAAAA"))
    shutil.rmtree(git_repo.path / "node_modules")
    shop.run("cache", "clean")
    shop.run("install", "--ignore-scripts", "--frozen-lockfile")  # Yarn does not mind
    git_repo.write("yarn.lock", lockfile)
    git_repo.add()
    fix = "yarn install --ignore-scripts\ngit add yarn.lock"
    assert ("lockfile-sync", "is-buffer", None, fix) in shop.findings()
    shop.run("install", "--ignore-scripts")
    git_repo.add()
    assert {check for check, *_ in shop.findings()} == {"unvetted"}


def _yarnrc(text: str) -> Mapping[str, str]:
    return {
        **KINDS["yarn4.18"].files,
        ".yarnrc.yml": f"nodeLinker: pnp\ncatalog: {{kind-of: 6.0.3}}\n{text}",
    }


# A client, and what its monorepo has besides: in the root's manifest, and in files.
FEATURES: Final[list[tuple[str, Mapping[str, object], Mapping[str, str]]]] = [
    ("npm12", {"overrides": {"is-even": {"is-odd": {".": "0.1.1", "is-number": "4.0.0"}}}}, {}),
    ("npm12", {}, {".npmrc": "install-strategy=linked\n"}),
    ("pnpm12", {}, {"pnpm-workspace.yaml":
        _PNPM + "packageExtensions:\n  is-even:\n    dependencies:\n      isobject: 3.0.1\n"}),
    ("pnpm12", {}, {"pnpm-workspace.yaml":
        _PNPM.replace("1.1.5", "&same 1.1.5\n  left-pad: *same")}),
    ("pnpm11", {}, {"pnpm-workspace.yaml": _PNPM + "nodeLinker: hoisted\n"}),
    ("yarn1", {"resolutions": {"is-even/**/is-number": "4.0.0", "**/is-buffer": "1.1.5"}}, {}),
    ("yarn1", {"devDependencies": {"tool": "link:./tool"}},
     {"tool/package.json": '{"name": "tool", "version": "1.0.0"}'}),
    ("yarn4.18", {"resolutions": {"is-even/is-odd": "0.1.1", "kind-of@^3.0.2": "6.0.3"}}, _yarnrc(
        'packageExtensions:\n  "is-even@*":\n    dependencies:\n      isobject: 3.0.1\n')),
    ("bun1.4", {}, {"bunfig.toml": '[install]\nlinker = "isolated"\n'}),
]  # fmt: skip


@pytest.mark.parametrize(("client", "root", "files"), FEATURES)
def test_what_a_monorepo_may_have_passes_once_adopted(
    git_repo: GitRepo,
    clients: Clients,
    client: str,
    root: Mapping[str, object],
    files: Mapping[str, str],
) -> None:
    kind = KINDS[client]
    kind = replace(kind, root={**kind.root, **root}, files={**kind.files, **files})
    shop = Monorepo(git_repo, clients, client, kind)
    git_repo.commit("A shop")
    adopted = shop.vetted("init")
    assert "accepted as it is" not in adopted.stderr, adopted.stderr
    git_repo.commit("Adopt npm-vetted")
    shop.accepts("--all")


@pytest.mark.parametrize("client", ["pnpm10", "pnpm11", "pnpm12"])
def test_a_monorepo_whose_packages_have_a_lockfile_each(
    git_repo: GitRepo, clients: Clients, client: str
) -> None:
    text = _PNPM.replace("patchedDependencies:\n  is-number@7.0.0: patches/is-number.patch\n", "")
    settings = {"pnpm-workspace.yaml": f"{text}sharedWorkspaceLockfile: false\n"}
    kind = replace(_PNPM_KIND, files=settings)
    shop = Monorepo(git_repo, clients, client, kind)
    git_repo.commit("A shop")
    assert shop.vetted("init").returncode == 0
    git_repo.commit("Adopt npm-vetted")
    shop.accepts("--all")
    assert packages_of(shop.listed()) <= shop.audited()

    shop.change(kind.add, "is-plain-object@2.0.4")
    assert {(package, version) for _, package, version, _ in shop.findings()} == {
        ("is-plain-object", "2.0.4"), ("isobject", "3.0.1"),
    }  # fmt: skip
    git_repo.git("rm", "--quiet", "--cached", "packages/a/pnpm-lock.yaml")
    assert "lockfile-sync" in {check for check, *_ in shop.findings()}
    git_repo.add()
    assert shop.vetted("note", "--staged", "--criteria", "health", "-m", WHY).returncode == 0
    shop.commit("Add is-plain-object")


def test_every_client_has_its_program() -> None:
    assert {program_of(name) for name in KINDS} == {"npm", "pnpm", "yarn", "bun"}
