"""Programs that commands start for a person: an editor, a client."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from npm_vetted.git.process import trusted_folders

ON_WINDOWS: Final = os.name == "nt"
_SUFFIXES: Final = (".exe", ".cmd", ".bat")


def started(command: Sequence[str], *, windows: bool = ON_WINDOWS) -> list[str]:
    """A command as the system can start it.

    Windows starts no ``npm.cmd`` by the name ``npm``, and looks into the current folder first: there
    it is named by its full path, from a folder of PATH outside the repository.
    """
    name, *arguments = command
    if not windows:
        return [name, *arguments]
    candidates = (
        Path(folder, name + suffix) for folder in trusted_folders() for suffix in _SUFFIXES
    )
    return [next((str(each) for each in candidates if each.is_file()), name), *arguments]


def split_command(text: str, *, windows: bool = ON_WINDOWS) -> list[str]:
    """The words of an editor's or a pager's command line; raises ValueError at an open quote.

    On Windows a backslash is part of a path and escapes nothing.
    """
    if not windows:
        return shlex.split(text)
    return [word.strip('"') for word in shlex.split(text, posix=False)]
