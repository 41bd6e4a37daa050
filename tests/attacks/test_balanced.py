"""The attack replay under the preset ``balanced``: with no note added, and after the bot job's ``note``."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

import pytest

from npm_vetted.commands._note_dialogue import NoteDialogue
from npm_vetted.model import Artifact, Kind, Published
from npm_vetted.recording.proposals import Draft
from npm_vetted.review.signals.weighing import Score
from tests.attacks.incidents import INCIDENTS
from tests.attacks.test_attacks import Attack, cases, prepared, reject
from tests.attacks.world import Worlds, run_command
from tests.support.npm_projects import sri

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def balanced(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    """The repositories to attack, adopted with ``balanced``."""
    return Worlds(tmp_path_factory.mktemp("balanced"), "balanced")


@pytest.mark.parametrize(
    ("tried", "client"),
    [
        case for case in cases() if "a cooldown of no days" not in str(case)
    ],  # edits strict's own line
)
def test_a_commit_is_rejected(balanced: Worlds, tmp_path: Path, tried: Attack, client: str) -> None:
    world = prepared(balanced, tmp_path, tried, client)
    tried.do(world)
    verdict = world.judge_commit()
    reject(verdict.errors, verdict.status, tried, verdict.text)


HONEST_STEPS = {"an upgrade within the range", "a note copied for another version"}
"""What is no attack by itself, but a step whose contents are as clean as the bot's job found them.

The copied note covers nothing, since its hash is of other bytes; ``check --online`` reports it.
"""
OLD = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture
def gullible(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that confirms all that a lockfile claims, and signals that find nothing.

    It names the scripts of what was published with some: not every client's lockfile does.
    """
    scripted = {
        (each.name, each.version)
        for incident in INCIDENTS
        for each in incident.released
        if each.scripts
    }

    def scripts_of(artifact: Artifact) -> tuple[str, ...]:
        return ("install",) if (artifact.name, artifact.version) in scripted else ()

    def confirmed(_: NoteDialogue, drafts: Sequence[Draft]) -> dict[Artifact, Published]:
        items = [item.artifact for draft in drafts for item in draft.items]
        return {
            each: Published(OLD, each.integrity or sri(each.label), scripts_of(each), {})
            for each in items
            if each.kind is Kind.REGISTRY
        }

    monkeypatch.setattr("npm_vetted.commands.note.seen_by_registry", confirmed)
    monkeypatch.setattr(
        "npm_vetted.commands._routine_notes.scores_of",
        lambda wanted: [Score(0, ()) for _ in wanted],
    )


@pytest.mark.usefixtures("gullible")
@pytest.mark.parametrize(
    ("tried", "client"),
    [case for case in cases() if "a cooldown of no days" not in str(case)],
)
def test_the_bot_s_job_admits_no_attack(
    balanced: Worlds, tmp_path: Path, tried: Attack, client: str
) -> None:
    """The job runs ``note`` on what an attacker staged, with nobody there, and the hook judges it."""
    world = prepared(balanced, tmp_path, tried, client)
    tried.do(world)
    world.stage()
    status, _, said = run_command(world.path, "note")
    verdict = world.judge_commit()
    if tried.name in HONEST_STEPS:
        assert (status, verdict.status) == (0, 0), said + verdict.text
    else:
        assert verdict.status != 0, said + verdict.text
