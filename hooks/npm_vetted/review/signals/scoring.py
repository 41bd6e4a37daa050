"""Scores of steps from one version to another, with the bytes and statements of a registry."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Final, NamedTuple

from npm_vetted import __version__
from npm_vetted.errors import UndecidedError
from npm_vetted.registry import Registry
from npm_vetted.registry.cache import Cache
from npm_vetted.registry.packument import Release
from npm_vetted.registry.tarball import Package
from npm_vetted.review.signals.comparison import Reason
from npm_vetted.review.signals.facts import SIZE_LIMIT, FileFacts
from npm_vetted.review.signals.reader import FactsReader
from npm_vetted.review.signals.statements import (
    PackageAge,
    ReleaseStep,
    age_of,
    registry_signals,
)
from npm_vetted.review.signals.table import TABLE_VERSION
from npm_vetted.review.signals.weighing import Score, compare_packages, weigh

PROCESSES: Final = 2
_TURN: Final = 1 << 20
"""Bytes of scripts that one reader gets at a time."""
_MOST: Final = SIZE_LIMIT + 1
"""Bytes of a file that are kept: so many that it is seen to be too large."""
FileRequest = tuple[str, bytes]


class Step(NamedTuple):
    """A version, and the one to compare it with; ``since`` is None for a package that is new.

    The hashes are those of a lockfile or note; without one the registry's own is used.
    """

    name: str
    version: str
    since: str | None = None
    integrity: str | None = None
    since_integrity: str | None = None


class Scorer:
    """Scores steps. FileFacts and results are kept below ``cache``; with None there is no cache.

    With ``only_kept`` no files are compared: a step that was not compared before has a problem.

    Use it in a ``with``: it owns the processes that read.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        cache: Path | None = None,
        now: datetime | None = None,
        only_kept: bool = False,
    ) -> None:
        self._registry = registry
        self._only_kept = only_kept
        self._kept = Cache(cache)
        self._now = now or datetime.now(UTC)
        self._all = [FactsReader(cache) for _ in range(PROCESSES)]
        self._ages: dict[str, PackageAge] = {}
        self._pool = ThreadPoolExecutor(PROCESSES)
        self._free: SimpleQueue[FactsReader] = SimpleQueue()
        for reader in self._all:
            self._free.put(reader)

    def __enter__(self) -> Scorer:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        for reader in self._all:
            reader.close()

    def score(self, step: Step) -> Score:
        """The score of one step. Parts that cannot be computed are in its ``problems``."""
        try:
            return self._scored(step)
        except UndecidedError as error:
            return Score(0, (), (error.message,))

    def scores(
        self, steps: Iterable[Step], progress: Callable[[int, int], None] | None = None
    ) -> dict[Step, Score]:
        """The scores of many steps, on as many processors as there are readers."""
        wanted = list(dict.fromkeys(steps))
        found: dict[Step, Score] = {}
        with ThreadPoolExecutor(PROCESSES) as pool:
            for count, (step, score) in enumerate(
                zip(wanted, pool.map(self.score, wanted), strict=True), 1
            ):
                found[step] = score
                if progress is not None:
                    progress(count, len(wanted))
        return found

    def _scored(self, step: Step) -> Score:
        packument = self._registry.packument(step.name)
        release = packument.release(step.version)
        base = packument.release(step.since) if step.since is not None else None
        tarballs = self._of_tarballs(step, release, base)
        said, problems = self._of_statements(step, release, base)
        return weigh(
            [*tarballs.reasons, *said],
            fresh=base is None,
            problems=(*tarballs.problems, *problems),
        )._replace(unseen=tarballs.unseen)

    def _of_tarballs(self, step: Step, release: Release, base: Release | None) -> Score:
        name = _result_name(step, release, base)
        kept = self._kept.text(name) if name is not None else None
        if kept is not None:
            with suppress(ValueError, TypeError):
                reasons, unseen = json.loads(kept)
                return Score(0, tuple(Reason(*each) for each in reasons), (), tuple(unseen))
        if self._only_kept:
            return Score(0, (), (f"{step.name}@{step.version} was not compared yet",))
        found = self._compared(step, release, base)
        if name is not None and found.complete:
            self._kept.keep_text(name, json.dumps((found.reasons, found.unseen)).encode("ascii"))
        return found

    def _compared(self, step: Step, release: Release, base: Release | None) -> Score:
        new = self._registry.package(release, step.integrity, most=_MOST)
        old = None
        if base is not None:
            old = self._registry.package(base, step.since_integrity, most=_MOST)
        found = compare_packages(old.files if old is not None else None, new.files, self._read)
        return found._replace(reasons=(*found.reasons, *conflict_reasons(release, new)))

    def _read(self, files: Iterable[FileRequest]) -> list[FileFacts]:
        """The facts of files; those of a large package are read by all readers at once.

        No more of them are in memory than these have in hand.
        """
        found: list[FileFacts] = []
        waiting: deque[Future[list[FileFacts]]] = deque()
        for part in _parts(files):
            waiting.append(self._pool.submit(self._read_part, part))
            if len(waiting) > PROCESSES:
                found += waiting.popleft().result()
        return found + [each for job in waiting for each in job.result()]

    def _read_part(self, files: Sequence[FileRequest]) -> list[FileFacts]:
        reader = self._free.get()
        try:
            return reader.read(files)
        finally:
            self._free.put(reader)

    def _of_statements(
        self, step: Step, release: Release, base: Release | None
    ) -> tuple[list[Reason], list[str]]:
        packument = self._registry.packument(step.name)
        looked = ReleaseStep(packument, release, base, self._age, self._now)
        with suppress(UndecidedError):
            self._ages[step.name] = age_of(packument)
        said: list[Reason] = []
        problems: list[str] = []
        for signal in registry_signals():
            try:
                said.extend(signal.observe(looked))
            except UndecidedError as error:
                problems.append(error.message)
        return said, problems

    def _age(self, name: str) -> PackageAge:
        """The age of a package, requested once: many packages depend on the same ones."""
        if name not in self._ages:
            self._ages[name] = age_of(self._registry.packument(name))
        return self._ages[name]


def _parts(files: Iterable[FileRequest]) -> Iterator[list[FileRequest]]:
    """Files in order, so many together as are worth a turn."""
    part: list[FileRequest] = []
    size = 0
    for each in files:
        part.append(each)
        size += len(each[1])
        if size >= _TURN:
            yield part
            part, size = [], 0
    if part:
        yield part


def conflict_reasons(release: Release, package: Package) -> list[Reason]:
    """Where the registry's manifest says something else than the tarball's own: the first place."""
    from npm_vetted.review.releases import conflicts, read_tarball_manifest

    for said in conflicts(release, read_tarball_manifest(package), package):
        return [Reason("manifest-differs", said, "package.json")]
    return []


def _result_name(step: Step, release: Release, base: Release | None) -> str | None:
    """Where a result is kept, by the bytes that it was computed from; None: by a weak hash."""
    hashes = [step.integrity or release.integrity or ""]
    if base is not None:
        hashes.append(step.since_integrity or base.integrity or "")
    if not all(each.startswith("sha512-") for each in hashes):
        return None
    key = "\n".join((__version__, release.name, release.version, *hashes))
    return f"signals/{TABLE_VERSION}/{hashlib.sha256(key.encode()).hexdigest()}.json"
