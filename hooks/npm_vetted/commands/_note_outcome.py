"""What a commit will still be rejected for, said after ``note`` recorded: and until when."""

from __future__ import annotations

import datetime
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Final

from npm_vetted.checks._runner import open_change, run_checks
from npm_vetted.checks.cooldown import ID as COOLDOWN
from npm_vetted.checks.cooldown import waiting
from npm_vetted.commands._note_dialogue import NoteDialogue
from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.terminal_text import printable
from npm_vetted.model import Level
from npm_vetted.projects.change import Change

_NAMED: Final = 3
"""How many packages a line names before the rest is counted: those that wait the longest."""


def say_what_remains(desk: NoteDialogue) -> None:
    """Judge the state again, with the notes that are recorded now; silent where all passes."""
    if not desk.written or desk.again is None:
        return
    try:
        lines = list(_remaining(open_change(desk.again())))
    except NpmVettedError as error:
        lines = [f"what remains is not known: {printable(error.message)}"]
    for text in lines:
        print(f"npm-vetted: {text}", file=sys.stderr)


def _remaining(change: Change) -> Iterator[str]:
    last = sorted((each.until, printable(each.artifact.label)) for each in waiting(change))
    if last:
        labels = list(dict.fromkeys(label for _, label in last))
        names = ", ".join(labels[-_NAMED:])
        more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
        until = _minute(last[-1][0])
        yield f"still rejected until {until:%Y-%m-%d %H:%M} UTC (cooldown): {names}{more}"
    errors = [each for each in run_checks(change).findings if each.level is Level.ERROR]
    others = Counter(each.check for each in errors if each.check != COOLDOWN)
    if others:
        counted = ", ".join(f"{number} of {check}" for check, number in others.items())
        yield f"still rejected for other findings ({counted}): npm-vetted check shows them"


def _minute(moment: datetime.datetime) -> datetime.datetime:
    """A moment as it is shown: the next full minute, when the cooldown is over for sure."""
    full = moment.replace(second=0, microsecond=0)
    return full if full == moment else full + datetime.timedelta(minutes=1)
