"""``npm-vetted note``: record a vetting note."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

from npm_vetted.checks._fixes import binds_no_note
from npm_vetted.commands._amend import amend
from npm_vetted.commands._common import add_range, range_of, wants_colour
from npm_vetted.commands._complete import complete
from npm_vetted.commands._draft_signals import draft_scores, signal_evidence
from npm_vetted.commands._interactive import (
    Move,
    Sheet,
    confirm_notes,
    editor,
    least_work_first,
    one_line,
)
from npm_vetted.commands._note_dialogue import (
    NoteDialogue,
    has_terminal,
    identity,
    says_yes_no_terminal,
    seen_by_registry,
    split_label,
)
from npm_vetted.commands._note_outcome import say_what_remains
from npm_vetted.commands._note_states import note_desks
from npm_vetted.commands._registry_facts import Facts, Seen, has_changelog, short
from npm_vetted.commands._routine_notes import (
    Refusal,
    policy_has_routine,
    record_routine,
    routine_drafts,
    say_refused,
)
from npm_vetted.errors import FOUND, RefusedError, UndecidedError, UsageError
from npm_vetted.formats.terminal_text import printable
from npm_vetted.model import Artifact, Kind
from npm_vetted.projects.change import Change
from npm_vetted.projects.introduced import IntroducedPackage
from npm_vetted.projects.package_manager import PinnedManager, pinned_managers
from npm_vetted.recording.note_file import NoteText, note_paths, note_text
from npm_vetted.recording.proposals import (
    Draft,
    Item,
    by_criteria,
    draft_of,
    draft_of_group,
    drafts_of_change,
    exempt_programs,
    item_ahead,
    item_of,
    since_of,
    uncovered,
)
from npm_vetted.report._screen import Paint
from npm_vetted.vetting.exemptions import EXEMPTIONS
from npm_vetted.vetting.notes import Note, NoteError, read_note, says_something

HELP = "record a vetting note"
_MOST_EXEMPT: Final = 40
"""So many packages are in one command: a line has a limit."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``note``."""
    parser.add_argument("packages", nargs="*", metavar="PKG[@VER]", help="several: one group note")
    parser.add_argument("--staged", action="store_true", help="all that the commit adds")
    parser.add_argument(
        "--worktree", action="store_true", help="all that the working tree brings, staged or not"
    )
    add_range(parser)
    parser.add_argument("-m", "--message", metavar="WHY", help="what was looked at and found")
    parser.add_argument("--criteria", metavar="A,B", help="what was done: health, changelog, ...")
    parser.add_argument("--whole", action="store_true", help="reviewed whole, not as an upgrade")
    parser.add_argument("--offline", action="store_true", help="ask no registry")
    parser.add_argument(
        "--signals", action="store_true", help="with -m: compare the files too, and record it"
    )
    parser.add_argument("--waive-cooldown", metavar="WHY", help="why it cannot wait")
    parser.add_argument(
        "--not-lookalike-of", metavar="NAME", action="append", help="it is really not NAME"
    )
    parser.add_argument(
        "--complete", action="store_true", help="add what the registry says to an offline note"
    )


def run(arguments: argparse.Namespace) -> int:
    """Find what the notes are about, ask what is missing, write and stage them."""
    from_ref, _ = range_of(arguments)
    if arguments.packages and arguments.staged:
        raise UsageError("name packages, or --staged, not both")
    if arguments.worktree and (arguments.staged or from_ref):
        raise UsageError("--worktree, --staged or a range: name one of them")
    if arguments.staged and from_ref:
        raise UsageError("--staged or a range: name one of them")
    with note_desks(arguments) as desks:
        return max([_record_at(desk, arguments) for desk in desks])


def _record_at(desk: NoteDialogue, arguments: argparse.Namespace) -> int:
    """Record for one state; at the end, what a commit of it is still rejected for."""
    if not arguments.packages or any(map(desk.brings, arguments.packages)):
        print(f"npm-vetted: looking at {printable(desk.state)}", file=sys.stderr)
    try:
        return _record(desk, arguments)
    finally:
        say_what_remains(desk)


