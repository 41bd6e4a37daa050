"""What git holds of the judged commit: the only module that knows git's object store.

Two snapshots are compared, *before* and *after*. What differs is asked of git once; what both
share is read through the later one, so that the earlier needs no listing of its own. Blobs come
from one ``cat-file --batch``. Git runs hardened: no hooks, no fsmonitor, no external diff, no
pager, no network, so that a repository's own configuration can neither run code nor fetch.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple, cast

from npm_vetted.errors import UndecidedError, UsageError
from npm_vetted.gitprocess import DIFF_INDEX, git_environment, hardened

if TYPE_CHECKING:
    from types import TracebackType

SIZE_LIMIT: Final = 32 * 1024 * 1024
"""Bytes. A lockfile of 10,000 packages has 5 million; beyond this nothing is read."""

VETTING: Final = ".vetting/"

_EMPTY_BLOBS: Final = frozenset(
    {
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    }
)


_FATAL: Final = 128
"""Git's exit status where it cannot do what it was asked: here, that there is no such thing."""


class TreeEntry(NamedTuple):
    """What a tree or the index says of a path."""

    mode: str
    oid: str


class FileChange(NamedTuple):
    """A path that differs between two snapshots; None: not there."""

    before: TreeEntry | None
    after: TreeEntry | None


def run_git(
    *arguments: str,
    cwd: str | None = None,
    accepted: Collection[int] = (0,),
    settings: Collection[tuple[str, str]] = (),
) -> bytes:
    """Run git and give its standard output; raises UndecidedError where git fails.

    ``accepted`` are the exit statuses that are an answer; ``settings`` override configuration.

    A plain process, not GitPython: importing that costs 65 ms (measured), more than everything a
    commit needs that touches nothing of npm's.
    """
    try:
        done = subprocess.run(
            hardened(*arguments), cwd=cwd, env=git_environment(settings), capture_output=True,
            check=False,
        )  # fmt: skip
    except OSError as error:
        raise UndecidedError(f"git cannot be run: {error}", fix="install git") from None
    if done.returncode not in accepted:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = words[-1] if words else f"exit status {done.returncode}"
        raise UndecidedError(f"git {arguments[0]} failed: {why}")
    return done.stdout


def without_filters(top: str) -> list[tuple[str, str]]:
    """The settings under which git reads the working tree without running a filter's program."""
    keys = run_git(
        "config", "-z", "--name-only", "--get-regexp", r"^filter\.", cwd=top, accepted=(0, 1)
    )
    return [
        (key, "false" if key.endswith(".required") else "")
        for key in os.fsdecode(keys).split("\0")
        if key
    ]


