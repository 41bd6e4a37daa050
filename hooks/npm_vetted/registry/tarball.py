"""A package's tarball: verified by its hash, then opened in memory; its content may be hostile.

Only the form that ``npm pack`` writes is read: ustar headers, with the long names of GNU and pax.
Content that two programs could read differently is refused, because the reviewer must see the files
that npm will install: links, devices, sparse files, a name that leaves the package or has two
contents, data behind the end.
Python's own ``tarfile`` reads far more than that, and its versions in use hang or recurse on
made-up headers (CVE-2024-6232, CVE-2025-8194).
"""

from __future__ import annotations

import hashlib
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Final
from weakref import finalize

from npm_vetted.clients.shared.packed_zips import PackedFile
from npm_vetted.errors import UndecidedError
from npm_vetted.formats.terminal_text import line
from npm_vetted.packages.integrity import Hash, parse_integrity, strongest

_BLOCK: Final = 512
_CHUNK: Final = 1 << 16
_MEMBERS: Final = 16
_OCTAL: Final = re.compile(rb" *([0-7]+)[ \0]*")
_WINDOWS: Final = re.compile(r"[A-Za-z]:")
_HEADER_LIMIT: Final = 64 * 1024
_IN_MEMORY: Final = 16 << 20
"""Bytes of a package's files that stay in memory; beyond, all of them are in a temporary file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Size limits for a tarball; the largest packages of 2026 are far below them."""

    unpacked: int = 512 << 20
    files: int = 200_000
    path: int = 1_000

    @property
    def most(self) -> int:
        """The bytes of the files with all their headers."""
        return self.unpacked + self.files * 2 * _BLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A tarball's files: each file's bytes by its path below the package's own folder."""

    name: str
    files: Mapping[str, bytes]

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return sum(map(len, self.files.values()))


class UnpackedFiles(Mapping[str, bytes]):
    """Files by path, kept in memory while they are small, else in a temporary file without a name.

    It is read again for each question, so that a large package takes no memory. Of a file only the
    first ``most`` bytes are kept; ``digests`` are of all of them.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._store = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        finalize(self, self._store.close)
        self._places: dict[str, tuple[int, int]] = {}
        self._end = 0
        self.digests: dict[str, bytes] = {}
        """The SHA-256 of each file."""

    def add(self, path: str, pieces: Iterator[bytes]) -> bool:
        """Keep a file; False if another one has its path."""
        start, digest = self._end, hashlib.sha256()
        self._store.seek(start)
        for piece in pieces:
            digest.update(piece)
            kept = piece if self._most is None else piece[: max(start + self._most - self._end, 0)]
            self._end += self._store.write(kept)
        known = self.digests.setdefault(path, digest.digest())
        self._places.setdefault(path, (start, self._end - start))
        return known == digest.digest()

    def __getitem__(self, path: str) -> bytes:
        start, size = self._places[path]
        self._store.seek(start)
        return self._store.read(size)

    def __contains__(self, path: object) -> bool:
        return path in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def expected_hash(integrity: str) -> Hash:
    """The hash that the bytes must have; raises UndecidedError if it is too weak or unsound."""
    found = strongest(parse_integrity(integrity))
    if found.algorithm == "md5":
        raise UndecidedError("expected a hash that means something, found md5 only")
    return found


def digest_of(data: bytes, algorithm: str) -> bytes:
    """The digest of some bytes."""
    return hashlib.new(algorithm, data, usedforsecurity=False).digest()


def verify(name: str, data: bytes, integrity: str) -> None:
    """Raise UndecidedError unless these bytes are the ones that an SRI text names."""
    expected = expected_hash(integrity)
    found = Hash(expected.algorithm, digest_of(data, expected.algorithm))
    if found.digest != expected.digest:
        raise UndecidedError(
            f"{name}: the tarball is not the one that was requested: expected {expected},"
            f" found {found}"
        )


def open_tarball(name: str, data: bytes, integrity: str, limits: Limits | None = None) -> Package:
    """Verify a tarball's bytes by their hash, then return its files.

    ``name`` is its name in messages. Raises UndecidedError for content that npm would not have
    packed.
    """
    verify(name, data, integrity)
    return unpack(name, data, limits)


def unpack(
    name: str, data: bytes, limits: Limits | None = None, most: int | None = None
) -> Package:
    """The files of a tarball that is verified; of each no more than ``most`` bytes."""
    limits = limits or Limits()
    try:
        return Package(name=name, files=_files(_Unzipped(data, limits.most), limits, most))
    except BadTarballError as error:
        raise UndecidedError(f"{name}: the tarball is refused: {error}") from None
    except OSError as error:
        raise UndecidedError(f"{name}: the tarball cannot be unpacked: {error}") from None


def tarball_entries(
    name: str, data: bytes, integrity: str, limits: Limits | None = None
) -> list[PackedFile]:
    """Verify a tarball's bytes by their hash, then return its entries in their order."""
    open_tarball(name, data, integrity, limits)
    limits = limits or Limits()
    return [
        PackedFile(
            _path_within(each, limits),
            b"".join(each.pieces),
            bool(each.mode & 0o111),
            each.kind == b"5",
        )
        for each in _entries(_Unzipped(data, limits.most), limits)
    ]


