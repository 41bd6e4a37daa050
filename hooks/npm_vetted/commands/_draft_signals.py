"""What the signals say of the artifacts that a note is about: shown before the prompt, and recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from npm_vetted.commands._scores import scores_of
from npm_vetted.model import Artifact, Kind
from npm_vetted.recording.note_file import SignalEvidence
from npm_vetted.recording.proposals import Draft, Item
from npm_vetted.review.signals.scoring import Step
from npm_vetted.review.signals.table import TABLE_VERSION, WORTH_A_LOOK
from npm_vetted.review.signals.weighing import Score

if TYPE_CHECKING:
    from npm_vetted.commands._note_dialogue import NoteDialogue
    from npm_vetted.model import Published

Scores = Mapping[Artifact, Score]
_MANY: Final = 40
"""Of more artifacts than this, a call with words uses no signals unless an option requests them."""
_RECORDED: Final = 200
"""Reasons that a note records, the heaviest packages first."""
_SHOWN: Final = 8
_REASONS: Final = 4


def draft_scores(
    desk: NoteDialogue,
    drafts: Sequence[Draft],
    seen: Mapping[Artifact, Published],
    *,
    compute: bool,
) -> Scores:
    """The score of each artifact that the registry was asked about.

    Without ``compute`` only those whose files were compared before, of at most a few artifacts: a
    note of a thousand packages stays a matter of seconds.
    """
    from npm_vetted.registry import progress_bar

    items = [item for draft in drafts for item in draft.items if item.artifact in seen]
    if not compute and len(items) > _MANY:
        return {}
    steps = [(item, step) for item in items if (step := _step(item)) is not None]
    wanted = [(desk.registry(desk.project_of(item)), step) for item, step in steps]
    scores = scores_of(wanted, only_kept=not compute, progress=progress_bar())
    found = {item.artifact: score for (item, _), score in zip(steps, scores, strict=True)}
    return found if compute else {each: score for each, score in found.items() if score.complete}


def _step(item: Item) -> Step | None:
    artifact = item.artifact
    if artifact.kind is not Kind.REGISTRY or artifact.version is None or artifact.patch:
        return None
    return Step(artifact.name, artifact.version, item.base, artifact.integrity)


def signal_evidence(draft: Draft, scores: Scores) -> SignalEvidence | None:
    """What a note records; None unless each of its artifacts was compared with its ``from``."""
    found = [(item, scores.get(item.artifact)) for item in draft.items]
    if any(score is None or not score.complete or item.base != item.since for item, score in found):
        return None
    pairs = [(item.artifact.label, score) for item, score in found if score is not None]
    return evidence_of(pairs)


def evidence_of(scores: Sequence[tuple[str, Score]]) -> SignalEvidence:
    """The points of some packages added up, and their reasons, the heaviest packages first."""
    from npm_vetted.formats.terminal_text import line

    reasons = [
        line(f"{label}: {reason.code}: {reason.text}", 300)
        for label, score in sorted(scores, key=lambda pair: (-pair[1].points, pair[0]))
        for reason in score.reasons
    ]
    total = sum(score.points for _, score in scores)
    return SignalEvidence(TABLE_VERSION, total, tuple(reasons[:_RECORDED]))


def reason_lines(draft: Draft, scores: Scores) -> Iterator[str]:
    """What deserves attention in a draft, for a person to read before they are asked."""
    from npm_vetted.formats.terminal_text import line
    from npm_vetted.review.signals.wording import reason_line
    from npm_vetted.review.text import counted

    found = [(item, scores[item.artifact]) for item in draft.items if item.artifact in scores]
    if not found:
        return
    loud = sorted(
        ((item, score) for item, score in found if score.points >= WORTH_A_LOOK),
        key=lambda pair: (-pair[1].points, pair[0].artifact.label),
    )
    for item, score in loud[:_SHOWN]:
        since = f"since {item.base}" if item.base else "as a new package"
        yield f"{line(item.artifact.label)}, {line(since)} (score {score.points}):"
        for reason in score.reasons[:_REASONS]:
            yield f"  - {reason_line(reason)}"
        if len(score.reasons) > _REASONS:
            yield f"  - and {len(score.reasons) - _REASONS} more"
    if len(loud) > _SHOWN:
        yield f"and {len(loud) - _SHOWN:,} more packages with reasons: npm-vetted review --all"
    quiet = len(found) - len(loud)
    if quiet:
        yield f"signals: nothing that deserves attention in {counted(quiet, 'package')}"
    for _, score in found:
        for problem in score.problems[:1]:
            yield f"signals could not be computed: {line(problem, 300)}"
