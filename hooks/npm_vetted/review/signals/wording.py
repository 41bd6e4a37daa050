"""The words of abilities and reasons in lines for a reviewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from npm_vetted.formats.terminal_text import line
from npm_vetted.review.signals.comparison import Reason

if TYPE_CHECKING:
    from npm_vetted.review.signals.weighing import Score

POWERS: Final = {
    "exec": "start programs",
    "eval": "evaluate text as code",
    "net": "open network connections",
    "fetch": "send web requests",
    "env-all": "read the whole environment",
    "env-secret": "read secrets from the environment",
    "writes": "write files",
    "removes": "remove files",
    "native": "load machine code",
    "detached": "leave programs running",
    "clipboard": "use the clipboard",
    "inject-script": "put a script into a page",
    "dyn-require": "load modules by a computed name",
    "worker": "start worker threads",
    "decode": "decode hidden data",
    "hex-names": "run code with machine-made names",
    "hidden-string": "use encoded text",
    "split-name": "use glued names",
    "shell-fetch": "download by a shell command",
    "cred-path": "read credentials' files",
    "token-shape": "look for tokens",
    "ip-url": "reach an address without a name",
}


UNCHANGED: Final = frozenset({"file-activated"})
"""Reasons whose place is a file that is as it was."""


def unseen_lines(score: Score, most: int = 2) -> list[str]:
    """What no signal looked into; the first few files."""
    found = [f"no signal looks into {line(each)}" for each in score.unseen[:most]]
    if len(score.unseen) > most:
        found.append(f"nor into {len(score.unseen) - most:,} more files")
    return found


def reason_line(reason: Reason) -> str:
    """A reason with its place, fit to be shown."""
    text = line(reason.text)
    return f"{text}  [{line(reason.path)}:{reason.line}]" if reason.path else text
