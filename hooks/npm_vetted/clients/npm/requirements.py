"""Decides whether a package-lock.json satisfies the requirements of its own entries, as npm decides it.

``npm install`` rebuilds the tree around a requirement with a problem (@npmcli/arborist,
``#problemEdges``), and fetches the missing package from the registry. A problem is:

- a missing required, optional or peer dependency (an optional peer may be missing);
- a dependency in the lockfile that the specifier, or the override of it, does not allow.

Bundled packages are not checked: npm installs them from the tarball.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from npm_vetted.clients.npm.lockfile import NpmLockfile
from npm_vetted.clients.npm.matching import mismatch
from npm_vetted.clients.npm.places import parent_place
from npm_vetted.clients.shared.lockfile import Lockfile, beside
from npm_vetted.errors import DocumentError
from npm_vetted.formats.npmrc import load_npmrc
from npm_vetted.model import Group, Location, Manifest, Problem, Requirement
from npm_vetted.packages.manifest import NAME, read_manifest
from npm_vetted.packages.ranges import intersects, satisfies

_WORDS: Final = {
    Group.PRODUCTION: "depends on",
    Group.OPTIONAL: "optionally depends on",
    Group.PEER: "has the peer",
    Group.DEVELOPMENT: "depends on",
}

_NAME: Final = re.compile(r"(?:@[A-Za-z0-9!'()*._~-]+/)?[A-Za-z0-9!'()*-][A-Za-z0-9!'()*._~-]*\Z")
_TAG: Final = re.compile(r"[A-Za-z0-9!'()*._~-]+\Z")
_OF_OTHER_CLIENTS: Final = ("workspace:", "catalog:", "link:", "portal:", "patch:")


class Override(NamedTuple):
    """One value of ``overrides``: the replacement for ``name``, if the specifier is within ``wanted``.

    ``parents`` are the packages below which it applies, each with a range; empty: it applies everywhere.
    """

    parents: tuple[tuple[str, str], ...]
    name: str
    wanted: str
    specifier: str

    def meets(self, asked: Requirement) -> bool:
        """Whether the override replaces a requirement of this name and specifier in some place of the tree."""
        if self.name != asked.name:
            return False
        return self.wanted in ("", "*") or intersects(self.wanted, asked.specifier) is not False

    def is_certain(self, name: str | None, version: str | None) -> bool:
        """Whether it applies to the requirements of a package in every place where that is installed."""
        if not self.parents:
            return True
        (parent, wanted), *others = self.parents
        fits = wanted in ("", "*") or satisfies(version or "", wanted) is not False
        return not others and parent == name and fits


def overrides_of(root: Manifest | None) -> tuple[Override, ...]:
    """The values of a root manifest's ``overrides``; ``$name`` becomes the root's own specifier of it."""
    table = None if root is None else root.data.get("overrides")
    if root is None or not isinstance(table, Mapping):
        return ()
    own = {asked.name: asked.specifier for asked in root.requires}
    found: list[Override] = []
    todo: list[tuple[tuple[tuple[str, str], ...], Mapping[str, object]]] = [((), table)]
    while todo:
        parents, inner = todo.pop()
        for key, value in inner.items():
            path = parents if key == "." else (*parents, _selector(key))
            if isinstance(value, Mapping):
                todo.append((path, value))
            elif isinstance(value, str) and path:
                specifier = own.get(value[1:], "") if value.startswith("$") else value
                found.append(Override(path[:-1], *path[-1], specifier))
    return tuple(found)


def _selector(key: str) -> tuple[str, str]:
    """The name and the range of ``name@range``."""
    at = key.find("@", 1)
    return (key, "") if at < 0 else (key[:at], key[at + 1 :])


class _Tree:
    """The requirements of a lockfile's entries, and their problems."""

    def __init__(self, lockfile: NpmLockfile, overrides: tuple[Override, ...]) -> None:
        self.lockfile = lockfile
        self.overrides = overrides

    def reason(self, key: str, asked: Requirement) -> str | None:
        """Why the locked package does not satisfy an entry's requirement; '' if none is locked; None: it does."""
        lockfile = self.lockfile
        place = lockfile.place(key, asked.name)
        if place is None:
            return ""
        if lockfile.packages[place].get("inBundle"):
            return None
        artifact = lockfile.artifact(key)
        name, version = (artifact.name, artifact.version) if artifact else (None, None)
        fitting = [each for each in self.overrides if each.meets(asked)]
        certain = [each.specifier for each in fitting if each.is_certain(name, version)]
        possible = [each.specifier for each in fitting]
        accepted = [*certain, *possible] if certain else [asked.specifier, *possible]
        reasons = [mismatch(lockfile, place, asked.name, each) for each in accepted]
        if None in reasons or self._is_kept(place, asked, certain):
            return None
        return reasons[0]

    def _is_kept(self, place: str, asked: Requirement, replacements: Sequence[str]) -> bool:
        """Whether npm itself leaves a package in place that an override replaces (seen with 10 and 12).

        npm finds the replacement further up and adds no second one. It misses that another copy below
        hides the replacement. That copy satisfies the original specifier, and ``npm ci`` passes.
        """
        if not replacements or mismatch(self.lockfile, place, asked.name, asked.specifier):
            return False
        start = parent_place(place)
        above = self.lockfile.place(parent_place(start) or "", asked.name) if start else None
        return above is not None and any(
            mismatch(self.lockfile, above, asked.name, each) is None for each in replacements
        )

    def problems(
        self,
        key: str,
        names: Iterable[str] | None = None,
        peers: Collection[tuple[str, str]] = (),
    ) -> Iterator[Problem]:
        """The problems of an entry's requirements; with ``names``, only of these names.

        Of its peers that are locked in another version, only ``peers`` count, and those that an
        override replaces.
        """
        raw = self.lockfile.packages[key]
        if not key or raw.get("link") or raw.get("inBundle"):
            return
        about = None if names is None else set(names)
        for asked in self.lockfile.requirements(key):
            if asked.group is Group.DEVELOPMENT or (about is not None and asked.name not in about):
                continue
            reason = self.reason(key, asked)
            if reason == "" and not self._may_be_missing(raw, asked):
                yield self._problem(key, asked, "missing", "which is missing from the lockfile", "")
            elif reason and (asked.group is not Group.PEER or self._counts(asked, peers)):
                words = f"which the locked package does not satisfy: {reason}"
                place = self.lockfile.resolve(key, asked) or ""
                found = self.lockfile.artifact(place) if place else None
                locked = f"{place} {found.label if found else ''}"
                yield self._problem(key, asked, "unsatisfied", words, locked)

    def _counts(self, asked: Requirement, peers: Collection[tuple[str, str]]) -> bool:
        """Whether a peer must be what is locked: one of ``peers``, or one that an override replaces."""
        everywhere = (each for each in self.overrides if not each.parents)
        return (asked.name, asked.specifier) in peers or any(
            each.meets(asked) for each in everywhere
        )

    def _may_be_missing(self, raw: Mapping[str, object], asked: Requirement) -> bool:
        """Whether a requirement may be missing: an optional peer, or any peer with ``legacy-peer-deps``.

        So may a required dependency here, because the check reports that for every client.
        """
        if asked.group is Group.PRODUCTION:
            return True
        if asked.group is not Group.PEER:
            return False
        return is_optional_peer(raw, asked.name) or not installs_peers(self.lockfile)

    def _problem(self, key: str, asked: Requirement, code: str, words: str, locked: str) -> Problem:
        wanted = f"{asked.name}@{asked.specifier}"
        return Problem(
            message=f"{_WORDS[asked.group]} {wanted}, {words}",
            location=Location(self.lockfile.path, self.lockfile.line(key)),
            package=asked.name,
            code=code,
            key=wanted,
            value=f"{key} {locked}",
        )


