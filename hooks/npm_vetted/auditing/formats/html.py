"""``audit --format html``: one file that makes no request and is readable without scripts.

All that it shows was written by others: every text is escaped, nothing but the package's page at
npmjs.com is linked, and the content security policy admits this page's own style and script by their
hashes and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from typing import Final
from urllib.parse import quote

from npm_vetted.auditing import summary
from npm_vetted.auditing.facts import (
    AuditReport,
    Brought,
    CommitFacts,
    ExceptionFacts,
    NoteFacts,
    PackageFacts,
    PolicyChange,
)
from npm_vetted.auditing.formats import Audit
from npm_vetted.formats.terminal_text import printable
from npm_vetted.review.text import counted
from npm_vetted.vetting.resolver import Status

_NPM: Final = ("https://registry.npmjs.org/", "https://registry.yarnpkg.com/")
_MARKS: Final = {
    "unvetted": "bad", "expired": "bad", "bad": "bad", "exempt": "warn", "unused": "warn",
    "present, not checked": "warn", "vetted": "good", "accepted": "good", "good": "good",
}  # fmt: skip
_WIDTH: Final = 420
_HEIGHT: Final = 180
_LIMIT: Final = 500
"""How many rows the script (page.js) shows at first, of a table that has more than twice as many."""
_NUMBERS: Final = frozenset({"days", "covers", "notes", "packages", "exempt"})
"""The columns that hold numbers."""
_FEW_MOVES: Final = 12
"""Up to this many packages that entered or left are shown unfolded."""


def render(audit: Audit) -> str:
    """The whole page."""
    report = audit.report
    style, script = _resource("page.css"), _resource("page.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = [
        (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>npm-vetted audit {_text(_name(report))}</title>\n<style>{style}</style>\n"
        "</head>\n<body>\n<main>\n"
        ),
        *_head(audit),
        *_charts(report),
        *_moves(report),
        *_packages(report),
        *_notes(report),
        *_people(report),
        *_policy(report.policy_history),
        *_exceptions(report.exceptions),
        *_progress(report),
        f"</main>\n<script>{script}</script>\n</body>\n</html>\n",
    ]  # fmt: skip
    return "".join(parts)


def _resource(name: str) -> str:
    return (files("npm_vetted.auditing.formats") / name).read_text("utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(text: object, keep: str = "") -> str:
    """Escape a text: no markup, no control characters, no hidden characters."""
    return html.escape(printable(str(text), keep))


def _breakable(label: str) -> str:
    """A package's label, which a narrow column breaks after its scope and before its version."""
    name, at, version = label.rpartition("@")
    scope, slash, rest = (name if at else label).rpartition("/")
    tail = f"<wbr>@{_text(version)}" if name else _text(at + version) if at else ""
    return f"{_text(scope)}/<wbr>{_text(rest)}{tail}" if slash else f"{_text(rest)}{tail}"


def _marked(word: str) -> str:
    mark = _MARKS.get(word)
    return f'<span class="{mark}">{_text(word)}</span>' if mark else _text(word)


def _name(report: AuditReport) -> str:
    commit = report.commit[:12] if report.commit else "the index"
    return f"the index, staged on {commit}" if report.staged and report.commit else commit


def _head(audit: Audit) -> Iterator[str]:
    report = audit.report
    yield f"<h1>npm-vetted audit of <code>{_text(_name(report))}</code></h1>\n"
    yield f'<p class="soft">{_text(report.day)}, by npm-vetted {_text(report.tool)}'
    if report.policy_commit:
        yield f"; policy of <code>{_text(report.policy_commit[:12])}</code>"
    yield "</p>\n"
    if not report.complete:
        why = "the clone is shallow" if report.shallow else "history was not requested"
        yield f'<p class="bad">Who brought what is not known: {why}.</p>\n'
    yield '<dl class="figures">\n'
    yield _figure("packages", f"{len(report.packages):,}")
    yield _figure("a person looked at", f"{summary.reviewed_share(report)} %")
    for name, number in summary.statuses(report):
        yield _figure(name, f"{number:,}")
    yield "</dl>\n<h2>Attention</h2>\n<ul>\n"
    for line in list(summary.attention(report)) or ["nothing"]:
        yield f"<li>{_text(line)}</li>\n"
    for gate in audit.gates:
        state = "unknown" if gate.undecided else "not met" if gate.failures else "met"
        failures = f", {counted(len(gate.failures), 'failure')}" if gate.failures else ""
        mark = "good" if state == "met" else "bad"
        yield f'<li>{_text(gate.word)} is required: <span class="{mark}">{state}</span>{failures}</li>\n'
    yield "</ul>\n"
    yield from _second_person(report)
    yield f'<p class="soft">{_text(summary.LIMITS)}</p>\n'


