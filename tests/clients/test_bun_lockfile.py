"""bun.lock: reading it by pieces is reading it whole, by the reader that takes commas and comments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from npm_vetted.clients.bun.keys import last_name
from npm_vetted.clients.bun.layout import Layout, Whole, read_layout
from npm_vetted.errors import DocumentError
from tests.support import corpus
from tests.support.mutations import mutated_lines, try_both

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "bun").glob("*.lock"))


MANY = {f"no-such-thing-{number}" for number in range(20)}


def outcome(read: Callable[[str, bytes], Layout], data: bytes) -> object:
    """All that a layout tells, in order; in place of it the error that it raises."""
    try:
        layout = read("bun.lock", data)
    except DocumentError as error:
        return error.message, error.line
    head = layout.head.data
    if not isinstance(head, dict):
        return head
    keys = list(layout.blocks)
    return (
        [(key, layout.values(key), layout.line_of(key)) for key in keys],
        [key for key in keys if key in layout.unusual],
        [list(_asking(layout, {name})) for name in sorted(map(last_name, keys))[:20]],
        list(_asking(layout, MANY.union(map(last_name, keys)))),
        [
            (key, value, layout.head.line_of(key))
            for key, value in head.items()
            if key != "packages"
        ],
    )


def _asking(layout: Layout, names: set[str]) -> Iterator[str]:
    for key in layout.mentioning(names):
        if not names.isdisjoint(_words(layout.values(key))):
            yield key


def _words(value: object) -> set[object]:
    """Every key and text of a value."""
    found: set[object] = set()
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            todo += [*one, *one.values()]
        elif isinstance(one, list):
            todo += one
        else:
            found.add(one)
    return found


def is_split(data: bytes) -> bool:
    return not isinstance(read_layout("bun.lock", data), Whole)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_a_file_that_bun_wrote_is_read_by_pieces(path: Path) -> None:
    data = path.read_bytes()
    assert is_split(data)
    assert outcome(read_layout, data) == outcome(Whole, data)


@pytest.mark.slow
@pytest.mark.parametrize("case", corpus.cases("bun"), ids=str)
def test_a_real_file_reads_by_pieces_as_it_does_whole(case: corpus.Case) -> None:
    assert outcome(read_layout, case.data) == outcome(Whole, case.data)


HEAD = '{\n  "lockfileVersion": 1,\n  "packages": {\n    '
TAIL = ",\n  }\n}\n"


@pytest.mark.parametrize("tail", [TAIL, TAIL.replace("},", "}"), ",\n  },\n}\n\n\n", "\n  }\n}"])
@pytest.mark.parametrize(
    "middle",
    [
        pytest.param('"a": ["a@1.0.0"],\n\n    "b": [],\n    "c/a": ["a@1.0.0"]', id="plain"),
        pytest.param('"a": [], "b": [\n    "x"]', id="two on a line"),
        pytest.param('"a": [],\n    "b": [], "b": []', id="two on a line, twice"),
        pytest.param('"a": [{\n    "b": []}]', id="an entry inside another"),
        pytest.param('"a": [\n    "b", {},\n    "c"]', id="elements that begin a line"),
        pytest.param('"a": [],\n    "a": []', id="a key twice"),
        pytest.param('"a": [],\n    "\\u0061": []', id="a key twice, once escaped"),
        pytest.param('"a": [{"x": 1, "x": 2}]', id="a key twice in an entry"),
        pytest.param('"a": []\n  },\n  "packages": {\n    "b": []', id="packages twice"),
        pytest.param('"a": []\n  },\n  "x": {\n    "b": []', id="another table behind"),
        pytest.param('"a": []\n  },\n}\n{ "packages": {\n    "b": []', id="another document"),
        pytest.param('"a": {}', id="no list"),
        pytest.param('"a": [],,', id="two commas"),
        pytest.param('"a": [1,]', id="a comma in a list"),
        pytest.param('"a": [] // b', id="a comment"),
        pytest.param('/* "a": [],\n    "b": [], */ "c": []', id="a comment over two lines"),
        pytest.param('"a": ["// b", "/* c"],\n    "d": ["*/"]', id="what looks like comments"),
        pytest.param('"a": ["x\\"y", "],"]', id="an escaped quote"),
        pytest.param('"a\\"b": [{"dependencies": {"a\\"b": "1"}}]', id="a name with a quote"),
        pytest.param('"a": ["x],\n    "b": ["y"]', id="a string that does not end"),
        pytest.param('"a": [NaN]', id="no number"),
        pytest.param('"a": ["\\ud800"]', id="half a character"),
        pytest.param('"@s/d": ["@s\\/d@1.0.0", {"dependencies": {"@s\\/d": "1"}}]', id="slashes"),
        pytest.param('"a": ' + "[" * 2000 + "]" * 2000, id="too deep"),
        pytest.param('"a@b": ["a@b@1.0.0"],\n    "": ["@1.0.0"]', id="odd names"),
        pytest.param('"a": ["a@1.0.0 "],\n    "b": ["b@workspace:b"], "c": [1]', id="no versions"),
        pytest.param('"😀": ["\u2028", "\ufeff"]', id="odd characters"),
        pytest.param('"a": ["\x0b"]', id="a control character"),
        pytest.param('"a" : [ ]  ', id="blanks"),
    ],
)
def test_an_odd_file_reads_by_pieces_as_it_does_whole(middle: str, tail: str) -> None:
    data = (HEAD + middle + tail).encode()
    assert outcome(read_layout, data) == outcome(Whole, data)


@pytest.mark.parametrize(
    "head",
    [
        '{\n  "x": {\n  "packages": {\n    "a": []\n  }\n},\n',
        '{\n  "x": [{\n  "packages": {\n    "a": [],\n  }\n}],\n',
        '{\n  "x": {\n',
        '{\n  "packages": {},\n',
        '{\n  "x": [1,\n  ],\n  "y": {"z": {},\n},\n',
        '{\n  "x": [,\n  ],\n',
        '{\n  "x": "y,\n  ]",\n',
        '{\n  "x": 1, // y,\n',
        "\ufeff{\n",
        "[\n",
        "",
    ],
)
def test_packages_opens_in_the_outermost_object(head: str) -> None:
    data = (head + HEAD.removeprefix("{\n") + '"b": []' + TAIL).encode()
    assert outcome(read_layout, data) == outcome(Whole, data)


PIECES = (
    "{", "}", "},", "[", "]", "],", ",", ":", '"', "\\", "\\u0061", "\n", "\r\n", "\r", "\t", " ", "//", "/*", "*/",
    '"packages": {', '    "x": ["x@1.0.0"],\n', "\n  }\n}", "\n  },\n}", "\0",
)  # fmt: skip


def test_what_is_nested_deeply_is_read_whole() -> None:
    """What is read near the limit of the stack could not be read again from further up."""
    data = (HEAD + '"a": ' + "[" * 300 + "]" * 300 + TAIL).encode()
    assert not is_split(data)
    assert outcome(read_layout, data) == outcome(Whole, data)


def try_mutations(tries: int) -> None:
    """Read so many mutations in both ways."""
    files = mutated_lines([path.read_text() for path in FIXTURES], PIECES)
    try_both(partial(outcome, read_layout), partial(outcome, Whole), files, tries)


def test_any_file_reads_by_pieces_as_it_does_whole() -> None:
    try_mutations(100)


@pytest.mark.slow
def test_any_file_reads_by_pieces_as_it_does_whole_in_many_tries() -> None:
    try_mutations(5000)
