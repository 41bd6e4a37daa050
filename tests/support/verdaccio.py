"""A real registry on loopback: Verdaccio, with packages that the tests publish."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.real_clients import Clients
from tests.support.tarballs import integrity_of, package_of

CONFIG = """
storage: {storage}
auth:
  htpasswd:
    file: {folder}/htpasswd
uplinks: {{}}
packages:
  "**":
    access: {access}
    publish: $authenticated
    unpublish: $authenticated
max_body_size: 100mb
log: {{type: stdout, format: json, level: error}}
"""


class Verdaccio:
    """A running registry. ``publish`` asks it as npm does, ``edit`` goes straight to what is stored."""

    def __init__(self, clients: Clients, url: str, folder: Path) -> None:
        self.url = url
        self._clients = clients
        self._folder = folder
        self._tokens: dict[str, str] = {}
        self._published: set[tuple[str, str]] = set()

    def token(self, user: str) -> str:
        """A user's token; the user comes into being with it."""
        if user not in self._tokens:
            body = {"name": user, "password": f"{user}-secret", "email": f"{user}@example.com"}
            self._tokens[user] = self._put(f"-/user/org.couchdb.user:{user}", body)["token"]
        return self._tokens[user]

    def npmrc(self, user: str) -> str:
        """What a user's ``.npmrc`` says."""
        prefix = self.url.removeprefix("http:")
        return f"registry={self.url}\n{prefix}:_authToken={self.token(user)}\n"

    def publish(
        self,
        name: str,
        version: str,
        *,
        user: str = "ada",
        files: Mapping[str, str] | None = None,
        **manifest: object,
    ) -> None:
        """Publish a package: ask what ``npm publish`` asks, without starting it.

        Files that share a fixture may run in one process: what is there stays as it is.
        """
        if (name, version) in self._published:
            return
        self._published.add((name, version))
        manifest = {"name": name, "version": version, "license": "MIT", **manifest}
        content = {"index.js": "module.exports = 1\n", **(files or {})}
        packed = package_of({**content, "package.json": json.dumps(manifest, indent=2)})
        tarball = f"{name}-{version}.tgz"
        dist = {
            "integrity": integrity_of(packed),
            "shasum": hashlib.sha1(packed).hexdigest(),
            "tarball": f"{self.url}{name}/-/{tarball}",
        }
        body = {
            "_id": name,
            "name": name,
            "description": manifest.get("description"),
            "dist-tags": {"latest": version},
            "versions": {version: {**manifest, "_id": f"{name}@{version}", "dist": dist}},
            "access": None,
            "_attachments": {
                tarball: {
                    "content_type": "application/octet-stream",
                    "data": base64.b64encode(packed).decode(),
                    "length": len(packed),
                }
            },
        }
        self._put(urllib.parse.quote(name, safe="@"), body, token=self.token(user))

    def publish_by_npm(self, name: str, version: str, **manifest: object) -> None:
        """The same with the real npm, to hold the other against it."""
        package = self._folder / f"by-npm-{name}"
        package.mkdir()
        (package / "index.js").write_text("module.exports = 1\n")
        data = {"name": name, "version": version, "license": "MIT", **manifest}
        (package / "package.json").write_text(json.dumps(data, indent=2))
        userconfig = self._folder / "ada.npmrc"
        userconfig.write_text(self.npmrc("ada"))
        env = {"npm_config_userconfig": str(userconfig)}
        self._clients.run("npm11", "publish", "--ignore-scripts", cwd=package, env=env)

    def _put(self, path: str, body: Mapping[str, object], token: str | None = None) -> Any:
        """Ask the registry to take something; what it answers."""
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(
            f"{self.url}{path}", data=json.dumps(body).encode(), headers=headers, method="PUT"
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def stored(self, name: str) -> dict[str, Any]:
        """What the registry says of a package."""
        file = self._folder / "storage" / name / "package.json"
        found: dict[str, Any] = json.loads(file.read_bytes())
        return found

    def edit(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change what the registry says of a package."""
        data = self.stored(name)
        change(data)
        (self._folder / "storage" / name / "package.json").write_text(json.dumps(data))

    def replace_tarball(self, name: str, version: str, data: bytes, *, honest: bool) -> None:
        """Put other bytes in a tarball's place; ``honest``: with the hashes that they have."""
        file = self._folder / "storage" / name / f"{name.rpartition('/')[2]}-{version}.tgz"
        file.write_bytes(data)
        if not honest:
            return

        def change(packument: dict[str, Any]) -> None:
            dist = packument["versions"][version]["dist"]
            dist["integrity"] = integrity_of(data)
            dist["shasum"] = hashlib.sha1(data).hexdigest()

        self.edit(name, change)


def _free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"verdaccio ended: {process.returncode}")
        try:
            with urllib.request.urlopen(f"{url}-/ping", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("verdaccio did not answer within a minute")


def start(clients: Clients, folder: Path, access: str = "$all") -> Iterator[Verdaccio]:
    """Run a registry; ``access`` is who may read: ``$all`` or ``$authenticated``."""
    storage = folder / "storage"
    storage.mkdir(parents=True)
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(storage=storage, folder=folder, access=access))
    url = f"http://127.0.0.1:{_free_port()}/"
    with (folder / "verdaccio.log").open("wb") as log:
        process = subprocess.Popen(
            [str(clients.path("verdaccio")), "--config", str(config), "--listen", url[:-1]],
            env=clients.environment("verdaccio", {"HOME": str(folder)}),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            _await(url, process)
            yield Verdaccio(clients, url, folder)
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="session")
def verdaccio(clients: Clients, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verdaccio]:
    """One registry for the session; everybody may read it."""
    yield from start(clients, tmp_path_factory.mktemp("verdaccio"))


@pytest.fixture(scope="session")
def private_verdaccio(
    clients: Clients, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Verdaccio]:
    """A registry that answers only who has a token."""
    yield from start(clients, tmp_path_factory.mktemp("private"), access="$authenticated")
