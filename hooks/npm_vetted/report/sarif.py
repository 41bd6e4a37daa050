"""``--format sarif``: SARIF 2.1.0, for GitHub code scanning and other viewers.

Traps that were read in GitHub's documentation: an upload with fewer results closes the others, so an
undecided check is written as ``executionSuccessful: false``; a severity must be a text; a required
text must not be empty.
"""

from __future__ import annotations

from typing import Final, TextIO
from urllib.parse import quote

from npm_vetted import SITE, __version__
from npm_vetted.checks import Check, checks
from npm_vetted.checks._runner import UNDECIDED, CheckResult
from npm_vetted.formats.terminal_text import json_text, printable
from npm_vetted.model import Finding, Level, identities
from npm_vetted.projects.change import Change
from npm_vetted.report import Style
from npm_vetted.report._shared import by_danger, file_of, fix_of, is_critical, label_of

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTICE: "note"}
_LONGEST: Final = 1_000
"""Characters of a description; GitHub keeps 1,024."""
_MOST: Final = 5_000
"""Results; GitHub keeps no more."""


def print_result(result: CheckResult, change: Change | None, style: Style, out: TextIO) -> None:  # noqa: ARG001
    """Print one log with one run."""
    names = [*checks(), UNDECIDED]
    marked = list(zip(result.findings, identities(result.findings), strict=True))
    if len(marked) > _MOST:
        worst = set(by_danger(result.findings)[:_MOST])
        marked = [pair for pair in marked if pair[0] in worst][:_MOST]
    results = [_result(finding, identity, names, style) for finding, identity in marked]
    undecided = [each for each in result.findings if each.check == UNDECIDED]
    run = {
        "tool": {"driver": {
            "name": "npm-vetted",
            "semanticVersion": __version__,
            "informationUri": SITE,
            "rules": [*(_rule(name, check) for name, check in checks().items()), _undecided_rule()],
        }},
        "automationDetails": {"id": "npm-vetted/"},
        "invocations": [{
            "executionSuccessful": not (undecided or result.statuses),
            "toolExecutionNotifications": [
                {"level": "error", "message": {"text": printable(each.message)}} for each in undecided
            ],
        }],
        "results": results,
    }  # fmt: skip
    print(json_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}), file=out)


def _rule(name: str, check: Check) -> dict[str, object]:
    words = check.EXPLANATION
    help_text = f"{words.satisfy}\n\nRejected:\n{words.before}\n\nPasses:\n{words.after}"
    markdown = f"{words.satisfy}\n\n**Rejected**\n```\n{words.before}\n```\n**Passes**\n```\n{words.after}\n```"
    severity = "9.0" if name in ("integrity", "lockfile-source") else "7.0"
    return {
        "id": name,
        "name": name,
        "helpUri": f"{SITE}checks/{name}/",
        "shortDescription": {"text": words.what[:_LONGEST]},
        "fullDescription": {"text": words.why[:_LONGEST]},
        "help": {"text": help_text, "markdown": markdown},
        "defaultConfiguration": {"level": "error"},
        "properties": {
            "tags": ["security", "supply-chain"],
            "precision": "very-high",
            "security-severity": severity,
        },
    }


def _undecided_rule() -> dict[str, object]:
    text = "Something that has to be checked cannot be read."
    return {
        "id": UNDECIDED,
        "name": UNDECIDED,
        "shortDescription": {"text": text},
        "fullDescription": {"text": text},
        "help": {"text": "Correct the file that the finding names, and check again."},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["security"], "precision": "very-high"},
    }


def _result(finding: Finding, identity: str, names: list[str], style: Style) -> dict[str, object]:
    fix = fix_of(finding, style)
    text = printable(label_of(finding)) + (f"\nFix: {fix}" if fix else "")
    return {
        "ruleId": finding.check,
        "ruleIndex": names.index(finding.check),
        "level": _LEVELS[finding.level],
        "message": {"text": text},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": _uri(file_of(finding))},
            "region": {"startLine": max(finding.location.line, 1)},
        }}],
        "partialFingerprints": {"primaryLocationLineHash": identity},
        "properties": {
            "code": finding.code or UNDECIDED, "key": finding.key, "critical": is_critical(finding),
        },
    }  # fmt: skip


def _uri(path: str) -> str:
    return quote(path.encode("utf-8", "surrogateescape"), safe="/") or "."
