"""Disagreements between a yarn.lock of Yarn berry and the manifests, or within the lockfile.

Yarn copies a manifest's requirements into the workspace's entry, so the two are compared name by
name; ranges are compared after both have their protocol.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from npm_vetted.clients.shared.lockfile import Lockfile, whole_manifest_value
from npm_vetted.clients.shared.yarn import out_of_range
from npm_vetted.clients.shared.yarn.locators import aliases, normal
from npm_vetted.clients.shared.yarn.patches import patch_files
from npm_vetted.clients.yarn_berry.entries import FOLDERS, install_again
from npm_vetted.clients.yarn_berry.resolution import BerryResolution
from npm_vetted.model import Group, Location, Manifest, Problem, Read, Requirement
from npm_vetted.packages.ranges import satisfies

_ORDER: Final = (Group.PRODUCTION, Group.OPTIONAL, Group.DEVELOPMENT)
"""The fields of a manifest with dependencies; a later one wins."""
_SAME_NAME: Final = re.compile(
    r'"?((?:@[^/@"\n]++/)?[^/@"\n]++)@[^"\n,]*+"?:\n  version: [^\n]*+\n  resolution: "\1@(?!patch:)'
)
"""An entry with one descriptor, whose resolution has the same name."""
_LINKED: Final = ("linkType: soft", "'linkType': 'soft'")
"""How an entry says that it is linked, in Yarn's own layout and in another."""
_CACHE_KEYS: Final = {
    4: re.compile(r"[5-8](?:c[0-9])?\Z"),
    5: re.compile(r"8(?:c[0-9])?\Z"),
    6: re.compile(r"8(?:c[0-9])?\Z"),
    7: re.compile(r"(?:9|10)(?:c[0-9])?\Z"),
}
_LATEST_KEY: Final = re.compile(r"10(?:c[0-9])?\Z")
"""The cache keys of the Yarns that write a lockfile version: by version, else the latest (2.4 to 4.18)."""
_PINNED: Final = re.compile(r"yarn@([34])\.")
_WRITES: Final = {"3": range(4, 7), "4": range(7, 11)}
"""Major version of Yarn -> the lockfile versions that it writes."""


def disagreements(
    lockfile: BerryResolution, manifests: Mapping[str, Manifest], read: Read
) -> Iterator[Problem]:
    """Every disagreement."""
    for folder, manifest in manifests.items():
        if folder not in lockfile.workspaces:
            name = manifest.name or manifest.path
            message = f"the workspace {name} has no entry in {lockfile.path}"
            value = whole_manifest_value(manifest)
            yield _problem(lockfile, message, manifest.path, 1, value)
            continue
        locked = lockfile.locator(lockfile.workspaces[folder])[0]
        if manifest.name is not None and manifest.name != locked:
            message = (
                f"{manifest.path} is called {manifest.name}, {lockfile.path} has {locked} for it"
            )
            line = manifest.line_of("name")
            value = f"{manifest.name} {locked}"
            yield _problem(lockfile, message, manifest.path, line, value, key="name")
        yield from _differences(lockfile, folder, manifest)
    for folder, key in lockfile.workspaces.items():
        if folder not in manifests:
            yield _problem(
                lockfile,
                f"{lockfile.path} has an entry for the workspace {folder or '.'!r}, "
                "which has no package.json here",
                lockfile.path,
                lockfile.line(key),
                key,
            )
    yield from _unapplied(lockfile, manifests.get(""))
    yield from _contradictions(lockfile, read)
    yield from _folders_for_packages(lockfile)
    yield from _link_types(lockfile)
    yield from _foreign_key(lockfile, manifests.get(""))


def _unapplied(lockfile: BerryResolution, root: Manifest | None) -> Iterator[Problem]:
    """Resolutions and extensions that the lockfile does not implement."""
    if root is None or "" not in lockfile.workspaces:
        return
    for key, asked, missing in lockfile.unsatisfied(lockfile.resolved_names()):
        yield _missing(lockfile, key, asked, missing)
    for key, name, wanted in lockfile.extensions():
        asked = Requirement(name=name, specifier=wanted, line=lockfile.line(key))
        descriptor = lockfile.missing_descriptor(key, asked)
        if descriptor is not None:
            yield _missing(lockfile, key, asked, descriptor)


