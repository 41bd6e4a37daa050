"""Splits pnpm's lockfile into one chunk of text for each entry, so that only changed entries are decoded.

1. pnpm writes one blank line between entries: the text is split there.
2. Each chunk is proven closed: it is one whole value at its own indentation, and no quote, bracket,
   block scalar or document marker in it reaches past its end. A chunk in pnpm's own layout matches one
   expression, in linear time. The YAML reader proves any other chunk by reading it alone.
3. If a chunk cannot be proven, the YAML reader reads the whole file, and decoded values replace the chunks.

Without the proof, a text could be dead in one commit (inside a block scalar) and part of an entry in the
next, although its chunk did not change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple, cast

from npm_vetted.clients.shared.common_text import stretches
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import decode

SIZE_LIMIT: Final = 32 * 1024 * 1024
"""Bytes; the largest lockfiles that people commit are ten times smaller."""
ODD_SIZE_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of a file that must be read whole: that takes twenty times as long."""

ENTRIES: Final = frozenset({"importers", "packages", "snapshots"})
"""The sections that hold one entry a chunk."""

_CUT: Final = "\n\n"
_BREAKS: Final = ("\x85", "\u2028", "\u2029")


class _Expressions(NamedTuple):
    """Expressions for pnpm's own layout: an entry; a pair and an item of a flow collection."""

    entry: re.Pattern[str]
    pair: re.Pattern[str]
    item: re.Pattern[str]


@cache
def _expressions() -> _Expressions:
    """The expressions, compiled when the first lockfile is read (a few milliseconds, as they are short).

    They match printable ASCII, scalars on one line, and nesting by two blanks: in this subset YAML 1.1
    and 1.2 agree. No repeated part begins like the part after it, so matching takes linear time.
    """
    # YAML has keys of at most 1024 characters; '<' as a first one would let in the merge key.
    key = r"(?:[A-Za-z0-9./_+$][!-~]{0,900}|'[ -&(-~]{1,900}')"
    first = r"[A-Za-z0-9^~./_<=+$(\\]"
    run = r'[!"$-9;-~]'  # neither '#' nor ':'
    plain = rf"{first}{run}*+(?:(?::(?=[!-~])|\#| (?={run})){run}*+)*"
    flow = r'[!"$-+\--9;-Z^-z|~\\]'  # nor ',', '[', ']', '{', '}'
    flow_plain = rf"{first}{flow}*+(?:(?::(?={flow})|\#| (?={flow})){flow}*+)*"
    quoted = r"'[ -&(-~]*+(?:''[ -&(-~]*+)*'"
    item = f"(?:{flow_plain}|{quoted})"
    word = "[A-Za-z][A-Za-z0-9_]*+"
    mapping = rf"\{{(?:{word}: {item}(?:, {word}: {item})*)?\}}"
    sequence = rf"\[(?:{item}(?:, {item})*)?\]"
    scalar = rf" (?:{plain}|{quoted})(?=\n|\Z)"
    value = rf"(?:{scalar}| (?:{mapping}|{sequence})(?=\n|\Z))"

    def below(indent: int, found: str) -> str:
        """The expression for the value below a key: a list of scalars, or a mapping."""
        start = rf"\n {{{indent}}}"
        return f"(?:(?:{start}-{scalar})+|(?:{start}{key}:{found})+)"

    deepest = below(6, f"(?:{scalar}|{below(8, scalar)})")
    entry = f"  ({key}):(?:{value}|{below(4, f'(?:{value}|{deepest})')})"
    pair = f"({word}): ({item})"
    return _Expressions(*map(re.compile, (entry, pair, item)))


class Part:
    """One YAML document: where its top-level keys and its entries are in ``Layout.chunks``."""

    __slots__ = ("entries", "top")

    def __init__(self) -> None:
        self.top: dict[str, int] = {}
        self.entries: dict[str, dict[str, int]] = {}


