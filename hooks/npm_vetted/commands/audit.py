"""``npm-vetted audit``: the state of vetting, of the repository or of one package."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from npm_vetted.commands._common import opened
from npm_vetted.commands._note_dialogue import split_label
from npm_vetted.errors import FOUND, UNDECIDED
from npm_vetted.formats.terminal_text import json_text, printable
from npm_vetted.git.history import Brought, brought_by, brought_line, commits_naming, is_boundary
from npm_vetted.git.repository import Repository
from npm_vetted.model import Kind
from npm_vetted.projects.change import Change, IntroducedPackage, manifests_by_lockfile
from npm_vetted.vetting.exemptions import EXEMPTIONS, Exemption
from npm_vetted.vetting.notes import Mention, Note, mentions
from npm_vetted.vetting.resolver import Status, Verdict, has_scripts

HELP = "the state of vetting in this repository, or of one package"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``audit``."""
    parser.add_argument("package", nargs="?", metavar="PKG[@VER]", help="what is said of a package")
    parser.add_argument(
        "--online", action="store_true", help="compare the notes with the registry instead"
    )
    parser.add_argument(
        "--contains", metavar="PKG[@VER]", action="append", default=[],
        help="whether, where and since when a version was ever locked: the question of an incident",
    )  # fmt: skip
    parser.add_argument(
        "--all-branches",
        action="store_true",
        help="with --contains: in every branch, not only HEAD's",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the table (or JSON); 0 whatever it says: it reports, it does not judge.

    Only with ``--online`` the status says whether the registries still agree.
    """
    with opened(everything=True) as (repository, change):
        if arguments.online:
            from npm_vetted.commands._audit_online import compare_with_registry

            return compare_with_registry(change, arguments)
        if arguments.contains:
            return _contains(repository, change, arguments)
        if arguments.package:
            said = list(_said_of(repository, change, arguments.package))
            _print_said(said, arguments)
            return _cut_off(repository, said)
        labelled = list(_rows(change))
        rows = [row for _, row in labelled]
        projects = [_project(project.after) for project in change.projects]
    totals = Counter(row["status"] for row in rows)
    if arguments.format == "json":
        data = {
            "version": 1,
            "projects": projects,
            "artifacts": rows,
            "totals": {status.value: totals.get(status.value, 0) for status in Status},
        }
        print(json_text(data))
    else:
        _print_table(labelled, projects, totals, arguments)
    return 0


def _project(project: Any) -> dict[str, object]:
    return {
        "path": project.path or ".",
        "client": project.client,
        "lockfile": project.lockfiles[0] if project.lockfiles else None,
    }


def _rows(change: Change) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each artifact's label and row."""
    for project in change.projects:
        production: dict[str, set[str]] = {}
        for lockfile in project.lockfiles:
            manifests = manifests_by_lockfile(project.after, lockfile)
            keys = lockfile.production(manifests)
            production[lockfile.path] = {
                artifact.label
                for key in keys
                if (artifact := lockfile.entry(key).artifact) is not None
            }
        for use in sorted(project.uses, key=lambda each: (each.location.path, each.entry.line)):
            shipped = use.artifact.label in production[use.lockfile.path]
            yield use.artifact.label, _row(use, change.vetting.best_evidence(use.subject), shipped)


def _row(use: IntroducedPackage, verdict: Verdict, shipped: bool) -> dict[str, Any]:
    artifact = use.artifact
    kind = artifact.kind
    scripts = artifact.scripts
    if scripts is None and verdict.mention is not None:
        scripts = True if has_scripts(artifact, verdict.mention) else scripts
    return {
        "project": use.project.path or ".",
        "package": artifact.name,
        "version": artifact.version,
        "source": kind.value if kind is not Kind.OTHER else "tarball",
        "resolved": use.lockfile.source_text(use.entry),
        "integrity": use.lockfile.hash_text(use.entry),
        "checksum": artifact.checksum,
        "patch": artifact.patch,
        "line": use.location.line,
        "environment": artifact.environment,
        "direct": use.direct,
        "development": not shipped and not artifact.environment,
        "scripts": scripts,
        "status": verdict.status.value,
        "note": _note(verdict),
    }


def _note(verdict: Verdict) -> str | None:
    if not verdict.covered:
        return None
    if verdict.exemption is not None:
        return EXEMPTIONS
    return verdict.mention.note.path if verdict.mention else None


def _print_table(
    rows: list[tuple[str, dict[str, Any]]],
    projects: list[dict[str, object]],
    totals: Counter[str],
    arguments: argparse.Namespace,
) -> None:
    for project in projects:
        mine = [each for each in rows if each[1]["project"] == project["path"]]
        print(
            printable(
                f"{project['path']} ({project['client']}, {project['lockfile'] or 'no lockfile'})"
            )
        )
        shown = mine if arguments.verbose else [each for each in mine if _is_worth_a_line(each[1])]
        for label, row in shown:
            flags = " ".join(
                word
                for word, holds in (
                    ("direct", row["direct"]),
                    ("dev", row["development"]),
                    ("scripts", row["scripts"]),
                )
                if holds
            )
            print(
                printable(
                    f"  {row['status']:<12} {label:<40} {flags:<20} {row['note'] or ''}".rstrip()
                )
            )
        if len(shown) < len(mine):
            print(
                f"  and {len(mine) - len(shown)} transitive packages that are covered (-v shows them)"
            )
    total = ", ".join(f"{count:,} {status}" for status, count in totals.most_common())
    print(f"{len(rows):,} packages: {total or 'none'}")


def _is_worth_a_line(row: dict[str, Any]) -> bool:
    return bool(row["direct"]) or row["status"] == Status.UNVETTED.value


def _said_of(
    repository: Repository, change: Change, label: str
) -> Iterator[tuple[Mention | Exemption, Brought | None]]:
    name, version = split_label(label)
    for note in change.vetting.notes.all():
        if not isinstance(note, Note):
            continue
        for found, at, mention in mentions(note):
            if found == name and version in (None, at):
                yield mention, _known(repository, brought_by(repository.top, note.path))
    for exemption in change.vetting.exemptions.of(name, version):
        found_by = brought_line(repository.top, EXEMPTIONS, str(exemption))
        yield exemption, _known(repository, found_by)


def _known(repository: Repository, brought: Brought | None) -> Brought | None:
    """A commit that really brought a file: the boundary of a shallow clone seems to bring all."""
    if (
        brought is not None
        and repository.shallow
        and is_boundary(repository.git_dir, brought.commit)
    ):
        return None
    return brought


def _cut_off(repository: Repository, said: list[tuple[Mention | Exemption, Brought | None]]) -> int:
    """Status 3 where a shallow clone cannot say which commit brought something."""
    if not repository.shallow or all(brought is not None for _, brought in said):
        return 0
    print(
        "npm-vetted: the clone is shallow, so its history does not say which commit brought this\n"
        "  git fetch --unshallow",
        file=sys.stderr,
    )
    return UNDECIDED


def _contains(repository: Repository, change: Change, arguments: argparse.Namespace) -> int:
    """Whether versions are locked now, and which commits brought or removed them."""
    answers = []
    for label in arguments.contains:
        name, version = split_label(label)
        now = sorted(
            (use.project.path or ".", use.artifact.label)
            for use in change.uses()
            if use.artifact.name == name and version in (None, use.artifact.version)
        )
        paths = [path for project in change.projects for path in project.after.lockfiles]
        history = commits_naming(
            repository.top, name, version, paths, everywhere=arguments.all_branches
        )
        answers.append({
            "package": label,
            "locked": [{"project": project, "package": found} for project, found in now],
            "commits": [asdict(each) for each in history],
        })  # fmt: skip
    if arguments.format == "json":
        print(json_text({"version": 1, "contains": answers}))
    else:
        for answer in answers:
            _print_contains(answer)
    if repository.shallow:
        print("npm-vetted: the clone is shallow: git fetch --unshallow", file=sys.stderr)
        return UNDECIDED
    return FOUND if any(answer["locked"] for answer in answers) else 0


def _print_contains(answer: Mapping[str, Any]) -> None:
    label = printable(answer["package"])
    for each in answer["locked"]:
        print(
            f"{label}: locked now as {printable(each['package'])} in {printable(each['project'])}"
        )
    if not answer["locked"]:
        print(f"{label}: not locked now")
    for commit in answer["commits"]:
        when = f"{commit['date'][:10]} {commit['commit'][:10]} {printable(commit['author'])}"
        print(f"  {when}: {printable(commit['subject'])}")


def _print_said(
    said: list[tuple[Mention | Exemption, Brought | None]], arguments: argparse.Namespace
) -> None:
    entries = [_entry(what, brought) for what, brought in said]
    if arguments.format == "json":
        print(json_text({"version": 1, "package": arguments.package, "said": entries}))
        return
    for entry in entries:
        print(
            printable(f"{entry['package']}@{entry['version']}: {entry['kind']} by {entry['path']}")
        )
        for key in ("from", "criteria", "vetted-by", "vetted-on", "cooldown-waiver"):
            if entry.get(key):
                value = entry[key]
                text = ", ".join(value) if isinstance(value, list) else value
                print(printable(f"    {key}: {text}"))
        for line in str(entry["why"]).strip().splitlines():
            print(f"    | {printable(line)}")
        commit = entry["commit"]
        if commit:
            print(
                printable(
                    f"    brought by {commit['commit'][:12]} of {commit['author']} on {commit['date']}, "
                    f"signature: {commit['signature']}"
                )
            )
        else:
            print("    not committed yet")
    if not entries:
        print(printable(f"{arguments.package}: no note, group or exemption speaks of it"))


def _entry(what: Mention | Exemption, brought: Brought | None) -> dict[str, Any]:
    commit = (
        {
            "commit": brought.commit,
            "author": brought.author,
            "date": brought.date,
            "signature": brought.signature,
            "subject": brought.subject,
        }
        if brought
        else None
    )
    if isinstance(what, Exemption):
        return {
            "kind": "exempt", "package": what.name, "version": what.version, "path": EXEMPTIONS,
            "why": what.reason, "commit": commit,
        }  # fmt: skip
    note, listed = what.note, what.listed
    kind = "vetted" if listed is None else "accepted" if what.accepted else "brought"
    return {
        "kind": kind,
        "package": listed.name if listed else note.package,
        "version": listed.version if listed else note.version,
        "path": note.path,
        "from": listed.since if listed else note.since,
        "criteria": list(note.criteria),
        "vetted-by": note.vetted_by,
        "vetted-on": note.vetted_on.isoformat(),
        "cooldown-waiver": (listed.cooldown_waiver if listed else None) or note.cooldown_waiver,
        "why": note.why,
        "commit": commit,
    }
