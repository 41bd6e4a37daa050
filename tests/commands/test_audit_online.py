"""``audit --online``: notes that the registry no longer confirms are reported."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from npm_vetted.cli import main
from npm_vetted.registry import Registry
from npm_vetted.registry.settings import load_settings
from tests.support.answers import body, serving
from tests.support.git_repo import GitRepo
from tests.support.verdaccio import Verdaccio
from tests.test_schemas import check_output

OLD = datetime(2024, 3, 25, 14, 12, 2, tzinfo=UTC)


def publish_pair(verdaccio: Verdaccio, name: str) -> tuple[str, str]:
    """Publish a package, long ago, which brings another; the names of both."""
    verdaccio.publish(f"{name}-dep", "1.0.0")
    verdaccio.publish(name, "1.0.0", dependencies={f"{name}-dep": "1.0.0"})

    def age(data: dict[str, Any]) -> None:
        data["time"]["1.0.0"] = OLD.isoformat()

    for each in (name, f"{name}-dep"):
        verdaccio.edit(each, age)
    return name, f"{name}-dep"


def restoring(verdaccio: Verdaccio, names: tuple[str, str]) -> Iterator[tuple[Verdaccio, str]]:
    """The registry, and the first package's name; what a test changes is changed back."""
    kept: dict[str, dict[str, Any]] = {}
    for name in names:
        verdaccio.edit(name, lambda data, name=name: kept.update({name: copy.deepcopy(data)}))  # type: ignore[misc]
    yield verdaccio, names[0]
    for name in names:
        verdaccio.edit(name, lambda data, name=name: data.update(kept[name]))  # type: ignore[misc]


@pytest.fixture(scope="module")
def published(verdaccio: Verdaccio) -> Verdaccio:
    """A package, published long ago, which brings another."""
    publish_pair(verdaccio, "held")
    return verdaccio


@pytest.fixture
def stocked(published: Verdaccio) -> Iterator[tuple[Verdaccio, str]]:
    """The registry, and the package's name; what a test changes is changed back."""
    yield from restoring(published, ("held", "held-dep"))


def project_of(repo: GitRepo, url: str, name: str, folder: str = "") -> None:
    """A project that locks the package and what it brings, as its registry publishes them."""
    registry = Registry(load_settings({}, registry_of=lambda _: url))
    packages: dict[str, object] = {"": {"name": "app", "dependencies": {name: "1.0.0"}}}
    for each, more in ((name, {"dependencies": {f"{name}-dep": "1.0.0"}}), (f"{name}-dep", {})):
        found = registry.packument(each).release("1.0.0")
        packages[f"node_modules/{each}"] = {
            "version": "1.0.0",
            "resolved": found.tarball,
            "integrity": found.integrity,
            **more,
        }
    lock = {"name": "app", "lockfileVersion": 3, "requires": True, "packages": packages}
    at = f"{folder}/" if folder else ""
    manifest = {"name": "app", "dependencies": {name: "1.0.0"}}
    repo.write(f"{at}package.json", json.dumps(manifest))
    repo.write(f"{at}package-lock.json", json.dumps(lock, indent=2))
    repo.write(f"{at}.npmrc", f"registry={url}\nignore-scripts=true\n")


def run(repo: GitRepo, *args: str) -> tuple[int, str]:
    out = io.StringIO()
    with contextlib.chdir(repo.path), contextlib.redirect_stdout(out):
        status = main(args)
    return status, out.getvalue()


def vetted(repo: GitRepo, url: str, name: str) -> None:
    """A repository that vetted the package and committed."""
    repo.write(".vetting/config.toml", "format = 1\n")
    project_of(repo, url, name)
    repo.add()
    status, _ = run(repo, "note", name, "--criteria", "health", "-m", "Read all of it, twice.")
    assert status == 0
    repo.commit("Add it")


def fresh(repo: GitRepo, *args: str) -> tuple[int, list[str]]:
    """Audit without what an earlier question left in the cache."""
    shutil.rmtree(Path(os.environ["XDG_CACHE_HOME"]), ignore_errors=True)
    status, out = run(repo, "audit", "--online", *args)
    return status, out.splitlines()


Change = Callable[[dict[str, Any]], None]


def _bytes(data: dict[str, Any]) -> None:
    data["versions"]["1.0.0"]["dist"]["integrity"] = "sha512-" + "A" * 86 + "=="


def _time(data: dict[str, Any]) -> None:
    data["time"]["1.0.0"] = (OLD + timedelta(days=1)).isoformat()


def _deprecated(data: dict[str, Any]) -> None:
    data["versions"]["1.0.0"]["deprecated"] = "Use another \x1b[31mthing"


def _unpublished(data: dict[str, Any]) -> None:
    del data["versions"]["1.0.0"]
    data["versions"] = {}
    data["dist-tags"] = {}


def _scripts(data: dict[str, Any]) -> None:
    data["versions"]["1.0.0"]["scripts"] = {"postinstall": "node x"}


