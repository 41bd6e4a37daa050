"""npm-vetted's hooks in the file of pre-commit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from npm_vetted.checks._guard_calls import GuardCall
from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.yaml import load_yaml
from npm_vetted.git.snapshot import Snapshot

CONFIG: Final = ".pre-commit-config.yaml"
_HOOKS: Final = frozenset({"npm-vetted", "npm-ignore-scripts", "npm-vetting-notes", "npm-lockfile"})
_KEYS: Final = (
    "id", "entry", "args", "stages", "exclude", "files", "types", "types_or", "always_run",
    "pass_filenames", "additional_dependencies", "language", "language_version", "exclude_types", "env",
)  # fmt: skip
_OF_ALL: Final = ("default_stages", "files", "exclude")
"""Keys of the whole file that count for a hook whose own repository does not say otherwise."""


def hooks_in(data: bytes) -> Iterator[GuardCall]:
    """Each of our hooks, with all that decides when and how it runs."""
    root = _root(data)
    skipped = root.get("ci")
    skip = skipped.get("skip") if isinstance(skipped, Mapping) else None
    language = root.get("default_language_version")
    for repository, hooks in _repositories(root):
        for hook in hooks:
            kept = {key: hook[key] for key in _KEYS if key in hook}
            kept["repo"] = repository.get("repo")
            conditions = [f"ci.skip: {hook.get('id')}"] if hook.get("id") in (skip or ()) else []
            conditions += [f"default_language_version: {_text(language)}"] if language else []
            conditions += _of_the_file(root, is_local=kept["repo"] == "local")
            yield GuardCall(_text(kept), frozenset(conditions), {})


def _of_the_file(root: Mapping[object, object], *, is_local: bool) -> Iterator[str]:
    if is_local:
        yield from (f"{key}: {_text(root[key])}" for key in _OF_ALL if key in root)
    types = root.get("default_install_hook_types")
    if isinstance(types, list) and "pre-commit" not in types:
        yield f"default_install_hook_types: {_text(types)}"


def revisions(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """The version of each repository of our hooks."""
    try:
        for repository, _ in _repositories(_root(snapshot.read(CONFIG) or b"")):
            yield str(repository.get("repo")), str(repository.get("rev"))
    except NpmVettedError:
        return


def _root(data: bytes) -> Mapping[object, object]:
    documents = load_yaml(CONFIG, data, aliases=True)
    root = documents[0].data if documents else None
    return root if isinstance(root, Mapping) else {}


def _repositories(
    root: Mapping[object, object],
) -> Iterator[tuple[Mapping[str, object], list[Mapping[str, object]]]]:
    """Each repository of hooks, with our hooks in it."""
    listed = root.get("repos")
    for repository in listed if isinstance(listed, list) else ():
        hooks = repository.get("hooks") if isinstance(repository, Mapping) else None
        ours = [
            hook
            for hook in (hooks if isinstance(hooks, list) else ())
            if isinstance(hook, Mapping) and hook.get("id") in _HOOKS
        ]
        if ours:
            yield repository, ours


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
