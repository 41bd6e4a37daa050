"""Rules for routine notes that the hook enforces: decisions that need a person."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from npm_vetted.checks._fixes import vetting_fix
from npm_vetted.model import Finding, Location
from npm_vetted.packages.versions import step
from npm_vetted.projects.change import Change
from npm_vetted.projects.package_manager import managers_before
from npm_vetted.vetting.notes import Mention, Note, mentions
from npm_vetted.vetting.policy import Demands
from npm_vetted.vetting.streak import streak_of

_UPGRADE = (("npm-vetted", "init", "--upgrade"),)


def routine_findings(change: Change, note: Note) -> Iterator[Finding]:
    """Yield the reasons to refuse a routine note that the change adds or edits."""
    if change.policy.format < 2:
        yield _finding(note, "needs format = 2 in .vetting/config.toml", fix=_UPGRADE)
        return
    locked = _names_before(change, {name for name, _, _ in mentions(note)})
    for name, version, mention in mentions(note):
        reasons = list(_reasons(change, name, version or "", mention))
        if locked is not None and name not in locked:
            reasons.append(f"{name} is new to the repository: a new name always needs a person")
        fix = _fix_of_person(change, note) if reasons else ()
        for reason in reasons:
            yield _finding(note, reason, name, version, mention, fix)


def _fix_of_person(change: Change, note: Note) -> tuple[tuple[str, ...], ...]:
    """The fix: remove the routine note, and record a person's note with the required criteria."""
    again: tuple[str, ...] = ("npm-vetted", "note", note.label)
    uses = [use for use in change.uses() if use.artifact.label == note.label]
    if uses:
        fresh = [use for use in change.uses() if not change.verdict(use).covered]
        again = vetting_fix(change, uses[0], fresh)
    return (("git", "rm", "-f", note.path), again)


def _reasons(change: Change, name: str, version: str, mention: Mention) -> Iterator[str]:
    since = mention.since or ""
    taken = step(since, version)
    if mention.listed is None:
        wanted = min((each.upgrade[taken] for each in _all_demands(change)), key=len)
        if wanted:
            yield f"the policy requires {', '.join(wanted)} for a {taken} step: a person decides"
    days = min(each.cooldown_days[taken] for each in _all_demands(change))
    published = mention.published
    assert published is not None, "its reader refuses a routine note without it"
    if published > change.today:
        yield f"published on {published:%Y-%m-%d}, which is in the future"
    elif change.today - published < datetime.timedelta(days=days):
        yield f"published on {published:%Y-%m-%d}, inside the cooldown of {days} days"
    too_long = streak_of(change.vetting, name, since).too_long(mention.note.vetted_on)
    if too_long:
        yield f"{too_long}: a person must review the next step"
    new = set(_scripts(mention)) - _scripts_before(change, name, since)
    if new:
        yield f"it has lifecycle scripts that {since} is not known to have: {', '.join(sorted(new))}"
    if mention.bundles and not change.vetting.bundles_as_before(name, since, mention.bundles):
        yield f"its tarball carries packages that {since} is not known to carry"


def _all_demands(change: Change) -> list[Demands]:
    """The policy's demands for development and production together: a note does not name its use."""
    policy = change.policy
    return [policy.demands, *([policy.development] if policy.development else [])]


def _scripts(mention: Mention) -> tuple[str, ...]:
    return (mention.listed.scripts if mention.listed else mention.note.scripts) or ()


def _scripts_before(change: Change, name: str, version: str) -> set[str]:
    """The lifecycle scripts that notes record of an earlier version; an exemption names none."""
    notes = change.vetting.notes
    known = [each.scripts or () for each in notes.of(name, version)]
    known += [each.listed.scripts for each in notes.listing(name, version) if each.listed]
    return {script for scripts in known for script in scripts}


def _names_before(change: Change, names: set[str]) -> set[str] | None:
    """Those of some names that the state before locks anywhere; None: everything is judged."""
    if change.everything:
        return None
    found = {each.artifact.name for each in managers_before(change)} & names
    return found | change.names_locked_before(names)


def _finding(
    note: Note,
    reason: str,
    name: str | None = None,
    version: str | None = None,
    mention: Mention | None = None,
    fix: tuple[tuple[str, ...], ...] = (),
) -> Finding:
    label = f"{name or note.package}@{version or note.version}"
    return Finding(
        check="notes",
        message=f"{label}: no routine note may cover it: {reason}",
        location=mention.location if mention else Location(note.path),
        package=name or note.package,
        version=version or note.version,
        fix=fix,
        code="routine",
        key=f"{note.path} {label}",
        acceptable=False,
    )
