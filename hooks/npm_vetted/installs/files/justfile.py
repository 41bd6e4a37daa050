"""justfiles: recipes, with the variables that the file sets (the manual of just)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.document import decode
from npm_vetted.formats.shell_text import UNKNOWN, Value
from npm_vetted.installs import Context
from npm_vetted.installs.context.disk import CHECKOUT
from npm_vetted.installs.shell.follower import ShellFollower, base_state
from npm_vetted.installs.shell.powershell import run_windows
from npm_vetted.installs.shell.source import Source, braced, filled, joined
from npm_vetted.installs.shell.state import State
from npm_vetted.model import Problem

_TEMPLATES: Final = braced("{{", "}}")
_ASSIGN: Final = re.compile(r"(export\s+)?([A-Za-z_][\w-]*)\s*:=\s*(.*)")
_RECIPE: Final = re.compile(r"@?([A-Za-z_][\w-]*)((?:\s+[^:]*)?):(?!=)")
_STRING: Final = re.compile(r"""(?:'([^']*)'|"([^"]*)")\s*\Z""")
_PARAMETER: Final = re.compile(r"""([$*+]*)([A-Za-z_][\w-]*)(?:=(?:'([^']*)'|"([^"]*)"))?""")
_LONG_TEXT: Final = re.compile(
    r"""(?:export\s+)?([A-Za-z_][\w-]*)\s*:=\s*('''|\"\"\")(.*?)\2""", re.DOTALL
)
_THREE: Final = re.compile(r"'''|\"\"\"")
_LINES: Final = 20
_FOLDER: Final = re.compile(r"""\[\s*working-directory\s*[:(]\s*['"]([^'"]*)['"]""")


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """``justfile`` in any case, ``.justfile``, ``*.just``."""
    name = path.rpartition("/")[2].lower()
    return name in ("justfile", ".justfile") or name.endswith(".just")


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """The problems of the recipes: each line is run by a shell of its own, in the justfile's folder."""
    found = ShellFollower(path=path, context=context)
    state = base_state(context, path)
    folder = path.rpartition("/")[0]
    if folder:
        state.cwd = (f"{CHECKOUT}/{folder}",)
    _Justfile(decode(path, data), found, state).judge_all()
    return found.reports.finish()


class _Justfile:
    def __init__(self, text: str, follower: ShellFollower, state: State) -> None:
        self.lines = text.replace("\r\n", "\n").split("\n")
        self.follower = follower
        self.state = state
        self.variables: dict[str, Value] = {}
        self.windows = False

    def judge_all(self) -> None:
        """Variables first, then the recipes."""
        exports = any(line.startswith("set export") for line in self.lines)
        for number, line in enumerate(self.lines, start=1):
            if line.startswith("set shell") and re.search(r"pwsh|powershell|cmd", line):
                self.windows = True
            if found := _ASSIGN.match(line):
                self._assign(found, number, exports=exports)
            if _THREE.search(line) and (
                found := _LONG_TEXT.match("\n".join(self.lines[number - 1 : number + _LINES]))
            ):
                self.variables[found.group(1)] = (" ".join(found.group(3).split("\n")),)
        index = 0
        folder: str | None = None
        while index < len(self.lines):
            line = self.lines[index]
            if found := _FOLDER.search(line):
                folder = found.group(1)
            recipe = _RECIPE.match(line)
            index += 1
            if recipe is None:
                continue
            body: list[tuple[str, int]] = []
            while index < len(self.lines) and (
                not self.lines[index].strip() or self.lines[index][:1] in " \t"
            ):
                if self.lines[index].strip():
                    body.append((self.lines[index], index + 1))
                index += 1
            self._recipe(body, recipe.group(2), folder)
            folder = None

    def _assign(self, found: re.Match[str], line: int, *, exports: bool) -> None:
        export, name, text = found.groups()
        quoted = _STRING.match(text)
        if quoted is None:
            if text.startswith("`"):
                self.follower.run(Source(text.strip("`"), ((0, line),)), self.state.fork())
            return
        value = (next(group for group in quoted.groups() if group is not None),)
        self.variables[name] = value
        if export or exports:
            self.state.set(name, value, export=True)
            self.follower.reports.variable(name, value, line)

    def _parameters(self, text: str, state: State, line: int) -> dict[str, Value | None]:
        """The defaults of a recipe's parameters; a ``$`` before one exports it."""
        found: dict[str, Value | None] = {}
        for sign, name, one, other in _PARAMETER.findall(text):
            found[name] = (one or other,) if one or other else None
            if "$" in sign:
                value = found[name] or UNKNOWN
                state.set(name, value, export=True)
                self.follower.reports.variable(name, value, line)
        return found

    def _recipe(self, body: list[tuple[str, int]], head: str, folder: str | None) -> None:
        if not body:
            return
        outer = self.state.fork()
        parameters = self._parameters(head, outer, body[0][1] - 1)

        def resolve(name: str) -> Value | None:
            if quoted := _STRING.match(name):
                return (quoted.group(1) or quoted.group(2) or "",)
            if name in parameters:
                return parameters[name]
            if name in ("justfile_directory()", "source_directory()"):
                return self.state.cwd
            return self.variables.get(name)

        indent = len(body[0][0]) - len(body[0][0].lstrip())
        lines = [
            (line[indent:] if not line[:indent].strip() else line.lstrip(), number)
            for line, number in body
        ]
        whole = lines[0][0].startswith("#!")
        if whole and not re.search(r"\b(?:ba|z|da|k)?sh\b", lines[0][0]):
            return
        for piece in _pieces(lines, whole=whole):
            for source in filled(joined(piece), _TEMPLATES, resolve):
                state = outer.fork()
                if folder:
                    state.enter((folder,))
                if self.windows and not whole:
                    run_windows(self.follower, source, state, cmd=False)
                else:
                    self.follower.run(source, state)
        self.follower.shell.functions.clear()


def _pieces(lines: list[tuple[str, int]], *, whole: bool) -> Iterator[list[tuple[str, int]]]:
    """The texts that are each run by one shell: the body of a script recipe, else each logical line."""
    piece: list[tuple[str, int]] = []
    for text, number in lines:
        goes_on = bool(piece)
        piece.append(((text if whole or goes_on else text.lstrip("@-")) + "\n", number))
        if not whole and not text.endswith("\\"):
            yield piece
            piece = []
    if piece:
        yield piece
