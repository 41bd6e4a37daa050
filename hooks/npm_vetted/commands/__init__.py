"""The commands, discovered automatically: one module each, imported only when it is called."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol, cast

from npm_vetted._plugins import parts

if TYPE_CHECKING:
    import argparse


class Command(Protocol):
    """The interface of each module of this package; the command has the module's name."""

    HELP: str
    """One line for ``npm-vetted --help``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's own arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; the exit status. Raises NpmVettedError, which becomes one."""


def command_names() -> list[str]:
    """The commands there are."""
    return parts(__path__)


def command(name: str) -> Command:
    """One command."""
    return cast("Command", importlib.import_module(f"{__name__}.{name}"))
