"""What the files of a tarball say that it carries, and what its npm-shrinkwrap.json pins."""

from __future__ import annotations

import json

import pytest

from npm_vetted.errors import UndecidedError
from npm_vetted.model import BundledPackage
from npm_vetted.recording.tarball_contents import bundled_in, shrinkwrap_in


def manifest(name: str | None, version: str | None = "1.0.0", **more: object) -> bytes:
    return json.dumps({"name": name, "version": version, **more}).encode()


def test_each_manifest_in_node_modules_is_a_package() -> None:
    scripts = {"postinstall": "node x", "test": "node y"}
    files = {
        "package.json": manifest("a"),
        "lib/package.json": manifest("template"),
        "node_modules/b/package.json": manifest("b"),
        "node_modules/b/lib/package.json": manifest("part"),
        "node_modules/@s/c/package.json": manifest("@s/c", "2.0.0", scripts=scripts),
        "node_modules/b/node_modules/d/package.json": manifest("d"),
        "node_modules/b/node_modules/d/binding.gyp": b"{}",
        "node_modules/alias/package.json": manifest("real"),
    }
    assert bundled_in("a@1.0.0", files) == (
        BundledPackage("@s/c", "2.0.0", "node_modules/@s/c", ("postinstall",)),
        BundledPackage("real", "1.0.0", "node_modules/alias"),
        BundledPackage("d", "1.0.0", "node_modules/b/node_modules/d", ("install",)),
        BundledPackage("b", "1.0.0", "node_modules/b"),
    )


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b"{}", manifest("b", None)]
)
def test_what_cannot_be_read_is_undecided(content: bytes) -> None:
    with pytest.raises(UndecidedError, match=r"node_modules/b/package\.json in its tarball"):
        bundled_in("a@1.0.0", {"node_modules/b/package.json": content})


def locked(**packages: dict[str, object]) -> dict[str, bytes]:
    table = {f"node_modules/{name}": raw for name, raw in packages.items()}
    data = {"lockfileVersion": 3, "packages": {"": {}, **table}}
    return {"npm-shrinkwrap.json": json.dumps(data).encode()}


def test_what_a_shrinkwrap_pins() -> None:
    assert shrinkwrap_in("a@1.0.0", {"package.json": b"{}"}) is None
    assert shrinkwrap_in("a@1.0.0", locked()) == ()
    files = locked(
        b={"version": "1.0.0", "integrity": "sha512-b"},
        c={"version": "2.0.0", "integrity": "sha512-c", "name": "real"},
        d={"version": "1.0.0", "integrity": "sha512-d", "dev": True},
    )
    assert shrinkwrap_in("a@1.0.0", files) == (
        BundledPackage("b", "1.0.0", "node_modules/b", (), "sha512-b"),
        BundledPackage("real", "2.0.0", "node_modules/c", (), "sha512-c"),
    )


@pytest.mark.parametrize(
    "files",
    [
        {"npm-shrinkwrap.json": b"[]"},
        {"npm-shrinkwrap.json": b'{"lockfileVersion": 1, "dependencies": {}}'},
        locked(b={"version": "1.0.0"}),
        locked(b={"link": True, "resolved": "x"}),
    ],
)
def test_a_shrinkwrap_that_does_not_bind_is_undecided(files: dict[str, bytes]) -> None:
    with pytest.raises(UndecidedError, match=r"npm-shrinkwrap\.json"):
        shrinkwrap_in("a@1.0.0", files)