class Repository(NamedTuple):
    """A git repository: its top, its git directory, and what HEAD is."""

    top: str
    git_dir: str
    shallow: bool
    object_format: str
    head: str | None

    @classmethod
    def open(cls, directory: str | None = None) -> Repository:
        """The repository around a directory; raises UsageError where there is none."""
        asked = ("--show-toplevel", "--absolute-git-dir", "--is-shallow-repository")
        done = run_git(
            "rev-parse", *asked, "--show-object-format", "HEAD", cwd=directory,
            accepted=(0, _FATAL),
        )  # fmt: skip
        lines = os.fsdecode(done).split("\n")[:-1]
        if len(lines) < 4:
            raise UsageError(
                f"{directory or os.getcwd()} is not inside a git repository's work tree",  # noqa: PTH109
                fix="run it inside the repository, or name one with -C DIR; "
                "where it is one, git status says what is wrong with it",
            )
        if len(lines) > 5:
            raise UndecidedError("the repository's path holds a line break", fix="move it")
        oid = lines[4] if len(lines) > 4 and re.fullmatch("[0-9a-f]{40,64}", lines[4]) else None
        return cls(lines[0], lines[1], lines[2] == "true", lines[3], oid)

    @property
    def empty_tree(self) -> str:
        """The id of the tree without files, which git knows without having it."""
        if self.object_format == "sha256":
            return "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
        return "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

    @property
    def committing(self) -> bool:
        """Whether git itself is running us: it tells its hooks which index it commits."""
        return "GIT_INDEX_FILE" in os.environ

    def merge_heads(self) -> tuple[str, ...]:
        """The other parents of the merge that is being committed; none where it is no merge."""
        try:
            text = Path(self.git_dir, "MERGE_HEAD").read_text(encoding="ascii", errors="replace")
        except OSError:
            # A clean merge's pre-merge-commit hook runs before MERGE_HEAD is written (measured).
            text = "\n".join(
                name.removeprefix("GITHEAD_") for name in os.environ if name.startswith("GITHEAD_")
            )
        oids = re.findall(r"^[0-9a-f]{40,64}$", text, re.MULTILINE)
        return tuple(oid for oid in oids if oid != self.head)

    def commit(self, name: str) -> str:
        """The commit that a name stands for; raises UsageError where there is none."""
        done = run_git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}",
            cwd=self.top, accepted=(0, 1, _FATAL),
        )  # fmt: skip
        if not done:
            raise UsageError(f"{name!r} is not a commit of this repository")
        return done.decode().strip()

    def merge_base(self, one: str, other: str) -> str:
        """The merge base of two commits; raises UndecidedError where git finds none."""
        done = run_git("merge-base", one, other, cwd=self.top, accepted=(0, 1))
        if not done:
            why = "the clone is shallow" if self.shallow else "they share no history"
            raise UndecidedError(
                f"no merge base of {one[:12]} and {other[:12]}: {why}",
                fix="fetch the full history: git fetch --unshallow (in CI: fetch-depth: 0)",
            )
        return done.decode().split()[0]

    def staged(self, against: str | None) -> dict[str, FileChange]:
        """What the index changes against a commit (None: against the empty tree)."""
        tree = against or self.empty_tree
        done = run_git(*DIFF_INDEX, tree, "--", cwd=self.top)
        return _read_raw(done)

    def between(self, one: str, other: str) -> dict[str, FileChange]:
        """What differs between two trees or commits."""
        done = run_git("diff-tree", "-r", "--raw", "-z", "--no-renames", "--full-index",
                       "--no-ext-diff", one, other, "--", cwd=self.top)  # fmt: skip
        return _read_raw(done)


def _read_raw(output: bytes) -> dict[str, FileChange]:
    """Read ``--raw -z`` output: ``:100644 100644 OID OID M NUL path NUL``."""
    fields = output.split(b"\0")
    changes: dict[str, FileChange] = {}
    for head, path in zip(fields[0:-1:2], fields[1::2], strict=True):
        old_mode, new_mode, old, new, status = head.decode("ascii")[1:].split(" ")
        if status.startswith("U"):
            raise UndecidedError("a merge conflict is not resolved", path=os.fsdecode(path))
        changes[os.fsdecode(path)] = FileChange(
            None if old_mode == "000000" else TreeEntry(old_mode, old),
            None if new_mode == "000000" else TreeEntry(new_mode, new),
        )
    return changes


