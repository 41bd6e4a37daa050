"""``npm-vetted note``: record a vetting note."""

from __future__ import annotations

import argparse
import datetime
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from npm_vetted.change import Change, Use
from npm_vetted.commands._amend import amend, complete
from npm_vetted.commands._common import add_range, range_of
from npm_vetted.commands._desk import (
    Desk,
    at_desk,
    identity,
    says_yes_no_terminal,
    seen_by_registry,
)
from npm_vetted.draft import Draft, draft_of, draft_of_group, drafts_of_change, item_of, uncovered
from npm_vetted.errors import RefusedError, UsageError
from npm_vetted.fix import quoted
from npm_vetted.model import Artifact
from npm_vetted.notes import Note, read_note, says_something
from npm_vetted.recording import Words, note_paths, note_text
from npm_vetted.sanitize import printable

if TYPE_CHECKING:
    from npm_vetted.registry import Published

HELP = "record a vetting note"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``note``."""
    parser.add_argument("packages", nargs="*", metavar="PKG[@VER]", help="several: one group note")
    parser.add_argument("--staged", action="store_true", help="all that the commit adds")
    add_range(parser)
    parser.add_argument("-m", "--message", metavar="WHY", help="what was looked at and found")
    parser.add_argument("--criteria", metavar="A,B", help="what was done: health, changelog, ...")
    parser.add_argument("--whole", action="store_true", help="reviewed whole, not as an upgrade")
    parser.add_argument("--offline", action="store_true", help="ask no registry")
    parser.add_argument("--waive-cooldown", metavar="WHY", help="why it cannot wait")
    parser.add_argument(
        "--not-lookalike-of", metavar="NAME", action="append", help="it is really not NAME"
    )
    parser.add_argument(
        "--complete", action="store_true", help="add what the registry says to an offline note"
    )


def run(arguments: argparse.Namespace) -> int:
    """Find what the notes are about, ask what is missing, write and stage them."""
    from_ref, to_ref = range_of(arguments)
    if bool(arguments.packages) == bool(arguments.staged or from_ref):
        raise UsageError("name packages, or --staged, or --from-ref A")
    with at_desk(arguments.packages, from_ref, to_ref) as desk:
        if arguments.complete:
            complete(desk, arguments.packages)
            return 0
        if _only_amends(arguments) and amend(desk, arguments.packages, arguments):
            return 0
        drafts = _drafts(desk, arguments)
        if not drafts:
            print("npm-vetted: nothing to note: everything is covered", file=sys.stderr)
            return 0
        seen = {} if arguments.offline else seen_by_registry(desk, drafts)
        for draft in drafts:
            _refuse_other_bytes(draft, seen)
        written = [_record(desk, draft, seen, arguments) for draft in drafts]
        desk.store.stage([path for path in written if path])
    return 0


def _only_amends(arguments: argparse.Namespace) -> bool:
    """Whether the call only adds a waiver or a denial to notes that are there."""
    if arguments.waive_cooldown is not None and not says_something(arguments.waive_cooldown):
        raise UsageError("--waive-cooldown needs words: why it cannot wait")
    adds = arguments.waive_cooldown or arguments.not_lookalike_of
    return bool(arguments.packages and adds and arguments.message is None)


def _drafts(desk: Desk, arguments: argparse.Namespace) -> list[Draft]:
    change = desk.change
    if not arguments.packages:
        return drafts_of_change(change)
    left = uncovered(change)
    uses = [use for name in arguments.packages for use in desk.uses_of(name)]
    fresh = [use for use in uses if _is_open(desk, use, left, arguments)]
    items = [item_of(change, use, whole=arguments.whole) for use in fresh]
    if len(arguments.packages) > 1 and len(items) > 1:
        return [draft_of_group(change, items, left)]
    claimed = {item.artifact for item in items}
    return [draft_of(change, item, left, claimed) for item in items]


def _is_open(desk: Desk, use: Use, left: Sequence[Use], arguments: argparse.Namespace) -> bool:
    """Whether a note is still missing, or this call adds what a note did not say."""
    verdict = desk.change.vetting.judge(use.subject)
    if use in left or not verdict.covered or verdict.mention is None or verdict.unbound:
        return True
    missing = set(_named(arguments.criteria) or ()) - verdict.mention.note.grants
    if missing:
        return True
    print(
        f"npm-vetted: {use.artifact.label} is vetted by {verdict.mention.note.path}",
        file=sys.stderr,
    )
    return False


def _named(text: str | None) -> tuple[str, ...] | None:
    return tuple(word.strip() for word in text.split(",") if word.strip()) if text else None


def _refuse_other_bytes(draft: Draft, seen: Mapping[Artifact, Published]) -> None:
    """Raise where the lockfile pins other bytes than the registry publishes."""
    from npm_vetted.hashes import same_bytes

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


def _record(
    desk: Desk, draft: Draft, seen: Mapping[Artifact, Published], arguments: argparse.Namespace
) -> str | None:
    """Write one note; where it stands."""
    demanded = _demanded(desk.change, draft, seen)
    words = _words(desk, draft, demanded, arguments)
    text = note_text(draft, words, seen)
    if arguments.message is None:
        text = _edited(desk, draft, text, demanded)
    note = read_note(note_paths(draft, words.vetted_on, text)[0], text, desk.change.policy.criteria)
    _refuse_too_little(draft, demanded, note.grants)
    with desk.store.lock():
        path = next(
            path
            for path in note_paths(draft, words.vetted_on, text)
            if desk.store.create(path, text)
        )
    _tell(desk, draft, note, path)
    return path


def _demanded(change: Change, draft: Draft, seen: Mapping[Artifact, Published]) -> tuple[str, ...]:
    """What the policy asks of the note, now that the registry said which scripts there are."""
    scripts = any(
        item.artifact.scripts or (item.artifact in seen and seen[item.artifact].scripts)
        for item in draft.items
    )
    more = change.policy.demands.scripts if scripts else ()
    return tuple(dict.fromkeys((*draft.criteria, *more)))


def _words(
    desk: Desk, draft: Draft, demanded: tuple[str, ...], arguments: argparse.Namespace
) -> Words:
    criteria = _named(arguments.criteria)
    if arguments.message is None or criteria is None:
        says_yes_no_terminal(draft.label, demanded)
    if arguments.message is not None and not says_something(arguments.message):
        raise UsageError(
            f"-m {arguments.message!r} says nothing: write what was looked at and found"
        )
    known = desk.change.policy.criteria
    for name in criteria or ():
        if name not in known:
            from npm_vetted.documents.base import hint

            raise UsageError(f"unknown criterion {name!r}{hint(name, known)}")
    return Words(
        why=arguments.message or "",
        criteria=criteria or demanded,
        vetted_by=identity(desk.repository),
        vetted_on=datetime.datetime.now(datetime.UTC).date(),
        cooldown_waiver=arguments.waive_cooldown,
        not_lookalike_of=tuple(arguments.not_lookalike_of or ()),
    )


def _refuse_too_little(draft: Draft, demanded: Iterable[str], grants: frozenset[str]) -> None:
    missing = [name for name in demanded if name not in grants]
    if missing:
        raise UsageError(
            f"{draft.label}: the policy also asks for {', '.join(missing)}",
            fix=f"do that, and name it: --criteria {','.join(sorted({*demanded, *grants}))}",
        )


def _edited(desk: Desk, draft: Draft, text: bytes, demanded: tuple[str, ...]) -> bytes:
    """The note as a person leaves it in their editor; raises where nothing was said."""
    asked = ", ".join(f"{name} ({desk.change.policy.criteria[name]})" for name in demanded)
    head = (
        f"# A vetting note of {printable(draft.label)}. Say below what was looked at and found.\n"
        f"# The policy asks for: {asked}.\n"
        "# Leave `why` empty to record nothing. These lines are not kept.\n\n"
    )
    place = Path(desk.repository.git_dir, "npm-vetted", "NOTE_EDITMSG.toml")
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(head.encode() + text)
    editor = os.environ.get("GIT_EDITOR") or os.environ.get("VISUAL") or os.environ.get("EDITOR")
    done = subprocess.run([*shlex.split(editor or "vi"), str(place)], check=False)
    if done.returncode != 0:
        raise RefusedError("the editor was left with an error; nothing is recorded")
    lines = place.read_bytes().splitlines(keepends=True)
    kept = b"".join(line for line in lines if not line.startswith(b"# ")).lstrip()
    place.unlink()
    return kept


def _tell(desk: Desk, draft: Draft, note: Note, path: str) -> None:
    count = len(draft.items) - 1
    more = f", with {count} more" if count else ""
    print(f"npm-vetted: wrote and staged {path}: {printable(draft.label)}{more}", file=sys.stderr)
    days = desk.change.policy.demands.cooldown_days
    if note.published is None or note.cooldown_waiver or not days:
        return
    ripe = note.published + datetime.timedelta(days=days)
    if ripe > desk.change.today:
        label = quoted(note.label)
        print(
            f"  published {note.published:%Y-%m-%d}: the policy waits {days} days, until "
            f"{ripe:%Y-%m-%d %H:%M} UTC\n  if it cannot wait: npm-vetted note {label} "
            '--waive-cooldown "why"',
            file=sys.stderr,
        )
