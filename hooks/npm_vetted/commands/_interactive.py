"""The dialogue at a terminal: show what each criterion is about, have it confirmed, read the words."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from npm_vetted.commands._draft_signals import reason_lines
from npm_vetted.commands._note_dialogue import NoteDialogue
from npm_vetted.commands._programs import split_command
from npm_vetted.commands._registry_facts import (
    Facts,
    LookupResult,
    Upgrade,
    changelog_line,
    cooldown_lines,
    exclude_lines,
    has_changelog,
)
from npm_vetted.errors import UndecidedError
from npm_vetted.formats.terminal_text import printable
from npm_vetted.packages.versions import newest
from npm_vetted.report._screen import Paint
from npm_vetted.vetting.note_paths import encode_name
from npm_vetted.vetting.notes import says_something

if TYPE_CHECKING:
    from npm_vetted.recording.proposals import Item

_LISTED: Final = 12
"""How many packages that come with another are named before the rest is counted."""
_PAGES: Final = 3
_PAGE: Final = re.compile(r"https://[A-Za-z0-9._~/@%+=#-]{4,300}")
"""An address that is handed to a browser: the registry names it, so it may hold anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """That a person confirmed everything, and why it cannot wait, where they said so."""

    cooldown_waiver: str | None


def least_work_first(every: Sequence[Facts]) -> list[Facts]:
    """The drafts ordered by the number of lines to read; unknown numbers come last."""
    if len(every) < 2:
        return list(every)
    known = [(facts.lines(), facts) for facts in every]
    return [facts for _, facts in sorted(known, key=lambda pair: (pair[0] is None, pair[0] or 0))]


class Move(Enum):
    """How a person goes on where they record nothing for a package."""

    LEAVE = "n"
    BACK = "b"
    QUIT = "q"


_KEYS: Final = {
    "y": "yes, this was done",
    "n": "no: record nothing for this package",
    "s": "skip this package for now",
    "d": "show the difference to the version before",
    "o": "open its pages in a browser",
    "b": "back to the question before",
    "q": "stop here; what is recorded stays",
}


def confirm_notes(
    desk: NoteDialogue,
    facts: Facts,
    demanded: Sequence[str],
    paint: Paint,
    waiver: str | None,
    place: str,
) -> Said | Move:
    """Show and confirm, criterion by criterion; a Move where the person did not confirm all."""
    _introduce(desk, facts, demanded, paint, place)
    shown: set[str] = set()
    at = 0
    while at < len(demanded):
        name = demanded[at]
        if name not in shown:
            _show_for(desk, facts, name, paint)
            shown.add(name)
        meaning = desk.change.policy.criteria[name]
        label = printable(facts.draft.label)
        key = _key(facts, f"{label}: {name} ({printable(meaning)}): done?", paint)
        if key == "y":
            at += 1
        elif key == "b" and at > 0:
            at -= 1
        else:
            return Move(key) if key in ("b", "q") else Move.LEAVE
    return Said(cooldown_waiver=_cooldown(facts, waiver))


def _introduce(
    desk: NoteDialogue, facts: Facts, demanded: Sequence[str], paint: Paint, place: str
) -> None:
    """What the questions are about: the package, what comes with it, what the policy requires."""
    draft = facts.draft
    more = len(draft.items) - 1
    count = f" ({place})" if place else ""
    print(
        paint(f"\n{printable(draft.label)}", "bold")
        + (f", with {more} more" if more else "")
        + count
    )
    for item in (draft.own, *draft.accepts):
        if item is not None and item.base is not None:
            reviewed = "" if item.since else ", which is not vetted itself"
            kind = "a downgrade" if _is_downgrade(item) else "an upgrade"
            print(f"  {printable(item.artifact.label)} is {kind} from {item.base}{reviewed}")
    for text in reason_lines(draft, facts.scores):
        print(f"  {text}")
    for text in _brought_lines(desk, draft.brings):
        print(f"  {text}")
    print(f"  the policy requires: {', '.join(demanded) or 'words only'}")


def _is_downgrade(item: Item) -> bool:
    version = item.artifact.version or ""
    return item.base is not None and newest([version, item.base]) != version


def _brought_lines(desk: NoteDialogue, brings: Sequence[Item]) -> Iterator[str]:
    """What comes with a package, so that nobody accepts it unseen; new names come first."""
    fresh = [each for each in brings if desk.change.vetting.is_new_name(each.subject)]
    rest = [each for each in brings if each not in fresh]
    for words, items in (("brings, new to this repository", fresh), ("brings", rest)):
        labels = [_with_scripts(each) for each in items]
        if labels:
            more = f", and {len(labels) - _LISTED} more" if len(labels) > _LISTED else ""
            yield f"{words}: {', '.join(labels[:_LISTED])}{more}"


def _with_scripts(item: Item) -> str:
    scripts = " (has install scripts)" if item.artifact.scripts else ""
    return printable(item.artifact.label) + scripts


def _key(facts: Facts, question: str, paint: Paint) -> str:
    """The key of an answer that moves on; what only shows something is done here, and asked again."""
    while True:
        answer = _read(f"{question} [{','.join(_KEYS)},?] ")
        key = "q" if answer is None else answer.strip().lower()[:1]
        if key in ("y", "n", "s", "b", "q"):
            return key
        if key == "d":
            _show_difference(facts, paint)
        elif key == "o":
            _open_pages(facts)
        else:
            for each, meaning in _KEYS.items():
                print(f"  {each}  {meaning}")


def _show_difference(facts: Facts, paint: Paint) -> None:
    from npm_vetted.commands._review_dialogue import show

    for page in _upgrades(facts, paint, code=True):
        show(page)


