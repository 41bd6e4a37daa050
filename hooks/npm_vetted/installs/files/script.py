"""Shell scripts: by suffix, by shebang, and in the folders of git hooks (husky and others)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.document import decode
from npm_vetted.installs import Context
from npm_vetted.installs.shell.follower import ShellFollower, base_state, folders_above
from npm_vetted.installs.shell.source import Source
from npm_vetted.model import Problem

_SUFFIXES: Final = (".sh", ".bash", ".zsh", ".ksh", ".dash", ".ash", ".bats", ".envrc", ".command")
_NAMES: Final = ("PKGBUILD", "APKBUILD")
"""Names of scripts of package builders, which are bash."""
_SHEBANG: Final = re.compile(
    rb"#!\s*\S*?(?:/|\s)(?:env\s+(?:-S\s+)?)?(?:\S*/)?(?:ba|da|z|k|a|mk)?sh\b"
)
_HOOKS: Final = frozenset((".husky", ".githooks", "githooks", ".git-hooks", "git-hooks", ".hooks"))


def recognises(path: str, head: bytes) -> bool:
    """By suffix, shebang, or a folder of git hooks."""
    folders, _, name = path.rpartition("/")
    if name in _NAMES or name.endswith(_SUFFIXES) or _SHEBANG.match(head):
        return True
    return "." not in name and bool(_HOOKS.intersection(folders.split("/")))


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Judge a script. Its start folder is unknown: the repository's top, or the script's own folder."""
    follower = ShellFollower(path=path, context=context)
    state = base_state(context, path)
    folder = path.rpartition("/")[0]
    hook = bool(_HOOKS.intersection(folder.split("/")))
    if folder and not hook:
        state.guesses = folders_above(path)
    follower.run(Source(decode(path, data)), state)
    follower.run_uncalled(state)
    return follower.reports.finish()
