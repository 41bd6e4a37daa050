"""Registry facts for a note: changelog, scripts, age, and the number of lines to read."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from npm_vetted.clients import client_of
from npm_vetted.commands._draft_signals import Scores, reason_lines
from npm_vetted.errors import UndecidedError
from npm_vetted.formats.terminal_text import line, printable
from npm_vetted.model import Artifact, Kind
from npm_vetted.packages.versions import parse_version
from npm_vetted.recording.proposals import Draft, Item
from npm_vetted.review.suggestion import lines_to_read

if TYPE_CHECKING:
    from npm_vetted.commands._note_dialogue import NoteDialogue
    from npm_vetted.model import Published
    from npm_vetted.registry import Registry
    from npm_vetted.registry.packument import Packument
    from npm_vetted.review.releases import Inspection, LifecycleScript, ReleaseComparison

T = TypeVar("T")
Seen = Mapping[Artifact, "Published"]
_THREADS: Final = 8
_MANY: Final = 40
"""Of more artifacts than this the work is not reckoned: it would fetch two tarballs of each."""
_NAMED: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupResult:
    """The result of a lookup for an item; ``problem`` says why there is none."""

    item: Item
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade(LookupResult):
    """What changed since the version ``old``."""

    old: str
    found: ReleaseComparison | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted(LookupResult):
    """The lifecycle scripts of an item."""

    scripts: tuple[LifecycleScript, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh(LookupResult):
    """The facts to show about a package that is new here."""

    found: Inspection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Young:
    """An item within the cooldown. ``settled`` is the newest version that is old enough today.

    ``exclude`` is the entry that lets the client's own cooldown pass it.
    """

    item: Item
    published: datetime.datetime
    days: int
    settled: tuple[str, datetime.datetime] | None
    exclude: str | None

    @property
    def ripe(self) -> datetime.datetime:
        """When the cooldown ends."""
        return self.published + datetime.timedelta(days=self.days)


class Facts:
    """The registry's facts on a draft; each is fetched when a caller needs it."""

    def __init__(self, desk: NoteDialogue, draft: Draft, seen: Seen, scores: Scores) -> None:
        self._desk = desk
        self._seen = seen
        self.draft = draft
        self.scores = scores

    @property
    def _heads(self) -> list[Item]:
        """The note's main packages: its own one, or the direct ones of a group."""
        if self.draft.own is not None:
            return [self.draft.own]
        direct = [item for item in self.draft.accepts if item.subject.direct]
        return direct or list(self.draft.accepts)

    @cached_property
    def upgrades(self) -> list[Upgrade]:
        """The step to each version that is an upgrade."""

        def compared(item: Item) -> Upgrade:
            old = item.base
            assert old is not None
            found, problem = self._tried(item, lambda registry: _comparison(registry, item, old))
            return Upgrade(item=item, old=old, found=found, problem=problem)

        return _all(compared, [item for item in self._heads if item.base is not None])

    @cached_property
    def fresh(self) -> list[Fresh]:
        """The new packages, as ``inspect`` shows them."""
        now = self._desk.change.today

        def inspected(item: Item) -> Fresh:
            found, problem = self._tried(item, lambda registry: _inspection(registry, item, now))
            return Fresh(item=item, found=found, problem=problem)

        return _all(inspected, [item for item in self._heads if item.base is None])

    @cached_property
    def scripted(self) -> list[Scripted]:
        """The lifecycle scripts of all artifacts of the draft."""

        def read(item: Item) -> Scripted:
            found, problem = self._tried(item, lambda registry: _scripts(registry, item))
            return Scripted(item=item, scripts=found or (), problem=problem)

        return _all(read, [item for item in self.draft.items if self._has_scripts(item)])

    @cached_property
    def young(self) -> list[Young]:
        """The artifacts that are younger than the cooldown."""
        return [young for item in self.draft.items if (young := self._young(item)) is not None]

    def lines(self) -> int | None:
        """The lines there are to read; None where that is not known."""
        items = self._heads
        if len(items) > _MANY:
            return None

        def measure(item: Item) -> int | None:
            def files(wanted: str) -> Mapping[str, bytes]:
                registry = self._registry(item)
                release = registry.packument(item.artifact.name).release(wanted)
                hash_ = item.artifact.integrity if wanted == item.artifact.version else None
                return registry.package(release, hash_).files

            if item.artifact not in self._seen or item.artifact.version is None:
                return None
            return lines_to_read(files, item.artifact.version, item.base)[0]

        found = _all(measure, items)
        return None if None in found else sum(each or 0 for each in found)

    def _has_scripts(self, item: Item) -> bool:
        published = self._seen.get(item.artifact)
        return bool(item.artifact.scripts or (published and published.scripts))

    def _registry(self, item: Item) -> Registry:
        return self._desk.registry(self._desk.project_of(item))

    def _tried(self, item: Item, ask: Callable[[Registry], T]) -> tuple[T | None, str | None]:
        """A registry's facts on an item, or the reason why there are none."""
        if item.artifact.kind is not Kind.REGISTRY or item.artifact.version is None:
            return None, "it comes from no registry: look at its source"
        if item.artifact not in self._seen:
            return None, "the registry was not asked (--offline)"
        try:
            return ask(self._registry(item)), None
        except UndecidedError as error:
            return None, error.message

    def _young(self, item: Item) -> Young | None:
        change = self._desk.change
        if change.policy.needs_no_wait(item.artifact.name, change.today.date()):
            return None
        days = change.vetting.cooldown_days(item.subject, item.since)
        seen = self._seen.get(item.artifact)
        published = seen.published if seen is not None else None
        ripe_before = change.today - datetime.timedelta(days=days)
        if published is None or published <= ripe_before:
            return None
        settled, _ = self._tried(
            item,
            lambda registry: _settled(registry.packument(item.artifact.name), item, ripe_before),
        )
        client = client_of(self._desk.project_of(item))
        return Young(
            item=item,
            published=published,
            days=days,
            settled=settled,
            exclude=client.cooldown_exclude(item.artifact.name, item.artifact.version or ""),
        )


