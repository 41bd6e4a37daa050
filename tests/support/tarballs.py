"""Tarballs as npm would never pack them, and the hash that belongs to any."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterable


def integrity_of(data: bytes, algorithm: str = "sha512") -> str:
    """The SRI text of some bytes."""
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def member(
    path: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    """One entry."""
    info = tarfile.TarInfo(path)
    info.type = kind
    info.linkname = target
    info.size = len(content)
    return info, content


def tar_of(
    members: Iterable[tuple[tarfile.TarInfo, bytes]], tar_format: int = tarfile.PAX_FORMAT
) -> bytes:
    """An uncompressed tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tar_format) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def tarball_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A gzipped tar."""
    return gzip.compress(tar_of(members), mtime=0)


def package_of(files: dict[str, str]) -> bytes:
    """A tarball of some files, in the folder that npm gives them."""
    return tarball_of(*(member(f"package/{path}", text.encode()) for path, text in files.items()))


def bomb(megabytes: int) -> bytes:
    """A tarball of one file of zeros, made without ever being unpacked: one packed megabyte, repeated.

    Its end is missing: who reads that far has unpacked it.
    """
    info = tarfile.TarInfo("package/zeros")
    info.size = megabytes << 20
    packer = zlib.compressobj(wbits=31)
    head = packer.compress(info.tobuf()) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + zeros * megabytes
