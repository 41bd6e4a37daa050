"""The process that reads hostile bytes: requests on standard input, facts on standard output.

A request is a line ``KIND SIZE`` and that many bytes; an answer is one line of JSON.
"""

from __future__ import annotations

import math
import sys
from typing import Final

from npm_vetted.review.signals.extract import extract_facts
from npm_vetted.review.signals.facts import facts_to_json

_MEMORY: Final = 400 << 20
"""Bytes of memory that the process may take, where the system can limit it; the largest honest
scripts take two thirds of it."""


def serve(seconds: int) -> None:
    """Answer until standard input ends; a file may take so many seconds of processor time."""
    _limit_memory()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while header := requests.readline():
        kind, size = header.split()
        data = requests.read(int(size))
        _limit_time(seconds)
        answers.write(facts_to_json(extract_facts(kind.decode("ascii"), data)) + b"\n")
        answers.flush()


def _limit_memory() -> None:
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        bound = _MEMORY if hard == resource.RLIM_INFINITY else min(_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (bound, hard))


def _limit_time(seconds: int) -> None:
    """End this process when it has worked so long from now; unlike a clock, whatever else runs."""
    if sys.platform != "win32":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        bound = math.ceil(used.ru_utime + used.ru_stime) + seconds
        if hard == resource.RLIM_INFINITY or bound < hard:
            resource.setrlimit(resource.RLIMIT_CPU, (bound, hard))
