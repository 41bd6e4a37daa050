"""``--format json``: for scripts; its shape is a contract (version 1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from npm_vetted.checks._runner import CheckResult
from npm_vetted.formats.terminal_text import json_text
from npm_vetted.model import Finding, identities
from npm_vetted.projects.change import Change
from npm_vetted.report import Style
from npm_vetted.report._shared import fix_of, page_of


def print_result(result: CheckResult, change: Change | None, style: Style, out: TextIO) -> None:
    """Print one JSON object; every character beyond ASCII is escaped."""
    comparison = change.comparison if change else None
    worktree = result.worktree.findings if result.worktree else ()
    data = {
        "version": 1,
        "scope": {
            "before": comparison.before.label if comparison else None,
            "after": comparison.after.label if comparison else None,
            "all": bool(comparison and comparison.everything),
        },
        "checked": {
            "projects": result.projects,
            "artifacts": result.artifacts,
            "notes": result.notes,
        },
        "findings": [
            *_findings(result.findings, style),
            *({**each, "scope": "worktree"} for each in _findings(worktree, style)),
        ],
    }
    print(json_text(data), file=out)


def _findings(findings: Sequence[Finding], style: Style) -> Iterator[dict[str, object]]:
    for finding, identity in zip(findings, identities(findings), strict=True):
        yield _finding(finding, identity, style)


def _finding(finding: Finding, identity: str, style: Style) -> dict[str, object]:
    return {
        "check": finding.check,
        "code": finding.code,
        "level": finding.level.value,
        "message": finding.message,
        "path": finding.location.path,
        "line": finding.location.line,
        "project": finding.project,
        "package": finding.package,
        "version": finding.version,
        "key": finding.key,
        "identity": identity,
        "fingerprint": finding.fingerprint,
        "fix": fix_of(finding, style),
        "help": page_of(finding),
    }
