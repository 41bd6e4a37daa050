"""Proposes the notes that a change needs: the artifact, the start version, and its dependencies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.model import Artifact
from npm_vetted.packages.versions import nearest, step
from npm_vetted.projects.change import Change
from npm_vetted.projects.introduced import IntroducedPackage
from npm_vetted.projects.project_change import manifests_by_lockfile
from npm_vetted.vetting.resolver import Status, VettingRequest, has_scripts


class Item(NamedTuple):
    """An artifact that a note is about or lists, and the vetted version it is an upgrade from.

    ``use`` is where a lockfile pins it; None where none does yet (a note ahead of a bot's branch).
    """

    subject: VettingRequest
    since: str | None = None
    use: IntroducedPackage | None = None

    @property
    def artifact(self) -> Artifact:
        """The artifact itself."""
        return self.subject.artifact

    @property
    def base(self) -> str | None:
        """The version from which an upgrade's changelog is read: the vetted one, else the locked one."""
        return self.since or nearest(self.subject.previous, self.artifact.version or "")


class Draft(NamedTuple):
    """A note to be written: of ``own``, or of a group (``accepts``). ``criteria`` are demanded."""

    own: Item | None
    accepts: tuple[Item, ...] = ()
    brings: tuple[Item, ...] = ()
    criteria: tuple[str, ...] = ()

    @property
    def items(self) -> tuple[Item, ...]:
        """Every artifact that it covers, its own package first."""
        return (*((self.own,) if self.own else ()), *self.accepts, *self.brings)

    @property
    def label(self) -> str:
        """The name of the package in messages."""
        if self.own:
            return self.own.artifact.label
        first = self.accepts[0].artifact.label
        more = len(self.accepts) - 1
        return f"{first} and {more} more" if more else first


def carrier_of(use: IntroducedPackage) -> IntroducedPackage:
    """The package whose tarball carries a bundled one, as the same project uses it."""
    entry = use.lockfile.entry(use.entry.bundled_by or "")
    assert entry.artifact is not None
    manifests = manifests_by_lockfile(use.project, use.lockfile)
    subject = VettingRequest(
        artifact=entry.artifact,
        direct=entry.key in use.lockfile.direct(manifests),
        development=use.subject.development,
    )
    return use._replace(entry=entry, artifact=entry.artifact, subject=subject, before=())


def uncovered(change: Change) -> list[IntroducedPackage]:
    """Artifacts that the change adds and that lack a note, or whose scripts no note reviewed.

    A bundled package without evidence is covered by a note of the tarball that carries it.
    """
    found: list[IntroducedPackage] = []
    tarballs: dict[Artifact, IntroducedPackage] = {}
    for use in change.uses():
        if use.artifact.bundled:
            carrier = use.subject.carrier
            if carrier is None or carrier in tarballs:
                continue  # one note of the tarball lists all that it carries
            if not change.verdict(use).covered:
                tarballs[carrier] = carrier_of(use)
            continue
        verdict = change.verdict(use)
        if not verdict.covered or (verdict.unbound and not use.artifact.unhashed):
            found.append(use)
        elif verdict.mention is not None and has_scripts(use.artifact, verdict.mention):
            unsaid = verdict.mention.listed is not None and not verdict.mention.listed.scripts
            if unsaid or change.vetting.lacking_scripts(use.subject, verdict.mention.note.grants):
                found.append(use)
        elif use.artifact.shrinkwrap and not any(change.vetting.shrinkwraps(use.artifact)):
            found.append(use)
    return distinct([*found, *tarballs.values()])


def exempt_programs(change: Change, item: Item) -> list[IntroducedPackage]:
    """A package's programs for platforms that only exemptions cover, as the package itself.

    A note that takes the package out of the backlog lists them: they are covered together.
    """
    use = item.use
    if use is None:
        return []
    found = []
    for key in use.lockfile.reach([use.entry.key]):
        entry = use.lockfile.entry(key)
        if entry.artifact is None or use.lockfile.parent_of_program(key) != item.artifact.name:
            continue
        subject = VettingRequest(
            artifact=entry.artifact,
            direct=False,
            development=use.subject.development,
            program_of=item.artifact.name,
        )
        if change.vetting.best_evidence(subject).status is Status.EXEMPT:
            program = use._replace(entry=entry, artifact=entry.artifact, subject=subject, before=())
            found.append(program)
    return distinct(found)


def distinct(uses: Iterable[IntroducedPackage]) -> list[IntroducedPackage]:
    """Each artifact once, though several projects use it; direct where any uses it directly."""
    found: dict[Artifact, IntroducedPackage] = {}
    for use in uses:
        known = found.get(use.artifact)
        if known is None or (use.direct and not known.direct):
            found[use.artifact] = use
    return list(found.values())


def since_of(change: Change, subject: VettingRequest) -> str | None:
    """The nearest locked version that is vetted itself: an upgrade's review starts from it."""
    demands = change.policy.asks(subject.development)
    chained = [
        version
        for version in subject.previous
        if change.vetting.chained(subject.artifact.name, version, demands)
    ]
    return nearest(chained, subject.artifact.version or "")


def item_of(change: Change, use: IntroducedPackage, *, whole: bool = False) -> Item:
    """An item, reviewed whole or from the vetted version before it."""
    since = None if whole else since_of(change, use.subject)
    return Item(subject=use.subject, since=since, use=use)


def item_ahead(
    change: Change, artifact: Artifact, locked: Iterable[str], *, whole: bool = False
) -> Item:
    """An item that no lockfile pins yet; ``locked`` are the versions of it that are."""
    subject = VettingRequest(
        artifact=artifact,
        direct=True,
        development=False,
        previous=tuple(sorted({*locked} - {artifact.version})),
    )
    return Item(subject=subject, since=None if whole else since_of(change, subject))


def drafts_of_change(change: Change, settled: Collection[Artifact] = ()) -> list[Draft]:
    """The notes that cover all additions of a change, without those that are ``settled`` otherwise.

    There is one note for each new direct dependency and each major upgrade, with its dependencies,
    and one group note for all other additions.
    """
    left = [use for use in uncovered(change) if use.artifact not in settled]
    own = [use for use in left if use.direct and _deserves_its_own(change, use)]
    drafts, claimed = [], {use.artifact for use in own}
    for use in own:
        draft = draft_of(change, item_of(change, use), left, claimed)
        claimed.update(item.artifact for item in draft.brings)
        drafts.append(draft)
    rest = [use for use in left if use.artifact not in claimed]
    if len(rest) == 1 and rest[0].direct:
        drafts.append(draft_of(change, item_of(change, rest[0]), left, claimed))
    elif rest:
        drafts.append(draft_of_group(change, [item_of(change, use) for use in rest]))
    return drafts


def _deserves_its_own(change: Change, use: IntroducedPackage) -> bool:
    since = since_of(change, use.subject)
    if since is None:
        return True
    return step(since, use.artifact.version or "") == "major"


def draft_of(
    change: Change, item: Item, left: Collection[IntroducedPackage], claimed: Collection[Artifact]
) -> Draft:
    """A note of one artifact and of its dependencies that are uncovered and in no other draft."""
    brings = tuple(_brought(change, [item], left, claimed))
    return Draft(own=item, brings=brings, criteria=criteria_for(change, [item, *brings]))


def bringers_first(items: Sequence[Item]) -> list[Item]:
    """Items so that a package comes before all that it requires, directly or not; direct ones first."""
    places = {(use.lockfile.path, use.entry.key): use for item in items if (use := item.use)}
    order: dict[tuple[str, str], int] = {}
    for at, use in places.items():
        _number_after_its_own(use.lockfile, at[1], order)

    def rank(item: Item) -> tuple[bool, int]:
        at = (item.use.lockfile.path, item.use.entry.key) if item.use else ("", "")
        return not item.subject.direct, -order.get(at, 0)

    return sorted(items, key=rank)


def _number_after_its_own(lockfile: Lockfile, key: str, order: dict[tuple[str, str], int]) -> None:
    """Number an entry after all that it reaches: the highest number brings the others."""
    opened = {key}
    waiting: list[tuple[str, Iterator[str]]] = [(key, lockfile.children(key))]
    while waiting:
        at, children = waiting[-1]
        for child in children:
            if child not in opened and (lockfile.path, child) not in order:
                opened.add(child)
                waiting.append((child, lockfile.children(child)))
                break
        else:
            waiting.pop()
            order.setdefault((lockfile.path, at), len(order) + 1)


def draft_of_group(
    change: Change, items: list[Item], left: Collection[IntroducedPackage] = ()
) -> Draft:
    """One note of several artifacts: direct ones, and those that no listed package requires."""
    claimed = {item.artifact for item in items}
    brings = tuple(_brought(change, items, left, claimed))
    return Draft(
        own=None,
        accepts=tuple(items),
        brings=brings,
        criteria=criteria_for(change, [*items, *brings]),
    )


def by_criteria(
    change: Change, drafts: Sequence[Draft], required: Callable[[Draft], tuple[str, ...]]
) -> list[Draft]:
    """The notes that one call records: a group for each distinct set of required criteria.

    A single package keeps its own note. Listed packages that need no criteria go with the first
    group. One call has one reason, so a client's migration is one or two notes.
    """
    heads = [head for draft in drafts for head in _heads(change, draft)]
    if len(heads) < 2:
        return list(drafts)
    groups: dict[tuple[str, ...], list[Draft]] = {}
    for head in heads:
        groups.setdefault(tuple(sorted(required(head))), []).append(head)
    idle = groups.pop((), []) if len(groups) > 1 else []
    parts: tuple[list[Draft], list[Draft]] = ([], [])
    for each in idle:
        parts[each.own is None and not each.accepts[0].subject.direct].append(each)
    rest, listed = parts
    merged = list(groups.values())
    merged[0] += listed
    merged += [rest] if rest else []
    return [_merged(each) if len(each) > 1 else each[0] for each in merged]


def _heads(change: Change, draft: Draft) -> Iterator[Draft]:
    """A draft for each package that a note names; dependencies of such a note stay with it."""
    if draft.own is not None:
        yield draft
        return
    for item in (*draft.accepts, *draft.brings):
        criteria = criteria_for(change, [item]) if item.subject.direct else _of_listed(change, item)
        yield Draft(own=None, accepts=(item,), criteria=criteria)


def _of_listed(change: Change, item: Item) -> tuple[str, ...]:
    """The criteria for a transitive artifact that a note only lists."""
    demands = change.policy.asks(item.subject.development)
    if demands.transitive == "note":
        return criteria_for(change, [item])
    new = demands.new if change.vetting.is_new_name(item.subject) else ()
    return (*new, *(demands.scripts if _runs_scripts(change, item) else ()))


def _runs_scripts(change: Change, item: Item) -> bool:
    """Whether an artifact declares lifecycle scripts, or an allow-list lets it run some."""
    return bool(item.artifact.scripts) or (item.use is not None and change.lets_run(item.use))


def _merged(drafts: Sequence[Draft]) -> Draft:
    heads = [item for each in drafts for item in (each.own, *each.accepts) if item is not None]
    own = {item.artifact for item in heads}
    brings = {item.artifact: item for each in drafts for item in each.brings}
    return Draft(
        own=None,
        accepts=tuple(heads),
        brings=tuple(item for artifact, item in brings.items() if artifact not in own),
        criteria=tuple(dict.fromkeys(name for each in drafts for name in each.criteria)),
    )


def _brought(
    change: Change,
    items: list[Item],
    left: Collection[IntroducedPackage],
    claimed: Collection[Artifact],
) -> Iterator[Item]:
    if change.policy.demands.transitive != "accepted":
        return
    claimed = {*claimed, *(item.artifact for item in items)}
    reached: set[tuple[str, str]] = set()
    for use in (item.use for item in items):
        if use is not None and use.entry.requires:
            reached |= {(use.lockfile.path, key) for key in use.lockfile.reach([use.entry.key])}
    for each in left:
        at = (each.lockfile.path, each.entry.key)
        if at in reached and not each.direct and each.artifact not in claimed:
            yield item_of(change, each)


def _direct_uses(change: Change, artifact: Artifact) -> Iterator[VettingRequest]:
    """How each project uses an artifact: what is new to one may be an upgrade in another."""
    for use in change.uses_by_name.get(artifact.name, ()):
        if use.direct and use.artifact == artifact:
            yield use.subject


def criteria_for(change: Change, items: list[Item]) -> tuple[str, ...]:
    """The criteria that the policy requires of a note on some artifacts, in the documented order."""
    wanted: dict[str, None] = {}
    for item in items:
        if item.artifact in change.carriers_of_new_names:
            wanted |= dict.fromkeys(change.policy.asks(item.subject.development).new)
        if not item.subject.direct and len(items) > 1:
            if change.vetting.is_new_name(item.subject):
                wanted |= dict.fromkeys(change.policy.asks(item.subject.development).new)
            continue
        for subject in (item.subject, *_direct_uses(change, item.artifact)):
            wanted |= dict.fromkeys(change.vetting.demanded(subject, item.since))
        if item.since is None and item.artifact.specifier is None:
            # Without `from` it must hold for those who come later, to whom the package is new.
            wanted |= dict.fromkeys(change.policy.asks(item.subject.development).new)
    if any(_runs_scripts(change, item) for item in items):
        wanted |= dict.fromkeys(change.policy.demands.scripts)
    return tuple(wanted)
