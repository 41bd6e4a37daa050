"""``audit --format json``: version 2, for scripts; ``audit --schema`` prints its schema."""

from __future__ import annotations

from collections import Counter

from npm_vetted.auditing.facts import (
    AuditReport,
    Brought,
    CommitFacts,
    ExceptionFacts,
    NoteFacts,
    PackageFacts,
)
from npm_vetted.auditing.formats import Audit
from npm_vetted.auditing.requirements import Gate
from npm_vetted.auditing.trail import utc
from npm_vetted.formats.terminal_text import json_text
from npm_vetted.vetting.resolver import Status


def render(audit: Audit) -> str:
    """One JSON object; every character beyond ASCII is escaped."""
    report = audit.report
    since = report.since
    data: dict[str, object] = {
        "version": 2,
        "tool": report.tool,
        "repository": {
            "commit": report.commit,
            "date": utc(report.date),
            "since": since.commit if since else None,
            "shallow": report.shallow,
            "staged": report.staged,
            "history": report.complete,
            "signers": report.signers,
        },
        "policy": {
            "commit": report.policy_commit,
            "config": report.policy,
            "history": [
                {
                    **commit_data(each.commit),
                    "adopts": each.adopts,
                    "loosens": list(each.loosens),
                    "tightens": list(each.tightens),
                }
                for each in report.policy_history
            ],
        },
        "projects": [each._asdict() for each in report.projects],
        "artifacts": [artifact_data(each) | evidence_data(each) for each in report.packages],
        "notes": [_note(each) for each in report.notes],
        "malformed-notes": [
            {"path": path, "message": message} for path, message in report.broken_notes
        ],
        "exemptions": {
            "now": report.exempt_now,
            "since": utc(report.exemptions_since) if report.exemptions_since else None,
            "history": [
                {"commit": each.commit, "date": utc(each.date), "exempt": each.exempt, "notes": each.notes}
                for each in report.progress
            ],
        },
        "exceptions": [_exception(each) for each in report.exceptions],
        "changes": _changes(report),
        "requirements": [_gate(each) for each in audit.gates],
        "totals": totals(report),
    }  # fmt: skip
    return json_text(data) + "\n"


def totals(report: AuditReport) -> dict[str, int]:
    """How many artifacts have each status; every status is there."""
    counts = Counter(each.status for each in report.packages)
    return {status.value: counts[status.value] for status in Status}


def artifact_data(each: PackageFacts) -> dict[str, object]:
    """An artifact as version 1 had it; version 2 keeps these keys."""
    artifact = each.artifact
    return {
        "project": each.project,
        "package": artifact.name,
        "version": artifact.version,
        "source": each.source,
        "resolved": each.resolved,
        "integrity": each.integrity,
        "checksum": artifact.checksum,
        "patch": artifact.patch,
        "line": each.line,
        "environment": artifact.environment,
        "direct": each.direct,
        "development": each.development,
        "scripts": each.scripts,
        "status": each.status,
        "note": each.note,
    }


def evidence_data(each: PackageFacts) -> dict[str, object]:
    """The keys that version 2 adds to an artifact."""
    return {
        "purl": each.purl,
        "also-exempt": each.also_exempt,
        "criteria": list(each.criteria),
        "vetted-by": each.vetted_by,
        "vetted-on": each.vetted_on.isoformat() if each.vetted_on else None,
        "entered": landed_data(each.entered),
        "same-person": each.same_person,
        "squashed": each.squashed,
        "requires": list(each.requires),
    }


def commit_data(commit: CommitFacts) -> dict[str, object]:
    """A commit."""
    return {
        "commit": commit.id,
        "date": utc(commit.date),
        "author": commit.author,
        "signature": commit.signature,
        "subject": commit.subject,
    }


def landed_data(brought: Brought | None) -> dict[str, object] | None:
    """The trunk's commit that brought something; ``authored`` is the branch's own, where there is one."""
    if brought is None:
        return None
    own = None if brought.authored.id == brought.landed.id else commit_data(brought.authored)
    return {**commit_data(brought.landed), "authored": own}


def _note(note: NoteFacts) -> dict[str, object]:
    brought = note.brought
    return {
        "path": note.path,
        "label": note.label,
        "vetted-by": note.vetted_by,
        "vetted-on": note.vetted_on.isoformat(),
        "criteria": list(note.criteria),
        "from": note.since,
        "waiver": note.waiver,
        "why": note.why,
        "covers": note.covers,
        "used": note.used,
        "brought": {**commit_data(brought.authored), "landed": brought.landed.id} if brought else None,
        "changed": commit_data(note.changed) if note.changed else None,
    }  # fmt: skip


def _exception(each: ExceptionFacts) -> dict[str, object]:
    return {
        "kind": each.kind,
        "check": each.check,
        "path": each.path,
        "about": each.about,
        "reason": each.reason,
        "until": each.until.isoformat() if each.until else None,
        "state": each.state,
    }


def _changes(report: AuditReport) -> dict[str, object] | None:
    since = report.since
    if since is None:
        return None
    return {
        "entered": [{"project": project, "package": label} for project, label in since.entered],
        "left": [{"project": project, "package": label} for project, label in since.left],
        "notes": {"added": since.notes_added, "removed": since.notes_removed},
        "exemptions": {"added": since.exemptions_added, "removed": since.exemptions_removed},
    }


def _gate(gate: Gate) -> dict[str, object]:
    met = None if gate.undecided else not gate.failures
    return {"require": gate.word, "met": met, "failures": list(gate.failures)}
