"""``npm-vetted check``: judge the commit. The hooks run this command."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from npm_vetted.errors import FOUND, NpmVettedError, UndecidedError, UsageError
from npm_vetted.fast_path import is_bound_by_baseline, may_be_a_push
from npm_vetted.git.repository import Repository

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from npm_vetted.checks._runner import CheckResult
    from npm_vetted.git.push import Push
    from npm_vetted.model import Finding
    from npm_vetted.projects.change import Change
    from npm_vetted.report import Style

HELP = "judge the commit (what the hooks run)"
FORMATS = ("text", "json", "sarif", "github", "gitlab", "markdown")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``check``; a hook's own are read by ``fast_path.plain`` too."""
    import argparse

    from npm_vetted.commands._common import add_range
    from npm_vetted.commands._pushes import add_push_arguments

    parser.add_argument("checks", nargs="*", metavar="CHECK", help="only these checks")
    parser.add_argument("--all", action="store_true", help="judge everything, not only the change")
    parser.add_argument("--strict", action="store_true", help="warnings fail too")
    parser.add_argument("--only", choices=("settings", "notes", "lockfile"), help=argparse.SUPPRESS)
    add_range(parser)
    parser.add_argument(
        "--ci", action="store_true",
        help="find the range in the environment of the CI system, and say which one it is",
    )  # fmt: skip
    parser.add_argument(
        "--online", action="store_true",
        help="also compare with the registry what the notes of the change say of it",
    )  # fmt: skip
    add_push_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Judge, print, and return the exit status; machine formats also contain errors.

    A document that is missing, or that has no findings, would close alerts that are open.
    """
    try:
        return _run(arguments)
    except OSError:  # most likely of the printing
        raise
    except Exception as error:
        if arguments.format != "text":
            _print_undecided(arguments, error)
        raise


def _run(arguments: argparse.Namespace) -> int:
    gc.disable()  # what is read stays until the end and has no cycles: looking for some is a loss
    if arguments.ci:
        return _judge_ci(arguments)
    if may_be_a_push(arguments):
        from npm_vetted.commands._pushes import pushes_to_check

        found = pushes_to_check(arguments)
        if found is not None:
            remote, pushes = found
            return max([_judge(arguments, remote, push=push) for push in pushes], default=0)
    from_ref = arguments.from_ref or (
        None if arguments.all else os.environ.get("PRE_COMMIT_FROM_REF")
    )
    to_ref = arguments.to_ref or os.environ.get("PRE_COMMIT_TO_REF")
    if arguments.to_ref and not from_ref:
        raise UsageError("--to-ref needs --from-ref")
    if arguments.all and arguments.from_ref:
        raise UsageError("--all and --from-ref exclude each other")
    repository = None
    if from_ref is None and not arguments.all:
        repository = Repository.open(known=arguments.index_changes)
        if _nothing_of_ours(repository, arguments):
            return 0
    return _judge(arguments, repository, from_ref, to_ref if from_ref else None)


def _judge_ci(arguments: argparse.Namespace) -> int:
    """Judge the scope that the present CI system builds, and print which scope that is."""
    others = ("from_ref", "to_ref", "all", "pre_push", "pre_receive")
    if any(getattr(arguments, each) for each in others):
        raise UsageError("--ci finds the range itself: leave out --all, refs and push options")
    from npm_vetted.commands._ci import scope_of_ci
    from npm_vetted.formats.terminal_text import printable

    try:
        repository = Repository.open()
        scope = scope_of_ci(repository, os.environ)
    except UndecidedError as error:
        _print_undecided(arguments, error)
        return error.status
    if not arguments.quiet:
        print(f"npm-vetted: {printable(scope.words)}", file=sys.stderr)
    if scope.span is None and scope.push is None:
        arguments.all = True
    start, end = scope.span or (None, None)
    return _judge(arguments, repository, start, end, scope.push)


def _nothing_of_ours(repository: Repository, arguments: argparse.Namespace) -> bool:
    """Whether the commit touches no file that any check reads; prints that if so."""
    if arguments.format != "text" or repository.merge_heads():
        return False
    touched = repository.staged(repository.head)
    if not touched and not repository.committing:
        return False
    from npm_vetted.checks._relevance import is_relevant

    if any(is_relevant(path) or each.is_link for path, each in touched.items()):
        return False
    if is_bound_by_baseline(list(touched)):
        return False
    if not arguments.quiet:
        said = "no npm files changed" if touched else "nothing is staged"
        print(f"npm-vetted: {said}; nothing to check", file=sys.stderr)
    return True


def _judge(
    arguments: argparse.Namespace,
    repository: Repository | None,
    from_ref: str | None = None,
    to_ref: str | None = None,
    push: Push | None = None,
) -> int:
    from npm_vetted.checks._runner import run_checks
    from npm_vetted.checks._unstaged_notes import naming_notes_left_behind
    from npm_vetted.commands._common import opened, style_of

    style = style_of(arguments)
    try:
        with opened(
            from_ref=from_ref,
            to_ref=to_ref,
            everything=arguments.all,
            repository=repository,
            push=push,
        ) as (here, change):
            judgement = run_checks(change, _wanted(arguments))
            if from_ref is None and push is None:
                findings = naming_notes_left_behind(judgement.findings, change, here.top)
                judgement = judgement._replace(findings=tuple(findings))
            if arguments.online:
                judgement = _with_evidence(arguments, judgement, change)
            by_hand = is_by_hand(arguments) and push is None
            if by_hand and change.everything:
                judgement = _with_worktree(arguments, judgement, here)
            _print(arguments, judgement, change, style)
            if not change.policy.adopted and (by_hand or judgement.findings):
                _say(arguments, "not adopted here yet, so every package counts: npm-vetted init")
            return exit_status(judgement, strict=style.strict)
    except UndecidedError as error:
        _print_undecided(arguments, error)
        return error.status


def _say(arguments: argparse.Namespace, words: str) -> None:
    """A remark for the person who waits; none where a program reads, or with ``--quiet``."""
    if arguments.format == "text" and not arguments.quiet:
        sys.stdout.flush()  # a log has both streams: the remark follows what it is about
        print(f"npm-vetted: {words}", file=sys.stderr)


def _print(
    arguments: argparse.Namespace, result: CheckResult, change: Change, style: Style
) -> None:
    """Print in the chosen format; in text, the working tree's findings have their own part."""
    from npm_vetted.report import report

    if arguments.format not in ("text", "json"):
        result = result._replace(findings=_all_findings(result), worktree=None)
    report(arguments.format).print_result(result, change, style, sys.stdout)
    if arguments.format == "text" and result.worktree and result.worktree.findings:
        sys.stdout.flush()
        _say(arguments, "nothing is staged; a commit of the working tree would be refused for:")
        report("text").print_result(result.worktree, None, style, sys.stdout)


