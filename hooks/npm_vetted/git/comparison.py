"""What is judged: which two states of the repository are compared (DESIGN.md, section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from npm_vetted.errors import UndecidedError
from npm_vetted.git.objects import Objects
from npm_vetted.git.repository import FileChange, Repository
from npm_vetted.git.snapshot import (
    VETTING,
    EarlierSnapshot,
    EmptySnapshot,
    IndexSnapshot,
    Snapshot,
    TreeSnapshot,
)


class Comparison(NamedTuple):
    """The snapshots that are compared, and the paths that differ.

    ``parents`` are the states that are not judged again (several in a merge), ``law`` the state
    whose policy judges. ``everything`` is ``--all``.
    """

    parents: tuple[Snapshot, ...]
    after: Snapshot
    policy_source: Snapshot
    touched: Mapping[str, FileChange]
    everything: bool
    scope: tuple[str, ...] = ("--staged",)
    """The arguments with which ``note`` looks at the same change."""
    fork: Snapshot | None = None
    """Where the parents of a merge that concerns ``.vetting/`` part; None: it is no such merge."""

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
    """A range, where one is given; else what is staged, or everything."""
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
        fork=_fork(repository, parents, after),
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
    after = TreeSnapshot(repository.commit(to_ref), objects, repository)
    policy_source: Snapshot
    if set(from_ref) == {"0"}:  # git's word for "no such commit", on the first push of a branch
        base, policy_source = repository.empty_tree, EmptySnapshot("empty tree", objects)
    else:
        start = repository.commit(from_ref)
        base = repository.merge_base(start, after.commit)
        policy_source = TreeSnapshot(start, objects, repository)
    touched = repository.between(base, after.commit)
    before = EarlierSnapshot(base, after, touched)
    scope = ("--from-ref", from_ref) + (("--to-ref", to_ref) if to_ref != "HEAD" else ())
    return Comparison(
        parents=(before,),
        after=after,
        policy_source=policy_source,
        touched=touched,
        everything=False,
        scope=scope,
    )
