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

HOSTILE: dict[str, Callable[[int], bytes]] = {
    "brackets": lambda n: b"[" * n,
    "closing brackets": lambda n: b")" * n,
    "braces and calls": lambda n: b"a({" * (n // 3),
    "a million tokens on one line": lambda n: b"x=1;" * n,
    "a name without end": lambda n: b"_0x" + b"a" * n * 5,
    "names of processes": lambda n: b"process" * n,
    "words that are asked about": lambda n: b"eval fetch env require " * (n // 20),
    "words in one expression": lambda n: b"+".join([b"fetch"] * (n // 2)),
    "quotes": lambda n: b"'" * (n // 2),
    "templates": lambda n: b"`${" * (n // 3),
    "encoded texts": lambda n: b"'" + b"'+'".join([b"aHR0cHM6Ly9" * 20] * (n // 70)) + b"'",
    "sums of letters": lambda n: b"+".join([b"'a'"] * (n // 2)),
    "texts that are changed": lambda n: b"'ab'.replace('a', 'b').slice(1) + " * (n // 20) + b"1",
    "numbers": lambda n: b"[" + b"104," * n + b"1]",
    "blanks": lambda n: b" " * n * 5 + b"x",
    "lines of blanks": lambda n: (b" " * 119 + b"\n") * (n // 25),
    "empty lines": lambda n: b"\n" * n * 5,
    "invalid UTF-8": lambda n: b"\xff\xfe\xc3(" * n,
    "no text at all": lambda n: Random(1).randbytes(n * 40),
    "NULs": lambda n: b"\0" * n * 5,
    "letters of two alphabets": lambda n: "aа".encode() * n,
    "invisible characters": lambda n: "\u200b".encode() * n,
    "addresses": lambda n: b"'https://a.invalid/'," * (n // 4),
    "hosts without end": lambda n: b"'" + b"a." * n + b"'",
    "comments": lambda n: b"/* eval('x') */" * (n // 3),
    "comments that are not closed": lambda n: b"/*" * n,
    "regular expressions": lambda n: b"/(/" * n,
    "definitions": lambda n: b"Object.defineProperty(globalThis," * (n // 10),
    "environments": lambda n: b"{env}=process," * (n // 4),
}
"""What costs the most in a reader that is not careful, of about ``n`` bytes or parts."""
SMALL, FULL = 25_000, 250_000


@pytest.mark.parametrize(
    ("size", "seconds"), [(SMALL, 2), pytest.param(FULL, 10, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_scripts_have_a_bounded_cost(name: str, size: int, seconds: float) -> None:
    """Some five times of what the slowest takes; what is quadratic takes hundreds of times as long."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    facts = extract_facts("maybe", HOSTILE[name](size))
    used = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
    assert used < seconds, f"{used:.1f} s"
    assert facts_from_json(facts_to_json(facts)) == facts


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"[" * 5_000, "nested too deeply"),
        (b" " * (1 << 20) + b"x", "more than 1 MiB"),
        (b"x;" * 5_000, "too many parts"),
        (b"\xff" * 5_000, "no text"),
    ],
)
def test_what_is_not_read_is_said(monkeypatch: pytest.MonkeyPatch, data: bytes, says: str) -> None:
    for name, limit in (
        ("extract.SIZE_LIMIT", 1 << 20),
        ("extract.NO_TEXT_LIMIT", 4_000),
        ("tree.MARK_LIMIT", 4_000),
    ):
        monkeypatch.setattr(f"npm_vetted.review.signals.{name}", limit)
    assert says in extract_facts("code", data).unread


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
            patch.setattr(reader_module, "_WAITING", 0.5)
            patch.setattr(reader_module, "_LOOKS", 0.05)
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
        "child.extract_facts = lambda *_: [None for _ in iter(int, 1)]; child.serve(0)"
    )
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", script], input=b"code 1\nx", capture_output=True, check=False
    )
    assert (done.returncode < 0, done.stdout) == (True, b"")


def test_the_process_that_reads_hostile_bytes_imports_no_network() -> None:
    """It starts sooner, and holds less that hostile bytes could reach."""
    import subprocess

    script = "import sys, npm_vetted.review.signals.child; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())
    assert not imported & {"urllib3", "socket", "npm_vetted.registry", "npm_vetted.git"}


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