def _all(ask: Callable[[Item], T], items: Sequence[Item]) -> list[T]:
    if len(items) < 2:
        return [ask(item) for item in items]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(ask, items))


def _comparison(registry: Registry, item: Item, old: str) -> ReleaseComparison:
    from npm_vetted.review.releases import compare_releases

    packument = registry.packument(item.artifact.name)
    before, after = packument.release(old), packument.release(item.artifact.version or "")
    return compare_releases(
        (before, registry.package(before)),
        (after, registry.package(after, item.artifact.integrity)),
    )


def _inspection(registry: Registry, item: Item, now: datetime.datetime) -> Inspection:
    from npm_vetted.review.releases import inspect

    packument = registry.packument(item.artifact.name)
    release = packument.release(item.artifact.version or "")
    package = registry.package(release, item.artifact.integrity)
    return inspect(packument, release, package, now=now)


def _scripts(registry: Registry, item: Item) -> tuple[LifecycleScript, ...]:
    from npm_vetted.review.releases import lifecycle_scripts, read_tarball_manifest

    release = registry.packument(item.artifact.name).release(item.artifact.version or "")
    package = registry.package(release, item.artifact.integrity)
    return lifecycle_scripts(release, package, read_tarball_manifest(package))


def _settled(
    packument: Packument, item: Item, before: datetime.datetime
) -> tuple[str, datetime.datetime] | None:
    """The newest version that is old enough, not deprecated, and no step back; None: none is."""
    own = parse_version(item.artifact.version or "")
    base = parse_version(item.base) if item.base else None
    found = []
    for text in packument.versions:
        version, published = parse_version(text), packument.published(text)
        if version is None or published is None or published > before or own is None:
            continue
        if version < own and (base is None or base < version):
            found.append((not version.prerelease or bool(own.prerelease), version, text, published))
    for stable, _, text, published in sorted(found, reverse=True):
        if stable and packument.release(text).deprecated is None:
            return text, published
    return None


def short(facts: Facts, *, criteria: Sequence[str], waived: bool) -> Iterator[str]:
    """The facts as short lines, for a call without prompts."""
    yield from reason_lines(facts.draft, facts.scores)
    if "changelog" in criteria:
        for upgrade in facts.upgrades:
            yield f"{_step(upgrade)}: {changelog_line(upgrade)}"
    for scripted in facts.scripted:
        label = printable(scripted.item.artifact.label)
        for script in scripted.scripts:
            yield f"{label} runs {line(script.name)}: {line(script.command)}"
        if scripted.problem is not None:
            yield f"{label}: its scripts cannot be shown: {printable(scripted.problem)}"
    young = facts.young
    yield from cooldown_lines(young)
    if waived:
        yield from exclude_lines(young)


def _step(upgrade: Upgrade) -> str:
    artifact = upgrade.item.artifact
    return printable(f"{artifact.name} {upgrade.old} -> {artifact.version or artifact.resolved}")


def changelog_line(upgrade: Upgrade) -> str:
    """Where an upgrade's changelog is to be read, in one line."""
    if upgrade.found is None:
        return f"the changelog cannot be shown: {printable(upgrade.problem or '')}"
    changelog = upgrade.found.changelog
    if any(section.version == upgrade.found.new for section in changelog.sections):
        versions = ", ".join(line(section.version, 40) for section in changelog.sections[:_NAMED])
        return f"changelog: {line(changelog.path or '')} names {versions}"
    silent = (
        "no changelog is shipped"
        if changelog.path is None
        else f"{line(changelog.path)} does not name it"
    )
    see = "; see " + " ".join(line(link, 500) for link in upgrade.found.links)
    return f"{silent}: `why` must say what was read instead{see if upgrade.found.links else ''}"


def has_changelog(upgrade: Upgrade) -> bool:
    """Whether the tarball ships a changelog that mentions the new version."""
    found = upgrade.found
    return found is not None and any(
        section.version == found.new for section in found.changelog.sections
    )


def cooldown_lines(young: Sequence[Young]) -> Iterator[str]:
    """The policy's cooldown, and the newest version that is old enough today."""
    for each in young[:_NAMED]:
        yield _cooldown_line(each)
    if len(young) > _NAMED:
        yield f"and {len(young) - _NAMED} more are within the cooldown"


def exclude_lines(young: Sequence[Young]) -> Iterator[str]:
    """The entries that the client's own cooldown needs, where one is set, to paste."""
    for text in dict.fromkeys(each.exclude for each in young if each.exclude):
        yield f"if the client has a cooldown of its own, add to {text}"


def _cooldown_line(young: Young) -> str:
    artifact = young.item.artifact
    left = young.ripe - datetime.datetime.now(datetime.UTC)
    days = max(left.days + (left.seconds > 0), 1)
    text = (
        f"{printable(artifact.label)} was published on {young.published:%Y-%m-%d}: the policy waits "
        f"{young.days} days, {days} left (until {young.ripe:%Y-%m-%d %H:%M} UTC)"
    )
    if young.settled is None:
        return f"{text}; no other version is old enough today"
    version, published = young.settled
    return f"{text}; old enough today: {line(version, 60)} ({published:%Y-%m-%d})"
