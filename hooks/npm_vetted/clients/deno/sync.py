"""Disagreements between a deno.lock and the manifests beside it.

Deno installs the version in the table of specifiers without comparing it with the range. If deno.lock
maps ``npm:ms@2.1.2`` to 2.0.0, ``deno ci`` installs 2.0.0 (seen with 2.9.6). So this module compares them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence

from npm_vetted.clients.deno.config import (
    NAMES,
    all_imports,
    linked_folders,
    load_config,
    requirements_of,
)
from npm_vetted.clients.deno.lockfile import DenoLockfile, split_id
from npm_vetted.clients.deno.specifiers import Specifier, canonical, plain_target, read_specifier
from npm_vetted.clients.shared.settings import value_text
from npm_vetted.model import Group, Location, Manifest, Problem, Requirement
from npm_vetted.packages.manifest import read_manifest
from npm_vetted.packages.ranges import intersects, satisfies

_JSX = ("jsx-runtime", "jsx-dev-runtime")
_DECLARATIONS = (".d.ts", ".d.mts", ".d.cts")
_IGNORED = ("file:", "link:", "workspace:", "git", "github:", "http:", "https:", "./", "../", "/")
"""Specifiers in a package.json for which Deno installs nothing (seen with 2.9.6)."""


def disagreements(lockfile: DenoLockfile, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
    """Every disagreement; none for a lockfile as Deno wrote it."""
    for folder, manifest in manifests.items():
        others = [each for place, each in manifests.items() if place != folder]
        asked = list(_asked(lockfile, folder, manifest))
        locked = list(lockfile.recorded.get(folder, ()))
        yield from _unlocked(lockfile, asked, locked, others)
        yield from _unlocked_runtime(lockfile, manifest)
        yield from _not_asked_for(lockfile, manifest, asked, locked)
    for folder, requirements in lockfile.recorded.items():
        if folder not in manifests and requirements:
            message = f"the lockfile has the workspace {folder!r}, which has no manifest"
            yield _problem(lockfile, message, lockfile.path, requirements[0].line, "gone", folder)
    yield from _overrides(lockfile, manifests.get(""))
    yield from _links(lockfile)
    yield from _redirects(lockfile)
    yield from _wrong_versions(lockfile)


def _problem(
    lockfile: DenoLockfile, message: str, path: str, line: int, value: str, package: str
) -> Problem:
    folder = posixpath.dirname(lockfile.path)
    config = ("--config", posixpath.join(folder, "deno.json")) if folder else ()
    return Problem(
        message=message,
        location=Location(path, line),
        package=package,
        code="out-of-date",
        key=package,
        value=value,
        fix=(
            ("deno", "install", *config, "--lockfile-only", "--frozen=false"),
            ("git", "add", lockfile.path),
        ),
    )


def _asked(
    lockfile: DenoLockfile, folder: str, manifest: Manifest
) -> Iterator[tuple[str, Requirement]]:
    """The requirements of a folder's package.json and deno.json, as specifiers with their file."""
    if posixpath.basename(manifest.path) not in NAMES:
        catalogs = _catalogs(lockfile)
        for each in manifest.requires:
            if each.group in (Group.PRODUCTION, Group.DEVELOPMENT):
                text = _specifier(each, catalogs)
                if text is not None:
                    yield manifest.path, each._replace(specifier=text)
    home = posixpath.normpath(posixpath.join(posixpath.dirname(lockfile.path), folder))
    document = load_config("" if home == "." else home, lockfile.read)
    if document is not None:
        for found in all_imports(document, lockfile.read):
            for each in requirements_of(iter((found,))):
                yield found.path, each


def _catalogs(lockfile: DenoLockfile) -> Mapping[str, Mapping[str, object]]:
    """``catalog`` (named '') and ``catalogs`` of the root's deno.json."""
    document = load_config(posixpath.dirname(lockfile.path), lockfile.read)
    root = document.root() if document else None
    named = root.maybe_table("catalogs") if root else None
    plain = root.maybe_table("catalog") if root else None
    found = {"": plain.data if plain else {}}
    for name in named.data if named else ():
        assert named is not None
        inner = named.maybe_table(name)
        found[name] = inner.data if inner else {}
    return found


