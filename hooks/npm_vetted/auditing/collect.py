"""Computes the audit's report from one state of the repository and its history."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote

from npm_vetted import __version__
from npm_vetted.auditing.facts import (
    AuditReport,
    Brought,
    ExceptionFacts,
    Moves,
    NoteFacts,
    PackageFacts,
    ProjectFacts,
)
from npm_vetted.auditing.trail import NOTHING, Trail, is_note, read_trail, token_of
from npm_vetted.checks._runner import found_by_checks, open_change
from npm_vetted.errors import UsageError
from npm_vetted.git.comparison import compare, compare_whole
from npm_vetted.git.history import commits, last_before
from npm_vetted.git.objects import Objects
from npm_vetted.git.repository import Repository
from npm_vetted.git.snapshot import VETTING
from npm_vetted.model import Artifact, Finding, Kind
from npm_vetted.projects.change import Change
from npm_vetted.projects.introduced import IntroducedPackage
from npm_vetted.projects.project_change import ProjectChange, manifests_by_lockfile
from npm_vetted.vetting.exemptions import EXEMPTIONS, Exemption
from npm_vetted.vetting.notes import Mention, Note, NoteError, mentions
from npm_vetted.vetting.policy import CONFIG
from npm_vetted.vetting.resolver import Status, Verdict, has_scripts


class AuditedState(NamedTuple):
    """The audited state: a change from nothing, its commit, and the day from which ages count."""

    change: Change
    commit: str | None
    staged: bool
    date: datetime.datetime


def state_at(repository: Repository, objects: Objects, at: str | None) -> AuditedState:
    """A commit's state; without a commit the index, which equals HEAD if no change is staged."""
    commit = repository.commit(at) if at is not None else repository.head
    staged = at is None and (commit is None or bool(repository.staged(commit)))
    if commit is None or staged:
        now = datetime.datetime.now(datetime.UTC)
        comparison = compare(repository, objects, everything=True)
        return AuditedState(open_change(comparison, now), commit, staged=True, date=now)
    date = commits(repository, {commit})[commit].date
    comparison = compare_whole(repository, objects, commit)
    return AuditedState(open_change(comparison, date), commit, staged=False, date=date)


def commit_since(repository: Repository, state: AuditedState, since: str) -> str | None:
    """The commit that a day or a name means; None: the day is before the first commit."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", since):
        try:
            day = datetime.date.fromisoformat(since)
        except ValueError as error:
            raise UsageError(f"--since {since}: {error}") from None
        return last_before(repository, state.commit, day) if state.commit else None
    return repository.commit(since)


def collect(
    repository: Repository,
    objects: Objects,
    state: AuditedState,
    *,
    since: str | None = None,
    history: bool = True,
) -> AuditReport:
    """The whole report; with ``history`` off, only facts of the state itself.

    Raises UsageError or UndecidedError where the state cannot be read.
    """
    change = state.change
    uses = list(_uses(change))
    tokens = {token for use in uses if (token := _token(use.use)) is not None}
    trail = NOTHING
    if history and state.commit is not None:
        trail = read_trail(repository, objects, state.commit, tokens)
    packages = tuple(_package(change, use, trail) for use in uses)
    notes = list(change.vetting.notes.all())
    exemptions = list(change.vetting.exemptions.all())
    return AuditReport(
        tool=__version__,
        commit=state.commit,
        date=state.date,
        staged=state.staged,
        shallow=repository.shallow,
        complete=history and not repository.shallow,
        policy=_policy(change),
        policy_history=trail.policy,
        projects=tuple(_project(each) for each in change.projects),
        packages=packages,
        notes=tuple(_notes([each for each in notes if isinstance(each, Note)], packages, trail)),
        broken_notes=tuple(
            (each.path or "", each.message) for each in notes if isinstance(each, NoteError)
        ),
        exempt_now=len(exemptions),
        exemptions_since=next((each.date for each in trail.progress if each.exempt), None),
        progress=trail.progress,
        exceptions=tuple(_exceptions(change, state.date.date(), packages)),
        since=None if since is None else _moves(repository, objects, state, since),
        signers=trail.signers,
    )


class _Use(NamedTuple):
    use: IntroducedPackage
    shipped: bool
    verdict: Verdict
    bundled_with: IntroducedPackage | None


def _uses(change: Change) -> Iterator[_Use]:
    for project in change.projects:
        shipped = _shipped(project)
        by_artifact = {use.artifact: use for use in project.uses}
        for use in sorted(project.uses, key=lambda each: (each.location.path, each.entry.line)):
            carrier = use.subject.carrier
            yield _Use(
                use,
                use.artifact.label in shipped[use.lockfile.path],
                change.vetting.best_evidence(use.subject),
                by_artifact.get(carrier) if carrier else None,
            )


def _shipped(project: ProjectChange) -> dict[str, set[str]]:
    """The labels of artifacts that production installs, by lockfile."""
    found: dict[str, set[str]] = {}
    for lockfile in project.lockfiles:
        keys = lockfile.production(manifests_by_lockfile(project.after, lockfile))
        found[lockfile.path] = {
            artifact.label for key in keys if (artifact := lockfile.artifact(key)) is not None
        }
    return found


def _token(use: IntroducedPackage) -> str | None:
    """The text that identifies an entry in lines of history; for a bundled one, its carrier's."""
    entry = use.entry
    if use.subject.carrier is not None and entry.bundled_by is not None:
        entry = use.lockfile.entry(entry.bundled_by)
    return token_of(use.lockfile.hash_text(entry)) or token_of(
        entry.artifact.resolved if entry.artifact else None
    )


