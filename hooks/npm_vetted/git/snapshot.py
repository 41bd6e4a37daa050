"""Snapshots: one state of the repository's files, before or after the judged commit.

Single files are looked up in the trees of commits, folder by folder; the index is HEAD's tree with
the differences that ``diff-index`` lists. Git lists names that may be in any folder, on first use.
Files that both states share are read through the later one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from npm_vetted.errors import UndecidedError
from npm_vetted.git.objects import BlobDigest, Objects, Tree
from npm_vetted.git.process import path_text
from npm_vetted.git.repository import ChangedPath, Repository, TreeEntry, run_git

VETTING: Final = ".vetting/"
_EMPTY_BLOBS: Final = frozenset(
    {
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    }
)
"""What the index says of a file that is only intended to be added, and of one that is empty."""


class Snapshot:
    """One state of the repository's files."""

    def __init__(self, label: str, objects: Objects) -> None:
        self.label = label
        self.objects = objects

    @property
    def changes(self) -> Mapping[str, ChangedPath]:
        """The later state's changes to this one; empty if this state has no files."""
        return {}

    def entry(self, path: str) -> TreeEntry | None:
        """This state's entry for a path; None if there is no such file."""
        raise NotImplementedError

    def everything(self) -> Iterable[str]:
        """Every path; costs a listing of the whole repository."""
        raise NotImplementedError

    def named(self, names: frozenset[str]) -> Iterable[str]:
        """The paths whose last part is one of these names."""
        return [path for path in self.everything() if path.rpartition("/")[2] in names]

    def below(self, folder: str) -> Iterator[str]:
        """The paths below a folder, which is given with its slash."""
        return (path for path in self.everything() if path.startswith(folder))

    def files_in(self, folder: str) -> Iterable[str]:
        """The files that are in a folder itself, which is given with its slash."""
        return self._by_folder.get(folder, ())

    @cached_property
    def _by_folder(self) -> Mapping[str, list[str]]:
        return by_folder(self.everything())

    def grep(self, words: Collection[str], below: str, names: Collection[str] = ()) -> set[str]:
        """The files below a folder whose text holds one of these words; ``names``: only such files."""
        raise NotImplementedError

    def read(self, path: str) -> bytes | None:
        """A file's bytes, None where there is none; raises UndecidedError for a symbolic link."""
        entry = self.entry(path)
        if entry is None:
            return None
        if entry.mode == "120000":
            raise UndecidedError(
                "a symbolic link: what it points to is not what is committed",
                path=path,
                fix=f"git rm --cached {path}, and commit the file itself",
            )
        if entry.mode == "160000":
            return None
        return self.objects.read(entry.oid, path)

    def digest(self, path: str, algorithm: str) -> BlobDigest | None:
        """The hash of a regular file, however large; None where there is none, or a link."""
        entry = self.entry(path)
        if entry is None or entry.mode not in ("100644", "100755"):
            return None
        return self.objects.digest(entry.oid, path, algorithm)


class EmptySnapshot(Snapshot):
    """The state before the first commit."""

    def entry(self, path: str) -> TreeEntry | None:  # noqa: ARG002
        return None

    def everything(self) -> Iterable[str]:
        return ()

    def grep(
        self,
        words: Collection[str],  # noqa: ARG002
        below: str,  # noqa: ARG002
        names: Collection[str] = (),  # noqa: ARG002
    ) -> set[str]:
        return set()


class TreeSnapshot(Snapshot):
    """A commit's tree."""

    def __init__(self, commit: str, objects: Objects, repository: Repository) -> None:
        super().__init__(commit, objects)
        self.commit = commit
        self._repository = repository
        self._tree = Tree(objects, f"{commit}^{{tree}}")

    def entry(self, path: str) -> TreeEntry | None:
        return self._tree.entry(path)

    def below(self, folder: str) -> Iterator[str]:
        return self._tree.below(folder)

    def files_in(self, folder: str) -> Iterable[str]:
        return self._tree.files_in(folder)

    @cached_property
    def _everything(self) -> list[str]:
        return _paths(run_git("ls-tree", "-r", "-z", "--name-only", "--full-tree", self.commit,
                              cwd=self._repository.top))  # fmt: skip

    def everything(self) -> Iterable[str]:
        return self._everything

    def grep(self, words: Collection[str], below: str, names: Collection[str] = ()) -> set[str]:
        found = _grep(self._repository, [self.commit], words, below, names) if words else []
        return {path.removeprefix(f"{self.commit}:") for path in found}


