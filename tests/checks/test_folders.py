"""Workspaces and folder dependencies of every client, on real commits: what is installed is in git."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attacks.world import World, Worlds, worlds
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check, entry, write_note

__all__ = ["worlds"]

CLIENTS = ("npm", "pnpm", "yarn-classic", "yarn-berry", "bun")
EVIL = {"name": "m", "version": "1.0.0", "dependencies": {"evil": "1.0.0"}}


def add_workspace(world: World) -> None:
    """A workspace without dependencies, as the client writes it."""
    world.write("packages/m/package.json", json.dumps({"name": "m", "version": "1.0.0"}))
    lock = world.lockfile
    if world.client == "pnpm":
        world.append("pnpm-workspace.yaml", "packages:\n  - packages/*\n")
        world.edit(lock, "\npackages:\n", "\n  packages/m: {}\n\npackages:\n")
        return
    world.json("package.json", lambda data: data.update(workspaces=["packages/*"], private=True))
    if world.client == "npm":
        link = {"resolved": "packages/m", "link": True}
        more = {"node_modules/m": link, "packages/m": {"version": "1.0.0"}}
        world.json(lock, lambda data: data["packages"][""].update(workspaces=["packages/*"]))
        world.json(lock, lambda data: data["packages"].update(more))
    elif world.client == "yarn-berry":
        world.append(
            lock,
            '\n"m@workspace:packages/m":\n  version: 0.0.0-use.local\n'
            '  resolution: "m@workspace:packages/m"\n  languageName: unknown\n  linkType: soft\n',
        )
    elif world.client == "bun":
        at = '    "packages/m": {\n      "name": "m",\n      "version": "1.0.0",\n    },\n'
        world.edit(lock, '  },\n  "packages": {\n', f'{at}  }},\n  "packages": {{\n')
        world.edit(
            lock, '  "packages": {\n', '  "packages": {\n    "m": ["m@workspace:packages/m"],\n\n'
        )


def submodule(world: World, path: str) -> None:
    """A commit of another repository, of which git holds the name alone."""
    world.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},{path}")
    world.staged = True


def remove(world: World, path: str) -> None:
    world.git("rm", "-q", "-r", path)


def link(world: World, path: str, target: str) -> None:
    place = world.path / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def _to_link(world: World) -> None:
    remove(world, "packages/m")
    world.write("other/package.json", json.dumps(EVIL))
    link(world, "packages/m", "../other")


def _to_link_outside(world: World) -> None:
    remove(world, "packages/m")
    link(world, "packages/m", "../../elsewhere")


def _parent_to_link(world: World) -> None:
    remove(world, "packages")
    world.write("other/m/package.json", json.dumps(EVIL))
    link(world, "packages", "other")


def _to_submodule(world: World) -> None:
    remove(world, "packages/m")
    submodule(world, "packages/m")


def _parent_to_submodule(world: World) -> None:
    remove(world, "packages")
    submodule(world, "packages")


def _new_submodule(world: World) -> None:
    submodule(world, "packages/z")


def _new_link(world: World) -> None:
    world.write("other/package.json", json.dumps({"name": "z", "version": "1.0.0"}))
    link(world, "packages/z", "../other")


AWAY: tuple[Callable[[World], None], ...] = (
    _to_link, _to_link_outside, _parent_to_link, _to_submodule, _parent_to_submodule, _new_submodule,
    _new_link,
)  # fmt: skip


@pytest.fixture(scope="module")
def with_workspace(worlds: Worlds, tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    """The adopted repositories of a client, with a workspace."""

    class WithWorkspace(Worlds):
        def _make(self, client: str) -> Path:
            world = worlds.copy(client, self._folder / client)
            add_workspace(world)
            world.commit("A workspace")
            assert world.check("--all").status == 0
            return world.path

    return WithWorkspace(tmp_path_factory.mktemp("workspaces"))


@pytest.fixture
def workspaces(with_workspace: Worlds, tmp_path: Path, client: str) -> World:
    return with_workspace.copy(client, tmp_path / "repo")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_workspace_is_in_this_repository(workspaces: World) -> None:
    start = workspaces.git("rev-parse", "HEAD")
    for away in AWAY:
        away(workspaces)
        verdict = workspaces.judge_commit()
        codes = {each["code"] for each in verdict.findings}
        assert (verdict.status != 0, "elsewhere" in codes) == (True, True), (away, verdict.text)
        workspaces.git("reset", "-q", "--hard", start)
        workspaces.git("clean", "-qfd")
        workspaces.staged = False


@pytest.mark.parametrize("client", ["npm", "pnpm"])
def test_other_links_and_submodules_are_nobodys_business(workspaces: World) -> None:
    workspaces.write("assets/logo.svg", "<svg/>")
    link(workspaces, "packages/assets", "../assets")
    link(workspaces, "packages/m/README.md", "../../README.md")
    workspaces.stage()
    submodule(workspaces, "third-party/tool")
    assert workspaces.judge_commit().status == 0


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("path", ["packages/**", "packages/m", "packages/m/package.json", "**"])
def test_a_workspace_cannot_be_excluded(workspaces: World, path: str) -> None:
    entry = f'\n[[exclude]]\npath = "{path}"\nreason = "shown, never installed"\n'
    workspaces.append(".vetting/config.toml", entry)
    workspaces.commit("Exclude")
    workspaces.write("packages/m/package.json", json.dumps(EVIL))
    assert "lockfile-sync" in workspaces.judge_commit().errors


FOLDERS = (
    ("npm", "file"), ("pnpm", "file"), ("yarn-classic", "file"), ("yarn-classic", "link"),
    ("yarn-berry", "portal"), ("bun", "file"),
)  # fmt: skip


def add_folder(world: World, protocol: str) -> None:
    """A folder outside the workspaces that requires ms, as the client writes it."""
    wanted = {"ms": "2.1.2"}
    manifest = {"name": "x", "version": "1.0.0", "dependencies": wanted}
    world.write("vendor/x/package.json", json.dumps(manifest))
    world.write("vendor/x/index.js", "1\n")
    spec, lock = f"{protocol}:./vendor/x", world.lockfile
    world.json("package.json", lambda data: data["dependencies"].update(x=spec))
    if world.client == "npm":
        link_of = {"resolved": "vendor/x", "link": True}
        folder = {"version": "1.0.0", "dependencies": wanted}
        world.json(lock, lambda data: data["packages"][""]["dependencies"].update(x=spec))
        both = {"node_modules/x": link_of, "vendor/x": folder}
        world.json(lock, lambda data: data["packages"].update(both))
    elif world.client == "pnpm":
        asked = f"      x:\n        specifier: {spec}\n        version: file:vendor/x\n"
        world.edit(lock, "    devDependencies:\n", f"{asked}    devDependencies:\n")
        place = "    resolution: {directory: vendor/x, type: directory}\n"
        world.edit(lock, "\nsnapshots:\n", f"\n  x@file:vendor/x:\n{place}\nsnapshots:\n")
        world.append(lock, "\n  x@file:vendor/x:\n    dependencies:\n      ms: 2.1.2\n")
    elif world.client == "yarn-classic":
        more = '  dependencies:\n    ms "2.1.2"\n' if protocol == "file" else '  uid ""\n'
        version = "1.0.0" if protocol == "file" else "0.0.0"
        world.append(lock, f'\n"x@{spec}":\n  version "{version}"\n{more}')
    elif world.client == "yarn-berry":
        locator = f"x@{spec}::locator=shop%40workspace%3A."
        world.edit(
            lock, '    left-pad: "npm:^1.3.0"\n', f'    left-pad: "npm:^1.3.0"\n    x: "{spec}"\n'
        )
        world.append(
            lock,
            f'\n"{locator}":\n  version: 0.0.0-use.local\n  resolution: "{locator}"\n  dependencies:\n'
            '    ms: "npm:2.1.2"\n  languageName: unknown\n  linkType: soft\n',
        )
    else:
        world.edit(
            lock,
            '        "left-pad": "^1.3.0",\n',
            f'        "left-pad": "^1.3.0",\n        "x": "{spec}",\n',
        )
        info = json.dumps({"dependencies": wanted})
        entry = f'    "x": ["x@file:vendor/x", {info}],\n\n'
        world.edit(lock, '  "packages": {\n', f'  "packages": {{\n{entry}')


@pytest.fixture
def folder(worlds: Worlds, tmp_path: Path, client: str, protocol: str) -> World:
    world = worlds.copy(client, tmp_path / "repo")
    add_folder(world, protocol)
    verdict = world.judge_commit()
    assert (verdict.status, verdict.errors) == (0, set()), verdict.text
    world.commit("A folder")
    return world


def _asks(world: World, group: str, **wanted: str) -> None:
    world.json(
        "vendor/x/package.json",
        lambda data: data.update({group: {**data.get(group, {}), **wanted}}),
    )


def _folder_to_submodule(world: World) -> None:
    remove(world, "vendor/x")
    submodule(world, "vendor/x")


def _folder_to_link(world: World) -> None:
    remove(world, "vendor/x")
    world.write("other/package.json", json.dumps({**EVIL, "name": "x"}))
    link(world, "vendor/x", "../other")


def _excluded(world: World) -> None:
    entry = '\n[[exclude]]\npath = "vendor/**"\nreason = "vendored, we thought"\n'
    world.append(".vetting/config.toml", entry)
    world.commit("Exclude")
    _asks(world, "dependencies", evil="1.0.0")


OTHER: tuple[Callable[[World], None], ...] = (
    lambda world: _asks(world, "dependencies", evil="1.0.0"),
    lambda world: _asks(world, "optionalDependencies", evil="1.0.0"),
    lambda world: _asks(world, "dependencies", ms="^3.0.0"),
    lambda world: _asks(world, "dependencies", ms="npm:evil@2.1.2"),
    _folder_to_submodule,
    _folder_to_link,
    _excluded,
)


@pytest.mark.parametrize(("client", "protocol"), FOLDERS)
def test_the_manifest_of_a_folder_is_the_projects(folder: World) -> None:
    start = folder.git("rev-parse", "HEAD")
    for number, change in enumerate(OTHER):
        change(folder)
        verdict = folder.judge_commit()
        assert "lockfile-sync" in verdict.errors, (number, verdict.text)
        folder.git("reset", "-q", "--hard", start)
        folder.git("clean", "-qfd")
        folder.staged = False


@pytest.mark.parametrize(("client", "protocol"), FOLDERS)
def test_the_code_of_a_folder_is_ordinary_code(folder: World) -> None:
    folder.write("vendor/x/index.js", "2\n")
    folder.json("vendor/x/package.json", lambda data: data.update(description="our own folder"))
    verdict = folder.judge_commit()
    assert (verdict.status, verdict.errors) == (0, set()), verdict.text


IN_PLACE = [
    ("bun", r'"ms": \[.*\],', '"ms": ["ms@file:vendor/ms", {}],'),
    ("bun", r'"ms": \[.*\],', '"ms": ["ms@root:", {}],'),
    ("bun", r'"ms": \[.*\],', '"ms": ["ms@workspace:vendor/ms"],'),
    *(
        (
            "yarn-berry",
            r'  resolution: "ms@npm:2.1.2"\n  checksum.*\n  languageName: node\n  linkType: hard',
            f'  resolution: "ms@{reference}"\n  languageName: unknown\n  linkType: soft',
        )
        for reference in (
            "portal:vendor/ms::locator=shop%40workspace%3A.",
            "link:vendor/ms::locator=shop%40workspace%3A.",
            "workspace:vendor/ms",
        )
    ),
]


@pytest.mark.parametrize(("client", "package", "folder"), IN_PLACE)
def test_the_lockfile_puts_no_folder_in_the_place_of_a_package(
    worlds: Worlds, tmp_path: Path, client: str, package: str, folder: str
) -> None:
    """Bun installs it with --frozen-lockfile; Yarn 4 refuses that, or locks the package again."""
    world = worlds.copy(client, tmp_path / "repo")
    world.write("vendor/ms/package.json", json.dumps({"name": "ms", "version": "2.1.2"}))
    text = re.sub(package, folder, world.read(world.lockfile))
    assert text != world.read(world.lockfile)
    world.write(world.lockfile, text)
    assert "lockfile-sync" in world.judge_commit().errors


def test_the_manifest_of_a_folder_outside_the_project_is_the_projects(git_repo: GitRepo) -> None:
    """The folder needs no lockfile; each client's lockfile names it by the way to it."""
    wanted = {"x": "file:../../libs/x"}
    manifest = {"name": "a", "version": "1.0.0", "dependencies": wanted}
    folder = {"name": "x", "version": "1.0.0", "dependencies": {"b": "1.0.0"}}
    places = {
        "": manifest,
        "../../libs/x": folder,
        "node_modules/x": {"resolved": "../../libs/x", "link": True},
        "../../libs/x/node_modules/b": entry("b"),
    }
    locked = {"name": "a", "version": "1.0.0", "lockfileVersion": 3, "packages": places}
    git_repo.write("apps/a/package.json", json.dumps(manifest))
    git_repo.write("apps/a/package-lock.json", json.dumps(locked))
    git_repo.write("apps/a/.npmrc", "ignore-scripts=true\n")
    git_repo.write("libs/x/package.json", json.dumps(folder))
    write_note(git_repo, "b")
    adopt(git_repo)
    assert check(git_repo, "--all", "lockfile-sync").findings == []
    git_repo.write("libs/x/package.json", json.dumps({**folder, "description": "ours"}))
    assert check(git_repo).findings == []
    more = {**folder, "dependencies": {"b": "1.0.0", "evil": "1.0.0"}}
    git_repo.write("libs/x/package.json", json.dumps(more))
    found = {(each["code"], each["package"]) for each in check(git_repo).findings}
    assert ("out-of-date", "evil") in found
