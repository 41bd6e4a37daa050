"""``audit --online``: every note compared with the registry."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from npm_vetted.commands._note_dialogue import person_s_registry, registry_for, split_label
from npm_vetted.errors import FOUND, UNDECIDED, UndecidedError
from npm_vetted.formats.terminal_text import json_text, printable
from npm_vetted.model import Kind
from npm_vetted.packages.integrity import same_bytes
from npm_vetted.packages.urls import is_tarball_of
from npm_vetted.projects.change import Change
from npm_vetted.registry.packument import AbsentError
from npm_vetted.vetting.notes import Mention, Note, NoteError, mentions

if TYPE_CHECKING:
    from npm_vetted.model import Published
    from npm_vetted.registry import Registry
    from npm_vetted.review.signals.scoring import Step
    from npm_vetted.review.signals.weighing import Score

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A note, or an entry of its lists, on a version from a registry."""

    name: str
    version: str
    mention: Mention

    @property
    def pair(self) -> Pair:
        """The (name, version) to look up in the registry."""
        return self.name, self.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A fact that differs from the registry; ``silent`` if the registry gave no answer."""

    package: str | None
    version: str | None
    note: str
    disagrees: str
    silent: bool = False
    kind: str = ""
    """The fact that differs: bytes, published, deprecated or scripts; empty: no answer."""


def compare_with_registry(change: Change, arguments: argparse.Namespace) -> int:
    """Print the differences; 1 if there are any, 3 if a registry does not answer."""
    notes = [note for note in change.vetting.notes.all() if _is_about(note, arguments.package)]
    asked = RegistryAnswers(change)
    held = [each for note in notes if isinstance(note, Note) for each in claims_of(note)]
    wanted = [each for each in held if _matches(each, arguments.package) and asked.knows(each)]
    rows = [
        Disagreement(package=None, version=None, note=note.path or "", disagrees=note.message)
        for note in notes
        if isinstance(note, NoteError)
    ]
    asked.ask(wanted)
    rows += [row for each in wanted for row in asked.rows(each)]
    meant = {each.mention.note.path: each.mention.note for each in wanted}
    rows += [row for _, row in signal_rows(change, meant.values(), asked)]
    _print(rows, len(wanted), arguments)
    if any(row.silent for row in rows):
        return UNDECIDED
    return FOUND if rows else 0


def _is_about(note: Note | NoteError, label: str | None) -> bool:
    return label is None or isinstance(note, Note)


def claims_of(note: Note) -> Iterator[Claim]:
    """A note's claims on versions; what only a commit or a range binds has none."""
    for name, version, mention in mentions(note):
        if version is not None:
            yield Claim(name=name, version=version, mention=mention)


def _matches(claim: Claim, label: str | None) -> bool:
    if label is None:
        return True
    name, version = split_label(label)
    return claim.name == name and version in (None, claim.version)


