"""The context of ``inspect``, ``diff`` and ``review``: the repository, if any, and its registry."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from npm_vetted.checks._runner import open_change
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.commands._note_dialogue import person_s_registry, project_here, registry_for
from npm_vetted.commands._programs import split_command
from npm_vetted.errors import NpmVettedError, UsageError
from npm_vetted.git.objects import Objects
from npm_vetted.git.repository import Repository
from npm_vetted.git.worktree import compare_worktree
from npm_vetted.model import Artifact
from npm_vetted.packages.versions import nearest, parse_version
from npm_vetted.projects.change import Change
from npm_vetted.projects.file_names import interesting_names
from npm_vetted.projects.project_change import project_lockfile
from npm_vetted.registry import Registry
from npm_vetted.registry.packument import Packument, Release
from npm_vetted.registry.tarball import Package
from npm_vetted.review.signals.weighing import Score
from npm_vetted.review.text import Painter
from npm_vetted.vetting.notes import Note, mentions


@dataclasses.dataclass(frozen=True)
class ReviewDialogue:
    """A registry and, inside a repository, everything that its working tree locks and vets."""

    registry: Registry
    change: Change | None = None
    pending: Change | None = None
    """What the working tree changes against HEAD."""

    def locked(self, name: str) -> list[Artifact]:
        """The locked versions of a package; a lockfile that cannot be read counts as empty."""
        return [each for each in self.artifacts() if each.name == name]

    def artifacts(self) -> Iterator[Artifact]:
        """Everything that is locked and can be read."""
        for project in self.change.projects if self.change else ():
            with suppress(NpmVettedError):
                for lockfile in project.lockfiles:
                    yield from (artifact for _, artifact in lockfile.artifacts())

    def names_before(self) -> set[str]:
        """The packages that HEAD locks; a lockfile that cannot be read counts as empty."""
        return {name for lockfile in self._before() for name in lockfile.package_names()}

    def committed(self, name: str) -> list[str]:
        """The versions of a package that HEAD locks: what it is an upgrade from, vetted or not."""
        found = {
            artifact.version
            for lockfile in self._before()
            if name in lockfile.package_names()
            for _, artifact in lockfile.artifacts()
            if artifact.name == name and artifact.version
        }
        return sorted(each for each in found if parse_version(each))

    def _before(self) -> Iterator[Lockfile]:
        for projects in self.pending.projects_before if self.pending else ():
            for project in projects.all():
                for path in project.lockfiles:
                    with suppress(NpmVettedError):
                        yield project_lockfile(project, path)

    def package(self, release: Release) -> Package:
        """The files of a release, compared with each hash that this repository locks for it."""
        locked = {
            each.integrity
            for each in self.locked(release.name)
            if each.version == release.version and each.integrity
        }
        for integrity in locked:
            self.registry.tarball(release, integrity)
        return self.registry.package(release, next(iter(locked), None))

    def release(self, name: str, version: str) -> tuple[Packument, Release]:
        """A version, or the one that a dist-tag names."""
        packument = self.registry.packument(name)
        if version not in packument and version in packument.tags:
            version = packument.tags[version]
        return packument, packument.release(version)

    def vetted(self, name: str) -> list[str]:
        """The versions of a package that are vetted, accepted or exempt, the highest last."""
        if self.change is None:
            return []
        return [version for version in vetted_versions(self.change, name) if parse_version(version)]


def vetted_versions(change: Change, name: str) -> list[str]:
    """The versions of a package that a delta may start from, in semver's order."""
    vetting = change.vetting
    said = {
        version
        for note in vetting.notes.all()
        if isinstance(note, Note)
        for package, version, _ in mentions(note)
        if package == name and version is not None
    }
    said |= {each.version for each in vetting.exemptions.of(name) if each.version != "-"}
    good = [each for each in said if vetting.chained(name, each, change.policy.demands)]
    return sorted(
        good, key=lambda text: (parse_version(text) is not None, parse_version(text), text)
    )


