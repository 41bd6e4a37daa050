"""Azure Pipelines: pipelines and templates; scripts, and the tasks that run npm or yarn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.shell_text import UNKNOWN_TEXT, Value, either, replaced
from npm_vetted.installs import AZURE_NPM_TASK, Context
from npm_vetted.installs.context.disk import CHECKOUT, Copied, Disk, Tracked
from npm_vetted.installs.files._yaml_nodes import Node, YamlFile, every_node, read_yaml
from npm_vetted.installs.shell.follower import ShellFollower
from npm_vetted.installs.shell.powershell import run_windows
from npm_vetted.installs.shell.source import Source, braced, filled
from npm_vetted.installs.shell.state import State
from npm_vetted.model import Problem

_EXPRESSIONS: Final = braced("${{", "}}")
_SET_VARIABLE: Final = re.compile(
    r"##vso\[task\.setvariable [^\]\n]*?variable=(?P<name>[\w.]+)[^\]\n]*\](?P<value>[^\"'\n]*)"
)
"""The text that a step prints to set a variable for later steps."""
_MACRO: Final = re.compile(r"\$\(([A-Za-z_][\w.-]*)\)", re.ASCII)
_FOLDERS: Final = (
    "system.defaultworkingdirectory",
    "build.sourcesdirectory",
    "build.repository.localpath",
    "pipeline.workspace",
)
_NAMED: Final = re.compile(r"azure[^/]*pipeline")


def recognises(path: str, head: bytes) -> bool:
    """``azure-pipelines*.yml``, YAML in folders of that name, and templates by the task that they run."""
    lowered = path.lower()
    if not lowered.endswith((".yml", ".yaml")):
        return False
    words = (
        ".azuredevops/",
        ".azure-devops/",
        ".pipelines/",
        ".ado/",
        ".vsts",
        "azure-devops/",
    )
    named = _NAMED.search(lowered) is not None or any(word in lowered for word in words)
    return named or AZURE_NPM_TASK in head


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Every step, wherever it is: stages, jobs, templates and conditions nest freely."""
    file = read_yaml(path, data)
    found = ShellFollower(path=path, context=context, ci=True, knows_ci=True)
    tracked = context.tracked()
    for root in file.documents:
        pipeline = _Pipeline(file, found, tracked)
        nodes = list(every_node(root, path))
        for node in nodes:
            if node.pairs is not None:
                pipeline.declare(node)
        for node in nodes:
            if node.pairs is not None:
                pipeline.step(node)
    return found.reports.finish()


