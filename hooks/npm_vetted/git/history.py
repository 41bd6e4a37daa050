"""Who vetted what when: the commits that brought a note, from git."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from npm_vetted.git.process import git_environment, git_program, hardened

if TYPE_CHECKING:
    from git.cmd import Git

_SIGNATURES: Final = {
    "G": "good", "B": "bad", "U": "good, of unknown validity", "X": "good, but expired",
    "Y": "good, of an expired key", "R": "good, of a revoked key", "E": "cannot be checked",
    "N": "none",
}  # fmt: skip
_FORMAT: Final = "%H%x00%an <%ae>%x00%aI%x00%G?%x00%s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """The commit that brought a file, as git tells it."""

    commit: str
    author: str
    date: str
    signature: str
    subject: str


def brought_by(top: str, path: str) -> Brought | None:
    """The commit that added a file, or that last renamed it; None where it is not committed."""
    output = _git()(top).execute(
        hardened("log", "-1", "-m", "--first-parent", "--diff-filter=AR", f"--format={_FORMAT}",
                 "--", f":(top,literal){path}"),
        env=git_environment(), with_exceptions=False, stdout_as_string=True,
    )  # fmt: skip
    parts = str(output).split("\0")
    if len(parts) != 5:
        return None
    commit, author, date, signature, subject = parts
    return Brought(
        commit=commit, author=author, date=date,
        signature=_SIGNATURES.get(signature, signature), subject=subject,
    )  # fmt: skip


def brought_line(top: str, path: str, line: str) -> Brought | None:
    """The commit that brought a line of a file; None where it is not committed."""
    output = _git()(top).execute(
        hardened("log", "-1", f"--format={_FORMAT}", "--no-patch", "--no-ext-diff", "--no-textconv", f"-S{line}",
                 "--", f":(top,literal){path}"),
        env=git_environment(), with_exceptions=False, stdout_as_string=True,
    )  # fmt: skip
    parts: Sequence[str] = str(output).split("\0")
    if len(parts) != 5:
        return None
    return Brought(
        commit=parts[0], author=parts[1], date=parts[2],
        signature=_SIGNATURES.get(parts[3], parts[3]), subject=parts[4],
    )  # fmt: skip


def commits_naming(
    top: str, name: str, version: str | None, paths: Sequence[str], *, everywhere: bool
) -> list[Brought]:
    """The commits that added or removed lines of lockfiles which name a version, newest first.

    The version is looked for as the formats write it: in a tarball's URL, as ``name@version``.
    """
    scopeless = name.rpartition("/")[2]
    names = [f"{scopeless}-{version}.tgz", f"{name}@{version}", f"/{name}/{version}"]
    patterns = names if version is not None else [f"/{scopeless}-", f"{name}@"]
    where = ["--all"] if everywhere else ["HEAD"]
    specs = [f":(top,literal){path}" for path in paths] or ["."]
    found: dict[str, Brought] = {}
    for pattern in patterns:
        output = _git()(top).execute(
            hardened("log", *where, f"--format={_FORMAT}%x01", "--no-patch", "--no-ext-diff",
                     "--no-textconv", f"-S{pattern}", "--", *specs),
            env=git_environment(), with_exceptions=False, stdout_as_string=True,
        )  # fmt: skip
        for record in str(output).split("\x01"):
            parts = record.strip("\n").split("\0")
            if len(parts) == 5:
                found[parts[0]] = Brought(
                    commit=parts[0], author=parts[1], date=parts[2],
                    signature=_SIGNATURES.get(parts[3], parts[3]), subject=parts[4],
                )  # fmt: skip
    return sorted(found.values(), key=lambda each: each.date, reverse=True)


def is_boundary(git_dir: str, commit: str) -> bool:
    """Whether history ends at a commit because the clone is shallow: what it adds may be older."""
    try:
        with open(os.path.join(git_dir, "shallow"), encoding="ascii") as file:  # noqa: PTH118, PTH123
            return commit in file.read().split()
    except OSError:
        return False


def _git() -> type[Git]:
    """GitPython's ``Git``, told which git to run: when imported, it runs one at once."""
    os.environ["GIT_PYTHON_GIT_EXECUTABLE"] = git_program()
    from git.cmd import Git

    return Git