def _record(desk: NoteDialogue, arguments: argparse.Namespace) -> int:
    if arguments.complete:
        complete(desk, arguments.packages)
        return 0
    if _only_amends(arguments) and amend(desk, arguments.packages, arguments):
        return 0
    unworded = _is_unworded(desk.change, arguments)
    settled, refused = _routine(desk, arguments) if unworded else (set(), [])
    drafts = _drafts(desk, arguments, settled)
    if drafts and unworded and not has_terminal():
        return say_refused(desk.change, drafts, refused, everything=not arguments.packages)
    if settled and not drafts:
        return 0
    unbound = [] if arguments.packages else _say_what_binds_no_note(desk)
    if not drafts and unbound:
        return FOUND
    if not drafts:
        if _adds_to_notes(arguments) and amend(desk, arguments.packages, arguments):
            return 0
        print("npm-vetted: nothing to note: everything is covered", file=sys.stderr)
        return 0
    seen = {} if arguments.offline else seen_by_registry(desk, drafts)
    for draft in drafts:
        _refuse_other_bytes(draft, seen)
    if has_terminal() and (arguments.message is None or arguments.criteria is None):
        scores = draft_scores(desk, drafts, seen, compute=True)
        every = [Facts(desk, draft, seen, scores) for draft in drafts]
        return _walk_through(desk, every, seen, arguments)
    told = by_criteria(desk.change, drafts, lambda draft: _demanded(desk.change, draft, seen))
    scores = draft_scores(desk, told, seen, compute=arguments.signals)
    every = [Facts(desk, draft, seen, scores) for draft in told]
    _record_as_told(desk, every, seen, arguments)
    return FOUND if unbound else 0


def _say_what_binds_no_note(desk: NoteDialogue) -> list[str]:
    """Name what only a weak hash, or none, binds: a note could not say which bytes it is about."""
    found = [use.artifact for use in uncovered(desk.change) if binds_no_note(use.artifact)]
    labels = [each.label for each in found]
    if labels:
        from npm_vetted.report._shell_commands import command_line, this_program

        fix = ("npm-vetted", "exempt", *labels[:_MOST_EXEMPT], "--reason", "REASON")
        print(
            f"npm-vetted: no note can bind {printable(', '.join(labels[:3]))}"
            f"{f' and {len(labels) - 3} more' if len(labels) > 3 else ''}: the lockfile has no strong "
            f"hash; lock them anew, or:\n  {command_line([fix], this_program())}",
            file=sys.stderr,
        )
    return labels


def _is_unworded(change: Change, arguments: argparse.Namespace) -> bool:
    """Whether the call gives no words, and the policy has steps that need none."""
    words = (arguments.message, arguments.criteria, arguments.waive_cooldown)
    if any(each is not None for each in words) or arguments.not_lookalike_of or arguments.whole:
        return False
    return policy_has_routine(change)


def _routine(
    desk: NoteDialogue, arguments: argparse.Namespace
) -> tuple[set[Artifact], list[Refusal]]:
    """Write routine notes of the steps that need no person; ``--offline`` writes none.

    Returns the items that they cover, and the items that would be routine but need a person.
    """
    if arguments.offline:
        return set(), []
    labels = arguments.packages
    if labels:
        items = [each for label in labels for each in _items(desk, label, arguments)]
    else:
        items = [item_of(desk.change, use) for use in uncovered(desk.change)]
        items += _managers(desk, arguments)
    drafts = routine_drafts(desk.change, items)
    seen = seen_by_registry(desk, drafts)
    for draft in drafts:
        _refuse_other_bytes(draft, seen)
    refused = record_routine(desk, drafts, seen, identity(desk.repository)) if drafts else []
    left = [each.draft for each in refused]
    done = [item.artifact for draft in drafts if draft not in left for item in draft.items]
    return set(done), refused


