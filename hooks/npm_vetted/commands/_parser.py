"""The parser of the command line, made of what each command declares."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from npm_vetted import __version__, commands


def build_parser(called: str | None = None) -> argparse.ArgumentParser:
    """The parser of one command; of all where none is named."""
    parser = argparse.ArgumentParser(
        prog="npm-vetted",
        description="No npm dependency enters a repository without a vetting note.",
    )
    parser.add_argument("--version", action="version", version=f"npm-vetted {__version__}")
    _add_common(parser, top=True, formats=_formats_of(called or "check"))
    below = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in [called] if called else commands.command_names():
        command = commands.command(name)
        inner = below.add_parser(name, help=command.HELP, description=command.HELP)
        _add_common(inner, top=False, formats=_formats_of(name))
        command.add_arguments(inner)
    return parser


def _formats_of(name: str) -> Sequence[str]:
    """The formats that a command prints; one that declares none prints text and takes no other."""
    found: Sequence[str] = getattr(commands.command(name), "FORMATS", ("text",))
    return found


def _add_common(parser: argparse.ArgumentParser, *, top: bool, formats: Sequence[str]) -> None:
    """The options that may be before or after the command's name."""
    default = None if top else argparse.SUPPRESS
    flag = False if top else argparse.SUPPRESS
    parser.add_argument(
        "-C", dest="directory", metavar="DIR", default=default, help="run as if started in DIR"
    )
    parser.add_argument(
        "--format", choices=formats, default="text" if top else argparse.SUPPRESS,
        help="how to print what was found" if len(formats) > 1 else argparse.SUPPRESS,
    )  # fmt: skip
    parser.add_argument(
        "--color", choices=("auto", "always", "never"),
        default="auto" if top else argparse.SUPPRESS,
        help="colours: auto means only on a terminal",
    )  # fmt: skip
    parser.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        default=flag,
        help="leave out remarks and explanations",
    )
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=flag,
        help="print every package and finding: fold and cut nothing",
    )


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parser of each command."""
    (action,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return dict(action.choices)


@contextmanager
def _columns(width: int) -> Iterator[None]:
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(width)
    try:
        yield
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before


def help_text(parser: argparse.ArgumentParser, width: int = 90) -> str:
    """The help at the same width on every machine."""
    with _columns(width):
        return parser.format_help()


def answer_completion() -> None:
    """Print completions if argcomplete's script requests them through the environment, then exit."""
    import argcomplete
    from argcomplete.completers import ChoicesCompleter

    from npm_vetted.checks import checks

    parser = build_parser()
    for inner in subparsers(parser).values():
        for action in inner._actions:
            if action.metavar == "CHECK":
                vars(action)["completer"] = ChoicesCompleter(dict.fromkeys(checks(), ""))
    argcomplete.autocomplete(parser)