class BadTarballError(Exception):
    """The reason for refusing bytes; the caller adds the name."""


def gunzip(data: bytes, limit: int) -> bytes:
    """The content of a gzip file, several members in sequence as gunzip reads them.

    Raises BadTarballError where that is not gzip, cut short, or more than ``limit`` bytes.
    """
    return _Unzipped(data, limit).read(limit + 1)


class _Unzipped:
    """The content of a gzip file, unpacked as it is read: the whole of it is never in memory."""

    def __init__(self, data: bytes, limit: int) -> None:
        self._pieces = _pieces(data, limit)
        self._piece = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        """The next bytes; fewer only at the end."""
        found = io.BytesIO()
        while size > 0 and self._more():
            part = self._piece[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            found.write(part)
        return found.getvalue()

    def pieces(self, size: int) -> Iterator[bytes]:
        """The next bytes, piece by piece; raises BadTarballError where there are fewer."""
        while size > 0:
            part = self.read(min(size, _CHUNK))
            if not part:
                raise BadTarballError("it is cut short")
            size -= len(part)
            yield part

    def only_zeros(self) -> bool:
        """Whether nothing but zeros follows."""
        while self._more():
            if self._piece[self._at :].strip(b"\0"):
                return False
            self._at = len(self._piece)
        return True

    def _more(self) -> bool:
        while self._at == len(self._piece):
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._piece, self._at = piece, 0
        return True


def _pieces(data: bytes, limit: int) -> Iterator[bytes]:
    """The content of a gzip file, piece by piece."""
    view = memoryview(data)
    at = size = 0
    for _ in range(_MEMBERS):
        unzip = zlib.decompressobj(wbits=31)
        while not unzip.eof:
            packed = unzip.unconsumed_tail or bytes(view[at : at + _CHUNK])
            at += 0 if unzip.unconsumed_tail else len(packed)
            if not packed:
                raise BadTarballError("it is cut short")
            try:
                piece = unzip.decompress(packed, _CHUNK)
            except zlib.error:
                raise BadTarballError("it is not gzip, or broken") from None
            size += len(piece)
            if size > limit:
                raise BadTarballError(f"it unpacks to more than {limit:,} bytes")
            yield piece
        at -= len(unzip.unused_data)
        while at < len(view) and not view[at]:
            at += 1
        if at == len(view):
            return
    raise BadTarballError("it is gzip in too many pieces")


@dataclass(frozen=True, slots=True)
class _Entry:
    """``pieces`` is the content, to be read before the next entry is."""

    path: str
    kind: bytes
    pieces: Iterator[bytes]
    mode: int


def _files(tar: _Unzipped, limits: Limits, most: int | None) -> UnpackedFiles:
    files = UnpackedFiles(most)
    folders: set[str] = set()
    for entry in _entries(tar, limits):
        path = _path_within(entry, limits)
        if entry.kind == b"5":
            continue
        if not files.add(path, entry.pieces):
            raise BadTarballError(f"{line(path)!r} is there twice, with different content")
        folders.update(_parents(path))
    clash = next((path for path in files if path in folders), None)
    if clash is not None:
        raise BadTarballError(f"{line(clash)!r} is both a file and a folder")
    return files


def _parents(path: str) -> Iterator[str]:
    end = path.find("/")
    while end >= 0:
        yield path[:end]
        end = path.find("/", end + 1)


def _path_within(entry: _Entry, limits: Limits) -> str:
    """The path without the package's folder, whatever that is called: npm strips it too."""
    path = entry.path
    if entry.kind not in (b"0", b"\0", b"5"):
        kind = {b"1": "a link", b"2": "a symbolic link"}.get(entry.kind, "no plain file")
        raise BadTarballError(f"{line(path)!r} is {kind}")
    parts = (path.removesuffix("/") if entry.kind == b"5" else path).split("/")
    if path.startswith("/") or _WINDOWS.match(path):
        raise BadTarballError(f"{line(path)!r} is an absolute path")
    if ".." in parts or "\\" in path:
        raise BadTarballError(f"{line(path)!r} may lead out of the package")
    if "" in parts or parts[0] == "." or "\0" in path:
        raise BadTarballError(f"{line(path)!r} is no plain path")
    parts = [part for part in parts if part != "."]  # some honest packers write package/./lib
    if len(path) > limits.path or len(parts) > limits.path // 8:
        raise BadTarballError(f"a path of {len(path):,} characters")
    if len(parts) < 2 and entry.kind != b"5":
        raise BadTarballError(f"{line(path)!r} is outside of the package's folder")
    return "/".join(parts[1:])


def _entries(tar: _Unzipped, limits: Limits) -> Iterator[_Entry]:
    """The entries of a tar, each under the name that a header before it may give."""
    headers = total = 0
    override: dict[str, str] = {}
    while (header := tar.read(_BLOCK)).strip(b"\0"):
        headers += 1
        if headers > limits.files:
            raise BadTarballError(f"it holds more than {limits.files:,} entries")
        kind = header[156:157]
        size = _checked_size(header)
        if kind not in b"xgL" and "size" in override:
            size = _decimal(override["size"])
        total += size
        if total > limits.unpacked:
            raise BadTarballError(f"it unpacks to more than {limits.unpacked:,} bytes")
        if kind in b"xgL":
            if size > _HEADER_LIMIT:
                raise BadTarballError(f"a header of {size:,} bytes")
            named = _header_record(kind, b"".join(tar.pieces(size)))
            if named and override:
                raise BadTarballError("two headers for one entry")
            override = named or override
        else:
            pieces = tar.pieces(size)
            yield _entry(header, kind, override, size, pieces)
            for _ in pieces:  # what nobody wanted to have
                pass
            override = {}
        tar.read(-size % _BLOCK)
    if not tar.only_zeros():
        raise BadTarballError("there is data behind its end")
    if override:
        raise BadTarballError("it is cut short")


def _header_record(kind: bytes, content: bytes) -> dict[str, str]:
    """The fields that an entry of the kinds ``x``, ``g`` (pax) or ``L`` (GNU) sets for the next one."""
    if kind == b"L":
        return {"path": _text(content)}
    found = _pax(content)
    if kind == b"g":
        if not found.keys() <= {"comment"}:
            raise BadTarballError("a header that changes all entries behind it")
        return {}
    return found


def _entry(
    header: bytes, kind: bytes, override: Mapping[str, str], size: int, pieces: Iterator[bytes]
) -> _Entry:
    path = override.get("path") or _name(header)
    if kind in b"0\0" and path.endswith("/"):
        kind = b"5"  # how tar said "folder" before it had a kind for it
    if kind == b"5" and size:
        raise BadTarballError(f"{line(path)!r} is a folder with content")
    mode = _OCTAL.fullmatch(header[100:108])
    return _Entry(path, kind, pieces, int(mode[1], 8) if mode else 0)


def _checked_size(header: bytes) -> int:
    if len(header) < _BLOCK:
        raise BadTarballError("it is cut short")
    expected = _octal(header[148:156])
    if sum(header) - sum(header[148:156]) + 8 * ord(" ") != expected:
        raise BadTarballError("a header's checksum is wrong")
    return _octal(header[124:136])


def _octal(field: bytes) -> int:
    match = _OCTAL.fullmatch(field)
    if match is None:
        raise BadTarballError(f"a header's number is malformed: {field[:12]!r}")
    return int(match.group(1), 8)


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise BadTarballError(f"a header's size is malformed: {line(text, 40)!r}")
    return int(text)


def _name(header: bytes) -> str:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:265] == b"ustar\x0000" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", errors="surrogateescape")


def _pax(content: bytes) -> dict[str, str]:
    """The records of a pax header: ``length key=value`` and a newline, each length exact."""
    found: dict[str, str] = {}
    position = 0
    while position < len(content):
        space = content.find(b" ", position, position + 10)
        digits = content[position:space] if space > 0 else b""
        length = int(digits) if digits.isdigit() else 0
        record = content[space + 1 : position + length]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n") or position + length > len(content):
            raise BadTarballError("a pax header is malformed")
        name = key.decode("utf-8", errors="replace")
        if name in found or name.startswith("GNU.sparse") or name in ("linkpath", "hdrcharset"):
            raise BadTarballError(f"a pax header holds {line(name)!r} unexpectedly")
        found[name] = value[:-1].decode("utf-8", errors="surrogateescape")
        position += length
    return found
