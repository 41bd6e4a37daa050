"""Edits of JSON files leave every other character as it is, comments too."""

from __future__ import annotations

import pytest

from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.json import load_jsonc
from npm_vetted.formats.json_edit import set_list


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{\n  "a": 1\n}\n', b'{\n  "a": 1,\n  "t": []\n}\n'),
        (b'{\n  "a": 1, // why\n}\n', b'{\n  "a": 1,\n  "t": [], // why\n}\n'),
        (b'{\n  "a": 1 // "t": }\n}\n', b'{\n  "a": 1,\n  "t": [] // "t": }\n}\n'),
        (b'{\n  "t": ["x"], /* } */ "a": 1,\n}\n', b'{\n  "t": [], /* } */ "a": 1,\n}\n'),
        (b"{ // nothing\n}\n", b'{\n  "t": [] // nothing\n}\n'),
        (b'{\n  "t": [] // as it is\n}\n', b'{\n  "t": [] // as it is\n}\n'),
    ],
)
def test_a_list_is_set(before: bytes, after: bytes) -> None:
    written = set_list("f", before, "t", [])
    assert written == after
    assert load_jsonc("f", written).root().maybe_texts("t") == ()


def test_a_file_that_is_no_json_is_refused() -> None:
    with pytest.raises(NpmVettedError):
        set_list("f", b"{ # no\n}", "t", [])