def _record_as_told(
    desk: NoteDialogue, every: Sequence[Facts], seen: Seen, arguments: argparse.Namespace
) -> None:
    """Record by the words of the command line: the criteria that it names are the claim."""
    demands = [_demanded(desk.change, facts.draft, seen) for facts in every]
    asked = tuple(dict.fromkeys(name for demanded in demands for name in demanded))
    criteria = _criteria(desk, arguments)
    if arguments.message is None or (criteria is None and asked):
        says_yes_no_terminal(every[0].draft.label, asked)
    words = _words(desk, arguments, arguments.message, criteria or ())
    for facts, demanded in zip(every, demands, strict=True):
        for said in short(facts, criteria=demanded, waived=bool(words.cooldown_waiver)):
            print(f"npm-vetted: {said}", file=sys.stderr)
    written = []
    for facts, demanded in zip(every, demands, strict=True):
        claimed = _only_demanded(words, demanded) if len(every) > 1 else words
        claimed = _without_idle_scripts(facts.draft, claimed, demanded, seen)
        text = note_text(facts.draft, claimed, seen, signal_evidence(facts.draft, facts.scores))
        note = _read(desk, facts.draft, claimed, text)
        _refuse_too_little(facts.draft, demanded, note.grants, asked)
        written.append((facts.draft, text, note))
    for draft, text, note in written:
        _store(desk, draft, text, note)


def _only_demanded(words: NoteText, demanded: Sequence[str]) -> NoteText:
    """One of several notes claims only what was required of its packages.

    ``source`` implies ``scripts``, and stays where it is what answers a demand.
    """
    named = [each for each in words.criteria if each in demanded]
    if "scripts" in demanded and "scripts" not in named and "source" in words.criteria:
        named.append("source")
    return replace(words, criteria=tuple(named))


def _without_idle_scripts(
    draft: Draft, words: NoteText, demanded: Sequence[str], seen: Seen
) -> NoteText:
    """The words without the criterion ``scripts``, where the registry says that there are none.

    A printed command names the criterion wherever the lockfile does not tell who has scripts.
    """
    known = all(item.artifact in seen for item in draft.items)
    if "scripts" not in words.criteria or "scripts" in demanded or not known:
        return words
    label = printable(draft.label)
    print(f"npm-vetted: {label}: no lifecycle scripts, so none are claimed", file=sys.stderr)
    return replace(words, criteria=tuple(each for each in words.criteria if each != "scripts"))


def _walk_through(
    desk: NoteDialogue, every: Sequence[Facts], seen: Seen, arguments: argparse.Namespace
) -> int:
    """Show and ask, least work first; what is not recorded is left out, and makes the status 1.

    Each note is stored at once: a person may leave before the end.
    """
    waiting = least_work_first(every)
    recorded: set[int] = set()
    at = 0
    while at < len(waiting):
        facts = waiting[at]
        place = f"{at + 1} of {len(waiting)}" if len(waiting) > 1 else ""
        found = _walked(desk, facts, seen, arguments, place)
        if found is Move.BACK:
            at = _earlier(at, recorded)
            continue
        if not isinstance(found, Move):
            _store(desk, facts.draft, *found)
            recorded.add(at)
        elif found is Move.QUIT:
            break
        at += 1
    left = [each for index, each in enumerate(waiting) if index not in recorded]
    for facts in left:
        label = printable(facts.draft.label)
        print(f"npm-vetted: nothing is recorded for {label}", file=sys.stderr)
    return FOUND if left else 0


def _earlier(at: int, recorded: Collection[int]) -> int:
    """The package before, which is asked about again; one that is recorded is a file to edit."""
    found = next((each for each in range(at - 1, -1, -1) if each not in recorded), None)
    if found is None:
        print("  there is nothing to go back to: a note that is recorded is a file, edit that")
        return at
    return found


