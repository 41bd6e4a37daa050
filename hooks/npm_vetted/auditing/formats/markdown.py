"""``audit --format markdown``: for a pull request comment or a step summary, cut below their limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.auditing import summary
from npm_vetted.auditing.facts import AuditReport
from npm_vetted.auditing.formats import Audit
from npm_vetted.report.markdown import escaped
from npm_vetted.vetting.resolver import Status

_LIMIT: Final = 60_000
"""Characters; a comment on GitHub holds 65,536."""


def render(audit: Audit) -> str:
    """Headings, the figures as tables, and a list that is cut with how many more there are."""
    report = audit.report
    lines = [*_head(audit), "", *_figures(report)]
    size = sum(len(each) + 1 for each in lines)
    items = list(_items(audit))
    for at, item in enumerate(items):
        size += len(item) + 1
        if size > _LIMIT:
            lines.append(f"- and {len(items) - at:,} more: `npm-vetted audit -v` shows them")
            break
        lines.append(item)
    return "\n".join(lines) + "\n"


def _head(audit: Audit) -> Iterator[str]:
    report = audit.report
    name = report.commit[:12] if report.commit else "the index"
    yield f"### npm-vetted audit of {name} ({report.day})"
    yield ""
    if not report.complete:
        yield "**Who brought what is not known**: history is cut or was not requested."
        yield ""
    for line in list(summary.attention(report))[:20] or ["nothing needs attention"]:
        yield f"- {escaped(line)}"
    for gate in audit.gates:
        state = "unknown" if gate.undecided else "not met" if gate.failures else "met"
        yield f"- **{escaped(gate.word)}** is required: {state}"


def _figures(report: AuditReport) -> Iterator[str]:
    yield (
        "| packages | reviewed | " + " | ".join(name for name, _ in summary.statuses(report)) + " |"
    )
    yield "| ---: " * (2 + len(summary.statuses(report))) + "|"
    numbers = " | ".join(f"{number:,}" for _, number in summary.statuses(report))
    yield f"| {len(report.packages):,} | {summary.reviewed_share(report)} % | {numbers} |"
    yield ""
    yield "by criterion: " + ", ".join(
        f"{escaped(name)} {number:,}" for name, number in summary.criteria(report)
    )
    yield ""
    if report.complete:
        other, same, squashed, unknown = summary.second_person(report)
        yield (
            f"second person: {other:,} yes, {same:,} the same person, {squashed:,} squashed, "
            f"{unknown:,} unknown; signed: "
            + "; ".join(f"{number:,} {word}" for word, number in summary.signatures(report))
        )
        yield ""
    if report.since is not None:
        moved = report.since
        start = moved.commit[:12] if moved.commit else "the first commit"
        yield f"since {start}: {len(moved.entered):,} entered, {len(moved.left):,} left"
        yield ""


def _items(audit: Audit) -> Iterator[str]:
    report = audit.report
    for gate in audit.gates:
        yield from (f"- {escaped(gate.word)}: {escaped(each)}" for each in gate.failures)
    for each in report.packages:
        if each.status == Status.UNVETTED.value:
            yield f"- unvetted: {escaped(each.label)} in {escaped(each.project)}"
    for path, message in report.broken_notes:
        yield f"- malformed: {escaped(path)}: {escaped(message)}"
    for exception in report.exceptions:
        if exception.state != "active":
            what = f"{exception.kind} {exception.check} {exception.path} {exception.about}".rstrip()
            yield f"- {exception.state}: {escaped(what)}"
    for note in report.notes:
        if not note.used:
            yield f"- used by nothing: {escaped(note.path)}"
    if report.since is not None:
        yield from (f"- entered: {escaped(label)}" for _, label in report.since.entered)
        yield from (f"- left: {escaped(label)}" for _, label in report.since.left)
