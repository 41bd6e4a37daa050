"""``audit`` for people at a terminal: the figures, what needs attention, and the packages."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

from npm_vetted.auditing import summary
from npm_vetted.auditing.facts import AuditReport, PackageFacts
from npm_vetted.auditing.formats import Audit
from npm_vetted.auditing.requirements import Gate
from npm_vetted.formats.terminal_text import printable
from npm_vetted.review.text import counted
from npm_vetted.vetting.resolver import Status

_LABEL: Final = 15
_WIDTH: Final = 80
_WIDEST: Final = 34
"""Characters of the packages' column; a longer name moves the rest of its row."""
_SHOWN: Final = 3
"""How many changes of the policy, and effects of each, are shown; ``-v`` shows every change."""
_NAMED: Final = 20
"""How many packages that entered or left are named."""
_EXEMPT: Final = 20
"""How many exempt direct dependencies of a project have a line: nobody has said anything of them."""
_FAILURES: Final = 10
"""How many failures of a requirement are named before the rest is counted."""


def render(audit: Audit) -> str:
    """The report, 80 columns wide; ``-v`` lists every package, ``-q`` only what needs attention."""
    report = audit.report
    lines: list[str] = []
    if not audit.style.quiet:
        lines += [*_title(report), "", *_figures(report, verbose=audit.style.verbose)]
    lines += _attention(report)
    lines += [line for gate in audit.gates for line in _gate(gate, verbose=audit.style.verbose)]
    if not audit.style.quiet:
        lines += ["", *_packages(report, verbose=audit.style.verbose)]
    return "".join(f"{line}\n" for line in lines)


def _title(report: AuditReport) -> Iterator[str]:
    state = report.commit[:12] if report.commit else "the index"
    if report.staged and report.commit:
        state = f"the index, staged on {state}"
    yield f"npm-vetted audit of {state} ({report.day})"
    if report.policy_history:
        last = report.policy_history[-1]
        yield f"policy of {last.commit.id[:12]} ({last.commit.date.date()})"


def _row(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        printable(text), _WIDTH, initial_indent=f"{label:<{_LABEL}}", subsequent_indent=" " * _LABEL,
        break_long_words=False, break_on_hyphens=False,
    ) or [label]  # fmt: skip


def _figures(report: AuditReport, *, verbose: bool) -> Iterator[str]:
    total = counted(len(report.packages), "package")
    yield from _row("packages", f"{total} in {counted(len(report.projects), 'project')}")
    yield from _row(
        "status", ", ".join(f"{name} {number:,}" for name, number in summary.statuses(report))
    )
    yield from _row("reviewed", f"a person looked at {summary.reviewed_share(report)} %")
    *named, (_, nothing) = summary.criteria(report)
    text = ", ".join(f"{name} {number:,}" for name, number in named)
    yield from _row("by criterion", f"{text}; {nothing:,} by nothing")
    if report.notes:  # without any, a row of zeros says nothing
        yield from _row(
            "by age", ", ".join(f"{name} {number:,}" for name, number in summary.ages(report))
        )
    for at, each in enumerate(summary.people(report)[:10]):
        yield from _row(
            "" if at else "by person",
            f"{each.name}: {counted(each.notes, 'note')}, {counted(each.packages, 'package')}, last {each.last}",
        )
    yield from _history(report, verbose=verbose)
    if verbose:
        yield from _exceptions(report)


def _history(report: AuditReport, *, verbose: bool) -> Iterator[str]:
    if not report.complete:
        why = "the clone is shallow" if report.shallow else "not requested"
        yield from _row("history", f"unknown: {why}")
        return
    if report.notes:
        yield from _on_notes(report)
    if report.progress:
        first, last = report.progress[0], report.progress[-1]
        most = max(each.exempt for each in report.progress)
        yield from _row(
            "exemptions",
            f"{last.exempt:,} now, {most:,} at most, since {first.date.date()}; {counted(last.notes, 'note')}",
        )
    for at, each in enumerate(report.policy_history[0 if verbose else -_SHOWN :]):
        words = (
            "adopts npm-vetted"
            if each.adopts
            else "; ".join(
                [*(f"loosens: {word}" for word in each.loosens[:_SHOWN]), *each.tightens[:_SHOWN]]
            )
            or "no effect"
        )
        yield from _row(
            "" if at else "policy",
            f"{each.commit.id[:12]} {each.commit.date.date()} {each.commit.author}: {words}",
        )  # fmt: skip
    yield from _moves(report, verbose=verbose)


