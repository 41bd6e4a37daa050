"""exemptions.txt: one artifact a line, sorted, comments kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.errors import UsageError
from npm_vetted.vetting.exemptions import EXEMPTIONS, Exemption, Exemptions
from tests.support.npm_projects import sri

A = f"@s/a@1.0.0 {sri('a')} scripts at adoption"
B = f"b@2.0.0 {sri('b')} - at adoption, by Ada"
GIT = "c@- source:git+https://github.com/o/c.git#" + "1" * 40 + " - our fork"


def test_what_a_line_says() -> None:
    found = Exemptions.read(f"# why\n{A}\n\n{B}\n{GIT}\n".encode())
    assert list(found.all()) == [
        Exemption("@s/a", "1.0.0", sri("a"), True, "at adoption"),
        Exemption("b", "2.0.0", sri("b"), False, "at adoption, by Ada"),
        Exemption("c", "-", GIT.split()[1], False, "our fork"),
    ]
    assert [found.line_of(each) for each in found.all()] == [2, 4, 5]
    assert [str(each) for each in found.all()] == [A, B, GIT]


def test_of_a_package_and_of_a_version() -> None:
    text = (
        "".join(f"a@1.0.{at} {sri(str(at))} - r\n" for at in range(12))
        + f"aa@1.0.1 {sri('x')} - r\n"
    )
    found = Exemptions(text)
    assert len(found.of("a")) == 12
    assert [each.version for each in found.of("a", "1.0.1")] == ["1.0.1"]
    assert found.of("a", "1.0") == []
    assert found.of("@a") == []
    assert found.of("b") == []


def test_a_found_exemption_is_its_whole_line() -> None:
    odd = f"a%20b@1%3A0 {sri('x')} - r"
    found = Exemptions(f"{B}\n{A}\n{odd}\n{GIT}\n")
    assert [str(each) for each in found.of("@s/a")] == [A]
    assert [str(each) for each in found.of("b", "2.0.0")] == [B]
    (read,) = found.of("a b", "1:0")
    assert (read.name, read.version, read.reason) == ("a b", "1:0", "r")


def test_the_last_line_needs_no_newline() -> None:
    assert [str(each) for each in Exemptions(f"{A}\n{B}").of("b", "2.0.0")] == [B]


def test_no_file_has_no_exemptions() -> None:
    for none in (Exemptions(), Exemptions.read(None), Exemptions.read(b"")):
        assert (list(none.all()), none.lines(), none.of("a")) == ([], frozenset(), [])
        assert none.write([]) == b""


def test_the_lines_are_what_is_exempt() -> None:
    assert Exemptions(f"# why\n{A}\n{B}\n").lines() == {A, B}


def test_the_line_of_the_first_of_two_equal_exemptions() -> None:
    found = Exemptions(f"# why\n{A}\n{B}\n{A}\n")
    assert [found.line_of(each) for each in found.all()] == [2, 3, 2]
    assert Exemptions(B).line_of(next(Exemptions(B).all())) == 1


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a", "a"),
        ("@s/a.b_c~d", "@s/a.b_c~d"),
        ("a b", "a%20b"),
        ("é", "%C3%A9"),
        ("a:b", "a%3Ab"),
        ("@s/é", "@s/%C3%A9"),
    ],
)
def test_a_name_is_written_without_what_splits_a_line(name: str, written: str) -> None:
    line = str(Exemption(name, "1.0.0", sri("a"), False, "r"))
    assert line == f"{written}@1.0.0 {sri('a')} - r"


@pytest.mark.parametrize("line", ["a@1.0.0 x maybe r", "a@1.0.0 x", "x"])
def test_a_bad_line_after_others_is_told_with_its_number_and_the_way_on(line: str) -> None:
    with pytest.raises(UsageError) as raised:
        list(Exemptions(f"{A}\n{A}\n\n# why\n{line}\n{B}\n").all())
    assert raised.value.line == 5
    assert "npm-vetted exempt" in (raised.value.fix or "")


def test_windows_newlines_are_read() -> None:
    found = Exemptions.read(f"{A}\r\n{B}\r\n".encode())
    assert [str(each) for each in found.all()] == [A, B]


@pytest.mark.parametrize(
    "line",
    [
        "a@1.0.0",
        f"a@1.0.0 {sri('a')} -",
        f"a@1.0.0 {sri('a')} maybe reason",
        f"a {sri('a')} - reason",
        f"@1.0.0 {sri('a')} - reason",
        f"a@1.0.0  {sri('a')} - reason",
        f"a@1.0.0\t{sri('a')} - reason",
        "<<<<<<< HEAD",
    ],
)
def test_a_line_that_is_none(line: str) -> None:
    with pytest.raises(UsageError) as raised:
        list(Exemptions.read(f"# words\n{A}\n{line}\n".encode()).all())
    assert (raised.value.path, raised.value.line) == (EXEMPTIONS, 3)
    assert raised.value.message == (
        f"expected 'name@version hash-or-source -|scripts reason', found {line[:80]!r}"
    )


def test_what_is_no_text() -> None:
    with pytest.raises(UsageError) as raised:
        Exemptions.read(b"a\n\xff")
    assert (raised.value.path, raised.value.line, raised.value.status) == (EXEMPTIONS, 2, 2)


def test_what_is_written_is_sorted_and_keeps_comments() -> None:
    found = Exemptions.read(f"# first\n{B}\n# second\n{A}\n{B}\n".encode())
    text = found.write(found.all())
    assert text.decode() == f"# first\n# second\n{A}\n{B}\n"
    again = Exemptions.read(text)
    assert again.write(again.all()) == text


words = st.text(min_size=1, max_size=20)


@given(name=words, version=words, reason=words, scripts=st.booleans())
def test_whatever_a_lockfile_says_is_one_line_that_reads_back(
    name: str, version: str, reason: str, scripts: bool
) -> None:
    given_one = Exemption(name, version, sri("a"), scripts, reason)
    data = Exemptions().write([given_one])
    [found] = Exemptions.read(data).all()
    assert found[:4] == given_one[:4]
    assert found.reason.split() == reason.split()
    assert Exemptions.read(data).of(name, version) == [found]


_LINES = st.lists(
    st.sampled_from(
        [
            A,
            B,
            GIT,
            B.replace("Ada", "Eve"),
            "b@2.0.0",
            "b@2.0.0 half",
            "# b@2.0.0 - no",
            "",
            "  b@2.0.0",
        ]
    ),
    max_size=8,
)


@given(_LINES, st.sampled_from(["\n", "\r\n"]))
def test_the_index_finds_what_a_search_finds(lines: list[str], end: str) -> None:
    def asked(exemptions: Exemptions, name: str, version: str) -> object:
        try:
            return exemptions.of(name, version)
        except UsageError as error:
            return error.message, error.line

    data = "".join(line + end for line in lines).encode()
    indexed = Exemptions.read(data)
    for _ in range(50):
        indexed.of("z", "9.9.9")
    for name, version in (("@s/a", "1.0.0"), ("b", "2.0.0"), ("c", "-"), ("b", "2.0"), ("#", "")):
        assert asked(indexed, name, version) == asked(Exemptions.read(data), name, version)
