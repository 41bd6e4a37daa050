# ruff: noqa: PTH113, PTH118, PTH119 - pathlib costs an import that most commits do not need
"""Notes that are written, and lie in the working tree, but are not in what is committed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from npm_vetted.model import Finding
from npm_vetted.projects.change import Change
from npm_vetted.vetting.notes import encode_name, package_folder

_NOTE = ("npm-vetted", "note")


def naming_notes_left_behind(
    findings: Iterable[Finding], change: Change, top: str
) -> Iterator[Finding]:
    """The findings; where a note that would resolve one was only forgotten, they say so."""
    for finding in findings:
        path = _note_that_it_asks_for(finding)
        if path is None or change.after.entry(path) or not os.path.isfile(os.path.join(top, path)):
            yield finding
            continue
        yield finding._replace(
            message=f"{finding.message}; {path} is there, but not in what is committed",
            fix=_taking(path, finding.fix[0][2]),
        )


def _note_that_it_asks_for(finding: Finding) -> str | None:
    """Where the note stands that a finding's command would write; None where it asks for none."""
    command = finding.fix[0] if len(finding.fix) == 1 else ()
    if command[:2] != _NOTE or len(command) < 3:
        return None
    name, at, version = command[2].rpartition("@")
    return f"{package_folder(name)}{encode_name(version)}.toml" if name and at else None


def _taking(path: str, label: str) -> tuple[tuple[str, ...], ...]:
    """``git commit PATH`` leaves the index aside, so there the note goes first, on its own."""
    add = ("git", "add", path)
    partial = os.path.basename(os.environ.get("GIT_INDEX_FILE", "")).startswith("next-index-")
    return (add, ("git", "commit", "-m", f"Vet {label}", "--", path)) if partial else (add,)