def contradictions(
    lockfile: BerryResolution, keys: Iterable[str], before: Iterable[Lockfile]
) -> Iterator[Problem]:
    """Requirements without an entry: those of ``keys``, and those of names that a resolution replaced before."""
    if "" not in lockfile.workspaces:
        return
    now = lockfile.resolved_names()
    names = {name for each in before if isinstance(each, BerryResolution)
             for name in each.resolved_names()} - now  # fmt: skip
    seen = set()
    for key in keys:
        for asked in lockfile.entry(key).requires:
            if asked.target == "source" or asked.name in now:
                continue
            missing = lockfile.missing_descriptor(key, asked)
            if missing is not None:
                seen.add((key, missing))
                yield _missing(lockfile, key, asked, missing)
    for key, asked, missing in lockfile.unsatisfied(names):
        if (key, missing) not in seen:
            yield _missing(lockfile, key, asked, missing)


def _missing(lockfile: BerryResolution, key: str, asked: Requirement, missing: str) -> Problem:
    ident, reference = lockfile.locator(key)
    message = f"{ident}@{reference} depends on {missing}, which is missing from {lockfile.path}"
    return _problem(lockfile, message, lockfile.path, asked.line, key, asked.name, missing)


def _differences(lockfile: BerryResolution, folder: str, manifest: Manifest) -> Iterator[Problem]:
    """Differences between the requirements of a workspace's entry and its manifest."""
    locked = {asked.name: asked for asked in lockfile.importers[folder]}
    wanted = _wanted(manifest)
    for name, asked in wanted.items():
        found = locked.get(name)
        if found is None or normal(found.specifier) != normal(asked.specifier):
            has = "nothing" if found is None else found.specifier
            message = f"{manifest.path} requires {name}@{asked.specifier}, {lockfile.path} has {has} for it"
            value = f"{asked.specifier} {has}"
            yield _problem(lockfile, message, manifest.path, asked.line, value, name)
        else:
            yield from _unlocked(lockfile, folder, found)
    yield from _other_fields(lockfile, folder, manifest)
    for name, found in locked.items():
        if name not in wanted:
            yield _problem(
                lockfile,
                f"{lockfile.path} has {name}@{found.specifier} for {manifest.path}, "
                "which does not require it",
                lockfile.path,
                found.line,
                f"{manifest.path} nothing {found.specifier}",
                name,
            )


def _other_fields(lockfile: BerryResolution, folder: str, manifest: Manifest) -> Iterator[Problem]:
    """The other fields that Yarn copies into a workspace's entry: peers, optional and built packages."""
    fields = lockfile.fields(lockfile.workspaces[folder])
    for field, wanted in (
        ("peerDependencies", _peers(manifest)), ("dependenciesMeta", _meta(manifest)),
    ):  # fmt: skip
        found = _texts(fields.get(field))
        for name in sorted(wanted.keys() ^ found.keys() | {
            each for each in wanted.keys() & found.keys() if wanted[each] != found[each]
        }):  # fmt: skip
            message = (
                f"{manifest.path} has {field}.{name}: {wanted.get(name, 'nothing')}, "
                f"{lockfile.path} has {found.get(name, 'nothing')}"
            )
            line = manifest.line_of(field, name)
            yield _problem(
                lockfile, message, manifest.path, line, str(found.get(name, "")), name,
                f"{field}.{name}",
            )  # fmt: skip


def _texts(value: object) -> dict[str, object]:
    """A table of strings or of tables, as text: ``{"optional": "true"}``."""
    return dict(value) if isinstance(value, dict) else {}


def _peers(manifest: Manifest) -> dict[str, object]:
    """The peers as Yarn records them: ``*`` for a text that is no range."""
    return {
        asked.name: asked.specifier
        if asked.specifier.startswith("workspace:") or satisfies("0.0.0", asked.specifier) is not None
        else "*"
        for asked in manifest.requires
        if asked.group is Group.PEER
    }  # fmt: skip


def _meta(manifest: Manifest) -> dict[str, object]:
    """``dependenciesMeta`` with the optional dependencies, as Yarn records it."""
    found: dict[str, dict[str, str]] = {}
    for name, table in _texts(manifest.data.get("dependenciesMeta")).items():
        flags = {flag: str(value).lower() for flag, value in _texts(table).items()
                 if flag in ("built", "optional", "unplugged") and isinstance(value, bool)}  # fmt: skip
        if flags:
            found[name] = flags
    for asked in manifest.requires:
        if asked.group is Group.OPTIONAL:
            found.setdefault(asked.name, {})["optional"] = "true"
    return dict(found)


def _wanted(manifest: Manifest) -> dict[str, Requirement]:
    """The requirements that a workspace's entry must have; a later field wins over an earlier one."""
    return {
        asked.name: asked for group in _ORDER for asked in manifest.requires if asked.group is group
    }


