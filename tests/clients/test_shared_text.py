"""What two versions of a lockfile share is found by slices, and changes nothing of what is read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.clients.pnpm import layout as layouts
from npm_vetted.clients.pnpm.lockfile import PnpmLockfile
from npm_vetted.clients.shared.shared_text import common_head, common_tail, shared_runs
from npm_vetted.errors import DocumentError
from npm_vetted.model import Group
from tests.support.corpus import Case, by_size, cases, pairs

FIXTURE = Path(__file__).parents[1] / "fixtures" / "pnpm" / "pnpm12" / "pnpm-lock.yaml"
SHA = "sha512-" + "a" * 86 + "=="


def entries(*names: str) -> list[str]:
    return [f"  {name}@1.0.0:\n    resolution: {{integrity: {SHA}}}" for name in names]


def cut(text: str) -> list[str]:
    """The chunks of a text, as the layout defines them."""
    found = layouts._Cut([], [])
    layouts._cut_anew(text.rstrip("\n"), found.chunks, found.keys)
    return found.chunks


def found_in(chunks: list[str], text: str) -> list[list[str]]:
    """The chunks of each run."""
    return [chunks[run.first : run.last] for run in shared_runs(chunks, text, len(text))]


NAMES = [f"package-{number:03}" for number in range(100)]


@pytest.mark.parametrize(
    ("after", "shared"),
    [
        (NAMES, 100),
        (NAMES[:50] + NAMES[51:], 97),
        ([*NAMES[:50], "new", *NAMES[50:]], 98),
        (["new", *NAMES], 99),
        ([*NAMES, "new"], 99),
        (["new", *NAMES[1:50], "other", *NAMES[51:99], "last"], 94),
        (["new"], 0),
        (NAMES[::-1], 1),
    ],
    ids=["same", "removed", "added", "first", "last", "three", "nothing", "turned"],
)
def test_nearly_all_that_stands_in_both_is_found(after: list[str], shared: int) -> None:
    chunks, text = entries(*NAMES), "\n\n".join(entries(*after))
    assert sum(map(len, found_in(chunks, text))) >= shared


@pytest.mark.parametrize("items", [str, list])
@given(data=st.data())
def test_heads_and_tails(items: Callable[[str], str | list[str]], data: st.DataObject) -> None:
    words = st.text("ab", max_size=12)
    head, tail, one, other = (data.draw(words) for _ in range(4))
    mine, theirs = items(head + one + tail), items(head + other + tail)
    length = common_head(mine, theirs)
    assert mine[:length] == theirs[:length]
    assert length in (len(mine), len(theirs)) or mine[length] != theirs[length]
    length = common_tail(mine, theirs)
    assert mine[len(mine) - length :] == theirs[len(theirs) - length :]
    assert length in (len(mine), len(theirs)) or mine[-length - 1] != theirs[-length - 1]


# Whatever was read before, a text is cut as if nothing had been

SEED = FIXTURE.read_text() + "\n".join(f"{entry}\n" for entry in entries(*NAMES[:40]))
PIECES = st.sampled_from(
    ["\n", "\n\n", "\n\n\n", "\n\n  ", "\n\n   ", "    ", " ", "'", "{", ": ", "- ", "|-\n", "---\n",
     "packages:", "\n  x@1: {}\n", "\n\n  x@1: {}\n\n", "a: b", "snapshots:\n\n", "é"]
)  # fmt: skip
EDITS = st.lists(
    st.tuples(st.integers(0, len(SEED)), st.sampled_from([0, 1, 2, 30, 400, 3000]), PIECES),
    max_size=4,
)


def edited(edits: list[tuple[int, int, str]]) -> str:
    text = SEED
    for at, length, piece in edits:
        text = text[:at] + piece + text[at + length :]
    return text


@given(EDITS, EDITS)
def test_a_text_is_cut_alike_whatever_was_cut_before(
    before: list[tuple[int, int, str]], after: list[tuple[int, int, str]]
) -> None:
    layouts._latest().clear()
    first = layouts._cut(edited(after))
    layouts._latest().clear()
    layouts._cut(edited(before))
    assert layouts._cut(edited(after)) == first
    assert first.chunks == cut(edited(after))


@given(st.text("\n a", max_size=40), st.text("\n a", max_size=40))
def test_blank_lines_in_any_number_are_cut_alike(before: str, after: str) -> None:
    layouts._latest().clear()
    layouts._cut(before)
    assert layouts._cut(after).chunks == cut(after)


@pytest.mark.parametrize(("before", "after"), pairs("pnpm"), ids=str)
@pytest.mark.slow
def test_a_pair_of_the_corpus_is_cut_alike(before: Case, after: Case) -> None:
    for one, other in ((before, after), (after, before)):
        layouts._latest().clear()
        layouts._cut(layouts._text("", one.data))
        text = layouts._text("", other.data)
        assert layouts._cut(text).chunks == cut(text)


# The quick answers are those of a whole decoding


def lockfile(data: bytes) -> PnpmLockfile:
    return PnpmLockfile("pnpm-lock.yaml", data, lambda _: None)


def check_quick_answers(found: PnpmLockfile) -> None:
    """Hold names and children to what decoded entries say."""
    names = {}
    for key in found.blocks:
        entry = found.entry(key)
        names[key] = entry.artifact.name if entry.artifact else ""
        wanted = [one.target for one in entry.requires if one.target and found.has(one.target)]
        assert set(found.children(key)) == set(wanted)
    known = dict(zip(found.blocks, found._names, strict=True))
    assert {key: name for key, name in known.items() if names[key]} == {
        key: name for key, name in names.items() if name
    }


def check_changes(one: PnpmLockfile, other: PnpmLockfile) -> None:
    """Hold what changed to a comparison of every entry's text."""
    same = {key for key in one.blocks if other.has(key) and one.block(key) == other.block(key)}
    assert one.changed([other]) == [key for key in one.blocks if key not in same]


