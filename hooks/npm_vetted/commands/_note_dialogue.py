"""Everything that ``note`` works with: the change, the existing notes, the registry."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from npm_vetted.clients import client_of
from npm_vetted.errors import UndecidedError, UsageError
from npm_vetted.formats.terminal_text import printable
from npm_vetted.git.comparison import Comparison
from npm_vetted.git.repository import Repository, run_git
from npm_vetted.git.writer import Store
from npm_vetted.model import Artifact, Kind, Project
from npm_vetted.projects.change import Change
from npm_vetted.projects.introduced import IntroducedPackage
from npm_vetted.recording.proposals import Draft, Item, distinct
from npm_vetted.vetting.policy import FORMAT

_OFFLINE: Final = "try again, or record it without the registry: --offline"

if TYPE_CHECKING:
    from npm_vetted.model import Published
    from npm_vetted.registry import Registry


@dataclass(frozen=True, slots=True)
class NoteDialogue:
    """The change that notes are written for, and all artifacts that it locks."""

    repository: Repository
    change: Change
    others: tuple[Change, ...]
    store: Store
    state: str = ""
    """What the change is of, in words: what is staged, the working tree, a range."""
    again: Callable[[], Comparison] | None = None
    """Looks at the same state once more, with the notes that were recorded."""
    written: list[str] = field(default_factory=list)
    """The paths of the notes that were recorded at this desk."""
    _registries: dict[str, Registry] = field(default_factory=dict)

    def brings(self, label: str) -> bool:
        """Whether the change itself brings what ``PKG[@VER]`` names."""
        name, version = split_label(label)
        return any(
            use.artifact.name == name and (version is None or version in _versions(use.artifact))
            for use in self.change.uses()
        )

    def uses_of(self, label: str) -> list[IntroducedPackage]:
        """The artifacts that ``PKG[@VER]`` names: those that the change adds, else those that are
        locked. Raises UsageError if none is locked.
        """
        found = self.locked(label)
        if not found:
            raise UsageError(
                f"{label} is neither staged nor locked anywhere in the working tree",
                fix=f'install it first: npm install "{label}" --ignore-scripts',
            )
        return found

    def locked(self, label: str) -> list[IntroducedPackage]:
        """The artifacts that ``PKG[@VER]`` names: added ones, else locked ones; may be empty."""
        name, version = split_label(label)
        for change in (self.change, *self.others):
            found = [
                use
                for use in change.uses()
                if use.artifact.name == name
                and (version is None or version in _versions(use.artifact))
            ]
            if found:
                return distinct(found)
        return []

    def versions_of(self, name: str) -> set[str]:
        """The versions of a package that are locked anywhere."""
        uses = (self.others or (self.change,))[-1].uses()
        return {
            use.artifact.version
            for use in uses
            if use.artifact.name == name and use.artifact.version is not None
        }

    def project_of(self, item: Item) -> Project:
        """The project whose registry is used for an item."""
        return item.use.project if item.use is not None else self.project_here()

    def project_here(self) -> Project:
        """The project around the current directory; raises UsageError where there is none."""
        found = project_here(self.repository, self.change)
        if found is None:
            raise UsageError("no project here names a registry to ask")
        return found

    def registry(self, project: Project) -> Registry:
        """The registry client of a project, one for the whole command."""
        if project.path not in self._registries:
            self._registries[project.path] = registry_for(project, self.change)
        return self._registries[project.path]


def _versions(artifact: Artifact) -> tuple[str | None, ...]:
    """The texts that may follow the ``@`` of an artifact's name."""
    return (artifact.version, artifact.specifier, artifact.resolved)


def split_label(label: str) -> tuple[str, str | None]:
    """``@scope/name@1.2.3`` as name and version; the version may be missing."""
    at = label.find("@", 1)
    name, version = (label, None) if at < 0 else (label[:at], label[at + 1 :])
    if not name:
        raise UsageError(f"{label!r} names no package")
    return name, version or None


def identity(repository: Repository) -> str:
    """``Name <email>`` as git would sign a commit; raises UsageError where git does not know."""
    done = run_git("var", "GIT_AUTHOR_IDENT", cwd=repository.top, accepted=(0, 128))
    text = done.decode("utf-8", "replace").rpartition(">")[0]
    if not text:
        raise UsageError(
            "git does not know who you are, and a note needs a name",
            fix='git config user.name "Your Name"; git config user.email you@example.com',
        )
    return text + ">"