def _project(project: ProjectChange) -> ProjectFacts:
    after = project.after
    return ProjectFacts(
        after.path or ".", after.client, after.lockfiles[0] if after.lockfiles else None
    )


def _package(change: Change, found: _Use, trail: Trail) -> PackageFacts:
    use, verdict = found.use, found.verdict
    artifact, mention = use.artifact, verdict.mention if verdict.covered else None
    scripts = artifact.scripts
    if scripts is None and verdict.mention is not None:
        scripts = True if has_scripts(artifact, verdict.mention) else None
    note = mention.note if mention else None
    token = _token(use)
    entered = trail.entered.get(token) if token else None
    brought = trail.notes.get(note.path) if note else None
    squashed, same = _compared(entered, brought)
    exempt = verdict.exemption is None and change.vetting.exemption(artifact)[0] is not None
    return PackageFacts(
        project=use.project.path or ".",
        artifact=artifact,
        purl=purl_of(artifact),
        source=artifact.kind.value if artifact.kind is not Kind.OTHER else "tarball",
        resolved=use.lockfile.source_text(use.entry),
        integrity=use.lockfile.hash_text(use.entry),
        line=use.location.line,
        direct=use.direct,
        development=not found.shipped and not artifact.environment,
        scripts=scripts,
        status=verdict.status.value,
        also_exempt=exempt and verdict.status is not Status.FIRST_PARTY,
        criteria=note.criteria if note else (),
        note=_note_path(verdict),
        vetted_by=note.vetted_by if note else None,
        vetted_on=note.vetted_on if note else None,
        entered=entered,
        same_person=same,
        squashed=squashed,
        requires=tuple(sorted(_requires(use))),
    )


def _requires(use: IntroducedPackage) -> set[str]:
    found = {
        purl_of(artifact)
        for key in use.lockfile.children(use.entry.key)
        if (artifact := use.lockfile.artifact(key)) is not None
    }
    return {each for each in found if each is not None}


def _note_path(verdict: Verdict) -> str | None:
    if not verdict.covered:
        return None
    if verdict.exemption is not None:
        return EXEMPTIONS
    return verdict.mention.note.path if verdict.mention else None


def _compared(entered: Brought | None, noted: Brought | None) -> tuple[bool, bool | None]:
    """Whether a dependency and its note came in one commit, and whether one person wrote both."""
    if entered is None or noted is None:
        return False, None
    if entered.authored.id == noted.authored.id and noted.squashed:
        return True, True
    return False, _address(entered.authored.author) == _address(noted.authored.author)


def _address(author: str) -> str:
    """An author's address, by which people are told apart; the name, where there is none."""
    name, _, email = author.rpartition(" <")
    return email.removesuffix(">").strip().lower() or name.lower()


