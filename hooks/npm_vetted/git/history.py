"""Reads from git's history, in one pass, which commit added a file or a line.

The commits are streamed from one ``git log``: memory holds one line of a diff at a time. In a
shallow clone the boundary commits are ignored, because git shows them as if they had added every
file.
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Final, NamedTuple, cast

from npm_vetted.errors import UndecidedError
from npm_vetted.git.process import git_environment, git_program, hardened, path_text
from npm_vetted.git.repository import Repository

if TYPE_CHECKING:
    from git.cmd import Git

_FORMAT: Final = "%x00%H%x00%P%x00%an%x00%ae%x00%ct%x00%s"
_PLAIN_PATHS: Final = {
    f"GIT_{name}_PATHSPECS": "0" for name in ("LITERAL", "GLOB", "NOGLOB", "ICASE")
}
_ESCAPES: Final = {
    b"n": b"\n",
    b"t": b"\t",
    b"r": b"\r",
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"v": b"\v",
}


class Commit(NamedTuple):
    """One commit. ``author`` is ``Name <email>`` as the commit has it; ``date`` is the committer's."""

    id: str
    parents: tuple[str, ...]
    author: str
    date: datetime.datetime
    subject: str

    @property
    def merge(self) -> bool:
        """Whether it joins several lines of history."""
        return len(self.parents) > 1


class FileTouched(NamedTuple):
    """A commit adds, changes or removes a file; ``before`` and ``after`` are ids of its content.

    None means that there is no such file. In a merge, ``before`` is the first parent's file.
    """

    commit: Commit
    path: str
    before: str | None
    after: str | None


class LineTouched(NamedTuple):
    """A commit adds a line to a file, or removes one."""

    commit: Commit
    path: str
    added: bool
    line: bytes


def read_history(
    repository: Repository,
    revisions: Sequence[str],
    paths: Sequence[str],
    *,
    first_parent: bool = False,
) -> Iterator[FileTouched | LineTouched]:
    """The changes of commits to some files (git's pathspecs), the oldest commit first.

    With ``first_parent``, only commits of the trunk are read, and a merge counts with all changes
    of its branch. Otherwise each commit counts with its own changes, and a merge with those that
    none of its parents has.
    """
    way = ("--first-parent", "-m") if first_parent else ("-c",)
    arguments = (
        "-c", "core.quotePath=false", "log", "--reverse", "--topo-order", *way, "--raw", "--no-abbrev", "-p",
        "-U0", "--no-renames", "--text", "--no-ext-diff", "--no-textconv", "--no-color", "--src-prefix=a/",
        "--dst-prefix=b/", "--submodule=short", "--ignore-submodules=none", "--no-show-signature",
        "--encoding=UTF-8", f"--format={_FORMAT}", *revisions, "--", *paths,
    )  # fmt: skip
    cut = boundaries(repository)
    for each in _events(_lines(repository, arguments)):
        if each.commit.id not in cut:
            yield each


def _events(lines: Iterable[bytes]) -> Iterator[FileTouched | LineTouched]:
    """Decode the stream. A body's lines start with ``+``, ``-``, a blank or a backslash, no others do."""
    commit: Commit | None = None
    path = ""
    in_body = False
    columns = 1
    for line in lines:
        first = line[:1]
        if first == b"\0":
            commit, in_body = _commit(line), False
        elif commit is None:
            continue
        elif in_body and first in (b"+", b"-", b" "):
            marks = line[:columns]
            if b"-" in marks or b" " not in marks:  # else a parent of the merge has the line
                yield LineTouched(commit, path, b"-" not in marks, line[columns:])
        elif first == b"@":
            in_body, columns = True, len(line) - len(line.lstrip(b"@")) - 1
        elif first == b"d" and line.startswith((b"diff ", b"deleted ")):
            in_body = False
        elif first == b":":
            yield _touched(commit, line)
        elif line.startswith((b"--- ", b"+++ ")) and line[4:] != b"/dev/null":
            path = _unquoted(line[4:].removesuffix(b"\t"))[2:]


