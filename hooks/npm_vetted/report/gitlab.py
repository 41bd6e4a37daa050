"""``--format gitlab``: a GitLab code quality report, an array with one entry for each finding."""

from __future__ import annotations

from typing import Final, TextIO

from npm_vetted.checks._runner import CheckResult
from npm_vetted.formats.terminal_text import json_text, printable
from npm_vetted.model import Finding, Level, identities
from npm_vetted.projects.change import Change
from npm_vetted.report import Style
from npm_vetted.report._shared import file_of, is_critical, label_of

_SEVERITY: Final = {Level.ERROR: "major", Level.WARNING: "minor", Level.NOTICE: "info"}


def print_result(result: CheckResult, change: Change | None, style: Style, out: TextIO) -> None:  # noqa: ARG001
    """Print the array; empty without findings. Fingerprints are unique: equal ones are shown once."""
    entries = [
        _entry(finding, identity)
        for finding, identity in zip(result.findings, identities(result.findings), strict=True)
    ]
    print(json_text(entries), file=out)


def _entry(finding: Finding, identity: str) -> dict[str, object]:
    critical = finding.level is Level.ERROR and is_critical(finding)
    return {
        "description": printable(label_of(finding)),
        "check_name": f"{finding.check}/{finding.code}" if finding.code else finding.check,
        "fingerprint": identity,
        "severity": "critical" if critical else _SEVERITY[finding.level],
        "location": {
            "path": printable(file_of(finding)),
            "lines": {"begin": max(finding.location.line, 1)},
        },
    }