def _unlocked(lockfile: BerryResolution, folder: str, asked: Requirement) -> Iterator[Problem]:
    """A dependency of a workspace without an entry, or with one of another version."""
    name, wanted = asked.name, normal(lockfile.catalogued(asked.name, asked.specifier))
    key = lockfile.resolve(None, asked, folder)
    if key is None:
        message = f"{name}@{asked.specifier} has no entry in {lockfile.path}"
        value = f"{folder} {asked.specifier}"
        yield _problem(lockfile, message, lockfile.path, asked.line, value, name)
    elif lockfile.override(lockfile.workspaces[folder], name, wanted) is None:
        found = lockfile.entry(key).artifact
        if out_of_range(found, wanted):
            assert found is not None
            message = f"{name}@{asked.specifier} is locked to {found.version}"
            value = f"{asked.specifier} {found.version}"
            yield _problem(lockfile, message, lockfile.path, lockfile.line(key), value, name)


def _contradictions(lockfile: BerryResolution, read: Read) -> Iterator[Problem]:
    """Entries that resolve a name to another package without an alias; missing patch files."""
    for key in lockfile.unlike(_SAME_NAME):
        name, reference = lockfile.locator(key)
        if reference.startswith(FOLDERS):
            continue
        line = lockfile.line(key)
        for descriptor in lockfile.descriptors(key):
            if not descriptor.startswith(f"{name}@") and not aliases(descriptor, name):
                message = f"{descriptor} resolves to {name}@{reference}, of which it is no alias"
                yield _problem(
                    lockfile, message, lockfile.path, line, f"{descriptor} {reference}", name
                )
        for each in patch_files(lockfile.path, reference):
            if each.path is None or read(each.path) is None:
                yield _problem(
                    lockfile,
                    f"the patch file {each.text} of {name} is not in the repository: "
                    "what is installed cannot be vetted",
                    lockfile.path,
                    line,
                    f"patch {each.text}",
                    name,
                )


def _folders_for_packages(lockfile: BerryResolution) -> Iterator[Problem]:
    """Folders outside the workspaces to which a registry range is resolved."""
    words = (*FOLDERS, "file:")
    for key in {key for word in words for key in lockfile.mentioning(f"@{word}")}:
        name, reference = lockfile.locator(key)
        place = reference.removeprefix("workspace:")
        is_workspace = place != reference and ("" if place == "." else place) in lockfile.workspaces
        if is_workspace or not reference.startswith(words) or lockfile.entry(key).artifact:
            continue
        for descriptor in lockfile.descriptors(key):
            if "@npm:" in descriptor[1:]:
                message = f"{descriptor} is locked to {name}@{reference}, a folder, not a package"
                yield _problem(
                    lockfile,
                    message,
                    lockfile.path,
                    lockfile.line(key),
                    reference,
                    name,
                    descriptor,
                )


def _link_types(lockfile: BerryResolution) -> Iterator[Problem]:
    """Entries of folders that are not to be linked, and entries of other sources that are."""
    linked = {key for word in _LINKED for key in lockfile.mentioning(word)}
    folders = {key for word in FOLDERS for key in lockfile.mentioning(f"@{word}")}
    for key in linked | folders:
        name, reference = lockfile.locator(key)
        wanted = "soft" if reference.startswith(FOLDERS) else "hard"
        found = lockfile.fields(key).get("linkType")
        if found not in (None, wanted):
            message = f"{name}@{reference} has linkType {found}, where Yarn writes {wanted}"
            value = f"{reference} linkType {found}"
            yield _problem(lockfile, message, lockfile.path, lockfile.line(key), value, name)


def _foreign_key(lockfile: BerryResolution, root: Manifest | None) -> Iterator[Problem]:
    """The problem of a cache key that the project's Yarn does not use: then no checksum binds anything."""
    key = lockfile.cache_key
    if key is None:
        return
    known = _CACHE_KEYS.get(lockfile.version, _LATEST_KEY)
    pinned = _PINNED.match(str(root.data.get("packageManager"))) if root else None
    if known.match(key) is None:
        whose = f"any Yarn's that writes version {lockfile.version}"
    elif pinned is not None and lockfile.version not in _WRITES[pinned[1]]:
        whose = f"that of the pinned Yarn {pinned[1]}"
    else:
        return
    yield _problem(
        lockfile,
        f"the cacheKey {key} is not {whose}, which would silently replace every checksum",
        lockfile.path,
        lockfile.metadata_line,
        f"cacheKey {key}",
    )


def _problem(
    lockfile: BerryResolution, message: str, path: str, line: int, value: str,
    package: str | None = None, key: str | None = None,
) -> Problem:  # fmt: skip
    return Problem(
        message=message,
        location=Location(path, line),
        package=package,
        code="out-of-date",
        key=key or package or path,
        value=value,
        fix=install_again(lockfile.path),
    )