def purl_of(artifact: Artifact) -> str | None:
    """The package URL (purl-spec, type npm); None where a version is missing and nothing pins a source."""
    scope, slash, name = artifact.name.rpartition("/")
    place = f"{quote(scope, safe='')}/{quote(name, safe='')}" if slash else quote(name, safe="")
    version = f"@{quote(artifact.version, safe='')}" if artifact.version else ""
    qualifier = ""
    if artifact.kind is not Kind.REGISTRY and artifact.resolved:
        key = "vcs_url" if artifact.kind is Kind.GIT else "download_url"
        qualifier = f"?{key}={quote(artifact.resolved, safe='')}"
    if not version and not qualifier:
        return None
    return f"pkg:npm/{place}{version}{qualifier}"


def _notes(
    notes: list[Note], packages: Iterable[PackageFacts], trail: Trail
) -> Iterator[NoteFacts]:
    covers = Counter(each.note for each in packages if each.note is not None)
    used = _used(notes, packages, covers)
    for note in notes:
        yield NoteFacts(
            path=note.path,
            label=note.label,
            vetted_by=note.vetted_by,
            vetted_on=note.vetted_on,
            criteria=note.criteria,
            since=note.since,
            waiver=note.cooldown_waiver,
            why=note.why,
            covers=covers[note.path],
            used=note.path in used,
            brought=trail.notes.get(note.path),
            changed=trail.changed.get(note.path),
        )


def _used(notes: list[Note], packages: Iterable[PackageFacts], covers: Counter[str]) -> set[str]:
    """The notes that cover something, are of a locked version, or that a ``from`` of these needs."""
    locked = {(each.artifact.name, each.artifact.version) for each in packages}
    by_version: dict[tuple[str, str | None], list[Note]] = {}
    for note in notes:
        for name, version, _ in mentions(note):
            by_version.setdefault((name, version), []).append(note)
    used: set[str] = set()
    waiting = [
        note
        for note in notes
        if covers[note.path] or (note.package, note.version) in locked
    ]  # fmt: skip
    while waiting:
        note = waiting.pop()
        if note.path in used:
            continue
        used.add(note.path)
        for name, _, mention in mentions(note):
            since = mention.listed.since if mention.listed else note.since
            if since is not None:
                waiting.extend(by_version.get((name, since), ()))
    return used


def _exceptions(
    change: Change, day: datetime.date, packages: Iterable[PackageFacts]
) -> Iterator[ExceptionFacts]:
    """Every exception that the policy makes, and whether anything needs it still."""
    findings = list(dict.fromkeys(found_by_checks(change)[0]))
    yield from _ignores(change, day, findings)
    yield from _exempt_cooldowns(change, day, packages)
    left = Counter(each.fingerprint for each in findings if each.acceptable)
    for line in change.baseline.lines:
        state = "active" if left[line.fingerprint] > 0 else "unused"
        left[line.fingerprint] -= 1
        yield ExceptionFacts(
            "baseline", f"{line.check}/{line.code}", line.path, line.key, line.reason, None, state
        )
    covering = {each.note for each in packages}
    for note in change.vetting.notes.all():
        if isinstance(note, Note):
            yield from _waivers(note, used=note.path in covering)
    for excluded in change.policy.exclude:
        yield ExceptionFacts("exclude", "", excluded.path, "", excluded.reason, None, "active")


def _ignores(
    change: Change, day: datetime.date, findings: Iterable[Finding]
) -> Iterator[ExceptionFacts]:
    for each in change.policy.ignore:
        applied = any(each.applies(finding) for finding in findings) or _lockless(change, each.path)
        expired = each.until is not None and each.until < day
        yield ExceptionFacts(
            kind="ignore",
            check=f"{each.check}/{each.code}" if each.code else each.check,
            path=each.path,
            about=each.key or each.package or "",
            reason=each.reason,
            until=each.until,
            state="expired" if expired else "active" if applied else "unused",
        )


def _exempt_cooldowns(
    change: Change, day: datetime.date, packages: Iterable[PackageFacts]
) -> Iterator[ExceptionFacts]:
    names = {each.artifact.name for each in packages}
    for each in change.policy.cooldown_exempt:
        state = "active" if any(map(each.covers, names)) else "unused"
        yield ExceptionFacts(
            kind="cooldown-exempt", check="cooldown", path=CONFIG, about=", ".join(each.packages),
            reason=each.reason, until=each.until, state="expired" if each.until < day else state,
        )  # fmt: skip