def _second_person(report: AuditReport) -> Iterator[str]:
    if report.complete and not report.notes:
        yield "<p>There are no notes, so nobody has vetted a package.</p>\n"
    elif report.complete:
        other, same, squashed, unknown = summary.second_person(report)
        signed = "; ".join(f"{number:,} {word}" for word, number in summary.signatures(report))
        yield (
            f"<p>Of the packages with a note, {other:,} were vetted by someone else than who brought "
            f"them, {same:,} by the same person; {squashed:,} came in one commit with their note, "
            f"{unknown:,} are unknown. Signatures of the notes' commits: {_text(signed)}.</p>\n"
        )


def _moves(report: AuditReport) -> Iterator[str]:
    """What came and went since the commit or day that was requested; long lists are folded."""
    if report.since is not None:
        moved = report.since
        start = moved.commit[:12] if moved.commit else "the first commit"
        yield (
            f"<h2>Changes</h2>\n<p>Since <code>{_text(start)}</code>: {len(moved.entered):,} packages entered, "
            f"{len(moved.left):,} left; notes +{moved.notes_added:,} −{moved.notes_removed:,}; "
            f"exemptions +{moved.exemptions_added:,} −{moved.exemptions_removed:,}.</p>\n"
        )
        for verb, rows in (("Entered", moved.entered), ("Left", moved.left)):
            if rows:
                names = "".join(f"<li>{_text(label)}</li>" for _, label in rows)
                open_ = " open" if len(rows) <= _FEW_MOVES else ""
                yield (
                    f"<details{open_}><summary>{verb}: {counted(len(rows), 'package')}</summary>"
                    f'<ul class="names">{names}</ul></details>\n'
                )


def _figure(name: str, value: str) -> str:
    return f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>\n"


def _charts(report: AuditReport) -> Iterator[str]:
    yield '<h2>Coverage</h2>\n<div class="charts">\n'
    yield _bars("Packages by status", summary.statuses(report))
    yield _bars("Packages by criterion", summary.criteria(report))
    yield _bars("Packages by the age of their note", summary.ages(report))
    if len(report.progress) > 1:
        yield _burn_down(report)
    yield "</div>\n"


def _bars(title: str, rows: Sequence[tuple[str, int]]) -> str:
    """A bar chart; its numbers are texts of the picture, and its label for who cannot see it."""
    most = max((number for _, number in rows), default=0) or 1
    label = ", ".join(f"{name} {number:,}" for name, number in rows)
    marks = []
    for at, (name, number) in enumerate(rows):
        top, width = at * 26, round(200 * number / most, 1)
        kind = {"exempt": "three", "unvetted": "three", "nothing": "two"}.get(name, "one")
        marks.append(
            f'<text x="0" y="{top + 17}">{_text(name)}</text>'
            f'<rect class="{kind}" x="150" y="{top + 4}" width="{width}" height="16"/>'
            f'<text x="{158 + width}" y="{top + 17}">{number:,}</text>'
        )
    return (
        f"<figure><figcaption>{_text(title)}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {len(rows) * 26 + 4}" role="img" aria-label="{_text(title)}: {_text(label)}">'
        f"{''.join(marks)}</svg></figure>\n"
    )


def _burn_down(report: AuditReport) -> str:
    """Two step lines: how many were exempt, and how many notes there were, after each commit."""
    rows = report.progress
    start, end = rows[0].date.timestamp(), max(report.date, rows[-1].date).timestamp()
    most = max(max(each.exempt, each.notes) for each in rows) or 1
    span = max(end - start, 1)

    def line(values: Iterable[int]) -> str:
        path, last = "", 0.0
        for each, value in zip(rows, values, strict=True):
            x = max(last, round(56 + 354 * (each.date.timestamp() - start) / span, 1))
            y = round(140 - 120 * value / most, 1)
            path += f"M{x} {y}" if not path else f"H{x}V{y}"
            last = x
        return f"{path}H410"

    now = rows[-1]
    label = (
        f"from {rows[0].date.date()} to {report.day}: at first {rows[0].exempt:,} exempt and "
        f"{rows[0].notes:,} notes, now {now.exempt:,} exempt and {now.notes:,} notes"
    )
    return (
        "<figure><figcaption>Exemptions and notes over time</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Burn-down {_text(label)}">'
        '<path class="axis" d="M56 20V140H410"/>'
        f'<text x="50" y="25" text-anchor="end">{most:,}</text><text x="50" y="145" text-anchor="end">0</text>'
        f'<text x="56" y="160">{rows[0].date.date()}</text>'
        f'<text x="410" y="160" text-anchor="end">{report.day}</text>'
        f'<path class="one" d="{line(each.exempt for each in rows)}"/>'
        f'<path class="two" d="{line(each.notes for each in rows)}"/>'
        '<path class="one" d="M56 173H81"/><text x="87" y="177">exempt</text>'
        '<path class="two" d="M156 173H181"/><text x="187" y="177">notes</text>'
        "</svg></figure>\n"
    )


