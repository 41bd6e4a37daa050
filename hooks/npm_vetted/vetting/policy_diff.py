"""Finds the loosenings in a change of the policy: everything that is not certainly a tightening.

1. Policy, exemptions and baseline are read from both states.
2. Each key of the policy is compared by a rule of its own: a criterion that is no longer required, a shorter
   cooldown, a further exception, and so on.
3. Each line of exemptions and baseline that only the later state has is a loosening.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, TypeVar

from npm_vetted.formats.document import Document
from npm_vetted.formats.toml import load_toml
from npm_vetted.git.snapshot import VETTING, Snapshot
from npm_vetted.model import Location
from npm_vetted.vetting.baseline import BASELINE, Baseline
from npm_vetted.vetting.exemptions import EXEMPTIONS, Exemptions
from npm_vetted.vetting.policy import CONFIG, TRANSITIVE, Demands, Ignore, Policy, read_policy

T = TypeVar("T")


class Loosening(NamedTuple):
    """One permission that the policy gives after the change, but did not give before."""

    words: str
    location: Location
    package: str | None = None
    key: str = ""
    """The name of what is loosened, which is compared between the sides of a merge (``words`` are not)."""


POLICY_FILES: Final = frozenset({CONFIG, EXEMPTIONS, BASELINE})
"""The files of the policy: requirements, exemptions, and accepted findings."""


def adopted(snapshot: Snapshot) -> bool:
    """Whether a state has a ``.vetting/`` of its own."""
    return any(True for _ in snapshot.below(VETTING))


def loosenings(before: Snapshot, after: Snapshot) -> Iterator[Loosening]:
    """The loosenings in a change of ``.vetting/``; none if the repository had not adopted before."""
    if not adopted(before):
        return
    if not adopted(after):
        yield Loosening(words="the policy is removed", location=Location(CONFIG), key="adopted")
    data = after.read(CONFIG)
    document = load_toml(CONFIG, data or b"")
    old = read_policy(before.read(CONFIG), adopted=True)
    new = read_policy(data, adopted=True)
    yield from _of_policy(old, new, document)
    yield from _of_exemptions(
        Exemptions.read(before.read(EXEMPTIONS)), Exemptions.read(after.read(EXEMPTIONS))
    )
    yield from _of_baseline(
        Baseline.read(before.read(BASELINE)), Baseline.read(after.read(BASELINE))
    )


def _of_policy(old: Policy, new: Policy, document: Document) -> Iterator[Loosening]:
    def at(*keys: str | int) -> Location:
        return Location(CONFIG, document.line_of(*keys))

    for words in _of_demands(old.demands, new.demands):
        yield Loosening(words=words, location=at("policy"), key=f"policy {words}")
    for words in _of_development(old, new):
        yield Loosening(words=words, location=at("policy", "development"), key=f"policy {words}")
    for url in _added(old.registries.urls, new.registries.urls):
        yield Loosening(
            words=f"packages may come from {url}", location=at("registries"), key=f"registry {url}"
        )
    for ours in _added(old.first_party, new.first_party):
        yield Loosening(
            words=f"{', '.join(ours.scopes)} need no note",
            location=at("first-party", new.first_party.index(ours), "scopes"),
            key=f"first-party {ours.scopes} {ours.registry}",
        )  # fmt: skip
    for denied in _added(
        (each._replace(line=0) for each in new.deny), [each._replace(line=0) for each in old.deny]
    ):
        yield Loosening(
            words=f"{denied.package} {' or '.join(denied.versions) or '(any version)'} is no longer denied",
            location=Location(CONFIG),
            package=denied.package,
            key=f"deny {denied.package} {denied.versions}",
        )
    paths = [each.path for each in new.exclude]
    for excluded in _added({each.path for each in old.exclude}, dict.fromkeys(paths)):
        yield Loosening(
            words=f"{excluded} is no longer checked",
            location=at("exclude", paths.index(excluded), "path"),
            key=f"exclude {excluded}",
        )
    for ignore in new.ignore:
        if not any(_as_wide(each, ignore) for each in old.ignore):
            yield Loosening(
                words=f"{ignore.check} is ignored at {ignore.path}: {ignore.reason}",
                location=Location(CONFIG, ignore.line),
                key=f"ignore {ignore._replace(line=0)}",
            )
    yield from _of_cooldown_exempt(old, new)
    for name, words in old.criteria.items():
        if new.criteria.get(name, words) != words:
            yield Loosening(
                words=f"the criterion {name} gets another description",
                location=at("criteria"),
                key=f"criterion {name} {new.criteria.get(name)}",
            )


def _added(old: Iterable[T], new: Iterable[T]) -> list[T]:
    known = list(old)
    return sorted((each for each in new if each not in known), key=str)


def _as_wide(old: Ignore, new: Ignore) -> bool:
    """Whether one exception accepts everything that another accepts, for at least as long."""
    until_old, until_new = old.until or datetime.date.max, new.until or datetime.date.max
    return (
        (old.check, old.path) == (new.check, new.path)
        and old.package in (None, new.package)
        and old.code in (None, new.code)
        and old.key in (None, new.key)
        and until_old >= until_new
    )


def _of_development(old: Policy, new: Policy) -> Iterator[str]:
    if old.development or new.development:
        for words in _of_demands(old.asks(development=True), new.asks(development=True)):
            yield f"for development, {words}"


def _of_demands(old: Demands, new: Demands) -> Iterator[str]:
    for words, before, after in (
        ("a new package", old.new, new.new),
        ("a package with scripts", old.scripts, new.scripts),
        *((f"a {each} upgrade", old.upgrade[each], new.upgrade[each]) for each in old.upgrade),
    ):
        missing = [name for name in before if name not in after]
        if missing:
            yield f"{words} no longer needs {', '.join(missing)}"
    if TRANSITIVE.index(new.transitive) > TRANSITIVE.index(old.transitive):
        yield f"transitive packages: {old.transitive} becomes {new.transitive}"
    yield from _of_cooldown(old.cooldown_days, new.cooldown_days)


def _of_cooldown(old: Mapping[str, int], new: Mapping[str, int]) -> Iterator[str]:
    """Shorter cooldowns, in words; if all steps have the same days, one sentence."""
    alike = len(set(old.values())) == len(set(new.values())) == 1
    for arrival in list(old)[:1] if alike else old:
        if new[arrival] < old[arrival]:
            of = "" if alike else f" of a {arrival} {'package' if arrival == 'new' else 'upgrade'}"
            yield f"the cooldown{of} shrinks from {old[arrival]} to {new[arrival]} days"


def _of_cooldown_exempt(old: Policy, new: Policy) -> Iterator[Loosening]:
    """Packages that are newly exempt from the cooldown, or for longer."""
    for each in new.cooldown_exempt:
        for name in each.packages:
            if not any(name in e.packages and e.until >= each.until for e in old.cooldown_exempt):
                yield Loosening(
                    words=f"{name} need not wait until {each.until}: {each.reason}",
                    location=Location(CONFIG, each.line),
                    package=name,
                    key=f"cooldown-exempt {name} {each.until}",
                )


def _of_exemptions(old: Exemptions, new: Exemptions) -> Iterator[Loosening]:
    known = old.lines()
    for each in new.all():
        if str(each) not in known:
            yield Loosening(
                words=f"{each.name}@{each.version} is exempt: {each.reason}",
                location=Location(EXEMPTIONS, new.line_of(each)),
                package=each.name,
                key=f"exemption {each}",
            )


def _of_baseline(old: Baseline, new: Baseline) -> Iterator[Loosening]:
    for each in new.more_than(old):
        yield Loosening(
            words=f"{each.check}/{each.code} is accepted at {each.path}: {each.reason}",
            location=Location(BASELINE, each.number),
            key=f"baseline {each.fingerprint}",
        )
