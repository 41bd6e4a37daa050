"""Shared by the reports: findings ordered by danger, their texts and commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from npm_vetted import SITE
from npm_vetted.checks import checks
from npm_vetted.checks._fixes import scope_fix
from npm_vetted.checks._runner import UNDECIDED
from npm_vetted.model import Finding, Level
from npm_vetted.projects.change import Change
from npm_vetted.report import Style
from npm_vetted.report._blocks import exempted_together
from npm_vetted.report._shell_commands import command_line

_ORDER: Final = (
    UNDECIDED, "integrity", "lockfile-source", "ignore-scripts", "client-settings", "lookalike",
    "install-scripts", "unvetted", "policy", "notes", "cooldown", "lockfile-sync", "install-command",
)  # fmt: skip
"""What lets other code run comes first: sources and hashes, settings, scripts; then what is unvetted."""
_FIRST_CODES: Final = frozenset({"denied", "secret"})


def by_danger(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, errors and the most dangerous first; equal ones stay in their order."""
    return sorted(findings, key=_rank)


def _rank(finding: Finding) -> tuple[int, int, int]:
    first = 0 if finding.code in _FIRST_CODES else 1
    check = _ORDER.index(finding.check) if finding.check in _ORDER else len(_ORDER)
    return (list(Level).index(finding.level), first, check)


def is_critical(finding: Finding) -> bool:
    """Whether a finding is about bytes that nobody vetted: other sources, other hashes, a denial."""
    return finding.check in ("integrity", "lockfile-source") or finding.code in _FIRST_CODES


def file_of(finding: Finding) -> str:
    """The file that a viewer shows a finding at: one about the whole repository is at its manifest."""
    return "package.json" if finding.location.path == "." else finding.location.path


def label_of(finding: Finding) -> str:
    """``name@version: message``, as every report says it."""
    name = f"{finding.package}@{finding.version}" if finding.version else finding.package
    return f"{name}: {finding.message}" if name else finding.message


def fix_of(finding: Finding, style: Style) -> str | None:
    """The commands that resolve a finding, a line each; None where none is safe to paste."""
    return command_line(finding.fix, style.program()) if finding.fix else None


def fix_of_all(findings: Sequence[Finding], change: Change | None, style: Style) -> str | None:
    """The one command for all that a change brings unvetted; None where there is not more than one."""
    open_fixes = {each.fix for each in findings if each.check == "unvetted" and each.fix}
    if len(open_fixes) < 2 or change is None or change.everything:
        return None
    together = exempted_together([each for each in findings if each.check == "unvetted"])
    return command_line([together or scope_fix(change)], style.program())


def page_of(finding: Finding) -> str | None:
    """The address of the page that explains a finding's code; ``explain`` prints the same words."""
    if finding.check not in checks():
        return None
    return f"{SITE}checks/{finding.check}/" + (f"#{finding.code}" if finding.code else "")
