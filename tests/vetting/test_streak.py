"""How many routine steps lead to a version since a person's words, and when a person is asked again."""

from __future__ import annotations

import datetime

import pytest

from npm_vetted.vetting.exemptions import Exemptions
from npm_vetted.vetting.note_store import NoteStore
from npm_vetted.vetting.policy import read_policy
from npm_vetted.vetting.resolver import Vetting
from npm_vetted.vetting.streak import LONGEST, MOST_STEPS, Streak, streak_of
from tests.support.npm_projects import MemorySnapshot, listed, note_text, routine_text, sri

DAY = datetime.date(2026, 1, 1)


def routine(version: str, since: str, day: datetime.date = DAY, **keys: object) -> dict[str, str]:
    path = f".vetting/routine/a/{version}.toml"
    return {path: routine_text("a", version, since, vetted_on=day, **keys)}


def streak(files: dict[str, str], version: str, exemptions: str = "") -> Streak:
    policy = read_policy(b"format = 2\n", adopted=True)
    notes = NoteStore(MemorySnapshot(files), policy.criteria)
    return streak_of(Vetting(policy, Exemptions(exemptions), notes), "a", version)


PERSON = {".vetting/notes/a/1.0.0.toml": note_text("a")}
LATER = DAY + datetime.timedelta(days=9)
TWO = {**routine("1.0.1", "1.0.0", LATER), **routine("1.0.2", "1.0.1")}


@pytest.mark.parametrize(
    ("files", "version", "exemptions", "expected"),
    [
        (PERSON, "1.0.0", "", Streak("1.0.0", 0, None)),
        ({}, "1.0.0", "", Streak("1.0.0", 0, None)),
        ({**PERSON, **routine("1.0.1", "1.0.0")}, "1.0.1", "", Streak("1.0.0", 1, DAY)),
        ({**PERSON, **TWO}, "1.0.2", "", Streak("1.0.0", 2, DAY)),
        ({**PERSON, **TWO}, "1.0.1", "", Streak("1.0.0", 1, LATER)),
        (TWO, "1.0.2", "", Streak("1.0.0", 2, DAY)),
        (TWO, "1.0.2", f"a@1.0.1 {sri('a@1.0.1')} - why\n", Streak("1.0.1", 1, DAY)),
        ({**TWO, ".vetting/notes/a/1.0.1.toml": note_text("a", "1.0.1")}, "1.0.2", "", Streak("1.0.1", 1, DAY)),
        (
            {**TWO, ".vetting/notes/b/1.0.0.toml": note_text("b", brings=[listed("a", "1.0.1")])},
            "1.0.2", "", Streak("1.0.1", 1, DAY),
        ),
    ],
)  # fmt: skip
def test_a_streak_goes_back_to_a_person_s_words(
    files: dict[str, str], version: str, exemptions: str, expected: Streak
) -> None:
    assert streak(files, version, exemptions) == expected


def test_a_streak_in_a_circle_ends() -> None:
    files = {**routine("1.0.1", "1.0.2"), **routine("1.0.2", "1.0.1")}
    assert streak(files, "1.0.2").steps == 2


def test_no_more_steps_are_counted_than_are_asked_for() -> None:
    files = {k: v for at in range(1, 20) for k, v in routine(f"1.0.{at}", f"1.0.{at - 1}").items()}
    assert streak(files, "1.0.19") == Streak("1.0.8", MOST_STEPS + 1, DAY)


@pytest.mark.parametrize(
    ("steps", "days", "asked"),
    [
        (MOST_STEPS - 1, 0, False),
        (MOST_STEPS, 0, True),
        (1, LONGEST.days, False),
        (1, LONGEST.days + 1, True),
    ],
)
def test_after_many_steps_or_days_a_person_is_asked(steps: int, days: int, asked: bool) -> None:
    found = Streak("1.0.0", steps, DAY).too_long(DAY + datetime.timedelta(days=days))
    assert (found is not None) is asked


def test_without_a_routine_note_nobody_is_asked() -> None:
    assert Streak("1.0.0", 0, None).too_long(DAY) is None
