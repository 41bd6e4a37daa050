"""Folders that a commit makes a dependency: those outside the repository, or in place of a vetted package.

A folder of the repository is ordinary code: people review its files, its manifest is judged with the project,
and the switch keeps its scripts off. Two cases need a person's decision. A folder outside the repository is in
no commit. And if a folder replaces a vetted package, the notes do not cover the folder's code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from npm_vetted.clients.shared.lockfile import ARCHIVE_SUFFIXES
from npm_vetted.git.repository import SUBMODULE
from npm_vetted.model import Kind, Location, Manifest, Problem
from npm_vetted.projects.change import Change
from npm_vetted.projects.folder_dependencies import folder_named, leads_outside, names_a_place
from npm_vetted.projects.paths import join
from npm_vetted.projects.project_change import ProjectChange


class _Asked(NamedTuple):
    """A requirement, or an override, that takes a package from a folder."""

    folder: str
    name: str
    specifier: str
    location: Location


def folder_problems(change: Change, project: ProjectChange) -> Iterator[Problem]:
    """Yield problems of the folder dependencies that the commit adds."""
    named = [each for each in _of_after(project) if names_a_place(each.specifier)]
    known = (
        {(each.folder, each.name, each.specifier) for each in _of_before(project)} if named else ()
    )
    for asked in named:
        if (asked.folder, asked.name, asked.specifier) in known:
            continue
        if leads_outside(asked.folder, asked.specifier):
            if not asked.specifier.endswith(ARCHIVE_SUFFIXES):
                yield _problem(asked, "elsewhere", "which is not in this repository", "outside")
            continue
        folder = folder_named(asked.folder, asked.specifier)
        if folder is None or folder in project.after.members.keys() - project.after.folders:
            continue
        if _holds_files(change, folder) and _was_published(project, asked.name):
            words = "and was a registry's package: its notes say nothing of the folder"
            yield _problem(asked, "folder-for-package", words, _tree(change, folder))


def _of_after(project: ProjectChange) -> Iterator[_Asked]:
    yield from _required(project.after.manifests.values())
    for lockfile in project.lockfiles:
        yield from _redirected(project.after.manifest, lockfile.overridden(project.after.manifest))


def _of_before(project: ProjectChange) -> Iterator[_Asked]:
    for earlier in project.before:
        yield from _required(earlier.manifests.values())
    for earlier, lockfile in project.earlier:
        yield from _redirected(earlier.manifest, lockfile.overridden(earlier.manifest))


def _required(manifests: Iterable[Manifest]) -> Iterator[_Asked]:
    for manifest in manifests:
        for asked in manifest.requires:
            location = Location(manifest.path, asked.line)
            yield _Asked(manifest.folder, asked.name, asked.specifier, location)


def _redirected(manifest: Manifest, found: Iterator[tuple[str, str]]) -> Iterator[_Asked]:
    for name, specifier in found:
        yield _Asked(manifest.folder, name, specifier, Location(manifest.path))


def _holds_files(change: Change, folder: str) -> bool:
    return next(iter(change.after.below(f"{folder}/")), None) is not None


def _was_published(project: ProjectChange, name: str) -> bool:
    """Whether the lockfile before the change had a package of this name from a registry."""
    return any(
        artifact.kind is Kind.REGISTRY
        for _, lockfile in project.earlier
        for artifact in lockfile.named({name})
    )


def _tree(change: Change, folder: str) -> str:
    """A hash over the git objects of a folder's files."""
    import hashlib  # here: OpenSSL takes 2 ms to load

    digest = hashlib.sha256()
    for path in sorted(change.after.below(f"{folder}/")):
        entry = change.after.entry(path)
        if entry is not None and entry.mode != SUBMODULE:
            digest.update(f"{entry.mode} {entry.oid} {path}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _problem(asked: _Asked, code: str, words: str, value: str) -> Problem:
    return Problem(
        message=f"{asked.name} comes from the folder {asked.specifier!r}, {words}",
        location=asked.location,
        package=asked.name,
        code=code,
        key=join(asked.folder, f"{asked.name}@{asked.specifier}"),
        value=value,
    )
