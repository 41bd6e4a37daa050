"""Time ``npm-vetted check`` against what no tool of its kind can be quicker than.

``python benchmarks`` makes its inputs (a minute), runs every case and its floor in turn, and prints
medians and ratios. ``--only locked`` runs some cases, ``--runs 5`` fewer rounds, ``--format json``
is for comparing two commits.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cases import Case, cases
from commands import HERE, INTERPRETER, NAMES, command_of, other
from measure import Command, Medians, in_turn, ratios


@dataclass(frozen=True, slots=True)
class Result:
    """A case's medians, what it was held against, and the ratios to that."""

    case: str
    ours: Medians
    floor: Medians | None
    wall_ratio: float | None
    cpu_ratio: float | None
    bar: float | None
    memory_ratio: float | None
    """The peak over the interpreter's own, by the size of the two lockfiles."""


class Benchmark:
    """Makes repositories when a case needs one, and measures."""

    def __init__(self, folder: Path, runs: int) -> None:
        self._folder = folder
        self._runs = runs
        self._own = Medians.of(in_turn([Command(INTERPRETER, folder)], runs)[0]).peak
        self._made: dict[str, Path] = {}

    def measure(self, case: Case, cases: Sequence[Case]) -> Result:
        """Run a case beside what it is held against."""
        ours = command_of(case, self._repository(case.made_by))
        floor = self._floor(case, cases, ours.folder)
        runs = in_turn([ours, *([floor] if floor else [])], self._runs)
        wall, cpu = ratios(runs[0], runs[1]) if floor else (None, None)
        medians = [Medians.of(each) for each in runs]
        size = self._size(ours.folder, case.lockfile) if case.lockfile else 0
        return Result(
            case=case.name,
            ours=medians[0],
            floor=medians[1] if floor else None,
            wall_ratio=wall,
            cpu_ratio=cpu,
            bar=case.bar,
            memory_ratio=(medians[0].peak - self._own) / size if size else None,
        )

    def _floor(self, case: Case, cases: Sequence[Case], folder: Path) -> Command | None:
        if case.against is None:
            return None
        if case.against in NAMES:
            return other(case.against, case, folder)
        fewer = next(each for each in cases if each.name == case.against)
        return command_of(fewer, self._repository(fewer.made_by))

    def _repository(self, made_by: str) -> Path:
        """Made by a process of its own: see ``measure`` for why this one stays small."""
        if made_by not in self._made:
            path = self._folder / f"repository-{len(self._made)}"
            script = (
                f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
                "from pathlib import Path\nfrom repositories import *\n"
                f"path = Path({str(path)!r})\n{made_by}"
            )
            subprocess.run([sys.executable, "-c", script], check=True)
            self._made[made_by] = path
        return self._made[made_by]

    @staticmethod
    def _size(folder: Path, lockfile: str) -> int:
        """Bytes of the two versions of a lockfile."""
        sizes = (
            subprocess.run(
                ["git", "cat-file", "-s", f"{tree}:{lockfile}"],
                cwd=folder, check=True, capture_output=True,
            ).stdout
            for tree in ("HEAD", "")
        )  # fmt: skip
        return sum(map(int, sizes))


def _row(result: Result) -> str:
    floor, bar = result.floor, f"≤ {result.bar:g}" if result.bar else ""
    cells = [
        result.case,
        f"{result.ours.wall * 1000:.0f} / {result.ours.cpu * 1000:.0f}",
        f"{floor.wall * 1000:.0f} / {floor.cpu * 1000:.0f}" if floor else "",
        f"{result.wall_ratio:.2f} / {result.cpu_ratio:.2f}" if floor else "",
        bar,
        f"{result.ours.peak / 1e6:.0f}"
        + (f" / {floor.peak / 1e6:.0f}" if floor else "")
        + (f" ({result.memory_ratio:.1f}×)" if result.memory_ratio else ""),
    ]
    return f"| {' | '.join(cells)} |"


def _machine() -> dict[str, str]:
    git = subprocess.run(["git", "--version"], check=True, capture_output=True, text=True).stdout
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "git": git.split()[-1],
    }


def main() -> None:
    """Measure what was asked for, and print it."""
    parser = argparse.ArgumentParser(prog="python benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        metavar="WORDS",
        default="",
        help="cases with these words (``beside``: what people use)",
    )
    parser.add_argument("--runs", type=int, default=11, help="rounds that count (default: 11)")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    arguments = parser.parse_args()
    known = cases()
    results = []
    with tempfile.TemporaryDirectory(prefix="npm-vetted-benchmark-") as folder:
        benchmark = Benchmark(Path(folder), arguments.runs)
        if arguments.format == "text":
            print(", ".join(f"{key} {value}" for key, value in _machine().items()), "\n")
            print("| case | ms, wall / CPU | held against | ratio, wall / CPU | bar | peak, MB |")
            print("| --- | --- | --- | --- | --- | --- |")
        for case in known:
            if arguments.only in case.name:
                results.append(benchmark.measure(case, known))
                if arguments.format == "text":
                    print(_row(results[-1]), flush=True)
    if arguments.format == "json":
        found = {"machine": _machine(), "results": [asdict(each) for each in results]}
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