def _walked(
    desk: NoteDialogue, facts: Facts, seen: Seen, arguments: argparse.Namespace, place: str
) -> tuple[bytes, Note] | Move:
    """One note as a person confirmed and worded it; else how they go on."""
    draft = facts.draft
    demanded = _demanded(desk.change, draft, seen)
    criteria = tuple(dict.fromkeys((*(_criteria(desk, arguments) or ()), *demanded)))
    if arguments.criteria and len(arguments.packages) != 1:
        criteria = demanded  # a printed command names what all of them together need
    said = confirm_notes(
        desk, facts, demanded, Paint(wants_colour(arguments.color)), arguments.waive_cooldown, place
    )
    if isinstance(said, Move):
        return said
    command = editor(desk)
    why = arguments.message
    if why is None and command is None:
        why = one_line(printable(draft.label), _hint(facts, demanded))
        if why is None:
            return Move.LEAVE
    words = replace(_words(desk, arguments, why, criteria), cooldown_waiver=said.cooldown_waiver)
    text = note_text(draft, words, seen, signal_evidence(draft, facts.scores))
    if why is not None:
        return text, _read(desk, draft, words, text)
    return _edited(desk, facts, demanded, words, text, command or "") or Move.LEAVE


def _edited(
    desk: NoteDialogue,
    facts: Facts,
    demanded: Sequence[str],
    words: NoteText,
    text: bytes,
    command: str,
) -> tuple[bytes, Note] | None:
    """The note as a person leaves it in their editor; None where it is none."""
    sheet = Sheet(desk, facts.draft.label)
    left = sheet.edit(command, _head(desk, facts, demanded), text)
    if left is None:
        return None
    try:
        note = _read(desk, facts.draft, words, left)
        _refuse_too_little(facts.draft, demanded, note.grants, demanded)
    except (NoteError, UsageError) as error:
        print(
            f"npm-vetted: {printable(error.message)}\n  what you wrote is kept in {sheet.place}",
            file=sys.stderr,
        )
        return None
    sheet.forget()
    return left, note


def _only_amends(arguments: argparse.Namespace) -> bool:
    """Whether the call only adds a waiver or a denial to notes that are there."""
    if arguments.waive_cooldown is not None and not says_something(arguments.waive_cooldown):
        raise UsageError("--waive-cooldown needs words: why it cannot wait")
    return _adds_to_notes(arguments) and arguments.message is None


def _adds_to_notes(arguments: argparse.Namespace) -> bool:
    """Whether the call names packages, and a waiver or a denial for their notes."""
    adds = arguments.waive_cooldown or arguments.not_lookalike_of
    return bool(arguments.packages and adds)


def _drafts(
    desk: NoteDialogue, arguments: argparse.Namespace, settled: Collection[Artifact]
) -> list[Draft]:
    """The notes that need a person's words, without the items that routine notes settled."""
    change = desk.change
    if not arguments.packages:
        settled = {
            *settled,
            *(use.artifact for use in uncovered(change) if binds_no_note(use.artifact)),
        }
        managers = [each for each in _managers(desk, arguments) if each.artifact not in settled]
        return [
            *drafts_of_change(change, settled),
            *(draft_of(change, item, (), ()) for item in managers),
        ]
    left = [use for use in uncovered(change) if use.artifact not in settled]
    named = [item for label in arguments.packages for item in _items(desk, label, arguments)]
    found = [item for item in named if item.artifact not in settled]
    items = [item for item in found if _is_open(desk, item, left, arguments)]
    left += [use for item in items for use in exempt_programs(change, item)]
    if len(arguments.packages) > 1 and len(items) > 1:
        return [draft_of_group(change, items, left)]
    claimed = {item.artifact for item in items}
    return [draft_of(change, item, left, claimed) for item in items]


