"""HTTP for registries: GET only, few redirects, total time limits, credentials for one host only.

urllib3, because it is what pip and requests use, has no dependencies, streams, and leaves
redirects, retries and decoding to be done by rules that are stricter than its own.
"""

from __future__ import annotations

import http.client
import queue
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeVar

import urllib3

from npm_vetted import __version__
from npm_vetted.errors import UndecidedError
from npm_vetted.formats.terminal_text import line, printable
from npm_vetted.registry.packument import AbsentError
from npm_vetted.registry.settings import RegistrySettings, Url
from npm_vetted.registry.tarball import BadTarballError, gunzip

T = TypeVar("T")

THREADS: Final = 16
"""How many requests run at once at most."""

_POOL: Final = re.compile(r"\A[^()<>]{0,80}[(<][^()<>]{0,300}[)>]: ")
_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_HOPS: Final = 5
_READ: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Limits of a request: times in seconds, the number of attempts, the size in bytes.

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
class Response:
    """A registry's answer: status 200 with its body, or 304 without one."""

    status: int
    body: bytes
    etag: str | None = None


class _Failure(Exception):  # noqa: N818
    """A request that may do better when it is made again, after a while."""

    def __init__(self, message: str, pause: float = 0) -> None:
        super().__init__(message)
        self.pause = pause


class Fetcher:
    """Sends GET requests by the settings' rules."""

    def __init__(self, settings: RegistrySettings, patience: Patience) -> None:
        self._settings = settings
        self._patience = patience
        self._pools: dict[tuple[str | None, bool], urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def get(self, url: Url, limit: int, headers: Mapping[str, str]) -> Response:
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

    def _follow(self, url: Url, limit: int, headers: Mapping[str, str]) -> Response:
        """Send the request and follow redirects; a credential goes with the first request only."""
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
            return self._pool(self._settings.proxy(url), url.scheme == "https").request(
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
    ) -> Response:
        status = response.status
        if status in _AGAIN:
            raise _Failure(f"{status} {_phrase(status)}", _retry_after(response))
        if status == HTTPStatus.NOT_MODIFIED:
            return Response(status=status, body=b"")
        if status != HTTPStatus.OK:
            kind = AbsentError if status == HTTPStatus.NOT_FOUND else UndecidedError
            raise kind(self._refusal(url, status, authorised))
        body = _body(url, response, limit)
        return Response(status=status, body=body, etag=response.headers.get("ETag"))

    def _refusal(self, url: Url, status: int, authorised: bool) -> str:
        message = f"{url} answered {status} {_phrase(status)}"
        if status not in (401, 403, 404):
            return message
        said = "a token was sent" if authorised else "no token was sent: your .npmrc has none"
        ignored = "".join(f"; not used: {reason}" for reason in self._settings.ignored)
        return f"{message} ({said}{ignored})"

    def _pool(self, proxy: str | None, encrypted: bool) -> urllib3.PoolManager:
        key = proxy, encrypted or (proxy is not None and proxy.lower().startswith("https:"))
        with self._lock:
            if key not in self._pools:
                self._pools[key] = self._new_pool(*key)
            return self._pools[key]

    def _new_pool(self, proxy: str | None, encrypted: bool) -> urllib3.PoolManager:
        context = self._trust() if encrypted else None  # the authorities take 20 ms to read
        if proxy is None:
            return urllib3.PoolManager(maxsize=THREADS, ssl_context=context)
        parsed = urllib3.util.parse_url(proxy)
        headers = urllib3.make_headers(proxy_basic_auth=parsed.auth) if parsed.auth else None
        return urllib3.ProxyManager(
            proxy,
            maxsize=THREADS,
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
    """Run in a thread that is abandoned at the time limit, so that no slow server delays a person.

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
        raise UndecidedError(f"{url} answered in an encoding that was not requested: {encoding!r}")
    try:
        return gunzip(body, limit)
    except BadTarballError as error:
        raise UndecidedError(f"{url} answered with gzip that is refused: {error}") from None


def _said(error: BaseException) -> str:
    """The error's text, without the object that urllib3 puts before it."""
    return line(_POOL.sub("", str(error)) or type(error).__name__)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "(unknown)"


def _retry_after(response: urllib3.BaseHTTPResponse) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
