"""package.json: its scripts, and the git hooks and tasks that tools read from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.document import Document
from npm_vetted.formats.json import load_jsonc
from npm_vetted.installs import Context, mentions_client
from npm_vetted.model import Problem

_TABLES: Final = (
    ("scripts",),
    ("husky", "hooks"),
    ("simple-git-hooks",),
    ("gitHooks",),
    ("lint-staged",),
    ("ghooks",),
    ("config", "ghooks"),
    ("nodemonConfig",),
    ("wireit",),
    ("nx", "targets"),
)


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """Whether the file is a ``package.json`` outside node_modules."""
    return path.rpartition("/")[2] == "package.json" and "node_modules" not in path.split("/")


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Judge each script in the manifest's own folder, independently of the other scripts."""
    document = load_jsonc(path, data)
    commands = [each for each in _commands(document) if mentions_client(each[1].encode())]
    if not commands:
        return
    from npm_vetted.installs.context.disk import CHECKOUT
    from npm_vetted.installs.shell.follower import ShellFollower, base_state
    from npm_vetted.installs.shell.source import Source

    found = ShellFollower(path=path, context=context)
    folder = path.rpartition("/")[0]
    state = base_state(context, path)
    state.cwd = (f"{CHECKOUT}/{folder}" if folder else CHECKOUT,)
    for keys, command in commands:
        found.run(Source(command, ((0, document.line_of(*keys)),)), state.fork())
        found.shell.functions.clear()
    yield from found.reports.finish()


def _commands(document: Document) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each command with the path of keys to it."""
    for keys in _TABLES:
        table: object = document.data
        for key in keys:
            table = table.get(key) if isinstance(table, dict) else None
        for name, value in table.items() if isinstance(table, dict) else ():
            said = value.get("command") if isinstance(value, dict) else value  # wireit, Nx
            for command in said if isinstance(said, list) else [said]:
                if isinstance(command, str):
                    yield (*keys, name), command
