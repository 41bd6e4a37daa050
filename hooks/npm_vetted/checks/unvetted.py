"""An added or upgraded artifact that no note or exemption covers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.checks import Explanation, artifact_value, use_finding
from npm_vetted.checks._fixes import binds_no_note, manager_fix, scope_fix, vetting_fix
from npm_vetted.model import Finding, Level
from npm_vetted.packages.versions import newest
from npm_vetted.projects.change import Change
from npm_vetted.projects.introduced import Arrival, IntroducedPackage
from npm_vetted.projects.package_manager import pinned_managers
from npm_vetted.vetting.exemptions import EXEMPTIONS
from npm_vetted.vetting.policy import FORMAT
from npm_vetted.vetting.policy_diff import adopted
from npm_vetted.vetting.resolver import Gap, GapReason, Verdict, VettingRequest

ID: Final = "unvetted"
HOOKS: Final = frozenset({"notes"})
CODES: Final = {
    "new": "A new package that no note or exemption covers.",
    "brought": "A package that an unvetted direct dependency brings.",
    "upgraded": "An upgrade that no note covers.",
    "downgraded": "A downgrade that no note covers.",
    "promoted": "A package that becomes direct, or leaves development, without a note for that use.",
    "source-changed": "A package whose download source changed, without a note for the new source.",
    "no-note": "A locked package that no note or exemption covers (check --all).",
    "criteria": "A note that lacks criteria which the policy requires.",
    "chain": "A note of an upgrade from a version that is not vetted itself.",
    "bundled": "A package in another's tarball, and no note of that tarball lists it.",
    "own-note": "A package that a note only lists, where the policy requires a note of its own.",
    "package-manager": "A packageManager that no note or exemption covers.",
    "package-manager-without-hash": "A packageManager without a hash of what is fetched and run.",
    "unbound": "A note or exemption whose hash cannot be compared with the lockfile's.",
}
EXPLANATION: Final = Explanation(
    what=(
        "An added or upgraded package that no vetting note, and no exemption, covers with the "
        "criteria that the policy requires."
    ),
    why=(
        "A project runs the code of every new package and of all that it brings. "
        "event-stream 3.3.6 (2018) brought flatmap-stream, a package that nobody had looked at; "
        "axios 1.14.1 (2026) brought plain-crypto-js. A note records that a person looked at this "
        "version, and is bound to the hash of what they looked at."
    ),
    before='$ npm install express\n$ git commit -am "Add express"     # no note: rejected',
    after=(
        "$ npm install express\n"
        '$ npm-vetted note "express" --criteria health -m "HTTP server; maintained by OpenJS, ..."\n'
        '$ git commit -am "Add express"'
    ),
    satisfy=(
        "`npm-vetted inspect PKG@VER` shows what a reviewer looks at, `npm-vetted diff PKG NEW` "
        "the changelog and code of an upgrade, `npm-vetted note PKG` records the answer; `note` "
        "alone walks through all that the commit adds. A note of a direct dependency lists "
        "what it brings."
    ),
    exception=(
        "`npm-vetted exempt PKG@VER --reason ...` takes it in without a review; that is a change "
        "of policy and is committed on its own."
    ),
)


def run(change: Change) -> Iterator[Finding]:
    """One finding for each artifact that the commit adds, changes or promotes and that is not covered."""
    yield from _package_managers(change)
    for project in change.projects:
        notes = change.vetting.notes
        notes.search([use.artifact.label for use in project.uses if not notes.own(use.artifact)])
        judged = {use.artifact for use in project.uses}
        open_uses = []
        for use in project.uses:
            verdict = change.verdict(use)
            lack = verdict.gap.lack if verdict.gap else None
            if use.subject.carrier in judged and lack is not GapReason.BUNDLED:
                continue  # what the tarball that carries it lacks is said of that one
            if verdict.covered:
                if verdict.unbound:
                    yield _unbound(change, use, verdict)
            elif verdict.gap is not None and verdict.gap.lack is not GapReason.BYTES:
                open_uses.append((use, verdict.gap))
        if open_uses:
            yield from _findings(change, open_uses)


def _package_managers(change: Change) -> Iterator[Finding]:
    """``packageManager``: corepack, and pnpm itself, fetch and run that package on every machine."""
    if not adopted(change.comparison.policy_source) and not change.everything:
        return  # adoption takes over what is pinned, as it does with what is locked
    for project, pinned in pinned_managers(change):
        label = pinned.request.artifact.label
        found = Finding(
            check=ID,
            message="",
            location=pinned.location,
            project=project.after.path or ".",
            package=pinned.request.artifact.name,
            version=pinned.request.artifact.version,
            code="package-manager",
            key=label,
            value=pinned.text,
        )
        gap = change.vetting.decide(pinned.request).gap
        if gap is not None:
            words = _reason_of_manager(change, pinned.request, gap)
            fix = manager_fix(change, pinned.request)
            # No note could bind the bytes of a client that is named first and has no hash.
            first = not pinned.request.previous and not pinned.hashed
            level = Level.WARNING if first else Level.ERROR
            yield found._replace(level=level, message=f"{pinned.key}: {words}", fix=(fix,))
        if not pinned.hashed:
            message = "packageManager has no hash: nothing binds what is fetched and run"
            yield found._replace(
                level=Level.WARNING,
                message=message,
                code="package-manager-without-hash",
                fix=(("corepack", "use", pinned.text),),
            )


def _reason_of_manager(change: Change, request: VettingRequest, gap: Gap) -> str:
    match gap.lack:
        case GapReason.BYTES:
            return "its hash is not that of the note"
        case GapReason.CRITERIA:
            assert gap.mention is not None
            return (
                f"{gap.mention.note.path} lacks criteria of the policy: {', '.join(gap.criteria)}"
            )
        case GapReason.CHAIN:
            return f"its note only reviews the changes since {gap.since}, which is not vetted"
    step = f"upgraded from {', '.join(request.previous)}" if request.previous else "new"
    wanted = (
        f" with {', '.join(names)}" if (names := change.vetting.demanded(request, None)) else ""
    )
    return f"{step}; it is fetched and run on every machine, and no note covers it{wanted}"


def _unbound(change: Change, use: IntroducedPackage, verdict: Verdict) -> Finding:
    """The finding of a package that is covered, but by a hash that cannot be compared with the lockfile's.

    A warning if the version was locked before (the project changes its client), or if the client records
    no hash of it. Otherwise an error, because the bytes are unknown.
    """
    source = verdict.mention.note.path if verdict.mention else EXEMPTIONS
    lock = use.lockfile.format
    if use.artifact.unhashed:
        message = f"{lock} records no hash of it, so {source} cannot be tied to its contents"
        return use_finding(ID, "unbound", use, message, level=Level.WARNING)
    was_locked = bool(use.before) or change.everything
    wanted = change.scope_arguments if use.before else (use.artifact.label,)
    return use_finding(
        ID,
        "unbound",
        use,
        f"{source} records a different kind of hash than {lock}; npm-vetted cannot confirm that the "
        "contents are the same",
        level=Level.WARNING if was_locked else Level.ERROR,
        fix=(("npm-vetted", "note", *wanted),),
    )


def _findings(change: Change, uses: list[tuple[IntroducedPackage, Gap]]) -> Iterator[Finding]:
    alone = all(use.direct for use, _ in uses)
    open_uses = [use for use, _ in uses]
    bringers = {} if alone else _bringers([use for use, _ in uses if use.direct])
    fixes: dict[tuple[str, str], tuple[str, ...]] = {}
    from npm_vetted.recording.proposals import carrier_of

    for use, gap in uses:
        if gap.lack is GapReason.BUNDLED:
            at = (use.lockfile.path, use.entry.bundled_by or "")
            if at not in fixes:
                fixes[at] = vetting_fix(change, carrier_of(use))
            yield _bundled(change, use, gap, fixes[at])
            continue
        bringer = use if use.direct else bringers.get((use.lockfile.path, use.entry.key))
        if bringer is None and change.everything:
            bringer = use  # `note` without packages records what a change brings: this is none
        code, message = _reason(change, use, gap, bringer)
        fixed = use if binds_no_note(use.artifact) else bringer
        at = (fixed.lockfile.path, fixed.entry.key) if fixed else ("", "")
        if at not in fixes:
            fixes[at] = vetting_fix(change, fixed, open_uses) if fixed else scope_fix(change)
        yield use_finding(ID, code, use, message, fix=(fixes[at],))


def _bundled(change: Change, use: IntroducedPackage, gap: Gap, fix: tuple[str, ...]) -> Finding:
    """The finding of a bundled package that no note of its tarball lists."""
    carrier = use.subject.carrier
    assert carrier is not None
    upgrade = (("npm-vetted", "init", "--upgrade"),) if change.policy.format < FORMAT else ()
    message = (
        f"new, in the tarball of {carrier.label}, whose note lacks criteria of the policy: "
        f"{', '.join(gap.criteria)}"
        if gap.criteria
        else f"the lockfile says that it is bundled in {carrier.label}, but no note lists it there: if the "
        "tarball lacks it, npm fetches it without comparing a hash"
    )
    words = (use.subject.carried_at, artifact_value(use.artifact), artifact_value(carrier))
    return use_finding(
        ID,
        "bundled",
        use,
        message,
        fix=(*upgrade, fix),
    )._replace(value=" ".join(filter(None, words)))


def _bringers(direct: list[IntroducedPackage]) -> dict[tuple[str, str], IntroducedPackage]:
    """By path and key of an entry: the first unvetted direct dependency that requires it."""
    found: dict[tuple[str, str], IntroducedPackage] = {}
    for use in direct:
        for key in use.lockfile.reach([use.entry.key]):
            found.setdefault((use.lockfile.path, key), use)
    return found


def _reason(
    change: Change, use: IntroducedPackage, gap: Gap, bringer: IntroducedPackage | None
) -> tuple[str, str]:
    """The code and the message of the finding."""
    note = gap.mention.note.path if gap.mention else ""
    match gap.lack:
        case GapReason.CRITERIA:
            return "criteria", f"{note} lacks criteria of the policy: {', '.join(gap.criteria)}"
        case GapReason.CHAIN:
            return (
                "chain",
                f"{note} only reviews the changes since {gap.since}, which is not vetted",
            )
        case GapReason.DIRECT:
            return "promoted", (
                f"now a direct dependency, but {note} covers it only as a transitive one; it needs "
                f"its own note{_with(change, use)}"
            )
        case GapReason.OWN:
            return "own-note", f"{note} only lists it; the policy requires a note of its own"
    return _missing(change, use, bringer)


def _with(change: Change, use: IntroducedPackage) -> str:
    """A phrase with the missing criteria."""
    wanted = change.vetting.demanded(use.subject, None)
    return f" with {', '.join(wanted)}" if wanted else ""


def _missing(
    change: Change, use: IntroducedPackage, bringer: IntroducedPackage | None
) -> tuple[str, str]:
    if bringer is not None and bringer is not use:
        return "brought", f"comes with {bringer.artifact.label}, and no note or exemption covers it"
    if use.arrival is Arrival.PROMOTED:
        return (
            "promoted",
            f"now a direct or production dependency, and no note covers it{_with(change, use)}",
        )
    if change.everything:
        return "no-note", "no note or exemption covers it"
    if use.subject.previous:
        came = ", ".join(use.subject.previous)
        kind = "downgraded" if _is_downgrade(use) else "upgraded"
        return kind, f"{kind} from {came}, and no note covers it"
    if use.arrival is Arrival.CHANGED:
        return "source-changed", "its download source changed, and no note covers the new one"
    return "new", "new, and no note or exemption covers it"


def _is_downgrade(use: IntroducedPackage) -> bool:
    """Whether every version that was locked before is newer; a range is no version."""
    version = use.artifact.version
    if version is None:
        return False
    newer = [newest([each, version]) == each != version for each in use.subject.previous]
    return all(newer)
