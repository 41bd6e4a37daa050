"""Findings if a change removes or narrows npm-vetted's own hook or CI step.

1. Every call of npm-vetted in the touched files is collected from the state before and the state after: in
   ``.pre-commit-config.yaml``, in CI files, in scripts. A call contains everything that decides whether it
   runs: the hook's entry; the conditions of step, job and workflow; the commands before it in a script.
2. A call before the change must be kept by a call after it that runs at least as often and checks at least
   as much.
3. The version of npm-vetted may only go up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from npm_vetted.checks._guard_triggers import Triggers, starts_as_often, triggers_of
from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.yaml import load_yaml
from npm_vetted.git.snapshot import Snapshot
from npm_vetted.model import Finding, Level, Location
from npm_vetted.packages.versions import parse_version
from npm_vetted.projects.change import Change

_CONFIG: Final = ".pre-commit-config.yaml"
_NAME: Final = re.compile(r"npm[-_]vetted")
_VERSION: Final = re.compile(r"(npm[-_]vetted)(?:\s*(?:[=~<>!]=?|@)\s*[\w.*-]+)+")
_STRICTER: Final = re.compile(
    r"\s(?:--online|--strict|--verbose|-v|--quiet|-q|--(?:color|format)[= ]\w+)(?=\s|\Z)"
)
"""Options of ``check`` with which it rejects at least as much."""
_HOOKS: Final = frozenset({"npm-vetted", "npm-ignore-scripts", "npm-vetting-notes", "npm-lockfile"})
_KEYS: Final = (
    "id", "entry", "args", "stages", "exclude", "files", "types", "types_or", "always_run",
    "pass_filenames", "additional_dependencies", "language", "language_version",
)  # fmt: skip
_PLACES: Final = (
    ".github/workflows/", ".gitlab-ci", ".circleci/", "azure-pipelines", ".husky/", "lefthook",
    ".lefthook", "Jenkinsfile", "bitbucket-pipelines", ".travis.yml", ".buildkite/", ".githooks/",
)  # fmt: skip
_YAML: Final = (".yml", ".yaml")
_CONDITIONS: Final = frozenset({
    "if", "when", "rules", "only", "except", "condition", "needs", "shell", "working-directory",
    "working_directory", "defaults", "branches", "branch", "filters", "skip", "exclude_tags", "exclude",
    "allow_failure", "continue-on-error", "continueOnError", "soft_fail", "disabled", "enabled",
    "trigger", "pr", "allow_failures", "run-name-pattern", "container", "glob", "files", "file_types", "root",
})  # fmt: skip
"""Keys of a step, job or workflow that decide whether the step runs and whether it can fail."""
_POSITIVE: Final = ("if", "when", "condition", "enabled", "trigger", "pr")
_ALWAYS: Final = ("always()", "success()", "always", "on_success", "True", "true")
_NEVER: Final = ("False", "false", "None", "", "[]", "{}")
_VARIABLE: Final = re.compile(
    r"(?:.*PATH|SKIP|PYTHON.*|GIT_.*|PRE_COMMIT.*|NPM_VETTED.*|BASH_ENV|ENV)"
)
"""Variables with which another program runs instead, or none."""
_LABELS: Final = ("name", "description", "id", "title", "label", "key", "path", "cache", "group")
_END: Final = re.compile(r"(?:exit|return|exec)\b")


_STRICT: Final = re.compile(r"--(?:online|strict)(?=\s|\Z)")
_PINNED: Final = re.compile(r"npm[-_]vetted\s*==\s*([\w.+-]+)")
_TAG: Final = re.compile(r"(?<=[\w/-])(?:@sha256)?:[\w.-]+(?=\"|\Z)")


class _Call(NamedTuple):
    """A call of npm-vetted: the command, the conditions for it, and the events that start it."""

    command: str
    conditions: frozenset[str]
    triggers: Triggers
    strict: frozenset[str] = frozenset()
    version: str = ""

    def is_kept_by(self, other: _Call) -> bool:
        """Whether another call checks at least whenever this one does, and as much."""
        return (
            self.command == other.command
            and other.conditions <= self.conditions
            and starts_as_often(self.triggers, other.triggers)
            and self.strict <= other.strict
            and not (self.version and other.version and _is_step_back(self.version, other.version))
        )


def _call(text: str, conditions: frozenset[str], triggers: Triggers) -> _Call:
    """A call in a script or a step."""
    pinned = _PINNED.search(text)
    strict = frozenset(_STRICT.findall(text))
    version = pinned[1] if pinned else ""
    return _Call(_command(text), conditions, triggers, strict, version)


def guards_removed(check: str, change: Change) -> Iterator[Finding]:
    """The findings about removed or narrowed calls: errors in a range, warnings in a commit."""
    if change.everything:
        return
    paths = sorted(path for path in change.touched if _may_call(path))
    moved = [call for path in paths for call in _calls(change.after, path)]
    for path in paths:
        kept = moved if path != _CONFIG else list(_calls(change.after, path))
        for call in _calls(change.comparison.before, path):
            if not any(map(call.is_kept_by, kept)):
                words = f"this change removes or narrows npm-vetted's own check: {call.command}"
                yield _finding(check, change, path, words, call.command)
        if path == _CONFIG:
            yield from _older(check, change)


def _older(check: str, change: Change) -> Iterator[Finding]:
    """The finding if the hook's version goes down, or changes from a version to a branch."""
    before = dict(_revisions(change.comparison.before))
    for repository, revision in _revisions(change.after):
        known = before.get(repository, revision)
        if known != revision and _is_step_back(known, revision):
            words = f"this change goes back from npm-vetted {known} to {revision}"
            yield _finding(check, change, _CONFIG, words, f"rev: {revision}")


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


