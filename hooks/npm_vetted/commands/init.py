"""``npm-vetted init``: adopt: exempt what is there, switch scripts off, write the config."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from npm_vetted.checks._runner import UNDECIDED, open_change, run_checks
from npm_vetted.clients import client_of
from npm_vetted.commands._note_dialogue import NoteDialogue, at_desk
from npm_vetted.commands._toml_edit import add_entries, edit_policy
from npm_vetted.commands.accept import add_to_baseline
from npm_vetted.commands.exempt import add_exemptions, exemption_of
from npm_vetted.errors import FOUND, DocumentError, UsageError
from npm_vetted.formats.terminal_text import printable
from npm_vetted.git.comparison import compare
from npm_vetted.git.objects import Objects
from npm_vetted.model import Edit, Finding, Level, Project
from npm_vetted.projects.change import Change, IntroducedPackage
from npm_vetted.vetting.baseline import BASELINE, line_of
from npm_vetted.vetting.exemptions import Exemption
from npm_vetted.vetting.policy import CONFIG, FORMAT
from npm_vetted.vetting.presets import DEFAULT_PRESET, PRESETS
from npm_vetted.vetting.resolver import Status

HELP = "adopt: exempt what is there, switch install scripts off, write the config"

_REASON: Final = "at adoption"
_NEVER_ACCEPTED: Final = frozenset({"ignore-scripts", UNDECIDED, "policy", "notes"})
_IGNORED: Final = frozenset(
    {("lockfile-sync", "no-lockfile"), ("lockfile-sync", "unread-lockfile")}
)
"""Findings about a file that is missing or unread: there is no state that a line could bind."""
_ROUNDS: Final = 3
_OWN_SCRIPTS: Final = (
    "preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare", "prepack",
    "postpack", "prepublish", "prepublishOnly", "publish", "postpublish", "preversion", "version",
    "postversion", "dependencies",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``init``."""
    parser.add_argument(
        "--settings", action="store_true", help="only switch install scripts off, exempt nothing"
    )
    parser.add_argument(
        "--policy", choices=sorted(PRESETS), default=DEFAULT_PRESET,
        help="the policy to write: strict (default), or balanced, for teams with update bots",
    )  # fmt: skip
    parser.add_argument(
        "--no-exclude", action="store_true",
        help="name manifests that cannot be read (templates, fixtures) instead of excluding them",
    )  # fmt: skip
    parser.add_argument(
        "--upgrade", action="store_true",
        help="bring a repository that an older npm-vetted adopted to the present format",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Write and stage what adoption needs; 1 where something must not be carried over.

    Everything is read before anything is written: what cannot be read leaves all as it is.
    """
    if arguments.upgrade:
        return _upgrade()
    with at_desk([]) as desk:
        # A policy that is written but not committed yet (excludes, say) is what is adopted.
        adopted = desk.others[0].comparison.before.entry(CONFIG) is not None
        projects = list(desk.others[-1].projects_after.all())
        edits = list(_edits(projects))
        unstaged = _unstaged(desk, {edit.path for edit, _ in edits})
        if not (arguments.settings or adopted or arguments.no_exclude):
            _exclude(desk, desk.others[-1].projects_after.unreadable, arguments.policy)
        exempted = [] if arguments.settings or adopted else _exemptions(desk)
        _switch_off(desk, edits)
        desk.store.stage(unstaged)
        _say_what_stops(projects)
        if arguments.settings:
            return 0
        if adopted:
            print(f"npm-vetted: {CONFIG} is there already: adopted", file=sys.stderr)
            return 0
        _adopt(desk, exempted, arguments.policy)
    return _carry_over()


def _exclude(desk: NoteDialogue, unreadable: Mapping[str, DocumentError], preset: str) -> None:
    """Write ``[[exclude]]`` for manifests that cannot be read: templates and fixtures, mostly."""
    if not unreadable:
        return
    reason = "cannot be read as a manifest at adoption"
    entries = [{"path": path, "reason": reason} for path in sorted(unreadable)]
    edit_policy(
        desk.store, lambda document: add_entries(document, "exclude", entries), new=PRESETS[preset]
    )
    for path, error in sorted(unreadable.items()):
        print(
            f"npm-vetted: [[exclude]] in {CONFIG}: {printable(path)}:{error.line}: "
            f"{printable(error.message)}",
            file=sys.stderr,
        )


def _edits(projects: Iterable[Project]) -> Iterator[tuple[Edit, bytes | None]]:
    """What switches scripts off, and the files of the working tree that it was made from."""
    for project in projects:
        for edit in client_of(project).switch_off(project):
            yield edit, project.read(edit.path)


def _unstaged(desk: NoteDialogue, edited: set[str]) -> list[str]:
    """Settings that switch scripts off in the working tree alone: a killed run may leave such."""
    with _adopted(desk) as index:
        needed = {edit.path for edit, _ in _edits(index.projects_after.all())} - edited
    return sorted(path for path in needed if desk.store.read(path) is not None)


def _switch_off(desk: NoteDialogue, edits: Iterable[tuple[Edit, bytes | None]]) -> None:
    for edit, base in edits:
        desk.store.edit(edit.path, edit.content, base)
        print(f"npm-vetted: {printable(edit.path)}: {edit.reason}", file=sys.stderr)


def _adopt(desk: NoteDialogue, exempted: list[Exemption], preset: str) -> None:
    with desk.store.lock():
        fresh = desk.store.create(CONFIG, PRESETS[preset].encode())
    desk.store.stage([CONFIG])
    count = add_exemptions(desk.store, exempted)
    _say_whose_scripts_stop(exempted)
    print(
        f"npm-vetted: {'wrote' if fresh else 'kept'} {CONFIG}; exempted {count} packages that are "
        "locked",
        file=sys.stderr,
    )


def _exemptions(desk: NoteDialogue) -> list[Exemption]:
    """The exemptions of what git holds, and of projects that it holds nothing of yet.

    What the working tree locks beyond the index (an install that is not staged) is no adoption.
    """
    with _adopted(desk) as staged:
        known = {project.after.path for project in staged.projects}
        uses = [*staged.uses()]
        for project in desk.others[-1].projects:
            if project.after.path not in known:
                uses.extend(project.uses)
        return list(_exemptions_of(staged, uses))


def _exemptions_of(change: Change, uses: Iterable[IntroducedPackage]) -> Iterator[Exemption]:
    for use in uses:
        if use.artifact.bundled or change.verdict(use).status is not Status.UNVETTED:
            continue
        try:
            yield exemption_of(use.artifact, _REASON)
        except UsageError as error:
            print(f"npm-vetted: {printable(error.message)}", file=sys.stderr)


@contextmanager
def _staged(desk: NoteDialogue) -> Iterator[Change]:
    """Everything that the index holds."""
    with Objects(desk.repository) as objects:
        yield open_change(compare(desk.repository, objects, everything=True))


@contextmanager
def _adopted(desk: NoteDialogue) -> Iterator[Change]:
    """Everything that the index holds, by the policy of the working tree: it may exclude projects."""
    tree = desk.others[-1]
    with _staged(desk) as index:
        yield Change(
            comparison=index.comparison,
            policy=tree.policy,
            vetting=tree.vetting,
            earlier_vettings=index.earlier_vettings,
            today=index.today,
        )


def _say_whose_scripts_stop(exempted: Iterable[Exemption]) -> None:
    """The dependencies whose install scripts no longer run, with the command to review each."""
    for label in sorted({f"{each.name}@{each.version}" for each in exempted if each.scripts}):
        print(
            f"npm-vetted: {printable(label)} has install scripts, which no longer run; if the project "
            f'needs them: npm-vetted inspect "{printable(label)}", then npm-vetted note '
            f'"{printable(label)}" --criteria health,scripts, then npm-vetted rebuild',
            file=sys.stderr,
        )


def _say_what_stops(projects: Iterable[Project]) -> None:
    """The project's own scripts that no longer run by themselves, with the command instead.

    Only npm's switch stops them (and Yarn 1's): the other clients still run a project's own scripts.
    """
    for project in projects:
        if not client_of(project).SWITCH_STOPS_OWN_SCRIPTS:
            continue
        for folder, manifest in project.manifests.items():
            for name in _stopped(manifest.scripts):
                place = f" (in {folder})" if folder else ""
                print(
                    f"npm-vetted: {printable(manifest.path)}: the script {name!r} no longer runs by "
                    f"itself; after an install, run: npm run {name}{place}",
                    file=sys.stderr,
                )


def _stopped(scripts: Iterable[str]) -> Iterator[str]:
    known = set(scripts)
    for name in sorted(known):
        paired = (
            name.startswith(("pre", "post"))
            and name.removeprefix("pre").removeprefix("post") in known
        )
        if name in _OWN_SCRIPTS or paired:
            yield name


def _carry_over() -> int:
    """Judge what is staged: an acceptable finding becomes a line of the baseline, others are named.

    An accepted exception may uncover more (without a lockfile, specifiers are judged): once again.
    """
    for _ in range(_ROUNDS):
        with at_desk([]) as desk, _staged(desk) as staged:
            errors = [each for each in run_checks(staged).findings if each.level is Level.ERROR]
            blocking = [each for each in errors if not _may_be_accepted(each)]
            accepted = [each for each in errors if _may_be_accepted(each)]
            if not accepted:
                break
            files = [each for each in accepted if (each.check, each.code) in _IGNORED]
            _ignore(desk, files)
            _accept(desk, [each for each in accepted if each not in files])
        if any(each.code == "no-lockfile" for each in files):
            with at_desk([]) as desk:
                add_exemptions(desk.store, _exemptions(desk))
    for each in blocking:
        print(
            f"npm-vetted: {printable(each.location.path)}:{each.location.line}: "
            f"{printable(each.message)} [{each.check}]: fix this before you commit",
            file=sys.stderr,
        )
    print(
        'npm-vetted: next: git commit -m "Adopt npm-vetted"; then: npm-vetted suggest',
        file=sys.stderr,
    )
    return FOUND if blocking else 0


def _may_be_accepted(finding: Finding) -> bool:
    """Whether adoption takes a finding over; secrets and switches that cannot be set it does not."""
    return finding.acceptable and finding.check not in _NEVER_ACCEPTED


def _set_format(document: Any) -> None:
    """A policy that a person wrote before the adoption may name format 1, which has no baseline."""
    document["format"] = FORMAT


def _accept(desk: NoteDialogue, findings: list[Finding]) -> None:
    """Write findings into the baseline, each with its state, and list them."""
    if not findings:
        return
    edit_policy(desk.store, _set_format)
    added = add_to_baseline(desk.store, [line_of(each, _REASON) for each in findings])
    print(
        f"npm-vetted: accepted {len(added)} existing finding{'s' if len(added) != 1 else ''} "
        f"(written to {BASELINE}, each with its present state):",
        file=sys.stderr,
    )
    for each in findings:
        print(
            f"  {printable(each.location.path)}:{each.location.line}: {printable(each.message)} "
            f"[{each.check}/{each.code}]",
            file=sys.stderr,
        )


def _ignore(desk: NoteDialogue, findings: list[Finding]) -> None:
    """Write ``[[ignore]]`` entries for files that have no state to bind: a missing lockfile."""
    if not findings:
        return
    entries = [
        {"check": each.check, "code": each.code, "path": each.location.path, "reason": _REASON}
        for each in findings
    ]
    edit_policy(desk.store, lambda document: add_entries(document, "ignore", entries))
    for each in findings:
        print(
            f"npm-vetted: [[ignore]] in {CONFIG}: {printable(each.location.path)}: "
            f"{printable(each.message)}",
            file=sys.stderr,
        )


def _is_of_adoption(entry: Mapping[str, object]) -> bool:
    """Whether 0.1.0 wrote an ``[[ignore]]`` when the repository adopted it."""
    return entry.get("reason") == _REASON and "code" not in entry


def _to_present_format(document: Any) -> None:
    _set_format(document)
    entries = document.get("ignore")
    kept = [each for each in entries or () if not _is_of_adoption(each)]
    if entries is not None and len(kept) < len(entries):
        del document["ignore"]
        if kept:
            document["ignore"] = kept


def _upgrade() -> int:
    """Bring a repository that npm-vetted 0.1.0 adopted to the present format.

    Each ``[[ignore]]`` of adoption becomes baseline lines for what it accepts today, which is
    narrower; what is newly found is accepted as it is, and listed.
    """
    with at_desk([]) as desk:
        edit_policy(desk.store, _to_present_format)
    print(f"npm-vetted: {CONFIG}: format = {FORMAT}", file=sys.stderr)
    status = _carry_over()
    print(
        'npm-vetted: commit this alone: git commit -m "Upgrade npm-vetted\'s policy" -- .vetting',
        file=sys.stderr,
    )
    return status
