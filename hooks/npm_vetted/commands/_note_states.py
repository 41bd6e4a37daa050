"""Chooses the state of the repository that ``note`` records for: the index, the working tree, or a range.

Without package names, ``note`` decides for each project: if the index changes it, the index counts; else the
working tree.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Final

from npm_vetted.checks._runner import open_change
from npm_vetted.commands._note_dialogue import NoteDialogue, has_terminal, split_label
from npm_vetted.errors import NpmVettedError, UsageError
from npm_vetted.formats.terminal_text import printable
from npm_vetted.git.comparison import Comparison, compare, with_index
from npm_vetted.git.objects import Objects
from npm_vetted.git.repository import Repository
from npm_vetted.git.snapshot import VETTING
from npm_vetted.git.worktree import compare_worktree, unstaged
from npm_vetted.git.writer import Store
from npm_vetted.model import Project
from npm_vetted.projects.change import Change
from npm_vetted.projects.file_names import interesting_names, is_of_a_project
from npm_vetted.recording.proposals import uncovered

_NAMED: Final = 5
"""How many packages a remark names before the rest is counted."""


@contextmanager
def at_desk(
    packages: Sequence[str], from_ref: str | None = None, to_ref: str | None = None
) -> Iterator[NoteDialogue]:
    """The index, or where that brings nothing the working tree, or a range."""
    with _states(Repository.open()) as states:
        if from_ref is not None:
            yield states.of_range(from_ref, to_ref)
            return
        staged = states.staged
        holds = staged is not None and (
            _holds_all(staged.change, packages) if packages else uncovered(staged.change)
        )
        yield staged if staged is not None and holds else states.tree


@contextmanager
def note_desks(arguments: argparse.Namespace) -> Iterator[list[NoteDialogue]]:
    """The states that ``note`` records for; usually one.

    Without package names, a project counts as it is in the index if the index changes it, else as it is in
    the working tree. The working tree needs a person at the terminal, or ``--worktree``.
    """
    from_ref, to_ref = arguments.from_ref, arguments.to_ref
    with _states(Repository.open()) as states:
        if from_ref is not None:
            yield [states.of_range(from_ref, to_ref)]
        elif arguments.worktree:
            yield [states.tree]
        elif arguments.packages:
            adds = arguments.complete or arguments.waive_cooldown or arguments.not_lookalike_of
            amends = bool(adds) and arguments.message is None
            yield [_desk_that_holds(states, arguments.packages, amends=amends)]
        elif arguments.staged:
            yield [states.staged or states.index]
        else:
            yield _desks_by_project(states)


def _desk_that_holds(states: _States, labels: Sequence[str], *, amends: bool) -> NoteDialogue:
    """The first of the index and the working tree that brings the packages unvetted.

    Where the call adds to notes that are there, the first that brings them at all.
    """
    staged = states.staged
    if staged is None:
        return states.tree
    if amends:
        return staged if _holds_all(staged.change, labels) else states.tree
    if _lacks_all(staged.change, labels):
        return staged
    if _lacks_all(states.tree.change, labels):
        return states.tree
    return staged if _holds_all(staged.change, labels) else states.tree


def _lacks_all(change: Change, labels: Sequence[str]) -> bool:
    """Whether nothing covers any of the packages that the command names."""
    labelled = {
        each for use in uncovered(change) for each in (use.artifact.name, use.artifact.label)
    }
    return labelled.issuperset(labels)


def _desks_by_project(states: _States) -> list[NoteDialogue]:
    staged = states.staged
    if staged is not None:
        for path in _unstaged_of(states, staged.change):
            _remark(f"the working tree differs in {path}: what is staged counts")
    if staged is not None and not has_terminal() and uncovered(staged.change):
        try:
            _name_what_is_not_staged(states.rest, "is not recorded now")
        except NpmVettedError as error:  # it is not what this call is about
            _remark(f"the working tree cannot be read: {error.message}")
        return [staged]
    rest = states.rest
    if not uncovered(rest.change):
        return [staged or rest]
    if not has_terminal():
        labels = [use.artifact.label for use in uncovered(rest.change)]
        raise UsageError(
            f"only the working tree brings {_some(labels)}: without a terminal, that needs --worktree",
            fix="git add the lockfile, or: npm-vetted note --worktree -m REASON",
        )
    return [staged, rest] if staged is not None and uncovered(staged.change) else [rest]


def _name_what_is_not_staged(rest: NoteDialogue, words: str) -> None:
    labels = [use.artifact.label for use in uncovered(rest.change)]
    if labels:
        _remark(f"{_some(labels)}, in the working tree only, {words} (--worktree)")


def _some(labels: Sequence[str]) -> str:
    more = f", and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return ", ".join(printable(each) for each in labels[:_NAMED]) + more


def _remark(words: str) -> None:
    print(f"npm-vetted: {words}", file=sys.stderr)


def _unstaged_of(states: _States, staged: Change) -> list[str]:
    """The files of the projects that the index changes which differ in the working tree."""
    found = []
    for path in sorted(unstaged(states.repository)):
        if not _is_of_projects(path):
            continue
        if any(each.after.path in _folders(states, path) for each in staged.projects):
            found.append(path)
    return found


def _folders(states: _States, path: str) -> set[str]:
    return {each.path for each in states.tree.change.projects_after.steered_by(path)}


class _States:
    """The states of a repository that notes may be recorded for, each opened when it is needed."""

    def __init__(self, repository: Repository, objects: Objects) -> None:
        self.repository = repository
        self._objects = objects

    def _desk(
        self, again: Callable[[], Comparison], state: str, left_out: Collection[str] = ()
    ) -> NoteDialogue:
        return NoteDialogue(
            self.repository, open_change(again(), left_out=left_out), (), Store(self.repository),
            state, again,
        )  # fmt: skip

    def of_range(self, from_ref: str, to_ref: str | None) -> NoteDialogue:
        """What one commit brings to another."""

        def judged() -> Comparison:
            return compare(self.repository, self._objects, from_ref=from_ref, to_ref=to_ref)

        words = f"what {to_ref or 'HEAD'} brings to {from_ref}"
        desk = self._desk(judged, words)
        if to_ref in (None, "HEAD"):
            return replace(desk, again=lambda: with_index(self.repository, self._objects, judged()))
        return replace(desk, again=None)

    @cached_property
    def index(self) -> NoteDialogue:
        """What is staged, whether that changes a project or not."""
        found = self._desk(lambda: compare(self.repository, self._objects), "what is staged")
        return replace(found, others=(self.tree.change, self._everything))

    @cached_property
    def staged(self) -> NoteDialogue | None:
        """What is staged; None where that changes no project."""
        paths = self.repository.staged(self.repository.head)
        return self.index if any(map(_is_of_projects, paths)) else None

    @cached_property
    def tree(self) -> NoteDialogue:
        """The working tree, staged or not."""
        found = self._desk(self._compare_tree, "the working tree")
        return replace(found, others=(found.change, self._everything))

    @cached_property
    def rest(self) -> NoteDialogue:
        """The projects of the working tree that the index does not change, and that git tracks."""
        staged = {each.after.path for each in self.staged.change.projects} if self.staged else set()
        fresh = [
            each.after for each in self.tree.change.projects if not self._is_tracked(each.after)
        ]
        for each in fresh:
            _remark(f"git does not track {each.path or '.'}: git add it, and its packages count")
        if not staged and not fresh:
            return self.tree
        left_out = {*staged, *(each.path for each in fresh)}
        found = self._desk(self._compare_tree, "the working tree", left_out)
        return replace(found, others=(self.tree.change, self._everything))

    def _is_tracked(self, project: Project) -> bool:
        return self.repository.tracks([project.manifest.path, *project.lockfiles])

    def _compare_tree(self) -> Comparison:
        return compare_worktree(self.repository, self._objects, interesting_names())

    @cached_property
    def _everything(self) -> Change:
        names = interesting_names()
        return open_change(compare_worktree(self.repository, self._objects, names, everything=True))


@contextmanager
def _states(repository: Repository) -> Iterator[_States]:
    with Objects(repository) as objects:
        yield _States(repository, objects)


def _is_of_projects(path: str) -> bool:
    """Whether a staged path counts: a staged note says nothing of what the commit will hold."""
    return not path.startswith(VETTING) and is_of_a_project(path)


def _holds_all(change: Change, labels: Sequence[str]) -> bool:
    """Whether a change brings every package that the command names."""
    names = {use.artifact.name for use in change.uses()}
    return all(split_label(label)[0] in names for label in labels)
