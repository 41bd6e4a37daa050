"""Recognizes a client that is started by its program file: ``node …/npm-cli.js ci``."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from npm_vetted.installs import CLIENT_PROGRAM
from npm_vetted.installs.shell.wrappers import program_name

_RUNTIMES: Final = ("node", "nodejs", "tsx")
_STARTED: Final = re.compile(
    rf"({CLIENT_PROGRAM}|corepack)(?:-cli)?(?:-\d[\w.-]*)?\.[cm]?js\Z", re.ASCII
)
_INSTALLED_FIRST: Final = re.compile(r"install-run-([a-z-]+)\.js\Z", re.ASCII)
"""A script of the repository that installs a client of an exact version, and starts it."""


def client_script(words: Sequence[str], programs: Collection[str]) -> list[str] | None:
    """The client's command line behind ``node …/npm-cli.js ci``; None: the file is no client's program."""
    if program_name(words[0]) not in _RUNTIMES:
        return None
    for index, word in enumerate(words[1:], start=1):
        if word.startswith("-"):
            continue
        stem = word.rpartition("/")[2]
        if found := _STARTED.match(stem):
            return [found.group(1), *words[index + 1 :]]
        installed = _INSTALLED_FIRST.match(stem)
        if installed and installed.group(1) in programs:
            return [installed.group(1), *words[index + 1 :]]
        return [stem, *words[index + 1 :]] if stem in programs else None
    return None
