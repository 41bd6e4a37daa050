"""Disagreements between manifests and lockfiles."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from itertools import chain
from typing import Final

from npm_vetted.checks import Explanation, artifact_value, finding_of
from npm_vetted.checks._code_imports import code_imports
from npm_vetted.checks._fixes import accept_fix
from npm_vetted.checks._folder_dependencies import folder_problems
from npm_vetted.checks._relock import lock_commands, relock_commands
from npm_vetted.checks._unread_files import excluded_lockfiles, unread_files
from npm_vetted.client_names import CODE_SUFFIXES
from npm_vetted.clients import Client, client_of, clients
from npm_vetted.clients.shared.lockfile import Lockfile, whole_manifest_value
from npm_vetted.clients.shared.unread import unread_by_us
from npm_vetted.errors import NpmVettedError
from npm_vetted.git.repository import LINK
from npm_vetted.model import Finding, Group, Level, Location, Problem, Project, hashed
from npm_vetted.packages.manifest import NAME as MANIFEST
from npm_vetted.projects.case_folding import collisions, imitated
from npm_vetted.projects.change import Change
from npm_vetted.projects.file_names import is_of_a_project
from npm_vetted.projects.links import elsewhere
from npm_vetted.projects.lockfile_owner import client_of_lockfile, fits_pin
from npm_vetted.projects.paths import ancestors, folder_of, join, relative_to
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
_LOCAL: Final = ("link:", "workspace:")


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
    return any(projects.is_workspace(above, folder) for above in ancestors(folder))


def _problems(project: ProjectChange) -> Iterator[Problem]:
    after = project.after
    if not after.lockfiles:
        yield Problem(
            message=f"no lockfile: expected one of {', '.join(project.client.LOCKFILES)}",
            location=Location(after.manifest.path),
            code="no-lockfile",
            key=after.manifest.path,
            value=_state_of(after, ()),
        )
        return
    surplus = _of_other_clients(after)
    yield from _two_lockfiles(after, surplus)
    yield from _members_own(after)
    yield from _pinned_client(after, surplus)
    yield from _manifests_of_others(after)
    for lockfile in project.lockfiles:
        if lockfile.path in surplus:
            continue  # the finding about it says to remove it
        yield from lockfile.disagreements(manifests_by_lockfile(after, lockfile))
        yield from _folder_entries(after, lockfile)
        yield from _left_out(project, lockfile)
        if lockfile.graph:
            yield from _orphans(project, lockfile)
            yield from _missing(project, lockfile)
            yield from _contradictions(project, lockfile)


def _folder_entries(project: Project, lockfile: Lockfile) -> Iterator[Problem]:
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


def _left_out(project: ProjectChange, lockfile: Lockfile) -> Iterator[Problem]:
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


def _members_own(project: Project) -> Iterator[Problem]:
    """Lockfiles in workspaces, which an install in that folder (or a copy of it) may use.

    If the settings give each workspace a lockfile of its own: the missing ones.
    """
    locked = {folder_of(path) for path in project.lockfiles}
    client = client_of(project)
    if project.members and client.locks_members(project.manifest, project.read):
        for folder, manifest in project.manifests.items():
            if manifest.requires and folder not in locked:
                yield Problem(
                    message="missing lockfile: the settings give every workspace its own",
                    location=Location(manifest.path),
                    code="no-lockfile",
                    key=manifest.path,
                    value=whole_manifest_value("", manifest),
                )
    for folder in project.members.keys() - project.folders:
        for name in sorted({name for each in clients().values() for name in each.LOCKFILES}):
            path = f"{folder}/{name}"
            data = None if path in project.lockfiles else project.read(path)
            if data is not None:
                yield Problem(
                    message="unexpected lockfile in a workspace; the project is installed from "
                    f"{project.lockfiles[0]}",
                    location=Location(path),
                    fix=(("git", "rm", "--cached", path),),
                    code="workspace-lockfile",
                    key=path,
                    value=hashed(data),
                )


def _manifests_of_others(project: Project) -> Iterator[Problem]:
    """Manifests of a client that the project does not use: no lockfile pins their requirements."""
    for client in (each for each in clients().values() if project.client != each.NAME):
        for name, reader in client.OWN_MANIFESTS.items():
            for folder in project.manifests:
                path = join(folder, name)
                data = project.read(path)
                if data is not None and reader(path, data).requires:
                    yield Problem(
                        message=f"{client.NAME} installs what this file requires, and no "
                        f"{client.WRITES} locks it",
                        location=Location(path),
                        code="unread-manifest",
                        key=path,
                        value=hashed(data),
                        fix=lock_commands(client, folder, join(folder, client.WRITES)),
                    )


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


def _pinned_client(project: Project, surplus: Collection[str]) -> Iterator[Problem]:
    pin = project.pin
    if pin is None:
        yield from _other_marker(project)
        return
    for at, path in enumerate(project.lockfiles):
        if path in surplus:
            continue
        # The first one is what told the project's client: it need not be read for that again.
        known = clients().get(project.client or "") if at == 0 else None
        client = known or client_of_lockfile(path, project.read)
        if not client.fits(pin):
            yield Problem(
                message=f"the project pins {pin.client}, and {path} is a lockfile of {client.NAME}",
                location=pin.location,
                fix=(("git", "rm", "--cached", path),),
                code="other-client",
                key=path,
                value=pin.client,
            )


def _other_marker(project: Project) -> Iterator[Problem]:
    """A lockfile beside settings of another client whose lockfile has the same name (yarn.lock).

    That other client would read or rewrite the lockfile as its own.
    """
    for path in project.lockfiles:
        name, folder = path.rpartition("/")[2], folder_of(path)
        for other in clients().values():
            markers = [join(folder, each) for each in other.MARKERS]
            marker = next((each for each in markers if project.read(each) is not None), None)
            if name not in other.LOCKFILES or marker is None:
                continue
            owner = client_of_lockfile(path, project.read)
            if other is not owner:
                yield Problem(
                    message=f"{path} is a lockfile of {owner.NAME}, and {marker} belongs to "
                    f"{other.NAME}, which would rewrite it: expected a packageManager in "
                    f"{MANIFEST} that names one of them",
                    location=Location(path),
                    code="other-client",
                    key=path,
                    value=other.NAME,
                )


def _two_lockfiles(project: Project, surplus: Collection[str]) -> Iterator[Problem]:
    """One problem for each lockfile besides the one that the project is installed from.

    If ``packageManager`` decides which one that is, no other check reads the surplus lockfile. So an
    accepted one is reported again when the file or the manifests' requirements change.
    """
    rivals = [path for path in project.lockfiles if folder_of(path) == project.path]
    if len(rivals) < 2:
        return
    names = [path.rpartition("/")[2] for path in rivals]
    message = f"{len(names)} lockfiles for one project: {', '.join(names)}; keep the one that is installed from"
    value = " ".join(names)
    if surplus:
        message += f", {names[0]}: the project pins {project.pin.client if project.pin else ''}"
        value += f" {_state_of(project, surplus)}"
    gone = [path for path in rivals if path in surplus] or rivals[1:]
    yield Problem(
        message=message,
        location=Location(gone[0]),
        fix=tuple(("git", "rm", "--cached", path) for path in gone),
        code="two-lockfiles",
        key=project.path or ".",
        value=value,
    )


def _state_of(project: Project, paths: Collection[str]) -> str:
    """A hash over some files and all requirements of the project's manifests."""
    asked = sorted(
        (folder, each.name, each.specifier, each.group)
        for folder, manifest in project.manifests.items()
        for each in manifest.requires
    )
    contents = [hashed(project.read(path) or b"") for path in sorted(paths)]
    return hashed(repr((contents, asked)).encode("utf-8", "surrogatepass"))


def _of_other_clients(project: Project) -> frozenset[str]:
    """The lockfiles of clients that are not pinned, beside one of the client that is."""
    pin = project.pin
    rivals = [path for path in project.lockfiles if folder_of(path) == project.path]
    if pin is None or len(rivals) < 2:
        return frozenset()
    others = [path for path in rivals if not fits_pin(path, pin, project.read)]
    return frozenset(others if len(others) < len(rivals) else ())


def _orphans(project: ProjectChange, lockfile: Lockfile) -> Iterator[Problem]:
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


def _missing(project: ProjectChange, lockfile: Lockfile) -> Iterator[Problem]:
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


def _contradictions(project: ProjectChange, lockfile: Lockfile) -> Iterator[Problem]:
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