def _lockless(change: Change, path: str) -> bool:
    """Whether an exception makes npm-vetted judge a manifest's specifiers: no finding shows that."""
    return any(
        change.rules.judges_specifiers(project.after) and project.after.manifest.path == path
        for project in change.projects
    )


def _waivers(note: Note, *, used: bool) -> Iterator[ExceptionFacts]:
    waived = {note.label: note.cooldown_waiver} | {
        f"{each.name}@{each.version}": each.cooldown_waiver
        for each in (*note.brings, *note.accepts)
    }
    for label, reason in waived.items():
        if reason:
            state = "active" if used else "unused"
            yield ExceptionFacts("waiver", "cooldown", note.path, label, reason, None, state)


def _moves(repository: Repository, objects: Objects, state: AuditedState, since: str) -> Moves:
    """Additions to and removals from the lockfiles, the notes and the exemptions."""
    start = commit_since(repository, state, since)
    now, lines, notes = _contents(state.change)
    before: tuple[set[tuple[str, str]], frozenset[str], set[str]] = (set(), frozenset(), set())
    if start is not None:
        before = _contents(_earlier(repository, objects, state, start))
    then, old_lines, old_notes = before
    return Moves(
        commit=start,
        entered=tuple(sorted(now - then)),
        left=tuple(sorted(then - now)),
        notes_added=len(notes - old_notes),
        notes_removed=len(old_notes - notes),
        exemptions_added=len(lines - old_lines),
        exemptions_removed=len(old_lines - lines),
    )


def _earlier(repository: Repository, objects: Objects, state: AuditedState, start: str) -> Change:
    """An earlier state, without what is excluded today: the same projects are compared."""
    opened = open_change(compare_whole(repository, objects, start), state.date)
    excluded = (*opened.policy.exclude, *state.change.policy.exclude)
    return Change(
        comparison=opened.comparison,
        policy=opened.policy._replace(exclude=excluded),
        vetting=opened.vetting,
        earlier_vettings=opened.earlier_vettings,
        today=state.date,
    )


def _contents(change: Change) -> tuple[set[tuple[str, str]], frozenset[str], set[str]]:
    packages = {(use.project.path or ".", use.artifact.label) for use in change.uses()}
    notes = {path for path in change.after.below(VETTING) if is_note(path)}
    return packages, change.vetting.exemptions.lines(), notes


def _policy(change: Change) -> dict[str, object]:
    policy = change.policy
    return {
        "adopted": policy.adopted,
        "format": policy.format,
        "policy": plain(policy.demands),
        "development": plain(policy.development),
        "registries": list(policy.registries.urls),
        "first-party": plain(policy.first_party),
        "deny": plain(policy.deny),
    }


def plain(value: object) -> object:
    """A value of the policy as JSON has it, with the keys of config.toml."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key.replace("_", "-"): plain(each) for key, each in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        return [plain(each) for each in value]
    if value is None or isinstance(value, (str, int, bool)):
        return value
    return str(value)


class PackageRecord(NamedTuple):
    """One package's record: a note's words or an exemption, and the commit that added it."""

    what: Mention | Exemption
    brought: Brought | None


def said_of(
    repository: Repository, objects: Objects, state: AuditedState, name: str, version: str | None
) -> list[PackageRecord]:
    """Everything that notes and exemptions say of a package, or of one version of it."""
    change = state.change
    found: list[Mention | Exemption] = [
        mention
        for note in change.vetting.notes.all()
        if isinstance(note, Note)
        for named, at, mention in mentions(note)
        if named == name and version in (None, at)
    ]
    exemptions = change.vetting.exemptions.of(name, version)
    trail = NOTHING
    if state.commit is not None and (found or exemptions):
        lines = [str(each) for each in exemptions]
        trail = read_trail(repository, objects, state.commit, (), lines)
    return [
        *(
            PackageRecord(each, trail.notes.get(each.note.path))
            for each in found
            if isinstance(each, Mention)
        ),
        *(PackageRecord(each, trail.exemptions.get(str(each))) for each in exemptions),
    ]
