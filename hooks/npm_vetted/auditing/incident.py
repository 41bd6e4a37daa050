"""``audit --contains``: whether, where and since when a version is locked. For the day of an incident."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from npm_vetted.auditing.collect import AuditedState
from npm_vetted.auditing.trail import lockfile_specs
from npm_vetted.errors import NpmVettedError
from npm_vetted.git.history import Commit, FileTouched, Mailmap, read_history
from npm_vetted.git.objects import Objects
from npm_vetted.git.repository import Repository, run_git
from npm_vetted.git.snapshot import TreeSnapshot
from npm_vetted.projects.lockfile_owner import client_of_lockfile

_BRANCHES: Final = ("--branches", "--remotes", "--tags")


class Sighting(NamedTuple):
    """A commit that brought a version into a lockfile, or removed the last one of it."""

    commit: str
    date: datetime.datetime
    author: str
    subject: str
    path: str
    brings: bool


class Answer(NamedTuple):
    """Where a package (one version or any) is locked, and the commits that brought and removed it."""

    label: str
    locked: tuple[tuple[str, str], ...]
    """``(project, name@version)`` in the state that is audited."""
    branches: tuple[tuple[str, str], ...]
    """``(branch or tag, lockfile)`` where it is locked."""
    sightings: tuple[Sighting, ...]
    unread: tuple[str, ...]
    """Lockfiles of history that cannot be read, as ``COMMIT:PATH``."""


def answer(
    repository: Repository,
    objects: Objects,
    state: AuditedState,
    package: tuple[str, str | None],
    *,
    everywhere: bool,
) -> Answer:
    """Look for a package in one state, in its history and, if requested, on every branch."""
    name, version = package
    locked = sorted(
        (use.project.path or ".", use.artifact.label)
        for use in state.change.uses()
        if use.artifact.name == name and version in (None, use.artifact.version)
    )
    holds = _Holds(objects, name, version)
    revisions = [*(_BRANCHES if everywhere else ()), *((state.commit,) if state.commit else ())]
    return Answer(
        label=f"{name}@{version}" if version else name,
        locked=tuple(locked),
        branches=tuple(_on_branches(repository, holds)) if everywhere else (),
        sightings=tuple(
            _sightings(repository, revisions, holds, _mailmap(repository, objects, state))
        ),
        unread=tuple(sorted(holds.unread)),
    )


def _mailmap(repository: Repository, objects: Objects, state: AuditedState) -> Callable[[str], str]:
    if state.commit is None:
        return Mailmap(None).proper
    return Mailmap(TreeSnapshot(state.commit, objects, repository).read(".mailmap")).proper


class _Holds:
    """Whether the content of a lockfile holds the package; each content is read once."""

    def __init__(self, objects: Objects, name: str, version: str | None) -> None:
        self._objects = objects
        self._name = name
        self._version = version
        self._known: dict[str | None, bool] = {None: False}
        self.unread: set[str] = set()

    def names(self, line: bytes) -> bool:
        """Whether a changed line may decide: it holds the version, or the name without its scope."""
        short = self._name.rpartition("/")[2].encode()
        return short in line or (self._version is None or self._version.encode() in line)

    def __call__(self, oid: str | None, path: str, commit: str) -> bool:
        if oid not in self._known:
            self._known[oid] = self._read(oid or "", path, commit)
        return self._known[oid]

    def _read(self, oid: str, path: str, commit: str) -> bool:
        try:
            data = self._objects.read(oid, path)
            short = self._name.rpartition("/")[2].encode()
            if short not in data:
                return False
            client = client_of_lockfile(path, lambda _: data)
            lockfile = client.read_lockfile(path, data, lambda _: None)
            return any(
                self._version in (None, each.version) for each in lockfile.named({self._name})
            )
        except NpmVettedError:
            self.unread.add(f"{commit[:12]}:{path}")
            return False


def _sightings(
    repository: Repository, revisions: Sequence[str], holds: _Holds, proper: Callable[[str], str]
) -> Iterator[Sighting]:
    """The commits after which a lockfile holds the package and before which it did not, or vice versa."""
    if not revisions:
        return
    files: dict[str, FileTouched] = {}
    current: Commit | None = None
    wanted: set[str] = set()

    def settle() -> Iterator[Sighting]:
        for path in sorted(wanted):
            file = files[path]
            at = file.commit
            before, after = holds(file.before, path, at.id), holds(file.after, path, at.id)
            if before != after:
                yield Sighting(at.id, at.date, proper(at.author), at.subject, path, after)

    for each in read_history(repository, revisions, lockfile_specs()):
        if current is None or each.commit.id != current.id:
            yield from settle()
            current, wanted = each.commit, set()
            files.clear()
        if isinstance(each, FileTouched):
            files[each.path] = each
        elif each.path in files and each.path not in wanted and holds.names(each.line):
            wanted.add(each.path)
    yield from settle()


def _on_branches(repository: Repository, holds: _Holds) -> Iterator[tuple[str, str]]:
    """The branches and tags whose newest commit locks the package."""
    listed = run_git("for-each-ref", "--format=%(refname)%00%(objectname)%00%(*objectname)",
                     "refs/heads", "refs/remotes", "refs/tags", cwd=repository.top)  # fmt: skip
    specs = lockfile_specs()
    for row in listed.decode("utf-8", "replace").splitlines():
        ref, oid, peeled = row.split("\0")
        tree = f"{peeled or oid}^{{tree}}"
        try:
            found = _lockfiles(repository, tree, specs)
        except NpmVettedError:  # a tag of something other than a commit
            continue
        for path, blob in found:
            if holds(blob, path, oid):
                yield ref.removeprefix("refs/heads/").removeprefix("refs/"), path


def _lockfiles(repository: Repository, tree: str, specs: Sequence[str]) -> list[tuple[str, str]]:
    """The lockfiles of a tree, each with the id of its content."""
    found = repository.between(repository.empty_tree, tree)
    names = {each.rpartition("/")[2] for each in specs}
    return [
        (path, change.after.oid)
        for path, change in sorted(found.items())
        if path.rpartition("/")[2] in names and change.after is not None
    ]
