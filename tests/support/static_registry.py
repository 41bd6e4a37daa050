"""A registry on loopback with a fixed set of packages: small, quick, and the same in every run."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import unquote

from tests.support.real_clients import Marker
from tests.support.tarballs import integrity_of, package_of

PACKAGES: Final[Mapping[str, Mapping[str, Mapping[str, object]]]] = {
    "aa": {"1.0.0": {}, "1.1.0": {}, "2.0.0": {}, "2.1.0-beta.1": {}},
    "bb": {
        "1.0.0": {"dependencies": {"aa": "^1.0.0"}},
        "1.2.0": {"dependencies": {"aa": "^1.1.0"}},
        "2.0.0": {"dependencies": {"aa": "^2.0.0", "@s/dd": "*"}},
    },
    "cc": {
        "1.0.0": {"optionalDependencies": {"aa": "~1.0.0"}, "dependencies": {"bb": "^1.0.0"}},
        "1.0.1": {"dependencies": {"bb": "^1.0.0", "ee": "1.x"}},
    },
    "@s/dd": {"1.0.0": {}, "1.1.0": {"dependencies": {"aa": ">=1"}}},
    "ee": {"1.0.0": {"dependencies": {"alias": "npm:aa@^1.0.0"}}, "1.5.0": {}},
    "pp": {"1.0.0": {"peerDependencies": {"aa": "^1.0.0"}}, "1.1.0": {"peerDependencies": {"ee": "*"}}},
    "tt": {"1.0.0": {}, "1.0.1": {}, "3.0.0-rc.1": {}},
}  # fmt: skip


@cache
def tarball(name: str, version: str) -> bytes:
    """A package of the registry."""
    manifest = {"name": name, "version": version, **PACKAGES[name][version]}
    return package_of({
        "package.json": json.dumps(manifest),
        "index.js": "module.exports = 1\n",
    })  # fmt: skip


def _latest(versions: Mapping[str, object]) -> str:
    return [version for version in versions if "-" not in version][-1]


class _Registry:
    def __init__(self, markers: Sequence[Marker]) -> None:
        self.url = ""
        self.packages = {
            **PACKAGES,
            **{each.name: {each.version: each.manifest} for each in markers},
        }
        self.tarballs = {
            (name, version): tarball(name, version)
            for name, versions in PACKAGES.items()
            for version in versions
        }
        self.tarballs |= {(each.name, each.version): each.tarball.read_bytes() for each in markers}

    def packument(self, name: str) -> dict[str, Any]:
        """What the registry says of a package."""
        versions = self.packages[name]
        file = name.rpartition("/")[2]
        return {
            "name": name,
            "dist-tags": {"latest": _latest(versions), "next": list(versions)[-1]},
            "time": dict.fromkeys(["created", "modified", *versions], "2020-01-01T00:00:00.000Z"),
            "versions": {
                version: {
                    "name": name,
                    "version": version,
                    **extra,
                    "dist": {
                        "integrity": integrity_of(self.tarballs[name, version]),
                        "shasum": hashlib.sha1(self.tarballs[name, version]).hexdigest(),
                        "tarball": f"{self.url}{name}/-/{file}-{version}.tgz",
                    },
                }
                for version, extra in versions.items()
            },
        }

    def answer(self, path: str) -> bytes | None:
        """The body for a path; None: there is none."""
        name, slash, file = unquote(path).strip("/").partition("/-/")
        if name not in self.packages:
            return None
        if not slash:
            return json.dumps(self.packument(name)).encode()
        version = file.removeprefix(f"{name.rpartition('/')[2]}-").removesuffix(".tgz")
        return self.tarballs.get((name, version))


@contextmanager
def static_registry(*markers: Marker) -> Iterator[str]:
    """Run it, with some packages whose scripts leave a mark; gives its URL."""
    registry = _Registry(markers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = registry.answer(self.path.partition("?")[0])
            self.send_response(404 if body is None else 200)
            body = body or b"{}"
            kind = "application/octet-stream" if self.path.endswith(".tgz") else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
