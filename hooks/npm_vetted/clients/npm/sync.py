"""Disagreements between npm's manifests and lockfile, or between the halves of a version 2 lockfile.

npm copies a manifest's dependency fields into the lockfile unchanged (tried with npm 7 to 12), with
two exceptions: a name that is optional too is left out of ``dependencies``, and
``bundledDependencies`` is written ``bundleDependencies``. Version 1 has no copy, so each dependency
is looked up.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from npm_vetted.clients.npm.extensions import not_applied
from npm_vetted.clients.npm.legacy import LegacyLayout, LegacyLockfile
from npm_vetted.clients.npm.lockfile import NpmLockfile
from npm_vetted.clients.npm.matching import mismatch
from npm_vetted.clients.npm.places import MODULES, clean_path
from npm_vetted.clients.npm.requirements import Override, overrides_of
from npm_vetted.clients.shared.lockfile import beside, whole_manifest_value
from npm_vetted.clients.shared.settings import value_text
from npm_vetted.errors import DocumentError
from npm_vetted.formats.npmrc import NpmrcSetting, effective, load_npmrc
from npm_vetted.model import Group, Location, Manifest, Problem, Requirement
from npm_vetted.packages.manifest import read_pin

_PINNING: Final = ("version", "resolved", "integrity")


def with_importers(lockfile: NpmLockfile, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
    """Compare each manifest with the lockfile's copy of it, and both with the locked entries."""
    overrides = overrides_of(manifests.get(""))
    for folder, manifest in manifests.items():
        if not folder and not lockfile.packages and not manifest.requires:
            continue  # npm leaves `"packages": {}` when the last dependency goes
        if folder not in lockfile.packages:
            message = f"{lockfile.path} does not know this workspace"
            yield _problem(manifest, 1, message, whole_manifest_value(manifest))
            continue
        name = manifest.name or folder.rpartition("/")[2]
        if folder and f"{MODULES}{name}" not in lockfile.linked.get(folder, ()):
            message = f"nothing in {lockfile.path} links {name} to this workspace"
            yield _problem(manifest, 1, message, f"link {name}")
        if not folder and manifest.data.get("workspaces") != lockfile.packages[""].get(
            "workspaces"
        ):
            line = manifest.line_of("workspaces")
            message = f"{lockfile.path} has other workspaces"
            workspaces = manifest.data.get("workspaces"), lockfile.packages[""].get("workspaces")
            yield _problem(manifest, line, message, f"workspaces {value_text(workspaces)}")
        yield from _copies(lockfile, folder, manifest)
        yield from satisfied(lockfile, folder, manifest, overrides)


def _copies(lockfile: NpmLockfile, folder: str, manifest: Manifest) -> Iterator[Problem]:
    """The differences between a manifest and the lockfile's copy of it."""
    wanted = {(asked.name, asked.group): asked for asked in _asked(manifest)}
    copied = {(asked.name, asked.group): asked.specifier for asked in lockfile.requirements(folder)}
    for (name, group), asked in wanted.items():
        locked = copied.pop((name, group), None)
        if locked != asked.specifier:
            found = "nothing" if locked is None else repr(locked)
            yield _problem(
                manifest, asked.line,
                f"{group.value}: {name} is {asked.specifier!r} here, {lockfile.path} has {found}",
                f"{group.value} {asked.specifier} {found}", name,
            )  # fmt: skip
    for (name, group), specifier in copied.items():
        message = f"{group.value}: {lockfile.path} has {name} {specifier!r}, this manifest does not"
        yield _problem(manifest, 1, message, f"{group.value} nothing {specifier!r}", name)


def _asked(manifest: Manifest) -> Iterator[Requirement]:
    """A manifest's dependencies as npm reads them: a name in ``optionalDependencies`` too is only optional."""
    optional = {asked.name for asked in manifest.requires if asked.group is Group.OPTIONAL}
    for asked in manifest.requires:
        if asked.group is not Group.PRODUCTION or asked.name not in optional:
            yield asked


