"""Whole processes timed in turn: A B A B …, so that a busy machine is busy for both.

A figure is a median. Time is the wall clock's, and the processor's (user and system, of the process
and of those it waited for); memory the largest process's, as the system accounts for it. A child
starts with its parent's peak to its name, so this module and what imports it stay small: inputs are
made by other processes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_UNIT: Final = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of ``ru_maxrss``."""

_ENVIRONMENT: Final = {
    key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"
} | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])}
"""Ours, with this environment activated; Python keeps what it has compiled, as of what pip installs."""


@dataclass(frozen=True, slots=True)
class Run:
    """One process from its start to its end: seconds, and bytes."""

    wall: float
    cpu: float
    peak: int
    status: int


@dataclass(frozen=True, slots=True)
class Command:
    """A command, where and how it is run, and the exit status that it must have."""

    arguments: Sequence[str]
    folder: Path
    status: int = 0
    environment: Mapping[str, str] | None = None

    def run(self) -> Run:
        """Run it once; raises SystemExit where it ends otherwise than it must."""
        start = time.perf_counter()
        process = subprocess.Popen(
            self.arguments, cwd=self.folder, env={**_ENVIRONMENT, **(self.environment or {})},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != self.status:
            raise SystemExit(
                f"{' '.join(self.arguments)} in {self.folder}: expected exit status {self.status}, "
                f"found {process.returncode}"
            )
        cpu = usage.ru_utime + usage.ru_stime
        return Run(wall, cpu, usage.ru_maxrss * _UNIT, process.returncode)


@dataclass(frozen=True, slots=True)
class Medians:
    """The medians of a command's runs: seconds, and bytes."""

    wall: float
    cpu: float
    peak: int

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Medians:
        """The medians of some runs."""
        return cls(
            statistics.median(run.wall for run in runs),
            statistics.median(run.cpu for run in runs),
            int(statistics.median(run.peak for run in runs)),
        )


def in_turn(commands: Sequence[Command], runs: int) -> list[list[Run]]:
    """Each command's runs, in turn, after one of each that does not count."""
    for command in commands:
        command.run()
    rounds = [[command.run() for command in commands] for _ in range(runs)]
    return [list(each) for each in zip(*rounds, strict=True)]


def ratios(ours: Sequence[Run], floor: Sequence[Run]) -> tuple[float, float]:
    """The medians, over the rounds, of one command's wall and CPU to the other's in that round."""
    rounds = list(zip(ours, floor, strict=True))
    return (
        statistics.median(one.wall / other.wall for one, other in rounds),
        statistics.median(one.cpu / other.cpu for one, other in rounds),
    )
