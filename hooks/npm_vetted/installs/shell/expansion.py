"""Expands the words of a shell command: variables, substitutions, splitting, patterns.

No command is run: the output is known only for a few commands such as ``pwd`` and ``echo``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Final

from npm_vetted.errors import UndecidedError
from npm_vetted.formats.shell_text import UNKNOWN, UNKNOWN_TEXT, Value, concat, either
from npm_vetted.installs.shell.parsed import Parsed
from npm_vetted.installs.shell.state import State, parent_of

if TYPE_CHECKING:
    from tree_sitter import Node

DEPTH: Final = 60
"""The greatest depth of nested statements, and of words within words."""

_MOST_LINES: Final = 24

Follow = Callable[[Sequence["Node"], State, int], None]
"""Follows the statements inside a word: ``$(…)`` runs them."""


class Expansion:
    """Expands the words of one script."""

    def __init__(self, path: str, parsed: Parsed, follow: Follow) -> None:
        self._path = path
        self._parsed = parsed
        self._follow = follow

    def lines_of(self, node: Node, state: State, depth: int = 0) -> list[list[str]]:
        """The argument lists that a command may run with; several if a word has several possible texts."""
        words: list[tuple[Value, bool]] = []
        for child in node.children:
            if child.type == "command_name":
                words.extend(self.spread(child.children[0], state, depth))
            elif child.is_named and child.type not in (
                "variable_assignment",
                "file_redirect",
                "herestring_redirect",
                "heredoc_redirect",
            ):
                words.extend(self.spread(child, state, depth))
        return _combined(words)

    def spread(self, node: Node, state: State, depth: int) -> list[tuple[Value, bool]]:
        """The words that one word becomes: several for ``"${array[@]}"`` and ``"$@"``."""
        inner = node
        if node.type == "string":
            named = [child for child in node.children if child.is_named]
            if len(named) == 1:
                inner = named[0]
        text = self._parsed.text(inner)
        if inner.type == "expansion" and text.endswith(("[@]}", "[*]}")):
            name = text[2:-4].lstrip("#!")
            if name in state.arrays:
                return [(value, "" in value) for value in state.arrays[name]]
        if text in ("$@", "$*", "${@}", "${*}"):
            if state.arguments is None:
                return [(UNKNOWN, True)]
            return [(value, False) for value in state.arguments]
        return [self.word(node, state, depth)]

    def word(self, node: Node, state: State, depth: int = 0) -> tuple[Value, bool]:
        """The possible texts of a word, and whether the shell splits it at blanks."""
        if depth > DEPTH:
            raise UndecidedError(
                "words nested too deeply", path=self._path, line=self._parsed.line(node)
            )
        match node.type:
            case "word" | "number" | "extglob_pattern" | "variable_name" | "regex":
                return _unescaped(self._parsed.text(node)), False
            case "raw_string" | "ansi_c_string" | "string" | "translated_string":
                return self._quoted(node, state, depth), False
            case "simple_expansion" | "expansion":
                return self._expansion(node, state, depth), True
            case "command_substitution":
                return self._substitution(node, state, depth), True
            case "concatenation":
                return self._concatenated(node, state, depth)
            case _ if node.child_count:
                self._follow(node.children, state.fork(), depth + 1)
                return UNKNOWN, False
            case _:
                return (self._parsed.text(node),), False

    def _concatenated(self, node: Node, state: State, depth: int) -> tuple[Value, bool]:
        parts = [self.word(child, state, depth + 1) for child in node.children]
        value = concat([each for each, _ in parts])
        if any(self._parsed.text(child) == "{" for child in node.children):
            return either(*((" ".join(braces(text)),) for text in value)), True
        return value, any(each for _, each in parts)

    def _quoted(self, node: Node, state: State, depth: int) -> Value:
        if node.type == "raw_string":
            return (self._parsed.text(node)[1:-1],)
        if node.type == "ansi_c_string":
            return (_ansi(self._parsed.text(node)[2:-1]),)
        return self._string(node, state, depth)

    def _string(self, node: Node, state: State, depth: int) -> Value:
        parts: list[Value] = []
        cursor = node.start_byte + 1
        if node.type == "translated_string":
            return self.word(node.children[-1], state, depth + 1)[0]
        end = node.end_byte - 1
        for child in node.children:
            if child.type == '"':
                continue
            parts.append((self._between(cursor, child.start_byte),))
            if child.type == "string_content":
                parts.append((_double_quoted(self._parsed.text(child)),))
            else:
                parts.append(self.word(child, state, depth + 1)[0])
            cursor = child.end_byte
        parts.append((self._between(cursor, end),))
        return concat(parts)

    def _between(self, start: int, end: int) -> str:
        return _double_quoted(self._parsed.data[start : max(start, end)].decode("utf-8", "replace"))

    def _expansion(self, node: Node, state: State, depth: int) -> Value:
        children = [
            child.children[0] if child.type == "subscript" and child.children else child
            for child in node.children
        ]
        names = [c for c in children if c.type in ("variable_name", "special_variable_name")]
        if not names:
            for child in node.children:
                if child.is_named:
                    self.word(child, state, depth + 1)
            return UNKNOWN
        name = self._parsed.text(names[0])
        value = self._variable(name, state)
        operators = [
            c.type for c in node.children if not c.is_named and c.type not in ("${", "}", "$")
        ]
        if not operators:
            return UNKNOWN if value is None else value
        operator = operators[0]
        rest = [c for c in children if c.is_named and c.id != names[0].id]
        given: Value = ("",)
        if rest:
            given = concat([self.word(c, state, depth + 1)[0] for c in rest])
        return _operated(operator, value, given)

    def _variable(self, name: str, state: State) -> Value | None:
        if name.isdigit() and name != "0":
            if state.arguments is None:
                return None
            index = int(name) - 1 if len(name) < 4 else 10_000
            return state.arguments[index] if index < len(state.arguments) else ("",)
        if name in ("0", "BASH_SOURCE"):
            return (state.script,) if state.script else None
        return state.value(name)

    def _substitution(self, node: Node, state: State, depth: int) -> Value:
        """The possible outputs of ``$(…)``: known for few commands, such as ``pwd`` and ``echo``."""
        inner = state.fork()
        statements = [child for child in node.children if child.is_named]
        self._follow(statements, inner, depth + 2)
        if len(statements) != 1:
            return UNKNOWN
        statement = statements[0]
        if statement.type == "redirected_statement" and statement.children:
            statement = statement.children[0]
        if statement.type == "list":
            last = statement.children[-1]
            return inner.cwd if self._parsed.text(last).split()[:1] == ["pwd"] else UNKNOWN
        if statement.type != "command":
            return UNKNOWN
        lines = self.lines_of(statement, inner, depth + 2)
        return either(*(_answer(words, state) for words in lines))


def _answer(words: list[str], state: State) -> Value:
    match words:
        case ["pwd", *_]:
            return state.cwd
        case ["dirname", *_, path]:
            return parent_of((path,))
        case ["realpath" | "readlink", *_, path]:
            return tuple(state.places(path)) if UNKNOWN_TEXT not in path else UNKNOWN
        case ["git", "rev-parse", "--show-toplevel"]:
            return (top_of(state),)
        case ["which" | "command" | "type", *_, program] if not program.startswith("-"):
            return (program,)
        case ["mktemp", *_]:
            return ("/tmp/" + UNKNOWN_TEXT,)  # noqa: S108
    printed = printed_by(words)
    return UNKNOWN if printed is None else (printed.rstrip("\n"),)


def top_of(state: State) -> str:
    """The place of the checkout's top, for a shell that runs in it."""
    from npm_vetted.installs.context.disk import CHECKOUT, under

    inside = all(under(CHECKOUT, place) is not None for place in state.cwd)
    return CHECKOUT if inside else UNKNOWN_TEXT


