"""Judges a change: chooses the policy in force, runs the checks, and collects their findings.

1. ``open_change`` chooses the policy, exemptions, baseline and notes: those before the change, except in the
   commit that adopts.
2. ``found_by_checks`` runs the checks. An error of a file that cannot be read becomes an undecided finding.
3. ``_kept`` drops the findings that the policy's ``[[ignore]]`` entries and the baseline accept.
4. The findings are sorted, and ``CheckResult.status`` is computed from the rest.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from npm_vetted.checks import checks
from npm_vetted.checks._relock import repair_of
from npm_vetted.errors import NpmVettedError, UndecidedError, UsageError
from npm_vetted.formats.document import hint
from npm_vetted.git.comparison import Comparison, earlier_states
from npm_vetted.git.snapshot import Snapshot
from npm_vetted.model import Finding, Level, Location
from npm_vetted.projects.change import Change
from npm_vetted.vetting.baseline import BASELINE, Baseline, unaccepted
from npm_vetted.vetting.exemptions import EXEMPTIONS, Exemptions
from npm_vetted.vetting.note_store import NoteStore
from npm_vetted.vetting.policy import CONFIG, FORMAT, Policy, read_policy
from npm_vetted.vetting.policy_diff import POLICY_FILES, adopted
from npm_vetted.vetting.resolver import Vetting

UNDECIDED = "undecided"
_LONGEST_EXEMPTION: Final = datetime.timedelta(days=366)


class CheckResult(NamedTuple):
    """The findings of all checks and counts of the files they read. ``status`` is the exit status."""

    findings: tuple[Finding, ...]
    projects: int
    artifacts: int
    notes: int
    statuses: frozenset[int] = frozenset()
    """The exit statuses of the files that could not be judged."""
    worktree: CheckResult | None = None
    """The result for the working tree, if a person runs ``check`` and nothing is staged."""


def policy_of(snapshot: Snapshot) -> Policy:
    """The policy of a state; raises UsageError if config.toml is malformed."""
    policy = read_policy(snapshot.read(CONFIG), adopted=adopted(snapshot))
    latest = datetime.datetime.now(datetime.UTC).date() + _LONGEST_EXEMPTION
    for exempt in policy.cooldown_exempt:
        if exempt.until > latest:
            raise UsageError(
                f"cooldown-exempt: until = {exempt.until} is more than a year from now",
                path=CONFIG,
                line=exempt.line,
                fix=f"until = {latest}, or earlier",
            )
    for ignore in policy.ignore:
        if ignore.check not in checks():
            raise UsageError(
                f"unknown check {ignore.check!r}{hint(ignore.check, checks())}",
                path=CONFIG,
                line=ignore.line,
            )
    return policy


def open_change(
    comparison: Comparison,
    today: datetime.datetime | None = None,
    *,
    left_out: Collection[str] = (),
) -> Change:
    """Choose the policy, exemptions, baseline and notes. ``left_out`` are folders that are not judged.

    - The policy is the one before the change, except in the commit that adopts.
    - The policy after the change must be readable too, because it judges the next change.
    - If the policy before cannot be read and the change only changes the policy, the last readable policy
      of the history judges the change. Otherwise no change could repair the policy.

    Raises UsageError if a policy is malformed; a file that cannot be read at all is reported before that.
    """
    now = today or datetime.datetime.now(datetime.UTC)
    try:
        return _ruled_change(comparison, now, left_out)
    except UsageError as wrong:
        repaired = _repaired(comparison)
        if repaired is not None:
            return _ruled_change(repaired, now, left_out)
        unread = _unread(comparison, now)
        if unread is None:
            raise
        unread.besides = (wrong,)
        raise unread from None


def _repaired(comparison: Comparison) -> Comparison | None:
    """The same change compared with the last state that had a readable policy; None: it is no repair."""
    source = comparison.policy_source
    alone = all(path in POLICY_FILES for path in comparison.touched)
    if comparison.everything or len(comparison.parents) > 1 or not alone or _has_policy(source):
        return None
    if not _has_policy(comparison.after):
        return None
    for state in earlier_states(source, POLICY_FILES):
        if adopted(state) and _has_policy(state):
            return comparison._replace(parents=(state,), policy_source=state)
    return None


def _has_policy(state: Snapshot) -> bool:
    """Whether the policy of a state can be read, with its exemptions and its baseline."""
    try:
        _baseline(policy_of(state), state, state)
        list(Exemptions.read(state.read(EXEMPTIONS)).all())
    except UsageError:
        return False
    return True


def _unread(comparison: Comparison, today: datetime.datetime) -> UndecidedError | None:
    """The files of a change that cannot be read under any policy."""
    policy = Policy()
    notes = NoteStore(comparison.after, policy.criteria)
    change = Change(
        comparison=comparison,
        policy=policy,
        vetting=Vetting(policy, Exemptions(""), notes),
        earlier_vettings=(),
        today=today,
    )
    try:
        sum(len(project.uses) for project in change.projects)
    except UndecidedError as error:
        return error
    return None


def _ruled_change(
    comparison: Comparison, today: datetime.datetime, left_out: Collection[str]
) -> Change:
    after = policy_of(comparison.after)
    policy_source = comparison.policy_source
    first = not adopted(policy_source)
    policy = after if first else policy_of(policy_source)
    ruling = comparison.after if first else policy_source
    exemptions = _exemptions(comparison, ruling)
    untouched = EXEMPTIONS not in comparison.touched

    def was_locked(name: str) -> bool:
        return change.was_locked(name)

    change = Change(
        baseline=_baseline(policy, ruling, comparison.after),
        comparison=comparison,
        policy=policy,
        vetting=Vetting(
            policy,
            exemptions,
            NoteStore(comparison.after, after.criteria),
            _committed_notes(comparison, after),
            was_locked,
        ),
        earlier_vettings=tuple(
            Vetting(
                policy,
                exemptions
                if untouched and each.entry(EXEMPTIONS) == ruling.entry(EXEMPTIONS)
                else Exemptions.read(each.read(EXEMPTIONS)),
                NoteStore(each, policy.criteria),
                NoteStore(each, policy.criteria),
                was_locked,
            )
            for each in comparison.parents
        ),
        today=today,
        left_out=left_out,
    )
    return change


def _committed_notes(comparison: Comparison, policy: Policy) -> NoteStore:
    """The notes that are older than the change; with ``--all`` every note is."""
    state = comparison.after if comparison.everything else comparison.before
    return NoteStore(state, policy.criteria)


def _baseline(policy: Policy, ruling: Snapshot, after: Snapshot) -> Baseline:
    """The accepted findings of the state whose policy judges; the state after must be readable too."""
    if after is not ruling:
        Baseline.read(after.read(BASELINE))
    data = ruling.read(BASELINE)
    if data is not None and policy.format < 2:
        raise UsageError(
            "a baseline needs format = 2 in .vetting/config.toml",
            path=CONFIG,
            fix="npm-vetted init --upgrade",
        )
    return Baseline.read(data)


def _exemptions(comparison: Comparison, policy_source: Snapshot) -> Exemptions:
    """The exemptions of the state whose policy judges, without those that the change removes."""
    found = Exemptions.read(policy_source.read(EXEMPTIONS))
    if policy_source is comparison.after or EXEMPTIONS not in comparison.touched:
        return found
    before = Exemptions.read(comparison.before.read(EXEMPTIONS)).lines()
    gone = before - Exemptions.read(comparison.after.read(EXEMPTIONS)).lines()
    kept = sorted(found.lines() - gone)
    return Exemptions("".join(f"{line}\n" for line in kept))


def found_by_checks(
    change: Change, wanted: Collection[str] | None = None
) -> tuple[list[Finding], set[int]]:
    """All findings, accepted or not, and the exit statuses of files that cannot be judged."""
    found: list[Finding] = []
    statuses: set[int] = set()
    for identifier, check in checks().items():
        if wanted is not None and identifier not in wanted:
            continue
        try:
            found.extend(check.run(change))
        except NpmVettedError as error:
            statuses.add(error.status)
            found.append(undecided(error)._replace(fix=repair_of(change, error)))
    for unread in change.projects_after.unreadable.values():
        statuses.add(unread.status)
        found.append(undecided(unread))
    return found, statuses


def run_checks(change: Change, wanted: Collection[str] | None = None) -> CheckResult:
    """Run the checks (all of them, or those that are wanted) over a change."""
    found, statuses = found_by_checks(change, wanted)
    if change.everything and not statuses:
        found.extend(_unused_ignores(found, change, wanted))
    kept = sorted({_repairable(each, change) for each in _kept(found, change)}, key=_order)
    projects, artifacts = _looked_at(change)
    return CheckResult(
        findings=tuple(kept),
        projects=projects,
        artifacts=artifacts,
        notes=change.vetting.notes.opened,
        statuses=frozenset(statuses),
    )


def _repairable(finding: Finding, change: Change) -> Finding:
    """The finding, without ``accept`` among its fixes in format 1, which has no baseline.txt."""
    accepts = [
        at for at, command in enumerate(finding.fix) if command[:2] == ("npm-vetted", "accept")
    ]
    if not accepts or change.policy.format >= FORMAT or not change.policy.adopted:
        return finding
    upgrade = ("npm-vetted", "init", "--upgrade")
    fix = finding.fix
    return finding._replace(fix=(*fix[: accepts[0]], upgrade, *fix[accepts[0] :]))


def _unused_ignores(
    found: list[Finding], change: Change, wanted: Collection[str] | None
) -> Iterator[Finding]:
    """Warnings about ``[[ignore]]`` entries that match nothing: they would accept a later, unknown finding."""
    for each in change.policy.ignore:
        judged = wanted is None or each.check in wanted
        if judged and not any(each.applies(finding) for finding in found):
            yield Finding(
                check="policy",
                level=Level.WARNING,
                message=f"[[ignore]] {each.check} {each.path}: it matches no finding; remove it",
                location=Location(CONFIG, each.line),
                code="ignore-unused",
                key=f"{each.check} {each.path}",
                acceptable=False,
            )


def _looked_at(change: Change) -> tuple[int, int]:
    """How many projects and artifacts were judged; unreadable ones do not count."""
    projects = artifacts = 0
    try:
        for project in change.projects:
            projects += 1
            artifacts += len(project.uses)
    except NpmVettedError:
        return projects, artifacts
    return projects, artifacts


def undecided(error: NpmVettedError) -> Finding:
    """Make a finding of a file that could not be read or decided: it never counts as accepted."""
    return Finding(
        check=UNDECIDED,
        message=error.message + (f" ({error.fix})" if error.fix else ""),
        location=Location(error.path or ".", error.line),
        code=UNDECIDED,
        key=error.path or ".",
        acceptable=False,
    )


def _kept(found: list[Finding], change: Change) -> Iterator[Finding]:
    """The findings without those that ``[[ignore]]`` entries or the baseline accept."""
    today = change.today.date()
    decided = [each for each in found if each.check != UNDECIDED]
    yield from (each for each in found if each.check == UNDECIDED)
    for finding in unaccepted(sorted(set(decided), key=_order), change.baseline):
        if change.policy.accepts(finding, today):
            continue
        ended = [
            each.until for each in change.policy.ignore if each.until and each.applies(finding)
        ]
        suffix = f" (its exception ended on {max(ended)})" if ended else ""
        level = Level.WARNING if _is_newer(finding, change) else finding.level
        yield finding._replace(message=finding.message + suffix, level=level)


_NEWER: Final = frozenset({
    ("client-settings", code)
    for code in ("unknown-setting", "unverified-value", "proxy", "authority", "cache-in-repository",
                 "other-settings")
} | {("unvetted", "package-manager"), ("policy", "guard-removed")})  # fmt: skip
"""Codes that 0.1.0 did not have, or had as warnings."""


def _is_newer(finding: Finding, change: Change) -> bool:
    """Whether a repository of format 1 only gets a warning: the change does not alter the finding.

    ``npm-vetted init --upgrade`` brings the repository to the present format.
    """
    if not change.policy.adopted or change.policy.format > 1:
        return False
    untouched = change.everything or finding.location.path not in change.touched
    return untouched and (finding.check, finding.code) in _NEWER


def _order(finding: Finding) -> tuple[object, ...]:
    levels = list(Level)
    return (
        finding.project or "",
        finding.location.path,
        finding.package or "",
        finding.version or "",
        finding.location.line,
        finding.check,
        levels.index(finding.level),
        finding.message,
    )