class _Pipeline:
    def __init__(self, file: YamlFile, follower: ShellFollower, tracked: Tracked) -> None:
        self.file = file
        self.follower = follower
        self.disk = Disk([Copied(tracked, "", CHECKOUT)])
        self.variables: dict[str, Value] = {}
        self.parameters: dict[str, Value] = {}
        self.read: set[int] = set()
        """The inputs of tasks that were read with their task: they are no steps of their own."""

    def declare(self, node: Node) -> None:
        """Remember the values of variables and parameters; those of all levels count."""
        for key, found in (("variables", self.variables), ("parameters", self.parameters)):
            block = node.get(key)
            for name, value in _declared(block):
                known = found.get(name.lower())
                text = (value.text or "",)
                found[name.lower()] = either(known, text) if known else text
                if key == "variables":
                    self.follower.reports.variable(name.replace(".", "_"), text, value.line)

    def step(self, node: Node) -> None:
        """Judge a step that runs a script, or a task that runs a client."""
        if id(node) in self.read:
            return
        table = node.table()
        for key, shell in (
            ("script", "sh"),
            ("bash", "sh"),
            ("pwsh", "pwsh"),
            ("powershell", "pwsh"),
        ):
            body = table.get(key)
            if body is not None and body.text is not None:
                self._run(self.file.source(body), node, table.get("workingDirectory"), shell)
        task = table.get("task")
        inputs = table.get("inputs")
        if task is not None and task.text and inputs is not None:
            self._task(task.text.partition("@")[0].lower(), inputs, node, task.line)

    def _task(self, task: str, inputs: Node, node: Node, line: int) -> None:
        folder = next(
            (
                found
                for name in (
                    "workingDir",
                    "workingDirectory",
                    "cwd",
                    "projectDirectory",
                    "ProjectDirectory",
                )
                if (found := inputs.get(name))
            ),
            None,
        )
        if task in ("npm", "npmauthenticate") and task == "npm":
            command = inputs.scalar("command") or "install"
            custom = inputs.get("customCommand")
            if command == "custom" and custom is not None:
                self._run(_prefixed("npm ", self.file.source(custom)), node, folder, "sh")
            elif command in ("ci", "install"):
                verbose = inputs.get("command") or node
                self._run(
                    Source(f"npm {command}", ((0, verbose.line if verbose is not node else line),)),
                    node,
                    folder,
                    "sh",
                )
        elif task in ("yarn", "geeklearningio.gl-vsts-tasks-yarn.yarn-task.yarn"):
            arguments = inputs.get("arguments") or inputs.get("Arguments")
            text = (
                self.file.source(arguments) if arguments is not None else Source("", ((0, line),))
            )
            self._run(_prefixed("yarn ", text), node, folder, "sh")
        elif task in ("cmdline", "bash", "powershell", "shellscript", "powershell_on_target"):
            self.read.add(id(inputs))
            script = inputs.get("script") or inputs.get("inline")
            if script is not None and script.text is not None:
                shell = "pwsh" if task.startswith("powershell") else "sh"
                self._run(self.file.source(script), node, folder, shell)

    def _run(self, source: Source, node: Node, folder: Node | None, shell: str) -> None:
        state = State(disk=self.disk, home="/~home")
        for name, value in self.variables.items():
            state.set(name.replace(".", "_").upper(), value, export=True)
        env = node.get("env")
        for name, each in env.table().items() if env else ():
            state.set(name, (each.text or "",), export=True)
            self.follower.reports.variable(name, (each.text or "",), each.line)
        state.set("CI", ("true",), export=True)
        for name in _FOLDERS:
            state.set(name.replace(".", "_").upper(), (CHECKOUT,), export=True)
        if folder is not None and folder.text:
            where = [self._macro(text) for text in _texts(folder.text, self._expression)]
            state.enter(either(*where))
        for one in filled(source, _EXPRESSIONS, self._expression):
            for other in self.follower.reports.told_once(
                filled(one, self._macros, self._macro_known)
            ):
                if shell == "pwsh":
                    run_windows(self.follower, other, state.fork(), cmd=False)
                else:
                    self.follower.run(other, state.fork())
        self.follower.shell.functions.clear()
        self._keep(source)

    def _keep(self, source: Source) -> None:
        """Remember ``##vso[task.setvariable variable=NAME]VALUE``, which sets a variable for later steps."""
        for found in _SET_VARIABLE.finditer(source.text):
            name, value = found["name"], found["value"]
            text = (UNKNOWN_TEXT if "$" in value or "`" in value else value,)
            before = self.variables.get(name.lower())
            self.variables[name.lower()] = either(before, text) if before else text
            self.follower.reports.variable(name.replace(".", "_"), text, source.line(found.start()))

    def _expression(self, text: str) -> Value | None:
        name = text.removeprefix("parameters.").removeprefix("variables.").lower()
        table = self.parameters if text.startswith("parameters.") else self.variables
        return table.get(name)

    def _macros(self, text: str) -> Iterator[tuple[int, int, str]]:
        """``$(name)`` where it is a variable of the pipeline, not a command of the shell."""
        for found in _MACRO.finditer(text):
            name = found.group(1).lower()
            if name in self.variables or "." in name:
                yield found.start(), found.end(), name

    def _macro_known(self, name: str) -> Value | None:
        return (CHECKOUT,) if name in _FOLDERS else self.variables.get(name)

    def _macro(self, text: str) -> Value:
        def one(found: re.Match[str]) -> str:
            value = self._macro_known(found.group(1).lower())
            return value[0] if value else "\x00"

        return (replaced(_MACRO, one, text),)


def _declared(block: Node | None) -> Iterator[tuple[str, Node]]:
    if block is None:
        return
    if block.pairs is not None:
        for name, value in block.table().items():
            if value.text is not None:
                yield name, value
    for item in block.items or ():
        label = item.scalar("name")
        given = item.get("value") or item.get("default")
        if label and given is not None and given.text is not None:
            yield label, given


def _prefixed(words: str, source: Source) -> Source:
    return Source(
        words + source.text,
        tuple((0 if mark == 0 else mark + len(words), line) for mark, line in source.marks),
    )


def _texts(text: str, resolve: object) -> list[str]:
    if "${{" not in text:
        return [text]
    assert callable(resolve)
    found = [text]
    for start, end, inside in reversed(list(_EXPRESSIONS(text))):
        found = [each[:start] + (resolve(inside) or ("\x00",))[0] + each[end:] for each in found]
    return found