class RegistryAnswers:
    """The registries of all projects, and their answers.

    A version is looked up in the registry of each project that locks it. A version that no project
    locks is looked up in each registry that a project names.
    """

    def __init__(self, change: Change) -> None:
        self._registries = _registries(change)
        self._lockers: dict[Pair, set[str]] = {}
        self._elsewhere: set[Pair] = set()
        self._answers: dict[tuple[str, Pair], Published | UndecidedError] = {}
        for found in change.projects:
            for use in found.uses:
                pair = (use.artifact.name, use.artifact.version or "")
                if use.artifact.kind is Kind.REGISTRY:
                    self._lockers.setdefault(pair, set()).add(found.after.path)
                else:
                    self._elsewhere.add(pair)

    def knows(self, claim: Claim) -> bool:
        """Whether a claim is on what a registry publishes.

        A note that names a source beside its hash is on that source, unless a project locks the
        version from a registry: a hash alone would cover it.
        """
        pinned = claim.mention.pinned
        source = pinned.resolved
        if source is None or claim.pair in self._lockers:
            return True
        if claim.pair in self._elsewhere:
            return False
        if is_tarball_of(source, claim.name, claim.version):
            return True
        return "://" not in source and bool(pinned.integrity or pinned.checksum)

    def ask(self, wanted: Sequence[Claim]) -> None:
        """Fetch all packages, each once from each registry."""
        pairs_of: dict[str, set[Pair]] = {}
        for claim in wanted:
            for path in self._places(claim.pair):
                pairs_of.setdefault(path, set()).add(claim.pair)
        for path, pairs in pairs_of.items():
            for pair, answer in self._registries[path].versions(pairs).items():
                self._answers[path, pair] = answer

    def registry_of(self, claim: Claim) -> Registry:
        """The registry in which a claim is looked up: of several, the first that confirms it."""
        paths = self._places(claim.pair)
        confirming = (path for path in paths if not list(self._differences(claim, path)))
        return self._registries[next(confirming, paths[0])]

    def _differences(self, claim: Claim, path: str) -> Iterator[Disagreement]:
        """What one registry says against a claim; nothing where it was not asked."""
        answer = self._answers.get((path, claim.pair))
        return iter(()) if answer is None else _disagreements(claim, answer)

    def _places(self, pair: Pair) -> list[str]:
        """The projects by whose registries a version is published; each registry once."""
        paths = sorted(self._lockers.get(pair) or self._registries)
        return list({self._url(path, pair[0]): path for path in reversed(paths)}.values())

    def _url(self, path: str, name: str) -> str:
        try:
            return str(self._registries[path].url(name))
        except UndecidedError as error:  # asking it will say so too
            return error.message

    def rows(self, claim: Claim) -> list[Disagreement]:
        """The differences between a note's entry and the registry."""
        found = [list(self._differences(claim, path)) for path in self._places(claim.pair)]
        if claim.pair not in self._lockers and [] in found:
            return []  # none of the others is where it comes from
        if claim.pair not in self._lockers:
            found = found[:1]
        return list(dict.fromkeys(row for rows in found for row in rows))


def _registries(change: Change) -> dict[str, Registry]:
    """The registry of each project by its path; the person's own where there is no project."""
    found = {each.path: registry_for(each, change) for each in change.projects_after.all()}
    return found or {"": person_s_registry()}


def _disagreements(claim: Claim, answer: Published | UndecidedError) -> Iterator[Disagreement]:
    if isinstance(answer, UndecidedError):
        yield _row(claim, answer.message, silent=not isinstance(answer, AbsentError))
        return
    mention = claim.mention
    if mention.pinned.integrity and _is_other(mention.pinned.integrity, answer.integrity):
        yield _row(claim, f"the registry publishes other bytes: {answer.integrity}", kind="bytes")
    noted = mention.listed.published if mention.listed else mention.note.published
    at = answer.published
    if noted is None and at and at.date() > mention.note.vetted_on:
        said = f"published at {at.isoformat()}, noted as vetted on {mention.note.vetted_on}"
        yield _row(claim, said, kind="published")
    if noted and at is None:
        yield _row(claim, "the registry states no time of publication", kind="published")
    if noted and at and abs((noted - at).total_seconds()) >= 1:
        said = f"published at {at.isoformat()}, noted as {noted.isoformat()}"
        yield _row(claim, said, kind="published")
    deprecated = answer.evidence.get("deprecated")
    if deprecated and not (mention.listed is None and mention.note.evidence.get("deprecated")):
        yield _row(claim, f"deprecated since: {deprecated}", kind="deprecated")
    scripts = mention.listed.scripts if mention.listed else mention.note.scripts
    unnamed = [each for each in answer.scripts if each not in (scripts or ())]
    if unnamed:
        names = ", ".join(unnamed)
        said = f"it has lifecycle scripts that the note does not name: {names}"
        yield _row(claim, said, kind="scripts")