def other_nearest(versions: list[str], version: str) -> str | None:
    """The version that a person would compare one with: the nearest other one."""
    if parse_version(version) is None:
        return None
    return nearest([each for each in versions if each != version], version)


@contextmanager
def at_bench() -> Iterator[ReviewDialogue]:
    """The bench of the project around here; npm's registry where there is no repository."""
    try:
        repository = Repository.open()
    except UsageError:
        yield ReviewDialogue(person_s_registry())
        return
    with Objects(repository) as objects:
        names = interesting_names()
        change = open_change(compare_worktree(repository, objects, names, everything=True))
        project = project_here(repository, change)
        registry = person_s_registry() if project is None else registry_for(project, change)
        pending = open_change(compare_worktree(repository, objects, names))
        yield ReviewDialogue(registry, change, pending)


@dataclasses.dataclass(frozen=True)
class NewSignals:
    """What a version newly does, compared with ``since``; None: as a package that is new."""

    since: str | None
    score: Score

    def text(self, paint: Painter, width: int | None = None) -> str:
        """The reasons, the heaviest first."""
        from npm_vetted.formats.terminal_text import line
        from npm_vetted.report._screen import wrapped
        from npm_vetted.review.signals.wording import reason_line, unseen_lines

        what = f"newly, since {self.since}" if self.since else "as a new package"
        if self.score.reasons:
            lines = [paint(line(f"{what} (score {self.score.points}):"), "bold")]
            for each in self.score.reasons:
                lines += wrapped(f"  - {reason_line(each)}", width, "    ")
        else:
            lines = [line(f"{what}: no signal")] if self.score.complete else []
        lines += unseen_lines(self.score)
        lines += [f"signals could not be computed: {line(p, 300)}" for p in self.score.problems[:3]]
        return "\n".join(lines)

    def data(self) -> dict[str, object]:
        """The same as plain data."""
        return {
            "since": self.since,
            "score": self.score.points,
            "complete": self.score.complete,
            "unseen": list(self.score.unseen),
            "reasons": [each._asdict() for each in self.score.reasons],
        }


def signals_of(bench: ReviewDialogue, name: str, version: str, since: str | None) -> NewSignals:
    """Compare a version's files, and what the registry says of it, with those of an earlier one."""
    from npm_vetted.commands._scores import scores_of
    from npm_vetted.review.signals.scoring import Step

    locked = {each.version: each.integrity for each in bench.locked(name)}
    step = Step(name, version, since, locked.get(version), locked.get(since))
    [score] = scores_of([(bench.registry, step)])
    return NewSignals(since, score)


def as_json(data: object, *, signals: NewSignals) -> str:
    """Dataclasses as JSON; control characters, and all that is not ASCII, are escaped."""
    found = {"version": 1, **_fields(data), "signals": signals.data()}
    return (
        json.dumps(found, indent=2, default=_plain)
        .replace("\x7f", "\\u007f")
        .replace("##", "\\u0023#")
    )


def _fields(data: object) -> dict[str, Any]:
    assert dataclasses.is_dataclass(data)
    assert not isinstance(data, type)
    # The object's own version goes by another name beside the format's.
    fields = dataclasses.asdict(data)
    return {("package_version" if key == "version" else key): fields[key] for key in fields}


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def show(text: str) -> None:
    """Print a page of text, through the person's pager where it is longer than their terminal."""
    if isinstance(getattr(sys.stdout, "errors", None), str):
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if not (sys.stdout.isatty() and text.count("\n") >= _height() and _paged(text)):
        print(text)


def _paged(text: str) -> bool:
    """Show through the person's pager; whether there was one."""
    command = split_command(os.environ.get("PAGER", "")) or ["less"]
    environment = {"LESS": "FRX", **os.environ}
    try:
        subprocess.run(
            command, env=environment, input=f"{text}\n", text=True, encoding="utf-8", check=False
        )
    except BrokenPipeError:
        return True  # they have left it before the end
    except OSError:
        return False
    return True


def _height() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).lines
    except OSError:
        return 24
