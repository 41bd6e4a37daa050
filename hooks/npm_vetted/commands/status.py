"""``npm-vetted`` alone: the state of this repository, and the next steps."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from npm_vetted.checks._runner import UNDECIDED, CheckResult, open_change, run_checks
from npm_vetted.commands._hook_edits import MANAGERS, hook_manager
from npm_vetted.commands._hook_managers import guards_here
from npm_vetted.errors import UNDECIDED as STATUS_UNDECIDED
from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.terminal_text import json_text, printable
from npm_vetted.git.comparison import Comparison, compare
from npm_vetted.git.objects import Objects
from npm_vetted.git.repository import Repository
from npm_vetted.git.worktree import compare_worktree
from npm_vetted.model import Finding, Level
from npm_vetted.projects.change import Change
from npm_vetted.projects.file_names import interesting_names
from npm_vetted.vetting.policy import CONFIG, FORMAT
from npm_vetted.vetting.resolver import Status

if TYPE_CHECKING:
    import argparse

    from npm_vetted.report import Style

HELP = "the state of this repository, and what to do next (also without a command)"
FORMATS = ("text", "json")
_NAMED = 8
"""How many packages a line names before the rest is counted; ``-v`` names all."""
_UNVETTED = frozenset({"unvetted", "install-scripts", "integrity"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``status`` has none of its own."""


class StateOf(NamedTuple):
    """The findings on one state of the files: ``unvetted`` are labels, ``others`` the other errors.

    ``changed`` is False if that state changes no file that npm-vetted reads.
    """

    changed: bool
    unvetted: tuple[str, ...] = ()
    others: int = 0
    undecided: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


class Backlog(NamedTuple):
    """The backlog: exempt and unvetted artifacts, and accepted findings, which nobody has reviewed."""

    exempt: int
    unvetted: int
    accepted: int


class Overview(NamedTuple):
    """Everything that the screen shows. ``projects`` are folder and client, '.' for the top."""

    version: str
    branch: str
    adoption: str
    projects: tuple[tuple[str, str], ...]
    staged: StateOf
    worktree: StateOf
    committed: StateOf
    backlog: Backlog
    guards: tuple[str, ...]
    has_manager: bool
    unread: tuple[str, ...]
    next: tuple[tuple[str, ...], ...]


def run(arguments: argparse.Namespace) -> int:
    """Show the state; 0, or 3 where something cannot be read."""
    from npm_vetted.commands._common import style_of
    from npm_vetted.report._screen import Paint

    state = state_of(Repository.open())
    style = style_of(arguments)
    if arguments.format == "json":
        print(json_text(_as_json(state, style.program())))
    else:
        print("\n".join(_screen(state, style, Paint(style.colour))))
    sys.stdout.flush()
    return STATUS_UNDECIDED if state.unread else 0


def state_of(repository: Repository) -> Overview:
    """Judge the index and the working tree against HEAD; files that cannot be read are named."""
    from npm_vetted import __version__

    unread: list[str] = []
    nothing = StateOf(changed=False)
    known: set[str] = set()
    with Objects(repository) as objects:

        def look(opened: Callable[[], Comparison]) -> tuple[Change | None, StateOf]:
            try:
                change = open_change(opened())
                result = run_checks(change)
            except NpmVettedError as error:
                unread.append(_words(error))
                return None, nothing
            found = _state_of(change, result, known)
            known.update(found.unvetted, (each.fingerprint for each in result.findings))
            unread.extend(found.undecided)
            return change, found

        staged = nothing
        if repository.staged(repository.head):
            _, staged = look(lambda: compare(repository, objects))
        names = interesting_names()
        on_disk, worktree = look(lambda: compare_worktree(repository, objects, names))
        everything, committed = look(lambda: compare(repository, objects, everything=True))
        projects: tuple[tuple[str, str], ...] = ()
        backlog = Backlog(0, 0, 0)
        if everything is not None:
            projects = _projects(everything) or (_projects(on_disk) if on_disk else ())
            backlog = _backlog(everything, staged.unvetted)
        adoption = _adoption(repository, objects, everything)
    head = repository.symbolic_ref("HEAD") or repository.head or ""
    state = Overview(
        version=__version__,
        branch=head.removeprefix("refs/heads/"),
        adoption=adoption,
        projects=projects,
        staged=staged,
        worktree=worktree,
        committed=committed,
        backlog=backlog,
        guards=tuple(guards_here(repository)),
        has_manager=hook_manager(repository) is not None,
        unread=tuple(dict.fromkeys(unread)),
        next=(),
    )
    return state._replace(next=tuple(_next(state)))


