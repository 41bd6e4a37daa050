"""The entries of a lockfile that nothing requires, and the requirements that no entry satisfies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.checks import artifact_value
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.model import Group, Level, Location, Problem, Project
from npm_vetted.projects.paths import relative_to
from npm_vetted.projects.project_change import ProjectChange, manifests_by_lockfile

_LOCAL: Final = ("link:", "workspace:")


def folder_entry_problems(project: Project, lockfile: Lockfile) -> Iterator[Problem]:
    """Requirements of a folder's manifest that the folder's entry in the lockfile lacks."""
    for folder in sorted(project.folders if lockfile.locks_folders else ()):
        manifest = project.members[folder]
        for key in lockfile.folder_keys(relative_to(lockfile.home, folder)):
            for asked in manifest.requires:
                if asked.group is not Group.DEVELOPMENT and not lockfile.records(key, asked):
                    yield Problem(
                        message=f"requires {asked.name}@{asked.specifier}, and {lockfile.path} has "
                        "nothing, or something else, for it",
                        location=Location(manifest.path, asked.line),
                        package=asked.name,
                        code="out-of-date",
                        key=f"{asked.name}@{asked.specifier}",
                        value=key,
                    )


def requirements_left_out(project: ProjectChange, lockfile: Lockfile) -> Iterator[Problem]:
    """Requirements that the commit adds to a manifest and that no lockfile entry satisfies."""
    if not project.before:
        return
    known = {
        (folder, asked.name, asked.specifier, asked.group)
        for earlier in project.before
        for folder, manifest in earlier.manifests.items()
        for asked in manifest.requires
    }
    for folder, manifest in manifests_by_lockfile(project.after, lockfile).items():
        added = [
            asked
            for asked in manifest.requires
            if (manifest.folder, asked.name, asked.specifier, asked.group) not in known
        ]
        yield from lockfile.left_out(folder, manifest, added)


def orphaned_entries(project: ProjectChange, lockfile: Lockfile) -> Iterator[Problem]:
    """Entries that no dependency requires: those that the commit adds, and those that it stops requiring.

    The latter are warnings. Update bots leave them behind, no client installs them, and they add no code.
    If such an entry is required again later, it is judged like any package.
    """
    manifests = manifests_by_lockfile(project.after, lockfile)
    fresh = {use.entry.key for use in project.uses if use.lockfile is lockfile}
    suspects = set(fresh)
    suspects |= project.despite_earlier(lambda: _asked_for_before(project, lockfile))
    suspects -= {*lockfile.direct(manifests), *(lockfile.kept if suspects else ())}
    for key in sorted(_unreached(lockfile, suspects)):
        entry = lockfile.entry(key)
        if entry.artifact is None or entry.bundled_by is not None:
            continue  # what a tarball carries is installed with it, required or not
        yield Problem(
            message="locked, but no package or manifest depends on it",
            level=Level.ERROR if key in fresh else Level.WARNING,
            location=Location(lockfile.path, entry.line),
            package=entry.artifact.name,
            version=entry.artifact.version,
            code="unneeded",
            key=entry.artifact.label,
            value=artifact_value(entry.artifact),
        )


def _asked_for_before(project: ProjectChange, lockfile: Lockfile) -> set[str]:
    """The entries whose requirement may have gone: direct dependencies, and changed or removed entries."""
    found = {
        child
        for _, earlier in project.earlier
        for key in project.outdated_keys(earlier, lockfile)
        for child in earlier.children(key)
    }
    found.update(*(direct for _, direct in project.direct_before))
    return found & lockfile.blocks.keys()


def unlocked_requirements(project: ProjectChange, lockfile: Lockfile) -> Iterator[Problem]:
    """Requirements that no entry satisfies: an install then takes the registry's newest match.

    1. Direct requirements of the manifests are looked up.
    2. Of entries, only those are examined whose text the commit changes (the entry of an accepted package
       may gain a requirement), and those that depend on an entry that the commit removes.
    """
    suspects = project.despite_earlier(lambda: set(project.changed_keys(lockfile)))
    groups = (Group.PRODUCTION, *((Group.OPTIONAL,) if lockfile.locks_optional else ()))
    for _, earlier in project.earlier:
        if type(earlier) is type(lockfile):
            blocks = lockfile.blocks
            gone = [key for key in project.outdated_keys(earlier, lockfile) if key not in blocks]
            suspects.update(*(earlier.dependents(gone).values() if gone else ()))
    for key in sorted(suspects & lockfile.blocks.keys()):
        entry = lockfile.entry(key)
        for asked in entry.requires:
            needed = asked.group in groups and not asked.specifier.startswith(_LOCAL)
            if needed and lockfile.resolve(key, asked) is None:
                yield Problem(
                    message=f"depends on {asked.name}@{asked.specifier}, which is missing from "
                    "the lockfile",
                    location=Location(lockfile.path, entry.line),
                    package=asked.name,
                    code="missing",
                    key=f"{asked.name}@{asked.specifier}",
                    value=key,
                )


def contradicting_entries(project: ProjectChange, lockfile: Lockfile) -> Iterator[Problem]:
    """Changed entries that contradict themselves."""
    changed = project.despite_earlier(lambda: set(project.changed_keys(lockfile)))
    yield from lockfile.contradictions(changed, [each for _, each in project.earlier])


def _unreached(lockfile: Lockfile, suspects: set[str]) -> set[str]:
    """The keys among ``suspects`` that only other suspects require."""
    parents = lockfile.dependents(suspects)
    asking: dict[str, list[str]] = {}
    reached: list[str] = []
    for key in suspects:
        for parent in parents[key]:
            if parent in suspects:
                asking.setdefault(parent, []).append(key)
            else:
                reached.append(key)
    left = set(suspects)
    while reached:
        key = reached.pop()
        if key in left:
            left.remove(key)
            reached += asking.get(key, ())
    return left
