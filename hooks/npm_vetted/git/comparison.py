"""Chooses the two states of the repository that are compared: before and after the change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from npm_vetted.errors import UndecidedError
from npm_vetted.git.objects import Objects
from npm_vetted.git.push import Push
from npm_vetted.git.repository import ChangedPath, Repository, run_git
from npm_vetted.git.snapshot import (
    VETTING,
    EarlierSnapshot,
    EmptySnapshot,
    IndexSnapshot,
    Snapshot,
    TreeSnapshot,
)

WORKTREE: Final = "--worktree"
_SHORT: Final = 12
"""So many digits name a commit in a command that a person pastes."""
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MOST: Final = 100
"""How far back a readable state is looked for."""


class Comparison(NamedTuple):
    """The snapshots that are compared, and the paths that differ.

    ``parents`` are the states that are not judged again: the parents of a commit, the merge bases
    of a range, what a push finds on the remote. ``policy_source`` is the state whose policy judges.
    ``touched`` are the paths that are judged: those that differ from every parent; with
    ``against_each`` (a range), those that differ from any of them. ``everything`` is ``--all``.
    """

    parents: tuple[Snapshot, ...]
    after: Snapshot
    policy_source: Snapshot
    touched: Mapping[str, ChangedPath]
    everything: bool
    scope: tuple[str, ...] = ()
    """The arguments with which ``note`` looks at the same change; none: it looks there by itself."""
    fork: Snapshot | None = None
    """Where the parents of a merge that concerns ``.vetting/`` part; None: it is no such merge."""
    against_each: bool = False

    @property
    def before(self) -> Snapshot:
        """The first parent."""
        return self.parents[0]


def compare(
    repository: Repository,
    objects: Objects,
    *,
    from_ref: str | None = None,
    to_ref: str | None = None,
    everything: bool = False,
) -> Comparison:
    """Compare a range, if one is given; otherwise the index with HEAD, or with nothing (``--all``)."""
    if from_ref is not None:
        return _compare_range(repository, objects, from_ref, to_ref or "HEAD")
    touched = repository.staged(repository.head)
    after = IndexSnapshot(objects, repository, touched)
    empty = EmptySnapshot("empty tree", objects)
    if everything or (not touched and not repository.committing):
        return Comparison(
            parents=(empty,),
            after=after,
            policy_source=after,
            touched=repository.staged(None),
            everything=True,
        )
    head = repository.head
    first = empty if head is None else EarlierSnapshot(head, after, touched)
    parents: list[Snapshot] = [first]
    for other in repository.merge_heads():
        changes = repository.staged(other)
        parents.append(EarlierSnapshot(other, after, changes))
        touched = {path: change for path, change in touched.items() if path in changes}
    return Comparison(
        parents=tuple(parents),
        after=after,
        policy_source=first,
        touched=touched,
        everything=False,
        scope=() if repository.commits_the_index else (WORKTREE,),
        fork=_fork(repository, parents, after),
    )


def compare_whole(repository: Repository, objects: Objects, commit: str) -> Comparison:
    """Everything that a commit holds, judged by its own policy."""
    after = TreeSnapshot(commit, objects, repository)
    return Comparison(
        parents=(EmptySnapshot("empty tree", objects),),
        after=after,
        policy_source=after,
        touched=repository.between(repository.empty_tree, commit),
        everything=True,
    )


def _fork(repository: Repository, parents: Sequence[Snapshot], after: Snapshot) -> Snapshot | None:
    paths = (path for each in parents for path in each.changes)
    if len(parents) < 2 or not any(path.startswith(VETTING) for path in paths):
        return None
    try:
        base = repository.merge_base(*(each.label for each in parents))
    except UndecidedError:  # histories that have nothing in common
        return EmptySnapshot("empty tree", after.objects)
    return EarlierSnapshot(base, after, repository.staged(base))


def _compare_range(
    repository: Repository, objects: Objects, from_ref: str, to_ref: str
) -> Comparison:
    """Compare B with every merge base of A and B; the policy of A judges."""
    after = TreeSnapshot(repository.commit(to_ref), objects, repository)
    scope = ("--from-ref", from_ref) + (("--to-ref", to_ref) if to_ref != "HEAD" else ())
    if set(from_ref) == {"0"}:  # git's way to write "no such commit", on the first push of a branch
        policy_source: Snapshot = EmptySnapshot("empty tree", objects)
        bases: Sequence[str] = (repository.empty_tree,)
    else:
        start = repository.commit(from_ref)
        policy_source = TreeSnapshot(start, objects, repository)
        bases = repository.merge_bases(start, after.commit)
    found = _against(repository, after, bases, policy_source)
    differing = [each.changes for each in found.parents]
    return found._replace(
        touched={path: each for changes in differing for path, each in changes.items()},
        scope=scope,
        against_each=True,
    )


def earlier_states(state: Snapshot, paths: Iterable[str]) -> Iterator[TreeSnapshot]:
    """The commits that changed some paths, on the line of first parents up to a state, newest first."""
    objects = state.objects
    if _COMMIT.fullmatch(state.label) is None:
        return
    words = ("log", "--first-parent", "--format=%H", f"--max-count={_MOST}", state.label, "--")
    specs = [f":(top,literal){path}" for path in sorted(paths)]
    for commit in run_git(*words, *specs, cwd=objects.repository.top).decode().split():
        yield TreeSnapshot(commit, objects, objects.repository)


def with_index(repository: Repository, objects: Objects, judged: Comparison) -> Comparison:
    """A range that ends at HEAD, with what is staged on top of it, as the next commit leaves it."""
    after = IndexSnapshot(objects, repository, repository.staged(repository.head))
    parents = tuple(
        EarlierSnapshot(each.label, after, repository.staged(each.label)) for each in judged.parents
    )
    touched = {path: change for each in parents for path, change in each.changes.items()}
    return judged._replace(parents=parents, after=after, touched=touched)


def compare_push(repository: Repository, objects: Objects, push: Push) -> Comparison:
    """Compare a pushed commit with the ref's old value and with the remote's trunk.

    The policy of the trunk judges; of the old value, where the trunk itself is pushed.
    """
    after = TreeSnapshot(push.new, objects, repository)
    held = dict.fromkeys((*((push.old,) if push.old else ()), *push.trunks))
    for trunk in push.trunks:
        held |= dict.fromkeys(repository.merge_bases(trunk, push.new, optional=True))
    judging = next((each for each in (*push.trunks, push.old) if each), None)
    policy_source = (
        EmptySnapshot("empty tree", objects)
        if judging is None
        else TreeSnapshot(judging, objects, repository)
    )
    bases = tuple(held) or (repository.empty_tree,)
    start = bases[0] if bases[0] == repository.empty_tree else bases[0][:_SHORT]
    end = () if push.new == repository.head else ("--to-ref", push.new[:_SHORT])
    scope = ("--from-ref", start, *end)
    return _against(repository, after, bases, policy_source)._replace(scope=scope)


def _against(
    repository: Repository, after: TreeSnapshot, bases: Sequence[str], policy_source: Snapshot
) -> Comparison:
    """Compare a commit with several; the paths that differ from all of them are judged."""
    parents = [
        EarlierSnapshot(base, after, repository.between(base, after.commit)) for base in bases
    ]
    first, *others = (each.changes for each in parents)
    touched = {
        path: each for path, each in first.items() if all(path in changes for changes in others)
    }
    return Comparison(
        parents=tuple(parents),
        after=after,
        policy_source=policy_source,
        touched=touched,
        everything=False,
    )
