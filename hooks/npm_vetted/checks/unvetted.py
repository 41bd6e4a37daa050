"""An added or upgraded artifact that no note or exemption covers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.checks import Explanation, use_finding
from npm_vetted.model import Finding, Level
from npm_vetted.projects.change import Arrival, Change, IntroducedPackage
from npm_vetted.vetting.policy import EXEMPTIONS
from npm_vetted.vetting.resolver import Gap, GapReason, Verdict

ID: Final = "unvetted"
HOOKS: Final = frozenset({"notes"})
EXPLANATION: Final = Explanation(
    what=(
        "An added or upgraded package that no vetting note, and no exemption, covers with the "
        "criteria that the policy asks."
    ),
    why=(
        "Whoever adds a package runs its code, and the code of all that it brings. event-stream "
        "3.3.6 (2018) brought flatmap-stream, a package nobody had looked at; axios 1.14.1 (2026) "
        "brought plain-crypto-js. A note is a person's word that this version was looked at, "
        "bound to the hash of what they looked at."
    ),
    before='$ npm install express\n$ git commit -am "Add express"     # no note: rejected',
    after=(
        "$ npm install express\n"
        '$ npm-vetted note "express" --criteria health -m "HTTP server; maintained by OpenJS, ..."\n'
        '$ git commit -am "Add express"'
    ),
    satisfy=(
        "`npm-vetted inspect PKG@VER` shows what a reviewer looks at, `npm-vetted diff PKG NEW` "
        "the changelog and code of an upgrade, `npm-vetted note PKG` records the answer; `note "
        "--staged` walks through all that the commit adds. A note of a direct dependency lists "
        "what it brings."
    ),
    exception=(
        "`npm-vetted exempt PKG@VER --reason ...` takes it in without a review; that is a change "
        "of policy and is committed on its own."
    ),
)


def run(change: Change) -> Iterator[Finding]:
    """Judge what the commit adds, changes or promotes."""
    for project in change.projects:
        notes = change.vetting.notes
        notes.search([use.artifact.label for use in project.uses if not notes.own(use.artifact)])
        judged = {use.artifact for use in project.uses}
        open_uses = []
        for use in project.uses:
            if use.before and use.subject.carrier in judged:
                continue  # what a tarball carried before comes with it, and is judged with it
            verdict = change.verdict(use)
            if verdict.covered:
                if verdict.unbound:
                    yield _unbound(change, use, verdict)
            elif verdict.gap is not None and verdict.gap.lack is not GapReason.BYTES:
                open_uses.append((use, verdict.gap))
        if open_uses:
            yield from _findings(change, open_uses)


def _unbound(change: Change, use: IntroducedPackage, verdict: Verdict) -> Finding:
    """What is vouched for by a hash that cannot be compared with the lockfile's.

    A warning where the version stood before (the project moves to another client) or the client
    keeps no hash of it; what enters by such a note enters by nobody's word.
    """
    source = verdict.mention.note.path if verdict.mention else EXEMPTIONS
    lock = use.lockfile.format
    if use.artifact.unhashed:
        message = (
            f"{lock} keeps no hash of {use.artifact.label}, so {source} does not bind its bytes"
        )
        return use_finding(ID, use, message, level=Level.WARNING)
    stood = bool(use.before) or change.everything
    wanted = change.scope_arguments if use.before else (use.artifact.label,)
    return use_finding(
        ID,
        use,
        f"{source} vouches for {use.artifact.label} by a hash that {lock} does not have: the bytes "
        "are not bound",
        level=Level.WARNING if stood else Level.ERROR,
        fix=(("npm-vetted", "note", *wanted),),
    )


def _findings(change: Change, uses: list[tuple[IntroducedPackage, Gap]]) -> Iterator[Finding]:
    alone = all(use.direct for use, _ in uses)
    bringers = {} if alone else _bringers([use for use, _ in uses if use.direct])
    for use, gap in uses:
        bringer = use if use.direct else bringers.get((use.lockfile.path, use.entry.key))
        yield use_finding(
            ID, use, _message(change, use, gap, bringer), fix=(_fix(change, bringer),)
        )


def _bringers(direct: list[IntroducedPackage]) -> dict[tuple[str, str], IntroducedPackage]:
    """Which unvetted direct dependency brings each entry; the first that does."""
    found: dict[tuple[str, str], IntroducedPackage] = {}
    for use in direct:
        for key in use.lockfile.reach([use.entry.key]):
            found.setdefault((use.lockfile.path, key), use)
    return found


def _fix(change: Change, bringer: IntroducedPackage | None) -> tuple[str, ...]:
    if bringer is None:
        return ("npm-vetted", "note", *change.scope_arguments)
    from npm_vetted.recording.proposals import criteria_for, item_of

    criteria = criteria_for(change, [item_of(change, bringer)])
    return ("npm-vetted", "note", bringer.artifact.label, "--criteria", ",".join(criteria))


def _message(
    change: Change, use: IntroducedPackage, gap: Gap, bringer: IntroducedPackage | None
) -> str:
    note = gap.mention.note.path if gap.mention else ""
    match gap.lack:
        case GapReason.CRITERIA:
            return f"{note} lacks the criteria the policy asks: {', '.join(gap.criteria)}"
        case GapReason.CHAIN:
            return f"{note} was reviewed from {gap.since}, which is not vetted itself"
        case GapReason.DIRECT:
            return (
                f"now a direct dependency, while {note} only accepts it as brought by another: "
                "it needs a note of its own"
            )
        case GapReason.OWN:
            return f"{note} only lists it; the policy asks for a note of its own"
    return _missing(change, use, bringer)


def _missing(change: Change, use: IntroducedPackage, bringer: IntroducedPackage | None) -> str:
    if bringer is not None and bringer is not use:
        return f"comes with {bringer.artifact.label}, and no note or exemption covers it"
    if use.arrival is Arrival.PROMOTED:
        return "now asked for directly or shipped, and no note covers it"
    if change.everything:
        return "no note or exemption covers it"
    if use.subject.previous:
        return f"upgraded from {', '.join(use.subject.previous)}, and no note covers it"
    if use.arrival is Arrival.CHANGED:
        return "its source changed, and no note covers it"
    return "new, and no note or exemption covers it"
