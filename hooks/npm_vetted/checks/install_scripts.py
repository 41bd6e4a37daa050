"""Lifecycle scripts, and entries of allow-lists, that nobody has reviewed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from npm_vetted.checks import Explanation, use_finding
from npm_vetted.checks._fixes import accept_fix, vetting_fix
from npm_vetted.clients import client_of
from npm_vetted.errors import NpmVettedError
from npm_vetted.model import Allowance, Artifact, Finding, Level, Project
from npm_vetted.projects.change import Change
from npm_vetted.projects.introduced import IntroducedPackage
from npm_vetted.projects.project_change import ProjectChange
from npm_vetted.vetting.resolver import VettingRequest, has_scripts, noted_scripts

ID: Final = "install-scripts"
HOOKS: Final = frozenset({"notes"})
CODES: Final = {
    "scripts-not-reviewed": "A package with lifecycle scripts whose note does not say they were read.",
    "allowance-not-reviewed": "An allow-list entry for a package whose scripts no note has reviewed.",
    "allowance-unused": "An allow-list entry that matches nothing locked.",
    "allowance-of-a-folder": "An allow-list entry for a folder, tarball or git source without a note.",
}
EXPLANATION: Final = Explanation(
    what=(
        "A package that declares lifecycle scripts, or an entry in an allow-list, whose note does "
        "not say that the scripts were reviewed."
    ),
    why=(
        "Most packages that were taken over used an install script. It is the shortest way from "
        "a published version to your machine. A package that has some deserves a look at them "
        "before it enters, whether or not they are switched off today."
    ),
    before='# package.json\n"allowScripts": { "esbuild": true }        # no note says why',
    after='# .vetting/notes/esbuild/0.25.0.toml\ncriteria = ["health", "scripts"]\nscripts = ["postinstall"]',
    satisfy="`npm-vetted inspect PKG@VER` shows the scripts; `npm-vetted note PKG@VER --criteria health,scripts`.",
    exception="`npm-vetted exempt PKG@VER --reason ...`, committed on its own.",
)


def run(change: Change) -> Iterator[Finding]:
    """Judge added artifacts, then the allow-lists of the projects that the commit touches."""
    for use in change.uses():
        yield from _of_use(change, use)
    for project in change.projects:
        yield from _of_allowances(change, project)


def _of_use(change: Change, use: IntroducedPackage) -> Iterator[Finding]:
    verdict = change.verdict(use)
    if not verdict.covered or verdict.mention is None:
        return
    if not has_scripts(use.artifact, verdict.mention):
        return
    note = verdict.mention.note
    missing = change.vetting.lacking_scripts(use.subject, note.grants)
    listed = verdict.mention.listed is not None or use.artifact.bundled
    unsaid = listed and not noted_scripts(use.artifact, verdict.mention)
    if missing or unsaid:
        words = f"does not name {', '.join(missing)}" if missing else "lists it without its scripts"
        yield use_finding(
            ID,
            "scripts-not-reviewed",
            use,
            f"runs scripts when it is installed, and {note.path} {words}",
            fix=(_fix(change, _noted_with(use)),),
        )


def _fix(change: Change, use: IntroducedPackage) -> tuple[str, ...]:
    return vetting_fix(
        change, use, _open_uses(change), change.policy.asks(use.subject.development).scripts
    )


def _noted_with(use: IntroducedPackage) -> IntroducedPackage:
    """The package that a note must cover: for a bundled package, the one whose tarball contains it."""
    if use.subject.carrier is None:
        return use
    from npm_vetted.recording.proposals import carrier_of

    return carrier_of(use)


def _open_uses(change: Change) -> list[IntroducedPackage]:
    return [use for use in change.uses() if not change.verdict(use).covered]


def _locked_fix(change: Change, artifact: Artifact, subject: VettingRequest) -> tuple[str, ...]:
    """The command ``note`` for a version that was locked before; the whole version is reviewed."""
    wanted = {
        *change.vetting.demanded(subject, None),
        *change.policy.asks(subject.development).scripts,
    }
    return ("npm-vetted", "note", artifact.label, "--criteria", ",".join(sorted(wanted)))


def _of_allowances(change: Change, project: ProjectChange) -> Iterator[Finding]:
    allowances = list(project.client.allowances(project.after))
    if not allowances:
        return
    names = {allowance.package for allowance in allowances}
    locked = [artifact for lockfile in project.lockfiles for artifact in lockfile.named(names)]
    held = _allowed_before(project)
    matched = {(each.location, each.text) for each in allowances if _meant(each, locked)}
    for allowance in allowances:
        found = _meant(allowance, locked)
        if (allowance.location, allowance.text) not in matched:
            yield from _unmatched(project, allowance)
        for artifact in sorted(set(found), key=lambda each: each.label):
            if (allowance.package, allowance.version, artifact) in held:
                continue  # the change neither adds the entry nor alters what it allows
            if not change.vetting.scripts_reviewed(artifact):
                yield _allowance_finding(change, project, allowance, artifact)


def _meant(allowance: Allowance, locked: Collection[Artifact]) -> list[Artifact]:
    """The locked artifacts that an entry lets run their scripts."""
    return [each for each in locked if allowance.means(each)]


def _allowed_before(project: ProjectChange) -> set[tuple[str, str | None, Artifact]]:
    """The entries and artifacts whose scripts every earlier state permitted."""
    states: list[set[tuple[str, str | None, Artifact]]] = []
    for earlier in project.before:
        locks = [lockfile for each, lockfile in project.earlier if each is earlier]
        try:
            entries = list(project.client.allowances(earlier))
            names = {each.package for each in entries}
            locked = [artifact for each in locks for artifact in each.named(names)]
        except NpmVettedError:  # what could not be read then allows nothing now
            return set()
        states.append(
            {(one.package, one.version, each) for one in entries for each in _meant(one, locked)}
        )
    return set.intersection(*states) if states else set()


def _unmatched(project: ProjectChange, allowance: Allowance) -> Iterator[Finding]:
    """The finding of an entry without a locked artifact: for a folder, or for a package that may come later."""
    folder = allowance.source or _folder_allowed(project.after, allowance.package)
    if folder is None:
        code, level = "allowance-unused", Level.WARNING
        words = "matches nothing that is locked: it lets the next package of that name run scripts"
    else:
        code, level = "allowance-of-a-folder", Level.ERROR
        words = f"lets scripts of {folder} run, and no note says that they were reviewed"
    finding = Finding(
        check=ID,
        level=level,
        message=f"{allowance.setting}: {allowance.package} {words}",
        location=allowance.location,
        project=project.after.path or ".",
        package=allowance.package,
        code=code,
        key=f"{allowance.setting}: {allowance.package}@{allowance.version or '*'}",
        value=folder or "",
    )
    yield finding if folder is None else finding._replace(fix=(accept_fix(finding),))


_SOURCE: Final = re.compile(r"[:~\\]|\A[./]|\A[^@/]+/|\A@[^/]*/[^/]*/")
"""Names that are not a registry's package: a path, a URL, a repository."""


def _folder_allowed(project: Project, name: str) -> str | None:
    """The folder or source that an entry names in place of a package; None: it names none."""
    if _SOURCE.search(name):
        return name
    prefixes = client_of(project).FOLDER_PREFIXES
    for manifest in project.manifests.values():
        for asked in manifest.requires:
            if asked.name == name and prefixes and asked.specifier.startswith(prefixes):
                return asked.specifier
    named = (each for each in project.folders if project.members[each].name == name)
    return next(named, None)


def _allowance_finding(
    change: Change, project: ProjectChange, allowance: Allowance, artifact: Artifact
) -> Finding:
    subject = VettingRequest(artifact=artifact, direct=False, development=False)
    uses = [use for use in project.uses if use.artifact == artifact]
    fix = _fix(change, uses[0]) if uses else _locked_fix(change, artifact, subject)
    return Finding(
        check=ID,
        message=f"{allowance.setting} lets its scripts run, and no note says that they were reviewed",
        location=allowance.location,
        project=project.after.path or ".",
        package=artifact.name,
        version=artifact.version,
        fix=(fix,),
        code="allowance-not-reviewed",
        key=f"{allowance.setting}: {allowance.package}@{allowance.version or '*'}",
        value=artifact.label,
    )
