"""Quotes the commands of findings so that they run as printed in every shell; others are not printed."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from npm_vetted import __version__

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM: Final = "npm-vetted"
_PLAIN: Final = r"[A-Za-z0-9_./:=,+^-]+\Z"
_QUOTABLE: Final = r"[A-Za-z0-9_./:=,+^@#~ ()*<>|&';{}?\[\]%-]+\Z"


def quoted(argument: str) -> str | None:
    """An argument with double quotes where it needs them; None where no quoting is safe.

    Within double quotes a shell still expands ``$``, backquotes, backslashes and ``!``: a name
    with one of these (no package that npm publishes has one) is never made part of a command.
    """
    if re.match(_PLAIN, argument):
        return argument
    return f'"{argument}"' if re.match(_QUOTABLE, argument) else None


def command_line(fix: Sequence[Sequence[str]], program: str) -> str | None:
    """The commands of a finding, a line each; None where there is none that is safe to paste."""
    lines = []
    for arguments in fix:
        words = [quoted(each) for each in arguments]
        if arguments and arguments[0] == PROGRAM:
            words[0] = program
        if None in words:
            return None
        lines.append(" ".join(word for word in words if word))
    return "\n".join(lines) or None


def this_program() -> str:
    """How the user can call this very npm-vetted.

    Its name, where the user's PATH has the same version; else the full path of this executable
    (a hook's environment is on the hook's PATH, not on the user's).
    """
    import shutil
    from pathlib import Path

    own = Path(sys.argv[0])
    if own.stem != PROGRAM or not own.is_absolute():
        own = Path(sys.executable).with_name(PROGRAM + (".exe" if os.name == "nt" else ""))
    found = shutil.which(PROGRAM, path=_users_path(own.parent))
    if found and (Path(found).resolve() == own.resolve() or _version_of(found) == __version__):
        return PROGRAM
    if own.is_file():
        return quoted_program(str(own)) or PROGRAM
    return f"{quoted_program(sys.executable) or 'python3'} -m npm_vetted"


def quoted_program(path: str) -> str | None:
    """A program's path as a command; None where no quoting is safe.

    Windows: cmd.exe and Git Bash both take slashes for backslashes within quotes. cmd.exe would
    read a slash without them as an option.
    """
    if "\\" not in path:
        return quoted(path)
    text = path.replace("\\", "/")
    return f'"{text}"' if re.match(_QUOTABLE, text) else None


def _users_path(own: Path) -> str:
    """PATH as in the user's shell: without the folders that pre-commit or prek put in front."""
    from pathlib import Path

    folders = [
        each for each in os.environ.get("PATH", "").split(os.pathsep) if Path(each).is_absolute()
    ]
    if "PRE_COMMIT" in os.environ and folders and Path(folders[0]) == own:
        folders = folders[1:]
    return os.pathsep.join(folders)


def _version_of(executable: str) -> str | None:
    import subprocess

    try:
        done = subprocess.run(
            [executable, "--version"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip().removeprefix(f"{PROGRAM} ")
