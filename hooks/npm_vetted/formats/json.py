"""JSON, and JSON with comments and trailing commas: duplicate keys are errors, lines are known.

``json.loads`` keeps the last of duplicate keys silently (measured), and has no positions; the
positions are found by a separate scan, only when a caller needs a line.
"""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import accumulate
from typing import Final, NamedTuple

from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import DEPTH_LIMIT, Document, Keys, decode, refuse_lone_surrogates

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')

_OTHER_END: Final = re.compile("[\r\u2028\u2029]")
"""What also ends a comment for JavaScript's readers, Bun's among them (tried with 1.2 to 1.4)."""
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_BLOCK: Final = 1 << 13
"""Characters whose lines are counted at a time."""

_Place = tuple[int, int]
"""Where a member starts, and where its value does."""


PROTOTYPE: Final = "__proto__"
"""The key whose members JavaScript takes for the object's own (pnpm 9 to 11 install them)."""


class _DuplicateKeyError(ValueError):
    pass


class _PrototypeKeyError(ValueError):
    pass


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if PROTOTYPE in table:
        raise _PrototypeKeyError
    if len(table) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKeyError(key)
            seen.add(key)
    return table


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the cycle collector off: a large file makes no cycles, and it took a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def only_member(text: str) -> tuple[str, object]:
    """The key and the value of an object that has one member; raises ValueError for anything else.

    It is as strict as ``load_json``, except for half characters, and gives no messages or lines.
    Deep nesting is refused, so that every caller can read the value again.
    """
    if text.count("{") + text.count("[") > DEPTH_LIMIT:
        raise ValueError
    found, end = _DECODER.raw_decode(text)
    if end != len(text) or not isinstance(found, dict) or len(found) != 1:
        raise ValueError
    ((key, value),) = found.items()
    return key, value


def load_json(path: str, data: bytes) -> Document:
    """Read strict JSON; raises DocumentError with the line for anything that is not."""
    return _load(path, decode(path, data))


def load_jsonc(path: str, data: bytes) -> Document:
    """Read JSON with ``//`` and ``/* */`` comments and trailing commas (bun.lock, devcontainer)."""
    return _load(path, without_comments(path, decode(path, data)))


def _load(path: str, text: str) -> Document:
    refuse_lone_surrogates(path, text)
    try:
        with uncollected():
            value = _DECODER.decode(text)
    except _DuplicateKeyError as error:
        key = str(error)
        raise DocumentError(
            f"the key {key!r} appears twice in one object", path=path, line=_line_of_twin(text, key)
        ) from None
    except _PrototypeKeyError:
        line = text.count("\n", 0, max(text.find(PROTOTYPE), 0)) + 1
        message = (
            f"the key {PROTOTYPE!r} is not read here: clients take what is in it for other keys"
        )
        raise DocumentError(message, path=path, line=line) from None
    except json.JSONDecodeError as error:
        raise DocumentError(f"not JSON: {error.msg}", path=path, line=error.lineno) from None
    except RecursionError:
        raise DocumentError("nested too deeply", path=path) from None
    except ValueError as error:
        raise DocumentError(f"not JSON: {error}", path=path) from None

    return Document(path, value, _Lines(text).find)


class _Lines:
    """Finds the line of a key or an item in valid JSON, scanning only the path that leads to it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tables: dict[int, _Table] = {}

    def find(self, keys: Keys) -> int | None:
        """The line of a key path; None: there is no such thing."""
        start = at = _after_space(self._text, 0)
        for key in keys:
            if at not in self._tables:
                self._tables[at] = _Table({}, _members(self._text, at))
            place = self._tables[at].place(key)
            if place is None:
                return None
            start, at = place
        block = start // _BLOCK
        return 1 + self._before[block] + self._text.count("\n", block * _BLOCK, start)

    @cached_property
    def _before(self) -> Sequence[int]:
        """How many lines end before each block of the text."""
        starts = range(0, len(self._text), _BLOCK)
        counts = (self._text.count("\n", start, start + _BLOCK) for start in starts)
        return [0, *accumulate(counts)]


class _Table(NamedTuple):
    """The members of an object or a list that are known so far, and those to come."""

    known: dict[str | int, _Place]
    rest: Iterator[tuple[str | int, _Place]]

    def place(self, key: str | int) -> _Place | None:
        """Where a member starts, and its value; None: there is no such member."""
        while key not in self.known:
            try:
                name, place = next(self.rest)
            except (StopIteration, RecursionError):
                return None
            self.known[name] = place
        return self.known[key]


def _members(text: str, at: int) -> Iterator[tuple[str | int, _Place]]:
    """The members of the object or the list that begins there, if one does."""
    decode_next = json.JSONDecoder().raw_decode
    opening = text[at]
    index = 0
    at = _after_space(text, at + 1) if opening in "{[" else len(text)
    while at < len(text) and text[at] not in "}]":
        start, key = at, index
        if opening == "{":
            key, at = decode_next(text, at)
            at = _after_space(text, _after_space(text, at) + 1)
        yield key, (start, at)
        at = _after_space(text, decode_next(text, at)[1])
        if text[at] == ",":
            at = _after_space(text, at + 1)
        index += 1


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()


def _line_of_twin(text: str, twin: str) -> int:
    """The line of the first key that is the second of its name in one object."""
    objects: list[set[str] | None] = []
    expects_key = False
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word in ("{", "["):
            objects.append(set() if word == "{" else None)
            expects_key = word == "{"
        elif word in ("}", "]"):
            objects.pop()
            expects_key = False
        elif word == ",":
            expects_key = objects[-1] is not None
        elif expects_key and (seen := objects[-1]) is not None:
            key = json.loads(word)
            if key == twin and key in seen:
                return text.count("\n", 0, token.start()) + 1
            seen.add(key)
            expects_key = False
    return 1


def without_comments(path: str, text: str) -> str:
    """Blank out comments and trailing commas, every other character staying where it is."""
    pieces: list[str] = []
    position = 0
    pending = -1  # the piece that is a comma which nothing but blanks has followed so far
    for match in re.finditer(r'"(?:[^"\\\n]|\\.)*"|//|/\*|[^\s"/]', text):
        start = match.start()
        if start < position:
            continue
        pieces.append(text[position:start])
        word = match.group()
        if word in ("//", "/*"):
            end = text.find("\n" if word == "//" else "*/", start + 2)
            if end < 0 and word == "/*":
                line = text.count("\n", 0, start) + 1
                raise DocumentError("a comment that does not end", path=path, line=line)
            end = len(text) if end < 0 else end + (0 if word == "//" else 2)
            if word == "//" and _OTHER_END.search(text[start:end].removesuffix("\r")):
                line = text.count("\n", 0, start) + 1
                message = (
                    "a line ends in a comment without a line feed: readers differ on what follows"
                )
                raise DocumentError(message, path=path, line=line)
            pieces.append(re.sub(r"[^\n]", " ", text[start:end]))
            position = end
            continue
        if word in "}]" and pending >= 0:
            pieces[pending] = " "
        pending = len(pieces) if word == "," else -1
        pieces.append(word)
        position = match.end()
    pieces.append(text[position:])
    return "".join(pieces)