def _items(desk: NoteDialogue, label: str, arguments: argparse.Namespace) -> list[Item]:
    """The items that a label names; the registry describes a version that no lockfile has yet."""
    uses = desk.locked(label)
    if uses:
        return [item_of(desk.change, use, whole=arguments.whole) for use in uses]
    name, version = split_label(label)
    managers = [each for _, each in pinned_managers(desk.change) if _is_named(each, name, version)]
    if managers:
        return [_item_of_manager(desk, managers[0], arguments)]
    if version is None or arguments.offline or arguments.from_ref:
        desk.uses_of(label)  # raises: nothing says which bytes are meant
    published = desk.registry(desk.project_here()).version(name, version or "")
    if published.integrity is None:
        raise UndecidedError(f"{label}: the registry has no hash of it")
    artifact = Artifact(
        name=name,
        version=version,
        kind=Kind.REGISTRY,
        integrity=published.integrity,
        scripts=bool(published.scripts),
    )
    print(
        f"npm-vetted: {printable(label)} is not locked yet: as the registry has it", file=sys.stderr
    )
    locked = desk.versions_of(name)
    return [item_ahead(desk.change, artifact, locked, whole=arguments.whole)]


def _is_named(pinned: PinnedManager, name: str, version: str | None) -> bool:
    artifact = pinned.request.artifact
    return artifact.name == name and version in (None, artifact.version)


def _managers(desk: NoteDialogue, arguments: argparse.Namespace) -> list[Item]:
    """The ``packageManager`` of each project that nothing covers, as items of notes."""
    found = {
        each.request.artifact: each
        for _, each in pinned_managers(desk.change)
        if not desk.change.vetting.decide(each.request).covered
    }
    return [_item_of_manager(desk, each, arguments) for each in found.values()]


def _item_of_manager(
    desk: NoteDialogue, pinned: PinnedManager, arguments: argparse.Namespace
) -> Item:
    """A ``packageManager``, bound by its hash; else by the registry's, or offline by its address."""
    artifact = pinned.request.artifact
    if artifact.integrity is None and not arguments.offline:
        published = desk.registry(desk.project_here()).version(
            artifact.name, artifact.version or ""
        )
        artifact = artifact._replace(
            integrity=published.integrity, resolved=None, unhashed=False,
            scripts=bool(published.scripts),
        )  # fmt: skip
    request = pinned.request._replace(artifact=artifact)
    since = None if arguments.whole else since_of(desk.change, request)
    return Item(subject=request, since=since)


def _is_open(
    desk: NoteDialogue, item: Item, left: Sequence[IntroducedPackage], arguments: argparse.Namespace
) -> bool:
    """Whether a note is still missing, or this call adds facts to an existing one."""
    verdict = desk.change.vetting.decide(item.subject)
    if item.artifact in {use.artifact for use in left}:
        return True
    if item.use in left or not verdict.covered or verdict.mention is None or verdict.unbound:
        return True
    missing = set(_named(arguments.criteria) or ()) - verdict.mention.note.grants
    if missing:
        return True
    print(
        f"npm-vetted: {printable(item.artifact.label)} is vetted by {verdict.mention.note.path}",
        file=sys.stderr,
    )
    return False


def _named(text: str | None) -> tuple[str, ...] | None:
    return tuple(word.strip() for word in text.split(",") if word.strip()) if text else None


def _refuse_other_bytes(draft: Draft, seen: Seen) -> None:
    """Raise where the lockfile pins other bytes than the registry publishes."""
    from npm_vetted.packages.integrity import same_bytes

    for item in draft.items:
        published = seen.get(item.artifact)
        if published is None or published.integrity is None or item.artifact.integrity is None:
            continue
        if same_bytes(published.integrity, item.artifact.integrity) is False:
            raise RefusedError(
                f"{item.artifact.label}: the lockfile's hash is not the registry's: expected "
                f"{published.integrity}, found {item.artifact.integrity}",
                path=item.use.location.path if item.use else None,
                line=item.use.location.line if item.use else 1,
                fix="do not install this; find out who wrote that line",
            )


def _read(desk: NoteDialogue, draft: Draft, words: NoteText, text: bytes) -> Note:
    """The note that a text is; raises NoteError where it is none."""
    path = note_paths(draft, words.vetted_on, text)[0]
    return read_note(path, text, desk.change.policy.criteria)


