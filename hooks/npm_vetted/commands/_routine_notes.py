"""Routine notes: decides which steps need no person, and records their evidence.

A step qualifies if the policy requires no criteria for it; if all its dependencies are known here,
older than the cooldown and without scripts; and if the signals of all of them together score below
the limit. Every other step needs a person, and the reason is printed.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from npm_vetted.checks._fixes import scope_fix
from npm_vetted.commands._scores import scores_of
from npm_vetted.errors import FOUND
from npm_vetted.formats.terminal_text import printable
from npm_vetted.model import Kind
from npm_vetted.packages.integrity import is_weak
from npm_vetted.packages.versions import step
from npm_vetted.recording.note_file import SignalEvidence, note_paths, routine_text
from npm_vetted.recording.proposals import Draft, Item, bringers_first, draft_of, uncovered
from npm_vetted.vetting.notes import read_note
from npm_vetted.vetting.routine import ROUTINE, ROUTINE_SCORE
from npm_vetted.vetting.streak import Streak, streak_of

if TYPE_CHECKING:
    from npm_vetted.commands._note_dialogue import NoteDialogue
    from npm_vetted.commands._registry_facts import Seen
    from npm_vetted.projects.change import Change
    from npm_vetted.projects.introduced import IntroducedPackage
    from npm_vetted.registry import Registry
    from npm_vetted.review.signals.scoring import Step
    from npm_vetted.review.signals.weighing import Score


_ASKED_NOBODY: Final = "without the registry there is no routine note"


class Refusal(NamedTuple):
    """A draft that needs a person, why, and the criteria that only the registry's answer tells."""

    draft: Draft
    reason: str
    criteria: tuple[str, ...] = ()


def policy_has_routine(change: Change) -> bool:
    """Whether the policy requires no criteria for some step, so that a routine note may do."""
    policy = change.policy
    demands = [policy.demands, *([policy.development] if policy.development else [])]
    return policy.format >= 2 and any(
        not names for each in demands for names in each.upgrade.values()
    )


def routine_drafts(change: Change, items: Sequence[Item]) -> list[Draft]:
    """A draft for each package that may be routine, with what it brings.

    Direct ones come first, then those that bring others: what a step brings is listed with it,
    also where another package requires it. So its own step counts only where nothing brings it.
    """
    left = uncovered(change)
    drafts: list[Draft] = []
    claimed = {item.artifact for item in items if item.subject.direct}
    for item in bringers_first(items):
        if not item.subject.direct and item.artifact in claimed:
            continue
        if change.vetting.demanded(item.subject, item.since) or item.since is None:
            continue
        draft = draft_of(change, item, left, claimed)
        claimed.update(each.artifact for each in draft.items)
        drafts.append(draft)
    return drafts


def record_routine(
    desk: NoteDialogue, drafts: Sequence[Draft], seen: Seen, vetted_by: str
) -> list[Refusal]:
    """Write and stage a routine note of each draft that qualifies; the others, with the reason."""
    refused: list[Refusal] = []
    sound: list[Draft] = []
    for draft in drafts:
        reason = next((r for item in draft.items if (r := _unfit(desk.change, item, seen))), None)
        if reason is None:
            sound.append(draft)
        else:
            scripted = any(
                each.scripts for item in draft.items if (each := seen.get(item.artifact))
            )
            criteria = desk.change.policy.demands.scripts if scripted else ()
            refused.append(Refusal(draft, reason, criteria))
    stored: list[str] = []
    try:
        for draft, scores in _scored(desk, sound):
            reason = _too_much(scores)
            if reason is not None:
                refused.append(Refusal(draft, reason))
            else:
                stored.append(_store(desk, draft, seen, vetted_by, scores))
    finally:
        desk.store.stage(stored)  # at once: git takes as long for one as for many
    return refused


def _unfit(change: Change, item: Item, seen: Seen) -> str | None:
    """The reason why one of a draft's artifacts needs a person, before signals are computed."""
    artifact, label = item.artifact, printable(item.artifact.label)
    published = seen.get(artifact)
    if artifact.kind is not Kind.REGISTRY or artifact.version is None or artifact.patch:
        return f"{label} is not a registry's plain release"
    if change.vetting.is_new_name(item.subject):
        return f"{label} is new to the repository"
    if item.since is None:
        return f"{label} has no earlier version here that is vetted"
    if published is None or published.published is None or published.integrity is None:
        return f"the registry does not say all of {label}"
    if is_weak(artifact.integrity or published.integrity):
        return f"{label} has only a weak hash"
    if artifact.scripts or published.scripts:
        return f"{label} has lifecycle scripts"
    if item.use is not None and change.lets_run(item.use):
        return f"{label} may run scripts: an allow-list names it"
    said_to_bundle = item.use is not None and bool(item.use.entry.bundles)
    if said_to_bundle or published.bundles:
        known = change.vetting.bundles_as_before(artifact.name, item.since, published.bundles)
        if not known:
            return f"{label} bundles other packages than {item.since} is known to bundle"
    days = change.vetting.cooldown_days(item.subject, item.since)
    ripe = published.published + datetime.timedelta(days=days)
    if change.today < ripe:
        return f"{label} is inside the cooldown until {ripe:%Y-%m-%d %H:%M} UTC"
    streak = streak_of(change.vetting, artifact.name, item.since)
    too_long = streak.too_long(change.today.date())
    return None if too_long is None else f"{label}: {too_long}"


