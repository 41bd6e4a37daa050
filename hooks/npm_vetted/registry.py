"""Packuments and tarballs, fetched and cached; the only module that knows the network.

urllib3, because it is what pip and requests stand on, has no dependencies, streams, and leaves
redirects, retries and decoding to be done by rules that are stricter than its own.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import queue
import re
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

import urllib3

from npm_vetted import __version__
from npm_vetted.errors import UndecidedError
from npm_vetted.hashes import Hash
from npm_vetted.packument import AbsentError, Packument, Release, read_packument
from npm_vetted.registry_settings import DEFAULT, RegistrySettings, Url
from npm_vetted.sanitize import line, printable
from npm_vetted.tarball import (
    Package,
    RefusedError,
    digest_of,
    expected_hash,
    gunzip,
    open_tarball,
    verify,
)

T = TypeVar("T")
Pair = tuple[str, str]
Progress = Callable[[int, int], None]
"""Told how many of how many packages have been asked for."""

_NAME: Final = re.compile(r"(?:@[\w~!'()*-][\w.~!'()*-]*/)?[\w~!'()*-][\w.~!'()*-]*", re.ASCII)
_POOL: Final = re.compile(r"\A[^()<>]{0,80}[(<][^()<>]{0,300}[)>]: ")
_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_HOPS: Final = 5
_THREADS: Final = 16
_READ: Final = 1 << 16
_TEXT_LIMIT: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited, in seconds, how often is asked, and how much is taken in, in bytes.

    ``total`` holds for a whole answer, however slowly it comes. The largest packuments of 2026
    (``next``) are 20 MB, the largest tarballs some 100 MB.
    """

    connect: float = 10
    read: float = 20
    total: float = 180
    attempts: int = 3
    pause: float = 0.5
    longest_pause: float = 10
    packument: int = 256 << 20
    tarball: int = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a note records of a version: DESIGN.md's ``published``, ``integrity``, ``scripts``.

    ``evidence`` is the note's ``[evidence]`` table: texts are fit to be shown, what the registry
    does not say is left out.
    """

    published: datetime | None
    integrity: str | None
    scripts: tuple[str, ...]
    evidence: Mapping[str, str | int | list[str]]


class Registry:
    """Asks the registries that the settings name."""

    def __init__(
        self,
        settings: RegistrySettings,
        *,
        cache: Path | None = None,
        patience: Patience | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._settings = settings
        self._patience = patience or Patience()
        self._cache = Cache(cache)
        self._fetcher = _Fetcher(settings, self._patience)
        self._progress = progress
        self._kept: dict[str, Packument] = {}

    def version(self, name: str, version: str) -> Published:
        """What a note records of one version; raises UndecidedError where there is no answer."""
        return _published(self.packument(name), version)

    def versions(self, pairs: Iterable[Pair]) -> dict[Pair, Published | UndecidedError]:
        """The same for many at once; each package is asked for once."""
        wanted: dict[str, list[str]] = {}
        for name, version in dict.fromkeys(pairs):
            wanted.setdefault(name, []).append(version)
        found: dict[Pair, Published | UndecidedError] = {}
        with ThreadPoolExecutor(min(_THREADS, len(wanted) or 1)) as pool:
            jobs = [pool.submit(self._published, name, wanted[name]) for name in wanted]
            try:
                for job in self._counted(jobs):
                    found.update(job.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return found

    def _counted(self, jobs: list[Future[T]]) -> Iterator[Future[T]]:
        for count, job in enumerate(jobs):
            if self._progress is not None:
                self._progress(count, len(jobs))
            yield job
        if self._progress is not None:
            self._progress(len(jobs), len(jobs))

    def _published(
        self, name: str, versions: Iterable[str]
    ) -> dict[Pair, Published | UndecidedError]:
        found: dict[Pair, Published | UndecidedError] = {}
        try:
            packument = self._fetch_packument(name)
        except UndecidedError as error:
            return {(name, version): error for version in versions}
        for version in versions:
            try:
                found[name, version] = _published(packument, version)
            except UndecidedError as error:
                found[name, version] = error
        return found

    def packument(self, name: str) -> Packument:
        """What the registry says of a package; asked once for each name."""
        if name not in self._kept:
            self._kept[name] = self._fetch_packument(name)
        return self._kept[name]

    def _fetch_packument(self, name: str) -> Packument:
        url = self.url(name)
        kept = self._cache.packument(url, self._patience.packument)
        headers = {"Accept": "application/json"}
        if kept is not None:
            headers["If-None-Match"] = kept.etag
        answer = self._fetcher.get(url, self._patience.packument, headers)
        if answer.status == HTTPStatus.NOT_MODIFIED and kept is not None:
            return read_packument(str(url), name, kept.body)
        packument = read_packument(str(url), name, answer.body)
        self._cache.keep_packument(url, answer)
        return packument

    def url(self, name: str) -> Url:
        """Where a package's packument is; raises UndecidedError for what npm never lets be a name.

        So no name leads to another endpoint.
        """
        if _NAME.fullmatch(name) is None or len(name) > 214:
            raise UndecidedError(f"not the name of a package in a registry: {line(name)!r}")
        base = self._settings.registry(name)
        path = base.path + quote(name, safe="@~!'()*-_.")
        return Url.parse(f"{base.scheme}:{base.origin}{path}")

    def tarball(self, release: Release, integrity: str | None = None) -> bytes:
        """A version's tarball, checked against the lockfile's hash, else the registry's own."""
        label = printable(f"{release.name}@{release.version}")
        expected = integrity or release.integrity
        if expected is None:
            raise UndecidedError(f"{label}: the registry has no hash of its tarball")
        found = expected_hash(expected)
        kept = self._cache.tarball(found)
        if kept is not None:
            return kept
        body = self._fetcher.get(self._tarball_url(release), self._patience.tarball, {}).body
        verify(label, body, expected)
        self._cache.keep_tarball(found, body)
        return body

    def package(self, release: Release, integrity: str | None = None) -> Package:
        """The files of a version, from a tarball that is the expected one."""
        label = printable(f"{release.name}@{release.version}")
        data = self.tarball(release, integrity)
        expected = integrity or release.integrity
        assert expected is not None
        return open_tarball(label, data, expected)

    def _tarball_url(self, release: Release) -> Url:
        """Where the tarball is; a mirror may still name npm's host, which npm replaces too."""
        url = Url.parse(release.tarball)
        base = self._settings.registry(release.name)
        if url.origin == Url.parse(DEFAULT).origin != base.origin:
            path = base.path.rstrip("/") + url.path
            return Url.parse(f"{base.scheme}:{base.origin}{path}{url.query}")
        return url


