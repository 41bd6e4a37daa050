"""The dialogue at a terminal: show what each criterion is about, have it confirmed, read the words."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
from npm_vetted.report._screen import Paint
from npm_vetted.vetting.notes import encode_name, says_something


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


def confirm_notes(
    desk: NoteDialogue, facts: Facts, demanded: Sequence[str], paint: Paint, waiver: str | None
) -> Said | None:
    """Show and confirm, criterion by criterion; None where the person said no."""
    label = printable(facts.draft.label)
    more = len(facts.draft.items) - 1
    print(paint(f"\n{label}", "bold") + (f", with {more} more" if more else ""))
    for item in (facts.draft.own, *facts.draft.accepts):
        if item is not None and item.base is not None:
            reviewed = "" if item.since else ", which is not vetted itself"
            print(f"  {printable(item.artifact.label)} is an upgrade from {item.base}{reviewed}")
    print(f"  the policy asks for: {', '.join(demanded) or 'words only'}")
    for name in demanded:
        _show_for(desk, facts, name, paint)
        meaning = desk.change.policy.criteria[name]
        if not _yes(f"{label}: {name} ({printable(meaning)}): done?"):
            return None
    return Said(cooldown_waiver=_cooldown(facts, waiver))


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


def _yes(question: str) -> bool:
    return _read(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _asked(question: str, *, may_be_empty: bool) -> str | None:
    """Words that say something; None where there are none."""
    while True:
        text = _read(question).strip()
        if says_something(text):
            return text
        if not text or not may_be_empty:
            return None
        print("  that says nothing; a reason, or nothing at all")


def _read(question: str) -> str:
    """A line from the person; an end of input is an empty one: never a yes."""
    sys.stdout.flush()
    try:
        return input(question)
    except EOFError:
        print()
        return ""


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