def _store(desk: NoteDialogue, draft: Draft, text: bytes, note: Note) -> None:
    """Write and stage a note."""
    with desk.store.lock():
        path = desk.store.create_first(note_paths(draft, note.vetted_on, text), text)
    desk.store.stage([path])
    desk.written.append(path)
    count = len(draft.items) - 1
    more = f", with {count} more" if count else ""
    print(f"npm-vetted: wrote and staged {path}: {printable(draft.label)}{more}", file=sys.stderr)
    lines = _replaced_exemptions(desk.change, draft)
    if lines:
        print(
            f"npm-vetted: {lines} line{'' if lines == 1 else 's'} of {EXEMPTIONS} "
            f"{'is' if lines == 1 else 'are'} now unnecessary: npm-vetted prune drops them (on the trunk)",
            file=sys.stderr,
        )


def _replaced_exemptions(change: Change, draft: Draft) -> int:
    """How many exemptions a note replaces: those of exactly the bytes that it is about."""
    every = (change.vetting.exemption(item.artifact) for item in draft.items)
    return sum(exemption is not None for exemption, _ in every)


def _demanded(change: Change, draft: Draft, seen: Seen) -> tuple[str, ...]:
    """The criteria that the policy requires, now that the registry named the scripts."""
    scripts = any(
        item.artifact.scripts
        or (
            (published := seen.get(item.artifact)) is not None
            and (published.scripts or any(each.scripts for each in published.bundles))
        )
        for item in draft.items
    )
    more = change.policy.demands.scripts if scripts else ()
    return tuple(dict.fromkeys((*draft.criteria, *more)))


def _criteria(desk: NoteDialogue, arguments: argparse.Namespace) -> tuple[str, ...] | None:
    """The criteria that the command line names; raises UsageError for one that there is not."""
    criteria = _named(arguments.criteria)
    known = desk.change.policy.criteria
    for name in criteria or ():
        if name not in known:
            from npm_vetted.formats.document import hint

            raise UsageError(f"unknown criterion {name!r}{hint(name, known)}")
    return criteria


def _words(
    desk: NoteDialogue, arguments: argparse.Namespace, why: str | None, criteria: tuple[str, ...]
) -> NoteText:
    if why is not None and not says_something(why):
        raise UsageError(f"-m {why!r} says nothing: write what was looked at and found")
    return NoteText(
        why=why or "",
        criteria=criteria,
        vetted_by=identity(desk.repository),
        vetted_on=datetime.datetime.now(datetime.UTC).date(),
        cooldown_waiver=arguments.waive_cooldown,
        not_lookalike_of=tuple(arguments.not_lookalike_of or ()),
    )


def _refuse_too_little(
    draft: Draft, demanded: Iterable[str], grants: frozenset[str], asked: Iterable[str]
) -> None:
    missing = [name for name in demanded if name not in grants]
    if missing:
        raise UsageError(
            f"{draft.label}: the policy also requires {', '.join(missing)}",
            fix=f'do that, and name it: npm-vetted note "{draft.label}" --criteria '
            f"{','.join(sorted({*asked, *grants}))}",
        )


def _hint(facts: Facts, demanded: Sequence[str]) -> str:
    """A hint on the content of the words."""
    silent = "changelog" in demanded and not all(map(has_changelog, facts.upgrades))
    instead = ", what was read in place of a changelog" if silent else ""
    return f"what was looked at{instead}, and what was found"


def _head(desk: NoteDialogue, facts: Facts, demanded: Sequence[str]) -> list[str]:
    """The commented lines above the note in the editor."""
    known = desk.change.policy.criteria
    asked = ", ".join(f"{name} ({printable(known[name])})" for name in demanded)
    return [
        f"A vetting note of {printable(facts.draft.label)}: say in `why` {_hint(facts, demanded)}.",
        f"The policy requires: {asked}.",
        "Leave `why` empty to record nothing. These lines are not kept.",
    ]
