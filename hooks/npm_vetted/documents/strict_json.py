"""JSON, and JSON with comments and trailing commas: duplicate keys are errors, lines are known.

``json.loads`` keeps the last of duplicate keys silently (measured), and has no positions; the
positions are looked up by a scan of their own, only when someone asks for a line.
"""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from npm_vetted.documents.base import Document, Keys, decode, refuse_lone_surrogates
from npm_vetted.errors import DocumentError
from npm_vetted.patterns import pattern

_TOKEN: Final = pattern(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


class _DuplicateKeyError(ValueError):
    pass


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
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

    As strict as ``load_json``, but for half characters, and without its words and lines.
    """
    try:
        found, end = _DECODER.raw_decode(text)
    except RecursionError:
        raise ValueError from None
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
            f"the key {key!r} stands twice in one object", path=path, line=_line_of_twin(text, key)
        ) from None
    except json.JSONDecodeError as error:
        raise DocumentError(f"not JSON: {error.msg}", path=path, line=error.lineno) from None
    except RecursionError:
        raise DocumentError("nested too deeply", path=path) from None
    except ValueError as error:
        raise DocumentError(f"not JSON: {error}", path=path) from None

    @cache
    def lines() -> dict[Keys, int]:
        return scan_lines(text)

    return Document(path, value, lambda keys: lines().get(keys))


def scan_lines(text: str) -> dict[Keys, int]:
    """The line of every key path and list item of valid JSON text, in one linear scan."""
    found: dict[Keys, int] = {}
    _scan(text, found)
    return found


def _scan(text: str, found: dict[Keys, int], twin: str | None = None) -> int:
    """Fill ``found``; with ``twin`` stop at the second such key of one object and give its line."""
    stack: list[tuple[Keys, bool]] = []
    here: Keys = ()
    is_object = False
    key: str | int = 0
    expects_key = False
    line, last = 1, 0
    for token in _TOKEN.finditer(text):
        start = token.start()
        line += text.count("\n", last, start)
        last = start
        word = text[start]
        if word in "{[":
            if stack:
                if not is_object:
                    found[(*here, key)] = line
                here = (*here, key)
            stack.append((here, word == "{"))
            is_object = expects_key = word == "{"
            key = 0
        elif word in "}]":
            stack.pop()
            if stack:
                key = here[-1]
                here, is_object = stack[-1]
            expects_key = False
        elif word == ",":
            expects_key = is_object
            if not is_object:
                assert isinstance(key, int)
                key += 1
        elif word == '"' and expects_key:
            key = json.loads(token.group())
            if key == twin and (*here, key) in found:
                return line
            found[(*here, key)] = line
            expects_key = False
        elif word != ":" and not is_object and stack:
            found[(*here, key)] = line
    return line


def _line_of_twin(text: str, key: str) -> int:
    return _scan(text, {}, twin=key)


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
