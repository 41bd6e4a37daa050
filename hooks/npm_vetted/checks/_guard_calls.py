"""The calls of npm-vetted in a file: the command, and what decides whether and where it runs.

Of a script, that is what comes before the call, as far as it is more than plain commands. Of a CI file,
it is the conditions of everything that the step is in, and the steps before it that lead elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from npm_vetted.checks._guard_triggers import Triggers, starts_as_often, triggers_of
from npm_vetted.formats.json import load_json
from npm_vetted.formats.toml import load_toml
from npm_vetted.formats.yaml import load_yaml
from npm_vetted.packages.versions import parse_version

if TYPE_CHECKING:
    from semver import Version

NAME: Final = re.compile(r"npm[-_]vetted")
_VERSION: Final = re.compile(r"(npm[-_]vetted)(?:\s*(?:[=~<>!]=?|@)\s*[\w.*-]+)+")
_STRICTER: Final = re.compile(
    r"(?:\s|\A)(?:--online|--strict|--verbose|-v|--quiet|-q|--(?:color|format)[= ]\w+)(?=\s|\Z)"
)
"""Options with which a check rejects as much, or more."""
_STRICT: Final = re.compile(r"--(?:online|strict)(?=\s|\Z)")
_PINNED: Final = re.compile(r"npm[-_]vetted\s*(?:==|@)\s*([\w.+-]+)")
_YAML: Final = (".yml", ".yaml")
_CONDITIONS: Final = frozenset({
    "if", "when", "rules", "only", "except", "condition", "needs", "shell", "working-directory",
    "working_directory", "defaults", "branches", "branch", "filters", "skip", "exclude_tags", "exclude",
    "allow_failure", "continue-on-error", "continueOnError", "soft_fail", "disabled", "enabled",
    "trigger", "pr", "allow_failures", "run-name-pattern", "container", "glob", "files", "file_types", "root",
    "strategy", "on-fail", "extends", "image", "rc", "failure", "when_status", "changesets",
})  # fmt: skip
"""Keys of a step, or of what it is in, that decide whether it runs and whether it can fail."""
_IMAGES: Final = ("container", "image")
"""Keys that name an image, of which the version does not count."""
_BEFORE: Final = ("before_script", "before_install", "default", "plugins", "hooks")
"""Keys with commands that run before those of a step."""
_POSITIVE: Final = ("if", "when", "condition", "enabled", "trigger", "pr")
_ALWAYS: Final = ("always()", "success()", "always", "on_success", "True", "true")
_NEVER: Final = ("False", "false", "None", "", "[]", "{}")
_VARIABLE: Final = re.compile(
    r".*PATH|SKIP|PYTHON.*|GIT_.*|PRE_COMMIT.*|NPM_VETTED.*|BASH_.*|ENV|HOME|XDG_.*|SHELLOPTS|CI|GITHUB_.*"
    r"|PIP_.*|PIPX_.*|UV_.*|LD_.*|DYLD_.*"
)
"""Variables with which another program runs, or none, or the same one on something else."""
_LABELS: Final = ("name", "description", "id", "title", "label", "key", "path", "cache", "group")
_TAG: Final = re.compile(r"(?<=[\w/-])(?:@sha256)?:[\w.-]+(?=\"|\Z)")
_DIVERTS: Final = re.compile(
    r"\b(?:exit|exec|halt|trap|alias|kill)\b|\bGITHUB_(?:PATH|ENV)\b|\bBASH_ENV\b|\b(?:PATH|GIT_\w+)="
    r"|\bgit\s+(?:checkout|switch|reset|config|replace|update-ref)\b"
    r"|\b(?:cp|mv|ln|tee|chmod)\b.*npm[-_]vetted"
)
"""A command before the check after which the check sees something else, or does not run."""
_ELSEWHERE: Final = ("ref", "repository", "path", "sparse-checkout")
"""What a step that checks out can be told: the check then looks at something else."""
_PATHS: Final = {"lefthook": 1, "bitbucket-pipelines": 3}
"""Where the keys above a command say when it runs, and how many of them."""
_USES: Final = re.compile(r"\A\./[\w./@-]+\Z")

_SHELL_WORD: Final = r"""(?:[\w./:=@%+,-]+|'[^'\n]*'|"[^"$`\\\n]*")"""
_LEADING: Final = (
    r"(?!(?:exit|return|exec|kill|trap|alias|eval|source|set|unset|export|cd|if|then|else|elif|for|while"
    r"|until|case|function|do|read|builtin|command|env|sudo)\b)[\w./-]*\w(?=\s|\Z|;|&|\|)"
)
_PLAIN: Final = rf"(?:{_LEADING}(?:\s+{_SHELL_WORD})*|set\s+-[eux]+(?:\s+-?o?\s*pipefail)?)"
_PLAIN_LINE: Final = re.compile(rf"{_PLAIN}(?:\s*(?:&&|\|\||;)\s*{_PLAIN})*;?")
"""Commands after which the next line of a script runs as if they had not been there."""
_ERREXIT: Final = re.compile(r"set\s+-[eux]*e[eux]*\b|#!.*\s-[eux]*e")
_SHEBANG: Final = re.compile(r"#!\s*(?:/usr)?/bin/(?:env\s+)?(?:ba|da|z)?sh(?:\s+-[eux]+)?")
_ENDS: Final = re.compile(
    r"\b(?:exit|return|exec|when|catchError|warnError)\b|/\*|\bif\b.*\bfalse\b"
)

