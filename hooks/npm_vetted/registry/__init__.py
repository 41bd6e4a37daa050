"""Fetches and caches packuments and tarballs. No other folder uses the network."""

from __future__ import annotations

import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar
from urllib.parse import quote

from npm_vetted.errors import UndecidedError
from npm_vetted.formats.terminal_text import line, printable
from npm_vetted.model import Published
from npm_vetted.registry.cache import Cache
from npm_vetted.registry.fetch import THREADS, Fetcher, Patience
from npm_vetted.registry.packument import Packument, Release, read_packument
from npm_vetted.registry.settings import DEFAULT, RegistrySettings, Url
from npm_vetted.registry.tarball import (
    Package,
    digest_of,
    expected_hash,
    unpack,
    verify,
)

T = TypeVar("T")
Pair = tuple[str, str]
Progress = Callable[[int, int], None]
"""Told how many of how many packages have been requested."""

_NAME: Final = re.compile(r"(?:@[\w~!'()*-][\w.~!'()*-]*/)?[\w~!'()*-][\w.~!'()*-]*", re.ASCII)
_TEXT_LIMIT: Final = 300
_AT_HAND: Final = 12 << 20
"""Bytes of packuments that are kept in memory; read, they take some eight times as much."""


class RecentPackuments:
    """The packuments that were requested last, up to a limit of memory; for several threads.

    A packument with its thousands of versions may have 30 MB: those of a whole lockfile would not
    fit.
    """

    def __init__(self, limit: int = _AT_HAND) -> None:
        self._limit = limit
        self._lock = Lock()
        self._found: OrderedDict[str, tuple[Packument, int]] = OrderedDict()

    def find(self, name: str) -> Packument | None:
        """A packument that is still kept."""
        with self._lock:
            if name not in self._found:
                return None
            self._found.move_to_end(name)
            return self._found[name][0]

    def keep(self, name: str, packument: Packument, size: int) -> None:
        """Keep a packument whose answer had so many bytes; the oldest ones make room."""
        with self._lock:
            self._found[name] = packument, size
            self._found.move_to_end(name)
            while len(self._found) > 1 and sum(n for _, n in self._found.values()) > self._limit:
                self._found.popitem(last=False)


class Registry:
    """The registries that the settings name."""

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
        self._fetcher = Fetcher(settings, self._patience)
        self._progress = progress
        self._kept = RecentPackuments()

    def version(self, name: str, version: str) -> Published:
        """The facts of one version that a note records; raises UndecidedError without an answer."""
        return _published(self.packument(name), version)

    def versions(self, pairs: Iterable[Pair]) -> dict[Pair, Published | UndecidedError]:
        """The same for many versions; each package is fetched once."""
        wanted: dict[str, list[str]] = {}
        for name, version in dict.fromkeys(pairs):
            wanted.setdefault(name, []).append(version)
        found: dict[Pair, Published | UndecidedError] = {}
        with ThreadPoolExecutor(min(THREADS, len(wanted) or 1)) as pool:
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
        """A package's packument; not fetched again while it is among the recent ones."""
        found = self._kept.find(name)
        if found is None:
            found, size = self._answered(name)
            self._kept.keep(name, found, size)
        return found

    def _fetch_packument(self, name: str) -> Packument:
        return self._answered(name)[0]

    def _answered(self, name: str) -> tuple[Packument, int]:
        """A package's packument, and how many bytes the registry's answer has."""
        url = self.url(name)
        kept = self._cache.packument(url, self._patience.packument)
        headers = {"Accept": "application/json"}
        if kept is not None:
            headers["If-None-Match"] = kept.etag
        answer = self._fetcher.get(url, self._patience.packument, headers)
        if answer.status == HTTPStatus.NOT_MODIFIED and kept is not None:
            return read_packument(str(url), name, kept.body), len(kept.body)
        packument = read_packument(str(url), name, answer.body)
        self._cache.keep_packument(url, answer)
        return packument, len(answer.body)

    def url(self, name: str) -> Url:
        """The URL of a package's packument; raises UndecidedError for a text that npm never accepts
        as a name, so that no name leads to another endpoint.
        """
        if _NAME.fullmatch(name) is None or len(name) > 214:
            raise UndecidedError(f"not the name of a package in a registry: {line(name)!r}")
        base = self._settings.registry(name)
        path = base.path + quote(name, safe="@~!'()*-_.")
        return Url.parse(f"{base.scheme}:{base.origin}{path}")

    def document(self, url: str) -> bytes:
        """A document of another kind of registry, fetched by the same rules and limits."""
        return self._fetcher.get(Url.parse(url), self._patience.packument, {}).body

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

    def bytes_to_compare(self, release: Release, integrity: str) -> bytes:
        """A version's tarball, to be compared with a hash: the kept one that has it, else what is sent.

        A client installs no other bytes than those with the hash, whatever the registry sends today.
        """
        found = expected_hash(integrity)
        kept = self._cache.tarball(found)
        if kept is not None:
            return kept
        body = self._fetcher.get(self._tarball_url(release), self._patience.tarball, {}).body
        if digest_of(body, found.algorithm) == found.digest:
            self._cache.keep_tarball(found, body)
        return body

    def package(
        self, release: Release, integrity: str | None = None, *, most: int | None = None
    ) -> Package:
        """The files of a version, from a tarball that is the expected one.

        Of each file no more than ``most`` bytes.
        """
        label = printable(f"{release.name}@{release.version}")
        return unpack(label, self.tarball(release, integrity), most=most)

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