def _specifier(
    requirement: Requirement, catalogs: Mapping[str, Mapping[str, object]]
) -> str | None:
    """Deno's specifier for a dependency of a package.json; None if Deno installs nothing for it."""
    text = requirement.specifier.strip()
    if text.startswith("catalog:"):
        entries = catalogs.get(text.removeprefix("catalog:"), {})
        text = str(entries.get(requirement.name, text))
    if text.startswith("jsr:"):
        text = _of_jsr(requirement.name, text.removeprefix("jsr:"))
    if text.startswith("npm:"):
        found = read_specifier(text)
        return found.text if found else text
    if text.startswith(_IGNORED):
        return None
    return f"npm:{requirement.name}@{text or '*'}"


def _of_jsr(name: str, text: str) -> str:
    """The specifier for ``jsr:…`` in a package.json: Deno takes jsr's npm package, ``@jsr/scope__name`` (2.9.6)."""
    package, asked = split_id(text) if text.startswith("@") else (name, text)
    scope, _, rest = package.partition("/")
    return f"npm:@jsr/{scope.removeprefix('@')}__{rest}@{asked or '*'}"


def _unlocked(
    lockfile: DenoLockfile,
    asked: Iterable[tuple[str, Requirement]],
    locked: Iterable[Requirement],
    others: Sequence[Manifest],
) -> Iterator[Problem]:
    """Requirements that the lockfile lacks: Deno then installs the registry's newest match."""
    known = _canonical(locked)
    for path, each in asked:
        if each.specifier.lower().startswith(("https://", "http://")):
            if not lockfile.has_module(each.specifier):
                message = f"imports {each.specifier}, of which {lockfile.path} has no hash"
                yield _problem(lockfile, message, path, each.line, path, each.specifier)
            continue
        wanted = read_specifier(each.specifier)
        if wanted is not None and (canonical(wanted) in known or _is_member(wanted, others)):
            continue
        message = f"requires {each.specifier}, which {lockfile.path} does not have"
        yield _problem(lockfile, message, path, each.line, f"{path} {each.specifier}", each.name)


def _is_member(wanted: Specifier, others: Iterable[Manifest]) -> bool:
    """Whether another workspace satisfies a requirement, so that Deno does not use the registry.

    The workspace must have the name and a version in the range; for jsr, it may have no version.
    """
    for manifest in others:
        if manifest.name != wanted.name:
            continue
        if manifest.version is None:
            if wanted.text.startswith("jsr:"):
                return True
        elif not wanted.range or intersects(manifest.version, wanted.range):
            return True
    return False


def _canonical(asked: Iterable[Requirement]) -> set[Specifier]:
    found = (read_specifier(each.specifier) for each in asked)
    return {canonical(each) for each in found if each is not None}


def _not_asked_for(
    lockfile: DenoLockfile,
    manifest: Manifest,
    asked: Iterable[tuple[str, Requirement]],
    locked: Iterable[Requirement],
) -> Iterator[Problem]:
    wanted = _canonical(each for _, each in asked) | set(_of_compiler(lockfile, manifest))
    for each in locked:
        found = read_specifier(each.specifier)
        if found is not None and canonical(found) not in wanted:
            message = f"the lockfile has {each.specifier}, which {manifest.path} does not require"
            value = f"{manifest.path} nothing {each.specifier}"
            yield _problem(lockfile, message, lockfile.path, each.line, value, each.name)


def _unlocked_runtime(lockfile: DenoLockfile, manifest: Manifest) -> Iterator[Problem]:
    """A ``jsxImportSource`` that the lockfile lacks: every file with JSX imports it."""
    document = load_config(manifest.folder, lockfile.read)
    table = document.root().maybe_table("compilerOptions") if document else None
    text = table.data.get("jsxImportSource") if table else None
    text = plain_target(text) if isinstance(text, str) else ""
    wanted = read_specifier(text)
    if document is not None and text.startswith(("https://", "http://")):
        if not any(lockfile.binds(f"{text}/{name}") for name in _JSX):
            message = f"JSX imports {text}, of which {lockfile.path} has no hash"
            line = document.line_of("compilerOptions", "jsxImportSource")
            yield _problem(lockfile, message, document.path, line, "JSX", text)
        return
    if document is None or wanted is None:
        return
    known = (read_specifier(each) for each in lockfile.specifiers)
    if canonical(wanted) not in {canonical(each) for each in known if each is not None}:
        message = f"JSX imports {text}, which {lockfile.path} does not have"
        line = document.line_of("compilerOptions", "jsxImportSource")
        yield _problem(lockfile, message, document.path, line, f"JSX {text}", wanted.name)


