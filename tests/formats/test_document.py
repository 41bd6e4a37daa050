"""The readers of JSON, TOML and YAML: strict, with the line of what is wrong and of each key."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Document, dotted, named
from npm_vetted.formats.json import load_json, load_jsonc
from npm_vetted.formats.toml import load_toml
from npm_vetted.formats.yaml import load_yaml


def first(path: str, data: bytes) -> Document:
    return load_yaml(path, data)[0]


def settings(path: str, data: bytes) -> Document:
    """As settings are read, which people write."""
    return load_yaml(path, data, aliases=True)[0]


BOMB = b"a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + b"".join(
    b"%c: &%c [%s]\n" % (new, new, b", ".join([b"*%c" % old] * 9))
    for old, new in zip(b"abcdef", b"bcdefg", strict=True)
)

BAD: list[tuple[Callable[[str, bytes], Document], bytes, str, int]] = [
    (load_json, b"", "not JSON: Expecting value", 1),
    (load_json, b'{\n"a": 1,\n}', "not JSON: Expecting property name enclosed in double quotes", 3),
    (
        load_json,
        b'{"a": 1,\n "b": {"a": 2},\n "a": 3}',
        "the key 'a' appears twice in one object",
        3,
    ),
    (
        load_json,
        b'{"a": 1,\n "__proto__": {"b": 2}}',
        "the key '__proto__' is not read here: clients take what is in it for other keys",
        2,
    ),
    (
        load_jsonc,
        b'{"a": {"\\u005f_proto__": 2}}',
        "the key '__proto__' is not read here: clients take what is in it for other keys",
        1,
    ),
    (load_json, b'{"a": NaN}', "not JSON: NaN is not JSON", 1),
    (load_json, b"{} {}", "not JSON: Extra data", 1),
    (load_json, b"{\n\xff", "not UTF-8 text", 2),
    (load_json, b"<<<<<<< HEAD\n{}", "not JSON: Expecting value", 1),
    (load_json, b"[" * 100_000, "nested too deeply", 1),
    (load_json, b"// no\n{}", "not JSON: Expecting value", 1),
    (load_jsonc, b"{\n/* never ends", "a comment that does not end", 2),
    (load_jsonc, b'{"a": 1, // x\n"a": 2}', "the key 'a' appears twice in one object", 2),
    # Bun ends a comment there (tried with 1.2 to 1.4), and reads the key that follows.
    (load_jsonc, b'{\n"a": 1 // x\r, "b": 2\n}', "a line ends in a comment without", 2),
    (load_jsonc, '{"a": 1 // x\u2028, "b": 2\n}'.encode(), "a line ends in a comment without", 1),
    (load_toml, b"a = 1\na = 2\n", "not TOML: Cannot overwrite a value", 2),
    (load_toml, b"a = ", "not TOML: Invalid value", 1),
    (load_toml, b"\xff", "not UTF-8 text", 1),
    (first, b"a: 1\na: 2\n", "the key 'a' appears twice in one mapping", 2),
    (
        first,
        b"a: &x 1\n",
        "an anchor (&) is not read here: write the value out where it is used",
        1,
    ),
    (
        first,
        b"a: 1\nb: *x\n",
        "an alias (*) is not read here: write the value out where it is used",
        2,
    ),
    (
        first,
        b"a: !!python/object:os.system 1\n",
        "a tag (!) is not read here: write the value plainly",
        1,
    ),
    (first, b"<<: {a: 1}\n", "a merge key (<<) is not read here: write the keys out", 1),
    (settings, b"a: *x\n", "the alias *x has no anchor &x that ends before it", 1),
    (settings, b"a: &x [*x]\n", "the alias *x has no anchor &x that ends before it", 1),
    (settings, b"&x a: 1\n", "an anchor (&) is not read here", 1),
    (settings, b"a: &x b\n*x : 1\n", "an alias (*) is not read here", 2),
    (
        settings,
        b"a: &x {b: 1}\n<<: *x\n",
        "a merge key (<<) is not read here: write the keys out",
        2,
    ),
    (settings, BOMB, "aliases for more than 10,000 values", 5),
    (first, b"[a]: 1\n", "a key that is no string", 1),
    (first, b"[" * 300, "nested too deeply", 1),
    (first, b"a: [\n", "not YAML: ", 2),
]


@pytest.mark.parametrize(("load", "data", "message", "line"), BAD)
def test_what_is_wrong(
    load: Callable[[str, bytes], Document], data: bytes, message: str, line: int
) -> None:
    with pytest.raises(DocumentError) as raised:
        load("file", data)
    assert raised.value.path == "file"
    assert raised.value.message.startswith(message)
    assert raised.value.line == line


@pytest.mark.parametrize(
    ("load", "data"),
    [
        (load_json, b'{\n "a": {\n  "b": [\n   1,\n   {"c": 2}\n  ]\n }\n}'),
        (load_jsonc, b'{ // x\r\n "a": {\n  "b": [\n   1,\n   {"c": 2,},\n  ]\n }\n}'),
        (load_jsonc, b'{ // x\n "a": {\n  "b": [ /* y */\n   1,\n   {"c": 2,},\n  ]\n }\n}'),
        (first, b"#\na:\n  b:\n    - 1\n    - c: 2\n"),
    ],
)
def test_where_a_key_stands(load: Callable[[str, bytes], Document], data: bytes) -> None:
    document = load("file", data)
    assert document.data == {"a": {"b": [1, {"c": 2}]}}
    keys: list[tuple[str | int, ...]] = [("a",), ("a", "b"), ("a", "b", 0), ("a", "b", 1, "c")]
    assert [document.line_of(*each) for each in keys] == [2, 3, 4, 5]
    assert document.line_of("a", "b", 7, "x") == 3


def test_where_a_key_of_toml_stands() -> None:
    text = b'a = """\nb = 1\n"""\nb = [\n  # words\n  1,\n\n  { c = 2 },\n]\nd = 3\n[[e]]\nf = 1\n[[e]]\nf = 2\n'
    document = load_toml("file", text)
    keys: list[tuple[str | int, ...]] = [
        ("a",), ("b",), ("b", 0), ("b", 1), ("d",), ("e", 0, "f"), ("e", 1, "f"), ("z",),
    ]  # fmt: skip
    assert [document.line_of(*each) for each in keys] == [1, 4, 6, 8, 10, 12, 14, 1]


def test_a_byte_order_mark_is_no_text() -> None:
    assert load_json("file", b'\xef\xbb\xbf{"a": 1}').data == {"a": 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-1", -1), ("1.5", 1.5), ("1.2.3", "1.2.3"), ("true", True), ("yes", "yes"),
        ("null", None), ("~", None), ("'1'", "1"), ("0x1", "0x1"), ("1e3", 1000.0), ("2020-01-01", "2020-01-01"),
        ("9" * 30, 1e30),
    ],
)  # fmt: skip
def test_yaml_scalars_are_those_of_javascript_readers(text: str, value: object) -> None:
    [document] = load_yaml("file", f"a: {text}\n".encode())
    assert document.data == {"a": value}
    [document] = load_yaml("file", f"a: {text}\n".encode(), strings_only=True)
    assert document.data == {"a": text.strip("'")}


def test_a_stream_of_documents() -> None:
    assert [each.data for each in load_yaml("file", b"a: 1\n---\nb: 2\n")] == [{"a": 1}, {"b": 2}]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(values)
def test_json_is_read_as_it_was_written(value: Any) -> None:
    text = json.dumps(value, indent=1).encode()
    assert load_json("file", text).data == value
    assert load_jsonc("file", text).data == value


@given(st.text(alphabet='{}[]",:\\/*#\n 1a'))
def test_jsonc_without_comments_is_json_or_refused_by_both(text: str) -> None:
    try:
        plain = load_json("file", text.encode()).data
    except DocumentError:
        return
    assert load_jsonc("file", text.encode()).data == plain


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))


@given(st.dictionaries(texts, texts | st.lists(texts)))
def test_yaml_is_read_as_pyyaml_wrote_it(value: Any) -> None:
    text = yaml.safe_dump(value, default_style='"', allow_unicode=True).encode()
    [document] = load_yaml("file", text)
    assert document.data == value


@given(st.dictionaries(texts, texts | st.lists(texts)), st.lists(st.booleans(), max_size=4))
def test_an_alias_has_the_value_of_its_anchor(value: Any, nested: list[bool]) -> None:
    shared: Any = value
    for deeper in nested:
        shared = {"one": shared, "two": [shared, shared]} if deeper else [shared, shared]
    text = yaml.safe_dump({"a": shared, "b": shared}, default_style='"').encode()
    [document] = load_yaml("file", text, aliases=True)
    assert document.data == yaml.safe_load(text)


def test_the_lines_below_an_alias_are_its_own() -> None:
    [document] = load_yaml("file", b"a: &x\n  b: 1\nc: *x\n", aliases=True)
    assert document.data == {"a": {"b": 1}, "c": {"b": 1}}
    assert [document.line_of("a", "b"), document.line_of("c", "b")] == [2, 3]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"), (True, "true"), ({}, "a table"), ([], "a list"), ("x", "the string 'x'"),
        (1, "the number 1"), (b"", "a bytes"),
    ],
)  # fmt: skip
def test_named(value: object, words: str) -> None:
    assert named(value) == words


def test_dotted() -> None:
    assert dotted(("packages", 3, "name")) == "packages[3].name"


@given(
    st.recursive(
        st.integers() | st.text(max_size=3) | st.none(),
        lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
        max_leaves=30,
    ),
    st.sampled_from([None, 0, 1, 3]),
    st.sampled_from(["\n", "\r\n"]),
    st.randoms(use_true_random=False),
)
def test_the_line_of_everything_in_a_json_text(
    shape: object, indent: int | None, end: str, chance: random.Random
) -> None:
    numbers = itertools.count()
    paths: dict[tuple[str | int, ...], str] = {}

    def named(value: object, path: tuple[str | int, ...]) -> object:
        """Tuples as tables whose keys stand nowhere else, what is no table as such a text."""
        if isinstance(value, tuple):
            table = {f'key {next(numbers)}, \\ ": [': each for each in value}
            paths.update({(*path, key): key for key in table})
            return {key: named(each, (*path, key)) for key, each in table.items()}
        if isinstance(value, list):
            return [named(each, (*path, index)) for index, each in enumerate(value)]
        paths[path] = paths.get(path, f"value {next(numbers)} }}")
        return paths[path]

    data = named(shape, ())
    text = json.dumps(data, indent=indent).replace("\n", end)
    lines = text.split("\n")
    document = load_json("a.json", text.encode())
    order = [path for path in paths if path]
    chance.shuffle(order)
    for path in order:
        assert json.dumps(paths[path]) in lines[document.line_of(*path) - 1]
        assert document.find_line((*path, "no such thing")) is None


LINES = st.sampled_from([
    "a: 1", "b: true", "a: false", "c: 1e3", "d: null", "null: x", "e: ./f-g_h", "f: 2026-01-01", "yes: no",
    "g: x y", "h: x ", " i: x", "j:x", "k: - x", "l: x: y", "m: x # y", "# z", " # z", "", "---", "...",
    "  n: x", "- o", "p: 0o7", "q: 0x1F", "r: .5", "s: 1_000", "t: |", "u: x#y", "%YAML 1.2", "#\ty", "v: ~",
    "w:", "x: y\r", "?", "A: B/c", "1: 2", "_a: b", "y: -1", "# \x7f", "z: 1.20",
])  # fmt: skip


@given(st.lists(LINES, max_size=6), st.booleans(), st.sampled_from(["\n", "\n\n"]))
def test_plain_settings_are_what_libyaml_reads(
    lines: list[str], strings_only: bool, between: str
) -> None:
    """Read line by line, or, where there is more of it, by libyaml."""
    text = between.join(lines)
    quick, full = (
        _read(each, strings_only=strings_only) for each in (text, f"{text}\n{'#' * 10_001}")
    )
    if isinstance(quick, str) or isinstance(full, str):
        assert quick == full
        return
    assert [each.data for each in quick] == [each.data for each in full]
    for one, other in zip(quick, full, strict=True):
        keys = one.data if isinstance(one.data, dict) else ()
        assert [one.line_of(key) for key in keys] == [other.line_of(key) for key in keys]


def _read(text: str, *, strings_only: bool) -> list[Document] | str:
    try:
        return load_yaml("file", text.encode(), strings_only=strings_only)
    except DocumentError as error:
        return error.message