class Layout:
    """A lockfile's chunks; or their decoded values, if the file had to be read whole.

    ``odd`` are the indexes of chunks that are not in pnpm's own layout; ``lines`` are the lines of
    decoded values. If the text was cut, ``keys`` has the key of each chunk that is an entry in pnpm's
    layout.
    """

    def __init__(
        self,
        path: str,
        parts: list[Part],
        chunks: Sequence[object],
        *,
        odd: frozenset[int] = frozenset(),
        lines: Sequence[int] | None = None,
        keys: Sequence[str | None] = (),
    ) -> None:
        self.path = path
        self.keys = keys
        self.parts = parts
        self.chunks = chunks
        self._odd = odd
        self._lines = lines
        self._starts = [1]

    @property
    def whole(self) -> bool:
        """Whether the YAML reader had to read it whole."""
        return self._lines is not None

    @property
    def text(self) -> str:
        """The lockfile's text, joined again from the chunks: keeping a copy would cost memory."""
        return _CUT.join(cast("Sequence[str]", self.chunks))

    def line(self, place: int) -> int:
        """The line that a chunk starts on."""
        if self._lines is not None:
            return self._lines[place]
        starts = self._starts
        for chunk in self.chunks[len(starts) - 1 : place]:
            starts.append(starts[-1] + str(chunk).count("\n") + 2)
        return starts[place]

    def entry(self, place: int) -> object:
        """The decoded value of an entry."""
        chunk = self.chunks[place]
        if self.whole:
            return chunk
        return next(iter(self._decoded(place).values()))

    def pairs(self, place: int, field: str) -> dict[str, str] | None:
        """The strings of a table below an entry, by name; None if the entry must be decoded for it.

        This takes a tenth of the time that decoding the whole entry takes.
        """
        chunk = self.chunks[place]
        if not isinstance(chunk, str) or place in self._odd or "\n    '" in chunk:
            return None
        start = chunk.find(f"\n    {field}:")
        if start < 0:
            return {}
        found: dict[str, str] = {}
        for line in chunk[start + 1 :].split("\n")[1:]:
            if line[4] != " ":
                break
            if line.startswith(("      - ", "        ")):
                return None
            key, text = _pair(line[6:])
            value = _scalar(text) if text else None
            if not isinstance(value, str) or key in found:
                return None
            found[key] = value
        return found or None

    def _decoded(self, place: int) -> dict[str, object]:
        try:
            return _decode(str(self.chunks[place]))
        except DocumentError as error:
            line = self.line(place) + error.line - 1
            raise DocumentError(error.message, path=self.path, line=line) from None

    def top(self, part: Part, key: str) -> object:
        """The value of a top-level key other than the sections of entries; None: the key is missing."""
        place = part.top.get(key)
        if place is None:
            return None
        return self.chunks[place] if self.whole else self._decoded(place).get(key)

    def fresh(self, section: Mapping[str, int], other: Layout, old: Mapping[str, int]) -> list[str]:
        """The keys of a section whose chunk differs in another version, or is missing there.

        Neither version may have been read whole: chunks are compared as texts.
        """
        return [
            key
            for key, place in section.items()
            if key not in old or self.chunks[place] != other.chunks[old[key]]
        ]


class _OddError(Exception):
    """The file is not laid out as pnpm writes it."""


def read_layout(path: str, data: bytes, like: Layout | None = None) -> Layout:
    """Read a lockfile. ``like`` is another version of the file, whose proven chunks are reused.

    Raises DocumentError, with the line, for text that is not YAML, and for YAML that readers interpret
    differently.
    """
    if len(data) > SIZE_LIMIT:
        raise DocumentError(f"{len(data):,} bytes: too large for a lockfile", path=path)
    try:
        return _split(path, _text(path, data), like)
    except _OddError:
        return _whole(path, data)


def _text(path: str, data: bytes) -> str:
    """The decoded text, with line ends that all YAML readers agree on."""
    text = decode(path, data)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    for mark in _BREAKS:
        if mark in text:
            raise DocumentError(
                f"U+{ord(mark):04X}: only some YAML readers take it for the end of a line",
                path=path,
                line=text.count("\n", 0, text.index(mark)) + 1,
            )
    return text


