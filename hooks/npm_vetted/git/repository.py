"""The repository of the working directory: its git processes, its HEAD, and its differences.

Git runs hardened (``process.py``): no hooks, no fsmonitor, no external diff, no pager, no network,
so that a repository's own configuration can neither run code nor fetch.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from npm_vetted.errors import UndecidedError, UsageError
from npm_vetted.git.process import DIFF_INDEX, git_environment, hardened, path_text

_FATAL: Final = 128
"""Git's exit status where it cannot do what it was asked: here, that there is no such thing."""


LINK: Final = "120000"
"""Git's mode of a symbolic link."""
SUBMODULE: Final = "160000"
"""Git's mode of a commit of another repository."""


class TreeEntry(NamedTuple):
    """The entry of a tree or of the index for a path."""

    mode: str
    oid: str


class ChangedPath(NamedTuple):
    """A path that differs between two snapshots; None: not there."""

    before: TreeEntry | None
    after: TreeEntry | None

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link from here on."""
        return self.after is not None and self.after.mode == "120000"


def run_git(
    *arguments: str,
    cwd: str | None = None,
    accepted: Collection[int] = (0,),
    settings: Collection[tuple[str, str]] = (),
) -> bytes:
    """Run git and give its standard output; raises UndecidedError where git fails.

    ``accepted`` are the exit statuses that are an answer; ``settings`` override configuration.

    A plain process, not GitPython: importing that costs 65 ms (measured), as much as everything
    else that a small commit needs.
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
        for key in path_text(keys).split("\0")
        if key
    ]


