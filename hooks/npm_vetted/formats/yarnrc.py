"""The grammar of Yarn classic: ``.yarnrc`` and ``yarn.lock`` version 1.

The rules come from Yarn 1.22.22's own reader and from running it
(tests/clients/test_yarn_classic.py). That reader silently stops at an unexpected line and ignores
the rest of the file; here such a file is an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import decode, refuse_lone_surrogates
from npm_vetted.formats.npmrc import LINES_LIMIT

QUOTED: Final = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*"'
BARE: Final = r'(?:[a-eg-su-zA-Z/.\-]|t(?!rue)|f(?!alse))[^ \n\r\t:,"\\]*+'
TOKEN: Final = rf"(?:{QUOTED}|{BARE})"
_VALUE: Final = rf"(?:{QUOTED}|true|false|[0-9]++(?![^\s])|{BARE})"

_PAIR: Final = rf"\n    {TOKEN} {TOKEN}"
_FIELD: Final = rf"(?:{TOKEN} {TOKEN}|(?:optionalD|d)ependencies:(?:{_PAIR})+)"
ENTRY: Final = re.compile(rf"(({TOKEN}(?:, {TOKEN})*):(?:\n  {_FIELD})+)(?:\n++|\Z)")
"""One entry of a yarn.lock, as Yarn writes it, with its patterns and the line ends behind it."""

HEAD: Final = re.compile(rf"{TOKEN}(?:, {TOKEN})*:")
BODY: Final = re.compile(rf"  (?:  )?{TOKEN} {TOKEN}|  (?:optionalD|d)ependencies:")
"""The first line of an entry, and each of the others, to find the one that is wrong."""

TOKENS: Final = re.compile(TOKEN)
_LINE: Final = re.compile(
    rf"(?P<indent> *)(?P<key>{TOKEN})(?:(?P<block>:)|:? (?P<value>{_VALUE}))"
    r" *+(?:#[^\r]*)?"
)


def token(text: str) -> str:
    """The text of a token, quoted or not."""
    return str(json.loads(text)) if text.startswith('"') else text


class YarnrcSetting(NamedTuple):
    """One line of a ``.yarnrc``. ``value`` is a boolean only where it is written without quotes."""

    key: str
    value: str | bool
    line: int
    raw: str
    table: str | None = None


def load_yarnrc(path: str, data: bytes) -> tuple[YarnrcSetting, ...]:
    """Every setting of a ``.yarnrc`` in the file's order; the last of a key wins.

    Raises DocumentError for a line that Yarn would not read, or would read as something else, and
    for more settings than a person writes.
    """
    text = refuse_lone_surrogates(path, decode(path, data))
    found = tuple(islice(_settings(path, text), LINES_LIMIT + 1))
    if len(found) > LINES_LIMIT:
        raise DocumentError(f"more than {LINES_LIMIT:,} settings", path=path, line=found[-1].line)
    return found


def _settings(path: str, text: str) -> Iterator[YarnrcSetting]:
    table: str | None = None
    for number, raw in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if not raw.strip(" "):
            if raw:
                raise _unread(path, number, raw)
            continue
        if raw.startswith("#") and "\r" not in raw:
            continue
        found = _LINE.fullmatch(raw)
        indent = len(found["indent"]) if found else 0
        nested = table is not None and found is not None and not found["block"]
        if found is None or not (indent == 0 or (indent == 2 and nested)):
            raise _unread(path, number, raw)
        key = token(found["key"])
        if found["block"]:
            table = key
            continue
        if indent == 0:
            table = None
        word = found["value"]
        value = word == "true" if word in ("true", "false") else token(word)
        yield YarnrcSetting(key=key, value=value, line=number, raw=raw, table=table)


def _unread(path: str, line: int, raw: str) -> DocumentError:
    return DocumentError(
        f"expected a line 'key value' of .yarnrc, found {raw.strip()[:60]!r}", path=path, line=line
    )