def _commit(line: bytes) -> Commit:
    fields = line.decode("utf-8", "replace").split("\0")
    _, oid, parents, name, email, seconds, subject = (*fields[:6], "\0".join(fields[6:]))
    return Commit(
        oid, tuple(parents.split()), f"{name} <{email}>", _time(seconds), subject
    )  # fmt: skip


def _time(seconds: str) -> datetime.datetime:
    """A commit's time; one beyond the calendar counts as the calendar's end."""
    last = datetime.datetime.max.replace(microsecond=0, tzinfo=datetime.UTC)
    try:
        return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return last


def _touched(commit: Commit, line: bytes) -> FileTouched:
    """Read a raw line: ``:100644 100644 OID OID M TAB path``; of a merge, with a field for each parent."""
    head, _, path = line.partition(b"\t")
    words = head.lstrip(b":").split(b" ")
    count = len(head) - len(head.lstrip(b":"))
    oids = [word.decode("ascii") for word in words[count + 1 : 2 * count + 2]]
    before, after = (None if set(each) == {"0"} else each for each in (oids[0], oids[-1]))
    return FileTouched(commit, _unquoted(path), before, after)


def _unquoted(path: bytes) -> str:
    """A path as git prints it: in double quotes with escapes, where it holds a control character."""
    if path.startswith(b'"') and path.endswith(b'"'):
        path = re.sub(rb"\\([0-7]{3}|.)", _unescaped, path[1:-1])
    return path_text(path)


def _unescaped(found: re.Match[bytes]) -> bytes:
    text = found.group(1)
    return bytes([int(text, 8) & 255]) if len(text) == 3 else _ESCAPES.get(text, text)


def commits(repository: Repository, ids: Collection[str]) -> dict[str, Commit]:
    """Some commits by their ids."""
    found: dict[str, Commit] = {}
    wanted = sorted(ids)
    for at in range(0, len(wanted), 500):
        arguments = ("log", "--no-walk=unsorted", "--no-show-signature", "--no-patch",
                     "--encoding=UTF-8", f"--format={_FORMAT}", *wanted[at : at + 500])  # fmt: skip
        for line in _lines(repository, arguments):
            commit = _commit(line)
            found[commit.id] = commit
    return found


def landings(repository: Repository, revision: str, ids: Collection[str]) -> dict[str, str]:
    """The trunk's commit that brought each of some commits to the trunk: itself, or the merge.

    The trunk is the line of first parents from ``revision``. Git lists every commit before its
    parents, so each is settled when it is met, and memory holds only the edge of what was seen.
    """
    found: dict[str, str] = {}
    owners: dict[str, int] = {}
    trunk: list[str] = []
    on_trunk = revision
    for line in _lines(repository, ("rev-list", "--topo-order", "--parents", revision, "--")):
        oid, *parents = line.decode("ascii").split()
        if oid == on_trunk:
            owner = len(trunk)
            trunk.append(oid)
            on_trunk = parents[0] if parents else ""
            owners.pop(oid, None)
        else:
            owner = owners.pop(oid, 0)
        if oid in ids:
            found[oid] = trunk[owner]
        for parent in parents:
            if parent != on_trunk:
                owners[parent] = max(owners.get(parent, 0), owner)
    return found


def last_before(repository: Repository, revision: str, when: datetime.date) -> str | None:
    """The trunk's last commit before a day (UTC) began; None: there is none."""
    arguments = (
        "rev-list",
        "--first-parent",
        "-1",
        f"--before={when.isoformat()}T00:00:00Z",
        revision,
        "--",
    )
    lines = list(_lines(repository, arguments))
    return lines[0].decode("ascii") if lines else None


def boundaries(repository: Repository) -> frozenset[str]:
    """The boundary commits of a shallow clone: files that they seem to add may be older."""
    if not repository.shallow:
        return frozenset()
    from npm_vetted.git.repository import run_git

    place = path_text(run_git("rev-parse", "--git-path", "shallow", cwd=repository.top)).rstrip(
        "\n"
    )
    try:
        with open(os.path.join(repository.top, place), encoding="ascii") as file:  # noqa: PTH118, PTH123
            return frozenset(file.read().split())
    except OSError:
        raise UndecidedError("the clone is shallow, and where it is cut cannot be read") from None


