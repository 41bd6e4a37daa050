"""lefthook.yml: the commands and scripts of git hooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.installs import Context
from npm_vetted.installs.files._yaml_nodes import every_node, read_yaml
from npm_vetted.installs.shell.follower import ShellFollower, base_state, folders_above
from npm_vetted.installs.shell.source import braced, filled
from npm_vetted.model import Problem

_TEMPLATES: Final = braced("{", "}")
_NAMES: Final = ("lefthook", "lefthook-local", ".lefthook", ".lefthook-local")


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """``lefthook.yml`` and its local and hidden variants."""
    name = path.rpartition("/")[2]
    stem, _, suffix = name.rpartition(".")
    return stem in _NAMES and suffix in ("yml", "yaml")


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Every ``run``, at the top of the repository or in its ``root``.

    A file further down is a package's own: its commands may be meant for the package's folder.
    """
    file = read_yaml(path, data)
    found = ShellFollower(path=path, context=context)
    for document in file.documents:
        for node in every_node(document, path):
            run = node.get("run") if node.pairs is not None else None
            if run is None or run.text is None:
                continue
            state = base_state(context, path)
            state.guesses = folders_above(path)
            env = node.get("env")
            for name, value in env.table().items() if env else ():
                state.set(name, (value.text or "",), export=True)
                found.reports.variable(name, (value.text or "",), value.line)
            if root := node.scalar("root"):
                state.enter((root,))
            source = file.source(run)
            files = any(
                f"{{{word}" in source.text for word in ("staged", "all", "push", "files", "0", "1")
            )
            for one in filled(source, _TEMPLATES, lambda _: ("FILES",)) if files else [source]:
                found.run(one, state)
    return found.reports.finish()
