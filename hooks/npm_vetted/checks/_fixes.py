"""The command that vets a package: every finding about the package prints the same one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from npm_vetted.model import Artifact, Finding, Kind
from npm_vetted.packages.integrity import is_weak
from npm_vetted.projects.change import Change
from npm_vetted.projects.introduced import Arrival, IntroducedPackage
from npm_vetted.projects.package_manager import pinned_managers
from npm_vetted.vetting.resolver import VettingRequest

if TYPE_CHECKING:
    from npm_vetted.recording.proposals import Item


def vetting_fix(
    change: Change,
    use: IntroducedPackage,
    open_uses: Collection[IntroducedPackage] = (),
    more: Iterable[str] = (),
) -> tuple[str, ...]:
    """The command ``note PACKAGE --criteria …``, with exactly the criteria that ``note`` will require.

    The criteria of the dependencies that the package brings are included. If the lockfile does not record
    lifecycle scripts, the criteria for scripts are included too: ``note`` asks the registry, and records
    them only for packages with scripts. If no note can bind the bytes, the command is ``exempt``.
    """
    if binds_no_note(use.artifact):
        return exempt_fix(use.artifact)
    from npm_vetted.recording.proposals import distinct, draft_of, item_of

    if len(change.projects) > 1:
        # What several projects use is noted once, as `note` sees it.
        alike = change.uses_by_name.get(use.artifact.name, ())
        same = [each for each in alike if each.artifact == use.artifact]
        use = (*distinct(each for each in same if not change.verdict(each).covered), use)[0]
    draft = draft_of(change, item_of(change, use), open_uses, ())
    criteria = dict.fromkeys((*draft.criteria, *more))
    if any(_had_scripts(change, item) for item in draft.items):
        criteria |= dict.fromkeys(change.policy.asks(use.subject.development).scripts)
    # A step that needs no criteria may be routine: then `note` asks the registry and claims nothing.
    if criteria and any(map(_may_have_scripts, draft.items)):
        criteria |= dict.fromkeys(change.policy.asks(use.subject.development).scripts)
    named = ("--criteria", ",".join(criteria)) if criteria else ()
    return ("npm-vetted", "note", use.artifact.label, *named, *range_arguments(change))


def manager_fix(change: Change, request: VettingRequest) -> tuple[str, ...]:
    """The command ``note`` for a ``packageManager``; the registry knows whether that has lifecycle scripts."""
    from npm_vetted.recording.proposals import Item, criteria_for, since_of

    item = Item(subject=request, since=since_of(change, request))
    criteria = dict.fromkeys(criteria_for(change, [item]))
    if criteria:
        criteria |= dict.fromkeys(change.policy.asks(request.development).scripts)
    named = ("--criteria", ",".join(criteria)) if criteria else ()
    return ("npm-vetted", "note", request.artifact.label, *named, *range_arguments(change))


def scope_fix(change: Change, more: Iterable[str] = ()) -> tuple[str, ...]:
    """The command ``note`` for everything that the change adds, with the criteria of all packages."""
    from npm_vetted.recording.proposals import Item, criteria_for, drafts_of_change, since_of

    drafts = drafts_of_change(change)
    managers = [
        Item(subject=each.request, since=since_of(change, each.request))
        for _, each in pinned_managers(change)
        if not change.vetting.decide(each.request).covered
    ]
    demands = [each.criteria for each in drafts]
    demands += [criteria_for(change, [each]) for each in managers]
    criteria = dict.fromkeys((*(name for demand in demands for name in demand), *more))
    items = [*(item for draft in drafts for item in draft.items), *managers]
    had = any(_had_scripts(change, item) for item in items)
    if had or (criteria and any(map(_may_have_scripts, items))):
        criteria |= dict.fromkeys(change.policy.demands.scripts)
    named = ("--criteria", ",".join(criteria)) if criteria else ()
    return ("npm-vetted", "note", *change.scope_arguments, *named)


def exempt_fix(artifact: Artifact) -> tuple[str, ...]:
    """The command ``exempt``; its placeholder for a reason is a usage error if it is pasted unchanged."""
    return ("npm-vetted", "exempt", artifact.label, "--reason", "REASON")


def accept_fix(finding: Finding, scope: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The command ``accept``; its placeholder for a reason is a usage error if it is pasted unchanged."""
    return ("npm-vetted", "accept", finding.identity, "--reason", "REASON", *scope)


