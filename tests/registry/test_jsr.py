"""jsr.io's answers, from a server on loopback in their shape (docs.jsr.io, "Registry API")."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import pytest

from npm_vetted.errors import NpmVettedError, UndecidedError
from npm_vetted.model import Artifact, Kind
from npm_vetted.registry import Registry
from npm_vetted.registry.fetch import Patience
from npm_vetted.registry.jsr import is_of_jsr, published
from npm_vetted.registry.settings import RegistrySettings

VERSION: Final = json.dumps({
    "manifest": {"/mod.ts": {"size": 20, "checksum": "sha256-" + "0" * 64}},
    "moduleGraph2": {"/mod.ts": {}},
    "exports": {".": "./mod.ts"},
}).encode()  # fmt: skip
ARTIFACT: Final = Artifact(
    name="@jsr/std__path",
    version="1.0.0",
    kind=Kind.TARBALL,
    resolved="https://jsr.io/@std/path/1.0.0_meta.json",
    integrity="sha256-" + base64.b64encode(hashlib.sha256(VERSION).digest()).decode(),
)


def _meta(created: object) -> bytes:
    versions = {"1.0.0": {"createdAt": created}}
    return json.dumps(
        {"scope": "std", "name": "path", "latest": "1.0.0", "versions": versions}
    ).encode()


@pytest.fixture
def files() -> dict[str, bytes]:
    """What the server has."""
    return {
        "/@std/path/meta.json": _meta("2024-07-01T10:20:30.400Z"),
        "/@std/path/1.0.0_meta.json": VERSION,
    }


@pytest.fixture
def base(files: Mapping[str, bytes]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *arguments: object) -> None: ...  # noqa: A002

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def registry() -> Registry:
    """Asks once: a server that does not answer is not waited for."""
    return Registry(RegistrySettings(), patience=Patience(attempts=1))


def test_a_version_has_its_time_and_its_hash(base: str, registry: Registry) -> None:
    found = published(ARTIFACT, registry.document, base)
    assert found.published == datetime.datetime(2024, 7, 1, 10, 20, 30, 400_000, datetime.UTC)
    assert (found.integrity, found.scripts) == (ARTIFACT.integrity, ())


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/@std/path/1.0.0_meta.json", VERSION + b"\n"),
        ("/@std/path/1.0.0_meta.json", None),
        ("/@std/path/meta.json", None),
        ("/@std/path/meta.json", b"<html>"),
        ("/@std/path/meta.json", _meta("yesterday")),
        ("/@std/path/meta.json", _meta(1)),
    ],
)
def test_other_answers_decide_nothing(
    base: str, registry: Registry, files: dict[str, bytes], path: str, body: bytes | None
) -> None:
    del files[path]
    if body is not None:
        files[path] = body
    with pytest.raises(NpmVettedError):
        published(ARTIFACT, registry.document, base)


def test_a_version_without_a_time_has_none(
    base: str, registry: Registry, files: dict[str, bytes]
) -> None:
    files["/@std/path/meta.json"] = b'{"versions": {}}'
    assert published(ARTIFACT, registry.document, base).published is None


@pytest.mark.parametrize(
    "artifact",
    [
        ARTIFACT._replace(resolved="https://jsr.io.evil.example/@std/path/1.0.0_meta.json"),
        ARTIFACT._replace(resolved="https://jsr.io/@std/path/../x/1.0.0_meta.json"),
        ARTIFACT._replace(resolved=None),
        ARTIFACT._replace(kind=Kind.REGISTRY),
    ],
)
def test_other_sources_are_not_of_jsr(artifact: Artifact) -> None:
    assert not is_of_jsr(artifact)


def test_only_a_source_of_jsr_is_asked_for(registry: Registry) -> None:
    with pytest.raises(UndecidedError):
        published(ARTIFACT._replace(resolved="https://x.example/"), registry.document)
