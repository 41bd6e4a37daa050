"""Computes the checksums of the archives that clients make from a package's tarball.

Yarn 2 and later repack a tarball as a zip: the tarball's files below ``node_modules/NAME/`` in the
tarball's order, each folder before its files, all with one fixed time. The cache key before the checksum
says how the zip was made. With ``c0`` it is not compressed, so its bytes follow from the files (Yarn 3.8
and 4.9 to 4.18 make the same bytes). pnpm's key ``tar`` means the hash of the unpacked tar.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

UNPACKED: Final = "tar/"
"""The key before the checksum of an unpacked tar."""
_KEY: Final = re.compile(r"(?:(?P<key>[0-9]+c0|tar)/)[0-9a-f]{128}")
_LOCAL: Final = struct.Struct("<IHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<IHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<IHHHHIIH")
_TIME, _DATE = 0xAE40, 0x08D6
_MADE_BY: Final = 3 << 8 | 63
_UTF8: Final = 1 << 11
_FOLDER_MODE, _FILE_MODE, _PROGRAM_MODE = 0o40755, 0o100644, 0o100755


class PackedFile(NamedTuple):
    """An entry of a tarball, below the package's own folder."""

    path: str
    content: bytes
    executable: bool
    folder: bool = False


def packed_checksum(like: str, name: str, tar: bytes, files: Sequence[PackedFile]) -> str | None:
    """The checksum of a package, made with the cache key of the checksum ``like``; None: not computable."""
    key = _KEY.fullmatch(like)
    if key is None:
        return None
    data = tar if key["key"] == "tar" else _zip(name, files)
    return None if data is None else f"{key['key']}/{hashlib.sha512(data).hexdigest()}"


def _zip(name: str, files: Sequence[PackedFile]) -> bytes | None:
    entries = list(_entries(f"node_modules/{name}", files))
    if len({path for path, _, _ in entries}) < len(entries):
        return None
    body, directory = bytearray(), bytearray()
    for path, mode, content in entries:
        encoded, crc, size = path.encode(), zlib.crc32(content), len(content)
        needed, flags = 20 if mode == _FOLDER_MODE else 10, 0 if path.isascii() else _UTF8
        common = (needed, flags, 0, _TIME, _DATE, crc, size, size, len(encoded), 0)
        directory += _CENTRAL.pack(
            0x02014B50, _MADE_BY, *common, 0, 0, 0, mode << 16, len(body)
        ) + encoded  # fmt: skip
        body += _LOCAL.pack(0x04034B50, *common) + encoded + content
    count = len(entries)
    end = _END.pack(0x06054B50, 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory) + end


def _entries(home: str, files: Sequence[PackedFile]) -> Iterator[tuple[str, int, bytes]]:
    """The entries of the zip: each folder once, before its files."""
    made: set[str] = set()
    for each in (one for one in files if one.path):
        path = f"{home}/{each.path}"
        inside = path if each.folder else path.rpartition("/")[0]
        for end in (*(i for i, letter in enumerate(inside) if letter == "/"), len(inside)):
            folder = inside[:end]
            if folder not in made:
                made.add(folder)
                yield f"{folder}/", _FOLDER_MODE, b""
        if not each.folder:
            yield path, _PROGRAM_MODE if each.executable else _FILE_MODE, each.content
