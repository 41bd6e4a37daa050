"""The checks, discovered automatically: one module each. To add a check, add a module and its test.

A check receives a ``Change`` and yields findings. It reads nothing else and does not depend on other
checks. Modules with an underscore are parts of one or several checks.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from npm_vetted._plugins import parts
from npm_vetted.model import Artifact, Finding, Level, Problem, Project

if TYPE_CHECKING:
    from npm_vetted.projects.change import Change
    from npm_vetted.projects.introduced import IntroducedPackage


class Explanation(NamedTuple):
    """The explanation of a check, for the command ``explain`` and the site (tools/docs_site.py).

    ``what``: the check's rule in one sentence. ``why``: the reason, with an incident. ``before`` and
    ``after``: a file or commit that is rejected, and one that passes. ``satisfy``: how to satisfy the
    check. ``exception``: how to accept an exception. Plain text, with blank lines between paragraphs.
    """

    what: str
    why: str
    before: str
    after: str
    satisfy: str
    exception: str


class Check(Protocol):
    """The interface of each module of this package. A check's id is the module's name with dashes."""

    HOOKS: frozenset[str]
    """The narrow hooks that run this check: settings, notes, lockfile (the hook ``npm-vetted`` runs all)."""
    EXPLANATION: Explanation
    CODES: Mapping[str, str]
    """The codes of the check's findings, each with one sentence for ``explain``."""

    def run(self, change: Change) -> Iterator[Finding]:
        """The findings of this change; each ``check`` is this check's id."""


@cache
def checks() -> Mapping[str, Check]:
    """Every check by its id, in alphabetical order."""
    return {
        name.replace("_", "-"): cast("Check", importlib.import_module(f"{__name__}.{name}"))
        for name in parts(__path__)
    }


def finding_of(
    check: str, problem: Problem, project: Project | None, fix: tuple[str, ...] | None = None
) -> Finding:
    """Make a finding of a reader's problem; ``fix`` is used where the problem names none."""
    return Finding(
        check=check,
        message=problem.message,
        location=problem.location,
        level=problem.level,
        project=None if project is None else project.path or ".",
        package=problem.package,
        version=problem.version,
        fix=problem.fix or ((fix,) if fix else ()),
        code=problem.code,
        key=problem.key,
        value=problem.value,
        acceptable=problem.acceptable,
    )


def use_finding(
    check: str,
    code: str,
    use: IntroducedPackage,
    message: str,
    *,
    level: Level = Level.ERROR,
    fix: tuple[tuple[str, ...], ...] = (),
) -> Finding:
    """A finding about an artifact, where the lockfile pins it."""
    return Finding(
        check=check,
        message=message,
        location=use.location,
        level=level,
        project=use.project.path or ".",
        package=use.artifact.name,
        version=use.artifact.version,
        fix=fix,
        code=code,
        key=use.artifact.label,
        value=artifact_value(use.artifact),
    )


def artifact_value(artifact: Artifact) -> str:
    """The value of a finding about a package: its hash, else its source."""
    return artifact.integrity or artifact.checksum or artifact.resolved or ""
