"""A change's packages as one screen: counts, direct packages, and those that deserve attention.

Plain data over a ``Change`` and the scores of its packages; nothing is fetched or printed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from npm_vetted.model import Artifact, Kind
from npm_vetted.packages.versions import parse_version
from npm_vetted.projects.change import Change
from npm_vetted.projects.introduced import IntroducedPackage
from npm_vetted.recording.proposals import distinct, item_of
from npm_vetted.review.signals.scoring import Step
from npm_vetted.review.signals.table import ATTENTION, WORTH_A_LOOK
from npm_vetted.review.signals.weighing import Score

NEW, UPGRADED, DOWNGRADED, OTHER = "new", "upgraded", "downgraded", "changed"
ARRIVALS: Final = (NEW, UPGRADED, DOWNGRADED, OTHER)
_DIRECT_LIMIT: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedPackage:
    """One package that the change brings.

    ``since`` is the version that it is compared with. ``brought_by`` names the direct packages of
    the same change that need it. ``score`` is None where no registry has its bytes; ``why`` says so.
    """

    name: str
    version: str
    arrival: str
    since: str | None
    direct: bool
    covered: bool
    path: str
    line: int
    brought_by: tuple[str, ...]
    score: Score | None
    why: str | None = None

    @property
    def label(self) -> str:
        """The package and its version."""
        return f"{self.name}@{self.version}"

    @property
    def points(self) -> int:
        """The score to sort by; a package without a score counts as one that deserves attention."""
        return ATTENTION if self.score is None else self.score.points


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOverview:
    """Everything that a change brings; ``state`` says in words which change is meant."""

    state: str
    packages: tuple[ArrivedPackage, ...]
    threshold: int = ATTENTION

    @property
    def counts(self) -> Mapping[str, int]:
        """How many packages arrive in each way."""
        found = Counter(each.arrival for each in self.packages)
        return {arrival: found[arrival] for arrival in ARRIVALS if found[arrival]}

    @property
    def attention(self) -> tuple[ArrivedPackage, ...]:
        """The packages that deserve attention, the highest score first."""
        found = [each for each in self.packages if each.points >= self.threshold]
        return tuple(sorted(found, key=lambda each: (-each.points, each.label)))

    @property
    def quiet(self) -> tuple[int, int]:
        """How many others there are, and how many of them have a score worth a look."""
        rest = [each for each in self.packages if each.points < self.threshold]
        return len(rest), sum(each.points >= WORTH_A_LOOK for each in rest)

    @property
    def problems(self) -> tuple[str, ...]:
        """The scores that could not be computed, each reason once."""
        found = (
            f"{each.label}: {problem}"
            for each in self.packages
            if each.score is not None
            for problem in each.score.problems
        )
        return tuple(dict.fromkeys(found))

    def brings(self) -> Iterator[tuple[str, str, Mapping[str, int]]]:
        """Each added direct package, its kind of change, and its dependencies; the most first.

        A name of "" is what no direct package of the change needs.
        """
        arrivals = {each.label: each.arrival for each in self.packages if each.direct}
        found: dict[str, Counter[str]] = {label: Counter() for label in arrivals}
        for each in self.packages:
            if not each.direct:
                for label in each.brought_by or ("",):
                    found.setdefault(label, Counter())[each.arrival] += 1
        for label in sorted(found, key=lambda name: (-found[name].total(), name)):
            yield label, arrivals.get(label, ""), found[label]


def introduced(change: Change) -> list[IntroducedPackage]:
    """Every package that a change brings, each artifact once, without what another one carries."""
    return [use for use in distinct(change.uses()) if not use.artifact.bundled]


def step_of(change: Change, use: IntroducedPackage) -> Step | None:
    """The step to score for a package; None if no npm registry has its bytes."""
    from npm_vetted.registry.jsr import is_of_jsr

    artifact = use.artifact
    if artifact.kind is not Kind.REGISTRY or artifact.version is None or is_of_jsr(artifact):
        return None
    return Step(artifact.name, artifact.version, item_of(change, use).base, artifact.integrity)


def overview(
    change: Change,
    state: str,
    uses: Sequence[IntroducedPackage],
    scores: Callable[[Artifact], Score | None],
    *,
    threshold: int = ATTENTION,
) -> ChangeOverview:
    """Collect the facts of a change."""
    brought = _brought_by(uses)
    packages = []
    for use in uses:
        artifact = use.artifact
        version = artifact.label.removeprefix(f"{artifact.name}@")
        base = item_of(change, use).base
        score = scores(artifact)
        packages.append(ArrivedPackage(
            name=artifact.name,
            version=version,
            arrival=_arrival(artifact.version, base),
            since=base,
            direct=use.direct,
            covered=change.verdict(use).covered,
            path=use.location.path,
            line=use.location.line,
            brought_by=tuple(sorted(brought.get((use.lockfile.path, use.entry.key), ()))),
            score=score,
            why=None if score is not None else "it comes from no npm registry: look at its source",
        ))  # fmt: skip
    return ChangeOverview(state=state, packages=tuple(packages), threshold=threshold)


def _arrival(version: str | None, base: str | None) -> str:
    if base is None:
        return NEW
    old, new = parse_version(base), parse_version(version or "")
    if old is None or new is None or old == new:
        return OTHER
    return UPGRADED if old < new else DOWNGRADED


def _brought_by(uses: Iterable[IntroducedPackage]) -> dict[tuple[str, str], set[str]]:
    """For each lockfile's key, the direct packages of the change that reach it."""
    found: dict[tuple[str, str], set[str]] = {}
    direct = [use for use in uses if use.direct]
    for use in direct[:_DIRECT_LIMIT]:
        for key in use.lockfile.reach([use.entry.key]):
            found.setdefault((use.lockfile.path, key), set()).add(use.artifact.label)
    return found