def _all_findings(result: CheckResult) -> tuple[Finding, ...]:
    """The findings of the judged state, and those that the working tree would add."""
    return (*result.findings, *(result.worktree.findings if result.worktree else ()))


def is_by_hand(arguments: argparse.Namespace) -> bool:
    """Whether a person runs ``check``: not a hook, not CI, no range, and without ``--all``."""
    hooked = any(name in os.environ for name in ("GIT_INDEX_FILE", "PRE_COMMIT", "CI"))
    return not (hooked or arguments.all or arguments.from_ref)


def _with_evidence(
    arguments: argparse.Namespace, result: CheckResult, change: Change
) -> CheckResult:
    """Add a finding for each fact in the change's notes that a registry does not confirm."""
    wanted = _wanted(arguments)
    if wanted is not None and "notes" not in wanted:
        return result
    from npm_vetted.commands._online_evidence import recomputed_evidence

    found = recomputed_evidence(change)
    findings = tuple(dict.fromkeys((*result.findings, *found.findings)))
    return result._replace(findings=findings, statuses=result.statuses | found.statuses)


def _with_worktree(
    arguments: argparse.Namespace, result: CheckResult, repository: Repository
) -> CheckResult:
    """Add the working tree's findings, if nothing is staged."""
    from npm_vetted.checks._runner import open_change, run_checks
    from npm_vetted.git.objects import Objects
    from npm_vetted.git.worktree import compare_worktree
    from npm_vetted.projects.file_names import interesting_names

    with Objects(repository) as objects:
        comparison = compare_worktree(repository, objects, interesting_names())
        if not comparison.touched:
            _say(
                arguments, "nothing is staged, and nothing has changed: everything in git is judged"
            )
            return result
        _say(arguments, "nothing is staged: everything in git is judged, and the working tree")
        found = run_checks(open_change(comparison), _wanted(arguments))
    known = {each.fingerprint for each in result.findings}
    fresh = tuple(each for each in found.findings if each.fingerprint not in known)
    worktree = found._replace(findings=fresh)
    return result._replace(worktree=worktree, statuses=result.statuses | found.statuses)


def print_misuse(words: Sequence[str]) -> None:
    """Print a usage error in the format that the command line names: nothing was judged."""
    from npm_vetted.checks._runner import CheckResult, undecided
    from npm_vetted.report import Style, report

    joined = " ".join(words)
    name = next(
        (each for each in FORMATS if f"--format {each}" in joined.replace("=", " ")), "text"
    )
    if name != "text":
        finding = undecided(UsageError("the command line is wrong: nothing was checked"))
        result = CheckResult(findings=(finding,), projects=0, artifacts=0, notes=0)
        report(name).print_result(result, None, Style(), sys.stdout)


def _print_undecided(arguments: argparse.Namespace, error: Exception) -> None:
    """Print that nothing could be judged, and why."""
    from npm_vetted.checks._runner import CheckResult, undecided
    from npm_vetted.commands._common import style_of
    from npm_vetted.report import report

    if not isinstance(error, NpmVettedError):
        error = UndecidedError(f"internal error: {type(error).__name__}: {error}")
    findings = tuple(undecided(each) for each in (error, *error.besides))
    judgement = CheckResult(findings=findings, projects=0, artifacts=0, notes=0)
    report(arguments.format).print_result(judgement, None, style_of(arguments), sys.stdout)


def _wanted(arguments: argparse.Namespace) -> frozenset[str] | None:
    from npm_vetted.checks import checks
    from npm_vetted.formats.document import hint

    known = checks()
    # lint-staged appends the names of the staged files: what is judged is the index, with all of it.
    wanted = [name for name in arguments.checks if not _is_file_name(name)]
    for name in wanted:
        if name not in known:
            raise UsageError(f"unknown check {name!r}{hint(name, known)}")
    if wanted:
        return frozenset(wanted)
    if arguments.only:
        return frozenset(name for name, check in known.items() if arguments.only in check.HOOKS)
    return None


def _is_file_name(word: str) -> bool:
    """Whether a word on the command line is a file; no check's name has a dot or a slash."""
    return os.path.lexists(word) if "/" in word or "." in word else os.path.isfile(word)  # noqa: PTH113


def exit_status(judgement: CheckResult, *, strict: bool) -> int:
    """0 nothing found, 1 findings, 2 misused, 3 undecided; where several hold, 3, then 2, then 1."""
    from npm_vetted.model import Level

    if judgement.statuses:
        return max(judgement.statuses)
    failing = {Level.ERROR, Level.WARNING} if strict else {Level.ERROR}
    return FOUND if any(each.level in failing for each in _all_findings(judgement)) else 0
