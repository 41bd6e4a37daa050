"""devcontainer.json: the commands that run when the container is made or started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.json import load_jsonc
from npm_vetted.installs import Context
from npm_vetted.installs.shell.follower import ShellFollower, base_state
from npm_vetted.installs.shell.source import Source
from npm_vetted.model import Problem

_COMMANDS: Final = ("initializeCommand", "onCreateCommand", "updateContentCommand",
                    "postCreateCommand", "postStartCommand", "postAttachCommand")  # fmt: skip


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """``devcontainer.json`` and ``.devcontainer.json``, wherever they are."""
    return path.rpartition("/")[2] in ("devcontainer.json", ".devcontainer.json")


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Each command: a text for a shell, a list of words, or a table of either."""
    document = load_jsonc(path, data)
    found = ShellFollower(path=path, context=context)
    table = document.data if isinstance(document.data, dict) else {}
    state = base_state(context, path)
    for block in ("containerEnv", "remoteEnv"):
        variables = table.get(block)
        for name, value in variables.items() if isinstance(variables, dict) else ():
            if isinstance(value, str):
                state.set(name, (value,), export=True)
                found.reports.variable(name, (value,), document.line_of(block, name))
    for key in _COMMANDS:
        for command, line in _commands(table.get(key), document.line_of(key)):
            if isinstance(command, str):
                found.run(Source(command, ((0, line),)), state.fork())
            elif command and all(isinstance(word, str) for word in command):
                found.command(
                    list(command), state.fork(), Source(" ".join(command), ((0, line),)), 0
                )
    return found.reports.finish()


def _commands(value: object, line: int) -> Iterator[tuple[str | list[str], int]]:
    if isinstance(value, dict):
        for each in value.values():
            if isinstance(each, str | list):
                yield each, line
    elif isinstance(value, str | list):
        yield value, line
