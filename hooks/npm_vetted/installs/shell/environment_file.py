"""The file ``$GITHUB_ENV``: a step of GitHub Actions writes variables for later steps into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from operator import eq
from typing import Final

from npm_vetted.formats.shell_text import Value, either

_MOST: Final = 100_000
"""Characters of the file that are kept, because a script may write it in a loop."""

GITHUB_ENV: Final = "/\x01github_env"
"""The place of the file: text that a command writes there sets variables of later steps."""


@dataclass(slots=True)
class EnvironmentFile:
    """The variables that the steps of a job have written so far."""

    persisted: dict[str, Value] = field(default_factory=dict)
    _text: str = ""

    def append(self, text: str, *, maybe: bool) -> None:
        """``NAME=value`` lines, and values of several lines; ``maybe``: it may not be written."""
        before = [*environment_lines(self._text)]
        self._text = (self._text + text)[-_MOST:]
        after = [*environment_lines(self._text)]
        same = sum(takewhile(bool, map(eq, before, after)))
        for name, value in after[same:]:
            other = self.persisted.get(name, ("",)) if maybe else ()
            self.persisted[name] = either(other, (value,))

    def clear(self) -> None:
        """Forget the variables, because another job begins."""
        self.persisted.clear()
        self._text = ""


def environment_lines(text: str) -> Iterator[tuple[str, str]]:
    """The variables of a ``$GITHUB_ENV`` file: ``NAME=value``, or ``NAME<<END`` up to the line END."""
    lines = iter(text.split("\n"))
    for line in lines:
        name, mark, end = line.partition("<<")
        if mark and "=" not in name and end:
            value = "\n".join(takewhile(end.__ne__, lines))
        else:
            name, mark, value = line.partition("=")
        if mark and name.replace("_", "").isalnum():
            yield name, value
