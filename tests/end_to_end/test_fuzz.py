"""Every reader takes arbitrary bytes and mutations of real files: our own errors, in time.

The short run; ``python fuzz/run.py`` is the long one, and what it finds is kept in ``fuzz_cases``.
"""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from npm_vetted.clients import clients
from npm_vetted.errors import DocumentError, NpmVettedError, UndecidedError
from npm_vetted.formats.document import refuse_lone_surrogates
from npm_vetted.formats.globs import LENGTH_LIMIT, glob_matcher
from tests.support.fuzz_targets import (
    CASES,
    LOCKFILES,
    TARGETS,
    Target,
    compare_versions,
    file_name,
    own_seeds,
)

PIECES = (
    b"", b"\0", b"\n", b"\r\n", b"\t", b" ", b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b",", b":", b"#",
    b"@", b"/", b"*", b"-", b"..", b"${X}", b"\xff", b"\xef\xbb\xbf", b"\\ud800", b"\\u0000",
    "\u202e".encode(), "\u2028".encode(), b"null", b"true", b"1e999", b"9" * 5000, b"[" * 3000, b"{\"a\":" * 1000,
    b"__proto__", b"<<: *a", b"&a", b"!!python/object:os.system", b"::error::",
)  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A real file with a few places cut, doubled, or put something else into."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 1, 2, 8, 64, 1024])))
        piece = draw(st.sampled_from((*PIECES, data[start:end] * 2, data[end : end + 64])))
        data = data[:start] + piece + data[end:]
    return data


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_takes_real_files_and_what_once_broke_it(name: str) -> None:
    target = TARGETS[name]
    seeds = list(target.seeds())
    assert seeds
    for data in seeds:
        target.run(data)
    for case in sorted((CASES / name).glob("*")):
        target.run(case.read_bytes(), patience=5)  # also under coverage


def test_every_case_belongs_to_a_reader() -> None:
    assert {path.name for path in CASES.iterdir()} <= TARGETS.keys()


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_raises_nothing_but_our_errors(name: str) -> None:
    run_mutations(TARGETS[name], 10)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_raises_nothing_but_our_errors_in_many_tries(name: str) -> None:
    run_mutations(TARGETS[name], 500)


def run_mutations(target: Target, tries: int) -> None:
    """Try a reader with so many inputs."""
    seeds = list(target.seeds())

    @settings(max_examples=tries, database=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(mutations(seeds), st.binary(max_size=200)))
    def tried(data: bytes) -> None:
        target.run(data, patience=3)

    tried()


@pytest.mark.parametrize("name", LOCKFILES)
def test_what_is_not_the_same_artifact_is_never_judged_equal(name: str) -> None:
    """One character of a version, a hash, a name; the targets ``changed-…`` try anything."""
    client, file, seeds = clients()[name], file_name(name), own_seeds(name)
    assert seeds

    @settings(max_examples=30, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def tried(data: st.DataObject) -> None:
        seed = data.draw(st.sampled_from(seeds))
        spots = [found.start() for found in re.finditer(rb"[0-9A-Za-z]", seed)]
        at = data.draw(st.sampled_from(spots))
        piece = data.draw(st.sampled_from([b"", b"0", b"x", b"Q", b"1.0"]))
        try:
            compare_versions(client, file, seed, seed[:at] + piece + seed[at + 1 :])
        except NpmVettedError:
            assume(False)

    tried()


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("**/" * 30 + "*a*a*a*a*b", "/".join(["a" * 40] * 40)),
        ("*a" * 300, "a" * 4000),
        ("{a,aa," * 60 + "}" * 60, "a" * 4000),
        ("{" * 400 + "*,", "a" * 2000),
    ],
)
def test_no_glob_takes_long(glob: str, path: str) -> None:
    before = time.process_time()
    glob_matcher(glob).match(path)
    assert time.process_time() - before < 1


def test_an_absurd_glob_is_undecided() -> None:
    with pytest.raises(UndecidedError, match="a glob of 1,001 characters"):
        glob_matcher("a" * (LENGTH_LIMIT + 1))


def as_expression(glob: str) -> str:
    """What a glob means, as a regular expression that may backtrack."""
    out, depth = "", 0
    for token in re.findall(r"\*\*/|\*\*|.", glob):
        depth += (token == "{") - (token == "}" and depth > 0)
        meaning = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:"}
        if token == "," and depth:
            out += "|"
        elif token == "}" and out.count("(?:") - out.count("(?:[^/]+/)*") > out.count("\1"):
            out += "\1"
        else:
            out += meaning.get(token, re.escape(token))
    return out.replace("\1", ")") + ")" * depth


@given(
    st.text("ab/*?{,}", max_size=12).filter(lambda text: not text.startswith("./")),
    st.text("ab/", max_size=8),
)
def test_a_glob_matches_what_it_means(glob: str, path: str) -> None:
    expected = re.fullmatch(as_expression(glob.rstrip("/")), path)
    assert (glob_matcher(glob).match(path) is not None) == (expected is not None)


@pytest.mark.parametrize(
    ("text", "line"),
    [('"a\\ud800"', 1), ('"\\uD83D"', 1), ('\n"\\udE00\\uD83D"', 2), ('["\\\\\\ud800"]', 1)],
)
def test_half_a_character_is_refused(text: str, line: int) -> None:
    with pytest.raises(DocumentError, match="half a character") as caught:
        refuse_lone_surrogates("a.json", text)
    assert caught.value.line == line


@pytest.mark.parametrize("text", ['"\\ud83d\\uDE00"', '"\\\\ud800"', '"\\u00e9"', "plain"])
def test_whole_characters_pass(text: str) -> None:
    assert refuse_lone_surrogates("a.json", text) == text
