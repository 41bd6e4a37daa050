"""``npm-vetted suggest``: list unvetted and exempt packages, least work first."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from npm_vetted.formats.terminal_text import json_text
from npm_vetted.model import Artifact, Kind
from npm_vetted.packages.versions import newest
from npm_vetted.review.signals.table import WORTH_A_LOOK
from npm_vetted.review.suggestion import Suggestion, lines_to_read, ordered
from npm_vetted.vetting.resolver import Status

if TYPE_CHECKING:
    from npm_vetted.commands._review_dialogue import ReviewDialogue
    from npm_vetted.projects.change import Change
    from npm_vetted.projects.introduced import IntroducedPackage
    from npm_vetted.report import Style
    from npm_vetted.vetting.baseline import BaselineLine
    from npm_vetted.vetting.policy import Ignore

HELP = "the unvetted and exempted, least work first"
FORMATS = ("text", "json")
_THREADS = 8
_WITH_COMMANDS = 3
"""How many suggestions are shown with their commands; ``-v`` shows those of each."""
_REASONS = 3
_ACCEPTED = 10
"""How many accepted findings are named before the rest is counted."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``suggest``."""
    parser.add_argument(
        "--offline", action="store_true", help="ask no registry: the work is not known then"
    )
    parser.add_argument(
        "-n", "--limit", type=int, default=25, metavar="N", help="how many to list (0: all)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Compute the work and print it; the status is always 0."""
    from npm_vetted.commands._common import style_of
    from npm_vetted.commands._review_dialogue import at_bench

    with at_bench() as bench:
        change = bench.change
        if change is None:
            from npm_vetted.git.repository import Repository

            Repository.open()  # says why there is none
            return 0
        found = ordered(_suggestions(bench, change, arguments.offline))
        accepted: list[Ignore | BaselineLine] = [
            *(each for each in change.policy.ignore if each.reason == "at adoption"),
            *change.baseline.lines,
        ]
    if arguments.format == "json":
        print(_json(found, accepted))
    else:
        _print(found, accepted, arguments.limit, style_of(arguments))
    return 0


def _suggestions(bench: ReviewDialogue, change: Change, offline: bool) -> list[Suggestion]:
    open_uses = _open(change)

    def suggest(use: IntroducedPackage, status: Status) -> Suggestion:
        artifact = use.artifact
        since: str | None = None
        lines: int | None = None
        why: str | None = "not asked"
        program_of = use.lockfile.parent_of_program(use.entry.key)
        if f"{program_of}@{artifact.version}" not in labels:
            program_of = None
        if program_of is not None:
            why = f"covered with {program_of}"
        elif artifact.kind is not Kind.REGISTRY or artifact.version is None:
            why = "not from a registry"
        else:
            since = bases[artifact.name, artifact.version]
            if not offline:
                lines, why = _work(bench, artifact, artifact.version, since)
        return Suggestion(
            name=artifact.name,
            version=artifact.label.removeprefix(f"{artifact.name}@"),
            status=status.value,
            direct=use.direct,
            since=since,
            lines=lines,
            why=why,
            brought_by=bringers.get((use.lockfile.path, use.entry.key)),
            program_of=program_of,
        )

    labels = {use.artifact.label for use, _ in open_uses}
    bases = _bases(change, open_uses)
    bringers = _bringers(change)
    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(pool.map(lambda pair: suggest(*pair), open_uses))
    return found if offline else _scored(bench, found, [use.artifact for use, _ in open_uses])


def _scored(
    bench: ReviewDialogue, found: Sequence[Suggestion], artifacts: Sequence[Artifact]
) -> list[Suggestion]:
    """Add what the code newly does, where the files were read."""
    from npm_vetted.commands._scores import scores_of
    from npm_vetted.registry import progress_bar
    from npm_vetted.review.signals.scoring import Step
    from npm_vetted.review.signals.wording import reason_line

    steps = {
        at: Step(each.name, each.version, each.since, artifacts[at].integrity)
        for at, each in enumerate(found)
        if artifacts[at].kind is Kind.REGISTRY and each.lines is not None
    }
    wanted = [(bench.registry, step) for step in steps.values()]
    scores = dict(zip(steps, scores_of(wanted, progress=progress_bar()), strict=True))
    scored = list(found)
    for at, score in scores.items():
        if score.complete:
            reasons = tuple(map(reason_line, score.reasons))
            scored[at] = replace(found[at], score=score.points, reasons=reasons)
    return scored


def _open(change: Change) -> list[tuple[IntroducedPackage, Status]]:
    """Each artifact that no note covers, once; the direct use where there are several."""
    found: dict[str, tuple[IntroducedPackage, Status]] = {}
    for use in change.uses():
        status = change.vetting.best_evidence(use.subject).status
        if status not in (Status.UNVETTED, Status.EXEMPT):
            continue
        label = use.artifact.label
        if label not in found or (use.direct and not found[label][0].direct):
            found[label] = (use, status)
    return list(found.values())


def _bringers(change: Change) -> dict[tuple[str, str], str]:
    """Which direct dependency brings each entry; the first that does."""
    found: dict[tuple[str, str], str] = {}
    for use in change.uses():
        if use.direct:
            for key in use.lockfile.reach([use.entry.key]):
                found.setdefault((use.lockfile.path, key), use.artifact.name)
    return found


def _bases(
    change: Change, uses: Iterable[tuple[IntroducedPackage, Status]]
) -> dict[tuple[str, str], str | None]:
    """The vetted version that each artifact's delta starts from.

    An exempt one starts only from a lower version: else two could be each other's start.
    """
    from npm_vetted.commands._review_dialogue import other_nearest, vetted_versions

    versions: dict[str, list[str]] = {}
    found: dict[tuple[str, str], str | None] = {}
    for use, status in uses:
        each = use.artifact
        if each.version is None:
            continue
        if each.name not in versions:
            versions[each.name] = vetted_versions(change, each.name)
        base = other_nearest(versions[each.name], each.version)
        if status is Status.EXEMPT and base and newest([base, each.version]) != each.version:
            base = None
        found[each.name, each.version] = base
    return found


def _work(
    bench: ReviewDialogue, artifact: Artifact, version: str, since: str | None
) -> tuple[int | None, str | None]:
    def files(wanted: str) -> Mapping[str, bytes]:
        release = bench.registry.packument(artifact.name).release(wanted)
        integrity = artifact.integrity if wanted == version else None
        return bench.registry.package(release, integrity).files

    return lines_to_read(files, version, since)


def _print(
    found: Sequence[Suggestion],
    accepted: Sequence[Ignore | BaselineLine],
    limit: int,
    style: Style,
) -> None:
    from npm_vetted.commands._review_dialogue import show
    from npm_vetted.formats.terminal_text import line
    from npm_vetted.report._screen import Paint, table, wrapped

    programs = Counter(f"{each.program_of}@{each.version}" for each in found if each.program_of)
    own = [each for each in found if each.program_of is None]
    shown = own if style.verbose else own[: limit or None]
    paint = Paint(style.colour)
    lines = []
    for at, (each, row) in enumerate(zip(shown, table(list(map(_row, shown)), 40), strict=True)):
        lines.append(row)
        if count := programs[f"{each.name}@{each.version}"]:
            lines.append(
                f"    its note lists {count:,} program{'s' if count > 1 else ''} for platforms"
            )
        if each.score is not None and each.score >= WORTH_A_LOOK:
            lines += [f"    - {reason}" for reason in each.reasons[:_REASONS]]
        if style.verbose or at < _WITH_COMMANDS:
            lines += [f"    {paint(command, 'green')}" for command in _commands(each, style)]
    if len(shown) < len(own):
        lines.append(f"[{len(own) - len(shown):,} more: --limit 0 lists all]")
    if len(shown) > _WITH_COMMANDS and not style.verbose and not style.quiet:
        lines.append("[-v shows the commands of each]")
    exceptions = [
        f"accepted {each.check}/{each.code or '*'} {line(each.path)}: {line(each.reason)}"
        for each in accepted
    ]
    kept = exceptions if style.verbose else exceptions[:_ACCEPTED]
    if len(kept) < len(exceptions):
        kept.append(f"[{len(exceptions) - len(kept):,} more accepted findings: -v lists all]")
    if not style.quiet:
        lines += kept
        lines += wrapped(_totals(found, accepted), style.width)
    show("\n".join(lines))
    sys.stdout.flush()


def _row(each: Suggestion) -> tuple[str, str, str, str]:
    """A suggestion: which package, its status, what needs it, how much work it is."""
    from npm_vetted.formats.terminal_text import line

    work = f"{each.lines:,} lines" if each.lines is not None else line(each.why or "", 60)
    bringer = f"brought by {line(each.brought_by)}" if each.brought_by else "transitive"
    label = f"{line(each.name)}@{line(each.version)}"
    return (label, each.status, "direct" if each.direct else bringer, work)


def _commands(each: Suggestion, style: Style) -> list[str]:
    """The commands that show what there is to read, and that record the note."""
    from npm_vetted.report._shell_commands import command_line

    found = (command_line([words], style.program()) for words in (each.review, each.record))
    return [command for command in found if command]


def _totals(found: Sequence[Suggestion], accepted: Sequence[Ignore | BaselineLine]) -> str:
    counts = Counter(each.status for each in found)
    lines = sum(each.lines or 0 for each in found)
    unknown = sum(each.lines is None and each.program_of is None for each in found)
    tail = f", {unknown:,} of unknown size" if unknown else ""
    exempt = counts[Status.EXEMPT.value]
    unseen = f": nobody has looked at {'it' if exempt == 1 else 'them'}" if exempt else ""
    parts = f"{counts[Status.UNVETTED.value]:,} unvetted, {exempt:,} exempt{unseen}"
    exceptions = f"; {len(accepted):,} findings accepted" if accepted else ""
    return f"npm-vetted: {parts}; {lines:,} lines to read{tail}{exceptions}"


def _json(found: list[Suggestion], accepted: Sequence[Ignore | BaselineLine]) -> str:
    from npm_vetted.report._shell_commands import command_line, this_program

    called = this_program()
    data = {
        "version": 1,
        "suggestions": [
            {
                "package": each.name,
                "version": each.version,
                "status": each.status,
                "direct": each.direct,
                "brought_by": None if each.direct else each.brought_by,
                "from": each.since,
                "lines": each.lines,
                "score": each.score,
                "reasons": list(each.reasons),
                "unknown": each.why if each.lines is None else None,
                "review": command_line([each.review], called),
                "record": command_line([each.record], called),
            }
            for each in found
        ],
        "ignored": [{"check": each.check, "path": each.path} for each in accepted],
        "totals": {
            "count": len(found),
            "lines": sum(each.lines or 0 for each in found),
            "unknown": sum(each.lines is None for each in found),
        },
    }
    return json_text(data)
