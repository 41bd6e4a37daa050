"""YAML as lockfiles use it: no anchors, tags or duplicate keys; read by libyaml, event by event.

PyYAML's own loaders keep the last of duplicate keys silently and follow aliases (measured), so
the data is built here. Building is iterative: depth costs no stack.
"""

from __future__ import annotations

import re
from typing import Final

from npm_vetted.documents.base import DEPTH_LIMIT, Document, Keys, decode
from npm_vetted.errors import DocumentError

_INT: Final = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_WORDS: Final = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


def typed(text: str) -> object:
    """A plain scalar by the core schema of YAML 1.2, which the JavaScript readers use."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) < 20 and _INT.match(text):
        return int(text)
    if len(text) < 40 and _FLOAT.match(text):
        return float(text)
    return text


def load_yaml(path: str, data: bytes, *, strings_only: bool = False) -> list[Document]:
    """Read every document of a YAML stream; raises DocumentError with the line.

    With ``strings_only`` every scalar is text, as Yarn berry's own reader takes it.
    """
    import yaml

    text = decode(path, data)
    builder = _Builder(path, strings_only)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        raise DocumentError(f"not YAML: {error.problem}", path=path, line=line) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise DocumentError(f"not YAML: {error.reason}", path=path, line=line) from None
    return builder.documents


class _Builder:
    """Builds plain data from YAML events, and remembers the line of each key path."""

    def __init__(self, path: str, strings_only: bool) -> None:
        self.documents: list[Document] = []
        self._path = path
        self._strings_only = strings_only
        self._start()

    def _start(self) -> None:
        self._lines: dict[Keys, int] = {}
        self._stack: list[tuple[dict[str, object] | list[object], Keys]] = []
        self._key: str | None = None
        self._root: object = None

    def _fail(self, message: str, line: int) -> DocumentError:
        return DocumentError(message, path=self._path, line=line)

    def take(self, event: object) -> None:
        import yaml

        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent():
                self._open(event, {})
            case yaml.SequenceStartEvent():
                self._open(event, [])
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._stack.pop()
            case yaml.AliasEvent():
                raise self._fail("an alias (*): no lockfile has one", self._line(event))
            case yaml.DocumentStartEvent():
                self._start()
            case yaml.DocumentEndEvent():
                lines = self._lines
                self.documents.append(Document(self._path, self._root, lines.get))

    @staticmethod
    def _line(event: object) -> int:
        return int(event.start_mark.line) + 1  # type: ignore[attr-defined]

    def _plain(self, event: object) -> int:
        """The line of a node's event; raises where it has an anchor or a tag."""
        line = self._line(event)
        if event.anchor is not None:  # type: ignore[attr-defined]
            raise self._fail("an anchor (&): no lockfile has one", line)
        if event.tag is not None:  # type: ignore[attr-defined]
            raise self._fail("a tag (!): no lockfile has one", line)
        return line

    def _scalar(self, event: object) -> None:
        line = self._plain(event)
        text: str = event.value  # type: ignore[attr-defined]
        if self._stack and isinstance(self._stack[-1][0], dict) and self._key is None:
            table, keys = self._stack[-1]
            if text == "<<" and not event.style:  # type: ignore[attr-defined]
                raise self._fail("a merge key (<<): no lockfile has one", line)
            if text in table:
                raise self._fail(f"the key {text!r} stands twice in one mapping", line)
            self._key = text
            self._lines[(*keys, text)] = line
            return
        plain = not event.style and not self._strings_only  # type: ignore[attr-defined]
        self._place(typed(text) if plain else text, line)

    def _open(self, event: object, value: dict[str, object] | list[object]) -> None:
        line = self._plain(event)
        if self._stack and isinstance(self._stack[-1][0], dict) and self._key is None:
            raise self._fail("a key that is no string", line)
        if len(self._stack) >= DEPTH_LIMIT:
            raise self._fail("nested too deeply", line)
        self._stack.append((value, self._place(value, line)))

    def _place(self, value: object, line: int) -> Keys:
        """Put a value where it belongs; its key path."""
        if not self._stack:
            self._root = value
            return ()
        parent, keys = self._stack[-1]
        if isinstance(parent, list):
            path: Keys = (*keys, len(parent))
            parent.append(value)
            self._lines[path] = line
            return path
        assert self._key is not None
        path = (*keys, self._key)
        parent[self._key] = value
        self._key = None
        return path
