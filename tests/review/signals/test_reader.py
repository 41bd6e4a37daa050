"""The process that reads hostile bytes: hostile scripts, a process that ends or hangs, the cache."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from npm_vetted.review.signals import reader as reader_module
from npm_vetted.review.signals.extract import extract_facts
from npm_vetted.review.signals.facts import (
    FACTS_VERSION,
    LOST,
    FileFacts,
    facts_from_json,
    facts_to_json,
)
from npm_vetted.review.signals.reader import FactsReader

HOSTILE: dict[str, Callable[[], bytes]] = {
    "brackets": lambda: b"[" * 200_000,
    "closing brackets": lambda: b")" * 200_000,
    "braces and calls": lambda: b"a({" * 60_000,
    "a million tokens on one line": lambda: b"x=1;" * 250_000,
    "a name of a megabyte": lambda: b"_0x" + b"a" * 1_000_000,
    "names of processes": lambda: b"process" * 200_000,
    "words that are asked about": lambda: b"eval fetch env require " * 10_000,
    "words in one expression": lambda: b"+".join([b"fetch"] * 100_000),
    "quotes": lambda: b"'" * 100_000,
    "templates": lambda: b"`${" * 60_000,
    "encoded texts": lambda: b"'" + b"'+'".join([b"aHR0cHM6Ly9" * 20] * 3_000) + b"'",
    "sums of letters": lambda: b"+".join([b"'a'"] * 100_000),
    "numbers": lambda: b"[" + b"104," * 250_000 + b"1]",
    "blanks": lambda: b" " * 1_000_000 + b"x",
    "lines of blanks": lambda: (b" " * 119 + b"\n") * 8_000,
    "invalid UTF-8": lambda: b"\xff\xfe\xc3(" * 200_000,
    "no text at all": lambda: Random(1).randbytes(8 << 20),
    "NULs": lambda: b"\0" * 1_000_000,
    "letters of two alphabets": lambda: "aа".encode() * 200_000,
    "invisible characters": lambda: "\u200b".encode() * 300_000,
    "addresses": lambda: b"'https://a.invalid/'," * 50_000,
    "hosts without end": lambda: b"'" + b"a." * 300_000 + b"'",
    "comments": lambda: b"/* eval('x') */" * 60_000,
    "regular expressions": lambda: b"/(/" * 200_000,
    "50 MB": lambda: b"\n" * (50 << 20),
    "more parts than are read": lambda: b"x;" * 3_000_000,
}
"""What costs the most in a reader that is not careful."""
SECONDS = 8.0
"""Some four times of what the slowest takes where nothing else runs."""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_scripts_have_a_bounded_cost(name: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    facts = extract_facts("code", HOSTILE[name]())
    used = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
    assert used < SECONDS, f"{used:.1f} s"
    assert facts_from_json(facts_to_json(facts)) == facts


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("brackets", "nested too deeply"),
        ("50 MB", "more than 8 MiB"),
        ("more parts than are read", "too many parts"),
    ],
)
def test_what_is_not_read_is_said(name: str, says: str) -> None:
    assert says in extract_facts("code", HOSTILE[name]()).unread


def test_the_tells_of_a_script_that_has_no_tree_are_found() -> None:
    facts = extract_facts("code", b"x='https://webhook.site/';//" + b"[" * 3_000)
    assert (facts.unread != "", "exfil-host" in facts.marks) == (True, True)


def test_a_nul_does_not_end_a_script() -> None:
    """For the parser it would; for Node.js it is a character of a comment like any other."""
    assert "exec" in extract_facts("code", b"/* \0 */ require('child_process');" + b" " * 99).marks


# -- the process ---------------------------------------------------------------------------------


def broken(monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    """Let the process do something else with every request."""
    start = f"import sys, os, time; sys.stdin.buffer.readline(); {act}"
    monkeypatch.setattr(reader_module, "_START", start)


@pytest.mark.parametrize(
    "act",
    [
        "os.abort()",
        "sys.exit(0)",
        "print('junk', flush=True)",
        "print('[1]', flush=True)",
        "time.sleep(600)",
    ],
)
def test_a_process_that_ends_or_hangs_leaves_the_file_unread_and_nothing_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, act: str
) -> None:
    with FactsReader(tmp_path, patience=1) as reader:
        with monkeypatch.context() as patch:
            patch.setattr(reader_module, "_WAITING", 2)
            broken(patch, act)
            assert reader.read([("code", b"x")]) == [FileFacts(size=1, unread=LOST)]
        assert not list(tmp_path.rglob("*-code"))
        assert reader.read([("code", b"x")])[0].unread == ""
    assert len(list(tmp_path.rglob("*-code"))) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="the clock alone decides there")
def test_a_loop_ends_by_the_time_that_it_works() -> None:
    """By processor time: a busy machine does not make a file unreadable."""
    script = (
        "from npm_vetted.review.signals import child;"
        "child.extract_facts = lambda *_: [None for _ in iter(int, 1)]; child.serve(1)"
    )
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", script], input=b"code 1\nx", capture_output=True, check=False
    )
    assert (done.returncode < 0, done.stdout) == (True, b"")


# -- what is kept --------------------------------------------------------------------------------


def kept_file(folder: Path) -> Path:
    [found] = folder.rglob("*-code")
    return found


def test_facts_are_kept_by_the_bytes_and_the_version_of_the_reader(tmp_path: Path) -> None:
    with FactsReader(tmp_path) as reader:
        [first] = reader.read([("code", b"eval('1')")])
        place = kept_file(tmp_path)
        assert str(FACTS_VERSION) in place.parts
        place.write_bytes(facts_to_json(first._replace(size=77)))
        assert reader.read([("code", b"eval('1')")])[0].size == 77
        assert reader.read([("text", b"eval('1')")])[0].size == 9


@pytest.mark.parametrize("junk", [b"", b"{}", b"[1,2]", b"\xff", b"[" * 9_999, b"null"])
def test_damaged_facts_are_read_again(tmp_path: Path, junk: bytes) -> None:
    with FactsReader(tmp_path) as reader:
        [first] = reader.read([("code", b"fetch('x')")])
        kept_file(tmp_path).write_bytes(junk)
        assert reader.read([("code", b"fetch('x')")]) == [first]
    assert json.loads(kept_file(tmp_path).read_bytes())[0] == 10
