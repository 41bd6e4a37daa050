"""The facts for a reviewer: about one version, and about the step between two versions.

These are functions of the registry's answer (``packument``) and of the verified tarball
(``tarball``). They fetch and print nothing.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from npm_vetted.errors import UndecidedError
from npm_vetted.formats.terminal_text import line, printable
from npm_vetted.registry.packument import Packument, Release, lifecycle
from npm_vetted.registry.tarball import Package
from npm_vetted.review.changelog import Changelog, compare_link, find_changelog, hosted
from npm_vetted.review.treediff import TreeDiff, diff_trees, is_minified

_NATIVE: Final = (".node", ".wasm", ".so", ".dylib", ".dll", ".exe", ".a", ".lib")
_PROGRAMS: Final = (
    b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\0asm",
)  # fmt: skip
_HEADER: Final = 4096
_WORD: Final = re.compile(r"[^\s'\"`;&|<>()=]{1,300}")
_SUFFIXES: Final = ("", ".js", ".cjs", ".mjs", ".json", "/index.js")
_SHOWN_SCRIPT: Final = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledFile:
    """A file of the package that a lifecycle script names; ``text`` is its beginning."""

    path: str
    size: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleScript:
    """A lifecycle script that an install of the package would run."""

    name: str
    command: str
    files: tuple[CalledFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A file by path and size."""

    path: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Everything ``inspect`` shows. ``previous`` is the release that was published just before.

    ``publisher_changed`` is None where one of the two publishers is not known.
    ``new_dependencies`` are those that neither ``previous`` nor this repository has. ``conflicts``
    are in words: where the registry's word and the tarball's own manifest disagree.
    """

    name: str
    version: str
    description: str
    created: datetime | None
    published: datetime | None
    age_days: int | None
    package_age_days: int | None
    versions: int
    latest: str | None
    tags: tuple[str, ...]
    previous: str | None
    publisher: str | None
    previous_publisher: str | None
    publisher_changed: bool | None
    maintainers: tuple[str, ...]
    maintainers_added: tuple[str, ...]
    maintainers_removed: tuple[str, ...]
    licence: str | None
    repository: str | None
    deprecated: str | None
    integrity: str | None
    scripts: tuple[LifecycleScript, ...]
    new_scripts: tuple[str, ...]
    bins: Mapping[str, str]
    native: tuple[Sized, ...]
    minified: tuple[Sized, ...]
    size: int
    files: int
    dependencies: Mapping[str, str]
    new_dependencies: tuple[str, ...]
    engines: Mapping[str, str]
    conflicts: tuple[str, ...]


def inspect(
    packument: Packument,
    release: Release,
    package: Package,
    *,
    now: datetime,
    known: Collection[str] = (),
) -> Inspection:
    """Collect the facts for a reviewer; ``known`` are the names that this repository has locked."""
    manifest = read_tarball_manifest(package)
    previous = previous_release(packument, release)
    people, before = release.maintainers, previous.maintainers if previous else ()
    scripts = lifecycle_scripts(release, package, manifest)
    was = previous.scripts if previous else {}
    publishers = [
        each.publisher.name if each and each.publisher else None for each in (release, previous)
    ]
    brings = {**release.dependencies, **release.optional}
    had = {**previous.dependencies, **previous.optional} if previous else {}
    return Inspection(
        name=release.name,
        version=release.version,
        description=release.description,
        created=packument.created,
        published=release.published,
        age_days=_days(release.published, now),
        package_age_days=_days(packument.created, now),
        versions=len(packument.versions),
        latest=packument.tags.get("latest"),
        tags=tuple(tag for tag, version in packument.tags.items() if version == release.version),
        previous=previous.version if previous else None,
        publisher=str(release.publisher) if release.publisher else None,
        previous_publisher=publishers[1],
        publisher_changed=None if None in publishers else publishers[0] != publishers[1],
        maintainers=tuple(map(str, people)),
        maintainers_added=_others(people, before) if previous else (),
        maintainers_removed=_others(before, people),
        licence=release.licence,
        repository=release.repository,
        deprecated=release.deprecated,
        integrity=release.integrity,
        scripts=scripts,
        new_scripts=tuple(s.name for s in scripts if previous and was.get(s.name) != s.command),
        bins=release.bin,
        native=tuple(native_files(package)),
        minified=tuple(
            Sized(path=path, size=len(data))
            for path, data in package.files.items()
            if is_minified(path, data)
        ),
        size=package.size,
        files=len(package.files),
        dependencies=brings,
        new_dependencies=tuple(name for name in brings if name not in had and name not in known),
        engines=release.engines,
        conflicts=tuple(conflicts(release, manifest, package)),
    )


def _days(moment: datetime | None, now: datetime) -> int | None:
    return None if moment is None else (now - moment).days


def _others(some: Collection[object], than: Collection[object]) -> tuple[str, ...]:
    names = {str(each).partition(" <")[0] for each in than}
    return tuple(str(each) for each in some if str(each).partition(" <")[0] not in names)


def previous_release(packument: Packument, release: Release) -> Release | None:
    """The release that was published last before this one; prereleases only before prereleases."""
    if release.published is None:
        return None
    times = [
        (published, version)
        for version in packument.versions
        if version != release.version
        and ("-" in release.version or "-" not in version)
        and (published := packument.published(version)) is not None
        and published <= release.published
    ]
    return packument.release(max(times)[1]) if times else None


def read_tarball_manifest(package: Package) -> Mapping[str, object]:
    """The tarball's own package.json; raises UndecidedError where npm could not read it either.

    The last of duplicate keys counts, as for npm.
    """
    data = package.files.get("package.json")
    if data is None:
        raise UndecidedError(f"{package.name}: the tarball holds no package.json")
    try:
        manifest = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise UndecidedError(f"{package.name}: the tarball's package.json is no JSON") from None
    if not isinstance(manifest, dict):
        raise UndecidedError(f"{package.name}: the tarball's package.json is no table")
    return manifest


def lifecycle_scripts(
    release: Release, package: Package, manifest: Mapping[str, object]
) -> tuple[LifecycleScript, ...]:
    """The lifecycle scripts, of the registry's word and of the tarball's: either can come to run.

    A client that installs from a lockfile reads the tarball's manifest, one that resolves first
    may go by the registry's.
    """
    found = dict(release.scripts)
    for name, command in _own_scripts(package, manifest).items():
        found[name] = (
            command if found.get(name, command) == command else f"{found[name]}\n{command}"
        )
    return tuple(
        LifecycleScript(name=name, command=command, files=tuple(called_files(command, package)))
        for name, command in found.items()
    )


def _own_scripts(package: Package, manifest: Mapping[str, object]) -> dict[str, str]:
    gyp = "binding.gyp" in package.files and manifest.get("gypfile") is not False
    return lifecycle(_texts(manifest, "scripts"), gyp=gyp)


def called_files(command: str, package: Package) -> Iterator[CalledFile]:
    """The package's files that a script's words name: ``node ./scripts/x`` calls scripts/x.js."""
    seen: set[str] = set()
    for word in _WORD.findall(command[:10_000]):
        base = posixpath.normpath(word)
        for suffix in _SUFFIXES:
            path = base + suffix
            if path in package.files and path not in seen:
                seen.add(path)
                data = package.files[path]
                text = data[:_SHOWN_SCRIPT].decode("utf-8", errors="replace")
                yield CalledFile(path=path, size=len(data), text=text)
                break


def native_files(package: Package) -> Iterator[Sized]:
    """Files that are or become machine code: binding.gyp, add-ons, libraries, WebAssembly, programs."""
    for path, data in package.files.items():
        name = path.rpartition("/")[2]
        if name == "binding.gyp" or is_machine_code(path, data):
            yield Sized(path=path, size=len(data))


def is_machine_code(path: str, data: bytes) -> bool:
    """Whether a file is a program, library or add-on for a machine, or WebAssembly."""
    return path.lower().endswith(_NATIVE) or (data.startswith(_PROGRAMS) and b"\0" in data[:64])


def is_machine_program(data: bytes) -> bool:
    """Whether some bytes start as machine code does, by their first words and the zeros in the header.

    No script starts so, but for one made to: ``MZ`` is also a name.
    """
    head = data[:_HEADER]
    return head.startswith(_PROGRAMS) and head.count(b"\0") * 100 > len(head)


def conflicts(release: Release, manifest: Mapping[str, object], package: Package) -> Iterator[str]:
    """Where the tarball's manifest says something else than the registry does of it.

    The registry takes the one it shows from the publisher, unchecked; "manifest confusion" is to
    show a harmless one.
    """
    for key, expected in (("name", release.name), ("version", release.version)):
        found = manifest.get(key)
        if found != expected and not (key == "version" and _same_version(found, expected)):
            yield f"{key}: the registry says {expected!r}, the tarball {found!r}"
    own = _own_scripts(package, manifest)
    for name in sorted(own.keys() | release.scripts.keys()):
        if own.get(name) != release.scripts.get(name):
            said, is_ = release.scripts.get(name), own.get(name)
            yield f"script {name}: the registry says {said!r}, the tarball {is_!r}"
    theirs = {**_texts(manifest, "dependencies"), **_texts(manifest, "optionalDependencies")}
    listed = {**release.dependencies, **release.optional}
    for name in sorted(theirs.keys() ^ listed.keys()):
        where = "the tarball's manifest" if name in theirs else "the registry's word"
        yield f"dependency {name}: only in {where}"


def _same_version(found: object, expected: str) -> bool:
    return isinstance(found, str) and found.lstrip("v= ").partition("+")[0] == expected


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseComparison:
    """The content of ``diff``: the changelog first, then the manifest in words, then the code.

    ``links`` lead to the changelog if the tarball ships none for this step.
    """

    name: str
    old: str
    new: str
    changelog: Changelog
    links: tuple[str, ...]
    manifest: tuple[str, ...]
    code: TreeDiff


def compare_releases(
    old: tuple[Release, Package], new: tuple[Release, Package], *, unfold: bool = False
) -> ReleaseComparison:
    """Compare two releases of one package."""
    before, after = old[0], new[0]
    host = hosted(after.repository)
    compared = compare_link(
        after.repository, (before.version, before.commit), (after.version, after.commit)
    )
    return ReleaseComparison(
        name=after.name,
        old=before.version,
        new=after.version,
        changelog=find_changelog(new[1].files, before.version, after.version),
        links=tuple(filter(None, (host.releases if host else after.repository, compared))),
        manifest=tuple(
            manifest_changes(read_tarball_manifest(old[1]), read_tarball_manifest(new[1]))
        ),
        code=diff_trees(old[1].files, new[1].files, unfold=unfold),
    )


_TABLES: Final = {
    "scripts": "script",
    "dependencies": "dependency",
    "optionalDependencies": "optional dependency",
    "peerDependencies": "peer dependency",
    "bin": "command",
    "exports": "export",
    "imports": "import",
    "engines": "engine",
    "overrides": "override",
}
"""The tables of a manifest that matter to who installs it, and what one entry is called."""
_SINGLE: Final = (
    "type", "main", "module", "browser", "types", "license", "repository", "os", "cpu", "libc",
    "bundleDependencies", "bundledDependencies", "gypfile", "sideEffects",
)  # fmt: skip


def manifest_changes(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    """The changes between two manifests in words; those that run automatically come first."""
    for key, noun in _TABLES.items():
        yield from _table_changes(noun, _table(old, key), _table(new, key))
    for key in _SINGLE:
        if _json(old.get(key)) != _json(new.get(key)):
            yield f"{key}: {_shown(old.get(key))} becomes {_shown(new.get(key))}"


def _table_changes(
    noun: str, old: Mapping[str, object], new: Mapping[str, object]
) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        label = f"{noun} {line(name, 100)}"
        runs = (
            " (runs on install)" if noun == "script" and lifecycle({name: "x"}, gyp=False) else ""
        )
        if name not in old:
            yield f"adds {label}{runs}: {_shown(new[name])}"
        elif name not in new:
            yield f"drops {label}{runs}, which was {_shown(old[name])}"
        elif _json(old[name]) != _json(new[name]):
            yield f"changes {label}{runs}: {_shown(old[name])} becomes {_shown(new[name])}"


def _table(manifest: Mapping[str, object], key: str) -> Mapping[str, object]:
    """A table; a single text (``bin``, ``exports``) is the entry for the package itself."""
    value = manifest.get(key)
    if isinstance(value, dict):
        return value
    return {} if value in (None, [], "") else {".": value}


def _json(value: object) -> str:
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    except RecursionError:
        raise UndecidedError("a package.json that is nested too deeply") from None


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    return line(value if isinstance(value, str) else _json(value), 300)


def _texts(manifest: Mapping[str, object], key: str) -> dict[str, str]:
    value = manifest.get(key)
    if not isinstance(value, dict):
        return {}
    return {name: text for name, text in value.items() if isinstance(text, str)}


def label(name: str, version: str) -> str:
    """``name@version``, fit to be shown."""
    return printable(f"{name}@{version}")
