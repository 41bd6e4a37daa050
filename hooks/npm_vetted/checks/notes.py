"""Notes that are malformed, misplaced, broken in their chain or removed while needed; denied packages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from npm_vetted.checks import Explanation, use_finding
from npm_vetted.checks._fixes import left_out_first
from npm_vetted.checks._routine import routine_findings
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.document import hint
from npm_vetted.git.snapshot import VETTING
from npm_vetted.model import Artifact, BundledPackage, Finding, Location, Project
from npm_vetted.projects.change import Change
from npm_vetted.projects.introduced import IntroducedPackage
from npm_vetted.projects.project_change import manifests_by_lockfile, project_lockfile
from npm_vetted.projects.unlocked import specifier_lists
from npm_vetted.vetting.baseline import BASELINE
from npm_vetted.vetting.exemptions import EXEMPTIONS, Exemptions
from npm_vetted.vetting.note_paths import belongs_at, stem_of
from npm_vetted.vetting.notes import DOCUMENTS, FOLDERS, Mention, Note, NoteError, mentions
from npm_vetted.vetting.pins import Match
from npm_vetted.vetting.policy import CONFIG, Demands, Deny
from npm_vetted.vetting.resolver import Verdict, Vetting, VettingRequest
from npm_vetted.vetting.routine import ROUTINE

if TYPE_CHECKING:
    from npm_vetted.git.snapshot import Snapshot

ID: Final = "notes"
HOOKS: Final = frozenset({"notes"})
CODES: Final = {
    "malformed": "A note that cannot be read.",
    "misplaced": "A note at a path that is not its own.",
    "chain": "A note of an upgrade from a version that is not vetted itself.",
    "rewritten": "A note that was edited to cover more than when it was committed.",
    "removed-while-needed": "A note or exemption that is removed while a lockfile needs it.",
    "unknown-file": "A file in .vetting/ that nothing reads.",
    "denied": "A package that the policy denies.",
    "evidence-differs": "A note whose facts are not those of the registry (check --online).",
    "routine": "A routine note that does not have what one must have.",
}
EXPLANATION: Final = Explanation(
    what=(
        "Notes that are malformed, are in the wrong place, start from a version that is not "
        "vetted, or are removed while a lockfile needs them; packages that the policy denies."
    ),
    why=(
        "A note that is unreadable, moved or widened by hand is no evidence. A note "
        "that is deleted leaves its package without any. A [[deny]] entry is for what is known to "
        "be bad: flatmap-stream is never vetted."
    ),
    before='# .vetting/notes/express/4.19.2.toml\ncriteria = ["helth"]',
    after='# .vetting/notes/express/4.19.2.toml\ncriteria = ["health"]',
    satisfy="Correct the line that the finding names, or write the note again with `npm-vetted note`.",
    exception="None for a denied package but a change of policy, committed on its own.",
)


def run(change: Change) -> Iterator[Finding]:
    """Judge the notes that the commit touches, notes that it removes, and packages that the policy denies."""
    paths = sorted(
        path
        for path, touched in change.touched.items()
        if path.startswith(FOLDERS) and touched.after is not None
    )
    for path in paths:
        yield from _of_file(change, path)
    yield from _unknown(change)
    yield from _gone(change)
    denied = (finding for use in change.uses() for finding in _denied(change, use))
    yield from left_out_first(change, denied, ("denied",))
    yield from _locked_and_denied(change)
    yield from _carried_and_denied(change)


def _unknown(change: Change) -> Iterator[Finding]:
    """Files in ``.vetting/`` that npm-vetted does not read, such as a policy under a mistyped name."""
    known = {CONFIG, EXEMPTIONS, BASELINE, *(VETTING + name for name in DOCUMENTS)}
    for path, touched in sorted(change.touched.items()):
        ours = path.startswith(VETTING) and not path.startswith(FOLDERS)
        if ours and touched.after is not None and path not in known:
            near = hint(path, sorted({CONFIG, EXEMPTIONS, BASELINE, *FOLDERS}))
            yield Finding(
                check=ID,
                message=f"an unknown file: nothing reads it{near}",
                location=Location(path),
                fix=(("git", "rm", "--cached", path),),
                code="unknown-file",
                key=path,
                acceptable=False,
            )


def _of_file(change: Change, path: str) -> Iterator[Finding]:
    name = path.rpartition("/")[2]
    if name in DOCUMENTS:
        return
    if not name.endswith(".toml"):
        yield Finding(
            check=ID,
            message=f"not a note: expected NAME.toml (or {', '.join(sorted(DOCUMENTS))})",
            location=Location(path),
            fix=(("git", "rm", "--cached", path),),
            code="unknown-file",
            key=path,
            acceptable=False,
        )
        return
    note = change.vetting.notes.read(path)
    if isinstance(note, NoteError):
        yield Finding(
            check=ID, message=note.message, location=Location(path, note.line),
            code="routine" if path.startswith(ROUTINE) else "malformed", key=path, acceptable=False,
        )  # fmt: skip
    elif note is not None:
        yield from _of_note(change, note)


def _of_note(change: Change, note: Note) -> Iterator[Finding]:
    if not belongs_at(note):
        stem = stem_of(note)
        yield Finding(
            check=ID,
            message=f"misplaced: a note of {note.label} belongs at {stem}.toml",
            location=Location(note.path),
            package=note.package,
            version=note.version,
            fix=(
                ("mkdir", "-p", stem.rpartition("/")[0]),
                ("git", "mv", note.path, f"{stem}.toml"),
            ),
            code="misplaced",
            key=note.path,
            acceptable=False,
        )
        return
    yield from _widened(change, note)
    if note.routine:
        yield from routine_findings(change, note)
    for name, version, mention in mentions(note):
        since = mention.listed.since if mention.listed else note.since
        demands = change.policy.demands
        if since is not None and not change.vetting.chained(name, since, demands):
            yield Finding(
                check=ID,
                message=f"this note only reviews the changes since {since}, and {since} itself is "
                "not vetted",
                code="chain",
                key=f"{name}@{version}",
                acceptable=False,
                location=mention.location,
                package=name,
                version=version,
                fix=(_note_of_start(demands, f"{name}@{since}"),),
            )


def _note_of_start(demands: Demands, label: str) -> tuple[str, ...]:
    named = ("--criteria", ",".join(demands.new)) if demands.new else ()
    return ("npm-vetted", "note", label, *named)


def _widened(change: Change, note: Note) -> Iterator[Finding]:
    """The finding if an edit of a committed note makes it cover more than its author wrote."""
    earlier = change.earlier_vetting.notes.read(note.path)
    if change.everything or not isinstance(earlier, Note):
        return
    said = {
        (name, version, each.pinned, each.accepted) for name, version, each in mentions(earlier)
    }
    contents = {
        (name, version, each.bundles, each.shrinkwrap) for name, version, each in mentions(earlier)
    }
    for name, version, mention in mentions(note):
        carries = mention.bundles or mention.shrinkwrap is not None
        carried = (name, version, mention.bundles, mention.shrinkwrap)
        if (name, version, mention.pinned, mention.accepted) not in said:
            yield _rewritten(note, mention.location, f"it did not cover {name}@{version}")
        elif (carries and carried not in contents) or _lost_scripts(earlier, mention):
            what = f"it did not say this of the contents of {name}@{version}"
            yield _rewritten(note, mention.location, what)
    more = sorted(note.grants - earlier.grants)
    if more:
        yield _rewritten(note, Location(note.path), f"it did not name {', '.join(more)}")
    if (note.vetted_by, note.since) != (earlier.vetted_by, earlier.since):
        yield _rewritten(note, Location(note.path), "`vetted-by` or `from` was changed")


def _lost_scripts(earlier: Note, mention: Mention) -> bool:
    """Whether the earlier note recorded lifecycle scripts that this mention does not."""
    about = mention.listed.name if mention.listed else mention.note.package
    known = {
        script
        for name, _, each in mentions(earlier)
        if name == about
        for script in (each.listed.scripts if each.listed else each.note.scripts) or ()
    }
    return bool(
        known - set((mention.listed.scripts if mention.listed else mention.note.scripts) or ())
    )


def _rewritten(note: Note, location: Location, what: str) -> Finding:
    return Finding(
        check=ID,
        message=f"this note was edited to cover more than before ({what}); record a new review as a "
        "new note",
        code="rewritten",
        key=note.path,
        acceptable=False,
        location=location,
        package=note.package,
        version=note.version,
        fix=(("git", "restore", "--source=HEAD", "--staged", "--worktree", note.path),),
    )


def _gone(change: Change) -> Iterator[Finding]:
    """Findings of unchanged artifacts that were covered before, and are not any more: a note was removed."""
    earlier = [
        (vetting, names)
        for parent, vetting in zip(change.comparison.parents, change.earlier_vettings, strict=True)
        if (names := _names_that_lost_words(change, parent, vetting))
    ]
    if not earlier:
        return
    judged = {(use.project.path, use.artifact) for use in change.uses()}
    for project in change.projects_after.all():
        for location, subject in _locked(change, project, set().union(*(n for _, n in earlier))):
            if (project.path, subject.artifact) in judged:
                continue
            if change.vetting.decide(subject).covered:
                continue
            verdicts = (each.decide(subject) for each, _ in earlier)
            before = next((each for each in verdicts if each.covered), None)
            if before is not None:
                yield _gone_finding(project, location, subject.artifact, before)


def _names_that_lost_words(change: Change, parent: Snapshot, vetting: Vetting) -> set[str]:
    """The packages in notes and exemptions that the change removes or edits."""
    names: set[str] = set()
    for path, touched in parent.changes.items():
        if path.startswith(FOLDERS) and touched.before is not None:
            note = vetting.notes.read(path)
            if isinstance(note, Note):
                names.update(name for name, _, _ in mentions(note))
    if EXEMPTIONS in parent.changes:
        after = Exemptions.read(change.after.read(EXEMPTIONS)).lines()
        names.update(each.name for each in vetting.exemptions.all() if str(each) not in after)
    return names


def _readable(change: Change, project: Project) -> Iterator[Lockfile]:
    if change.rules.judges_specifiers(project):
        yield from specifier_lists(project)
    for path in project.lockfiles:
        # One that cannot be read is not what this commit is about; it is judged when it is touched.
        with suppress(NpmVettedError):
            yield project_lockfile(project, path)


def _locked(
    change: Change, project: Project, names: set[str]
) -> Iterator[tuple[Location, VettingRequest]]:
    for lockfile in _readable(change, project):
        direct = lockfile.direct(manifests_by_lockfile(project, lockfile))
        for key in lockfile.blocks:
            entry = lockfile.entry(key)
            if entry.artifact is not None and entry.artifact.name in names and not entry.bundled_by:
                subject = VettingRequest(
                    artifact=entry.artifact, direct=key in direct, development=False
                )
                yield Location(lockfile.path, entry.line), subject


def _gone_finding(
    project: Project, location: Location, artifact: Artifact, before: Verdict
) -> Finding:
    gone = before.mention.note.path if before.mention else EXEMPTIONS
    return Finding(
        check=ID,
        message=f"this commit removes {gone}, but the lockfile still contains the package it covers",
        code="removed-while-needed",
        key=artifact.label,
        acceptable=False,
        location=location,
        project=project.path or ".",
        package=artifact.name,
        version=artifact.version,
        fix=(("git", "restore", "--source=HEAD", "--staged", "--worktree", gone),),
    )


def _denied(change: Change, use: IntroducedPackage) -> Iterator[Finding]:
    deny = change.policy.denies(use.artifact.name, use.artifact.version)
    if deny is not None:
        yield use_finding(
            ID, "denied", use, f"the policy denies it: {deny.reason}", fix=_remove(use)
        )._replace(acceptable=False)


def _locked_and_denied(change: Change) -> Iterator[Finding]:
    """Denied versions that a touched project has locked already, whichever commit brought them."""
    judged = {(use.lockfile.path, use.entry.key) for use in change.uses()}
    for project in change.projects if change.policy.deny else ():
        names = {each.package for each in change.policy.deny}
        for lockfile in project.lockfiles:
            for key, artifact, deny in _denied_entries(change, lockfile, names):
                if (lockfile.path, key) not in judged:
                    where = Location(lockfile.path, lockfile.entry(key).line)
                    yield _denied_finding(project.after, where, deny, artifact, artifact.label)


def _carried_and_denied(change: Change) -> Iterator[Finding]:
    """Denied versions inside tarballs of a touched project's packages, as the notes list them."""
    if not change.policy.deny:
        return
    names = {each.package.removesuffix("*") for each in change.policy.deny}
    carriers = change.vetting.notes.carrying(names)
    wanted = {name for name, _, _ in carriers}
    for project in change.projects if carriers else ():
        for lockfile in project.lockfiles:
            locked = {(each.name, each.version): each for each in lockfile.named(wanted)}
            for name, version, mention in carriers:
                artifact = locked.get((name, version))
                if artifact is None or mention.pinned.compare(artifact) is Match.DIFFERENT:
                    continue
                for one in (*mention.bundles, *(mention.shrinkwrap or ())):
                    deny = change.policy.denies(one.name, one.version)
                    if deny is not None and not any(
                        each.bundled and each.version == one.version
                        for each in lockfile.named({one.name})
                    ):
                        words = f", and the tarball of {artifact.label} carries it"
                        where = Location(lockfile.path)
                        key = f"{one.name}@{one.version}"
                        found = _denied_finding(project.after, where, deny, one, key, words)
                        yield found._replace(value=artifact.label)


def _denied_entries(
    change: Change, lockfile: Lockfile, names: set[str]
) -> Iterator[tuple[str, Artifact, Deny]]:
    scopes = any(name.endswith("/*") for name in names)
    for key in lockfile.blocks if scopes else lockfile.keys_of(names):
        artifact = lockfile.entry(key).artifact
        deny = change.policy.denies(artifact.name, artifact.version) if artifact else None
        if artifact is not None and deny is not None:
            yield key, artifact, deny


def _denied_finding(
    project: Project,
    where: Location,
    deny: Deny,
    denied: Artifact | BundledPackage,
    key: str,
    words: str = "",
) -> Finding:
    """The finding of a denied version that is locked; ``words`` say in which tarball, if it is in one."""
    return Finding(
        check=ID,
        message=f"the policy denies it{words}: {deny.reason}",
        location=where,
        project=project.path or ".",
        package=denied.name,
        version=denied.version,
        code="denied",
        key=key,
        acceptable=False,
    )


def _remove(use: IntroducedPackage) -> tuple[tuple[str, ...], ...]:
    """The command that shows which dependency requires a package."""
    return (("npm-vetted", "audit", use.artifact.label),)