def _words(error: NpmVettedError) -> str:
    where = f"{error.path}:{error.line}: " if error.path else ""
    return where + error.message + (f" ({error.fix})" if error.fix else "")


def _adoption(repository: Repository, objects: Objects, everything: Change | None) -> str:
    """``none``, ``staged``, ``old`` (an older format) or ``adopted``."""
    from npm_vetted.git.snapshot import TreeSnapshot
    from npm_vetted.vetting.policy_diff import adopted

    head = repository.head
    if head is not None and adopted(TreeSnapshot(head, objects, repository)):
        old = everything is not None and everything.policy.format < FORMAT
        return "old" if old else "adopted"
    index = compare(repository, objects, everything=True).after
    return "staged" if adopted(index) else "none"


def _state_of(change: Change, result: CheckResult, known: Collection[str]) -> StateOf:
    """The findings of a change, without packages and fingerprints that another state has shown."""
    fresh = [each for each in result.findings if each.fingerprint not in known]
    errors = [each for each in fresh if each.level is Level.ERROR]
    undecided = [each for each in errors if each.check == UNDECIDED]
    unvetted = {
        label: None
        for each in errors
        if each.check in _UNVETTED and each.package
        for label in (_label(each),)
        if label not in known
    }
    others = sum(each.check not in _UNVETTED and each.check != UNDECIDED for each in errors)
    return StateOf(
        changed=bool(change.projects) or bool(result.findings),
        unvetted=tuple(unvetted),
        others=others,
        undecided=tuple(map(_place_and_words, undecided)),
        notices=tuple(_place_and_words(each) for each in fresh if each.level is Level.NOTICE),
    )


def _label(finding: Finding) -> str:
    """``name@version``, as the key of a finding about a package has it."""
    name = finding.package or ""
    return finding.key if finding.key.startswith(f"{name}@") else f"{name}@{finding.version or '?'}"


def _place_and_words(finding: Finding) -> str:
    return f"{finding.location.path}:{finding.location.line}: {finding.message}"


def _projects(change: Change) -> tuple[tuple[str, str], ...]:
    return tuple((each.after.path or ".", each.client.NAME) for each in change.projects)


def _backlog(change: Change, staged: Collection[str]) -> Backlog:
    """Locked artifacts that nobody has reviewed, each once, without those staged and unvetted."""
    statuses: dict[tuple[str, str | None], Status] = {}
    try:
        for use in change.uses():
            artifact = use.artifact
            key = (artifact.label, artifact.integrity or artifact.checksum or artifact.resolved)
            if key not in statuses and artifact.label not in staged:
                statuses[key] = change.vetting.best_evidence(use.subject).status
    except NpmVettedError:  # named already: the checks read the same files
        pass
    counted = list(statuses.values())
    return Backlog(
        exempt=counted.count(Status.EXEMPT),
        unvetted=counted.count(Status.UNVETTED),
        accepted=len(change.baseline.lines),
    )


def _next(state: Overview) -> Iterator[tuple[str, ...]]:
    """The commands that help now, the most urgent first; ``npm-vetted`` is this program."""
    if state.adoption == "none":
        if state.projects or not state.unread:
            yield ("npm-vetted", "init")
        return
    broken = bool(state.staged.undecided or state.worktree.undecided)
    if state.unread and not broken:
        yield ("npm-vetted", "check", "--all")
    if broken:
        yield ("npm-vetted", "check")
    if state.adoption == "staged":
        yield ("git", "commit", "-m", "Adopt npm-vetted")
        return
    if state.adoption == "old":
        yield ("npm-vetted", "init", "--upgrade")
    if state.staged.unvetted or state.worktree.unvetted:
        yield ("npm-vetted", "note")
    if (state.staged.others or state.worktree.others) and not broken:
        yield ("npm-vetted", "check")
    elif state.committed.others or state.committed.unvetted:
        yield ("npm-vetted", "check", "--all")
    if not state.guards:
        named = () if state.has_manager else ("pre-commit",)
        yield ("npm-vetted", "init", "--hook", *named)
    if state.backlog.exempt or state.backlog.unvetted:
        yield ("npm-vetted", "suggest")