def _lines(repository: Repository, arguments: Sequence[str]) -> Iterator[bytes]:
    """The lines that a git command prints, without their ends; raises UndecidedError where it fails."""
    from git.exc import GitCommandError

    process = _git()(repository.top).execute(
        hardened(*arguments), env={**git_environment(), **_PLAIN_PATHS}, as_process=True
    )
    complete = False
    try:
        for line in cast("IO[bytes]", process.stdout):
            yield line.removesuffix(b"\n")
        complete = True
    finally:
        if not complete and process.proc is not None:
            process.proc.kill()
    try:
        process.wait()
    except GitCommandError as error:
        words = str(error.stderr).strip().splitlines() or ["it failed"]
        raise UndecidedError(f"git {arguments[0]} failed: {words[-1]}") from None


def _git() -> type[Git]:
    """GitPython's ``Git``, told which git to run: when imported, it runs one at once."""
    os.environ["GIT_PYTHON_GIT_EXECUTABLE"] = git_program()
    from git.cmd import Git

    return Git


class Mailmap:
    """A ``.mailmap``: the proper name and address of an author (gitmailmap(5))."""

    def __init__(self, data: bytes | None) -> None:
        self._proper: dict[tuple[str, str], tuple[str, str]] = {}
        for row in (data or b"").decode("utf-8", "replace").split("\n"):
            found = re.match(r"([^<>#]*+)<([^<>]*+)>(?:([^<>]*+)<([^<>]*+)>)?", row)
            if found is None:
                continue
            name, email, old_name, old_email = (
                " ".join(part.split()) if part else "" for part in found.groups()
            )
            if found.group(4) is None:
                self._join(("", email), (name, ""))
            else:
                self._join((old_name, old_email), (name, email))

    def _join(self, old: tuple[str, str], new: tuple[str, str]) -> None:
        key = (old[0].lower(), old[1].lower())
        known = self._proper.get(key, ("", ""))
        self._proper[key] = (new[0] or known[0], new[1] or known[1])

    def proper(self, author: str) -> str:
        """``Name <email>`` of an author, who is given as a commit has it."""
        name, _, rest = author.rpartition(" <")
        email = rest.removesuffix(">")
        known = self._proper.get((name.lower(), email.lower()))
        new_name, new_email = known or self._proper.get(("", email.lower()), ("", ""))
        return f"{new_name or name} <{new_email or email}>"


def signature_class(header: bytes, verified: str) -> str:
    """``good``, ``bad``, ``present, not checked`` or ``none``.

    ``header`` is the commit's own: only it says whether there is a signature. ``verified`` is git's
    ``%G?``: git prints ``N`` too where it was not told whom to trust. Only ``good`` is proof: a
    signature of an unknown key, or one that has expired, counts as not checked.
    """
    lines = header.split(b"\n")
    if not any(line.startswith((b"gpgsig ", b"gpgsig-sha256 ")) for line in lines):
        return "none"
    return {"G": "good", "B": "bad", "R": "bad"}.get(verified, "present, not checked")


def verified_signatures(
    repository: Repository, ids: Collection[str], signers: str | None
) -> Mapping[str, str]:
    """Git's ``%G?`` of some signed commits; ``signers`` is the file of allowed SSH signers to use."""
    settings = () if signers is None else ("-c", f"gpg.ssh.allowedSignersFile={signers}")
    found: dict[str, str] = {}
    wanted = sorted(ids)
    for at in range(0, len(wanted), 200):
        arguments = (*settings, "log", "--no-walk=unsorted", "--no-patch", "--no-show-signature",
                     "--format=%H %G?", *wanted[at : at + 200])  # fmt: skip
        for line in _lines(repository, arguments):
            oid, _, letter = line.decode("ascii").partition(" ")
            found[oid] = letter
    return found
