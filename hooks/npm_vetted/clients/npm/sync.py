"""Where npm's manifests and lockfile disagree, or the two halves of a version 2 lockfile do.

npm copies a manifest's dependency fields into the lockfile word for word (tried with npm 7 to 12),
but for these: what is optional too is left out of ``dependencies``, ``bundledDependencies`` is
written ``bundleDependencies``. Version 1 has no copy, so there each dependency is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from npm_vetted.clients.npm.legacy import LegacyLayout, LegacyLockfile
from npm_vetted.clients.npm.lockfile import NpmLockfile
from npm_vetted.clients.npm.places import MODULES, clean_path
from npm_vetted.model import Artifact, Group, Kind, Location, Manifest, Problem, Requirement
from npm_vetted.packages.ranges import satisfies
from npm_vetted.packages.urls import is_tarball_of

_HOSTS: Final = {
    "github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org",
    "gist": "gist.github.com",
}  # fmt: skip
_SHORTHAND: Final = re.compile(
    r"(?:(github|gitlab|bitbucket|gist):)?([^/:@#\s]+/[^/:@#\s]+)(?:#|\Z)"
)
_SCP: Final = re.compile(r"(?:git\+)?(?:ssh://)?(?:[^@/\s]+@)?([^:/\s]+)[:/](.+)\Z")
_URL: Final = re.compile(r"(?:git\+)?[a-z]+://(?:[^@/\s]+@)?([^/\s]+)/(.+)\Z", re.IGNORECASE)
_FOLDER: Final = re.compile(r"(?:file:|link:|~?/|\.{1,2}(?:/|\Z)|[a-zA-Z]:[\\/])")
_GIT: Final = re.compile(r"git(?:\+[a-z]+)?:|ssh:|git@|[^/:@\s]+/[^/:@\s]+(?:#|\Z)", re.IGNORECASE)
_PINNING: Final = ("version", "resolved", "integrity")
_COMMIT: Final = re.compile(r"[0-9a-fA-F]{40,64}\Z")


def with_importers(lockfile: NpmLockfile, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
    """Compare each manifest with the lockfile's copy of it, and both with what is locked."""
    overrides = _overrides(manifests.get(""))
    for folder, manifest in manifests.items():
        if not folder and not lockfile.packages and not manifest.requires:
            continue  # npm leaves `"packages": {}` when the last dependency goes
        if folder not in lockfile.packages:
            yield _problem(manifest, 1, f"{lockfile.path} does not know this workspace")
            continue
        if folder and folder not in lockfile.linked:
            yield _problem(manifest, 1, f"nothing in {lockfile.path} links to this workspace")
        yield from _copies(lockfile, folder, manifest)
        yield from satisfied(lockfile, folder, manifest, overrides)


def _copies(lockfile: NpmLockfile, folder: str, manifest: Manifest) -> Iterator[Problem]:
    """Where the lockfile's copy of a manifest says something else."""
    wanted = {(asked.name, asked.group): asked for asked in _asked(manifest)}
    copied = {(asked.name, asked.group): asked.specifier for asked in lockfile.requirements(folder)}
    for (name, group), asked in wanted.items():
        locked = copied.pop((name, group), None)
        if locked != asked.specifier:
            found = "nothing" if locked is None else repr(locked)
            yield _problem(
                manifest, asked.line,
                f"{group.value}: {name} is {asked.specifier!r} here, {lockfile.path} says {found}",
                name,
            )  # fmt: skip
    for (name, group), specifier in copied.items():
        message = f"{group.value}: {lockfile.path} says {name} {specifier!r}, this says nothing"
        yield _problem(manifest, 1, message, name)


def _asked(manifest: Manifest) -> Iterator[Requirement]:
    """A manifest's dependencies, as npm sees them: what is optional too is optional only."""
    optional = {asked.name for asked in manifest.requires if asked.group is Group.OPTIONAL}
    for asked in manifest.requires:
        if asked.group is not Group.PRODUCTION or asked.name not in optional:
            yield asked


def satisfied(
    lockfile: NpmLockfile,
    folder: str,
    manifest: Manifest,
    overrides: Mapping[str, list[str]] | None = None,
) -> Iterator[Problem]:
    """Look up what a manifest asks for, and whether what is locked there satisfies it.

    A missing optional dependency is npm's own doing; peers may be left out and mismatched
    (``legacy-peer-deps``), and a devDependency of the same name wins over them.
    """
    for asked in _asked(manifest):
        if asked.group is Group.PEER:
            continue
        place = lockfile.place(folder, asked.name)
        if place is None:
            if asked.group is not Group.OPTIONAL:
                message = f"{asked.name} {asked.specifier!r} is not in {lockfile.path}"
                yield _problem(manifest, asked.line, message, asked.name)
            continue
        accepted = [asked.specifier, *(overrides or {}).get(asked.name, ())]
        reasons = [_mismatch(lockfile, place, asked.name, each) for each in accepted]
        if all(reasons):
            message = (
                f"{asked.name} {asked.specifier!r} is not satisfied by what "
                f"{lockfile.path}:{lockfile.line(place)} locks: {reasons[0]}"
            )
            yield _problem(manifest, asked.line, message, asked.name)