CHANGES: dict[str, tuple[Change, str]] = {
    "other bytes": (_bytes, "the registry publishes other bytes: sha512-AAAA"),
    "another time": (
        _time, "published at 2024-03-26T14:12:02+00:00, noted as 2024-03-25T14:12:02+00:00",
    ),
    "deprecated": (_deprecated, "deprecated since: Use another \\u{1b}[31mthing"),
    "unpublished": (_unpublished, "was published and is gone from the registry since"),
    "scripts": (_scripts, "it has lifecycle scripts that the note does not name: postinstall"),
}  # fmt: skip


@pytest.fixture(scope="module")
def vetted_repo(published: Verdaccio, tmp_path_factory: pytest.TempPathFactory) -> GitRepo:
    """A repository that vetted the package, for tests that change the registry only."""
    repo = GitRepo(tmp_path_factory.mktemp("vetted") / "repo")
    vetted(repo, published.url, "held")
    assert fresh(repo) == (0, [COUNT.format(0)])
    return repo


COUNT = "npm-vetted: 2 notes and list entries compared with the registry: {} disagree"


@pytest.mark.parametrize("brought", [False, True], ids=["its own", "what it brings"])
@pytest.mark.parametrize(("change", "words"), CHANGES.values(), ids=CHANGES)
def test_what_changed_since_is_told(
    vetted_repo: GitRepo,
    stocked: tuple[Verdaccio, str],
    change: Change,
    words: str,
    brought: bool,
) -> None:
    verdaccio, name = stocked
    path = f".vetting/notes/{name}/1.0.0.toml"
    changed = f"{name}-dep" if brought else name
    verdaccio.edit(changed, change)
    status, lines = fresh(vetted_repo)
    assert (status, lines[-1]) == (1, COUNT.format(1))
    assert lines[0].startswith(f"{path}: {changed}@1.0.0: ")
    assert words in lines[0]
    assert fresh(vetted_repo, name if brought else f"{name}-dep@1.0.0")[0] == 0
    status, out = run(vetted_repo, "audit", "--online", "--format", "json")
    check_output("audit-online", out)
    (row,) = json.loads(out)["disagreements"]
    assert (row["package"], row["note"], row["silent"]) == (changed, path, False)


def test_a_silent_registry_is_undecided(git_repo: GitRepo, stocked: tuple[Verdaccio, str]) -> None:
    verdaccio, name = stocked
    vetted(git_repo, verdaccio.url, name)
    with serving() as server:
        git_repo.write(".npmrc", f"registry={server.url}\n")
        git_repo.add()
        server.answers[f"/{name}"] = server.answers[f"/{name}-dep"] = body(b"no", 403)
        status, lines = fresh(git_repo)
        assert status == 3
        assert f"{server.url}{name} answered 403 Forbidden" in lines[0]
        server.answers.clear()  # 404: the registry did answer
        assert fresh(git_repo)[0] == 1


def test_each_project_s_own_registry_is_asked(
    git_repo: GitRepo, stocked: tuple[Verdaccio, str]
) -> None:
    """The first project's registry knows nothing of it; the second's, which locks it, does."""
    verdaccio, name = stocked
    vetted(git_repo, verdaccio.url, name)
    project_of(git_repo, verdaccio.url, name, folder="z-site")
    for path in ("package.json", "package-lock.json", ".npmrc"):
        (git_repo.path / path).unlink()
    git_repo.write("app/package.json", '{"name": "app", "dependencies": {}}')
    git_repo.write("app/package-lock.json", '{"name": "app", "lockfileVersion": 3, "packages": {}}')
    with serving() as server:
        git_repo.write("app/.npmrc", f"registry={server.url}\n")
        git_repo.commit("Move")
        assert fresh(git_repo)[0] == 0
        assert server.asked == []


def test_what_no_project_locks_is_asked_of_all(
    git_repo: GitRepo, stocked: tuple[Verdaccio, str]
) -> None:
    verdaccio, name = stocked
    vetted(git_repo, verdaccio.url, name)
    (git_repo.path / "package-lock.json").unlink()
    with serving() as server:
        git_repo.write("app/package.json", '{"name": "app", "dependencies": {"x": "1"}}')
        git_repo.write("app/.npmrc", f"registry={server.url}\n")
        git_repo.commit("Gone")
        assert fresh(git_repo)[0] == 0
        verdaccio.edit(name, _time)
        status, lines = fresh(git_repo)
        assert (status, len(lines)) == (1, 2)


def test_a_note_that_cannot_be_read_is_told(
    git_repo: GitRepo, stocked: tuple[Verdaccio, str]
) -> None:
    verdaccio, name = stocked
    vetted(git_repo, verdaccio.url, name)
    git_repo.write(".vetting/notes/other/1.0.0.toml", "package = 1\n")
    git_repo.commit("Break")
    status, lines = fresh(git_repo)
    assert status == 1
    assert lines[0].startswith(".vetting/notes/other/1.0.0.toml: ")