def _table(
    identifier: str, title: str, columns: Sequence[str], rows: Iterable[str], controls: str = ""
) -> Iterator[str]:
    """A section with a table that the script makes sortable; the rows are its HTML."""
    yield f'<section>\n<h2 id="{identifier}">{_text(title)}</h2>\n{controls}'
    named = f"{identifier}-controls"
    yield f'<div class="scroll" role="region" aria-labelledby="{identifier}" tabindex="0">\n'
    narrow = "" if controls else ' class="narrow"'
    yield f'<table{narrow} data-sortable="{named}">\n<thead><tr>'
    for name in columns:
        kind = ' class="number"' if name in _NUMBERS else ""
        yield f'<th scope="col"{kind}>{_text(name)}</th>'
    yield "</tr></thead>\n<tbody>\n"
    for at, row in enumerate(rows):
        # What the script will hide at first is hidden before it runs: a long page opens faster.
        yield row.replace("<tr", '<tr class="rest"', 1) if controls and at >= 2 * _LIMIT else row
    yield "</tbody>\n</table>\n</div>\n</section>\n"


def _controls(identifier: str, statuses: Sequence[str] = ()) -> str:
    choice = ""
    if statuses:
        options = "".join(f"<option>{_text(each)}</option>" for each in statuses)
        choice = f'<label>Status <select><option value="">all</option>{options}</select></label>\n'
    return (
        f'<div class="controls" id="{identifier}-controls" hidden>\n'
        f'<label>Filter <input type="search" autocomplete="off"></label>\n{choice}'
        '<output aria-live="polite"></output>\n<button type="button" hidden>Show all</button>\n</div>\n'
    )


def _packages(report: AuditReport) -> Iterator[str]:
    columns: tuple[str, ...] = (
        "package", "project", "use", "status", "criteria", "vetted by", "on", "days", "entered", "by", "commit",
        "second person",
    )  # fmt: skip
    statuses = [each.value for each in Status]
    if len(report.projects) < 2:
        columns = tuple(name for name in columns if name != "project")
    rows = (_package(report, each) for each in report.packages)
    yield from _table("packages", "Packages", columns, rows, _controls("packages", statuses))


def _package(report: AuditReport, each: PackageFacts) -> str:
    use = [
        word
        for word, holds in (
            ("direct", each.direct), ("dev", each.development), ("scripts", each.scripts),
        )
        if holds
    ]  # fmt: skip
    age = "" if each.vetted_on is None else str((report.day - each.vetted_on).days)
    project = f"<td>{_text(each.project)}</td>" if len(report.projects) > 1 else ""
    status = _marked(each.status) + (" (also exempt)" if each.also_exempt else "")
    return (
        f'<tr data-status="{_text(each.status)}"><th scope="row">{_linked(each)}</th>{project}'
        f"<td>{' '.join(use)}</td><td>{status}</td><td>{_text(', '.join(each.criteria))}</td>"
        f'<td class="name">{_text(_short(each.vetted_by or ""))}</td><td class="date">{each.vetted_on or ""}</td>'
        f'<td class="number">{age}</td>{_entered(each.entered)}<td>{_second(each)}</td></tr>\n'
    )


def _entered(brought: Brought | None) -> str:
    if brought is None:
        return '<td class="date"></td><td></td><td></td>'
    return (
        f'<td class="date">{brought.landed.date.date()}</td>'
        f'<td class="name">{_text(_short(brought.authored.author))}</td>'
        f"<td>{_commit(brought.landed)}</td>"
    )


def _second(each: PackageFacts) -> str:
    if each.squashed:
        return "squashed"
    return {True: "same person", False: "yes", None: ""}[each.same_person]


def _short(author: str) -> str:
    """The name of ``Name <email>``."""
    return author.partition(" <")[0] or author


def _commit(commit: CommitFacts) -> str:
    return f'<code title="{_text(commit.subject)}">{_text(commit.id[:10])}</code>'


