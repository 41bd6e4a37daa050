"""Commands in JSON files of hosts and editors: one line of the table for each kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.document import Document
from npm_vetted.formats.json import load_jsonc
from npm_vetted.installs import Context
from npm_vetted.installs.files._declared import (
    DeclaredCommand,
    DeclaredKind,
    DeclaredVariable,
    file_kind_of,
    follow,
)
from npm_vetted.installs.files.declared_toml import commands_in, with_arguments
from npm_vetted.model import Problem

_TASKS: Final = "VS Code tasks"
_SUFFIXES: Final = (".json", ".jsonc", ".code-workspace", ".huskyrc")
KINDS: Final = (
    DeclaredKind(
        "Vercel", ("vercel.json", "*/vercel.json", "now.json"),
        frozenset({"installCommand", "buildCommand", "devCommand", "ignoreCommand"}), beside=True,
        env=frozenset({"env", "build"}),
    ),
    DeclaredKind(
        "VS Code launches", ("*.vscode/launch.json",), frozenset({"command"}),
        words=frozenset({"runtimeExecutable"}), folder="cwd", env=frozenset({"env"}), above=True,
        arguments="runtimeArgs",
    ),
    DeclaredKind(_TASKS, ("*.vscode/tasks.json", "*.code-workspace"), frozenset()),
    DeclaredKind(
        "MCP", (".mcp.json", "*/.mcp.json", "mcp.json", "*/mcp.json", "*.gemini/settings.json"),
        frozenset(), words=frozenset({"command"}), env=frozenset({"env"}),
    ),
    DeclaredKind(
        "Claude Code", ("*.claude/settings*.json", "hooks/hooks.json", "*/hooks/hooks.json"),
        frozenset({"command"}),
    ),
    DeclaredKind(
        "Cursor", ("*.cursor/environment.json", "*.cursor/worktrees.json"),
        frozenset({"install", "start", "command", "setup-worktree*"}),
    ),
    DeclaredKind("Superset", ("*.superset/config.json",), frozenset({"setup", "teardown", "run"})),
    DeclaredKind(
        "CodeSandbox", ("*.codesandbox/tasks.json",), frozenset({"setupTasks", "command"}),
    ),
    DeclaredKind(
        "Zed", ("*.zed/tasks.json",), frozenset(), words=frozenset({"command"}), folder="cwd",
        env=frozenset({"env"}),
    ),
    DeclaredKind(
        "husky", (".huskyrc", ".huskyrc.json"), frozenset(), maps=frozenset({"hooks"}),
    ),
    DeclaredKind(
        "lint-staged", (".lintstagedrc.json", "*/.lintstagedrc.json"), frozenset(), beside=True,
        maps=frozenset({""}),
    ),
    DeclaredKind("command-line.json", ("*common/config/rush/command-line.json",), frozenset({"shellCommand"})),
    DeclaredKind("Lefthook", ("*lefthook.json", "*lefthook-local.json"), frozenset({"run"})),
    DeclaredKind("Heroku", ("app.json",), frozenset({"postdeploy", "pr-predestroy", "test", "test-setup"})),
    DeclaredKind("Firebase", ("firebase.json", "*/firebase.json"),
        frozenset({"predeploy", "postdeploy"}), beside=True,
    ),
    DeclaredKind(
        "Nx", ("project.json", "*/project.json"), frozenset({"command", "commands"}), folder="cwd"
    ),
    DeclaredKind("projen", ("*.projen/tasks.json",), frozenset({"exec"}), folder="cwd", above=True),
    DeclaredKind("AWS CDK", ("cdk.json", "*/cdk.json"), frozenset({"app", "build"}), beside=True),
    DeclaredKind(
        "Wrangler", ("wrangler.json*", "*/wrangler.json*"), frozenset({"command"}), folder="cwd",
        beside=True,
    ),
    DeclaredKind("Railway", ("railway.json",), frozenset({"buildCommand", "startCommand"}), beside=True,
    ),
)  # fmt: skip


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """Whether the table has a kind with this path."""
    return (
        path.lower().endswith((".json", ".jsonc", ".code-workspace", ".huskyrc"))
        and file_kind_of(KINDS, path) is not None
    )


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """The problems of the commands under the kind's keys, and of VS Code's tasks."""
    kind = file_kind_of(KINDS, path)
    assert kind is not None
    document = load_jsonc(path, data)
    if kind.name == _TASKS:
        return follow(kind, path, _tasks(document), context)
    return follow(kind, path, commands_in(kind, document, document.data, ()), context)


def _tasks(document: Document) -> Iterator[DeclaredCommand]:
    """The commands of VS Code's tasks: ``command`` with ``args``, or a script of a package.json (type npm).

    A workspace file has the tasks one table deeper. A task may have another command for each system.
    """
    data = document.data if isinstance(document.data, dict) else {}
    tasks = data.get("tasks")
    keys: tuple[str, ...] = ("tasks",)
    if isinstance(tasks, dict):
        tasks, keys = tasks.get("tasks"), ("tasks", "tasks")
    for index, task in enumerate(tasks if isinstance(tasks, list) else ()):
        if not isinstance(task, dict):
            continue
        for system in ("", "windows", "linux", "osx"):
            said = task.get(system) if system else task
            if isinstance(said, dict):
                inner = (system,) if system else ()
                line = document.line_of(*keys, index, *inner, "command")
                yield from _of_task({**task, **said}, line)


def _of_task(task: dict[str, object], line: int) -> Iterator[DeclaredCommand]:
    command = task.get("command")
    options = task.get("options")
    options = options if isinstance(options, dict) else {}
    folder, env = options.get("cwd"), options.get("env")
    variables = tuple(
        DeclaredVariable(name, (value,), line)
        for name, value in (env.items() if isinstance(env, dict) else ())
        if isinstance(value, str)
    )
    where = folder.replace("${workspaceFolder}", ".") if isinstance(folder, str) else None
    text = with_arguments(command, task.get("args")) if isinstance(command, str) else ""
    yield DeclaredCommand(text, line, where, variables=variables)
