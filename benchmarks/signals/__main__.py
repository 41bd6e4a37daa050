"""Measure how often each signal fires on upgrades of packages that you choose.

``python benchmarks/signals --steps 6 express koa`` takes the last six upgrades of each package,
from the registry that npm's settings name, and prints the share of each code, by the kind of step,
and each step that would be shown. ``--far 10`` also compares each package's newest version with the
one ten versions before, as a routine note does after ten steps. ``--new`` judges each as new.
``--file`` names a file with more names, one a line.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from npm_vetted.errors import UndecidedError
from npm_vetted.packages.versions import parse_version
from npm_vetted.registry import Registry
from npm_vetted.registry.cache import cache_folder
from npm_vetted.registry.settings import load_settings
from npm_vetted.review.signals.scoring import Scorer, Step
from npm_vetted.review.signals.table import ATTENTION, TABLE_VERSION, WORTH_A_LOOK
from npm_vetted.review.signals.weighing import Score


class Sample(NamedTuple):
    """A step that is measured, and what kind it is: patch, minor, major, far or new."""

    kind: str
    step: Step


def samples(
    registry: Registry, name: str, steps: int, far: int | None, *, new: bool
) -> Iterator[Sample]:
    """The last steps of a package between stable versions, in the order of their publication."""
    packument = registry.packument(name)
    stable = sorted(
        (published, text)
        for text in packument.versions
        if (version := parse_version(text)) is not None
        and not version.prerelease
        and (published := packument.published(text)) is not None
    )
    line: list[str] = []
    for _, text in stable:
        if not line or parse_version(text) > parse_version(line[-1]):  # type: ignore[operator]
            line.append(text)
    for old, text in list(pairwise(line))[-steps:]:
        yield Sample(_kind(old, text), Step(name, text, since=old))
    if far is not None and len(line) > far:
        yield Sample("far", Step(name, line[-1], since=line[-1 - far]))
    if new and line:
        yield Sample("new", Step(name, line[-1]))


def _kind(old: str, new: str) -> str:
    before, after = parse_version(old), parse_version(new)
    assert before is not None
    assert after is not None
    if before.major != after.major:
        return "major"
    return "minor" if before.minor != after.minor else "patch"


def report(found: Sequence[tuple[Sample, Score]]) -> Iterator[str]:
    """The rates, then every step that would be shown."""
    groups = {
        "upgrades": [each for each in found if each[0].kind in ("patch", "minor", "major")],
        **{kind: [each for each in found if each[0].kind == kind]
           for kind in ("patch", "minor", "major", "far", "new")},
    }  # fmt: skip
    groups = {name: members for name, members in groups.items() if members}
    yield f"table {TABLE_VERSION}"
    yield f"{'':<30}" + "".join(
        f"{f'{name} {len(members)}':>16}" for name, members in groups.items()
    )
    codes = sorted({reason.code for _, score in found for reason in score.reasons})
    rows = [(f"score >= {ATTENTION}", lambda score: score.points >= ATTENTION),
            (f"score >= {WORTH_A_LOOK}", lambda score: score.points >= WORTH_A_LOOK),
            ("files that nothing looks into", lambda score: bool(score.unseen)),
            ("not complete", lambda score: not score.complete)]  # fmt: skip
    rows += [
        (code, lambda score, code=code: any(r.code == code for r in score.reasons))
        for code in codes
    ]
    for label, fires in rows:
        hits = [sum(fires(score) for _, score in members) for members in groups.values()]
        yield f"{label:<30}" + "".join(
            f"{f'{100 * hit / len(members):.1f} % ({hit})':>16}"
            for hit, members in zip(hits, groups.values(), strict=True)
        )
    yield ""
    for sample, score in sorted(found, key=lambda pair: -pair[1].points):
        if score.points >= ATTENTION and sample.kind != "new":
            codes_of = Counter(reason.code for reason in score.reasons)
            step = sample.step
            name = f"{step.name} {step.since} -> {step.version}"
            yield f"{score.points:>4} {sample.kind} {name}: {', '.join(codes_of)}"
    for sample, score in found:
        for problem in score.problems:
            yield f"problem: {sample.step.name}@{sample.step.version}: {problem}"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE")
    parser.add_argument("--file", type=Path, metavar="FILE", help="names of packages, one a line")
    parser.add_argument("--steps", type=int, default=6, help="upgrades of each package")
    parser.add_argument(
        "--far", type=int, metavar="N", help="and the newest against N versions before"
    )
    parser.add_argument(
        "--new", action="store_true", help="and the newest as a package that is new"
    )
    parser.add_argument("--json", metavar="FILE", help="keep every score with its reasons here")
    parser.add_argument(
        "--cold", action="store_true", help="neither use nor keep facts and results"
    )
    arguments = parser.parse_args()
    folder = cache_folder(os.environ)
    registry = Registry(load_settings(os.environ), cache=folder)
    chosen: list[Sample] = []
    named = arguments.file.read_text(encoding="utf-8").split() if arguments.file else []
    for name in (*arguments.packages, *named):
        try:
            chosen += samples(registry, name, arguments.steps, arguments.far, new=arguments.new)
        except UndecidedError as error:
            print(error.message, file=sys.stderr)
    with Scorer(registry, cache=None if arguments.cold else folder) as scorer:
        scores = scorer.scores([sample.step for sample in chosen], progress=_progress)
    found = [(sample, scores[sample.step]) for sample in chosen]
    print("\n".join(report(found)))
    for label, who in (
        ("this process", resource.RUSAGE_SELF),
        ("its readers", resource.RUSAGE_CHILDREN),
    ):
        used = resource.getrusage(who)
        cpu = used.ru_utime + used.ru_stime
        print(f"{label}: {cpu:.1f} s of CPU, at most {used.ru_maxrss >> 10} MB", file=sys.stderr)
    if arguments.json:
        data = [
            {"kind": sample.kind, **sample.step._asdict(), **score._asdict()}
            for sample, score in found
        ]
        Path(arguments.json).write_text(json.dumps(data, indent=1), encoding="utf-8")
    return 0


def _progress(done: int, total: int) -> None:
    if done % 25 == 0 or done == total:
        print(f"{done} of {total} steps", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
