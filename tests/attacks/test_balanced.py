"""The attack replay under the preset ``balanced``, with no note added: it rejects what ``strict`` does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.test_attacks import Attack, cases, prepared, reject
from tests.attacks.world import Worlds

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
