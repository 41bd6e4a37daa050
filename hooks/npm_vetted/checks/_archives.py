"""Committed archives: a client installs from these files, so their bytes can be hashed offline.

Yarn berry's zero-installs run the archives in ``.yarn/cache`` without an install step; every client
installs a ``file:`` tarball from the repository. An archive is judged when the commit touches it or
the lockfile's entry for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.checks import artifact_value, finding_of
from npm_vetted.clients.shared.lockfile import ARCHIVE_SUFFIXES, Lockfile
from npm_vetted.errors import UndecidedError
from npm_vetted.git.objects import BlobDigest
from npm_vetted.git.repository import LINK, SUBMODULE
from npm_vetted.model import Entry, Finding, Location, Problem
from npm_vetted.packages.integrity import Hash, parse_integrity, strongest
from npm_vetted.projects.change import Change
from npm_vetted.projects.paths import ancestors
from npm_vetted.projects.project_change import ProjectChange

CODES: Final = {
    "archive-differs": "A committed archive whose bytes are not those of the lockfile's hash.",
    "archive-unbound": "A committed archive that no hash in the lockfile binds.",
    "archive-unlocked": "An archive in a client's committed cache that the lockfile does not name.",
    "archive-elsewhere": "A committed archive whose bytes are not in git: by git-lfs, a link or a submodule.",
}

_LFS: Final = b"version https://git-lfs.github.com/spec/"


def archive_findings(check: str, change: Change) -> Iterator[Finding]:
    """Yield findings on the archives that the change touches, or whose entries it changes."""
    for project in change.projects:
        for lockfile in project.lockfiles:
            for problem in _problems(change, project, lockfile):
                yield finding_of(check, problem, project.after)


def _problems(change: Change, project: ProjectChange, lockfile: Lockfile) -> Iterator[Problem]:
    touched = {
        path
        for path, each in change.touched.items()
        if each.after is not None and path.endswith(ARCHIVE_SUFFIXES)
    }
    changed = set(project.despite_earlier(lambda: project.changed_keys(lockfile)))
    gone = {path for path in change.touched if path.endswith(ARCHIVE_SUFFIXES)} - touched
    for key in sorted(changed | _naming(lockfile, touched | gone)):
        entry = lockfile.entry(key)
        path = lockfile.local_archive(entry)
        if path is not None and (key in changed or path in touched or path in gone):
            yield from _judged(change, lockfile, entry, path)
    if lockfile.store is not None:
        yield from _linked(change, lockfile.store.rstrip("/"), lockfile)
    if lockfile.store is not None and (touched or changed):
        yield from _of_store(change, lockfile, touched, changed)


def _linked(
    change: Change, path: str, lockfile: Lockfile, entry: Entry | None = None
) -> Iterator[Problem]:
    """A link or a submodule at an archive's or a store's path: what is behind it has no known bytes."""
    for place in ancestors(path):
        found = change.after.entry(place) if place else None
        if found is None or found.mode not in (LINK, SUBMODULE):
            continue
        kind = "a symbolic link" if found.mode == LINK else "a submodule"
        artifact = None if entry is None else entry.artifact
        yield Problem(
            message=f"archives that {lockfile.path} pins are used through {kind}: expected them in git",
            location=Location(place),
            package=None if artifact is None else artifact.name,
            version=None if artifact is None else artifact.version,
            code="archive-elsewhere",
            key=place,
            value=f"{found.mode} {found.oid}",
        )


def _naming(lockfile: Lockfile, paths: set[str]) -> set[str]:
    """The keys of the entries that may name one of some files, by the files' names."""
    names = {path.rpartition("/")[2] for path in paths}
    if not names:
        return set()
    plain = all(name.isascii() and not set(name) & set("\\\"'") for name in names)
    return {
        key
        for key, block in lockfile.blocks.items()
        if not plain or any(name in key or name in str(block) for name in names)
    }


def _of_store(
    change: Change, lockfile: Lockfile, touched: set[str], changed: set[str]
) -> Iterator[Problem]:
    store = str(lockfile.store)
    names = [
        path.removeprefix(store)
        for path in change.after.files_in(store)
        if path.endswith(ARCHIVE_SUFFIXES)
    ]
    keys = lockfile.stored(names)
    for name in sorted(names):
        path, key = store + name, keys.get(name)
        if path not in touched and key not in changed:
            continue
        if key is None and _is_left_over(change, lockfile, name):
            continue
        if key is None:
            yield Problem(
                message=f"{lockfile.path} names no package that is installed from this archive",
                location=Location(path),
                fix=(("git", "rm", "--cached", path),),
                code="archive-unlocked",
                key=path,
                value=_hex(change.after.digest(path, "sha512")),
            )
        else:
            yield from _judged(change, lockfile, lockfile.entry(key), path)


def _is_left_over(change: Change, lockfile: Lockfile, name: str) -> bool:
    """Whether an archive that a lockfile does not name is honest: another's, or an upgrade left it."""
    if change.everything and not lockfile.prunes_store:
        return True
    others = (each for project in change.projects for each in project.lockfiles)
    return any(each.store == lockfile.store and each.stored([name]) for each in others)


def _judged(change: Change, lockfile: Lockfile, entry: Entry, path: str) -> Iterator[Problem]:
    """Compare the bytes of an archive with the hash of its entry."""
    found = change.after.digest(path, "sha512")
    artifact = entry.artifact
    if found is None or artifact is None:
        yield from _linked(change, path, lockfile, entry)
        return

    def problem(code: str, message: str) -> Problem:
        return Problem(
            message=message,
            location=Location(path),
            package=artifact.name,
            version=artifact.version,
            fix=lockfile.refetch(path) if code == "archive-differs" else (),
            code=code,
            key=path,
            value=f"{artifact_value(artifact)} {_hex(found)}",
        )

    if found.head.startswith(_LFS):
        yield problem(
            "archive-elsewhere",
            "git-lfs keeps this archive outside of git, so its bytes cannot be compared with the "
            f"hash in {lockfile.path}: expected the archive itself in git",
        )
        return
    text = lockfile.archive_hash(entry)
    try:
        expected = None if text is None else strongest(parse_integrity(text))
    except UndecidedError:
        expected = None
    if expected is None:
        yield problem(
            "archive-unbound",
            f"the entry of {artifact.label} in {lockfile.path} has no hash that binds this archive",
        )
        return
    again = (
        found if expected.algorithm == "sha512" else change.after.digest(path, expected.algorithm)
    )
    if again is not None and again.digest != expected.digest:
        shown = Hash(expected.algorithm, again.digest)
        yield problem(
            "archive-differs",
            f"the bytes of this archive are not those that {lockfile.path} pins for "
            f"{artifact.label}: expected {expected}, found {shown}",
        )


def _hex(found: BlobDigest | None) -> str:
    return "" if found is None else f"sha512-{found.digest.hex()}"
