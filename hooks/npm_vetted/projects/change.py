"""A commit's changes as the checks receive them: projects, artifacts, files, notes.

The projects that a commit touches are found in these steps (``Change.projects``):

1. The touched paths are those that differ from each parent; in a range, those that differ from a merge base.
2. A touched manifest, lockfile or settings file belongs to a project: its own, and for settings also those of
   the folders below.
3. A touched patch, archive, link or program belongs to every project that installs from it, wherever it is.
4. With ``--all``, every project counts.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property

from npm_vetted.clients import client_of
from npm_vetted.clients.shared.lockfile import ARCHIVE_SUFFIXES, PATCH_SUFFIXES
from npm_vetted.errors import NpmVettedError
from npm_vetted.git.comparison import Comparison
from npm_vetted.git.repository import LINK, SUBMODULE, ChangedPath
from npm_vetted.git.snapshot import Snapshot
from npm_vetted.model import Allowance, Artifact, Project
from npm_vetted.projects.discovery import Projects
from npm_vetted.projects.file_names import interesting_names
from npm_vetted.projects.introduced import IntroducedPackage
from npm_vetted.projects.links import elsewhere
from npm_vetted.projects.paths import ancestors, folder_of
from npm_vetted.projects.project_change import JudgingRules, ProjectChange, project_lockfile
from npm_vetted.vetting.baseline import Baseline
from npm_vetted.vetting.policy import Policy
from npm_vetted.vetting.programs import PROGRAM_CODES, may_be_program
from npm_vetted.vetting.resolver import Verdict, Vetting


class Change:
    """Everything that the checks may read.

    ``policy`` is the one that judges: that before the change, except in the commit that adopts. ``vetting``
    decides by this policy, by the exemptions that are in the states before and after, and by the notes after
    the change.
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
        """The decisions by the notes and exemptions of the first parent."""
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
    def rules(self) -> JudgingRules:
        """The inputs to judging each project's change."""
        return JudgingRules(self.policy, self.vetting, self.touched, self.today.date())

    @cached_property
    def projects_after(self) -> Projects:
        """The projects after the change."""
        return Projects(self.after, self.policy.excludes)

    @cached_property
    def projects_before(self) -> tuple[Projects, ...]:
        """The projects before the change, for each parent."""
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
        return tuple(ProjectChange(each, self._before(each), self.rules) for each in judged)

    def _changes(self) -> Iterator[Collection[str]]:
        """The paths that differ from each parent.

        A merge may combine a project from files of different parents. Such a project is judged, unless one
        parent contains all of it.
        """
        parents = self.comparison.parents
        if self.comparison.against_each:  # a range: what differs from one merge base is judged
            yield self.touched
            return
        yield from (each.changes for each in parents) if len(parents) > 1 else (self.touched,)

    def _roots(self, touched: Collection[str]) -> dict[str, Project]:
        """The projects that these paths belong to, by folder."""
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
                if any(each == path for each, _ in elsewhere(self.projects_after, folder)):
                    yield project

    def _of_programs(self, touched: Collection[str]) -> Iterator[Project]:
        """The projects with an accepted finding about a program that a setting names.

        The program may load other files of the repository. So whenever code changes, the settings are
        judged again, and the finding's value shows whether the program is still the accepted one.
        """
        lines = [each for each in self.baseline.lines if each.code in PROGRAM_CODES]
        if lines and any(map(may_be_program, touched)):
            for path in sorted({each.path for each in lines}):
                project = self.projects_after.of(path)
                if project is not None:
                    yield project

    def _patched(self, touched: Collection[str]) -> Iterator[Project]:
        """The projects whose lockfile names a patch among these paths."""
        patches = {path for path in touched if path.endswith(PATCH_SUFFIXES)}
        for project in self.projects_after.all() if patches else ():
            if any(_names_patch(project, path, patches) for path in project.lockfiles):
                yield project

    def _archived(self, touched: Collection[str]) -> Iterator[Project]:
        """The projects whose lockfile may name an archive among these paths."""
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

    def names_locked_before(self, names: Collection[str]) -> set[str]:
        """The names among ``names`` that some lockfile had before the change."""
        found: set[str] = set()
        for project, path in self._lockfiles_before():
            if found.issuperset(names):
                break
            with suppress(NpmVettedError):
                found |= {each.name for each in project_lockfile(project, path).named(set(names))}
        return found

    def was_locked(self, name: str) -> bool:
        """Whether some lockfile had a package name before the change; always true with ``--all``."""
        return self.everything or name in self._every_name_before

    @cached_property
    def _every_name_before(self) -> frozenset[str]:
        found: set[str] = set()
        for project, path in self._lockfiles_before():
            with suppress(NpmVettedError):
                found.update(project_lockfile(project, path).package_names())
        return frozenset(found)

    def _lockfiles_before(self) -> Iterator[tuple[Project, str]]:
        """Every lockfile before the change; one that cannot be read proves nothing about names."""
        for projects in self.projects_before:
            for project in projects.all():
                yield from ((project, path) for path in project.lockfiles)

    def uses(self) -> Iterator[IntroducedPackage]:
        """The artifacts that the commit adds, changes or promotes, project by project."""
        for project in self.projects:
            yield from project.uses

    @cached_property
    def uses_by_name(self) -> Mapping[str, Sequence[IntroducedPackage]]:
        """The same by package name, because each finding looks up the other uses of its package."""
        found: dict[str, list[IntroducedPackage]] = {}
        for use in self.uses():
            found.setdefault(use.artifact.name, []).append(use)
        return found

    @cached_property
    def carriers_of_new_names(self) -> frozenset[Artifact]:
        """The artifacts whose tarballs carry a package with a name that is new to the repository."""
        return frozenset(
            use.subject.carrier
            for use in self.uses()
            if use.subject.carrier is not None and self.vetting.is_new_name(use.subject)
        )

    @cached_property
    def uncovered(self) -> Sequence[IntroducedPackage]:
        """The artifacts that nothing covers yet."""
        return [use for use in self.uses() if not self.verdict(use).covered]

    def verdict(self, use: IntroducedPackage) -> Verdict:
        """The verdict on an artifact after the commit."""
        return self.vetting.decide(use.subject)

    def lets_run(self, use: IntroducedPackage) -> bool:
        """Whether an allow-list of the project permits a package's scripts."""
        if use.project.path not in self._allowances:
            found = tuple(client_of(use.project).allowances(use.project))
            self._allowances[use.project.path] = found
        return any(each.means(use.artifact) for each in self._allowances[use.project.path])


def _names_patch(project: Project, path: str, patches: set[str]) -> bool:
    """Whether a lockfile names one of these patch files; true for an unreadable lockfile."""
    try:
        data = project.read(path) or b""
        if b"patch" not in data and b"\\" not in data:  # nor is the word written with escapes
            return False
        return not patches.isdisjoint(project_lockfile(project, path).patch_files())
    except NpmVettedError:
        return True


def _may_name_archive(project: Project, path: str, archives: set[str]) -> bool:
    """Whether a lockfile may name one of these archives; true for an unreadable lockfile."""
    try:
        lockfile = project_lockfile(project, path)
        data = project.read(path) or b""
    except NpmVettedError:
        return True
    if lockfile.store is not None and any(each.startswith(lockfile.store) for each in archives):
        return True
    names = [each.rpartition("/")[2].encode("utf-8", "surrogateescape") for each in archives]
    return b"\\" in data or any(name in data for name in names)
