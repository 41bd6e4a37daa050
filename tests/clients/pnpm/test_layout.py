"""The quick answers of a pnpm lockfile (by its text) are those of a whole decoding."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.clients.pnpm import layout as layouts
from npm_vetted.clients.pnpm.lockfile import PnpmLockfile
from npm_vetted.errors import DocumentError
from npm_vetted.model import Group
from tests.support.corpus import Case, by_size, cases, pairs

FIXTURE = Path(__file__).parents[2] / "fixtures" / "pnpm" / "pnpm12" / "pnpm-lock.yaml"
SHA = "sha512-" + "a" * 86 + "=="
NAMES = [f"package-{number:03}" for number in range(100)]


def entries(*names: str) -> list[str]:
    return [f"  {name}@1.0.0:\n    resolution: {{integrity: {SHA}}}" for name in names]


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
