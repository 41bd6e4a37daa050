# ruff: noqa: PTH109, PTH110, PTH113, PTH117, PTH118, PTH120 - pathlib costs an import that most commits do not need
"""Runs git hardened, so that a repository's own configuration can neither run code nor fetch.

Off are hooks, fsmonitor, external diffs, pagers, signature programs of the repository's choice, lazy
fetch, and a ``git`` that is in the repository while PATH names it.

It is apart from ``snapshot.py`` so that a commit without any judged file is recognised before heavy
modules are imported.
"""

from __future__ import annotations

import os
from functools import lru_cache

from npm_vetted.errors import UndecidedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Collection

_HARDENED = (
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.pager=cat",
    "-c", "diff.external=",
    "-c", "log.showSignature=false",
    "-c", "gpg.program=gpg",
    "-c", "gpg.ssh.program=ssh-keygen",
    "-c", "gpg.ssh.defaultKeyCommand=",
    "-c", "gpg.x509.program=gpgsm",
)  # fmt: skip
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # what older gits need in place of GIT_NO_LAZY_FETCH
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}
DIFF_INDEX = (
    "diff-index", "--cached", "--raw", "-z", "--no-renames", "--full-index", "--no-ext-diff",
    "--ita-invisible-in-index", "--ignore-submodules=none",
)  # fmt: skip
"""What differs between a tree and the index."""


_MISLEADING = frozenset(
    {
        "GIT_LITERAL_PATHSPECS",  # Magit sets it for every git, and so for every hook
        "GIT_GLOB_PATHSPECS",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_ICASE_PATHSPECS",
        "GIT_EXTERNAL_DIFF",
        "GIT_ATTR_SOURCE",
    }
)
"""Variables under which git understands our arguments otherwise, or runs a program."""
_ON_WINDOWS = os.name == "nt"
_NAME = "git.exe" if _ON_WINDOWS else "git"


def path_text(name: bytes) -> str:
    """A name as git has it. On Windows, ``os.fsdecode`` raises where it is not UTF-8."""
    return name.decode("utf-8", "surrogateescape") if _ON_WINDOWS else os.fsdecode(name)


def path_bytes(name: str) -> bytes:
    """The same name as git has it."""
    return name.encode("utf-8", "surrogateescape") if _ON_WINDOWS else os.fsencode(name)


def git_environment(settings: Collection[tuple[str, str]] = ()) -> dict[str, str]:
    """The environment that every git process gets; ``settings`` override configuration."""
    kept = {key: value for key, value in os.environ.items() if key not in _MISLEADING}
    found = {**kept, **_ENVIRONMENT, "PATH": os.pathsep.join(trusted_folders())}
    for number, (key, value) in enumerate(settings, start=int(kept.get("GIT_CONFIG_COUNT") or 0)):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        found["GIT_CONFIG_COUNT"] = str(number + 1)
    return found


def hardened(*arguments: str) -> list[str]:
    """A git command line whose configuration cannot run code; raises UndecidedError without git."""
    return [git_program(), *_HARDENED, *arguments]


def git_program() -> str:
    """The full path of git; raises UndecidedError where PATH names none outside the repository."""
    for folder in trusted_folders():
        program = os.path.join(folder, _NAME)
        if os.access(program, os.X_OK) and os.path.isfile(program):
            return program
    raise UndecidedError("git is not on PATH", fix="install git, or put its folder on PATH")


def trusted_folders() -> tuple[str, ...]:
    """The folders of PATH, but for relative ones and those within the repository around us."""
    return _outside(os.environ.get("PATH", os.defpath), work_tree(os.getcwd()))


@lru_cache(maxsize=8)
def _outside(folders: str, top: str | None) -> tuple[str, ...]:
    """The absolute ones of these folders that lead out of the repository.

    Remembered, since each git process needs them twice: following the links of ten folders takes
    0.4 ms, and a commit starts ten to twenty git processes.
    """
    return tuple(
        each
        for each in folders.split(os.pathsep)
        if os.path.isabs(each) and not is_within(each, top)
    )


def is_within(path: str, top: str | None) -> bool:
    """Whether a path leads into a folder, symbolic links followed."""
    return top is not None and (os.path.realpath(path) + os.sep).startswith(
        top.rstrip(os.sep) + os.sep
    )


def work_tree(directory: str) -> str | None:
    """The nearest folder upwards that has a ``.git``, without a call of git."""
    here = os.path.realpath(directory)
    while not os.path.exists(os.path.join(here, ".git")):
        above = os.path.dirname(here)
        if above == here:
            return None
        here = above
    return here


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Kill a child process, which may have ended by itself, and close its pipes."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        try:
            if pipe is not None:
                pipe.close()
        except OSError:  # it ended with something unwritten
            pass
    process.wait()
