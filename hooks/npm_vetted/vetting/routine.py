"""Routine notes: evidence without a person's words, below ``.vetting/routine/`` and nowhere else.

A bot may write them, so their content is restricted: no criteria, no text, no waiver. They are about versions
from a registry, name the earlier version, and contain the score of that step.
"""

from __future__ import annotations

from typing import Final

from npm_vetted.formats.document import Table
from npm_vetted.packages.versions import parse_version

ROUTINE: Final = ".vetting/routine/"
ROUTINE_SCORE: Final = 5
"""A step with this score or more needs a person."""
_WORDS: Final = frozenset(
    {
        "why", "cooldown-waiver", "not-lookalike-of", "accepts", "resolved", "patch", "specifier",
    }
)  # fmt: skip
_LIST_KEYS: Final = frozenset(
    {"package", "integrity", "checksum", "from", "published", "scripts", "bundles"}
)
_KEYS: Final = _LIST_KEYS | {
    "version", "criteria", "vetted-by", "vetted-on", "brings", "evidence",
}  # fmt: skip
_NEEDED: Final = ("integrity", "from", "published")


def check_routine(table: Table) -> None:
    """Refuse keys that only a person may set, and evidence that is incomplete.

    Raises the table's error with the line of the key.
    """
    _refuse_words(table, _KEYS)
    if table.maybe_texts("criteria"):
        raise table.fail("a routine note has no criteria: expected []", "criteria")
    _need(table, "version", "scripts", "evidence", *_NEEDED)
    _need_version(table, table.text("version"), "version")
    _need_version(table, table.text("from"), "from")
    for each in table.tables("brings"):
        _refuse_words(each, _LIST_KEYS)
        _need(each, *_NEEDED)
        label = each.text("package")
        _need_version(each, label[label.find("@", 1) + 1 :], "package")
        _need_version(each, each.text("from"), "from")
    _check_evidence(table)


def _check_evidence(table: Table) -> None:
    evidence = table.maybe_table("evidence")
    assert evidence is not None
    _need(evidence, "signals-version", "score", "signals")
    if (evidence.maybe_number("signals-version") or 0) < 1:
        raise evidence.fail("expected the version of the signals' table", "signals-version")
    score = evidence.maybe_number("score")
    if score is None or not 0 <= score < ROUTINE_SCORE:
        raise evidence.fail(f"expected a score below {ROUTINE_SCORE}: more needs a person", "score")
    evidence.maybe_texts("signals")


def _refuse_words(table: Table, known: frozenset[str]) -> None:
    for key in table.data:
        if key in _WORDS:
            raise table.fail("not in a routine note: only a person may say it", key)
    table.only(known)


def _need(table: Table, *keys: str) -> None:
    for key in keys:
        if key not in table.data:
            raise table.fail(f"the key {key!r} is missing, which a routine note needs")


def _need_version(table: Table, version: str, key: str) -> None:
    if parse_version(version) is None:
        raise table.fail(f"expected a registry's version, found {version!r}", key)