def is_optional_peer(raw: Mapping[str, object], name: str) -> bool:
    """Whether ``peerDependenciesMeta`` says that a peer may be missing."""
    meta = raw.get("peerDependenciesMeta")
    one = meta.get(name) if isinstance(meta, Mapping) else None
    return isinstance(one, Mapping) and one.get("optional") is True


def installs_peers(lockfile: NpmLockfile) -> bool:
    """Whether npm installs peers: from version 7, unless .npmrc has ``legacy-peer-deps``."""
    path = beside(lockfile.path, ".npmrc")
    data = lockfile.read(path)
    if lockfile.version < 2 or data is None:
        return lockfile.version >= 2
    settings = load_npmrc(path, data)
    said = [each for each in settings if each.key == "legacy-peer-deps" and not each.section]
    return not said or said[-1].value is not True


def entry_problems(
    lockfile: NpmLockfile, keys: Iterable[str], before: Iterable[Lockfile] = ()
) -> Iterator[Problem]:
    """Problems of the entries' requirements, and of requirements that lead or led to these entries.

    If an entry is removed, the package that requires it may find another one further up.
    """
    tree = _Tree(lockfile, overrides_of(root_manifest(lockfile)))
    changed = dict.fromkeys(keys)
    earlier_ones = [each for each in before if isinstance(each, NpmLockfile)]
    for key in changed:
        yield from tree.problems(key, peers=_written_in(lockfile, key, earlier_ones))
    targets = {lockfile.linked_to(key) or key for key in changed}
    names: dict[str, set[str]] = {}
    for target, askers in lockfile.dependents(targets).items():
        for asker in askers:
            if asker not in changed:
                names.setdefault(asker, set()).update(lockfile.names_of(target))
    for earlier in earlier_ones:
        gone = [key for key in earlier.blocks if key not in lockfile.blocks]
        for target, askers in (earlier.dependents(gone) if gone else {}).items():
            for asker in askers:
                if asker in lockfile.blocks and asker not in changed:
                    names.setdefault(asker, set()).update(earlier.names_of(target))
    for asker, about in names.items():
        yield from tree.problems(asker, about)