def _scored(desk: NoteDialogue, drafts: Sequence[Draft]) -> list[tuple[Draft, dict[Step, Score]]]:
    """The signals of each draft's artifacts, each against the last version that a person accepted."""
    wanted: list[tuple[Registry, Step]] = []
    for draft in drafts:
        assert draft.own is not None
        registry = desk.registry(desk.project_of(draft.own))
        wanted += [(registry, step_of_item(desk.change, item)) for item in draft.items]
    scores = iter(zip(wanted, scores_of(wanted), strict=True))
    return [
        (draft, {step: score for (_, step), score in islice(scores, len(draft.items))})
        for draft in drafts
    ]


def step_of_item(change: Change, item: Item) -> Step:
    """The two versions that the signals of an item compare."""
    from npm_vetted.review.signals.scoring import Step

    assert item.artifact.version is not None
    assert item.since is not None
    streak: Streak = streak_of(change.vetting, item.artifact.name, item.since)
    return Step(item.artifact.name, item.artifact.version, streak.anchor, item.artifact.integrity)


def total_of(scores: Mapping[Step, Score]) -> SignalEvidence:
    """The evidence of a note: the points of everything that it is about, added up."""
    from npm_vetted.commands._draft_signals import evidence_of

    return evidence_of([(f"{step.name}@{step.version}", score) for step, score in scores.items()])


def _too_much(scores: Mapping[Step, Score]) -> str | None:
    for taken, score in scores.items():
        if not score.complete:
            return f"signals of {taken.name}@{taken.version} could not be computed: {score.problems[0]}"
        if score.unseen:
            return f"{taken.name}@{taken.version} has files that no signal looks into: {score.unseen[0]}"
    total = total_of(scores)
    if total.score < ROUTINE_SCORE:
        return None
    return f"signals with a score of {total.score}: " + "; ".join(total.reasons[:3])


def _store(
    desk: NoteDialogue, draft: Draft, seen: Seen, vetted_by: str, scores: Mapping[Step, Score]
) -> str:
    """Write a routine note, and say so; its path, which is to be staged."""
    today = datetime.datetime.now(datetime.UTC).date()
    text = routine_text(draft, vetted_by, today, seen, total_of(scores))
    paths = note_paths(draft, today, text, ROUTINE)
    read_note(paths[0], text, desk.change.policy.criteria)
    with desk.store.lock():
        path = desk.store.create_first(paths, text)
    desk.written.append(path)
    count = len(draft.brings)
    more = f", with {count} more" if count else ""
    label = printable(draft.label)
    print(f"npm-vetted: wrote and staged {path}: {label}{more}: routine", file=sys.stderr)
    return path


def say_refused(
    change: Change, drafts: Sequence[Draft], refused: Iterable[Refusal], *, everything: bool
) -> int:
    """Name each package that is left for a person, and why; the exit status.

    ``everything``: they are all that the change brings, for which there is one command.
    """
    refused = list(refused)
    why = {item.artifact: each for each in refused for item in each.draft.items}
    left = uncovered(change)
    for draft in drafts:
        known = [why[item.artifact] for item in draft.items if item.artifact in why]
        required = f"the policy requires {', '.join(draft.criteria)}"
        reason = known[0].reason if known else required if draft.criteria else _stays(change, draft)
        more = dict.fromkeys(name for each in known for name in each.criteria)
        print(
            f"npm-vetted: {printable(draft.label)} needs a person: {printable(reason)}\n"
            f"  {_command(change, draft, left, more)}",
            file=sys.stderr,
        )
    if everything and len(drafts) > 1:
        every = dict.fromkeys(name for each in refused for name in each.criteria)
        command = _printed(scope_fix(change, every))
        print(f"npm-vetted: one command for all of them:\n  {command}", file=sys.stderr)
    return FOUND


def _stays(change: Change, draft: Draft) -> str:
    """Why packages that a note only has to list are not routine by themselves."""
    for item in draft.items:
        version = item.artifact.version or ""
        if item.since is None:
            return f"{item.artifact.label} has no earlier version here that is vetted"
        if change.vetting.demanded(item.subject, item.since):
            return f"{item.since} to {version} counts as a {step(item.since, version)} step"
    return _ASKED_NOBODY


def _command(
    change: Change, draft: Draft, left: Sequence[IntroducedPackage], more: Iterable[str]
) -> str:
    """The command that a person runs, as ``check`` prints it, with its words."""
    from npm_vetted.checks._fixes import manager_fix, vetting_fix

    own = draft.own
    if own is None:
        return _printed(scope_fix(change, more))
    fix = (
        manager_fix(change, own.subject)
        if own.use is None
        else vetting_fix(change, own.use, left, more)
    )
    return _printed(fix)


def _printed(fix: tuple[str, ...]) -> str:
    """A command as it is pasted, with a placeholder for the words."""
    from npm_vetted.report._shell_commands import command_line, this_program

    words = () if "REASON" in fix else ("-m", "REASON")
    return command_line([(*fix, *words)], this_program()) or ""
