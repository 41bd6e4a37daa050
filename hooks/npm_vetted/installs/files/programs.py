"""Programs that start a client with literal words: scripts and build files in other languages.

A command is found if it is one literal text (``execSync("npm ci")``) or a list of literal words
(``subprocess.run(["npm", "ci"])``). A computed command is not found. The language is not parsed, so the
command's folder is not known, and each finding is a warning. Jenkinsfiles are read the same way, because
their ``sh`` steps are texts in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from npm_vetted.formats.document import decode
from npm_vetted.installs import CLIENT_PROGRAM, Context
from npm_vetted.installs.context.disk import Copied
from npm_vetted.installs.shell.follower import (
    ShellFollower,
    base_state,
    folders_above,
)
from npm_vetted.installs.shell.judgement import UNKNOWN_FLAGS
from npm_vetted.installs.shell.source import Source
from npm_vetted.installs.shell.state import State
from npm_vetted.model import Level, Problem

_SUFFIXES: Final = (
    ".rake", ".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".py", ".rb", ".gradle", ".kts", ".groovy", ".pl",
    ".go", ".rs", ".php", ".cake",
)  # fmt: skip
_SHEBANG: Final = re.compile(rb"#!\s*\S*?(?:/|\s)(?:node|python[\d.]*|ruby|perl|php)\b")
_FIRST_LINE: Final = re.compile(
    r"#!\s*\S*/env\s+(?:-S|--split-string)[\s=]*(?P<command>\S.{1,400})"
)
"""A first line with the whole command that starts the program: ``env -S npx tsx``."""
_VAGRANT: Final = "vagrantfile"
_NAMES: Final = ("jenkinsfile", "rakefile", "gulpfile", "gruntfile", "gemfile", _VAGRANT)
_STRING: Final = re.compile(
    r"""(?:'{3}([\s\S]{1,20000}?)'{3}|"{3}([\s\S]{1,20000}?)"{3}|(['"`])((?:(?!\3)[^\\\n]|\\.){1,400})\3)"""
)
_NEXT: Final = r"\s*(?:,|\)\s*\.args?\(\s*&?)\s*[\[{]?\s*"
"""The text between two words of a command: a comma, or Rust's calls that add a word."""
_LIST: Final = re.compile(
    rf"""(['"])([\w.@/-]{{2,40}})\1{_NEXT}((?:(['"])[^'"\n]{{1,200}}\4(?:{_NEXT})?){{1,20}})"""
)
_SHELL_TEXT: Final = re.compile(
    r"(?:\binline:|\$?\w*script\w*\s*=)\s*<<[-~]?(['\"]?)(?P<end>\w+)\1[^\n]*\n(?P<text>[\s\S]{1,20000}?)\n\s*(?P=end)\b"
)
"""A here-document of Ruby with a script that Vagrant runs in a machine."""
_WORD: Final = re.compile(r"""(['"])([^'"\n]{1,200})\1""")
_GRADLE: Final = re.compile(
    rf"(?P<tool>{'|'.join(map(str.capitalize, CLIENT_PROGRAM.split('|')))})Task\b"
    r"[^}]{0,400}?args(?:\.set\(|\s*=|\.addAll\()\s*(?:\[|listOf\()"
    r"(?P<words>[^\])\n]{1,300})"
)
_GRADLE_VERB: Final = re.compile(
    rf"(?:{CLIENT_PROGRAM})Command(?:\.set\(|\s*=)\s*(?:\[|listOf\()(?P<words>[^\])\n]{{1,200}})"
)
_INNER: Final = r"(?:\[\s*|script:\s*|label:\s*)*[fFrRbBuU]{0,2}\Z"
_CALL: Final = re.compile(
    r"(?:(?:exec\w*|spawn\w*|run\w*|call|check_\w+|Popen|system|popen|sh|bat|powershell|shell|Process"
    rf")\s*[({{:=]\s*{_INNER})|\$\Z"
)
"""Calls before a literal that runs it; after other text, a literal may be a message or a name."""
_NAMED: Final = re.compile(
    rf"(?:command\w*|Command\w*(?:::new)?|cmd|script|inline)\s*[({{:=]\s*{_INNER}"
)
"""Names of variables, keys or classes for a command; pages and tests also have commands to show."""
_SCRIPTS: Final = (".js", ".cjs", ".mjs", ".ts", ".cts", ".mts")
_STARTS: Final = re.compile(
    r"child_process|execa|[sS]pawn|execSync|execFile|shelljs|\bzx\b|Bun\.|Deno\.|[rR]un[A-Z]\w*\("
)
"""Names in a JavaScript program that starts other programs."""
_BARE_CALL: Final = re.compile(
    rf"(?<![\w@.])(?:exec|system|spawn|run|sh|bat|powershell|pwsh|shell|commandLine)\s+{_INNER}"
)
"""Calls without parentheses, in languages that permit them; elsewhere these are ordinary words."""
_BARE: Final = (".rb", ".rake", ".gradle", ".kts", ".groovy", ".pl", *_NAMES, ".jenkinsfile")
_COMMENT: Final = re.compile(r"\s*(?://|/?\*|#(?!!)|--\s)")
_HOLE: Final = re.compile(r"(?<!\$)\{([A-Za-z_]\w*)[^{}\n]*\}")
"""A replacement in a Python f-string; it is read like a variable of the shell."""
_SAID: Final = ("scripts-on", "allows-scripts", "unpinned", "scripts-run")
_BEFORE: Final = 60
_TEXT: Final = 8_000
_MOST: Final = 2_000


def recognises(path: str, head: bytes) -> bool:
    """By suffix, name or first line; a test is a program too."""
    name = path.lower().rpartition("/")[2]
    if "." not in name and _SHEBANG.match(head):
        return True
    return (name.endswith(_SUFFIXES) and not name.startswith(".")) or (
        name in _NAMES or name.endswith(".jenkinsfile")
    )


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Judge the literal commands as if they ran at the top, or in a folder above the program."""
    if b"\0" in data[:_TEXT]:  # an image or the like under a program's name
        return
    found = ShellFollower(path=path, context=context)

    def start() -> State:
        state = base_state(context, path)
        state.script = None
        state.guesses = folders_above(path)
        if path.lower().rpartition("/")[2] == _VAGRANT:
            state.disk.put(Copied(context.tracked(), path.rpartition("/")[0], "/vagrant"))
        return state

    follow_program(found, Source(decode(path, data)), start)
    yield from as_warnings(found.reports.finish())


def follow_program(found: ShellFollower, source: Source, start: Callable[[], State]) -> None:
    """Follow the literal commands of a program, each from a state of its own."""
    for words, at in _commands(found.path, source.text, found.context.readers()):
        line = source.line(at)
        if isinstance(words, str):
            found.run(Source(words, ((0, line),)), start())
        else:
            found.command(words, start(), Source(" ".join(words), ((0, line),)), 0)


def as_warnings(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems as warnings, because the program's language is not parsed."""
    for problem in problems:
        if problem.code in _SAID or problem.message.endswith(UNKNOWN_FLAGS):
            yield problem._replace(level=Level.WARNING, fix=())


def _commands(
    path: str, text: str, clients: Collection[str]
) -> Iterator[tuple[list[str] | str, int]]:
    """The commands in a program, as literal words or one literal text, each with its offset."""
    calls = [_CALL, _BARE_CALL] if path.lower().endswith(_BARE) else [_CALL]
    if not path.lower().endswith(_SCRIPTS) or _STARTS.search(text) or "config" in path.lower():
        calls.append(_NAMED)
    first = _FIRST_LINE.match(text)
    if first is not None:
        yield first["command"], first.start("command")
    for found in islice(_LIST.finditer(text), _MOST):
        program = found[2].rpartition("/")[2]
        if program in clients and _is_run(text, found.start(), calls):
            yield [program, *(each[2] for each in _WORD.finditer(found[3]))], found.start()
    for found in _SHELL_TEXT.finditer(text) if path.lower().endswith(_VAGRANT) else ():
        yield found["text"], found.start("text")
    for found in _GRADLE.finditer(text):
        verb = _GRADLE_VERB.search(text, found.start(), found.start("words"))
        said = (verb["words"] if verb else "") + "," + found["words"]
        words = [found["tool"].lower(), *(each[2] for each in _WORD.finditer(said))]
        yield words, found.start()
    names = "|".join(map(re.escape, clients))
    starts = re.compile(rf"(?:\A|&&|\|\||[;\n])\s*(?:sudo\s+)?(?:{names})[ \t]+(?!\$\{{)\S")
    for found in islice(_STRING.finditer(text), _MOST):
        said = found[1] or found[2] or found[4]
        if starts.search(said) is not None and _is_run(text, found.start(), calls):
            yield _HOLE.sub(r"${\1}", said), found.start()


def _is_run(text: str, start: int, calls: Sequence[re.Pattern[str]]) -> bool:
    """Whether the call before a literal runs it, and the literal is not in a comment."""
    if _COMMENT.match(text, text.rfind("\n", 0, start) + 1, start) is not None:
        return False
    return any(call.search(text, max(0, start - _BEFORE), start) is not None for call in calls)
