"""CircleCI: jobs and commands of ``.circleci/config.yml``; orbs are code of other repositories."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.shell_text import Value
from npm_vetted.installs import Context
from npm_vetted.installs.context.disk import CHECKOUT, Copied, Disk, Tracked
from npm_vetted.installs.files._yaml_nodes import Node, NodeBudget, YamlFile, read_yaml
from npm_vetted.installs.shell.follower import ShellFollower
from npm_vetted.installs.shell.source import Source, braced, filled
from npm_vetted.installs.shell.state import State
from npm_vetted.model import Problem

_TEMPLATES: Final = braced("<<", ">>")
_INSTALLS: Final = {
    "npm": "npm ci", "yarn": "yarn install --frozen-lockfile",
    "yarn-berry": "yarn install --immutable", "pnpm": "pnpm install --frozen-lockfile",
    "bun": "bun install --frozen-lockfile",
}  # fmt: skip
"""The commands of ``node/install-packages``, by its parameter ``pkg-manager``."""
_HOME: Final = "/~home"


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """The YAML files of ``.circleci``."""
    folder, _, name = path.rpartition("/")
    return "/.circleci/" in f"/{folder}/" and name.endswith((".yml", ".yaml"))


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Every job and every command."""
    file = read_yaml(path, data)
    found = ShellFollower(path=path, context=context, ci=True, knows_ci=True)
    tracked = context.tracked()
    for root in file.documents:
        config = _Config(file, root, found, tracked)
        for key in ("jobs", "commands"):
            table = root.get(key)
            for body in table.table().values() if table else ():
                config.job(body)
    return found.reports.finish()


class _Config:
    def __init__(
        self, file: YamlFile, root: Node, follower: ShellFollower, tracked: Tracked
    ) -> None:
        self.file = file
        self.follower = follower
        self.tracked = tracked
        self.budget = NodeBudget(file.path)
        executors = root.get("executors")
        self.executors = executors.table() if executors else {}

    def job(self, body: Node) -> None:
        """The steps of a job, or of a command."""
        settings = [body]
        executor = body.get("executor")
        name = executor.text or executor.scalar("name") if executor else None
        if name in self.executors:
            settings.insert(0, self.executors[name or ""])
        variables: dict[str, Value] = {"CI": ("true",)}
        folder = None
        for node in settings:
            variables |= self._environment(node.get("environment"))
            folder = node.scalar("working_directory") or folder
        home = folder or "~/project"
        top = _place(home, "/")
        disk = Disk([Copied(self.tracked, "", top)])
        parameters = body.get("parameters")
        defaults = {
            key: default
            for key, node in (parameters.table().items() if parameters else ())
            if (default := node.scalar("default")) is not None
        }
        for step in _steps(body.get("steps"), self.budget):
            self._step(step, disk, top, variables, defaults)

    def _environment(self, node: Node | None) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for each in (node.items or [node]) if node else ():
            for name, value in each.table().items():
                if value.text is not None:
                    found[name] = (value.text,)
                    self.follower.reports.variable(name, (value.text,), value.line)
        return found

    def _step(
        self,
        step: Node,
        disk: Disk,
        top: str,
        variables: dict[str, Value],
        defaults: dict[str, str],
    ) -> None:
        checkout = step.get("checkout")
        if checkout is not None and checkout.scalar("path"):
            disk.put(Copied(self.tracked, "", _place(checkout.scalar("path") or "", top)))
        run = step.get("run")
        if run is None:
            self._of_orb(step, State(disk=disk, cwd=(top,), home=_HOME, variables=dict(variables)))
            return
        command = run if run.text is not None else run.get("command")
        if command is None or command.text is None:
            return
        own = variables | self._environment(run.get("environment"))
        state = State(disk=disk, cwd=(top,), home=_HOME, variables=dict(own), exported=set(own))
        folder = run.scalar("working_directory")
        if folder:
            state.cwd = (
                _place(
                    defaults.get(folder.strip("<> ").removeprefix("parameters.").strip(), folder),
                    top,
                ),
            )

        def resolve(name: str) -> tuple[str, ...] | None:
            text = defaults.get(name.removeprefix("parameters."))
            return None if text is None else (text,)

        for source in filled(
            self.file.source(command),
            _TEMPLATES if "<< " in command.text or "<<p" in command.text else _none,
            resolve,
        ):
            self.follower.run(source, state.fork())
        self.follower.shell.functions.clear()

    def _of_orb(self, step: Node, state: State) -> None:
        """Judge a step of an orb: CircleCI's own that installs, and parameters whose values are commands."""
        state.exported = set(state.variables)
        for name, given in step.table().items():
            if "/" not in name or given.pairs is None:
                continue
            table = given.table()
            folder = given.scalar("app-dir") or given.scalar("app_dir")
            inner = state.fork()
            if folder:
                inner.enter((_place(folder, state.cwd[0]),))
            commands = {key: node for key, node in table.items() if "command" in key and node.text}
            for node in commands.values():
                self.follower.run(self.file.source(node), inner.fork())
            if name.endswith("/install-packages") and "override-ci-command" not in commands:
                manager = given.scalar("pkg-manager") or "npm"
                text = _INSTALLS.get(manager, "npm ci")
                self.follower.run(Source(text, ((0, given.line),)), inner)


def _none(text: str) -> Iterator[tuple[int, int, str]]:  # noqa: ARG001
    return iter(())


def _steps(node: Node | None, budget: NodeBudget) -> Iterator[Node]:
    """The steps, also those within ``when``, ``unless`` and lists."""
    stack = list(reversed(node.items or ())) if node else []
    while stack:
        item = stack.pop()
        budget.spend(item)
        if item.pairs is not None:
            yield item
        for key in ("when", "unless") if item.pairs is not None else ():
            inner = item.get(key)
            steps = inner.get("steps") if inner is not None else None
            stack.extend(reversed((steps.items or ()) if steps else ()))
        stack.extend(reversed(item.items or ()))


def _place(folder: str, top: str) -> str:
    """The place of a job's directory; ``~`` is the home of the user who runs the job."""
    from npm_vetted.installs.context.disk import resolve

    if folder == "~" or folder.startswith("~/"):
        return resolve(_HOME, folder[2:] or ".")
    if folder in ("", "."):
        return top
    return resolve(top if top != "/" else CHECKOUT, folder)
