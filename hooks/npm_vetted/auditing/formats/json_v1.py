"""``audit --format json-v1``: the JSON of 0.1.0, for one release more."""

from __future__ import annotations

from npm_vetted.auditing.formats import Audit
from npm_vetted.auditing.formats.json import artifact_data, totals
from npm_vetted.formats.terminal_text import json_text


def render(audit: Audit) -> str:
    """One JSON object, as version 1 had it."""
    report = audit.report
    return json_text({
        "version": 1,
        "projects": [each._asdict() for each in report.projects],
        "artifacts": [artifact_data(each) for each in report.packages],
        "totals": totals(report),
    }) + "\n"  # fmt: skip
