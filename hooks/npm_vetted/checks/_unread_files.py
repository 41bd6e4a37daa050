"""Lockfiles, manifests and settings of clients that npm-vetted does not read."""

from __future__ import annotations

from collections.abc import Iterator

from npm_vetted.clients import clients
from npm_vetted.clients.shared.unread import unread_by_us
from npm_vetted.model import Finding, Location
from npm_vetted.projects.change import Change
from npm_vetted.projects.paths import in_node_modules


def unread_files(check: str, change: Change) -> Iterator[Finding]:
    """One finding for each file that the commit touches, or with ``--all`` for each there is."""
    for path, touched in sorted(change.touched.items()):
        client = unread_by_us(path) if touched.after is not None else None
        if client is None or _is_read(change, path) or in_node_modules(path):
            continue
        if change.policy.excludes(path):
            continue
        yield Finding(
            check=check,
            message=f"{client} reads this file and npm-vetted does not: what it installs is not "
            "checked. To accept that for this file: [[ignore]] with check, code = "
            '"unread-lockfile", path and reason in .vetting/config.toml',
            location=Location(path),
            code="unread-lockfile",
            key=path,
        )


def excluded_lockfiles(check: str, change: Change) -> Iterator[Finding]:
    """Lockfiles that a commit adds in a folder that an ``[[exclude]]`` calls no project: people install there."""
    names = {name for client in clients().values() for name in client.LOCKFILES}
    for path, touched in sorted(change.touched.items() if not change.everything else ()):
        added = touched.before is None and touched.after is not None and not in_node_modules(path)
        locks = path.rpartition("/")[2] in names or unread_by_us(path) is not None
        if added and locks and "/" in path and not change.projects_after.counts(path):
            yield Finding(
                check=check,
                message="a lockfile appears in a folder that [[exclude]] calls no project: expected "
                "another folder, or no such entry",
                location=Location(path),
                code="excluded-lockfile",
                key=path,
            )


def _is_read(change: Change, path: str) -> bool:
    """Whether a client reads a file; a lockfile is only read in a project, which has a manifest."""
    name = path.rpartition("/")[2]
    locks = any(name in client.LOCKFILES for client in clients().values())
    if locks or "/rush/" in path or "/subspaces/" in path:
        project = change.projects_after.of(path)
        return project is not None and path in project.lockfiles
    return any(name in (*client.SETTINGS, *client.MARKERS) for client in clients().values())
