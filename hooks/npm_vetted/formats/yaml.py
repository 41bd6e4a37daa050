"""YAML as lockfiles use it: no tags or duplicate keys; read by libyaml, event by event.

Anchors are for settings alone, which people write, and unfold to little. A merge key is refused
there too: what it overrides is not the same in every reader.

PyYAML's own loaders keep the last of duplicate keys silently and follow aliases (measured), so
the data is built here. Building is iterative: depth costs no stack.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import DEPTH_LIMIT, Document, Keys, decode

_INT: Final = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SETTING: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*): ([A-Za-z0-9][A-Za-z0-9_./-]*)\Z")
_SETTINGS_LIMIT: Final = 10_000
_UNFOLDED_LIMIT: Final = 10_000
"""How many nodes aliases may expand to, all together."""
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


def load_yaml(
    path: str, data: bytes, *, strings_only: bool = False, aliases: bool = False
) -> list[Document]:
    """Read every document of a YAML stream; raises DocumentError with the line.

    With ``strings_only`` every scalar is text, as Yarn berry's own reader takes it; with
    ``aliases`` an alias has the value of its anchor, which is refused else.
    """
    text = decode(path, data)
    flat = _flat(path, text, strings_only=strings_only)
    if flat is not None:
        return [flat]
    import yaml

    builder = _Builder(path, strings_only=strings_only, aliases=aliases)
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


def _flat(path: str, text: str, *, strings_only: bool) -> Document | None:
    """A file of plain settings, one a line: most are so, and libyaml takes 15 ms to import."""
    if len(text) > _SETTINGS_LIMIT:
        return None
    found: dict[str, object] = {}
    lines: dict[Keys, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line or (line.isascii() and line.isprintable() and line.startswith("#")):
            continue
        setting = _SETTING.match(line)
        if setting is None or setting[1] in found:
            return None
        found[setting[1]] = setting[2] if strings_only else typed(setting[2])
        lines[(setting[1],)] = number
    return Document(path, found, lines.get) if found else None


class _Builder:
    """Builds plain data from YAML events, and remembers the line of each key path."""

    def __init__(self, path: str, *, strings_only: bool, aliases: bool) -> None:
        self.documents: list[Document] = []
        self._path = path
        self._strings_only = strings_only
        self._aliases = aliases
        self._start()

    def _start(self) -> None:
        self._lines: dict[Keys, int] = {}
        self._stack: list[_Open] = []
        self._key: str | None = None
        self._root: object = None
        self._anchors: dict[str, tuple[object, int]] = {}
        self._nodes = self._unfolded = 0

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
                closed = self._stack.pop()
                if closed.anchor is not None:
                    self._anchors[closed.anchor] = (closed.value, self._nodes - closed.nodes)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._start()
            case yaml.DocumentEndEvent():
                lines = self._lines
                self.documents.append(Document(self._path, self._root, lines.get))

    @staticmethod
    def _line(event: object) -> int:
        return int(event.start_mark.line) + 1  # type: ignore[attr-defined]

    @property
    def _expects_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].value, dict) and self._key is None

    def _plain(self, event: object) -> int:
        """The line of a node's event; raises where it has a tag, or an anchor that nobody wants."""
        line = self._line(event)
        if event.anchor is not None and (not self._aliases or self._expects_key):  # type: ignore[attr-defined]
            raise self._fail(f"an anchor (&) is not read here{self._instead()}", line)
        if event.tag is not None:  # type: ignore[attr-defined]
            raise self._fail("a tag (!) is not read here: write the value plainly", line)
        return line

    def _instead(self) -> str:
        return "" if self._aliases else ": write the value out where it is used"

    def _alias(self, event: object) -> None:
        """Put an anchor's value where an alias is."""
        line, name = self._line(event), event.anchor  # type: ignore[attr-defined]
        if not self._aliases or self._expects_key:
            raise self._fail(f"an alias (*) is not read here{self._instead()}", line)
        if name not in self._anchors:
            raise self._fail(f"the alias *{name} has no anchor &{name} that ends before it", line)
        value, nodes = self._anchors[name]
        self._nodes += nodes
        self._unfolded += nodes
        if self._unfolded > _UNFOLDED_LIMIT:
            raise self._fail(f"aliases for more than {_UNFOLDED_LIMIT:,} values", line)
        self._place(value, line)

    def _scalar(self, event: object) -> None:
        line = self._plain(event)
        text: str = event.value  # type: ignore[attr-defined]
        if self._expects_key:
            parent = self._stack[-1]
            if text == "<<" and not event.style:  # type: ignore[attr-defined]
                message = "a merge key (<<) is not read here: write the keys out"
                raise self._fail(message, line)
            if text in parent.value:
                raise self._fail(f"the key {text!r} appears twice in one mapping", line)
            self._key = text
            self._lines[(*parent.keys, text)] = line
            return
        plain = not event.style and not self._strings_only  # type: ignore[attr-defined]
        value = typed(text) if plain else text
        self._nodes += 1
        if event.anchor is not None:  # type: ignore[attr-defined]
            self._anchors[event.anchor] = (value, 1)  # type: ignore[attr-defined]
        self._place(value, line)

    def _open(self, event: object, value: dict[str, object] | list[object]) -> None:
        line = self._plain(event)
        if self._expects_key:
            raise self._fail("a key that is no string", line)
        if len(self._stack) >= DEPTH_LIMIT:
            raise self._fail("nested too deeply", line)
        keys = self._place(value, line)
        anchor: str | None = event.anchor  # type: ignore[attr-defined]
        self._stack.append(_Open(value, keys, anchor, self._nodes))
        self._nodes += 1

    def _place(self, value: object, line: int) -> Keys:
        """Put a value where it belongs; its key path."""
        if not self._stack:
            self._root = value
            return ()
        parent = self._stack[-1]
        if isinstance(parent.value, list):
            path: Keys = (*parent.keys, len(parent.value))
            parent.value.append(value)
            self._lines[path] = line
            return path
        assert self._key is not None
        path = (*parent.keys, self._key)
        parent.value[self._key] = value
        self._key = None
        return path


class _Open(NamedTuple):
    """A collection that is not closed yet; ``nodes`` were read before it."""

    value: dict[str, object] | list[object]
    keys: Keys
    anchor: str | None
    nodes: int
