"""A project that a commit touches: its lockfiles before and after, and the packages that the commit brings.

1. ``lockfiles`` are those after the change, ``earlier`` those of each state before it.
2. ``_arrivals`` compares them. It yields the entries whose text or patch changed, and those that were
   promoted: they became direct dependencies, or production dependencies.
3. ``_uses`` drops a changed entry if an earlier state locks the same artifact (a bundled one: in the same
   tarball), unless the entry was promoted.
4. ``uses`` merges entries of the same artifact into one ``IntroducedPackage``.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, TypeVar

from npm_vetted.clients import Client, client_of
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.errors import DocumentError, NpmVettedError
from npm_vetted.model import Artifact, Entry, Group, Manifest, Project
from npm_vetted.projects.introduced import (
    Arrival,
    IntroducedPackage,
    carried_at,
    is_unchanged,
    merged_uses,
    newcomers,
    replaced_versions,
    versions_of,
)
from npm_vetted.projects.lockfile_owner import client_of_lockfile
from npm_vetted.projects.paths import folder_of, relative_to
from npm_vetted.projects.unlocked import specifier_lists
from npm_vetted.vetting.policy import Policy
from npm_vetted.vetting.resolver import Vetting, VettingRequest

T = TypeVar("T")


def manifests_by_lockfile(project: Project, lockfile: Lockfile) -> dict[str, Manifest]:
    """A project's manifests by folder relative to its lockfile ('' is the root).

    If workspaces have lockfiles of their own, a manifest belongs to the lockfile beside it. A folder
    outside the workspaces is left out if the lockfile has an entry for the folder. If a client has its
    lockfile in a folder of its own, a lockfile beside the root is another client's, which installs the
    root's manifest alone.
    """
    home = lockfile.home
    first = folder_of(project.lockfiles[0]) if project.lockfiles else home
    if home == project.path == folder_of(lockfile.path) != first:
        return {"": project.manifest}
    others = {folder_of(path) for path in project.lockfiles} - {home}
    if lockfile.locks_folders:
        others |= project.folders
    return {
        relative_to(home, path): found
        for path, found in project.manifests.items()
        if path not in others and home in (path, project.path)
    }


class JudgingRules(NamedTuple):
    """The inputs to judging a project's change; ``touched`` are the paths that differ."""

    policy: Policy
    vetting: Vetting
    touched: Collection[str]
    today: datetime.date

    def judges_specifiers(self, project: Project) -> bool:
        """Whether a project has no lockfile, and the policy accepts that."""
        return not project.lockfiles and self.policy.accepts_no_lockfile(
            project.manifest.path, self.today
        )


