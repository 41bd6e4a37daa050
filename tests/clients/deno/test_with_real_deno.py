"""The check lockfile-sync and the scripts of Deno compared with the real Deno."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import json
import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from npm_vetted.clients.deno import client as deno
from npm_vetted.model import Level, Project
from npm_vetted.projects.discovery import Projects
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import MemorySnapshot, check
from tests.support.real_clients import Clients
from tests.support.static_registry import static_registry
from tests.support.tarballs import package_of

DENO = "deno2.9"


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with static_registry() as url:
        yield url


class Trial:
    """A project of Deno in a folder of its own."""

    def __init__(self, clients: Clients, repo: GitRepo, url: str) -> None:
        self.clients = clients
        self.repo = repo
        self.url = url

    def deno(self, *words: str) -> bool:
        """Run Deno; whether it succeeded."""
        shutil.rmtree(self.repo.path / "node_modules", ignore_errors=True)
        env = {"NPM_CONFIG_REGISTRY": self.url, "DENO_NO_UPDATE_CHECK": "1"}
        done = self.clients.run(DENO, *words, cwd=self.repo.path, env=env, check=False)
        self.said = done.stdout + done.stderr
        return done.returncode == 0

    def read(self, path: str) -> Any:
        return json.loads((self.repo.path / path).read_text())

    def write(self, path: str, data: object) -> None:
        self.repo.write(path, json.dumps(data, indent=2) + "\n")

    def project(self) -> Project:
        """The project, as npm-vetted sees it."""
        files = {
            each.name: each.read_bytes() for each in self.repo.path.iterdir() if each.is_file()
        }
        (found,) = Projects(MemorySnapshot(files), lambda _: False).all()
        return found

    def findings(self) -> list[str]:
        done = check(self.repo, "--all", "lockfile-sync")
        assert done.status in (0, 1), done.out + done.err
        return [f"{each['code']} {each['key']}" for each in done.findings]


Edit = Callable[[Trial], None]


def _manifest(name: str, **tables: dict[str, str]) -> Edit:
    def change(trial: Trial) -> None:
        data = trial.read(name)
        for table, values in tables.items():
            data.setdefault(table, {}).update(values)
        trial.write(name, data)

    return change


def _lock(change: Callable[[dict[str, Any]], object]) -> Edit:
    def edit(trial: Trial) -> None:
        data = trial.read("deno.lock")
        change(data)
        trial.write("deno.lock", data)

    return edit


EDITS: dict[str, Edit] = {
    "nothing": lambda _: None,
    "another range": _manifest("package.json", dependencies={"bb": "^2.0.0"}),
    "a range that admits the same": _manifest(
        "package.json", dependencies={"bb": ">=1.0.0 <2.0.0"}
    ),
    "one more package": _manifest("package.json", dependencies={"tt": "^1.0.0"}),
    "one more for development": _manifest("package.json", devDependencies={"tt": "1.0.0"}),
    "one more import": _manifest("deno.json", imports={"x": "npm:tt@1.0.0"}),
    "an import of another range": _manifest("deno.json", imports={"ee": "npm:ee@1.0.0"}),
    "an override": _manifest("package.json", overrides={"aa": "2.0.0"}),
    "a key that Deno ignores": _manifest("package.json", resolutions={"aa": "2.0.0"}),
    "an optional dependency": _manifest("package.json", optionalDependencies={"tt": "1.0.0"}),
    "the lockfile forgets a requirement": _lock(
        lambda data: data["workspace"]["packageJson"]["dependencies"].clear()
    ),
    "the lockfile forgets a specifier": _lock(lambda data: data["specifiers"].pop("npm:ee@1")),
    "the lockfile forgets the root": _lock(lambda data: data.pop("workspace")),
}


@pytest.mark.slow
@pytest.mark.parametrize("edit", EDITS)
def test_a_frozen_install_that_deno_refuses_is_found(
    edit: str, clients: Clients, git_repo: GitRepo, registry: str
) -> None:
    trial = Trial(clients, git_repo, registry)
    trial.write("deno.json", {"nodeModulesDir": "auto", "imports": {"ee": "npm:ee@1"}})
    trial.write("package.json", {"name": "p", "dependencies": {"bb": "^1.0.0"}})
    assert trial.deno("install"), trial.said
    assert trial.findings() == []
    EDITS[edit](trial)
    found = trial.findings()
    before = (git_repo.path / "deno.lock").read_text()
    refused = not trial.deno("install", "--frozen")
    said = trial.said
    assert trial.deno("install"), trial.said
    changed = trial.read("deno.lock") != json.loads(before)
    assert bool(found) == (refused or changed), f"{found}\n{said}\n{before}"


SPECIFIERS = {
    "aa": [
        "^1.0.0",
        "1.0.0",
        "~1.1.0",
        "2",
        "*",
        "latest",
        ">=1 <3",
        "npm:aa@1.0.0",
        "npm:bb@^1.0.0",
    ],
    "bb": ["^1.0.0", "1.x", "2.0.0", "npm:bb@1", "npm:tt@1.0.0"],
    "@s/dd": ["*", "^1.0.0", "npm:@s/dd@1.0.0"],
    "ee": ["1.0.0", "^1.0.0", "1.5.0"],
    "cc": ["^1.0.0", "1.0.0"],
    "pp": ["1.0.0", "^1.1.0"],
    "alias": ["npm:aa@^1.0.0", "npm:@s/dd@*"],
}


def _seeded(seed: int) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Two states of deno.json and package.json; the second differs from the first in a few requirements."""
    chance = random.Random(seed)
    names = chance.sample(sorted(SPECIFIERS), chance.randint(1, 4))
    sections = ("dependencies", "devDependencies", "optionalDependencies", "imports")

    def pick(name: str) -> tuple[str, str]:
        return chance.choice(sections), chance.choice(SPECIFIERS[name])

    first = {name: pick(name) for name in names}
    second = dict(first)
    for name in chance.sample(sorted(SPECIFIERS), chance.choice([0, 1, 1, 2])):
        if name in second and chance.random() < 0.3:
            del second[name]
        else:
            second[name] = pick(name)
    return _files(first), _files(second)


