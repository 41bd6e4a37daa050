"""Disagreements between manifests and lockfiles."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Final

from npm_vetted.checks import Explanation, finding_of
from npm_vetted.checks._code_imports import code_imports
from npm_vetted.checks._fixes import accept_fix
from npm_vetted.checks._folder_dependencies import folder_problems
from npm_vetted.checks._locked_entries import (
    contradicting_entries,
    folder_entry_problems,
    orphaned_entries,
    requirements_left_out,
    unlocked_requirements,
)
from npm_vetted.checks._lockfile_owners import (
    lockfile_state,
    lockfiles_of_other_clients,
    manifests_of_other_clients,
    surplus_lockfiles,
    unpinned_lockfiles,
    workspace_lockfiles,
)
from npm_vetted.checks._relock import relock_commands
from npm_vetted.checks._unread_files import excluded_lockfiles, unread_files
from npm_vetted.client_names import CODE_SUFFIXES
from npm_vetted.clients import Client, client_of, clients
from npm_vetted.clients.shared.unread import unread_by_us
from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.yaml import load_yaml
from npm_vetted.git.repository import LINK
from npm_vetted.model import Finding, Group, Location, Problem, Project, hashed
from npm_vetted.packages.manifest import NAME as MANIFEST
from npm_vetted.projects.case_folding import collisions, imitated
from npm_vetted.projects.change import Change
from npm_vetted.projects.file_names import is_of_a_project
from npm_vetted.projects.links import elsewhere
from npm_vetted.projects.paths import ancestors, folder_of, join
from npm_vetted.projects.project_change import ProjectChange, manifests_by_lockfile

ID: Final = "lockfile-sync"
HOOKS: Final = frozenset({"lockfile"})
CODES: Final = {
    "no-lockfile": "A project without a lockfile.",
    "two-lockfiles": "Several lockfiles for one project.",
    "other-client": "A lockfile of another client than the one that the project pins.",
    "unclear-workspaces": "A workspace glob about which the clients' versions differ.",
    "elsewhere": "A workspace or folder dependency that is a link, a submodule, or outside of the repository.",
    "workspace-lockfile": "A lockfile in a workspace, where the root's is installed from.",
    "out-of-date": "A manifest or setting that the lockfile does not implement.",
    "halves-differ": "A package-lock.json or pnpm-lock.yaml whose two halves name different packages.",
    "pnp-differs": "A .pnp.cjs that has other packages or places than the lockfile.",
    "folder-for-package": "A folder of the repository in the place of a package.",
    "patch-differs": "A patch that is not the one that the lockfile records.",
    "missing": "A requirement of a locked package that the lockfile lacks.",
    "unsatisfied": "A requirement of a locked package, and a locked version that it does not allow.",
    "unneeded": "A locked package that nothing depends on.",
    "unread-manifest": "A manifest that one client reads and npm-vetted does not.",
    "excluded-lockfile": "A lockfile that appears in a folder that [[exclude]] names.",
    "unread-lockfile": "A lockfile or manifest of a client that npm-vetted does not read.",
    "case-imitation": "A file that a case-insensitive file system takes for one with a meaning.",
    "case-collision": "A file that a case-insensitive file system checks out as another one.",
}
EXPLANATION: Final = Explanation(
    what=(
        "A manifest and a lockfile that disagree, a missing lockfile, two lockfiles for one "
        "project, a lockfile of another client than the pinned one, a locked package that nothing "
        "depends on."
    ),
    why=(
        "What is reviewed must be what is installed. Where two files say what a project consists "
        "of, a client picks one, and not always the one that was looked at: an npm-shrinkwrap.json "
        "shadows the package-lock.json, an entry that nothing needs waits to become a dependency."
    ),
    before="package-lock.json and yarn.lock side by side",
    after="the lockfile of the one client that the project uses",
    satisfy="Run the client's install again and commit the manifest and the lockfile together.",
    exception=(
        'A library without a lockfile: an [[ignore]] entry with check = "lockfile-sync" and the '
        "path of its package.json; its specifiers are then judged in place of artifacts."
    ),
)
_BY_HAND: Final = ("unclear-workspaces",)
"""Codes of findings that no install command repairs."""


def reads(path: str) -> bool:
    """Whether only this check reads a file: another client's manifest or lockfile, or source code."""
    return (
        path.rpartition("/")[2] in _other_manifest_names()
        or unread_by_us(path) is not None
        or path.endswith(CODE_SUFFIXES)
    )


