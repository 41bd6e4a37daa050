"""npm's lockfile: reading it by pieces is reading it whole, and what counts as changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from npm_vetted.clients.npm import client as npm
from npm_vetted.clients.npm.layout import Layout, Whole, split
from npm_vetted.clients.npm.lockfile import NpmLockfile
from npm_vetted.errors import DocumentError
from npm_vetted.formats.json import load_json
from tests.support import corpus
from tests.support.mutations import mutated_lines, try_both

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures").rglob("package-lock.json"))

Packages = Mapping[str, Mapping[str, object]]

CARRIER: dict[str, object] = {"version": "1.0.0", "integrity": "sha512-YQ==", "dependencies": {}}
INNER = "node_modules/a/node_modules/b"
DEEPER = "node_modules/a/node_modules/c"
CARRIED: Packages = {
    "node_modules/a": {**CARRIER, "bundleDependencies": ["b"]},
    INNER: {"version": "1.0.0", "inBundle": True, "dependencies": {"c": "^1"}},
    DEEPER: {"version": "1.0.0", "inBundle": True},
}


def read(packages: Packages, version: int = 3) -> NpmLockfile:
    data = {"lockfileVersion": version, "packages": packages}
    return npm.read_lockfile(
        "package-lock.json", json.dumps(data, indent=2).encode(), lambda _: None
    )


def legacy(dependencies: Mapping[str, object]) -> NpmLockfile:
    data = {"lockfileVersion": 1, "requires": True, "dependencies": dependencies}
    return npm.read_lockfile(
        "package-lock.json", json.dumps(data, indent=2).encode(), lambda _: None
    )


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        pytest.param({}, set(), id="nothing"),
        pytest.param({"node_modules/a": CARRIER}, {"node_modules/a", INNER, DEEPER}, id="no list"),
        pytest.param({"node_modules/a": None}, {INNER, DEEPER}, id="no carrier"),
        pytest.param(
            {"node_modules/a": {**CARRIED["node_modules/a"], "integrity": "sha512-Yg=="}},
            {"node_modules/a", INNER, DEEPER},
            id="other bytes",
        ),
        pytest.param(
            {"node_modules/a": {"resolved": "lib", "link": True}, "lib": {"version": "1.0.0"}},
            {"node_modules/a", "lib", INNER, DEEPER},
            id="a link",
        ),
        pytest.param(
            {INNER: {"version": "1.0.0", "inBundle": True}}, {INNER, DEEPER}, id="not requested"
        ),
        pytest.param(
            {f"{INNER}/node_modules/c": {"version": "1.0.0"}},
            {f"{INNER}/node_modules/c", DEEPER},
            id="hidden by a nearer one",
        ),
    ],
)
def test_what_a_tarball_carries_changes_with_what_carries_it(
    after: Mapping[str, Mapping[str, object] | None], changed: set[str]
) -> None:
    packages = {place: raw for place, raw in {**CARRIED, **after}.items() if raw is not None}
    found = read(packages)
    assert set(found.changed([read(CARRIED)])) == changed
    assert set(found.changed([read(CARRIED), found])) == set()


def test_so_it_does_in_version_1() -> None:
    inner = {"b": {"version": "1.0.0", "bundled": True}}
    carrier = {"version": "1.0.0", "integrity": "sha512-YQ==", "dependencies": inner}
    before = legacy({"a": {**carrier, "requires": {"b": "^1"}}})
    found = legacy({"a": carrier})
    assert before.entry(INNER).bundled_by == "node_modules/a"
    assert found.entry(INNER).bundled_by is None
    assert found.changed([before]) == ["node_modules/a", INNER]


def test_a_carrier_that_could_not_be_read_before_blocks_nothing() -> None:
    malformed = {**CARRIED, INNER: {**CARRIED[INNER], "dependencies": 1}}
    assert set(read(CARRIED).changed([read(malformed)])) == {INNER, DEEPER}


# Reading by pieces.


def read_whole(data: bytes) -> Layout:
    return Whole(load_json("package-lock.json", data))


def read_layout(data: bytes) -> Layout:
    return split("package-lock.json", data) or read_whole(data)


MANY = {f"no-such-thing-{number}" for number in range(20)}


def outcome(read: Callable[[bytes], Layout], data: bytes) -> object:
    """All that a layout tells, in order; in place of it the error that it raises."""
    try:
        layout = read(data)
        packages = layout.packages
        unusual = layout.unusual
    except DocumentError as error:
        return error.message, error.line
    document = layout.document.data
    assert isinstance(document, dict)
    names = {place.rpartition("node_modules/")[2] for place in packages}
    return (
        list(packages.items()),
        list(layout.blocks),
        [layout.line_of(place) for place in packages],
        [layout.line_of(place, key) for place in list(packages)[:20] for key in packages[place]],
        [key for key in packages if key in unusual],
        {name: list(layout.asking({name})) for name in sorted(names)[:20]},
        list(layout.asking(names | MANY)),
        [(key, value) for key, value in document.items() if key != "packages"],
        [layout.document.line_of(key) for key in document],
    )


def is_split(data: bytes) -> bool:
    return split("package-lock.json", data) is not None


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: "-".join(path.parts[-4:-1]))
def test_a_file_that_npm_wrote_is_read_by_pieces(path: Path) -> None:
    data = path.read_bytes()
    assert is_split(data) is (b'"packages"' in data)
    assert outcome(read_layout, data) == outcome(read_whole, data)


@pytest.mark.slow
@pytest.mark.parametrize("case", corpus.by_size(corpus.cases("npm")))
def test_a_real_file_reads_by_pieces_as_it_does_whole(case: corpus.Case) -> None:
    assert outcome(read_layout, case.data) == outcome(read_whole, case.data)


HEAD = '{\n  "lockfileVersion": 3,\n  "packages": {\n    '
TAIL = "\n  }\n}\n"


@pytest.mark.parametrize(
    "middle",
    [
        pytest.param('"": {}, "b": {\n    },\n    "b": {}', id="two on a line, one of them twice"),
        pytest.param(
            '"a": {}, "b": {"x": {\n    },\n    "b": {}}\n    }', id="a member inside another"
        ),
        pytest.param('"a": {"x": {},\n    "b": {}}', id="a nested key at an entry's indent"),
        pytest.param('"a": {},\n    "b": {}\n  },\n  "x": {\n    "c": {}', id="two tables"),
        pytest.param('"a": {}\n  }, "packages": {\n    "b": {}', id="packages twice"),
        pytest.param('"a": {\n  },\n    "b": {}\n    }', id="closed too early"),
        pytest.param('"a": {\n      "x": 1,\n      "x": 2\n    }', id="a key twice"),
        pytest.param('"a": {\n      "x": {"y": 1, "y": 1}\n    }', id="a nested key twice"),
        pytest.param('"a": {},\n    "a": {}', id="a place twice"),
        pytest.param('"a": {},\n    "\\u0061": {}', id="a place twice, once escaped"),
        pytest.param('"a": {},\n    "b": []', id="a list for a table"),
        pytest.param('"a": {},\n    "b": 1', id="a number for a table"),
        pytest.param('"a": {"x": "y\n    }', id="a string that does not end"),
        pytest.param('"a": {"x": ",\n    \\""}', id="a line break in a string"),
        pytest.param('"a": {"x": NaN}', id="no number"),
        pytest.param('"a": {"x": 1' + "0" * 5000 + "}", id="too long a number"),
        pytest.param('"a": {"x": "\\ud800"}', id="half a character"),
        pytest.param('"a": {"\\u0078": 1}', id="an escaped letter"),
        pytest.param('"a": {"x\\/y": 1}', id="an escaped slash"),
        pytest.param(
            '"node_modules/@s/d": {"dependencies": {"@s\\/d": "1"}}',
            id="a name with an escaped slash",
        ),
        pytest.param('"a": {"x": "\\"y\\""}', id="an escaped quote"),
        pytest.param(
            '"node_modules/a\\"b": {"dependencies": {"a\\"b": "1"}}', id="a name with a quote"
        ),
        pytest.param('"a": {"x": ' + "[" * 2000 + "]" * 2000 + "}", id="too deep"),
        pytest.param('"a": {},', id="a trailing comma"),
        pytest.param('"a": {},\n    \n    "b": {}', id="an empty line"),
        pytest.param('"a": {} // b', id="a comment"),
        pytest.param('"a": {"x": "\ufeff"},\n    "\ufeff": {}', id="byte order marks inside"),
        pytest.param('"\ud83d\ude00": {"x": "\u2028"},\n    "\xa0": {}', id="odd characters"),
    ],
)
@pytest.mark.parametrize("tail", [TAIL, '\n  },\n  "dependencies": {\n    "a": {}\n  }\n}\n'])
def test_an_odd_file_reads_by_pieces_as_it_does_whole(middle: str, tail: str) -> None:
    data = (HEAD + middle + tail).encode("utf-8", "surrogatepass")
    assert outcome(read_layout, data) == outcome(read_whole, data)


@pytest.mark.parametrize(
    "head",
    [
        '{\n  "x": {\n  "packages": {\n    "a": {}\n  }\n},\n',
        '{\n  "x": [{\n  "packages": {\n    "a": {}\n  }\n}],\n',
        '{\n  "name": "\n  \\"packages\\": {\n    \\"",\n',
        '{\n  "name": "{",\n',
        '{\n  "packages": {},\n',
        "\ufeff{\n",
        "{\n\n",
        "{",
        "[\n",
    ],
)
def test_packages_opens_in_the_outermost_object(head: str) -> None:
    data = (head + HEAD.removeprefix("{\n") + '"b": {}' + TAIL).encode()
    assert outcome(read_layout, data) == outcome(read_whole, data)


PIECES = (
    "{", "}", "},", "[", "]", ",", ":", '"', "\\", "\\u0061", "\n", "\r\n", "\r", "\t", " ", "  ", "\ufeff",
    '"packages": {', '"a": {}', '"a": 1,', '"": {', "\n    },\n", ',\n    "', "\n  }", "\n  },", "}}", "\0",
)  # fmt: skip


def small(indent: int | str, version: int) -> str:
    """A lockfile with everything in it that some packages have."""
    packages = {
        "": {"dependencies": {"a": "^1", "lib": "^1"}, "workspaces": ["lib"]},
        "lib": {"version": "1.0.0"},
        "node_modules/lib": {"resolved": "lib", "link": True},
        **CARRIED,
        "node_modules/@s/d": {
            "version": "1.0.0", "resolved": "https://r/@s/d/-/d-1.0.0.tgz",
            "integrity": "sha512-YQ==", "engines": {"node": ">=1"}, "cpu": ["x64"],
            "dependencies": {"a": "1"},
        },
    }  # fmt: skip
    data: dict[str, object] = {"name": "x", "lockfileVersion": version, "packages": packages}
    if version == 2:
        data["dependencies"] = {"a": {"version": "1.0.0", "requires": {"b": "1"}}}
    return json.dumps(data, indent=indent) + "\n"


SEEDS = [small(2, 3), small(2, 2), small("\t", 3), small(4, 3).replace("\n", "\r\n")]


@pytest.mark.parametrize("text", SEEDS)
def test_whatever_the_indent_npm_keeps_it_is_read_by_pieces(text: str) -> None:
    assert is_split(text.encode())
    assert outcome(read_layout, text.encode()) == outcome(read_whole, text.encode())


def test_what_is_nested_deeply_is_read_whole() -> None:
    """What is read near the limit of the stack could not be read again from further up."""
    data = (HEAD + '"a": {"x": ' + "[" * 300 + "]" * 300 + "}" + TAIL).encode()
    assert not is_split(data)
    assert outcome(read_layout, data) == outcome(read_whole, data)


def try_mutations(tries: int) -> None:
    """Read so many mutations in both ways."""
    files = mutated_lines(SEEDS, PIECES)
    try_both(partial(outcome, read_layout), partial(outcome, read_whole), files, tries)


def test_any_file_reads_by_pieces_as_it_does_whole() -> None:
    try_mutations(100)


@pytest.mark.slow
def test_any_file_reads_by_pieces_as_it_does_whole_in_many_tries() -> None:
    try_mutations(5000)
