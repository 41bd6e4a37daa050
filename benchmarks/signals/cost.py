"""Measure what ``review`` costs for the packages of a lockfile, cold and warm.

``python benchmarks/signals/cost.py package-lock.json`` fetches the tarballs first, and is then told
the processor time and the memory of two calls, each in a process of its own: one without any kept
facts, one with all of them. Half of the packages are compared with the version before, the others
are judged as new ones (``--new`` and ``--upgrades``: all of them).
``--with next webpack`` has these packages among the 400, whatever the even choice by name holds.
Linux only: the memory of all processes together is read from ``/proc``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from npm_vetted.errors import UndecidedError
from npm_vetted.registry import Registry
from npm_vetted.registry.cache import cache_folder
from npm_vetted.registry.settings import load_settings
from npm_vetted.review.releases import previous_release
from npm_vetted.review.signals.scoring import Scorer, Step

_OFTEN = 0.05


def lockfile_steps(
    lockfile: Path, limit: int, kind: str, wanted: Collection[str] = ()
) -> Iterator[Step]:
    """Packages of a package-lock.json, taken evenly by name; half of them as new packages.

    Those that are ``wanted`` are compared with the version before, unless all are new.
    """
    registry = Registry(load_settings(os.environ), cache=cache_folder(os.environ))
    entries = json.loads(lockfile.read_text(encoding="utf-8"))["packages"]
    pairs = sorted({
        (path.rpartition("node_modules/")[2], entry["version"], entry["integrity"])
        for path, entry in entries.items()
        if path and "integrity" in entry and "name" not in entry
    })  # fmt: skip
    first = [pair for pair in pairs if pair[0] in wanted]
    others = [pair for pair in pairs if pair[0] not in wanted]
    rest = limit - len(first)
    if len(others) > rest:
        others = [others[at * len(others) // rest] for at in range(rest)]
    for at, (name, version, integrity) in enumerate((*first, *others)):
        since = None
        if kind == "upgrades" or (kind == "half" and (at % 2 or name in wanted)):
            packument = registry.packument(name)
            before = previous_release(packument, packument.release(version))
            since = before.version if before else None
        yield Step(name, version, since, integrity)


def fetch(steps: list[Step]) -> int:
    """Fetch the tarballs; how many bytes their scripts have."""
    registry = Registry(load_settings(os.environ), cache=cache_folder(os.environ))

    def one(step: Step) -> None:
        packument = registry.packument(step.name)
        with suppress(UndecidedError):
            registry.tarball(packument.release(step.version), step.integrity)
            if step.since:
                registry.tarball(packument.release(step.since))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, steps))
    return len(steps)


def score(steps: list[Step]) -> None:
    """Score everything as ``review`` does, and say what it took."""
    folder = cache_folder(os.environ)
    sampler = Sampler()
    sampler.start()
    start = time.monotonic()
    registry = Registry(load_settings(os.environ), cache=folder)
    with Scorer(registry, cache=folder) as scorer:
        scores = scorer.scores(steps)
    wall = time.monotonic() - start
    sampler.stop()
    mine, readers = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    cpu = [used.ru_utime + used.ru_stime for used in (mine, readers)]
    shown = sum(each.points >= 5 for each in scores.values())
    print(
        f"{len(scores)} packages, {shown} shown, {sum(not s.complete for s in scores.values())}"
        f" not complete: {sum(cpu):.1f} s of CPU ({cpu[0]:.1f} here, {cpu[1]:.1f} in the readers),"
        f" {wall:.1f} s by the clock, at most {sampler.most >> 10} MB in all processes"
    )


class Sampler(threading.Thread):
    """Watches the memory of this process and its children together."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self._end = threading.Event()

    def run(self) -> None:
        """Look until the end."""
        while not self._end.wait(_OFTEN):
            self.most = max(self.most, sum(map(_resident, _family())))

    def stop(self) -> None:
        """Look no more."""
        self._end.set()
        self.join()


def _family() -> list[int]:
    me = os.getpid()
    children = Path(f"/proc/{me}/task").glob("*/children")
    found = [me]
    for each in children:
        with suppress(OSError):
            found += map(int, each.read_text(encoding="ascii").split())
    return found


def _resident(process: int) -> int:
    """The kibibytes of memory of a process."""
    with suppress(OSError):
        text = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        return next(
            (int(row.split()[1]) for row in text.splitlines() if row.startswith("VmRSS")), 0
        )
    return 0


def main() -> int:
    """Fetch, then measure twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lockfile", type=Path)
    parser.add_argument("--limit", type=int, default=400)
    parser.add_argument("--with", nargs="+", default=(), dest="wanted", metavar="PACKAGE")
    parser.add_argument("--kind", choices=("half", "new", "upgrades"), default="half")
    parser.add_argument("--keep", action="store_true", help="measure only with what is kept")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        score([Step(*each) for each in json.loads(arguments.child.read_text(encoding="utf-8"))])
        return 0
    steps = list(
        lockfile_steps(arguments.lockfile, arguments.limit, arguments.kind, arguments.wanted)
    )
    fetch(steps)
    folder = cache_folder(os.environ)
    assert folder is not None
    plan = folder / "cost.json"
    plan.write_text(json.dumps(steps), encoding="utf-8")
    for label in ("warm",) if arguments.keep else ("cold", "warm"):
        if label == "cold":
            for each in ("facts", "signals"):
                shutil.rmtree(folder / each, ignore_errors=True)
        print(f"{label}: ", end="", flush=True)
        words = [sys.executable, __file__, str(arguments.lockfile), "--child", str(plan)]
        subprocess.run(words, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