def _of_compiler(lockfile: DenoLockfile, manifest: Manifest) -> Iterator[Specifier]:
    """The packages that ``compilerOptions`` of the folder's deno.json name (types, jsxImportSource)."""
    document = load_config(manifest.folder, lockfile.read)
    table = document.root().maybe_table("compilerOptions") if document else None
    for value in table.data.values() if table else ():
        for text in value if isinstance(value, list) else (value,):
            found = read_specifier(text) if isinstance(text, str) else None
            if found is not None:
                yield canonical(found)


def _links(lockfile: DenoLockfile) -> Iterator[Problem]:
    """Differences in ``links`` of the root's deno.json: ``workspace`` records name and version of each."""
    home = posixpath.dirname(lockfile.path)
    document = load_config(home, lockfile.read)
    wanted = {
        name for folder in linked_folders(document) for name in _linked(home, folder, lockfile)
    }
    for name in sorted(wanted ^ lockfile.links):
        one, other = (
            ("deno.json", lockfile.path) if name in wanted else (lockfile.path, "deno.json")
        )
        message = f"{one} puts a folder in the place of {name}, and {other} does not"
        path = document.path if document else lockfile.path
        line = document.line_of("links") if document else 1
        yield _problem(lockfile, message, path, line, f"links {one} {other}", name)


def _linked(home: str, folder: str, lockfile: DenoLockfile) -> Iterator[str]:
    """The names of a linked folder: the npm name in its package.json, the jsr name in its deno.json."""
    path = posixpath.normpath(posixpath.join(home, folder))
    config = load_config(path, lockfile.read)
    package = posixpath.join(path, "package.json")
    data = lockfile.read(package)
    found = [("npm", read_manifest(package, data).data)] if data is not None else []
    found += [("jsr", config.root().data)] if config is not None else []
    for kind, said in found:
        if isinstance(said.get("name"), str) and isinstance(said.get("version"), str):
            yield f"{kind}:{said['name']}@{said['version']}"


def _redirects(lockfile: DenoLockfile) -> Iterator[Problem]:
    """Recorded redirects to modules without a hash: Deno follows them (to ``data:`` even with ``--frozen``).

    Type declarations are left out: they have no hash and are not executed.
    """
    for url, target in lockfile.redirects.items():
        text = str(target)
        declares = text.startswith("https://") and text.partition("?")[0].endswith(_DECLARATIONS)
        message = None
        if not declares and not lockfile.binds(text):
            message = f"{url} leads to {text[:100]}, of which {lockfile.path} has no hash"
        elif url in lockfile.kept:
            message = f"{url} has a hash of its own, and leads to {text[:100]}"
        if message is not None:
            line = lockfile.root.line("redirects", url)
            yield _problem(lockfile, message, lockfile.path, line, text, url)


def _overrides(lockfile: DenoLockfile, root: Manifest | None) -> Iterator[Problem]:
    """Differences in ``overrides`` of the root's package.json, which ``workspace`` copies unchanged."""
    asked = (root.data.get("overrides") if root else None) or {}
    if root is not None and asked != lockfile.overrides:
        message = f"{root.path} and {lockfile.path} have different overrides"
        line = root.line_of("overrides")
        value = value_text([asked, lockfile.overrides])
        yield _problem(lockfile, message, root.path, line, value, "overrides")


def _is_overridden(lockfile: DenoLockfile, name: str, version: str) -> bool:
    """Whether an override replaces a manifest's requirement by a version."""
    value = lockfile.overrides.get(name)
    return isinstance(value, str) and (
        value.startswith("$") or satisfies(version, value) is not False
    )


def _wrong_versions(lockfile: DenoLockfile) -> Iterator[Problem]:
    """Specifiers with a version outside their range, or without an entry."""
    for asked in lockfile.importers.values():
        for each in asked:
            key = lockfile.resolve(None, each)
            wanted = read_specifier(each.specifier)
            if key is None or wanted is None:
                message = f"{each.specifier} has no entry in the lockfile"
                value = f"{each.specifier} nothing"
                yield _problem(lockfile, message, lockfile.path, each.line, value, each.name)
                continue
            name, version = split_id(key[4:])
            admitted = satisfies(version, wanted.range) is not False
            if name != wanted.name or not (admitted or _is_overridden(lockfile, name, version)):
                message = f"{each.specifier} is locked as {name}@{version}, which it does not admit"
                value = f"{each.specifier} {name}@{version}"
                yield _problem(lockfile, message, lockfile.path, each.line, value, wanted.name)
