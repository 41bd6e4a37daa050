"""Lockfiles and manifests of several clients in one project, and lockfiles in its workspaces."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from npm_vetted.checks._relock import lock_commands
from npm_vetted.clients import client_of, clients
from npm_vetted.clients.shared.lockfile import whole_manifest_value
from npm_vetted.model import Location, Problem, Project, hashed
from npm_vetted.packages.manifest import NAME as MANIFEST
from npm_vetted.projects.lockfile_owner import client_of_lockfile, fits_pin
from npm_vetted.projects.paths import folder_of, join


def workspace_lockfiles(project: Project) -> Iterator[Problem]:
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
                    value=whole_manifest_value(manifest),
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


def manifests_of_other_clients(project: Project) -> Iterator[Problem]:
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


def lockfiles_of_other_clients(project: Project, surplus: Collection[str]) -> Iterator[Problem]:
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


def surplus_lockfiles(project: Project, surplus: Collection[str]) -> Iterator[Problem]:
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
        value += f" {lockfile_state(project, surplus)}"
    gone = [path for path in rivals if path in surplus] or rivals[1:]
    yield Problem(
        message=message,
        location=Location(gone[0]),
        fix=tuple(("git", "rm", "--cached", path) for path in gone),
        code="two-lockfiles",
        key=project.path or ".",
        value=value,
    )


def lockfile_state(project: Project, paths: Collection[str]) -> str:
    """A hash over some files and all requirements of the project's manifests."""
    asked = sorted(
        (folder, each.name, each.specifier, each.group)
        for folder, manifest in project.manifests.items()
        for each in manifest.requires
    )
    contents = [hashed(project.read(path) or b"") for path in sorted(paths)]
    return hashed(repr((contents, asked)).encode("utf-8", "surrogatepass"))


def unpinned_lockfiles(project: Project) -> frozenset[str]:
    """The lockfiles of clients that are not pinned, beside one of the client that is."""
    pin = project.pin
    rivals = [path for path in project.lockfiles if folder_of(path) == project.path]
    if pin is None or len(rivals) < 2:
        return frozenset()
    others = [path for path in rivals if not fits_pin(path, pin, project.read)]
    return frozenset(others if len(others) < len(rivals) else ())
