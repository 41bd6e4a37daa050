"""Reads the text of a yarn.lock of Yarn berry: Yarn's own layout here, any other YAML by libyaml.

Yarn's own reader supports less of YAML than libyaml. The grammar here is the part that Yarn, libyaml and
this module read alike; it is called canonical.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Final

from npm_vetted.clients.shared.yarn.places import LocatedEntries, Places, TwiceError, find_entries
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Table
from npm_vetted.formats.yaml import load_yaml

METADATA: Final = "__metadata"

_QUOTED: Final = r'"[^"\\\n]*+"'
_WORD: Final = r"""[^\n:#"'\[\]{},`\\]*+(?<! )"""
_KEY: Final = rf"(?:{_QUOTED}|[A-Za-z0-9_/]{_WORD})"
_SCALAR: Final = rf"(?:{_QUOTED}|[A-Za-z0-9_/^~.=(<]{_WORD})"
_THIRD: Final = rf"(?:\n      {_KEY}: {_SCALAR})+"
_SECOND: Final = rf"(?:\n    {_KEY}:(?: {_SCALAR}|{_THIRD}))+"
_FIRST: Final = rf"(?:\n  {_KEY}:(?: {_SCALAR}|{_SECOND}))+"
_BLOCK: Final = re.compile(
    rf"""((?:"([^"\\\n]++)"|([A-Za-z0-9_/]{_WORD})|\? "([^"\\\n]++)"\n):{_FIRST})(?:\n++|\Z)"""
)
"""One canonical entry, with its key captured: complete lines, each indented deeper only below a key."""
_BETWEEN: Final = re.compile(r"(?:#[^\n]*+|\n++)+")

Tables = Mapping[str, Mapping[str, object]]


def canonical_places(
    path: str, text: str, like: LocatedEntries | None = None
) -> LocatedEntries | None:
    """The place of each entry, if all are canonical; None: a YAML reader must read the file.

    Raises DocumentError for a key that appears twice.
    """

    def between(at: int) -> int | None:
        line = _BETWEEN.match(text, at)
        return line and line.end()

    try:
        found = find_entries(text, _BLOCK, between, like)
    except TwiceError as error:
        message = f"the key {error.key!r} appears twice in one mapping"
        line = text.count("\n", 0, error.start) + 1
        raise DocumentError(message, path=path, line=line) from None
    return found if found and METADATA in found.places else None


def parsed_tables(path: str, text: str) -> tuple[Tables, Places]:
    """The decoded entries of a file that is not canonical, and the offsets at which their texts start."""
    documents = load_yaml(path, text.encode(), strings_only=True)
    if len(documents) != 1:
        raise DocumentError("expected one YAML document", path=path)
    root = documents[0].root()
    tables: dict[str, Mapping[str, object]] = {}
    places: Places = {}
    offsets = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    for key in root.data:
        table = root.maybe_table(key)
        assert isinstance(table, Table)
        tables[key] = table.data
        start = offsets[min(table.line(), len(offsets)) - 1]
        places[key] = (start, start)
    if METADATA not in tables:
        raise DocumentError(f"the key {METADATA!r} is missing", path=path)
    return tables, places


def decoded_fields(path: str, block: str, first_line: int) -> Mapping[str, object]:
    """The fields of a canonical block; a key that appears twice is an error."""
    root: dict[str, object] = {}
    tables: list[dict[str, object]] = [root]
    for line_number, line in enumerate(block.split("\n"), start=first_line):
        indent = (len(line) - len(line.lstrip(" "))) // 2
        if indent == 0:
            continue
        name, value = split_line(line)
        del tables[indent:]
        table = tables[-1]
        if name in table:
            message = f"the key {name!r} appears twice in one mapping"
            raise DocumentError(message, path=path, line=line_number)
        if line.endswith(":"):
            inner: dict[str, object] = {}
            table[name] = inner
            tables.append(inner)
        else:
            table[name] = value
    return root


def split_line(line: str) -> tuple[str, str]:
    """The key and the value (or nothing) of a canonical line, without indentation and quotes."""
    line = line.lstrip(" ")
    if line.startswith('"'):
        end = line.index('"', 1)
        key, value = line[1:end], line[end + 3 :]
    else:
        key, _, value = line.partition(":")
        value = value[1:]
    return key, value[1:-1] if value.startswith('"') else value
