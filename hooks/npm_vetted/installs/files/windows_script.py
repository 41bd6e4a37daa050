"""Scripts of PowerShell (``.ps1``, ``.psm1``) and of cmd (``.bat``, ``.cmd``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.document import decode
from npm_vetted.installs import Context
from npm_vetted.installs.shell.follower import ShellFollower, base_state
from npm_vetted.installs.shell.powershell import run_windows
from npm_vetted.installs.shell.source import Source
from npm_vetted.model import Problem

_POWERSHELL: Final = (".ps1", ".psm1")
_CMD: Final = (".bat", ".cmd")


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """By suffix."""
    return path.lower().endswith((*_POWERSHELL, *_CMD))


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """The script, at the top of the repository."""
    found = ShellFollower(path=path, context=context)
    state = base_state(context, path)
    run_windows(found, Source(decode(path, data)), state, cmd=path.lower().endswith(_CMD))
    return found.reports.finish()