Named = Callable[[str], bool]
"""Whether a file or a folder of the repository, which a step uses, calls npm-vetted."""


class GuardCall(NamedTuple):
    """A call of npm-vetted: the command, what must hold for it, and what starts it."""

    command: str
    conditions: frozenset[str]
    triggers: Triggers
    strict: frozenset[str] = frozenset()
    version: str = ""

    def is_kept_by(self, other: GuardCall) -> bool:
        """Whether another call checks at least whenever this one does, and as much."""
        return (
            self.command == other.command
            and other.conditions <= self.conditions
            and starts_as_often(self.triggers, other.triggers)
            and self.strict <= other.strict
            and not (self.version and other.version and is_step_back(self.version, other.version))
        )


def is_step_back(old: str, new: str) -> bool:
    """Whether one version is older than another, or a branch in the place of a version."""
    before, after = _parsed(old), _parsed(new)
    if after is None:
        return before is not None and not re.fullmatch(r"[0-9a-f]{40}", new)
    return before is not None and after < before


def _parsed(version: str) -> Version | None:
    text = version.removeprefix("v")
    missing = 2 - text.count(".") if re.fullmatch(r"\d+(?:\.\d+)?", text) else 0
    return parse_version(text + ".0" * missing)


def calls_in(path: str, data: bytes, named: Named) -> Iterator[GuardCall]:
    """The calls in a file that is not pre-commit's."""
    text = data.decode("utf-8", "replace")
    if NAME.search(text) is None and not ("/workflows/" in path and "uses: ./" in text):
        return
    if path.endswith((".toml", ".json")):
        load = load_toml if path.endswith(".toml") else load_json
        yield from _Tree(path, load(path, data).data, named).calls()
    elif path.endswith(_YAML):
        for one in load_yaml(path, data, aliases=True):
            yield from _Tree(path, one.data, named).calls()
    elif not path.startswith(".github/workflows/"):
        is_shell = path.startswith((".husky/", ".githooks/")) or path.endswith((".sh", ".bash"))
        yield from _shell_lines(path, text) if is_shell or text.startswith("#!") else _lines(text)


def _call(text: str, conditions: frozenset[str], triggers: Triggers) -> GuardCall:
    """A call in a script or a step."""
    pinned = _PINNED.search(text)
    strict = frozenset(_STRICT.findall(text))
    return GuardCall(_command(text), conditions, triggers, strict, pinned[1] if pinned else "")


def _command(text: str) -> str:
    """A command without its version, its stricter options and its layout."""
    lines = (line for line in text.splitlines() if not line.strip().startswith("#"))
    return " ".join(_STRICTER.sub("", _VERSION.sub(r"\1", "\n".join(lines))).split())


def _lines(text: str) -> Iterator[GuardCall]:
    """The calls in a file of another language, with the lines before that may end it."""
    before: set[str] = set()
    for line in text.splitlines():
        words = line.strip()
        if words.startswith(("#", "//")):
            continue
        if NAME.search(words):
            yield _call(words, frozenset(before), {})
        if _ENDS.search(words):
            before.add(words)


def _shell_lines(path: str, text: str) -> Iterator[GuardCall]:
    """The calls in a script of a shell.

    Without ``set -e``, a script fails only where its last command does. husky starts it with ``sh -e``.
    """
    lines = [line.strip() for line in text.splitlines()]
    before = {line for line in lines[:1] if line.startswith("#!") and not _SHEBANG.fullmatch(line)}
    stops = path.startswith(".husky/") or (lines != [] and _ERREXIT.match(lines[0]) is not None)
    code = [line for line in lines if line and not line.startswith("#")]
    for at, line in enumerate(code, start=1):
        if NAME.search(line):
            last = {"the last command"} if not stops and at < len(code) else set()
            yield _call(line, frozenset(before | last), {})
        stops = stops or _ERREXIT.match(line) is not None
        if not _PLAIN_LINE.fullmatch(line):
            before.add(line)


