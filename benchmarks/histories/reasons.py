"""Why a commit still needs a person after the bot's job: each reason, and what would remain without it.

A reason is a fact of one package, such as a new name or a major step, or the code of another
finding. A package may have several.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from npm_vetted.checks._runner import open_change, run_checks
from npm_vetted.git.comparison import compare
from npm_vetted.git.objects import Objects
from npm_vetted.git.repository import Repository
from npm_vetted.model import Kind, Level
from npm_vetted.packages.versions import step
from npm_vetted.projects.change import Change
from npm_vetted.recording.proposals import Item, item_of, uncovered
from npm_vetted.vetting.streak import streak_of

OF_PACKAGES = frozenset({"unvetted", "cooldown", "install-scripts"})
"""The checks whose findings are told package by package."""


def facts() -> dict[str, Any]:
    """What is left for a person in the index of this folder's repository, and the findings' codes."""
    repository = Repository.open()
    with Objects(repository) as objects:
        change = open_change(compare(repository, objects))
        found = [_of_package(change, item_of(change, use)) for use in uncovered(change)]
        errors = [each for each in run_checks(change).findings if each.level is Level.ERROR]
        found += [
            {"package": each.package or each.location.path, "why": [f"{each.check}/{each.code}"]}
            for each in errors
            if each.check not in OF_PACKAGES
        ]
    codes = Counter(f"{each.check}/{each.code}" for each in errors)
    return {"codes": codes, "left": found}


def _of_package(change: Change, item: Item) -> dict[str, Any]:
    return {
        "package": item.artifact.label,
        "from": item.since,
        "direct": item.subject.direct,
        "development": item.subject.development,
        "arrival": item.use.arrival.value if item.use else None,
        "why": list(_reasons(change, item)),
    }


def _reasons(change: Change, item: Item) -> Iterator[str]:
    artifact, subject = item.artifact, item.subject
    if artifact.kind is not Kind.REGISTRY or artifact.version is None or artifact.patch:
        yield "no plain release"
    if change.vetting.is_new_name(subject):
        yield "new name"
    elif item.since is None:
        yield "no vetted start"
    elif change.vetting.demanded(subject, item.since):
        yield f"{step(item.since, artifact.version or '')} step"
    if item.since is not None:
        streak = streak_of(change.vetting, artifact.name, item.since)
        too_long = streak.too_long(change.today.date())
        if too_long:
            yield "ten steps" if "in a row" in too_long else "180 days"
    if artifact.scripts:
        yield "scripts"
    elif item.use is not None and change.lets_run(item.use):
        yield "may run scripts"


def shares(commits: Sequence[Collection[Collection[str]]], number: int) -> Iterator[str]:
    """For each reason: in how many commits it is, and what share would remain without it.

    A commit of which no reason is known remains.
    """
    every = Counter(why for commit in commits for why in {w for each in commit for w in each})
    for why, count in every.most_common():
        remain = sum(not commit or any(set(each) - {why} for each in commit) for commit in commits)
        yield (
            f"{count:4} commits  {why:30} without it: {100 * remain / number:.0f} %"
            f"  (the only reason in {len(commits) - remain})"
        )


def main() -> int:
    """Print the shares of the histories that ``--json`` files hold."""
    for path in sys.argv[1:]:
        found = json.loads(Path(path).read_text())
        persons = [each for each in found if each["person"]]
        left = [[fact["why"] for fact in each["left"] if fact["why"]] for each in persons]
        share = 100 * len(persons) / max(len(found), 1)
        print(f"{path}: {len(found)} commits, {len(persons)} need a person ({share:.0f} %)")
        for line in shares(left, len(found)):
            print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
