# ruff: noqa: PTH113, PTH118, PTH119, PTH123 - pathlib costs an import that most commits do not need
"""Notes and manifests that are in the working tree, but not staged."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from npm_vetted.git.repository import run_git
from npm_vetted.model import Finding
from npm_vetted.projects.change import Change
from npm_vetted.vetting.note_paths import encode_name, package_folder

_NOTE = ("npm-vetted", "note")
_OUT_OF_STEP = {("lockfile-sync", "out-of-date"), ("lockfile-sync", "unneeded")}


def naming_notes_left_behind(
    findings: Iterable[Finding], change: Change, top: str
) -> Iterator[Finding]:
    """The findings; if a note that resolves one is in the working tree, its fix is to stage the note."""
    for finding in findings:
        manifest = _manifest_left_behind(finding, change, top)
        if manifest is not None:
            yield finding._replace(
                message=f"{finding.message}; {manifest} differs in the working tree",
                fix=(("git", "add", manifest), *finding.fix),
            )
            continue
        if finding.code == "no-lockfile" and _adds_an_ignored_file(finding, top):
            yield finding._replace(
                message=f"{finding.message}; git ignores it: for a library, accept that with an "
                "[[ignore]] entry (npm-vetted explain lockfile-sync)",
                fix=(),
            )
            continue
        path = _note_that_it_asks_for(finding)
        if path is None or change.after.entry(path) or not os.path.isfile(os.path.join(top, path)):
            yield finding
            continue
        yield finding._replace(
            message=f"{finding.message}; {path} is there, but not in what is committed",
            fix=_taking(path, finding.fix[0][2]),
        )


def _adds_an_ignored_file(finding: Finding, top: str) -> bool:
    """Whether a fix stages a file that git ignores, which git refuses."""
    added = [command[2] for command in finding.fix if command[:2] == ("git", "add")]
    return any(run_git("check-ignore", "--", path, cwd=top, accepted=(0, 1, 128)) for path in added)


def _manifest_left_behind(finding: Finding, change: Change, top: str) -> str | None:
    """The path of a finding's manifest, if the working tree has another version than the index."""
    if (finding.check, finding.code) not in _OUT_OF_STEP:
        return None
    folder = "" if finding.project in (None, ".") else f"{finding.project}/"
    path = f"{folder}package.json"
    try:
        with open(os.path.join(top, path), "rb") as file:
            there = file.read()
    except OSError:
        return None
    staged = change.after.read(path)
    return path if staged is not None and staged != there else None


def _note_that_it_asks_for(finding: Finding) -> str | None:
    """The path of the note that a finding's command would write; None where it writes none."""
    command = finding.fix[0] if len(finding.fix) == 1 else ()
    if command[:2] != _NOTE or len(command) < 3:
        return None
    name, at, version = command[2].rpartition("@")
    return f"{package_folder(name)}{encode_name(version)}.toml" if name and at else None


def _taking(path: str, label: str) -> tuple[tuple[str, ...], ...]:
    """The commands that stage a note; under ``git commit PATH``, the note is committed first, on its own."""
    add = ("git", "add", path)
    partial = os.path.basename(os.environ.get("GIT_INDEX_FILE", "")).startswith("next-index-")
    return (add, ("git", "commit", "-m", f"Vet {label}", "--", path)) if partial else (add,)
