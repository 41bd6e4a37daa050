"""deno.lock: reading npm's section by pieces is reading it whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from npm_vetted.clients.deno import lockfile as lockfiles
from npm_vetted.clients.deno.layout import Layout, read_layout
from npm_vetted.clients.deno.lockfile import DenoLockfile
from npm_vetted.errors import DocumentError
from npm_vetted.formats.json import load_json

FIXTURE = Path(__file__).parents[2] / "fixtures" / "deno" / "version-5.lock"


def _outcome(data: bytes) -> object:
    try:
        found = DenoLockfile("deno.lock", data, lambda _: None)
        entries = list(found.entries())
        keys = [entry.key for entry in entries]
        dependents = {key: sorted(found.dependents([key])[key]) for key in keys}
        all_at_once = {key: sorted(askers) for key, askers in found.dependents(keys).items()}
        assert dependents == all_at_once
        return entries, found.importers, found.direct({}), dependents, sorted(found.package_names())
    except DocumentError as error:
        return error.message, error.line


def _changed(old: str, new: str, count: int = 1) -> bytes:
    text = FIXTURE.read_text()
    assert old in text
    return text.replace(old, new, count).encode()


@pytest.mark.parametrize(
    "data",
    [
        FIXTURE.read_bytes(),
        _changed('"chalk@5.3.0": {', '"chalk@5.3.0":{'),
        _changed('"ms@2.0.0": {', '"ms@2.1.2": {'),
        _changed('"chalk@5.3.0": {', '"chalk": {'),
        _changed('"npm": {', '"npm": {},\n  "npm": {'),
        _changed('"npm": {', '"jsr": {'),
        _changed('"scripts": true', '"scripts": NaN'),
        _changed('"dependencies": [\n        "ms@2.1.3"', '"dependencies": [\n        1'),
        _changed("\n", "\r\n", -1),
        _changed('"version": "5"', '"version": "5",'),
        _changed('"workspace": {', '"workspace": {"npm": {},'),
        json.dumps(json.loads(FIXTURE.read_text())).encode(),
        b'{"version": "5", "workspace": {\n  "npm": {\n    "evil@1.0.0": {}\n  }}, "npm": {}}',
        FIXTURE.read_bytes()[:-200],
    ],
)  # fmt: skip
def test_pieces_tell_what_the_whole_tells(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    by_pieces = _outcome(data)
    monkeypatch.setattr(
        lockfiles, "read_layout", lambda path, data, _: Layout(load_json(path, data))
    )
    assert by_pieces == _outcome(data)


def test_a_lockfile_as_deno_writes_it_is_split() -> None:
    assert read_layout("deno.lock", FIXTURE.read_bytes()).pieces is not None
