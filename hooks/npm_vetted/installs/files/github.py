"""GitHub Actions: workflows, and composite actions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from npm_vetted.formats.shell_text import UNKNOWN, UNKNOWN_TEXT, Value, concat, either
from npm_vetted.installs import CLIENT_PROGRAM, Context
from npm_vetted.installs.context.disk import (
    CHECKOUT,
    Copied,
    Disk,
    Tracked,
    Written,
    resolve,
)
from npm_vetted.installs.context.ownership import is_own, of_repository
from npm_vetted.installs.context.scene import release_of
from npm_vetted.installs.files._yaml_nodes import Node, YamlFile, read_yaml
from npm_vetted.installs.files.programs import as_warnings, follow_program
from npm_vetted.installs.shell.environment_file import GITHUB_ENV
from npm_vetted.installs.shell.follower import ShellFollower
from npm_vetted.installs.shell.powershell import run_windows
from npm_vetted.installs.shell.source import Source, braced, filled
from npm_vetted.installs.shell.state import State
from npm_vetted.model import Problem

_TEMPLATES: Final = braced("${{", "}}")
_PATH: Final = re.compile(r"[\w-]+(?:\.[\w-]+|\[['\"][^'\"]+['\"]\])*\Z", re.ASCII)
_STRING: Final = re.compile(r"'((?:[^']|'')*)'\Z")
_OPERATORS: Final = re.compile(r"(&&|\|\|)(?=(?:[^']*'[^']*')*[^']*\Z)")
"""``&&`` and ``||`` outside quotes, in an expression of GitHub."""
_MOST_CHOICES: Final = 20
_LONGEST: Final = 1_000
_CLIENT: Final = re.compile(rf"(?<![\w./@-])(?:{CLIENT_PROGRAM}|corepack)\b", re.ASCII)
_THIS_REPOSITORY: Final = re.compile(
    r"\$\{\{\s*github\.(?:repository\b|event\.[\w.]*(?:repo|repository)\.full_name)"
)
_COMMANDS: Final = re.compile(
    r"command|script|run|cmd|install|build|publish|version|test|exec|lint|deploy", re.IGNORECASE
)
_STARTS: Final = re.compile(rf"\s*(?:{CLIENT_PROGRAM}|corepack)[ \t]+(?:[a-z@-]|\$)", re.ASCII)
_HOME: Final = "/~home"
_BY_LOCKFILE: Final = {
    "yarn.lock": "yarn install --frozen-lockfile",
    "pnpm-lock.yaml": "pnpm install --frozen-lockfile",
}
"""The commands of actions that install by the lockfile that they find; for other lockfiles, ``npm ci``."""
_WORKFLOWS: Final = (".github/workflows", ".gitea/workflows", ".forgejo/workflows")
"""The folder of workflows; GitHub reads it at the top of a repository only."""


_ALWAYS: Final = re.compile(
    r"\s*(?:\$\{\{)?\s*(?:true|always\(\)|success\(\)|!\s*cancelled\(\))?\s*(?:\}\})?\s*"
)
"""Conditions under which a step runs after the ones before it succeeded."""


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """``.github/workflows/*.yml`` at the top, and ``action.yml`` wherever it is."""
    folder, _, name = path.rpartition("/")
    if not name.endswith((".yml", ".yaml")):
        return False
    return folder in _WORKFLOWS or name in ("action.yml", "action.yaml")


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Every job of a workflow, or the steps of a composite action."""
    file = read_yaml(path, data)
    found = ShellFollower(path=path, context=context, ci=True, knows_ci=True)
    tracked = context.tracked()
    for root in file.documents:
        inputs = _inputs(root)
        top = Frame(file, found, tracked, variables={}, inputs=inputs)
        top.take_env(root)
        top.take_defaults(root)
        jobs = root.get("jobs")
        for job in jobs.table().values() if jobs else ():
            frame = top.inner()
            frame.matrix = _matrix(job)
            frame.take_env(job)
            frame.take_defaults(job)
            frame.take_system(job)
            frame.take_container(job)
            frame.steps(job.get("steps"), checkout=True)
            frame.call(job)
        runs = root.get("runs")
        if runs is not None:
            top.steps(runs.get("steps"), checkout=False)
            top.run_image(runs)
    return found.reports.finish()


def _inputs(root: Node) -> dict[str, Value]:
    """The possible values of each input: its choices; or its default and any value of a caller."""
    found: dict[str, Value] = {}
    tables = [root.get("inputs")]
    on = root.get("on") or root.get("true")
    tables += [trigger.get("inputs") for trigger in (on.table().values() if on else ())]
    for table in tables:
        for name, node in table.table().items() if table else ():
            default = node.scalar("default")
            options = [each.text or "" for each in node.texts("options")]
            value: Value = tuple(options) or ((default,) if default is not None else UNKNOWN)
            found[name] = either(found.get(name, ()), value) if name in found else value
    return found


def _matrix(job: Node) -> dict[str, Value]:
    strategy = job.get("strategy")
    matrix = strategy.get("matrix") if strategy else None
    found: dict[str, list[str]] = {}
    if matrix is None:
        return {}
    for name, node in matrix.table().items():
        if name in ("include", "exclude"):
            continue
        for item in node.items or [node]:
            _entry(found, name, item)
    include = matrix.get("include")
    for item in (include.items or ()) if include else ():
        for name, node in item.table().items():
            _entry(found, name, node)
    return {name: either(values) if values else UNKNOWN for name, values in found.items()}


def _entry(found: dict[str, list[str]], name: str, node: Node) -> None:
    if node.text is not None:
        found.setdefault(name, []).append(UNKNOWN_TEXT if "${{" in node.text else node.text)
    for key, value in node.table().items() if node.pairs else ():
        if value.text is not None:
            found.setdefault(f"{name}.{key}", []).append(value.text)


def _passed_variables(options: str) -> Iterator[tuple[str, str]]:
    """``-e NAME=value`` and ``--env NAME=value`` among the options of ``docker create``."""
    words = iter(options.split())
    for word in words:
        flag, equals, text = word.partition("=")
        if flag in ("-e", "--env"):
            name, _, value = (text if equals else next(words, "")).strip("\"'").partition("=")
            yield name, value


def _words(node: Node | None) -> str:
    if node is None:
        return ""
    return node.text or " ".join(item.text or "" for item in node.items or ())


@dataclass(slots=True)
class Frame:
    """The context of a workflow, a job or a step: variables, directory, shell, inputs, matrix."""

    file: YamlFile
    follower: ShellFollower
    tracked: Tracked
    variables: dict[str, Value]
    inputs: dict[str, Value]
    matrix: dict[str, Value] = field(default_factory=dict)
    folder: Value = ()
    shell: str | None = None
    windows: bool = False
    disk: Disk = field(default_factory=Disk)
    maybe: bool = False
    """Whether a condition decides if it runs."""

    def inner(self) -> Frame:
        """A frame within this one."""
        return Frame(self.file, self.follower, self.tracked, dict(self.variables), self.inputs,
                     self.matrix, self.folder, self.shell, self.windows, self.disk)  # fmt: skip

    def take_env(self, node: Node) -> None:
        """Add the variables of an ``env:`` block; a variable that switches scripts on is reported."""
        env = node.get("env")
        for name, value in env.table().items() if env else ():
            text = self.text(value.text or "")
            self.variables[name] = text
            self.follower.reports.variable(name, text, value.line)

    def take_system(self, job: Node) -> None:
        """Set PowerShell as the default shell if all runners of a job are Windows."""
        systems = self.text(_words(job.get("runs-on")).lower())
        self.windows = all("windows" in system for system in systems)

    def take_container(self, job: Node) -> None:
        """The variables of the job's container: its ``env``, and ``--env`` among its ``options``."""
        container = job.get("container")
        if container is None or container.pairs is None:
            return
        self.take_env(container)
        options = container.get("options")
        for name, value in _passed_variables(options.text or "" if options else ""):
            text = self.text(value)
            self.variables[name] = text
            self.follower.reports.variable(name, text, options.line if options else container.line)

    def take_defaults(self, node: Node) -> None:
        """``defaults.run``."""
        defaults = node.get("defaults")
        run = defaults.get("run") if defaults else None
        if run is not None:
            self.shell = run.scalar("shell") or self.shell
            folder = run.scalar("working-directory")
            self.folder = self.text(folder) if folder else self.folder

    def text(self, text: str) -> Value:
        """The possible texts of a value with expressions."""
        parts: list[Value] = []
        cursor = 0
        for start, end, inside in _TEMPLATES(text):
            parts.append((text[cursor:start],))
            parts.append(self.resolve(inside) or UNKNOWN)
            cursor = end
        parts.append((text[cursor:],))
        return concat(parts)

    def resolve(self, expression: str) -> Value | None:
        """The possible values of an expression; None if they are unknown."""
        if quoted := _STRING.match(expression):
            return (quoted.group(1).replace("''", "'"),)
        if not _PATH.match(expression):
            return self._chosen(expression)
        name, _, rest = expression.partition(".")
        match name:
            case "matrix":
                return self._known(self.matrix.get(rest))
            case "env":
                return self._known(self.variables.get(rest))
            case "inputs":
                return self._known(self.inputs.get(rest))
            case "github" if rest == "workspace":
                return (CHECKOUT,)
            case "github" if rest.startswith("event.inputs."):
                return self._known(self.inputs.get(rest.removeprefix("event.inputs.")))
            case "runner" if rest == "temp":
                return ("/tmp/runner",)  # noqa: S108
        return None

    def _chosen(self, expression: str) -> Value | None:
        """The values of ``condition && a || b``, if ``a`` and ``b`` are known; else None."""
        if len(expression) > _LONGEST:
            return None
        pieces = [each.strip() for each in _OPERATORS.split(expression, _MOST_CHOICES)]
        if len(pieces) == 1:
            return None
        parts, after = pieces[::2], [*pieces[1::2], "||"]
        ends = [part for part, operator in zip(parts, after, strict=True) if operator == "||"]
        values = [self.resolve(each) for each in ends]
        found = [value for value in values if value is not None]
        return either(*found) if len(found) == len(values) else None

    @staticmethod
    def _known(value: Value | None) -> Value | None:
        return None if value is None or any(UNKNOWN_TEXT in text for text in value) else value

    def steps(self, node: Node | None, *, checkout: bool) -> None:
        """Follow the steps of a job in order; the repository's files are there after the checkout step."""
        self.follower.environment.clear()
        self.follower.lost = False
        steps = [item for item in (node.items or ()) if item.pairs] if node else []
        self.disk = Disk()
        whole = Copied(self.tracked, "", CHECKOUT)
        if not checkout or not (any(map(_is_checkout, steps)) or not any(map(_may_fetch, steps))):
            self.disk.put(whole)
        for step in steps:
            frame = self.inner()
            frame.variables |= self.follower.environment.persisted
            frame.take_env(step)
            frame.maybe = _ALWAYS.fullmatch(step.scalar("if") or "") is None
            if _is_checkout(step):
                frame.check_out(step)
            frame.step(step)
            for name, value in self.follower.environment.persisted.items():
                if name not in frame.variables:
                    self.follower.reports.source_variable(name, value, step.line)

    def check_out(self, step: Node) -> None:
        """``actions/checkout``: this repository, or another one at a path."""
        given = step.get("with")
        other = given.scalar("repository") if given else None
        written = given.scalar("path") if given else None
        for path in self.text(written) if written else ("",):
            if UNKNOWN_TEXT in path and not other:
                self.follower.lost = True
                self.disk.put(Copied(self.tracked, "", CHECKOUT, self._left_out(given)))
                continue
            where = resolve(CHECKOUT, path.strip("/"))
            mine = self._is_own(other)
            if mine:
                self.disk.put(Copied(self.tracked, "", where, self._left_out(given)))
                continue
            for layer in of_repository(self.tracked, where, mine):
                self.disk.put(layer)

    def _is_own(self, repository: str | None) -> bool | None:
        """Whether a checkout is of this repository; None: nobody can tell."""
        if not repository or _THIS_REPOSITORY.search(repository):
            return True
        return None if "${{" in repository else is_own(self.follower.context, repository)

    @staticmethod
    def _left_out(given: Node | None) -> Callable[[str], bool] | None:
        """The files that a sparse checkout leaves out: with cones, all but the top and the named folders."""
        patterns = (given.scalar("sparse-checkout") if given else None) or ""
        names = [line.strip().strip("/") for line in patterns.splitlines() if line.strip()]
        if not names:
            return None
        cone = (given.scalar("sparse-checkout-cone-mode") if given else None) != "false"

        def leaves_out(path: str) -> bool:
            folder = path.rpartition("/")[0]
            if any(path == name or path.startswith(name + "/") for name in names):
                return False
            if not cone:
                return not any("*" in name for name in names)
            return bool(folder) and not any(name.startswith(folder + "/") for name in names)

        return leaves_out

    def step(self, step: Node) -> None:
        """A ``run:``, or an action that runs commands."""
        folder = step.scalar("working-directory")
        where = self._within(self.text(folder) if folder else self.folder)
        run = step.get("run")
        if run is not None and run.text is not None:
            self.run(self.file.source(run), where, step.scalar("shell") or self.shell)
            return
        uses = (step.scalar("uses") or "").partition("@")[0].lower()
        given = step.get("with")
        if uses.startswith("docker://"):
            words = [given.scalar(key) or "" for key in ("entrypoint", "args")] if given else []
            self.run(Source(" ".join(words).strip(), ((0, step.line),)), where, "sh")
        elif uses:
            self.action(uses, given, where, step.line)

    def call(self, job: Node) -> None:
        """A call of a reusable workflow: judge inputs that are commands."""
        given = job.get("with")
        if job.scalar("uses") and given is not None:
            self.disk.put(Copied(self.tracked, "", CHECKOUT))  # as if it checks this one out
            self._hand_over(given.table(), (CHECKOUT,))

    def run_image(self, runs: Node) -> None:
        """An action that runs an image: its entry point and arguments are one command."""
        entry = runs.get("entrypoint")
        words = [each.text or "" for each in (entry, *runs.texts("args")) if each is not None]
        if runs.scalar("using") == "docker" and entry is not None:
            self.follower.command(
                words, self.state((UNKNOWN_TEXT,)), Source(" ".join(words), ((0, entry.line),)), 0
            )

    def _hand_over(self, table: Mapping[str, Node], where: Value) -> None:
        """Judge inputs that are commands, by their name and because they start with a client."""
        for name, node in table.items():
            if _COMMANDS.search(name) and node.text and _STARTS.match(node.text):
                self.run(self.file.source(node), where, "bash")

    def _within(self, where: Value) -> Value:
        """The possible directories of a step, all below the workspace.

        If the path of the repository's checkout is not known, the directory is not known either.
        """
        if self.follower.lost:
            return (f"{CHECKOUT}/{UNKNOWN_TEXT}",)
        return tuple(
            f"{CHECKOUT}/{text}" if text.startswith(UNKNOWN_TEXT) else text for text in where
        )

    def state(self, where: Value) -> State:
        """The state that a step starts with."""
        state = State(disk=self.disk, home=_HOME, variables=dict(self.variables), maybe=self.maybe)
        state.exported = set(self.variables)
        for name in ("GITHUB_WORKSPACE", "RUNNER_WORKSPACE"):
            state.set(name, (CHECKOUT,), export=True)
        state.set("CI", ("true",), export=True)
        state.set("GITHUB_ENV", (GITHUB_ENV,))
        if where:
            state.enter(where)
        return state

    def run(self, source: Source, where: Value, shell: str | None) -> None:
        """Run a script in the shell that the step names."""
        powershell = self.windows or "$env:" in source.text
        name = (shell or ("pwsh" if powershell else "bash")).split()[0].rpartition("/")[2]
        for filled_source in self.follower.reports.told_once(
            filled(source, _TEMPLATES, self.resolve)
        ):
            if name in ("pwsh", "powershell", "cmd"):
                run_windows(self.follower, filled_source, self.state(where), cmd=name == "cmd")
            elif name in ("bash", "sh", "zsh", "dash", "ksh"):
                self.follower.run(filled_source, self.state(where))
            elif name in ("python", "python3", "node"):
                self.program(filled_source, where)
            elif _CLIENT.search(source.text) and "install" in source.text:
                self.follower.reports.undecided(
                    f"a script for {name} that names a client", source.line(0)
                )
        self.follower.shell.functions.clear()

    def program(self, source: Source, where: Value) -> None:
        """A script in another language: its literal commands are judged, as warnings."""
        inner = ShellFollower(path=self.follower.path, context=self.follower.context)
        follow_program(inner, source, lambda: self.state(where))
        self.follower.reports.problems.extend(as_warnings(inner.reports.finish()))

    def action(self, uses: str, given: Node | None, where: Value, line: int) -> None:
        """Actions that install, and inputs that hold commands."""
        table = given.table() if given else {}
        values = {name: node.text or "" for name, node in table.items()}
        folder = next(
            (
                values[k]
                for k in (
                    "working-directory",
                    "working_directory",
                    "cwd",
                    "dir",
                    "package_json_file",
                )
                if k in values
            ),
            "",
        )
        if folder.endswith("package.json"):
            folder = folder.rpartition("/")[0]
        if folder:
            where = self.text(folder)
        where = self._within(where)
        if uses == "actions/setup-node" and "registry-url" in values:
            self._take_registry(values)
        if uses == "pnpm/action-setup":
            self._take_pnpm(values.get("version"))
        for text in _installs(uses, values, self._lockfile_at(where)):
            self.run(Source(text, ((0, line),)), where, "bash")
        for name, node in table.items():
            if node.text is None or not _CLIENT.search(node.text):
                continue
            if (
                name
                in (
                    "command",
                    "run",
                    "script",
                    "cmd",
                    "install-command",
                    "commands",
                    "inlinescript",
                )
                and "github-script" not in uses
            ):
                inner = "ssh" in uses or "docker" in uses
                self.run(self.file.source(node), (UNKNOWN_TEXT,) if inner else where, "bash")
            elif name == "script" and "github-script" in uses:
                self.program(self.file.source(node), where)
            else:
                self._hand_over({name: node}, where)

    def _lockfile_at(self, where: Value) -> str:
        """The name of the lockfile by which an action chooses the client: in the folder, else at the top."""
        places = (*where, CHECKOUT)
        return next(
            (
                name
                for name in _BY_LOCKFILE
                if any(self.disk.find(f"{place.rstrip('/')}/{name}") for place in places)
            ),
            "",
        )

    def _take_pnpm(self, version: str | None) -> None:
        """Set the pnpm of the following steps: the named version, else that of ``packageManager``."""
        top = self.follower.context.project_at("")
        pin = top.pin if top is not None else None
        if version is None and pin is not None and pin.client == "pnpm" and pin.minimum:
            version = str(pin.minimum[0])
        if version is not None:
            self.disk.put(release_of("pnpm", "".join(self.text(version)[:1]), maybe=False))

    def _take_registry(self, values: dict[str, str]) -> None:
        """setup-node writes ``registry-url`` into the user's settings, for a scope if it has one.

        For GitHub Packages the scope is the repository's owner where none is named (its source,
        authutil.ts).
        """
        urls = self.text(values["registry-url"])
        scope = values.get("scope", "")
        if not scope and "npm.pkg.github.com" in values["registry-url"]:
            scope = "owner"
        key = f"@{scope.removeprefix('@')}:registry" if scope else "registry"
        url = urls[0] if len(urls) == 1 else UNKNOWN_TEXT
        self.disk.put(Written(f"{_HOME}/.npmrc", f"{key}={url}\n".encode()))


def _installs(uses: str, values: dict[str, str], lockfile: str) -> list[str]:
    """The commands of actions that are known to install."""
    install = _BY_LOCKFILE.get(lockfile, "npm ci")
    if uses == "pnpm/action-setup":
        setting = values.get("run_install", "false" if "run_install" not in values else "null")
        return [] if setting in ("false", "null", "~") else ["pnpm install"]
    if uses == "bahmutov/npm-install":
        return [] if "install-command" in values else [install]
    if uses == "cypress-io/github-action":
        quiet = values.get("install") == "false" or "install-command" in values
        return [] if quiet else [install]
    if uses == "borales/actions-yarn":
        return [f"yarn {values.get('cmd', '')}"]
    return []


def _is_checkout(step: Node) -> bool:
    return (step.scalar("uses") or "").lower().startswith("actions/checkout@")


def _may_fetch(step: Node) -> bool:
    """Whether a step may fetch the repository's files without ``actions/checkout``."""
    uses = (step.scalar("uses") or "").lower()
    known = ("actions/setup-", "pnpm/action-setup", "oven-sh/setup-bun", "actions/cache", "docker/")
    text = step.scalar("run") or ""
    return (bool(uses) and not uses.startswith(known)) or "git " in text