def _written_in(
    lockfile: NpmLockfile, key: str, before: Iterable[NpmLockfile]
) -> set[tuple[str, str]]:
    """The peers that an entry names now, and did not for the same bytes: npm never does that.

    Other peers may be of another version than what is locked: ``npm install --force`` leaves them so.
    """
    same = [
        each for each in before if key in each.blocks and _bytes(each, key) == _bytes(lockfile, key)
    ]
    return _peers(lockfile, key) - _peers(same[0], key) if same else set()


def _bytes(lockfile: NpmLockfile, key: str) -> tuple[str, str | None] | None:
    artifact = lockfile.artifact(key)
    return None if artifact is None else (artifact.label, artifact.integrity)


def _peers(lockfile: NpmLockfile, key: str) -> set[tuple[str, str]]:
    wanted = lockfile.requirements(key)
    return {(each.name, each.specifier) for each in wanted if each.group is Group.PEER}


def pending_overrides(lockfile: NpmLockfile, root: Manifest | None) -> Iterator[Problem]:
    """Overrides that entries do not follow: ``npm ci`` refuses such a lockfile."""
    overrides = overrides_of(root)
    names = {each.name for each in overrides}
    if not names:
        return
    tree = _Tree(lockfile, overrides)
    for asker in lockfile.layout.asking(names):
        for problem in tree.problems(asker, names):
            if problem.code == "unsatisfied":
                yield problem


def conflicting_overrides(root: Manifest | None) -> Iterator[Problem]:
    """Overrides of a direct dependency with another specifier than its own: npm stops with EOVERRIDE."""
    leaves = [each for each in overrides_of(root) if not each.parents]
    for asked in root.requires if root is not None and leaves else ():
        for each in leaves:
            everywhere = each.wanted in ("", "*")
            if each.name != asked.name or each.specifier in ("", "*", asked.specifier):
                continue
            if root is not None and (everywhere or intersects(each.wanted, asked.specifier)):
                yield Problem(
                    message=f"overrides {asked.name} with {each.specifier!r}, and the project itself requires "
                    f"{asked.specifier!r}: npm stops there",
                    location=Location(root.path, root.line_of("overrides", each.name)),
                    package=asked.name,
                    code="out-of-date",
                    key=f"overrides.{each.name}",
                    value=each.specifier,
                )


def unread_overrides(root: Manifest | None) -> Iterator[Problem]:
    """Selectors that npm cannot parse: npm then ignores the lockfile and writes a new one."""
    todo: list[object] = [None if root is None else root.data.get("overrides")]
    while root is not None and todo:
        table = todo.pop()
        for key, value in table.items() if isinstance(table, Mapping) else ():
            todo.append(value)
            if key != "." and not _is_selector(key):
                yield Problem(
                    message=f"npm cannot read the override of {key!r}: expected a package's name, "
                    "and @ with a range after it; npm then ignores the lockfile",
                    location=Location(root.path, root.line_of("overrides", key)),
                    code="out-of-date",
                    key=f"overrides.{key}",
                )


def _is_selector(key: str) -> bool:
    """Whether npm-package-arg can split a selector into a name and a specifier."""
    name, wanted = _selector(key)
    if not _NAME.match(name):
        return False
    if wanted.startswith("npm:"):
        return (
            _NAME.match(_selector(wanted[4:])[0]) is not None and "/" not in wanted.split("@")[-1]
        )
    if wanted.startswith(_OF_OTHER_CLIENTS):
        return False
    is_range = wanted.strip() == "" or satisfies("0.0.0", wanted) is not None
    return is_range or ":" in wanted or "/" in wanted or _TAG.match(wanted) is not None


def root_manifest(lockfile: NpmLockfile) -> Manifest | None:
    """The package.json next to a lockfile; None where there is none that can be read."""
    path = beside(lockfile.path, NAME)
    data = lockfile.read(path)
    try:
        return None if data is None else read_manifest(path, data)
    except DocumentError:
        return None  # reported at the manifest


def left_out(
    lockfile: NpmLockfile, folder: str, manifest: Manifest, added: Iterable[Requirement]
) -> Iterator[Problem]:
    """Optional and peer dependencies that the commit adds to a manifest, and that have no entry.

    npm leaves an optional dependency out of the lockfile if it could not install it. So older
    requirements are not reported.
    """
    for asked in added:
        expected = asked.group is Group.OPTIONAL or (
            asked.group is Group.PEER
            and installs_peers(lockfile)
            and not is_optional_peer(manifest.data, asked.name)
        )
        if expected and lockfile.place(folder, asked.name) is None:
            yield Problem(
                message=f"{asked.name} {asked.specifier!r} is not in {lockfile.path}",
                location=Location(manifest.path, asked.line),
                package=asked.name,
                code="out-of-date",
                key=asked.name,
                value=asked.specifier,
            )
