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
from typing import Final

from measure import Command, Medians, in_turn, ratios

HERE: Final = Path(__file__).parent
_INTERPRETER: Final = (sys.executable, str(HERE / "floors" / "nothing.py"))
_CLIENTS: Final = {
    "npm": "package-lock.json", "pnpm": "pnpm-lock.yaml", "yarn-classic": "yarn.lock",
    "yarn-berry": "yarn.lock", "bun": "bun.lock",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured: how its repository is made, its floor, and what the ratio may be.

    ``against`` is a floor (``staged`` or ``read``) or the name of another case.
    """

    name: str
    made_by: str
    against: str | None = None
    bar: float | None = None
    lockfile: str | None = None
    status: int = 0
    arguments: tuple[str, ...] = ()


def _cases() -> list[Case]:
    found = [Case("nothing of npm's", "locked(path, 'npm', 10000, more=0)", "staged", 2)]
    for client, lockfile in _CLIENTS.items():
        bar = 1.5 if client == "npm" else 2
        made = f"locked(path, '{client}', 10000"
        found += [
            Case(f"locked {client} +1 vetted", f"{made})", "read", bar, lockfile),
            Case(
                f"locked {client} +1 rejected", f"{made}, vetted=False)", "read", bar, lockfile, 1
            ),
            Case(f"locked {client} +100", f"{made}, more=100)", "read", None, lockfile),
        ]
    for more, fewer in ((1_000, None), (10_000, 1_000), (100_000, 10_000)):
        for touches, words in ((False, "nothing"), (True, "a package")):
            made = f"wide(path, files={more}, touches_npm={touches})"
            against = f"{fewer:,} files, {words}" if fewer else None
            found.append(Case(f"{more:,} files, {words}", made, against, fewer and 1.2))
    for more, fewer in ((100, None), (1_000, 100), (10_000, 1_000)):
        made = f"wide(path, noted={more}, touches_npm=True)"
        found.append(
            Case(f"{more:,} notes", made, f"{fewer:,} notes" if fewer else None, fewer and 1.2)
        )
    for more, fewer in ((1, None), (50, 1), (500, 50)):
        made = f"monorepo(path, projects={more})"
        found.append(Case(f"{more} projects", made, f"{fewer} projects" if fewer else None))
    for more, fewer in ((1_000, None), (10_000, 1_000)):
        made = f"locked(path, 'npm', {more}, more=0)"
        against = f"--all, {fewer:,} packages" if fewer else None
        found.append(
            Case(f"--all, {more:,} packages", made, against, fewer and 10, arguments=("--all",))
        )
    return found


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
        self._own = Medians.of(in_turn([Command(_INTERPRETER, folder)], runs)[0]).peak
        self._made: dict[str, Path] = {}

    def measure(self, case: Case, cases: Sequence[Case]) -> Result:
        """Run a case beside what it is held against."""
        ours = self._check(case)
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

    def _check(self, case: Case) -> Command:
        program = Path(sys.executable).with_name("npm-vetted")
        arguments = (str(program), "check", *case.arguments)
        return Command(arguments, self._repository(case.made_by), case.status)

    def _floor(self, case: Case, cases: Sequence[Case], folder: Path) -> Command | None:
        if case.against is None:
            return None
        if case.against == "staged":
            return Command((sys.executable, str(HERE / "floors" / "staged.py")), folder)
        if case.against == "read":
            assert case.lockfile is not None
            words = [case.lockfile, *(["json"] if case.lockfile == "package-lock.json" else [])]
            script = str(HERE / "floors" / "read_lockfile.py")
            return Command((sys.executable, script, *words), folder)
        return self._check(next(each for each in cases if each.name == case.against))

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
    parser.add_argument("--only", metavar="WORDS", default="", help="cases with these words")
    parser.add_argument("--runs", type=int, default=11, help="rounds that count (default: 11)")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    arguments = parser.parse_args()
    cases = _cases()
    results = []
    with tempfile.TemporaryDirectory(prefix="npm-vetted-benchmark-") as folder:
        benchmark = Benchmark(Path(folder), arguments.runs)
        if arguments.format == "text":
            print(", ".join(f"{key} {value}" for key, value in _machine().items()), "\n")
            print("| case | ms, wall / CPU | held against | ratio, wall / CPU | bar | peak, MB |")
            print("| --- | --- | --- | --- | --- | --- |")
        for case in cases:
            if arguments.only in case.name:
                results.append(benchmark.measure(case, cases))
                if arguments.format == "text":
                    print(_row(results[-1]), flush=True)
    if arguments.format == "json":
        found = {"machine": _machine(), "results": [asdict(each) for each in results]}
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
