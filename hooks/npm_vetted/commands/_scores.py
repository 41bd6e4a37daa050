"""The one place where commands have versions compared: by the registry of each, with the user's cache."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from npm_vetted.registry import Progress, Registry
    from npm_vetted.review.signals.scoring import Step
    from npm_vetted.review.signals.weighing import Score


def scores_of(
    wanted: Iterable[tuple[Registry, Step]],
    *,
    only_kept: bool = False,
    progress: Progress | None = None,
) -> list[Score]:
    """The score of each step, in order.

    With ``only_kept`` no files are compared: a step that was not compared before has a problem.
    """
    from npm_vetted.registry.cache import cache_folder
    from npm_vetted.review.signals.scoring import Scorer

    pairs = list(wanted)
    found: dict[tuple[int, Step], Score] = {}
    for registry in {id(registry): registry for registry, _ in pairs}.values():
        steps = [each for other, each in pairs if other is registry]
        with Scorer(registry, cache=cache_folder(os.environ), only_kept=only_kept) as scorer:
            scores = scorer.scores(steps, progress)
        found |= {(id(registry), each): score for each, score in scores.items()}
    return [found[id(registry), each] for registry, each in pairs]
