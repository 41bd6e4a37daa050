"""Decides whether the package locked at a place of package-lock.json satisfies a specifier, as npm does."""

from __future__ import annotations

import re
from typing import Final

from npm_vetted.clients.npm.lockfile import NpmLockfile
from npm_vetted.model import Artifact, Kind
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
_HOSTED: Final = re.compile(
    r"https?://(?:[^@/\s]+@)?(?:www\.)?"
    r"(?:(?:github\.com|bitbucket\.org|gist\.github\.com)/[^/#\s]+/[^/#\s]+"
    r"|gitlab\.com/(?!.*/-/)[^#\s]+/[^/#\s]+)/?(?:#|\Z)"
)
"""The URL of a repository's page at a host that npm knows; npm clones it with git (hosted-git-info)."""
_COMMIT: Final = re.compile(r"[0-9a-fA-F]{40,64}\Z")


def mismatch(lockfile: NpmLockfile, place: str, name: str, specifier: str) -> str | None:
    """The reason why a locked package does not satisfy a specifier; None: it satisfies it, as far as known."""
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
    source = specifier.partition("#")[0]
    if (
        _GIT.match(specifier)
        or source.endswith(".git")
        or _shorthand(specifier)
        or _HOSTED.match(specifier)
    ):
        return _git_mismatch(artifact, specifier)
    if specifier.startswith(("http://", "https://")):
        return None if artifact.resolved == specifier else _found(artifact)
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
    """The same for a locked folder: it satisfies a path; a workspace also a range, by name and version."""
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
    """The host and path of a git repository, from any spelling of its address."""
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
    """The same for a range or tag: it needs a registry's package of that name, in a version of the range."""
    if artifact.name != wanted or not _is_of_registry(artifact):
        return _found(artifact)
    if artifact.version is None and artifact.kind is Kind.REGISTRY:
        return f"{artifact.name} without a version"
    if specifier in ("", "*") or artifact.version is None:
        return None
    return _found(artifact) if satisfies(artifact.version, specifier) is False else None


def _is_of_registry(artifact: Artifact) -> bool:
    """Whether an artifact comes from a registry, by its kind or by a tarball URL in a registry's form."""
    if artifact.kind is not Kind.TARBALL:
        return artifact.kind is Kind.REGISTRY
    return is_tarball_of(artifact.resolved or "", artifact.name, artifact.version) is True