class Repository(NamedTuple):
    """A git repository: its top folder, its git directory, and its HEAD.

    ``known`` is the output of ``diff-index`` against HEAD, if a caller has it already.
    """

    top: str
    git_dir: str
    shallow: bool
    object_format: str
    head: str | None
    known: bytes | None = None
    bare: bool = False

    @classmethod
    def open_bare(cls) -> Repository | None:
        """The bare repository that we are in, as a pre-receive hook is; None: this is none."""
        done = run_git(
            "rev-parse", "--is-bare-repository", "--absolute-git-dir", "--is-shallow-repository",
            "--show-object-format", accepted=(0, _FATAL),
        )  # fmt: skip
        lines = path_text(done).split("\n")[:-1]
        if len(lines) != 4 or lines[0] != "true":
            return None
        return cls(lines[1], lines[1], lines[2] == "true", lines[3], None, bare=True)

    @classmethod
    def open(cls, directory: str | None = None, known: bytes | None = None) -> Repository:
        """The repository around a directory; raises UsageError where there is none."""
        asked = ("--show-toplevel", "--absolute-git-dir", "--is-shallow-repository")
        done = run_git(
            "rev-parse", *asked, "--show-object-format", "HEAD", cwd=directory,
            accepted=(0, _FATAL),
        )  # fmt: skip
        lines = path_text(done).split("\n")[:-1]
        if len(lines) < 4:
            raise _not_opened(directory or os.getcwd())  # noqa: PTH109
        if len(lines) > 5:
            raise UndecidedError("the repository's path holds a line break", fix="move it")
        oid = lines[4] if len(lines) > 4 and re.fullmatch("[0-9a-f]{40,64}", lines[4]) else None
        return cls(lines[0], lines[1], lines[2] == "true", lines[3], oid, known if oid else None)

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

    @property
    def commits_the_index(self) -> bool:
        """Whether a commit takes the index as it lies there, and not what ``-a`` or a path adds.

        For those git makes an index that is gone after a rejection: what they hold is then found in
        the working tree only.
        """
        used = os.environ.get("GIT_INDEX_FILE")
        own = os.path.join(self.git_dir, "index")  # noqa: PTH118
        return used is None or os.path.realpath(used) == os.path.realpath(own)

    def merge_heads(self) -> tuple[str, ...]:
        """The other parents of the merge that is being committed; none where it is no merge."""
        try:
            with open(  # noqa: PTH123 - pathlib costs an import that a hook can spare
                os.path.join(self.git_dir, "MERGE_HEAD"),  # noqa: PTH118
                encoding="ascii",
                errors="replace",
            ) as file:
                text = file.read()
        except OSError:
            # A clean merge's pre-merge-commit hook runs before MERGE_HEAD is written (measured).
            text = "\n".join(
                name.removeprefix("GITHEAD_") for name in os.environ if name.startswith("GITHEAD_")
            )
        oids = re.findall(r"^[0-9a-f]{40,64}$", text, re.MULTILINE)
        return tuple(oid for oid in oids if oid != self.head)

    def commit(self, name: str) -> str:
        """The commit that a name means; raises UsageError where there is none."""
        found = self.ref(name)
        if found is None:
            raise UsageError(
                f"{name!r} is not a commit of this repository", fix=self._fetch_command(name)
            )
        return found

    def _fetch_command(self, name: str) -> str:
        """The command that fetches a commit, by the name under which it is missing."""
        remotes = self.remotes()
        remote, slash, branch = name.partition("/")
        if not slash or remote not in remotes:
            remote, branch = (remotes or ("origin",))[0], name
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", branch) is None:
            # An ancestor (main~3) is missing where the clone does not reach back so far.
            return f"fetch it first: git fetch {'--unshallow ' if self.shallow else ''}{remote}"
        if not slash or re.fullmatch("[0-9a-f]{40,64}", name):
            return f"fetch it first: git fetch {remote} {branch}"
        return f"fetch it first: git fetch {remote} {branch}:refs/remotes/{remote}/{branch}"

    def remotes(self) -> tuple[str, ...]:
        """The names of the remotes that are configured; ``origin`` first."""
        done = path_text(run_git("remote", cwd=self.top)).split("\n")[:-1]
        return tuple(sorted(done, key=lambda name: (name != "origin", name)))

    def ref(self, name: str) -> str | None:
        """The commit that a name means; None: there is none."""
        done = run_git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}",
            cwd=self.top, accepted=(0, 1, _FATAL),
        )  # fmt: skip
        return done.decode().strip() or None

    def symbolic_ref(self, name: str) -> str | None:
        """The ref that a symbolic ref points to; None: it is none."""
        done = run_git("symbolic-ref", "--quiet", name, cwd=self.top, accepted=(0, 1, _FATAL))
        return path_text(done).strip() or None

    def merge_base(self, one: str, other: str, *more: str) -> str:
        """The merge base of commits; raises UndecidedError where git finds none."""
        many = ("--octopus",) if more else ()
        done = run_git("merge-base", *many, one, other, *more, cwd=self.top, accepted=(0, 1))
        if not done:
            why = "the clone is shallow" if self.shallow else "they share no history"
            raise UndecidedError(
                f"no merge base of {one[:12]} and {other[:12]}: {why}",
                fix="fetch the full history: git fetch --unshallow (in CI: fetch-depth: 0)",
            )
        return done.decode().split()[0]

    def merge_bases(self, one: str, other: str, *, optional: bool = False) -> tuple[str, ...]:
        """Every merge base of two commits, in git's order; several in a criss-cross history.

        Raises UndecidedError where there is none, unless that is ``optional``.
        """
        done = run_git("merge-base", "--all", one, other, cwd=self.top, accepted=(0, 1))
        if not done and not optional:
            self.merge_base(one, other)
        return tuple(done.decode().split())

    def staged(self, against: str | None) -> dict[str, ChangedPath]:
        """The index's differences from a commit (None: from the empty tree)."""
        if self.known is not None and against == self.head:
            return read_raw(self.known)
        return read_raw(run_git(*DIFF_INDEX, against or self.empty_tree, "--", cwd=self.top))

    def tracks(self, paths: Iterable[str]) -> bool:
        """Whether the index has any of some files."""
        specs = [f":(top,literal){path}" for path in paths]
        return bool(specs and run_git("ls-files", "-z", "--", *specs, cwd=self.top))

    def between(self, one: str, other: str) -> dict[str, ChangedPath]:
        """The differences between two trees or commits."""
        done = run_git("diff-tree", "-r", "--raw", "-z", "--no-renames", "--full-index",
                       "--no-ext-diff", one, other, "--", cwd=self.top)  # fmt: skip
        return read_raw(done)


def _not_opened(directory: str) -> UsageError:
    """Why git finds no repository in a folder."""
    try:
        run_git("rev-parse", "--show-toplevel", cwd=directory)
        words = ""
    except UndecidedError as error:
        words = error.message
    # Git's own words, of which the last line is kept: it has no other way to say so.
    if "safe.directory" in words or "dubious ownership" in words:
        return UsageError(
            f"git refuses {directory}: it belongs to another user",
            fix=f'git config --global --add safe.directory "{directory}"',
        )
    return UsageError(
        f"{directory} is not inside a git repository's work tree",
        fix="run npm-vetted inside the repository, or name it with -C DIR; "
        "if this is a repository, git status says what is wrong with it",
    )


def read_raw(output: bytes) -> dict[str, ChangedPath]:
    """Read ``--raw -z`` output: ``:100644 100644 OID OID M NUL path NUL``."""
    fields = output.split(b"\0")
    changes: dict[str, ChangedPath] = {}
    for head, path in zip(fields[0:-1:2], fields[1::2], strict=True):
        old_mode, new_mode, old, new, status = head.decode("ascii")[1:].split(" ")
        if status.startswith("U"):
            raise UndecidedError(
                "a merge conflict is not resolved",
                path=path_text(path),
                fix="resolve it and git add the file, then try again",
            )
        changes[path_text(path)] = ChangedPath(
            None if old_mode == "000000" else TreeEntry(old_mode, old),
            None if new_mode == "000000" else TreeEntry(new_mode, new),
        )
    return changes
