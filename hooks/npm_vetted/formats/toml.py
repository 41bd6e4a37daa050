"""TOML: the standard library reads it (duplicate keys are errors there); lines by a scan."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from typing import Final

from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Document, Keys, decode

_LINE: Final = re.compile(r"\(at line (\d+)")
_HEADER: Final = re.compile(r"\s*(\[\[?)([^\]]+)\]")
_LONG_KEY: Final = re.compile(
    r"""(?:^|[\[{,])[ \t]*+(?:(?:[A-Za-z0-9_-]++|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*"|'[^'\n]*+')[ \t]*+\.[ \t]*+){20}""",
    re.MULTILINE,
)
"""A key of so many parts costs the standard library the square of their number."""
_KEY: Final = re.compile(r"""\s*([A-Za-z0-9_-]+|"[^"]*"|'[^']*')\s*[=.]""")


def load_toml(path: str, data: bytes) -> Document:
    """Read TOML; raises DocumentError with the line."""
    text = decode(path, data).replace("\r\n", "\n")
    if long := _LONG_KEY.search(text):
        line = text.count("\n", 0, long.start()) + 1
        raise DocumentError("a key of more than twenty parts", path=path, line=line)
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        message = re.sub(r" \(at .*\)", "", str(error))
        raise DocumentError(f"not TOML: {message}", path=path, line=line) from None
    except RecursionError:
        raise DocumentError("nested too deeply", path=path) from None
    except ValueError as error:
        raise DocumentError(f"not TOML: {error}", path=path) from None

    @cache
    def lines() -> dict[Keys, int]:
        return _scan(text)

    return Document(path, value, lambda keys: lines().get(keys))


def _scan(text: str) -> dict[Keys, int]:
    """The line of each header, key and item that starts one; close enough to point a person there."""
    found: dict[Keys, int] = {}
    here: Keys = ()
    counts: dict[Keys, int] = {}
    lines = enumerate(text.split("\n"), start=1)
    for number, line in lines:
        if header := _HEADER.match(line):
            here = tuple(part.strip(" \"'") for part in header.group(2).split("."))
            if header.group(1) == "[[":
                index = counts.get(here, 0)
                counts[here] = index + 1
                here = (*here, index)
            found.setdefault(here, number)
        elif key := _KEY.match(line):
            keys = (*here, key.group(1).strip("\"'"))
            found.setdefault(keys, number)
            _skip_value(line[key.end() :].strip(), keys, lines, found)
    return found


def _skip_value(
    value: str, keys: Keys, lines: Iterator[tuple[int, str]], found: dict[Keys, int]
) -> None:
    """Read on to the end of a value of several lines: long words, or a list of an item a line."""
    quotes = value[:3]
    if quotes in ('"""', "'''") and quotes not in value[3:]:
        next((line for _, line in lines if quotes in line), None)
    elif value.partition("#")[0].rstrip() == "[":
        items = ((number, line.strip()) for number, line in lines)
        index = 0
        for number, item in items:
            if item.startswith("]"):
                return
            if item and not item.startswith("#"):
                found[(*keys, index)] = number
                index += 1
