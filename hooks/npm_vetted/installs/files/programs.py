"""Programs that start a client with literal words: scripts and build files in other languages.

A client and its command are seen as one literal text (``execSync``) or as a list of literal words
(``subprocess.run``); a computed command is not seen. The language is not parsed, so the folder of
the command is unknown, and each finding is a warning. Jenkinsfiles are read the same way: their
``sh`` steps are texts in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from npm_vetted.formats.document import decode
from npm_vetted.installs import Context
from npm_vetted.installs.shell.follower import ShellFollower, base_state
from npm_vetted.installs.shell.source import Source
from npm_vetted.model import Level, Problem

_SUFFIXES: Final = (
    ".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".py", ".rb", ".gradle", ".kts", ".groovy", ".pl",
    ".go", ".rs", ".php", ".cake",
)  # fmt: skip
_NAMES: Final = ("jenkinsfile", "rakefile", "gulpfile", "gruntfile", "gemfile", "vagrantfile")
_STRING: Final = re.compile(r"""(['"`])((?:(?!\1)[^\\\n]|\\.){1,400})\1""")
_LIST: Final = re.compile(
    r"""(['"])([\w.@/-]{2,40})\1\s*,\s*[\[{]?\s*((?:(['"])[^'"\n]{1,200}\4\s*,?\s*){1,20})"""
)
_WORD: Final = re.compile(r"""(['"])([^'"\n]{1,200})\1""")
_GRADLE: Final = re.compile(
    r"(?P<tool>Npm|Yarn|Pnpm|Npx|Bun)Task\b[^}]{0,400}?args(?:\.set\(|\s*=|\.addAll\()\s*(?:\[|listOf\()"
    r"(?P<words>[^\])\n]{1,300})"
)
_CALL: Final = re.compile(
    r"(?:exec\w*|spawn\w*|run\w*|call|check_\w+|Popen|system|popen|sh|bat|powershell|shell|\$"
    r"|command\w*|Command(?:::new)?|cmd|script)\s*(?:[({:=,]\s*|\s)(?:\[\s*|script:\s*|label:\s*)*\Z"
)
"""What is before a literal that is run; in other places a command is a message or a name."""
_BEFORE: Final = 60
_MOST: Final = 2_000


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """By suffix or name; a test is a program too."""
    name = path.lower().rpartition("/")[2]
    return (name.endswith(_SUFFIXES) and not name.startswith(".")) or (
        name in _NAMES or name.endswith(".jenkinsfile")
    )


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Judge the literal commands as if they ran at the repository's top; findings are warnings."""
    text = decode(path, data)
    found = ShellFollower(path=path, context=context)
    for words, line in _commands(text, context.readers()):
        source = Source(" ".join(words), ((0, line),))
        state = base_state(context, path)
        state.script = None
        if len(words) == 1:
            found.run(Source(words[0], ((0, line),)), state)
        else:
            found.command(list(words), state, source, 0)
    for problem in found.finish():
        if problem.code in ("scripts-on", "allows-scripts", "unpinned", "scripts-run"):
            yield problem._replace(level=Level.WARNING, fix=())


def _commands(text: str, clients: Collection[str]) -> Iterator[tuple[list[str], int]]:
    """Commands as a list of literal words, or as one literal text that starts with a client."""
    for count, found in enumerate(_LIST.finditer(text)):
        if count > _MOST:
            return
        if found[2].rpartition("/")[2] in clients and _is_run(text, found.start()):
            rest = [each[2] for each in _WORD.finditer(found[3])]
            yield [found[2].rpartition("/")[2], *rest], _line(text, found.start())
    for found in _GRADLE.finditer(text):
        rest = [each[2] for each in _WORD.finditer(found["words"])]
        yield [found["tool"].lower(), *rest], _line(text, found.start())
    for count, found in enumerate(_STRING.finditer(text)):
        if count > _MOST:
            return
        words = found[2].split()
        starts = len(words) > 1 and words[0].rpartition("/")[2] in clients
        if starts and "${" not in words[1] and _is_run(text, found.start()):
            yield [found[2]], _line(text, found.start())


def _is_run(text: str, start: int) -> bool:
    return _CALL.search(text, max(0, start - _BEFORE), start) is not None


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