def _is_step_back(old: str, new: str) -> bool:
    before, after = parse_version(old.removeprefix("v")), parse_version(new.removeprefix("v"))
    if after is None:
        return before is not None or not re.fullmatch(r"[0-9a-f]{40}", new)
    return before is not None and after < before


def _may_call(path: str) -> bool:
    return path == _CONFIG or path.startswith(_PLACES)


def _calls(snapshot: Snapshot, path: str) -> list[_Call]:
    """The calls of npm-vetted in a file, without versions, so that an update changes none."""
    try:
        data = snapshot.read(path) or b""
        if path == _CONFIG:
            return list(_hooks(path, data))
        if _NAME.search(data.decode("utf-8", "replace")) is None:
            return []
        if path.endswith(_YAML):
            return [
                each for one in load_yaml(path, data, aliases=True) for each in _steps(one.data)
            ]
    except NpmVettedError:  # nobody runs what cannot be read, or is a link now
        return []
    if path.startswith(".github/workflows/"):
        return []
    return list(_lines(data.decode("utf-8", "replace")))


def _lines(text: str) -> Iterator[_Call]:
    """The calls in a script, as far as it runs."""
    for line in text.splitlines():
        words = line.strip()
        if words.startswith(("#", "//")):
            continue
        if _NAME.search(words):
            yield _call(words, frozenset(), {})
        if _END.match(line):
            return


def _command(text: str) -> str:
    """A command without its version, its stricter options and its layout."""
    lines = (line for line in text.splitlines() if not line.strip().startswith("#"))
    return " ".join(_STRICTER.sub("", _VERSION.sub(r"\1", "\n".join(lines))).split())


def _steps(document: object) -> Iterator[_Call]:
    """The calls in a CI file, each with the conditions of all that it is in."""
    root = document if isinstance(document, Mapping) else {}
    yield from _within(document, "", frozenset(), triggers_of(root))


def _within(
    node: object, key: str, conditions: frozenset[str], triggers: Triggers
) -> Iterator[_Call]:
    if isinstance(node, Mapping):
        inner = conditions | frozenset(_conditions(node))
        for name, value in node.items():
            yield from _within(value, str(name), inner, triggers)
    elif isinstance(node, list):
        for value in node:
            yield from _within(value, key, conditions, triggers)
    elif isinstance(node, str) and key not in _LABELS and _NAME.search(node):
        yield _call(node, conditions, triggers)


def _conditions(node: Mapping[object, object]) -> Iterator[str]:
    for key, value in node.items():
        harmless = str(value) in (_ALWAYS if str(key) in _POSITIVE else _NEVER)
        if str(key) in _CONDITIONS and not harmless:
            text = _TAG.sub("", _text(value)) if str(key) == "container" else _text(value)
            yield f"{key}: {text}"
        if str(key) in ("env", "variables", "environment") and isinstance(value, Mapping):
            yield from (f"{name}={_text(text)}" for name, text in value.items()
                        if _VARIABLE.fullmatch(str(name)))  # fmt: skip


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _root(path: str, data: bytes) -> Mapping[object, object]:
    documents = load_yaml(path, data, aliases=True)
    root = documents[0].data if documents else None
    return root if isinstance(root, Mapping) else {}


def _repositories(
    root: Mapping[object, object],
) -> Iterator[tuple[Mapping[str, object], list[object]]]:
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
            yield repository, list(ours)


def _hooks(path: str, data: bytes) -> Iterator[_Call]:
    root = _root(path, data)
    skipped = root.get("ci")
    skip = skipped.get("skip") if isinstance(skipped, Mapping) else None
    language = root.get("default_language_version")
    for repository, hooks in _repositories(root):
        for hook in hooks:
            assert isinstance(hook, Mapping)
            kept = {key: hook[key] for key in _KEYS if key in hook}
            kept["repo"] = repository.get("repo")
            conditions = [f"ci.skip: {hook.get('id')}"] if hook.get("id") in (skip or ()) else []
            conditions += [f"default_language_version: {_text(language)}"] if language else []
            yield _Call(json.dumps(kept, sort_keys=True, default=str), frozenset(conditions), {})


def _revisions(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    try:
        for repository, _ in _repositories(_root(_CONFIG, snapshot.read(_CONFIG) or b"")):
            yield str(repository.get("repo")), str(repository.get("rev"))
    except NpmVettedError:
        return
