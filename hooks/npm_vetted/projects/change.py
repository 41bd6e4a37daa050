"""A commit's changes as the checks receive them: projects, artifacts, files, notes."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple, TypeVar

from npm_vetted.clients import Client, client_of
from npm_vetted.clients.shared.lockfile import ARCHIVE_SUFFIXES, PATCH_SUFFIXES, Lockfile
from npm_vetted.errors import DocumentError, NpmVettedError
from npm_vetted.git.comparison import Comparison
from npm_vetted.git.repository import LINK, SUBMODULE, ChangedPath
from npm_vetted.git.snapshot import Snapshot
from npm_vetted.model import Allowance, Artifact, Entry, Group, Location, Manifest, Project
from npm_vetted.projects.discovery import (
    Projects,
    ancestors,
    client_of_lockfile,
    folder_of,
    interesting_names,
    relative_to,
)
from npm_vetted.projects.unlocked import specifier_lists
from npm_vetted.vetting.baseline import Baseline
from npm_vetted.vetting.policy import Policy
from npm_vetted.vetting.programs import PROGRAM_CODES, may_be_program
from npm_vetted.vetting.resolver import Verdict, Vetting, VettingRequest

T = TypeVar("T")


class Arrival(StrEnum):
    """Why an artifact is judged in this commit."""

    ADDED = "added"
    CHANGED = "changed"
    PROMOTED = "promoted"
    """It became direct, or left development."""


class IntroducedPackage(NamedTuple):
    """An artifact that a commit brings into a project, and how the project uses it.

    ``before`` are the artifacts of the same name and version that the earlier states lock.
    """

    project: Project
    lockfile: Lockfile
    entry: Entry
    artifact: Artifact
    subject: VettingRequest
    arrival: Arrival
    before: tuple[Artifact, ...]

    @property
    def location(self) -> Location:
        """Where the lockfile pins it."""
        return Location(self.lockfile.path, self.entry.line)

    @property
    def direct(self) -> bool:
        """Whether a manifest of the project requires it."""
        return self.subject.direct


def manifests_by_lockfile(project: Project, lockfile: Lockfile) -> dict[str, Manifest]:
    """A project's manifests by directory relative to its lockfile ('' the root).

    Where workspaces have lockfiles of their own, each manifest belongs to the one beside it. A
    folder that is no workspace is left out where the lockfile has an entry for it.
    """
    home = lockfile.home
    others = {folder_of(path) for path in project.lockfiles} - {home}
    if lockfile.locks_folders:
        others |= project.folders
    return {
        relative_to(home, path): found
        for path, found in project.manifests.items()
        if path not in others and home in (path, project.path)
    }


class ProjectChange:
    """A project that the commit touches, before and after the change."""

    def __init__(self, after: Project, before: tuple[Project, ...], change: Change) -> None:
        self.after = after
        self.before = before
        self._change = change
        self._lockfiles: dict[str, Lockfile] = {}

    @property
    def client(self) -> Client:
        """The project's client."""
        return client_of(self.after)

    def lockfile(self, path: str) -> Lockfile:
        """One of its lockfiles; raises DocumentError where it cannot be read."""
        if path not in self._lockfiles:
            self._lockfiles[path] = project_lockfile(self.after, path)
        return self._lockfiles[path]

    @cached_property
    def lockfiles(self) -> list[Lockfile]:
        """All its lockfiles; its manifests' specifiers where it is accepted that there is none."""
        if self._change.judges_specifiers(self.after):
            return list(specifier_lists(self.after))
        return [self.lockfile(path) for path in self.after.lockfiles]

    @cached_property
    def earlier(self) -> list[tuple[Project, Lockfile]]:
        """The lockfiles before the change; one that could not be read then counts as not there."""
        found: list[tuple[Project, Lockfile]] = []
        for project in self.before:
            if self._change.judges_specifiers(project):
                found.extend((project, each) for each in specifier_lists(project))
            for path in project.lockfiles:
                try:
                    found.append((project, project_lockfile(project, path)))
                except NpmVettedError:
                    continue
        return found

    def despite_earlier(self, ask: Callable[[], T]) -> T:
        """Compute an answer; a malformed earlier lockfile counts as absent.

        Otherwise no commit could repair it. A lockfile that is malformed now raises DocumentError.
        """
        try:
            return ask()
        except DocumentError:
            sound = [(project, each) for project, each in self.earlier if _is_sound(each)]
            if len(sound) == len(self.earlier):
                raise
            self.earlier = sound
            for name in ("direct_before", "_production_before", "_shipped_before"):
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
                found[use.artifact, carried] = use if known is None else _both(known, use)
        self._change.vetting.notes.expect(use.artifact.label for use in found.values())
        return tuple(found.values())

    def _uses(self, lockfile: Lockfile) -> Iterator[IntroducedPackage]:
        manifests = manifests_by_lockfile(self.after, lockfile)
        direct = lockfile.direct(manifests)
        arrivals = self._arrivals(lockfile, direct)
        entries = {key: lockfile.entry(key) for key in arrivals}
        names = {entry.artifact.name for entry in entries.values() if entry.artifact}
        known = self._known(names)
        directs = self._direct_artifacts(lockfile, direct, entries)
        still = _versions_of(lockfile, [name for name in names if len(known.get(name, ())) > 1])
        for key, entry in entries.items():
            artifact = entry.artifact
            if artifact is None:
                continue
            same = tuple(
                each for each in known.get(artifact.name, ()) if each.version == artifact.version
            )
            unchanged = any(_is_unchanged(each, artifact) for each in same)
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
            previous = _replaced(others, still.get(artifact.name, frozenset()))
            if carrier is not None and same:
                previous = previous or (artifact.version or "",)  # its name is not new here
            subject = VettingRequest(
                artifact=artifact,
                direct=artifact in directs,
                development=development,
                previous=previous,
                carrier=carrier,
                carried_at=_carried_at(entry),
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
        """The keys of entries to judge, and why."""
        earlier = [each for _, each in self.earlier]
        found = dict.fromkeys(lockfile.changed(earlier), Arrival.ADDED)
        for path, keys in lockfile.patch_files().items():
            if path in self._change.comparison.touched:
                found |= dict.fromkeys(keys, Arrival.ADDED)
        if not self.earlier:
            return found
        promoted = _newcomers(lockfile, direct, found, self.direct_before)
        if self._change.policy.development is not None:
            shipped = self._production(lockfile, manifests_by_lockfile(self.after, lockfile))
            promoted += _newcomers(lockfile, shipped, found, self._production_before)
        return found | dict.fromkeys(promoted, Arrival.PROMOTED)

    @cached_property
    def direct_before(self) -> list[tuple[Lockfile, Collection[str]]]:
        """The keys that the manifests themselves require, in each earlier lockfile."""
        return [
            (lockfile, lockfile.direct(manifests_by_lockfile(project, lockfile)))
            for project, lockfile in self.earlier
        ]

    def _was_shipped(self, artifact: Artifact) -> bool:
        """Whether production used it before: an upgrade of a shipped package starts from such a version."""
        return self._change.policy.development is None or artifact in self._shipped_before

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
        if self._change.policy.development is None:
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
        """Whether it comes in the tarball that it came in, where it is said to be bundled.

        By name and version alone it is other bytes in another tarball, and nobody's in none.
        """
        if entry.artifact is None or not entry.artifact.bundled:
            return True
        carrier = self._carrier(lockfile, entry)
        if carrier is None:
            return False
        for each, above in self._places_before(carrier):
            key = f"{above}/{_carried_at(entry)}"
            was = each.entry(key) if key in each.blocks else None
            if was is None or was.artifact is None or was.bundled_by != above:
                continue
            if _is_unchanged(was.artifact, entry.artifact):
                return True
        return False

    def _places_before(self, artifact: Artifact) -> list[tuple[Lockfile, str]]:
        """Where the earlier lockfiles have exactly an artifact."""
        if artifact not in self._places:
            self._places[artifact] = [
                (each, key)
                for _, each in self.earlier
                for key in each.keys_of({artifact.name})
                if (was := each.artifact(key)) is not None and _is_unchanged(was, artifact)
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


def _carried_at(entry: Entry) -> str:
    """The folder of a bundled entry below its carrier's own; '' where it is not bundled."""
    return entry.key[len(entry.bundled_by) + 1 :] if entry.bundled_by is not None else ""


def _both(one: IntroducedPackage, other: IntroducedPackage) -> IntroducedPackage:
    """Two uses of one artifact as one: direct where either is, shipped where either is."""
    first = other if other.direct and not one.direct else one
    development = one.subject.development and other.subject.development
    return first._replace(subject=first.subject._replace(development=development))


def _newcomers(
    lockfile: Lockfile,
    keys: Iterable[str],
    changed: Collection[str],
    before: Iterable[tuple[Lockfile, Collection[str]]],
) -> list[str]:
    """Of some keys, those whose artifact no earlier entry has, under any key."""
    fresh = [
        key for key in keys if key in changed or not any(key in earlier for _, earlier in before)
    ]
    if not fresh:
        return []
    known = {_comparable(each, key) for each, earlier in before for key in earlier}
    return [key for key in fresh if _comparable(lockfile, key) not in known]


def _comparable(lockfile: Lockfile, key: str) -> Artifact | None:
    """An entry's artifact, reduced to the fields that all lockfile formats record."""
    artifact = lockfile.artifact(key)
    return artifact and _of_any_key(_silent(artifact))


def _is_unchanged(before: Artifact, after: Artifact) -> bool:
    """Whether an artifact is the one before; that a format does not tell of scripts changes none."""
    if before.scripts is None or after.scripts is None:
        before, after = _silent(before), _silent(after)
    return _of_any_key(before) == _of_any_key(after)


def _silent(artifact: Artifact) -> Artifact:
    """An artifact but for its scripts, of which one format tells and another does not."""
    return artifact._replace(scripts=None)


def _of_any_key(artifact: Artifact) -> Artifact:
    """An artifact but for the cache key of its Yarn berry checksum: equal digests are equal zips."""
    if artifact.checksum is None:
        return artifact
    return artifact._replace(checksum=artifact.checksum.rpartition("/")[2])


def _is_sound(lockfile: Lockfile) -> bool:
    """Whether all of it can be decoded."""
    try:
        list(lockfile.entries())
        _ = lockfile.importers
    except NpmVettedError:
        return False
    return True


def project_lockfile(project: Project, path: str) -> Lockfile:
    """Read a project's lockfile; raises DocumentError where it cannot be read."""
    data = project.read(path)
    if data is None:
        raise DocumentError("the lockfile is gone", path=path)
    client = client_of_lockfile(path, lambda each: data if each == path else project.read(each))
    return client.read_lockfile(path, data, project.read)


def _names_patch(project: Project, path: str, patches: set[str]) -> bool:
    """Whether a lockfile may name one of some patch files; an unreadable lockfile may."""
    try:
        data = project.read(path) or b""
        if b"patch" not in data and b"\\" not in data:  # nor is the word written with escapes
            return False
        return not patches.isdisjoint(project_lockfile(project, path).patch_files())
    except NpmVettedError:
        return True


def _may_name_archive(project: Project, path: str, archives: set[str]) -> bool:
    """Whether a lockfile may name one of some archives; an unreadable lockfile may."""
    try:
        lockfile = project_lockfile(project, path)
        data = project.read(path) or b""
    except NpmVettedError:
        return True
    if lockfile.store is not None and any(each.startswith(lockfile.store) for each in archives):
        return True
    names = [each.rpartition("/")[2].encode("utf-8", "surrogateescape") for each in archives]
    return b"\\" in data or any(name in data for name in names)


def _versions_of(lockfile: Lockfile, names: Collection[str]) -> dict[str, frozenset[str]]:
    """The versions of some packages that a lockfile has."""
    found: dict[str, set[str]] = {}
    for artifact in lockfile.named(names) if names else ():
        if artifact.version is not None:
            found.setdefault(artifact.name, set()).add(artifact.version)
    return {name: frozenset(versions) for name, versions in found.items()}


def _replaced(earlier: Iterable[str], still: Collection[str]) -> tuple[str, ...]:
    """The versions that a version may replace: those that are gone; where none is, all."""
    versions = tuple(earlier)
    return tuple(each for each in versions if each not in still) or versions


class Change:
    """Everything that the checks may look at.

    ``policy`` is the one that judges (the *before* policy, except where the commit adopts);
    ``vetting`` decides by it, by the exemptions of before and after, and by the notes that
    the commit leaves.
    """

    def __init__(
        self,
        *,
        comparison: Comparison,
        policy: Policy,
        vetting: Vetting,
        earlier_vettings: tuple[Vetting, ...],
        today: datetime.datetime,
        baseline: Baseline | None = None,
        left_out: Collection[str] = (),
    ) -> None:
        self.comparison = comparison
        self.policy = policy
        self.vetting = vetting
        self.earlier_vettings = earlier_vettings
        self.today = today
        self.baseline = baseline or Baseline()
        self._left_out = left_out  # the folders of projects that the caller does not want judged
        self._allowances: dict[str, tuple[Allowance, ...]] = {}

    @property
    def earlier_vetting(self) -> Vetting:
        """How the first parent's notes and exemptions decide."""
        return self.earlier_vettings[0]

    @property
    def everything(self) -> bool:
        """Whether everything is judged (``--all``)."""
        return self.comparison.everything

    @property
    def scope_arguments(self) -> tuple[str, ...]:
        """The arguments with which ``note`` covers all that this change adds."""
        return self.comparison.scope

    @property
    def after(self) -> Snapshot:
        """The state that is being committed."""
        return self.comparison.after

    @property
    def touched(self) -> Mapping[str, ChangedPath]:
        """The paths that differ; with ``--all`` every path."""
        return self.comparison.touched

    @cached_property
    def projects_after(self) -> Projects:
        """The projects as they will be."""
        return Projects(self.after, self.policy.excludes)

    @cached_property
    def projects_before(self) -> tuple[Projects, ...]:
        """The projects as the parents have them."""
        return tuple(Projects(each, self.policy.excludes) for each in self.comparison.parents)

    @cached_property
    def projects(self) -> tuple[ProjectChange, ...]:
        """The projects that the commit touches, by path."""
        if self.everything:
            found = list(self.projects_after.all())
        else:
            roots, *others = map(self._roots, self._changes())
            found = [roots[path] for path in sorted(roots) if all(path in each for each in others)]
        judged = (each for each in found if each.path not in self._left_out)
        return tuple(ProjectChange(each, self._before(each), self) for each in judged)

    def _changes(self) -> Iterator[Collection[str]]:
        """The paths that differ from each parent.

        A merge may put a project together of files that are each in a parent: it is judged
        unless it is in one of them as a whole.
        """
        parents = self.comparison.parents
        if self.comparison.against_each:  # a range: what differs from one merge base is judged
            yield self.touched
            return
        yield from (each.changes for each in parents) if len(parents) > 1 else (self.touched,)

    def _roots(self, touched: Collection[str]) -> dict[str, Project]:
        """The projects that some paths steer, by folder."""
        names = interesting_names()
        return {
            project.path: project
            for path in touched
            if path.rpartition("/")[2] in names
            for project in self.projects_after.steered_by(path)
        } | {
            project.path: project
            for project in (
                *self._patched(touched), *self._archived(touched), *self._of_programs(touched),
                *self._of_links(touched),
            )
        }  # fmt: skip

    def _of_links(self, touched: Collection[str]) -> Iterator[Project]:
        """The projects that install from a link or a submodule among these paths."""
        for path in touched:
            entry = self.after.entry(path)
            if entry is None or entry.mode not in (LINK, SUBMODULE):
                continue
            for folder in ancestors(folder_of(path)):
                project = self.projects_after.at(folder)
                if project is None:
                    continue
                if any(each == path for each, _ in self.projects_after.elsewhere(folder)):
                    yield project

    def _of_programs(self, touched: Collection[str]) -> Iterator[Project]:
        """The projects whose settings name a program that the baseline accepts in its earlier state.

        The program may load other files of the repository. So when any code changes, the settings
        are judged again; the program's value tells whether it is still the accepted one.
        """
        lines = [each for each in self.baseline.lines if each.code in PROGRAM_CODES]
        if lines and any(map(may_be_program, touched)):
            for path in sorted({each.path for each in lines}):
                project = self.projects_after.of(path)
                if project is not None:
                    yield project

    def _patched(self, touched: Collection[str]) -> Iterator[Project]:
        """The projects of which a path among these is a patch, wherever that lies."""
        patches = {path for path in touched if path.endswith(PATCH_SUFFIXES)}
        for project in self.projects_after.all() if patches else ():
            if any(_names_patch(project, path, patches) for path in project.lockfiles):
                yield project

    def _archived(self, touched: Collection[str]) -> Iterator[Project]:
        """The projects that may install from an archive among these paths, wherever that lies."""
        archives = {path for path in touched if path.endswith(ARCHIVE_SUFFIXES)}
        for project in self.projects_after.all() if archives else ():
            if any(_may_name_archive(project, path, archives) for path in project.lockfiles):
                yield project

    def _before(self, project: Project) -> tuple[Project, ...]:
        found = []
        for projects in self.projects_before:
            try:
                earlier = projects.at(project.path)
            except NpmVettedError:  # unreadable then: all of it is judged now
                continue
            if earlier is not None:
                found.append(earlier)
        return tuple(found)

    def judges_specifiers(self, project: Project) -> bool:
        """Whether a project has no lockfile, and the policy accepts that."""
        return not project.lockfiles and self.policy.accepts_no_lockfile(
            project.manifest.path, self.today.date()
        )

    def names_locked_before(self, names: Collection[str]) -> set[str]:
        """Those of some package names that a lockfile of any project had before the change."""
        found: set[str] = set()
        for projects in self.projects_before:
            for project in projects.all():
                for path in project.lockfiles:
                    if found.issuperset(names):
                        return found
                    # What cannot be read proves nothing.
                    with suppress(NpmVettedError):
                        locked = project_lockfile(project, path).named(set(names))
                        found |= {each.name for each in locked}
        return found

    def was_locked(self, name: str) -> bool:
        """Whether a package name is not new by the lockfiles; with ``--all`` none is."""
        return self.everything or name in self._every_name_before

    @cached_property
    def _every_name_before(self) -> frozenset[str]:
        found: set[str] = set()
        for project in (each for projects in self.projects_before for each in projects.all()):
            for path in project.lockfiles:
                with suppress(NpmVettedError):
                    found.update(project_lockfile(project, path).package_names())
        return frozenset(found)

    def uses(self) -> Iterator[IntroducedPackage]:
        """The artifacts that the commit adds, changes or promotes, project by project."""
        for project in self.projects:
            yield from project.uses

    def verdict(self, use: IntroducedPackage) -> Verdict:
        """How an artifact is after the commit."""
        return self.vetting.decide(use.subject)

    def lets_run(self, use: IntroducedPackage) -> bool:
        """Whether an allow-list of its project lets a package run scripts: a person reviews those."""
        if use.project.path not in self._allowances:
            found = tuple(client_of(use.project).allowances(use.project))
            self._allowances[use.project.path] = found
        return any(each.means(use.artifact) for each in self._allowances[use.project.path])
