"""The files in the working tree. ``note`` and ``init`` read them, a hook never does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from npm_vetted.errors import UndecidedError
from npm_vetted.git.comparison import WORKTREE, Comparison
from npm_vetted.git.objects import SIZE_LIMIT, Objects
from npm_vetted.git.process import DIFF_INDEX, path_text
from npm_vetted.git.repository import (
    ChangedPath,
    Repository,
    TreeEntry,
    read_raw,
    run_git,
    without_filters,
)
from npm_vetted.git.snapshot import (
    VETTING,
    EarlierSnapshot,
    EmptySnapshot,
    Snapshot,
    by_folder,
    read_stage,
)

_OTHERS: Final = ("--others", "--exclude-standard")


class WorktreeSnapshot(Snapshot):
    """The files that git tracks or would add, with their content on the disk."""

    def __init__(self, objects: Objects, repository: Repository, names: Collection[str]) -> None:
        super().__init__("working tree", objects)
        self._repository = repository
        self._names = frozenset(names)

    def _list(self, *specs: str) -> dict[str, TreeEntry]:
        entries = {
            path: self._on_disk(path) for path in self._paths("--cached", *_OTHERS, "--", *specs)
        }
        return {path: entry for path, entry in entries.items() if entry is not None}

    def _paths(self, *words: str) -> set[str]:
        done = run_git("ls-files", "-z", "--full-name", *words, cwd=self._repository.top)
        return {path_text(path) for path in done.split(b"\0") if path}

    @property
    def _specs(self) -> list[str]:
        return [f":(top){VETTING}", *(f":(top)*{name}" for name in sorted(self._names))]

    @cached_property
    def _listed(self) -> dict[str, TreeEntry]:
        found = self._list(*self._specs)
        return {path: entry for path, entry in found.items() if self._is_listed(path)}

    def untracked(self) -> set[str]:
        """Those of the listed paths that the index does not know."""
        return self._listed.keys() & self._paths(*_OTHERS, "--", *self._specs)

    def _is_listed(self, path: str) -> bool:
        return path.startswith(VETTING) or path.rpartition("/")[2] in self._names

    @cached_property
    def _everything(self) -> dict[str, TreeEntry]:
        return self._list()

    def _on_disk(self, path: str) -> TreeEntry | None:
        place = Path(self._repository.top, path)
        if place.is_symlink():
            return TreeEntry("120000", "")
        return TreeEntry("100644", "") if place.is_file() else self._sparse.get(path)

    @cached_property
    def _sparse(self) -> dict[str, TreeEntry]:
        """Files that a sparse checkout leaves out: the index's content will be committed."""
        done = run_git("ls-files", "-t", "--stage", "-z", "--full-name", cwd=self._repository.top)
        left_out = [line[2:] for line in done.split(b"\0") if line.startswith(b"S ")]
        return read_stage(b"".join(line + b"\0" for line in left_out))

    def entry(self, path: str) -> TreeEntry | None:
        listing = self._listed if self._is_listed(path) else self._everything
        return listing.get(path)

    def everything(self) -> Iterable[str]:
        return self._everything

    def listed(self) -> Iterable[str]:
        """The paths with the names that were requested, and everything below ``.vetting/``."""
        return self._listed

    def named(self, names: frozenset[str]) -> Iterable[str]:
        within = self._listed if names <= self._names else self._everything
        return [path for path in within if path.rpartition("/")[2] in names]

    def below(self, folder: str) -> Iterator[str]:
        within = self._listed if folder.startswith(VETTING) else self._everything
        return (path for path in within if path.startswith(folder))

    @cached_property
    def _by_folder(self) -> Mapping[str, list[str]]:
        return by_folder(self._listed)

    def read(self, path: str) -> bytes | None:
        entry = self.entry(path)
        if entry is None:
            return None
        if entry.mode == "120000":
            raise UndecidedError("a symbolic link is not followed", path=path)
        if entry.oid:
            return self.objects.read(entry.oid, path)
        place = Path(self._repository.top, path)
        if place.stat().st_size > SIZE_LIMIT:
            raise UndecidedError(f"more than the {SIZE_LIMIT:,} bytes that are read", path=path)
        return place.read_bytes()

    def grep(self, words: Collection[str], below: str, names: Collection[str] = ()) -> set[str]:
        """Exact, by reading: only people wait for this one."""
        found = set()
        for path in self.below(below):
            if names and path.rpartition("/")[2] not in names:
                continue
            text = (self.read(path) or b"").decode("utf-8", "replace")
            if any(word in text for word in words):
                found.add(path)
        return found


def compare_worktree(
    repository: Repository, objects: Objects, names: Collection[str], *, everything: bool = False
) -> Comparison:
    """Compare the working tree with HEAD, or with nothing: as if all files were committed."""
    after = WorktreeSnapshot(objects, repository, names)
    tree = repository.empty_tree if everything else repository.head or repository.empty_tree
    command = [each for each in DIFF_INDEX if each != "--cached"]
    touched = read_raw(
        run_git(
            *command,
            "--ignore-submodules=dirty",
            tree,
            "--",
            cwd=repository.top,
            settings=without_filters(repository.top),
        )
    )
    for path in after.listed() if everything else after.untracked() - touched.keys():
        touched.setdefault(path, ChangedPath(None, after.entry(path)))
    touched = {path: each._replace(after=after.entry(path)) for path, each in touched.items()}
    before: Snapshot = EmptySnapshot("empty tree", objects)
    if not everything and repository.head:
        before = EarlierSnapshot(repository.head, after, touched)
    policy_source = after if everything else before
    return Comparison(
        parents=(before,),
        after=after,
        policy_source=policy_source,
        touched=touched,
        everything=everything,
        scope=(WORKTREE,),
    )


def unstaged(repository: Repository) -> set[str]:
    """The tracked files that differ between the index and the working tree."""
    done = run_git(
        "diff-files", "--name-only", "-z", "--ignore-submodules=dirty", cwd=repository.top,
        settings=without_filters(repository.top),
    )  # fmt: skip
    return {path_text(path) for path in done.split(b"\0") if path}
