"""The commits that a push adds to the remote, for plain git's hooks and pre-commit's.

Three callers describe a push:

- pre-commit's ``pre-push`` stage, through ``PRE_COMMIT_REMOTE_NAME`` and its other variables;
- plain git's ``pre-push`` hook, through lines on standard input: ``LOCAL-REF NEW REMOTE-REF OLD``;
- ``pre-receive`` in a bare repository, through lines on standard input: ``OLD NEW REF``.

The *trunk* is the default branch of the remote. It was judged when it was pushed, so its commits
are not judged again. Other branches of the remote never count: one of them may have been pushed past
the gate. A push to the trunk itself excludes only the trunk's old value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from npm_vetted.errors import UsageError
from npm_vetted.git.repository import Repository

_PRE_PUSH = re.compile(r"(\S+) ([0-9a-f]{40,64}) (\S+) ([0-9a-f]{40,64})")
_PRE_RECEIVE = re.compile(r"([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (\S+)")
_DEFAULTS = ("main", "master", "trunk")
"""Names of a default branch, where the clone does not record which one it is."""


class Push(NamedTuple):
    """One ref that is pushed, as commits.

    ``old`` is the ref's old value (None: the ref is new, or its old value is not known here),
    ``trunks`` are the tips of the default branch and of those that ``--trunk`` names.
    """

    ref: str
    new: str
    old: str | None
    trunks: tuple[str, ...]


def push_of_pre_commit(
    repository: Repository, environment: Mapping[str, str], trunks: Sequence[str] = ()
) -> Push | None:
    """The push that pre-commit tells of; None: it tells of none.

    For a new branch, ``PRE_COMMIT_FROM_REF`` is the last commit that any branch of the remote has:
    that commit is not trusted. It counts only where it is the pushed ref's own old value.
    """
    remote, ref = (
        environment.get("PRE_COMMIT_REMOTE_NAME"),
        environment.get("PRE_COMMIT_REMOTE_BRANCH"),
    )
    # Where the push brings the root commit, pre-commit names no range.
    new = environment.get("PRE_COMMIT_TO_REF") or environment.get("PRE_COMMIT_LOCAL_BRANCH")
    if not remote or not new or not ref:
        return None
    told = environment.get("PRE_COMMIT_FROM_REF", "")
    known = repository.ref(f"refs/remotes/{remote}/{ref.removeprefix('refs/heads/')}")
    start = None if not told.strip("0") else repository.ref(told)
    old = start if start is not None and start == known else None
    return _push(repository, remote, ref, repository.commit(new), old, trunks)


def pushes_of_lines(
    repository: Repository, lines: Iterable[str], remote: str, trunks: Sequence[str] = ()
) -> Iterator[Push]:
    """The pushes that standard input describes; a deleted ref is none.

    Raises UsageError for a line of neither form.
    """
    for line in filter(None, map(str.strip, lines)):
        if found := _PRE_PUSH.fullmatch(line):
            _, new, ref, old = found.groups()
        elif found := _PRE_RECEIVE.fullmatch(line):
            old, new, ref = found.groups()
        else:
            raise UsageError(f"not a line of a push: {line[:200]!r}", fix=_FORMS)
        if new.strip("0"):
            known = repository.ref(old) if old.strip("0") else None
            yield _push(repository, remote, ref, repository.commit(new), known, trunks)


_FORMS = (
    "git's pre-push hook writes `LOCAL-REF NEW REMOTE-REF OLD`, its pre-receive hook `OLD NEW REF`"
)


def are_push_lines(text: str) -> bool:
    """Whether a text has the form that git writes to a pre-push or pre-receive hook."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return bool(lines) and all(
        _PRE_PUSH.fullmatch(line) or _PRE_RECEIVE.fullmatch(line) for line in lines
    )


def _push(
    repository: Repository,
    remote: str,
    ref: str,
    new: str,
    old: str | None,
    trunks: Sequence[str],
) -> Push:
    own = ref.removeprefix("refs/heads/")
    named = [repository.commit(each) for each in trunks]
    default = default_branch(repository, remote)
    if default is not None and default[0] != own:
        named.insert(0, default[1])
    return Push(ref=ref, new=new, old=old, trunks=tuple(dict.fromkeys(named)))


def default_branch(repository: Repository, remote: str) -> tuple[str, str] | None:
    """The name and the tip of the remote's default branch, as far as this clone knows.

    In a bare repository (pre-receive) that is the branch of its own HEAD.
    """
    if repository.bare:
        head = repository.symbolic_ref("HEAD") or ""
        tip = repository.ref(head) if head else None
        return None if tip is None else (head.removeprefix("refs/heads/"), tip)
    folder = f"refs/remotes/{remote}/"
    recorded = repository.symbolic_ref(f"{folder}HEAD")
    names = [recorded.removeprefix(folder)] if recorded else _DEFAULTS
    for name in names:
        tip = repository.ref(folder + name)
        if tip is not None:
            return name, tip
    return None
