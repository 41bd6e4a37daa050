"""A build file that runs a command while it is read, before anything is compiled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.review.signals.comparison import GYP_SUFFIXES, Files, PackageComparison, Reason

CODES = ("install-gyp-command",)
_COMMAND: Final = re.compile(
    rb"""<!@?\(([^\n)]{0,300})|<!pymod_do_main\(([^\n)]{0,300})|['"]action['"]\s{0,9}:\s{0,9}\[([^\]]{0,300})"""
)
_KNOWN: Final = re.compile(
    rb"""\s*(?:node\s+-[pe]\s+\\?["']{1,2}\\?(?:require\(\\?['"]{1,2}(?:nan|node-addon-api|node-api-headers)[^;]{0,80}"""
    rb"""|process\.(?:versions|platform|arch|env\.\w+)[\w.\[\]'"|& =]{0,80})"""
    rb"""|pkg-config\s[\w\s.+-]{0,100}|node\s+-e\s+\\?["']{1,2}\\?require\(\\?['"]{1,2}nan[^;]{0,20})""",
)


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """Each command in a build file that the earlier version did not have, beyond a known few.

    Python that the file names, and the actions of a build, are commands too.
    """
    had = {command for _, _, command in _commands(comparison.old or {})}
    for path, line, command in _commands(comparison.new):
        if command not in had and _KNOWN.match(command) is None:
            shown = command.decode("utf-8", errors="replace")
            yield Reason(
                "install-gyp-command",
                f"{path} runs a command when it is read or built: {shown}",
                path,
                line,
            )


def _commands(files: Files) -> Iterator[tuple[str, int, bytes]]:
    for path in sorted(files):
        if path.lower().endswith(GYP_SUFFIXES):
            data = files[path]
            for match in _COMMAND.finditer(data):
                yield (
                    path,
                    data.count(b"\n", 0, match.start()) + 1,
                    match[match.lastindex or 0].strip(),
                )
