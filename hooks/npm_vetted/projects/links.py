"""Finds links and submodules that a project installs from: the commit does not contain their files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from npm_vetted.clients.shared.workspaces import Negation, is_member, literal_start
from npm_vetted.git.process import path_text
from npm_vetted.git.repository import LINK, SUBMODULE, TreeEntry
from npm_vetted.git.snapshot import Snapshot
from npm_vetted.projects.discovery import Projects
from npm_vetted.projects.file_names import manifest_names
from npm_vetted.projects.folder_dependencies import ANY_FOLDER, required_folder
from npm_vetted.projects.paths import ancestors, below, folder_of, join


def elsewhere(projects: Projects, root: str) -> Iterator[tuple[str, TreeEntry]]:
    """The links and submodules on the paths of a root's workspaces and folder dependencies."""
    seen = set()
    for path in (*_linked_workspaces(projects, root), *_linked_folders(projects, root)):
        entry = projects.snapshot.entry(path)
        if entry is not None and path not in seen:
            seen.add(path)
            yield path, entry


def _linked_workspaces(projects: Projects, root: str) -> Iterator[str]:
    """The links and submodules that workspace globs may match, and those in the folders above."""
    globs = [each for each in projects.globs(root) or () if not each.startswith("!")]
    for glob in globs:
        fixed, rest = literal_start(glob)
        start = join(root, fixed)
        yield from _links_above(projects.snapshot, start, root)
        inside = f"{start}/" if start else ""
        deep = rest is None or "/" in rest
        listed = projects.snapshot.below(inside) if deep else projects.snapshot.files_in(inside)
        for path in listed if rest != "" else ():
            if _leads_away(projects.snapshot, path) and _may_be_workspace(projects, root, path):
                yield path


def _may_be_workspace(projects: Projects, root: str, path: str) -> bool:
    """Whether a link or submodule may be a workspace, or may contain workspaces."""
    if projects.is_workspace(root, path):
        return _may_hold_manifest(projects.snapshot, path, at_once=True)
    inner = below(root, path)
    starts = {
        "/".join(parts[:depth])
        for each in projects.globs(root) or ()
        if not each.startswith("!")
        for parts in [[part for part in each.split("/") if part not in ("", ".")]]
        for depth in range(1, len(parts))
    }
    above = inner is not None and any(
        is_member((each,), inner, Negation.IGNORED) for each in starts
    )
    return above and _may_hold_manifest(projects.snapshot, path, at_once=False)


def _may_hold_manifest(snapshot: Snapshot, path: str, *, at_once: bool) -> bool:
    """Whether a link's target may contain a manifest; always true for a submodule."""
    entry = snapshot.entry(path)
    if entry is None or entry.mode != LINK:
        return True
    text = path_text(snapshot.objects.read(entry.oid, path))
    target = posixpath.normpath(posixpath.join(folder_of(path), text))
    if text.startswith("/") or target.startswith("../"):
        return True
    found = snapshot.entry(target)
    if found is not None:
        return found.mode in (LINK, SUBMODULE)
    inside = snapshot.files_in if at_once else snapshot.below
    return any(each.rpartition("/")[2] in manifest_names() for each in inside(f"{target}/"))


def _leads_away(snapshot: Snapshot, path: str) -> bool:
    entry = snapshot.entry(path)
    return entry is not None and entry.mode in (LINK, SUBMODULE)


def _links_above(snapshot: Snapshot, folder: str, root: str) -> Iterator[str]:
    """The links and submodules among a folder and the folders above it, up to the root."""
    for each in ancestors(folder):
        if each and each != root and _leads_away(snapshot, each):
            yield each


def _linked_folders(projects: Projects, root: str) -> Iterator[str]:
    """The links and submodules that folder dependencies lead through."""
    manifest = projects.manifest(root)
    if manifest is None:
        return
    for asking in (
        manifest,
        *projects.members(root).values(),
        *projects.folder_dependencies(root).values(),
    ):
        for asked in asking.requires:
            folder = required_folder(asking.folder, asked, ANY_FOLDER)
            if folder is not None:
                yield from _links_above(projects.snapshot, folder, root)
