"""``audit --require``: requirements that a scheduled job can enforce."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from npm_vetted.auditing.facts import AuditReport, NoteFacts
from npm_vetted.errors import UsageError
from npm_vetted.formats.document import hint
from npm_vetted.vetting.resolver import Status


class Gate(NamedTuple):
    """One requirement and everything that fails it; ``undecided``: history would be needed."""

    word: str
    failures: tuple[str, ...]
    undecided: bool = False


_NOT_REVIEWED: Final = frozenset({Status.UNVETTED.value, Status.EXEMPT.value, Status.ROUTINE.value})


def _covered(report: AuditReport, option: str) -> Iterator[str]:  # noqa: ARG001
    return _with_status(report, frozenset({Status.UNVETTED.value}))


def _vetted(report: AuditReport, option: str) -> Iterator[str]:  # noqa: ARG001
    return _with_status(report, _NOT_REVIEWED)


def _with_status(report: AuditReport, refused: frozenset[str]) -> Iterator[str]:
    for each in report.packages:
        if each.status in refused:
            yield f"{each.label} in {each.project} is {each.status}"


def _signed(report: AuditReport, option: str) -> Iterator[str]:  # noqa: ARG001
    for note in _covering(report):
        for verb, commit in (
            ("brought", note.brought and note.brought.authored), ("changed", note.changed)
        ):  # fmt: skip
            if commit is not None and commit.signature != "good":
                yield f"{note.path} was {verb} by {commit.id[:12]}: signature {commit.signature}"
        if note.brought is None:
            yield f"{note.path} is not committed"


def _second_person(report: AuditReport, option: str) -> Iterator[str]:
    for each in report.packages:
        if each.note is None or each.vetted_by is None:
            continue
        if each.squashed or each.same_person is None:
            if option == "strict":
                yield f"{each.label} in {each.project}: git cannot tell who vetted it"
        elif each.same_person:
            yield f"{each.label} in {each.project}: one person brought and vetted it"


def _unexpired(report: AuditReport, option: str) -> Iterator[str]:  # noqa: ARG001
    for each in report.exceptions:
        if each.state == "expired":
            yield f"{each.kind} {each.check} at {each.path} ended on {each.until}"


def _fresh(report: AuditReport, option: str) -> Iterator[str]:
    for note in _covering(report):
        age = (report.day - note.vetted_on).days
        if age > int(option):
            yield f"{note.path} is {age:,} days old"


def _covering(report: AuditReport) -> Iterator[NoteFacts]:
    return (each for each in report.notes if each.covers)


class _Rule(NamedTuple):
    run: Callable[[AuditReport, str], Iterator[str]]
    options: str
    needs_history: bool


_RULES: Final[Mapping[str, _Rule]] = {
    "covered": _Rule(_covered, "", needs_history=False),
    "vetted": _Rule(_vetted, "", needs_history=False),
    "signed": _Rule(_signed, "", needs_history=True),
    "second-person": _Rule(_second_person, "|strict", needs_history=True),
    "unexpired": _Rule(_unexpired, "", needs_history=False),
    "fresh": _Rule(_fresh, "[0-9]{1,5}", needs_history=False),
}


def read_requirements(words: str) -> list[tuple[str, str]]:
    """The requirements that a list names; raises UsageError for one that is unknown."""
    found = []
    for word in (each.strip() for each in words.split(",")):
        name, _, option = word.partition("=")
        if name not in _RULES:
            raise UsageError(f"--require: unknown requirement {name!r}{hint(name, _RULES)}")
        if not re.fullmatch(_RULES[name].options, option):
            example = "fresh=180" if name == "fresh" else "second-person=strict"
            raise UsageError(f"--require: {word!r} is not understood", fix=f"for example {example}")
        found.append((name, option))
    return found


def needs_history(requirements: list[tuple[str, str]]) -> bool:
    """Whether one of some requirements is about commits."""
    return any(_RULES[name].needs_history for name, _ in requirements)


def judge(report: AuditReport, requirements: list[tuple[str, str]]) -> tuple[Gate, ...]:
    """How each requirement is met. A package that several places lock may fail several times."""
    gates = []
    for name, option in requirements:
        rule = _RULES[name]
        word = f"{name}={option}" if option else name
        if rule.needs_history and not report.complete:
            gates.append(Gate(word, (), undecided=True))
        else:
            gates.append(Gate(word, tuple(rule.run(report, option))))
    return tuple(gates)