def satisfied(
    lockfile: NpmLockfile,
    folder: str,
    manifest: Manifest,
    overrides: tuple[Override, ...] = (),
) -> Iterator[Problem]:
    """The requirements of a manifest that the locked packages do not satisfy.

    Not reported: a missing optional dependency, which npm itself may leave out; a peer, which may be
    missing or wrong with ``legacy-peer-deps``; and a peer with a devDependency of the same name.
    """
    development = {each.name for each in manifest.requires if each.group is Group.DEVELOPMENT}
    for asked in _asked(manifest):
        if asked.group is Group.PEER:
            continue
        if asked.group is not Group.DEVELOPMENT and asked.name in development:
            continue  # npm takes the range of devDependencies (tried with 10 to 12)
        place = lockfile.place(folder, asked.name)
        if place is None:
            if asked.group is not Group.OPTIONAL:
                message = f"{asked.name} {asked.specifier!r} is not in {lockfile.path}"
                yield _problem(manifest, asked.line, message, asked.specifier, asked.name)
            continue
        accepted = _accepted(overrides, folder, manifest, asked)
        reasons = [mismatch(lockfile, place, asked.name, each) for each in accepted]
        if all(reasons):
            message = (
                f"{asked.name} {asked.specifier!r} is not satisfied by what "
                f"{lockfile.path}:{lockfile.line(place)} locks: {reasons[0]}"
            )
            locked = lockfile.artifact(place)
            value = f"{asked.specifier} {place} {locked.label if locked else ''}"
            yield _problem(manifest, asked.line, message, value, asked.name)


def _accepted(
    overrides: Iterable[Override], folder: str, manifest: Manifest, asked: Requirement
) -> Iterator[str]:
    """The specifiers that a locked package may satisfy for a manifest's requirement: its own, or an override's.

    An override that is nested below a workspace's name applies to the requirements of that workspace.
    """
    yield asked.specifier
    for each in overrides:
        name = manifest.name if folder else None
        if each.meets(asked) and each.is_certain(name, manifest.version):
            yield each.specifier
    accepted = manifest.data.get("acceptDependencies")
    other = accepted.get(asked.name) if isinstance(accepted, dict) else None
    if isinstance(other, str):
        yield other