def printed_by(words: list[str]) -> str | None:
    """The output of ``echo`` and ``printf``; None for other commands."""
    match words:
        case ["echo", *rest]:
            newline = "\n"
            while rest and rest[0] in ("-n", "-e", "-E", "-ne", "-en"):
                newline = "" if "n" in rest[0] else newline
                rest = rest[1:]
            return " ".join(rest).replace("\\n", "\n") + newline
        case [":" | "true"]:
            return ""
        case ["printf", form, *rest]:
            text = form.replace("\\n", "\n")
            for word in rest:
                text = text.replace("%s", word, 1)
            return text
    return None


def matching(pattern: str, state: State) -> Value:
    """The repository's files that a pattern matches, seen from the shell's folder."""
    from npm_vetted.installs.context.disk import Copied, under

    found: list[str] = []
    for layer in state.disk.layers:
        if not isinstance(layer, Copied) or layer.source:
            continue
        for place in state.places(pattern):
            inner = under(layer.place, place)
            if inner is not None:
                found.extend(f"{layer.place}/{path}" for path in layer.tracked.glob(inner))
    return either(found) if found else UNKNOWN


def single(value: Value) -> str:
    """A value as one text; UNKNOWN_TEXT if it has several possible texts."""
    return value[0] if len(value) == 1 else UNKNOWN_TEXT


