"""Hashes that differ from the vetted ones, that changed under a version, or that are too weak."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.checks import Explanation, finding_of, use_finding
from npm_vetted.checks._archives import CODES as ARCHIVE_CODES
from npm_vetted.checks._archives import archive_findings
from npm_vetted.checks._fixes import accept_fix, left_out_first, range_arguments, vetting_fix
from npm_vetted.git.snapshot import VETTING
from npm_vetted.model import Artifact, Finding, Location, hashed
from npm_vetted.packages.integrity import is_weak, unsound
from npm_vetted.projects.change import Change
from npm_vetted.projects.introduced import IntroducedPackage
from npm_vetted.projects.project_change import ProjectChange
from npm_vetted.vetting.pins import Match, Pins
from npm_vetted.vetting.resolver import GapReason

ID: Final = "integrity"
HOOKS: Final = frozenset({"notes", "lockfile"})
CODES: Final = {
    "unsound-hash": "More than one hash of the strongest algorithm, or an unknown algorithm.",
    "not-the-vetted-hash": "A package whose hash is not the one that its note records.",
    "not-the-vetted-patch": "A package whose patch is not the one that its note records.",
    "hash-vanished": "A package that lost its hash while the version stayed.",
    "hash-changed": "A package whose hash changed while the version stayed.",
    "unpinned-modules": "A lockfile without the hashes of modules that code may still import.",
    "all-checksums-changed": "A lockfile whose checksums are all of another kind than before.",
    **ARCHIVE_CODES,
}
EXPLANATION: Final = Explanation(
    what=(
        "A package whose hash is not the one that was vetted, or that changed or vanished while "
        "the version stayed; more than one hash of the strongest algorithm, or an unknown one; a "
        "checksum of Yarn berry under another cache key than the lockfile's own; a committed "
        "archive (.yarn/cache, file:*.tgz) with other bytes than the lockfile's hash."
    ),
    why=(
        "Registries do not let a version be published twice. A hash that changes under the same "
        "version is another registry's package, a hand-edited lockfile, or an attack. npm accepts "
        "an artifact that matches ANY hash of the strongest algorithm in the field, and installs "
        "anything where the field is empty. Yarn berry replaces a checksum of another cache key "
        "than its own (10c0/...) silently, even with --immutable."
    ),
    before='"integrity": "sha512-AAAA... sha512-BBBB..."',
    after='"integrity": "sha512-AAAA..."',
    satisfy=(
        "Restore the lockfile's line, or install again from the registry. If the bytes really are "
        "others (a private registry that repacks), vet them: `npm-vetted note` writes a second "
        "note for the version. An upgrade of Yarn (3 to 4), or of its compressionLevel, changes the "
        "cache key and every checksum with it; none can be compared with those before, so it passes "
        "with a warning where all entries moved to the new key. To review it, make the same "
        "upgrade from the lockfile before, and compare; `npm-vetted note --staged` then binds the "
        "new checksums, also of what Yarn patches itself (resolve, typescript, fsevents): that may "
        "change with any Yarn."
    ),
    exception="An [[ignore]] entry in .vetting/config.toml with check, path, package and reason.",
)


_SAME_VERSION: Final = ("hash-changed", "hash-vanished", "not-the-vetted-hash")
"""Codes of findings whose first fix is to leave the change out: the earlier lockfile has the right hash."""


def run(change: Change) -> Iterator[Finding]:
    """Compare each artifact that the commit adds or changes with its notes and with the earlier lockfile."""
    yield from left_out_first(change, _found(change), _SAME_VERSION)


def _found(change: Change) -> Iterator[Finding]:
    for project in change.projects:
        yield from _rehashed(project)
        yield from _unpinned(change, project)
    yield from archive_findings(ID, change)
    fresh = {use.artifact for use in change.uses()}
    for use in change.uses():
        artifact = use.artifact
        if artifact.bundled and use.subject.carrier in fresh:
            continue  # it comes in that tarball, which is judged: it never had a hash of its own
        if artifact.integrity is not None:
            reason = unsound(artifact.integrity)
            if reason is not None:
                text = repr(artifact.integrity)
                said = "" if text in reason else f" {text}"
                yield use_finding(ID, "unsound-hash", use, f"integrity{said}: {reason}")
                continue
        verdict = change.verdict(use)
        if verdict.gap is not None and verdict.gap.lack is GapReason.BYTES and verdict.gap.mention:
            note = verdict.gap.mention.note.path
            pinned = verdict.gap.mention.pinned
            if _differs_in_patch_alone(pinned, artifact):
                yield use_finding(
                    ID,
                    "not-the-vetted-patch",
                    use,
                    f"its patch is not the one that {note} vetted: expected {pinned.patch or 'none'}, "
                    f"found {artifact.patch or 'none'}",
                    fix=(vetting_fix(change, use),),
                )
                continue
            found = artifact.integrity or artifact.checksum or artifact.resolved or "no hash"
            yield use_finding(
                ID,
                "not-the-vetted-hash",
                use,
                f"the bytes are not those that {note} vetted: expected "
                f"{verdict.gap.mention.pinned.integrity or verdict.gap.mention.pinned.resolved}, "
                f"found {found}",
                fix=(("npm-vetted", "inspect", artifact.label),),
            )
        elif not verdict.covered or verdict.mention is None or verdict.unbound:
            yield from _changed(use)


def _differs_in_patch_alone(pinned: Pins, artifact: Artifact) -> bool:
    """Whether only the patch differs from the vetted state, not the package's bytes."""
    bare = artifact._replace(patch=None)
    return (
        pinned.patch != artifact.patch and pinned._replace(patch=None).compare(bare) is Match.SAME
    )


