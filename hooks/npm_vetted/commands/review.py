"""``npm-vetted review``: list a change's packages, those that deserve attention first."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from npm_vetted.errors import UNDECIDED

if TYPE_CHECKING:
    from npm_vetted.model import Artifact
    from npm_vetted.projects.change import Change
    from npm_vetted.projects.introduced import IntroducedPackage
    from npm_vetted.review.overview import ChangeOverview
    from npm_vetted.review.signals.weighing import Score

HELP = "what a change brings, and which parts of it deserve attention"
FORMATS = ("text", "json", "markdown", "html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``review``."""
    from npm_vetted.commands._common import add_range

    states = parser.add_mutually_exclusive_group()
    states.add_argument("--staged", action="store_true", help="what is staged")
    states.add_argument("--worktree", action="store_true", help="what the working tree would bring")
    add_range(parser)
    parser.add_argument(
        "--all", action="store_true", help="also packages with a lower score, from 3"
    )
    parser.add_argument(
        "--no-prompt", action="store_true", help="never ask at a terminal what to do next"
    )


def run(arguments: argparse.Namespace) -> int:
    """Score everything that the change brings, and print one screen; 3 where a registry is silent."""
    from npm_vetted.commands._common import style_of
    from npm_vetted.commands._note_dialogue import has_terminal
    from npm_vetted.commands._review_dialogue import show
    from npm_vetted.report._overview import overview_text
    from npm_vetted.review.overview import introduced, overview
    from npm_vetted.review.signals.table import ATTENTION, WORTH_A_LOOK

    with _meant(arguments) as (state, change):
        uses = introduced(change)
        scores = _scores(change, uses, quiet=arguments.quiet)
        found = overview(
            change, state, uses, scores.get, threshold=WORTH_A_LOOK if arguments.all else ATTENTION
        )
    style = style_of(arguments)
    if arguments.format != "text":
        style = style._replace(colour=False, width=None, links=False)
    text = overview_text(arguments.format, found, style)
    asks = arguments.format == "text" and has_terminal() and not arguments.no_prompt
    if asks and found.attention:
        print(text)
        _walk(found)
    elif arguments.format == "text":
        show(text)
    else:
        print(text)
    return UNDECIDED if found.problems else 0


@contextmanager
def _meant(arguments: argparse.Namespace) -> Iterator[tuple[str, Change]]:
    """The change to review, and its name for the reader.

    Without an option: the index, if it changes a project; otherwise the working tree.
    """
    from npm_vetted.checks._runner import open_change
    from npm_vetted.commands._common import opened, range_of
    from npm_vetted.git.objects import Objects
    from npm_vetted.git.repository import Repository
    from npm_vetted.git.worktree import compare_worktree
    from npm_vetted.projects.file_names import interesting_names, is_of_a_project

    from_ref, to_ref = range_of(arguments)
    repository = Repository.open()
    if from_ref is not None:
        with opened(from_ref=from_ref, to_ref=to_ref, repository=repository) as (_, change):
            yield f"{from_ref}..{to_ref or 'HEAD'}", change
        return
    staged = any(map(is_of_a_project, repository.staged(repository.head)))
    if arguments.staged or (staged and not arguments.worktree):
        with opened(repository=repository) as (_, change):
            yield "what is staged", change
        return
    with Objects(repository) as objects:
        yield (
            "the working tree",
            open_change(compare_worktree(repository, objects, interesting_names())),
        )


def _scores(
    change: Change, uses: Sequence[IntroducedPackage], *, quiet: bool
) -> Mapping[Artifact, Score]:
    """The score of each package that a registry has, asked of its project's registry."""
    from npm_vetted.commands._note_dialogue import registry_for
    from npm_vetted.commands._scores import scores_of
    from npm_vetted.registry import progress_bar
    from npm_vetted.review.overview import step_of

    registries = {
        use.project.path: registry_for(use.project, change)
        for use in {use.project.path: use for use in uses}.values()
    }
    steps = {
        use.artifact: (use, step) for use in uses if (step := step_of(change, use)) is not None
    }
    wanted = [(registries[use.project.path], step) for use, step in steps.values()]
    scores = scores_of(wanted, progress=None if quiet else progress_bar() or _said)
    return dict(zip(steps, scores, strict=True))


def _said(done: int, total: int) -> None:
    """Progress where standard error is no terminal: a line now and then."""
    if done % 100 == 0 and done < total:
        print(f"npm-vetted: compared {done:,} of {total:,} packages", file=sys.stderr, flush=True)


def _walk(found: ChangeOverview) -> None:
    """Prompt for an action on each package that deserves attention; only at a terminal."""
    from npm_vetted.report._overview._words import commands_of

    for each in found.attention:
        commands = {words[1][0]: words[1:] for words in commands_of(each)}
        while (key := _asked(each.label, commands)) not in ("s", "q"):
            if _call(commands[key]) == 0 and key == "n":
                break
        if key == "q":
            return


def _asked(label: str, commands: Mapping[str, Sequence[str]]) -> str:
    """The key that a person typed, one of those that are offered; ``q`` at the end of the input."""
    from npm_vetted.formats.terminal_text import line

    choices = [f"[{key}]{words[0][1:]}" for key, words in commands.items()]
    question = f"{line(label)}: {', '.join(choices)}, [s]kip, [q]uit? "
    while True:
        try:
            answer = input(question).strip().lower()[:1]
        except EOFError:
            print()
            return "q"
        if answer in (*commands, "s", "q"):
            return answer


def _call(words: Sequence[str]) -> int:
    """Run another command as if it was typed; its status."""
    from npm_vetted.commands import command
    from npm_vetted.errors import NpmVettedError
    from npm_vetted.formats.terminal_text import printable

    parser = argparse.ArgumentParser(prog=f"npm-vetted {words[0]}")
    called = command(words[0])
    called.add_arguments(parser)
    defaults = argparse.Namespace(format="text", color="auto", quiet=False, verbose=False)
    try:
        return called.run(parser.parse_args(list(words[1:]), defaults))
    except NpmVettedError as error:
        print(f"npm-vetted: {printable(error.message)}", file=sys.stderr)
        return error.status