@given(EDITS, EDITS)
def test_mutated_lockfiles_answer_alike(
    before: list[tuple[int, int, str]], after: list[tuple[int, int, str]]
) -> None:
    with contextlib.suppress(DocumentError):
        one, other = lockfile(edited(before).encode()), lockfile(edited(after).encode())
        if not (one._layout.whole or other._layout.whole):
            check_changes(one, other)
        check_quick_answers(one)


@pytest.mark.parametrize("case", by_size(cases("pnpm")))
@pytest.mark.slow
def test_a_lockfile_of_the_corpus_answers_alike(case: Case) -> None:
    check_quick_answers(lockfile(case.data))


@pytest.mark.parametrize(("before", "after"), pairs("pnpm"), ids=str)
@pytest.mark.slow
def test_a_pair_of_the_corpus_differs_by_its_text(before: Case, after: Case) -> None:
    check_changes(lockfile(before.data), lockfile(after.data))


@pytest.mark.parametrize(
    ("table", "pairs_told"),
    [
        ("    dependencies:\n      a: 1.0.0\n      '@b/c': 2.0.0(d@1)\n", {"a": "1.0.0", "@b/c": "2.0.0(d@1)"}),
        ("    dependencies:\n      a: 'it''s'\n    other: x\n", {"a": "it's"}),
        ("    cpu: [x64]\n", {}),
        ("    dependencies: {a: 1.0.0}\n", None),
        ("    dependencies:\n      a: 1\n", None),
        ("    dependencies:\n      a:\n        b: c\n", None),
        ("    dependencies:\n      - a\n", None),
        ("    dependencies:\n      a: 1.0.0\n      a: 2.0.0\n", None),
        ("    'dependencies':\n      a: 1.0.0\n", None),
        ("    dependencies:\n      \"a\": 1.0.0\n", None),
    ],
)  # fmt: skip
def test_pairs_are_told_by_the_text_or_not_at_all(
    table: str, pairs_told: dict[str, str] | None
) -> None:
    text = f"lockfileVersion: '9.0'\n\nsnapshots:\n\n  x@1.0.0:\n{table}"
    found = layouts.read_layout("pnpm-lock.yaml", text.encode())
    place = found.parts[0].entries["snapshots"]["x@1.0.0"]
    assert found.pairs(place, Group.PRODUCTION) == pairs_told