def _files(asked: dict[str, tuple[str, str]]) -> list[dict[str, object]]:
    config: dict[str, Any] = {"nodeModulesDir": "auto"}
    manifest: dict[str, Any] = {"name": "p"}
    for name, (section, wanted) in asked.items():
        if section == "imports":
            text = wanted.replace(">=1 <3", "1")  # Deno locks no import with a space
            aim = text if text.startswith("npm:") else f"npm:{name}@{text}"
            config.setdefault("imports", {})[name] = aim
        else:
            manifest.setdefault(section, {})[name] = wanted
    return [config, manifest]


SEEDS = range(
    start := int(os.environ.get("NPM_VETTED_FIRST_TRIAL", "0")),
    start + int(os.environ.get("NPM_VETTED_TRIALS", "300")),
)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_manifests_and_the_real_deno_agree(
    seed: int, clients: Clients, git_repo: GitRepo, registry: str
) -> None:
    one, two = _seeded(seed)
    trial = Trial(clients, git_repo, registry)
    for name, data in zip(("deno.json", "package.json"), one, strict=True):
        trial.write(name, data)
    assert trial.deno("install"), trial.said
    if not (git_repo.path / "deno.lock").exists():
        return  # nothing to lock
    assert trial.findings() == [], trial.read("deno.lock")
    for name, data in zip(("deno.json", "package.json"), two, strict=True):
        trial.write(name, data)
    found = trial.findings()
    refused = not trial.deno("install", "--frozen")
    if refused and not found and _files_apart(one) != _files_apart(two):
        before = trial.read("deno.lock")["npm"]
        assert trial.deno("install"), trial.said
        assert trial.read("deno.lock")["npm"] == before  # it only moves between the two files
        return
    assert bool(found) == refused, f"{one} {two} {found}\n{trial.said}"


