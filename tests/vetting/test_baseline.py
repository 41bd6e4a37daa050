"""The baseline: what its lines accept, and what is reported again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.errors import UsageError
from npm_vetted.model import Finding, Location
from npm_vetted.vetting.baseline import BASELINE, Baseline, line_of, unaccepted

FINDING = Finding(
    check="client-settings", code="program", message="…", location=Location(".npmrc", 2),
    project=".", key="git", value="./x.sh",
)  # fmt: skip
LINE = line_of(FINDING, "at adoption")


def test_a_line_as_text() -> None:
    assert str(LINE) == f"client-settings/program .npmrc git {FINDING.fingerprint} at adoption"
    assert Baseline.read(f"# why\n{LINE}\n".encode()).lines[0]._replace(number=0) == LINE


@given(st.text(), st.text(min_size=1))
def test_any_key_and_path_can_be_written_and_read(key: str, path: str) -> None:
    finding = FINDING._replace(key=key, location=Location(path))
    written = Baseline().write([line_of(finding, "a reason")])
    [line] = Baseline.read(written).lines
    assert (line.key, line.path) == (key, path)


@pytest.mark.parametrize(
    ("finding", "accepted"),
    [
        (FINDING, True),
        (FINDING._replace(message="reworded", location=Location(".npmrc", 9)), True),
        (FINDING._replace(value="./y.sh"), False),
        (FINDING._replace(key="shell"), False),
        (FINDING._replace(location=Location("app/.npmrc")), False),
        (FINDING._replace(acceptable=False), False),
    ],
)
def test_what_a_line_accepts(finding: Finding, accepted: bool) -> None:
    assert (list(unaccepted([finding], Baseline((LINE,)))) == []) is accepted


def test_each_line_accepts_one_finding() -> None:
    twice = [FINDING, FINDING._replace(location=Location(".npmrc", 5))]
    assert list(unaccepted(twice, Baseline((LINE,)))) == [twice[1]]
    assert list(unaccepted(twice, Baseline((LINE, LINE)))) == []


@pytest.mark.parametrize(
    "row",
    [
        "<<<<<<< HEAD", "client-settings .npmrc git 00 reason", "a/b c d e f",
        f"client-settings/program .npmrc git {'0' * 64}", f"client-settings/program .npmrc {'0' * 64} r",
    ],
)  # fmt: skip
def test_a_malformed_line_is_a_usage_error(row: str) -> None:
    with pytest.raises(UsageError) as raised:
        Baseline.read(f"# comment\n{row}\n".encode())
    assert (raised.value.path, raised.value.line) == (BASELINE, 2)


def test_lines_are_sorted_and_comments_stay() -> None:
    other = line_of(FINDING._replace(key="a"), "r")
    known = Baseline.read(f"# why\n{LINE}\n".encode())
    assert known.write([*known.lines, other]).decode().splitlines() == [
        "# why",
        str(other),
        str(LINE),
    ]


def test_what_is_more_than_another() -> None:
    reworded = LINE._replace(reason="another", number=7)
    assert list(Baseline((reworded,)).more_than(Baseline((LINE,)))) == []
    assert list(Baseline((LINE, LINE)).more_than(Baseline((LINE,)))) == [LINE]


def test_no_file_accepts_nothing() -> None:
    for none in (Baseline(), Baseline.read(None), Baseline.read(b"")):
        assert (none.lines, none.comments, none.write([])) == ((), (), b"")
        assert list(unaccepted([FINDING], none)) == [FINDING]


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("", "-"), ("-", "%2D"), ("--", "--"), ("a b", "a%20b"), ("é", "%C3%A9"),
        ("@s/a!+.-_~:=", "@s/a!+.-_~:="), ("a\ud800", "a%ED%A0%80"),
    ],
)  # fmt: skip
def test_a_field_as_a_word(field: str, written: str) -> None:
    line = line_of(FINDING._replace(key=field), "r")
    assert str(line).split(" ")[2] == written
    [read] = Baseline.read(Baseline().write([line])).lines
    assert read.key == field


def test_the_parts_and_the_number_of_a_line() -> None:
    [first, second] = Baseline.read(f"# why\n\n{LINE}\n  \n{LINE}\n".encode()).lines
    assert (first, second) == (LINE._replace(number=3), LINE._replace(number=5))
    assert (LINE.check, LINE.code, LINE.path) == ("client-settings", "program", ".npmrc")


def test_a_reason_is_written_in_one_line() -> None:
    assert str(LINE._replace(reason="a  long\n reason")).endswith(" a long reason")


def test_what_is_no_text_is_a_usage_error_of_its_line() -> None:
    with pytest.raises(UsageError) as raised:
        Baseline.read(b"# why\n\xff")
    assert (raised.value.path, raised.value.line) == (BASELINE, 2)


def test_a_malformed_line_names_the_command_that_writes_lines() -> None:
    with pytest.raises(UsageError) as raised:
        Baseline.read(b"x\n")
    assert "npm-vetted accept" in (raised.value.fix or "")


def test_a_finding_that_may_not_be_accepted_uses_no_line() -> None:
    secret = FINDING._replace(acceptable=False)
    assert list(unaccepted([secret, FINDING], Baseline((LINE,)))) == [secret]