def _linked(each: PackageFacts) -> str:
    """The package's label; linked to npmjs.com where its lockfile says that it comes from there."""
    artifact = each.artifact
    known = each.resolved is None or each.resolved.startswith(_NPM)
    if each.source != "registry" or not known or artifact.version is None:
        return _breakable(each.label)
    place = f"{quote(artifact.name, safe='@/')}/v/{quote(artifact.version, safe='')}"
    address = f"https://www.npmjs.com/package/{place}"
    return (
        f'<a href="{html.escape(address)}" rel="noopener noreferrer">{_breakable(each.label)}</a>'
    )


def _notes(report: AuditReport) -> Iterator[str]:
    columns = (
        "note", "words", "criteria", "vetted by", "on", "days", "covers", "brought by", "commit", "signature",
    )  # fmt: skip
    rows = (_note(report, each) for each in report.notes)
    yield from _table("notes", "Notes", columns, rows, _controls("notes"))
    for path, message in report.broken_notes:
        yield f'<p class="bad">{_text(path)}: {_text(message)}</p>\n'


def _note(report: AuditReport, note: NoteFacts) -> str:
    brought = note.brought
    commit = "<td></td><td></td><td>not known</td>"
    if brought is not None:
        commit = (
            f'<td class="name">{_text(_short(brought.authored.author))}</td><td>{_commit(brought.authored)}</td>'
            f"<td>{_marked(brought.authored.signature)}</td>"
        )
    words = [note.why.strip()] if note.why.strip() else []
    if note.waiver:
        words.append(f"Cooldown waived: {note.waiver}")
    if note.changed:
        words.append(f"Changed by {note.changed.author} in {note.changed.id[:10]}")
    covers = str(note.covers) if note.used else f"{note.covers} {_marked('unused')}"
    return (
        f'<tr><th scope="row">{_text(note.label)}</th><td class="words">{_rows(words)}</td>'
        f'<td>{_text(", ".join(note.criteria))}</td><td class="name">{_text(_short(note.vetted_by))}</td>'
        f'<td class="date">{note.vetted_on}</td><td class="number">{(report.day - note.vetted_on).days}</td>'
        f'<td class="number">{covers}</td>{commit}</tr>\n'
    )


def _people(report: AuditReport) -> Iterator[str]:
    rows = (
        f'<tr><th scope="row">{_text(each.name)}</th><td class="number">{each.notes}</td>'
        f'<td class="number">{each.packages}</td><td class="date">{each.last}</td></tr>\n'
        for each in summary.people(report)
    )
    yield from _table("people", "People", ("vetted by", "notes", "packages", "last"), rows)


def _progress(report: AuditReport) -> Iterator[str]:
    rows = (
        f'<tr><th scope="row"><code>{_text(each.commit[:10])}</code></th><td class="date">{each.date.date()}</td>'
        f'<td class="number">{each.exempt}</td><td class="number">{each.notes}</td></tr>\n'
        for each in reversed(report.progress)
    )
    columns = ("commit", "day", "exempt", "notes")
    yield from _table("progress", "Exemptions and notes over time", columns, rows)


def _policy(history: Sequence[PolicyChange]) -> Iterator[str]:
    rows = (
        f'<tr><th scope="row">{_commit(each.commit)}</th><td class="date">{each.commit.date.date()}</td>'
        f"<td>{_text(_short(each.commit.author))}</td><td>{_marked(each.commit.signature)}</td>"
        f'<td class="words">{_rows((*("adopts npm-vetted",) * each.adopts, *each.loosens))}</td>'
        f'<td class="words">{_rows(each.tightens)}</td></tr>\n'
        for each in reversed(history)
    )
    columns = ("commit", "day", "by", "signature", "loosens", "tightens")
    yield from _table("policy", "Policy history", columns, rows)


def _rows(words: Sequence[str]) -> str:
    return _text("\n".join(words), keep="\n")


def _exceptions(exceptions: Sequence[ExceptionFacts]) -> Iterator[str]:
    rows = (
        f'<tr><th scope="row">{_text(each.kind)}</th><td>{_text(each.check)}</td><td>{_text(each.path)}</td>'
        f'<td>{_text(each.about)}</td><td class="words">{_text(each.reason)}</td>'
        f'<td class="date">{each.until or ""}</td><td>{_marked(each.state)}</td></tr>\n'
        for each in exceptions
    )
    columns = ("kind", "check", "path", "about", "reason", "until", "state")
    yield from _table("exceptions", "Exceptions", columns, rows, _controls("exceptions"))
