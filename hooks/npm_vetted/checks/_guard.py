"""npm-vetted's own hook and CI step: a change that removes or narrows them is a finding.

The comparison covers the lines about npm-vetted: the hook's entry in ``.pre-commit-config.yaml`` (without
``rev``, which an update raises), and the lines that call npm-vetted in CI files, husky and lefthook.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.yaml import load_yaml
from npm_vetted.git.snapshot import Snapshot
from npm_vetted.model import Finding, Level, Location
from npm_vetted.projects.change import Change

_CONFIG: Final = ".pre-commit-config.yaml"
_CALL: Final = re.compile(r"npm-vetted\s+check[^\n]*")
_HOOKS: Final = frozenset({"npm-vetted", "npm-ignore-scripts", "npm-vetting-notes", "npm-lockfile"})
_KEYS: Final = (
    "id", "entry", "args", "stages", "exclude", "files", "types", "types_or", "always_run",
    "pass_filenames", "additional_dependencies", "language",
)  # fmt: skip
_PLACES: Final = (
    ".github/workflows/", ".gitlab-ci", ".circleci/", "azure-pipelines", ".husky/", "lefthook",
    ".lefthook", "Jenkinsfile", "bitbucket-pipelines", ".travis.yml", ".buildkite/", ".githooks/",
)  # fmt: skip


def guards_removed(check: str, change: Change) -> Iterator[Finding]:
    """Yield what a change removes from the guard: an error in a range, a warning at a commit."""
    if change.everything:
        return
    level = Level.ERROR if change.comparison.against_each else Level.WARNING
    for path, touched in sorted(change.touched.items()):
        if touched.before is None or not _may_call(path):
            continue
        lost = sorted(_calls(change.comparison.before, path) - _calls(change.after, path))
        for call in lost:
            yield Finding(
                check=check,
                message=f"this change removes or narrows npm-vetted's own check: {call}",
                location=Location(path),
                level=level,
                fix=(("git", "restore", "--source=HEAD", "--staged", "--worktree", path),),
                code="guard-removed",
                key=call,
                acceptable=False,
            )


def _may_call(path: str) -> bool:
    return path == _CONFIG or path.startswith(_PLACES)


def _calls(snapshot: Snapshot, path: str) -> set[str]:
    """The lines of a file that call npm-vetted, normalized so that a version update changes none."""
    try:
        data = snapshot.read(path) or b""
    except NpmVettedError:
        return set()
    if path == _CONFIG:
        return set(_hooks(path, data))
    text = data.decode("utf-8", "replace")
    return {" ".join(found.split()) for found in _CALL.findall(text)}


def _hooks(path: str, data: bytes) -> Iterator[str]:
    try:
        documents = load_yaml(path, data, aliases=True)
    except NpmVettedError:
        return
    root = documents[0].data if documents else None
    repositories = root.get("repos") if isinstance(root, Mapping) else None
    for repository in repositories if isinstance(repositories, list) else ():
        hooks = repository.get("hooks") if isinstance(repository, Mapping) else None
        for hook in hooks if isinstance(hooks, list) else ():
            if isinstance(hook, Mapping) and hook.get("id") in _HOOKS:
                kept = {key: hook[key] for key in _KEYS if key in hook}
                kept["repo"] = repository.get("repo")
                yield json.dumps(kept, sort_keys=True, default=str)