def leaving_out(change: Change, path: str) -> tuple[tuple[str, ...], ...]:
    """The command that leaves a file's change out of the commit without losing it.

    Empty for a new file, which other parts of the commit may need, and for a range, which only a new commit
    can change.
    """
    touched = change.touched.get(path)
    aside = _setting_aside(change)
    return ((*aside, path),) if aside and touched is not None and touched.before is not None else ()


def _setting_aside(change: Change) -> tuple[str, ...]:
    """The start of the command that takes files out of the commit; the paths follow. Empty if there is none.

    The change is stashed: if it were only unstaged, ``git commit -a`` would stage it again.
    """
    if change.everything or range_arguments(change):
        return ()
    if change.scope_arguments:
        return ("git", "stash", "push", "--")
    return ("git", "restore", "--staged")


def ways_out(change: Change, findings: Iterable[Finding]) -> dict[str, tuple[str, ...]]:
    """By project: the command that leaves the project's whole change out of the commit.

    Only for projects in which the commit adds nothing but packages with findings. The commit then keeps the
    versions that were locked before, and the stash keeps the change.
    """
    aside = _setting_aside(change)
    if not aside:
        return {}
    labels = {(each.project, each.package, each.version) for each in findings}
    found = {}
    for project in change.projects:
        name = project.after.path or "."
        fresh = [each.artifact for each in project.uses if each.arrival is not Arrival.PROMOTED]
        files = {each.path for each in project.after.manifests.values()} | {
            *project.after.lockfiles
        }
        paths = sorted(path for path in files if path in change.touched)
        known = all(change.touched[path].before is not None for path in paths)
        if fresh and known and labels.issuperset((name, each.name, each.version) for each in fresh):
            found[name] = (*aside, *paths)
    return found


def left_out_first(
    change: Change, findings: Iterable[Finding], codes: Collection[str]
) -> Iterator[Finding]:
    """The findings; those with one of ``codes`` get the command of ``ways_out`` as their first fix."""
    every = list(findings)
    ways = ways_out(change, [each for each in every if each.code in codes])
    for each in every:
        way = ways.get(each.project or ".") if each.code in codes else None
        yield each._replace(fix=(way, *each.fix)) if way else each


def range_arguments(change: Change) -> tuple[str, ...]:
    """The options that name the judged range; none for the index."""
    return change.scope_arguments if change.scope_arguments[:1] == ("--from-ref",) else ()


def binds_no_note(artifact: Artifact) -> bool:
    """Whether the lockfile has only a weak hash of an artifact, or none, so no note can bind its bytes."""
    if artifact.kind not in (Kind.REGISTRY, Kind.TARBALL) or artifact.specifier is not None:
        return False
    if artifact.checksum is not None or artifact.unhashed or artifact.bundled:
        return False
    return artifact.integrity is None or is_weak(artifact.integrity)


def _had_scripts(change: Change, item: Item) -> bool:
    """Whether the version that an item starts from is known to have lifecycle scripts.

    Where the lockfile tells nothing, its note or its exemption does: the next version has some too,
    as a rule, and ``note`` claims none where the registry says that there are none.
    """
    if item.since is None or not _may_have_scripts(item):
        return False
    name, vetting = item.artifact.name, change.vetting
    noted = [each.scripts for each in vetting.notes.of(name, item.since)]
    noted += [
        each.listed.scripts for each in vetting.notes.listing(name, item.since) if each.listed
    ]
    exempt = (each.scripts for each in vetting.exemptions.of(name, item.since))
    return any(noted) or any(exempt)


def _may_have_scripts(item: Item) -> bool:
    """Whether the package has lifecycle scripts, or the lockfile does not record that."""
    artifact = item.artifact
    is_release = artifact.kind is Kind.REGISTRY and artifact.specifier is None
    return is_release and artifact.scripts is None