class ProjectChange:
    """A project that the commit touches, before and after the change."""

    def __init__(self, after: Project, before: tuple[Project, ...], rules: JudgingRules) -> None:
        self.after = after
        self.before = before
        self._rules = rules
        self._lockfiles: dict[str, Lockfile] = {}

    @property
    def client(self) -> Client:
        """The project's client."""
        return client_of(self.after)

    def lockfile(self, path: str) -> Lockfile:
        """One of the project's lockfiles; raises DocumentError if it cannot be read."""
        if path not in self._lockfiles:
            self._lockfiles[path] = project_lockfile(self.after, path)
        return self._lockfiles[path]

    @cached_property
    def lockfiles(self) -> list[Lockfile]:
        """All lockfiles; if the policy accepts that there is none, the manifests' specifiers instead."""
        if self._rules.judges_specifiers(self.after):
            return list(specifier_lists(self.after))
        return [self.lockfile(path) for path in self.after.lockfiles]

    @cached_property
    def earlier(self) -> list[tuple[Project, Lockfile]]:
        """The lockfiles before the change; one that could not be read counts as missing."""
        found: list[tuple[Project, Lockfile]] = []
        for project in self.before:
            if self._rules.judges_specifiers(project):
                found.extend((project, each) for each in specifier_lists(project))
            for path in project.lockfiles:
                try:
                    like = self._lockfiles.get(path)
                    found.append((project, project_lockfile(project, path, like)))
                except NpmVettedError:
                    continue
        return found

    def despite_earlier(self, ask: Callable[[], T]) -> T:
        """Compute an answer; a malformed earlier lockfile counts as missing.

        Otherwise no commit could repair it. A malformed lockfile after the change raises DocumentError.
        """
        try:
            return ask()
        except DocumentError:
            sound = [(project, each) for project, each in self.earlier if _is_sound(each)]
            if len(sound) == len(self.earlier):
                raise
            self.earlier = sound
            for name in ("direct_before", "_production_before", "_shipped_before", "_changed"):
                self.__dict__.pop(name, None)
            return ask()

    @cached_property
    def uses(self) -> tuple[IntroducedPackage, ...]:
        """The artifacts that the commit adds, changes or promotes, each distinct one once."""
        return self.despite_earlier(self._distinct_uses)

    def _distinct_uses(self) -> tuple[IntroducedPackage, ...]:
        found: dict[object, IntroducedPackage] = {}
        for lockfile in self.lockfiles:
            for use in self._uses(lockfile):
                subject = use.subject
                carried = subject.carrier, subject.carried_at, use.entry.bundled_by is None
                known = found.get((use.artifact, carried))
                found[use.artifact, carried] = use if known is None else merged_uses(known, use)
        self._rules.vetting.notes.expect(use.artifact.label for use in found.values())
        return tuple(found.values())

    def _uses(self, lockfile: Lockfile) -> Iterator[IntroducedPackage]:
        manifests = manifests_by_lockfile(self.after, lockfile)
        direct = lockfile.direct(manifests)
        arrivals = self._arrivals(lockfile, direct)
        entries = {key: lockfile.entry(key) for key in arrivals}
        names = {entry.artifact.name for entry in entries.values() if entry.artifact}
        known = self._known(names)
        directs = self._direct_artifacts(lockfile, direct, entries)
        still = versions_of(lockfile, [name for name in names if len(known.get(name, ())) > 1])
        for key, entry in entries.items():
            artifact = entry.artifact
            if artifact is None:
                continue
            same = tuple(
                each for each in known.get(artifact.name, ()) if each.version == artifact.version
            )
            unchanged = any(is_unchanged(each, artifact) for each in same)
            unchanged = unchanged and self._is_carried_alike(lockfile, entry)
            if unchanged and arrivals[key] is not Arrival.PROMOTED:
                continue
            development = self._development(lockfile, manifests, key)
            others = sorted(
                {each.version or each.specifier or "" for each in known.get(artifact.name, ())
                 if development or self._was_shipped(each)}
                - {artifact.version, artifact.specifier, ""}
            )  # fmt: skip
            carrier = self._carrier(lockfile, entry)
            previous = replaced_versions(others, still.get(artifact.name, frozenset()))
            if carrier is not None and same:
                previous = previous or (artifact.version or "",)  # its name is not new here
            subject = VettingRequest(
                artifact=artifact,
                direct=artifact in directs,
                development=development,
                previous=previous,
                carrier=carrier,
                carried_at=carried_at(entry),
                # Only what may be a new name is asked: looking up dependents takes time.
                program_of=None
                if previous or same or not self.earlier
                else lockfile.parent_of_program(key),
            )
            yield IntroducedPackage(
                project=self.after,
                lockfile=lockfile,
                entry=entry,
                artifact=artifact,
                subject=subject,
                arrival=arrivals[key] if unchanged else Arrival.CHANGED if same else Arrival.ADDED,
                before=same,
            )

    def _arrivals(self, lockfile: Lockfile, direct: Mapping[str, set[Group]]) -> dict[str, Arrival]:
        """The keys of the entries to judge, each with the reason."""
        found = dict.fromkeys(self.changed_keys(lockfile), Arrival.ADDED)
        for path, keys in lockfile.patch_files().items():
            if path in self._rules.touched:
                found |= dict.fromkeys(keys, Arrival.ADDED)
        if not self.earlier:
            return found
        promoted = newcomers(lockfile, direct, found, self.direct_before)
        if self._rules.policy.development is not None:
            shipped = self._production(lockfile, manifests_by_lockfile(self.after, lockfile))
            promoted += newcomers(lockfile, shipped, found, self._production_before)
        return found | dict.fromkeys(promoted, Arrival.PROMOTED)

    def changed_keys(self, lockfile: Lockfile) -> Sequence[str]:
        """The keys of a lockfile's entries that no earlier state has, in the file's order.

        Four checks need them, and each comparison takes some milliseconds.
        """
        if lockfile.path not in self._changed:
            self._changed[lockfile.path] = lockfile.changed(each for _, each in self.earlier)
        return self._changed[lockfile.path]

    @cached_property
    def _changed(self) -> dict[str, Sequence[str]]:
        return {}

    def outdated_keys(self, earlier: Lockfile, lockfile: Lockfile) -> Sequence[str]:
        """The keys of an earlier lockfile's entries that a later one lacks, or has with another text."""
        both = earlier, lockfile
        if both not in self._outdated:
            self._outdated[both] = earlier.changed([lockfile])
        return self._outdated[both]

    @cached_property
    def _outdated(self) -> dict[tuple[Lockfile, Lockfile], Sequence[str]]:
        return {}

    @cached_property
    def direct_before(self) -> list[tuple[Lockfile, Collection[str]]]:
        """The keys that the manifests themselves require, in each earlier lockfile."""
        return [
            (lockfile, lockfile.direct(manifests_by_lockfile(project, lockfile)))
            for project, lockfile in self.earlier
        ]

    def _was_shipped(self, artifact: Artifact) -> bool:
        """Whether production used an artifact before: only such a version counts as the start of an upgrade."""
        return self._rules.policy.development is None or artifact in self._shipped_before

    @cached_property
    def _shipped_before(self) -> set[Artifact | None]:
        return {lock.artifact(key) for lock, keys in self._production_before for key in keys}

    @cached_property
    def _production_before(self) -> list[tuple[Lockfile, Collection[str]]]:
        return [
            (lockfile, lockfile.production(manifests_by_lockfile(project, lockfile)))
            for project, lockfile in self.earlier
        ]

    def _known(self, names: set[str]) -> dict[str, set[Artifact]]:
        """The artifacts that the earlier states lock under some names."""
        found: dict[str, set[Artifact]] = {}
        for _, lockfile in self.earlier:
            for artifact in lockfile.named(names):
                found.setdefault(artifact.name, set()).add(artifact)
        return found

    def names_before(self) -> set[str]:
        """Every package name that the earlier states lock."""
        return self.despite_earlier(
            lambda: {name for _, lockfile in self.earlier for name in lockfile.package_names()}
        )

    @staticmethod
    def _direct_artifacts(
        lockfile: Lockfile, direct: Iterable[str], entries: Mapping[str, Entry]
    ) -> set[Artifact]:
        """The artifacts among some entries that a manifest requires; their keys do not matter."""
        labels = {entry.artifact.label for entry in entries.values() if entry.artifact}
        found = set()
        for key in direct:
            artifact = entries[key].artifact if key in entries else lockfile.artifact(key)
            if artifact and artifact.label in labels:
                found.add(artifact)
        return found

    def _development(self, lockfile: Lockfile, manifests: Mapping[str, Manifest], key: str) -> bool:
        if self._rules.policy.development is None:
            return False
        return key not in self._production(lockfile, manifests)

    def _production(self, lockfile: Lockfile, manifests: Mapping[str, Manifest]) -> set[str]:
        if lockfile.path not in self._productions:
            self._productions[lockfile.path] = lockfile.production(manifests)
        return self._productions[lockfile.path]

    @cached_property
    def _productions(self) -> dict[str, set[str]]:
        return {}

    def _is_carried_alike(self, lockfile: Lockfile, entry: Entry) -> bool:
        """Whether a bundled entry is in the same place of the same tarball as before; true if not bundled.

        Such an entry has no hash. In another tarball, the same name and version may be other bytes; and if
        the lockfile names no tarball, nothing is known about them.
        """
        if entry.artifact is None or not entry.artifact.bundled:
            return True
        carrier = self._carrier(lockfile, entry)
        if carrier is None:
            return False
        for each, above in self._places_before(carrier):
            key = f"{above}/{carried_at(entry)}"
            was = each.entry(key) if key in each.blocks else None
            if was is None or was.artifact is None or was.bundled_by != above:
                continue
            if is_unchanged(was.artifact, entry.artifact):
                return True
        return False

    def _places_before(self, artifact: Artifact) -> list[tuple[Lockfile, str]]:
        """The entries of the earlier lockfiles with exactly this artifact."""
        if artifact not in self._places:
            self._places[artifact] = [
                (each, key)
                for _, each in self.earlier
                for key in each.keys_of({artifact.name})
                if (was := each.artifact(key)) is not None and is_unchanged(was, artifact)
            ]
        return self._places[artifact]

    @cached_property
    def _places(self) -> dict[Artifact, list[tuple[Lockfile, str]]]:
        return {}

    @staticmethod
    def _carrier(lockfile: Lockfile, entry: Entry) -> Artifact | None:
        """The artifact whose tarball carries a bundled entry, if the lockfile confirms that."""
        artifact = entry.artifact
        if entry.bundled_by is None or artifact is None or artifact.resolved:
            return None
        return lockfile.artifact(entry.bundled_by)


def project_lockfile(project: Project, path: str, like: Lockfile | None = None) -> Lockfile:
    """Read a project's lockfile; raises DocumentError where it cannot be read.

    ``like`` is another version of the lockfile that was read before.
    """
    data = project.read(path)
    if data is None:
        raise DocumentError("the lockfile is gone", path=path)
    client = client_of_lockfile(path, lambda each: data if each == path else project.read(each))
    return client.read_lockfile(path, data, project.read, like)


def _is_sound(lockfile: Lockfile) -> bool:
    """Whether every entry of a lockfile can be decoded."""
    try:
        list(lockfile.entries())
        _ = lockfile.importers
    except NpmVettedError:
        return False
    return True