def with_patches(lockfile: NpmLockfile, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
    """Differences in patches: npm 12 applies the root's ``patchedDependencies`` even if no entry has them."""
    root = manifests.get("")
    patches = root.data.get("patchedDependencies") if root is not None else None
    if root is None or not isinstance(patches, dict):
        return
    known = {
        clean_path(str(patched.get("path")))
        for place in lockfile.layout.unusual
        if isinstance(patched := lockfile.packages[place].get("patched"), dict)
    }
    for selector, path in patches.items():
        if not isinstance(path, str) or clean_path(path) not in known:
            yield _problem(
                root, root.line_of("patchedDependencies", selector),
                f"patchedDependencies: {selector} is patched with {path!r}, and no entry of "
                f"{lockfile.path} has this patch", f"{selector} {path}",
            )  # fmt: skip


def with_extensions(lockfile: NpmLockfile, root: Manifest | None) -> Iterator[Problem]:
    """Differences in ``packageExtensions``, which npm 12 adds to packages' requirements and locks by a hash.

    Older versions read neither the table nor the hash: if one is pinned, the hash may be missing.
    """
    if root is None:
        return
    locked = lockfile.packages.get("", {}).get("packageExtensionsHash")
    wanted = root.data.get("packageExtensions")
    pin = read_pin(root)
    if locked is None and pin is not None and pin.exact and (pin.minimum or (12,)) < (12,):
        return
    if locked != (None if wanted is None else _hash(wanted)):
        line = root.line_of("packageExtensions") if wanted is not None else 1
        message = f"{lockfile.path} was written for other packageExtensions than package.json has"
        yield _problem(root, line, message, f"packageExtensions {locked} {value_text(wanted)}")
        return
    yield from not_applied(lockfile, root)


def with_extension_file(lockfile: NpmLockfile, root: Manifest | None) -> Iterator[Problem]:
    """A wrong hash of the program that rewrites manifests: npm 12 locks the hash, and ``npm ci`` compares it.

    npm compares the hash also if scripts are off, although it does not run the program then.
    """
    if root is None:
        return
    locked = lockfile.packages.get("", {}).get("npmExtensionHash")
    named = effective(_settings_beside(lockfile), "extension-file")
    text = named.value if named is not None and isinstance(named.value, str) else None
    names = [text] if text else [f".npm-extension.{kind}" for kind in ("mjs", "cjs")]
    found = [
        _digest(f"npm-extension:v1:{name.rpartition('.')[2]}\n".encode() + data)
        for name in names
        if (data := lockfile.read(posixpath.normpath(beside(lockfile.path, name)))) is not None
    ]
    pin = read_pin(root)
    if locked is None and pin is not None and pin.exact and (pin.minimum or (12,)) < (12,):
        return
    if ([] if locked is None else [locked]) != found:
        message = f"{lockfile.path} was written for another {' or '.join(names)} than is here"
        yield _problem(root, 1, message, f"extensions {locked} {' '.join(found)}")


def _settings_beside(lockfile: NpmLockfile) -> tuple[NpmrcSetting, ...]:
    """The settings beside a lockfile; empty if they cannot be read, which another check reports."""
    path = beside(lockfile.path, ".npmrc")
    try:
        return load_npmrc(path, lockfile.read(path) or b"")
    except DocumentError:
        return ()


def _hash(value: object) -> str:
    """The hash that npm makes of a JSON value: the keys sorted, no white space."""
    import json

    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return _digest(text.encode("utf-8", "surrogatepass"))


def _digest(data: bytes) -> str:
    import base64
    import hashlib

    return f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"


def halves(lockfile: NpmLockfile) -> Iterator[Problem]:
    """Differences between ``packages``, which npm 7 and later read, and ``dependencies``, which npm 6 reads.

    Name and version are only compared for packages of a registry: for others, ``dependencies`` has neither.
    """
    other = LegacyLockfile(LegacyLayout(lockfile.layout.document), 1, lambda _: None)
    for place in dict.fromkeys([*lockfile.packages, *other.packages]):
        if MODULES not in place or _is_plainly_one(lockfile, other, place):
            continue
        ours, theirs = _said(lockfile, place), _said(other, place)
        if ours == theirs or (theirs[0] == "" and ours[1:] == theirs[1:]):
            continue
        line = lockfile.line(place) if place in lockfile.packages else other.line(place)
        yield Problem(
            message=f"{place}: the two halves of the lockfile differ: packages (npm 7 and later) "
            f"has {_words(ours)}, dependencies (npm 6) has {_words(theirs)}",
            location=Location(lockfile.path, line),
            code="halves-differ",
            key=place,
            value=f"{_words(ours)} {_words(theirs)}",
        )


def _is_plainly_one(lockfile: NpmLockfile, other: NpmLockfile, place: str) -> bool:
    """Whether both halves have the same registry package at a place: a quick test that most entries pass."""
    ours, theirs = lockfile.packages.get(place, {}), other.packages.get(place, {})
    said = [ours.get(field) for field in _PINNING]
    return (
        place not in lockfile.layout.unusual
        and place not in other.layout.unusual
        and said == [theirs.get(field) for field in _PINNING]
        and all(isinstance(value, str) for value in said)
    )


_Said = tuple[str, str, str]


def _said(lockfile: NpmLockfile, place: str) -> _Said:
    """The package, source and hash that one half has for a place."""
    if place not in lockfile.packages:
        return "nothing", "", ""
    link = lockfile.linked_to(place)
    if link is not None:
        return "a link", link, ""
    artifact = lockfile.artifact(place)
    if artifact is None:
        return "a folder", "", ""
    label = f"{artifact.name}@{artifact.version}" if artifact.version else ""
    return label, artifact.resolved or "", artifact.integrity or ""


def _words(said: _Said) -> str:
    label, source, integrity = said
    return " ".join(filter(None, (label, source and f"from {source}", integrity)))


def _problem(
    manifest: Manifest, line: int, message: str, value: str, package: str | None = None
) -> Problem:
    return Problem(
        message=message, location=Location(manifest.path, line), package=package,
        code="out-of-date", key=package or manifest.path, value=value,
    )  # fmt: skip
