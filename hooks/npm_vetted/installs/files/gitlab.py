"""GitLab CI: ``.gitlab-ci.yml`` and what it includes; ``extends``, ``default``, ``!reference``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from npm_vetted.formats.shell_text import Value, either, word_set
from npm_vetted.installs import Context
from npm_vetted.installs.context.disk import CHECKOUT, Disk
from npm_vetted.installs.files._yaml_nodes import Node, NodeBudget, YamlFile, read_yaml, scalars
from npm_vetted.installs.shell.follower import ShellFollower, base_state
from npm_vetted.installs.shell.source import Source, joined
from npm_vetted.model import Problem

_KEYWORDS: Final = word_set(
    "default include stages variables workflow image services cache before_script after_script "
    "spec pages:deploy"
)


def recognises(path: str, head: bytes) -> bool:
    """``.gitlab-ci.yml``, ``*.gitlab-ci.yml``, the files below ``.gitlab/``, and components."""
    folder, _, name = path.rpartition("/")
    if not name.endswith((".yml", ".yaml")):
        return False
    if path.startswith("templates/") and head.startswith(b"spec:"):
        return True
    below = (
        "/.gitlab/" in f"/{folder}/"
        or "/.gitlab-ci/" in f"/{folder}/"
        or "/gitlab-ci/" in f"/{folder}/"
    )
    return below or name.removesuffix(".yaml").removesuffix(".yml").endswith("gitlab-ci")


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Judge every job: its ``before_script``, its ``script`` and its ``after_script``."""
    file = read_yaml(path, data)
    found = ShellFollower(path=path, context=context, ci=True, knows_ci=True)
    for root in file.documents:
        _Pipeline(file, root, found, context).judge_all()
    return found.reports.finish()


class _Pipeline:
    def __init__(
        self, file: YamlFile, root: Node, follower: ShellFollower, context: Context
    ) -> None:
        self.file = file
        self.root = root.table()
        self.budget = NodeBudget(file.path)
        self.follower = follower
        self.context = context
        default = self.root.get("default")
        self.default = {**self.root, **(default.table() if default else {})}

    def judge_all(self) -> None:
        """Every job and every template."""
        shared = self._variables(self.root.get("variables"))
        jobs = [
            name
            for name, node in self.root.items()
            if name not in _KEYWORDS and node.pairs is not None
        ]
        if not jobs:  # a file that others include
            self._run(self._lines(self.default.get("before_script")), shared)
        for name in jobs:
            job = self._extended(name)
            variables = {**shared, **self._variables(job.get("variables"))}
            variables |= self._matrix(job.get("parallel"))
            hooks = job.get("hooks") or self.default.get("hooks")
            first = hooks.get("pre_get_sources_script") if hooks else None
            self._run(self._lines(first), variables)
            before = job.get("before_script") or self.default.get("before_script")
            after = job.get("after_script") or self.default.get("after_script")
            lines = [*self._lines(before), *self._lines(job.get("script"))]
            self._run(lines, variables)
            self._run(self._lines(after), variables)

    def _variables(self, node: Node | None) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for name, value in node.table().items() if node else ():
            text = value.text if value.text is not None else value.scalar("value")
            if text is not None:
                found[name] = (text,)
                self.follower.reports.variable(name, (text,), value.line)
        return found

    def _matrix(self, parallel: Node | None) -> dict[str, Value]:
        """The variables of ``parallel: matrix``, each with all of its values."""
        matrix = parallel.get("matrix") if parallel else None
        found: dict[str, Value] = {}
        for entry in (matrix.items or ()) if matrix else ():
            for name, node in entry.table().items():
                values = either(*((each.text or "",) for each in scalars(node)))
                found[name] = either(found.get(name, ()), values) if name in found else values
                self.follower.reports.variable(name, values, node.line)
        return found

    def _extended(self, name: str) -> dict[str, Node]:
        """A job and the jobs that it extends, the nearest first."""
        found: dict[str, Node] = {}
        queue: list[str] = [name]
        seen: set[str] = set()
        while queue and len(seen) < 50:
            each = queue.pop(0)
            if each in seen or each not in self.root:
                continue
            seen.add(each)
            table = self.root[each].table()
            for key, value in table.items():
                found.setdefault(key, value)
            parents = table.get("extends")
            if parents is not None:
                names = [parents.text] if parents.text else [i.text for i in parents.items or ()]
                queue.extend(each for each in reversed(names) if each)
        return found

    def _lines(self, node: Node | None) -> list[Source]:
        """The lines of a script: a text, a list, lists within it, references to other jobs."""
        found: list[Source] = []
        stack = [] if node is None else [node]
        while stack:
            each = stack.pop()
            self.budget.spend(each)
            if each.tag == "!reference" and each.items:
                target = self._referred(each.items)
                stack.extend([target] if target else [])
            elif each.text is not None:
                found.append(self.file.source(each))
            else:
                stack.extend(reversed(each.items or ()))
        return found

    def _referred(self, names: Sequence[Node]) -> Node | None:
        target: Node | None = None
        for index, item in enumerate(names):
            table = self.root if index == 0 else target.table() if target else {}
            target = table.get(item.text or "")
        return target

    def _run(self, lines: list[Source], variables: dict[str, Value]) -> None:
        if not lines:
            return
        parts: list[tuple[str, int]] = []
        for source in lines:
            offset = 0
            for text in source.text.split("\n"):
                parts.append((text + "\n", source.line(offset)))
                offset += len(text) + 1
        state = base_state(self.context, self.follower.path)
        state.script = None
        for name, value in {**variables, "CI": ("true",), "CI_PROJECT_DIR": (CHECKOUT,)}.items():
            state.set(name, value, export=True)
        if variables.get("GIT_STRATEGY") in (("none",), ("empty",)):
            state.disk = Disk()
        self.follower.run(joined(parts), state)
        self.follower.shell.functions.clear()
