"""New package names that are one typing error away from a popular package or from one in the repository."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final

from npm_vetted.checks import Explanation, use_finding
from npm_vetted.checks._fixes import vetting_fix
from npm_vetted.model import Finding
from npm_vetted.projects.change import Change
from npm_vetted.projects.introduced import IntroducedPackage
from npm_vetted.projects.project_change import ProjectChange
from npm_vetted.vetting.resolver import Status

if TYPE_CHECKING:
    from npm_vetted.packages.lookalikes import Lookalike

ID: Final = "lookalike"
HOOKS: Final = frozenset({"notes"})
CODES: Final = {
    "one-slip-away": "A new name that is one slip away from a known one.",
}
EXPLANATION: Final = Explanation(
    what=(
        "A package that is new to the repository and whose name is one slip away from a popular "
        "package or from one that the repository used before: a letter added, dropped, swapped or "
        "replaced, other separators, js or node added or dropped, a scope dropped or imitated, "
        "letters that look alike."
    ),
    why=(
        "A mistyped name installs the code of a stranger. In August 2017 one account published "
        "some forty such names (crossenv, mongose, node-sqlite, jquery.js, ...). Each was a copy "
        "of the real package that also sent the environment, with its tokens, to a server. They "
        "were online for two weeks. A reviewer who expects cross-env reads cross-env."
    ),
    before='"dependencies": {"crossenv": "^7.0.0"}',
    after='"dependencies": {"cross-env": "^7.0.0"}',
    satisfy="Depend on the package that was meant.",
    exception=(
        "Where the name is right, its note says so: `npm-vetted note PKG --not-lookalike-of NAME` "
        'writes `not-lookalike-of = ["NAME"]`. Exempt and first-party packages are not checked.'
    ),
)

_SHOWN: Final = 3


def run(change: Change) -> Iterator[Finding]:
    """Judge the names that the commit brings in, each once a project."""
    for project in change.projects:
        names: dict[str, list[IntroducedPackage]] = {}
        for use in project.uses:
            if _is_new(use):
                names.setdefault(use.artifact.name, []).append(use)
        for name, use in _carried(change, project):
            names.setdefault(name, []).append(use)
        asked = [name for name, uses in names.items() if _is_asked(change, uses)]
        suspects = _suspects(project, asked) if asked else {}
        change.vetting.notes.search([_label(use) for name in suspects for use in names[name]])
        for name, matches in suspects.items():
            yield from _findings(change, name, names[name], matches)


def _carried(change: Change, project: ProjectChange) -> Iterator[tuple[str, IntroducedPackage]]:
    """The names of packages in tarballs that a note newly lists; most lockfiles do not record them."""
    for use in project.uses:
        mention = change.verdict(use).mention
        if mention is None or use.artifact.bundled or not mention.bundles:
            continue
        earlier = change.vetting.notes.of(use.artifact.name, mention.since) if mention.since else ()
        known = {one.name for note in earlier for one in note.bundles}
        for name in {one.name for one in mention.bundles} - known - project.names_before():
            yield name, use


def _suspects(project: ProjectChange, names: Collection[str]) -> dict[str, list[Lookalike]]:
    """The new names that look like other names -> these other names."""
    from npm_vetted.packages.lookalikes import lookalikes
    from npm_vetted.packages.lookalikes.known import unpopular, used

    rare = unpopular(names)
    before = project.names_before() if rare else set()
    own = used(before) if before else None
    return {name: found for name in rare if (found := list(lookalikes(name, own)))}


def _is_new(use: IntroducedPackage) -> bool:
    """Whether no version was locked before; names that a carrier's tarball bundles do not count."""
    return not use.before and not use.subject.previous and use.subject.carrier is None


def _label(use: IntroducedPackage) -> str:
    return f"{use.artifact.name}@{use.artifact.version or use.artifact.resolved}"


def _is_asked(change: Change, uses: list[IntroducedPackage]) -> bool:
    answered = {Status.EXEMPT, Status.FIRST_PARTY}
    return any(change.verdict(use).status not in answered for use in uses)


def _findings(
    change: Change, name: str, uses: list[IntroducedPackage], matches: list[Lookalike]
) -> Iterator[Finding]:
    denied = _denied(change, uses)
    left = [match for match in matches if match.known not in denied]
    if left:
        yield _finding(change, name, uses[0], left)


def _denied(change: Change, uses: list[IntroducedPackage]) -> set[str]:
    """The known names that the notes of these packages declare not to imitate."""
    found: set[str] = set()
    for use in uses:
        for mention in change.vetting.notes.mentioning(use.subject.carrier or use.artifact):
            own = mention.listed.not_lookalike_of if mention.listed else ()
            found.update(own, mention.note.not_lookalike_of)
    return found


def _finding(
    change: Change, name: str, use: IntroducedPackage, matches: list[Lookalike]
) -> Finding:
    carrier = use.subject.carrier or (use.artifact if name != use.artifact.name else None)
    inside = "" if carrier is None else f" (in the tarball of {carrier.label})"
    words = " and ".join(f"{match.known} ({match.how})" for match in matches[:_SHOWN])
    options = [word for match in matches for word in ("--not-lookalike-of", match.known)]
    found = use_finding(
        ID,
        "one-slip-away",
        use,
        f"new{inside}, and looks like {words}",
        fix=((*_note(change, use), *options),),
    )
    return found if name == use.artifact.name else found._replace(package=name, version=None)


def _note(change: Change, use: IntroducedPackage) -> tuple[str, ...]:
    """The command ``note`` for the package; if a note covers it, the command that extends that note."""
    if change.verdict(use).mention is not None and change.verdict(use).covered:
        return ("npm-vetted", "note", (use.subject.carrier or use.artifact).label)
    return vetting_fix(change, use, change.uncovered)
