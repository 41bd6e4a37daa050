"""The early exit for most commits: those that touch no file that any check reads.

It runs before other imports and calls git once. Its only answer is that there is nothing to judge.
Every uncertain case is left to ``check``, which receives git's answer.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from types import SimpleNamespace

from npm_vetted.client_names import CODE_WORDS, WHOLE_WORDS, WORDS
from npm_vetted.git.process import DIFF_INDEX, git_environment, hardened, path_text, work_tree
from npm_vetted.projects.unread_names import is_program, is_unread
from npm_vetted.vetting.programs import PROGRAM_CODES, may_be_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_QUIET = ("-q", "--quiet")
_ARGUMENTS = frozenset({"--strict", "-v", "--verbose", *_QUIET})
_HOOKS = ("settings", "notes", "lockfile")

CLIENT_WORDS = (
    *WORDS, *(word for word in WHOLE_WORDS if len(word) > 2), "corepack", *CODE_WORDS,
)  # fmt: skip
"""Every name of a client's program contains one of these, but for ``pn``, which most texts hold."""
_MOST_PROGRAMS = 500
_QUOTED_URLS = tuple(f"{quote}{scheme}:" for quote in "\"'`" for scheme in ("http", "https"))
_IMPORTED_URL = (
    "(^|from|import|import[[:space:]]*[(]|[*]/|\r|\u2028|\u2029)[[:space:]]*[\"'`]https?:"
)
"""An address where an import may have one: the line may begin with it, or a comment may end before."""


def name_no_client(blobs: list[str]) -> bool:
    """Whether certainly none of some staged blobs names a client or imports by URL.

    One git call decides most commits. An address in quotes is common in code that imports nothing by
    URL: only where one is, two more calls tell. The blobs are named, not their paths: git need not
    read the index again (15 ms for 100,000 files).
    """
    if len(blobs) > _MOST_PROGRAMS:
        return False
    return _lacks(blobs, "-F", *CLIENT_WORDS, *_QUOTED_URLS) or (
        _lacks(blobs, "-F", *CLIENT_WORDS) and _lacks(blobs, "-E", _IMPORTED_URL)
    )


def _lacks(blobs: list[str], kind: str, *patterns: str) -> bool:
    """Whether certainly no line of some blobs matches any pattern."""
    words = [part for pattern in patterns for part in ("-e", pattern)]
    done = _git("grep", "-q", "-i", "-a", kind, "--no-textconv", *words, *blobs, "--")
    return done is not None and done.returncode == 1


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes] | None:
    """Git's output, for any exit status; None if git cannot be run."""
    try:
        return subprocess.run(
            hardened(*arguments), env=git_environment(), capture_output=True, check=False
        )
    except OSError:
        return None


def staged(arguments: list[str]) -> bytes | None:
    """Git's list of the changes between HEAD and the index, if this call is a ``check`` of just those.

    None in every uncertain case: other arguments, no commit yet.
    """
    if (
        plain_arguments(arguments) is None
        or os.environ.get("PRE_COMMIT_FROM_REF")
        or may_be_a_push()
    ):
        return None
    done = _git(*DIFF_INDEX, "--no-relative", "HEAD", "--")
    return done.stdout if done is not None and done.returncode == 0 else None


def is_bound_by_baseline(paths: list[str]) -> bool:
    """Whether the baseline spells one of some paths, or accepts a program that code may belong to.

    The file of the working tree is read: the question is only whether to look closer.
    """
    top = work_tree(os.getcwd())  # noqa: PTH109
    try:
        with open(os.path.join(top or ".", ".vetting", "baseline.txt"), "rb") as file:  # noqa: PTH118, PTH123
            text = file.read()
    except OSError:
        return False
    accepts_program = any(b"/%s " % code.encode() in text for code in PROGRAM_CODES)
    if accepts_program and any(map(may_be_program, paths)):
        return True
    return any(path.encode("utf-8", "surrogateescape") in text for path in paths)


def may_be_a_push(arguments: argparse.Namespace | None = None) -> bool:
    """Whether we may be a hook of a push: by the options, pre-commit's variables, or a pipe."""
    if arguments is not None and (arguments.pre_push or arguments.pre_receive):
        return True
    if os.environ.get("PRE_COMMIT_REMOTE_NAME"):
        return True
    if "GIT_INDEX_FILE" in os.environ or "PRE_COMMIT" in os.environ or os.name == "nt":
        return False
    try:
        return stat.S_ISFIFO(os.fstat(0).st_mode)
    except OSError:
        return False


def nothing_to_judge(arguments: list[str], changes: bytes | None) -> bool:
    """Whether files are staged and all of them are certainly unread; otherwise ``check`` decides."""
    if not changes:
        return False
    fields = changes.split(b"\0")
    if any(head.rpartition(b" ")[2].startswith(b"U") for head in fields[0:-1:2]):
        return False
    if any(b" 120000 " in head for head in fields[0:-1:2]):  # links lead anywhere
        return False
    paths = [path_text(path) for path in fields[1::2]]
    programs = [
        head.split(b" ")[3].decode("ascii")
        for head, path in zip(fields[0:-1:2], paths, strict=False)
        if is_program(path) and head[-1:] != b"D"
    ]
    if not all(is_unread(path) or is_program(path) for path in paths):
        return False
    if is_bound_by_baseline(paths):
        return False
    if programs and not name_no_client(programs):
        return False
    if not any(word in _QUIET for word in arguments):
        print("npm-vetted: no npm files changed; nothing to check", file=sys.stderr)  # noqa: T201
    return True


def plain_arguments(arguments: list[str]) -> argparse.Namespace | None:
    """The arguments of a hook, or of ``check`` as people call it; None where they are others.

    They need no parser: argparse and all that it imports is a tenth of a small commit's time.
    """
    if arguments[:1] != ["check"]:
        return None
    rest = arguments[1:]
    only = rest[1] if rest[:1] == ["--only"] and rest[1:2] and rest[1] in _HOOKS else None
    if not all(word in _ARGUMENTS for word in (rest[2:] if only else rest)):
        return None
    return SimpleNamespace(  # type: ignore[return-value]
        command="check", directory=None, format="text", color="auto", checks=[], all=False,
        from_ref=None, to_ref=None, ci=False, online=False, pre_push=None, pre_receive=False,
        trunk=[], only=only,
        strict="--strict" in rest,
        quiet=any(word in _QUIET for word in rest), verbose="-v" in rest or "--verbose" in rest,
    )  # fmt: skip
