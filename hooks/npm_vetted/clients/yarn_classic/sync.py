"""Disagreements between a yarn.lock of version 1 and the manifests.

The format does not record the manifests' requirements. So each requirement is looked up as Yarn
does it (PackageResolver in its source):

1. Each name counts once in a manifest: its first range that is not ``*`` in optionalDependencies,
   dependencies, devDependencies. The key ``//`` is a comment.
2. A name of a workspace whose version the range allows is that workspace, and is not locked,
   whatever requires it.
3. Otherwise there must be an entry with the pattern ``name@range`` whose version the range allows.
4. Each of the root's ``resolutions`` has an entry with the pattern ``name@value``. It replaces
   every range of that name, which is why such an entry may have a version outside the range.
5. A folder (``file:``, ``link:``) is read anew at each install: its manifest's dependencies are
   requirements, too.

Yarn treats an entry as missing if it has no ``resolved`` or a version that its pattern does not
allow: it asks the registry again, also with ``--frozen-lockfile``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from npm_vetted.clients.shared.lockfile import Lockfile, beside
from npm_vetted.clients.yarn_classic.entries import ClassicEntries, alias_target, split_pattern
from npm_vetted.model import Group, Location, Manifest, Problem, Read, Requirement
from npm_vetted.packages.manifest import read_manifest
from npm_vetted.packages.ranges import satisfies

_PRECEDENCE: Final = (Group.OPTIONAL, Group.PRODUCTION, Group.DEVELOPMENT)
_TRIVIAL: Final = ("", "*")
_FOLDER: Final = re.compile(r"(?:file:|link:)|\.{1,2}/")
_RESOLVED: Final = re.compile(r"[^\n]*+\n  version [^\n]*+\n  resolved ")
"""The first lines of an entry as Yarn writes it."""


def disagreements(
    lockfile: ClassicEntries, manifests: Mapping[str, Manifest], read: Read
) -> Iterator[Problem]:
    """Every disagreement; none for a lockfile as Yarn wrote it."""
    own = {each.name: each for folder, each in manifests.items() if folder and each.name}
    seen: set[str] = set()
    for manifest in manifests.values():
        yield from _manifest(lockfile, manifest, own, read, seen)
    yield from _of_workspaces(lockfile, own)
    yield from _unapplied(lockfile, manifests.get(""))
    yield from _passed_over(lockfile, manifests)
    yield from _without_source(lockfile)


def effective_requirements(manifest: Manifest) -> dict[str, Requirement]:
    """A manifest's requirements as Yarn reads them: each name once."""
    found: dict[str, Requirement] = {}
    for group in _PRECEDENCE:
        for asked in manifest.requires:
            if asked.group is not group or asked.name == "//":
                continue
            known = found.setdefault(asked.name, asked)
            if known.specifier in _TRIVIAL and asked.specifier not in _TRIVIAL:
                found[asked.name] = known._replace(specifier=asked.specifier, line=asked.line)
    return found


def _manifest(
    lockfile: ClassicEntries, manifest: Manifest, own: Mapping[str, Manifest], read: Read,
    seen: set[str], *, is_folder: bool = False,
) -> Iterator[Problem]:  # fmt: skip
    """Problems of a manifest's requirements, and of those of the folders that it depends on."""
    for asked in effective_requirements(manifest).values():
        member = own.get(asked.name)
        if member is not None and satisfies(member.version or "", asked.specifier or "*"):
            continue
        if is_folder and asked.group is Group.DEVELOPMENT:
            continue
        if _FOLDER.match(asked.specifier):
            yield from _folder(lockfile, asked.specifier, own, read, seen)
        if not is_folder or not asked.specifier.startswith("link:"):
            yield from _requirement(lockfile, manifest, asked)


def _of_workspaces(lockfile: ClassicEntries, own: Mapping[str, Manifest]) -> Iterator[Problem]:
    """Entries for a range that a workspace satisfies: Yarn always installs the workspace instead."""
    for pattern, key in lockfile.index.items() if own else ():
        name, wanted = split_pattern(pattern)
        member = own.get(name or pattern)
        if member is not None and satisfies(member.version or "", wanted or "*"):
            message = (
                f"{pattern} is locked, but the workspace {member.path} has that name and version, and Yarn "
                "installs it instead"
            )
            where = Location(lockfile.path, lockfile.line(key))
            yield _problem(lockfile, message, where, name or pattern, pattern, member.version or "")


def _folder(
    lockfile: ClassicEntries, specifier: str, own: Mapping[str, Manifest], read: Read,
    seen: set[str],
) -> Iterator[Problem]:  # fmt: skip
    """Problems of a folder dependency's requirements; Yarn resolves its path from the root."""
    bare = specifier.removeprefix("file:").removeprefix("link:")
    path = posixpath.normpath(beside(lockfile.path, posixpath.join(bare, "package.json")))
    if path in seen or path.startswith(("../", "/")):
        return
    seen.add(path)
    data = read(path)
    if data is not None:
        manifest = read_manifest(path, data)
        yield from _manifest(lockfile, manifest, own, read, seen, is_folder=True)