def _files_apart(state: list[dict[str, object]]) -> bool:
    """Whether deno.json requires something: deno.lock lists that apart from what package.json requires."""
    return "imports" in state[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("allowed", "flags", "runs"),
    [
        (None, (), False),
        ([], (), False),
        (False, (), False),
        (True, (), True),
        (["npm:marker"], (), True),
        (["npm:marker@1.0.0"], (), True),
        (["npm:other"], (), False),
        ({"allow": True, "deny": ["npm:marker"]}, (), False),
        (None, ("--allow-scripts",), True),
        (None, ("--allow-scripts=npm:marker@1.0.0",), True),
        (["npm:marker"], ("--allow-scripts=npm:other@1.0.0",), False),
    ],
)
def test_what_runs_scripts(
    allowed: object,
    flags: tuple[str, ...],
    runs: bool,
    clients: Clients,
    git_repo: GitRepo,
    tmp_path: Path,
) -> None:
    mark = tmp_path / "mark"
    script = f"node -e \"require('fs').writeFileSync({json.dumps(str(mark))[1:-1]!r}, '1')\""
    manifest = {"name": "marker", "version": "1.0.0", "scripts": {"postinstall": script}}
    tarball = package_of({"package.json": json.dumps(manifest)})
    with _one_package(tarball) as url:
        trial = Trial(clients, git_repo, url)
        config: dict[str, object] = {"nodeModulesDir": "auto"}
        trial.write("deno.json", config | ({} if allowed is None else {"allowScripts": allowed}))
        trial.write("package.json", {"name": "p", "dependencies": {"marker": "1.0.0"}})
        git_repo.write(".npmrc", "ignore-scripts=true\n")  # it has no meaning for Deno
        assert trial.deno("install", *flags), trial.said
        assert mark.exists() is runs, trial.said
        project = trial.project()
        on = any(each.level is Level.ERROR for each in deno.scripts_run(project))
        # A table that allows all but some is refused as well: what comes later runs.
        assert on is (allowed is True or isinstance(allowed, dict))
        named = [(each.package, each.version) for each in deno.allowances(project)]
        if runs and not flags and allowed is not True:
            assert named in ([("marker", None)], [("marker", "1.0.0")])
        if not runs:
            (command,) = deno.rebuild(project, [("marker", "1.0.0")])
            assert trial.deno(*command[1:]), trial.said
            assert mark.exists()


def _one_package(tarball: bytes) -> Any:
    from contextlib import contextmanager
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    digest = base64.b64encode(hashlib.sha512(tarball).digest()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = f"http://127.0.0.1:{self.server.server_port}/"  # type: ignore[attr-defined]
            version = {
                "name": "marker", "version": "1.0.0", "scripts": {"postinstall": "x"},
                "hasInstallScript": True,
                "dist": {"tarball": f"{url}t.tgz", "integrity": f"sha512-{digest}", "shasum": "0" * 40},
            }  # fmt: skip
            packument = {
                "name": "marker", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version},
                "time": {"1.0.0": "2020-01-01T00:00:00.000Z"},
            }  # fmt: skip
            body = tarball if self.path.endswith(".tgz") else json.dumps(packument).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    @contextmanager
    def serve() -> Iterator[str]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            server.server_close()

    return serve()


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [False, True])
def test_the_fix_writes_the_lockfile_also_where_it_is_frozen(
    frozen: bool, clients: Clients, git_repo: GitRepo, registry: str
) -> None:
    trial = Trial(clients, git_repo, registry)
    trial.write("deno.json", {"imports": {"ee": "npm:ee@1"}, "lock": {"frozen": frozen}})
    trial.write("deno.lock", {"version": "5"})
    (first, *_) = check(git_repo, "--all", "lockfile-sync").findings
    command = first["fix"].splitlines()[0].split()
    assert command[:2] == ["deno", "install"]
    assert trial.deno(*command[1:]), trial.said
    assert trial.findings() == []


@pytest.mark.slow
def test_a_module_without_a_hash_is_fetched_unless_the_lockfile_is_frozen(
    clients: Clients, git_repo: GitRepo, tmp_path: Path
) -> None:
    """The module b has no hash; a, which imports it, has one."""
    (tmp_path / "a.js").write_text('import "./b.js";\n')
    (tmp_path / "b.js").write_text('console.log("b ran");\n')
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        at = f"http://127.0.0.1:{server.server_port}"
        digest = hashlib.sha256((tmp_path / "a.js").read_bytes()).hexdigest()
        lock = {"version": "5", "remote": {f"{at}/a.js": digest}}
        git_repo.write("main.ts", f'import "{at}/a.js";\n')
        for frozen in (False, True):
            git_repo.write("deno.json", json.dumps({"lock": {"frozen": True}} if frozen else {}))
            git_repo.write("deno.lock", json.dumps(lock))
            trial = Trial(clients, git_repo, at)
            assert trial.deno("run", "-A", "main.ts") != frozen, trial.said
            assert ("b ran" in trial.said) != frozen
        server.shutdown()
