"""The commands that let a client write a lockfile again, and stage it."""

from __future__ import annotations

from npm_vetted.clients import Client, client_of
from npm_vetted.errors import NpmVettedError
from npm_vetted.model import Project
from npm_vetted.projects.change import Change


def relock_commands(project: Project) -> tuple[tuple[str, ...], ...]:
    """The commands that write a project's lockfile, and stage it."""
    client = client_of(project)
    lockfile = project.lockfiles[0] if project.lockfiles else project.join(client.WRITES)
    return lock_commands(client, project.path, lockfile)


def lock_commands(client: Client, folder: str, lockfile: str) -> tuple[tuple[str, ...], ...]:
    """The commands of a client that write the lockfile of a folder, and stage it."""
    words = list(client.LOCK_COMMAND)
    at = next((at for at, word in enumerate(words) if word == "." or word.startswith("./")), 0)
    if not at:  # it finds its root by itself
        return tuple(words), ("git", "add", lockfile)
    words[at - 1 : at + 1] = [words[at - 1], folder + words[at][1:]] if folder else []
    return tuple(words), ("git", "add", lockfile)


def repair_of(change: Change, error: NpmVettedError) -> tuple[tuple[str, ...], ...]:
    """The commands for a lockfile whose text is broken, as a merge by lines leaves it.

    Clients repair it: npm, pnpm and Yarn read merge markers, and each takes one of two equal keys.
    """
    if error.fix or error.path is None or error.path not in change.touched:
        return ()
    try:
        project = change.projects_after.of(error.path)
    except NpmVettedError:
        return ()
    if project is None or error.path not in project.lockfiles:
        return ()
    return lock_commands(client_of(project), project.path, error.path)