def _on_notes(report: AuditReport) -> Iterator[str]:
    """Who vetted whose packages, and the signatures of the notes' commits."""
    other, same, squashed, unknown = summary.second_person(report)
    tail = f", unknown for {unknown:,}" if unknown else ""
    yield from _row(
        "second person",
        f"{other:,} packages vetted by someone else than who brought them, {same:,} by the same person, "
        f"{squashed:,} squashed (not known){tail}",
    )
    yield from _row(
        "signed", "; ".join(f"{number:,} {word}" for word, number in summary.signatures(report))
    )


def _moves(report: AuditReport, *, verbose: bool) -> Iterator[str]:
    moved = report.since
    if moved is None:
        return
    start = moved.commit[:12] if moved.commit else "the first commit"
    yield from _row(
        "changes",
        f"since {start}: {len(moved.entered):,} entered, {len(moved.left):,} left; notes "
        f"+{moved.notes_added:,} −{moved.notes_removed:,}; exemptions "
        f"+{moved.exemptions_added:,} −{moved.exemptions_removed:,}",
    )
    for verb, rows in (("entered", moved.entered), ("left", moved.left)):
        shown = rows if verbose else rows[:_NAMED]
        more = f", and {len(rows) - len(shown):,} more" if len(shown) < len(rows) else ""
        if rows:
            yield from _row("", f"{verb}: {', '.join(label for _, label in shown)}{more}")


def _exceptions(report: AuditReport) -> Iterator[str]:
    """Each exception and each unused note, for ``-v``."""
    for at, each in enumerate(report.exceptions):
        until = f", until {each.until}" if each.until else ""
        what = " ".join(word for word in (each.kind, each.check, each.path, each.about) if word)
        yield from _row("" if at else "exceptions", f"{each.state}: {what}{until}: {each.reason}")
    for at, note in enumerate(note for note in report.notes if not note.used):
        yield from _row("" if at else "unused", note.path)


def _attention(report: AuditReport) -> list[str]:
    return _row("attention", "; ".join(summary.attention(report)) or "nothing")


def _gate(gate: Gate, *, verbose: bool) -> Iterator[str]:
    if gate.undecided:
        yield from _row("require", f"{gate.word}: unknown, since history is missing")
        return
    state = "met" if not gate.failures else f"not met, {counted(len(gate.failures), 'failure')}"
    yield from _row("require", f"{gate.word}: {state}")
    shown = gate.failures if verbose else gate.failures[:_FAILURES]
    for failure in shown:
        yield from _row("", failure)
    if len(shown) < len(gate.failures):
        yield from _row("", f"and {len(gate.failures) - len(shown):,} more (-v shows them)")


def _packages(report: AuditReport, *, verbose: bool) -> Iterator[str]:
    for project in report.projects:
        mine = [each for each in report.packages if each.project == project.path]
        yield printable(f"{project.path} ({project.client}, {project.lockfile or 'no lockfile'})")
        shown = mine if verbose else _worth_a_line(mine)
        yield from _table(shown)
        direct = sum(each.direct for each in mine) - sum(each.direct for each in shown)
        transitive = len(mine) - len(shown) - direct
        rest = [f"{direct:,} exempt direct"] if direct else []
        rest += [f"{transitive:,} covered transitive"] if transitive else []
        if rest:
            noun = "package" if direct + transitive == 1 else "packages"
            yield f"  and {' and '.join(rest)} {noun} (-v shows them)"


def _worth_a_line(packages: Iterable[PackageFacts]) -> list[PackageFacts]:
    """What is unvetted, then the direct dependencies; of those that are only exempt, the first ones."""
    unvetted: list[PackageFacts] = []
    noted: list[PackageFacts] = []
    exempt: list[PackageFacts] = []
    for each in packages:
        if each.status == Status.UNVETTED.value:
            unvetted.append(each)
        elif each.direct:
            (exempt if each.status == Status.EXEMPT.value else noted).append(each)
    return [*unvetted, *noted, *exempt[:_EXEMPT]]


def _table(shown: Iterable[PackageFacts]) -> Iterator[str]:
    """A row for each package; the columns are as wide as what they hold, and a person's name is cut."""
    rows = [(each.status, printable(each.label), _flags(each), _who(each)) for each in shown]
    label = min(max((len(row[1]) for row in rows), default=0), _WIDEST)
    flags = max((len(row[2]) for row in rows), default=0)
    for status, name, use, who in rows:
        start = f"  {status:<11} {name:<{label}} {use:<{flags}} "
        yield (
            start.rstrip()
            if not who
            else start + who[: max(_WIDTH - len(start), len("2026-01-01"))]
        )


def _flags(each: PackageFacts) -> str:
    held = (("direct", each.direct), ("dev", each.development), ("scripts", each.scripts))
    return " ".join(word for word, holds in held if holds)


def _who(each: PackageFacts) -> str:
    return (
        printable(f"{each.vetted_on} {each.vetted_by.partition(' <')[0]}") if each.vetted_by else ""
    )