def _is_other(noted: str, published: str | None) -> bool:
    """Whether two hashes contradict each other; of two algorithms only the tarball tells."""
    return published is None or same_bytes(noted, published) is False


def signal_rows(
    change: Change, notes: Iterable[Note], answers: RegistryAnswers
) -> Iterator[tuple[Claim, Disagreement]]:
    """Compute again the signals that notes record, and yield where more is found today.

    A routine note rests on its score. Of a note with words the score is a remark, which is
    compared by the same version of the table only.
    """
    from npm_vetted.commands._scores import scores_of

    wanted: list[tuple[Registry, Step]] = []
    found: list[tuple[Note, list[Claim], list[Step]]] = []
    for note in notes:
        claims = [claim for claim in claims_of(note) if answers.knows(claim)]
        if claims and ("signals-version" in note.evidence or note.routine):
            steps = [_step(change, each) for each in claims]
            wanted += [(answers.registry_of(claims[0]), step) for step in steps]
            found.append((note, claims, steps))
    scores = iter(scores_of(wanted))
    for note, claims, steps in found:
        yield from _signals_today(note, claims[0], dict(zip(steps, scores, strict=False)))


def _step(change: Change, claim: Claim) -> Step:
    """What a note's entry was compared with: a routine one with what a person accepted last."""
    from npm_vetted.review.signals.scoring import Step
    from npm_vetted.vetting.streak import streak_of

    since = claim.mention.since
    if claim.mention.note.routine:
        since = streak_of(change.vetting, claim.name, since or "").anchor
    return Step(claim.name, claim.version, since, claim.mention.pinned.integrity)


def _signals_today(
    note: Note, claim: Claim, scores: Mapping[Step, Score]
) -> Iterator[tuple[Claim, Disagreement]]:
    from npm_vetted.commands._routine_notes import total_of
    from npm_vetted.review.signals.table import PASSING, TABLE_VERSION
    from npm_vetted.review.signals.weighing import weigh
    from npm_vetted.vetting.routine import ROUTINE_SCORE

    for score in scores.values():
        if not score.complete:
            said = f"its signals cannot be computed: {score.problems[0]}"
            yield claim, _row(claim, said, silent=True, kind="signals")
            return
        if note.routine and score.unseen:
            yield claim, _row(claim, f"no signal looks into {score.unseen[0]}", kind="signals")
            return
    found = total_of({
        step: weigh([r for r in score.reasons if r.code not in PASSING], fresh=step.since is None)
        for step, score in scores.items()
    })  # fmt: skip
    claimed, same = note.evidence.get("score"), note.evidence.get("signals-version")
    if not isinstance(claimed, int) or isinstance(claimed, bool):
        claimed = -1
    if same != TABLE_VERSION:
        if not note.routine:
            return
        claimed = ROUTINE_SCORE - 1
    if found.score > claimed:
        said = f"signals with a score of {found.score}, noted as {claimed}: "
        yield claim, _row(claim, said + "; ".join(found.reasons[:3]), kind="signals")


def _row(claim: Claim, disagrees: str, *, silent: bool = False, kind: str = "") -> Disagreement:
    return Disagreement(
        package=claim.name,
        version=claim.version,
        note=claim.mention.note.path,
        disagrees=disagrees,
        silent=silent,
        kind=kind,
    )


def _json(row: Disagreement) -> dict[str, object]:
    return {key: value for key, value in asdict(row).items() if key != "kind"}


def _print(rows: Sequence[Disagreement], count: int, arguments: argparse.Namespace) -> None:
    if arguments.format == "json":
        data = {"version": 1, "held": count, "disagreements": [_json(row) for row in rows]}
        print(json_text(data))
        return
    for row in rows:
        label = f"{row.package}@{row.version}: " if row.package else ""
        print(printable(f"{row.note}: {label}{row.disagrees}"))
    print(
        f"npm-vetted: {count} notes and list entries compared with the registry: {len(rows)} disagree"
    )
