"""What every test is on: a HOME of its own, real git repositories, the real clients."""

from __future__ import annotations

import gc
import itertools
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from tests.support.git_repo import GitRepo
from tests.support.real_clients import Clients, Marker, install, make_marker

pytest_plugins = ["tests.support.verdaccio"]

# The same examples each time, few enough to be quick. ``--hypothesis-profile=search`` looks further.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fixed", _PATIENT, derandomize=True, max_examples=30)
settings.register_profile("search", _PATIENT, max_examples=1000)
settings.load_profile("fixed")

_FOREIGN = ("GIT_", "PRE_COMMIT", "XDG_", "npm_", "NPM_CONFIG_", "pnpm_", "PNPM_", "YARN_", "BUN_")
_DISPLAY = ("CI", "GITHUB_ACTIONS", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE")
_SLOWER = ("PYTHONDONTWRITEBYTECODE",)
"""Every command that a test starts would compile the whole program again."""


def pytest_collection() -> None:
    """Switch the garbage collector off for the whole run.

    It would look at thousands of collected tests each time, and costs a tenth of the run. Without
    it, a worker grows to about 1.3 GB.
    """
    gc.disable()


class _OneRegistry(LoadFileScheduling):  # type: ignore[misc]
    """Gives a file to one worker, and all files that need a registry to the same one: to start a
    registry and to fill it takes seconds of processor time."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "registry" if _needs_registry(file) else file


@cache
def _needs_registry(file: str) -> bool:
    return "verdaccio" in (Path(__file__).parents[1] / file).read_text(encoding="utf-8").lower()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    """How ``-n`` deals the tests out. Most slow tests need a registry: they stay apart."""
    quick = "not slow" in config.option.markexpr
    return (_OneRegistry if quick else LoadFileScheduling)(config, log)


def pytest_sessionfinish() -> None:
    """Let nothing search the memory that is left: pytest collects it five times before it ends."""
    gc.freeze()


def _isolate(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Hide the user's and the machine's settings; what TLS needs stays."""
    for key in list(os.environ):
        if key in _DISPLAY + _SLOWER or (
            key.startswith(_FOREIGN) and not key.startswith("GIT_SSL_")
        ):
            patch.delenv(key)
    patch.setenv("HOME", str(home))
    patch.setenv("USERPROFILE", str(home))
    for kind in ("CONFIG", "CACHE", "DATA", "STATE"):
        patch.setenv(f"XDG_{kind}_HOME", str(home / f".xdg-{kind.lower()}"))
    patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture(scope="session", autouse=True)
def _isolated_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch, tmp_path_factory.mktemp("session-home"))
        yield


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where each test's HOME comes to be: pytest's own numbering would list them all each time."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture
def tmp_path(_homes: Iterator[Path], request: pytest.FixtureRequest) -> Path:
    """A folder of the test's own; pytest's fixture of this name lists all those of before each time."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    folder = next(_homes).with_suffix(f".{name}")
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def isolated_home(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own HOME, empty."""
    home = next(_homes)
    home.mkdir()
    _isolate(monkeypatch, home)
    return home


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Clients:
    """The real clients; the first test that asks on a machine installs them."""
    return Clients(install(), tmp_path_factory.mktemp("clients"))


@pytest.fixture
def marker_package(tmp_path: Path) -> Callable[..., Marker]:
    """``marker_package("name", "1.0.0", scripts=…)`` makes a package whose scripts leave a mark."""

    def make(name: str = "marker", version: str = "1.0.0", **options: object) -> Marker:
        return make_marker(tmp_path / "markers", name, version, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def git_repo(tmp_path: Path) -> GitRepo:
    """An empty repository on branch main, in the folder ``repo`` of the test's own."""
    return GitRepo(tmp_path / "repo")
