"""The shell's own commands, and programs that move files: their effect on later commands."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Protocol

from npm_vetted.client_names import SETTINGS_FILES
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, Value
from npm_vetted.installs import SETTINGS_ENDINGS
from npm_vetted.installs.context.disk import Disk, Gone, Taken, Written
from npm_vetted.installs.shell.expansion import printed_by
from npm_vetted.installs.shell.source import Source
from npm_vetted.installs.shell.state import State
from npm_vetted.installs.shell.wrappers import Wrapped, program_name, unwrap

_ARGUMENTS: Final = 1_000
"""The most arguments that are kept; a script that doubles its arguments has unknown ones beyond it."""

SETTINGS: Final = frozenset(SETTINGS_FILES)
"""The files whose content matters to an install."""


class Interpreter(Protocol):
    """Receives what builtins do: commands that they run, files that they write, variables that they set."""

    aliases: dict[str, str]

    def text(self, text: str, state: State, source: Source, depth: int) -> None:
        """A text runs as a command line."""

    def unwrap(self, wrapped: Wrapped, call: Call) -> None:
        """A command runs inside another."""

    def nameless(self, words: Sequence[str], source: Source) -> None:
        """A command with an unknown name runs."""

    def assigned(self, name: str, value: Value, line: int) -> None:
        """A variable that programs see was set for more than one command."""

    def cloned(self, address: str, places: Iterable[str], state: State) -> None:
        """A repository was cloned."""

    def wrote(self, target: str, text: str | None, append: bool, state: State) -> None:
        """A file was written; None means that its content is unknown."""


@dataclass(frozen=True, slots=True)
class Call:
    """One command line: its words, the shell's state, its source text, and the depth of nested shells."""

    judge: Interpreter
    words: list[str]
    state: State
    source: Source
    depth: int


def _cd(call: Call) -> None:
    arguments = [word for word in call.words[1:] if word not in ("-P", "-L", "--", "/d", "/D")]
    if program_name(call.words[0]) == "pushd":
        call.state.stack.append(call.state.cwd)
    if arguments[:1] == ["-"]:
        call.state.cwd = call.state.stack[-1] if call.state.stack else (UNKNOWN_TEXT,)
        return
    call.state.stack = (
        call.state.stack[-20:]
        if program_name(call.words[0]) == "pushd"
        else [*call.state.stack[-20:], call.state.cwd]
    )
    target = arguments[0] if arguments else call.state.home
    # Windows writes its directories with backslashes
    call.state.enter((target.replace("\\", "/"),))


def _popd(call: Call) -> None:
    call.state.cwd = call.state.stack.pop() if call.state.stack else (UNKNOWN_TEXT,)


def _eval(call: Call) -> None:
    text = " ".join(call.words[1:])
    if text.strip() == UNKNOWN_TEXT:
        call.judge.nameless(call.words[1:], call.source)
    else:
        call.judge.text(text, call.state, call.source, call.depth)


def _exit(call: Call) -> None:
    call.state.ended = True


def _set(call: Call) -> None:
    if "--" in call.words[1:]:
        found = call.words[call.words.index("--") + 1 :]
        call.state.arguments = [(word,) for word in found] if len(found) < _ARGUMENTS else None
        return
    flags = "".join(
        word[1:] for word in call.words[1:] if word.startswith("-") and not word.startswith("--")
    )
    if "a" in flags or "allexport" in call.words:
        call.state.exports_all = "+a" not in call.words
    for word in call.words[1:]:
        name, equals, value = word.partition("=")
        if equals and name.replace("_", "").isalnum():
            call.state.set(name, (value,), export=True)  # cmd's set
            call.judge.assigned(name, (value,), call.source.line(0))


def _git(call: Call) -> None:
    """The git commands that change files: ``rm``, ``checkout``, and ``clone``, which adds other repositories."""
    if "rm" in call.words[1:3]:
        _remove(replace(call, words=call.words[call.words.index("rm") :]))
    if call.words[1:2] in (["checkout"], ["restore"]):
        for word in call.words[2:]:
            if word.rpartition("/")[2] in SETTINGS:
                call.judge.wrote(word, None, append=False, state=call.state)
    address, folder = _cloned(call.words) if "clone" in call.words[1:4] else ("", "")
    if folder:
        call.judge.cloned(address, call.state.places(folder), call.state)


def _cloned(words: Sequence[str]) -> tuple[str, str]:
    """The address that ``git clone`` is given, and the folder that it makes."""
    rest = words[words.index("clone") + 1 :]
    arguments = [word for word in rest if not word.startswith("-")]
    for at, word in enumerate(arguments):
        if "/" in word or ":" in word:
            last = word.rstrip("/").rpartition("/")[2].removesuffix(".git")
            return word, arguments[at + 1] if at + 1 < len(arguments) else last
    return "", ""


def _remove(call: Call) -> None:
    """``rm``: the files that matter here, and with ``-r`` whole folders."""
    options = [word for word in call.words[1:] if word.startswith("-")]
    whole = any(
        word == "--recursive" or (not word.startswith("--") and {*word} & {"r", "R"})
        for word in options
    )
    for word in call.words[1:]:
        if word.startswith("-"):
            continue
        for place in call.state.places(word):
            if whole and UNKNOWN_TEXT not in place and call.state.disk.has_folder(place):
                call.state.disk.put(Gone(place, maybe=call.state.maybe))
                continue
            folder, _, pattern = place.rpartition("/")
            names = [name for name in SETTINGS if fnmatch.fnmatchcase(name, pattern)]
            for name in names or ([pattern] if pattern.endswith(SETTINGS_ENDINGS) else []):
                call.state.disk.put(Gone(f"{folder}/{name}", maybe=call.state.maybe))


