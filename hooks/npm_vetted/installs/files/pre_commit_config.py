"""``.pre-commit-config.yaml``: the npm packages that pre-commit installs, with their scripts on.

pre-commit installs ``language: node`` hooks and their ``additional_dependencies`` by npm, outside any
lockfile. Each must be an exact version of a registry package, with a note or an exemption for it.
The package of a remote repository is not checked. The ``entry`` of a local hook is a command line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final

from npm_vetted.installs import Context
from npm_vetted.installs.files._yaml_nodes import Node, YamlFile, every_node, read_yaml, scalars
from npm_vetted.installs.shell.follower import ShellFollower, base_state
from npm_vetted.installs.shell.source import Source
from npm_vetted.installs.shell.state import State
from npm_vetted.model import Location, Problem

_EXACT: Final = re.compile(r"(?:@[^/@\s]+/)?[^/@\s:]+@\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?\Z")
_NPM: Final = re.compile(r"(?:@[^/@\s=<>~!]+/)?[^/@\s=<>~!]+@[^=\s]+\Z")
_SCOPED: Final = re.compile(r"@[^/@\s]+/[^/@\s]+\Z")


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """Whether the file is a ``.pre-commit-config.yaml``; projects below the top may have one too."""
    return path.rpartition("/")[2] in (".pre-commit-config.yaml", ".pre-commit-config.yml")


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Each package that a hook has pre-commit install, and the commands of local hooks."""
    file = read_yaml(path, data)
    found = ShellFollower(path=path, context=context)
    for document in file.documents:
        for node in every_node(document, path):
            if node.pairs is not None and "id" in node.table():
                yield from _of_hook(path, node, context)
                _run(found, file, node, base_state(context, path))
    yield from found.reports.finish()


def _run(found: ShellFollower, file: YamlFile, hook: Node, state: State) -> None:
    """Judge the command of a hook of this repository: it runs at the top, with file names as arguments."""
    entry = hook.get("entry")
    if entry is None or entry.text is None:
        return
    words = [each.text or "" for each in hook.texts("args")]
    source = file.source(entry)
    if words:
        source = Source(f"{source.text} {shlex.join(words)}", source.marks)
    state.script = None
    found.run(source, state)


def _of_hook(path: str, hook: Node, context: Context) -> Iterator[Problem]:
    language = hook.scalar("language")
    listed = hook.get("additional_dependencies")
    for each in scalars(listed) if listed is not None else ():
        package = (each.text or "").strip()
        is_npm = language == "node" or (language is None and _is_npm(package))
        name, _, version = package[1:].partition("@")
        noted = bool(_EXACT.match(package)) and context.noted(package[:1] + name, version)
        if is_npm and package and not noted:
            yield _problem(path, hook.scalar("id") or "", package, each.line)


def _is_npm(package: str) -> bool:
    """Whether a dependency is spelled like npm's; those of pip have ``==``, those of Go a path."""
    return bool(_NPM.match(package) or _SCOPED.match(package)) and "/v" not in package


def _problem(path: str, hook: str, package: str, line: int) -> Problem:
    exact = _EXACT.match(package) is not None
    reason = (
        "and no note covers it"
        if exact
        else "in whatever version is newest: expected an exact version"
    )
    return Problem(
        message=f"the hook {hook} has pre-commit install {package} with its scripts on, {reason}",
        location=Location(path, line),
        code="scripts-run" if exact else "unpinned",
        fix=(("npm-vetted", "note", package, "--criteria", "health"),) if exact else (),
        key=f"{hook}: {package}",
        value=package,
    )
