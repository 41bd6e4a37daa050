"""The checksums of what clients pack, computed again: the same as the real client's."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
from pathlib import Path

import pytest

from npm_vetted.clients.shared.packed_zips import PackedFile, packed_checksum
from npm_vetted.registry.tarball import tarball_entries
from tests.support.real_clients import Clients, Marker
from tests.support.static_registry import static_registry
from tests.support.tarballs import integrity_of

LIKE = "10c0/" + "0" * 128
PLAIN = [
    PackedFile("package.json", b"{}", executable=False),
    PackedFile("bin/a.js", b"1\n", executable=True),
]
Entry = tuple[str, bytes, int]
ENTRIES: dict[str, list[Entry]] = {
    "files": [
        ("a/b/c.js", b"x" * 5000, 0o644), ("bin/z.js", b"#!/usr/bin/env node\n", 0o755),
        ("a/d.js", b"", 0o644), ("a/e.bin", bytes(range(256)) * 9, 0o640), ("g", b"2", 0o010),
    ],
    "folders": [("", b"", 0o755), ("lib/", b"", 0o755), ("lib/a.js", b"1", 0o644), ("q/", b"", 0o700)],
    "letters": [("l\u00e9/\u4e00.js", b"1", 0o644)],
}  # fmt: skip


def tarball(name: str, entries: list[Entry]) -> bytes:
    """A tarball with these modes and folders."""
    packed = io.BytesIO()
    manifest = json.dumps({"name": name, "version": "1.0.0"}).encode()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content, mode in [("package.json", manifest, 0o644), *entries]:
            info = tarfile.TarInfo(f"package/{path}")
            info.mode, info.size = mode, len(content)
            info.type = tarfile.REGTYPE if path and not path.endswith("/") else tarfile.DIRTYPE
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)


@pytest.mark.slow
@pytest.mark.parametrize("client", ["yarn3.8", "yarn4.9", "yarn4.18"])
@pytest.mark.parametrize("kind", ENTRIES)
@pytest.mark.parametrize("scope", ["", "@s/"])
def test_it_is_what_the_real_client_locks(
    clients: Clients, tmp_path: Path, client: str, kind: str, scope: str
) -> None:
    name = f"{scope}{kind}"
    data = tarball(name, ENTRIES[kind])
    (tmp_path / "x.tgz").write_bytes(data)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"name": "p", "dependencies": {name: "1.0.0"}}))
    (folder / ".yarnrc.yml").write_text("compressionLevel: 0\n")
    (folder / "yarn.lock").write_text("")
    with static_registry(Marker(name, "1.0.0", tmp_path / "x.tgz", tmp_path / "none")) as url:
        gate = {} if client != "yarn4.18" else {"YARN_NPM_MINIMAL_AGE_GATE": "0"}
        env = {"YARN_NPM_REGISTRY_SERVER": url, "YARN_UNSAFE_HTTP_WHITELIST": "127.0.0.1"}
        clients.run(client, "install", "--mode=update-lockfile", cwd=folder, env=env | gate)
    lock = (folder / "yarn.lock").read_text()
    digest = re.search(rf'"{name}@npm.*?checksum: (?:\S+/)?([0-9a-f]+)', lock, re.DOTALL)
    assert digest is not None
    files = tarball_entries(name, data, integrity_of(data))
    assert packed_checksum(LIKE, name, b"", files) == f"10c0/{digest[1]}"


def test_a_name_and_a_mode_are_part_of_it() -> None:
    found = packed_checksum(LIKE, "a", b"", PLAIN)
    assert found == packed_checksum(LIKE, "a", b"", PLAIN)
    assert found is not None
    assert found.startswith("10c0/")
    plain = [each._replace(executable=False) for each in PLAIN]
    others = [packed_checksum(LIKE, "b", b"", PLAIN), packed_checksum(LIKE, "a", b"", plain)]
    assert found not in others


def test_the_hash_of_an_unpacked_tar() -> None:
    found = packed_checksum("tar/" + "0" * 128, "a", b"tar", [])
    assert found == f"tar/{hashlib.sha512(b'tar').hexdigest()}"


@pytest.mark.parametrize(
    "like", ["8/" + "0" * 128, "10/" + "0" * 128, "0" * 128, "10c0/ab", "10c9/"]
)
def test_what_is_compressed_cannot_be_computed(like: str) -> None:
    assert packed_checksum(like, "a", b"", PLAIN) is None


def test_a_file_that_is_there_twice_cannot_be_computed() -> None:
    assert packed_checksum(LIKE, "a", b"", [*PLAIN, PLAIN[0]]) is None