def _combined(words: Sequence[tuple[Value, bool]]) -> list[list[str]]:
    """Every argument list that the words may form; unquoted words are split at blanks."""
    total = 1
    bounded: list[tuple[Value, bool]] = []
    for value, splits in words:
        total *= len(value)
        bounded.append((value if total <= _MOST_LINES else UNKNOWN, splits))
        total = min(total, _MOST_LINES)
    lines: list[list[str]] = []
    for choice in product(*(value for value, _ in bounded)):
        line: list[str] = []
        for text, (_, splits) in zip(choice, bounded, strict=True):
            line.extend(text.split() if splits else [text])
        if line not in lines:
            lines.append(line)
    return lines


def _operated(operator: str, value: Value | None, given: Value) -> Value:
    """``${name:-word}`` and similar: a variable that the file does not set may be set outside of it."""
    match operator:
        case ":-" | "-" | ":=" | "=":
            if value is None:
                return either(given, UNKNOWN)
            return either(*((text,) if text else given for text in value))
        case ":+" | "+":
            if value is None:
                return either(given, ("",))
            return either(*(given if text else ("",) for text in value))
        case "%" | "%%" if given == ("/*",) and value is not None:
            return parent_of(value)
        case ":?" | "?":
            return UNKNOWN if value is None else value
        case _:
            return UNKNOWN


def braces(text: str) -> list[str]:
    """``a{b,c}`` is ``ab ac``: one pair of braces, which is the form that people write."""
    start = text.find("{")
    end = text.find("}", start)
    if start < 0 or end < 0 or "," not in text[start:end]:
        return [text]
    return [text[:start] + each + text[end + 1 :] for each in text[start + 1 : end].split(",")]


def _unescaped(text: str) -> Value:
    """An unquoted word without its backslashes."""
    if "\\" not in text:
        return (text,)
    out = []
    index = 0
    while index < len(text):
        if text[index] == "\\" and index + 1 < len(text):
            index += 1
            if text[index] != "\n":
                out.append(text[index])
        else:
            out.append(text[index])
        index += 1
    return ("".join(out),)


def _double_quoted(text: str) -> str:
    for escaped, plain in (("\\\n", ""), ('\\"', '"'), ("\\$", "$"), ("\\`", "`"), ("\\\\", "\\")):
        text = text.replace(escaped, plain)
    return text


def _ansi(text: str) -> str:
    """``$'…'``: the escapes of C."""
    try:
        return text.encode("latin-1", "backslashreplace").decode("unicode_escape")
    except UnicodeDecodeError:
        return UNKNOWN_TEXT
