"""npm-vetted's own hook and CI step: a change that removes or narrows them is a finding.

Compared is every line that calls npm-vetted, with what decides whether and where it runs: the
hook's entry in ``.pre-commit-config.yaml``, the conditions of the step, the job and the workflow in CI
files, and what comes before it in a script. Of the version only a step back is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.checks._guard_calls import NAME, GuardCall, calls_in, is_step_back
from npm_vetted.checks._guard_hooks import CONFIG, hooks_in, revisions
from npm_vetted.errors import NpmVettedError
from npm_vetted.git.snapshot import Snapshot
from npm_vetted.model import Finding, Level, Location
from npm_vetted.projects.change import Change

_PLACES: Final = (
    ".github/workflows/", ".github/actions/", ".gitlab-ci", ".circleci/", "azure-pipelines", ".husky/",
    "lefthook", ".lefthook", "Jenkinsfile", "bitbucket-pipelines", ".travis.yml", ".buildkite/", ".githooks/",
    ".forgejo/workflows/", ".gitea/workflows/", ".drone.yml", ".woodpecker", ".semaphore/", "cloudbuild.y",
    "appveyor.yml", ".appveyor.yml", "buildspec.y", ".overcommit.yml", ".simple-git-hooks.json", "package.json",
    "prek.toml", "mise.toml", ".mise.toml", "tox.ini", "noxfile.py",
)  # fmt: skip
_SCRIPTS: Final = (".sh", ".bash", "Makefile", "makefile", ".mk", "justfile", "Taskfile.yml")
"""Files that a CI file may call in its turn."""
_ACTION: Final = ("action.yml", "action.yaml")


def guards_removed(check: str, change: Change) -> Iterator[Finding]:
    """What a change takes away from the guard: an error in a range, a warning at a commit."""
    if change.everything:
        return
    paths = sorted(path for path in change.touched if _may_call(path))
    moved = {path: _calls(change.after, path) for path in paths}
    for path in paths:
        places = [path] if path == CONFIG else [each for each in paths if _may_keep(each, path)]
        kept = [call for place in places for call in moved[place]]
        for call in _calls(change.comparison.before, path):
            if not any(map(call.is_kept_by, kept)):
                words = f"this change removes or narrows npm-vetted's own check: {call.command}"
                yield _finding(check, change, path, words, call.command)
        if path == CONFIG:
            yield from _older(check, change)


def _older(check: str, change: Change) -> Iterator[Finding]:
    """The hook's version, where it goes back, or leaves the versions for a branch."""
    before = dict(revisions(change.comparison.before))
    for repository, revision in revisions(change.after):
        known = before.get(repository, revision)
        if known != revision and is_step_back(known, revision):
            words = f"this change goes back from npm-vetted {known} to {revision}"
            yield _finding(check, change, CONFIG, words, f"rev: {revision}")


def _finding(check: str, change: Change, path: str, message: str, key: str) -> Finding:
    in_range = change.comparison.against_each
    meant = (
        "; if that is meant, those who may bypass this check merge or push that commit first, alone "
        "(git push REMOTE COMMIT:BRANCH)"
    )
    source = change.comparison.before.label if in_range else "HEAD"
    return Finding(
        check=check,
        message=message + (meant if in_range else ""),
        location=Location(path),
        level=Level.ERROR if in_range else Level.WARNING,
        fix=(("git", "restore", f"--source={source}", "--staged", "--worktree", "--", path),),
        code="guard-removed",
        key=key,
        acceptable=False,
    )


def _may_call(path: str) -> bool:
    return path == CONFIG or path.startswith(_PLACES) or path.endswith(_SCRIPTS)


def _may_keep(path: str, before: str) -> bool:
    """Whether a call may have moved there: nothing need run a script that no hook or CI file is."""
    return path != CONFIG and (path.startswith(_PLACES) or not before.startswith(_PLACES))


def _calls(snapshot: Snapshot, path: str) -> list[GuardCall]:
    """What a file says of npm-vetted, in words that an update of the version does not change."""

    def named(place: str) -> bool:
        files = [place, *(f"{place}/{name}" for name in _ACTION)]
        return any(NAME.search(_text(snapshot, file)) for file in files)

    try:
        data = snapshot.read(path) or b""
        return list(hooks_in(data) if path == CONFIG else calls_in(path, data, named))
    except NpmVettedError:  # nobody runs what cannot be read, or is a link now
        return []


def _text(snapshot: Snapshot, path: str) -> str:
    return (snapshot.read(path) or b"").decode("utf-8", "replace")
