"""The errors, each with file, line, a fix, and its exit status (docs/configuration.md)."""

from __future__ import annotations

FOUND = 1
MISUSED = 2
UNDECIDED = 3


class NpmVettedError(Exception):
    """Anything that npm-vetted says no with, other than a finding.

    ``path`` is relative to the top of the repository, ``line`` counts from 1,
    ``fix`` is the next command or step, in words.
    """

    status = UNDECIDED

    def __init__(
        self, message: str, *, path: str | None = None, line: int = 1, fix: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.fix = fix
        self.besides: tuple[NpmVettedError, ...] = ()
        """What else is wrong, of a lower exit status."""


class RefusedError(NpmVettedError):
    """A command is refused because of the state that it found."""

    status = FOUND


class UsageError(NpmVettedError):
    """The command line, config.toml or exemptions.txt is wrong."""

    status = MISUSED


class UndecidedError(NpmVettedError):
    """Something that has to be judged cannot be read or decided: never a yes."""

    status = UNDECIDED


class DocumentError(UndecidedError):
    """A file is not what its format says: bad syntax, a duplicate key, a wrong type."""