def _published(packument: Packument, version: str) -> Published:
    release = packument.release(version)
    return Published(
        published=release.published,
        integrity=release.integrity,
        scripts=tuple(release.scripts),
        evidence=_evidence(release, packument.tags.get("latest")),
    )


def _evidence(release: Release, latest: str | None) -> dict[str, str | int | list[str]]:
    found: dict[str, str | int | list[str] | None] = {
        "latest": latest,
        "maintainers": [line(str(person)) for person in release.maintainers[:50]],
        "publisher": str(release.publisher) if release.publisher else None,
        "repository": release.repository,
        "licence": release.licence,
        "deprecated": release.deprecated,
        "unpacked-size": release.unpacked_size,
        "files": release.file_count,
    }
    return {
        key: line(value, _TEXT_LIMIT) if isinstance(value, str) else value
        for key, value in found.items()
        if value is not None and value != []
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    body: bytes
    etag: str | None = None


class _Failure(Exception):  # noqa: N818
    """A request that may do better when it is made again, after a while."""

    def __init__(self, message: str, pause: float = 0) -> None:
        super().__init__(message)
        self.pause = pause


class _Fetcher:
    """GET and nothing else, by the settings' rules."""

    def __init__(self, settings: RegistrySettings, patience: Patience) -> None:
        self._settings = settings
        self._patience = patience
        self._pools: dict[str | None, urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def get(self, url: Url, limit: int, headers: Mapping[str, str]) -> _Answer:
        """The answer of at most ``limit`` bytes; raises UndecidedError where there is none."""
        for attempt in range(self._patience.attempts):
            try:
                return _within(self._patience.total, url, lambda: self._follow(url, limit, headers))
            except _Failure as failure:
                problem = str(failure)
                pause = max(self._patience.pause * 2**attempt, failure.pause)
            if attempt + 1 < self._patience.attempts:
                time.sleep(min(pause, self._patience.longest_pause))
        raise UndecidedError(
            printable(f"no answer from {url} after {self._patience.attempts} attempts: {problem}")
        )

    def _follow(self, url: Url, limit: int, headers: Mapping[str, str]) -> _Answer:
        """Ask, and follow redirects; a credential goes with the first request only."""
        secret = self._settings.credential(url)
        target = url
        sent = {"User-Agent": f"npm-vetted/{__version__}", "Accept-Encoding": "gzip", **headers}
        first = {**sent, "Authorization": secret} if secret else sent
        for hop in range(_HOPS):
            response = self._open(target, sent if hop else first)
            try:
                if response.status not in _REDIRECTS:
                    return self._answer(url, response, limit, secret is not None)
                target = _redirected(target, response.headers.get("Location", ""))
            finally:
                response.close()
        raise UndecidedError(f"{url} redirects more than {_HOPS} times")

    def _open(self, url: Url, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool(self._settings.proxy(url)).request(
                "GET",
                str(url),
                headers=dict(headers),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=self._patience.connect, read=self._patience.read),
            )
        except urllib3.exceptions.SSLError as error:
            raise UndecidedError(
                printable(f"{url}: the certificate is not accepted: {error}"),
                fix="name your certificate authority's file in SSL_CERT_FILE or npm's cafile",
            ) from None
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            raise _Failure(_said(error)) from None

    def _answer(
        self, url: Url, response: urllib3.BaseHTTPResponse, limit: int, authorised: bool
    ) -> _Answer:
        status = response.status
        if status in _AGAIN:
            raise _Failure(f"{status} {_phrase(status)}", _retry_after(response))
        if status == HTTPStatus.NOT_MODIFIED:
            return _Answer(status=status, body=b"")
        if status != HTTPStatus.OK:
            kind = AbsentError if status == HTTPStatus.NOT_FOUND else UndecidedError
            raise kind(self._refusal(url, status, authorised))
        body = _body(url, response, limit)
        return _Answer(status=status, body=body, etag=response.headers.get("ETag"))

    def _refusal(self, url: Url, status: int, authorised: bool) -> str:
        message = f"{url} answered {status} {_phrase(status)}"
        if status not in (401, 403, 404):
            return message
        said = "a token was sent" if authorised else "no token was sent: your .npmrc has none"
        ignored = "".join(f"; not used: {reason}" for reason in self._settings.ignored)
        return f"{message} ({said}{ignored})"

    def _pool(self, proxy: str | None) -> urllib3.PoolManager:
        with self._lock:
            if proxy not in self._pools:
                self._pools[proxy] = self._new_pool(proxy)
            return self._pools[proxy]

    def _new_pool(self, proxy: str | None) -> urllib3.PoolManager:
        context = self._trust()
        if proxy is None:
            return urllib3.PoolManager(maxsize=_THREADS, ssl_context=context)
        parsed = urllib3.util.parse_url(proxy)
        headers = urllib3.make_headers(proxy_basic_auth=parsed.auth) if parsed.auth else None
        return urllib3.ProxyManager(
            proxy,
            maxsize=_THREADS,
            ssl_context=context,
            proxy_headers=headers,
            proxy_ssl_context=context,
        )

    def _trust(self) -> ssl.SSLContext:
        """The machine's authorities (SSL_CERT_FILE among them), or the person's own ``cafile``."""
        try:
            context = ssl.create_default_context(cafile=self._settings.cafile)
            if self._settings.extra_cafile is not None:
                context.load_verify_locations(self._settings.extra_cafile)
        except OSError as error:
            files = self._settings.cafile or self._settings.extra_cafile
            raise UndecidedError(
                printable(f"the certificates in {files} cannot be read: {error.strerror or error}")
            ) from None
        return context


def _within(seconds: float, url: Url, function: Callable[[], T]) -> T:
    """Run in a thread that may be left behind: no way of being slow holds a person up.

    A socket's own timeout starts anew with each byte, also in a TLS handshake or a header.
    """
    box: queue.SimpleQueue[T | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            box.put(function())
        except BaseException as error:
            box.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        found = box.get(timeout=seconds)
    except queue.Empty:
        raise UndecidedError(f"{url} did not answer within {seconds:g} seconds") from None
    if isinstance(found, BaseException):
        raise found
    return found


def _redirected(origin: Url, location: str) -> Url:
    if location.startswith("/") and not location.startswith("//"):
        location = f"{origin.scheme}:{origin.origin}{location}"
    target = Url.parse(location.partition("#")[0])
    if target.is_loopback and not origin.is_loopback:
        raise UndecidedError(f"{origin} redirects to this machine: {target}")
    if target.scheme not in (origin.scheme, "https"):
        raise UndecidedError(f"{origin} redirects to plain http: {target}")
    return target


def _body(url: Url, response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
    """The whole body, decoded, read no further than ``limit`` bytes packed or unpacked."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in response.stream(_READ, decode_content=False):
            size += len(piece)
            if size > limit:
                raise UndecidedError(f"{url} answered with more than {limit:,} bytes")
            pieces.append(piece)
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        raise _Failure(_said(error)) from None
    body = b"".join(pieces)
    if encoding in ("identity", ""):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise UndecidedError(f"{url} answered in an encoding that was not asked for: {encoding!r}")
    try:
        return bytes(gunzip(body, limit))
    except RefusedError as error:
        raise UndecidedError(f"{url} answered with gzip that is refused: {error}") from None


def _said(error: BaseException) -> str:
    """What went wrong, without the object that urllib3 puts before it."""
    return line(_POOL.sub("", str(error)) or type(error).__name__)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "(unknown)"


def _retry_after(response: urllib3.BaseHTTPResponse) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


@dataclass(frozen=True, slots=True)
class _Kept:
    etag: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Cache:
    """Packuments by their URL with the ETag, tarballs by their hash; None: nothing is kept.

    A cache that cannot be read or written is no cache: nothing depends on it.
    """

    folder: Path | None

    def packument(self, url: Url, limit: int) -> _Kept | None:
        """The kept answer of an address; a 304 must confirm it."""
        data = self._read(self._packument_file(url))
        head, newline, body = (data or b"").partition(b"\n")
        if not newline:
            return None
        try:
            etag = json.loads(head)["etag"]
            return _Kept(etag, bytes(gunzip(body, limit))) if isinstance(etag, str) else None
        except (ValueError, KeyError, TypeError, RecursionError, RefusedError):
            return None

    def keep_packument(self, url: Url, answer: _Answer) -> None:
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
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                Path(temporary).replace(path)
            except OSError:
                Path(temporary).unlink(missing_ok=True)


def cache_folder(environment: Mapping[str, str], platform: str = sys.platform) -> Path | None:
    """Where a program keeps what it can fetch again; None without a home."""
    home = environment.get("HOME") or environment.get("USERPROFILE")
    if environment.get("XDG_CACHE_HOME"):
        base = Path(environment["XDG_CACHE_HOME"])
    elif platform == "win32" and environment.get("LOCALAPPDATA"):
        base = Path(environment["LOCALAPPDATA"])
    elif home:
        base = Path(home) / ("Library/Caches" if platform == "darwin" else ".cache")
    else:
        return None
    return base / "npm-vetted" if base.is_absolute() else None


def progress_bar(width: int = 30) -> Progress | None:
    """A bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        filled = width * done // max(total, 1)
        bar = "#" * filled + "." * (width - filled)
        end = "\r\x1b[K" if done >= total else ""
        sys.stderr.write(f"\r[{bar}] {done}/{total} packages{end}")
        sys.stderr.flush()

    return show
