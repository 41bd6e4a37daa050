"""Orders the packages that are left to vet, least work first. Pure: callers pass in all facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from npm_vetted.errors import UndecidedError
from npm_vetted.review.signals.table import WORTH_A_LOOK
from npm_vetted.review.treediff import FileKind, diff_trees

_BYTES_A_LINE: Final = 2_000
"""A folded file (minified, binary) is looked at by its size: it costs a line for each 2 kB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One artifact to vet. ``lines`` to be read, None where that is not known and ``why`` says so.

    ``since`` is the vetted version that a delta starts from; None: the whole package is read.
    """

    name: str
    version: str
    status: str
    direct: bool
    since: str | None
    lines: int | None
    why: str | None = None
    score: int | None = None
    """The points of what it newly does; None: not computed."""
    reasons: tuple[str, ...] = ()
    brought_by: str | None = None
    """The direct dependency that brings it, the first by the lockfile; None: it is direct itself."""

    program_of: str | None = None
    """The package, listed too, whose program for one platform this is; the note of that one lists it."""

    @property
    def review(self) -> tuple[str, ...]:
        """The command that shows the code to read."""
        label = f"{self.name}@{self.version}"
        if self.since is None:
            return ("npm-vetted", "inspect", label)
        return ("npm-vetted", "diff", f"{self.name}@{self.since}", self.version)

    @property
    def record(self) -> tuple[str, ...]:
        """The command that records the note."""
        return ("npm-vetted", "note", f"{self.name}@{self.version}")


def lines_to_read(
    files: Callable[[str], Mapping[str, bytes]], version: str, since: str | None
) -> tuple[int | None, str | None]:
    """The lines of a delta, or of the whole package; else why that is not known."""
    try:
        old: Mapping[str, bytes] = files(since) if since is not None else {}
        diff = diff_trees(old, files(version))
    except UndecidedError as error:
        return None, error.message
    folded = sum(each.new_size for each in diff.files if each.kind is not FileKind.TEXT)
    return diff.added + diff.removed + folded // _BYTES_A_LINE, None


def ordered(suggestions: Iterable[Suggestion]) -> list[Suggestion]:
    """Packages that block a commit first, then those with reasons that are worth a look, then by least
    work; unknown work comes last.
    """
    unknown = 1 << 60
    return sorted(
        suggestions,
        key=lambda each: (
            each.status != "unvetted",
            -(each.score or 0) if (each.score or 0) >= WORTH_A_LOOK else 0,
            unknown if each.lines is None else each.lines,
            each.name,
            each.version,
        ),
    )