def _open_pages(facts: Facts) -> None:
    """Open what the registry names as the package's pages; the addresses are shown in any case."""
    import webbrowser

    from npm_vetted.review.changelog import hosted

    links = [link for each in facts.upgrades if each.found for link in each.found.links]
    hosts = [hosted(each.found.repository) for each in facts.fresh if each.found]
    links += [each.url for each in hosts if each is not None]
    safe = [link for link in dict.fromkeys(links) if _PAGE.fullmatch(link)]
    if not safe:
        print("  the registry names no page of it")
    for link in safe[:_PAGES]:
        opened = webbrowser.open(link)
        print(f"  {link}" + ("" if opened else " (no browser could be started)"))


def _show_for(desk: NoteDialogue, facts: Facts, criterion: str, paint: Paint) -> None:
    """Show the facts that a criterion is about, before a person confirms it."""
    from npm_vetted.commands._review_dialogue import show

    pages: dict[str, Callable[[], Iterator[str]]] = {
        "health": lambda: _health(facts, paint),
        "changelog": lambda: _upgrades(facts, paint, code=False),
        "source": lambda: _upgrades(facts, paint, code=True),
    }
    if criterion in pages:
        for page in pages[criterion]():
            show(page)
    if criterion in desk.change.policy.demands.scripts:
        for page in _scripts(facts):
            show(page)


def _health(facts: Facts, paint: Paint) -> Iterator[str]:
    from npm_vetted.review.text import inspection_text

    for each in facts.fresh:
        yield inspection_text(each.found, paint) if each.found else _unseen(each)


def _upgrades(facts: Facts, paint: Paint, *, code: bool) -> Iterator[str]:
    from npm_vetted.review.text import comparison_text

    for each in facts.upgrades:
        if each.found is None:
            yield _unseen(each)
        else:
            yield comparison_text(each.found, paint, stat=not code)
            yield _spoken(each)
    if code:
        for fresh in facts.fresh:
            yield f"read the code of {printable(fresh.item.artifact.label)} in full: it is new here"


def _spoken(upgrade: Upgrade) -> str:
    return "" if has_changelog(upgrade) else changelog_line(upgrade)


def _scripts(facts: Facts) -> Iterator[str]:
    from npm_vetted.review.text import script_text

    for each in facts.scripted:
        label = printable(each.item.artifact.label)
        if each.problem is not None:
            yield _unseen(each)
        for script in each.scripts:
            yield f"{label} runs on install:\n{script_text(script)}"


def _unseen(answer: LookupResult) -> str:
    label = printable(answer.item.artifact.label)
    return f"{label} cannot be shown: {printable(answer.problem or '')}"


def _cooldown(facts: Facts, waiver: str | None) -> str | None:
    """The waiver of the cooldown, where one is needed and given."""
    young = facts.young
    if not young:
        return waiver
    for text in cooldown_lines(young):
        print(f"  {text}")
    if waiver is None:
        waiver = _asked("  why it cannot wait (empty: it waits): ", may_be_empty=True)
    if waiver:
        for text in exclude_lines(young):
            print(f"  {text}")
    return waiver


def _asked(question: str, *, may_be_empty: bool) -> str | None:
    """Words that say something; None where there are none."""
    while True:
        text = (_read(question) or "").strip()
        if says_something(text):
            return text
        if not text or not may_be_empty:
            return None
        print("  that says nothing; a reason, or nothing at all")


def _read(question: str) -> str | None:
    """A line from the person; None at the end of the input, which is never a yes."""
    sys.stdout.flush()
    try:
        return input(question)
    except EOFError:
        print()
        return None


def one_line(label: str, hint: str) -> str | None:
    """Prompt for the words of a note on one line; None if the person enters none."""
    return _asked(f"{label}: {hint}: ", may_be_empty=False)


def editor(desk: NoteDialogue) -> str | None:
    """The editor that the person has set, by git's order; None where they have set none."""
    from npm_vetted.git.repository import run_git

    configured = run_git("config", "core.editor", cwd=desk.repository.top, accepted=(0, 1))
    return (
        os.environ.get("GIT_EDITOR")
        or configured.decode("utf-8", "replace").strip()
        or os.environ.get("VISUAL")
        or os.environ.get("EDITOR")
        or None
    )


def _is_head(line: bytes) -> bool:
    """Whether a line at the top of a sheet is ours: ``#:schema`` belongs to the note."""
    return not line.strip() or (line.startswith(b"#") and not line.startswith(b"#:"))


class Sheet:
    """The file in which a person edits a note; it is kept if the text cannot be accepted."""

    def __init__(self, desk: NoteDialogue, label: str) -> None:
        name = f"NOTE_EDITMSG-{encode_name(label)[:80]}.toml"
        self.place = Path(desk.repository.git_dir, "npm-vetted", name)

    def edit(self, command: str, head: Sequence[str], text: bytes) -> bytes | None:
        """The person's text without the head; None if it is empty."""
        comments = "".join(f"# {line}\n" for line in head)
        self.place.parent.mkdir(exist_ok=True)
        self.place.write_bytes(f"{comments}\n".encode() + text)
        try:
            done = subprocess.run([*split_command(command), str(self.place)], check=False)
        except (OSError, ValueError) as error:
            raise UndecidedError(f"the editor cannot be run: {error}") from None
        lines = self.place.read_bytes().splitlines(keepends=True)
        while lines and _is_head(lines[0]):
            lines.pop(0)
        left = b"".join(lines)
        if not left or left == text:
            self.forget()
            return None
        if done.returncode != 0:
            print(
                f"npm-vetted: the editor ended with status {done.returncode}\n"
                f"  what you wrote is kept in {self.place}",
                file=sys.stderr,
            )
            return None
        return left

    def forget(self) -> None:
        """Take the file away."""
        self.place.unlink(missing_ok=True)