def _requirement(
    lockfile: ClassicEntries, manifest: Manifest, asked: Requirement
) -> Iterator[Problem]:
    """The problem of a manifest's dependency without an entry, or with an entry of another version."""
    wanted = f"{asked.name}@{asked.specifier}"
    key = lockfile.resolve(None, asked)
    own = lockfile.index.get(wanted, None if asked.specifier else lockfile.index.get(asked.name))
    if key is None or (own is None and not lockfile.replaces(asked.name, manifest.name)):
        message = f"{manifest.path} depends on {wanted}, which is missing from {lockfile.path}"
        yield _problem(
            lockfile, message, Location(manifest.path, asked.line), asked.name, wanted, ""
        )
        return
    pattern = wanted if wanted in lockfile.index else asked.name
    if _is_outdated(lockfile, key, pattern):
        found = lockfile.entry(key).artifact
        version = found.version if found else None
        message = f"{manifest.path} depends on {wanted}, but {lockfile.path} has {version}"
        where = Location(lockfile.path, lockfile.line(key))
        yield _problem(lockfile, message, where, asked.name, wanted, version or "")


def contradictions(
    lockfile: ClassicEntries, keys: Iterable[str], before: Iterable[Lockfile]
) -> Iterator[Problem]:
    """Entries whose patterns do not allow their version, unless a resolution explains that.

    Besides ``keys``, the entries of names with a resolution now or before are examined: if a resolution
    is removed, its entries stay in the lockfile and are outdated.
    """
    names = set(lockfile.overrides)
    for each in before:
        if isinstance(each, ClassicEntries):
            names |= set(each.overrides)
    chosen = dict.fromkeys(keys)
    if names:
        chosen |= {key: None for each, key in lockfile.index.items() if _name(each) in names}
    for key in chosen:
        for pattern in lockfile.descriptors(key):
            if _is_outdated(lockfile, key, pattern):
                found = lockfile.entry(key).artifact
                version = (found.version if found else None) or "?"
                message = (
                    f"{pattern} is locked to {version}, which the range does not allow: Yarn "
                    "ignores this entry and resolves the package again"
                )
                where = Location(lockfile.path, lockfile.line(key))
                yield _problem(lockfile, message, where, _name(pattern), pattern, version)


def _name(pattern: str) -> str:
    return split_pattern(pattern)[0] or pattern


def _is_outdated(lockfile: ClassicEntries, key: str, pattern: str) -> bool:
    """Whether Yarn treats an entry as outdated because of one of its patterns.

    The pattern's range must allow the version, and its name must be the entry's package, unless a
    resolution of the name leads to this entry.
    """
    name, wanted = split_pattern(pattern)
    artifact = lockfile.entry(key).artifact
    if name is None or artifact is None or artifact.version is None:
        return False
    others = set(lockfile.descriptors(key)) - {pattern}
    if any(f"{name}@{value}" in others for value in lockfile.overrides.get(name, ())):
        return False
    fits = satisfies(artifact.version, wanted)
    if fits is None:  # an alias, a tag, a source
        return False
    if artifact.name != name and alias_target(wanted) is None:
        return True
    return not fits


def _unapplied(lockfile: ClassicEntries, root: Manifest | None) -> Iterator[Problem]:
    """Resolutions of the root's package.json without an entry."""
    for name, values in lockfile.overrides.items() if root else ():
        for value in values:
            if f"{name}@{value}" in lockfile.index or root is None:
                continue
            key = next(each for each, wanted in lockfile.resolutions.items()
                       if wanted == value and each.endswith(name))  # fmt: skip
            message = f"{root.path} resolves {key} to {value}, but {lockfile.path} does not"
            where = Location(root.path, root.line_of("resolutions", key))
            yield _problem(lockfile, message, where, name, f"resolutions.{key}", value)


def _passed_over(lockfile: ClassicEntries, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
    """Patterns of a name with a resolution for every dependent (``**/name``) that lead to another entry.

    Only the direct dependencies of a root without workspaces are not replaced.
    """
    everywhere = {key.removeprefix("**/"): value for key, value in lockfile.resolutions.items()}
    everywhere = {name: value for name, value in everywhere.items()
                  if lockfile.overrides.get(name) == (value,)}  # fmt: skip
    if not everywhere:
        return
    own: set[str] = set()
    if len(manifests) == 1:
        for manifest in manifests.values():
            own |= {f"{each.name}@{each.specifier}" for each in manifest.requires}
    for pattern, key in lockfile.index.items():
        name = _name(pattern)
        right = lockfile.index.get(f"{name}@{everywhere[name]}") if name in everywhere else None
        if right is None or key == right or pattern in own:
            continue
        one, other = lockfile.entry(key).artifact, lockfile.entry(right).artifact
        if one is not None and other is not None and one.resolved != other.resolved:
            message = f"{pattern} is locked to {one.label}, but a resolution replaces it with {other.label}"
            where = Location(lockfile.path, lockfile.line(key))
            yield _problem(lockfile, message, where, name, pattern, one.label)


def _without_source(lockfile: ClassicEntries) -> Iterator[Problem]:
    """Report entries without ``resolved``: Yarn ignores them and asks the registry again."""
    for key in lockfile.unlike(_RESOLVED):
        entry = lockfile.entry(key)
        if entry.artifact is not None and entry.artifact.resolved is None:
            message = (
                f"{key} has no 'resolved' field, so Yarn ignores this entry and resolves the "
                "package again"
            )
            where = Location(lockfile.path, entry.line)
            label = entry.artifact.label
            yield _problem(lockfile, message, where, entry.artifact.name, label, key)


def _problem(
    lockfile: ClassicEntries, message: str, location: Location, package: str, key: str, value: str
) -> Problem:
    folder = posixpath.dirname(lockfile.path)
    where = ("--cwd", folder) if folder else ()
    return Problem(
        message=message,
        location=location,
        package=package,
        fix=(("yarn", *where, "install", "--ignore-scripts"), ("git", "add", lockfile.path)),
        code="out-of-date",
        key=key,
        value=value,
    )
