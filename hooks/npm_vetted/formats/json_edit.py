"""Adds members to a table of a JSON file, which may have comments, and leaves every other character as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from npm_vetted.errors import UndecidedError
from npm_vetted.formats.document import decode
from npm_vetted.formats.json import load_json, load_jsonc, without_comments

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]')
_INDENT: Final = re.compile(r"\{\r?\n([ \t]+)\"")


def insert_members(path: str, data: bytes, table: str, members: Mapping[str, object]) -> bytes:
    """The file with these members in the top-level table ``table``; raises where it cannot be.

    A member that is there already is replaced only if it is a table, which then gets the new keys.
    """
    text = decode(path, data)
    root = load_json(path, data).root()
    inner = root.maybe_table(table)
    if not members:
        return data
    found = _INDENT.search(text)
    indent = found[1] if found else "  "
    merged: dict[str, object] = dict(inner.data) if inner else {}
    for key, value in members.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = {**old, **value} if both else value  # type: ignore[dict-item]
    end = "\r\n" if "\r\n" in text else "\n"
    written = json.dumps(merged, indent=indent, ensure_ascii=False).replace("\n", end + indent)
    content = _replaced(text, table, written, indent, end)
    expected = {**root.data, table: merged}
    if json.loads(content) != expected:
        raise UndecidedError(f"cannot write {table} into this layout", path=path)
    bom = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    return bom + content.encode()


def set_list(path: str, data: bytes, key: str, values: Sequence[str]) -> bytes:
    """The file with a top-level key that is this list; raises where it cannot be."""
    root = load_jsonc(path, data).root()
    return data if root.maybe_texts(key) == tuple(values) else _set(path, data, key, list(values))


def set_text(path: str, data: bytes, key: str, value: str) -> bytes:
    """The file with a top-level key added that is this text; raises where it cannot be."""
    return _set(path, data, key, value)


def _set(path: str, data: bytes, key: str, value: list[str] | str) -> bytes:
    text = decode(path, data)
    root = load_jsonc(path, data).root()
    found = _INDENT.search(text)
    indent = found[1] if found else "  "
    end = "\r\n" if "\r\n" in text else "\n"
    written = json.dumps(value, indent=indent, ensure_ascii=False) if value else "[]"
    written, bare = written.replace("\n", end + indent), without_comments(path, text)
    content = _replaced(text, key, written, indent, end, bare)
    if json.loads(without_comments(path, content)) != {**root.data, key: value}:
        raise UndecidedError(f"cannot write {key} into this layout", path=path)
    bom = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    return bom + content.encode()


def _replaced(
    text: str, table: str, written: str, indent: str, end: str, bare: str | None = None
) -> str:
    """The text with the value of a top-level key replaced, or with the key added at the end.

    ``bare`` is the text with blanks for its comments and trailing commas, where it may have some.
    """
    depth = 0
    start = None
    last = closing = 0
    awaits = False
    for token in _TOKEN.finditer(text if bare is None else bare):
        word = token.group()
        if word in "}]":
            depth -= 1
            if depth == 1 and start is not None:
                return text[:start] + written + text[token.end() :]
            if depth == 0:
                closing = token.start()
                break
        elif word in "{[":
            if depth == 1 and awaits:
                start = token.start()
            depth += 1
        awaits = depth == 1 and (
            (word == ":" and awaits) or (word.startswith('"') and json.loads(word) == table)
        )
        last = token.end()
    body = text[:closing].rstrip()
    comma = "" if body.endswith("{") else ","
    key = json.dumps(table, ensure_ascii=False)
    if bare is not None and bare != text:  # the comments stay behind what they are about
        at = len(bare[:closing].rstrip())
        comma = "" if bare[:at].endswith("{") else ","
        return f"{text[:at]}{comma}{end}{indent}{key}: {written}{text[at:]}"
    return f"{body}{comma}{end}{indent}{key}: {written}{end}{text[closing:]}" if last else text
