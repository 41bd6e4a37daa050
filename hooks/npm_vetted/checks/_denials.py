"""New ``[[deny]]`` entries: projects that lock a denied version, and entries that no version can match."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from npm_vetted.errors import NpmVettedError
from npm_vetted.model import Finding, Level, Location
from npm_vetted.packages.ranges import can_match
from npm_vetted.projects.change import Change
from npm_vetted.projects.project_change import project_lockfile
from npm_vetted.vetting.policy import CONFIG, Deny, Policy, read_policy

_NAME: Final = re.compile(r"(?:@[^\s/@:]+/)?[^\s/@:]+")


def denials(check: str, change: Change) -> Iterator[Finding]:
    """The findings about the ``[[deny]]`` entries that the change adds."""
    before = change.comparison.before.read(CONFIG)
    known = {_plain(each) for each in _policy(before).deny}
    for each in _policy(change.after.read(CONFIG)).deny:
        if _plain(each) in known:
            continue
        if not _can_match(each):
            yield _finding(
                check,
                each,
                "deny-matches-nothing",
                Level.ERROR,
                "no version of any package matches it",
            )
            continue
        where = sorted(_locking(change, each))
        if where:
            words = "every later commit to these is refused until they lock another version"
            yield _finding(
                check, each, "deny-locked", Level.WARNING, f"locked by {', '.join(where)}; {words}"
            )


def _policy(config: bytes | None) -> Policy:
    """The policy of a state; if it cannot be read, a policy without ``[[deny]]``."""
    try:
        return read_policy(config, adopted=True)
    except NpmVettedError:
        return Policy()


def _plain(deny: Deny) -> tuple[str, tuple[str, ...]]:
    return deny.package, deny.versions


def _can_match(deny: Deny) -> bool:
    if _NAME.fullmatch(deny.package) is None:
        return False
    return not deny.versions or any(map(can_match, deny.versions))


def _locking(change: Change, deny: Deny) -> Iterator[str]:
    """The lockfiles that hold a denied version; one that cannot be read is judged when it is touched."""
    for project in change.projects_after.all():
        for path in project.lockfiles:
            with suppress(NpmVettedError):
                lockfile = project_lockfile(project, path)
                artifacts = (lockfile.artifact(key) for key in lockfile.blocks)
                if any(one and deny.covers(one.name, one.version) for one in artifacts):
                    yield path


def _finding(check: str, deny: Deny, code: str, level: Level, words: str) -> Finding:
    label = f"{deny.package}@{' || '.join(deny.versions) or '*'}"
    return Finding(
        check=check,
        level=level,
        message=f"[[deny]] {label}: {words}",
        location=Location(CONFIG, deny.line),
        package=deny.package,
        code=code,
        key=label,
        acceptable=False,
    )