class Blobs:
    """Reads blobs by their ids from one ``git cat-file --batch``, started when first needed."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Blobs:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the git process, if one runs."""
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()
            self._process.wait()
            self._process = None

    def _start(self) -> subprocess.Popen[bytes]:
        """A plain process, as in ``run_git``: the pipe is all that GitPython would give."""
        if self._process is None:
            self._process = subprocess.Popen(
                hardened("cat-file", "--batch"),
                cwd=self._repository.top,
                env=git_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process

    def read(self, oid: str, path: str) -> bytes:
        """A blob's bytes; raises UndecidedError where git does not have it or it is too large."""
        with self._lock:  # the registry client asks from several threads
            return self._read(oid, path)

    def _read(self, oid: str, path: str) -> bytes:
        process = self._start()
        stdin, stdout = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        stdin.write(oid.encode() + b"\n")
        stdin.flush()
        words = stdout.readline().split()
        if len(words) != 3 or words[1] != b"blob":
            raise UndecidedError(
                "git does not have this file's content (a partial or broken clone)",
                path=path,
                fix="fetch it: git fetch --refetch, or clone without --filter",
            )
        size = int(words[2])
        if size > SIZE_LIMIT:
            self._skip(stdout, size + 1)
            raise UndecidedError(
                f"{size:,} bytes: more than the {SIZE_LIMIT:,} that are read", path=path
            )
        data = stdout.read(size)
        stdout.read(1)
        return data

    @staticmethod
    def _skip(stdout: IO[bytes], size: int) -> None:
        while size > 0:
            size -= len(stdout.read(min(size, 1 << 20)) or b"x" * size)


class Snapshot:
    """One state of the repository's files."""

    def __init__(self, label: str, blobs: Blobs) -> None:
        self.label = label
        self.blobs = blobs

    @property
    def changes(self) -> Mapping[str, FileChange]:
        """What the later state changes of this one; nothing where nothing was there."""
        return {}

    def entry(self, path: str) -> TreeEntry | None:
        """What this state says of a path; None: no such file."""
        raise NotImplementedError

    def listed(self) -> Iterable[str]:
        """The paths with the names that were asked for, and everything below ``.vetting/``."""
        raise NotImplementedError

    def everything(self) -> Iterable[str]:
        """Every path; costs a listing of the whole repository."""
        raise NotImplementedError

    def grep(self, words: Collection[str], below: str) -> set[str]:
        """The files below a folder whose text holds one of these words."""
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
        return self.blobs.read(entry.oid, path)


class EmptySnapshot(Snapshot):
    """The state before the first commit."""

    def entry(self, path: str) -> TreeEntry | None:  # noqa: ARG002
        return None

    def listed(self) -> Iterable[str]:
        return ()

    everything = listed

    def grep(self, words: Collection[str], below: str) -> set[str]:  # noqa: ARG002
        return set()


class _Listed(Snapshot):
    """A state that git lists: what is often asked for at once, other paths when they are."""

    def __init__(
        self, label: str, blobs: Blobs, repository: Repository, names: Collection[str]
    ) -> None:
        super().__init__(label, blobs)
        self._repository = repository
        self._names = frozenset(names)
        self._others: dict[str, TreeEntry | None] = {}

    @cached_property
    def _entries(self) -> dict[str, TreeEntry]:
        return self._list_names()

    def _list_names(self) -> dict[str, TreeEntry]:
        raise NotImplementedError

    def _list(self, paths: Sequence[str]) -> dict[str, TreeEntry]:
        raise NotImplementedError

    def prepare(self) -> None:
        """Start what takes git a while, so that it runs beside our own imports."""

    def _is_listed(self, path: str) -> bool:
        return path.startswith(VETTING) or path.rpartition("/")[2] in self._names

    def entry(self, path: str) -> TreeEntry | None:
        if self._is_listed(path):
            return self._entries.get(path)
        if path not in self._others:
            self._others[path] = self._list([path]).get(path)
        return self._others[path]

    def listed(self) -> Iterable[str]:
        return self._entries

    @cached_property
    def _everything(self) -> dict[str, TreeEntry]:
        return self._list([])

    def everything(self) -> Iterable[str]:
        return self._everything

    def _grep(self, source: Sequence[str], words: Collection[str], below: str) -> list[str]:
        patterns = [part for word in sorted(words) for part in ("-e", word)]
        done = run_git("grep", "--no-textconv", "--no-recurse-submodules", "-a", "-l", "-z", "-F",
                       "--full-name", *patterns, *source, "--", f":(top,literal){below}",
                       cwd=self._repository.top, accepted=(0, 1))  # fmt: skip
        return [os.fsdecode(path) for path in done.split(b"\0") if path]


class IndexSnapshot(_Listed):
    """The index that is being committed; ``GIT_INDEX_FILE`` says which that is."""

    _listing: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        specs = [f":(top)*{name}" for name in sorted(self._names)]
        self._listing = subprocess.Popen(
            hardened("ls-files", "--stage", "-z", "--full-name", "--", f":(top){VETTING}", *specs),
            cwd=self._repository.top,
            env=git_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _list_names(self) -> dict[str, TreeEntry]:
        if self._listing is None:
            self.prepare()
        assert self._listing is not None
        output, _ = self._listing.communicate()
        if self._listing.returncode != 0:
            raise UndecidedError("git ls-files failed: the index cannot be read")
        found = _read_stage(output)
        ghosts = self._intended(
            [path for path, entry in found.items() if entry.oid in _EMPTY_BLOBS]
        )
        return {
            path: entry
            for path, entry in found.items()
            if path not in ghosts and self._is_listed(path)
        }

    def _intended(self, empty: list[str]) -> set[str]:
        """Of empty files, those that are only intended to be added (``git add -N``)."""
        if not empty:
            return set()
        specs = [f":(top,literal){path}" for path in empty]
        tree = self._repository.empty_tree
        done = run_git(*DIFF_INDEX, tree, "--", *specs, cwd=self._repository.top)
        return set(empty) - set(_read_raw(done))

    def _list(self, paths: Sequence[str]) -> dict[str, TreeEntry]:
        specs = [f":(top,literal){path}" for path in paths]
        return _read_stage(
            run_git(
                "ls-files", "--stage", "-z", "--full-name", "--", *specs, cwd=self._repository.top
            )
        )

    def grep(self, words: Collection[str], below: str) -> set[str]:
        return set(self._grep(["--cached"], words, below)) if words else set()


class TreeSnapshot(_Listed):
    """A commit's tree."""

    def __init__(
        self,
        commit: str,
        blobs: Blobs,
        repository: Repository,
        names: Collection[str],
    ) -> None:
        super().__init__(commit, blobs, repository, names)
        self.commit = commit

    def _list_names(self) -> dict[str, TreeEntry]:
        return {path: entry for path, entry in self._everything.items() if self._is_listed(path)}

    def _list(self, paths: Sequence[str]) -> dict[str, TreeEntry]:
        done = run_git("ls-tree", "-r", "-z", "--full-tree", self.commit, "--", *paths,
                       cwd=self._repository.top)  # fmt: skip
        return _read_tree(done)

    def grep(self, words: Collection[str], below: str) -> set[str]:
        found = self._grep([self.commit], words, below) if words else []
        return {path.removeprefix(f"{self.commit}:") for path in found}


class EarlierSnapshot(Snapshot):
    """A state known by what differs from a later one; the rest is read through that."""

    def __init__(self, label: str, later: Snapshot, changes: Mapping[str, FileChange]) -> None:
        super().__init__(label, later.blobs)
        self._later = later
        self._changes = changes

    @property
    def changes(self) -> Mapping[str, FileChange]:
        """What the later state changes of this one."""
        return self._changes

    def entry(self, path: str) -> TreeEntry | None:
        change = self._changes.get(path)
        return change.before if change is not None else self._later.entry(path)

    def read(self, path: str) -> bytes | None:
        return super().read(path) if path in self._changes else self._later.read(path)

    def _paths(self, later: Iterable[str], wanted: frozenset[str] | None) -> list[str]:
        paths = [path for path in later if path not in self._changes]
        for path, change in self._changes.items():
            name = path.rpartition("/")[2]
            if change.before and (wanted is None or path.startswith(VETTING) or name in wanted):
                paths.append(path)
        return paths

    def listed(self) -> Iterable[str]:
        wanted = self._later._names if isinstance(self._later, _Listed) else frozenset()
        return self._paths(self._later.listed(), wanted)

    def everything(self) -> Iterable[str]:
        return self._paths(self._later.everything(), None)

    def grep(self, words: Collection[str], below: str) -> set[str]:
        """Exact for files that both states share; a changed file counts where it existed before."""
        found = {path for path in self._later.grep(words, below) if path not in self._changes}
        return found | {
            path
            for path, change in self._changes.items()
            if change.before is not None and path.startswith(below)
        }


def _read_stage(output: bytes) -> dict[str, TreeEntry]:
    """Read ``ls-files --stage -z``: ``100644 OID 0 TAB path NUL``."""
    entries: dict[str, TreeEntry] = {}
    for line in output.split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, oid, stage = head.decode("ascii").split(" ")
        if stage != "0":
            raise UndecidedError("a merge conflict is not resolved", path=os.fsdecode(path))
        entries[os.fsdecode(path)] = TreeEntry(mode, oid)
    return entries


def _read_tree(output: bytes) -> dict[str, TreeEntry]:
    """Read ``ls-tree -r -z``: ``100644 blob OID TAB path NUL``."""
    entries: dict[str, TreeEntry] = {}
    for line in output.split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, _, oid = head.decode("ascii").split(" ")
        entries[os.fsdecode(path)] = TreeEntry(mode, oid)
    return entries


class Comparison(NamedTuple):
    """The snapshots that are compared, and the paths that differ.

    ``parents`` are the states that are not judged again (several in a merge), ``law`` the state
    whose policy judges. ``everything`` is ``--all``.
    """

    parents: tuple[Snapshot, ...]
    after: Snapshot
    law: Snapshot
    touched: Mapping[str, FileChange]
    everything: bool
    scope: tuple[str, ...] = ("--staged",)
    """The arguments with which ``note`` looks at the same change."""

    @property
    def before(self) -> Snapshot:
        """The first parent."""
        return self.parents[0]


def compare(
    repository: Repository,
    blobs: Blobs,
    names: Collection[str],
    *,
    from_ref: str | None = None,
    to_ref: str | None = None,
    everything: bool = False,
) -> Comparison:
    """What is judged, as DESIGN.md section 3 says; ``names`` are the file names listed at once."""
    if from_ref is not None:
        return _compare_range(repository, blobs, names, from_ref, to_ref or "HEAD")
    after = IndexSnapshot("index", blobs, repository, names)
    touched = repository.staged(repository.head)
    if everything or (not touched and not repository.committing):
        listing = repository.staged(None)
        return Comparison(
            parents=(EmptySnapshot("empty tree", blobs),),
            after=after,
            law=after,
            touched=listing,
            everything=True,
        )
    head = repository.head
    if head is None:
        first: Snapshot = EmptySnapshot("empty tree", blobs)
    else:
        first = EarlierSnapshot(head, after, touched)
    parents = [first]
    for other in repository.merge_heads():
        changes = repository.staged(other)
        parents.append(EarlierSnapshot(other, after, changes))
        touched = {path: change for path, change in touched.items() if path in changes}
    return Comparison(
        parents=tuple(parents), after=after, law=first, touched=touched, everything=False
    )


def _compare_range(
    repository: Repository, blobs: Blobs, names: Collection[str], from_ref: str, to_ref: str
) -> Comparison:
    after = TreeSnapshot(repository.commit(to_ref), blobs, repository, names)
    if set(from_ref) == {"0"}:  # git's word for "no such commit", on the first push of a branch
        base, law = repository.empty_tree, cast("Snapshot", EmptySnapshot("empty tree", blobs))
    else:
        start = repository.commit(from_ref)
        base = repository.merge_base(start, after.commit)
        law = TreeSnapshot(start, blobs, repository, names)
    touched = repository.between(base, after.commit)
    before: Snapshot = EarlierSnapshot(base, after, touched)
    scope = ("--from-ref", from_ref) + (("--to-ref", to_ref) if to_ref != "HEAD" else ())
    return Comparison(
        parents=(before,), after=after, law=law, touched=touched, everything=False, scope=scope
    )


class WorktreeSnapshot(_Listed):
    """The files as they lie in the working tree: what ``note`` and ``init`` look at, never a hook."""

    def _list_names(self) -> dict[str, TreeEntry]:
        specs = [f":(top)*{name}" for name in sorted(self._names)]
        done = run_git("ls-files", "-z", "--full-name", "--cached", "--others", "--exclude-standard",
                       "--", f":(top){VETTING}", *specs, cwd=self._repository.top)  # fmt: skip
        paths = {os.fsdecode(path) for path in done.split(b"\0") if path}
        entries = {path: self._on_disk(path) for path in paths if self._is_listed(path)}
        return {path: entry for path, entry in entries.items() if entry is not None}

    def _list(self, paths: Sequence[str]) -> dict[str, TreeEntry]:
        if not paths:
            done = run_git("ls-files", "-z", "--full-name", "--cached", "--others",
                           "--exclude-standard", cwd=self._repository.top)  # fmt: skip
            paths = [os.fsdecode(path) for path in done.split(b"\0") if path]
        found = {path: self._on_disk(path) for path in paths}
        return {path: entry for path, entry in found.items() if entry is not None}

    def _on_disk(self, path: str) -> TreeEntry | None:
        place = Path(self._repository.top, path)
        if place.is_symlink():
            return TreeEntry("120000", "")
        return TreeEntry("100644", "") if place.is_file() else self._sparse.get(path)

    @cached_property
    def _sparse(self) -> dict[str, TreeEntry]:
        """What a sparse checkout leaves out: it is committed as the index has it."""
        done = run_git("ls-files", "-t", "--stage", "-z", "--full-name", cwd=self._repository.top)
        left_out = [line[2:] for line in done.split(b"\0") if line.startswith(b"S ")]
        return _read_stage(b"".join(line + b"\0" for line in left_out))

    def read(self, path: str) -> bytes | None:
        entry = self.entry(path)
        if entry is None:
            return None
        if entry.mode == "120000":
            raise UndecidedError("a symbolic link is not followed", path=path)
        if entry.oid:
            return self.blobs.read(entry.oid, path)
        place = Path(self._repository.top, path)
        if place.stat().st_size > SIZE_LIMIT:
            raise UndecidedError(f"more than the {SIZE_LIMIT:,} bytes that are read", path=path)
        return place.read_bytes()

    def grep(self, words: Collection[str], below: str) -> set[str]:
        """Exact, by reading: only people wait for this one."""
        found = set()
        for path in self.listed():
            if path.startswith(below):
                text = (self.read(path) or b"").decode("utf-8", "replace")
                if any(word in text for word in words):
                    found.add(path)
        return found


def compare_worktree(
    repository: Repository, blobs: Blobs, names: Collection[str], *, everything: bool = False
) -> Comparison:
    """The working tree against HEAD, or against nothing: what a commit of all would be judged by."""
    after = WorktreeSnapshot("working tree", blobs, repository, names)
    tree = repository.empty_tree if everything else repository.head or repository.empty_tree
    command = [each for each in DIFF_INDEX if each != "--cached"]
    touched = _read_raw(
        run_git(
            *command,
            "--ignore-submodules=dirty",
            tree,
            "--",
            cwd=repository.top,
            settings=without_filters(repository.top),
        )
    )
    for path in after.listed():
        if everything or (path not in touched and _is_untracked(repository, path)):
            touched.setdefault(path, FileChange(None, after.entry(path)))
    touched = {path: each._replace(after=after.entry(path)) for path, each in touched.items()}
    before: Snapshot = EmptySnapshot("empty tree", blobs)
    if not everything and repository.head:
        before = EarlierSnapshot(repository.head, after, touched)
    law = after if everything else before
    return Comparison(
        parents=(before,), after=after, law=law, touched=touched, everything=everything
    )


def _is_untracked(repository: Repository, path: str) -> bool:
    """Whether the index does not know a file."""
    return not run_git("ls-files", "-z", "--", f":(top,literal){path}", cwd=repository.top)