def run(change: Change) -> Iterator[Finding]:
    """Compare each touched project's manifests with its lockfile.

    If a file cannot be read, the findings up to there are reported before the error.
    """
    found: list[Finding] = []
    try:
        found.extend(_found(change))
    except NpmVettedError:
        yield from _removed_at_once(found)
        raise
    yield from _removed_at_once(found)


_REMOVE: Final = ("git", "rm", "--cached")
_MOST: Final = 40
"""The most files in one command, because a command line has a limit."""


def _removed_at_once(found: list[Finding]) -> list[Finding]:
    """Findings whose files are to be removed: the fix of each removes all files of its code at once."""
    files: dict[str, dict[str, None]] = {}
    for each in filter(_is_removal, found):
        files.setdefault(each.code, {}).update((c[-1], None) for c in each.fix)
    commands = {code: (*_REMOVE, *list(paths)[:_MOST]) for code, paths in files.items()}
    return [
        each._replace(fix=(commands[each.code],))
        if _is_removal(each) and each.fix[0][-1] in commands[each.code]
        else each
        for each in found
    ]


def _is_removal(finding: Finding) -> bool:
    return bool(finding.fix) and all(command[:3] == _REMOVE for command in finding.fix)


def _found(change: Change) -> Iterator[Finding]:
    yield from _imitations(change)
    yield from _collisions(change)
    yield from _other_manifests(change)
    yield from unread_files(ID, change)
    yield from code_imports(ID, change)
    for found in excluded_lockfiles(ID, change):
        yield found._replace(fix=(accept_fix(found),))
    for project in change.projects:
        yield from _elsewhere(change, project.after)
        for problem in chain(_unclear_workspaces(change, project.after), _problems(project)):
            by_install = () if problem.code in _BY_HAND else relock_commands(project.after)
            fix = problem.fix or by_install
            yield finding_of(ID, problem._replace(fix=fix), project.after)
        for problem in folder_problems(change, project):
            found = finding_of(ID, problem, project.after)
            yield found._replace(fix=(accept_fix(found),))


def _imitations(change: Change) -> Iterator[Finding]:
    """Files that a case-folding file system takes for a manifest, a lockfile, settings or notes."""
    for path, touched in change.touched.items():
        meant = imitated(path) if touched.after is not None else None
        if meant is not None and not change.policy.excludes(path):
            yield Finding(
                check=ID,
                message=f"on a case-insensitive file system (macOS, Windows) this file is {meant}",
                location=Location(path),
                fix=(("git", "rm", "--cached", path),),
                code="case-imitation",
                key=path,
                value=meant,
            )


def _collisions(change: Change) -> Iterator[Finding]:
    """Added files that a case-insensitive file system checks out under the path of another file."""
    added = [
        path
        for path, touched in change.touched.items()
        if touched.before is None and touched.after is not None
        and (is_of_a_project(path) or touched.is_link)
    ]  # fmt: skip
    everything = list(change.after.everything()) if added else []
    for path, other in collisions(added, filter(is_of_a_project, everything), everything):
        if not change.policy.excludes(path):
            yield Finding(
                check=ID,
                message=f"on a case-insensitive file system this path collides with {other}",
                location=Location(path),
                fix=(("git", "rm", "--cached", path),),
                code="case-collision",
                key=path,
                value=other,
            )


def _other_manifests(change: Change) -> Iterator[Finding]:
    """Manifests that only one client reads: npm-vetted checks package.json alone."""
    for client in (each for each in clients().values() if each.MANIFESTS):
        names = (*client.MANIFESTS, *client.LOCKFILES, *client.MARKERS)
        folders = {folder_of(path) for path in change.touched if path.rpartition("/")[2] in names}
        for folder in sorted(folders):
            if change.after.entry(join(folder, MANIFEST)) is not None:
                continue
            for path in (join(folder, name) for name in client.MANIFESTS):
                if not change.after.entry(path) or not _is_read_by(client, change, path):
                    continue
                yield Finding(
                    check=ID,
                    message=f"{client.NAME} reads this file as a manifest, but npm-vetted only "
                    f"checks {MANIFEST}",
                    location=Location(path),
                    fix=(("git", "rm", "--cached", path),),
                    code="unread-manifest",
                    key=path,
                    value=_content_value(client, change, path),
                )


