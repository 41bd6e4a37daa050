"""FileFacts of many files, read in a process of their own and kept by the hash of the bytes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import IO, Final

from npm_vetted.git.process import end_process
from npm_vetted.registry.cache import Cache
from npm_vetted.review.signals.facts import FACTS_VERSION, LOST, FileFacts, facts_from_json

PATIENCE: Final = 10
"""Seconds of processor time for one file. Only a guard against a hang: the limits in ``facts``
decide before it. On Windows, and for what does not work at all, the clock decides."""
_WAITING: Final = 1 if sys.platform == "win32" else 6
"""How many times as long a file may take on a busy machine, by the clock."""
_LARGE: Final = 1 << 20
"""Bytes of a script whose tree takes so much memory that one process at a time may have such a one."""
_ONE_LARGE: Final = Lock()
_LOOKS: Final = 0.5
"""Seconds between two looks at that clock."""
_HOME: Final = str(Path(__file__).resolve().parents[3])
_START: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    " from npm_vetted.review.signals.child import serve; serve(int(sys.argv[2]))"
)


class FactsReader:
    """Reads facts; not for several threads at once. Close it, or use it in a ``with``."""

    def __init__(self, cache: Path | None = None, patience: int = PATIENCE) -> None:
        self._cache = Cache(cache)
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: ClockGuard | None = None

    def __enter__(self) -> FactsReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the reading process."""
        process, self._process = self._process, None
        if self._guard is not None:
            self._guard.end()
            self._guard = None
        if process is not None:
            end_process(process)

    def read(self, files: Iterable[tuple[str, bytes]]) -> list[FileFacts]:
        """The facts of each file, given as its kind and its bytes.

        Where the process ends or hangs, the file is unread with the reason ``LOST``; that is
        never kept.
        """
        return [self._one(kind, data) for kind, data in files]

    def _one(self, kind: str, data: bytes) -> FileFacts:
        digest = hashlib.sha256(data).hexdigest()
        name = f"facts/{FACTS_VERSION}/{digest[:2]}/{digest[2:]}-{kind}"
        kept = self._cache.text(name)
        if kept is not None:
            with suppress(ValueError):
                return facts_from_json(kept)
        with _ONE_LARGE if len(data) > _LARGE else nullcontext():
            answer = self._asked(kind, data)
        try:
            facts = facts_from_json(answer)
        except ValueError:
            self.close()
            return FileFacts(size=len(data), unread=LOST)
        self._cache.keep_text(name, answer)
        return facts

    def _asked(self, kind: str, data: bytes) -> bytes:
        """The answer as it came; empty where there is none."""
        process, guard = self._started()
        requests, answers = process.stdin, process.stdout
        assert requests is not None
        assert answers is not None
        guard.deadline = time.monotonic() + self._patience * _WAITING
        try:
            return _exchange(requests, answers, kind, data)
        except OSError:
            return b""
        finally:
            guard.deadline = None

    def _started(self) -> tuple[subprocess.Popen[bytes], ClockGuard]:
        if self._process is None or self._guard is None:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-X", "utf8", "-c", _START, _HOME, str(self._patience)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._guard = ClockGuard(self._process)
            self._guard.start()
        return self._process, self._guard


class ClockGuard(Thread):
    """Kills a process that goes on after a deadline. One thread for all its files: to start a
    timer for each would cost more than to read most of them."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._over = Event()
        self.deadline: float | None = None
        """The monotonic time until which it may work; None: it has nothing to do."""

    def run(self) -> None:
        """Look at the clock now and then."""
        while not self._over.wait(_LOOKS):
            deadline = self.deadline
            if deadline is not None and time.monotonic() > deadline:
                self._process.kill()

    def end(self) -> None:
        """Look no more."""
        self._over.set()


def _exchange(requests: IO[bytes], answers: IO[bytes], kind: str, data: bytes) -> bytes:
    requests.write(f"{kind} {len(data)}\n".encode("ascii"))
    requests.write(data)
    requests.flush()
    return answers.readline()
