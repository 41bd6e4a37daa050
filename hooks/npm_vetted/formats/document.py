"""The result of every reader: the data, and the line of each key."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeVar

from npm_vetted.errors import DocumentError, NpmVettedError

T = TypeVar("T")

Keys = tuple[str | int, ...]

DEPTH_LIMIT: Final = 200
"""Nesting beyond this is no document that a person or a client wrote."""


def decode(path: str, data: bytes) -> str:
    """UTF-8 text without a byte order mark; raises DocumentError with the line that is not."""
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DocumentError("not UTF-8 text", path=path, line=line) from None


_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def refuse_lone_surrogates(path: str, text: str) -> str:
    r"""Return the JSON text; raises DocumentError if it escapes half a character.

    A single ``\ud800`` is not text: it can neither be written to a file nor be hashed.
    """
    if "\\" in text and ("\\ud" in text or "\\uD" in text):
        for escape in _ESCAPE.finditer(text):
            if escape["lone"]:
                line = text.count("\n", 0, escape.start()) + 1
                raise DocumentError(f"half a character: {escape.group()}", path=path, line=line)
    return text


def dotted(keys: Keys) -> str:
    """A key path as people write it: ``packages[3].name``."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


class Document:
    """A file's data, and the line of each key path."""

    __slots__ = ("data", "find_line", "path")

    def __init__(self, path: str, data: object, find_line: Callable[[Keys], int | None]) -> None:
        self.path = path
        self.data = data
        self.find_line = find_line

    def line_of(self, *keys: str | int) -> int:
        """The line of a key path, or of its nearest ancestor that has one; 1 at worst."""
        while keys:
            line = self.find_line(keys)
            if line is not None:
                return line
            keys = keys[:-1]
        return 1

    def root(self, error: type[NpmVettedError] = DocumentError) -> Table:
        """The document as a table; raises ``error`` where it is something else."""
        if not isinstance(self.data, dict):
            raise error(f"expected a table, found {named(self.data)}", path=self.path)
        return Table(self, (), self.data, error)


class Table:
    """Typed getters over one table of a document; their errors carry file, line and key path."""

    __slots__ = ("_document", "_error", "data", "keys")

    def __init__(
        self,
        document: Document,
        keys: Keys,
        data: Mapping[str, object],
        error: type[NpmVettedError] = DocumentError,
    ) -> None:
        self._document = document
        self._error = error
        self.keys = keys
        self.data = data

    def line(self, *keys: str | int) -> int:
        """The line of a key of this table."""
        return self._document.line_of(*self.keys, *keys)

    def fail(self, message: str, *keys: str | int, fix: str | None = None) -> NpmVettedError:
        """The error to raise about a key of this table."""
        where = dotted((*self.keys, *keys))
        prefix = f"{where}: " if where else ""
        return self._error(
            prefix + message, path=self._document.path, line=self.line(*keys), fix=fix
        )

    def _typed(self, key: str, kind: type[T], words: str, required: bool) -> T | None:
        if key not in self.data:
            if required:
                raise self.fail(f"the key {key!r} is missing")
            return None
        value = self.data[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.fail(f"expected {words}, found {named(value)}", key)
        return value

    def text(self, key: str) -> str:
        """A required string."""
        value = self._typed(key, str, "a string", required=True)
        assert value is not None
        return value

    def maybe_text(self, key: str) -> str | None:
        """A string, or None where the key is not there."""
        return self._typed(key, str, "a string", required=False)

    def maybe_number(self, key: str) -> int | None:
        """A whole number, or None where the key is not there."""
        return self._typed(key, int, "a whole number", required=False)

    def maybe_flag(self, key: str) -> bool | None:
        """True or false, or None where the key is not there."""
        return self._typed(key, bool, "true or false", required=False)

    def maybe_texts(self, key: str) -> tuple[str, ...] | None:
        """A list of strings, or None where the key is not there."""
        values = self._typed(key, list, "a list of strings", required=False)
        if values is None:
            return None
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise self.fail(f"expected a string, found {named(value)}", key, index)
        return tuple(values)

    def maybe_table(self, key: str) -> Table | None:
        """A table, or None where the key is not there."""
        value = self._typed(key, dict, "a table", required=False)
        return (
            None if value is None else Table(self._document, (*self.keys, key), value, self._error)
        )

    def tables(self, key: str) -> list[Table]:
        """A list of tables; empty where the key is not there."""
        values = self._typed(key, list, "a list of tables", required=False) or []
        found = []
        for index, value in enumerate(values):
            if not isinstance(value, dict):
                raise self.fail(f"expected a table, found {named(value)}", key, index)
            found.append(Table(self._document, (*self.keys, key, index), value, self._error))
        return found

    def only(self, known: Collection[str]) -> None:
        """Raise about the first key that is not known, naming the nearest that is."""
        for key in self.data:
            if key not in known:
                raise self.fail(f"unknown key{hint(key, known)}", key)


def hint(word: str, known: Collection[str]) -> str:
    """``; did you mean 'x'?`` for the nearest known word, else the known words."""
    import difflib

    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f" (known: {', '.join(sorted(known))})"


def named(value: object) -> str:
    """The name of a value's type, as a person calls it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return "a table"
        case list():
            return "a list"
        case str():
            return f"the string {value[:60]!r}"
        case int() | float():
            return f"the number {value}"
        case _:
            return f"a {type(value).__name__}"