def _overrides(root: Manifest | None) -> Mapping[str, list[str]]:
    """Every specifier that the root's ``overrides`` may put in another's place, by name."""
    found: dict[str, list[str]] = {}
    if root is None:
        return found
    own = {asked.name: asked.specifier for asked in root.requires}
    todo = [("", root.data.get("overrides")), ("", root.data.get("acceptDependencies"))]
    while todo:
        key, value = todo.pop()
        name = key if key.rfind("@") < 1 else key[: key.index("@", 1)]
        if isinstance(value, dict):
            todo += [(key if inner == "." else inner, each) for inner, each in value.items()]
        elif isinstance(value, str):
            specifier = own.get(value[1:]) if value.startswith("$") else value
            if specifier is not None:
                found.setdefault(name, []).append(specifier)
    return found


def _mismatch(lockfile: NpmLockfile, place: str, name: str, specifier: str) -> str | None:
    """Why what is locked at a place is not what a specifier asks for; None: it may be."""
    wanted, specifier = name, specifier.strip()
    if specifier.startswith("npm:"):
        wanted, at, version = specifier[4:].rpartition("@")
        wanted, specifier = (wanted, version) if at and wanted else (specifier[4:], "")
    link = lockfile.linked_to(place)
    artifact = lockfile.artifact(place)
    if artifact is None:
        return _folder_mismatch(lockfile, place, link, name, specifier)
    if _is_folder(specifier):
        return None if artifact.kind is Kind.FILE else _found(artifact)
    if specifier.startswith(("http://", "https://")) and not specifier.partition("#")[0].endswith(
        ".git"
    ):
        return None if artifact.resolved == specifier else _found(artifact)
    if (
        _GIT.match(specifier)
        or specifier.partition("#")[0].endswith(".git")
        or _shorthand(specifier)
    ):
        return _git_mismatch(artifact, specifier)
    return _registry_mismatch(artifact, wanted, specifier)


def _is_folder(specifier: str) -> bool:
    return _FOLDER.match(specifier) is not None


def _shorthand(specifier: str) -> bool:
    return specifier.startswith(("github:", "gitlab:", "bitbucket:", "gist:"))


def _found(artifact: Artifact) -> str:
    return f"{artifact.label} from {artifact.resolved or 'the registry'}"


def _folder_mismatch(
    lockfile: NpmLockfile, place: str, link: str | None, name: str, specifier: str
) -> str | None:
    """A folder serves a path; a workspace serves a range too, by its own name and version."""
    if _is_folder(specifier):
        return None
    target = place if link is None else link
    if link is not None and target in lockfile.workspaces:
        version = lockfile.text(target, "version")
        fits = satisfies(version or "", specifier)
        if specifier in ("", "*") or fits or fits is None:
            return None
        return f"the workspace {target} of version {version}"
    return f"{name} from the folder {target}"


def _git_mismatch(artifact: Artifact, specifier: str) -> str | None:
    if artifact.kind is not Kind.GIT or artifact.resolved is None:
        return _found(artifact)
    asked, locked = _repository(specifier), _repository(artifact.resolved)
    commit = specifier.partition("#")[2]
    if asked is None or asked != locked:
        return _found(artifact)
    same = not _COMMIT.match(commit) or artifact.resolved.lower().endswith(commit.lower())
    return None if same else _found(artifact)


def _repository(source: str) -> tuple[str, str] | None:
    """The host and path of a repository, however it is written."""
    source = source.partition("#")[0]
    if shorthand := _SHORTHAND.match(source):
        host, path = _HOSTS[shorthand[1] or "github"], shorthand[2]
    elif source.startswith("gist:"):
        host, path = _HOSTS["gist"], source[5:]
    elif found := _URL.match(source) or _SCP.match(source):
        host, path = found[1], found[2]
        if host == "codeload.github.com":
            host, path = "github.com", "/".join(path.split("/")[:2])
    else:
        return None
    return host.lower(), path.strip("/").removesuffix(".git").lower()


def _registry_mismatch(artifact: Artifact, wanted: str, specifier: str) -> str | None:
    """A range or a tag: a package of that name from a registry, of a version in the range."""
    if artifact.name != wanted or not _is_of_registry(artifact):
        return _found(artifact)
    if specifier in ("", "*") or artifact.version is None:
        return None
    return _found(artifact) if satisfies(artifact.version, specifier) is False else None


def _is_of_registry(artifact: Artifact) -> bool:
    """Whether a registry has it, or a tarball is laid out as some registries do it, without ``/-/``."""
    if artifact.kind is not Kind.TARBALL:
        return artifact.kind is Kind.REGISTRY
    return is_tarball_of(artifact.resolved or "", artifact.name, artifact.version) is True


def with_patches(lockfile: NpmLockfile, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
    """npm 12 applies the root's ``patchedDependencies`` whether the lockfile says so or not."""
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
                f"patchedDependencies: {selector} is patched with {path!r}, and {lockfile.path} "
                "does not say so",
            )  # fmt: skip


def halves(lockfile: NpmLockfile) -> Iterator[Problem]:
    """Where ``packages``, which npm 7 and later read, and ``dependencies``, npm 6's, differ.

    For what comes from no registry, version 1 has neither the name nor the version.
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
    """Whether both have the same of a package from a registry: most do, and need no more thought."""
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
    """Which package, from where, with which hash a half says is installed at a place."""
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


def _problem(manifest: Manifest, line: int, message: str, package: str | None = None) -> Problem:
    return Problem(
        message=message, location=Location(manifest.path, line), package=package,
        code="out-of-date", key=package or manifest.path, value=message,
    )  # fmt: skip