def _split(path: str, text: str, like: Layout | None) -> Layout:
    if "\r" in text:
        raise _OddError
    text = text.rstrip("\n")
    chunks, keys = _cut(text) if like is None or like.whole else _cut_like(text, like)
    del text  # the chunks are a copy of it: a second copy would cost memory
    proven = tuple(keys)
    others = [place for place, key in enumerate(keys) if key is None]
    parts: list[Part] = []
    odd: list[int] = []
    section: str | None = None
    start = 0  # of the entries that no section has yet
    for place in [*others, len(chunks)]:
        if place < len(chunks) and chunks[place].startswith("  "):
            keys[place] = _odd_entry(chunks[place])
            odd.append(place)
            continue
        if start < place:
            if section is None:
                raise _OddError
            entries = dict(zip(keys[start:place], range(start, place), strict=True))
            if len(entries) != place - start:
                raise _OddError  # a key appears twice: the YAML reader tells which, and where
            parts[-1].entries[section] = cast("dict[str, int]", entries)
        if place < len(chunks):
            section = _take_top(parts, chunks[place], place)
        start = place + 1
    return Layout(path, parts, chunks, odd=frozenset(odd), keys=proven)


def _cut(text: str) -> tuple[list[str], list[str | None]]:
    """A text's chunks, and the key of each chunk that is an entry as pnpm writes it."""
    # Blank lines inside a block scalar are followed by a line deeper than any entry's.
    chunks = re.split(r"\n\n(?!   )", text) if "\n\n   " in text else text.split(_CUT)
    return chunks, _keys_of(chunks)


def _keys_of(chunks: Iterable[str]) -> list[str | None]:
    match = _expressions().entry.fullmatch
    return [one and (key[1:-1] if (key := one[1])[0] == "'" else key) for one in map(match, chunks)]


def _nests(*texts: str) -> bool:
    """Whether a blank line is inside a value, or next to another blank line: then texts are not compared."""
    return any("\n\n   " in text or "\n\n\n" in text for text in texts)


def _cut_like(text: str, like: Layout) -> tuple[list[str], list[str | None]]:
    """The same, reusing the chunks that another version of the file has in common."""
    other = like.text
    if _nests(text, other):
        return _cut(text)
    chunks: list[str] = []
    keys: list[str | None] = []
    for stretch in stretches(text, other, _CUT):
        places = slice(stretch.shared.start, stretch.shared.stop)
        chunks += cast("Sequence[str]", like.chunks[places])
        keys += like.keys[places]
        chunks += stretch.own
        keys += _keys_of(stretch.own)
    return chunks, keys


def _take_top(parts: list[Part], chunk: str, place: int) -> str | None:
    """Add a top-level chunk to its document; returns the section of entries that it opens, if any."""
    if chunk.startswith("---\n"):
        parts.append(Part())
        chunk = chunk[4:]
    elif not parts:
        parts.append(Part())
    part = parts[-1]
    try:
        table = _top(chunk)
    except DocumentError:
        raise _OddError from None
    for key, value in table.items():
        if key in part.top or (key in ENTRIES and value):
            raise _OddError
        part.top[key] = place
    last = next(reversed(table))
    opens = last in ENTRIES and (chunk == f"{last}:" or chunk.endswith(f"\n{last}:"))
    return last if opens else None


def _top(chunk: str) -> dict[str, object]:
    """The content of a chunk at the top."""
    if chunk[-1:] == ":" and chunk[:-1] in ENTRIES:
        return {chunk[:-1]: None}
    if _is_plain(chunk):
        return _plain(chunk)
    marked = any(line.startswith(("---", "...", "%")) for line in chunk.split("\n"))
    if marked or not ("A" <= chunk[:1] <= "Z" or "a" <= chunk[:1] <= "z"):
        raise _OddError
    return _alone(chunk)


def _is_plain(chunk: str) -> bool:
    """Whether a chunk has pnpm's layout: an entry, or a top-level key, which is indented two blanks less."""
    text = chunk if chunk.startswith(" ") else "  " + chunk.replace("\n", "\n  ")
    return _expressions().entry.fullmatch(text) is not None