def _copy(call: Call) -> None:
    """``cp``, ``mv`` and ``ln``, of folders and of the files that matter here."""
    arguments = [word for word in call.words[1:] if not word.startswith("-")]
    if len(arguments) < 2:
        return
    *sources, target = arguments
    before = call.state.disk.copy()
    for goal in call.state.places(target):
        into = target.endswith("/") or len(sources) > 1 or before.has_folder(goal)
        for source in sources:
            for place in call.state.places(source):
                name = place.rstrip("/").rpartition("/")[2]
                whole = not into or source.endswith("/.")
                end = goal if whole else f"{goal.rstrip('/')}/{name}"
                _copy_one(call, before, place, end)


def _copy_one(call: Call, before: Disk, place: str, end: str) -> None:
    if UNKNOWN_TEXT in place or UNKNOWN_TEXT in end:
        return
    state = call.state
    names = {place.rpartition("/")[2], end.rpartition("/")[2]}
    matters = bool(names & SETTINGS)
    if before.has_folder(place) or (matters and before.find(place) is not None):
        state.disk.put(Taken(before, place, end, state.maybe))
    elif end.rpartition("/")[2] in SETTINGS:
        state.disk.put(Written(end, b"" if place == "/dev/null" else None, state.maybe))
    if program_name(call.words[0]) == "mv" and place.rpartition("/")[2] in SETTINGS:
        state.disk.put(Gone(place, maybe=state.maybe))


def _trap(call: Call) -> None:
    """``trap 'command' SIGNAL``."""
    if len(call.words) > 2 and not call.words[1].startswith("-"):
        call.judge.text(call.words[1], call.state.fork(), call.source, call.depth)


def _alias(call: Call) -> None:
    for word in call.words[1:]:
        name, equals, text = word.partition("=")
        if equals and name != text.split(" ")[0]:
            call.judge.aliases[name] = text


def _read(call: Call) -> None:
    for word in call.words[1:]:
        if not word.startswith("-"):
            call.state.set(word, (UNKNOWN_TEXT,))


def _printf(call: Call) -> None:
    if call.words[1:2] == ["-v"] and len(call.words) > 3:
        call.state.set(call.words[2], (printed_by(["printf", *call.words[3:]]) or UNKNOWN_TEXT,))


def _find(call: Call) -> None:
    """``find -delete`` removes files; ``find -exec`` runs a command with each found path in place of ``{}``."""
    found = [
        pattern
        for option, pattern in pairwise(call.words)
        if option in ("-name", "-iname", "-path")
    ]
    if "-delete" in call.words:
        _remove(replace(call, words=["rm", *found]))
    wrapped = unwrap(call.words)
    if wrapped is not None:
        words = [each for word in wrapped.words for each in (found if word == "{}" else [word])]
        call.judge.unwrap(replace(wrapped, words=tuple(words)), call)


def _tee(call: Call) -> None:
    text = call.state.stdin.text if call.state.stdin is not None else None
    append = "-a" in call.words or "--append" in call.words
    for word in call.words[1:]:
        if not word.startswith("-"):
            call.judge.wrote(word, text, append, call.state)


def _truncate(call: Call) -> None:
    for word in call.words[1:]:
        call.judge.wrote(word, "", append=False, state=call.state)


def _edit(call: Call) -> None:
    """``sed -i`` and similar programs change a file in an unknown way."""
    if not any(word.startswith(("-i", "--in-place")) for word in call.words[1:]):
        return
    for word in call.words[1:]:
        name = word.rpartition("/")[2]
        if name in SETTINGS and name != "package.json":
            for place in call.state.places(word):
                call.state.disk.put(Written(place, None))


def _download(call: Call) -> None:
    for option, word in pairwise(call.words):
        if (
            option in ("-o", "-O", "--output", "--output-document")
            and word.rpartition("/")[2] in SETTINGS
        ):
            call.judge.wrote(word, None, append=False, state=call.state)


def _make_folder(call: Call) -> None:
    """``mkdir`` makes an empty folder."""
    for word in call.words[1:]:
        if not word.startswith("-"):
            for place in call.state.places(word):
                call.state.disk.put(Written(f"{place}/.", b"", call.state.maybe))


BUILTINS: Final[Mapping[str, Callable[[Call], None]]] = {
    "cd": _cd,
    "chdir": _cd,
    "Set-Location": _cd,
    "pushd": _cd,
    "Push-Location": _cd,
    "popd": _popd,
    "Pop-Location": _popd,
    "eval": _eval,
    "iex": _eval,
    "Invoke-Expression": _eval,
    "exit": _exit,
    "set": _set,
    "git": _git,
    "mkdir": _make_folder,
    "md": _make_folder,
    "rm": _remove,
    "unlink": _remove,
    "cp": _copy,
    "mv": _copy,
    "ln": _copy,
    "tee": _tee,
    "trap": _trap,
    "alias": _alias,
    "read": _read,
    "printf": _printf,
    "find": _find,
    "truncate": _truncate,
    "sed": _edit,
    "curl": _download,
    "wget": _download,
}