def _content_value(client: Client, change: Change, path: str) -> str:
    """The value of a finding about a file: hashes of the file and of the client's lockfiles beside it.

    So an accepted finding is reported again when one of these files changes.
    """
    paths = (path, *(join(folder_of(path), name) for name in client.LOCKFILES))
    contents = (change.after.read(each) for each in paths)
    return " ".join(hashed(data) for data in contents if data is not None)


@cache
def _other_manifest_names() -> frozenset[str]:
    return frozenset(name for each in clients().values() for name in each.MANIFESTS)


def _is_read_by(client: Client, change: Change, path: str) -> bool:
    """Whether the client is used in a manifest's folder, or the folder is a workspace.

    Otherwise the file may belong to another language: Haskell has a package.yaml too.
    """
    projects, folder = change.projects_after, folder_of(path)
    if not projects.counts(path):
        return False
    signs = (*client.LOCKFILES, *client.MARKERS)
    if path.endswith(".json5") or any(change.after.entry(join(folder, name)) for name in signs):
        return True
    if any(projects.is_workspace(above, folder) for above in ancestors(folder)):
        return True
    return _requires_by_name(path, change.after.read(path) or b"")


_OF_HASKELL: Final = frozenset({
    "library", "executable", "executables", "internal-libraries", "tests", "ghc-options", "synopsis",
})  # fmt: skip


def _requires_by_name(path: str, data: bytes) -> bool:
    """Whether a manifest in YAML has a table of dependencies, and nothing that only Haskell's hpack reads."""
    try:
        found = load_yaml(path, data)[0].data
    except (NpmVettedError, IndexError):
        return False
    if not isinstance(found, dict) or not _OF_HASKELL.isdisjoint(found):
        return False
    fields = (Group.PRODUCTION, Group.DEVELOPMENT, Group.OPTIONAL)
    return any(isinstance(found.get(each.value), dict) for each in fields)


def _problems(project: ProjectChange) -> Iterator[Problem]:
    after = project.after
    if not after.lockfiles:
        yield Problem(
            message=f"no lockfile: expected one of {', '.join(project.client.LOCKFILES)}",
            location=Location(after.manifest.path),
            code="no-lockfile",
            key=after.manifest.path,
            value=lockfile_state(after, ()),
        )
        return
    surplus = unpinned_lockfiles(after)
    yield from surplus_lockfiles(after, surplus)
    yield from workspace_lockfiles(after)
    yield from lockfiles_of_other_clients(after, surplus)
    yield from manifests_of_other_clients(after)
    for lockfile in project.lockfiles:
        if lockfile.path in surplus:
            continue  # the finding about it says to remove it
        yield from lockfile.disagreements(manifests_by_lockfile(after, lockfile))
        yield from folder_entry_problems(after, lockfile)
        yield from requirements_left_out(project, lockfile)
        if lockfile.graph:
            yield from orphaned_entries(project, lockfile)
            yield from unlocked_requirements(project, lockfile)
            yield from contradicting_entries(project, lockfile)


def _elsewhere(change: Change, project: Project) -> Iterator[Finding]:
    """Links and submodules from which packages are installed: the commit does not contain their files."""
    for path, entry in elsewhere(change.projects_after, project.path):
        kind = "a symbolic link" if entry.mode == LINK else "a submodule"
        problem = Problem(
            message=f"a workspace or folder dependency is installed from {kind}, and what is there is "
            "not in this repository: expected the folder itself",
            location=Location(path),
            code="elsewhere",
            key=path,
            value=f"{entry.mode} {entry.oid}",
        )
        found = finding_of(ID, problem, project)
        yield found._replace(fix=(accept_fix(found),))


def _unclear_workspaces(change: Change, project: Project) -> Iterator[Problem]:
    """Workspace globs that clients (or their versions) match differently: npm-vetted may miss a member."""
    for glob in change.projects_after.unclear_globs(project.path):
        name = client_of(project).WORKSPACE_FILE
        path = project.join(name) if name else project.manifest.path
        text = (project.read(path) or b"").decode("utf-8", "replace").splitlines()
        line = next((at for at, each in enumerate(text, 1) if glob in each), 1)
        yield Problem(
            message=f"the workspace glob {glob!r} means different folders to different versions: "
            "expected names, *, **, ?, [a-z], [!a-z] and {a,b} only",
            location=Location(path, line),
            code="unclear-workspaces",
            key=glob,
            value=glob,
        )