def _odd_entry(chunk: str) -> str:
    """The key of an entry that pnpm would have laid out differently, proven by the YAML reader.

    Its first line starts with a key (no comment, no bracket), so its mapping is at two blanks.
    """
    first = chunk[2:3]
    if not (first.isascii() and (first.isalnum() or first in "/'\"_.")):
        raise _OddError
    if not all(line.startswith("  ") for line in chunk.split("\n") if line):
        raise _OddError
    table = _alone(chunk)
    if len(table) != 1:
        raise _OddError
    return next(iter(table))


def _alone(chunk: str) -> dict[str, object]:
    """The mapping that a chunk is, if the YAML reader reads the chunk alone."""
    from npm_vetted.formats.yaml import load_yaml

    try:
        documents = load_yaml("", f"{chunk}\n\n".encode())
    except DocumentError:
        raise _OddError from None  # the whole file's reader tells it with the right line
    data = documents[0].data if len(documents) == 1 else None
    if not isinstance(data, dict) or not data:
        raise _OddError
    return data


def _decode(chunk: str) -> dict[str, object]:
    """The mapping that a proven chunk is."""
    if chunk.startswith(" "):
        return _plain(chunk) if _is_plain(chunk) else _alone(chunk)
    return _top(chunk.removeprefix("---\n"))


def _plain(chunk: str) -> dict[str, object]:
    """Decode, line by line, a chunk that matched an expression."""
    root: dict[str, object] = {}
    stack: list[dict[str, object] | list[object]] = [root]
    parent, key = root, ""
    base = 2 if chunk.startswith(" ") else 0
    for number, line in enumerate(chunk.split("\n"), start=1):
        body = line.lstrip(" ")
        depth = (len(line) - len(body) - base) // 2
        del stack[depth + 1 :]
        listed = body.startswith("- ")
        if len(stack) == depth:
            stack.append([] if listed else {})
            parent[key] = stack[-1]
        inner = stack[-1]
        if isinstance(inner, list):
            inner.append(_scalar(body[2:]))
            continue
        parent = inner
        key, text = _pair(body)
        if key in inner:
            message = f"the key {key!r} appears twice in one mapping"
            raise DocumentError(message, line=number)
        inner[key] = _scalar(text) if text else None
    return root


def _pair(body: str) -> tuple[str, str]:
    """The key of a line, and the text of its value."""
    if body.startswith("'"):
        end = body.index("'", 1)
        return body[1:end], body[end + 3 :]
    key, _, text = body.partition(" ")
    return key[:-1], text


def _scalar(text: str) -> object:
    """A value that is on one line."""
    from npm_vetted.formats.yaml import typed

    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if text.startswith("["):
        return [_scalar(item) for item in _expressions().item.findall(text, 1)]
    if not text.startswith("{"):
        return typed(text)
    table: dict[str, object] = {}
    for key, item in _expressions().pair.findall(text, 1):
        if key in table:
            raise DocumentError(f"the key {key!r} appears twice in one mapping")
        table[key] = _scalar(item)
    return table


def _whole(path: str, data: bytes) -> Layout:
    """Read the whole file with the YAML reader."""
    from npm_vetted.formats.yaml import load_yaml

    if len(data) > ODD_SIZE_LIMIT:
        raise DocumentError(
            f"{len(data):,} bytes, and not as pnpm writes it: too large to be read",
            path=path,
            fix="let pnpm write it again: pnpm install --lockfile-only",
        )
    parts: list[Part] = []
    values: list[object] = []
    lines: list[int] = []
    for document in load_yaml(path, data):
        part = Part()
        for key, value in document.root().data.items():
            part.top[key] = len(values)
            values.append(value)
            lines.append(document.line_of(key))
            if key not in ENTRIES or not isinstance(value, dict):
                continue
            section = part.entries.setdefault(key, {})
            for name, inner in value.items():
                section[name] = len(values)
                values.append(inner)
                lines.append(document.line_of(key, name))
        parts.append(part)
    return Layout(path, parts, values, lines=lines)
