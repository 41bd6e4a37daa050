"""Keeps fetched data on disk, below the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from npm_vetted.packages.integrity import Hash
from npm_vetted.registry.fetch import Response
from npm_vetted.registry.settings import Url, home_folder
from npm_vetted.registry.tarball import BadTarballError, digest_of, gunzip


@dataclass(frozen=True, slots=True)
class Kept:
    """A packument's body, with the ETag by which the registry says whether it is current."""

    etag: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Cache:
    """Packuments by URL with their ETag, tarballs by hash; with the folder None, no data is kept.

    A cache that cannot be read or written is no cache: nothing depends on it.
    """

    folder: Path | None

    def packument(self, url: Url, limit: int) -> Kept | None:
        """The kept answer of an address; a 304 must confirm it."""
        data = self._read(self._packument_file(url))
        head, newline, body = (data or b"").partition(b"\n")
        if not newline:
            return None
        try:
            etag = json.loads(head)["etag"]
            return Kept(etag, gunzip(body, limit)) if isinstance(etag, str) else None
        except (ValueError, KeyError, TypeError, RecursionError, BadTarballError):
            return None

    def keep_packument(self, url: Url, answer: Response) -> None:
        """Keep an answer that can be confirmed later."""
        if answer.etag and answer.etag.isascii() and answer.etag.isprintable() and self.folder:
            import gzip

            head = json.dumps({"etag": answer.etag, "url": str(url)}).encode()
            packed = gzip.compress(answer.body, compresslevel=1)
            self._write(self._packument_file(url), head + b"\n" + packed)

    def tarball(self, expected: Hash) -> bytes | None:
        """A kept tarball that still has the hash."""
        data = self._read(self._tarball_file(expected))
        if data is None or digest_of(data, expected.algorithm) != expected.digest:
            return None
        return data

    def keep_tarball(self, expected: Hash, data: bytes) -> None:
        """Keep a tarball that was found to have the hash; not for sha1, which can be forged."""
        if expected.algorithm != "sha1":
            self._write(self._tarball_file(expected), data)

    def text(self, name: str) -> bytes | None:
        """A cached text that was computed from bytes."""
        return self._read(name)

    def keep_text(self, name: str, data: bytes) -> None:
        """Keep something that was computed; ``name`` says from which bytes and by which rules."""
        self._write(name, data)

    @staticmethod
    def _tarball_file(expected: Hash) -> str:
        return f"tarballs/{expected.algorithm}-{expected.digest.hex()}.tgz"

    @staticmethod
    def _packument_file(url: Url) -> str:
        return f"packuments/{hashlib.sha256(str(url).encode()).hexdigest()}"

    def _read(self, name: str) -> bytes | None:
        if self.folder is None:
            return None
        with suppress(OSError):
            return (self.folder / name).read_bytes()
        return None

    def _write(self, name: str, data: bytes) -> None:
        if self.folder is None:
            return
        path = self.folder / name
        with suppress(OSError):
            handle, temporary = _temporary(path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                Path(temporary).replace(path)
            except OSError:
                Path(temporary).unlink(missing_ok=True)


def _temporary(folder: Path) -> tuple[int, str]:
    """A new file in a folder, which most often is there."""
    with suppress(FileNotFoundError):
        return tempfile.mkstemp(dir=folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return tempfile.mkstemp(dir=folder)


def cache_folder(environment: Mapping[str, str], platform: str = sys.platform) -> Path | None:
    """The user's folder for data that can be fetched again; None without a home."""
    home = home_folder(environment, platform)
    if environment.get("XDG_CACHE_HOME"):
        base = Path(environment["XDG_CACHE_HOME"])
    elif platform == "win32" and environment.get("LOCALAPPDATA"):
        base = Path(environment["LOCALAPPDATA"])
    elif home:
        base = Path(home) / ("Library/Caches" if platform == "darwin" else ".cache")
    else:
        return None
    return base / "npm-vetted" if base.is_absolute() else None