def _rehashed(project: ProjectChange) -> Iterator[Finding]:
    """Report a lockfile whose hashes all use another algorithm than before."""
    for lockfile in project.lockfiles:
        earlier = [each for _, each in project.earlier if each.path == lockfile.path]
        problems = [lockfile.rehashed(each) for each in earlier]
        if problems and problems[0] and all(problems):
            yield finding_of(ID, problems[0], project.after)


def _unpinned(change: Change, project: ProjectChange) -> Iterator[Finding]:
    """Report a lockfile that lost hashes of modules which code, or another module, may still import."""
    for lockfile in project.lockfiles:
        earlier = [each for _, each in project.earlier if each.path == lockfile.path]
        lost = [set(lockfile.unpinned(each)) for each in earlier]
        gone = sorted(set.intersection(*lost)) if lost else []
        found = change.after.grep(gone, "") - {lockfile.path}
        code = sorted(path for path in found if not path.startswith(VETTING))
        if not gone or not (code or lockfile.kept):
            continue  # no code names one, and no module is left that could
        more = f" and of {len(gone) - 1} more" if len(gone) > 1 else ""
        who = f"{code[0]} names it" if code else "a module that has one may import it"
        finding = Finding(
            check=ID,
            message=f"the hash of {gone[0][:100]}{more} is gone, and {who}: it would be fetched against no hash. "
            "Restore these lines, or freeze the lockfile in the client's settings",
            location=Location(lockfile.path),
            project=project.after.path or ".",
            code="unpinned-modules",
            key=lockfile.path,
            value=hashed("\n".join(gone).encode("utf-8", "surrogatepass")),
        )
        yield finding._replace(fix=(accept_fix(finding, range_arguments(change)),))


def _changed(use: IntroducedPackage) -> Iterator[Finding]:
    """The finding if a hash changed or vanished while the version stayed the same, and no note covers it.

    Entries of the same source are compared: Yarn berry locks a package that it patches itself twice, with
    two sources and two hashes.
    """
    artifact = use.artifact
    alike = [each for each in use.before if each.resolved == artifact.resolved]
    for earlier in alike or use.before:
        if earlier.kind is not artifact.kind or earlier.patch != artifact.patch:
            continue
        had, has = (each.integrity or each.checksum for each in (earlier, artifact))
        if had and not has:
            unheeded = use.lockfile.unheeded(use.entry)
            why = unheeded.message if unheeded else "its hash vanished while the version stayed"
            fix = unheeded.fix if unheeded else ()
            yield use_finding(ID, "hash-vanished", use, f"{why}: expected {had}", fix=fix)
            return
        if use.lockfile.same_bytes(earlier, artifact) is False or _weaker(earlier, artifact):
            yield use_finding(
                ID,
                "hash-changed",
                use,
                f"its hash changed while the version stayed: expected {had}, found {has}",
            )
            return


def _weaker(earlier: Artifact, artifact: Artifact) -> bool:
    """Whether a strong hash was replaced by a weak one."""
    if not earlier.integrity or not artifact.integrity:
        return False
    return is_weak(artifact.integrity) and not is_weak(earlier.integrity)