def has_terminal() -> bool:
    """Whether a person can answer prompts."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def says_yes_no_terminal(label: str, demanded: Iterable[str]) -> None:
    """Raise UsageError if words or criteria are missing and there is no terminal to prompt at."""
    if not has_terminal():
        raise UsageError(
            f"{label}: without a terminal, -m and --criteria are required",
            fix=" ".join(
                (
                    f"--criteria {','.join(wanted)}" if (wanted := list(demanded)) else "",
                    "-m REASON",
                )
            ),
        )


def project_here(repository: Repository, change: Change) -> Project | None:
    """The project that the current directory belongs to, else the first of the repository."""
    here = Path.cwd().resolve()
    top = Path(repository.top).resolve()
    if here.is_relative_to(top):
        found = change.projects_after.of((here.relative_to(top) / "package.json").as_posix())
        if found is not None:
            return found
    return next(iter(change.projects_after.all()), None)


def registry_for(project: Project, change: Change) -> Registry:
    """The registry client for a project: its committed settings, the person's credentials."""
    from npm_vetted.registry import Registry, progress_bar
    from npm_vetted.registry.cache import cache_folder
    from npm_vetted.registry.settings import load_settings

    client = client_of(project)
    path = project.join(".npmrc")
    data = project.read(path)
    settings = load_settings(
        os.environ,
        registry_of=cache(lambda name: client.registry_of(project, name)),
        project=(path, data) if data is not None else None,
        trusts=change.policy.registries.allows,
    )
    return Registry(settings, cache=cache_folder(os.environ), progress=progress_bar())


def person_s_registry() -> Registry:
    """The registry client where no project says which: the person's own settings count."""
    from npm_vetted.registry import Registry
    from npm_vetted.registry.cache import cache_folder
    from npm_vetted.registry.settings import load_settings

    return Registry(load_settings(os.environ), cache=cache_folder(os.environ))


def seen_by_registry(desk: NoteDialogue, drafts: Sequence[Draft]) -> Mapping[Artifact, Published]:
    """The registry's facts on all artifacts of the drafts; raises if it does not answer."""
    from npm_vetted.registry import jsr

    by_project: dict[str, list[Artifact]] = {}
    projects: dict[str, Project] = {}
    seen: dict[Artifact, Published] = {}
    for draft in drafts:
        for item in draft.items:
            if jsr.is_of_jsr(item.artifact):
                seen[item.artifact] = _of_jsr(desk, item)
            elif item.artifact.kind is Kind.REGISTRY and item.artifact.version:
                project = desk.project_of(item)
                projects[project.path] = project
                by_project.setdefault(project.path, []).append(item.artifact)
    for path, artifacts in by_project.items():
        pairs = {(each.name, each.version or "") for each in artifacts}
        answers = desk.registry(projects[path]).versions(pairs)
        for artifact in artifacts:
            answer = answers[artifact.name, artifact.version or ""]
            if isinstance(answer, UndecidedError):
                answer.fix = answer.fix or _OFFLINE
                raise answer
            seen[artifact] = answer
    if desk.change.policy.format >= FORMAT:
        for draft in drafts:
            for item in draft.items:
                if item.artifact in seen and item.artifact.kind is Kind.REGISTRY:
                    seen[item.artifact] = with_contents(desk, item, seen[item.artifact])
    return seen


def with_contents(desk: NoteDialogue, item: Item, published: Published) -> Published:
    """The registry's facts, with the bundled packages where a lockfile or manifest says there are some."""
    from npm_vetted.recording.tarball_contents import bundled_in, shrinkwrap_in
    from npm_vetted.registry import jsr

    artifact = item.artifact
    if jsr.is_of_jsr(artifact):
        return published
    registry = desk.registry(desk.project_of(item))
    release = registry.packument(artifact.name).release(artifact.version or "")
    entry = item.use.entry if item.use else None
    if not (release.bundled or artifact.shrinkwrap or (entry and entry.bundles)):
        return published
    files = registry.package(release, artifact.integrity).files
    label = printable(artifact.label)
    return published._replace(
        bundles=bundled_in(label, files), shrinkwrap=shrinkwrap_in(label, files)
    )


def _of_jsr(desk: NoteDialogue, item: Item) -> Published:
    from npm_vetted.registry import jsr

    try:
        return jsr.published(item.artifact, desk.registry(desk.project_of(item)).document)
    except UndecidedError as error:
        error.fix = error.fix or _OFFLINE
        raise
