"""The formats of the audit, discovered automatically: one module each."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from npm_vetted._plugins import import_part, parts
from npm_vetted.auditing.facts import AuditReport
from npm_vetted.auditing.requirements import Gate
from npm_vetted.report import Style


class Audit(NamedTuple):
    """The input of a format: the report, and the results of the requirements."""

    report: AuditReport
    gates: tuple[Gate, ...]
    style: Style


class AuditFormat(Protocol):
    """The interface of each module of this package; the format has the module's name, with hyphens."""

    def render(self, audit: Audit) -> str:
        """The whole document; the same audit gives the same text."""


def audit_formats() -> list[str]:
    """The formats there are."""
    return [each.replace("_", "-") for each in parts(__path__)]


def audit_format(name: str) -> AuditFormat:
    """One format."""
    found: AuditFormat = import_part(f"{__name__}.{name.replace('-', '_')}")
    return found
