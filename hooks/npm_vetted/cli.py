"""The command line: chooses the command, reads the common options, decides the exit status."""

from __future__ import annotations

import os
import sys

from npm_vetted.errors import UNDECIDED, NpmVettedError, UndecidedError, UsageError
from npm_vetted.fast_path import nothing_to_judge, plain_arguments, staged

STATUS = "status"
"""The command that runs where none is named."""
TYPE_CHECKING = False  # typing's own costs an import that most commits do not need
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run npm-vetted and return its exit status (docs/configuration.md, "Exit statuses")."""
    status = _answer(list(sys.argv[1:] if argv is None else argv))
    if argv is None:
        _leave(status)
    return status


def _leave(status: int) -> None:
    """End the program without freeing its memory object by object.

    Freeing takes a seventh of the time of a large check (benchmarks/README.md). Registered exit
    functions run first, and the streams are flushed already.
    """
    import atexit

    atexit._run_exitfuncs()
    os._exit(status)


def _answer(words: list[str]) -> int:
    """The exit status, with everything said."""
    _prepare_streams()
    try:
        return _decide(words)
    except OSError:
        # The reader of the output is gone, or the disk is full. Unseen findings are not a yes.
        return UNDECIDED
    finally:
        _finish_streams()


def _decide(words: list[str]) -> int:
    """Run the command and print its error; raises OSError only if the error cannot be printed."""
    try:
        if words == ["--version"]:  # asked by another npm-vetted, before it prints a command
            return _print_version()
        if not words and "_ARGCOMPLETE" in os.environ:  # only without arguments: it judges nothing
            _complete()
        changes = staged(words)
        return 0 if nothing_to_judge(words, changes) else _run(words, changes)
    except NpmVettedError as error:
        for each in (error, *error.besides):
            _say(each)
        return error.status
    except KeyboardInterrupt:
        print("npm-vetted: interrupted; nothing was decided", file=sys.stderr)
        return 130
    except RecursionError:
        print("npm-vetted: nested too deeply to be read", file=sys.stderr)
        return UNDECIDED
    except BrokenPipeError:
        raise
    except OSError as error:
        _say(UndecidedError(error.strerror or str(error), path=_name_of(error)))
        return UNDECIDED
    except ModuleNotFoundError as error:
        print(
            f"npm-vetted: its installation is incomplete: the module {error.name} is missing\n"
            "  install it again: pre-commit clean (for a hook), or pip install --force-reinstall "
            "npm-vetted",
            file=sys.stderr,
        )
        return UNDECIDED
    except Exception as error:
        if os.environ.get("NPM_VETTED_TRACEBACK"):
            raise
        from npm_vetted.formats.terminal_text import printable

        print(
            f"npm-vetted: internal error: {type(error).__name__}: {printable(str(error))}\n"
            "  Please report it with the output of NPM_VETTED_TRACEBACK=1.",
            file=sys.stderr,
        )
        return UNDECIDED


def _prepare_streams() -> None:
    """Let printing work in every locale: escape characters that the encoding lacks; ignore closed streams."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _finish_streams() -> None:
    """Flush; where nobody reads any more, so that Python does not try again and exit with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _name_of(error: OSError) -> str | None:
    return None if error.filename is None else os.fsdecode(error.filename)


def _print_version() -> int:
    from npm_vetted import __version__

    print(f"npm-vetted {__version__}")
    sys.stdout.flush()
    return 0


def _complete() -> None:
    """Answer a shell that completes a command line, and end."""
    from npm_vetted.commands._parser import answer_completion

    answer_completion()


def _run(words: list[str], changes: bytes | None) -> int:
    from npm_vetted import commands

    arguments = plain_arguments(words) or _parse_or_tell(words)
    arguments.index_changes = changes
    if arguments.directory:
        _enter(arguments.directory)
    status = commands.command(arguments.command).run(arguments)
    sys.stdout.flush()
    return status


def _parse_or_tell(words: list[str]) -> argparse.Namespace:
    """Parse the command line; with a machine format, a usage error is printed in that format too."""
    try:
        return _parse(words)
    except SystemExit as left:
        if left.code == UsageError.status and "check" in words:
            from npm_vetted.commands.check import print_misuse

            print_misuse(words)
        raise


def _parse(argv: list[str]) -> argparse.Namespace:
    """Parse the command line; only the command that is called is imported."""
    from npm_vetted import commands
    from npm_vetted.commands._parser import build_parser

    word = _called(argv)
    called = word if word in commands.command_names() else None
    if word is None and not _asks_for_help(argv):
        called = STATUS
        argv = [*argv, called]
    elif word is not None and called is None:
        raise UsageError(_unknown(word))
    return build_parser(called).parse_args(argv)


def _called(argv: list[str]) -> str | None:
    """The command's name: the first word that neither is an option nor belongs to one."""
    words = iter(argv)
    for word in words:
        if word in ("-C", "--format", "--color"):
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def _asks_for_help(argv: list[str]) -> bool:
    return any(word in ("-h", "--help", "--version") for word in argv)


def _unknown(word: str) -> str:
    """The message for an unknown command, with the nearest known one."""
    from npm_vetted import commands
    from npm_vetted.checks import checks
    from npm_vetted.formats.document import hint

    if word in checks():
        return (
            f"{word!r} is a check, not a command: npm-vetted check {word}, or "
            f"npm-vetted explain {word}"
        )
    return f"unknown command {word!r}{hint(word, commands.command_names())}"


def _enter(directory: str) -> None:
    try:
        os.chdir(directory)
    except OSError as error:
        raise UsageError(f"-C {directory}: {error.strerror}") from None


def _say(error: NpmVettedError) -> None:
    from npm_vetted.formats.terminal_text import printable

    where = f"{printable(error.path)}:{error.line}: " if error.path else ""
    print(f"npm-vetted: {where}{printable(error.message)}", file=sys.stderr)
    if error.fix:
        print(f"  {printable(error.fix)}", file=sys.stderr)
