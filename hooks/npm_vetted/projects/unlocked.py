"""Projects without a lockfile: the specifiers of their manifests are judged like locked artifacts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from npm_vetted.clients import client_of, clients
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.redirects import override_leaves
from npm_vetted.model import Artifact, Entry, Group, Kind, Manifest, Project, Requirement
from npm_vetted.packages.ranges import satisfies

_OWN: Final = ("workspace:", "link:", "portal:")
_TARBALL: Final = re.compile(r"(?:\.tgz|\.tar\.gz|\.tar)\Z", re.IGNORECASE)
_FILE: Final = re.compile(r"file:|\.{1,2}(?:/|\Z)|~/|/|[a-zA-Z]:[/\\]")
_GIT: Final = re.compile(r"git\+|git:|git@|ssh:|github:|gitlab:|bitbucket:|gist:", re.IGNORECASE)
_SHORTHAND: Final = re.compile(r"[^@:/\s][^:/\s]*/[^:/\s]+\Z")
"""``owner/repository``, which npm takes for GitHub."""


def artifact_of(requirement: Requirement) -> Artifact | None:
    """The artifact that a specifier installs, as npm's npm-package-arg reads it; None: our own folder."""
    name, specifier = requirement.name, requirement.specifier.strip()
    if specifier.startswith("npm:"):
        real, mark, wanted = specifier.removeprefix("npm:")[1:].partition("@")
        name, specifier = specifier[4:5] + real, wanted if mark else ""
    kind = _kind(specifier)
    if kind is None:
        return None
    return Artifact(name=name, version=None, kind=kind, specifier=specifier or "*")


def _kind(specifier: str) -> Kind | None:
    if specifier.startswith(_OWN):
        return None
    if _FILE.match(specifier):
        return Kind.FILE if _TARBALL.search(specifier) else None
    if _GIT.match(specifier) or _SHORTHAND.match(specifier.partition("#")[0]):
        return Kind.GIT
    if specifier.lower().startswith(("http:", "https:")):
        return Kind.TARBALL
    return Kind.OTHER if ":" in specifier else Kind.REGISTRY


class SpecifierList(Lockfile):
    """A manifest of a project without a lockfile, with the interface of a lockfile; keys are specifiers."""

    format = "package.json"
    names_hosts = False

    def __init__(self, manifest: Manifest, members: Collection[Manifest] = ()) -> None:
        self.path = manifest.path
        self._members = members
        self._asked: dict[str, list[Requirement]] = {}
        shipped = {each.name for each in manifest.requires if each.group is not Group.PEER}
        for each in (*manifest.requires, *_replacements(manifest)):
            if each.group is not Group.PEER or each.name not in shipped:
                self._asked.setdefault(f"{each.name}@{each.specifier}", []).append(each)

    @property
    def graph(self) -> bool:
        """Always false: the requirements of a dependency are not known before the install."""
        return False

    @property
    def blocks(self) -> Mapping[str, object]:
        """Each key is its own block."""
        return {key: key for key in self._asked}

    def entry(self, key: str) -> Entry:
        """The entry of a specifier, with its line in the manifest."""
        first = self._asked[key][0]
        own = any(_is_served_by(member, first) for member in self._members)
        return Entry(key=key, line=first.line, artifact=None if own else artifact_of(first))

    @property
    def importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """The manifest's own requirements."""
        return {"": tuple(each for asked in self._asked.values() for each in asked)}

    def resolve(
        self,
        origin: str | None,  # noqa: ARG002
        requirement: Requirement,
        importer: str = "",  # noqa: ARG002
    ) -> str | None:
        """The key of a requirement: its name and specifier."""
        return f"{requirement.name}@{requirement.specifier}"

    def may_lack_hash(self, entry: Entry) -> bool:  # noqa: ARG002
        """Always true: only a lockfile has hashes."""
        return True


def _replacements(manifest: Manifest) -> Iterator[Requirement]:
    """The packages that overrides install. The tables of all clients count: one note too many does no harm."""
    for path in dict.fromkeys(each for client in clients().values() for each in client.REPLACING):
        table: object = manifest.data
        for key in path:
            table = table.get(key) if isinstance(table, Mapping) else None
        line = manifest.line_of(*path)
        for name, specifier in override_leaves(table):
            if name and specifier[:1] not in ("$", "-"):
                yield Requirement(name=name, specifier=specifier, line=line)


def _is_served_by(member: Manifest, asked: Requirement) -> bool:
    """Whether a workspace satisfies a range of its name; otherwise the registry does."""
    if member.name != asked.name:
        return False
    return asked.specifier in ("", "*") or satisfies(member.version or "", asked.specifier) is True


def specifier_lists(project: Project) -> Iterator[SpecifierList]:
    """One ``SpecifierList`` for each manifest of a project."""
    linked = client_of(project).LINKS_MEMBERS
    members = tuple(project.members.values()) if linked else ()
    return (SpecifierList(manifest, members) for manifest in project.manifests.values())
