"""A real registry on loopback: Verdaccio, with packages that the tests publish with the real npm."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from real_clients import Clients

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
    """A running registry. ``publish`` goes through npm, ``edit`` straight to what is stored."""

    def __init__(self, clients: Clients, url: str, folder: Path) -> None:
        self.url = url
        self._clients = clients
        self._folder = folder
        self._tokens: dict[str, str] = {}
        self._count = 0

    def token(self, user: str) -> str:
        """A user's token; the user comes into being with it."""
        if user not in self._tokens:
            body = {"name": user, "password": f"{user}-secret", "email": f"{user}@example.com"}
            request = urllib.request.Request(
                f"{self.url}-/user/org.couchdb.user:{user}",
                data=json.dumps(body).encode(),
                headers={"Content-Type": "application/json"},
                method="PUT",
            )
            with urllib.request.urlopen(request, timeout=30) as response:
                self._tokens[user] = json.load(response)["token"]
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
        """Publish a package with the real npm."""
        self._count += 1
        package = self._folder / f"package-{self._count}"
        package.mkdir()
        content = {"index.js": "module.exports = 1\n", **(files or {})}
        data = {"name": name, "version": version, "license": "MIT", **manifest}
        for path, text in {**content, "package.json": json.dumps(data, indent=2)}.items():
            file = package / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        userconfig = self._folder / f"{user}.npmrc"
        userconfig.write_text(self.npmrc(user))
        env = {
            "npm_config_userconfig": str(userconfig),
            "npm_config_cache": str(self._folder / "npm-cache"),
        }
        done = self._clients.run(
            "npm11", "publish", "--ignore-scripts", cwd=package, env=env, check=False
        )
        # A slow machine makes npm ask twice, and the second answer says that the first was heard.
        if done.returncode != 0 and "over the previously published" not in done.stderr:
            raise AssertionError(f"npm publish: {done.stderr}")

    def edit(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change what the registry says of a package."""
        file = self._folder / "storage" / name / "package.json"
        data = json.loads(file.read_bytes())
        change(data)
        file.write_text(json.dumps(data))

    def replace_tarball(self, name: str, version: str, data: bytes, *, honest: bool) -> None:
        """Put other bytes in a tarball's place; ``honest``: with the hashes that they have."""
        file = self._folder / "storage" / name / f"{name.rpartition('/')[2]}-{version}.tgz"
        file.write_bytes(data)
        if not honest:
            return

        def change(packument: dict[str, Any]) -> None:
            dist = packument["versions"][version]["dist"]
            digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
            dist["integrity"] = f"sha512-{digest}"
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
