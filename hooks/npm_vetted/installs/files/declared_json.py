"""Commands in JSON files of hosts and editors: one line of the table for each kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.document import Document
from npm_vetted.formats.json import load_jsonc
from npm_vetted.installs import Context
from npm_vetted.installs.files._declared import DeclaredCommand, DeclaredKind, file_kind_of, follow
from npm_vetted.installs.files.declared_toml import commands_in
from npm_vetted.model import Problem

_TASKS: Final = "VS Code tasks"
KINDS: Final = (
    DeclaredKind(
        "Vercel", ("vercel.json", "*/vercel.json", "now.json"),
        frozenset({"installCommand", "buildCommand", "devCommand", "ignoreCommand"}), beside=True,
    ),
    DeclaredKind(_TASKS, ("*.vscode/tasks.json",), frozenset()),
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
    """By the path alone."""
    return path.lower().endswith((".json", ".jsonc")) and file_kind_of(KINDS, path) is not None


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Every command under one of the kind's keys; a task of VS Code has words of its own."""
    kind = file_kind_of(KINDS, path)
    assert kind is not None
    document = load_jsonc(path, data)
    if kind.name == _TASKS:
        return follow(kind, path, _tasks(document), context)
    return follow(kind, path, commands_in(kind, document, document.data, ()), context)


def _tasks(document: Document) -> Iterator[DeclaredCommand]:
    """``command`` with ``args``; a task of type npm runs a script of a package.json."""
    data = document.data if isinstance(document.data, dict) else {}
    tasks = data.get("tasks")
    for index, task in enumerate(tasks if isinstance(tasks, list) else ()):
        command = task.get("command") if isinstance(task, dict) else None
        if not isinstance(command, str):
            continue
        args = task.get("args")
        words = [each for each in args if isinstance(each, str)] if isinstance(args, list) else []
        options = task.get("options")
        folder = options.get("cwd") if isinstance(options, dict) else None
        line = document.line_of("tasks", index, "command")
        where = folder.replace("${workspaceFolder}", ".") if isinstance(folder, str) else None
        yield DeclaredCommand([*command.split(), *words] if words else command, line, where)
