"""The reports: one module a format, found by itself."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import NamedTuple, Protocol, TextIO, cast

from npm_vetted._plugins import parts
from npm_vetted.checks._runner import CheckResult
from npm_vetted.projects.change import Change


class Style(NamedTuple):
    """How a report is printed. ``program`` finds out how the user calls npm-vetted."""

    colour: bool = False
    quiet: bool = False
    verbose: bool = False
    strict: bool = False
    program: Callable[[], str] = "npm-vetted".__str__


class Report(Protocol):
    """What each module of this package offers; its format is the module's name."""

    def print_result(
        self, judgement: CheckResult, change: Change | None, style: Style, out: TextIO
    ) -> None:
        """Print what ``check`` found; ``change`` is None where not even that could be read."""


def formats() -> list[str]:
    """The formats there are."""
    return parts(__path__)


def report(name: str) -> Report:
    """The report of a format."""
    return cast("Report", importlib.import_module(f"{__name__}.{name}"))
