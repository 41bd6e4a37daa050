"""A policy that is loosened by the same change that needs the loosening."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.checks import Explanation
from npm_vetted.checks._denials import denials
from npm_vetted.checks._guard import guards_removed
from npm_vetted.git.snapshot import VETTING
from npm_vetted.model import Finding, Level
from npm_vetted.projects.change import Change
from npm_vetted.vetting.notes import DOCUMENTS
from npm_vetted.vetting.policy import CONFIG
from npm_vetted.vetting.policy_diff import POLICY_FILES, Loosening, adopted, loosenings

ID: Final = "policy"
HOOKS: Final = frozenset({"settings", "notes", "lockfile"})
CODES: Final = {
    "loosened": "A change that loosens the policy, on its own (a notice).",
    "loosened-with-others": "A change that loosens the policy together with anything else.",
    "loosened-in-merge": "A merge that loosens the policy although neither side did.",
    "guard-removed": "A change that removes or narrows npm-vetted's own hook or CI step.",
    "ignore-unused": "An [[ignore]] entry that matches nothing (check --all).",
    "deny-matches-nothing": "A [[deny]] entry that cannot match any version.",
    "deny-locked": "A [[deny]] entry for a package that a project locks.",
}
EXPLANATION: Final = Explanation(
    what="A change that loosens the policy together with anything else.",
    why=(
        "An attacker who adds a package could also add the line that admits it. The "
        "policy before a change judges that change. A loosening is committed on its own, where a "
        "reviewer (and CODEOWNERS of .vetting/) cannot miss it."
    ),
    before="one commit: exemptions.txt gains left-pad, package-lock.json gains left-pad",
    after="first a commit with exemptions.txt alone, then a commit with the lockfile",
    satisfy="Commit .vetting/config.toml, exemptions.txt and baseline.txt first, on their own.",
    exception="None: the second commit passes as soon as the first one is there.",
)


def reads(path: str) -> bool:
    """Whether a file is pre-commit's configuration, which contains npm-vetted's own hook."""
    return path == ".pre-commit-config.yaml"


def run(change: Change) -> Iterator[Finding]:
    """The loosenings of the policy: errors, unless the commit changes nothing else."""
    yield from guards_removed(ID, change)
    if change.comparison.fork is not None:
        yield from _of_merge(change)
        return
    ours = {path for path in change.touched if path.startswith(VETTING)}
    if change.everything or not ours:
        return
    deleted = not adopted(change.after)
    if not deleted and not ours & POLICY_FILES:
        return
    if not deleted and CONFIG in ours:
        yield from denials(ID, change)
    before, policy_source = change.comparison.before, change.comparison.policy_source
    # A branch from before the adoption may bring a .vetting/ of its own: compared with the base.
    found = list(loosenings(before if adopted(before) else policy_source, change.after))
    policy = ours if deleted else ours & POLICY_FILES
    alone = all(path in policy or _is_only_words(path) for path in change.touched)
    paths = (VETTING.rstrip("/"),) if deleted else tuple(sorted(policy))
    for each in found:
        yield _finding(each, alone, paths, in_range=change.comparison.against_each)


def _of_merge(change: Change) -> Iterator[Finding]:
    """The loosenings of a merge that come from none of its parents.

    A normal merge keeps the tightening of one side. One that takes the other side's whole file drops it.
    """
    parents, fork = change.comparison.parents, change.comparison.fork
    assert fork is not None
    brought = [{each.key for each in loosenings(fork, parent)} for parent in parents]
    seen: set[str] = set()
    for at, parent in enumerate(parents):
        others = set().union(*(keys for other, keys in enumerate(brought) if other != at))
        for each in loosenings(parent, change.after):
            if each.key not in others | seen:
                seen.add(each.key)
                source = parent.label if at else "HEAD"
                path = each.location.path
                yield Finding(
                    check=ID,
                    message=f"this merge loosens the policy although neither side did: {each.words}",
                    code="loosened-in-merge",
                    key=each.key,
                    acceptable=False,
                    location=each.location,
                    package=each.package,
                    fix=(("git", "restore", f"--source={source}", "--staged", "--worktree", path),),
                )


def _is_only_words(path: str) -> bool:
    """Whether a file is documentation beside the policy, which has no effect."""
    return path.startswith(VETTING) and path.rpartition("/")[2] in DOCUMENTS


def _finding(
    loosening: Loosening, alone: bool, paths: tuple[str, ...], *, in_range: bool
) -> Finding:
    if alone:
        return Finding(
            check=ID,
            level=Level.NOTICE,
            message=f"loosens the policy: {loosening.words}",
            code="loosened",
            key=loosening.key,
            acceptable=False,
            location=loosening.location,
            package=loosening.package,
        )
    if in_range:
        return Finding(
            check=ID,
            message="loosens the policy together with other changes of the range; merge or push the "
            f"policy commit first (git push REMOTE COMMIT:BRANCH): {loosening.words}",
            location=loosening.location,
            package=loosening.package,
            code="loosened-with-others",
            key=loosening.key,
            acceptable=False,
        )
    return Finding(
        check=ID,
        message="loosens the policy together with other changes; commit the policy change on its "
        f"own: {loosening.words}",
        code="loosened-with-others",
        key=loosening.key,
        acceptable=False,
        location=loosening.location,
        package=loosening.package,
        fix=(("git", "commit", "-m", "Policy: say why", "--", *paths),),
    )
