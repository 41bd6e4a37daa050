"""A patch is part of what was vetted: whatever is done to it, the package is vetted no more.

Every client that applies patches, end to end: a patched package that entered by an exemption of its
own, and then a commit after which other code is installed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.attacks.patched import EVIL, GOOD, LEFT_PAD, WRITERS, patch
from tests.attacks.world import World, Worlds, worlds

__all__ = ["worlds"]

CLIENTS: Final = tuple(WRITERS)
PATH: Final = "patches/left-pad.patch"
OTHER: Final = "patches/other.patch"


class Patched:
    """Projects with a patched package that is exempt as it is; another patch lies about."""

    def __init__(self, worlds: Worlds, folder: Path) -> None:
        self._worlds = worlds
        self._folder = folder

    def copy(self, client: str, to: Path) -> World:
        made = self._folder / client
        if not made.exists():
            self._make(self._worlds.copy(client, made))
        shutil.copytree(made, to, symlinks=True)
        world = World(to, client)
        world.tree.manifest = json.loads(world.read("package.json"))
        return world

    @staticmethod
    def _make(world: World) -> None:
        world.write(OTHER, EVIL)
        patch(world, PATH)
        world.stage()
        world.exempt(LEFT_PAD)
        world.commit("Patch left-pad")
        verdict = world.check("--all")
        assert (verdict.status, verdict.errors) == (0, set()), verdict.text


@pytest.fixture(scope="session")
def patched(worlds: Worlds, tmp_path_factory: pytest.TempPathFactory) -> Patched:
    """The projects, one of each client."""
    return Patched(worlds, tmp_path_factory.mktemp("patched"))


def _swap(world: World) -> None:
    """Other bytes in the same file; the lockfile is left alone."""
    world.write(PATH, EVIL)


def _swap_and_lock(world: World) -> None:
    """Other bytes in the same file, and what the client then writes."""
    patch(world, PATH, EVIL)


def _repoint(world: World) -> None:
    """Another file that was there already, and what the client then writes."""
    patch(world, OTHER, EVIL)


def _repoint_silently(world: World) -> None:
    """The path alone, wherever it is: no hash is touched."""
    for name in ("package.json", "pnpm-workspace.yaml", world.lockfile):
        if (world.path / name).exists():
            world.write(name, world.read(name).replace(PATH, OTHER))


def _repoint_the_lockfile(world: World) -> None:
    """The path in the lockfile; manifest and settings are left alone."""
    world.write(world.lockfile, world.read(world.lockfile).replace(PATH, OTHER))


def _repoint_the_settings(world: World) -> None:
    """The path where a person writes it; the lockfile is left alone."""
    for name in ("package.json", "pnpm-workspace.yaml"):
        if (world.path / name).exists():
            world.write(name, world.read(name).replace(PATH, OTHER))


def _delete(world: World) -> None:
    """The patch is gone, what names it is not."""
    world.remove(PATH)


def _link(world: World) -> None:
    """A symbolic link to another patch in its place."""
    world.remove(PATH)
    (world.path / PATH).symlink_to(Path(OTHER).name)


def _rename(world: World) -> None:
    """A name by which no commit of a patch is noticed."""
    patch(world, "patches/left-pad.md")


FOLDERS: Final = ("tools/other-project", "examples")


def each_client(cases: Sequence[object]) -> Iterator[object]:
    """Every case on every client; in the short run on one."""
    for number, case in enumerate(cases):
        for client in CLIENTS:
            marks = [] if CLIENTS[number % len(CLIENTS)] == client else [pytest.mark.slow]
            name = getattr(case, "__name__", str(case)).strip("_")
            yield pytest.param(client, case, id=f"{client}: {name}", marks=marks)


TRICKS: Final = (
    _swap, _swap_and_lock, _repoint, _repoint_silently, _repoint_the_lockfile, _repoint_the_settings,
    _delete, _link, _rename,
)  # fmt: skip


@pytest.mark.parametrize(("client", "trick"), list(each_client(TRICKS)))
def test_what_is_done_to_a_patch_is_rejected(
    patched: Patched, tmp_path: Path, client: str, trick: Callable[[World], None]
) -> None:
    world = patched.copy(client, tmp_path / "repo")
    trick(world)
    verdict = world.judge_commit()
    assert verdict.status in (1, 3), verdict.text
    assert verdict.errors


@pytest.mark.parametrize(("client", "folder"), list(each_client(FOLDERS)))
def test_a_patch_is_watched_wherever_it_lies(
    worlds: Worlds, tmp_path: Path, client: str, folder: str
) -> None:
    """In the folder of another project, or in one that the policy excludes from projects."""
    world = worlds.copy(client, tmp_path / "repo")
    world.append(".vetting/config.toml", '\n[[exclude]]\npath = "examples/**"\nreason = "shown"\n')
    world.write("tools/other-project/package.json", '{"name": "other", "private": true}\n')
    world.commit("Other folders")
    patch(world, f"{folder}/left-pad.patch")
    world.stage()
    world.exempt(LEFT_PAD)
    world.commit("Patch left-pad")
    world.write(f"{folder}/left-pad.patch", EVIL)
    verdict = world.judge_commit()
    assert verdict.status in (1, 3), verdict.text


@pytest.mark.parametrize("client", CLIENTS)
def test_the_same_patch_again_passes(patched: Patched, tmp_path: Path, client: str) -> None:
    world = patched.copy(client, tmp_path / "repo")
    patch(world, PATH, GOOD)
    world.write("patches/unrelated.patch", EVIL)
    verdict = world.judge_commit()
    assert (verdict.status, verdict.errors) == (0, set()), verdict.text