class _Tree:
    """A CI file, as a tree of tables and lists."""

    def __init__(self, path: str, document: object, named: Named) -> None:
        self._document = document
        self._named = named
        self._triggers = triggers_of(document) if isinstance(document, Mapping) else {}
        stem = path.rpartition("/")[2].lstrip(".").partition(".")[0].removesuffix("-local")
        self._depth = _PATHS.get(stem, 0)
        self._jobs = _workflow_jobs(document)

    def calls(self) -> Iterator[GuardCall]:
        """Each call, with the conditions of all that it is in."""
        root = self._document if isinstance(self._document, Mapping) else {}
        workflow = root.get("workflow")
        outer = _conditions(workflow) if isinstance(workflow, Mapping) else ()
        yield from self._within(self._document, (), frozenset(outer))

    def _within(
        self, node: object, keys: tuple[str, ...], conditions: frozenset[str]
    ) -> Iterator[GuardCall]:
        if isinstance(node, Mapping):
            inner = conditions | frozenset(_conditions(node))
            for name, value in node.items():
                place = (*keys, str(name))
                yield from self._within(value, place, inner | self._of_place(place))
        elif isinstance(node, list):
            for value in node:
                yield from self._within(value, keys, conditions)
                conditions |= frozenset(_diversions(value))
        elif isinstance(node, str) and self._is_call(keys[-1:], node):
            yield _call(node, conditions, self._triggers)

    def _is_call(self, key: tuple[str, ...], text: str) -> bool:
        if key == ("uses",) and _USES.match(text):
            return NAME.search(text) is not None or self._named(text.removeprefix("./"))
        return key[:1] not in [(each,) for each in _LABELS] and NAME.search(text) is not None

    def _of_place(self, keys: tuple[str, ...]) -> frozenset[str]:
        """What the keys above a command say of when it runs."""
        found: set[str] = set()
        if 0 < len(keys) <= self._depth:
            found.add(f"{len(keys)}: {keys[-1]}")
        if len(keys) == 1 and keys[0].startswith("."):
            found.add("a template")
        if len(keys) == 2 and keys[0] == "jobs" and self._jobs is not None:
            found |= self._jobs.get(keys[1], {"in no workflow"})
        return frozenset(found)


def _workflow_jobs(document: object) -> Mapping[str, set[str]] | None:
    """The jobs that workflows beside them list (CircleCI), with their conditions; None: there are none."""
    listed = document.get("workflows") if isinstance(document, Mapping) else None
    if not isinstance(listed, Mapping):
        return None
    found: dict[str, set[str]] = {}
    for workflow in listed.values():
        jobs = workflow.get("jobs") if isinstance(workflow, Mapping) else None
        for job in jobs if isinstance(jobs, list) else ():
            outer = set(_conditions(workflow))
            table = job if isinstance(job, Mapping) else {str(job): {}}
            for name, more in table.items():
                inner = set(_conditions(more)) if isinstance(more, Mapping) else set()
                extra = {f"requires: {_text(more['requires'])}"} if _requires(more) else set()
                found[str(name)] = outer | inner | extra
    return found


def _requires(job: object) -> bool:
    return isinstance(job, Mapping) and bool(job.get("requires"))


def _conditions(node: Mapping[object, object]) -> Iterator[str]:
    for name, value in node.items():
        key = str(name)
        harmless = str(value) in (_ALWAYS if key in _POSITIVE else _NEVER)
        if key in _CONDITIONS and not harmless:
            text = _TAG.sub("", _text(value)) if key in _IMAGES else _text(value)
            yield f"{key}: {text}"
        if key in _BEFORE and _DIVERTS.search(_text(value)):
            yield f"{key}: {_text(value)}"
        if key in ("env", "variables", "environment") and isinstance(value, Mapping):
            yield from (f"{each}={_text(text)}" for each, text in value.items()
                        if _VARIABLE.fullmatch(str(each)))  # fmt: skip
    uses, given = node.get("uses"), node.get("with")
    if isinstance(uses, str) and NAME.search(uses) and isinstance(given, Mapping):
        yield from _arguments(given)


def _arguments(given: Mapping[object, object]) -> Iterator[str]:
    """What an action is told: without a stricter option, which another call may have, it says so."""
    for name, value in given.items():
        text = str(value)
        left = _command(text)
        yield from [f"{name}: {left}"] if left else []
    said = " ".join(map(str, given.values()))
    yield from (f"without {each}" for each in ("--online", "--strict") if each not in said)


def _diversions(node: object) -> Iterator[str]:
    """What a step does to those after it."""
    if isinstance(node, str):
        if _DIVERTS.search(node):
            yield f"after: {_command(node)}"
    elif isinstance(node, Mapping):
        given = node.get("with")
        if "checkout" in str(node.get("uses")) and isinstance(given, Mapping):
            yield from (f"{key}: {given[key]}" for key in _ELSEWHERE if key in given)
        for value in node.values():
            yield from _diversions(value) if isinstance(value, str) else ()


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
