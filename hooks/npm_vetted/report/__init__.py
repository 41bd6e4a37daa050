"""The reports, discovered automatically: one module for each format."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol, TextIO

from npm_vetted._plugins import import_part, parts

if TYPE_CHECKING:
    from npm_vetted.checks._runner import CheckResult
    from npm_vetted.projects.change import Change


class Style(NamedTuple):
    """How a report is printed. ``program`` finds out how the user calls npm-vetted.

    ``width`` is a terminal's, in columns; None: nobody reads along, and no line is wrapped.
    ``links``: the terminal understands hyperlinks.
    """

    colour: bool = False
    quiet: bool = False
    verbose: bool = False
    strict: bool = False
    program: Callable[[], str] = "npm-vetted".__str__
    width: int | None = None
    links: bool = False


class Report(Protocol):
    """The interface of each module of this package; its format has the module's name."""

    def print_result(
        self, result: CheckResult, change: Change | None, style: Style, out: TextIO
    ) -> None:
        """Print the result of ``check``; ``change`` is None if the change could not be read."""


def formats() -> list[str]:
    """The formats there are."""
    return parts(__path__)


def report(name: str) -> Report:
    """The report of a format."""
    found: Report = import_part(f"{__name__}.{name}")
    return found
