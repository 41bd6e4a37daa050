"""``npm-vetted audit``: the state of vetting, of the repository or of one package."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from npm_vetted.auditing.formats import audit_formats
from npm_vetted.commands._note_dialogue import split_label
from npm_vetted.errors import FOUND, UNDECIDED, UsageError
from npm_vetted.formats.terminal_text import json_text, printable
from npm_vetted.git.objects import Objects
from npm_vetted.git.repository import Repository

if TYPE_CHECKING:
    from npm_vetted.auditing.collect import AuditedState, PackageRecord
    from npm_vetted.auditing.incident import Answer

HELP = "the state of vetting in this repository, or of one package"
FORMATS = tuple(sorted(audit_formats(), key=lambda name: (name != "text", name)))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``audit``."""
    parser.add_argument("package", nargs="?", metavar="PKG[@VER]", help="what is said of a package")
    parser.add_argument("--at", metavar="REV", help="the state of a commit; default: now")
    parser.add_argument(
        "--since", metavar="REV|DATE", help="also what entered and left since a commit or a day"
    )
    parser.add_argument(
        "--require", metavar="WORD,…",
        help="fail (1) unless these hold: covered, vetted, signed, second-person, unexpired, fresh=DAYS",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write the report to a file, whole or not at all"
    )
    parser.add_argument(
        "--no-history", action="store_true", help="only the state itself: no commits"
    )
    parser.add_argument("--schema", action="store_true", help="print the JSON schema of the report")
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
        help="with --contains: in every branch and tag, not only HEAD's history",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the report; 1 only where ``--require`` is not met, ``--contains`` or ``--online`` finds.

    3 if history is requested and the clone is shallow.
    """
    if arguments.schema:
        from npm_vetted.auditing.schema import schema_text

        return _deliver(schema_text(), arguments)
    if arguments.online:
        from npm_vetted.commands._audit_online import compare_with_registry
        from npm_vetted.commands._common import opened

        with opened(everything=True) as (_, change):
            return compare_with_registry(change, arguments)
    from npm_vetted.auditing.collect import state_at

    repository = Repository.open()
    with Objects(repository) as objects:
        one = arguments.contains or arguments.package
        if one and arguments.format not in ("text", "json", "json-v1"):
            raise UsageError(f"--format {arguments.format} is for the whole report")
        if one and (arguments.require or arguments.since):
            raise UsageError("--require and --since are for the whole report")
        if arguments.all_branches and not arguments.contains:
            raise UsageError("--all-branches is for --contains")
        state = state_at(repository, objects, arguments.at)
        if arguments.contains:
            return _contains(repository, objects, state, arguments)
        if arguments.package:
            return _package(repository, objects, state, arguments)
        return _report(repository, objects, state, arguments)


def _report(
    repository: Repository, objects: Objects, state: AuditedState, arguments: argparse.Namespace
) -> int:
    from npm_vetted.auditing.collect import collect
    from npm_vetted.auditing.formats import Audit, audit_format
    from npm_vetted.auditing.requirements import judge, needs_history, read_requirements
    from npm_vetted.commands._common import style_of

    requirements = read_requirements(arguments.require) if arguments.require else []
    history = not arguments.no_history and arguments.format != "json-v1"
    if not history and (arguments.since or needs_history(requirements)):
        raise UsageError("this needs history: leave out --no-history and json-v1")
    report = collect(repository, objects, state, since=arguments.since, history=history)
    gates = judge(report, requirements)
    audit = Audit(report, gates, style_of(arguments))
    _deliver(audit_format(arguments.format).render(audit), arguments)
    if history and repository.shallow:
        return _cut_off()
    return FOUND if any(gate.failures for gate in gates) else 0


def _deliver(text: str, arguments: argparse.Namespace) -> int:
    """Print a document, or write it to the file that ``-o`` names."""
    if not arguments.output:
        sys.stdout.write(text)
        return 0
    import os
    import tempfile
    from pathlib import Path

    place = Path(arguments.output)
    try:
        with tempfile.NamedTemporaryFile("wb", dir=place.parent, delete=False) as file:
            file.write(text.encode("utf-8", "backslashreplace"))
        os.chmod(file.name, 0o644)  # noqa: PTH101
        os.replace(file.name, place)  # noqa: PTH105
    except OSError as error:
        raise UsageError(f"-o {arguments.output}: {error.strerror}") from None
    return 0


def _cut_off() -> int:
    """Status 3: a shallow clone cannot say which commit brought something."""
    print(
        "npm-vetted: the clone is shallow, so its history does not say which commit brought this\n"
        "  git fetch --unshallow",
        file=sys.stderr,
    )
    return UNDECIDED


def _contains(
    repository: Repository, objects: Objects, state: AuditedState, arguments: argparse.Namespace
) -> int:
    """Whether versions are locked, and which commits brought or removed them."""
    from npm_vetted.auditing.incident import answer

    answers = [
        answer(repository, objects, state, split_label(label), everywhere=arguments.all_branches)
        for label in arguments.contains
    ]
    if arguments.format.startswith("json"):
        text = (
            json_text({"version": 1, "contains": [_answer_data(each) for each in answers]}) + "\n"
        )
    else:
        where = "on any branch or tag" if arguments.all_branches else "in HEAD's history"
        where = "" if repository.shallow else where
        text = "".join(f"{line}\n" for each in answers for line in _answer_lines(each, where))
    _deliver(text, arguments)
    if repository.shallow:
        return _cut_off()
    if any(each.unread for each in answers):
        return UNDECIDED
    return FOUND if any(each.locked or each.branches for each in answers) else 0


def _answer_data(answer: Answer) -> dict[str, object]:
    from npm_vetted.auditing.trail import utc

    return {
        "package": answer.label,
        "locked": [{"project": project, "package": found} for project, found in answer.locked],
        "branches": [{"branch": branch, "path": path} for branch, path in answer.branches],
        "commits": [
            {
                "commit": each.commit, "date": utc(each.date), "author": each.author,
                "subject": each.subject, "path": each.path, "brings": each.brings,
            }
            for each in reversed(answer.sightings)
        ],
        "unread": list(answer.unread),
    }  # fmt: skip


def _answer_lines(answer: Answer, where: str) -> list[str]:
    """What is found of a package; ``where`` says what of history was searched, if all of it was."""
    label = printable(answer.label)
    found_elsewhere = answer.branches or answer.sightings or answer.unread
    never = f", and never was {where}" if where and not found_elsewhere else ""
    lines = [
        f"{label}: locked now as {printable(found)} in {printable(project)}"
        for project, found in answer.locked
    ] or [f"{label}: not locked now{never}"]
    lines += [
        f"{label}: locked on {printable(branch)} in {printable(path)}"
        for branch, path in answer.branches
    ]
    for each in answer.sightings:
        verb = "brought into" if each.brings else "removed from"
        lines.append(printable(
            f"  {each.date.date()} {each.commit[:12]} {verb} {each.path} by {each.author}: {each.subject}"
        ))  # fmt: skip
    lines += [f"  cannot be read: {printable(each)}" for each in answer.unread]
    return lines


def _package(
    repository: Repository, objects: Objects, state: AuditedState, arguments: argparse.Namespace
) -> int:
    """The notes and exemptions of one package, each with the commit that added it."""
    from npm_vetted.auditing.collect import said_of

    said = said_of(repository, objects, state, *split_label(arguments.package))
    entries = [_entry(each) for each in said]
    if arguments.format.startswith("json"):
        data = {"version": 1, "package": arguments.package, "said": entries}
        text = json_text(data) + "\n"
    else:
        text = "".join(
            f"{line}\n"
            for line in _said_lines(entries, arguments.package, shallow=repository.shallow)
        )
    _deliver(text, arguments)
    return _cut_off() if repository.shallow else 0


def _said_lines(entries: list[dict[str, Any]], asked: str, *, shallow: bool) -> list[str]:
    lines = []
    for entry in entries:
        lines.append(
            printable(f"{entry['package']}@{entry['version']}: {entry['kind']} by {entry['path']}")
        )
        for key in ("from", "criteria", "vetted-by", "vetted-on", "cooldown-waiver"):
            if entry.get(key):
                value = entry[key]
                words = ", ".join(value) if isinstance(value, list) else value
                lines.append(printable(f"    {key}: {words}"))
        lines += [f"    | {printable(line)}" for line in str(entry["why"]).strip().splitlines()]
        commit = entry["commit"]
        if commit is None:
            lines.append(
                "    the clone is shallow: the commit is not known"
                if shallow
                else "    not committed yet"
            )
            continue
        lines.append(printable(
            f"    brought by {commit['commit'][:12]} of {commit['author']} on {commit['date']}, "
            f"signature: {commit['signature']}"
        ))  # fmt: skip
        if commit["landed"] != commit["commit"]:
            lines.append(f"    merged by {commit['landed'][:12]}")
    return lines or [printable(f"{asked}: no note, group or exemption names it")]


def _entry(said: PackageRecord) -> dict[str, Any]:
    from npm_vetted.auditing.formats.json import commit_data
    from npm_vetted.vetting.exemptions import EXEMPTIONS, Exemption

    what, brought = said
    commit = {**commit_data(brought.authored), "landed": brought.landed.id} if brought else None
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