class _Overlaid(Snapshot):
    """A state as another one with differences: ``own`` has the entries of the paths that differ."""

    def __init__(self, label: str, other: Snapshot, own: Mapping[str, TreeEntry | None]) -> None:
        super().__init__(label, other.objects)
        self._other = other
        self._own = own

    @cached_property
    def _present(self) -> list[str]:
        return [path for path, entry in self._own.items() if entry is not None]

    @cached_property
    def _present_by_folder(self) -> Mapping[str, list[str]]:
        return by_folder(self._present)

    def _shared(self, paths: Iterable[str]) -> Iterator[str]:
        return (path for path in paths if path not in self._own)

    def entry(self, path: str) -> TreeEntry | None:
        return self._own[path] if path in self._own else self._other.entry(path)

    def read(self, path: str) -> bytes | None:
        return super().read(path) if path in self._own else self._other.read(path)

    def everything(self) -> Iterable[str]:
        return [*self._shared(self._other.everything()), *self._present]

    def named(self, names: frozenset[str]) -> Iterable[str]:
        own = (path for path in self._present if path.rpartition("/")[2] in names)
        return [*self._shared(self._other.named(names)), *own]

    def below(self, folder: str) -> Iterator[str]:
        yield from (path for path in self._present if path.startswith(folder))
        yield from self._shared(self._other.below(folder))

    def files_in(self, folder: str) -> Iterable[str]:
        shared = self._shared(self._other.files_in(folder))
        return [*shared, *self._present_by_folder.get(folder, ())]

    def grep(self, words: Collection[str], below: str, names: Collection[str] = ()) -> set[str]:
        """Exact for files that both states share; one that differs counts where it exists here."""
        found = set(self._shared(self._other.grep(words, below, names)))
        own = (each for each in self._present if not names or each.rpartition("/")[2] in names)
        return found | {path for path in own if path.startswith(below)}


class IndexSnapshot(_Overlaid):
    """The index that is being committed; ``GIT_INDEX_FILE`` says which that is.

    ``staged`` lists its differences from HEAD.
    """

    def __init__(
        self, objects: Objects, repository: Repository, staged: Mapping[str, ChangedPath]
    ) -> None:
        head = (
            EmptySnapshot("empty tree", objects)
            if repository.head is None
            else TreeSnapshot(repository.head, objects, repository)
        )
        super().__init__("index", head, {path: each.after for path, each in staged.items()})
        self._repository = repository
        self._named: dict[frozenset[str], list[str]] = {}

    def named(self, names: frozenset[str]) -> Iterable[str]:
        if names not in self._named:
            listed = self._list([f":(top)*{name}" for name in sorted(names)])
            self._named[names] = [path for path in listed if path.rpartition("/")[2] in names]
        return self._named[names]

    @cached_property
    def _everything(self) -> list[str]:
        return self._list([])

    def everything(self) -> Iterable[str]:
        return self._everything

    def _list(self, specs: Sequence[str]) -> list[str]:
        """The paths that git lists, but for what is only intended to be added (``git add -N``)."""
        done = run_git(
            "ls-files", "--stage", "-z", "--full-name", "--", *specs, cwd=self._repository.top
        )
        return [
            path
            for path, entry in read_stage(done).items()
            if entry.oid not in _EMPTY_BLOBS or self.entry(path) is not None
        ]

    def grep(self, words: Collection[str], below: str, names: Collection[str] = ()) -> set[str]:
        if not words:
            return set()
        return set(_grep(self._repository, ["--cached"], words, below, names))


class EarlierSnapshot(_Overlaid):
    """A state as a later one without that one's changes."""

    def __init__(self, label: str, later: Snapshot, changes: Mapping[str, ChangedPath]) -> None:
        super().__init__(label, later, {path: each.before for path, each in changes.items()})
        self._changes = changes

    @property
    def changes(self) -> Mapping[str, ChangedPath]:
        """The later state's changes to this one."""
        return self._changes


def by_folder(paths: Iterable[str]) -> Mapping[str, list[str]]:
    """Paths by the folder that they are in, which is given with its slash."""
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(path[: path.rfind("/") + 1], []).append(path)
    return found


def read_stage(output: bytes) -> dict[str, TreeEntry]:
    """Read ``ls-files --stage -z``: ``100644 OID 0 TAB path NUL``."""
    entries: dict[str, TreeEntry] = {}
    for line in output.split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, oid, stage = head.decode("ascii").split(" ")
        if stage != "0":
            raise UndecidedError("a merge conflict is not resolved", path=path_text(path))
        entries[path_text(path)] = TreeEntry(mode, oid)
    return entries


def _paths(output: bytes) -> list[str]:
    """Paths that each end with NUL."""
    return [path_text(path) for path in output.split(b"\0") if path]


def _grep(
    repository: Repository,
    source: Sequence[str],
    words: Collection[str],
    below: str,
    names: Collection[str],
) -> list[str]:
    patterns = [part for word in sorted(words) for part in ("-e", word)]
    where = [f":(top,glob){below}**/{name}" for name in sorted(names)]
    return _paths(
        run_git(
            "grep", "--no-textconv", "--no-recurse-submodules", "-a", "-l", "-z", "-F",
            "--full-name", *patterns, *source, "--", *(where or [f":(top,literal){below}"]),
            cwd=repository.top, accepted=(0, 1),
        )
    )  # fmt: skip
