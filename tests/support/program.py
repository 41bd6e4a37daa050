"""npm-vetted in three ways: a process of its own, a copy of this process, and this process itself.

An interpreter that starts takes ten times as long as a small command, so only the tests that are about
the start itself start Python.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from npm_vetted.cli import main


def start_copy(
    words: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    first: Callable[[], None] = lambda: None,
    **options: Any,
) -> subprocess.Popen[Any]:
    """A copy of this process that runs ``npm-vetted WORDS``, ``first`` before; else as subprocess.Popen.

    Its streams, terminal, signals and exit status are real, and nothing has to be imported again.
    """
    environment = dict(os.environ if env is None else env)

    def become() -> None:
        _let_go_of_files()
        try:
            _begin(words, environment)
            first()
            main()
        except SystemExit as ended:  # argparse ends so
            _finish(int(ended.code or 0))
        except BaseException:
            traceback.print_exc()
        _finish(1)

    with warnings.catch_warnings():  # Python 3.12 warns: other threads do not exist in the copy
        warnings.simplefilter("ignore", DeprecationWarning)
        return subprocess.Popen(
            ["npm-vetted"],
            cwd=cwd,
            preexec_fn=become,  # noqa: PLW1509
            **options,
        )


def _let_go_of_files() -> None:
    """Close what this process has open, Popen's own pipe included: Popen waits for that.

    Each number stays in use. An object of the old process that ends later closes its number again,
    which must not be a new file's by then.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in map(int, os.listdir("/dev/fd")):  # noqa: PTH208
        if number > 2 and number != nothing:
            os.dup2(nothing, number, inheritable=False)


def _begin(words: Sequence[str], environment: Mapping[str, str]) -> None:
    """What the interpreter does when it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    atexit._clear()
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["npm-vetted", *words]
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
    )


def _finish(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def npm_vetted(
    *arguments: str,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    python: tuple[str, ...] = ("-m", "npm_vetted"),
) -> subprocess.CompletedProcess[str]:
    """Run npm-vetted as a user would."""
    return subprocess.run(
        [sys.executable, *python, *arguments],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


def npm_vetted_here(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same in this process, with streams that encode as a real one's: no interpreter has to start."""
    raw = (io.BytesIO(), io.BytesIO())
    out, err = (io.TextIOWrapper(each, "utf-8", write_through=True) for each in raw)
    with contextlib.chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(arguments)
        except SystemExit as ended:  # argparse ends so
            status = int(ended.code or 0)
    said, errors = (each.getvalue().decode("utf-8", "surrogateescape") for each in raw)
    return subprocess.CompletedProcess(arguments, status, said, errors)