def _screen(state: Overview, style: Style, paint: Callable[..., str]) -> Iterator[str]:
    from npm_vetted.report._screen import wrapped
    from npm_vetted.report._shell_commands import command_line

    yield paint(f"npm-vetted {state.version}, branch {printable(state.branch)}", "bold")
    named = None if style.verbose else _NAMED
    rows = [
        ("adoption", _ADOPTION[state.adoption]),
        ("projects", _projects_line(state.projects, named)),
        ("staged", _line_of(state.staged, named)),
        ("not staged", _line_of(state.worktree, named)),
    ]
    if state.adoption not in ("none", "staged"):
        rows.append(("in git", _line_of(state.committed, named, calm="everything passes")))
        rows.append(("backlog", _backlog_line(state.backlog)))
    rows.append(("hook", ", ".join(state.guards) or "no hook of this clone runs npm-vetted"))
    for name, words in rows:
        yield from wrapped(printable(words), style.width, " " * 13, first=f"  {name:<11}")
    for each in state.unread:
        yield f"  {paint('cannot be read', 'red')}: {printable(each)}"
    for each in state.committed.notices:
        yield f"  {paint('notice', 'cyan')}: {printable(each)}"
    commands = [command_line([each], style.program()) for each in state.next]
    if not commands:
        yield "Nothing to do."
        return
    yield "next:"
    for command, why in zip(commands, (_why(each) for each in state.next), strict=True):
        yield f"  {paint(command or '', 'green')}" + (f"   # {why}" if why else "")


_ADOPTION = {
    "none": f"not yet: no {CONFIG} (the defaults apply, and there are no notes)",
    "staged": "written and staged, not committed yet",
    "old": f"yes, in an older format ({CONFIG} says format = 1)",
    "adopted": f"yes ({CONFIG})",
}
_WHY = {
    ("init",): "adopt: exempt what is locked, switch install scripts off",
    ("init", "--hook"): "let the hook manager that is here run npm-vetted",
    ("init", "--hook", "pre-commit"): f"or {', '.join(list(MANAGERS)[1:])}",
    ("init", "--upgrade"): "bring the policy to the present format",
    ("note",): "record a note for what is new",
    ("check",): "see what a commit would be refused for",
    ("check", "--all"): "see what is wrong with what git holds",
    ("suggest",): "least work first among what nobody has looked at",
}


def _why(command: tuple[str, ...]) -> str:
    return _WHY.get(command[1:], "") if command[0] == "npm-vetted" else ""


def _projects_line(projects: tuple[tuple[str, str], ...], named: int | None) -> str:
    if not projects:
        return "none: no package.json with dependencies, no lockfile"
    shown = ", ".join(f"{folder} ({client})" for folder, client in projects[:named])
    more = len(projects[named:]) if named else 0
    return shown + (f", and {more:,} more" if more > 0 else "")


def _line_of(state: StateOf, named: int | None, calm: str = "nothing to vet") -> str:
    parts = []
    if state.unvetted:
        shown = ", ".join(state.unvetted[:named])
        more = len(state.unvetted[named:]) if named else 0
        tail = f", and {more:,} more" if more > 0 else ""
        parts.append(f"{_count(len(state.unvetted), 'package')} not vetted: {shown}{tail}")
    if state.others:
        parts.append(f"{_count(state.others, 'finding')}")
    if state.undecided:
        parts.append("something cannot be read")
    if not parts:
        return calm
    return "; ".join(parts)


def _backlog_line(backlog: Backlog) -> str:
    parts = []
    if backlog.exempt:
        parts.append(
            f"{_count(backlog.exempt, 'package')} exempt: nobody has looked at "
            f"{'it' if backlog.exempt == 1 else 'them'}"
        )
    if backlog.unvetted:
        parts.append(f"{_count(backlog.unvetted, 'package')} without note or exemption")
    if backlog.accepted:
        parts.append(f"{_count(backlog.accepted, 'finding')} accepted in the baseline")
    return "; ".join(parts) or "empty"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _as_json(state: Overview, program: str) -> dict[str, object]:
    from npm_vetted.report._shell_commands import command_line

    return {
        "version": 1,
        "adoption": state.adoption,
        "branch": state.branch,
        "projects": [{"path": path, "client": client} for path, client in state.projects],
        "staged": _state_json(state.staged),
        "worktree": _state_json(state.worktree),
        "committed": _state_json(state.committed),
        "backlog": state.backlog._asdict(),
        "hooks": list(state.guards),
        "unread": list(state.unread),
        "next": [command_line([each], program) for each in state.next],
    }


def _state_json(state: StateOf) -> dict[str, object]:
    return {
        "changed": state.changed,
        "unvetted": list(state.unvetted),
        "others": state.others,
        "notices": list(state.notices),
    }
