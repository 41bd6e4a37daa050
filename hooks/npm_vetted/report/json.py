"""``--format json``: for scripts; its shape is a contract (version 1)."""

from __future__ import annotations

from typing import TextIO

from npm_vetted.checks._runner import Judgement
from npm_vetted.formats.terminal_text import json_text
from npm_vetted.model import Finding
from npm_vetted.projects.change import Change
from npm_vetted.report import Style
from npm_vetted.report.shell_commands import command_line


def print_judgement(judgement: Judgement, change: Change | None, style: Style, out: TextIO) -> None:
    """Print one JSON object; every character beyond ASCII is escaped."""
    comparison = change.comparison if change else None
    data = {
        "version": 1,
        "scope": {
            "before": comparison.before.label if comparison else None,
            "after": comparison.after.label if comparison else None,
            "all": bool(comparison and comparison.everything),
        },
        "checked": {
            "projects": judgement.projects,
            "artifacts": judgement.artifacts,
            "notes": judgement.notes,
        },
        "findings": [_finding(each, style) for each in judgement.findings],
    }
    print(json_text(data), file=out)


def _finding(finding: Finding, style: Style) -> dict[str, object]:
    return {
        "check": finding.check,
        "level": finding.level.value,
        "message": finding.message,
        "path": finding.location.path,
        "line": finding.location.line,
        "project": finding.project,
        "package": finding.package,
        "version": finding.version,
        "fix": command_line(finding.fix, style.program()) if finding.fix else None,
    }
